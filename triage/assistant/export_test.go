package assistant

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/triage/intake"
)

// WorkForTest works a job on its given try, completing it outside River.
func WorkForTest(ctx context.Context, a *Assistant, args intake.ProcessArgs, attempt, attempts int) error {
	w := &Worker{assistant: a, complete: func(*river.Job[intake.ProcessArgs]) func(context.Context, pgx.Tx) error {
		return func(context.Context, pgx.Tx) error { return nil }
	}}
	return w.Work(ctx, &river.Job[intake.ProcessArgs]{JobRow: &rivertype.JobRow{Attempt: attempt, MaxAttempts: attempts}, Args: args})
}
