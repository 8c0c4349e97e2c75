package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/site"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/usage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/proof"
	"github.com/usherdesk/usher/triage/proposal"
	"github.com/usherdesk/usher/triage/topic"
	"github.com/usherdesk/usher/triage/upkeep"
)

// newJobs returns the job client. Workers are added to the bundle afterwards,
// since they are made from services that insert jobs through this client. In a
// process that does not work jobs it only inserts.
func newJobs(pool *pgxpool.Pool, workers *river.Workers, works bool, periodic []*river.PeriodicJob, log *slog.Logger) (*river.Client[pgx.Tx], error) {
	config := &river.Config{Logger: log, SkipUnknownJobCheck: true}
	if works {
		config.Workers = workers
		// How often inserts wake workers. A message stored within it after another's
		// wake-up, but after that one's fetch, waits for the poll: keep it short.
		config.FetchCooldown = 2 * time.Millisecond
		config.Queues = map[string]river.QueueConfig{
			intake.Queue:       {MaxWorkers: 8, FetchCooldown: 10 * time.Millisecond, FetchPollInterval: 250 * time.Millisecond},
			river.QueueDefault: {MaxWorkers: 8, FetchCooldown: 20 * time.Millisecond},
		}
		config.JobTimeout = 2 * time.Minute
		config.RescueStuckJobsAfter = 4 * time.Minute
		config.CompletedJobRetentionPeriod = time.Hour
		config.PeriodicJobs = append(slices.Concat(desk.PeriodicJobs(), knowledge.PeriodicJobs(), site.PeriodicJobs(), proposal.PeriodicJobs(), topic.PeriodicJobs(), upkeep.PeriodicJobs(), proof.PeriodicJobs(), attachment.PeriodicJobs(), action.PeriodicJobs(), periodic),
			river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) {
				return sweepKeysArgs{}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Hour}}
			}, &river.PeriodicJobOpts{RunOnStart: true}))
	}
	return river.NewClient(riverpgxv5.New(pool), config)
}

// sweepKeysArgs forgets idempotency keys, links and sessions that ended long ago.
type sweepKeysArgs struct{}

func (sweepKeysArgs) Kind() string { return "sweep_idempotency_keys" }

type sweepKeysWorker struct {
	river.WorkerDefaults[sweepKeysArgs]
	db       *tenantdb.DB
	identity *identity.Service
	usage    *usage.Counter
}

func (w *sweepKeysWorker) Work(ctx context.Context, _ *river.Job[sweepKeysArgs]) error {
	return errors.Join(intake.SweepKeys(ctx, w.db, time.Now()), w.identity.Sweep(ctx), w.usage.Sweep(ctx))
}
