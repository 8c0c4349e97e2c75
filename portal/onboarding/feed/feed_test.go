package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/portal/onboarding/verification"
)

type bundle struct {
	db     *dbtest.Database
	tenant uuid.UUID
	user   uuid.UUID
	feed   *feed.Feed
	fired  []rule.Fired
	now    time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{db: dbtest.New(t), now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	b.tenant = b.db.Tenant(t, "acme")
	b.user = b.db.User(t, b.tenant, "ana@acme.test", "admin")
	b.feed = &feed.Feed{Rules: &rule.Engine{Do: func(_ context.Context, _ pgx.Tx, f rule.Fired) error {
		b.fired = append(b.fired, f)
		return nil
	}}}
	b.do(t, func(tx pgx.Tx) error {
		if err := rule.Seed(t.Context(), tx); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'Onboarding', '2026-10-01')`, b.tenant, uuid.New())
		return err
	})
	return b
}

func (b *bundle) do(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "feed", fn))
}

func (b *bundle) record(t *testing.T) (r onboarding.Record) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		r, err = onboarding.Load(t.Context(), tx, b.tenant)
		return err
	}))
	return r
}

func (b *bundle) actions() (out []string) {
	for _, f := range b.fired {
		out = append(out, f.Rule)
	}
	return out
}

func TestAFailingIntegrationOpensOneTicketPerCauseAndRecoveryClosesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := uuid.New()
	b.do(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into integrations (tenant_id, id, project_id, connector, auth_state, sync_state, external_ref, observed_at)
			select $1, $2, id, 'Salesforce', 'connected', 'ok', 'conn-7', $3 from projects where tenant_id = $1`, b.tenant, id, b.now.Add(-time.Hour))
		return err
	})
	apply := func(e feed.Integration, want bool) {
		e.Ref = "conn-7"
		b.do(t, func(tx pgx.Tx) error {
			changed, err := b.feed.Integration(t.Context(), tx, b.tenant, e)
			require.Equal(t, want, changed)
			return err
		})
	}
	failing := feed.Integration{At: b.now, SyncState: "failing", ErrorClass: "auth_expired", Message: "The token has expired."}
	apply(failing, true)
	apply(failing, true) // delivered again
	require.Equal(t, []string{"integration_ticket", "integration_told"}, b.actions())
	require.Equal(t, feed.TicketKey(id, "auth_expired"), b.fired[0].Event.Fields["key"])
	require.Equal(t, id, feed.TicketIntegration(b.fired[0].Event.Fields["key"]))
	apply(feed.Integration{At: b.now.Add(-time.Minute), SyncState: "ok"}, false) // late
	require.Equal(t, "failing", b.record(t).Integrations[0].SyncState)

	success := b.now.Add(time.Hour)
	apply(feed.Integration{At: success, SyncState: "ok", LastSuccessAt: &success}, true)
	require.Equal(t, []string{"integration_recovered", "integration_ticket_done"}, b.actions()[2:])
	require.Equal(t, feed.TicketKey(id, "auth_expired"), b.fired[2].Event.Fields["key"])
	got := b.record(t).Integrations[0]
	require.Empty(t, got.Message)
	require.True(t, success.Equal(*got.LastSuccessAt))

	failing.At = b.now.Add(2 * time.Hour) // it fails again: a new ticket
	apply(failing, true)
	require.Len(t, b.fired, 6)

	b.do(t, func(tx pgx.Tx) error {
		_, err := b.feed.Integration(t.Context(), tx, b.tenant, feed.Integration{Ref: "nobody", At: b.now})
		require.ErrorIs(t, err, feed.ErrUnknownRecord)
		_, err = b.feed.Integration(t.Context(), tx, b.tenant, feed.Integration{})
		require.ErrorIs(t, err, feed.ErrBadEvent)
		return nil
	})
}

