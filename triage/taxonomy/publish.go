package taxonomy

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrWorse says that a classifier trained from the draft does worse on examples
// held back from it and from the one in use.
var ErrWorse = errors.New("the classifier would do worse")

// ErrMoving says that the taxonomy kept changing while a draft of it was learned.
var ErrMoving = errors.New("the taxonomy changed meanwhile")

// Change makes the wanted taxonomy from the one in use.
type Change func(Set) (Set, Names, error)

// Try trains an Engine on a set that is not in use. It classifies like this one
// would then; nothing is stored.
func (e *Engine) Try(ctx context.Context, set Set) (*Engine, error) {
	defer debug.FreeOSMemory()
	t, err := train(ctx, set)
	if err != nil {
		return nil, fmt.Errorf("train on a draft: %w", err)
	}
	tried := &Engine{db: e.db, log: e.log}
	tried.current.Store(t)
	tried.names.Store(e.names.Load())
	return tried, nil
}

// Ready reports whether the first training has finished.
func (e *Engine) Ready() bool { return e.current.Load() != nil }

// Judge says what training on the changed set would give on held-back examples,
// against the classifier in use. Names are followed: what is only called
// otherwise is no difference.
func (e *Engine) Judge(ctx context.Context, changed Set, names Names) (Training, error) {
	verdict, _, err := e.judgeDraft(ctx, changed, names)
	return verdict, err
}

func (e *Engine) judgeDraft(ctx context.Context, changed Set, names Names) (Training, []answer, error) {
	now := e.current.Load()
	if now == nil {
		return Training{}, nil, ErrNotReady
	}
	before, err := answersInUse(ctx, e.db)
	if err != nil {
		return Training{}, nil, err
	}
	if len(before) == 0 { // the first classifier of an installation was not examined
		live, err := Load(ctx, e.db)
		if err != nil {
			return Training{}, nil, err
		}
		if before, err = examine(ctx, live, heldBack, fewestHeldBack); err != nil {
			return Training{}, nil, err
		}
	}
	for i := range before {
		before[i].Expected, before[i].Predicted = names.Of(before[i].Expected), names.Of(before[i].Predicted)
	}
	after, err := examine(ctx, changed, heldBack, fewestHeldBack)
	if err != nil {
		return Training{}, nil, err
	}
	return judge("", "", before, after), after, nil
}

// Taught is how many of the messages people corrected are classified as they said,
// by a classifier that has not learned from them.
type Taught struct {
	Corrected int `json:"corrected"`
	Before    int `json:"before"`
	After     int `json:"after"`
}

// Retell asks the taxonomy in use and the changed one about every corrected
// message, both trained without them.
func (e *Engine) Retell(ctx context.Context, live, changed Set) (Taught, error) {
	corrected := func(x Example) bool { return x.Source == "correction" }
	if !slices.ContainsFunc(live.Examples, corrected) {
		return Taught{}, nil
	}
	before, err := examine(ctx, live, corrected, 1)
	if err != nil {
		return Taught{}, err
	}
	after, err := examine(ctx, changed, corrected, 1)
	if err != nil {
		return Taught{}, err
	}
	was := map[uuid.UUID]bool{}
	for _, a := range before {
		was[a.Example] = a.right()
	}
	var t Taught
	for _, a := range after {
		right, known := was[a.Example]
		if !known {
			continue
		}
		t.Corrected++
		if right {
			t.Before++
		}
		if a.right() {
			t.After++
		}
	}
	return t, nil
}

// Publication is a change to be put in use.
type Publication struct {
	Change Change
	Anyway bool // even when the classifier does worse
	// Check is asked with the trained classifier before anything changes; nil: nothing.
	Check func(ctx context.Context, tried *Engine, t Training) error
	// Within runs the change in one transaction of the worker role with system access.
	Within func(ctx context.Context, fn func(tx pgx.Tx) error) error
	// Also is done in that transaction. before is what the change replaces.
	Also func(ctx context.Context, tx pgx.Tx, before Set, names Names) error
}

// tries is how often a publication is learned again because agents taught the
// classifier meanwhile.
const tries = 3

// Publish learns a changed taxonomy and puts values, examples and models in use
// in one transaction. Every process follows within seconds; until then the old
// models answer with the old values. Nothing changes when it fails.
func (e *Engine) Publish(ctx context.Context, p Publication) (Training, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for range tries {
		verdict, done, err := e.publish(ctx, p)
		if done || err != nil {
			return verdict, err
		}
	}
	return Training{}, ErrMoving
}

