package oidc_test

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/oidc"
	"github.com/usherdesk/usher/integrations/oidc/oidcfake"
	"github.com/usherdesk/usher/portal/identity"
)

const redirect = "https://support.example/v1/auth/callback"

type bundle struct {
	provider   *oidcfake.Provider
	client     *oidc.Client
	connection identity.Connection
	now        time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{provider: oidcfake.Start(redirect), now: time.Now()}
	t.Cleanup(b.provider.Close)
	b.provider.Person("ana@acme.test", map[string]any{"groups": []string{"support", "finance"}})
	b.client = oidc.New(oidc.Config{
		RedirectURL: redirect, Now: func() time.Time { return b.now },
		Dialer: func(networks []netip.Prefix) *net.Dialer { return egress.Guard{Allow: networks}.Dialer() },
		Secret: func(name string) string {
			return map[string]string{"ACME_SECRET": oidcfake.ClientSecret, "OTHER": "another"}[name]
		},
	})
	b.connection = identity.Connection{Issuer: b.provider.URL, ClientID: oidcfake.ClientID, SecretEnv: "ACME_SECRET", Networks: []string{"127.0.0.0/8"}}
	return b
}

var request = identity.Request{State: "the state", Nonce: "the nonce", Verifier: strings.Repeat("v", 43)}

// approve goes to the provider as a browser does and comes back with its answer.
func (b *bundle) approve(t *testing.T, r identity.Request) identity.Answer {
	t.Helper()
	to, err := b.client.AuthorizeURL(t.Context(), b.connection, r)
	require.NoError(t, err)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.PostForm(to, url.Values{"person": {"ana@acme.test"}})
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	back, err := response.Location()
	require.NoError(t, err)
	require.Equal(t, redirect, "https://"+back.Host+back.Path)
	q := back.Query()
	return identity.Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error")}
}

func (b *bundle) signIn(t *testing.T) (identity.Claims, error) {
	t.Helper()
	return b.client.Redeem(t.Context(), b.connection, request, b.approve(t, request))
}

func TestSignsIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	to, err := b.client.AuthorizeURL(t.Context(), b.connection, identity.Request{State: "s", Nonce: "n", Verifier: request.Verifier, Hint: "ana@acme.test"})
	require.NoError(t, err)
	parsed, err := url.Parse(to)
	require.NoError(t, err)
	q := parsed.Query()
	// A1: the code, with S256, and no other grant.
	require.Equal(t, []string{"code"}, q["response_type"])
	require.Equal(t, []string{"S256"}, q["code_challenge_method"])
	require.NotContains(t, to, request.Verifier)
	require.Equal(t, []string{"openid email profile"}, q["scope"], "no offline access: nothing to keep")
	require.Equal(t, []string{redirect}, q["redirect_uri"])
	require.Equal(t, []string{"ana@acme.test"}, q["login_hint"])

	claims, err := b.signIn(t)
	require.NoError(t, err)
	require.Equal(t, "sub-ana@acme.test", claims.Subject)
	require.Equal(t, b.provider.URL, claims.Issuer)
	require.Equal(t, "ana@acme.test", claims.Email)
	require.True(t, *claims.EmailVerified)
	require.Equal(t, []string{"support", "finance"}, claims.Values("groups"))
	require.WithinDuration(t, time.Now(), claims.AuthTime, 5*time.Second)
	require.Len(t, b.provider.Requests, 1)
	require.Equal(t, "authorization_code", b.provider.Requests[0].Get("grant_type"))
	require.Equal(t, request.Verifier, b.provider.Requests[0].Get("code_verifier"))
	require.Empty(t, b.provider.Requests[0].Get("client_secret"), "the secret is in the header")
}

