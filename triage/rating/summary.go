package rating

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Count is what was said under one name.
type Count struct {
	Name     string
	Asked    int
	Answered int
	Content  int // scores from Good on
	Sum      int
	Scores   [Best + 1]int
}

func (c *Count) add(score *int) {
	c.Asked++
	if score == nil {
		return
	}
	c.Answered++
	c.Sum += *score
	c.Scores[*score]++
	if *score >= Good {
		c.Content++
	}
}

// Mean is the average score; zero when nobody answered.
func (c Count) Mean() float64 {
	if c.Answered == 0 {
		return 0
	}
	return float64(c.Sum) / float64(c.Answered)
}

// Interval is where the share of content customers lies with 95 % confidence
// (Wilson): with few answers it is wide, and says so.
func (c Count) Interval() (low, high float64) {
	n := float64(c.Answered)
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964
	p := float64(c.Content) / n
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// Summary is the answers added up.
type Summary struct {
	Total   Count
	By      []Count // assistant, person
	Agents  []Count
	Teams   []Count
	Topics  []Count
	Tenants []Count // by id
	Weeks   []Count // by their Mondays, oldest first
	Skipped map[string]int
}

// counted are the questions of a span, one for each matter and person: of a
// ticket that was reopened or merged the last answer counts, else the last
// question.
const counted = `with recursive up as (
	  select r.tenant_id, r.id, r.conversation_id, r.ticket_id as ticket, 0 as depth from ratings r where r.state = 'asked' and ($3::uuid is null or r.tenant_id = $3)
	  union all
	  select u.tenant_id, u.id, t.conversation_id, x.related_id, u.depth + 1 from up u
	    join ticket_relations x on x.tenant_id = u.tenant_id and x.ticket_id = u.ticket and x.kind = 'merged_into'
	    join tickets t on t.tenant_id = x.tenant_id and t.id = x.related_id where u.depth < 20
	), matter as (select distinct on (tenant_id, id) tenant_id, id, conversation_id from up order by tenant_id, id, depth desc
	), said as (
	  select distinct on (r.tenant_id, m.conversation_id, r.user_id) r.tenant_id, r.asked_at, r.settled_by, r.agent_name, r.team, r.topic, r.score
	  from ratings r join matter m on m.tenant_id = r.tenant_id and m.id = r.id
	  order by r.tenant_id, m.conversation_id, r.user_id, (r.score is not null) desc, r.rated_at desc nulls last, r.asked_at desc, r.id
	)
	select tenant_id, date_trunc('week', asked_at at time zone 'utc')::date, settled_by, agent_name, team, topic, score from said
	where asked_at >= $1 and asked_at < $2`

// Summarize adds up the questions asked in a span. tx is of the worker role;
// tenant narrows it, uuid.Nil does not.
func Summarize(ctx context.Context, tx pgx.Tx, from, to time.Time, tenant uuid.UUID) (Summary, error) {
	s := Summary{Total: Count{Name: "total"}, Skipped: map[string]int{}}
	var only *uuid.UUID
	if tenant != uuid.Nil {
		only = &tenant
	}
	rows, err := tx.Query(ctx, counted, from, to, only)
	if err != nil {
		return s, fmt.Errorf("count ratings: %w", err)
	}
	by := map[*[]Count]map[string]*Count{&s.By: {}, &s.Agents: {}, &s.Teams: {}, &s.Topics: {}, &s.Tenants: {}, &s.Weeks: {}}
	add := func(list *[]Count, name string, score *int) {
		if by[list][name] == nil {
			by[list][name] = &Count{Name: name}
		}
		by[list][name].add(score)
	}
	var of uuid.UUID
	var week time.Time
	var settled, agent, team, topic string
	var score *int
	_, err = pgx.ForEachRow(rows, []any{&of, &week, &settled, &agent, &team, &topic, &score}, func() error {
		s.Total.add(score)
		add(&s.By, settled, score)
		add(&s.Topics, topic, score)
		add(&s.Tenants, of.String(), score)
		add(&s.Weeks, week.Format(time.DateOnly), score)
		if Settling(settled) == ByPerson {
			add(&s.Agents, agent, score)
			add(&s.Teams, team, score)
		}
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("count ratings: %w", err)
	}
	for list, counts := range by {
		for _, c := range counts {
			*list = append(*list, *c)
		}
		slices.SortFunc(*list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Asked, a.Asked), cmp.Compare(a.Name, b.Name)) })
	}
	slices.SortFunc(s.Weeks, func(a, b Count) int { return cmp.Compare(a.Name, b.Name) })
	rows, err = tx.Query(ctx, `select why, count(*)::int from ratings where state = 'skipped' and settled_at >= $1 and settled_at < $2 and ($3::uuid is null or tenant_id = $3) group by 1`, from, to, only)
	if err != nil {
		return s, fmt.Errorf("count ratings: %w", err)
	}
	var why string
	var n int
	if _, err = pgx.ForEachRow(rows, []any{&why, &n}, func() error { s.Skipped[why] = n; return nil }); err != nil {
		return s, fmt.Errorf("count ratings: %w", err)
	}
	return s, nil
}
