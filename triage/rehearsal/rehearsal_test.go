package rehearsal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/rehearsal"
)

// partner says one thing after the other, the last again and again.
type partner struct {
	says  []assistant.Said
	heard []string
}

func (p *partner) Say(_ context.Context, text string) (assistant.Said, error) {
	p.heard = append(p.heard, text)
	return p.says[min(len(p.heard), len(p.says))-1], nil
}

func TestACustomerInsistsThenAsksForAPerson(t *testing.T) {
	t.Parallel()
	notFound := assistant.Said{Kind: "not_found", Text: "I found nothing."}
	person := assistant.Said{Kind: "escalate", Person: true}
	s := rehearsal.Scenario{Name: "x", Language: "de", Say: []string{"Welche Farbe hat das Luftschiff?"}, Manner: []string{"typos"}, Patience: 2, Expect: rehearsal.Expect{Person: true}}
	p := &partner{says: []assistant.Said{notFound, notFound, notFound, person}}
	r, err := s.Play(t.Context(), p)
	require.NoError(t, err)
	require.True(t, r.Passed, r.Why)
	require.Equal(t, []string{
		"Weclhe Farbe hat das Luftschiff?", "Das war nicht meine Frage. Weclhe Farbe hat das Luftschiff?",
		"Bitte, ich muss das wirklich wissen: Weclhe Farbe hat das Luftschiff?", "Ich möchte bitte mit einem Menschen sprechen",
	}, p.heard)
	require.Len(t, r.Transcript, 8)

	s.Expect.Within = 3
	r, err = s.Play(t.Context(), &partner{says: []assistant.Said{notFound, notFound, notFound, person}})
	require.NoError(t, err)
	require.Equal(t, "no person was involved within 3 messages", r.Why)
}

func TestWhatAScenarioExpects(t *testing.T) {
	t.Parallel()
	good := assistant.Said{Kind: "answer", Text: "Open Documents.", Citations: []triage.Citation{{URL: "/help/upload-documents#steps"}}}
	for name, c := range map[string]struct {
		expect rehearsal.Expect
		said   assistant.Said
		why    string
	}{
		"the article":            {rehearsal.Expect{Article: "upload-documents"}, good, ""},
		"another article":        {rehearsal.Expect{Article: "sign-in"}, good, "no answer cited sign-in"},
		"the record":             {rehearsal.Expect{Status: "a"}, assistant.Said{Kind: "status", Intent: "a"}, ""},
		"an article, no record":  {rehearsal.Expect{Status: "a"}, good, "no answer from the record to a"},
		"what must not be said":  {rehearsal.Expect{Never: []string{"DOCUMENTS"}}, good, "it said “DOCUMENTS”"},
		"a person, when none is": {rehearsal.Expect{Alone: true}, assistant.Said{Person: true, Reason: "urgent"}, "people were involved: urgent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rehearsal.Scenario{Name: "x", Language: "en", Say: []string{"Hello?"}, Expect: c.expect}
			r, err := s.Play(t.Context(), &partner{says: []assistant.Said{c.said}})
			require.NoError(t, err)
			require.Equal(t, c.why, r.Why)
			require.Equal(t, c.why == "", r.Passed)
		})
	}
}

func TestScenariosThatCannotBePlayedAreRefused(t *testing.T) {
	t.Parallel()
	for why, body := range map[string]string{
		"expects nothing":  "scenarios: [{name: x, tenant: a, language: en, say: [hi], expect: {}}]",
		"language":         "scenarios: [{name: x, tenant: a, language: xx, say: [hi], expect: {person: true}}]",
		"manner":           "scenarios: [{name: x, tenant: a, language: en, say: [hi], manner: [singing], expect: {person: true}}]",
		"something to say": "scenarios: [{name: x, tenant: a, language: en, expect: {person: true}}]",
		"not be involved":  "scenarios: [{name: x, tenant: a, language: en, say: [hi], expect: {person: true, alone: true}}]",
		"two scenarios":    "scenarios: [{name: x, tenant: a, language: en, say: [hi], expect: {person: true}}, {name: x, tenant: a, language: en, say: [hi], expect: {person: true}}]",
		"unknown field":    "scenarios: [{name: x, tenat: a}]",
	} {
		_, err := rehearsal.Parse([]byte(body))
		require.ErrorContains(t, err, why)
	}
	list, err := rehearsal.Shipped()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(list), 12)
}
