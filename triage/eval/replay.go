package eval

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Change is what a draft, a taxonomy or a model would do to one past question.
type Change struct {
	Question Question
	Kind     string // gains, loses, changes
	Before   Outcome
	After    Outcome
}

// answered reports whether the customer got an answer.
func (o Outcome) answered() bool { return o.Kind == "answer" || o.Kind == "status" }

// Compare names what differs; false means that nothing a customer sees does.
func Compare(q Question, before, after Outcome) (Change, bool) {
	c := Change{Question: q, Before: before, After: after}
	switch {
	case !before.answered() && after.answered():
		c.Kind = "gains"
	case before.answered() && !after.answered():
		c.Kind = "loses"
	case before.Kind != after.Kind || before.Text != after.Text || !slices.Equal(before.Articles, after.Articles):
		c.Kind = "changes"
	default:
		return c, false
	}
	return c, true
}

// Replay puts past questions to both pipelines and lists what differs.
func Replay(ctx context.Context, questions []Question, live, changed Pipeline) ([]Change, error) {
	var out []Change
	for _, q := range questions {
		before, err := live.Answer(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		after, err := changed.Answer(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		if c, differs := Compare(q, before, after); differs {
			out = append(out, c)
		}
	}
	return out, nil
}

// maxBefore is how much of what a customer wrote before a past question is asked, too.
const maxBefore = 4

// Past are the latest questions of customers that the knowledge base or the
// record was asked, each once, asked as who asked them and after what
// they wrote before it, the latest first. tenant
// limits them to one.
func Past(ctx context.Context, tx pgx.Tx, tenant *uuid.UUID, limit, offset int) ([]Question, error) {
	rows, err := tx.Query(ctx, `select question, as_tenant, role, locale, person,
		  array(select b.body from (select body, seq from messages where tenant_id = latest.as_tenant and conversation_id = latest.conversation_id and seq < latest.seq
		    and author_kind = 'customer' and state <> 'deleted' and length(body) between 1 and 2000 order by seq desc limit $4) b order by b.seq)
		from (
		  select distinct on (lower(m.body)) m.body as question, m.tenant_id as as_tenant, m.created_at, m.conversation_id, m.seq, u.id as person,
		    case when 'admin' = any(u.roles) then 'admin' when 'manager' = any(u.roles) then 'manager' else 'member' end as role, coalesce(u.locale, 'en') as locale
		  from decisions d join messages m on m.tenant_id = d.tenant_id and m.id = d.message_id
		  left join users u on u.tenant_id = m.tenant_id and u.id = m.author_id and u.state <> 'deactivated'
		  where d.route in ('answer', 'status', 'clarify', 'escalate') and m.author_kind = 'customer' and length(m.body) between 3 and 2000
		    and d.created_at > now() - interval '90 days' and ($1::uuid is null or m.tenant_id = $1)
		  order by lower(m.body), m.created_at desc) latest
		order by created_at desc limit $2 offset $3`, tenant, limit, offset, maxBefore)
	if err != nil {
		return nil, fmt.Errorf("read past questions: %w", err)
	}
	var out []Question
	var q Question
	_, err = pgx.ForEachRow(rows, []any{&q.Text, &q.TenantID, &q.Role, &q.Locale, &q.UserID, &q.Before}, func() error {
		out = append(out, q)
		q = Question{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read past questions: %w", err)
	}
	return out, nil
}
