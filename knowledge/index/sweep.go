package index

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
)

// Sweep indexes whatever is behind, in the shared space and every tenant's.
func (x *Indexer) Sweep(ctx context.Context) (total Result, err error) {
	spaces := []knowledge.Space{knowledge.Shared}
	err = x.db.WithSystem(ctx, "find tenants with articles to index", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select distinct a.tenant_id from tenant_articles a
			where a.state = 'published' and (a.indexed_at is null or a.indexed_at < a.published_at)
				or a.state = 'retired' and exists (select from tenant_chunks c where c.tenant_id = a.tenant_id and c.article_id = a.id)
			order by a.tenant_id`)
		if err != nil {
			return err
		}
		tenants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		for _, tenant := range tenants {
			spaces = append(spaces, knowledge.Of(tenant))
		}
		return err
	})
	if err != nil {
		return total, fmt.Errorf("sweep index: %w", err)
	}
	for _, space := range spaces {
		done, err := x.Stale(ctx, space)
		total.add(done)
		if err != nil {
			return total, fmt.Errorf("sweep index of %s: %w", space, err)
		}
	}
	return total, nil
}

var (
	withdraw = knowledge.NewStatement(`
		update {articles} set state = 'retired', updated_at = now() where {scope} and id = @id and state = 'published'`)
	eraseArticle = knowledge.NewStatement(`delete from {articles} where {scope} and id = @id`)
)

// Erase deletes an article with its versions, chunks, vectors, counters and the
// words that occurred nowhere else. It cannot be undone; retiring can.
func (x *Indexer) Erase(ctx context.Context, space knowledge.Space, id uuid.UUID) error {
	args := space.Args(pgx.NamedArgs{"id": id})
	exec := func(statement knowledge.Statement) error {
		return space.In(ctx, x.db, "erase article", func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, statement.For(space), args)
			return err
		})
	}
	if err := exec(withdraw); err != nil {
		return fmt.Errorf("erase article: %w", err)
	}
	if _, err := x.Article(ctx, space, id); err != nil { // takes its words out
		return fmt.Errorf("erase article: %w", err)
	}
	if err := exec(eraseArticle); err != nil {
		return fmt.Errorf("erase article: %w", err)
	}
	return nil
}
