// Package proof reads what conversations prove about articles: which were found
// and quoted, what became of the answers, and what agents said instead. It is
// the witness of package knowledge/health, and rebuilds the counts of use per
// article from the stored messages.
//
// Nothing is counted on the side: a vote that is changed, a message that is
// taken back and a tenant that is erased are gone from the next count.
package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage/guard"
)

// Reader reads over all tenants. DB is of the worker role.
type Reader struct {
	DB *tenantdb.DB
}

// quoted are the answers that quoted an article: one row per message and article.
const quoted = `quoted as (
	select distinct m.tenant_id, m.conversation_id, m.id as message_id, m.in_reply_to, m.created_at, (c->>'article_id')::uuid as article_id
	from messages m cross join lateral jsonb_array_elements(m.answer->'citations') c
	where m.created_at >= $1 and m.author_kind = 'assistant' and m.visibility = 'customer' and m.state = 'final'
	  and jsonb_typeof(m.answer->'citations') = 'array' and c->>'article_id' <> '')`

// handed are quoted answers after which people had to step in: the conversation
// was handed over after the answer, for a reason that lies in it, and before the
// assistant said something else.
const handed = `handed as (
	select q.tenant_id, q.conversation_id, q.message_id, q.article_id, min(e.created_at) as at
	from quoted q join tickets k on k.tenant_id = q.tenant_id and k.conversation_id = q.conversation_id
	join escalations e on e.tenant_id = k.tenant_id and e.ticket_id = k.id and e.created_at >= q.created_at
	  and e.reason in ('customer_asked', 'customer_unhappy', 'no_answer_found', 'answer_held_back', 'follow_up')
	where not exists (select from messages o where o.tenant_id = q.tenant_id and o.conversation_id = q.conversation_id and o.author_kind = 'assistant'
	  and o.visibility = 'customer' and o.id <> q.message_id and o.created_at > q.created_at and o.created_at < e.created_at and jsonb_typeof(o.answer->'citations') = 'array')
	group by 1, 2, 3, 4)`

// corrected are quoted answers to a message that a person said is about something else.
const corrected = `corrected as (
	select q.tenant_id, q.conversation_id, q.message_id, q.article_id, c.corrected_at as at
	from quoted q join classifications c on c.tenant_id = q.tenant_id and c.message_id = q.in_reply_to
	where c.corrected_intent is not null and c.corrected_intent <> c.intent)`

// Evidence implements health.Witness.
func (r *Reader) Evidence(ctx context.Context, now time.Time) (health.Evidence, error) {
	e := health.Evidence{Outcomes: map[uuid.UUID]health.Outcome{}, Found: map[uuid.UUID]bool{}}
	err := r.DB.WithSystem(ctx, "what conversations prove about articles", func(tx pgx.Tx) error {
		if err := outcomes(ctx, tx, e.Outcomes, now); err != nil {
			return err
		}
		if err := found(ctx, tx, &e, now.AddDate(0, 0, -health.UnusedDays)); err != nil {
			return err
		}
		var err error
		e.Replies, err = replies(ctx, tx, now.AddDate(0, 0, -health.OutcomeDays))
		return err
	})
	if err != nil {
		return e, fmt.Errorf("read what conversations prove: %w", err)
	}
	return e, nil
}

// outcomes counts answers of the latest span, and the votes of the one before.
func outcomes(ctx context.Context, tx pgx.Tx, out map[uuid.UUID]health.Outcome, now time.Time) error {
	since := now.AddDate(0, 0, -health.OutcomeDays)
	before := since.AddDate(0, 0, -health.OutcomeDays)
	rows, err := tx.Query(ctx, `with `+quoted+`
		select q.article_id, count(distinct q.message_id) filter (where q.created_at >= $2),
		  count(f.message_id) filter (where q.created_at >= $2 and f.vote = 'helpful'), count(f.message_id) filter (where q.created_at >= $2 and f.vote = 'not_helpful'),
		  count(f.message_id) filter (where q.created_at < $2 and f.vote = 'helpful'), count(f.message_id) filter (where q.created_at < $2 and f.vote = 'not_helpful')
		from quoted q left join feedback f on f.tenant_id = q.tenant_id and f.message_id = q.message_id group by 1`, before, since)
	if err != nil {
		return err
	}
	var article uuid.UUID
	var o health.Outcome
	if _, err := pgx.ForEachRow(rows, []any{&article, &o.Cited, &o.Helpful, &o.Unhelpful, &o.HelpfulBefore, &o.UnhelpfulBefore}, func() error {
		out[article] = o
		return nil
	}); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `with `+quoted+`, `+handed+`, `+corrected+`
		select q.article_id, q.tenant_id, q.conversation_id, q.message_id, 'voted_down', replace(f.cause, '_', ' '), f.updated_at
		from quoted q join feedback f on f.tenant_id = q.tenant_id and f.message_id = q.message_id where f.vote = 'not_helpful'
		union all select article_id, tenant_id, conversation_id, message_id, 'escalated', '', at from handed
		union all select article_id, tenant_id, conversation_id, message_id, 'corrected', '', at from corrected
		union all select q.article_id, q.tenant_id, q.conversation_id, q.message_id, 'reported', concat_ws(': ', x.detail->>'reason', nullif(x.detail->>'why', '')), x.at
		  from quoted q join tickets k on k.tenant_id = q.tenant_id and k.conversation_id = q.conversation_id
		  join ticket_events x on x.tenant_id = k.tenant_id and x.ticket_id = k.id and x.kind = 'answer_reported' and x.detail->>'message_id' = q.message_id::text
		order by 7 desc`, since)
	if err != nil {
		return err
	}
	var p health.Proof
	_, err = pgx.ForEachRow(rows, []any{&article, &p.Tenant, &p.Conversation, &p.Message, &p.Kind, &p.Quote, &p.At}, func() error {
		o := out[article]
		o.Proofs = append(o.Proofs, p)
		switch p.Kind {
		case "escalated":
			o.Escalated++
		case "corrected":
			o.Corrected++
		case "reported":
			o.Reported++
		}
		out[article] = o
		return nil
	})
	return err
}

