package feeds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

// tenantField is how a sender says whose an object is: a custom field, metadata
// or the applicant's own id holds the tenant's id.
const tenantField = "usher_tenant"

// event is one thing that happened: exactly one part is set, or a contract and
// the envelope that carried it.
type event struct {
	tenant       string // as the sender says; may be empty
	contract     *lifecycle.Contract
	envelope     *feed.Envelope
	verification *feed.Verification
	integration  *feed.Integration
	learning     *feed.Learning
	record       *change.Change // of the system called source
	source       string
	pushed       *source.Push
	refused      error // of a batch's event that cannot be read
}

func (e event) apply(ctx context.Context, tx pgx.Tx, in *Inbound) error {
	if e.refused != nil {
		return e.refused
	}
	f := in.Feed
	var tenant uuid.UUID
	if e.contract != nil {
		made, err := lifecycle.Provision(ctx, tx, *e.contract)
		if err != nil {
			return err
		}
		tenant = made.TenantID
		if e.envelope == nil || tenant == uuid.Nil {
			return nil
		}
	} else {
		var err error
		if tenant, err = e.whose(ctx, tx); err != nil {
			return err
		}
	}
	var err error
	switch {
	case e.envelope != nil:
		_, err = f.Envelope(ctx, tx, tenant, *e.envelope)
	case e.verification != nil:
		_, err = f.Verification(ctx, tx, tenant, *e.verification)
	case e.integration != nil:
		_, err = f.Integration(ctx, tx, tenant, *e.integration)
	case e.learning != nil:
		_, err = f.Learning(ctx, tx, tenant, *e.learning)
	case e.record != nil:
		_, err = f.Record(ctx, tx, tenant, e.source, *e.record)
	case e.pushed != nil:
		if in.Sources == nil {
			return source.ErrUnknownSource
		}
		e.pushed.TenantID = tenant
		_, err = in.Sources.Push(ctx, tx, *e.pushed)
	}
	return err
}

// whose finds the tenant: named by the sender, else by the object's reference.
func (e event) whose(ctx context.Context, tx pgx.Tx) (tenant uuid.UUID, err error) {
	query, args := "", []any{}
	switch {
	case e.tenant != "":
		id, parse := uuid.Parse(e.tenant)
		if parse != nil {
			return tenant, feed.ErrUnknownRecord
		}
		query, args = `select id from tenants where id = $1`, []any{id}
	case e.pushed != nil:
		// A number two organisations have names neither.
		query, args = `select min(tenant_id::text)::uuid from status_source_customers where source = $1 and customer = $2 having count(*) = 1`, []any{e.pushed.Source, e.pushed.Customer}
	case e.envelope != nil:
		query, args = `select tenant_id from envelopes where provider = $1 and provider_ref = $2`, []any{e.envelope.Provider, e.envelope.Ref}
	case e.verification != nil:
		query, args = `select tenant_id from verifications where provider = $1 and provider_ref = $2`, []any{e.verification.Provider, e.verification.Ref}
	default:
		return tenant, feed.ErrUnknownRecord
	}
	err = tx.QueryRow(ctx, query, args...).Scan(&tenant)
	if errors.Is(err, pgx.ErrNoRows) {
		return tenant, feed.ErrUnknownRecord
	}
	return tenant, err
}

// digest is an event's identity where the sender gives none: the same bytes are
// the same event.
func digest(_ http.Header, body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func header(name string) func(http.Header, []byte) string {
	return func(h http.Header, _ []byte) string { return h.Get(name) }
}

func field(name string) func(http.Header, []byte) string {
	return func(_ http.Header, body []byte) string {
		var object map[string]json.RawMessage
		var text string
		if json.Unmarshal(body, &object) != nil || json.Unmarshal(object[name], &text) != nil {
			return ""
		}
		return text
	}
}

// instant reads a time; zero when it is none.
func instant(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999", "2006-01-02 15:04:05-0700", "2006-01-02 15:04:05+0000"} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

func optional(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
