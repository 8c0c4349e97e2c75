package upkeep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage/taxonomy"
)

// Kinds of suggestions.
const (
	SuggestNew     = "new"     // questions of one topic fit no value
	SuggestOverlap = "overlap" // two values are taken for each other
	SuggestUnused  = "unused"  // a value nobody needs
)

// ErrSettled says there is no such open suggestion, or nothing in it to accept.
var ErrSettled = errors.New("no such open suggestion")

const (
	// lifetime is how long a suggestion waits, and how long an expired one rests.
	lifetime = "28 days"
	// mostSuggested is how many of each kind are open at once.
	mostSuggested = 5
	// A topic suggests a value when so many questions of four weeks, and this share
	// of them, fit none.
	fewestUnfit = 5
	shareUnfit  = 0.6
	// Two values overlap when they were taken for each other so often, and in this
	// share of all cases of either.
	fewestMixed = 3
	shareMixed  = 0.25
	// A value is unused when none of at least so many messages of 90 days was its.
	fewestSeen = 200
	// suggestedExamples is how many questions a suggested value begins with.
	suggestedExamples = 20
)

// Evidence is what a suggestion rests on.
type Evidence struct {
	Topic     *uuid.UUID `json:"topic,omitempty"`     // new
	Words     string     `json:"words,omitempty"`     // new: what its questions share
	Value     string     `json:"value,omitempty"`     // unused; overlap: one; new: a name to begin with
	Other     string     `json:"other,omitempty"`     // overlap: the other
	Questions int        `json:"questions,omitempty"` // new
	Unfit     int        `json:"unfit,omitempty"`     // new: of these fit no value
	Tenants   int        `json:"tenants,omitempty"`   // new
	Corrected int        `json:"corrected,omitempty"` // overlap: people changed one into the other
	Mixed     int        `json:"mixed,omitempty"`     // overlap: held-back examples taken for the other
	Of        int        `json:"of,omitempty"`        // overlap: all held-back examples of both; unused: messages seen
}

// Suggestion is one proposal for the taxonomy.
type Suggestion struct {
	ID        uuid.UUID
	Kind      string
	Detail    Evidence
	CreatedAt time.Time
	Expires   time.Time
	Examples  []string `db:"-"` // masked
	Merge     bool     `db:"-"` // overlap: Value can go up in Other
}

type found struct {
	kind, subject string
	detail        Evidence
	weight        float64
}

