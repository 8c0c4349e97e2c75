package knowledge_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
)

func TestArticleLifecycle(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		t.Run(map[bool]string{false: "shared", true: "a tenant's own"}[own], func(t *testing.T) {
			t.Parallel()
			b := knowledgetest.New(t)
			ctx, tenant := t.Context(), b.Tenant(t, "acme")
			space := knowledge.Shared
			if own {
				space = knowledge.Of(tenant)
			}
			reader := knowledge.Viewer{TenantID: tenant}
			article := b.Draft(t, space, knowledge.Content{Title: "Reset a password", Body: "Open the sign-in page."})
			require.Equal(t, "reset-a-password", article.Slug)
			require.Equal(t, knowledge.StateDraft, article.State)

			_, err := b.Service.Get(ctx, reader, article.Slug)
			require.ErrorIs(t, err, knowledge.ErrNotFound, "a draft is not readable")

			require.NoError(t, b.Service.SubmitForReview(ctx, space, article.ID, b.Curator))
			inReview, err := b.Service.List(ctx, space, knowledge.Filter{State: "in_review"}, knowledge.Cursor{}, 10)
			require.NoError(t, err)
			require.Len(t, inReview, 1)

			require.NoError(t, b.Service.Publish(ctx, space, article.ID, b.Curator))
			page, err := b.Service.Get(ctx, reader, article.Slug)
			require.NoError(t, err)
			require.Equal(t, "Open the sign-in page.", page.Version.Body)
			require.ErrorIs(t, b.Service.Publish(ctx, space, article.ID, b.Curator), knowledge.ErrNoDraft)

			edited := page.Version.Content()
			edited.Title, edited.Body = "Reset your password", "Use the link in the e-mail."
			_, err = b.Service.SaveDraft(ctx, space, article.ID, edited, time.Time{}, b.Curator)
			require.NoError(t, err)
			page, err = b.Service.Get(ctx, reader, article.Slug)
			require.NoError(t, err)
			require.Equal(t, "Reset a password", page.Article.Title, "an edit is staged")
			require.Equal(t, "Open the sign-in page.", page.Version.Body)

			require.NoError(t, b.Service.Publish(ctx, space, article.ID, b.Curator))
			page, err = b.Service.Get(ctx, reader, article.Slug)
			require.NoError(t, err)
			require.Equal(t, "Use the link in the e-mail.", page.Version.Body)

			versions, err := b.Service.Versions(ctx, space, article.ID)
			require.NoError(t, err)
			require.Len(t, versions, 2)
			require.Equal(t, knowledge.VersionSuperseded, versions[1].State)
			require.NoError(t, b.Service.Rollback(ctx, space, article.ID, versions[1].ID, b.Curator))
			page, err = b.Service.Get(ctx, reader, article.Slug)
			require.NoError(t, err)
			require.Equal(t, "Open the sign-in page.", page.Version.Body)
			require.Equal(t, 3, page.Version.Number)

			require.NoError(t, b.Service.SetSlug(ctx, space, article.ID, "password"))
			page, err = b.Service.Get(ctx, reader, "reset-a-password")
			require.NoError(t, err)
			require.True(t, page.Moved)
			require.Equal(t, "password", page.Article.Slug)

			require.NoError(t, b.Service.Retire(ctx, space, article.ID, b.Curator))
			_, err = b.Service.Get(ctx, reader, "password")
			require.ErrorIs(t, err, knowledge.ErrNotFound)
			require.NoError(t, b.Service.Restore(ctx, space, article.ID, b.Curator))
			_, err = b.Service.Get(ctx, reader, "password")
			require.NoError(t, err)
		})
	}
}

func TestRollbackKeepsAnUnpublishedEdit(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	ctx := t.Context()
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "One", Body: "first"})
	_, err := b.Service.SaveDraft(ctx, knowledge.Shared, article.ID, knowledge.Content{Title: "One", Body: "unfinished"}, time.Time{}, b.Curator)
	require.NoError(t, err)
	require.NoError(t, b.Service.Rollback(ctx, knowledge.Shared, article.ID, *article.PublishedVersionID, b.Curator))
	working, err := b.Service.Working(ctx, knowledge.Shared, article.ID)
	require.NoError(t, err)
	require.Equal(t, "unfinished", working.Body)
}

