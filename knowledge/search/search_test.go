package search_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
)

var noTime time.Time

// seed publishes a small help centre.
func seed(t *testing.T) *knowledgetest.Base {
	t.Helper()
	b := knowledgetest.New(t)
	for _, a := range []knowledge.Content{
		{Title: "Reset your password", Body: "Choose *Forgot password* on the sign-in page. A link is mailed to you.\n\n## Link expired\n\nLinks hold for 30 minutes. Ask for a new one."},
		{Title: "Invite colleagues", Body: "Owners invite people under Settings, Team. An invitation is valid for seven days."},
		{Title: "Download invoices", Body: "Invoices are under Billing. Each is a PDF.\n\n| Plan | Billed |\n| --- | --- |\n| Basic | monthly |\n| Pro | yearly |"},
		{Title: "Connect your warehouse", Body: "Create an API key, then enter it in the connector. The first synchronisation takes an hour."},
		{Title: "Delete a workspace", Body: "Deleting a workspace removes every document. It cannot be undone."},
	} {
		b.Publish(t, knowledge.Shared, a)
	}
	return b
}

func TestSearchFindsThePassage(t *testing.T) {
	t.Parallel()
	b := seed(t)
	for question, title := range map[string]string{
		"I forgot my password":                           "Reset your password",
		"how long is the link valid, mine has expired??": "Reset your password",
		"where can I find my invoce":                     "Download invoices", // misspelt
		"invite a team mate":                             "Invite colleagues",
		"ware house connector key":                       "Connect your warehouse", // split
		"HOW TO DELETE WORKSPACE":                        "Delete a workspace",
	} {
		t.Run(question, func(t *testing.T) {
			result := b.Search(t, knowledge.Viewer{}, question)
			require.NotEmpty(t, result.Passages)
			require.Equal(t, title, result.Passages[0].Title)
			require.Positive(t, result.Signals.Coverage)
		})
	}
	expired := b.Search(t, knowledge.Viewer{}, "link expired").Passages[0]
	require.Equal(t, "link-expired", expired.Anchor)
	require.Equal(t, "Link expired", expired.Heading)
}

func TestSearchIsDeterministic(t *testing.T) {
	t.Parallel()
	b := seed(t)
	first := b.Search(t, knowledge.Viewer{}, "invoice for a deleted workspace")
	for range 3 {
		require.Equal(t, first, b.Search(t, knowledge.Viewer{}, "invoice for a deleted workspace"))
	}
}

func TestQuestionsWithoutWordsOrKnowledge(t *testing.T) {
	t.Parallel()
	empty := knowledgetest.New(t)
	for _, question := range []string{"", "   ", "?!", "how do I", "\x00", "select * from users; --", "password"} {
		result := empty.Search(t, knowledge.Viewer{}, question)
		require.Empty(t, result.Passages, "%q", question)
	}
	b := seed(t)
	result := b.Search(t, knowledge.Viewer{}, "zyzzyva quokka")
	require.InDelta(t, 1, result.Signals.Unknown, 1e-9)
	require.Zero(t, result.Signals.Coverage)
}

func TestHistoryCompletesAQuestion(t *testing.T) {
	t.Parallel()
	b := seed(t)
	ask := func(history ...search.Turn) string {
		result, err := b.Searcher.Search(t.Context(), search.Query{Text: "and how long is it valid?", History: history})
		require.NoError(t, err)
		return result.Passages[0].Title
	}
	require.Equal(t, "Invite colleagues", ask(search.Turn{Customer: true, Text: "I sent an invitation to a colleague"}))
	require.Equal(t, "Reset your password", ask(search.Turn{Customer: true, Text: "I need a password reset link"}))
}

func TestSynonymsOfCuratorsTakeEffectWithoutIndexing(t *testing.T) {
	t.Parallel()
	b := seed(t)
	_, err := b.Service.SaveSynonym(t.Context(), knowledge.Shared, knowledge.Synonym{Terms: []string{"Binder", "workspace"}}, b.Curator)
	require.NoError(t, err)
	result := b.Search(t, knowledge.Viewer{}, "remove binder")
	require.Equal(t, "Delete a workspace", result.Passages[0].Title)
	require.Zero(t, result.Signals.Unknown)
}

func TestTheProductNamedInTheConversationIsPreferred(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	for _, product := range []string{"Atlas Reports", "Borealis Sync", "Cumulus Vault"} {
		b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Export data from " + product, Product: product, Body: "Choose Export, then the format."})
	}
	result, err := b.Searcher.Search(t.Context(), search.Query{
		Text:    "which export format is there?",
		History: []search.Turn{{Customer: true, Text: "We are setting up Cumulus Vault"}, {Text: "Good choice."}},
	})
	require.NoError(t, err)
	require.Equal(t, "Cumulus Vault", result.Passages[0].Product)
	require.Equal(t, []string{"Cumulus Vault"}, result.Signals.Products)
}