// Suggest looks at four weeks of questions, at corrections and at the last
// training, and brings the suggestions up to date.
func (s *Service) Suggest(ctx context.Context) error {
	err := s.DB.WithSystem(ctx, "make suggestions for the taxonomy", func(tx pgx.Tx) error {
		var all []found
		for _, look := range []func(context.Context, pgx.Tx) ([]found, error){missing, overlapping, unused} {
			list, err := look(ctx, tx)
			if err != nil {
				return err
			}
			all = append(all, list...)
		}
		b := &pgx.Batch{}
		b.Queue(`update taxonomy_suggestions set state = 'expired', settled_at = now() where state = 'open' and created_at < now() - interval '` + lifetime + `'`)
		subjects := make([]string, len(all))
		for i, f := range all {
			subjects[i] = f.subject
			b.Queue(`insert into taxonomy_suggestions (id, kind, subject, detail, weight) values ($1, $2, $3, $4, $5)
				on conflict (subject) do update set detail = excluded.detail, weight = excluded.weight,
				  state = 'open', created_at = case when taxonomy_suggestions.state = 'open' then taxonomy_suggestions.created_at else now() end
				where taxonomy_suggestions.state = 'open' or taxonomy_suggestions.state = 'expired' and taxonomy_suggestions.settled_at < now() - interval '`+lifetime+`'`,
				uuid.Must(uuid.NewV7()), f.kind, f.subject, f.detail, f.weight)
		}
		b.Queue(`delete from taxonomy_suggestions where state = 'open' and not subject = any($1)`, subjects) // no longer so
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("make suggestions for the taxonomy: %w", err)
	}
	return nil
}

// missing finds topics most of whose questions fit no value.
func missing(ctx context.Context, tx pgx.Tx) ([]found, error) {
	rows, err := tx.Query(ctx, `
		select t.id, t.name, count(*) as questions, count(*) filter (where coalesce(c.corrected_intent, c.intent) in ('', 'out_of_scope')) as unfit, count(distinct q.tenant_id) as tenants
		from topic_messages q join topics t on t.id = q.topic_id and not t.by_intent and t.name <> ''
		join classifications c on c.tenant_id = q.tenant_id and c.message_id = q.message_id
		where q.at > now() - interval '28 days' group by t.id, t.name
		having count(*) filter (where coalesce(c.corrected_intent, c.intent) in ('', 'out_of_scope')) >= greatest($1, $2 * count(*))
		order by unfit desc, t.id limit $3`, fewestUnfit, shareUnfit, mostSuggested)
	if err != nil {
		return nil, fmt.Errorf("find topics that fit no value: %w", err)
	}
	var out []found
	var topic uuid.UUID
	var e Evidence
	_, err = pgx.ForEachRow(rows, []any{&topic, &e.Words, &e.Questions, &e.Unfit, &e.Tenants}, func() error {
		id := topic
		e.Topic, e.Value = &id, named(e.Words)
		out = append(out, found{SuggestNew, "new:" + id.String(), e, float64(e.Unfit)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find topics that fit no value: %w", err)
	}
	return out, nil
}

// named makes a value's name of a topic's words: "question.export_ledger".
func named(words string) string {
	parts := strings.Split(words, ", ")
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' {
			return unicode.ToLower(r)
		}
		return -1
	}, strings.Join(parts[:min(2, len(parts))], "_"))
	return "question." + name
}

// overlapping finds intents that people's corrections, or examples held back at
// the last training, show to be taken for each other.
func overlapping(ctx context.Context, tx pgx.Tx) ([]found, error) {
	rows, err := tx.Query(ctx, `
		with names as (select value, route from taxonomy_values where dimension = 'intent' and enabled and value <> 'out_of_scope'),
		corrected as (
		  select least(c.intent, c.corrected_intent) as a, greatest(c.intent, c.corrected_intent) as b, count(*)::int as n from classifications c
		  where c.corrected_at > now() - interval '90 days' and c.intent <> c.corrected_intent and c.intent <> '' group by 1, 2),
		checks as (select expected, predicted from classifier_checks where revision = (select revision from classifier_trainings where accepted order by created_at desc limit 1)),
		mixed as (select least(expected, predicted) as a, greatest(expected, predicted) as b, count(*)::int as n from checks where expected <> predicted group by 1, 2),
		sizes as (select expected as value, count(*)::int as n from checks group by 1)
		select x.value, y.value, coalesce(c.n, 0) as corrected, coalesce(m.n, 0) as mixed, coalesce(sx.n, 0) + coalesce(sy.n, 0) as of, x.route = 'status', y.route = 'status'
		from names x join names y on x.value < y.value
		left join corrected c on c.a = x.value and c.b = y.value
		left join mixed m on m.a = x.value and m.b = y.value
		left join sizes sx on sx.value = x.value left join sizes sy on sy.value = y.value
		where coalesce(c.n, 0) >= $1 or coalesce(m.n, 0) >= $1 and m.n >= $2 * (coalesce(sx.n, 0) + coalesce(sy.n, 0))
		order by coalesce(c.n, 0) + coalesce(m.n, 0) desc, 1, 2 limit $3`, fewestMixed, shareMixed, mostSuggested)
	if err != nil {
		return nil, fmt.Errorf("find values that overlap: %w", err)
	}
	var out []found
	var e Evidence
	var first, second bool
	_, err = pgx.ForEachRow(rows, []any{&e.Value, &e.Other, &e.Corrected, &e.Mixed, &e.Of, &first, &second}, func() error {
		if first && !second {
			e.Value, e.Other = e.Other, e.Value // a status value cannot go up in another
		}
		one, other := min(e.Value, e.Other), max(e.Value, e.Other)
		out = append(out, found{SuggestOverlap, "overlap:" + one + "|" + other, e, float64(e.Corrected + e.Mixed)})
		e = Evidence{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find values that overlap: %w", err)
	}
	return out, nil
}

// unused finds intents no message was of, where there were many messages.
func unused(ctx context.Context, tx pgx.Tx) ([]found, error) {
	rows, err := tx.Query(ctx, `
		with seen as (select intent, corrected_intent, created_at from classifications where created_at > now() - interval '90 days'),
		enough as (select count(*)::int as n from seen having count(*) >= $1 and min(created_at) < now() - interval '28 days')
		select v.value, enough.n from taxonomy_values v, enough
		where v.dimension = 'intent' and v.enabled and not v.value = any($2)
		  and not exists (select from seen where seen.intent = v.value or seen.corrected_intent = v.value)
		  and not exists (select from taxonomy_values c where c.dimension = 'intent' and c.value like v.value || '.%')
		order by v.value limit $3`, fewestSeen, taxonomy.FixedNames(), mostSuggested)
	if err != nil {
		return nil, fmt.Errorf("find values nobody needs: %w", err)
	}
	var out []found
	var e Evidence
	_, err = pgx.ForEachRow(rows, []any{&e.Value, &e.Of}, func() error {
		out = append(out, found{SuggestUnused, "unused:" + e.Value, e, 0})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find values nobody needs: %w", err)
	}
	return out, nil
}

const suggestionColumns = `id, kind, detail, created_at, created_at + interval '` + lifetime + `' as expires`

// Suggestions lists the open ones, with examples of the questions behind them.
func (s *Service) Suggestions(ctx context.Context) (list []Suggestion, err error) {
	err = s.DB.WithSystem(ctx, "read suggestions for the taxonomy", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+suggestionColumns+` from taxonomy_suggestions where state = 'open'
			and created_at > now() - interval '`+lifetime+`' order by array_position(array['new', 'overlap', 'unused'], kind), weight desc, id`)
		if err != nil {
			return err
		}
		if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Suggestion]); err != nil {
			return err
		}
		for i := range list {
			if err := list[i].illustrate(ctx, tx, examplesShown); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read suggestions for the taxonomy: %w", err)
	}
	return list, nil
}

// illustrate reads the questions a suggestion is about where they were asked.
func (x *Suggestion) illustrate(ctx context.Context, tx pgx.Tx, limit int) error {
	x.Examples = []string{}
	if x.Kind == SuggestOverlap {
		set, err := taxonomy.Load(ctx, tx)
		if err != nil {
			return err
		}
		for _, v := range set.Values {
			x.Merge = x.Merge || v.Dimension == taxonomy.Intent && v.Value == x.Detail.Value && !v.Fixed()
		}
		return nil
	}
	if x.Kind != SuggestNew || x.Detail.Topic == nil {
		return nil
	}
	rows, err := tx.Query(ctx, `select m.body from topic_messages q join messages m on m.tenant_id = q.tenant_id and m.id = q.message_id
		join classifications c on c.tenant_id = q.tenant_id and c.message_id = q.message_id
		where q.topic_id = $1 and m.state <> 'deleted' and coalesce(c.corrected_intent, c.intent) in ('', 'out_of_scope')
		order by q.at desc limit $2`, x.Detail.Topic, limit)
	if err != nil {
		return err
	}
	bodies, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, body := range bodies {
		x.Examples = append(x.Examples, masked(body))
	}
	return err
}

// Settle takes a suggestion into the draft, or turns it down for good. A new
// value may be given another name and description.
func (s *Service) Settle(ctx context.Context, id uuid.UUID, accept bool, name, description string, by uuid.UUID) error {
	err := s.DB.WithSystem(ctx, "settle a suggestion for the taxonomy", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+suggestionColumns+` from taxonomy_suggestions where id = $1 and state = 'open' for update`, id)
		if err != nil {
			return err
		}
		x, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Suggestion])
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrSettled
		}
		if err != nil {
			return err
		}
		state := "dismissed"
		if accept {
			state = "accepted"
			edit, err := x.edit(ctx, tx, name, description)
			if err != nil {
				return err
			}
			if err := AddTx(ctx, tx, []taxonomy.Edit{edit}, by); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `update taxonomy_suggestions set state = $2, settled_by = $3, settled_at = now() where id = $1`, id, state, by)
		return err
	})
	var bad *taxonomy.EditError
	if err != nil && !errors.As(err, &bad) {
		return fmt.Errorf("settle a suggestion for the taxonomy: %w", err)
	}
	return err
}

