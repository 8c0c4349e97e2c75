package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// SweepArgs is the periodic job that sweeps every onboarding.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "sweep_onboarding" }

// InsertOpts keeps one sweep at a time from piling up.
func (SweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: 15 * time.Minute}}
}

// Sweeper sweeps tenants, each in a transaction of its own. DB is of the worker role.
type Sweeper struct {
	river.WorkerDefaults[SweepArgs]
	DB       *tenantdb.DB
	Feed     *Feed
	Patience Patience
	Now      func() time.Time // default time.Now
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, s *Sweeper) { river.AddWorker(workers, s) }

// Work implements river.Worker: one tenant's failure does not keep the others waiting.
func (s *Sweeper) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	var tenants []uuid.UUID
	err := s.DB.WithSystem(ctx, "list onboardings to sweep", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select p.tenant_id from projects p join tenants t on t.id = p.tenant_id
			where p.state in ('active', 'live') and t.lifecycle_state in ('active', 'live') order by p.tenant_id`)
		if err != nil {
			return err
		}
		tenants, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return fmt.Errorf("list onboardings: %w", err)
	}
	var failed []error
	for _, tenant := range tenants {
		if err := s.DB.WithSystem(ctx, "sweep an onboarding", func(tx pgx.Tx) error { return s.Feed.Sweep(ctx, tx, tenant, now(), s.Patience) }); err != nil {
			failed = append(failed, fmt.Errorf("tenant %s: %w", tenant, err))
		}
	}
	return errors.Join(failed...)
}
