package sla

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
)

// WarnAt is the share of a target after which people are warned.
const WarnAt = 0.75

// Clock is one running measurement of a promise.
type Clock struct {
	TenantID      uuid.UUID       `db:"tenant_id"`
	ID            uuid.UUID       `db:"id"`
	TicketID      uuid.UUID       `db:"ticket_id"`
	Metric        Metric          `db:"metric"`
	Priority      triage.Priority `db:"priority"`
	TargetSeconds int64           `db:"target_seconds"`
	Always        bool            `db:"always"`
	State         string          `db:"state"`
	StartedAt     time.Time       `db:"started_at"`
	ResumedAt     time.Time       `db:"resumed_at"`
	UsedSeconds   int64           `db:"used_seconds"`
	PausedAt      *time.Time      `db:"paused_at"`
	PauseReason   PauseReason     `db:"pause_reason"`
	WarnAt        *time.Time      `db:"warn_at"`
	DueAt         *time.Time      `db:"due_at"`
	WarnedAt      *time.Time      `db:"warned_at"`
	BreachedAt    *time.Time      `db:"breached_at"`
	StoppedAt     *time.Time      `db:"stopped_at"`
	Outcome       string          `db:"outcome"`
}

const clockColumns = `tenant_id, id, ticket_id, metric, priority, target_seconds, always, state, started_at, resumed_at, used_seconds,
	paused_at, pause_reason, warn_at, due_at, warned_at, breached_at, stopped_at, outcome`

// The states of a clock.
const (
	running = "running"
	paused  = "paused"
	stopped = "stopped"
)

// Service keeps clocks.
type Service struct {
	now func() time.Time
}

// New returns a Service. now may be nil.
func New(now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{now}
}

// FireClockArgs asks to look at a clock at its warning or due time.
type FireClockArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	TicketID uuid.UUID `json:"ticket_id"`
	ClockID  uuid.UUID `json:"clock_id"`
}

// Kind names the job.
func (FireClockArgs) Kind() string { return "fire_clock" }

// Changes are what is to be written: statements, and the jobs that look at
// clocks at their times.
type Changes struct {
	Writes *pgx.Batch
	Jobs   []river.InsertManyParams
}

// Sync starts, pauses, resumes and stops a ticket's clocks so that they follow
// its facts. The caller holds the ticket's row and carries the changes out.
// Repeating it changes nothing.
func (s *Service) Sync(ctx context.Context, tx pgx.Tx, f Facts, out *Changes) error {
	now := s.now().UTC().Truncate(time.Microsecond)
	seen, err := look(ctx, tx, f)
	if err != nil {
		return err
	}
	for _, metric := range []Metric{FirstReply, NextReply, Resolution} {
		start, pause, wanted := f.want(metric)
		clock, exists := seen.open[metric]
		target := seen.policy[f.Priority][metric]
		hours := seen.calendar
		if target.Always {
			hours = Calendar{}
		}
		switch {
		case exists && !wanted:
			stop(out, clock, f, now)
		case wanted && !exists:
			if metric == Resolution && seen.resolvedBefore && f.OpenedAt.Before(now) {
				start = now // after a reopening the time before it was counted by the clock before
			}
			begin(out, f, metric, target, hours, start, pause, now)
		case wanted:
			follow(out, clock, f, target, seen.calendar, hours, pause, now)
		}
	}
	return nil
}

// seen is what a ticket's clocks depend on.
type seen struct {
	open           map[Metric]Clock
	policy         Policy
	calendar       Calendar
	resolvedBefore bool // it had a clock for its resolution
}

// look reads all of it in one trip.
func look(ctx context.Context, tx pgx.Tx, f Facts) (seen, error) {
	out := seen{open: map[Metric]Clock{}, policy: DefaultPolicy()}
	batch := &pgx.Batch{}
	batch.Queue(`select `+clockColumns+` from sla_clocks where tenant_id = $1 and ticket_id = $2 and state <> 'stopped' for update`, f.TenantID, f.TicketID).
		Query(func(rows pgx.Rows) error {
			list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Clock])
			for _, c := range list {
				out.open[c.Metric] = c
			}
			return err
		})
	batch.Queue(`select exists (select from sla_clocks where tenant_id = $1 and ticket_id = $2 and metric = $3)`, f.TenantID, f.TicketID, Resolution).
		QueryRow(func(row pgx.Row) error { return row.Scan(&out.resolvedBefore) })
	batch.Queue(policyQuery, f.TenantID).Query(out.policy.read)
	batch.Queue(calendarQuery, f.TenantID).QueryRow(func(row pgx.Row) (err error) {
		out.calendar, err = scanCalendar(row)
		return err
	})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return out, fmt.Errorf("read clocks: %w", err)
	}
	return out, nil
}

