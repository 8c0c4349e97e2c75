package api

import (
	"context"

	"github.com/usherdesk/usher/portal/problem"
)

// ListProposals lists drafts from solved tickets.
func (s *Server) ListProposals(ctx context.Context, _ ListProposalsRequestObject) (ListProposalsResponseObject, error) {
	if s.Proposals == nil {
		return nil, problem.NotFound()
	}
	found, err := s.Proposals.Open(ctx)
	if err != nil {
		return nil, err
	}
	out := ListProposals200JSONResponse{Proposals: make([]Proposal, len(found))}
	for i, p := range found {
		out.Proposals[i] = Proposal{
			TenantID: p.TenantID, ID: p.ID, Kind: ProposalKind(p.Kind), Title: p.Title, Body: p.Body, Article: some(p.Article), Tickets: p.Tickets,
			TicketID: p.TicketID, TicketNumber: p.Number, CreatedAt: p.CreatedAt,
		}
	}
	return out, nil
}

// SettleProposal takes a proposal or turns it down.
func (s *Server) SettleProposal(ctx context.Context, r SettleProposalRequestObject) (SettleProposalResponseObject, error) {
	if s.Proposals == nil {
		return nil, problem.NotFound()
	}
	if r.Body.Act == "reject" {
		return SettleProposal200JSONResponse{}, s.Proposals.Reject(ctx, r.Tenant, r.ID, actor(ctx).ID)
	}
	article, err := s.Proposals.Accept(ctx, r.Tenant, r.ID, actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	return SettleProposal200JSONResponse{ArticleID: &article}, nil
}
