package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	sdk "github.com/sashabaranov/go-openai"
	"github.com/sony/gobreaker/v2"

	"github.com/usherdesk/usher/triage"
)

// Config reaches one server.
type Config struct {
	BaseURL        string // default https://api.openai.com/v1
	APIKey         string // may be empty for servers of one's own
	ChatModel      string
	EmbeddingModel string
	Timeout        time.Duration // of one call with its retries; default 30 s
	MaxRetries     int           // default 2; negative: none
	HTTP           *http.Client
	// Mask hides what identifies people before a text leaves; restore puts it back
	// into an answer to that text. nil: nothing is masked.
	Mask   func(text string) (masked string, restore func(string) string)
	Budget Budget // nil: no limit
	// Meter hears of every call that used tokens, and what it was for. nil: nobody does.
	Meter    func(purpose Purpose, model string, used triage.Usage)
	Price    Price         // for the cost of usages; zero: no cost is counted
	Cooldown time.Duration // how long the circuit stays open; default 30 s
	Now      func() time.Time
}

// Price is in US dollars per million tokens.
type Price struct{ Prompt, Output, Embedding float64 }

// usage counts tokens and what they cost: a dollar per million is a millionth
// of a dollar each.
func (c *Client) usage(prompt, output int) triage.Usage {
	cost := float64(prompt)*c.config.Price.Prompt + float64(output)*c.config.Price.Output
	return triage.Usage{PromptTokens: prompt, OutputTokens: output, MicroUSD: int64(math.Ceil(cost))}
}

// embedded is the usage of a call for vectors.
func (c *Client) embedded(tokens int) triage.Usage {
	return triage.Usage{PromptTokens: tokens, MicroUSD: int64(math.Ceil(float64(tokens) * c.config.Price.Embedding))}
}

// Purpose is what a call is for.
type Purpose string

// The purposes.
const (
	ForClassification  Purpose = "classification"
	ForAnswer          Purpose = "answer"
	ForQuestionVectors Purpose = "question_vectors"
	ForArticleVectors  Purpose = "article_vectors"
	ForTrial           Purpose = "trial" // whatever is called under AsTrial
)

type trialKey struct{}

// AsTrial says that calls under the context only try what would be.
func AsTrial(ctx context.Context) context.Context { return context.WithValue(ctx, trialKey{}, true) }

func (c *Client) meter(ctx context.Context, purpose Purpose, model string, used triage.Usage) {
	if c.config.Meter == nil || used == (triage.Usage{}) {
		return
	}
	if ctx.Value(trialKey{}) != nil {
		purpose = ForTrial
	}
	c.config.Meter(purpose, model, used)
}

// trips is how many calls in a row must fail before the circuit opens.
const trips = 5

// Client calls one server. Safe for concurrent use.
type Client struct {
	config    Config
	api       *sdk.Client
	chat      *gobreaker.CircuitBreaker[struct{}]
	embedding *gobreaker.CircuitBreaker[struct{}]
}

// New returns a Client. It does not call the server; see Probe.
func New(c Config) *Client {
	c.BaseURL = strings.TrimSuffix(cmp.Or(c.BaseURL, "https://api.openai.com/v1"), "/")
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.MaxRetries = cmp.Or(c.MaxRetries, 2)
	c.Cooldown = cmp.Or(c.Cooldown, 30*time.Second)
	if c.HTTP == nil {
		c.HTTP = &http.Client{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Mask == nil {
		c.Mask = func(text string) (string, func(string) string) { return text, func(s string) string { return s } }
	}
	config := sdk.DefaultConfig(c.APIKey)
	config.BaseURL = c.BaseURL
	config.HTTPClient = &transport{http: c.HTTP, key: c.APIKey, retries: c.MaxRetries, now: c.Now}
	config.EmptyMessagesLimit = 1 << 20 // keep-alive comments count as empty messages
	return &Client{config: c, api: sdk.NewClientWithConfig(config), chat: breaker("chat", c.Cooldown), embedding: breaker("embedding", c.Cooldown)}
}

func breaker(name string, cooldown time.Duration) *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: cooldown,
		ReadyToTrip:  func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= trips },
		IsSuccessful: func(err error) bool { return !errors.Is(err, ErrUnavailable) },
		IsExcluded: func(err error) bool { // the caller's own: says nothing about the server
			var failure *Error
			return err != nil && !errors.As(err, &failure)
		},
	})
}

