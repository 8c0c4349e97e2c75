package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/oidc"
	"github.com/usherdesk/usher/integrations/oidc/oidcfake"
	"github.com/usherdesk/usher/integrations/saml"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/triage/confirm"
)

const (
	publicURL    = "https://support.example"
	callbackPath = "/v1/auth/callback"
)

// sso is a server, a provider over HTTP, and mail that is kept.
type sso struct {
	*bundle
	provider *oidcfake.Provider
	mail     *postbox
	confirm  *confirm.Service
	skipped  time.Duration
}

type postbox struct{ letters []letter }

type letter struct{ id, to, subject, text string }

func (p *postbox) Mail(_ context.Context, id, to, subject, text string) error {
	p.letters = append(p.letters, letter{id, to, subject, text})
	return nil
}

func setupSSO(t *testing.T) *sso {
	t.Helper()
	s := &sso{provider: oidcfake.Start(publicURL + callbackPath), mail: &postbox{}}
	t.Cleanup(s.provider.Close)
	var made *identity.Service
	s.bundle = setup(t, func(c *api.Config) {
		jobs, err := river.NewClient(riverpgxv5.New(c.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
		require.NoError(t, err)
		now := func() time.Time { return time.Now().Add(s.skipped) }
		c.PublicURL, c.Log = publicURL, slog.New(slog.DiscardHandler)
		s.confirm = confirm.New("a secret that is long enough", jobs, now)
		made = identity.New(c.App, c.Worker, identity.Config{
			Confirm: s.confirm, Jobs: jobs, Mailer: s.mail, PublicURL: publicURL, Now: now,
			Provider: identity.ByProtocol{identity.SAML: saml.New(saml.Config{PublicURL: publicURL, Now: now}), identity.OIDC: oidc.New(oidc.Config{
				RedirectURL: publicURL + callbackPath, Now: now, Secret: func(string) string { return oidcfake.ClientSecret },
				Dialer: func(networks []netip.Prefix) *net.Dialer { return egress.Guard{Allow: networks}.Dialer() },
			})},
		})
		c.Identity = made
	})
	s.identity = made
	return s
}

func (s *sso) connect(t *testing.T, tenant uuid.UUID, domain string, change ...func(*identity.Connection)) {
	t.Helper()
	c := identity.Connection{TenantID: tenant, Issuer: s.provider.URL, ClientID: oidcfake.ClientID, SecretEnv: "SECRET", Domains: []string{domain}, Networks: []string{"127.0.0.0/8"}, Enabled: true}
	for _, f := range change {
		f(&c)
	}
	require.NoError(t, s.identity.PutConnection(t.Context(), c))
}

// browser keeps cookies as a browser does.
type browser struct {
	s       *sso
	cookies map[string]string
}

func (s *sso) browser() *browser { return &browser{s, map[string]string{}} }

func (b *browser) do(t *testing.T, method, path, body string) (*http.Response, string) {
	t.Helper()
	request := httptest.NewRequest(method, publicURL+path, strings.NewReader(body)).WithContext(t.Context())
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range b.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
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

func (b *browser) start(t *testing.T, email, next string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "next": next})
	require.NoError(t, err)
	response, text := b.do(t, http.MethodPost, "/v1/auth/start", string(body))
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	var step struct{ Method, URL string }
	require.NoError(t, json.Unmarshal([]byte(text), &step))
	require.Equal(t, "provider", step.Method)
	return step.URL
}

// approve signs in at the provider and gives the path it sends the browser to.
func (s *sso) approve(t *testing.T, to, person string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(to, url.Values{"person": {person}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	back := response.Header.Get("Location")
	require.True(t, strings.HasPrefix(back, publicURL+callbackPath+"?"), back)
	return strings.TrimPrefix(back, publicURL)
}

func (b *browser) signIn(t *testing.T, email, next string) *http.Response {
	t.Helper()
	response, _ := b.do(t, http.MethodGet, b.s.approve(t, b.start(t, email, next), strings.ToLower(email)), "")
	return response
}

func (b *browser) me(t *testing.T) (status int, roles []string) {
	t.Helper()
	response, text := b.do(t, http.MethodGet, "/v1/me", "")
	var me struct{ Roles []string }
	require.NoError(t, json.Unmarshal([]byte(text), &me))
	return response.StatusCode, me.Roles
}

func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	s.connect(t, s.acme, "acme.test")
	s.provider.Person("ana@acme.test", nil)
	b := s.browser()
	response := b.signIn(t, "Ana@Acme.test", "/tickets")
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	require.Equal(t, "/tickets", response.Header.Get("Location"))
	// A5: the browser holds a session cookie and nothing of the provider's.
	var session *http.Cookie
	for _, c := range response.Cookies() {
		if c.Name == "__Host-usher" {
			session = c
		}
	}
	require.NotNil(t, session)
	require.True(t, session.Secure && session.HttpOnly && session.Path == "/" && session.Domain == "" && session.SameSite == http.SameSiteLaxMode)
	require.Equal(t, []string{"__Host-usher"}, slices.Collect(maps.Keys(b.cookies)))
	status, roles := b.me(t)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []string{"admin"}, roles, "the invitation's, as the connection maps none")

	// Signing in again makes a new session; the old cookie, stolen, is worth nothing.
	stolen := s.browser()
	stolen.cookies["__Host-usher"] = b.cookies["__Host-usher"]
	status, _ = stolen.me(t)
	require.Equal(t, http.StatusOK, status)
	b.signIn(t, "ana@acme.test", "")
	require.NotEqual(t, stolen.cookies["__Host-usher"], b.cookies["__Host-usher"])
	status, _ = stolen.me(t)
	require.Equal(t, http.StatusUnauthorized, status)
}

// A3: each thing that binds the answer to this browser and this attempt.
func TestAnAnswerOfTheProviderIsBoundToItsAttempt(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	s.connect(t, s.acme, "acme.test")
	s.provider.Person("ana@acme.test", nil)
	s.provider.Person("bruno@acme.test", nil)
	change := func(path, name, value string) string {
		parsed, err := url.Parse(path)
		require.NoError(t, err)
		q := parsed.Query()
		q.Set(name, value)
		return callbackPath + "?" + q.Encode()
	}
	for name, test := range map[string]func(b *browser) (path string, status int){
		"without the browser's cookie": func(b *browser) (string, int) {
			path := s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test")
			delete(b.cookies, "__Host-usher-signin")
			return path, http.StatusGone
		},
		"in another browser, which has begun its own": func(b *browser) (string, int) {
			victim := s.browser()
			path := s.approve(t, b.start(t, "bruno@acme.test", ""), "bruno@acme.test")
			victim.start(t, "ana@acme.test", "")
			b.cookies = victim.cookies
			return path, http.StatusGone
		},
		"with a forged state": func(b *browser) (string, int) {
			return change(s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test"), "state", "sso_"+strings.ReplaceAll(s.acme.String(), "-", "")+"_forged"), http.StatusGone
		},
		"with no state": func(b *browser) (string, int) {
			return change(s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test"), "state", ""), http.StatusGone
		},
		"with the state of another tenant": func(b *browser) (string, int) {
			path := s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test")
			state := url.Values{}
			if parsed, err := url.Parse(path); err == nil {
				state = parsed.Query()
			}
			return change(path, "state", strings.Replace(state.Get("state"), strings.ReplaceAll(s.acme.String(), "-", ""), strings.ReplaceAll(s.other.String(), "-", ""), 1)), http.StatusGone
		},
		"with a code of another attempt of this browser": func(b *browser) (string, int) {
			first := s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test")
			second := s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test")
			parsed, err := url.Parse(first)
			require.NoError(t, err)
			return change(second, "code", parsed.Query().Get("code")), http.StatusBadRequest
		},
		"with the issuer of a mix-up": func(b *browser) (string, int) {
			return change(s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test"), "iss", "https://evil.test"), http.StatusBadRequest
		},
		"used before": func(b *browser) (string, int) {
			path := s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test")
			keep := b.cookies["__Host-usher-signin"]
			response, _ := b.do(t, http.MethodGet, path, "")
			require.Equal(t, http.StatusSeeOther, response.StatusCode)
			b.cookies = map[string]string{"__Host-usher-signin": keep}
			return path, http.StatusGone
		},
		"cancelled": func(b *browser) (string, int) {
			path := s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test")
			return change(change(path, "error", "access_denied"), "code", ""), http.StatusBadRequest
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			path, want := test(b)
			response, text := b.do(t, http.MethodGet, path, "")
			require.Equal(t, want, response.StatusCode, text)
			require.Contains(t, response.Header.Get("Content-Type"), "text/html")
			require.Equal(t, "no-referrer", response.Header.Get("Referrer-Policy"))
			require.NotContains(t, b.cookies, "__Host-usher")
			require.Contains(t, text, `href="/signin"`)
		})
	}
	t.Run("after ten minutes", func(t *testing.T) {
		b := s.browser()
		path := s.approve(t, b.start(t, "ana@acme.test", ""), "ana@acme.test")
		s.skipped = 11 * time.Minute
		response, _ := b.do(t, http.MethodGet, path, "")
		require.Equal(t, http.StatusGone, response.StatusCode)
		s.skipped = 0
	})
	t.Run("leaves nothing secret in the database", func(t *testing.T) {
		b := s.browser()
		to, err := url.Parse(b.start(t, "ana@acme.test", ""))
		require.NoError(t, err)
		require.NoError(t, s.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			var text string
			require.NoError(t, tx.QueryRow(t.Context(), `select coalesce(string_agg(a::text, ' '), '') from sso_attempts a`).Scan(&text))
			require.NotEmpty(t, text)
			for _, secret := range []string{b.cookies["__Host-usher-signin"], to.Query().Get("state"), to.Query().Get("nonce")} {
				require.NotContains(t, text, secret)
			}
			return nil
		}))
	})
}

func TestWhoTheProviderMayVouchFor(t *testing.T) {
	t.Parallel()
	no := false
	mapping := func(c *identity.Connection) {
		c.RolesClaim, c.Roles = "realm.roles", map[string][]string{"usher-admins": {"admin"}, "usher-people": {"member"}}
		c.DepartmentsClaim, c.Departments = "dept", map[string][]string{"fin": {"finance"}}
	}
	roles := func(values ...string) map[string]any {
		return map[string]any{"realm": map[string]any{"roles": values}, "dept": "fin"}
	}
	for name, test := range map[string]struct {
		email  string
		claims map[string]any
		change func(*identity.Connection)
		roles  []string // nil: refused
	}{
		"an invited person":                       {"bruno@acme.test", nil, nil, []string{"member"}},
		"nobody who was not invited":              {"new@acme.test", nil, nil, nil},
		"somebody new, where that is wanted":      {"new@acme.test", nil, func(c *identity.Connection) { c.JustInTime, c.DefaultRoles = true, []string{"member"} }, []string{"member"}},
		"an address of another domain":            {"bruno@acme.test", map[string]any{"email": "olga@other.test"}, nil, nil},
		"an address of a domain below":            {"bruno@acme.test", map[string]any{"email": "bruno@mail.acme.test"}, nil, nil},
		"an address that is not verified":         {"bruno@acme.test", map[string]any{"email_verified": no}, nil, nil},
		"an address not verified, said in a text": {"bruno@acme.test", map[string]any{"email_verified": "false"}, nil, nil},
		"no address":                         {"bruno@acme.test", map[string]any{"email": ""}, nil, nil},
		"a role by a claim":                  {"bruno@acme.test", roles("usher-admins", "else"), mapping, []string{"admin"}},
		"two roles by a claim":               {"bruno@acme.test", roles("usher-people", "usher-admins"), mapping, []string{"admin", "member"}},
		"a role less than the invitation's":  {"ana@acme.test", roles("usher-people"), mapping, []string{"member"}},
		"nobody whose claims map to no role": {"ana@acme.test", roles("else"), mapping, nil},
		"somebody new by a claim":            {"new@acme.test", roles("usher-people"), func(c *identity.Connection) { mapping(c); c.JustInTime = true }, []string{"member"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupSSO(t)
			s.connect(t, s.acme, "acme.test", func(c *identity.Connection) {
				if test.change != nil {
					test.change(c)
				}
			})
			s.provider.Person(test.email, test.claims)
			b := s.browser()
			response := b.signIn(t, test.email, "")
			if test.roles == nil {
				require.Equal(t, http.StatusForbidden, response.StatusCode)
				require.NotContains(t, b.cookies, "__Host-usher")
				return
			}
			require.Equal(t, http.StatusSeeOther, response.StatusCode)
			_, roles := b.me(t)
			require.Equal(t, test.roles, roles)
		})
	}
	t.Run("never another organisation's people", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		s.connect(t, s.acme, "acme.test")
		err := s.identity.PutConnection(t.Context(), identity.Connection{TenantID: s.other, Issuer: s.provider.URL, ClientID: "x", Domains: []string{"acme.test"}, Enabled: true})
		require.ErrorIs(t, err, identity.ErrBadConnection)
		require.ErrorContains(t, err, "acme.test")
	})
	t.Run("not who has got somebody else's address", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		s.connect(t, s.acme, "acme.test")
		s.provider.Person("bruno@acme.test", nil)
		require.Equal(t, http.StatusSeeOther, s.browser().signIn(t, "bruno@acme.test", "").StatusCode)
		s.provider.Person("bruno@acme.test", map[string]any{"sub": "another person"})
		require.Equal(t, http.StatusForbidden, s.browser().signIn(t, "bruno@acme.test", "").StatusCode)
	})
	t.Run("the same person under a new address", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		s.connect(t, s.acme, "acme.test")
		s.provider.Person("bruno@acme.test", nil)
		first := s.browser()
		first.signIn(t, "bruno@acme.test", "")
		s.provider.Person("bruno.new@acme.test", map[string]any{"sub": "sub-bruno@acme.test"})
		second := s.browser()
		require.Equal(t, http.StatusSeeOther, second.signIn(t, "bruno.new@acme.test", "").StatusCode)
		_, one := first.do(t, http.MethodGet, "/v1/me", "")
		_, two := second.do(t, http.MethodGet, "/v1/me", "")
		require.Equal(t, one, two)
	})
	t.Run("nobody deactivated, and nobody of a suspended organisation", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		s.connect(t, s.acme, "acme.test")
		s.provider.Person("bruno@acme.test", nil)
		exec := func(sql string) {
			require.NoError(t, s.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), sql, s.acme)
				return err
			}))
		}
		exec(`update users set state = 'deactivated' where tenant_id = $1 and email = 'bruno@acme.test'`)
		require.Equal(t, http.StatusForbidden, s.browser().signIn(t, "bruno@acme.test", "").StatusCode)
		exec(`update users set state = 'active' where tenant_id = $1`)
		b := s.browser()
		path := s.approve(t, b.start(t, "bruno@acme.test", ""), "bruno@acme.test")
		exec(`update tenants set lifecycle_state = 'suspended' where id = $1`)
		response, _ := b.do(t, http.MethodGet, path, "")
		require.Equal(t, http.StatusForbidden, response.StatusCode)
	})
	t.Run("staff, at their own provider", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		s.connect(t, uuid.Nil, "usher.test")
		s.provider.Person("sam@usher.test", nil)
		s.provider.Person("stranger@usher.test", nil)
		b := s.browser()
		response := b.signIn(t, "sam@usher.test", "")
		require.Equal(t, http.StatusSeeOther, response.StatusCode)
		require.Equal(t, "/agent", response.Header.Get("Location"))
		require.Equal(t, http.StatusForbidden, s.browser().signIn(t, "stranger@usher.test", "").StatusCode)
	})
}

