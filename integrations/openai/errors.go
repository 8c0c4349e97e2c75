package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What callers branch on. Every error of this package that is not the caller's
// own (its context, its emit) is an *Error holding one of them.
var (
	// ErrUnavailable says the server cannot be used now: fall back, try later.
	ErrUnavailable = errors.New("openai: unavailable")
	// ErrBudget says the tenant's tokens are used up.
	ErrBudget = errors.New("openai: token budget used up")
	// ErrRefused says the model or its filter declined.
	ErrRefused = errors.New("openai: refused")
	// ErrInvalid says the request or the answer does not fit the contract.
	ErrInvalid = errors.New("openai: not valid")
)

// Reason says more exactly what happened.
type Reason string

// The reasons.
const (
	ReasonCircuitOpen   Reason = "circuit_open"   // too many failures; not even tried
	ReasonNetwork       Reason = "network"        // no or a broken connection, or no answer in time
	ReasonRateLimited   Reason = "rate_limited"   // 429
	ReasonQuota         Reason = "quota"          // 429 that only a person can end
	ReasonCredentials   Reason = "credentials"    // 401, 403
	ReasonModel         Reason = "model"          // 404: no such model or path
	ReasonServer        Reason = "server"         // 5xx and other failures of the server's own
	ReasonTruncated     Reason = "truncated"      // a stream that ended without saying why
	ReasonBudget        Reason = "budget"         // the port said no
	ReasonRefusal       Reason = "refusal"        // the model declined
	ReasonContentFilter Reason = "content_filter" // the provider's filter
	ReasonLength        Reason = "length"         // the answer was cut at its limit
	ReasonEmpty         Reason = "empty"          // no choice, or one without content
	ReasonContext       Reason = "context_length" // the prompt does not fit the model
	ReasonRequest       Reason = "request"        // the server found the request wrong
	ReasonAnswer        Reason = "answer"         // the answer cannot be read or does not fit its schema
	ReasonDimensions    Reason = "dimensions"     // vectors of another length than the column's
)

// Error is a failure. Its text is for logs, never for customers: it may hold
// words of the server.
type Error struct {
	Kind    error // ErrUnavailable, ErrBudget, ErrRefused or ErrInvalid
	Reason  Reason
	Op      string // compose, classify, embed, probe
	Status  int    // HTTP, where there was one
	Code    string // the server's, where it gave one
	Message string // the server's, shortened, without our key
	After   time.Duration
	Err     error

	param string
	retry bool
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	if e.Op != "" {
		b.WriteString(": " + e.Op)
	}
	b.WriteString(": " + string(e.Reason))
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// wireError is an error body in any of the shapes servers use.
type wireError struct {
	code, message, kind, param string
}

// readError reads an error body: OpenAI's object, a bare string (TEI, Ollama),
// the object without its envelope (older vLLM, Mistral), FastAPI's detail, HTML.
func readError(raw []byte) wireError {
	var body map[string]json.RawMessage
	if json.Unmarshal(raw, &body) != nil {
		text := strings.TrimSpace(string(raw))
		if strings.HasPrefix(text, "<") {
			return wireError{message: "a page instead of an answer"}
		}
		return wireError{message: text}
	}
	inner := body["error"]
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal(inner, &object) == nil && object != nil:
		return wireError{scalar(object["code"]), scalar(object["message"]), scalar(object["type"]), scalar(object["param"])}
	case scalar(inner) != "":
		return wireError{message: scalar(inner), kind: scalar(body["error_type"])}
	case body["detail"] != nil:
		message := scalar(body["detail"])
		if message == "" {
			message = string(body["detail"])
		}
		return wireError{message: message}
	}
	return wireError{scalar(body["code"]), scalar(body["message"]), scalar(body["type"]), scalar(body["param"])}
}

// scalar is a JSON string or number as text, else nothing.
func scalar(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

// failure turns an error answer into an *Error. Status and code decide, never text.
func (t *transport) failure(status int, header http.Header, raw []byte) *Error {
	wire := readError(raw)
	message := wire.message
	if t.key != "" {
		message = strings.ReplaceAll(message, t.key, "…")
	}
	e := &Error{Kind: ErrUnavailable, Reason: ReasonServer, Status: status, Code: wire.code, Message: clip(message, 200), param: wire.param}
	switch {
	case status == http.StatusTooManyRequests && (wire.code == "insufficient_quota" || wire.kind == "insufficient_quota"):
		e.Reason = ReasonQuota
	case status == http.StatusTooManyRequests:
		e.Reason, e.retry, e.After = ReasonRateLimited, true, t.pause(header)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Reason = ReasonCredentials
	case status == http.StatusNotFound:
		e.Reason = ReasonModel
	case status == http.StatusRequestTimeout, status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		e.retry, e.After = true, t.pause(header)
	case wire.code == "content_filter":
		e.Kind, e.Reason = ErrRefused, ReasonContentFilter
	case wire.code == "context_length_exceeded", status == http.StatusRequestEntityTooLarge:
		e.Kind, e.Reason = ErrInvalid, ReasonContext
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		e.Kind, e.Reason = ErrInvalid, ReasonRequest
	}
	return e
}

// pause is how long the server wants us to wait; 0 where it does not say.
func (t *transport) pause(header http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	after := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, at.Sub(t.now()))
	}
	return 0
}

func clip(text string, runes int) string {
	r := []rune(text)
	if len(r) <= runes {
		return text
	}
	return string(r[:runes]) + "…"
}
