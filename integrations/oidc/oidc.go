package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/usherdesk/usher/portal/identity"
)

// algorithms an ID token may be signed by: public keys only, so that neither
// "none" nor the client's secret passes for a signature.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

const (
	skew       = time.Minute      // of the provider's clock
	remembered = 10 * time.Minute // how long discovery and keys are believed
	maxAnswer  = 1 << 20
)

// Config joins the client to its surroundings.
type Config struct {
	// RedirectURL is where the provider sends the browser back: registered there
	// letter by letter.
	RedirectURL string
	// Dialer reaches public addresses and, beside them, the given networks only.
	Dialer func(networks []netip.Prefix) *net.Dialer
	// Secret reads the setting that holds a client's secret.
	Secret func(name string) string
	Now    func() time.Time
}

// Client speaks with providers.
type Client struct {
	Config
	mu    sync.Mutex
	known map[string]*provider // by what of a connection leads to it
}

var _ identity.Provider = (*Client)(nil)

// New returns a Client.
func New(c Config) *Client {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{Config: c, known: map[string]*provider{}}
}

// provider is one as it described itself.
type provider struct {
	*oidc.Provider
	client *http.Client
	at     time.Time
	meta   struct {
		ResponseIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		TokenAuth      []string `json:"token_endpoint_auth_methods_supported"`
		Challenges     []string `json:"code_challenge_methods_supported"`
	}
}

// AuthorizeURL implements identity.Provider.
func (c *Client) AuthorizeURL(ctx context.Context, connection identity.Connection, r identity.Request) (string, error) {
	p, config, err := c.discover(ctx, connection)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(r.Nonce), oauth2.S256ChallengeOption(r.Verifier)}
	if r.Hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", r.Hint))
	}
	if r.Again {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"), oauth2.SetAuthURLParam("prompt", "login"))
	}
	if challenges := p.meta.Challenges; len(challenges) > 0 && !slices.Contains(challenges, "S256") {
		return "", fmt.Errorf("%w: it does not know PKCE with S256", identity.ErrProvider)
	}
	return config.AuthCodeURL(r.State, options...), nil
}

// Redeem implements identity.Provider.
func (c *Client) Redeem(ctx context.Context, connection identity.Connection, r identity.Request, answer identity.Answer) (identity.Claims, error) {
	p, config, err := c.discover(ctx, connection)
	if err != nil {
		return identity.Claims{}, err
	}
	switch {
	case answer.Issuer != "" && answer.Issuer != connection.Issuer, answer.Issuer == "" && p.meta.ResponseIssuer:
		return identity.Claims{}, fmt.Errorf("%w: the answer is of another issuer", identity.ErrProvider)
	case answer.Error != "":
		return identity.Claims{}, fmt.Errorf("%w: %.100q", identity.ErrCancelled, answer.Error)
	case answer.Code == "":
		return identity.Claims{}, fmt.Errorf("%w: it has no code", identity.ErrProvider)
	}
	ctx, cancel := context.WithTimeoutCause(oidc.ClientContext(ctx, p.client), 10*time.Second, errors.New("the sign-in provider took too long"))
	defer cancel()
	token, err := config.Exchange(ctx, answer.Code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return identity.Claims{}, redeemError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return identity.Claims{}, fmt.Errorf("%w: it gave no ID token", identity.ErrProvider)
	}
	return c.verify(ctx, p, connection, r, token.AccessToken, raw)
}

// redeemError tells a refusal from a provider that is away, and leaves out what
// the provider wrote: it may hold the code.
func redeemError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 {
		return fmt.Errorf("%w: the code was refused (%d %.60q)", identity.ErrProvider, refused.Response.StatusCode, refused.ErrorCode)
	}
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("%w: status %d", identity.ErrUnreachable, refused.Response.StatusCode)
	}
	var network *url.Error
	if errors.As(err, &network) {
		return fmt.Errorf("%w: %w", identity.ErrUnreachable, network.Err)
	}
	return fmt.Errorf("%w: %w", identity.ErrProvider, err)
}

