package taxonomy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Dimensions a message is classified in.
const (
	Intent      = "intent"
	ProductArea = "product_area"
	Team        = "team"
)

// Routes a value leads to.
const (
	RouteAcknowledge = "acknowledge"
	RouteStatus      = "status"
	RouteAnswer      = "answer"
	RouteClarify     = "clarify"
	RouteEscalate    = "escalate"
)

// ErrValueNotFound says the taxonomy has no such value.
var ErrValueNotFound = errors.New("taxonomy value not found")

// ErrBadValue says a value or example cannot be stored as it is.
var ErrBadValue = errors.New("taxonomy value is not valid")

// Value is one entry of the taxonomy.
type Value struct {
	Dimension   string          `db:"dimension"`
	Value       string          `db:"value"`
	Description string          `db:"description"`
	Route       string          `db:"route"`
	Team        string          `db:"team"`
	ProductArea string          `db:"product_area"`
	Priority    triage.Priority `db:"priority"`
	Sensitive   bool            `db:"sensitive"`
	Enabled     bool            `db:"enabled"`
	UpdatedAt   time.Time       `db:"updated_at"`
}

// Example is a text with the value it stands for.
type Example struct {
	ID        uuid.UUID `db:"id"`
	Dimension string    `db:"dimension"`
	Value     string    `db:"value"`
	Language  string    `db:"language"`
	Text      string    `db:"text"`
	Source    string    `db:"source"` // shipped, curator, correction
	CreatedAt time.Time `db:"created_at"`
}

// Set is the whole taxonomy.
type Set struct {
	Values   []Value
	Examples []Example
}

const valueColumns = `dimension, value, description, route, team, product_area, priority, sensitive, enabled, updated_at`

// Load reads the taxonomy.
func Load(ctx context.Context, q Querier) (Set, error) {
	rows, err := q.Query(ctx, `select `+valueColumns+` from taxonomy_values order by dimension, value`)
	if err != nil {
		return Set{}, fmt.Errorf("read taxonomy: %w", err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowToStructByName[Value])
	if err != nil {
		return Set{}, fmt.Errorf("read taxonomy: %w", err)
	}
	rows, err = q.Query(ctx, `select id, dimension, value, language, text, source, created_at from taxonomy_examples order by dimension, value, id`)
	if err != nil {
		return Set{}, fmt.Errorf("read taxonomy examples: %w", err)
	}
	examples, err := pgx.CollectRows(rows, pgx.RowToStructByName[Example])
	if err != nil {
		return Set{}, fmt.Errorf("read taxonomy examples: %w", err)
	}
	return Set{values, examples}, nil
}

// Querier is a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Revision changes whenever the taxonomy does.
func Revision(ctx context.Context, q Querier) (string, error) {
	rows, err := q.Query(ctx, `select coalesce((select count(*) || '@' || max(updated_at) from taxonomy_values), '') || '/' ||
		coalesce((select count(*) || '@' || max(created_at) from taxonomy_examples), '')`)
	if err != nil {
		return "", fmt.Errorf("read taxonomy revision: %w", err)
	}
	revision, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	if err != nil {
		return "", fmt.Errorf("read taxonomy revision: %w", err)
	}
	return revision, nil
}

// Seed inserts values and examples that are not there yet; what a curator
// changed stays. Once a draft was published the taxonomy is the curators' alone:
// what they renamed or merged must not come back under its shipped name.
func Seed(ctx context.Context, tx pgx.Tx, set Set) error {
	var published bool
	if err := tx.QueryRow(ctx, `select exists (select from taxonomy_runs where act <> 'preview' and state = 'done')`).Scan(&published); err != nil {
		return fmt.Errorf("seed taxonomy: %w", err)
	}
	if published {
		return nil
	}
	batch := &pgx.Batch{}
	for _, v := range set.Values {
		batch.Queue(`insert into taxonomy_values (dimension, value, description, route, team, priority, sensitive, product_area)
			values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
			v.Dimension, v.Value, v.Description, v.Route, v.Team, v.Priority, v.Sensitive, v.ProductArea)
	}
	for _, e := range set.Examples {
		batch.Queue(`insert into taxonomy_examples (id, dimension, value, language, text, source)
			values ($1, $2, $3, $4, $5, 'shipped') on conflict do nothing`,
			uuid.Must(uuid.NewV7()), e.Dimension, e.Value, e.Language, e.Text)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("seed taxonomy: %w", err)
	}
	return nil
}

// Put stores a value as a curator wants it, new or changed.
func Put(ctx context.Context, tx pgx.Tx, v Value) (Value, error) {
	v.Value = strings.TrimSpace(v.Value)
	if v.Value == "" || len(v.Value) > 100 {
		return Value{}, fmt.Errorf("%w: give it a name of at most 100 characters", ErrBadValue)
	}
	rows, err := tx.Query(ctx, `insert into taxonomy_values (dimension, value, description, route, team, priority, sensitive, enabled)
		values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (dimension, value) do update set description = excluded.description,
		route = excluded.route, team = excluded.team, priority = excluded.priority, sensitive = excluded.sensitive,
		enabled = excluded.enabled, updated_at = now() returning `+valueColumns,
		v.Dimension, v.Value, v.Description, v.Route, v.Team, v.Priority, v.Sensitive, v.Enabled)
	if err != nil {
		return Value{}, fmt.Errorf("store taxonomy value: %w", err)
	}
	stored, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Value])
	if err != nil {
		return Value{}, fmt.Errorf("store taxonomy value: %w", err)
	}
	return stored, nil
}

// AddExample stores one more labelled text. The same text twice is one example.
func AddExample(ctx context.Context, tx pgx.Tx, e Example) error {
	e.Text = strings.TrimSpace(e.Text)
	if e.Text == "" || len(e.Text) > 2000 {
		return fmt.Errorf("%w: an example is a text of at most 2000 characters", ErrBadValue)
	}
	tag, err := tx.Exec(ctx, `insert into taxonomy_examples (id, dimension, value, language, text, source)
		select $1, $2, $3, $4, $5, $6 where exists (select from taxonomy_values where dimension = $2 and value = $3)
		on conflict (dimension, value, md5(text)) do update set source = excluded.source`,
		uuid.Must(uuid.NewV7()), e.Dimension, e.Value, e.Language, e.Text, e.Source)
	if err != nil {
		return fmt.Errorf("store example: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrValueNotFound
	}
	return nil
}
