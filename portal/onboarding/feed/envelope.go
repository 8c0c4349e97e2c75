package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// Envelope is an e-signature provider's word about a document out for signature.
type Envelope struct {
	Provider  string
	Ref       string
	Title     string // of a new one
	State     string // created, sent, delivered, completed, declined, voided, correct
	At        time.Time
	ExpiresAt *time.Time
	// Signers replaces the people who sign; nil leaves them.
	Signers []Signer
}

// Signer is one person asked to sign.
type Signer struct {
	Name     string
	Routing  int
	State    string // waiting, sent, opened, signed, declined, bounced
	SignedAt *time.Time
}

// DocuSignEnvelope maps an envelope's status; delivered means that all have
// opened it. False means an unknown word.
func DocuSignEnvelope(status string) (string, bool) {
	switch status {
	case "created", "sent", "delivered", "completed", "declined", "voided", "correct":
		return status, true
	case "signed": // an old word for completed by all, before processing ended
		return "delivered", true
	}
	return "", false
}

// DocuSignSigner maps a recipient's status.
func DocuSignSigner(status string) (string, bool) {
	state, ok := map[string]string{
		"created": "waiting", "sent": "sent", "delivered": "opened", "signed": "signed", "completed": "signed",
		"declined": "declined", "autoresponded": "bounced", "authenticationfailed": "sent", "faxpending": "sent",
	}[status]
	return state, ok
}

// PandaDocEnvelope maps a document's status.
func PandaDocEnvelope(status string) (string, bool) {
	state, ok := map[string]string{
		"document.draft": "created", "document.uploaded": "created", "document.waiting_approval": "created", "document.approved": "created",
		"document.rejected": "correct", "document.sent": "sent", "document.viewed": "delivered", "document.waiting_pay": "delivered",
		"document.paid": "completed", "document.completed": "completed", "document.declined": "declined",
		"document.voided": "voided", "document.external_review": "sent",
	}[status]
	return state, ok
}

// Envelope applies a provider's word; false means that it was old news.
func (f *Feed) Envelope(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Envelope) (bool, error) {
	if in.Provider == "" || in.Ref == "" || in.At.IsZero() || in.State == "" {
		return false, fmt.Errorf("apply envelope event: %w: it needs provider, reference, time and state", ErrBadEvent)
	}
	changed, err := f.envelope(ctx, tx, tenant, in)
	if err != nil {
		return false, fmt.Errorf("apply envelope event: %w", err)
	}
	return changed, nil
}

func (f *Feed) envelope(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Envelope) (bool, error) {
	id, title, before, at, err := findEnvelope(ctx, tx, tenant, in)
	if err != nil {
		return false, err
	}
	// Equal times happen: what ends a signature wins over what leads to it.
	if in.At.Before(at) || in.At.Equal(at) && final(before) && !final(in.State) {
		return false, nil
	}
	// When it went out is kept: that somebody opens it is no reason to wait longer.
	_, err = tx.Exec(ctx, `update envelopes set state = $3, observed_at = $4,
		sent_at = coalesce(sent_at, case when state in ('sent', 'delivered') then observed_at when $3 in ('sent', 'delivered') then $4 end), expires_on = coalesce($5::date, expires_on),
		completed_at = case when $3 = 'completed' then coalesce(completed_at, $4) end where tenant_id = $1 and id = $2`,
		tenant, id, in.State, in.At, in.ExpiresAt)
	if err != nil {
		return false, err
	}
	if in.Signers != nil {
		batch := &pgx.Batch{}
		batch.Queue(`delete from signers where tenant_id = $1 and envelope_id = $2`, tenant, id)
		for _, s := range in.Signers {
			batch.Queue(`insert into signers (tenant_id, id, envelope_id, name, routing, state, signed_at) values ($1, $2, $3, $4, $5, $6, $7)`,
				tenant, uuid.Must(uuid.NewV7()), id, s.Name, s.Routing, s.State, s.SignedAt)
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return false, err
		}
	}
	event := rule.Event{TenantID: tenant, Entity: "envelope", EntityID: id, Fields: map[string]string{"name": title, "state": in.State}}
	kind := "envelope.updated"
	if in.State == "completed" && before != "completed" {
		kind, event.Subject = rule.SignatureCompleted, "envelope/"+id.String()+"/completed"
	}
	return true, f.tell(ctx, tx, event, kind)
}

func final(state string) bool {
	return state == "completed" || state == "declined" || state == "voided"
}

func findEnvelope(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Envelope) (id uuid.UUID, title, state string, at time.Time, err error) {
	const find = `select id, title, state, observed_at from envelopes where tenant_id = $1 and provider = $2 and provider_ref = $3 for update`
	err = tx.QueryRow(ctx, find, tenant, in.Provider, in.Ref).Scan(&id, &title, &state, &at)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, title, state, at, err
	}
	if in.Title == "" {
		return id, "", "", at, ErrUnknownRecord
	}
	owner, err := project(ctx, tx, tenant)
	if err != nil {
		return id, "", "", at, err
	}
	_, err = tx.Exec(ctx, `insert into envelopes (tenant_id, id, project_id, title, provider, provider_ref, state, observed_at)
		values ($1, $2, $3, $4, $5, $6, 'created', '-infinity') on conflict (tenant_id, provider, provider_ref) where provider_ref <> '' do nothing`,
		tenant, uuid.Must(uuid.NewV7()), owner, in.Title, in.Provider, in.Ref)
	if err != nil {
		return id, "", "", at, err
	}
	// The row just made has no time yet; any event is newer.
	err = tx.QueryRow(ctx, `select id, title, state, case when isfinite(observed_at) then observed_at else 'epoch' end from envelopes
		where tenant_id = $1 and provider = $2 and provider_ref = $3 for update`, tenant, in.Provider, in.Ref).Scan(&id, &title, &state, &at)
	return id, title, state, at, err
}