func TestNearDuplicatesAreShownOnce(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	tenant := b.Tenant(t, "acme")
	body := "Open the billing page and choose the invoice you want to download as a file."
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Download an invoice", Body: body})
	b.Publish(t, knowledge.Of(tenant), knowledge.Content{Title: "Download an invoice", Body: body})
	require.Len(t, b.Search(t, knowledge.Viewer{TenantID: tenant}, "download invoice").Passages, 1)
}

func TestOnlyChangedChunksAreEmbeddedAgain(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Guide", Body: "## One\n\nFirst part.\n\n## Two\n\nSecond part.\n\n## Three\n\nThird part."})
	_, err := b.Service.SaveDraft(t.Context(), knowledge.Shared, article.ID, knowledge.Content{
		Title: "Guide", Body: "## One\n\nFirst part.\n\n## Two\n\nSecond part, rewritten.\n\n## Three\n\nThird part.", Audience: article.Audience,
	}, noTime, b.Curator)
	require.NoError(t, err)
	require.NoError(t, b.Service.Publish(t.Context(), knowledge.Shared, article.ID, b.Curator))
	result := b.Index(t, knowledge.Shared, article.ID)
	require.Equal(t, [3]int{1, 2, 1}, [3]int{result.Added, result.Kept, result.Removed})
	require.Equal(t, "Second part, rewritten.", b.Search(t, knowledge.Viewer{}, "rewritten").Passages[0].Text)
}

func TestADraftIsSearchedAsIfItWereLive(t *testing.T) {
	t.Parallel()
	b := seed(t)
	preview := search.New(b.Worker, b.Models, search.Config{})
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Change your plan", Body: "Plans are changed under Billing."})
	draft, err := b.Service.SaveDraft(t.Context(), knowledge.Shared, article.ID, knowledge.Content{
		Title: "Change your plan", Body: "Ask the concierge to change your plan.", Audience: article.Audience,
	}, noTime, b.Curator)
	require.NoError(t, err)
	ask := func(viewer knowledge.Viewer, draft *search.Draft) []search.Passage {
		result, err := preview.Search(t.Context(), search.Query{Text: "concierge for a plan", Viewer: viewer, Draft: draft})
		require.NoError(t, err)
		return result.Passages
	}
	over := &search.Draft{Space: knowledge.Shared, ArticleID: article.ID, VersionID: draft.ID}
	staged := ask(knowledge.Viewer{}, over)
	require.Equal(t, "Ask the concierge to change your plan.", staged[0].Text)
	require.NotContains(t, ask(knowledge.Viewer{}, nil)[0].Text, "concierge", "the live version is unchanged")

	// What the preview shows is what publishing gives.
	require.NoError(t, b.Service.Publish(t.Context(), knowledge.Shared, article.ID, b.Curator))
	b.Index(t, knowledge.Shared, article.ID)
	live := ask(knowledge.Viewer{}, nil)
	require.Equal(t, staged[0].Text, live[0].Text)
	require.InDelta(t, staged[0].Legs.Lexical, live[0].Legs.Lexical, 0.05)
	require.InDelta(t, staged[0].Legs.Dense, live[0].Legs.Dense, 0.01)

	internal, err := b.Service.SaveDraft(t.Context(), knowledge.Shared, article.ID, knowledge.Content{
		Title: "Change your plan", Body: "Internal: the concierge is Kim.", Audience: knowledge.Audience{Level: knowledge.Agent},
	}, noTime, b.Curator)
	require.NoError(t, err)
	over.VersionID = internal.ID
	for _, p := range ask(knowledge.Viewer{}, over) {
		require.NotContains(t, p.Text, "Kim", "a preview as a visitor shows what a visitor would see")
	}
	require.Contains(t, ask(knowledge.Viewer{Staff: true}, over)[0].Text, "Kim")
}

func TestSearchAsYouTypeCompletesTheLastWord(t *testing.T) {
	t.Parallel()
	b := seed(t)
	result, err := b.Searcher.Search(t.Context(), search.Query{Text: "reset passw", Prefix: true})
	require.NoError(t, err)
	require.Equal(t, "Reset your password", result.Passages[0].Title)
	result, err = b.Searcher.Search(t.Context(), search.Query{Text: "synchr", Prefix: true})
	require.NoError(t, err)
	require.Equal(t, "Connect your warehouse", result.Passages[0].Title)
}

func TestASlipIsNoOtherWord(t *testing.T) {
	t.Parallel()
	for word, meant := range map[string]string{"upolad": "upload", "pasword": "password", "documennt": "document"} {
		require.True(t, search.Slip(word, meant), word)
	}
	for word, meant := range map[string]string{"salary": "safari", "weather": "leather", "roll": "role", "form": "forum"} {
		require.False(t, search.Slip(word, meant), word)
	}
}