// A3, A4: what an ID token and an answer must be. Each case is a good one with
// one thing wrong, or the least that is still right.
func TestWhatIsBelieved(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	change := func(name string, value any) func(*bundle) {
		return func(b *bundle) {
			b.provider.Change = func(claims map[string]any) {
				if value == nil {
					delete(claims, name)
					return
				}
				claims[name] = value
			}
		}
	}
	sign := func(f func(b *bundle, claims map[string]any) string) func(*bundle) {
		return func(b *bundle) {
			b.provider.Sign = func(claims map[string]any) string { return f(b, claims) }
		}
	}
	stranger := oidcfake.Start(redirect)
	t.Cleanup(stranger.Close)
	tests := map[string]struct {
		change func(*bundle)
		ok     bool
	}{
		"issuer: another":          {change("iss", "https://evil.test"), false},
		"issuer: with a slash":     {func(b *bundle) { b.provider.Change = func(c map[string]any) { c["iss"] = b.provider.URL + "/" } }, false},
		"issuer: none":             {change("iss", nil), false},
		"audience: another client": {change("aud", "another"), false},
		"audience: none":           {change("aud", nil), false},
		"audience: several, ours authorised": {func(b *bundle) {
			b.provider.Change = func(c map[string]any) { c["aud"], c["azp"] = []string{"x", oidcfake.ClientID}, oidcfake.ClientID }
		}, true},
		"audience: several, nobody named":   {change("aud", []string{"x", oidcfake.ClientID}), false},
		"authorised party: another":         {change("azp", "another"), false},
		"nonce: another":                    {change("nonce", "another"), false},
		"nonce: none":                       {change("nonce", nil), false},
		"subject: none":                     {change("sub", nil), false},
		"expiry: 30 s ago, within the skew": {change("exp", in(-30*time.Second)), true},
		"expiry: 62 s ago":                  {change("exp", in(-62*time.Second)), false},
		"expiry: none":                      {change("exp", nil), false},
		"issued: in 30 s, within the skew":  {change("iat", in(30*time.Second)), true},
		"issued: in 90 s":                   {change("iat", in(90*time.Second)), false},
		"issued: never":                     {change("iat", nil), false},
		"not before: in 30 s":               {change("nbf", in(30*time.Second)), true},
		"not before: in 90 s":               {change("nbf", in(90*time.Second)), false},
		"access token: of another":          {change("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), false},
		"algorithm: EC, published":          {func(b *bundle) { b.provider.AddEC("ec-1") }, true},
		"algorithm: none":                   {sign(func(_ *bundle, c map[string]any) string { return oidcfake.Unsigned(c) }), false},
		"algorithm: HMAC by the client secret": {sign(func(_ *bundle, c map[string]any) string {
			return oidcfake.SignHMAC("rsa-1", []byte(oidcfake.ClientSecret), c)
		}), false},
		"algorithm: HMAC by the public key": {sign(func(b *bundle, c map[string]any) string {
			der, err := x509.MarshalPKIXPublicKey(oidcfake.Public(b.provider.Key("rsa-1")))
			if err != nil {
				panic(err)
			}
			return oidcfake.SignHMAC("rsa-1", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), c)
		}), false},
		"signature: by a stranger's key of the same name": {sign(func(_ *bundle, c map[string]any) string {
			return oidcfake.Sign(stranger.Key("rsa-1"), c)
		}), false},
		"signature: by a key that is not published": {func(b *bundle) { b.provider.AddRSA("secret"); b.provider.Hide("secret") }, false},
		"signature: cut off": {sign(func(b *bundle, c map[string]any) string {
			raw := oidcfake.Sign(b.provider.Key("rsa-1"), c)
			return raw[:strings.LastIndexByte(raw, '.')+1]
		}), false},
		"signature: of other claims": {sign(func(b *bundle, c map[string]any) string {
			raw := strings.Split(oidcfake.Sign(b.provider.Key("rsa-1"), c), ".")
			c["sub"] = "somebody else"
			other := strings.Split(oidcfake.Sign(b.provider.Key("rsa-1"), c), ".")
			return raw[0] + "." + other[1] + "." + raw[2]
		}), false},
		"no ID token":                {sign(func(*bundle, map[string]any) string { return "" }), false},
		"answer: issuer of a mix-up": {func(b *bundle) { b.provider.Answer = func(a url.Values) { a.Set("iss", "https://evil.test") } }, false},
		"answer: issuer left out":    {func(b *bundle) { b.provider.Answer = func(a url.Values) { a.Del("iss") } }, false},
		"answer: no issuer, none promised": {func(b *bundle) {
			b.provider.Answer = func(a url.Values) { a.Del("iss") }
			b.provider.Discovery = func(d map[string]any) { delete(d, "authorization_response_iss_parameter_supported") }
		}, true},
		"answer: no code":        {func(b *bundle) { b.provider.Answer = func(a url.Values) { a.Del("code") } }, false},
		"answer: another's code": {func(b *bundle) { b.provider.Answer = func(a url.Values) { a.Set("code", "guessed") } }, false},
		"client secret: another": {func(b *bundle) { b.connection.SecretEnv = "OTHER" }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			test.change(b)
			claims, err := b.signIn(t)
			if test.ok {
				require.NoError(t, err)
				require.Equal(t, "sub-ana@acme.test", claims.Subject)
				return
			}
			require.ErrorIs(t, err, identity.ErrProvider)
			require.Empty(t, claims)
		})
	}
}

// A1: without the verifier the code is worth nothing, and it works once.
func TestACodeNeedsItsVerifierAndWorksOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := b.approve(t, request)
	for _, verifier := range []string{"", strings.Repeat("w", 43)} {
		wrong := request
		wrong.Verifier = verifier
		_, err := b.client.Redeem(t.Context(), b.connection, wrong, answer)
		require.ErrorIs(t, err, identity.ErrProvider)
		require.NotContains(t, err.Error(), answer.Code)
	}
	_, err := b.client.Redeem(t.Context(), b.connection, request, answer)
	require.NoError(t, err)
	_, err = b.client.Redeem(t.Context(), b.connection, request, answer)
	require.ErrorIs(t, err, identity.ErrProvider)
}

