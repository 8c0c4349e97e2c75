package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/confirm"
	"github.com/usherdesk/usher/triage/intake"
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
	token, err := s.token(ctx)
	if err != nil {
		return nil, err
	}
	session, left, err := s.Identity.Prove(ctx, principal(ctx), token, r.Body.Code)
	if err != nil {
		return nil, codeProblem(err, left)
	}
	cookie := s.cookie(session, s.Identity.Lifetime()).String()
	return ProveCode204Response{Headers: ProveCode204ResponseHeaders{SetCookie: &cookie}}, nil
}

// token is the credential a request came with.
func (s *Server) token(ctx context.Context) (string, error) {
	c, ok := ctx.(*gin.Context)
	if !ok {
		return "", errors.New("read token: no request")
	}
	token, bearer := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !bearer {
		token, _ = c.Cookie(s.cookieName())
	}
	return token, nil
}

// session is what a message says of the session it came in by; nil for a key.
func (s *Server) session(ctx context.Context) *intake.Session {
	who := principal(ctx)
	if who.Kind != identity.Customer {
		return nil
	}
	return &intake.Session{Fresh: s.Identity.Fresh(who)}
}

// SendChatCode mails another code for the question that waits for one.
func (s *Server) SendChatCode(ctx context.Context, r SendChatCodeRequestObject) (SendChatCodeResponseObject, error) {
	if err := s.Intake.SendCode(ctx, actor(ctx), r.ID); err != nil {
		return nil, codeProblem(err, 0)
	}
	return SendChatCode200JSONResponse{To: confirm.Masked(principal(ctx).Email)}, nil
}

// EnterChatCode takes the code from its field.
func (s *Server) EnterChatCode(ctx context.Context, r EnterChatCodeRequestObject) (EnterChatCodeResponseObject, error) {
	_, cookie, left, err := s.enterCode(ctx, r.ID, r.Body.Code, "")
	if err != nil {
		return nil, codeProblem(err, left)
	}
	return EnterChatCode204Response{Headers: EnterChatCode204ResponseHeaders{SetCookie: &cookie}}, nil
}

// typedCode takes the code from where messages are written. What is wrong with it
// is said in the conversation, as everything there.
func (s *Server) typedCode(ctx context.Context, conversation uuid.UUID, text, key string) (triage.Message, error) {
	m, cookie, _, err := s.enterCode(ctx, conversation, text, cmp.Or(key, uuid.NewString()))
	if c, ok := ctx.(*gin.Context); ok && err == nil && cookie != "" {
		c.Header("Set-Cookie", cookie)
	}
	if m.ID != uuid.Nil && (errors.Is(err, confirm.ErrWrong) || errors.Is(err, confirm.ErrSpent) || errors.Is(err, confirm.ErrOver)) {
		err = nil
	}
	return m, err
}

func (s *Server) enterCode(ctx context.Context, conversation uuid.UUID, code, typedAs string) (m triage.Message, cookie string, left int, err error) {
	token, err := s.token(ctx)
	if err != nil {
		return m, "", 0, err
	}
	m, left, err = s.Intake.EnterCode(ctx, actor(ctx), conversation, code, typedAs, func(ctx context.Context, tx pgx.Tx) error {
		session, err := s.Identity.Renew(ctx, tx, actor(ctx).TenantID, token)
		cookie = s.cookie(session, s.Identity.Lifetime()).String()
		return err
	})
	return m, cookie, left, err
}

// chatProblem says what to do with a code that is another conversation's.
func chatProblem(ctx context.Context, err error) error {
	if errors.Is(err, intake.ErrCodeElsewhere) {
		return problem.New(http.StatusConflict, "code_elsewhere", confirm.WordsOf(actor(ctx).Locale).Elsewhere)
	}
	return err
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
