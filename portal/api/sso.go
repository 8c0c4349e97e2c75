package api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/problem"
)

// browserName is the cookie that binds ways to a provider to this browser.
func (s *Server) browserName() string { return s.cookieName() + "-signin" }

// browserCookie lives as long as somebody may take at the provider. It is Lax:
// the way back comes from another site.
func (s *Server) browserCookie(secret string, age time.Duration) *http.Cookie {
	c := s.cookie(secret, age)
	c.Name = s.browserName()
	return c
}

var browserSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// StartSignIn sends a person to their organisation's provider, or a link by mail.
func (s *Server) StartSignIn(ctx context.Context, r StartSignInRequestObject) (StartSignInResponseObject, error) {
	c, ok := ctx.(*gin.Context)
	if !ok {
		return nil, errors.New("start sign-in: no request")
	}
	browser, err := c.Cookie(s.browserName())
	if err != nil || !browserSecret.MatchString(browser) {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		browser = base64.RawURLEncoding.EncodeToString(b[:])
	}
	next := returnTo(value(r.Body.Next))
	to, err := s.Identity.StartSSO(ctx, r.Body.Email, browser, next)
	switch {
	case err == nil:
		cookie := s.browserCookie(browser, 15*time.Minute).String()
		return StartSignIn200JSONResponse{Body: SignInStep{Method: Provider, URL: &to}, Headers: StartSignIn200ResponseHeaders{SetCookie: &cookie}}, nil
	case !errors.Is(err, identity.ErrNoConnection):
		return nil, s.signInProblem(ctx, err)
	}
	if err := s.Identity.AskForLink(ctx, r.Body.Email, c.ClientIP(), value(r.Body.Language), next); err != nil {
		return nil, s.signInProblem(ctx, err)
	}
	return StartSignIn200JSONResponse{Body: SignInStep{Method: Mail}}, nil
}

func (s *Server) signInProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, identity.ErrBadAddress):
		return problem.New(http.StatusBadRequest, "bad_address", "That is no e-mail address. Write it like name@company.com.")
	case errors.Is(err, identity.ErrNoMail):
		return problem.New(http.StatusConflict, "no_mail", "Sign-in links cannot be sent from here. Ask the administrator of your organisation, or our support team, for one.")
	case errors.Is(err, identity.ErrTooOften):
		return problem.TooMany(10 * time.Minute)
	case errors.Is(err, identity.ErrUnreachable), errors.Is(err, identity.ErrProvider):
		s.Log.ErrorContext(ctx, "sign-in provider cannot be used", "error", err)
		return problem.Unavailable("provider_unavailable", "Your organisation's sign-in service cannot be reached right now. Try again in a minute; if it stays, tell your administrator.")
	}
	return err
}

// FinishSignIn takes the browser back from the provider.
func (s *Server) FinishSignIn(ctx context.Context, r FinishSignInRequestObject) (FinishSignInResponseObject, error) {
	return callback{s, ctx, identity.Answer{
		State: value(r.Params.State), Code: value(r.Params.Code), Issuer: value(r.Params.Iss), Error: value(r.Params.Error),
	}}, nil
}

// samlAnswer takes what a SAML provider has the browser post. Browsers send none
// of our cookies with another site's form, so this page posts it once more, as ours.
func (s *Server) samlAnswer(c *gin.Context) {
	postsItself(c, "/saml/finish", [2]string{"SAMLResponse", c.PostForm("SAMLResponse")}, [2]string{"RelayState", c.PostForm("RelayState")})
}

// samlFinish makes the session of a SAML provider's answer.
func (s *Server) samlFinish(c *gin.Context) {
	answer := callback{s, c, identity.Answer{State: c.PostForm("RelayState"), Response: c.PostForm("SAMLResponse")}}
	if err := answer.VisitFinishSignInResponse(c.Writer); err != nil {
		s.Log.WarnContext(c, "sign-in page was not written", "error", err)
	}
}

// callback answers a browser, with a place to go or a page.
type callback struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the strict interface hands the writer over without one
	answer identity.Answer
}

// VisitFinishSignInResponse implements FinishSignInResponseObject.
func (b callback) VisitFinishSignInResponse(w http.ResponseWriter) error {
	s := b.server
	c, ok := b.ctx.(*gin.Context)
	if !ok {
		return errors.New("finish sign-in: no request")
	}
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the code
	browser, _ := c.Cookie(s.browserName())
	done, err := s.Identity.FinishSSO(b.ctx, browser, b.answer)
	if err != nil {
		return s.callbackFailed(c, w, err)
	}
	s.leave(c)
	http.SetCookie(w, s.cookie(done.Session, s.Identity.Lifetime()))
	http.SetCookie(w, s.browserCookie("", -time.Second))
	w.Header().Set("Location", home(done.Principal, done.ReturnTo))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// callbackFailed says what to do next, and nothing of what did not fit: whoever
// tries things out learns as little as from a link that has expired.
func (s *Server) callbackFailed(c *gin.Context, w http.ResponseWriter, err error) error {
	_, words := wordsFor(c.Request)
	status, title, text := http.StatusBadRequest, words.failed, words.failedText
	switch {
	case errors.Is(err, identity.ErrNoAccess):
		status, title, text = http.StatusForbidden, words.noAccess, words.noAccessText
	case errors.Is(err, identity.ErrCancelled):
		title, text = words.cancelled, words.cancelledText
	case errors.Is(err, identity.ErrUnreachable):
		status, text = http.StatusServiceUnavailable, words.awayText
	case errors.Is(err, identity.ErrAttempt):
		status, title, text = http.StatusGone, words.over, words.overText
	case !errors.Is(err, identity.ErrProvider):
		status, text = problem.From(err).Status, words.somethingText
	}
	s.Log.WarnContext(c, "single sign-on refused", "error", err, "request_id", problem.RequestID(c))
	return failedPage(c.Request, w, status, title, text)
}

// places are where a person may be led after signing in: the first part of a path.
var places = []string{"c", "help", "tickets", "onboarding", "documents", "exports", "conversations", "agent", "admin"}

// returnTo is a path of this portal, as it is, or empty. It never leads to
// another site, however a browser reads it.
func returnTo(next string) string {
	if len(next) == 0 || len(next) > 500 || strings.IndexFunc(next, func(r rune) bool { return r < 0x21 || r > 0x7e || r == '\\' }) >= 0 {
		return ""
	}
	parsed, err := url.Parse(next)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || parsed.Opaque != "" {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(parsed.Path, "/"), "/")
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || path.Clean(parsed.Path) != strings.TrimSuffix(parsed.Path, "/") || !slices.Contains(places, first) {
		return ""
	}
	return next
}
