package answer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/answer"
)

func compose(t *testing.T, question string, passages ...answer.Passage) string {
	t.Helper()
	for i := range passages {
		passages[i].Number, passages[i].Language = i+1, "en"
	}
	draft, err := answer.Extractive{}.Compose(t.Context(), answer.Request{Question: question, Language: "en", Passages: passages}, func(answer.Sentence) error { return nil })
	require.NoError(t, err)
	return draft.Markdown()
}

func TestStepsEndWhereAListBegins(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1. Press the clip.\n2. Choose a file.\n\n[1]", compose(t, "How do I attach a file with the clip?", answer.Passage{
		Score: 1, Title: "Attach files", Text: "1. Press the clip.\n2. Choose a file.\n\n- Viruses are looked for.\n- Nobody reads along.",
	}))
}

func TestASentenceThatGoesOnIsQuotedWithTheOneBefore(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Managers see the courses of everybody. [1] Others see their own progress only. [1]", compose(t, "Who can see my progress?", answer.Passage{
		Score: 1, Title: "Training", Text: "Managers see the courses of everybody. Others see their own progress only. Ask for help.",
	}))
}

func TestASectionThatSaysItCannotIsForWhoCannot(t *testing.T) {
	t.Parallel()
	passages := func() []answer.Passage {
		return []answer.Passage{
			{Score: 1, Title: "Access", Section: "You cannot log in", Text: "Ask your administrator about it."},
			{Score: 1, Title: "Access", Section: "Log in", Text: "Open the portal with your link."},
		}
	}
	require.Equal(t, "Open the portal with your link. [2]", compose(t, "how do I log in", passages()...))
	require.Equal(t, "Ask your administrator about it. [1]", compose(t, "I cant log in", passages()...))
}

func TestASecondSourceAddsMoreThanItsFirstOnesHeadingSays(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1. Open the page.\n2. Press the button.\n\n[1]", compose(t, "How do I upload a document?",
		answer.Passage{Score: 1, Title: "Papers", Section: "How to upload a document", Text: "1. Open the page.\n2. Press the button."},
		answer.Passage{Score: 0.95, Title: "Papers", Section: "Versions", Text: "Every upload of a document is a version."},
	))
}
