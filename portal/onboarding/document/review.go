package document

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// Scan lets the scanner look at a version, on the worker's role, and stores what
// it says. Scanning again is harmless. An error of the scanner is stored as one
// and returned, so that a job tries again.
func (s *Service) Scan(ctx context.Context, tenant, version uuid.UUID) error {
	if s.scanner == nil {
		return nil // the version says not_scanned, and is held
	}
	var key string
	var request uuid.UUID
	err := s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select storage_key, request_id from document_versions where tenant_id = $1 and id = $2`, tenant, version).Scan(&key, &request)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("scan document: %w", err)
	}
	state, detail, scanErr := blob.ScanKey(ctx, s.blobs, s.scanner, key)
	err = s.db.WithTenant(context.WithoutCancel(ctx), tenant, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update document_versions set scan_state = $3, scan_detail_internal = left($4, 500) where tenant_id = $1 and id = $2`, tenant, version, state, detail); err != nil {
			return err
		}
		_, err := onboarding.Append(ctx, tx, tenant, "document", request, "document.scanned")
		return err
	})
	if err = errors.Join(scanErr, err); err != nil {
		return fmt.Errorf("scan document: %w", err)
	}
	return nil
}

// Review is a decision of staff about a version.
type Review struct {
	Version  uuid.UUID
	Accept   bool
	Codes    []string // why not; needed to reject
	Message  string   // for the customer; needed to reject unless a code is restricted
	Comment  string   // for staff
	Reviewer uuid.UUID
	At       time.Time
}

var code = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)

func (r Review) check() error {
	restricted := slices.ContainsFunc(r.Codes, func(c string) bool { return onboarding.RestrictedReasons[c] })
	switch {
	case r.At.IsZero():
		return fmt.Errorf("%w: it has no time", ErrBadReview)
	case r.Accept && (len(r.Codes) > 0 || r.Message != ""):
		return fmt.Errorf("%w: an accepted document has no reasons", ErrBadReview)
	case !r.Accept && len(r.Codes) == 0:
		return fmt.Errorf("%w: rejecting needs a reason code", ErrBadReview)
	case !r.Accept && !restricted && strings.TrimSpace(r.Message) == "":
		return fmt.Errorf("%w: rejecting needs a message for the customer", ErrBadReview)
	case slices.ContainsFunc(r.Codes, func(c string) bool { return !code.MatchString(c) }):
		return fmt.Errorf("%w: reason codes are small letters, digits and _", ErrBadReview)
	}
	return nil
}

// Decide stores a review of the latest version, in the caller's transaction on
// the worker's role, and lets the rules tell the customer. Deciding the same
// again changes nothing.
func Decide(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant uuid.UUID, r Review) error {
	if err := r.check(); err != nil {
		return err
	}
	if err := decide(ctx, tx, rules, tenant, r); err != nil {
		return fmt.Errorf("review document: %w", err)
	}
	return nil
}

func decide(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant uuid.UUID, r Review) error {
	var request uuid.UUID
	var title, before, department string
	var number, latest, rejections int
	var by *uuid.UUID
	err := tx.QueryRow(ctx, `select q.id, q.title, q.department, q.rejections, v.version_no, v.review_state, v.uploaded_by,
		(select max(version_no) from document_versions where tenant_id = $1 and request_id = q.id)
		from document_versions v join document_requests q on q.tenant_id = v.tenant_id and q.id = v.request_id
		where v.tenant_id = $1 and v.id = $2 for update of q`, tenant, r.Version).Scan(&request, &title, &department, &rejections, &number, &before, &by, &latest)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	state := "rejected"
	if r.Accept {
		state = "accepted"
	}
	switch {
	case number != latest:
		return ErrSuperseded
	case before == state:
		return nil
	}
	message := strings.TrimSpace(r.Message)
	restricted := slices.ContainsFunc(r.Codes, func(c string) bool { return onboarding.RestrictedReasons[c] })
	if restricted {
		message = "" // people talk to the customer
	}
	if !r.Accept {
		rejections++
	}
	batch := &pgx.Batch{}
	batch.Queue(`update document_versions set review_state = $3, reviewed_at = $4, reject_codes = $5, reviewer_message_customer = $6,
		reviewer_comment_internal = $7, reviewed_by_internal = $8 where tenant_id = $1 and id = $2`,
		tenant, r.Version, state, r.At, append([]string{}, r.Codes...), message, r.Comment, r.Reviewer)
	batch.Queue(`update document_requests set state = $3, rejections = $4 where tenant_id = $1 and id = $2`, tenant, request, state, rejections)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	kind := rule.DocumentAccepted
	if !r.Accept {
		kind = rule.DocumentRejected
	}
	if _, err := onboarding.Append(ctx, tx, tenant, "document", request, kind); err != nil || rules == nil {
		return err
	}
	event := rule.Event{
		TenantID: tenant, Kind: kind, Subject: "document/" + request.String() + "/v" + strconv.Itoa(number), Entity: "document", EntityID: request, Department: department,
		Fields: map[string]string{"name": title, "message": message, "rejections": strconv.Itoa(rejections), "restricted": strconv.FormatBool(restricted)},
	}
	if by != nil {
		event.UserID = *by
	}
	_, err = rules.Run(ctx, tx, event)
	return err
}
