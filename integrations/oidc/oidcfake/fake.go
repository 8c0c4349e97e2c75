// Package oidcfake is an OpenID provider for tests: discovery, keys that rotate,
// a sign-in page, codes that work once with their PKCE verifier, and ID tokens,
// right ones unless told otherwise. It follows OpenID Connect Core and Discovery,
// RFC 6749, RFC 7636 and RFC 9207.
package oidcfake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Client is the one registered client.
const (
	ClientID     = "usher"
	ClientSecret = "the client's secret, long enough to sign with"
)

// Provider is a running fake.
type Provider struct {
	URL string

	mu       sync.Mutex
	server   *httptest.Server
	keys     []jose.JSONWebKey // the last one signs
	hidden   map[string]bool   // kids that are not published
	redirect string
	codes    map[string]grant
	people   map[string]map[string]any
	Requests []url.Values // to the token endpoint

	// Change alters the claims of a token before it is signed; Sign replaces the
	// signing; Answer alters the answer that goes back with the browser; Discovery
	// alters what the provider says of itself; Token replaces the token's answer.
	Change    func(claims map[string]any)
	Sign      func(claims map[string]any) string
	Answer    func(answer url.Values)
	Discovery func(document map[string]any)
	Token     func(w http.ResponseWriter, r *http.Request) bool
	Now       func() time.Time
	fetches   int
}

type grant struct {
	person, nonce, challenge string
	used                     bool
}

// Start runs a fake with one RSA key whose client may come back to redirect.
func Start(redirect string) *Provider {
	p := &Provider{redirect: redirect, codes: map[string]grant{}, people: map[string]map[string]any{}, hidden: map[string]bool{}, Now: time.Now}
	p.AddRSA("rsa-1")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /authorize", p.approve)
	mux.HandleFunc("POST /token", p.token)
	p.server = httptest.NewServer(mux)
	p.URL = p.server.URL
	return p
}

// Close stops it.
func (p *Provider) Close() { p.server.Close() }

// AddRSA makes the key that signs from now on.
func (p *Provider) AddRSA(kid string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	p.add(kid, jose.RS256, key, err)
}

// AddEC is AddRSA with an elliptic curve.
func (p *Provider) AddEC(kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p.add(kid, jose.ES256, key, err)
}

func (p *Provider) add(kid string, algorithm jose.SignatureAlgorithm, key any, err error) {
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, jose.JSONWebKey{Key: key, KeyID: kid, Algorithm: string(algorithm), Use: "sig"})
}

// Hide takes a key out of what is published; it can still sign.
func (p *Provider) Hide(kid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hidden[kid] = true
}

// Fetches is how often the keys were read.
func (p *Provider) Fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// Person makes somebody who can sign in, with the claims the tokens carry.
func (p *Provider) Person(email string, claims map[string]any) {
	all := map[string]any{"sub": "sub-" + email, "email": email, "email_verified": true, "name": email}
	maps.Copy(all, claims)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[email] = all
}

// Key is a key by its name, for tests that sign themselves.
func (p *Provider) Key(kid string) jose.JSONWebKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		if k.KeyID == kid {
			return k
		}
	}
	panic("no key " + kid)
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	document := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/jwks",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "authorization_response_iss_parameter_supported": true,
	}
	if p.Discovery != nil {
		p.Discovery(document)
	}
	writeJSON(w, http.StatusOK, document)
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetches++
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range p.keys {
		if !p.hidden[k.KeyID] {
			set.Keys = append(set.Keys, k.Public())
		}
	}
	writeJSON(w, http.StatusOK, set)
}

// authorize is the sign-in page.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if why := p.refuse(q); why != "" {
		http.Error(w, why, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Acme login</title><main><h1>Acme login</h1><form method="post">
<label>Account <input name="person" value="%s"></label><button>Sign in</button><button name="cancel" value="1">Cancel</button></form></main></html>`, html.EscapeString(q.Get("login_hint")))
}

func (p *Provider) refuse(q url.Values) string {
	switch {
	case q.Get("client_id") != ClientID:
		return "unknown client"
	case q.Get("redirect_uri") != p.redirect:
		return "redirect_uri is not the registered one"
	case q.Get("response_type") != "code":
		return "only code"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		return "PKCE with S256 is required"
	case q.Get("state") == "" || q.Get("nonce") == "":
		return "state and nonce are required"
	}
	return ""
}

func (p *Provider) approve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if why := p.refuse(q); why != "" {
		http.Error(w, why, http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	person := r.PostFormValue("person")
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case r.PostFormValue("cancel") != "":
		answer.Set("error", "access_denied")
	case p.people[person] == nil:
		http.Error(w, "nobody has that account", http.StatusUnauthorized)
		return
	default:
		code := rand.Text()
		p.codes[code] = grant{person: person, nonce: q.Get("nonce"), challenge: q.Get("code_challenge")}
		answer.Set("code", code)
	}
	if p.Answer != nil {
		p.Answer(answer)
	}
	http.Redirect(w, r, p.redirect+"?"+answer.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	p.Requests = append(p.Requests, r.PostForm)
	p.mu.Unlock()
	if p.Token != nil && p.Token(w, r) {
		return
	}
	who, nonce, ok := p.redeem(w, r)
	if !ok {
		return
	}
	access := rand.Text()
	now := p.Now()
	claims := map[string]any{"iss": p.URL, "aud": ClientID, "nonce": nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "auth_time": now.Unix()}
	half := sha256.Sum256([]byte(access))
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(half[:16])
	maps.Copy(claims, who)
	if p.Change != nil {
		p.Change(claims)
	}
	sign := p.Sign
	if sign == nil {
		sign = func(claims map[string]any) string { return Sign(p.newest(), claims) }
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": sign(claims)})
}

func (p *Provider) newest() jose.JSONWebKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1]
}

// redeem uses a code up.
func (p *Provider) redeem(w http.ResponseWriter, r *http.Request) (person map[string]any, nonce string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, secret, _ := r.BasicAuth()
	user, _ = url.QueryUnescape(user)
	secret, _ = url.QueryUnescape(secret)
	g, known := p.codes[r.PostForm.Get("code")]
	verifier := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case user != ClientID || secret != ClientSecret:
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return nil, "", false
	case r.PostForm.Get("grant_type") != "authorization_code":
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"})
		return nil, "", false
	case !known || g.used || r.PostForm.Get("redirect_uri") != p.redirect || base64.RawURLEncoding.EncodeToString(verifier[:]) != g.challenge:
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return nil, "", false
	}
	g.used = true
	p.codes[r.PostForm.Get("code")] = g
	return p.people[g.person], g.nonce, true
}

// Sign makes a token with a key, by the key's own algorithm.
func Sign(key jose.JSONWebKey, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		panic(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		panic(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return raw
}

// SignHMAC makes a token whose signature anybody could make who knows the key.
func SignHMAC(kid string, key []byte, claims map[string]any) string {
	return Sign(jose.JSONWebKey{Key: key, KeyID: kid, Algorithm: string(jose.HS256)}, claims)
}

// Unsigned is a token with the algorithm "none".
func Unsigned(claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
}

// Public is a key's public half, for tests that misuse it as a secret.
func Public(key jose.JSONWebKey) crypto.PublicKey { return key.Public().Key }

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
