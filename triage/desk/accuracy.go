package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Accuracy is how often people agreed with the classification of the messages
// they worked on. A message counts when somebody took its ticket; it was right
// when nobody corrected it.
type Accuracy struct {
	Reviewed int
	Right    int
	ECE      float64 // mean distance between confidence and how often it was right, weighted by bin
	Intents  []IntentAccuracy
	Bins     []CalibrationBin
	Confused []Confusion
	Weeks    []WeekAccuracy
}

// IntentAccuracy is one value's share.
type IntentAccuracy struct {
	Intent   string `db:"intent"`
	Reviewed int    `db:"reviewed"`
	Right    int    `db:"right_ones"`
}

// CalibrationBin is a tenth of the confidence scale: of predictions about this
// sure, how many were right.
type CalibrationBin struct {
	From       float64
	Confidence float64 // mean
	Reviewed   int
	Right      int
}

// Confusion is a value that people changed into another.
type Confusion struct {
	From string `db:"was"`
	To   string `db:"became"`
	N    int    `db:"n"`
}

// WeekAccuracy is a week's share, by its Monday.
type WeekAccuracy struct {
	Week     time.Time `db:"week"`
	Reviewed int       `db:"reviewed"`
	Right    int       `db:"right_ones"`
}

// reviewed are the classifications people have looked at since $1.
const reviewed = `with reviewed as (
  select c.intent, c.confidence, c.corrected_intent, c.created_at, coalesce(c.corrected_intent, c.intent) = c.intent as agreed
  from classifications c where c.created_at >= $1 and (c.corrected_intent is not null or exists (select from tickets t
    where t.tenant_id = c.tenant_id and t.conversation_id = c.conversation_id and t.first_replied_at is not null and t.intent = c.intent))) `

// AccuracySince counts over all tenants, on the worker's role.
func AccuracySince(ctx context.Context, tx pgx.Tx, since time.Time) (Accuracy, error) {
	var a Accuracy
	var err error
	if a.Intents, err = list[IntentAccuracy](ctx, tx, reviewed+`select intent, count(*)::int as reviewed, count(*) filter (where agreed)::int as right_ones
		from reviewed group by 1 order by 2 desc, 1 limit 50`, since); err != nil {
		return a, fmt.Errorf("count accuracy: %w", err)
	}
	if a.Confused, err = list[Confusion](ctx, tx, reviewed+`select intent as was, corrected_intent as became, count(*)::int as n
		from reviewed where not agreed group by 1, 2 order by 3 desc, 1, 2 limit 30`, since); err != nil {
		return a, fmt.Errorf("count accuracy: %w", err)
	}
	if a.Weeks, err = list[WeekAccuracy](ctx, tx, reviewed+`select date_trunc('week', created_at) as week, count(*)::int as reviewed, count(*) filter (where agreed)::int as right_ones
		from reviewed group by 1 order by 1`, since); err != nil {
		return a, fmt.Errorf("count accuracy: %w", err)
	}
	rows, err := tx.Query(ctx, reviewed+`select least(floor(confidence * 10), 9) / 10, avg(confidence), count(*)::int, count(*) filter (where agreed)::int
		from reviewed group by 1 order by 1`, since)
	if err != nil {
		return a, fmt.Errorf("count accuracy: %w", err)
	}
	var b CalibrationBin
	if _, err := pgx.ForEachRow(rows, []any{&b.From, &b.Confidence, &b.Reviewed, &b.Right}, func() error {
		a.Bins = append(a.Bins, b)
		a.Reviewed += b.Reviewed
		a.Right += b.Right
		return nil
	}); err != nil {
		return a, fmt.Errorf("count accuracy: %w", err)
	}
	for _, bin := range a.Bins {
		gap := bin.Confidence - float64(bin.Right)/float64(bin.Reviewed)
		a.ECE += max(gap, -gap) * float64(bin.Reviewed) / float64(a.Reviewed)
	}
	return a, nil
}
