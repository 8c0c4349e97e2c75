package notice

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// SendArgs is the periodic job that delivers what is due.
type SendArgs struct{}

// Kind names the job.
func (SendArgs) Kind() string { return "send_notices" }

// InsertOpts keeps runs from piling up.
func (SendArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
}

// Sender delivers notices one by one, each in a transaction of its own, so that
// one that fails neither repeats nor holds back the others. DB is of the worker
// role.
type Sender struct {
	river.WorkerDefaults[SendArgs]
	DB      *tenantdb.DB
	Deliver Deliver
	Now     func() time.Time // default time.Now
	Log     *slog.Logger     // default slog.Default
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, s *Sender) { river.AddWorker(workers, s) }

// perRun bounds a run; the next one goes on.
const perRun = 500

// Work implements river.Worker.
func (s *Sender) Work(ctx context.Context, _ *river.Job[SendArgs]) error {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	for range perRun {
		none := false
		err := s.DB.WithSystem(ctx, "send a notice", func(tx pgx.Tx) error {
			due, err := claim(ctx, tx, now())
			if none = len(due) == 0; none || err != nil {
				return err
			}
			// What the delivery did is undone when it fails, and that it failed is kept.
			failed := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error { return due[0].send(ctx, inner, now(), s.Deliver) })
			if failed == nil {
				return nil
			}
			cmp.Or(s.Log, slog.Default()).ErrorContext(ctx, "a customer could not be told", "notice_id", due[0].ID, "tenant_id", due[0].TenantID, "error", failed)
			return due[0].postpone(ctx, tx, now(), failed)
		})
		if err != nil || none {
			return err
		}
	}
	return nil
}
