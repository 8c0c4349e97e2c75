package index_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/gap"
	"github.com/usherdesk/usher/knowledge/index"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/switchover"
)

// running is a knowledge base with its jobs worked in the background.
func running(t *testing.T) (*knowledgetest.Base, *knowledge.Service, <-chan *river.Event) {
	t.Helper()
	b := knowledgetest.New(t)
	workers := river.NewWorkers()
	driver := riverpgxv5.New(b.Worker.Pool())
	inserter, err := river.NewClient(driver, &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	index.AddWorkers(workers, b.Indexer, inserter)
	switchover.AddWorkers(workers, b.Models)
	gap.AddWorkers(workers, gap.New(b.Worker, b.Models))
	client, err := river.NewClient(driver, &river.Config{SkipUnknownJobCheck: true,
		Workers: workers, FetchCooldown: 10 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
	})
	require.NoError(t, err)
	events, cancel := client.Subscribe(river.EventKindJobCompleted)
	t.Cleanup(cancel)
	require.NoError(t, client.Start(t.Context()))
	t.Cleanup(func() { _ = client.Stop(context.WithoutCancel(t.Context())) })
	return b, knowledge.New(b.Worker, client, knowledge.Config{}), events
}

func await(t *testing.T, events <-chan *river.Event, kind string) {
	t.Helper()
	for {
		select {
		case event := <-events:
			if event.Job.Kind == kind {
				return
			}
		case <-time.After(20 * time.Second):
			require.Fail(t, "no "+kind+" job completed")
		}
	}
}

func TestPublishedArticlesAreFoundAndRetiredOnesForgotten(t *testing.T) {
	t.Parallel()
	b, service, events := running(t)
	article, err := service.CreateDraft(t.Context(), knowledge.Shared, knowledge.Draft{Content: knowledge.Content{
		Title: "Webhooks", Body: "Sign every delivery.", Audience: knowledge.Audience{Level: knowledge.Public},
	}}, b.Curator)
	require.NoError(t, err)
	require.NoError(t, service.Publish(t.Context(), knowledge.Shared, article.ID, b.Curator))
	await(t, events, knowledge.IndexArticleArgs{}.Kind())
	require.Len(t, b.Search(t, knowledge.Viewer{}, "sign deliveries").Passages, 1)

	require.NoError(t, service.Retire(t.Context(), knowledge.Shared, article.ID, b.Curator))
	await(t, events, knowledge.IndexArticleArgs{}.Kind())
	for _, table := range []string{"shared_chunks", "shared_chunk_terms", "shared_chunk_vectors", "shared_words"} {
		var n int
		require.NoError(t, b.Worker.Pool().QueryRow(t.Context(), "select count(*) from "+table).Scan(&n))
		require.Zero(t, n, table)
	}
}

func TestTheEmbedderIsTrainedOnceThereIsSomethingToLearn(t *testing.T) {
	t.Parallel()
	b, service, events := running(t)
	var items []knowledge.Item
	for _, word := range []string{"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"} {
		items = append(items, knowledge.Item{ExternalID: word, Content: knowledge.Content{Title: "About " + word, Body: "The letter " + word + " in use."}})
	}
	_, err := service.Sync(t.Context(), knowledge.Shared, knowledge.Origin{Name: "letters"}, items, false, b.Curator)
	require.NoError(t, err)
	await(t, events, knowledge.TrainEmbedderArgs{}.Kind())
	b.Models.Refresh()
	active, _, err := b.Models.Active(t.Context())
	require.NoError(t, err)
	require.Contains(t, active.Name, "builtin-lsa-")
	require.GreaterOrEqual(t, active.Texts, 8)
}

func TestWhatIsNotPublishedIsNotIndexed(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	result, err := b.Indexer.Article(t.Context(), knowledge.Shared, uuid.New())
	require.NoError(t, err, "an article that does not exist is no error")
	require.Zero(t, result.Articles)

	article := b.Draft(t, knowledge.Shared, knowledge.Content{Title: "Draft", Body: "text"})
	_, err = b.Indexer.Article(t.Context(), knowledge.Shared, article.ID)
	require.NoError(t, err)
	var chunks int
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), "select count(*) from shared_chunks").Scan(&chunks)
	}))
	require.Zero(t, chunks, "a draft is not indexed")
}

func TestErasingAnArticleLeavesNoTraceOfIt(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	tenant := b.Tenant(t, "acme")
	space := knowledge.Of(tenant)
	article := b.Publish(t, space, knowledge.Content{Title: "Canary", Body: "The word xylographon occurs nowhere else."})
	require.NoError(t, b.Indexer.Erase(t.Context(), space, article.ID))
	require.NoError(t, b.Indexer.Erase(t.Context(), space, article.ID), "erasing twice is no error")
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		for _, table := range []string{"tenant_articles", "tenant_versions", "tenant_chunks", "tenant_chunk_terms", "tenant_chunk_vectors", "tenant_words"} {
			var n int
			if err := tx.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
				return err
			}
			require.Zero(t, n, table)
		}
		return nil
	}))
	require.Empty(t, b.Search(t, knowledge.Viewer{TenantID: tenant}, "xylographon").Passages)
}

func TestTheSweepIndexesWhatJobsLeftBehindInEverySpace(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	tenant := b.Tenant(t, "acme")
	for _, space := range []knowledge.Space{knowledge.Shared, knowledge.Of(tenant)} {
		article := b.Draft(t, space, knowledge.Content{Title: "Lost", Body: "A lost job."})
		require.NoError(t, b.Service.Publish(t.Context(), space, article.ID, b.Curator))
	}
	done, err := b.Indexer.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, done.Articles)
	done, err = b.Indexer.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, done.Articles)
	require.Len(t, b.Search(t, knowledge.Viewer{TenantID: tenant}, "lost job").Passages, 2)
}