// verify checks an ID token. Times are checked here: the library allows five
// minutes before a token's first moment and none after its last.
func (c *Client) verify(ctx context.Context, p *provider, connection identity.Connection, r identity.Request, access, raw string) (identity.Claims, error) {
	bad := func(format string, args ...any) (identity.Claims, error) {
		return identity.Claims{}, fmt.Errorf("%w: "+format, append([]any{identity.ErrProvider}, args...)...)
	}
	token, err := p.Verifier(&oidc.Config{ClientID: connection.ClientID, SupportedSigningAlgs: algorithms, SkipExpiryCheck: true}).Verify(ctx, raw)
	if err != nil {
		return bad("%w", err)
	}
	var claims struct {
		Party         string   `json:"azp"`
		NotBefore     float64  `json:"nbf"`
		AuthTime      float64  `json:"auth_time"`
		Email         string   `json:"email"`
		EmailVerified *boolish `json:"email_verified"`
		Name          string   `json:"name"`
		Locale        string   `json:"locale"`
	}
	all := map[string]any{}
	if err := errors.Join(token.Claims(&claims), token.Claims(&all)); err != nil {
		return bad("its claims cannot be read: %w", err)
	}
	now := c.Now()
	switch {
	case token.Issuer != connection.Issuer && connection.Issuer != "https://accounts.google.com":
		return bad("the ID token is of another issuer")
	case token.Nonce != r.Nonce || r.Nonce == "":
		return bad("the ID token is of another attempt")
	case token.Subject == "" || len(token.Subject) > 255:
		return bad("the ID token names nobody")
	case claims.Party != "" && claims.Party != connection.ClientID, claims.Party == "" && len(token.Audience) > 1:
		return bad("the ID token was made for another client")
	case token.Expiry.Unix() <= 0 || !now.Before(token.Expiry.Add(skew)):
		return bad("the ID token has expired")
	case token.IssuedAt.Unix() <= 0 || token.IssuedAt.After(now.Add(skew)), unix(claims.NotBefore).After(now.Add(skew)):
		return bad("the ID token is of a time to come")
	case r.Again && unix(claims.AuthTime).Before(now.Add(-5*time.Minute)):
		return bad("the person was not asked to sign in again")
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(access); err != nil {
			return bad("%w", err)
		}
	}
	out := identity.Claims{
		Issuer: connection.Issuer, Subject: token.Subject, Email: claims.Email, Name: claims.Name, Locale: claims.Locale,
		AuthTime: unix(claims.AuthTime), All: all,
	}
	if claims.EmailVerified != nil {
		verified := bool(*claims.EmailVerified)
		out.EmailVerified = &verified
	}
	return out, nil
}

// boolish is a truth value; some providers write it as a text.
type boolish bool

func (b *boolish) UnmarshalJSON(raw []byte) error {
	*b = strings.Trim(string(raw), `"`) == "true"
	return nil
}

// unix is a time claim; zero where there is none.
func unix(seconds float64) time.Time {
	if seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// discover reads what a provider says of itself, and keeps it for a while. Keys
// are read with it, and again when a token names one that is not known.
func (c *Client) discover(ctx context.Context, connection identity.Connection) (*provider, *oauth2.Config, error) {
	key := strings.Join(append([]string{connection.Issuer}, connection.Networks...), " ")
	c.mu.Lock()
	p := c.known[key]
	c.mu.Unlock()
	if p == nil || c.Now().Sub(p.at) > remembered {
		client, err := c.client(connection)
		if err != nil {
			return nil, nil, err
		}
		p = &provider{client: client, at: c.Now()}
		timed, cancel := context.WithTimeoutCause(oidc.ClientContext(ctx, client), 8*time.Second, errors.New("the sign-in provider took too long"))
		defer cancel()
		if p.Provider, err = oidc.NewProvider(timed, connection.Issuer); err != nil {
			return nil, nil, discoverError(err)
		}
		if err := p.Claims(&p.meta); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", identity.ErrProvider, err)
		}
		if err := p.checked(connection); err != nil {
			return nil, nil, err
		}
		c.mu.Lock()
		c.known[key] = p
		c.mu.Unlock()
	}
	endpoint := p.Endpoint()
	config := &oauth2.Config{ClientID: connection.ClientID, RedirectURL: c.RedirectURL, Endpoint: endpoint, Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if connection.SecretEnv != "" {
		if config.ClientSecret = c.Secret(connection.SecretEnv); config.ClientSecret == "" {
			return nil, nil, fmt.Errorf("%w: %s, which holds the client's secret, is not set", identity.ErrUnreachable, connection.SecretEnv)
		}
		if len(p.meta.TokenAuth) == 0 || slices.Contains(p.meta.TokenAuth, "client_secret_basic") {
			config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
		}
	}
	return p, config, nil
}

func discoverError(err error) error {
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) {
		return fmt.Errorf("%w: it says its issuer is %.200q", identity.ErrProvider, mismatch.Discovered)
	}
	return fmt.Errorf("%w: %w", identity.ErrUnreachable, err)
}

// checked refuses endpoints that are less safe than the issuer.
func (p *provider) checked(connection identity.Connection) error {
	plain := strings.HasPrefix(connection.Issuer, "http://") // a provider on this machine
	for name, address := range map[string]string{"authorization_endpoint": p.Endpoint().AuthURL, "token_endpoint": p.Endpoint().TokenURL} {
		parsed, err := url.Parse(address)
		if err != nil || parsed.Host == "" || parsed.Scheme != "https" && !(plain && parsed.Scheme == "http") {
			return fmt.Errorf("%w: its %s is no safe address", identity.ErrProvider, name)
		}
	}
	return nil
}

func (c *Client) client(connection identity.Connection) (*http.Client, error) {
	var networks []netip.Prefix
	for _, text := range connection.Networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %q is no network", identity.ErrProvider, text)
		}
		networks = append(networks, network)
	}
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: bounded{&http.Transport{
			DialContext: c.Dialer(networks).DialContext, Proxy: nil, TLSHandshakeTimeout: 5 * time.Second,
			ResponseHeaderTimeout: 8 * time.Second, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bounded cuts answers off that are larger than any provider's.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	return response, nil
}

// Check says whether a provider can be reached and used, for the operator.
func (c *Client) Check(ctx context.Context, connection identity.Connection) (string, error) {
	p, _, err := c.discover(ctx, connection)
	if err != nil {
		return "", err
	}
	return cmp.Or(p.Endpoint().AuthURL, connection.Issuer), nil
}
