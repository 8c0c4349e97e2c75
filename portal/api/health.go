package api

import (
	"context"

	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/portal/problem"
)

// ListFindings lists what is wrong with published articles.
func (s *Server) ListFindings(ctx context.Context, r ListFindingsRequestObject) (ListFindingsResponseObject, error) {
	if s.Health == nil {
		return nil, problem.NotFound()
	}
	report, err := s.Health.Findings(ctx, space(r.Params.Tenant), string(value(r.Params.State)))
	if err != nil {
		return nil, err
	}
	out := ListFindings200JSONResponse{CheckedAt: report.CheckedAt, Articles: report.Articles, Findings: make([]Finding, len(report.Findings))}
	for i, f := range report.Findings {
		out.Findings[i] = wireFinding(f)
	}
	return out, nil
}

func wireFinding(f health.Stored) Finding {
	d := f.Detail
	out := Finding{
		ID: f.ID, Kind: FindingKind(f.Kind), Cause: FindingCause(f.Cause), Article: wireFindingArticle(f.Article), Weight: f.Weight, State: FindingState(f.State),
		Note: some(f.Note), SettledBy: some(f.SettledBy), SettledAt: f.SettledAt, FirstSeenAt: f.FirstSeenAt, Owner: some(f.Owner), Proofs: make([]FindingProof, len(f.Proofs)),
		Detail: FindingDetail{
			Quote: some(d.Quote), Heading: some(d.Heading), Anchor: some(d.Anchor), OtherQuote: some(d.OtherQuote), OtherHeading: some(d.OtherHeading), OtherAnchor: some(d.OtherAnchor),
			Mine: some(d.Mine), Theirs: some(d.Theirs), Term: some(d.Term), Instead: some(d.Instead), Since: d.Since, Share: some(float32(d.Share)), Before: some(float32(d.Before)),
			Cited: some(d.Cited), Unhelpful: some(d.Unhelpful), Escalated: some(d.Escalated), Corrected: some(d.Corrected), Days: some(d.Days),
		},
	}
	if f.Other != nil {
		other := wireFindingArticle(*f.Other)
		out.Other = &other
	}
	for i, p := range f.Proofs {
		out.Proofs[i] = FindingProof{
			TenantID: p.Proof.Tenant, Tenant: p.Tenant, ConversationID: p.Conversation, TicketID: p.TicketID, TicketNumber: some(p.TicketNumber),
			Kind: FindingProofKind(p.Kind), Quote: some(p.Quote), At: p.At,
		}
	}
	return out
}

func wireFindingArticle(a health.Link) FindingArticle {
	out := FindingArticle{ID: a.ID, Slug: a.Slug, Title: a.Title}
	if !a.Space.IsShared() {
		out.TenantID = &a.Space.Tenant
	}
	return out
}

// CheckHealth queues a check of all articles.
func (s *Server) CheckHealth(ctx context.Context, _ CheckHealthRequestObject) (CheckHealthResponseObject, error) {
	if err := s.Curation.QueueCheck(ctx); err != nil {
		return nil, err
	}
	return CheckHealth202Response{}, nil
}

// ActOnFinding settles a finding.
func (s *Server) ActOnFinding(ctx context.Context, r ActOnFindingRequestObject) (ActOnFindingResponseObject, error) {
	if s.Health == nil {
		return nil, problem.NotFound()
	}
	act := health.Act{Do: string(r.Body.Act), Reason: value(r.Body.Reason), Keep: value(r.Body.Keep)}
	if err := s.Health.Act(ctx, space(r.Params.Tenant), r.ID, act, actor(ctx).ID); err != nil {
		return nil, err
	}
	return ActOnFinding204Response{}, nil
}
