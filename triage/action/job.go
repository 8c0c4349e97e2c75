package action

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage/desk"
)

// RunArgs carries out an approved proposal.
type RunArgs struct {
	TenantID   uuid.UUID `json:"tenant_id"`
	ProposalID uuid.UUID `json:"proposal_id"`
}

// Kind names the job.
func (RunArgs) Kind() string { return "run_action" }

// SweepArgs lets proposals expire and asks again for those whose job was lost. Periodic.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "sweep_actions" }

type runWorker struct {
	river.WorkerDefaults[RunArgs]
	service *Service
}

func (w *runWorker) Work(ctx context.Context, job *river.Job[RunArgs]) error {
	return desk.Snoozed(w.service.Run(ctx, job.Args.TenantID, job.Args.ProposalID))
}

type sweepWorker struct {
	river.WorkerDefaults[SweepArgs]
	service *Service
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	_, err := w.service.Sweep(ctx)
	return err
}

// AddWorkers registers the jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &runWorker{service: s})
	river.AddWorker(workers, &sweepWorker{service: s})
}

// PeriodicJobs sweep every minute.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) { return SweepArgs{}, nil }, nil)}
}

// Sweep ends what nobody decided on and inserts a job for what was approved and has
// none. It returns how many it found.
func (s *Service) Sweep(ctx context.Context) (n int, err error) {
	type row struct {
		TenantID uuid.UUID `db:"tenant_id"`
		ID       uuid.UUID `db:"id"`
		State    State     `db:"state"`
	}
	var found []row
	err = s.DB.WithSystem(ctx, "find proposed actions to end or to go on with", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select tenant_id, id, state from action_proposals p where state = 'proposed' and expires_at <= $1
			or state in ('approved', 'running') and updated_at < $2 and coalesce(next_at, updated_at) < $2 and not exists (
			  select from river_job j where j.kind = $3 and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
			    and j.args->>'proposal_id' = p.id::text) limit 500`, s.Now(), s.Now().Add(-time.Minute), RunArgs{}.Kind())
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[row])
		if err != nil {
			return err
		}
		for _, r := range found {
			if r.State == Proposed {
				continue
			}
			if _, err := s.Jobs.InsertTx(ctx, tx, RunArgs{r.TenantID, r.ID}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("sweep actions: %w", err)
	}
	for _, r := range found {
		if r.State == Proposed {
			err = errors.Join(err, s.Expire(ctx, r.TenantID, r.ID))
		}
	}
	return len(found), err
}
