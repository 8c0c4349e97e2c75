package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/triage/action"
)

// Sender sends approved requests. Each has a connection of its own, so that the
// transport never repeats one by itself, and no redirect is followed.
type Sender struct{ http *http.Client }

var _ action.Sender = (*Sender)(nil)

// NewSender returns a Sender that reaches what the guard allows.
func NewSender(guard egress.Guard) *Sender {
	return &Sender{&http.Client{
		Transport: &http.Transport{
			DialContext: guard.Dialer().DialContext, Proxy: nil, DisableCompression: true, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answerLimit is how much of an answer is read, in bytes. It is for people only.
// The text of one that is longer, or breaks off, is left out: a secret in it could
// be cut, and would then not be found to be hidden.
const answerLimit = 64 << 10

// Send implements action.Sender.
func (s *Sender) Send(ctx context.Context, r action.Request) (action.Answer, error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return action.Answer{}, fmt.Errorf("%w: %w", action.ErrNotSent, err)
	}
	for _, h := range r.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	response, err := s.http.Do(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		if !connected.Load() {
			return action.Answer{}, fmt.Errorf("%w. %s", action.ErrNotSent, Explain(err))
		}
		return action.Answer{}, fmt.Errorf("the request was sent, but the answer was lost. %s", Explain(err))
	}
	defer response.Body.Close()
	answer := action.Answer{Status: response.StatusCode, RetryAfter: retryAfter(response.Header.Get("Retry-After"))}
	// The status says what became of it; whatever the rest is does not change that.
	if body, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1)); err == nil && len(body) <= answerLimit && utf8.Valid(body) {
		answer.Text = string(body)
	}
	return answer, nil
}
