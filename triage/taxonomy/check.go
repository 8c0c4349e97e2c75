package taxonomy

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage/classify"
)

// Training is what came of one retraining, judged on examples held back from it.
type Training struct {
	Revision string  `db:"revision"`
	Version  string  `db:"version"`
	Accepted bool    `db:"accepted"`
	Held     int     `db:"held"`
	Accuracy float64 `db:"accuracy"`
	MacroF1  float64 `db:"macro_f1"`
	ECE      float64 `db:"ece"`
	Gained   int     `db:"gained"` // held-back examples wrong before, right now
	Lost     int     `db:"lost"`   // right before, wrong now
}

// answer is what a classifier says to one held-back example.
type answer struct {
	Example    uuid.UUID `db:"example_id"`
	Expected   string    `db:"expected"`
	Predicted  string    `db:"predicted"`
	Confidence float64   `db:"confidence"`
}

func (a answer) right() bool { return a.Expected == a.Predicted }

const (
	// heldShare is one in how many examples is held back from the check. Which
	// ones depends on their text alone, so that they stay the same over time.
	heldShare = 8
	// fewestHeldBack is the fewest held-back examples a comparison stands on.
	fewestHeldBack = 20
)

func heldBack(e Example) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(e.Text))
	return h.Sum32()%heldShare == 0
}

// examine trains the intents once more without the examples to hold back and asks
// it those, if there are enough. The model in use learns from all of them.
func examine(ctx context.Context, set Set, hold func(Example) bool, enough int) ([]answer, error) {
	enabled := map[string]bool{}
	for _, v := range set.Values {
		enabled[v.Value] = enabled[v.Value] || v.Dimension == Intent && v.Enabled
	}
	learned := Set{Values: set.Values}
	var held []Example
	for _, e := range set.Examples {
		switch {
		case e.Dimension != Intent || !enabled[e.Value]:
		case hold(e):
			held = append(held, e)
		default:
			learned.Examples = append(learned.Examples, e)
		}
	}
	if len(held) < enough {
		return nil, nil
	}
	model, err := trainDimension(ctx, learned, Intent)
	if err != nil {
		return nil, err
	}
	out := make([]answer, len(held))
	for i, e := range held {
		p := model.Predict(e.Text)
		if p.OutOfScope {
			p.Label = OutOfScope
		}
		out[i] = answer{e.ID, e.Value, p.Label, p.Confidence}
	}
	return out, nil
}

// judge compares answers with those of the classifier in use, example by example.
// A retraining that gets the same things wrong as often, within what
// chance alone does to a few examples, is accepted; one that loses more is not.
func judge(revision, version string, before, after []answer) Training {
	t := Training{Revision: revision, Version: version, Held: len(after)}
	was := make(map[uuid.UUID]answer, len(before))
	for _, a := range before {
		was[a.Example] = a
	}
	said, gold := make([]classify.Prediction, len(after)), make([]string, len(after))
	for i, a := range after {
		said[i], gold[i] = classify.Prediction{Label: a.Predicted, Confidence: a.Confidence}, a.Expected
		old, known := was[a.Example]
		if !known || old.Expected != a.Expected {
			continue
		}
		switch {
		case a.right() && !old.right():
			t.Gained++
		case old.right() && !a.right():
			t.Lost++
		}
	}
	q := classify.Measure(said, gold)
	t.Accuracy, t.MacroF1, t.ECE = q.Accuracy, q.MacroF1, q.ECE
	t.Accepted = float64(t.Lost-t.Gained) <= math.Sqrt(float64(t.Lost+t.Gained))
	return t
}

// outcome reads what came of a revision's training.
func outcome(ctx context.Context, q Querier, revision string) (Training, bool, error) {
	rows, err := q.Query(ctx, `select revision, version, accepted, held, accuracy, macro_f1, ece, gained, lost
		from classifier_trainings where revision = $1`, revision)
	if err != nil {
		return Training{}, false, fmt.Errorf("read training: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Training])
	if errors.Is(err, pgx.ErrNoRows) {
		return Training{}, false, nil
	}
	if err != nil {
		return Training{}, false, fmt.Errorf("read training: %w", err)
	}
	return t, true, nil
}

// answersInUse are the answers of the latest accepted training.
func answersInUse(ctx context.Context, q Querier) ([]answer, error) {
	rows, err := q.Query(ctx, `select example_id, expected, predicted, confidence from classifier_checks where revision = (
		select revision from classifier_trainings where accepted order by created_at desc limit 1)`)
	if err != nil {
		return nil, fmt.Errorf("read classifier checks: %w", err)
	}
	answers, err := pgx.CollectRows(rows, pgx.RowToStructByName[answer])
	if err != nil {
		return nil, fmt.Errorf("read classifier checks: %w", err)
	}
	return answers, nil
}

// keptTrainings is of how many trainings the single answers are kept; their
// figures are kept always.
const keptTrainings = 20

// record keeps what came of a training. Of several processes the first counts.
func (e *Engine) record(ctx context.Context, t Training, answers []answer) error {
	return pgx.BeginFunc(ctx, e.db, func(tx pgx.Tx) error { return recordTraining(ctx, tx, t, answers) })
}

func recordTraining(ctx context.Context, tx pgx.Tx, t Training, answers []answer) error {
	err := func() error {
		tag, err := tx.Exec(ctx, `insert into classifier_trainings (revision, version, accepted, held, accuracy, macro_f1, ece, gained, lost)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
			t.Revision, t.Version, t.Accepted, t.Held, t.Accuracy, t.MacroF1, t.ECE, t.Gained, t.Lost)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		batch := &pgx.Batch{}
		for _, a := range answers {
			batch.Queue(`insert into classifier_checks (revision, example_id, expected, predicted, confidence) values ($1, $2, $3, $4, $5)`,
				t.Revision, a.Example, a.Expected, a.Predicted, a.Confidence)
		}
		batch.Queue(`delete from classifier_checks where revision not in (
			select revision from classifier_trainings order by created_at desc limit $1)`, keptTrainings)
		return tx.SendBatch(ctx, batch).Close()
	}()
	if err != nil {
		return fmt.Errorf("keep what came of the training: %w", err)
	}
	return nil
}
