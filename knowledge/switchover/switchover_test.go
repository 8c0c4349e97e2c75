package switchover_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/embed"
	"github.com/usherdesk/usher/knowledge/index"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/switchover"
)

// fake is an external embedder of any width that can be made to fail.
type fake struct {
	name   string
	width  int
	calls  atomic.Int64
	failAt int64 // call that fails; 0 for never
}

func (f *fake) ModelID() string { return f.name }
func (f *fake) Dimensions() int { return f.width }

func (f *fake) Embed(_ context.Context, _ knowledge.EmbedKind, texts []string) ([][]float32, error) {
	if n := f.calls.Add(1); n == f.failAt {
		return nil, errors.New("the model server went away")
	}
	out := make([][]float32, len(texts))
	model := &embed.Model{}
	for i, text := range texts {
		out[i] = make([]float32, f.width)
		copy(out[i], model.Encode(text, "en"))
	}
	return out, nil
}

func seed(t *testing.T, external ...knowledge.Embedder) *knowledgetest.Base {
	t.Helper()
	b := knowledgetest.New(t, external...)
	tenant := b.Tenant(t, "acme")
	for i := range 150 {
		b.Publish(t, knowledge.Shared, knowledge.Content{Title: fmt.Sprintf("Article %d", i), Body: fmt.Sprintf("Text number %d about topic %d.", i, i%7)})
	}
	b.Publish(t, knowledge.Of(tenant), knowledge.Content{Title: "Own", Body: "The tenant's own text."})
	return b
}

