package openai_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/integrations/openai/openaifake"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/answer"
	"github.com/usherdesk/usher/triage/assistant"
)

func retrying(c *openai.Config) { c.MaxRetries = 2 }

func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		body    string
		kind    error
		reason  openai.Reason
		code    string
		message string
		calls   int // with two retries allowed
	}{
		"rate limit":                       {429, `{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}`, openai.ErrUnavailable, openai.ReasonRateLimited, "rate_limit_exceeded", "slow down", 3},
		"quota used up is not retried":     {429, `{"error":{"message":"pay","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`, openai.ErrUnavailable, openai.ReasonQuota, "insufficient_quota", "pay", 1},
		"a wrong key, which is not logged": {401, `{"error":{"message":"bad key sk-secret","type":"x","param":null,"code":"invalid_api_key"}}`, openai.ErrUnavailable, openai.ReasonCredentials, "invalid_api_key", "bad key …", 1},
		"a model that is not there":        {404, `{"error":{"message":"no","type":"x","param":null,"code":"model_not_found"}}`, openai.ErrUnavailable, openai.ReasonModel, "model_not_found", "no", 1},
		"a string (TEI)":                   {413, `{"error":"batch too big","error_type":"Validation"}`, openai.ErrInvalid, openai.ReasonContext, "", "batch too big", 1},
		"FastAPI's text":                   {422, `{"detail":"nope"}`, openai.ErrInvalid, openai.ReasonRequest, "", "nope", 1},
		"FastAPI's list":                   {422, `{"detail":[{"loc":["body"],"msg":"nope"}]}`, openai.ErrInvalid, openai.ReasonRequest, "", `[{"loc":["body"],"msg":"nope"}]`, 1},
		"no envelope, a number (old vLLM)": {400, `{"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}`, openai.ErrInvalid, openai.ReasonRequest, "400", "bad", 1},
		"loading (llama.cpp)":              {503, `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`, openai.ErrUnavailable, openai.ReasonServer, "503", "Loading model", 3},
		"a page of a proxy":                {502, "<html><h1>Bad Gateway</h1></html>", openai.ErrUnavailable, openai.ReasonServer, "", "a page instead of an answer", 3},
		"nothing at all":                   {500, "", openai.ErrUnavailable, openai.ReasonServer, "", "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := openaifake.New(t)
			fake.Script(func(openaifake.Call) *openaifake.Answer {
				return &openaifake.Answer{Status: c.status, Body: c.body, Header: map[string]string{"Retry-After-Ms": "1"}}
			})
			_, _, err := compose(t, client(fake, retrying), request())
			require.ErrorIs(t, err, c.kind)
			var failure *openai.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, c.reason, failure.Reason)
			require.Equal(t, c.status, failure.Status)
			require.Equal(t, c.code, failure.Code)
			require.Equal(t, c.message, failure.Message)
			require.NotContains(t, err.Error(), "sk-secret")
			require.Len(t, fake.Calls(), c.calls)
		})
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()

	t.Run("the server's pause is kept", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		fake.Queue(openaifake.Answer{Status: 429, Header: map[string]string{"Retry-After": "1"}, Body: `{"error":{"message":"x"}}`})
		began := time.Now()
		_, emitted, err := compose(t, client(fake, retrying), request())
		require.NoError(t, err)
		require.Len(t, emitted, 1)
		require.Len(t, fake.Calls(), 2)
		require.GreaterOrEqual(t, time.Since(began), time.Second)
	})

	t.Run("a pause longer than the time-out is not waited for", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		fake.Queue(openaifake.Answer{Status: 429, Header: map[string]string{"Retry-After": "60"}})
		_, _, err := compose(t, client(fake, retrying), request())
		var failure *openai.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, time.Minute, failure.After)
		require.Len(t, fake.Calls(), 1)
	})

	t.Run("a pause may be a date", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		fake.Queue(openaifake.Answer{Status: 503, Header: map[string]string{"Retry-After": now.Add(90 * time.Second).Format(http.TimeFormat)}})
		_, _, err := compose(t, client(fake, retrying, func(c *openai.Config) { c.Now = func() time.Time { return now } }), request())
		var failure *openai.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, 90*time.Second, failure.After)
	})

	t.Run("a dropped connection is tried again", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		fake.Queue(openaifake.Answer{Drop: true})
		_, emitted, err := compose(t, client(fake, retrying), request())
		require.NoError(t, err)
		require.Len(t, emitted, 1)
	})

	t.Run("no answer in time is unavailable", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		hang := make(chan struct{})
		t.Cleanup(func() { close(hang) })
		fake.Queue(openaifake.Answer{Hang: hang})
		_, _, err := compose(t, client(fake, retrying, func(c *openai.Config) { c.Timeout = 50 * time.Millisecond }), request())
		require.ErrorIs(t, err, openai.ErrUnavailable)
		require.ErrorContains(t, err, "no answer within 50ms")
		require.Len(t, fake.Calls(), 1)
	})
}

