package switchover_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/embed"
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
