package api

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/sla"
)

// GetPromises says what was agreed with a tenant, and what holds where nothing was.
func (s *Server) GetPromises(ctx context.Context, r GetPromisesRequestObject) (GetPromisesResponseObject, error) {
	var out PromisesShown
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) error {
		if _, err := lifecycle.StateOf(ctx, tx, r.Tenant); err != nil {
			return err
		}
		agreed, err := sla.AgreementOf(ctx, tx, r.Tenant)
		if err != nil {
			return err
		}
		var zone string
		if err := tx.QueryRow(ctx, `select time_zone from tenants where id = $1`, r.Tenant).Scan(&zone); err != nil {
			return err
		}
		hours := sla.DefaultHours(zone)
		out = PromisesShown{Agreed: wirePromises(agreed), Default: wirePromises(sla.Agreement{Hours: &hours, Targets: sla.DefaultPolicy()})}
		return nil
	})
	return GetPromises200JSONResponse(out), err
}

func wirePromises(a sla.Agreement) Promises {
	out := Promises{Targets: []PromisedTarget{}}
	for _, p := range sla.Priorities {
		for _, m := range sla.Metrics {
			if t, ok := a.Targets[p][m]; ok {
				out.Targets = append(out.Targets, PromisedTarget{
					Priority: PromisedTargetPriority(p), Metric: PromisedTargetMetric(m), Minutes: int(t.Within / time.Minute), Always: t.Always,
				})
			}
		}
	}
	if a.Hours != nil {
		hours := BusinessHours{TimeZone: a.Hours.TimeZone, Days: map[string][][]string{}, Holidays: list(a.Hours.Holidays)}
		for day, spans := range a.Hours.Days {
			for _, span := range spans {
				hours.Days[day] = append(hours.Days[day], span[:])
			}
		}
		out.Hours = &hours
	}
	return out
}

// PutPromises replaces what was agreed with a tenant.
func (s *Server) PutPromises(ctx context.Context, r PutPromisesRequestObject) (PutPromisesResponseObject, error) {
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) error {
		_, err := lifecycle.StateOf(ctx, tx, r.Tenant)
		return err
	})
	if err != nil {
		return nil, err
	}
	a := sla.Agreement{Targets: sla.Policy{}}
	for _, t := range r.Body.Targets {
		p := triage.Priority(t.Priority)
		if a.Targets[p] == nil {
			a.Targets[p] = map[sla.Metric]sla.Target{}
		}
		a.Targets[p][sla.Metric(t.Metric)] = sla.Target{Within: time.Duration(t.Minutes) * time.Minute, Always: t.Always}
	}
	if h := r.Body.Hours; h != nil {
		hours := sla.Hours{TimeZone: h.TimeZone, Days: map[string][][2]string{}, Holidays: h.Holidays}
		for day, spans := range h.Days {
			for _, span := range spans {
				if len(span) != 2 {
					return nil, errors.Join(sla.ErrBadCalendar, errors.New("a stretch has a beginning and an end"))
				}
				hours.Days[day] = append(hours.Days[day], [2]string{span[0], span[1]})
			}
		}
		a.Hours = &hours
	}
	if err := s.Desk.Agree(ctx, actor(ctx), r.Tenant, a); err != nil {
		return nil, err
	}
	return PutPromises204Response{}, nil
}
