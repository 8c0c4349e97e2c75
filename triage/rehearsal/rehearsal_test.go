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
	s := rehearsal.Scenario{Name: "x", Language: "de", Opening: "Welche Farbe hat das Luftschiff?", Manner: []string{"typos"}, Patience: 2, Expect: rehearsal.Expect{Outcomes: []string{"person"}}}
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
	require.Equal(t, "No person was involved within 3 messages.", r.Why)
}

// A customer replies to what the assistant did, once each, before they go on
// with what they wanted to say anyway.
func TestACustomerRepliesToWhatTheyHear(t *testing.T) {
	t.Parallel()
	s := rehearsal.Scenario{
		Name: "x", Language: "en", Opening: "Move it", Then: []string{"Thanks"}, Expect: rehearsal.Expect{Outcomes: []string{"person", "asks"}},
		Replies: []rehearsal.Reply{{When: "person", Say: "Tell Ana as well"}, {When: "asks", Say: "The second"}, {When: "says", Has: "WHICH DAY", Say: "On Friday"}},
	}
	p := &partner{says: []assistant.Said{
		{Kind: "procedure", Asks: true, Text: "Which one?"}, {Kind: "procedure", Asks: true, Text: "And which day?"}, {Kind: "escalate", Person: true}, {Kind: "escalate", Person: true}, {},
	}}
	r, err := s.Play(t.Context(), p)
	require.NoError(t, err)
	require.True(t, r.Passed, r.Why)
	require.Equal(t, []string{"Move it", "The second", "On Friday", "Tell Ana as well", "Thanks"}, p.heard)
	require.Len(t, r.Transcript, 9, "the last message needs no answer")
}

func TestWhatAScenarioExpects(t *testing.T) {
	t.Parallel()
	good := assistant.Said{Kind: "answer", Text: "Open Documents.", Citations: []triage.Citation{{URL: "/help/upload-documents#steps"}}}
	for name, c := range map[string]struct {
		expect rehearsal.Expect
		said   assistant.Said
		why    string
	}{
		"the article":            {rehearsal.Expect{Outcomes: []string{"answer", "alone"}, Article: "upload-documents"}, good, ""},
		"another article":        {rehearsal.Expect{Article: "sign-in"}, good, "No answer cited sign-in."},
		"a nearest article":      {rehearsal.Expect{Article: "upload-documents"}, assistant.Said{Kind: "not_found", Citations: good.Citations}, "No answer cited upload-documents."},
		"the record":             {rehearsal.Expect{Outcomes: []string{"status"}, Intent: "a"}, assistant.Said{Kind: "status", Intent: "a"}, ""},
		"an article, no record":  {rehearsal.Expect{Outcomes: []string{"status"}}, good, "No answer came from the record."},
		"another intent":         {rehearsal.Expect{Intent: "a"}, assistant.Said{Kind: "status", Intent: "b"}, "No answer from the record to a."},
		"a question back":        {rehearsal.Expect{Outcomes: []string{"asks"}}, assistant.Said{Kind: "procedure", Asks: true}, ""},
		"no question back":       {rehearsal.Expect{Outcomes: []string{"asks"}}, good, "It did not ask back."},
		"nothing found":          {rehearsal.Expect{Outcomes: []string{"not_found"}}, assistant.Said{Kind: "not_found"}, ""},
		"what must be said":      {rehearsal.Expect{Says: []string{"open"}}, good, ""},
		"what is not said":       {rehearsal.Expect{Says: []string{"lever"}, Within: 1}, good, "It did not say “lever” with the first message."},
		"what must not be said":  {rehearsal.Expect{Never: []string{"DOCUMENTS"}}, good, "It said “DOCUMENTS”."},
		"a person, when none is": {rehearsal.Expect{Outcomes: []string{"alone"}}, assistant.Said{Person: true, Reason: "no_answer"}, "A person was involved: no answer."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rehearsal.Scenario{Name: "x", Language: "en", Opening: "Hello?", Expect: c.expect}
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
		"expects nothing":     "{name: x, tenant: a, language: en, opening: hi, expect: {}}",
		"language":            "{name: x, tenant: a, language: xx, opening: hi, expect: {outcomes: [person]}}",
		"role":                "{name: x, tenant: a, role: king, language: en, opening: hi, expect: {outcomes: [person]}}",
		"needs a tenant":      "{name: x, language: en, opening: hi, expect: {outcomes: [person]}}",
		"a manner is not":     "{name: x, tenant: a, language: en, opening: hi, manner: [singing], expect: {outcomes: [person]}}",
		"needs an opening":    "{name: x, tenant: a, language: en, expect: {outcomes: [person]}}",
		"not be involved":     "{name: x, tenant: a, language: en, opening: hi, expect: {outcomes: [person, alone]}}",
		"a reply is to one":   "{name: x, tenant: a, language: en, opening: hi, replies: [{when: says, say: yes}], expect: {outcomes: [person]}}",
		"what is expected is": "{name: x, tenant: a, language: en, opening: hi, expect: {outcomes: [applause]}}",
		"two are called":      "{name: x, tenant: a, language: en, opening: hi, expect: {outcomes: [person]}}, {name: x, tenant: a, language: en, opening: hi, expect: {outcomes: [person]}}",
		"unknown field":       "{name: x, tenat: a}",
	} {
		_, err := rehearsal.Parse([]byte("scenarios: [" + body + "]"))
		require.ErrorIs(t, err, rehearsal.ErrBadScenario)
		require.ErrorContains(t, err, why)
	}
	list, err := rehearsal.Shipped()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(list), 12)
}