// want says whether a metric is to be measured, since when, and whether it stands still.
func (f Facts) want(m Metric) (start time.Time, pause PauseReason, wanted bool) {
	if f.Done {
		return time.Time{}, "", false
	}
	switch m {
	case FirstReply:
		return f.OpenedAt, NotPaused, !f.FirstReplied
	case NextReply:
		if !f.FirstReplied || f.WaitingSince == nil {
			return time.Time{}, "", false
		}
		return *f.WaitingSince, NotPaused, true
	}
	return f.OpenedAt, f.Pause, true
}

func begin(out *Changes, f Facts, m Metric, t Target, hours Calendar, start time.Time, pause PauseReason, now time.Time) {
	c := Clock{
		TenantID: f.TenantID, ID: uuid.Must(uuid.NewV7()), TicketID: f.TicketID, Metric: m, Priority: f.Priority,
		TargetSeconds: int64(t.Within / time.Second), Always: t.Always, State: running, StartedAt: start.UTC(), ResumedAt: start.UTC(),
	}
	if pause != NotPaused {
		c.State, c.PausedAt, c.PauseReason = paused, &now, pause
		c.UsedSeconds = int64(hours.Between(start, now) / time.Second)
	} else {
		c.schedule(hours)
	}
	out.Writes.Queue(`insert into sla_clocks (tenant_id, id, ticket_id, metric, priority, target_seconds, always, state, started_at,
		resumed_at, used_seconds, paused_at, pause_reason, warn_at, due_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		c.TenantID, c.ID, c.TicketID, c.Metric, c.Priority, c.TargetSeconds, c.Always, c.State, c.StartedAt, c.ResumedAt,
		c.UsedSeconds, c.PausedAt, c.PauseReason, c.WarnAt, c.DueAt)
	wake(out, c)
}

// schedule sets when the clock warns and is due, counted from its last start.
func (c *Clock) schedule(hours Calendar) {
	target, used := time.Duration(c.TargetSeconds)*time.Second, time.Duration(c.UsedSeconds)*time.Second
	warn := hours.Add(c.ResumedAt, time.Duration(float64(target)*WarnAt)-used).UTC()
	due := hours.Add(c.ResumedAt, target-used).UTC()
	c.WarnAt, c.DueAt = &warn, &due
}

// wake asks for the jobs that look at the clock at its times.
func wake(out *Changes, c Clock) {
	if c.State != running {
		return
	}
	args := FireClockArgs{c.TenantID, c.TicketID, c.ID}
	if c.WarnedAt == nil && c.WarnAt != nil {
		out.Jobs = append(out.Jobs, river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{ScheduledAt: *c.WarnAt}})
	}
	if c.BreachedAt == nil && c.DueAt != nil {
		out.Jobs = append(out.Jobs, river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{ScheduledAt: *c.DueAt}})
	}
}

// follow applies a change of priority, pause or resumption to a clock.
func follow(out *Changes, c Clock, f Facts, t Target, business, hours Calendar, pause PauseReason, now time.Time) {
	retarget := c.Priority != f.Priority && (c.TargetSeconds != int64(t.Within/time.Second) || c.Always != t.Always)
	pausing, resuming := c.State == running && pause != NotPaused, c.State == paused && pause == NotPaused
	if !retarget && !pausing && !resuming {
		if c.PauseReason != pause || c.Priority != f.Priority {
			out.Writes.Queue(`update sla_clocks set pause_reason = $3, priority = $4 where tenant_id = $1 and id = $2`, c.TenantID, c.ID, pause, f.Priority)
		}
		return
	}
	if !retarget {
		t = Target{time.Duration(c.TargetSeconds) * time.Second, c.Always}
	}
	goOn(out, c, f.Priority, t, business, hours, pause, now)
}

// goOn lets a clock run, or stand still, from now on: with a target, in hours. What
// was used so far stays counted as it was promised then, in the hours before.
func goOn(out *Changes, c Clock, p triage.Priority, t Target, before, hours Calendar, pause PauseReason, now time.Time) {
	if c.State == running {
		if c.Always {
			before = Calendar{}
		}
		c.UsedSeconds += int64(before.Between(c.ResumedAt, now) / time.Second)
	}
	c.TargetSeconds, c.Always = int64(t.Within/time.Second), t.Always
	c.ResumedAt, c.Priority, c.PauseReason = now, p, pause
	if pause != NotPaused {
		if c.State == running {
			c.PausedAt = &now
		}
		c.State, c.WarnAt, c.DueAt = paused, nil, nil
	} else {
		c.State, c.PausedAt = running, nil
		c.schedule(hours)
	}
	out.Writes.Queue(`update sla_clocks set priority = $3, target_seconds = $4, always = $5, state = $6, resumed_at = $7, used_seconds = $8,
		paused_at = $9, pause_reason = $10, warn_at = $11, due_at = $12 where tenant_id = $1 and id = $2`,
		c.TenantID, c.ID, c.Priority, c.TargetSeconds, c.Always, c.State, c.ResumedAt, c.UsedSeconds, c.PausedAt, c.PauseReason, c.WarnAt, c.DueAt)
	wake(out, c)
}

// stop ends a clock. A promise kept late is breached, also where no job had
// looked at it yet.
func stop(out *Changes, c Clock, f Facts, now time.Time) {
	outcome := "met"
	switch {
	case f.Cancelled:
		outcome = "cancelled"
	case c.BreachedAt != nil, c.State == running && c.DueAt != nil && now.After(*c.DueAt):
		outcome = "breached"
	}
	if c.Metric == FirstReply && f.Done && !f.FirstReplied && outcome == "met" {
		outcome = "cancelled" // solved without a reply: nothing was kept
	}
	out.Writes.Queue(`update sla_clocks set state = 'stopped', stopped_at = $3, outcome = $4,
		breached_at = case when $4 = 'breached' then coalesce(breached_at, due_at) else breached_at end
		where tenant_id = $1 and id = $2`, c.TenantID, c.ID, now, outcome)
}

// Fired is what a clock has just come to.
type Fired struct {
	Clock    Clock
	Warned   bool
	Breached bool
}

// Claim looks at a clock and takes its warning and its breach, each once in its
// life, for whoever asks first. The caller holds the ticket's row and acts in
// the same transaction.
func (s *Service) Claim(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Fired, error) {
	now := s.now().UTC()
	rows, err := tx.Query(ctx, `select `+clockColumns+` from sla_clocks where tenant_id = $1 and id = $2 and state = 'running' for update`, tenant, id)
	if err != nil {
		return Fired{}, fmt.Errorf("read clock: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Clock])
	if errors.Is(err, pgx.ErrNoRows) {
		return Fired{}, nil
	}
	if err != nil {
		return Fired{}, fmt.Errorf("read clock: %w", err)
	}
	fired := Fired{Clock: c}
	fired.Breached = c.BreachedAt == nil && c.DueAt != nil && !now.Before(*c.DueAt)
	fired.Warned = !fired.Breached && c.BreachedAt == nil && c.WarnedAt == nil && c.WarnAt != nil && !now.Before(*c.WarnAt)
	if !fired.Breached && !fired.Warned {
		return fired, nil
	}
	_, err = tx.Exec(ctx, `update sla_clocks set warned_at = case when $3 then $5 else warned_at end,
		breached_at = case when $4 then due_at else breached_at end where tenant_id = $1 and id = $2`, tenant, id, fired.Warned, fired.Breached, now)
	if err != nil {
		return Fired{}, fmt.Errorf("fire clock: %w", err)
	}
	return fired, nil
}

// Due lists clocks whose time has come though no job looked at them.
func (s *Service) Due(ctx context.Context, tx pgx.Tx) ([]FireClockArgs, error) {
	late := s.now().Add(-30 * time.Second)
	rows, err := tx.Query(ctx, `select tenant_id, ticket_id, id as clock_id from sla_clocks where state = 'running'
		and ((breached_at is null and due_at < $1) or (warned_at is null and breached_at is null and warn_at < $1)) order by due_at limit 1000`, late)
	if err != nil {
		return nil, fmt.Errorf("find due clocks: %w", err)
	}
	type row struct {
		TenantID uuid.UUID `db:"tenant_id"`
		TicketID uuid.UUID `db:"ticket_id"`
		ClockID  uuid.UUID `db:"clock_id"`
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("find due clocks: %w", err)
	}
	out := make([]FireClockArgs, len(list))
	for i, r := range list {
		out[i] = FireClockArgs(r)
	}
	return out, nil
}

func parseHolidays(raw []byte) ([]string, error) {
	var out []string
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCalendar, err)
	}
	return out, nil
}
