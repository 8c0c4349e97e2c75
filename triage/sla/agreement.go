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

// ErrBadTarget says that a promised time cannot be used.
var ErrBadTarget = errors.New("promised time is not valid")

// maxTarget is the longest promise: whole working years are none.
const maxTarget = 365 * 24 * time.Hour

// Agreement is what was agreed with a tenant. What is absent is the default's.
type Agreement struct {
	Hours   *Hours // nil: nine to five in the tenant's zone
	Targets Policy // only what was agreed
}

// AgreementOf reads what was agreed with a tenant.
func AgreementOf(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (Agreement, error) {
	out := Agreement{Targets: emptyPolicy()}
	rows, err := tx.Query(ctx, policyQuery, tenant)
	if err == nil {
		err = out.Targets.read(rows)
	}
	if err != nil {
		return out, fmt.Errorf("read targets: %w", err)
	}
	h := Hours{}
	var days, holidays []byte
	err = tx.QueryRow(ctx, `select time_zone, hours, holidays from business_calendars where tenant_id = $1`, tenant).Scan(&h.TimeZone, &days, &holidays)
	if errors.Is(err, pgx.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read business hours: %w", err)
	}
	if h.Days, err = ParseDays(days); err != nil {
		return out, err
	}
	if h.Holidays, err = parseHolidays(holidays); err != nil {
		return out, err
	}
	out.Hours = &h
	return out, nil
}

func emptyPolicy() Policy {
	p := DefaultPolicy()
	for priority := range p {
		p[priority] = map[Metric]Target{}
	}
	return p
}

// Agree replaces what was agreed with a tenant, and lets its clocks go on as is
// agreed now: what they used so far stays counted as it was promised then, and a
// promise that was broken stays broken. The caller carries the changes out.
func (s *Service) Agree(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, a Agreement, out *Changes) error {
	for priority, metrics := range a.Targets {
		for metric, t := range metrics {
			if _, ok := DefaultPolicy()[priority][metric]; !ok || t.Within < time.Minute || t.Within > maxTarget {
				return fmt.Errorf("%w: %s of %s within %s", ErrBadTarget, metric, priority, t.Within)
			}
		}
	}
	// Whoever changes a ticket holds it first, so its clocks wait for this or this for them.
	if _, err := tx.Exec(ctx, `select from tickets t where tenant_id = $1 and exists (select from sla_clocks c where c.tenant_id = $1 and c.ticket_id = t.id and c.state <> 'stopped')
		order by id for no key update`, tenant); err != nil {
		return fmt.Errorf("hold tickets: %w", err)
	}
	before, err := CalendarOf(ctx, tx, tenant)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from sla_policies where tenant_id = $1`, tenant); err != nil {
		return fmt.Errorf("set targets: %w", err)
	}
	policy := DefaultPolicy()
	for priority, metrics := range a.Targets {
		for metric, t := range metrics {
			if err := SetTarget(ctx, tx, tenant, priority, metric, t); err != nil {
				return err
			}
			policy[priority][metric] = Target{t.Within.Truncate(time.Minute), t.Always}
		}
	}
	if a.Hours != nil {
		err = SetCalendar(ctx, tx, tenant, *a.Hours)
	} else if _, err = tx.Exec(ctx, `delete from business_calendars where tenant_id = $1`, tenant); err != nil {
		err = fmt.Errorf("set business hours: %w", err)
	}
	if err != nil {
		return err
	}
	after, err := CalendarOf(ctx, tx, tenant)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select `+clockColumns+` from sla_clocks where tenant_id = $1 and state <> 'stopped' and breached_at is null for update`, tenant)
	if err != nil {
		return fmt.Errorf("read clocks: %w", err)
	}
	clocks, err := pgx.CollectRows(rows, pgx.RowToStructByName[Clock])
	if err != nil {
		return fmt.Errorf("read clocks: %w", err)
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	for _, c := range clocks {
		if c.State == running && c.DueAt != nil && now.After(*c.DueAt) {
			continue // broken already, though no job has looked yet
		}
		t, hours := policy[c.Priority][c.Metric], after
		if t.Always {
			hours = Calendar{}
		}
		goOn(out, c, c.Priority, t, before, hours, c.PauseReason, now)
	}
	return nil
}

// Priorities and Metrics list what may be promised, in the order people read them.
var (
	Priorities = []triage.Priority{triage.PriorityUrgent, triage.PriorityHigh, triage.PriorityNormal, triage.PriorityLow}
	Metrics    = []Metric{FirstReply, NextReply, Resolution}
)
