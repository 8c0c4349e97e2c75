package topic

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/guard"
)

// Trend is one topic over the weeks asked for.
type Trend struct {
	ID       uuid.UUID
	Name     string
	Intent   string
	Since    time.Time // first asked
	Weeks    []int     // questions by week, oldest first
	Count    int       // in all of them
	Alone    int       // of these answered without a person
	Again    int       // asked again within seven days
	Tenants  int
	Examples []string // masked, latest first
	Article  *Article // cited most
	Gap      *uuid.UUID
}

// Article answers a topic.
type Article struct {
	ID    uuid.UUID
	Title string
}

// Change is how many more questions the last full week had than the one before.
func (t Trend) Change() int {
	if len(t.Weeks) < 2 {
		return 0
	}
	return t.Weeks[len(t.Weeks)-1] - t.Weeks[len(t.Weeks)-2]
}

const (
	mostTopics = 100
	examples   = 3
)

// Trends are the topics of the last weeks, seven days each up to now, most asked
// first; of one tenant, or of all.
func (s *Service) Trends(ctx context.Context, tenant *uuid.UUID, weeks int, now time.Time) (starts []time.Time, trends []Trend, err error) {
	for i := weeks; i > 0; i-- {
		starts = append(starts, now.AddDate(0, 0, -7*i))
	}
	err = s.DB.WithSystem(ctx, "read topics", func(tx pgx.Tx) error {
		if trends, err = counted(ctx, tx, tenant, starts, now); err != nil {
			return err
		}
		for i := range trends {
			if err := trends[i].illustrate(ctx, tx, tenant, starts[0]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read topics: %w", err)
	}
	return starts, trends, nil
}

func counted(ctx context.Context, tx pgx.Tx, tenant *uuid.UUID, starts []time.Time, now time.Time) ([]Trend, error) {
	rows, err := tx.Query(ctx, `
		select t.id, t.name, t.intent, t.created_at, q.week, q.n, q.alone, q.again, q.tenants
		from topics t join lateral (
		  select floor(extract(epoch from m.at - $2::timestamptz) / 604800)::int as week, count(*) as n,
		    count(*) filter (where d.outcome = 'sent' and d.evidence <> 'none' and not exists (select from messages p where p.tenant_id = m.tenant_id
		      and p.conversation_id = m.conversation_id and p.author_kind = 'agent' and p.visibility = 'customer')) as alone,
		    count(*) filter (where m.again) as again, array_agg(distinct m.tenant_id) as tenants
		  from topic_messages m join decisions d on d.tenant_id = m.tenant_id and d.message_id = m.message_id
		  where m.topic_id = t.id and m.at >= $2 and m.at < $3 and ($1::uuid is null or m.tenant_id = $1) group by 1) q on true
		where t.last_seen_at >= $2`, tenant, starts[0], now)
	if err != nil {
		return nil, err
	}
	found := map[uuid.UUID]*Trend{}
	tenants := map[uuid.UUID]map[uuid.UUID]bool{}
	var id uuid.UUID
	var name, intent string
	var since time.Time
	var week, n, alone, again int
	var who []uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id, &name, &intent, &since, &week, &n, &alone, &again, &who}, func() error {
		t := found[id]
		if t == nil {
			t = &Trend{ID: id, Name: name, Intent: intent, Since: since, Weeks: make([]int, len(starts)), Examples: []string{}}
			found[id], tenants[id] = t, map[uuid.UUID]bool{}
		}
		t.Weeks[min(max(week, 0), len(starts)-1)] += n
		t.Count, t.Alone, t.Again = t.Count+n, t.Alone+alone, t.Again+again
		for _, x := range who {
			tenants[id][x] = true
		}
		who = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []Trend
	for id, t := range found {
		t.Tenants = len(tenants[id])
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Trend) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.Since.Compare(a.Since), cmp.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), mostTopics)], nil
}

// illustrate adds examples, and where the topic is answered or missing.
func (t *Trend) illustrate(ctx context.Context, tx pgx.Tx, tenant *uuid.UUID, since time.Time) error {
	rows, err := tx.Query(ctx, `select m.body from topic_messages q join messages m on m.tenant_id = q.tenant_id and m.id = q.message_id
		where q.topic_id = $1 and q.at >= $2 and ($3::uuid is null or q.tenant_id = $3) and m.state <> 'deleted' order by q.at desc limit $4`, t.ID, since, tenant, 4*examples)
	if err != nil {
		return err
	}
	bodies, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, body := range bodies {
		text, _ := guard.Mask(body)
		if text = triage.Line(text, 160); len(t.Examples) < examples && !slices.Contains(t.Examples, text) {
			t.Examples = append(t.Examples, text)
		}
	}
	var article *uuid.UUID
	var title *string
	err = tx.QueryRow(ctx, `select (select c->>'article_id' from topic_messages q join messages a on a.tenant_id = q.tenant_id and a.in_reply_to = q.message_id
		  cross join lateral jsonb_path_query_first(a.answer, '$.citations[0]') c where q.topic_id = $1 and q.at >= $2 and ($3::uuid is null or q.tenant_id = $3)
		  group by 1 order by count(*) desc, 1 limit 1)::uuid,
		(select g.gap_id from topic_messages q join gap_questions g on g.tenant_id = q.tenant_id and g.conversation_id = q.conversation_id
		  join gaps o on o.id = g.gap_id and o.state = 'open'
		  where q.topic_id = $1 and q.at >= $2 and ($3::uuid is null or q.tenant_id = $3) group by 1 order by count(*) desc, 1 limit 1)`,
		t.ID, since, tenant).Scan(&article, &t.Gap)
	if err != nil || article == nil {
		return err
	}
	if err := tx.QueryRow(ctx, `select (select title from shared_articles where id = $1)`, article).Scan(&title); err != nil {
		return err
	}
	if title != nil { // a tenant's own article is not named to others
		t.Article = &Article{*article, *title}
	}
	return nil
}