// edit is the step of the draft a suggestion comes to.
func (x Suggestion) edit(ctx context.Context, tx pgx.Tx, name, description string) (taxonomy.Edit, error) {
	e := taxonomy.Edit{Dimension: taxonomy.Intent}
	switch x.Kind {
	case SuggestNew:
		if err := x.illustrate(ctx, tx, suggestedExamples); err != nil {
			return e, err
		}
		if name == "" {
			name = x.Detail.Value
		}
		if description == "" {
			description = "Questions about " + x.Detail.Words + "."
		}
		e.Kind, e.Examples = taxonomy.EditPut, x.Examples
		e.Value = &taxonomy.Value{Dimension: taxonomy.Intent, Value: name, Description: description, Route: taxonomy.RouteAnswer, Enabled: true}
	case SuggestOverlap:
		e.Kind, e.From, e.To = taxonomy.EditMerge, x.Detail.Value, x.Detail.Other
	case SuggestUnused:
		d, err := draft(ctx, tx)
		if err != nil {
			return e, err
		}
		for _, v := range d.Set.Values {
			if v.Dimension == taxonomy.Intent && v.Value == x.Detail.Value {
				v.Enabled = false
				e.Kind, e.Value = taxonomy.EditPut, &v
				return e, nil
			}
		}
		return e, ErrSettled
	}
	return e, nil
}

// SuggestArgs makes suggestions. Periodic.
type SuggestArgs struct{}

// Kind names the job.
func (SuggestArgs) Kind() string { return "suggest_taxonomy" }

// InsertOpts keeps runs from piling up.
func (SuggestArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
}

// SuggestSoon queues a run, at most one a minute.
func (s *Service) SuggestSoon(ctx context.Context) error {
	return s.DB.WithSystem(ctx, "make suggestions soon", func(tx pgx.Tx) error {
		_, err := s.Jobs.InsertTx(ctx, tx, SuggestArgs{}, nil)
		return err
	})
}

type suggestWorker struct {
	river.WorkerDefaults[SuggestArgs]
	service *Service
}

func (w *suggestWorker) Work(ctx context.Context, _ *river.Job[SuggestArgs]) error {
	return w.service.Suggest(ctx)
}

// PeriodicJobs make suggestions every six hours.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(6*time.Hour), func() (river.JobArgs, *river.InsertOpts) { return SuggestArgs{}, nil }, nil)}
}
