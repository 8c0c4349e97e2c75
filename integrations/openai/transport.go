package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// transport stands between the SDK and HTTP. The SDK loses the headers of failed
// streams, drops a temperature of 0 and knows one shape of error; all three are
// settled here.
type transport struct {
	http    *http.Client
	key     string
	retries int
	now     func() time.Time

	// warm is set once the server has refused a temperature: reasoning models
	// know only their own.
	warm atomic.Bool
}

const maxErrorBody = 64 << 10

// Do sends a request, again where that is allowed, and answers only with
// success; every failure is an *Error or the caller's context's.
func (t *transport) Do(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		raw, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, &Error{Kind: ErrInvalid, Reason: ReasonRequest, Err: err}
		}
		body = raw
	}
	for attempt := 0; ; {
		cold := !t.warm.Load()
		response, failure := t.send(request, body, cold)
		if failure == nil {
			return response, nil
		}
		if cold && failure.Status == http.StatusBadRequest && failure.param == "temperature" {
			t.warm.Store(true)
			continue
		}
		if !failure.retry || attempt >= t.retries {
			return nil, failure
		}
		attempt++
		wait := failure.After
		if wait == 0 {
			wait = 200 * time.Millisecond << attempt
			wait += time.Duration(rand.Int64N(int64(wait) / 2))
		}
		if !sleep(request.Context(), wait) {
			return nil, failure
		}
	}
}

func (t *transport) send(request *http.Request, body []byte, cold bool) (*http.Response, *Error) {
	again := request.Clone(request.Context())
	if body != nil {
		if cold && strings.HasSuffix(request.URL.Path, "/chat/completions") {
			body = withZeroTemperature(body)
		}
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		again.GetBody = nil
	}
	response, err := t.http.Do(again)
	if err != nil {
		return nil, &Error{
			Kind: ErrUnavailable, Reason: ReasonNetwork, retry: request.Context().Err() == nil,
			Err: errors.Join(err, context.Cause(request.Context())),
		}
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	raw, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)) // what arrived is enough to say what is wrong
	return nil, t.failure(response.StatusCode, response.Header, raw)
}

// withZeroTemperature adds what the SDK's omitempty drops.
func withZeroTemperature(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields["temperature"] != nil {
		return body
	}
	fields["temperature"] = json.RawMessage("0")
	out, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return out
}

// sleep waits; false where the context would end first.
func sleep(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
