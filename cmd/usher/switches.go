package main

import (
	"cmp"
	"context"

	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/portal/api"
)

// switches are the configured models, for curators to try before an operator
// switches.
type switches struct{ a *application }

func (s switches) Models(ctx context.Context) (api.Models, error) {
	out := api.Models{Engine: cmp.Or(s.a.config.Engine, "builtin")}
	if name := s.a.config.OpenAI.ChatModel; name != "" && s.a.modelAnswers != nil {
		out.ChatModel = &name
	}
	if len(s.a.offered) == 0 {
		return out, nil
	}
	name, state := s.a.config.OpenAI.EmbeddingModel, api.ModelsVectorsMissing
	out.EmbeddingModel, out.Vectors = &name, &state
	models, err := s.a.models.Models(ctx)
	if err != nil {
		return out, err
	}
	for _, m := range models { // newest first
		if m.Name != s.a.offered[0].ModelID() {
			continue
		}
		switch m.State {
		case knowledge.ModelBuilding:
			state = api.ModelsVectorsBuilding
		case knowledge.ModelReady, knowledge.ModelPrevious:
			state = api.ModelsVectorsReady
		case knowledge.ModelActive:
			state = api.ModelsVectorsActive
		default:
			continue
		}
		out.ChunksDone, out.ChunksTotal = &m.ChunksDone, &m.ChunksTotal
		if m.LastError != "" {
			out.Problem = &m.LastError
		}
		break
	}
	return out, nil
}

func (s switches) Build(ctx context.Context) error {
	_, err := s.a.models.StartSwitch(ctx, s.a.offered[0].ModelID(), false, s.a.jobs)
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
