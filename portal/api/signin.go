package api

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage/sla"
)

// cookieName is the session cookie's: bound to the host where there is TLS.
func (s *Server) cookieName() string {
	if strings.HasPrefix(s.PublicURL, "https://") {
		return "__Host-usher"
	}
	return "usher"
}

func (s *Server) cookie(token string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.PublicURL, "https://"), MaxAge: int(age.Seconds()),
	}
}

// signInPage is what a sign-in link opens. It posts by itself, so that a mail
// program's link preview does not use the link up; without scripts there is a button.
func (s *Server) signInPage(c *gin.Context) {
	postsItself(c, "")
}

// postsItself is a page whose form, with these hidden fields by name and value, goes
// to a place of ours (empty: the page's own) as soon as it is there.
func postsItself(c *gin.Context, action string, fields ...[2]string) {
	lang, w := wordsFor(c.Request)
	nonce := problem.NewRequestID() + problem.NewRequestID()
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("Vary", "Accept-Language")
	var body strings.Builder
	body.WriteString(`<p>` + html.EscapeString(w.oneMoment) + `</p><form method="post"`)
	if action != "" {
		body.WriteString(` action="` + html.EscapeString(action) + `"`)
	}
	body.WriteString(">\n")
	for _, f := range fields {
		body.WriteString(`<input type="hidden" name="` + html.EscapeString(f[0]) + `" value="` + html.EscapeString(f[1]) + "\">\n")
	}
	body.WriteString(`<button type="submit">` + html.EscapeString(w.proceed) + `</button></form>
<script nonce="` + nonce + `">document.forms[0].submit()</script>`)
	c.Data(http.StatusOK, "text/html; charset=utf-8", small(lang, w.signingIn, body.String(), nonce))
}

// signIn exchanges the link and goes on to the surface of whoever it was for.
func (s *Server) signIn(c *gin.Context) {
	session, who, err := s.Identity.Exchange(c.Request.Context(), c.Param("token"))
	if err != nil {
		s.signInFailed(c, err)
		return
	}
	s.leave(c)
	http.SetCookie(c.Writer, s.cookie(session, s.Identity.Lifetime()))
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, home(who, c.Query("next")))
}

// leave ends the session the browser brings along when it gets a new one. The
// new one counts even where that fails; the old one then ends by itself.
func (s *Server) leave(c *gin.Context) {
	old, err := c.Cookie(s.cookieName())
	if err != nil {
		return
	}
	if err := s.Identity.Logout(c.Request.Context(), old); err != nil {
		s.Log.WarnContext(c.Request.Context(), "the old session was not ended", "error", err)
	}
}

// home is where a person goes after signing in: a place of the portal that was
// asked for, or the start of their surface.
func home(who identity.Principal, next string) string {
	if next = returnTo(next); next != "" {
		return next
	}
	switch {
	case who.Kind != identity.Staff:
		return "/"
	case who.Actor.HasRole("agent"):
		if who.Actor.HasRole("curator") {
			return "/admin"
		}
		return "/agent"
	}
	return "/admin"
}

func (s *Server) signInFailed(c *gin.Context, err error) {
	_, w := wordsFor(c.Request)
	status, title, text := http.StatusGone, w.expired, w.expiredText
	if !errors.Is(err, identity.ErrLinkExpired) {
		status, title, text = problem.From(err).Status, w.failed, w.somethingText
		s.Log.ErrorContext(c.Request.Context(), "sign-in failed", "error", err)
	}
	if err := failedPage(c.Request, c.Writer, status, title, text); err != nil {
		s.Log.WarnContext(c.Request.Context(), "sign-in page was not written", "error", err)
	}
}