// A4: keys change by their id, and one that is gone is forgotten.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.signIn(t)
	require.NoError(t, err)
	require.Equal(t, 1, b.provider.Fetches())
	_, err = b.signIn(t)
	require.NoError(t, err)
	require.Equal(t, 1, b.provider.Fetches(), "a known key is not read again")

	b.provider.AddRSA("rsa-2")
	_, err = b.signIn(t)
	require.NoError(t, err, "an unknown key is looked up")
	require.Equal(t, 2, b.provider.Fetches())

	b.provider.Hide("rsa-1") // withdrawn
	b.now = b.now.Add(11 * time.Minute)
	b.provider.Now = func() time.Time { return b.now }
	_, err = b.signIn(t)
	require.NoError(t, err)
	key := b.provider.Key("rsa-1")
	b.provider.Sign = func(claims map[string]any) string { return oidcfake.Sign(key, claims) }
	_, err = b.signIn(t)
	require.ErrorIs(t, err, identity.ErrProvider, "a withdrawn key signs nobody in")
}

func TestAProviderThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*bundle)
		want   error
	}{
		"says another issuer": {func(b *bundle) { b.provider.Discovery = func(d map[string]any) { d["issuer"] = "https://evil.test" } }, identity.ErrProvider},
		"knows plain PKCE only": {func(b *bundle) {
			b.provider.Discovery = func(d map[string]any) { d["code_challenge_methods_supported"] = []string{"plain"} }
		}, identity.ErrProvider},
		"sends the browser to a script": {func(b *bundle) {
			b.provider.Discovery = func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" }
		}, identity.ErrProvider},
		"is away":                {func(b *bundle) { b.provider.Close() }, identity.ErrUnreachable},
		"has no secret here":     {func(b *bundle) { b.connection.SecretEnv = "NOT_SET" }, identity.ErrUnreachable},
		"is inside, not allowed": {func(b *bundle) { b.connection.Networks = nil }, identity.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			test.change(b)
			_, err := b.client.AuthorizeURL(t.Context(), b.connection, request)
			require.ErrorIs(t, err, test.want)
		})
	}
	t.Run("dials nothing that is not public", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.connection.Networks = nil
		_, err := b.client.AuthorizeURL(t.Context(), b.connection, request)
		require.ErrorIs(t, err, egress.ErrForbidden)
		// Nor does discovery lead inwards.
		b.connection.Networks = []string{"127.0.0.0/8"}
		b.provider.Discovery = func(d map[string]any) { d["token_endpoint"] = "http://10.0.0.1/token" }
		answer := b.approve(t, request)
		_, err = b.client.Redeem(t.Context(), b.connection, request, answer)
		require.ErrorIs(t, err, identity.ErrUnreachable)
		require.ErrorIs(t, err, egress.ErrForbidden)
	})
	t.Run("does not lead elsewhere by redirect", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		elsewhere := false
		b.provider.Token = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("again") != "" {
				elsewhere = true
			}
			http.Redirect(w, r, b.provider.URL+"/token?again=1", http.StatusTemporaryRedirect)
			return true
		}
		_, err := b.signIn(t)
		require.ErrorIs(t, err, identity.ErrProvider)
		require.False(t, elsewhere)
	})
}

func TestACancelledSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.client.Redeem(t.Context(), b.connection, request, identity.Answer{State: request.State, Issuer: b.provider.URL, Error: "access_denied"})
	require.ErrorIs(t, err, identity.ErrCancelled)
	require.Empty(t, b.provider.Requests)
}

func TestAskingToSignInAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	again := request
	again.Again = true
	to, err := b.client.AuthorizeURL(t.Context(), b.connection, again)
	require.NoError(t, err)
	require.Contains(t, to, "max_age=0")
	require.Contains(t, to, "prompt=login")
	_, err = b.client.Redeem(t.Context(), b.connection, again, b.approve(t, again))
	require.NoError(t, err)
	b.provider.Change = func(c map[string]any) { c["auth_time"] = time.Now().Add(-time.Hour).Unix() }
	_, err = b.client.Redeem(t.Context(), b.connection, again, b.approve(t, again))
	require.ErrorIs(t, err, identity.ErrProvider, "the provider did not ask")
}

func TestTheFakeKeepsToTheProtocol(t *testing.T) {
	t.Parallel()
	b := setup(t)
	to, err := b.client.AuthorizeURL(t.Context(), b.connection, request)
	require.NoError(t, err)
	parsed, err := url.Parse(to)
	require.NoError(t, err)
	for name, value := range map[string]string{"redirect_uri": redirect + "/", "response_type": "token", "code_challenge_method": "plain", "client_id": "x", "nonce": ""} {
		q := parsed.Query()
		q.Set(name, value)
		response, err := http.PostForm(b.provider.URL+"/authorize?"+q.Encode(), url.Values{"person": {"ana@acme.test"}})
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusBadRequest, response.StatusCode, name)
	}
	response, err := http.PostForm(b.provider.URL+"/token", url.Values{"grant_type": {"password"}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
}