func TestTemperatureIsZero(t *testing.T) {
	t.Parallel()

	t.Run("for every model name, as 0 and not left out", func(t *testing.T) {
		t.Parallel()
		for _, model := range []string{"small", "o3-local", "gpt-5-of-our-own"} {
			fake := openaifake.New(t)
			_, _, err := compose(t, client(fake, func(c *openai.Config) { c.ChatModel = model }), request())
			require.NoError(t, err)
			require.Contains(t, fake.Calls()[0].Body, "temperature")
			require.Zero(t, fake.Calls()[0].Body["temperature"])
			require.Contains(t, fake.Calls()[0].Body, "max_completion_tokens")
			require.NotContains(t, fake.Calls()[0].Body, "max_tokens")
		}
	})

	t.Run("until the server says its model takes none", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		fake.Script(func(c openaifake.Call) *openaifake.Answer {
			if c.Body["temperature"] == nil {
				return nil
			}
			return &openaifake.Answer{Status: 400, Body: `{"error":{"message":"only 1","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}`}
		})
		c := client(fake)
		for range 2 {
			_, _, err := compose(t, c, request())
			require.NoError(t, err)
		}
		require.Len(t, fake.Calls(), 3)
	})
}

func TestCircuit(t *testing.T) {
	t.Parallel()
	fake := openaifake.New(t)
	down := openaifake.Answer{Status: 503, Body: "down"}
	fake.Script(func(openaifake.Call) *openaifake.Answer { return &down })
	c := client(fake, func(c *openai.Config) { c.Cooldown = 200 * time.Millisecond })
	for range 5 {
		_, _, err := compose(t, c, request())
		require.ErrorIs(t, err, openai.ErrUnavailable)
	}
	require.Len(t, fake.Calls(), 5)

	_, _, err := compose(t, c, request())
	require.ErrorIs(t, err, openai.ErrUnavailable)
	var failure *openai.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, openai.ReasonCircuitOpen, failure.Reason)
	require.Len(t, fake.Calls(), 5, "an open circuit does not call")

	e, err := openai.Embedder(c, 8)
	require.NoError(t, err)
	fake.Script(nil)
	_, err = e.Embed(t.Context(), knowledge.EmbedQuery, []string{"hello"})
	require.NoError(t, err, "embeddings have a circuit of their own")

	require.Eventually(t, func() bool {
		_, _, err := compose(t, c, request())
		return err == nil
	}, 5*time.Second, 50*time.Millisecond, "the circuit closes again")
}

func TestWrongAnswersDoNotOpenTheCircuit(t *testing.T) {
	t.Parallel()
	fake := openaifake.New(t)
	fake.Script(func(openaifake.Call) *openaifake.Answer { return &openaifake.Answer{Refusal: "no"} })
	c := client(fake)
	for range 8 {
		_, _, err := compose(t, c, request())
		require.ErrorIs(t, err, openai.ErrRefused)
	}
	require.Len(t, fake.Calls(), 8)
}

// ledger is a Budget and Settler.
type ledger struct {
	mu    sync.Mutex
	limit int
	used  map[uuid.UUID]int
}

func (l *ledger) Allow(_ context.Context, tenant uuid.UUID, tokens int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used[tenant]+tokens > l.limit {
		return errors.New("used up for today")
	}
	l.used[tenant] += tokens
	return nil
}

func (l *ledger) Settle(_ context.Context, tenant uuid.UUID, difference int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used[tenant] += difference
}

