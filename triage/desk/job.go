package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
)

// DeliverTicketArgs asks for a ticket's pending effects at one destination.
type DeliverTicketArgs struct {
	TenantID    uuid.UUID `json:"tenant_id"`
	TicketID    uuid.UUID `json:"ticket_id"`
	Destination string    `json:"destination"`
}

// Kind names the job.
func (DeliverTicketArgs) Kind() string { return "deliver_ticket" }

// SettleTicketArgs looks at a solved ticket after its quiet days.
type SettleTicketArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	TicketID uuid.UUID `json:"ticket_id"`
	SolvedAt time.Time `json:"solved_at"`
}

// Kind names the job.
func (SettleTicketArgs) Kind() string { return "settle_ticket" }

// WakeTicketArgs ends a snooze.
type WakeTicketArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	TicketID uuid.UUID `json:"ticket_id"`
	Until    time.Time `json:"until"`
}

// Kind names the job.
func (WakeTicketArgs) Kind() string { return "wake_ticket" }

// SweepDeliveriesArgs asks again for effects whose job was lost. Periodic.
type SweepDeliveriesArgs struct{}

// Kind names the job.
func (SweepDeliveriesArgs) Kind() string { return "sweep_deliveries" }

// ForgetEffectsArgs drops what was kept only to carry effects out. Periodic.
type ForgetEffectsArgs struct{}

// Kind names the job.
func (ForgetEffectsArgs) Kind() string { return "forget_effects" }

type forgetWorker struct {
	river.WorkerDefaults[ForgetEffectsArgs]
	desk *Service
}

func (w *forgetWorker) Work(ctx context.Context, _ *river.Job[ForgetEffectsArgs]) error {
	return w.desk.Forget(ctx)
}

// How long texts of delivered effects and ids of inbound events are kept. The
// ids outlive every sender's retries, which end after days.
const (
	keepPayloads = 7 * 24 * time.Hour
	keepInbound  = 30 * 24 * time.Hour
)

