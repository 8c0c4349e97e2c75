package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

type modelKey struct{ day, purpose, model string }

// Spent is what calls of models for one purpose came to.
type Spent struct {
	Purpose      string `db:"purpose"`
	Model        string `db:"model"`
	Calls        int64  `db:"calls"`
	PromptTokens int64  `db:"prompt_tokens"`
	OutputTokens int64  `db:"output_tokens"`
	MicroUSD     int64  `db:"cost_microusd"`
}

func (s *Spent) add(other Spent) {
	s.Calls += other.Calls
	s.PromptTokens += other.PromptTokens
	s.OutputTokens += other.OutputTokens
	s.MicroUSD += other.MicroUSD
}

// Spend notes calls of a model.
func (c *Counter) Spend(s Spent) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spend(modelKey{c.now().UTC().Format(time.DateOnly), s.Purpose, s.Model}, s)
}

func (c *Counter) spend(k modelKey, s Spent) {
	sum := c.spent[k]
	sum.add(s)
	c.spent[k] = sum
}

func queueSpent(batch *pgx.Batch, spent map[modelKey]Spent) {
	for k, s := range spent {
		batch.Queue(`insert into model_usage (day, purpose, model, calls, prompt_tokens, output_tokens, cost_microusd) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (day, purpose, model) do update set calls = model_usage.calls + excluded.calls, prompt_tokens = model_usage.prompt_tokens + excluded.prompt_tokens,
			  output_tokens = model_usage.output_tokens + excluded.output_tokens, cost_microusd = model_usage.cost_microusd + excluded.cost_microusd`,
			k.day, k.purpose, k.model, s.Calls, s.PromptTokens, s.OutputTokens, s.MicroUSD)
	}
}

// SpentSince sums what models were asked for since a day, the dearest first.
func SpentSince(ctx context.Context, tx pgx.Tx, day time.Time) ([]Spent, error) {
	rows, err := tx.Query(ctx, `select purpose, model, sum(calls)::bigint as calls, sum(prompt_tokens)::bigint as prompt_tokens,
		sum(output_tokens)::bigint as output_tokens, sum(cost_microusd)::bigint as cost_microusd
		from model_usage where day >= $1 group by purpose, model order by cost_microusd desc, prompt_tokens desc, purpose, model`, day)
	if err != nil {
		return nil, fmt.Errorf("read use of models: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Spent])
	if err != nil {
		return nil, fmt.Errorf("read use of models: %w", err)
	}
	return list, nil
}
