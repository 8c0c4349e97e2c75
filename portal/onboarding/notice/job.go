package notice

import (
	"context"
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
// one that fails neither repeats nor holds back the others before it. DB is of
// the worker role.
type Sender struct {
	river.WorkerDefaults[SendArgs]
	DB      *tenantdb.DB
	Deliver Deliver
	Now     func() time.Time // default time.Now
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
		sent := 0
		err := s.DB.WithSystem(ctx, "send a notice", func(tx pgx.Tx) (err error) {
			sent, err = Send(ctx, tx, now(), 1, s.Deliver)
			return err
		})
		if err != nil || sent == 0 {
			return err
		}
	}
	return nil
}