func vectors(t *testing.T, b *knowledgetest.Base, model int) (n int) {
	t.Helper()
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select (select count(*) from shared_chunk_vectors where model_id = $1)
			+ (select count(*) from tenant_chunk_vectors where model_id = $1)`, model).Scan(&n)
	}))
	return n
}

func TestASwitchSurvivesAKillAndKeepsSearchAlive(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := &fake{name: "fake-384", width: 384, failAt: 2}
	b := seed(t, e)
	alive := func() {
		t.Helper()
		require.NotEmpty(t, b.Search(t, knowledge.Viewer{}, "text about topic").Passages)
	}
	alive()

	require.ErrorContains(t, b.Models.Switch(ctx, e), "went away")
	models, err := b.Models.Models(ctx)
	require.NoError(t, err)
	building := models[0]
	require.Equal(t, knowledge.ModelBuilding, building.State)
	require.Contains(t, building.LastError, "went away")
	require.Equal(t, 151, building.ChunksTotal)
	require.Equal(t, 128, building.ChunksDone, "what was committed stays")
	alive()
	_, err = b.Models.Add(ctx, switchover.Spec{Name: "other", Provider: "external", Dimensions: 8})
	require.ErrorIs(t, err, switchover.ErrBuilding)
	require.ErrorIs(t, b.Models.Activate(ctx, building.ID), switchover.ErrState, "half a model is never used")

	// Published while the new vectors are built: it is in both models.
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Meanwhile", Body: "Published meanwhile."})
	_ = article

	before := e.calls.Load()
	require.NoError(t, b.Models.Build(ctx, building.ID))
	require.Equal(t, int64(2), e.calls.Load()-before, "only what was missing is embedded: 22 shared chunks and the tenant's")
	active, _, err := b.Models.Active(ctx)
	require.NoError(t, err)
	require.Equal(t, building.ID, active.ID)
	require.Equal(t, 152, vectors(t, b, building.ID))
	b.Searcher = newSearcher(b, e)
	require.Equal(t, "fake-384", b.Search(t, knowledge.Viewer{}, "published meanwhile").ModelID)
	alive()

	// Published after the swap: the previous model has it, too, so that a
	// rollback loses nothing.
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Afterwards", Body: "Published afterwards."})
	require.NoError(t, b.Models.Rollback(ctx))
	b.Searcher = newSearcher(b, e)
	result := b.Search(t, knowledge.Viewer{}, "published afterwards")
	require.Equal(t, "builtin-hashed-v1", result.ModelID)
	require.Equal(t, "Afterwards", result.Passages[0].Title)
	require.Positive(t, result.Passages[0].Legs.Dense)

	require.NoError(t, b.Models.Drop(ctx, building.ID))
	require.Zero(t, vectors(t, b, building.ID))
	require.ErrorIs(t, b.Models.Rollback(ctx), switchover.ErrNoPrevious)
	alive()
}

func TestRetrainingSwapsTheBuiltInModelOnce(t *testing.T) {
	t.Parallel()
	b := seed(t)
	due, err := b.Models.Outgrown(t.Context())
	require.NoError(t, err)
	require.True(t, due)
	changed, err := b.Models.Retrain(t.Context())
	require.NoError(t, err)
	require.True(t, changed)
	due, err = b.Models.Outgrown(t.Context())
	require.NoError(t, err)
	require.False(t, due)
	changed, err = b.Models.Retrain(t.Context())
	require.NoError(t, err)
	require.False(t, changed, "the same articles give the same model")
}

func TestAModelThatIsNotConfiguredLeavesSearchByWords(t *testing.T) {
	t.Parallel()
	e := &fake{name: "fake-8", width: 8}
	b := seed(t, e)
	require.NoError(t, b.Models.Switch(t.Context(), e))
	b.Searcher = newSearcher(b) // a process without the embedder
	result := b.Search(t, knowledge.Viewer{}, "article 42")
	require.Equal(t, "Article 42", result.Passages[0].Title)
	require.Empty(t, result.ModelID)
	require.True(t, result.Degraded)

	e.failAt = e.calls.Load() + 1
	b.Searcher = newSearcher(b, e)
	result = b.Search(t, knowledge.Viewer{}, "article 42")
	require.Equal(t, "Article 42", result.Passages[0].Title, "the model server is down")
	require.True(t, result.Degraded)
	result = b.Search(t, knowledge.Viewer{}, "article 42")
	require.False(t, result.Degraded, "and back")
	require.ErrorIs(t, b.Models.Drop(t.Context(), 99), switchover.ErrNoModel)
	_, err := b.Models.Add(t.Context(), switchover.Spec{Name: "wide", Provider: "external", Dimensions: 4096})
	require.ErrorContains(t, err, "4096 dimensions")
}

// inserter counts the jobs that are queued.
type inserter struct{ queued []knowledge.BuildVectorsArgs }

func (i *inserter) InsertTx(_ context.Context, _ pgx.Tx, args river.JobArgs, _ *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	if build, ok := args.(knowledge.BuildVectorsArgs); ok {
		i.queued = append(i.queued, build)
	}
	return &rivertype.JobInsertResult{}, nil
}

func TestARestartGoesOnWithWhatIsBeingBuilt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := &fake{name: "fake-8", width: 8, failAt: 2}
	b := seed(t, e)
	jobs := &inserter{}
	first, err := b.Models.StartSwitch(ctx, "fake-8", false, jobs) // a curator's trial
	require.NoError(t, err)
	require.Error(t, b.Models.Build(ctx, first.ID), "stopped half-way")

	restarted := switchover.New(b.Worker, e)
	again, err := restarted.StartSwitch(ctx, "fake-8", true, jobs)
	require.NoError(t, err, "it is under way, and now wanted")
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, []knowledge.BuildVectorsArgs{{Model: first.ID}, {Model: first.ID}}, jobs.queued)
	require.NoError(t, restarted.Build(ctx, first.ID))
	active, _, err := restarted.Active(ctx)
	require.NoError(t, err)
	require.Equal(t, "fake-8", active.Name, "and takes over when it is complete")
	require.Equal(t, int64(4), e.calls.Load(), "two batches and the tenant's, one of them twice")

	// Another process that builds the same model does not do it a second time.
	other := &fake{name: "fake-4", width: 4}
	r := switchover.New(b.Worker, e, other)
	m, err := r.StartSwitch(ctx, "fake-4", false, jobs)
	require.NoError(t, err)
	conn, err := b.Worker.Pool().Acquire(ctx)
	require.NoError(t, err)
	_, err = conn.Exec(ctx, `select pg_advisory_lock(hashtext('build vectors'), $1)`, m.ID)
	require.NoError(t, err)
	require.ErrorIs(t, r.Build(ctx, m.ID), switchover.ErrBuilding)
	require.Zero(t, other.calls.Load())
	_, err = conn.Exec(ctx, `select pg_advisory_unlock(hashtext('build vectors'), $1)`, m.ID)
	require.NoError(t, err)
	conn.Release()
	require.NoError(t, r.Build(ctx, m.ID))
}

// A model that waits to be tried holds up neither the built-in one nor indexing.
func TestATrialHoldsUpNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := &fake{name: "fake-8", width: 8}
	b := seed(t, e)
	trial, err := b.Models.Prepare(ctx, e)
	require.NoError(t, err)
	require.Equal(t, knowledge.ModelReady, trial.State)
	changed, err := b.Models.Retrain(ctx)
	require.NoError(t, err)
	require.True(t, changed, "the built-in model is learned all the same")

	e.failAt = e.calls.Load() + 1
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Meanwhile", Body: "Published while its server was down."})
	require.Equal(t, "Meanwhile", b.Search(t, knowledge.Viewer{}, "published while server was down").Passages[0].Title)
	require.ErrorIs(t, b.Models.Activate(ctx, trial.ID), switchover.ErrIncomplete)
	require.NoError(t, b.Models.Complete(ctx))
	require.NoError(t, b.Models.Activate(ctx, trial.ID), "what it lacked was made up for")

	// In use, it is not swapped out for a built-in one, however the articles grow.
	changed, err = b.Models.Retrain(ctx)
	require.NoError(t, err)
	require.False(t, changed)
	active, _, err := b.Models.Active(ctx)
	require.NoError(t, err)
	require.Equal(t, "fake-8", active.Name)
}

func TestAModelTheSettingsNoLongerNameIsLeft(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := &fake{name: "fake-8", width: 8}
	b := seed(t, e)
	jobs := &inserter{}
	require.NoError(t, b.Models.Switch(ctx, e))

	without := switchover.New(b.Worker)
	indexer := index.New(b.Worker, without)
	article := b.Draft(t, knowledge.Shared, knowledge.Content{Title: "Meanwhile", Body: "Published without the model."})
	require.NoError(t, b.Service.Publish(ctx, knowledge.Shared, article.ID, b.Curator))
	_, err := indexer.Article(ctx, knowledge.Shared, article.ID)
	require.NoError(t, err, "articles are indexed without it")
	model, err := without.FallBack(ctx)
	require.NoError(t, err)
	require.Equal(t, "builtin-hashed-v1", model.Name)
	b.Searcher = newSearcher(b)
	result := b.Search(t, knowledge.Viewer{}, "published without the model")
	require.False(t, result.Degraded)
	require.Positive(t, result.Passages[0].Legs.Dense)

	// Named again, its vectors are used again: only what it lacks is made.
	before := e.calls.Load()
	m, err := b.Models.StartSwitch(ctx, "fake-8", true, jobs)
	require.NoError(t, err)
	require.NoError(t, b.Models.Build(ctx, m.ID))
	active, _, err := b.Models.Active(ctx)
	require.NoError(t, err)
	require.Equal(t, m.ID, active.ID)
	require.Equal(t, int64(1), e.calls.Load()-before)

	// People who go back mean it: a restart leaves it, they can take it again.
	require.NoError(t, b.Models.Rollback(ctx))
	_, err = b.Models.StartSwitch(ctx, "fake-8", true, jobs)
	require.NoError(t, err)
	b.Models.Refresh()
	active, _, err = b.Models.Active(ctx)
	require.NoError(t, err)
	require.Equal(t, "builtin-hashed-v1", active.Name)
	require.NoError(t, b.Models.Activate(ctx, m.ID))

	// No built-in one is left: one is learned.
	require.NoError(t, b.Models.Drop(ctx, active.ID))
	model, err = without.FallBack(ctx)
	require.NoError(t, err)
	require.Equal(t, switchover.Builtin, model.Provider)
	require.Contains(t, model.Name, "lsa")

	// A model nobody here knows that was being built gives its place up.
	_, err = b.Models.Add(ctx, switchover.Spec{Name: "gone", Provider: "external", Dimensions: 8})
	require.NoError(t, err)
	other := &fake{name: "fake-4", width: 4}
	m, err = switchover.New(b.Worker, other).StartSwitch(ctx, "fake-4", true, jobs)
	require.NoError(t, err)
	require.Equal(t, knowledge.ModelBuilding, m.State)
}

func TestWhatVectorsTakeIsKnownBefore(t *testing.T) {
	t.Parallel()
	e := &fake{name: "fake-8", width: 8}
	b := seed(t, e)
	estimated, err := b.Models.Estimate(t.Context())
	require.NoError(t, err)
	m, err := b.Models.Prepare(t.Context(), e)
	require.NoError(t, err)
	require.Positive(t, m.Tokens)
	require.InEpsilon(t, m.Tokens, estimated, 0.15)
}