// Signature events in any order and number end in the same state.
func TestEnvelopeEventsConvergeInAnyOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 12 {
		rng := rand.New(rand.NewPCG(uint64(n), 5))
		ref := fmt.Sprintf("env-%d", n)
		var events []feed.Envelope
		for i, state := range []string{"created", "sent", "delivered", "completed"} {
			at := b.now.Add(time.Duration(i) * time.Minute)
			if state == "completed" && n%2 == 0 {
				at = b.now.Add(2 * time.Minute) // the same second as delivered
			}
			e := feed.Envelope{Provider: "docusign", Ref: ref, Title: "Agreement " + ref, State: state, At: at, Signers: []feed.Signer{{Name: "Ana", Routing: 1, State: "sent"}}}
			if state == "completed" {
				e.Signers[0].State, e.Signers[0].SignedAt = "signed", &at
			}
			events = append(events, e, e)
		}
		rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		for _, e := range events {
			b.do(t, func(tx pgx.Tx) error {
				_, err := b.feed.Envelope(t.Context(), tx, b.tenant, e)
				return err
			})
		}
	}
	envelopes := b.record(t).Envelopes
	require.Len(t, envelopes, 12)
	for _, e := range envelopes {
		require.Equal(t, "completed", e.State)
		require.NotNil(t, e.CompletedAt)
		require.Len(t, e.Signers, 1)
		require.Equal(t, "signed", e.Signers[0].State)
	}
}

// P12: whatever holds a review up inside, the customer's bytes are the same: the
// record, the page, every answer and the events.
func TestNoInternalCauseOfAReviewShowsToTheCustomer(t *testing.T) {
	t.Parallel()
	causes := []verification.Outcome{
		verification.Sumsub("pending", "", ""), verification.Sumsub("queued", "", ""), verification.Sumsub("onHold", "RED", "FINAL"),
		verification.Persona("needs_review"), verification.StripeIdentity("processing", ""), verification.Onfido("review", ""),
		verification.StripeAccount(verification.StripeRequirements{DisabledReason: "under_review"}), verification.Onfido("complete", "consider"),
		verification.Sumsub("unheard of", "", ""),
	}
	reasons := []string{"", "sanctions hit", "suspicious activity report filed", "queue", "PEP match: escalate to compliance"}
	var first string
	for n, cause := range causes {
		require.Equal(t, verification.InReview, cause.Customer)
		b := setup(t)
		submitted := b.now.Add(-70 * time.Hour)
		apply := func(o verification.Outcome, reason string, at time.Time) {
			b.do(t, func(tx pgx.Tx) error {
				_, err := b.feed.Verification(t.Context(), tx, b.tenant, feed.Verification{
					Provider: "provider", Ref: "ref-1", Kind: "kyb", At: at, Outcome: o, Reason: reason, SubmittedAt: &submitted,
				})
				return err
			})
		}
		apply(verification.Sumsub("pending", "", ""), "", submitted)
		// Inside, much may happen.
		for i := range n * 3 {
			apply(cause, reasons[(n+i)%len(reasons)], submitted.Add(time.Duration(i+1)*time.Hour))
		}
		got := b.customerBytes(t)
		for _, reason := range reasons[1:] {
			require.NotContains(t, got, reason)
		}
		if first == "" {
			first = got
		}
		require.Equal(t, first, got, "cause %s", cause.Internal)
	}
}

// customerBytes is everything a customer can fetch, without ids.
func (b *bundle) customerBytes(t *testing.T) string {
	t.Helper()
	r := b.record(t)
	asker := onboarding.Asker{TenantID: b.tenant, UserID: b.user, Roles: []string{"admin"}}
	view, err := json.Marshal(r.View(asker, b.now))
	require.NoError(t, err)
	out := string(view)
	for _, intent := range status.Intents {
		a := status.Resolve(status.Input{Record: r, Asker: asker, Now: b.now}, status.Question{Intent: intent, Text: "verification?", Language: "en"})
		out += "\n" + a.Text + a.Link + a.Turn + a.Escalate + a.AsOf.UTC().String()
	}
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		events, err := onboarding.Events(t.Context(), tx, b.tenant, 0, 100)
		for _, e := range events {
			out += fmt.Sprintf("\n%d %s %s", e.Seq, e.Entity, e.Kind)
		}
		return err
	}))
	return out
}

func TestAVerificationThatNeedsSomethingIsToldOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	deadline := b.now.AddDate(0, 0, 7)
	event := feed.Verification{
		Provider: "stripe", Ref: "acct_1", Kind: "kyb", At: b.now, Outcome: verification.Sumsub("pending", "", ""),
	}
	apply := func(e feed.Verification) {
		b.do(t, func(tx pgx.Tx) error {
			_, err := b.feed.Verification(t.Context(), tx, b.tenant, e)
			return err
		})
	}
	apply(event)
	event.At, event.Outcome = b.now.Add(time.Hour), verification.StripeAccount(verification.StripeRequirements{CurrentlyDue: []string{"owners"}})
	event.Requirements = []feed.Requirement{{Label: "Register of owners", Bucket: "currently_due", Deadline: &deadline}}
	apply(event)
	apply(event)
	require.Equal(t, []string{"verification_needs"}, b.actions())
	v := b.record(t).Verifications[0]
	require.Equal(t, "needs_information", v.State)
	require.Len(t, v.Requirements, 1)
	event.At, event.Outcome, event.Requirements = b.now.Add(2*time.Hour), verification.StripeAccount(verification.StripeRequirements{}), []feed.Requirement{}
	apply(event)
	v = b.record(t).Verifications[0]
	require.Equal(t, "verified", v.State)
	require.NotNil(t, v.CompletedAt)
	require.Empty(t, v.Requirements)
}

