package change

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

// Item is a record as staff may change it.
type Item struct {
	Entity  string
	ID      uuid.UUID
	Version string         // to send with a change
	Fields  map[string]any // as Change.Set takes them
	Facts   map[string]any // what follows from elsewhere
	Held    map[string]string
	Source  string // the other system whose record it is; empty: nobody's else
	Ref     string
	DoneAt  *time.Time
	DoneBy  string
}

// facts are columns that are shown and not changed here.
var facts = map[string][]string{
	"project": {"start_date", "actual_go_live", "template"}, "stage": {"ordinal"}, "milestone": {"ordinal", "go_live", "completed_at"},
	"document": {"rejections"}, "integration": {"last_success_at", "last_attempt_at", "error_code"}, "verification": {"customer_state"},
}

var ordered = map[string]string{
	"project": "t.id", "stage": "t.ordinal", "milestone": "t.ordinal, t.id", "task": "t.due nulls last, t.title, t.id", "document": "t.due nulls last, t.title, t.id",
	"environment": "t.kind desc, t.id", "meeting": "t.starts_at, t.id", "integration": "t.connector, t.environment, t.id", "verification": "t.kind, t.id",
}

// List is everything of the tenant's project that can be changed.
func List(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) ([]Item, error) {
	var out []Item
	for _, name := range slices.Sorted(maps.Keys(entities)) {
		e, mine := entities[name], "t.project_id"
		if name == "project" {
			mine = "t.id"
		}
		rows, err := tx.Query(ctx, columns+e.table+` t where t.tenant_id = $1 and `+mine+` = (select id from projects where tenant_id = $2 and state in ('draft', 'active', 'on_hold', 'live'))
			order by `+ordered[name], tenant, tenant, name == "task")
		if err != nil {
			return nil, fmt.Errorf("list the record: %w", err)
		}
		found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (*row, error) { return scan(r) })
		if err != nil {
			return nil, fmt.Errorf("list the record: %w", err)
		}
		for _, r := range found {
			out = append(out, r.item(name, e))
		}
	}
	if !slices.ContainsFunc(out, func(i Item) bool { return i.Entity == "project" }) {
		return nil, onboarding.ErrNoProject
	}
	return out, nil
}

func (r row) item(name string, e entity) Item {
	i := Item{Entity: name, ID: r.id, Version: r.version(e), Fields: map[string]any{}, Facts: map[string]any{}, Held: map[string]string{}}
	for field := range e.fields {
		i.Fields[field] = r.values[field]
		if source := r.heldBy(name, field); source != "" {
			i.Held[field] = source
		}
	}
	for _, fact := range facts[name] {
		i.Facts[fact] = r.values[fact]
	}
	if i.Ref, _ = r.values["external_ref"].(string); e.referred && i.Ref != "" {
		i.Source, _ = r.values["source"].(string)
	}
	i.DoneBy, _ = r.values["done_by_name"].(string)
	if at, ok := r.values["done_at"].(string); ok {
		if done, err := time.Parse(time.RFC3339, at); err == nil {
			i.DoneAt = &done
		}
	}
	return i
}
