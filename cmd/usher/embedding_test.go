package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/openai/openaifake"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/index"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/portal/problem"
)

// A process that dies while vectors are built is started again, serves, and goes
// on building at once; a second worker beside it does no harm.
func TestARestartInTheMiddleOfASwitchServesAndGoesOn(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	small(t, db)
	models := switchover.New(db.Worker)
	curation, indexer := knowledge.New(db.Worker, nil, knowledge.Config{}), index.New(db.Worker, models)
	for i := range 130 {
		article, err := curation.CreateDraft(t.Context(), knowledge.Shared, knowledge.Draft{Content: knowledge.Content{
			Title: fmt.Sprintf("Button %d", i), Body: "Press it.", Audience: knowledge.Audience{Level: knowledge.Public},
		}}, uuid.Nil)
		require.NoError(t, err)
		require.NoError(t, curation.Publish(t.Context(), knowledge.Shared, article.ID, uuid.Nil))
	}
	_, err := indexer.Stale(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	_, err = models.Retrain(t.Context())
	require.NoError(t, err)

	fake := openaifake.New(t)
	hang := make(chan struct{})
	var asked int
	fake.Script(func(openaifake.Call) *openaifake.Answer {
		if asked++; asked > 2 {
			return &openaifake.Answer{Hang: hang}
		}
		return nil
	})
	settings := []string{
		"USHER_ENGINE=openai", "USHER_OPENAI_BASE_URL=" + fake.BaseURL(), "USHER_OPENAI_CHAT_MODEL=test-model",
		"USHER_OPENAI_EMBEDDING_MODEL=test-embedding", "USHER_OPENAI_EMBEDDING_DIMENSIONS=8",
	}
	state := func() (m knowledge.EmbeddingModel) {
		all, err := models.Models(context.Background())
		require.NoError(t, err)
		return all[0]
	}
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	p := start(t, db, address, "api,worker", settings...)
	require.Eventually(t, func() bool { return state().Provider == "external" && len(fake.Calls()) > 2 }, 30*time.Second, 50*time.Millisecond, "half-way")
	p.kill()
	fake.Script(nil)
	close(hang)
	start(t, db, address, "api,worker", settings...)
	start(t, db, fmt.Sprintf("127.0.0.1:%d", freePort(t)), "api,worker", settings...)
	require.Eventually(t, func() bool { return state().State == knowledge.ModelActive }, 30*time.Second, 50*time.Millisecond, "%+v", state)
	require.Equal(t, "external", state().Provider)
}

func TestAnEmbeddingModelIsUsedLeftAndDropped(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	fake := openaifake.New(t)
	a, _ := withModel(t, fake.BaseURL(), func(c *config) {
		c.Roles = []string{"worker"}
		c.OpenAI.EmbeddingModel, c.OpenAI.EmbeddingDimensions, c.OpenAI.PriceEmbedding = "test-embedding", 8, 1000
	})
	s := switches{a}
	code := func(err error) string { return problem.From(err).Code }
	require.Equal(t, "no_previous_model", code(s.Change(ctx, api.Back)))
	require.Equal(t, "vectors_missing", code(s.Change(ctx, api.Use)))
	m, err := s.Models(ctx)
	require.NoError(t, err)
	require.Positive(t, *m.TokensTotal, "what it takes is known before anything is spent")
	require.InDelta(t, float64(*m.TokensTotal)/1000, *m.CostTotalUsd, 1e-9)

	require.NoError(t, s.Build(ctx))
	require.Equal(t, "vectors_in_use", code(s.Change(ctx, api.Use)), "not complete")
	models, err := a.models.Models(ctx)
	require.NoError(t, err)
	require.NoError(t, a.models.Build(ctx, models[0].ID))
	require.NoError(t, s.Change(ctx, api.Use))
	require.Equal(t, "vectors_in_use", code(s.Change(ctx, api.Drop)))
	m, err = s.Models(ctx)
	require.NoError(t, err)
	require.Equal(t, api.ModelsVectorsActive, *m.Vectors)
	require.Positive(t, *m.Tokens)
	require.Positive(t, *m.CostUsd)
	require.Contains(t, *m.Previous, "builtin")

	// Commands that index keep it, and a removed one is seen and left.
	before := len(fake.Calls())
	require.NoError(t, a.indexNow(ctx))
	require.Len(t, fake.Calls(), before)
	require.Equal(t, "ok", checkEmbedding(ctx, a).mark)
	external, registry := a.external, a.models
	a.external, a.offered, a.models = nil, nil, switchover.New(a.worker)
	require.Equal(t, "BAD", checkEmbedding(ctx, a).mark)
	require.Contains(t, checkEmbedding(ctx, a).text, "words alone")
	m, err = s.Models(ctx)
	require.NoError(t, err)
	require.True(t, *m.WordsOnly)
	require.NoError(t, a.switchEmbedder(ctx))
	require.Equal(t, "ok", checkEmbedding(ctx, a).mark)

	// Named again: what it has is used, and nothing is embedded a second time.
	a.external, a.offered, a.models = external, external, registry
	require.NoError(t, a.switchEmbedder(ctx))
	require.Len(t, fake.Calls(), before)
	a.models.Refresh()
	active, _, err := a.models.Active(ctx)
	require.NoError(t, err)
	require.Equal(t, external[0].ModelID(), active.Name)

	require.NoError(t, s.Change(ctx, api.Back))
	require.NoError(t, a.switchEmbedder(ctx), "a restart")
	m, err = s.Models(ctx)
	require.NoError(t, err)
	require.Equal(t, api.ModelsVectorsReady, *m.Vectors, "stays as people left it")
	require.True(t, *m.Held)
	var out bytes.Buffer
	require.NoError(t, a.listVectors(ctx, &out))
	require.Contains(t, out.String(), "left by hand")
	require.Contains(t, out.String(), "US dollars")
	require.NoError(t, s.Change(ctx, api.Drop))
	m, err = s.Models(ctx)
	require.NoError(t, err)
	require.Equal(t, api.ModelsVectorsMissing, *m.Vectors)
	a.external = nil
	require.NoError(t, s.Build(ctx))
	models, err = a.models.Models(ctx)
	require.NoError(t, err)
	require.NoError(t, a.models.Build(ctx, models[0].ID))
	require.Equal(t, "engine_builtin", code(s.Change(ctx, api.Use)), "the next start would undo it")
}