// Two first sign-ins of one person at once make one person, and both are in.
func TestTwoFirstSignInsAtOnce(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	s.connect(t, s.acme, "acme.test", func(c *identity.Connection) { c.JustInTime, c.DefaultRoles = true, []string{"member"} })
	s.connect(t, uuid.Nil, "usher.test", func(c *identity.Connection) { c.JustInTime, c.DefaultRoles = true, []string{"agent"} })
	for _, who := range []string{"new@acme.test", "new@usher.test"} {
		s.provider.Person(who, nil)
		type way struct {
			b    *browser
			path string
		}
		var ways []way
		for range 6 {
			b := s.browser()
			ways = append(ways, way{b, s.approve(t, b.start(t, who, ""), who)})
		}
		statuses := make(chan int, len(ways))
		for _, w := range ways {
			go func() {
				response, _ := w.b.do(t, http.MethodGet, w.path, "")
				statuses <- response.StatusCode
			}()
		}
		for range ways {
			require.Equal(t, http.StatusSeeOther, <-statuses, who)
		}
		for _, w := range ways {
			status, _ := w.b.me(t)
			require.Equal(t, http.StatusOK, status)
		}
		var people int
		require.NoError(t, s.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select (select count(*) from users where email = $1) + (select count(*) from staff where email = $1)`, who).Scan(&people)
		}))
		require.Equal(t, 1, people)
	}
}

func TestSignInPagesSpeakTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	page := func(path, accept string) string {
		request := httptest.NewRequest(http.MethodGet, publicURL+path, nil).WithContext(t.Context())
		if strings.HasPrefix(path, "/s/") && strings.HasSuffix(path, "!") {
			request = httptest.NewRequest(http.MethodPost, publicURL+strings.TrimSuffix(path, "!"), nil).WithContext(t.Context())
		}
		request.Header.Set("Accept-Language", accept)
		response, text := s.serve(t, request)
		require.Contains(t, response.Header.Values("Vary"), "Accept-Language", path)
		return text
	}
	for accept, want := range map[string][4]string{
		"":                             {`lang="en"`, "This sign-in is over", "This sign-in link has expired", "One moment"},
		"de-AT,de;q=0.9,en;q=0.5":      {`lang="de"`, "Diese Anmeldung ist vorbei", "Dieser Anmeldelink gilt nicht mehr", "Einen Moment"},
		"nl, fr-CA;q=0.8, en;q=0.2":    {`lang="fr"`, "Cette connexion est terminée", "Ce lien de connexion n&#39;est plus valable", "Un instant"},
		"es-419":                       {`lang="es"`, "Este inicio de sesión ha terminado", "Este enlace de acceso ha caducado", "Un momento"},
		"pt-BR":                        {`lang="pt"`, "Este início de sessão terminou", "Este link de acesso expirou", "Um momento"},
		"ja":                           {`lang="en"`, "This sign-in is over", "This sign-in link has expired", "One moment"},
		"\"><script>alert(1)</script>": {`lang="en"`, "This sign-in is over", "This sign-in link has expired", "One moment"},
	} {
		over := page(callbackPath+"?state=x&code=y", accept)
		require.Contains(t, over, want[0], accept)
		require.Contains(t, over, want[1])
		require.Contains(t, over, `href="/signin"`)
		require.Contains(t, page("/s/lnk_gone!", accept), want[2])
		require.Contains(t, page("/s/lnk_gone", accept), want[3])
		require.NotContains(t, over, "alert")
	}
}

// A2: wherever next points, it leads to a place of this portal or to the start.
func TestNextLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/tickets": "/tickets", "/c/0192aaaa": "/c/0192aaaa", "/onboarding#milestones": "/onboarding#milestones", "/help/a?b=c": "/help/a?b=c", "/exports": "/exports",
		"": "/", "/": "/", "https://evil.test/c/": "/", "//evil.test/c/": "/", "/\\evil.test": "/", "/c/..//evil.test": "/", "/c/../../evil": "/", "/v1/auth/logout": "/", "/ticketsevil.test": "/",
		"/c/\r\nSet-Cookie: a=b": "/", "/c/\t/evil.test": "/", "javascript:alert(1)": "/", "/%2f/evil.test": "/", "/c/%2e%2e/%2e%2e//evil": "/", "/c/\x00": "/", "tickets": "/", "/s/lnk_x": "/", "/c/@evil.test": "/c/@evil.test",
	} {
		require.Equal(t, want, api.Home(identity.Principal{Kind: identity.Customer}, next), next)
	}
}

func FuzzNext(f *testing.F) {
	for _, seed := range []string{"/tickets", "//evil.test", "/c/\\evil", "/help/%2f%2fevil", "https:/c/", "/c/..;/x", "/\t/evil.test", "/agent/?u=//x"} {
		f.Add(seed)
	}
	base, err := url.Parse(publicURL)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, next string) {
		to := api.Home(identity.Principal{Kind: identity.Customer}, next)
		parsed, err := url.Parse(to)
		require.NoError(t, err)
		require.Equal(t, "support.example", base.ResolveReference(parsed).Host)
		require.True(t, to == "/" || to == next && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\r\n\t \x00"), to)
	})
}

// A10: a request cannot say of which tenant it is.
func TestTheTenantComesFromTheSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, own := b.do(t, http.MethodGet, "/v1/me", bruno, "")
	for _, header := range []string{"X-Tenant-Id", "X-Tenant", "Tenant", "X-Usher-Tenant", "X-Forwarded-Tenant", "Tenant-Id"} {
		for _, path := range []string{"/v1/me", "/v1/me?tenant=" + b.other.String(), "/v1/me?tenant_id=" + b.other.String()} {
			request := httptest.NewRequest(http.MethodGet, path, nil).WithContext(t.Context())
			request.Header.Set("Authorization", "Bearer "+b.tokens[bruno])
			request.Header.Set(header, b.other.String())
			_, text := b.serve(t, request)
			require.Equal(t, own, text, header+" "+path)
		}
	}
	response, text := b.do(t, http.MethodPost, "/v1/conversations", bruno, `{"text":"hello","tenant_id":"`+b.other.String()+`","tenant":"`+b.other.String()+`"}`)
	require.Equal(t, http.StatusCreated, response.StatusCode, text)
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		var n int
		require.NoError(t, tx.QueryRow(t.Context(), `select count(*) from conversations where tenant_id = $1`, b.other).Scan(&n))
		require.Zero(t, n)
		require.NoError(t, tx.QueryRow(t.Context(), `select count(*) from conversations where tenant_id = $1`, b.acme).Scan(&n))
		require.Equal(t, 1, n)
		return nil
	}))
}

func (s *sso) ask(t *testing.T, b *browser, email string) (int, string) {
	t.Helper()
	response, text := b.do(t, http.MethodPost, "/v1/auth/start", `{"email":"`+email+`","next":"/tickets","language":"de-AT"}`)
	return response.StatusCode, text
}

// deliver works the jobs that send links.
func (s *sso) deliver(t *testing.T) {
	t.Helper()
	rows, err := s.db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = 'send_sign_in_link' returning args`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	require.NoError(t, err)
	for _, raw := range list {
		require.NotContains(t, string(raw), "@", "a job carries ids")
		var args identity.LinkArgs
		require.NoError(t, json.Unmarshal(raw, &args))
		require.NoError(t, s.identity.SendLinks(t.Context(), args.RequestID))
		require.NoError(t, s.identity.SendLinks(t.Context(), args.RequestID), "a second run sends nothing")
	}
}

func TestALinkByMail(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	b := s.browser()
	status, known := s.ask(t, b, "Bruno@acme.test")
	require.Equal(t, http.StatusOK, status, known)
	status, unknown := s.ask(t, b, "nobody@acme.test")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, known, unknown, "the answer does not say whether somebody has the address")
	s.deliver(t)
	require.Len(t, s.mail.letters, 1)
	mail := s.mail.letters[0]
	require.Equal(t, "bruno@acme.test", mail.to)
	at := strings.Index(mail.text, publicURL+"/s/lnk_")
	require.GreaterOrEqual(t, at, 0, mail.text)
	link, _, _ := strings.Cut(mail.text[at+len(publicURL):], "\n")
	response, _ := b.do(t, http.MethodPost, link, "")
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	require.Equal(t, "/tickets", response.Header.Get("Location"))
	response, _ = s.browser().do(t, http.MethodPost, link, "")
	require.Equal(t, http.StatusGone, response.StatusCode, "once")

	for range 10 { // one address gets few, and whoever asks does not see it
		status, text := s.ask(t, b, "bruno@acme.test")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, known, text)
	}
	s.deliver(t)
	require.Len(t, s.mail.letters, 4)
	for _, bad := range []string{"x", "a@b@c", "Ana <ana@acme.test>", "ana@acme.test, bo@acme.test"} {
		status, text := s.ask(t, s.browser(), bad)
		require.Equal(t, http.StatusBadRequest, status, text)
	}
	for range 30 {
		status, _ = s.ask(t, b, "x"+uuid.NewString()+"@acme.test")
	}
	require.Equal(t, http.StatusTooManyRequests, status, "one place asks for few")
	require.NoError(t, s.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		var kept int
		require.NoError(t, tx.QueryRow(t.Context(), `select count(*) from sign_in_requests where address = 'bruno@acme.test'`).Scan(&kept))
		require.Zero(t, kept, "an address goes with its mail")
		return nil
	}))
}

func TestLinksAndProvidersDoNotMix(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	require.Equal(t, http.StatusOK, func() int { status, _ := s.ask(t, s.browser(), "bruno@acme.test"); return status }())
	s.connect(t, s.acme, "acme.test")
	s.deliver(t)
	require.Empty(t, s.mail.letters, "where the provider speaks for an address, links do not go around it")
}
