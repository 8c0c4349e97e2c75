package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	c = together(c, builtin)
	// A model may find more that is urgent or sensitive, never less.
	if builtin.Priority == triage.PriorityUrgent {
		c.Priority = builtin.Priority
	}
	c.Sensitive = c.Sensitive || builtin.Sensitive
	return c, nil
}

// improbable is the calibrated probability below which the built-in engine, sure
// of another intent, is not overruled by a model's word.
const improbable = 0.05

// together is what a model says with what it cannot know: how probable the intent
// is, which the built-in engine has learned to say and a model only claims, and
// what both read off the text alike.
func together(c, builtin triage.Classification) triage.Classification {
	c.Entities = builtin.Entities
	own := c.Intent
	c.Confidence = 0
	for _, l := range builtin.Labels {
		if l.Value == own {
			c.Confidence = l.Score
		}
	}
	if own == builtin.Intent {
		c.Confidence = builtin.Confidence
	}
	// People know better than either; and a model's mere word sends nobody elsewhere
	// than a sure built-in engine would, except to people.
	overruled := builtin.Intent != "" && c.Confidence < improbable && c.Route != taxonomy.RouteEscalate
	c.Explanation = builtin.Explanation
	if builtin.Corrected || own == builtin.Intent || overruled {
		c.Intent, c.Route, c.Confidence, c.Team, c.ProductArea = builtin.Intent, builtin.Route, builtin.Confidence, builtin.Team, builtin.ProductArea
		c.Corrected = builtin.Corrected
		if own != builtin.Intent {
			c.Explanation = append(slices.Clone(c.Explanation), "the model said "+cmp.Or(own, "none fits"))
		}
	} else {
		c.ProductArea = cmp.Or(c.ProductArea, builtin.ProductArea)
		c.Explanation = []string{"the model said " + cmp.Or(own, "none fits") + ", the built-in engine " + cmp.Or(builtin.Intent, "that none fits")}
	}
	c.Labels = builtin.Labels
	if c.Intent != "" && !slices.ContainsFunc(c.Labels, func(l triage.Label) bool { return l.Value == c.Intent }) {
		c.Labels = append(slices.Clone(c.Labels), triage.Label{Value: c.Intent, Score: c.Confidence})
	}
	return c
}

// forTenant names the tenant a model call is made for.
type forTenant struct{ assistant.FromKnowledge }

func (f forTenant) Answer(ctx context.Context, in assistant.AnswerRequest, emit func(text string) error) (assistant.AnswerReply, error) {
	return f.FromKnowledge.Answer(openai.WithTenant(ctx, in.Asker.TenantID), in, emit)
}

// budget limits a tenant's tokens per day. They are counted in the database, by
// all processes together.
type budget struct {
	db    *tenantdb.DB
	limit int // of tenants that have none of their own
	now   func() time.Time
}

func newBudget(db *tenantdb.DB, limit int) *budget {
	return &budget{db: db, limit: limit, now: time.Now}
}

// errModelOff says a tenant has the model switched off.
var errModelOff = errors.New("the model is switched off for this tenant")

// today is the day whose tokens count, in UTC.
func (b *budget) today() string { return b.now().UTC().Format(time.DateOnly) }

// Allow implements openai.Budget: it takes the tokens from the day's, or says why
// not. A tenant's switch and limit hold from the next call on.
func (b *budget) Allow(ctx context.Context, tenant uuid.UUID, tokens int) error {
	if tenant == uuid.Nil {
		return nil // indexing: bounded by the articles
	}
	return b.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		var enabled bool
		var limit int
		err := tx.QueryRow(ctx, `select model_enabled, coalesce(daily_tokens, $2) from tenants where id = $1`, tenant, b.limit).Scan(&enabled, &limit)
		if err != nil {
			return fmt.Errorf("read token budget: %w", err)
		}
		if !enabled {
			return errModelOff
		}
		var used int64
		err = tx.QueryRow(ctx, `
			insert into model_days as d (tenant_id, day, tokens) select $1, $2::date, $3::bigint where $3::bigint <= $4::bigint
			on conflict (tenant_id, day) do update set tokens = d.tokens + $3::bigint where d.tokens + $3::bigint <= $4::bigint
			returning tokens`, tenant, b.today(), int64(tokens), int64(limit)).Scan(&used)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("less than %d of %d tokens are left today", tokens, limit)
		}
		if err != nil {
			return fmt.Errorf("count tokens: %w", err)
		}
		return nil
	})
}

// Settle implements openai.Settler. Where it cannot be written, the day has less
// left than it might.
func (b *budget) Settle(ctx context.Context, tenant uuid.UUID, difference int) {
	if tenant == uuid.Nil || difference == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := b.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update model_days set tokens = greatest(0, tokens + $3::bigint) where tenant_id = $1 and day = $2::date`, tenant, b.today(), int64(difference))
		return err
	})
	if err != nil {
		slog.WarnContext(ctx, "tokens a call left were not given back", "error", err, "tenant_id", tenant)
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
