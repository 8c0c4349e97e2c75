// Package notice tells customers what happened before they ask: once for each
// happening and person, in their language, and not at night.
//
// Create is what the action tell_customer does. A notice waits in the database
// until the person's quiet hours are over; Sender hands what is due to the channel
// the person uses, which is the caller's to know, in the same transaction that
// marks it sent.
package notice

import (
	"context"
	"encoding/json"
	"errors"
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
	rule.DocumentAccepted: "/documents", rule.TaskReady: "/onboarding", rule.TaskDone: "/onboarding", rule.MilestoneDone: "/onboarding#milestones",
	rule.MilestoneSlipped: "/onboarding#milestones", rule.SignatureMissing: "/documents#signatures", rule.SignatureCompleted: "/documents#signatures",
	rule.VerificationNeeds: "/onboarding#verification", rule.VerificationVerified: "/onboarding#verification",
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
// concerns, else (there is none, or they have left) for the administrators who
// may know of it, else for the people of its department.
func Create(ctx context.Context, tx pgx.Tx, f rule.Fired, now time.Time) error {
	rows, err := tx.Query(ctx, `with people as (select u.id, coalesce(u.time_zone, t.time_zone) as zone, case
		    when u.id = $2 then 1
		    when 'admin' = any(u.roles) and ($3::text = '' or $3 = any(u.departments)) then 2
		    when $3 <> '' and $3 = any(u.departments) then 3 end as turn
		  from users u join tenants t on t.id = u.tenant_id where u.tenant_id = $1 and u.state = 'active')
		select id, zone from people where turn = (select min(turn) from people) order by id`,
		f.Event.TenantID, f.Event.UserID, f.Event.Department)
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

// waiting is a notice that is due.
type waiting struct {
	Message
	fields   map[string]string
	zone     string
	attempts int
}

// claim locks the next notice that is due, across tenants on the worker's role; two
// processes may do so at once.
func claim(ctx context.Context, tx pgx.Tx, now time.Time) ([]waiting, error) {
	rows, err := tx.Query(ctx, `select n.id, n.tenant_id, n.user_id, n.key, n.kind, n.fields, n.link, n.attempts, u.locale, coalesce(u.time_zone, t.time_zone)
		from onboarding_notices n
		join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
		join tenants t on t.id = n.tenant_id and t.lifecycle_state in ('active', 'live')
		where n.sent_at is null and n.failed_at is null and n.not_before <= $1 order by n.not_before, n.id limit 1 for update of n skip locked`, now)
	if err != nil {
		return nil, fmt.Errorf("send notices: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w waiting, err error) {
		return w, row.Scan(&w.ID, &w.TenantID, &w.UserID, &w.Key, &w.Kind, &w.fields, &w.Link, &w.attempts, &w.Language, &w.zone)
	})
	if err != nil {
		return nil, fmt.Errorf("send notices: %w", err)
	}
	return due, nil
}

func (w waiting) send(ctx context.Context, tx pgx.Tx, now time.Time, deliver Deliver) error {
	m, err := w.Message, error(nil)
	if m.Text, err = text(m.Kind, m.Language, w.fields); err != nil {
		return fmt.Errorf("send notice %s: %w", m.Key, err)
	}
	if err := deliver(ctx, tx, m); err != nil {
		return fmt.Errorf("send notice %s: %w", m.Key, err)
	}
	if _, err := tx.Exec(ctx, `update onboarding_notices set sent_at = $3, error_internal = '' where tenant_id = $1 and id = $2`, m.TenantID, m.ID, now); err != nil {
		return fmt.Errorf("send notice %s: %w", m.Key, err)
	}
	return nil
}

// A delivery that fails is tried again after a minute, then two, four and so on,
// and put aside when it failed this often.
const maxAttempts = 8

// postpone keeps why a notice could not be delivered. It goes out later, but not
// at night, or is put aside for good.
func (w waiting) postpone(ctx context.Context, tx pgx.Tx, now time.Time, cause error) error {
	again := Awake(now.Add(time.Minute<<w.attempts), w.zone)
	aside := w.attempts+1 >= maxAttempts || errors.Is(cause, errNoSentence)
	_, err := tx.Exec(ctx, `update onboarding_notices set attempts = attempts + 1, error_internal = left($3, 500), not_before = $4, failed_at = case when $5 then $6::timestamptz end
		where tenant_id = $1 and id = $2`, w.TenantID, w.ID, cause.Error(), again, aside, now)
	if err != nil {
		return fmt.Errorf("put a notice aside: %w", err)
	}
	return nil
}

// Failed is how many notices of a rule were put aside, and why the latest was.
type Failed struct {
	Count int
	Error string
	At    time.Time
}

// ListFailed counts what was put aside within the last thirty days, by rule,
// across tenants on the worker's role.
func ListFailed(ctx context.Context, tx pgx.Tx, now time.Time) (map[string]Failed, error) {
	rows, err := tx.Query(ctx, `select split_part(key, '/', 1), count(*), (array_agg(error_internal order by failed_at desc))[1], max(failed_at)
		from onboarding_notices where failed_at > $1::timestamptz - interval '30 days' group by 1`, now)
	if err != nil {
		return nil, fmt.Errorf("list notices put aside: %w", err)
	}
	out := map[string]Failed{}
	var name string
	var f Failed
	if _, err := pgx.ForEachRow(rows, []any{&name, &f.Count, &f.Error, &f.At}, func() error { out[name] = f; return nil }); err != nil {
		return nil, fmt.Errorf("list notices put aside: %w", err)
	}
	return out, nil
}

// errNoSentence says a notice can never be put into words.
var errNoSentence = errors.New("there is no sentence for it")

func text(kind, locale string, fields map[string]string) (string, error) {
	key := "notice." + kind
	if fields["restricted"] == "true" {
		key += "_restricted"
	}
	out, ok := status.Sentence(locale, key, fields)
	if !ok {
		return "", fmt.Errorf("%w: notices of kind %s", errNoSentence, kind)
	}
	return out, nil
}
