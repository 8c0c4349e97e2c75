package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
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

// FindGaps records questions that were answered in vain. Those nothing answered
// at all were recorded when they were asked.
func (r *Reader) FindGaps(ctx context.Context, gaps Gaps, now time.Time) (int, error) {
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