func TestSaveDraftRefusesAnEditOfAnOlderState(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	ctx := t.Context()
	article := b.Draft(t, knowledge.Shared, knowledge.Content{Title: "One", Body: "first"})
	opened, err := b.Service.Working(ctx, knowledge.Shared, article.ID)
	require.NoError(t, err)
	time.Sleep(5 * time.Millisecond) // the clock that orders edits is the database's
	_, err = b.Service.SaveDraft(ctx, knowledge.Shared, article.ID, knowledge.Content{Title: "One", Body: "second"}, opened.UpdatedAt, b.Curator)
	require.NoError(t, err)
	_, err = b.Service.SaveDraft(ctx, knowledge.Shared, article.ID, knowledge.Content{Title: "One", Body: "third"}, opened.UpdatedAt, b.Curator)
	require.ErrorIs(t, err, knowledge.ErrConflict)
}

func TestBadContentIsRefusedWithTheField(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	for _, test := range []struct {
		name  string
		draft knowledge.Draft
		field string
	}{
		{"an empty title", knowledge.Draft{Content: knowledge.Content{Title: "  "}}, "title"},
		{"a NUL character", knowledge.Draft{Content: knowledge.Content{Title: "a", Body: "b\x00"}}, "body"},
		{"bytes that are not UTF-8", knowledge.Draft{Content: knowledge.Content{Title: "a", Body: "\xff"}}, "body"},
		{"a slug with spaces", knowledge.Draft{Content: knowledge.Content{Title: "a"}, Slug: "a b"}, "slug"},
		{"a body over the limit", knowledge.Draft{Content: knowledge.Content{Title: "a", Body: string(make([]byte, knowledge.MaxBody+1))}}, "body"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := b.Service.CreateDraft(t.Context(), knowledge.Shared, test.draft, b.Curator)
			var invalid *knowledge.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, test.field, invalid.Field)
		})
	}
	_, err := b.Service.CreateDraft(t.Context(), knowledge.Shared, knowledge.Draft{Content: knowledge.Content{Title: "a", Audience: knowledge.Audience{Level: "friends"}}}, b.Curator)
	require.ErrorIs(t, err, knowledge.ErrBadAudience)
}

func TestSlugsAreNumberedWhenDerivedAndRefusedWhenGiven(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	first := b.Draft(t, knowledge.Shared, knowledge.Content{Title: "Über uns"})
	second := b.Draft(t, knowledge.Shared, knowledge.Content{Title: "Über uns"})
	require.Equal(t, []string{"uber-uns", "uber-uns-2"}, []string{first.Slug, second.Slug})
	_, err := b.Service.CreateDraft(t.Context(), knowledge.Shared, knowledge.Draft{Content: knowledge.Content{Title: "x"}, Slug: "uber-uns"}, b.Curator)
	require.ErrorIs(t, err, knowledge.ErrSlugTaken)
}

func TestListsPageByKey(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	for range 5 {
		b.Draft(t, knowledge.Shared, knowledge.Content{Title: "Same title"})
	}
	seen := make(map[uuid.UUID]bool)
	var after knowledge.Cursor
	for pages := 0; ; pages++ {
		require.Less(t, pages, 4)
		list, err := b.Service.List(t.Context(), knowledge.Shared, knowledge.Filter{}, after, 2)
		require.NoError(t, err)
		for _, a := range list {
			require.False(t, seen[a.ID])
			seen[a.ID] = true
			after = knowledge.Cursor{UpdatedAt: a.UpdatedAt, ID: a.ID}
		}
		if len(list) < 2 {
			break
		}
	}
	require.Len(t, seen, 5)
}

func TestSuggestionsPreferTheTenantsOwn(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	context := []string{"onboarding/documents"}
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Documents", Contexts: context})
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Agents only", Contexts: context, Audience: knowledge.Audience{Level: knowledge.Agent}})
	b.Publish(t, knowledge.Of(acme), knowledge.Content{Title: "Acme's documents", Contexts: context})
	titles := func(tenant uuid.UUID) []string {
		found, err := b.Service.Suggest(t.Context(), knowledge.Viewer{TenantID: tenant}, "onboarding/documents", 5)
		require.NoError(t, err)
		var out []string
		for _, a := range found {
			out = append(out, a.Title)
		}
		return out
	}
	require.Equal(t, []string{"Acme's documents", "Documents"}, titles(acme))
	require.Equal(t, []string{"Documents"}, titles(globex))
}
