package main

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"

	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/portal/problem"
)

// switches are the configured models, for curators to try before an operator
// switches.
type switches struct{ a *application }

func (s switches) Models(ctx context.Context) (api.Models, error) {
	out := api.Models{Engine: cmp.Or(s.a.config.Engine, "builtin")}
	if name := s.a.config.OpenAI.ChatModel; name != "" && s.a.modelAnswers != nil {
		out.ChatModel = &name
	}
	models, err := s.a.models.Models(ctx)
	if err != nil {
		return out, err
	}
	if err := s.inUse(ctx, models, &out); err != nil {
		return out, err
	}
	if len(s.a.offered) == 0 {
		return out, nil
	}
	name, state := s.a.config.OpenAI.EmbeddingModel, api.ModelsVectorsMissing
	out.EmbeddingModel, out.Vectors = &name, &state
	m, built := s.configured(models)
	if built {
		state = map[knowledge.ModelState]api.ModelsVectors{
			knowledge.ModelBuilding: api.ModelsVectorsBuilding, knowledge.ModelReady: api.ModelsVectorsReady,
			knowledge.ModelPrevious: api.ModelsVectorsReady, knowledge.ModelActive: api.ModelsVectorsActive,
		}[m.State]
		out.ChunksDone, out.ChunksTotal, out.Tokens = &m.ChunksDone, &m.ChunksTotal, &m.Tokens
		if m.Held {
			out.Held = &m.Held
		}
		if m.LastError != "" {
			out.Problem = &m.LastError
		}
		if left, known := secondsLeft(m); known {
			out.SecondsLeft = &left
		}
	}
	total, err := s.a.models.Estimate(ctx)
	if err != nil {
		return out, err
	}
	out.TokensTotal = &total
	if price := s.a.config.OpenAI.PriceEmbedding; price > 0 {
		spent, all := float64(m.Tokens)*price/1e6, float64(total)*price/1e6
		out.CostUsd, out.CostTotalUsd = &spent, &all
	}
	return out, nil
}

// inUse says what search uses now, and what it could go back to.
func (s switches) inUse(ctx context.Context, models []knowledge.EmbeddingModel, out *api.Models) error {
	for _, m := range models {
		switch m.State {
		case knowledge.ModelActive:
			_, err := s.a.models.Embedder(ctx, m)
			if err != nil && !errors.Is(err, knowledge.ErrNoEmbedder) {
				return err
			}
			if only := err != nil; only {
				out.WordsOnly = &only
			}
			if err != nil || len(s.a.offered) > 0 {
				out.InUse = &m.Name
			}
		case knowledge.ModelPrevious:
			if len(s.a.offered) > 0 {
				out.Previous = &m.Name
			}
		}
	}
	return nil
}

// configured is what there is of the configured embedding model's vectors.
func (s switches) configured(models []knowledge.EmbeddingModel) (knowledge.EmbeddingModel, bool) {
	at := slices.IndexFunc(models, func(m knowledge.EmbeddingModel) bool { // newest first
		return m.Name == s.a.offered[0].ModelID() && m.State != knowledge.ModelRetired && m.State != knowledge.ModelFailed
	})
	if at < 0 {
		return knowledge.EmbeddingModel{}, false
	}
	return models[at], true
}

// secondsLeft is how long building goes on at the speed it had so far.
func secondsLeft(m knowledge.EmbeddingModel) (int, bool) {
	took := m.UpdatedAt.Sub(m.CreatedAt)
	if m.State != knowledge.ModelBuilding || m.ChunksDone == 0 || took <= 0 {
		return 0, false
	}
	return int(math.Ceil(took.Seconds() / float64(m.ChunksDone) * float64(m.ChunksTotal-m.ChunksDone))), true
}

func (s switches) Build(ctx context.Context) error {
	_, err := s.a.models.StartSwitch(ctx, s.a.offered[0].ModelID(), false, s.a.jobs)
	return vectorProblem(err)
}

// Change implements api.Switches.
func (s switches) Change(ctx context.Context, act api.ChangeVectorsJSONBodyAct) error {
	if act == api.Back {
		return vectorProblem(s.a.models.Rollback(ctx))
	}
	models, err := s.a.models.Models(ctx)
	if err != nil {
		return err
	}
	var m knowledge.EmbeddingModel
	built := false
	if len(s.a.offered) > 0 {
		m, built = s.configured(models)
	}
	switch {
	case !built:
		return problem.New(http.StatusConflict, "vectors_missing", "There are no vectors of the configured embedding model. Build them first.")
	case act == api.Drop:
		return vectorProblem(s.a.models.Drop(ctx, m.ID))
	case len(s.a.external) == 0:
		return problem.New(http.StatusConflict, "engine_builtin", "Search uses an outside embedding model only where USHER_ENGINE is openai. An operator sets that.")
	}
	return vectorProblem(s.a.models.Activate(ctx, m.ID))
}

// vectorProblem says what people can do about a change that is not possible now.
func vectorProblem(err error) error {
	for _, p := range []struct {
		is         error
		code, text string
	}{
		{switchover.ErrBuilding, "vectors_building", "Another embedding model is being built. Try again when it is complete."},
		{switchover.ErrIncomplete, "vectors_missing", "The vectors of the embedding model are not complete yet. Try again when they are."},
		{switchover.ErrNoPrevious, "no_previous_model", "There is no earlier embedding model to go back to."},
		{switchover.ErrState, "vectors_in_use", "The vectors are in use, or not complete. Go back to the earlier embedding model first, or wait until they are complete."},
		{knowledge.ErrNoEmbedder, "no_model", "The earlier embedding model is not configured any more, so search cannot go back to it."},
	} {
		if errors.Is(err, p.is) {
			return problem.New(http.StatusConflict, p.code, p.text)
		}
	}
	return err
}

func (s switches) With(ctx context.Context, model, embedding bool) (api.Tester, error) {
	t, err := s.a.testerWith(ctx, model, embedding)
	return trial{t}, err
}

// trial is a tester whose calls of models count as trials.
type trial struct{ tester }

func (t trial) Test(ctx context.Context, in api.TestQuestion) (api.TestRun, error) {
	return t.tester.Test(openai.AsTrial(ctx), in)
}
