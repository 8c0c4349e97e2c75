package api_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/saml"
	"github.com/usherdesk/usher/integrations/saml/samlfake"
	"github.com/usherdesk/usher/portal/identity"
)

// connectSAML gives an organisation a SAML provider of its own.
func (s *sso) connectSAML(t *testing.T, tenant uuid.UUID, domain string, change ...func(*identity.Connection)) *samlfake.Provider {
	t.Helper()
	about, err := saml.New(saml.Config{PublicURL: publicURL}).Metadata()
	require.NoError(t, err)
	p, err := samlfake.New("https://idp."+domain, about, func() time.Time { return time.Now().Add(s.skipped) })
	require.NoError(t, err)
	metadata, err := p.Metadata()
	require.NoError(t, err)
	c := identity.Connection{TenantID: tenant, Protocol: identity.SAML, Issuer: p.EntityID(), Metadata: metadata, Domains: []string{domain}, Enabled: true}
	for _, f := range change {
		f(&c)
	}
	require.NoError(t, s.identity.PutConnection(t.Context(), c))
	return p
}

// answer is what the provider has the browser post.
func (b *browser) answer(t *testing.T, p *samlfake.Provider, email string, person samlfake.Person) url.Values {
	t.Helper()
	form, err := p.Approve(b.start(t, email, "/tickets"), person, samlfake.Answer{})
	require.NoError(t, err)
	return form
}

// post sends a form; cross says that another site does, so cookies stay behind.
func (b *browser) post(t *testing.T, path string, form url.Values, cross bool) (*http.Response, string) {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, publicURL+path, strings.NewReader(form.Encode())).WithContext(t.Context())
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !cross {
		for name, value := range b.cookies {
			request.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	response, text := b.s.serve(t, request)
	for _, c := range response.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return response, text
}

var hidden = regexp.MustCompile(`name="(\w+)" value="([^"]*)"`)

// finish posts what the provider sent, and then what our page does.
func (b *browser) finish(t *testing.T, form url.Values) (*http.Response, string) {
	t.Helper()
	response, page := b.post(t, "/saml/acs", form, true)
	require.Equal(t, http.StatusOK, response.StatusCode, page)
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "form-action 'self'")
	require.Empty(t, response.Cookies())
	again := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		again.Set(m[1], html.UnescapeString(m[2]))
	}
	require.Equal(t, form, again)
	return b.post(t, "/saml/finish", again, false)
}

