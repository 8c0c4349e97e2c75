package feeds_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/portal/onboarding/verification"
)

// Telling a customer that they are suspected is an offence: whatever a provider
// says that means "in review", as a signed webhook through the whole of it,
// leaves the customer the same bytes — page, answers in every language, events,
// notices, rows their role can read — and further inside news moves nothing.
func TestCausesOfAReviewAreTheSameToTheCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.db.User(t, b.tenant, "ana@acme.test", "admin")
	asker := onboarding.Asker{TenantID: b.tenant, UserID: admin, Roles: []string{"admin"}}
	at := now.Add(-2 * time.Hour)
	sumsub := func(reviewStatus, private string, at time.Time) string {
		return fmt.Sprintf(`{"type": "applicantPending", "applicantId": "a1", "externalUserId": %q, "applicantType": "company", "reviewStatus": %q, "createdAtMs": %q, "reviewResult": {"moderationComment": "shown later", "clientComment": %q}}`,
			b.tenant, reviewStatus, at.Format("2006-01-02 15:04:05.000"), private)
	}
	onfido := func(state string, at time.Time) string {
		return fmt.Sprintf(`{"payload": {"resource_type": "workflow_run", "action": "workflow_run.completed", "object": {"id": "run-1", "status": %q, "completed_at_iso8601": %q}}}`, state, at.Format(time.RFC3339))
	}
	causes := map[string][]func(at time.Time) string{}
	for _, word := range []string{"pending", "prechecked", "queued", "onHold"} {
		for _, private := range []string{"", "CANARY sanctions list hit", "CANARY SAR filed with the authority"} {
			causes["sumsub"] = append(causes["sumsub"], func(at time.Time) string { return sumsub(word, private, at) })
		}
	}
	for _, word := range []string{"processing", "review", "error", "complete", "in_progress", "paused", "suspected", "a word nobody knows"} {
		if verification.Onfido(word, "").Customer == verification.InReview {
			causes["onfido"] = append(causes["onfido"], func(at time.Time) string { return onfido(word, at) })
		}
	}
	id := uuid.New()
	for source, list := range causes {
		require.GreaterOrEqual(t, len(list), 4, source)
		var first string
		for n, cause := range list {
			b.do(t, func(tx pgx.Tx) error { // as before the provider said anything
				batch := &pgx.Batch{}
				batch.Queue(`delete from inbound_events`)
				for _, sql := range []string{`delete from onboarding_events where tenant_id = $1`, `delete from onboarding_cursors where tenant_id = $1`, `delete from onboarding_rule_runs where tenant_id = $1`,
					`delete from onboarding_notices where tenant_id = $1`, `delete from requirements where tenant_id = $1`, `delete from verifications where tenant_id = $1`} {
					batch.Queue(sql, b.tenant)
				}
				batch.Queue(`insert into verifications (tenant_id, id, project_id, kind, provider, provider_ref, customer_state, submitted_at, observed_at)
					select $1, $2, id, 'kyb', $3, $4, 'needs_information', '2026-11-20', '2026-11-20' from projects where tenant_id = $1`, b.tenant, id, source, map[string]string{"sumsub": "a1", "onfido": "run-1"}[source])
				return tx.SendBatch(t.Context(), batch).Close()
			})
			require.Equal(t, 200, b.post(t, source, "", []byte(cause(at))))
			b.work(t)
			seen := b.customerSees(t, asker)
			require.Contains(t, seen, "in_review")
			require.NotContains(t, seen, "CANARY")
			if first == "" {
				first = seen
			}
			require.Equal(t, first, seen, "%s cause %d", source, n)
			// More of the inside story arrives.
			other := list[(n+1)%len(list)]
			require.Equal(t, 200, b.post(t, source, "", []byte(other(at.Add(time.Hour)))))
			b.work(t)
			require.Equal(t, first, b.customerSees(t, asker), "%s, after more inside news", source)
		}
	}
}

// customerSees is all that reaches a customer, and all their role can read.
func (b *bundle) customerSees(t *testing.T, asker onboarding.Asker) string {
	t.Helper()
	r := b.record(t, b.tenant)
	var out strings.Builder
	view, err := json.Marshal(r.View(asker, now))
	require.NoError(t, err)
	out.Write(view)
	for _, language := range []string{"en", "de", "fr", "es", "pt"} {
		for _, intent := range []string{"verification.status", "verification.eta", "verification.requirements_due", "onboarding.overall_status"} {
			answer, err := json.Marshal(status.Resolve(status.Input{Record: r, Asker: asker, Now: now}, status.Question{Intent: intent, Text: "?", Language: language}))
			require.NoError(t, err)
			out.WriteString("\n" + string(answer))
		}
	}
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		for _, sql := range []string{
			`select coalesce(string_agg(seq || entity || entity_id || kind, ',' order by seq), '') from onboarding_events where tenant_id = $1`,
			`select count(*)::text from onboarding_notices where tenant_id = $1`,
			`select string_agg(customer_state || coalesce(completed_at::text, '') || coalesce(deadline::text, '') || submitted_at, ',') from verifications where tenant_id = $1`,
			`select count(*)::text from requirements where tenant_id = $1`,
			`select count(*)::text from messages where tenant_id = $1`,
		} {
			var text string
			if err := tx.QueryRow(t.Context(), sql, b.tenant).Scan(&text); err != nil {
				return err
			}
			out.WriteString("\n" + text)
		}
		return nil
	}))
	return out.String()
}
