package rule

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed rules.yaml
var shipped []byte

// Shipped are the rules Usher comes with.
func Shipped() ([]Rule, error) { return Parse(shipped) }

// List reads all rules, switched on or not, by key.
func List(ctx context.Context, tx pgx.Tx) ([]Rule, error) {
	rows, err := tx.Query(ctx, `select body, enabled from onboarding_rules order by key`)
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	rules, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Rule, err error) {
		var body []byte
		var enabled bool
		if err = row.Scan(&body, &enabled); err == nil {
			err = json.Unmarshal(body, &r)
		}
		r.Enabled = enabled
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	return rules, nil
}

// Put stores a rule; its switch is kept when it exists.
func Put(ctx context.Context, tx pgx.Tx, r Rule) error {
	if err := r.Check(); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into onboarding_rules (key, body, enabled) values ($1, $2, $3)
		on conflict (key) do update set body = excluded.body, updated_at = now()`, r.Key, r, r.Enabled)
	if err != nil {
		return fmt.Errorf("store rule: %w", err)
	}
	return nil
}

// Switch turns a rule on or off; false means there is no such rule.
func Switch(ctx context.Context, tx pgx.Tx, key string, on bool) (bool, error) {
	tag, err := tx.Exec(ctx, `update onboarding_rules set enabled = $2, updated_at = now() where key = $1`, key, on)
	if err != nil {
		return false, fmt.Errorf("switch rule: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Seed stores the shipped rules that are not there yet.
func Seed(ctx context.Context, tx pgx.Tx) error {
	rules, err := Shipped()
	if err != nil {
		return err
	}
	for _, r := range rules {
		if _, err := tx.Exec(ctx, `insert into onboarding_rules (key, body) values ($1, $2) on conflict do nothing`, r.Key, r); err != nil {
			return fmt.Errorf("seed rules: %w", err)
		}
	}
	return nil
}

// Do is what an Engine calls for each rule that fires, in the transaction.
type Do func(ctx context.Context, tx pgx.Tx, f Fired) error

// Engine runs rules. The zero value does nothing but remember that it ran.
type Engine struct{ Do Do }

// Run applies the rules to an event in its transaction, on the worker's role. A
// rule that has acted on the subject before does not act again. It returns what
// fired now.
func (e *Engine) Run(ctx context.Context, tx pgx.Tx, event Event) ([]Fired, error) {
	rules, err := List(ctx, tx)
	if err != nil {
		return nil, err
	}
	var fired []Fired
	for _, f := range Try(rules, event) {
		tag, err := tx.Exec(ctx, `insert into onboarding_rule_runs (tenant_id, rule, subject, event, action) values ($1, $2, $3, $4, $5)
			on conflict do nothing`, event.TenantID, f.Rule, event.Subject, event.Kind, f.Action.Kind)
		if err != nil {
			return nil, fmt.Errorf("run rule %s: %w", f.Rule, err)
		}
		if tag.RowsAffected() == 0 {
			continue
		}
		if e.Do != nil {
			if err := e.Do(ctx, tx, f); err != nil {
				return nil, fmt.Errorf("run rule %s: %w", f.Rule, err)
			}
		}
		fired = append(fired, f)
	}
	return fired, nil
}
