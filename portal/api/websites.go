package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/site"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
)

func wireKnowledgeSource(o knowledge.Source, w *site.Site) KnowledgeSource {
	out := KnowledgeSource{
		ID: o.ID, Name: o.Name, Kind: o.Kind, Location: some(o.Location), LastSyncAt: o.LastSyncAt, NextSyncAt: o.NextSyncAt, LastError: some(o.LastError),
		Added: o.Added, Updated: o.Updated, Retired: o.Retired, Unchanged: o.Unchanged,
	}
	if w == nil {
		return out
	}
	audience, cadence, include, exclude := WebsiteAudience(w.Audience), WebsiteCadence(w.Cadence), list(w.Include), list(w.Exclude)
	out.Website = &Website{
		URL: w.URL, Include: &include, Exclude: &exclude, MaxPages: &w.MaxPages, Audience: &audience, Locale: some(w.Locale), Publish: &w.Publish, Cadence: &cadence,
	}
	out.Status = &WebsiteStatus{Paused: w.Paused, Running: w.StartedAt != nil && !w.Paused, Read: w.Read, Pages: w.Pages}
	return out
}

func settings(w Website) site.Settings {
	return site.Settings{
		URL: w.URL, Include: value(w.Include), Exclude: value(w.Exclude), MaxPages: value(w.MaxPages), Audience: string(value(w.Audience)),
		Locale: value(w.Locale), Publish: value(w.Publish), Cadence: site.Cadence(value(w.Cadence)),
	}
}

// ListSources lists where articles come from.
func (s *Server) ListSources(ctx context.Context, r ListSourcesRequestObject) (ListSourcesResponseObject, error) {
	sources, err := s.knowledgeSources(ctx, space(r.Params.Tenant))
	return ListSources200JSONResponse{Sources: sources}, err
}

func (s *Server) knowledgeSources(ctx context.Context, sp knowledge.Space) ([]KnowledgeSource, error) {
	sources, err := s.Curation.Sources(ctx, sp)
	if err != nil {
		return nil, err
	}
	websites := map[uuid.UUID]site.Site{}
	if s.Websites != nil {
		if websites, err = s.Websites.Sites(ctx, sp); err != nil {
			return nil, err
		}
	}
	out := make([]KnowledgeSource, len(sources))
	for i, o := range sources {
		out[i] = wireKnowledgeSource(o, nil)
		if w, ok := websites[o.ID]; ok {
			out[i] = wireKnowledgeSource(o, &w)
		}
	}
	return out, nil
}

// curateSource runs a curator's change of a source, writes it down and returns the
// source as it stands then.
func (s *Server) curateSource(ctx context.Context, sp knowledge.Space, action string, detail map[string]any, fn func() (uuid.UUID, error)) (KnowledgeSource, error) {
	if s.Websites == nil {
		return KnowledgeSource{}, problem.NotFound()
	}
	id, err := fn()
	if err != nil {
		return KnowledgeSource{}, err
	}
	detail["space"] = sp.String()
	err = s.Worker.WithSystem(ctx, "a curator works on websites", func(tx pgx.Tx) error {
		return triage.AuditOperator(ctx, tx, actor(ctx), action, id.String(), detail)
	})
	if err != nil || action == "source.remove" || action == "source.settle" {
		return KnowledgeSource{}, err
	}
	sources, err := s.knowledgeSources(ctx, sp)
	if err != nil {
		return KnowledgeSource{}, err
	}
	for _, one := range sources {
		if one.ID == id {
			return one, nil
		}
	}
	return KnowledgeSource{}, problem.NotFound() // removed meanwhile
}

