package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/problem"
)

// InviteAgain has an invitation sent again.
func (s *Server) InviteAgain(ctx context.Context, r InviteAgainRequestObject) (InviteAgainResponseObject, error) {
	who := actor(ctx)
	if !slices.Contains(who.Roles, "admin") {
		return nil, problem.NotFound()
	}
	err := s.Identity.InviteAgain(ctx, who, r.ID)
	switch {
	case errors.Is(err, identity.ErrNotInvited):
		return nil, problem.NotFound()
	case errors.Is(err, identity.ErrNoMail):
		return nil, problem.New(http.StatusConflict, "no_mail", "Invitations cannot be sent from here. Ask our support team for a sign-in link.")
	case err != nil:
		return nil, s.signInProblem(ctx, err)
	}
	return InviteAgain204Response{}, nil
}
