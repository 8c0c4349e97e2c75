package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Errors of a way to the provider and back.
var (
	// ErrAttempt says an answer of the provider belongs to no way there that this
	// browser has begun: forged, too late, or used already.
	ErrAttempt = errors.New("this sign-in was not begun here, or is over")
	// ErrProvider says the provider's answer cannot be believed, or it gave none.
	ErrProvider = errors.New("the sign-in provider's answer cannot be used")
	// ErrUnreachable says the provider cannot be reached.
	ErrUnreachable = errors.New("the sign-in provider cannot be reached")
	// ErrCancelled says the person, or the provider, ended it.
	ErrCancelled = errors.New("the sign-in was cancelled at the provider")
	// ErrNoAccess says the provider vouches for somebody who may not come in here.
	ErrNoAccess = errors.New("the person has no access")
	// ErrBadAddress says that what was typed is no e-mail address.
	ErrBadAddress = errors.New("that is no e-mail address")
)

// attemptTime is how long somebody may take at the provider.
const attemptTime = 10 * time.Minute

// Prefixes of the state that travels to the provider and back.
const (
	statePrefix      = "sso_"
	staffStatePrefix = "sts_"
)

// Provider speaks with an organisation's provider: OpenID Connect, or SAML.
type Provider interface {
	// AuthorizeURL is where the browser goes.
	AuthorizeURL(ctx context.Context, c Connection, r Request) (string, error)
	// Redeem checks the answer, turns the code into an ID token and checks that.
	// Errors wrap ErrProvider, ErrUnreachable or ErrCancelled.
	Redeem(ctx context.Context, c Connection, r Request, answer Answer) (Claims, error)
}

// Request is one way to the provider.
type Request struct {
	State, Nonce, Verifier string // Verifier is PKCE's
	Hint                   string // the address typed, as login_hint
	Again                  bool   // the person must prove themselves anew, session or not
}

// Answer is what the provider sent back with the browser.
type Answer struct {
	State, Code, Issuer, Error string
	Response                   string // of SAML, as it was posted
}

// Claims are what a checked ID token says.
type Claims struct {
	Issuer, Subject, Email, Name, Locale string
	EmailVerified                        *bool // nil: not said
	AuthTime                             time.Time
	All                                  map[string]any
}