// guard runs a call within the circuit and the time-out, and types its error.
func (c *Client) guard(ctx context.Context, circuit *gobreaker.CircuitBreaker[struct{}], op string, call func(ctx context.Context) error) error {
	_, err := circuit.Execute(func() (struct{}, error) {
		limited, cancel := context.WithTimeoutCause(ctx, c.config.Timeout, fmt.Errorf("no answer within %s", c.config.Timeout))
		defer cancel()
		err := call(limited)
		var failure *Error
		var own *callerError
		switch {
		case err == nil:
			return struct{}{}, nil
		case errors.As(err, &own):
			return struct{}{}, own.error
		case ctx.Err() != nil:
			return struct{}{}, fmt.Errorf("openai: %s: %w", op, context.Cause(ctx))
		case errors.As(err, &failure):
			failure.Op = op
			return struct{}{}, failure
		}
		return struct{}{}, &Error{Kind: ErrUnavailable, Reason: ReasonNetwork, Op: op, Err: errors.Join(err, context.Cause(limited))}
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return &Error{Kind: ErrUnavailable, Reason: ReasonCircuitOpen, Op: op, Err: err}
	}
	return err
}

// callerError is an error of the caller's emit: it passes through as it is.
type callerError struct{ error }

// completion is what a chat call said.
type completion struct {
	text  string
	model string
	usage triage.Usage
}

// complete asks for one whole answer.
func (c *Client) complete(ctx context.Context, op string, request sdk.ChatCompletionRequest) (out completion, err error) {
	err = c.guard(ctx, c.chat, op, func(ctx context.Context) error {
		answer, err := c.api.CreateChatCompletion(ctx, request)
		if err != nil {
			return unreadable(err)
		}
		out.model = answer.Model
		out.usage = c.usage(answer.Usage.PromptTokens, answer.Usage.CompletionTokens)
		if len(answer.Choices) == 0 {
			return &Error{Kind: ErrInvalid, Reason: ReasonEmpty}
		}
		choice := answer.Choices[0]
		if err := ended(string(choice.FinishReason), choice.Message.Refusal); err != nil {
			return err
		}
		out.text = choice.Message.Content
		if strings.TrimSpace(out.text) == "" {
			return &Error{Kind: ErrInvalid, Reason: ReasonEmpty}
		}
		return nil
	})
	return out, err
}

// stream passes the pieces of an answer to each. What each returns ends it.
func (c *Client) stream(ctx context.Context, op string, request sdk.ChatCompletionRequest, each func(piece string) error) (out completion, err error) {
	request.StreamOptions = &sdk.StreamOptions{IncludeUsage: true}
	err = c.guard(ctx, c.chat, op, func(ctx context.Context) error {
		stream, err := c.api.CreateChatCompletionStream(ctx, request)
		if err != nil {
			return unreadable(err)
		}
		defer stream.Close()
		finish, refusal, text := "", "", strings.Builder{}
		defer func() { out.text = text.String() }()
		for {
			// The raw line, because the SDK takes an error frame with a space in it for a chunk.
			raw, err := stream.RecvRaw()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return broken(err)
			}
			var chunk struct {
				sdk.ChatCompletionStreamResponse
				Error json.RawMessage `json:"error"`
			}
			if err := json.Unmarshal(raw, &chunk); err != nil {
				return broken(err)
			}
			if len(chunk.Error) > 0 && string(chunk.Error) != "null" {
				wire := readError(raw)
				return &Error{Kind: ErrUnavailable, Reason: ReasonServer, Code: wire.code, Message: clip(wire.message, 200)}
			}
			out.model = cmp.Or(chunk.Model, out.model)
			if chunk.Usage != nil {
				out.usage = c.usage(chunk.Usage.PromptTokens, chunk.Usage.CompletionTokens)
			}
			if len(chunk.Choices) == 0 { // usage, or Azure's filter report
				continue
			}
			choice := chunk.Choices[0]
			refusal += choice.Delta.Refusal
			finish = cmp.Or(string(choice.FinishReason), finish)
			if choice.Delta.Content == "" {
				continue
			}
			text.WriteString(choice.Delta.Content)
			if err := each(choice.Delta.Content); err != nil {
				return &callerError{err}
			}
		}
		if finish == "" && refusal == "" {
			return &Error{Kind: ErrUnavailable, Reason: ReasonTruncated}
		}
		if err := ended(finish, refusal); err != nil {
			return err
		}
		if strings.TrimSpace(text.String()) == "" {
			return &Error{Kind: ErrInvalid, Reason: ReasonEmpty}
		}
		return nil
	})
	return out, err
}

// ended judges why an answer ended.
func ended(finish, refusal string) error {
	switch {
	case refusal != "":
		return &Error{Kind: ErrRefused, Reason: ReasonRefusal}
	case finish == string(sdk.FinishReasonContentFilter):
		return &Error{Kind: ErrRefused, Reason: ReasonContentFilter}
	case finish == string(sdk.FinishReasonLength):
		return &Error{Kind: ErrInvalid, Reason: ReasonLength}
	}
	return nil
}

// unreadable types what the SDK says of an answer it could not decode; failures
// of the transport are typed already.
func unreadable(err error) error {
	var failure *Error
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &syntax), errors.As(err, &mismatch), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Kind: ErrUnavailable, Reason: ReasonAnswer, Err: err}
	}
	return err
}

// broken types the end of a stream in its middle.
func broken(err error) error {
	var reported *sdk.APIError
	if errors.As(err, &reported) {
		return &Error{Kind: ErrUnavailable, Reason: ReasonServer, Code: fmt.Sprint(reported.Code), Message: clip(reported.Message, 200)}
	}
	return &Error{Kind: ErrUnavailable, Reason: ReasonTruncated, Err: err}
}
