package verification_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/verification"
)

func TestProvidersWordsBecomeCustomerStates(t *testing.T) {
	t.Parallel()
	const (
		needs   = verification.NeedsInformation
		review  = verification.InReview
		done    = verification.Verified
		contact = verification.WeWillContactYou
	)
	type req = verification.StripeRequirements
	cases := []struct {
		name string
		got  verification.Outcome
		want verification.State
	}{
		{"Sumsub init", verification.Sumsub("init", "", ""), needs},
		{"Sumsub init ignores an answer", verification.Sumsub("init", "GREEN", ""), needs},
		{"Sumsub pending", verification.Sumsub("pending", "", ""), review},
		{"Sumsub pending with an early GREEN is no pass", verification.Sumsub("pending", "GREEN", ""), review},
		{"Sumsub prechecked", verification.Sumsub("prechecked", "", ""), review},
		{"Sumsub queued", verification.Sumsub("queued", "", ""), review},
		{"Sumsub on hold", verification.Sumsub("onHold", "RED", "FINAL"), review},
		{"Sumsub green", verification.Sumsub("completed", "GREEN", ""), done},
		{"Sumsub red, may retry", verification.Sumsub("completed", "RED", "RETRY"), needs},
		{"Sumsub red, final", verification.Sumsub("completed", "RED", "FINAL"), contact},
		{"Persona created", verification.Persona("created"), needs},
		{"Persona pending", verification.Persona("pending"), needs},
		{"Persona expired", verification.Persona("expired"), needs},
		{"Persona completed is no pass", verification.Persona("completed"), review},
		{"Persona needs review", verification.Persona("needs_review"), review},
		{"Persona approved", verification.Persona("approved"), done},
		{"Persona declined", verification.Persona("declined"), contact},
		{"Stripe Identity needs input", verification.StripeIdentity("requires_input", "document_expired"), needs},
		{"Stripe Identity processing", verification.StripeIdentity("processing", ""), review},
		{"Stripe Identity verified", verification.StripeIdentity("verified", ""), done},
		{"Stripe Identity canceled", verification.StripeIdentity("canceled", ""), needs},
		{"Stripe account past due", verification.StripeAccount(req{PastDue: []string{"x"}, DisabledReason: "requirements.past_due"}), needs},
		{"Stripe account currently due", verification.StripeAccount(req{CurrentlyDue: []string{"x"}}), needs},
		{"Stripe account pending", verification.StripeAccount(req{PendingVerification: []string{"x"}}), review},
		{"Stripe account under review", verification.StripeAccount(req{DisabledReason: "under_review"}), review},
		{"Stripe account complete", verification.StripeAccount(req{}), done},
		{"Stripe account with only later needs", verification.StripeAccount(req{EventuallyDue: []string{"x"}}), done},
		{"Stripe account rejected for fraud", verification.StripeAccount(req{DisabledReason: "rejected.fraud", PastDue: []string{"x"}}), contact},
		{"Stripe account listed", verification.StripeAccount(req{DisabledReason: "listed"}), contact},
		{"Onfido approved", verification.Onfido("approved", ""), done},
		{"Onfido declined", verification.Onfido("declined", ""), contact},
		{"Onfido review", verification.Onfido("review", ""), review},
		{"Onfido awaiting input", verification.Onfido("awaiting_input", ""), needs},
		{"Onfido check clear", verification.Onfido("complete", "clear"), done},
		{"Onfido check consider", verification.Onfido("complete", "consider"), review},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.got.Customer)
			require.True(t, c.got.Known)
			require.NotEmpty(t, c.got.Internal)
		})
	}
}

func TestAnUnknownWordIsInReviewAndForStaffToSee(t *testing.T) {
	t.Parallel()
	for _, got := range []verification.Outcome{
		verification.Sumsub("teleported", "GREEN", ""), verification.Sumsub("completed", "BLUE", ""), verification.Sumsub("completed", "RED", ""),
		verification.Persona("transcended"), verification.StripeIdentity("redacted", ""), verification.StripeAccount(verification.StripeRequirements{DisabledReason: "other"}),
		verification.Onfido("completed", ""),
	} {
		require.Equal(t, verification.InReview, got.Customer)
		require.False(t, got.Known)
		require.NotEmpty(t, got.Internal)
	}
}