func TestSignInBySAML(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	p := s.connectSAML(t, s.acme, "acme.test", func(c *identity.Connection) {
		c.JustInTime, c.RolesClaim, c.Roles = true, "groups", map[string][]string{"support-admins": {"admin"}, "support": {"member"}}
	})
	b := s.browser()
	response, text := b.finish(t, b.answer(t, p, "new@acme.test", samlfake.Person{NameID: "n-1", Email: "new@acme.test", Groups: []string{"support"}}))
	require.Equal(t, http.StatusSeeOther, response.StatusCode, text)
	require.Equal(t, "/tickets", response.Header.Get("Location"))
	status, roles := b.me(t)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []string{"member"}, roles)
	status, _ = b.export(t)
	require.Equal(t, http.StatusNotFound, status, "exports are for administrators")

	// Roles are of the last sign-in, and the person the same.
	b = s.browser()
	response, _ = b.finish(t, b.answer(t, p, "new@acme.test", samlfake.Person{NameID: "n-1", Email: "new@acme.test", Groups: []string{"support-admins"}}))
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	_, roles = b.me(t)
	require.Equal(t, []string{"admin"}, roles)
	status, _ = b.export(t)
	require.Equal(t, http.StatusOK, status, "signing in there a moment ago is proof enough")
	var people int
	require.NoError(t, s.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from users where email = 'new@acme.test'`).Scan(&people)
	}))
	require.Equal(t, 1, people)

	// Who inherits the address does not inherit the person.
	b = s.browser()
	response, _ = b.finish(t, b.answer(t, p, "new@acme.test", samlfake.Person{NameID: "n-2", Email: "new@acme.test", Groups: []string{"support"}}))
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	// A provider speaks for its own domains only.
	b = s.browser()
	response, _ = b.finish(t, b.answer(t, p, "x@acme.test", samlfake.Person{NameID: "n-3", Email: "olga@other.test", Groups: []string{"support"}}))
	require.Equal(t, http.StatusForbidden, response.StatusCode)
}

func TestASAMLAnswerIsBoundToItsAttempt(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	p := s.connectSAML(t, s.acme, "acme.test")
	theirs := s.connectSAML(t, s.other, "other.test")
	person := samlfake.Person{NameID: "ana-1", Email: "ana@acme.test"}
	status := func(response *http.Response, _ string) int { return response.StatusCode }

	b := s.browser()
	form := b.answer(t, p, "ana@acme.test", person)
	require.Equal(t, http.StatusGone, status(s.browser().finish(t, form)), "in another browser")
	victim := s.browser()
	victim.start(t, "ana@acme.test", "")
	require.Equal(t, http.StatusGone, status(victim.finish(t, form)), "in another browser that has begun its own")
	require.Equal(t, http.StatusSeeOther, status(b.finish(t, form)))
	again := s.browser()
	again.start(t, "ana@acme.test", "")
	again.cookies["__Host-usher-signin"] = b.cookies["__Host-usher-signin"]
	require.Equal(t, http.StatusGone, status(b.finish(t, form)), "replayed")
	require.Equal(t, http.StatusGone, status(again.finish(t, form)), "replayed elsewhere")

	// A replayed assertion fits no later attempt, of this browser either.
	b = s.browser()
	used := b.answer(t, p, "ana@acme.test", person)
	to := b.answer(t, p, "ana@acme.test", person)
	require.Equal(t, http.StatusSeeOther, status(b.finish(t, used)))
	b.cookies["__Host-usher-signin"] = strings.Repeat("A", 43)
	mixed := url.Values{"RelayState": to["RelayState"], "SAMLResponse": used["SAMLResponse"]}
	require.Equal(t, http.StatusGone, status(b.finish(t, mixed)))
	b = s.browser()
	one, two := b.answer(t, p, "ana@acme.test", person), b.answer(t, p, "ana@acme.test", person)
	mixed = url.Values{"RelayState": two["RelayState"], "SAMLResponse": one["SAMLResponse"]}
	require.Equal(t, http.StatusBadRequest, status(b.finish(t, mixed)), "the answer to another request")

	// Whoever takes the provider's name has not its key.
	about, err := saml.New(saml.Config{PublicURL: publicURL}).Metadata()
	require.NoError(t, err)
	impostor, err := samlfake.New("https://idp.acme.test", about, nil)
	require.NoError(t, err)
	b = s.browser()
	foreign, err := impostor.Approve(b.start(t, "ana@acme.test", ""), person, samlfake.Answer{})
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, status(b.finish(t, foreign)))
	b = s.browser()
	// Another organisation's answer is not one of this one's.
	swapped := b.answer(t, theirs, "olga@other.test", samlfake.Person{NameID: "o-1", Email: "olga@other.test"})
	swapped.Set("RelayState", strings.Replace(swapped.Get("RelayState"), strings.ReplaceAll(s.other.String(), "-", ""), strings.ReplaceAll(s.acme.String(), "-", ""), 1))
	require.Equal(t, http.StatusGone, status(b.finish(t, swapped)))
	// Not asked for at all.
	require.Equal(t, http.StatusGone, status(s.browser().finish(t, url.Values{"RelayState": {""}, "SAMLResponse": form["SAMLResponse"]})))
	// Too late.
	b = s.browser()
	late := b.answer(t, p, "ana@acme.test", person)
	s.skipped = 11 * time.Minute
	require.Equal(t, http.StatusGone, status(b.finish(t, late)))
}

func TestASAMLConnectionIsChecked(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	for want, c := range map[string]identity.Connection{
		"by its metadata":      {Protocol: identity.SAML, Issuer: "x", Domains: []string{"acme.test"}},
		"for OpenID Connect":   {Protocol: identity.SAML, Issuer: "x", Metadata: "<x/>", SecretEnv: "S", Domains: []string{"acme.test"}},
		"metadata is for":      {Issuer: "https://idp.test", ClientID: "x", Metadata: "<x/>", Domains: []string{"acme.test"}},
		"must be oidc or":      {Protocol: "ldap", Issuer: "https://idp.test", ClientID: "x", Domains: []string{"acme.test"}},
		"another organisation": {TenantID: s.other, Protocol: identity.SAML, Issuer: "x", Metadata: "<x/>", Domains: []string{"acme.test"}},
	} {
		if want == "another organisation" {
			s.connectSAML(t, s.acme, "acme.test")
		}
		require.ErrorContains(t, s.identity.PutConnection(t.Context(), c), want)
	}
}