// A provider that only says how a check went on, not what it still needs, has what
// was due taken back: nobody verified is asked for more, nor told a deadline.
func TestNothingIsDueOnceACheckAsksForNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	deadline := b.now.AddDate(0, 0, 7)
	apply := func(hours int, o verification.Outcome, due ...feed.Requirement) {
		e := feed.Verification{Provider: "sumsub", Ref: "a1", Kind: "kyb", At: b.now.Add(time.Duration(hours) * time.Hour), Outcome: o, Requirements: due}
		if due != nil {
			e.Deadline = &deadline
		}
		b.do(t, func(tx pgx.Tx) error {
			_, err := b.feed.Verification(t.Context(), tx, b.tenant, e)
			return err
		})
	}
	said := func() (out string) {
		asker := onboarding.Asker{TenantID: b.tenant, UserID: b.user, Roles: []string{"admin"}}
		view, err := json.Marshal(b.record(t).View(asker, b.now))
		require.NoError(t, err)
		for _, intent := range []string{"verification.status", "verification.requirements_due"} {
			out += status.Resolve(status.Input{Record: b.record(t), Asker: asker, Now: b.now}, status.Question{Intent: intent, Text: "?", Language: "en"}).Text + "\n"
		}
		return out + string(view)
	}
	retry := verification.Sumsub("completed", "RED", "RETRY")
	apply(0, retry, feed.Requirement{Label: "Register of owners", Bucket: "currently_due"})
	require.Contains(t, said(), "Register of owners")
	require.Contains(t, said(), "30 November")
	apply(1, retry) // further inside news of the same: it stays due
	require.Contains(t, said(), "Register of owners")
	for n, next := range []verification.Outcome{verification.Sumsub("pending", "", ""), verification.Sumsub("completed", "GREEN", "")} {
		apply(2+2*n, retry, feed.Requirement{Label: "Register of owners", Bucket: "currently_due"})
		apply(3+2*n, next)
		require.NotContains(t, said(), "Register of owners", next.Internal)
		require.NotContains(t, said(), "30 November", next.Internal)
		require.NotContains(t, said(), "2026-11-30", next.Internal)
	}
	require.Equal(t, "verified", b.record(t).Verifications[0].State)
}

// That somebody opens an envelope is no reason to wait longer for the signature;
// that it is the next one's turn is.
func TestOpeningAnEnvelopeDoesNotPostponeTheReminder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	day := func(n int) time.Time { return b.now.AddDate(0, 0, n) }
	apply := func(state string, at time.Time, signers ...feed.Signer) {
		b.do(t, func(tx pgx.Tx) error {
			_, err := b.feed.Envelope(t.Context(), tx, b.tenant, feed.Envelope{Provider: "docusign", Ref: "e", Title: "DPA", State: state, At: at, Signers: signers})
			return err
		})
	}
	missing := func(at time.Time) (who []string) {
		b.fired = nil
		b.do(t, func(tx pgx.Tx) error { return b.feed.Sweep(t.Context(), tx, b.tenant, at, feed.Patience{}) })
		for _, f := range b.fired {
			if f.Event.Kind == rule.SignatureMissing {
				who = append(who, f.Event.Fields["signer"])
			}
		}
		return who
	}
	ana, bo := feed.Signer{Name: "Ana", Routing: 1, State: "sent"}, feed.Signer{Name: "Bo", Routing: 2, State: "waiting"}
	apply("sent", b.now, ana, bo)
	apply("delivered", day(2), ana, bo)
	require.Empty(t, missing(day(2)))
	require.Equal(t, []string{"Ana"}, missing(day(3)), "sent three days ago, opened yesterday")
	signed := day(4)
	ana.State, ana.SignedAt, bo.State = "signed", &signed, "sent"
	apply("delivered", signed, ana, bo)
	require.Empty(t, missing(day(5)), "it is Bo's turn since yesterday")
	require.Equal(t, []string{"Bo"}, missing(day(7)))
	require.Empty(t, missing(day(8)))
}
