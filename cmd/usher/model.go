package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/usage"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/guard"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// newModel reaches the configured model server; nil where no model is named. With
// the built-in engine it is there to be tried only.
func newModel(c config, db *tenantdb.DB, spent *usage.Counter) *openai.Client {
	if c.Engine != "openai" && c.OpenAI.ChatModel == "" && c.OpenAI.EmbeddingModel == "" {
		return nil
	}
	return openai.New(openai.Config{
		BaseURL: c.OpenAI.BaseURL, APIKey: c.OpenAI.APIKey, ChatModel: c.OpenAI.ChatModel, EmbeddingModel: c.OpenAI.EmbeddingModel,
		Timeout: c.OpenAI.Timeout, Budget: newBudget(db, c.OpenAI.DailyTokens),
		Price: openai.Price{Prompt: c.OpenAI.PricePrompt, Output: c.OpenAI.PriceOutput, Embedding: c.OpenAI.PriceEmbedding},
		Meter: func(purpose openai.Purpose, model string, used triage.Usage) {
			spent.Spend(usage.Spent{
				Purpose: string(purpose), Model: model, Calls: 1, PromptTokens: int64(used.PromptTokens), OutputTokens: int64(used.OutputTokens), MicroUSD: used.MicroUSD,
			})
		},
		Mask: func(text string) (string, func(string) string) {
			masked, vault := guard.Mask(text)
			return masked, vault.Restore
		},
	})
}

// embedders are the external ones that are configured.
func embedders(c config, client *openai.Client) ([]knowledge.Embedder, error) {
	if client == nil || c.OpenAI.EmbeddingModel == "" {
		return nil, nil
	}
	embedder, err := openai.Embedder(client, c.OpenAI.EmbeddingDimensions)
	if err != nil {
		return nil, fmt.Errorf("USHER_OPENAI_EMBEDDING_MODEL: %w", err)
	}
	return []knowledge.Embedder{embedder}, nil
}

// modelFirst classifies with the model and falls back on the built-in engine:
// whatever goes wrong outside, a message is classified.
type modelFirst struct {
	model   assistant.Classifier
	builtin assistant.Classifier
	log     *slog.Logger
}

func (m modelFirst) Classify(ctx context.Context, in assistant.ClassifyInput) (triage.Classification, error) {
	builtin, err := m.builtin.Classify(ctx, in)
	if err != nil || builtin.Route == taxonomy.RouteAcknowledge {
		return builtin, err // a greeting needs no model
	}
	c, err := m.model.Classify(openai.WithTenant(ctx, in.TenantID), in)
	if err != nil {
		if !errors.Is(err, openai.ErrBudget) {
			m.log.WarnContext(ctx, "the model did not classify, the built-in engine did", "error", err, "tenant_id", in.TenantID)
		}
		return builtin, nil
	}
	if builtin.Corrected {
		c.Intent, c.Route, c.Confidence, c.Team, c.ProductArea = builtin.Intent, builtin.Route, builtin.Confidence, builtin.Team, builtin.ProductArea
		c.Corrected, c.Explanation = true, append(c.Explanation, builtin.Explanation...) // people know better than either
	}
	// A model may find more that is urgent or sensitive, never less.
	if builtin.Priority == triage.PriorityUrgent {
		c.Priority = builtin.Priority
	}
	c.Sensitive = c.Sensitive || builtin.Sensitive
	return c, nil
}

// forTenant names the tenant a model call is made for.
type forTenant struct{ assistant.FromKnowledge }

func (f forTenant) Answer(ctx context.Context, in assistant.AnswerRequest, emit func(text string) error) (assistant.AnswerReply, error) {
	return f.FromKnowledge.Answer(openai.WithTenant(ctx, in.Asker.TenantID), in, emit)
}

// budget limits a tenant's tokens per day. The count starts from what decisions
// of the day have used and is kept in this process; several processes together
// may go over by what they use within one restart.
type budget struct {
	db    *tenantdb.DB
	limit int
	now   func() time.Time

	mu   sync.Mutex
	day  string
	used map[uuid.UUID]int
}

func newBudget(db *tenantdb.DB, limit int) *budget {
	return &budget{db: db, limit: limit, now: time.Now}
}

// errModelOff says a tenant has the model switched off.
var errModelOff = errors.New("the model is switched off for this tenant")

// Allow implements openai.Budget.
func (b *budget) Allow(ctx context.Context, tenant uuid.UUID, tokens int) error {
	if tenant == uuid.Nil {
		return nil // indexing: bounded by the articles
	}
	day := b.now().UTC().Format(time.DateOnly)
	used, known := b.count(day, tenant)
	if !known {
		var enabled bool
		err := b.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select model_enabled, coalesce((select sum(prompt_tokens + output_tokens) from decisions
				where tenant_id = $1 and created_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc'), 0)::int
				from tenants where id = $1`, tenant).Scan(&enabled, &used)
		})
		if err != nil {
			return fmt.Errorf("read token budget: %w", err)
		}
		if !enabled {
			return errModelOff
		}
	}
	if used+tokens > b.limit {
		return fmt.Errorf("%d of %d tokens are used today", used, b.limit)
	}
	b.add(day, tenant, used, tokens)
	return nil
}

func (b *budget) count(day string, tenant uuid.UUID) (int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.day != day {
		b.day, b.used = day, map[uuid.UUID]int{}
	}
	used, known := b.used[tenant]
	return used, known
}

func (b *budget) add(day string, tenant uuid.UUID, start, tokens int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.day == day {
		if _, known := b.used[tenant]; !known {
			b.used[tenant] = start
		}
		b.used[tenant] += tokens
	}
}

// Settle implements openai.Settler.
func (b *budget) Settle(_ context.Context, tenant uuid.UUID, difference int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.used[tenant]; known {
		b.used[tenant] = max(0, b.used[tenant]+difference)
	}
}

// taxonomyValues reads the values a model chooses from.
func taxonomyValues(db *tenantdb.DB) func(context.Context) ([]taxonomy.Value, error) {
	return func(ctx context.Context) ([]taxonomy.Value, error) {
		set, err := taxonomy.Load(ctx, db.Pool())
		return set.Values, err
	}
}

// dimensionsOf is the vector length of well-known embedding models.
func dimensionsOf(model string) int {
	return cmp.Or(map[string]int{"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536, "nomic-embed-text": 768, "bge-m3": 1024}[model], 768)
}
