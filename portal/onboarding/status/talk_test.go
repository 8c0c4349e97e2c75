package status_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

func TestAFollowUpIsUnderstoodByWhatItNames(t *testing.T) {
	t.Parallel()
	w := demo(t, "integration")
	in := status.Input{Record: w.record, Now: w.now, Asker: onboarding.Asker{TenantID: w.tenant, UserID: w.people[0].ID, Roles: []string{"admin"}}}
	for _, c := range []struct{ text, language, last, want string }{
		{"and the contract?", "en", "document.review_status", "signature.status"},
		{"und der Vertrag?", "de", "", "signature.status"},
		{"And Salesforce?", "en", "integration.last_sync", "integration.last_sync"},
		{"what about Salesforce", "en", "ticket.status", "integration.connection_status"},
		{"and the insurance certificate?", "en", "document.received", "document.received"},
		{"et la vérification ?", "fr", "", "verification.status"},
		{"The contract is unfair and I want a lawyer to look at every clause of it", "en", "", ""},
		{"the contract?", "en", "", ""},
		{"and?", "en", "", ""},
		{"and the weather?", "en", "ticket.status", ""},
	} {
		got, language := status.FollowUp(in, status.Question{Text: c.text, Language: c.language}, c.last)
		require.Equal(t, c.want, got, c.text)
		require.Equal(t, c.want != "", language != "", c.text)
	}
}

func TestSeveralAnswersBecomeOne(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(100, 0), time.Unix(200, 0)
	got := status.Join([]status.Answer{
		{Text: "One.", Language: "en", AsOf: late, Link: "/a", Basis: []status.Basis{{Label: "a"}}},
		{Text: "Two.", AsOf: early, Stale: true, Escalate: "why", Basis: []status.Basis{{Label: "b"}}},
		{Text: "One.", AsOf: late},
		{Clarify: "Which one?", Options: []string{"x", "y"}},
	})
	require.Equal(t, status.Answer{
		Text: "One.\n\nTwo.\n\nWhich one?", Language: "en", AsOf: early, Stale: true, Link: "/a", Escalate: "why", Options: []string{"x", "y"},
		Basis: []status.Basis{{Label: "a"}, {Label: "b"}},
	}, got)
	require.Equal(t, "Which one?", status.Join([]status.Answer{{Clarify: "Which one?"}}).Clarify)
}

func TestAFollowUpKeepsTheConversationsLanguage(t *testing.T) {
	t.Parallel()
	w := demo(t, "integration")
	in := status.Input{Record: w.record, Now: w.now, Asker: onboarding.Asker{TenantID: w.tenant, UserID: w.people[0].ID, Roles: []string{"admin"}}}
	for _, c := range []struct{ text, spoken, want string }{
		{"Desde quando?", "pt", "pt"}, {"Desde cuándo?", "es", "es"}, {"warum?", "en", "de"}, {"y?", "es", "es"}, {"why?", "fr", "en"}, {"And the contract?", "de", "en"}, {"Y a-t-il des cours ?", "fr", ""},
	} {
		_, got := status.FollowUp(in, status.Question{Text: c.text, Language: c.spoken}, "verification.status")
		require.Equal(t, c.want, got, c.text)
	}
}
