package knowledge

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Use is something that happened to an article.
type Use string

const (
	UseCited     Use = "cited"     // quoted in an answer that was sent
	UseHelpful   Use = "helpful"   // a reader said it, or an answer citing it, helped
	UseUnhelpful Use = "unhelpful" // … did not help
	UseEscalated Use = "escalated" // a conversation it was cited in went to a person
)

// Usage are an article's counts over a span of days.
type Usage struct {
	ArticleID uuid.UUID
	Title     string
	Slug      string
	Cited     int
	Helpful   int
	Unhelpful int
	Escalated int
}

var (
	addUsage = NewStatement(`
		insert into {article_usage} ({tenant}article_id, day, cited, helpful, unhelpful, escalated)
		select {@tenant}a.id, @day::date, (@use = 'cited')::int, (@use = 'helpful')::int, (@use = 'unhelpful')::int, (@use = 'escalated')::int
		from {articles} a where {a.scope} and a.id = any(@ids::uuid[]) order by a.id
		on conflict ({tenant}article_id, day) do update set
			cited = {article_usage}.cited + excluded.cited, helpful = {article_usage}.helpful + excluded.helpful,
			unhelpful = {article_usage}.unhelpful + excluded.unhelpful, escalated = {article_usage}.escalated + excluded.escalated`)
	selectUsage = NewStatement(`
		select a.id as article_id, a.title, a.slug, sum(u.cited)::int as cited, sum(u.helpful)::int as helpful,
			sum(u.unhelpful)::int as unhelpful, sum(u.escalated)::int as escalated
		from {article_usage} u join {articles} a on {u=a} a.id = u.article_id
		where {u.scope} and u.day >= @since::date
		group by a.id, a.title, a.slug
		order by sum(u.escalated + u.unhelpful) desc, sum(u.cited) desc, a.id limit @limit`)
)

// RecordUseTx counts a use of articles of a space inside the caller's
// transaction, which is the tenant's: counting and the message that caused it
// agree. Ids that do not exist are ignored.
func (s *Service) RecordUseTx(ctx context.Context, tx pgx.Tx, space Space, use Use, articles ...uuid.UUID) error {
	if len(articles) == 0 {
		return nil
	}
	switch use {
	case UseCited, UseHelpful, UseUnhelpful, UseEscalated:
	default:
		return &InvalidError{"use", "is not one of cited, helpful, unhelpful, escalated"}
	}
	return wrap("record use of articles", exec(ctx, tx, space, addUsage, pgx.NamedArgs{"use": string(use), "day": s.now().UTC(), "ids": articles}))
}

// RecordFeedback counts a reader's "was this helpful" on an article.
func (s *Service) RecordFeedback(ctx context.Context, viewer Viewer, article uuid.UUID, helpful bool) error {
	page, err := s.GetByID(ctx, viewer, article) // only what the reader may see
	if err != nil {
		return err
	}
	use := UseUnhelpful
	if helpful {
		use = UseHelpful
	}
	record := func(tx pgx.Tx) error { return s.RecordUseTx(ctx, tx, page.Article.Space, use, article) }
	if viewer.TenantID != uuid.Nil {
		return s.db.WithTenant(ctx, viewer.TenantID, record)
	}
	return pgx.BeginFunc(ctx, s.db.Pool(), record)
}

// Usage lists the articles used since a day, the most troubled first.
func (s *Service) Usage(ctx context.Context, space Space, since time.Time, limit int) (usage []Usage, err error) {
	err = space.In(ctx, s.db, "read article usage", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectUsage.For(space), space.Args(pgx.NamedArgs{"since": since.UTC(), "limit": min(max(limit, 1), 500)}))
		if err != nil {
			return err
		}
		usage, err = pgx.CollectRows(rows, pgx.RowToStructByName[Usage])
		return err
	})
	return usage, wrap("read article usage", err)
}
