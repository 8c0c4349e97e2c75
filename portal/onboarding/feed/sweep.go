package feed

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// Patience is how long things may wait before somebody hears of it.
type Patience struct {
	Signature time.Duration // an unsigned envelope; default 3 days
	Stall     time.Duration // no customer activity on customer tasks; default 7 days
}

const usualStall = 7 * 24 * time.Hour

// Sweep looks at one tenant for what happens by time alone, on the worker's
// role: a health that changed, milestones that slipped, signatures that are
// missing, a project that stands still. Sweeping again finds the same and tells
// nobody twice.
func (f *Feed) Sweep(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, now time.Time, p Patience) error {
	if p.Signature == 0 {
		p.Signature = 72 * time.Hour
	}
	if p.Stall == 0 {
		p.Stall = usualStall
	}
	r, err := onboarding.Load(ctx, tx, tenant)
	if errors.Is(err, onboarding.ErrNoProject) {
		return nil
	}
	if err == nil && r.Project.State != "draft" && r.Project.State != "on_hold" {
		err = f.look(ctx, tx, r, now, p)
	}
	if err != nil {
		return fmt.Errorf("sweep onboarding: %w", err)
	}
	return nil
}

func (f *Feed) look(ctx context.Context, tx pgx.Tx, r onboarding.Record, now time.Time, p Patience) error {
	standing, err := f.Standing(ctx, tx, r, now)
	if err != nil {
		return err
	}
	if err := f.health(ctx, tx, r, standing, now); err != nil {
		return err
	}
	if err := f.slipped(ctx, tx, r, now); err != nil {
		return err
	}
	if err := f.unsigned(ctx, tx, r, now, p); err != nil {
		return err
	}
	return f.stalled(ctx, tx, r, standing, now, p)
}

// once tells of something unless it has been told.
func (f *Feed) once(ctx context.Context, tx pgx.Tx, kind string, event rule.Event) error {
	var told bool
	if err := tx.QueryRow(ctx, `select exists (select from onboarding_rule_runs where tenant_id = $1 and event = $2 and subject = $3)`,
		event.TenantID, kind, event.Subject).Scan(&told); err != nil || told {
		return err
	}
	if f.Rules == nil {
		return nil
	}
	event.Kind = kind
	_, err := f.Rules.Run(ctx, tx, event)
	return err
}

func (f *Feed) slipped(ctx context.Context, tx pgx.Tx, r onboarding.Record, now time.Time) error {
	today := r.Day(now)
	for _, m := range r.Milestones {
		if !m.Open() || m.Due == nil || !m.Due.Before(today) {
			continue
		}
		due := m.Due.Format(time.DateOnly)
		if err := f.once(ctx, tx, rule.MilestoneSlipped, rule.Event{
			TenantID: r.Tenant.ID, Subject: "milestone/" + m.ID.String() + "/" + due, Entity: "milestone", EntityID: m.ID, Fields: map[string]string{"name": m.Name, "date": due},
		}); err != nil {
			return err
		}
	}
	return nil
}

func (f *Feed) unsigned(ctx context.Context, tx pgx.Tx, r onboarding.Record, now time.Time, p Patience) error {
	for _, e := range r.Envelopes {
		if e.State != "sent" && e.State != "delivered" {
			continue
		}
		since := e.SentAt
		for _, s := range e.Signers {
			if s.State == "signed" { // the turn went on
				if s.SignedAt != nil && s.SignedAt.After(since) {
					since = *s.SignedAt
				}
				continue
			}
			if now.Sub(since) < p.Signature {
				break
			}
			if err := f.once(ctx, tx, rule.SignatureMissing, rule.Event{
				TenantID: r.Tenant.ID, Subject: "envelope/" + e.ID.String() + "/" + s.Name, Entity: "envelope", EntityID: e.ID,
				Fields: map[string]string{"name": e.Title, "signer": s.Name},
			}); err != nil {
				return err
			}
			break // the next one in turn
		}
	}
	return nil
}

// stalled: work waits for the customer and nobody there has done anything for a
// while: no task finished, no document sent, no sign-in.
func (f *Feed) stalled(ctx context.Context, tx pgx.Tx, r onboarding.Record, s Standing, now time.Time, p Patience) error {
	last := s.LastSeen
	if s.Waiting == 0 || r.Project.State == "live" || last.IsZero() || now.Sub(last) < p.Stall {
		return nil
	}
	return f.once(ctx, tx, rule.Stalled, rule.Event{
		TenantID: r.Tenant.ID, Subject: "project/" + r.Project.ID.String() + "/stalled/" + last.UTC().Format(time.DateOnly), Entity: "project", EntityID: r.Project.ID,
		Fields: map[string]string{
			"name": r.Project.Name, "owner": r.Project.OwnerName, "days": strconv.Itoa(int(now.Sub(last).Hours() / 24)), "task": s.first, "tasks": strconv.Itoa(s.Waiting),
		},
	})
}
