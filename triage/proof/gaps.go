package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/gap"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/guard"
)

// Gaps keeps questions. *knowledge.Service is one.
type Gaps interface {
	RecordGapTx(ctx context.Context, tx pgx.Tx, q knowledge.GapQuestion) error
}

// askedInVain are questions that had an answer which did not do: it was voted
// down, or people had to step in after it. Each conversation counts once.
const askedInVain = `with ` + quoted + `, ` + handed + `, vain as (
	select q.tenant_id, q.conversation_id, q.in_reply_to, 'unhelpful' as reason from quoted q
	  join feedback f on f.tenant_id = q.tenant_id and f.message_id = q.message_id and f.vote = 'not_helpful'
	union select h.tenant_id, h.conversation_id, q.in_reply_to, 'escalated' from handed h
	  join quoted q on q.tenant_id = h.tenant_id and q.message_id = h.message_id)
	select distinct on (v.tenant_id, v.conversation_id) v.tenant_id, v.conversation_id, m.body, coalesce(nullif(m.language, ''), nullif(c.language, ''), 'en'), v.reason
	from vain v join messages m on m.tenant_id = v.tenant_id and m.id = v.in_reply_to and m.state = 'final'
	join conversations c on c.tenant_id = v.tenant_id and c.id = v.conversation_id
	where not exists (select from gap_questions g where g.tenant_id = v.tenant_id and g.conversation_id = v.conversation_id)
	order by v.tenant_id, v.conversation_id, v.reason desc, m.seq limit 500`

// takeBack removes questions whose answer nobody votes down any more, and counts
// their gaps anew; an open gap without a question is none.
func (r *Reader) takeBack(ctx context.Context) error {
	return r.DB.WithSystem(ctx, "votes that were changed", func(tx pgx.Tx) error {
		if err := gap.Lock(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `with gone as (delete from gap_questions g where g.reason = 'unhelpful' and g.conversation_id is not null and not exists (
			  select from messages m join feedback f on f.tenant_id = m.tenant_id and f.message_id = m.id and f.vote = 'not_helpful'
			  where m.tenant_id = g.tenant_id and m.conversation_id = g.conversation_id) returning g.gap_id)
			select distinct gap_id from gone where gap_id is not null`)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := gap.Recount(ctx, tx, ids); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from gaps where id = any($1) and questions = 0 and state = 'open'`, ids)
		return err
	})
}

// Cause is how often customers said why the answers behind a gap did not help.
type Cause struct {
	Gap   uuid.UUID `db:"gap_id"`
	Cause string    `db:"cause"`
	Count int       `db:"count"`
}

// Causes are those of some gaps, the most frequent first.
func Causes(ctx context.Context, tx pgx.Tx, gaps []uuid.UUID) ([]Cause, error) {
	rows, err := tx.Query(ctx, `select q.gap_id, f.cause, count(distinct (f.tenant_id, f.message_id, f.user_id))::int as count from gap_questions q
		join messages m on m.tenant_id = q.tenant_id and m.conversation_id = q.conversation_id
		join feedback f on f.tenant_id = m.tenant_id and f.message_id = m.id and f.vote = 'not_helpful' and f.cause <> ''
		where q.gap_id = any($1) and q.reason = 'unhelpful' group by 1, 2 order by 3 desc, 2`, gaps)
	if err != nil {
		return nil, fmt.Errorf("read causes: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Cause])
	if err != nil {
		return nil, fmt.Errorf("read causes: %w", err)
	}
	return list, nil
}

// FindGaps records questions that were answered in vain. Those nothing answered
// at all were recorded when they were asked.
func (r *Reader) FindGaps(ctx context.Context, gaps Gaps, now time.Time) (int, error) {
	if err := r.takeBack(ctx); err != nil {
		return 0, fmt.Errorf("take back gaps: %w", err)
	}
	var found []knowledge.GapQuestion
	err := r.DB.WithSystem(ctx, "questions answered in vain", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, askedInVain, now.AddDate(0, 0, -health.OutcomeDays))
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (q knowledge.GapQuestion, err error) {
			err = row.Scan(&q.Tenant, &q.Conversation, &q.Question, &q.Locale, &q.Reason)
			masked, _ := guard.Mask(q.Question)
			q.Question = triage.Line(masked, 500)
			return q, err
		})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find questions answered in vain: %w", err)
	}
	byTenant := map[uuid.UUID][]knowledge.GapQuestion{}
	for _, q := range found {
		byTenant[q.Tenant] = append(byTenant[q.Tenant], q)
	}
	for tenant, questions := range byTenant {
		err := r.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			for _, q := range questions {
				if err := gaps.RecordGapTx(ctx, tx, q); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
