package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/knowledge"
)

// SyncArgs reads one site.
type SyncArgs struct {
	Tenant uuid.UUID `json:"tenant"` // uuid.Nil: shared
	Source uuid.UUID `json:"source"`
}

// Kind is the job's stable name.
func (SyncArgs) Kind() string { return "sync_website" }

// FindDueArgs queues the sites whose time has come.
type FindDueArgs struct{}

// Kind is the job's stable name.
func (FindDueArgs) Kind() string { return "find_due_websites" }

type syncWorker struct {
	river.WorkerDefaults[SyncArgs]
	service *Service
}

func (w *syncWorker) Work(ctx context.Context, job *river.Job[SyncArgs]) error {
	space := knowledge.Space{Tenant: job.Args.Tenant}
	again, err := w.service.Work(ctx, space, job.Args.Source)
	switch {
	case err != nil && ctx.Err() != nil:
		return river.JobSnooze(0) // stopped: the rows say where to go on
	case err != nil:
		return errors.Join(err, w.service.note(ctx, space, job.Args.Source, job.Attempt >= job.MaxAttempts))
	case again > 0:
		return river.JobSnooze(again)
	}
	return nil
}

// note says on the source that Usher itself failed.
func (s *Service) note(ctx context.Context, space knowledge.Space, id uuid.UUID, last bool) error {
	text := "Something went wrong in Usher while the site was read. It is tried again by itself."
	if last {
		text = "Something went wrong in Usher while the site was read, again and again. Please tell an operator; the next sync goes on where this one was."
	}
	return space.In(ctx, s.DB, "note a failure of a website", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, noteError.For(space), space.Args(pgx.NamedArgs{"id": id, "error": text}))
		return err
	})
}

type findWorker struct {
	river.WorkerDefaults[FindDueArgs]
	service *Service
}

func (w *findWorker) Work(ctx context.Context, _ *river.Job[FindDueArgs]) error {
	_, err := w.service.FindDue(ctx)
	return err
}

// AddWorkers registers the jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &syncWorker{service: s})
	river.AddWorker(workers, &findWorker{service: s})
}

// PeriodicJobs look every minute for what is due.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) {
		return FindDueArgs{}, nil
	}, &river.PeriodicJobOpts{RunOnStart: true})}
}

// FindDue queues a run for each site whose time has come, and returns how many.
func (s *Service) FindDue(ctx context.Context) (n int, err error) {
	err = s.DB.WithSystem(ctx, "find websites that are due", func(tx pgx.Tx) error {
		n = 0
		rows, err := tx.Query(ctx, `
			select null::uuid as tenant, s.id, t.cadence from shared_sources s join shared_sites t on t.source_id = s.id
			where s.next_sync_at <= $1 and not t.paused
			union all
			select s.tenant_id, s.id, t.cadence from tenant_sources s join tenant_sites t on t.tenant_id = s.tenant_id and t.source_id = s.id
			where s.next_sync_at <= $1 and not t.paused`, s.Now())
		if err != nil {
			return err
		}
		type due struct {
			Tenant  *uuid.UUID
			ID      uuid.UUID
			Cadence Cadence
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[due])
		if err != nil {
			return err
		}
		for _, d := range list {
			space := knowledge.Shared
			if d.Tenant != nil {
				space = knowledge.Of(*d.Tenant)
			}
			if _, err := tx.Exec(ctx, planSource.For(space), space.Args(pgx.NamedArgs{"id": d.ID, "next": s.next(d.Cadence)})); err != nil {
				return err
			}
			if err := s.queue(ctx, tx, space, d.ID); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("find due websites: %w", err)
	}
	return n, nil
}
