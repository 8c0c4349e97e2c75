// Package notice tells customers what happened before they ask: once for each
// happening and person, in their language, and not at night.
//
// Create is what the action tell_customer does. A notice waits in the database
// until the person's quiet hours are over; Send hands what is due to the channel
// the person uses, which is the caller's to know, in the same transaction that
// marks it sent.
package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// Quiet hours: from this hour of the evening to this one of the morning, where
// the person is.
const (
	quietFrom  = 20
	quietUntil = 8
)

// Message is a notice ready to deliver.
type Message struct {
	ID       uuid.UUID
	TenantID uuid.UUID
	UserID   uuid.UUID
	Key      string // the same for one happening and person: an idempotency key
	Kind     string // of the event
	Language string
	Text     string // Markdown, safe for customers
	Link     string // relative, into the portal
}

var links = map[string]string{
	rule.IntegrationFailing: "/onboarding#integrations", rule.IntegrationRecovered: "/onboarding#integrations", rule.DocumentRejected: "/documents",
	rule.TaskReady: "/onboarding", rule.TaskDone: "/onboarding", rule.MilestoneDone: "/onboarding#milestones", rule.MilestoneSlipped: "/onboarding#milestones", rule.SignatureMissing: "/documents#signatures", rule.VerificationNeeds: "/onboarding#verification",
}

// Do is rule.Do for tell_customer; other actions go to next, which may be nil.
func Do(now func() time.Time, next rule.Do) rule.Do {
	return func(ctx context.Context, tx pgx.Tx, f rule.Fired) error {
		if f.Action.Kind == rule.TellCustomer {
			return Create(ctx, tx, f, now())
		}
		if next == nil {
			return nil
		}
		return next(ctx, tx, f)
	}
}

// Create stores the notices of a rule that fired: for the person the event
// concerns, else for the tenant's administrators.
func Create(ctx context.Context, tx pgx.Tx, f rule.Fired, now time.Time) error {
	rows, err := tx.Query(ctx, `select u.id, coalesce(u.time_zone, t.time_zone) from users u join tenants t on t.id = u.tenant_id
		where u.tenant_id = $1 and u.state = 'active' and (u.id = $2 or $2 = '00000000-0000-0000-0000-000000000000' and 'admin' = any(u.roles)) order by u.id`,
		f.Event.TenantID, f.Event.UserID)
	if err != nil {
		return fmt.Errorf("create notice: %w", err)
	}
	type recipient struct {
		id   uuid.UUID
		zone string
	}
	people, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r recipient, err error) { return r, row.Scan(&r.id, &r.zone) })
	if err != nil {
		return fmt.Errorf("create notice: %w", err)
	}
	fields, err := json.Marshal(f.Event.Fields)
	if err != nil {
		return fmt.Errorf("create notice: %w", err)
	}
	for _, p := range people {
		key := f.Rule + "/" + f.Event.Subject + "/" + p.id.String()
		if _, err := tx.Exec(ctx, `insert into onboarding_notices (tenant_id, id, key, user_id, kind, fields, link, not_before) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (tenant_id, key) do nothing`, f.Event.TenantID, uuid.Must(uuid.NewV7()), key, p.id, f.Event.Kind, fields, links[f.Event.Kind], Awake(now, p.zone)); err != nil {
			return fmt.Errorf("create notice: %w", err)
		}
	}
	return nil
}

// Awake is when a person may hear of something: now, or the next morning when it is
// night in their zone.
func Awake(now time.Time, zone string) time.Time {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC
	}
	local := now.In(location)
	morning := time.Date(local.Year(), local.Month(), local.Day(), quietUntil, 0, 0, 0, location)
	switch {
	case local.Hour() < quietUntil:
		return morning
	case local.Hour() >= quietFrom:
		return morning.AddDate(0, 0, 1)
	}
	return now
}

// Deliver hands a message to the person's channel, in the transaction.
type Deliver func(ctx context.Context, tx pgx.Tx, m Message) error

// Send delivers up to limit notices that are due, across tenants on the worker's
// role, and reports how many. Two processes may run it at once. A delivery that
// fails ends the run; its notices stay due.
func Send(ctx context.Context, tx pgx.Tx, now time.Time, limit int, deliver Deliver) (int, error) {
	rows, err := tx.Query(ctx, `select n.id, n.tenant_id, n.user_id, n.key, n.kind, n.fields, n.link, u.locale from onboarding_notices n
		join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
		join tenants t on t.id = n.tenant_id and t.lifecycle_state in ('active', 'live')
		where n.sent_at is null and n.not_before <= $1 order by n.not_before, n.id limit $2 for update of n skip locked`, now, limit)
	if err != nil {
		return 0, fmt.Errorf("send notices: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Message, err error) {
		var fields map[string]string
		var locale string
		if err = row.Scan(&m.ID, &m.TenantID, &m.UserID, &m.Key, &m.Kind, &fields, &m.Link, &locale); err != nil {
			return m, err
		}
		m.Language = locale
		m.Text, err = text(m.Kind, locale, fields)
		return m, err
	})
	if err != nil {
		return 0, fmt.Errorf("send notices: %w", err)
	}
	for n, m := range due {
		if err := deliver(ctx, tx, m); err != nil {
			return n, fmt.Errorf("send notice %s: %w", m.Key, err)
		}
		if _, err := tx.Exec(ctx, `update onboarding_notices set sent_at = $3 where tenant_id = $1 and id = $2`, m.TenantID, m.ID, now); err != nil {
			return n, fmt.Errorf("send notice %s: %w", m.Key, err)
		}
	}
	return len(due), nil
}

func text(kind, locale string, fields map[string]string) (string, error) {
	key := "notice." + kind
	if fields["restricted"] == "true" {
		key += "_restricted"
	}
	out, ok := status.Sentence(locale, key, fields)
	if !ok {
		return "", fmt.Errorf("no sentence for notices of kind %s", kind)
	}
	return out, nil
}
