package knowledge_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
)

func TestUseOfArticlesIsCounted(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	tenant := b.Tenant(t, "acme")
	shared := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Shared", Body: "x"})
	own := b.Publish(t, knowledge.Of(tenant), knowledge.Content{Title: "Own", Body: "x"})
	serving := knowledge.New(b.App, nil, knowledge.Config{})
	for range 2 {
		require.NoError(t, b.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			if err := serving.RecordUseTx(t.Context(), tx, knowledge.Shared, knowledge.UseCited, shared.ID, uuid.New()); err != nil {
				return err
			}
			return serving.RecordUseTx(t.Context(), tx, knowledge.Of(tenant), knowledge.UseCited, own.ID)
		}))
	}
	viewer := knowledge.Viewer{TenantID: tenant}
	require.NoError(t, serving.RecordFeedback(t.Context(), viewer, shared.ID, false))
	require.NoError(t, serving.RecordFeedback(t.Context(), viewer, own.ID, true))
	require.NoError(t, serving.RecordFeedback(t.Context(), knowledge.Viewer{}, shared.ID, true))
	require.ErrorIs(t, serving.RecordFeedback(t.Context(), knowledge.Viewer{}, own.ID, true), knowledge.ErrNotFound)

	usage, err := b.Service.Usage(t.Context(), knowledge.Shared, time.Now().AddDate(0, 0, -1), 10)
	require.NoError(t, err)
	require.Equal(t, []knowledge.Usage{{ArticleID: shared.ID, Title: "Shared", Slug: "shared", Cited: 2, Helpful: 1, Unhelpful: 1}}, usage)
	usage, err = b.Service.Usage(t.Context(), knowledge.Of(tenant), time.Now().AddDate(0, 0, -1), 10)
	require.NoError(t, err)
	require.Equal(t, []knowledge.Usage{{ArticleID: own.ID, Title: "Own", Slug: "own", Cited: 2, Helpful: 1}}, usage)
}

func TestSynonymGroupsAreCheckedAndKept(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	_, err := b.Service.SaveSynonym(t.Context(), knowledge.Shared, knowledge.Synonym{Terms: []string{"Seat", " seat "}}, b.Curator)
	var invalid *knowledge.InvalidError
	require.ErrorAs(t, err, &invalid)
	saved, err := b.Service.SaveSynonym(t.Context(), knowledge.Shared, knowledge.Synonym{Terms: []string{"Seat", "licence"}}, b.Curator)
	require.NoError(t, err)
	saved.Terms = append(saved.Terms, "license")
	_, err = b.Service.SaveSynonym(t.Context(), knowledge.Shared, saved, b.Curator)
	require.NoError(t, err)
	list, err := b.Service.Synonyms(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, []string{"seat", "licence", "license"}, list[0].Terms)
	require.NoError(t, b.Service.DeleteSynonym(t.Context(), knowledge.Shared, saved.ID))
	list, err = b.Service.Synonyms(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	require.Empty(t, list)
}
