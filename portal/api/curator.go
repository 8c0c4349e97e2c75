package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/proof"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// ListTenants lists the customer organisations.
func (s *Server) ListTenants(ctx context.Context, _ ListTenantsRequestObject) (ListTenantsResponseObject, error) {
	out := []Tenant{}
	err := s.Worker.WithSystem(ctx, "curators choose a tenant", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select id, name, slug, time_zone, lifecycle_state from tenants order by name limit 1000`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Tenant, err error) {
			err = row.Scan(&t.ID, &t.Name, &t.Slug, &t.TimeZone, &t.LifecycleState)
			return t, err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return ListTenants200JSONResponse{Tenants: out}, nil
}

func wireAudience(a knowledge.Audience) Audience {
	departments, roles, plans, locales := list(a.Departments), list(a.Roles), list(a.Plans), list(a.Locales)
	return Audience{Level: AudienceLevel(a.Level), Departments: &departments, Roles: &roles, Plans: &plans, Locales: &locales}
}

func wireAdminArticle(a knowledge.Article) AdminArticle {
	tags := list(a.Tags)
	out := AdminArticle{
		ID: a.ID, Slug: a.Slug, Locale: some(a.Locale), State: AdminArticleState(a.State), Working: some(string(a.Working)),
		Title: a.Title, Description: some(a.Description), Tags: &tags, Audience: wireAudience(a.Audience),
		VerifiedUntil: a.VerifiedUntil, PublishedAt: a.PublishedAt, IndexedAt: a.IndexedAt, UpdatedAt: a.UpdatedAt,
	}
	if !a.Space.IsShared() {
		out.TenantID = &a.Space.Tenant
	}
	return out
}

// ListAdminArticles lists the articles of a space with their counts.
func (s *Server) ListAdminArticles(ctx context.Context, r ListAdminArticlesRequestObject) (ListAdminArticlesResponseObject, error) {
	sp := space(r.Params.Tenant)
	articles, err := s.Curation.ListAll(ctx, sp, knowledge.Filter{State: string(value(r.Params.State)), Text: value(r.Params.Q)})
	if err != nil {
		return nil, err
	}
	usage, err := s.Curation.Usage(ctx, sp, time.Now().AddDate(0, 0, -90), 1000)
	if err != nil {
		return nil, err
	}
	counts := map[uuid.UUID]knowledge.Usage{}
	for _, u := range usage {
		counts[u.ArticleID] = u
	}
	out := make([]AdminArticle, len(articles))
	for i, a := range articles {
		out[i] = wireAdminArticle(a)
		if u, ok := counts[a.ID]; ok {
			out[i].Usage = &struct {
				Cited      *int `json:"cited,omitempty"`
				Escalated  *int `json:"escalated,omitempty"`
				Helpful    *int `json:"helpful,omitempty"`
				NotHelpful *int `json:"not_helpful,omitempty"`
			}{&u.Cited, &u.Escalated, &u.Helpful, &u.Unhelpful}
		}
	}
	return ListAdminArticles200JSONResponse{Articles: out}, nil
}

func content(c ArticleContent) knowledge.Content {
	return knowledge.Content{
		Title: c.Title, Description: value(c.Description), Body: c.Body, Tags: value(c.Tags),
		Audience: knowledge.Audience{
			Level: knowledge.Level(c.Audience.Level), Departments: value(c.Audience.Departments), Roles: value(c.Audience.Roles),
			Plans: value(c.Audience.Plans), Locales: value(c.Audience.Locales),
		},
	}
}

// CreateArticle makes a draft.
func (s *Server) CreateArticle(ctx context.Context, r CreateArticleRequestObject) (CreateArticleResponseObject, error) {
	sp := space(r.Params.Tenant)
	a, err := s.Curation.CreateDraft(ctx, sp, knowledge.Draft{Content: content(*r.Body), Slug: value(r.Body.Slug), Locale: value(r.Body.Locale), OwnerID: actor(ctx).ID}, actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	out, err := s.adminArticle(ctx, sp, a.ID)
	return CreateArticle201JSONResponse(out), err
}

// adminArticle is an article with its working text and the live one.
func (s *Server) adminArticle(ctx context.Context, sp knowledge.Space, id uuid.UUID) (AdminArticle, error) {
	a, err := s.Curation.Article(ctx, sp, id)
	if err != nil {
		return AdminArticle{}, err
	}
	out := wireAdminArticle(a)
	if a.PublishedVersionID != nil {
		live, err := s.Curation.Version(ctx, sp, id, *a.PublishedVersionID)
		if err != nil {
			return AdminArticle{}, err
		}
		out.LiveBody, out.Body = &live.Body, &live.Body
	}
	if a.WorkingVersionID != nil {
		working, err := s.Curation.Version(ctx, sp, id, *a.WorkingVersionID)
		if err != nil {
			return AdminArticle{}, err
		}
		tags := list(working.Tags)
		out.Title, out.Description, out.Body, out.Tags = working.Title, some(working.Description), &working.Body, &tags
		out.Audience, out.WorkingUpdatedAt = wireAudience(working.Audience), &working.UpdatedAt
	}
	return out, nil
}

// GetAdminArticle reads an article for editing.
func (s *Server) GetAdminArticle(ctx context.Context, r GetAdminArticleRequestObject) (GetAdminArticleResponseObject, error) {
	out, err := s.adminArticle(ctx, space(r.Params.Tenant), r.ID)
	return GetAdminArticle200JSONResponse(out), err
}

// SaveDraft stores an edit beside the live version.
func (s *Server) SaveDraft(ctx context.Context, r SaveDraftRequestObject) (SaveDraftResponseObject, error) {
	sp := space(r.Params.Tenant)
	if _, err := s.Curation.SaveDraft(ctx, sp, r.ID, content(*r.Body), value(r.Body.Base), actor(ctx).ID); err != nil {
		return nil, err
	}
	out, err := s.adminArticle(ctx, sp, r.ID)
	return SaveDraft200JSONResponse(out), err
}

// ListVersions lists an article's versions.
func (s *Server) ListVersions(ctx context.Context, r ListVersionsRequestObject) (ListVersionsResponseObject, error) {
	versions, err := s.Curation.Versions(ctx, space(r.Params.Tenant), r.ID)
	if err != nil {
		return nil, err
	}
	out := make([]Version, len(versions))
	for i, v := range versions {
		out[i] = Version{ID: v.ID, Number: v.Number, State: string(v.State), Title: v.Title, Body: &v.Body, Note: some(v.Note), CreatedAt: v.CreatedAt, PublishedAt: v.PublishedAt}
	}
	return ListVersions200JSONResponse{Versions: out}, nil
}

// ActOnArticle moves an article through its states.
func (s *Server) ActOnArticle(ctx context.Context, r ActOnArticleRequestObject) (ActOnArticleResponseObject, error) {
	sp, by := space(r.Params.Tenant), actor(ctx).ID
	var err error
	switch r.Act {
	case "submit":
		err = s.Curation.SubmitForReview(ctx, sp, r.ID, by)
	case "publish":
		var results []eval.Result
		if results, err = s.mayPublish(ctx, r); err != nil {
			return nil, err
		}
		if err = s.Curation.Publish(ctx, sp, r.ID, by); err == nil {
			err = s.keepRun(ctx, results)
		}
	case "retire":
		err = s.Curation.Retire(ctx, sp, r.ID, by)
	case "discard":
		err = s.Curation.DiscardDraft(ctx, sp, r.ID, by)
	case "verify":
		err = s.Curation.Verify(ctx, sp, r.ID, time.Now().AddDate(0, 6, 0), by)
	case "rollback":
		if r.Body == nil || r.Body.VersionID == nil {
			return nil, problem.New(http.StatusBadRequest, "version_missing", "Name the version to go back to in version_id.")
		}
		err = s.Curation.Rollback(ctx, sp, r.ID, *r.Body.VersionID, by)
	default:
		return nil, problem.NotFound()
	}
	if err != nil {
		return nil, err
	}
	out, err := s.adminArticle(ctx, sp, r.ID)
	return ActOnArticle200JSONResponse(out), err
}

// TestQuestion shows what the assistant would say.
func (s *Server) TestQuestion(ctx context.Context, r TestQuestionRequestObject) (TestQuestionResponseObject, error) {
	if s.Tester == nil {
		return nil, problem.NotFound()
	}
	run, err := s.Tester.Test(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	return TestQuestion200JSONResponse(run), nil
}

// ListGaps lists what nothing answered.
func (s *Server) ListGaps(ctx context.Context, _ ListGapsRequestObject) (ListGapsResponseObject, error) {
	gaps, err := s.Curation.Gaps(ctx, knowledge.GapOpen, nil, 100)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(gaps))
	for i, g := range gaps {
		ids[i] = g.ID
	}
	var causes []proof.Cause
	if err := s.Worker.WithSystem(ctx, "a curator reads why answers did not help", func(tx pgx.Tx) (err error) {
		causes, err = proof.Causes(ctx, tx, ids)
		return err
	}); err != nil {
		return nil, err
	}
	out := make([]Gap, len(gaps))
	for i, g := range gaps {
		questions, err := s.Curation.GapQuestions(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		examples, searches := []string{}, 0
		for _, q := range questions {
			if q.Reason == knowledge.GapNoResult {
				searches++
			}
		}
		for _, q := range questions[:min(len(questions), 5)] {
			examples = append(examples, q.Question)
		}
		out[i] = Gap{ID: g.ID, Question: g.Question, Examples: &examples, Conversations: g.Conversations, Repeats: &gaps[i].Repeats, Unhelpful: &gaps[i].Unhelpful, Searches: &searches, State: string(g.State), LastSeenAt: g.LastSeenAt}
		said := []struct {
			Cause string `json:"cause"`
			Count int    `json:"count"`
		}{}
		for _, c := range causes {
			if c.Gap == g.ID {
				said = append(said, struct {
					Cause string `json:"cause"`
					Count int    `json:"count"`
				}{c.Cause, c.Count})
			}
		}
		out[i].Causes = &said
	}
	return ListGaps200JSONResponse{Gaps: out}, nil
}

// ResolveGap closes a gap.
func (s *Server) ResolveGap(ctx context.Context, r ResolveGapRequestObject) (ResolveGapResponseObject, error) {
	state := knowledge.GapResolved
	if r.Body.State == "dismissed" {
		state = knowledge.GapDismissed
	}
	if err := s.Curation.ResolveGap(ctx, r.ID, state, value(r.Body.ArticleID), "", actor(ctx).ID); err != nil {
		return nil, err
	}
	return ResolveGap204Response{}, nil
}

// ListSynonyms lists the shared synonym groups.
func (s *Server) ListSynonyms(ctx context.Context, _ ListSynonymsRequestObject) (ListSynonymsResponseObject, error) {
	synonyms, err := s.Curation.Synonyms(ctx, knowledge.Shared)
	if err != nil {
		return nil, err
	}
	out := make([]Synonym, len(synonyms))
	for i, g := range synonyms {
		out[i] = Synonym{ID: &g.ID, Terms: g.Terms, Locale: some(g.Locale)}
	}
	return ListSynonyms200JSONResponse{Synonyms: out}, nil
}

// PutSynonym keeps a synonym group.
func (s *Server) PutSynonym(ctx context.Context, r PutSynonymRequestObject) (PutSynonymResponseObject, error) {
	saved, err := s.Curation.SaveSynonym(ctx, knowledge.Shared, knowledge.Synonym{ID: value(r.Body.ID), Locale: value(r.Body.Locale), Terms: r.Body.Terms}, actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	return PutSynonym200JSONResponse(Synonym{ID: &saved.ID, Terms: saved.Terms, Locale: some(saved.Locale)}), nil
}

// DeleteSynonym removes a synonym group.
func (s *Server) DeleteSynonym(ctx context.Context, r DeleteSynonymRequestObject) (DeleteSynonymResponseObject, error) {
	if err := s.Curation.DeleteSynonym(ctx, knowledge.Shared, r.ID); err != nil {
		return nil, err
	}
	return DeleteSynonym204Response{}, nil
}

func wireValue(v taxonomy.Value, examples []string) TaxonomyValue {
	return TaxonomyValue{
		Dimension: TaxonomyValueDimension(v.Dimension), Value: v.Value, Description: v.Description, Route: TaxonomyValueRoute(v.Route),
		Team: some(v.Team), Priority: some(string(v.Priority)), Sensitive: &v.Sensitive, Enabled: &v.Enabled, Examples: &examples,
	}
}

// GetTaxonomy reads the taxonomy with its examples.
func (s *Server) GetTaxonomy(ctx context.Context, _ GetTaxonomyRequestObject) (GetTaxonomyResponseObject, error) {
	set, err := taxonomy.Load(ctx, s.Worker.Pool())
	if err != nil {
		return nil, err
	}
	texts := map[string][]string{}
	for _, e := range set.Examples {
		texts[e.Dimension+"/"+e.Value] = append(texts[e.Dimension+"/"+e.Value], e.Text)
	}
	out := make([]TaxonomyValue, len(set.Values))
	for i, v := range set.Values {
		out[i] = wireValue(v, list(texts[v.Dimension+"/"+v.Value]))
	}
	return GetTaxonomy200JSONResponse{Values: out}, nil
}
