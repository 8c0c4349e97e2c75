package sla

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Target is what is promised for one metric.
type Target struct {
	Within time.Duration
	Always bool // counted round the clock instead of in business hours
}

// Policy is what a tenant is promised, by priority and metric.
type Policy map[triage.Priority]map[Metric]Target

// DefaultPolicy holds where a tenant has nothing else agreed. Urgent work counts
// round the clock.
func DefaultPolicy() Policy {
	business := func(first, next, resolution time.Duration) map[Metric]Target {
		return map[Metric]Target{FirstReply: {Within: first}, NextReply: {Within: next}, Resolution: {Within: resolution}}
	}
	return Policy{
		triage.PriorityUrgent: {
			FirstReply: {Within: 30 * time.Minute, Always: true}, NextReply: {Within: time.Hour, Always: true}, Resolution: {Within: 8 * time.Hour, Always: true},
		},
		triage.PriorityHigh:   business(2*time.Hour, 4*time.Hour, 16*time.Hour),
		triage.PriorityNormal: business(4*time.Hour, 8*time.Hour, 40*time.Hour),
		triage.PriorityLow:    business(8*time.Hour, 16*time.Hour, 80*time.Hour),
	}
}

// policyQuery reads what was agreed with a tenant, which stands over the default.
const policyQuery = `select priority, metric, target_minutes, always from sla_policies where tenant_id = $1`

// read takes what was agreed over the defaults.
func (p Policy) read(rows pgx.Rows) error {
	var priority triage.Priority
	var metric Metric
	var minutes int
	var always bool
	_, err := pgx.ForEachRow(rows, []any{&priority, &metric, &minutes, &always}, func() error {
		p[priority][metric] = Target{time.Duration(minutes) * time.Minute, always}
		return nil
	})
	return err
}

// SetTarget agrees a target with a tenant. Clocks that run keep what they were
// started with; see Agree.
func SetTarget(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, p triage.Priority, m Metric, t Target) error {
	if t.Within < time.Minute {
		return fmt.Errorf("a target of %s is shorter than a minute", t.Within)
	}
	_, err := tx.Exec(ctx, `insert into sla_policies (tenant_id, priority, metric, target_minutes, always) values ($1, $2, $3, $4, $5)
		on conflict (tenant_id, priority, metric) do update set target_minutes = excluded.target_minutes, always = excluded.always`,
		tenant, p, m, int(t.Within/time.Minute), t.Always)
	if err != nil {
		return fmt.Errorf("set target: %w", err)
	}
	return nil
}

// CalendarOf is a tenant's calendar: its own, or nine to five in its time zone.
func CalendarOf(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (Calendar, error) {
	return scanCalendar(tx.QueryRow(ctx, calendarQuery, tenant))
}

const calendarQuery = `select coalesce(c.time_zone, t.time_zone), coalesce(c.hours, 'null'), coalesce(c.holidays, '[]')
	from tenants t left join business_calendars c on c.tenant_id = t.id where t.id = $1`

func scanCalendar(row pgx.Row) (Calendar, error) {
	var zone string
	var hours, holidays []byte
	err := row.Scan(&zone, &hours, &holidays)
	if err != nil {
		return Calendar{}, fmt.Errorf("read business hours: %w", err)
	}
	h := DefaultHours(zone)
	if string(hours) != "null" {
		if h.Days, err = ParseDays(hours); err != nil {
			return Calendar{}, err
		}
		if h.Holidays, err = parseHolidays(holidays); err != nil {
			return Calendar{}, err
		}
	}
	calendar, err := NewCalendar(h)
	if errors.Is(err, ErrBadCalendar) { // a time zone this machine does not know
		h.TimeZone = "UTC"
		return NewCalendar(h)
	}
	return calendar, err
}

// SetCalendar agrees business hours with a tenant.
func SetCalendar(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, h Hours) error {
	if _, err := NewCalendar(h); err != nil {
		return err
	}
	if h.Holidays == nil {
		h.Holidays = []string{}
	}
	_, err := tx.Exec(ctx, `insert into business_calendars (tenant_id, time_zone, hours, holidays) values ($1, $2, $3, $4)
		on conflict (tenant_id) do update set time_zone = excluded.time_zone, hours = excluded.hours, holidays = excluded.holidays`,
		tenant, h.TimeZone, h.Days, h.Holidays)
	if err != nil {
		return fmt.Errorf("set business hours: %w", err)
	}
	return nil
}