func (e *Engine) publish(ctx context.Context, p Publication) (verdict Training, done bool, err error) {
	started := time.Now()
	defer debug.FreeOSMemory()
	revision, err := Revision(ctx, e.db)
	if err != nil {
		return verdict, false, err
	}
	before, err := Load(ctx, e.db)
	if err != nil {
		return verdict, false, err
	}
	changed, names, err := p.Change(before)
	if err != nil {
		return verdict, false, err
	}
	verdict, answers, err := e.judgeDraft(ctx, changed, names)
	if err != nil {
		return verdict, false, err
	}
	if !verdict.Accepted && !p.Anyway {
		return verdict, false, ErrWorse
	}
	verdict.Accepted = true
	tried, err := e.Try(ctx, changed)
	if err != nil {
		return verdict, false, err
	}
	if p.Check != nil {
		if err := p.Check(ctx, tried, verdict); err != nil {
			return verdict, false, err
		}
	}
	fresh := *tried.current.Load()
	err = p.Within(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `lock table taxonomy_values, taxonomy_examples in share row exclusive mode`); err != nil {
			return fmt.Errorf("hold the taxonomy: %w", err)
		}
		now, err := Revision(ctx, tx)
		if err != nil {
			return err
		}
		if done = now == revision; !done {
			return nil // learned from what is no more; once again
		}
		if err := Replace(ctx, tx, changed); err != nil {
			return err
		}
		if err := followNames(ctx, tx, names); err != nil {
			return err
		}
		if fresh.revision, err = Revision(ctx, tx); err != nil {
			return err
		}
		if err := storeModels(ctx, tx, &fresh, time.Since(started)); err != nil {
			return err
		}
		verdict.Revision, verdict.Version = fresh.revision, fresh.intent.Version()
		if err := recordTraining(ctx, tx, verdict, answers); err != nil {
			return err
		}
		if p.Also != nil {
			return p.Also(ctx, tx, before, names)
		}
		return nil
	})
	if err != nil || !done {
		return verdict, false, err
	}
	e.current.Store(&fresh)
	e.log.InfoContext(ctx, "taxonomy published", "values", len(changed.Values), "examples", len(changed.Examples),
		"seconds", time.Since(started).Seconds(), "version", verdict.Version, "held", verdict.Held, "gained", verdict.Gained, "lost", verdict.Lost)
	return verdict, true, nil
}

// Replace puts a whole set in the place of the stored one.
func Replace(ctx context.Context, tx pgx.Tx, set Set) error {
	if _, err := tx.Exec(ctx, `delete from taxonomy_values`); err != nil { // its examples with it
		return fmt.Errorf("replace taxonomy: %w", err)
	}
	b := &pgx.Batch{}
	for _, v := range set.Values {
		b.Queue(`insert into taxonomy_values (dimension, value, description, route, team, product_area, priority, sensitive, enabled)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, v.Dimension, v.Value, v.Description, v.Route, v.Team, v.ProductArea, v.Priority, v.Sensitive, v.Enabled)
	}
	for _, x := range set.Examples {
		b.Queue(`insert into taxonomy_examples (id, dimension, value, language, text, source, created_at)
			values ($1, $2, $3, $4, $5, $6, coalesce(nullif($7, '0001-01-01 00:00:00+00'::timestamptz), now())) on conflict do nothing`,
			x.ID, x.Dimension, x.Value, x.Language, x.Text, x.Source, x.CreatedAt)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("replace taxonomy: %w", err)
	}
	return nil
}

// followNames lets what people corrected, and tickets still open, go by the new
// names. What the classifier said at the time stays as it was.
func followNames(ctx context.Context, tx pgx.Tx, names Names) error {
	columns := map[string]string{Intent: "intent", ProductArea: "product_area", Team: "team"}
	for key, to := range names {
		dimension, from, _ := strings.Cut(key, "/")
		column := columns[dimension]
		if _, err := tx.Exec(ctx, `update tickets set `+column+` = $2, version = version + 1 where `+column+` = $1 and internal_state not in ('solved', 'closed')`, from, to); err != nil {
			return fmt.Errorf("rename %s of open tickets: %w", dimension, err)
		}
		if dimension != Intent {
			continue
		}
		if _, err := tx.Exec(ctx, `update classifications set corrected_intent = $2 where corrected_intent = $1`, from, to); err != nil {
			return fmt.Errorf("rename corrections: %w", err)
		}
	}
	return nil
}
