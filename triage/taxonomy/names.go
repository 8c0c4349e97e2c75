package taxonomy

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage/classify"
)

const (
	// namesAge is how old the known names may be.
	namesAge = time.Minute
	// mostNames bounds the work one text causes.
	mostNames = 500
)

// followNames reads the names only the operator knows: products that
// articles are about, and people of the staff.
func (e *Engine) followNames(ctx context.Context) error {
	if time.Since(e.namesRead) < namesAge {
		return nil
	}
	rows, err := e.db.Query(ctx, `(select 'product', product from shared_articles where product <> '' and state <> 'retired'
		group by product order by count(*) desc limit $1) union all
		(select 'person', display_name from staff where state <> 'deactivated' and display_name <> '' order by created_at limit $1)`, mostNames)
	if err != nil {
		return fmt.Errorf("read names: %w", err)
	}
	var known classify.Gazetteer
	var kind, name string
	_, err = pgx.ForEachRow(rows, []any{&kind, &name}, func() error {
		if kind == "product" {
			known.Products = append(known.Products, name)
		} else {
			known.People = append(known.People, name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read names: %w", err)
	}
	e.names.Store(&known)
	e.namesRead = time.Now()
	return nil
}

// entities finds what a text names.
func (e *Engine) entities(text string) []classify.Entity {
	if known := e.names.Load(); known != nil {
		return classify.Entities(text, *known)
	}
	return classify.Entities(text)
}
