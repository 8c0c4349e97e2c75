package api

import (
	"context"

	"github.com/usherdesk/usher/triage/upkeep"
)

func wireSuggestion(x upkeep.Suggestion) TaxonomySuggestion {
	d := x.Detail
	return TaxonomySuggestion{
		ID: x.ID, Kind: TaxonomySuggestionKind(x.Kind), Value: d.Value, Other: some(d.Other), Words: some(d.Words), Questions: d.Questions, Unfit: d.Unfit, Tenants: d.Tenants,
		Corrected: d.Corrected, Mixed: d.Mixed, Of: d.Of, Examples: list(x.Examples), Acceptable: x.Kind != upkeep.SuggestOverlap || x.Merge, CreatedAt: x.CreatedAt, ExpiresAt: x.Expires,
	}
}

// ListTaxonomySuggestions lists what is proposed, and looks for more.
func (s *Server) ListTaxonomySuggestions(ctx context.Context, _ ListTaxonomySuggestionsRequestObject) (ListTaxonomySuggestionsResponseObject, error) {
	if err := s.Upkeep.SuggestSoon(ctx); err != nil {
		return nil, err
	}
	found, err := s.Upkeep.Suggestions(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]TaxonomySuggestion, len(found))
	for i, x := range found {
		out[i] = wireSuggestion(x)
	}
	return ListTaxonomySuggestions200JSONResponse{Suggestions: out}, nil
}

// SettleTaxonomySuggestion takes a suggestion into the draft, or turns it down.
func (s *Server) SettleTaxonomySuggestion(ctx context.Context, r SettleTaxonomySuggestionRequestObject) (SettleTaxonomySuggestionResponseObject, error) {
	if err := s.Upkeep.Settle(ctx, r.ID, r.Body.Act == "accept", value(r.Body.Name), value(r.Body.Description), actor(ctx).ID); err != nil {
		return nil, err
	}
	d, err := s.Upkeep.Draft(ctx)
	if err != nil {
		return nil, err
	}
	return SettleTaxonomySuggestion200JSONResponse(wireDraft(d)), nil
}