// found lists the articles that questions found, quoted or not.
func found(ctx context.Context, tx pgx.Tx, e *health.Evidence, since time.Time) error {
	if err := tx.QueryRow(ctx, `select count(*) from decisions where created_at >= $1 and jsonb_array_length(passages) > 0`, since).Scan(&e.Searched); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `with seen as (
		  select distinct (p->>'version_id')::uuid as id from decisions d cross join lateral jsonb_array_elements(d.passages) p
		  where d.created_at >= $1 and p->>'version_id' is not null)
		select v.article_id from seen s join shared_versions v on v.id = s.id
		union select v.article_id from seen s join tenant_versions v on v.id = s.id`, since)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, id := range ids {
		e.Found[id] = true
	}
	return err
}

// mostReplies bounds what one run reads, the latest first.
const mostReplies = 5000

// replies are what agents said where articles had been found for the question.
func replies(ctx context.Context, tx pgx.Tx, since time.Time) ([]health.Reply, error) {
	rows, err := tx.Query(ctx, `
		select m.tenant_id, m.conversation_id, m.id, m.created_at, m.body, coalesce(nullif(m.language, ''), 'en'),
		  array(select distinct v.article_id from decisions d cross join lateral jsonb_array_elements(d.passages) p
		    join (select id, article_id from shared_versions union all select id, article_id from tenant_versions where tenant_id = m.tenant_id) v on v.id = (p->>'version_id')::uuid
		    where d.tenant_id = m.tenant_id and d.conversation_id = m.conversation_id and d.created_at <= m.created_at) as articles
		from messages m where m.created_at >= $1 and m.author_kind = 'agent' and m.visibility = 'customer' and m.state = 'final'
		  and exists (select from decisions d where d.tenant_id = m.tenant_id and d.conversation_id = m.conversation_id and jsonb_array_length(d.passages) > 0)
		order by m.created_at desc limit $2`, since, mostReplies)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r health.Reply, err error) {
		err = row.Scan(&r.Tenant, &r.Conversation, &r.Message, &r.At, &r.Text, &r.Language, &r.Articles)
		r.Text, _ = guard.Mask(r.Text)
		return r, err
	})
}

// Recount sets the daily counts of use per article to what the messages of the
// latest span say. Days before it are left as they are.
func (r *Reader) Recount(ctx context.Context, now time.Time) error {
	since := now.UTC().AddDate(0, 0, -health.OutcomeDays).Truncate(24 * time.Hour)
	err := r.DB.WithSystem(ctx, "count the use of articles again", func(tx pgx.Tx) error {
		for _, table := range []struct{ set, columns, keys, join string }{
			{"shared", "article_id", "article_id", "join shared_articles a on a.id = c.article_id"},
			{"tenant", "tenant_id, article_id", "tenant_id, article_id", "join tenant_articles a on a.tenant_id = c.tenant_id and a.id = c.article_id"},
		} {
			counted := `with ` + quoted + `, ` + handed + `, counts as (
				select tenant_id, article_id, (created_at at time zone 'utc')::date as day, count(*)::int as cited, 0 as helpful, 0 as unhelpful, 0 as escalated from quoted group by 1, 2, 3
				union all select q.tenant_id, q.article_id, (q.created_at at time zone 'utc')::date, 0, count(*) filter (where f.vote = 'helpful'), count(*) filter (where f.vote = 'not_helpful'), 0
				  from quoted q join feedback f on f.tenant_id = q.tenant_id and f.message_id = q.message_id group by 1, 2, 3
				union all select h.tenant_id, h.article_id, (q.created_at at time zone 'utc')::date, 0, 0, 0, count(*) from handed h
				  join quoted q on q.tenant_id = h.tenant_id and q.message_id = h.message_id and q.article_id = h.article_id group by 1, 2, 3)`
			if _, err := tx.Exec(ctx, `delete from `+table.set+`_article_usage where day >= $1::date`, since); err != nil {
				return err
			}
			of := "c.article_id"
			if table.set == "tenant" {
				of = "c.tenant_id, c.article_id"
			}
			_, err := tx.Exec(ctx, counted+` insert into `+table.set+`_article_usage (`+table.columns+`, day, cited, helpful, unhelpful, escalated)
				select `+of+`, c.day, sum(c.cited), sum(c.helpful), sum(c.unhelpful), sum(c.escalated) from counts c `+table.join+` group by `+of+`, c.day
				on conflict (`+table.keys+`, day) do update set cited = excluded.cited, helpful = excluded.helpful, unhelpful = excluded.unhelpful, escalated = excluded.escalated`, since)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count the use of articles: %w", err)
	}
	return nil
}