// Forget drops the texts of delivered effects and old inbound events.
func (s *Service) Forget(ctx context.Context) error {
	now := s.Now().UTC()
	return s.DB.WithSystem(ctx, "forget delivered effects", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update deliveries set payload = '{}' where state in ('delivered', 'discarded') and kind in ('thread', 'aside', 'ping', 'notice')
			and updated_at < $1 and payload <> '{}'`, now.Add(-keepPayloads)); err != nil {
			return fmt.Errorf("forget payloads: %w", err)
		}
		if _, err := tx.Exec(ctx, `delete from inbound_events where received_at < $1 and state <> 'received'`, now.Add(-keepInbound)); err != nil {
			return fmt.Errorf("forget inbound events: %w", err)
		}
		return nil
	})
}

// AddWorkers registers the desk's jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &deliverWorker{desk: s})
	river.AddWorker(workers, &settleWorker{desk: s})
	river.AddWorker(workers, &wakeWorker{desk: s})
	river.AddWorker(workers, &sweepWorker{desk: s})
	river.AddWorker(workers, &readWorker{desk: s})
	river.AddWorker(workers, &fireWorker{desk: s})
	river.AddWorker(workers, &sweepClocksWorker{desk: s})
	river.AddWorker(workers, &forgetWorker{desk: s})
	river.AddWorker(workers, &releaseWorker{desk: s})
	river.AddWorker(workers, &followWorker{desk: s})
}

// PeriodicJobs are the desk's sweeps.
func PeriodicJobs() []*river.PeriodicJob {
	every := func(interval time.Duration, args river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(interval), func() (river.JobArgs, *river.InsertOpts) { return args, nil }, nil)
	}
	return []*river.PeriodicJob{every(time.Minute, SweepDeliveriesArgs{}), every(time.Minute, SweepClocksArgs{}), every(time.Hour, ForgetEffectsArgs{})}
}

// Snoozed is the end of a job's work: it is to be gone on with after wait, if any.
func Snoozed(wait time.Duration, err error) error {
	if err == nil && wait > 0 {
		return river.JobSnooze(wait)
	}
	return err
}

type deliverWorker struct {
	river.WorkerDefaults[DeliverTicketArgs]
	desk *Service
}

func (w *deliverWorker) Work(ctx context.Context, job *river.Job[DeliverTicketArgs]) error {
	return Snoozed(w.desk.Drain(ctx, job.Args.TenantID, job.Args.TicketID, job.Args.Destination, 30*time.Second))
}

type settleWorker struct {
	river.WorkerDefaults[SettleTicketArgs]
	desk *Service
}

func (w *settleWorker) Work(ctx context.Context, job *river.Job[SettleTicketArgs]) error {
	return w.desk.Settle(ctx, job.Args)
}

// Settle closes a ticket that stayed solved and quiet. One nobody confirmed
// counts as assumed. A ticket that moved since is left alone.
func (s *Service) Settle(ctx context.Context, args SettleTicketArgs) error {
	return s.bySystem(ctx, TicketRef{args.TenantID, args.TicketID}, func(ctx context.Context, w *work) error {
		if w.ticket.InternalState != triage.InternalSolved || w.ticket.SolvedAt == nil || !w.ticket.SolvedAt.Equal(args.SolvedAt.Truncate(time.Microsecond)) {
			return nil
		}
		w.note("settled", nil)
		if w.ticket.Resolution != "confirmed" && w.ticket.Resolution != linkedWork {
			w.ticket.Resolution = "assumed"
		}
		w.extra.ClosedAs = "settled"
		solved := w.ticket.SolvedAt
		w.setState(triage.InternalClosed)
		w.ticket.SolvedAt = solved
		return nil
	})
}

type wakeWorker struct {
	river.WorkerDefaults[WakeTicketArgs]
	desk *Service
}

func (w *wakeWorker) Work(ctx context.Context, job *river.Job[WakeTicketArgs]) error {
	return w.desk.Awaken(ctx, job.Args)
}

// Awaken ends a snooze at its time, unless the ticket moved since.
func (s *Service) Awaken(ctx context.Context, args WakeTicketArgs) error {
	return s.bySystem(ctx, TicketRef{args.TenantID, args.TicketID}, func(_ context.Context, w *work) error {
		if w.ticket.InternalState != triage.InternalSnoozed || w.ticket.SnoozedUntil == nil || w.ticket.SnoozedUntil.After(args.Until) {
			return nil
		}
		w.stir()
		return nil
	})
}

// bySystem changes a ticket in the system's name. A ticket that is gone is no error.
func (s *Service) bySystem(ctx context.Context, ref TicketRef, fn func(ctx context.Context, w *work) error) error {
	var conversation uuid.UUID
	err := s.DB.WithTenant(ctx, ref.TenantID, func(tx pgx.Tx) (err error) {
		_, conversation, err = s.on(ctx, tx, triage.Actor{Kind: triage.ActorSystem, Name: "Usher"}, ref, fn)
		return err
	})
	if err == nil {
		s.Wake(ref.TenantID, conversation)
	}
	return ignoreMissing(err)
}

type sweepWorker struct {
	river.WorkerDefaults[SweepDeliveriesArgs]
	desk *Service
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepDeliveriesArgs]) error {
	if _, err := w.desk.Sweep(ctx); err != nil {
		return err
	}
	return w.desk.WatchOutages(ctx)
}

// Sweep inserts a job for every lane with work and no job, and returns how many.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	type stalled struct {
		TenantID    uuid.UUID `db:"tenant_id"`
		TicketID    uuid.UUID `db:"ticket_id"`
		Destination string    `db:"destination"`
	}
	n := 0
	err := s.DB.WithSystem(ctx, "find deliveries without a job", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select distinct tenant_id, ticket_id, destination from deliveries d
			where state in ('pending', 'sending') and ticket_id is not null and updated_at < $1
			  and coalesce(next_attempt_at, updated_at) < $1 and not exists (
			    select from river_job j where j.kind = $2 and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
			      and j.args->>'ticket_id' = d.ticket_id::text and j.args->>'destination' = d.destination) limit 1000`,
			s.Now().Add(-time.Minute), DeliverTicketArgs{}.Kind())
		if err != nil {
			return fmt.Errorf("find stalled deliveries: %w", err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[stalled])
		if err != nil {
			return fmt.Errorf("find stalled deliveries: %w", err)
		}
		for _, l := range list {
			if !s.delivers(l.Destination) {
				continue
			}
			if _, err := s.Jobs.InsertTx(ctx, tx, DeliverTicketArgs(l), nil); err != nil {
				return fmt.Errorf("insert job: %w", err)
			}
			n++
		}
		others, err := s.sweepOthers(ctx, tx)
		n += others
		return err
	})
	return n, err
}

// sweepOthers does the same for deliveries that belong to no ticket: mail and
// webhooks. Their jobs look at the row first, so one too many does no harm.
func (s *Service) sweepOthers(ctx context.Context, tx pgx.Tx) (int, error) {
	if s.Other == nil {
		return 0, nil
	}
	type stalled struct {
		TenantID    uuid.UUID `db:"tenant_id"`
		ID          uuid.UUID `db:"id"`
		Destination string    `db:"destination"`
	}
	found, err := list[stalled](ctx, tx, `select tenant_id, id, destination from deliveries d
		where state in ('pending', 'sending') and ticket_id is null and updated_at < $1 and coalesce(next_attempt_at, updated_at) < $1
		  and not exists (select from river_job j where j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
		    and j.args->>'delivery_id' = d.id::text) limit 1000`, s.Now().Add(-time.Minute))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, d := range found {
		args := s.Other(d.TenantID, d.ID, d.Destination)
		if args == nil {
			continue
		}
		if _, err := s.Jobs.InsertTx(ctx, tx, args, nil); err != nil {
			return n, fmt.Errorf("insert job: %w", err)
		}
		n++
	}
	return n, nil
}
