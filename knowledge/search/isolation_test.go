package search_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
)

func TestATenantsSentenceAskedVerbatimByAnotherFindsNothingOfIt(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	secret := "Our launch code for the Heidelberg warehouse is kept by Frau Zwiebel in the blue folder."
	b.Publish(t, knowledge.Of(acme), knowledge.Content{Title: "Heidelberg warehouse", Body: secret})
	b.Publish(t, knowledge.Of(globex), knowledge.Content{Title: "Something else", Body: "We ship on Mondays."})
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Shipping", Body: "How to ship from a warehouse."})

	own := b.Search(t, knowledge.Viewer{TenantID: acme}, secret)
	require.NotEmpty(t, own.Passages)
	require.Equal(t, secret, own.Passages[0].Text)
	require.False(t, own.Passages[0].Shared)

	for name, viewer := range map[string]knowledge.Viewer{
		"another tenant": {TenantID: globex}, "a visitor": {}, "staff without a tenant": {Staff: true},
		"staff for another tenant": {Staff: true, TenantID: globex},
	} {
		t.Run(name, func(t *testing.T) {
			result := b.Search(t, viewer, secret)
			for _, p := range result.Passages {
				require.NotContains(t, p.Text, "Zwiebel")
			}
			require.NotContains(t, fmt.Sprintf("%+v", result.Signals), "Zwiebel")
		})
	}
	// The vocabulary is the tenant's, too: another tenant's typo is not repaired into its words.
	result := b.Search(t, knowledge.Viewer{TenantID: globex}, "Heidelburg")
	require.Empty(t, result.Signals.Repaired)
}

func TestAudienceHoldsInSearch(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme := b.Tenant(t, "acme")
	publish := func(title string, audience knowledge.Audience) {
		b.Publish(t, knowledge.Shared, knowledge.Content{Title: title, Body: "The quarterly ledger export is described here: " + title + ".", Audience: audience})
	}
	publish("Public", knowledge.Audience{Level: knowledge.Public})
	publish("Customers", knowledge.Audience{Level: knowledge.Customer})
	publish("Agents", knowledge.Audience{Level: knowledge.Agent})
	publish("Finance agents", knowledge.Audience{Level: knowledge.Agent, Departments: []string{"Finance"}})
	publish("Admins", knowledge.Audience{Level: knowledge.Customer, Roles: []string{"admin"}})
	publish("Enterprise", knowledge.Audience{Level: knowledge.Customer, Plans: []string{"enterprise"}})
	publish("Germans", knowledge.Audience{Level: knowledge.Public, Locales: []string{"de"}})
	for _, test := range []struct {
		name   string
		viewer knowledge.Viewer
		titles []string
	}{
		{"a visitor", knowledge.Viewer{}, []string{"Public"}},
		{"a visitor reading German", knowledge.Viewer{Locale: "de-AT"}, []string{"Germans", "Public"}},
		{"a member", knowledge.Viewer{TenantID: acme, Roles: []string{"member"}}, []string{"Customers", "Public"}},
		{"an admin", knowledge.Viewer{TenantID: acme, Roles: []string{"Admin"}}, []string{"Admins", "Customers", "Public"}},
		{"a member on the enterprise plan", knowledge.Viewer{TenantID: acme, Plan: "enterprise"}, []string{"Customers", "Enterprise", "Public"}},
		{"an agent", knowledge.Viewer{Staff: true}, []string{"Admins", "Agents", "Customers", "Enterprise", "Germans", "Public"}},
		{"an agent in finance", knowledge.Viewer{Staff: true, Departments: []string{"finance"}}, []string{"Admins", "Agents", "Customers", "Enterprise", "Finance agents", "Germans", "Public"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := b.Searcher.Search(t.Context(), search.Query{Text: "quarterly ledger export", Viewer: test.viewer, Limit: 50})
			require.NoError(t, err)
			require.ElementsMatch(t, test.titles, knowledgetest.Titles(result))
			// The same rule guards lists and direct reads.
			list, err := b.Service.Browse(t.Context(), test.viewer, knowledge.Shared, "", knowledge.Cursor{}, 50)
			require.NoError(t, err)
			var listed []string
			for _, a := range list {
				listed = append(listed, a.Title)
			}
			require.ElementsMatch(t, test.titles, listed)
			for _, title := range []string{"Public", "Customers", "Agents", "Finance agents", "Admins", "Enterprise", "Germans"} {
				_, err := b.Service.Get(t.Context(), test.viewer, knowledge.Slug(title))
				if contains(test.titles, title) {
					require.NoError(t, err, title)
				} else {
					require.ErrorIs(t, err, knowledge.ErrNotFound, title)
				}
			}
		})
	}
}

func contains(list []string, item string) bool {
	return strings.Contains("|"+strings.Join(list, "|")+"|", "|"+item+"|")
}

func TestANarrowedAudienceHoldsBeforeTheArticleIsIndexedAgain(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Refunds", Body: "Refunds take five days."})
	require.NotEmpty(t, b.Search(t, knowledge.Viewer{}, "refunds").Passages)
	page, err := b.Service.GetByID(t.Context(), knowledge.Viewer{}, article.ID)
	require.NoError(t, err)
	content := page.Version.Content()
	content.Audience = knowledge.Audience{Level: knowledge.Agent}
	_, err = b.Service.SaveDraft(t.Context(), knowledge.Shared, article.ID, content, noTime, b.Curator)
	require.NoError(t, err)
	require.NotEmpty(t, b.Search(t, knowledge.Viewer{}, "refunds").Passages, "a staged edit changes nothing")
	require.NoError(t, b.Service.Publish(t.Context(), knowledge.Shared, article.ID, b.Curator))
	require.Empty(t, b.Search(t, knowledge.Viewer{}, "refunds").Passages)
	require.NotEmpty(t, b.Search(t, knowledge.Viewer{Staff: true}, "refunds").Passages)
	require.NoError(t, b.Service.Retire(t.Context(), knowledge.Shared, article.ID, b.Curator))
	require.Empty(t, b.Search(t, knowledge.Viewer{Staff: true}, "refunds").Passages, "retired at once")
}

func TestDraftsAndInternalVersionsCannotBeReadByTheServingRole(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	b.Draft(t, knowledge.Shared, knowledge.Content{Title: "Unfinished", Body: "draft text"})
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Live", Body: "live text"})
	var bodies []string
	rows, err := b.App.Pool().Query(t.Context(), "select body from shared_versions")
	require.NoError(t, err)
	bodies, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"live text"}, bodies)
	_, err = b.App.Pool().Exec(t.Context(), "update shared_articles set title = 'x'")
	require.ErrorContains(t, err, "permission denied")
}
