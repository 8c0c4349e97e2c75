package outcome

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Counts are the conversations of one line: a week, an intent, a customer.
type Counts struct {
	Asked                                                  int
	Of                                                     map[Outcome]int
	PeopleConfirmed, PeopleAssumed, PeopleReopened, Direct int
	PeopleLinked                                           int
	Tokens, MicroUSD                                       int64
}

func (c *Counts) add(of Case) {
	switch of.People {
	case Confirmed:
		c.PeopleConfirmed++
	case Assumed:
		c.PeopleAssumed++
	case Linked:
		c.PeopleLinked++
	case Reopened:
		c.PeopleReopened++
	}
	c.Tokens += of.Tokens
	c.MicroUSD += of.MicroUSD
	if of.Direct {
		c.Direct++
		return
	}
	if of.Outcome == "" {
		return
	}
	if c.Of == nil {
		c.Of = map[Outcome]int{}
	}
	c.Asked++
	c.Of[of.Outcome]++
}

// Line is Counts under a name.
type Line struct {
	Name string
	Counts
}

// Summary is the ledger added up.
type Summary struct {
	Counts
	Weeks    []Line // by their Mondays, oldest first
	Intents  []Line // most asked first
	Tenants  []Line // by id
	Channels []Line
	Features []Feature
}

// Feature is what answers of one kind cost.
type Feature struct {
	Route        string `db:"route"`
	Runs         int    `db:"runs"`
	PromptTokens int64  `db:"prompt_tokens"`
	OutputTokens int64  `db:"output_tokens"`
	MicroUSD     int64  `db:"cost_microusd"`
}

// Summarize adds up the ledger of a span.
func Summarize(ctx context.Context, tx pgx.Tx, from, to time.Time, tenant uuid.UUID, now time.Time) (Summary, error) {
	var s Summary
	by := map[string]map[string]*Counts{"week": {}, "intent": {}, "tenant": {}, "channel": {}}
	err := Ledger(ctx, tx, from, to, tenant, now, func(c Case) {
		s.add(c)
		for dimension, key := range map[string]string{"week": c.Week.Format(time.DateOnly), "intent": c.Intent, "tenant": c.Tenant.String(), "channel": c.Channel} {
			if by[dimension][key] == nil {
				by[dimension][key] = &Counts{}
			}
			by[dimension][key].add(c)
		}
	})
	if err != nil {
		return s, err
	}
	s.Weeks, s.Intents, s.Tenants, s.Channels = lines(by["week"]), lines(by["intent"]), lines(by["tenant"]), lines(by["channel"])
	slices.SortFunc(s.Weeks, func(a, b Line) int { return cmp.Compare(a.Name, b.Name) })
	rows, err := tx.Query(ctx, `select route, count(*)::int as runs, sum(prompt_tokens)::bigint as prompt_tokens, sum(output_tokens)::bigint as output_tokens, sum(cost_microusd)::bigint as cost_microusd
		from decisions where created_at >= $1 and created_at < $2 and outcome <> 'ignored' and ($3::uuid = '00000000-0000-0000-0000-000000000000' or tenant_id = $3) group by 1 order by 2 desc, 1`, from, to, tenant)
	if err != nil {
		return s, err
	}
	s.Features, err = pgx.CollectRows(rows, pgx.RowToStructByName[Feature])
	return s, err
}

func lines(of map[string]*Counts) (out []Line) {
	for name, c := range of {
		if c.Asked+c.Direct > 0 {
			out = append(out, Line{name, *c})
		}
	}
	slices.SortFunc(out, func(a, b Line) int { return cmp.Or(cmp.Compare(b.Asked, a.Asked), cmp.Compare(a.Name, b.Name)) })
	return out
}

// Columns of the CSV. They are kept; new ones come last.
var Columns = []string{
	"week", "tenant", "channel", "intent", "asked", "confirmed", "assumed", "reopened", "escalated", "wrong", "waiting", "unanswered",
	"people_confirmed", "people_assumed", "people_reopened", "direct", "tokens", "cost_usd", "people_linked",
}

// WriteCSV writes one line per week, customer (by slug), channel and intent.
func WriteCSV(ctx context.Context, tx pgx.Tx, from, to time.Time, tenant uuid.UUID, now time.Time, w io.Writer) error {
	slugs := map[uuid.UUID]string{}
	rows, err := tx.Query(ctx, `select id, slug from tenants`)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var slug string
	if _, err := pgx.ForEachRow(rows, []any{&id, &slug}, func() error { slugs[id] = slug; return nil }); err != nil {
		return err
	}
	type key struct{ week, tenant, channel, intent string }
	sums := map[key]*Counts{}
	var keys []key
	err = Ledger(ctx, tx, from, to, tenant, now, func(c Case) {
		k := key{c.Week.Format(time.DateOnly), slugs[c.Tenant], c.Channel, c.Intent}
		if sums[k] == nil {
			sums[k] = &Counts{}
			keys = append(keys, k)
		}
		sums[k].add(c)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.week, b.week), cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.channel, b.channel), cmp.Compare(a.intent, b.intent))
	})
	out := csv.NewWriter(w)
	if err := out.Write(Columns); err != nil {
		return err
	}
	for _, k := range keys {
		c := sums[k]
		if c.Asked+c.Direct == 0 {
			continue
		}
		row := []string{k.week, k.tenant, k.channel, k.intent, strconv.Itoa(c.Asked)}
		for _, o := range All {
			row = append(row, strconv.Itoa(c.Of[o]))
		}
		for _, n := range []int{c.PeopleConfirmed, c.PeopleAssumed, c.PeopleReopened, c.Direct} {
			row = append(row, strconv.Itoa(n))
		}
		row = append(row, strconv.FormatInt(c.Tokens, 10), strconv.FormatFloat(float64(c.MicroUSD)/1e6, 'f', 6, 64), strconv.Itoa(c.PeopleLinked))
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