// failedPage says why nobody was signed in, what to do, and where.
func failedPage(r *http.Request, w http.ResponseWriter, status int, title, text string) error {
	lang, words := wordsFor(r)
	nonce, reference := problem.NewRequestID(), problem.RequestID(r.Context())
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	body := "<p>" + html.EscapeString(text) + `</p><p><a href="/signin">` + html.EscapeString(words.toSignIn) + "</a></p><p>" + html.EscapeString(words.reference+": "+reference) + "</p>"
	if _, err := w.Write(small(lang, title, body, nonce)); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// small is a page that needs nothing but itself.
func small(lang, title, body, nonce string) []byte {
	return fmt.Appendf(nil, `<!doctype html><html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s · Usher</title><style nonce="%s">:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.25rem}
button{font:inherit;min-height:2.75rem;padding:.5rem 1.25rem}</style></head><body><main><h1>%s</h1>%s</main></body></html>`,
		lang, html.EscapeString(title), nonce, html.EscapeString(title), body)
}

// ExchangeLink exchanges a sign-in link for a session cookie.
func (s *Server) ExchangeLink(ctx context.Context, request ExchangeLinkRequestObject) (ExchangeLinkResponseObject, error) {
	session, who, err := s.Identity.Exchange(ctx, request.Body.Token)
	if errors.Is(err, identity.ErrLinkExpired) {
		return nil, problem.New(http.StatusGone, "link_expired", "This sign-in link was used already or has expired. Ask for a new one.")
	}
	if err != nil {
		return nil, err
	}
	if c, ok := ctx.(*gin.Context); ok {
		s.leave(c)
	}
	cookie := s.cookie(session, s.Identity.Lifetime()).String()
	return ExchangeLink200JSONResponse{Body: s.me(ctx, who), Headers: ExchangeLink200ResponseHeaders{SetCookie: &cookie}}, nil
}

// Logout ends the session.
func (s *Server) Logout(ctx context.Context, _ LogoutRequestObject) (LogoutResponseObject, error) {
	if c, ok := ctx.(*gin.Context); ok {
		if token, err := c.Cookie(s.cookieName()); err == nil {
			if err := s.Identity.Logout(ctx, token); err != nil {
				return nil, err
			}
		}
	}
	gone := s.cookie("", -time.Second).String()
	return Logout204Response{Headers: Logout204ResponseHeaders{SetCookie: &gone}}, nil
}

// GetMe says who is signed in.
func (s *Server) GetMe(ctx context.Context, _ GetMeRequestObject) (GetMeResponseObject, error) {
	return GetMe200JSONResponse(s.me(ctx, principal(ctx))), nil
}

func (s *Server) me(ctx context.Context, who identity.Principal) Me {
	departments := list(who.Actor.Departments)
	me := Me{
		Kind: MeKind(who.Kind), ID: who.Actor.ID, Name: who.Actor.Name, Email: some(who.Email), Roles: list(who.Actor.Roles),
		Departments: &departments, Locale: who.Actor.Locale, TimeZone: who.Actor.TimeZone,
	}
	if who.Kind == identity.Staff {
		return me
	}
	me.Tenant = &Tenant{ID: who.Tenant.ID, Name: who.Tenant.Name, Slug: who.Tenant.Slug, TimeZone: some(who.Tenant.TimeZone), LifecycleState: some(who.Tenant.LifecycleState)}
	intro := introduce(who.Actor.Locale, s.expectation(ctx, who))
	if s.Onboarding != nil {
		if suggestions, err := s.Onboarding.Suggestions(ctx, who.Actor); err != nil {
			s.Log.WarnContext(ctx, "suggestions failed", "error", err)
		} else if len(suggestions) > 0 {
			intro.Suggestions = suggestions
		}
	}
	me.Assistant = &intro
	return me
}

// expectation is when people answer; empty where that cannot be told.
func (s *Server) expectation(ctx context.Context, who identity.Principal) (text string) {
	err := s.App.WithTenant(ctx, who.Tenant.ID, func(tx pgx.Tx) (err error) {
		text, err = sla.Expect(ctx, tx, who.Tenant.ID, languageOf(who.Actor.Locale), time.Now())
		return err
	})
	if err != nil {
		s.Log.WarnContext(ctx, "expectation failed", "error", err)
		return ""
	}
	return text
}

func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}