// AddWebsite takes a website in.
func (s *Server) AddWebsite(ctx context.Context, r AddWebsiteRequestObject) (AddWebsiteResponseObject, error) {
	sp := space(r.Params.Tenant)
	out, err := s.curateSource(ctx, sp, "source.add", map[string]any{"url": triage.Line(r.Body.URL, 300), "publish": value(r.Body.Publish)}, func() (uuid.UUID, error) {
		return s.Websites.Add(ctx, sp, settings(*r.Body), actor(ctx).ID)
	})
	return AddWebsite201JSONResponse(out), err
}

// ChangeWebsite stores other settings.
func (s *Server) ChangeWebsite(ctx context.Context, r ChangeWebsiteRequestObject) (ChangeWebsiteResponseObject, error) {
	sp := space(r.Params.Tenant)
	out, err := s.curateSource(ctx, sp, "source.change", map[string]any{"url": triage.Line(r.Body.URL, 300), "publish": value(r.Body.Publish)}, func() (uuid.UUID, error) {
		return r.ID, s.Websites.Change(ctx, sp, r.ID, settings(*r.Body))
	})
	return ChangeWebsite200JSONResponse(out), err
}

// ActOnWebsite reads a website now, pauses it or goes on with it.
func (s *Server) ActOnWebsite(ctx context.Context, r ActOnWebsiteRequestObject) (ActOnWebsiteResponseObject, error) {
	sp := space(r.Params.Tenant)
	out, err := s.curateSource(ctx, sp, "source."+string(r.Body.Act), map[string]any{}, func() (uuid.UUID, error) {
		return r.ID, s.Websites.Act(ctx, sp, r.ID, string(r.Body.Act))
	})
	return ActOnWebsite200JSONResponse(out), err
}

// RemoveSource retires a source's articles and forgets it.
func (s *Server) RemoveSource(ctx context.Context, r RemoveSourceRequestObject) (RemoveSourceResponseObject, error) {
	sp, detail := space(r.Params.Tenant), map[string]any{}
	retired := 0
	_, err := s.curateSource(ctx, sp, "source.remove", detail, func() (id uuid.UUID, err error) {
		retired, err = s.Websites.Remove(ctx, sp, r.ID)
		detail["retired"] = retired
		return r.ID, err
	})
	return RemoveSource200JSONResponse{Retired: retired}, err
}

// ListPages lists the pages of a website.
func (s *Server) ListPages(ctx context.Context, r ListPagesRequestObject) (ListPagesResponseObject, error) {
	if s.Websites == nil {
		return nil, problem.NotFound()
	}
	pages, more, err := s.Websites.Pages(ctx, space(r.Params.Tenant), r.ID, site.PageState(value(r.Params.State)), value(r.Params.After))
	if err != nil {
		return nil, err
	}
	out := ListPages200JSONResponse{Pages: make([]WebsitePage, len(pages)), More: more}
	for i, p := range pages {
		out.Pages[i] = WebsitePage{
			URL: p.URL, State: WebsitePageState(p.State), Title: some(p.Title), Problem: some(p.Problem), Signals: list(p.Signals), ReadAt: p.FetchedAt, ArticleID: p.ArticleID,
		}
		if p.Outcome != "" {
			outcome := WebsitePageOutcome(p.Outcome)
			out.Pages[i].Outcome = &outcome
		}
		if p.ArticleState != "" {
			state := WebsitePageArticleState(p.ArticleState)
			out.Pages[i].ArticleState = &state
		}
	}
	return out, nil
}

// SettlePage decides what a page waits for.
func (s *Server) SettlePage(ctx context.Context, r SettlePageRequestObject) (SettlePageResponseObject, error) {
	sp := space(r.Params.Tenant)
	detail := map[string]any{"url": triage.Line(r.Body.URL, 300), "choice": r.Body.Choice}
	_, err := s.curateSource(ctx, sp, "source.settle", detail, func() (uuid.UUID, error) {
		return r.ID, s.Websites.Settle(ctx, sp, r.ID, r.Body.URL, string(r.Body.Choice), actor(ctx).ID)
	})
	return SettlePage204Response{}, err
}
