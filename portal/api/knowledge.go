package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/search"
)

// SearchKnowledge searches what the caller may see.
func (s *Server) SearchKnowledge(ctx context.Context, r SearchKnowledgeRequestObject) (SearchKnowledgeResponseObject, error) {
	limit := value(r.Params.Limit)
	if limit == 0 {
		limit = 10
	}
	found, err := s.Search.Search(ctx, search.Query{Text: r.Params.Q, Viewer: viewer(ctx), Limit: limit, Prefix: true})
	if err != nil {
		return nil, err
	}
	out := SearchResult{Passages: make([]Passage, len(found.Passages))}
	for i, p := range found.Passages {
		out.Passages[i] = WirePassage(p)
		out.Passages[i].Legs = nil // for curators only
	}
	return SearchKnowledge200JSONResponse(out), nil
}

// WirePassage is a passage as the API shows it.
func WirePassage(p search.Passage) Passage {
	legs := map[string]float32{
		"lexical": float32(p.Legs.Lexical), "dense": float32(p.Legs.Dense), "title": float32(p.Legs.Title), "covers": float32(p.Covers),
	}
	return Passage{
		ChunkID: p.ChunkID.String(), ArticleID: p.ArticleID, Title: p.Title, Section: some(p.Heading), URL: ArticleURL(p.Slug, p.Anchor),
		Text: p.Text, Language: some(p.Locale), Audience: some(string(p.Audience)), UpdatedAt: &p.UpdatedAt, Score: float32(p.Score), Legs: &legs,
	}
}

// ArticleURL is the relative address of an article's section.
func ArticleURL(slug, anchor string) string {
	if anchor == "" {
		return "/help/" + slug
	}
	return "/help/" + slug + "#" + anchor
}

// ListArticles lists the published articles the caller may see.
func (s *Server) ListArticles(ctx context.Context, _ ListArticlesRequestObject) (ListArticlesResponseObject, error) {
	v := viewer(ctx)
	out := ArticleList{Articles: []ArticleSummary{}}
	for _, space := range v.Spaces() {
		articles, err := s.Knowledge.Browse(ctx, v, space, "", knowledge.Cursor{}, 500)
		if err != nil {
			return nil, err
		}
		for _, a := range articles {
			out.Articles = append(out.Articles, wireSummary(a))
		}
	}
	return ListArticles200JSONResponse(out), nil
}

func wireSummary(a knowledge.Article) ArticleSummary {
	tags := list(a.Tags)
	return ArticleSummary{ID: a.ID, Slug: a.Slug, Title: a.Title, Description: some(a.Description), Tags: &tags, Locale: some(a.Locale), UpdatedAt: a.ChangedAt}
}

// SuggestArticles lists articles for a place in the product.
func (s *Server) SuggestArticles(ctx context.Context, r SuggestArticlesRequestObject) (SuggestArticlesResponseObject, error) {
	limit := value(r.Params.Limit)
	if limit == 0 {
		limit = 5
	}
	articles, err := s.Knowledge.Suggest(ctx, viewer(ctx), r.Params.Context, limit)
	if err != nil {
		return nil, err
	}
	out := ArticleList{Articles: make([]ArticleSummary, len(articles))}
	for i, a := range articles {
		out.Articles[i] = wireSummary(a)
	}
	return SuggestArticles200JSONResponse(out), nil
}

// GetArticle reads one article.
func (s *Server) GetArticle(ctx context.Context, r GetArticleRequestObject) (GetArticleResponseObject, error) {
	page, err := s.Knowledge.Get(ctx, viewer(ctx), r.Slug)
	if err != nil {
		return nil, err
	}
	a := page.Article
	return GetArticle200JSONResponse(Article{
		ID: a.ID, Slug: a.Slug, Title: page.Version.Title, Description: some(page.Version.Description), Body: page.Version.Body,
		Locale: some(a.Locale), UpdatedAt: a.ChangedAt, VerifiedUntil: a.VerifiedUntil,
	}), nil
}

// GetOnboarding shows the caller's onboarding record.
func (s *Server) GetOnboarding(ctx context.Context, _ GetOnboardingRequestObject) (GetOnboardingResponseObject, error) {
	if s.Onboarding == nil {
		return nil, knowledge.ErrNotFound
	}
	view, err := s.Onboarding.View(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	return viewResponse{view}, nil
}

// viewResponse writes a value whose shape the domain defines.
type viewResponse struct{ body any }

func (r viewResponse) VisitGetOnboardingResponse(w http.ResponseWriter) error {
	body, err := json.Marshal(r.body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, err = w.Write(body)
	return err
}

func space(tenant *uuid.UUID) knowledge.Space {
	if tenant == nil {
		return knowledge.Shared
	}
	return knowledge.Of(*tenant)
}
