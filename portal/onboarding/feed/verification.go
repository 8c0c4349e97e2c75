package feed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/verification"
)

// Verification is a provider's word about a check.
type Verification struct {
	Provider string
	Ref      string
	Kind     string // kyc, kyb, aml, bank
	At       time.Time
	Outcome  verification.Outcome
	Reason   string // for staff only
	// Requirements replaces what is owed; nil leaves it, unless the check goes on to
	// a state that asks for nothing.
	Requirements []Requirement
	SubmittedAt  *time.Time
	CompletedAt  *time.Time
	Deadline     *time.Time
}

// Requirement is one thing the provider needs, in words for the customer.
type Requirement struct {
	Label    string
	Bucket   string // past_due, currently_due, eventually_due, pending_verification
	Deadline *time.Time
}

// Verification applies a provider's word; false means that nothing changed for
// the customer.
func (f *Feed) Verification(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Verification) (bool, error) {
	if in.Provider == "" || in.Ref == "" || in.At.IsZero() || in.Outcome.Customer == "" {
		return false, fmt.Errorf("apply verification event: %w: it needs provider, reference, time and outcome", ErrBadEvent)
	}
	changed, err := f.verification(ctx, tx, tenant, in)
	if err != nil {
		return false, fmt.Errorf("apply verification event: %w", err)
	}
	return changed, nil
}

func (f *Feed) verification(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Verification) (bool, error) {
	id, before, at, err := f.findVerification(ctx, tx, tenant, in)
	if err != nil {
		return false, err
	}
	if at != nil && in.At.Before(*at) {
		return false, nil
	}
	// Nobody who is told "in review" or "verified" is still asked for something.
	settled := before != in.Outcome.Customer && in.Outcome.Customer != verification.NeedsInformation
	if settled && in.Requirements == nil {
		in.Requirements = []Requirement{}
	}
	visible := before != in.Outcome.Customer || in.Requirements != nil
	_, err = tx.Exec(ctx, `update verifications set internal_state = $3, reason_internal = $4, event_at_internal = $5, customer_state = $6,
		submitted_at = coalesce($7, submitted_at), completed_at = case when $6 = 'verified' then coalesce($8, completed_at, $5) end,
		deadline = coalesce($9::date, case when not $11 then deadline end), observed_at = case when $10 then $5 else observed_at end
		where tenant_id = $1 and id = $2`, tenant, id, in.Outcome.Internal, in.Reason, in.At, in.Outcome.Customer,
		in.SubmittedAt, in.CompletedAt, in.Deadline, visible, settled)
	if err != nil {
		return false, err
	}
	if in.Requirements != nil {
		if err := replaceRequirements(ctx, tx, tenant, id, in.Requirements); err != nil {
			return false, err
		}
	}
	if !visible {
		return false, nil // inside news: no event, no newer time
	}
	event := rule.Event{TenantID: tenant, Entity: "verification", EntityID: id, Fields: map[string]string{"kind": in.Kind, "state": string(in.Outcome.Customer)}}
	kind := "verification.updated"
	if before != in.Outcome.Customer {
		event.Subject = fmt.Sprintf("verification/%s@%d", id, in.At.UnixMilli())
		switch in.Outcome.Customer {
		case verification.NeedsInformation:
			kind = rule.VerificationNeeds
		case verification.Verified:
			kind = rule.VerificationVerified
		case verification.InReview, verification.WeWillContactYou:
			event.Subject = ""
		}
	}
	return true, f.tell(ctx, tx, event, kind)
}

// findVerification locks the check, and makes it when this is the first word of it.
func (f *Feed) findVerification(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Verification) (id uuid.UUID, state verification.State, at *time.Time, err error) {
	const find = `select id, customer_state, event_at_internal from verifications where tenant_id = $1 and provider = $2 and provider_ref = $3 for update`
	err = tx.QueryRow(ctx, find, tenant, in.Provider, in.Ref).Scan(&id, &state, &at)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, state, at, err
	}
	owner, err := project(ctx, tx, tenant)
	if err != nil {
		return id, "", nil, err
	}
	_, err = tx.Exec(ctx, `insert into verifications (tenant_id, id, project_id, kind, provider, provider_ref, customer_state, submitted_at, observed_at)
		values ($1, $2, $3, $4, $5, $6, 'needs_information', $7, $8) on conflict (tenant_id, provider, provider_ref) where provider_ref <> '' do nothing`,
		tenant, uuid.Must(uuid.NewV7()), owner, in.Kind, in.Provider, in.Ref, in.SubmittedAt, in.At)
	if err != nil {
		return id, "", nil, err
	}
	err = tx.QueryRow(ctx, find, tenant, in.Provider, in.Ref).Scan(&id, &state, &at)
	return id, state, at, err
}

func replaceRequirements(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, list []Requirement) error {
	batch := &pgx.Batch{}
	batch.Queue(`delete from requirements where tenant_id = $1 and verification_id = $2`, tenant, id)
	for _, q := range list {
		batch.Queue(`insert into requirements (tenant_id, id, verification_id, label, bucket, deadline) values ($1, $2, $3, $4, $5, $6::date)`,
			tenant, uuid.Must(uuid.NewV7()), id, strings.TrimSpace(q.Label), q.Bucket, q.Deadline)
	}
	return tx.SendBatch(ctx, batch).Close()
}
