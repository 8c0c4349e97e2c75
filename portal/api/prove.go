package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage/confirm"
)

// SendCode mails the caller a code.
func (s *Server) SendCode(ctx context.Context, _ SendCodeRequestObject) (SendCodeResponseObject, error) {
	who := principal(ctx)
	if err := s.Identity.SendCode(ctx, who); err != nil {
		return nil, codeProblem(err, 0)
	}
	return SendCode200JSONResponse{To: confirm.Masked(who.Email)}, nil
}

// ProveCode takes the code and gives the session a new token.
func (s *Server) ProveCode(ctx context.Context, r ProveCodeRequestObject) (ProveCodeResponseObject, error) {
	c, ok := ctx.(*gin.Context)
	if !ok {
		return nil, errors.New("prove: no request")
	}
	token, bearer := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !bearer {
		token, _ = c.Cookie(s.cookieName())
	}
	session, left, err := s.Identity.Prove(ctx, principal(ctx), token, r.Body.Code)
	if err != nil {
		return nil, codeProblem(err, left)
	}
	cookie := s.cookie(session, s.Identity.Lifetime()).String()
	return ProveCode204Response{Headers: ProveCode204ResponseHeaders{SetCookie: &cookie}}, nil
}

func codeProblem(err error, left int) error {
	var pause *confirm.PauseError
	switch {
	case errors.As(err, &pause):
		wait := max(pause.Wait.Round(time.Minute), time.Minute)
		return problem.New(http.StatusTooManyRequests, "code_paused", fmt.Sprintf("For your safety we send the next code in %d minutes.", int(wait.Minutes()))).After(pause.Wait)
	case errors.Is(err, confirm.ErrWrong):
		return problem.New(http.StatusUnprocessableEntity, "wrong_code", fmt.Sprintf("That is not the code. Tries left: %d.", left))
	case errors.Is(err, confirm.ErrSpent):
		return problem.New(http.StatusGone, "code_spent", "The code was wrong too often. For your safety we send the next one in some minutes.")
	case errors.Is(err, confirm.ErrOver):
		return problem.New(http.StatusGone, "code_over", "This code is not valid any more. Ask for a new one.")
	case errors.Is(err, identity.ErrNoMail):
		return problem.New(http.StatusConflict, "no_mail", "Codes cannot be sent from here.")
	case errors.Is(err, identity.ErrUnauthenticated):
		return unauthenticated()
	}
	return err
}
