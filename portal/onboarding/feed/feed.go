package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// ErrUnknownRecord says the event is about something this tenant does not have.
var ErrUnknownRecord = errors.New("the event is about a record that does not exist")

// ErrBadEvent says the event lacks what is needed to apply it.
var ErrBadEvent = errors.New("the event cannot be applied")

// Feed applies events.
type Feed struct {
	Rules   *rule.Engine
	Signals SignalsOf // nil: health is the record's alone
}

// Integration is news of a connection. Empty and nil fields mean no news of them.
type Integration struct {
	ID            uuid.UUID // or Ref
	Ref           string    // the connection's id in the platform that runs it
	At            time.Time
	AuthState     string
	SyncState     string
	ErrorClass    string // of a failure, such as auth_expired; one ticket per class
	Message       string // what the customer may read about a failure
	LastSuccessAt *time.Time
	LastAttemptAt *time.Time
	NextRunAt     *time.Time
	Done          *int64
	Total         *int64
	Rejected      *int64
}

var (
	authStates = []string{"not_connected", "connecting", "connected", "relink_needed", "revoked"}
	syncStates = []string{"never", "syncing", "ok", "warning", "failing", "paused"}
)

// TicketKey is the deduplication key of the ticket about a failing integration.
func TicketKey(integration uuid.UUID, class string) string {
	return "integration/" + integration.String() + "/" + class
}

// TicketIntegration is the integration of such a key, or the zero id.
func TicketIntegration(key string) uuid.UUID {
	if len(key) < 12+36 || key[:12] != "integration/" {
		return uuid.Nil
	}
	id, err := uuid.Parse(key[12 : 12+36])
	if err != nil {
		return uuid.Nil
	}
	return id
}

// Integration applies news of a connection; false means that it was old news.
func (f *Feed) Integration(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Integration) (bool, error) {
	if in.At.IsZero() || in.ID == uuid.Nil && in.Ref == "" {
		return false, fmt.Errorf("apply integration event: %w: it needs a time and an id", ErrBadEvent)
	}
	if in.AuthState != "" && !slices.Contains(authStates, in.AuthState) || in.SyncState != "" && !slices.Contains(syncStates, in.SyncState) {
		return false, fmt.Errorf("apply integration event: %w: unknown state %q or %q", ErrBadEvent, in.AuthState, in.SyncState)
	}
	var before struct {
		id                                  uuid.UUID
		connector, environment, sync, class string
		observed                            time.Time
	}
	err := tx.QueryRow(ctx, `select id, connector, environment, sync_state, error_code, observed_at from integrations
		where tenant_id = $1 and (id = $2 or $3 <> '' and external_ref = $3) for update`, tenant, in.ID, in.Ref).
		Scan(&before.id, &before.connector, &before.environment, &before.sync, &before.class, &before.observed)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("apply integration event: %w", ErrUnknownRecord)
	}
	if err != nil {
		return false, fmt.Errorf("apply integration event: %w", err)
	}
	if in.At.Before(before.observed) {
		return false, nil
	}
	sync := in.SyncState
	if sync == "" {
		sync = before.sync
	}
	class, message := in.ErrorClass, in.Message
	if sync != "failing" && sync != "warning" {
		class, message = "", ""
	} else if class == "" {
		class = "unknown"
		if before.sync == sync && before.class != "" {
			class = before.class
		}
	}
	_, err = tx.Exec(ctx, `update integrations set auth_state = coalesce(nullif($3, ''), auth_state), sync_state = $4, error_code = $5,
		message_customer = case when $4 in ('failing', 'warning') then coalesce(nullif($6, ''), message_customer) else '' end,
		last_success_at = greatest(coalesce($7, last_success_at), last_success_at), last_attempt_at = greatest(coalesce($8, last_attempt_at), last_attempt_at),
		next_run_at = coalesce($9, next_run_at), records_done = coalesce($10, records_done), records_total = coalesce($11, records_total),
		records_rejected = coalesce($12, records_rejected), observed_at = $13
		where tenant_id = $1 and id = $2`, tenant, before.id, in.AuthState, sync, class, message,
		in.LastSuccessAt, in.LastAttemptAt, in.NextRunAt, in.Done, in.Total, in.Rejected, in.At)
	if err != nil {
		return false, fmt.Errorf("apply integration event: %w", err)
	}
	event := rule.Event{TenantID: tenant, Entity: "integration", EntityID: before.id, Fields: map[string]string{
		"name": before.connector, "environment": before.environment, "message": message, "error_class": class, "key": TicketKey(before.id, class),
	}}
	stamp := "@" + strconv.FormatInt(in.At.UnixMilli(), 10)
	kind := "integration.updated"
	switch {
	case sync == "failing" && (before.sync != "failing" || before.class != class):
		kind = rule.IntegrationFailing
		event.Subject = TicketKey(before.id, class) + stamp
	case before.sync == "failing" && sync == "ok":
		kind = rule.IntegrationRecovered
		event.Fields["error_class"], event.Fields["key"] = before.class, TicketKey(before.id, before.class)
		event.Subject = TicketKey(before.id, before.class) + stamp
	}
	return true, f.tell(ctx, tx, event, kind)
}

// tell appends the onboarding event and runs the rules where one may listen.
func (f *Feed) tell(ctx context.Context, tx pgx.Tx, event rule.Event, kind string) error {
	if _, err := onboarding.Append(ctx, tx, event.TenantID, event.Entity, event.EntityID, kind); err != nil {
		return err
	}
	if event.Subject == "" || f.Rules == nil {
		return nil
	}
	event.Kind = kind
	_, err := f.Rules.Run(ctx, tx, event)
	return err
}

// project is the tenant's current project.
func project(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `select id from projects where tenant_id = $1 and state in ('draft', 'active', 'on_hold', 'live')`, tenant).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, onboarding.ErrNoProject
	}
	return id, err
}