// Values are a claim's: a text, a list, or, with dots, inside an object.
func (c Claims) Values(name string) []string {
	value, ok := c.All[name]
	if !ok {
		value = any(c.All)
		for _, part := range strings.Split(name, ".") {
			object, _ := value.(map[string]any)
			value = object[part]
		}
	}
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, entry := range v {
			if text, ok := entry.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}

// StartSSO begins the way to the provider that speaks for an address.
// browser is a secret only this browser has, kept in a cookie: state, nonce and
// PKCE verifier are bound to it. ErrNoConnection: the address has no provider.
func (s *Service) StartSSO(ctx context.Context, address, browser, returnTo string) (string, error) {
	address, err := cleanAddress(address)
	if err != nil {
		return "", err
	}
	if s.provider == nil || s.worker == nil {
		return "", ErrNoConnection
	}
	c, err := s.connectionFor(ctx, address)
	if err != nil {
		return "", err
	}
	return s.startSSO(ctx, c, address, browser, returnTo, false)
}

func (s *Service) startSSO(ctx context.Context, c Connection, hint, browser, returnTo string, again bool) (string, error) {
	state := staffStatePrefix + secret()
	if c.TenantID != uuid.Nil {
		state = tenantToken(statePrefix, c.TenantID)
	}
	request := requestOf(state, browser)
	request.Hint, request.Again = hint, again
	to, err := s.provider.AuthorizeURL(ctx, c, request)
	if err != nil {
		return "", fmt.Errorf("begin single sign-on: %w", err)
	}
	err = s.in(ctx, c.TenantID, func(tx pgx.Tx) error {
		if c.TenantID == uuid.Nil {
			_, err := tx.Exec(ctx, `insert into staff_sso_attempts (state_hash, browser_hash, issuer, return_to, expires_at) values ($1, $2, $3, $4, $5)`,
				hash(state), hash(browser), c.Issuer, returnTo, s.now().Add(attemptTime))
			return err
		}
		_, err := tx.Exec(ctx, `insert into sso_attempts (tenant_id, state_hash, browser_hash, issuer, return_to, expires_at) values ($1, $2, $3, $4, $5, $6)`,
			c.TenantID, hash(state), hash(browser), c.Issuer, returnTo, s.now().Add(attemptTime))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("begin single sign-on: %w", err)
	}
	return to, nil
}

// requestOf derives what proves an attempt from its state and the browser's
// secret. Neither is stored, so nobody who reads the database can finish it.
func requestOf(state, browser string) Request {
	derive := func(what string) string {
		mac := hmac.New(sha256.New, []byte(browser))
		mac.Write([]byte(what + " " + state))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return Request{State: state, Nonce: derive("nonce"), Verifier: derive("verifier")}
}

// SSO is a finished way: a session, and where its person wanted to go.
type SSO struct {
	Session   string
	Principal Principal
	ReturnTo  string
}

// FinishSSO turns the provider's answer into a session.
func (s *Service) FinishSSO(ctx context.Context, browser string, answer Answer) (SSO, error) {
	tenant, ok := tenantOf(statePrefix, answer.State)
	if !ok && !strings.HasPrefix(answer.State, staffStatePrefix) || browser == "" || s.provider == nil || s.worker == nil {
		return SSO{}, ErrAttempt
	}
	issuer, returnTo, err := s.takeAttempt(ctx, tenant, answer.State, browser)
	if err != nil {
		return SSO{}, err
	}
	var c Connection
	err = s.in(ctx, tenant, func(tx pgx.Tx) (err error) {
		c, err = s.connection(ctx, tx, tenant)
		return err
	})
	if errors.Is(err, ErrNoConnection) || err == nil && c.Issuer != issuer {
		return SSO{}, fmt.Errorf("%w: the connection has changed meanwhile", ErrAttempt)
	}
	if err != nil {
		return SSO{}, err
	}
	claims, err := s.provider.Redeem(ctx, c, requestOf(answer.State, browser), answer)
	if err != nil {
		return SSO{}, fmt.Errorf("finish single sign-on: %w", err)
	}
	out := SSO{ReturnTo: returnTo}
	err = s.in(ctx, tenant, func(tx pgx.Tx) (err error) {
		if tenant == uuid.Nil {
			out.Session, out.Principal, err = s.enterStaff(ctx, tx, c, claims)
		} else {
			out.Session, out.Principal, err = s.enter(ctx, tx, c, claims)
		}
		return err
	})
	if errors.Is(err, ErrUnauthenticated) {
		err = fmt.Errorf("%w: the account or the organisation is switched off", ErrNoAccess)
	}
	if errors.Is(err, ErrNoAccess) && tenant != uuid.Nil {
		// The reason is for the organisation's administrators, not for the browser.
		err = errors.Join(err, s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			return triage.Audit(ctx, tx, tenant, triage.Actor{Kind: triage.ActorSystem}, "session.refused", "sso", map[string]any{"why": reason(err)})
		}))
	}
	if err != nil {
		return SSO{}, fmt.Errorf("finish single sign-on: %w", err)
	}
	return out, nil
}

func reason(err error) string {
	_, why, _ := strings.Cut(err.Error(), ErrNoAccess.Error()+": ")
	return why
}

// takeAttempt uses an attempt up: a second answer with its state finds none. One
// brought by another browser does not end it for the browser that began it.
func (s *Service) takeAttempt(ctx context.Context, tenant uuid.UUID, state, browser string) (issuer, returnTo string, err error) {
	var bound []byte
	var expires time.Time
	err = s.in(ctx, tenant, func(tx pgx.Tx) error {
		if tenant == uuid.Nil {
			return tx.QueryRow(ctx, `delete from staff_sso_attempts where state_hash = $1 and browser_hash = $2 returning browser_hash, issuer, return_to, expires_at`,
				hash(state), hash(browser)).Scan(&bound, &issuer, &returnTo, &expires)
		}
		return tx.QueryRow(ctx, `delete from sso_attempts where tenant_id = $1 and state_hash = $2 and browser_hash = $3 returning browser_hash, issuer, return_to, expires_at`,
			tenant, hash(state), hash(browser)).Scan(&bound, &issuer, &returnTo, &expires)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", ErrAttempt
	}
	if err != nil {
		return "", "", fmt.Errorf("read sign-in attempt: %w", err)
	}
	if subtle.ConstantTimeCompare(bound, hash(browser)) != 1 || s.now().After(expires) {
		return "", "", ErrAttempt
	}
	return issuer, returnTo, nil
}

// vouched is the address the provider may speak for. An address that is said to
// be unverified, or is of another domain, is nobody's.
func (c Connection) vouched(claims Claims) (string, error) {
	address, err := cleanAddress(claims.Email)
	if err != nil {
		return "", fmt.Errorf("%w: the provider names no e-mail address", ErrNoAccess)
	}
	_, domain, _ := strings.Cut(address, "@")
	switch {
	case claims.EmailVerified != nil && !*claims.EmailVerified:
		return "", fmt.Errorf("%w: the provider has not verified the address", ErrNoAccess)
	case !slices.Contains(c.Domains, domain):
		return "", fmt.Errorf("%w: the connection does not speak for addresses of %s", ErrNoAccess, domain)
	}
	return address, nil
}

// enter finds or makes the customer the claims are of, and starts their session.
func (s *Service) enter(ctx context.Context, tx pgx.Tx, c Connection, claims Claims) (string, Principal, error) {
	address, err := c.vouched(claims)
	if err != nil {
		return "", Principal{}, err
	}
	subject := claims.Issuer + " " + claims.Subject
	var user uuid.UUID
	var bound *string
	var before []string
	err = s.known(ctx, tx, c, func() error {
		return tx.QueryRow(ctx, `select id, subject, roles from users where tenant_id = $1 and (subject = $2 or email_normalized = $3)
			order by subject = $2 desc nulls last limit 1 for update`, c.TenantID, subject, address).Scan(&user, &bound, &before)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows) && !c.JustInTime:
		return "", Principal{}, fmt.Errorf("%w: the person was not invited", ErrNoAccess)
	case errors.Is(err, pgx.ErrNoRows):
		if user, err = s.invite(ctx, tx, c, claims, address, subject); err != nil {
			return "", Principal{}, err
		}
	case err != nil:
		return "", Principal{}, fmt.Errorf("find person: %w", err)
	case bound != nil && *bound != subject && strings.HasPrefix(*bound, claims.Issuer+" "):
		// The address has gone to somebody else there.
		return "", Principal{}, fmt.Errorf("%w: the address belongs to another account of the provider", ErrNoAccess)
	default:
		if err := s.apply(ctx, tx, c, claims, user, subject, before); err != nil {
			return "", Principal{}, err
		}
	}
	return s.begin(ctx, tx, c.TenantID, user, s.freshAt(claims))
}

// known looks for a person. Where one would be made who is not found, it looks
// once more under a lock: two first sign-ins at once make one person.
func (s *Service) known(ctx context.Context, tx pgx.Tx, c Connection, look func() error) error {
	err := look()
	if !errors.Is(err, pgx.ErrNoRows) || !c.JustInTime {
		return err
	}
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('joins ' || $1::text, 0))`, c.TenantID); err != nil {
		return err
	}
	return look()
}

func (s *Service) invite(ctx context.Context, tx pgx.Tx, c Connection, claims Claims, address, subject string) (uuid.UUID, error) {
	roles, ok := c.roles(claims)
	if !ok {
		roles = c.DefaultRoles
	}
	if len(roles) == 0 {
		return uuid.Nil, fmt.Errorf("%w: no role is mapped from the claims", ErrNoAccess)
	}
	departments, _ := c.departments(claims)
	id := uuid.Must(uuid.NewV7())
	_, err := tx.Exec(ctx, `insert into users (tenant_id, id, subject, email, email_normalized, display_name, roles, departments, state, locale)
		values ($1, $2, $3, $4, $4, $5, $6, $7, 'active', $8)`, c.TenantID, id, subject, address, nameOf(claims, address), roles, list(departments), localeOf(claims))
	if err != nil {
		return uuid.Nil, fmt.Errorf("make person: %w", err)
	}
	return id, triage.Audit(ctx, tx, c.TenantID, triage.Actor{Kind: triage.ActorSystem}, "person.joined", id.String(), map[string]any{"by": "sso", "roles": roles})
}

// apply gives somebody known what the claims say now. A role the claims no
// longer give is gone with the next sign-in.
func (s *Service) apply(ctx context.Context, tx pgx.Tx, c Connection, claims Claims, user uuid.UUID, subject string, before []string) error {
	if _, err := tx.Exec(ctx, `update users set subject = $3 where tenant_id = $1 and id = $2 and subject is distinct from $3`, c.TenantID, user, subject); err != nil {
		return fmt.Errorf("bind person: %w", err)
	}
	if roles, ok := c.roles(claims); ok {
		if len(roles) == 0 {
			return fmt.Errorf("%w: no role is mapped from the claims", ErrNoAccess)
		}
		if !slices.Equal(roles, before) {
			if _, err := tx.Exec(ctx, `update users set roles = $3 where tenant_id = $1 and id = $2`, c.TenantID, user, roles); err != nil {
				return fmt.Errorf("set roles: %w", err)
			}
			if err := triage.Audit(ctx, tx, c.TenantID, triage.Actor{Kind: triage.ActorSystem}, "person.roles", user.String(), map[string]any{"from": before, "to": roles, "by": "sso"}); err != nil {
				return err
			}
		}
	}
	if departments, ok := c.departments(claims); ok {
		if _, err := tx.Exec(ctx, `update users set departments = $3 where tenant_id = $1 and id = $2 and departments <> $3`, c.TenantID, user, departments); err != nil {
			return fmt.Errorf("set departments: %w", err)
		}
	}
	return nil
}

// enterStaff is enter for the operator's own people.
func (s *Service) enterStaff(ctx context.Context, tx pgx.Tx, c Connection, claims Claims) (string, Principal, error) {
	address, err := c.vouched(claims)
	if err != nil {
		return "", Principal{}, err
	}
	subject := claims.Issuer + " " + claims.Subject
	roles, mapped := c.roles(claims)
	if mapped && len(roles) == 0 {
		return "", Principal{}, fmt.Errorf("%w: no role is mapped from the claims", ErrNoAccess)
	}
	var staff uuid.UUID
	var bound *string
	var before []string
	err = s.known(ctx, tx, c, func() error {
		return tx.QueryRow(ctx, `select id, subject, roles from staff where subject = $1 or email_normalized = $2
			order by subject = $1 desc nulls last limit 1 for update`, subject, address).Scan(&staff, &bound, &before)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows) && !c.JustInTime:
		return "", Principal{}, fmt.Errorf("%w: the person is not of the staff", ErrNoAccess)
	case errors.Is(err, pgx.ErrNoRows):
		staff = uuid.Must(uuid.NewV7())
		if !mapped {
			roles = c.DefaultRoles
		}
		if _, err := tx.Exec(ctx, `insert into staff (id, subject, email, email_normalized, display_name, roles) values ($1, $2, $3, $3, $4, $5)`,
			staff, subject, address, nameOf(claims, address), roles); err != nil {
			return "", Principal{}, fmt.Errorf("make member of staff: %w", err)
		}
	case err != nil:
		return "", Principal{}, fmt.Errorf("find member of staff: %w", err)
	case bound != nil && *bound != subject && strings.HasPrefix(*bound, claims.Issuer+" "):
		return "", Principal{}, fmt.Errorf("%w: the address belongs to another account of the provider", ErrNoAccess)
	default:
		if !mapped {
			roles = before
		}
		if _, err := tx.Exec(ctx, `update staff set subject = $2, roles = $3 where id = $1`, staff, subject, roles); err != nil {
			return "", Principal{}, fmt.Errorf("bind member of staff: %w", err)
		}
		if !slices.Equal(roles, before) {
			if err := triage.AuditOperator(ctx, tx, triage.Actor{Kind: triage.ActorStaff, ID: staff}, "person.roles", staff.String(), map[string]any{"from": before, "to": roles, "by": "sso"}); err != nil {
				return "", Principal{}, err
			}
		}
	}
	return s.beginStaff(ctx, tx, staff, s.freshAt(claims))
}

// freshAt is when the person proved themselves, as far as the provider says so;
// a time to come is now.
func (s *Service) freshAt(claims Claims) time.Time {
	if claims.AuthTime.After(s.now()) {
		return s.now()
	}
	return claims.AuthTime
}

func nameOf(claims Claims, address string) string {
	if name := triage.Line(claims.Name, 200); name != "" {
		return name
	}
	name, _, _ := strings.Cut(address, "@")
	return name
}

func localeOf(claims Claims) string {
	if claims.Locale == "" {
		return "en"
	}
	return triage.Line(strings.ReplaceAll(claims.Locale, "_", "-"), 20)
}

// in runs fn in the tenant's transaction, or in one of the staff's.
func (s *Service) in(ctx context.Context, tenant uuid.UUID, fn func(tx pgx.Tx) error) error {
	if tenant == uuid.Nil {
		return pgx.BeginFunc(ctx, s.worker.Pool(), fn)
	}
	return s.app.WithTenant(ctx, tenant, fn)
}

// cleanAddress is an e-mail address in small letters.
func cleanAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > 254 || strings.Count(text, "@") != 1 {
		return "", ErrBadAddress
	}
	return strings.ToLower(text), nil
}
