package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage/eval"
)

// GetModels says what could be switched to.
func (s *Server) GetModels(ctx context.Context, _ GetModelsRequestObject) (GetModelsResponseObject, error) {
	if s.Switches == nil {
		return nil, problem.NotFound()
	}
	models, err := s.Switches.Models(ctx)
	return GetModels200JSONResponse(models), err
}

// BuildVectors prepares a switch of the embedding model.
func (s *Server) BuildVectors(ctx context.Context, _ BuildVectorsRequestObject) (BuildVectorsResponseObject, error) {
	if s.Switches == nil {
		return nil, problem.NotFound()
	}
	models, err := s.Switches.Models(ctx)
	if err != nil {
		return nil, err
	}
	if models.EmbeddingModel == nil {
		return nil, noModel("with")
	}
	if value(models.Vectors) == ModelsVectorsMissing {
		if err := s.Switches.Build(ctx); err != nil {
			return nil, err
		}
		if models, err = s.Switches.Models(ctx); err != nil {
			return nil, err
		}
	}
	return BuildVectors202JSONResponse(models), nil
}

// ChangeVectors switches the embedding model, or gives its vectors up.
func (s *Server) ChangeVectors(ctx context.Context, r ChangeVectorsRequestObject) (ChangeVectorsResponseObject, error) {
	if s.Switches == nil {
		return nil, problem.NotFound()
	}
	if err := s.Switches.Change(ctx, r.Body.Act); err != nil {
		return nil, err
	}
	models, err := s.Switches.Models(ctx)
	return ChangeVectors200JSONResponse(models), err
}

// changed answers as after what a replay tries: an article's draft, or models.
func (s *Server) changed(ctx context.Context, against Against) (eval.Pipeline, error) {
	with := value(against.With)
	switch {
	case against.ArticleID != nil && len(with) == 0:
		return Pipeline(s.Tester, against.ArticleID, against.TenantID), nil
	case len(with) == 0 || against.ArticleID != nil:
		return eval.Pipeline{}, problem.New(400, "field_missing", "Name either the article whose draft is to be tried, or the models.", problem.Field{Field: "article_id", Detail: "must be given, or with"})
	case s.Switches == nil:
		return eval.Pipeline{}, problem.NotFound()
	}
	models, err := s.Switches.Models(ctx)
	if err != nil {
		return eval.Pipeline{}, err
	}
	model, embedding := slices.Contains(with, Model), slices.Contains(with, Embedding)
	if model && models.ChatModel == nil || embedding && models.EmbeddingModel == nil {
		return eval.Pipeline{}, noModel("with")
	}
	if vectors := value(models.Vectors); embedding && vectors != ModelsVectorsReady && vectors != ModelsVectorsActive {
		return eval.Pipeline{}, problem.New(http.StatusConflict, "vectors_missing", "The vectors of the embedding model are not complete yet. Build them first.")
	}
	tester, err := s.Switches.With(ctx, model, embedding)
	if err != nil {
		return eval.Pipeline{}, err
	}
	return Pipeline(tester, nil, nil), nil
}

func noModel(field string) error {
	return problem.New(400, "no_model", "No such model is configured. An operator names one with USHER_OPENAI_CHAT_MODEL or USHER_OPENAI_EMBEDDING_MODEL.", problem.Field{Field: field, Detail: "names a model that is not configured"})
}