func TestBudget(t *testing.T) {
	t.Parallel()
	fake := openaifake.New(t)
	rich, poor := uuid.New(), uuid.New()
	budget := &ledger{limit: 100_000, used: map[uuid.UUID]int{poor: 100_000}}
	c := client(fake, func(c *openai.Config) { c.Budget = budget })
	discard := func(answer.Sentence) error { return nil }

	draft, err := openai.Composer(c).Compose(openai.WithTenant(t.Context(), rich), request(), discard)
	require.NoError(t, err)
	require.Equal(t, draft.Usage.PromptTokens+draft.Usage.OutputTokens, budget.used[rich], "what was used, not what was allowed")

	_, err = openai.Composer(c).Compose(openai.WithTenant(t.Context(), poor), request(), discard)
	require.ErrorIs(t, err, openai.ErrBudget)
	_, err = openai.Classifier(c, intents).Classify(t.Context(), assistant.ClassifyInput{TenantID: poor, Text: "hello"})
	require.ErrorIs(t, err, openai.ErrBudget)
	e, err := openai.Embedder(c, 8)
	require.NoError(t, err)
	_, err = e.Embed(openai.WithTenant(t.Context(), poor), knowledge.EmbedQuery, []string{"hello"})
	require.ErrorIs(t, err, openai.ErrBudget)
	require.Len(t, fake.Calls(), 1, "what is not allowed is not called")

	fake.Queue(openaifake.Answer{Status: 500})
	before := budget.used[rich]
	_, err = openai.Composer(c).Compose(openai.WithTenant(t.Context(), rich), request(), discard)
	require.ErrorIs(t, err, openai.ErrUnavailable)
	require.Equal(t, before, budget.used[rich], "a failed call costs nothing")
}

func TestExchangesAreHeldToThePublishedInterface(t *testing.T) {
	t.Parallel()
	fake := openaifake.New(t)
	c := client(fake)
	_, _, err := compose(t, c, request())
	require.NoError(t, err)
	if fake.Validated() == 0 {
		t.Skip("openai.openapi.json is absent; set USHER_TESTDATA to the folder that holds contracts/")
	}
	_, err = openai.Classifier(c, intents).Classify(t.Context(), assistant.ClassifyInput{Text: "hello"})
	require.NoError(t, err)
	require.NoError(t, c.Probe(t.Context(), 8))
	require.EqualValues(t, 4, fake.Validated())
	require.True(t, strings.HasPrefix(fake.BaseURL(), "http://"))
}

func TestEveryCallIsMeteredByWhatItIsFor(t *testing.T) {
	t.Parallel()
	fake := openaifake.New(t)
	type use struct {
		purpose openai.Purpose
		model   string
	}
	heard := map[use]triage.Usage{}
	c := client(fake, func(c *openai.Config) {
		c.Price = openai.Price{Prompt: 2, Output: 8, Embedding: 0.5}
		c.Meter = func(purpose openai.Purpose, model string, used triage.Usage) {
			heard[use{purpose, model}] = heard[use{purpose, model}].Add(used)
		}
	})
	e, err := openai.Embedder(c, 8)
	require.NoError(t, err)
	for kind, texts := range map[knowledge.EmbedKind][]string{knowledge.EmbedQuery: {"hello"}, knowledge.EmbedDocument: {"an article", "and another one"}} {
		_, err = e.Embed(t.Context(), kind, texts)
		require.NoError(t, err)
	}
	discard := func(answer.Sentence) error { return nil }
	draft, err := openai.Composer(c).Compose(t.Context(), request(), discard)
	require.NoError(t, err)
	tried, err := openai.Composer(c).Compose(openai.AsTrial(t.Context()), request(), discard)
	require.NoError(t, err)
	fake.Queue(openaifake.Answer{Status: 400})
	_, err = openai.Composer(c).Compose(t.Context(), request(), discard)
	require.Error(t, err)
	classification, err := openai.Classifier(c, intents).Classify(t.Context(), assistant.ClassifyInput{TenantID: uuid.New(), Text: "hello"})
	require.NoError(t, err)

	chat, vectors := "small", "tiny"
	require.Equal(t, draft.Usage, heard[use{openai.ForAnswer, chat}], "a call that was refused used nothing")
	require.Equal(t, tried.Usage, heard[use{openai.ForTrial, chat}])
	require.Equal(t, classification.Usage, heard[use{openai.ForClassification, chat}])
	question, articles := heard[use{openai.ForQuestionVectors, vectors}], heard[use{openai.ForArticleVectors, vectors}]
	require.Positive(t, question.PromptTokens)
	require.Greater(t, articles.PromptTokens, question.PromptTokens)
	require.EqualValues(t, (articles.PromptTokens+1)/2, articles.MicroUSD, "half a dollar per million, rounded up")
	require.Len(t, heard, 5)
}
