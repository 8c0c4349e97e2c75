package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/triage"
	pii "github.com/usherdesk/usher/triage/guard"
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

// NoteSearch keeps a search of a signed-in customer that finds nothing as a gap,
// once a day for each organisation.
func (s *Server) NoteSearch(ctx context.Context, r NoteSearchRequestObject) (NoteSearchResponseObject, error) {
	plain := func(q string) string {
		masked, _ := pii.Mask(q)
		return triage.Line(strings.TrimSpace(masked), 500)
	}
	sought := plain(r.Body.Q)
	if utf8.RuneCountInString(sought) < 3 {
		return NoteSearch204Response{}, nil
	}
	found, err := s.Search.Search(ctx, search.Query{Text: sought, Viewer: viewer(ctx), Limit: 1, Prefix: true})
	if err != nil || len(found.Passages) > 0 {
		return NoteSearch204Response{}, err
	}
	tenant := actor(ctx).TenantID
	err = s.Worker.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		// Of the text as typed: a code beside other digits looks like a phone number.
		blotted, err := s.Intake.Blot(ctx, tx, actor(ctx), r.Body.Q)
		if err != nil {
			return err
		}
		question := plain(blotted)
		if utf8.RuneCountInString(strings.Trim(question, "• ")) < 3 {
			return nil
		}
		// Two searches at once make one gap.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('search ' || $1::text || ' ' || lower($2), 0))`, tenant, question); err != nil {
			return fmt.Errorf("note search: %w", err)
		}
		var known bool
		err = tx.QueryRow(ctx, `select exists (select from gap_questions where tenant_id = $1 and reason = 'no_result' and md5(lower(question)) = md5(lower($2)) and created_at > now() - interval '1 day')`,
			tenant, question).Scan(&known)
		if err != nil || known {
			return err
		}
		return s.Curation.RecordGapTx(ctx, tx, knowledge.GapQuestion{Tenant: tenant, Question: question, Locale: actor(ctx).Locale, Reason: knowledge.GapNoResult})
	})
	return NoteSearch204Response{}, err
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
