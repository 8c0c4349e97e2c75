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

func TestAnotherTenantsArticleIsAMissingOne(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	article := b.Publish(t, knowledge.Of(acme), knowledge.Content{Title: "Acme's own", Body: "x"})
	other, viewer := knowledge.Of(globex), knowledge.Viewer{TenantID: globex}
	serving := knowledge.New(b.App, nil, knowledge.Config{})
	for name, try := range map[string]func(id uuid.UUID) error{
		"read":     func(id uuid.UUID) error { _, err := serving.GetByID(t.Context(), viewer, id); return err },
		"open":     func(id uuid.UUID) error { _, err := serving.Article(t.Context(), other, id); return err },
		"history":  func(id uuid.UUID) error { _, err := serving.Versions(t.Context(), other, id); return err },
		"publish":  func(id uuid.UUID) error { return serving.Publish(t.Context(), other, id, uuid.Nil) },
		"retire":   func(id uuid.UUID) error { return serving.Retire(t.Context(), other, id, uuid.Nil) },
		"verify":   func(id uuid.UUID) error { return serving.Verify(t.Context(), other, id, time.Now(), uuid.Nil) },
		"set slug": func(id uuid.UUID) error { return serving.SetSlug(t.Context(), other, id, "taken") },
		"feedback": func(id uuid.UUID) error { return serving.RecordFeedback(t.Context(), viewer, id, true) },
		"save": func(id uuid.UUID) error {
			_, err := serving.SaveDraft(t.Context(), other, id, knowledge.Content{Title: "x"}, time.Time{}, uuid.Nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			foreign, random := try(article.ID), try(uuid.New())
			require.ErrorIs(t, foreign, knowledge.ErrNotFound)
			require.Equal(t, random.Error(), foreign.Error(), "the same words as for an id that does not exist")
		})
	}
	_, err := serving.Get(t.Context(), viewer, article.Slug)
	require.ErrorIs(t, err, knowledge.ErrNotFound)
	// A slug is unique inside a tenant only (R9), so it reveals nothing.
	_, err = serving.CreateDraft(t.Context(), other, knowledge.Draft{Content: knowledge.Content{Title: "x"}, Slug: article.Slug}, uuid.Nil)
	require.NoError(t, err)
}

func TestReferencesBetweenTenantsAreRefused(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	article := b.Publish(t, knowledge.Of(acme), knowledge.Content{Title: "Acme's own", Body: "x"})
	mine := b.Publish(t, knowledge.Of(globex), knowledge.Content{Title: "Globex's", Body: "y"})
	for name, sql := range map[string]string{
		"a version of another tenant's article": `insert into tenant_versions (tenant_id, id, article_id, number, state, title, body, audience_id)
			select $1, gen_random_uuid(), $2, 7, 'draft', 't', 'b', audience_id from tenant_articles where tenant_id = $1 limit 1`,
		"a redirect to it": `insert into tenant_redirects (tenant_id, slug, article_id) values ($1, 'x', $2)`,
		"a counter of it":  `insert into tenant_article_usage (tenant_id, article_id, day) values ($1, $2, '2026-01-01')`,
	} {
		t.Run(name, func(t *testing.T) {
			err := b.App.WithTenant(t.Context(), globex, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), sql, globex, article.ID)
				return err
			})
			require.ErrorContains(t, err, "foreign key")
		})
	}
	err := b.App.WithTenant(t.Context(), globex, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update tenant_articles set tenant_id = $1 where id = $2`, acme, mine.ID)
		return err
	})
	require.ErrorContains(t, err, "row-level security")
}

func TestWhatWentLiveCannotBeRewritten(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Live", Body: "as published"})
	err := b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update shared_versions set body = 'rewritten' where article_id = $1`, article.ID)
		return err
	})
	require.ErrorContains(t, err, "immutable")
}
