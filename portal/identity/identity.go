// Package identity says who is calling: people with a session, staff with a
// session, and other systems with an API key.
//
// A customer's credential starts with its tenant, so it is looked up inside that
// tenant's row-level policies; a forged tenant matches no row. Only SHA-256
// hashes are stored: the secrets are 256 random bits, which need no slow hash.
package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/confirm"
)

// ErrUnauthenticated says the credential is missing, unknown, expired or revoked.
var ErrUnauthenticated = errors.New("not signed in")

// ErrLinkExpired says a sign-in link is used up, expired or unknown.
var ErrLinkExpired = errors.New("sign-in link is expired or was used")

// Prefixes of the credentials.
const (
	sessionPrefix      = "usr_"
	staffSessionPrefix = "stf_"
	linkPrefix         = "lnk_"
	staffLinkPrefix    = "stl_"
	keyPrefix          = "key_"
)

// Kind says what a principal is.
type Kind string

// The kinds of principal.
const (
	Customer Kind = "customer"
	Staff    Kind = "staff"
	Key      Kind = "key"
)

// ScopeTickets lets an API key file tickets and read what it filed.
const ScopeTickets = "tickets:write"

// Principal is who is signed in.
type Principal struct {
	Kind   Kind
	Actor  triage.Actor
	Email  string
	Tenant Tenant // zero for staff
	Scopes []string
	// FreshAt is when they last proved who they are, beyond opening a link.
	FreshAt time.Time
}

// Tenant is the principal's organisation.
type Tenant struct {
	ID             uuid.UUID
	Slug           string
	Name           string
	TimeZone       string
	Plan           string
	LifecycleState string
}

// Service checks and makes credentials.
type Service struct {
	app      *tenantdb.DB // customers' credentials
	worker   *tenantdb.DB // staff's; nil: no staff can sign in at this process
	now      func() time.Time
	idle     time.Duration
	absolute time.Duration
	provider Provider
	jobs     Jobs
	mailer   Mailer
	public   string
	confirm  *confirm.Service
}

// Config bounds sessions and joins what signing in needs; the zero value lets
// people in by links that were made for them.
type Config struct {
	Idle      time.Duration // without a request; default 12 h
	Absolute  time.Duration // since sign-in; default 7 days
	Now       func() time.Time
	Provider  Provider // nil: no single sign-on
	Jobs      Jobs     // with Mailer: people may ask for a link by mail
	Mailer    Mailer
	PublicURL string           // of the links in mail
	Confirm   *confirm.Service // nil: nobody is asked to prove themselves
}

// New returns a Service.
func New(app, worker *tenantdb.DB, c Config) *Service {
	s := &Service{app: app, worker: worker, now: c.Now, idle: cmp.Or(c.Idle, 12*time.Hour), absolute: cmp.Or(c.Absolute, 7*24*time.Hour),
		provider: c.Provider, jobs: c.Jobs, mailer: c.Mailer, public: c.PublicURL, confirm: c.Confirm}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Lifetime is how long a session lasts at most: the cookie's age.
func (s *Service) Lifetime() time.Duration { return s.absolute }

// CreateLink makes a sign-in link token for a person of a tenant.
func (s *Service) CreateLink(ctx context.Context, tenant, user uuid.UUID, ttl time.Duration, reusable bool) (string, error) {
	token := tenantToken(linkPrefix, tenant)
	err := s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into login_links (tenant_id, token_hash, user_id, expires_at, reusable) values ($1, $2, $3, $4, $5)`,
			tenant, hash(token), user, s.now().Add(ttl), reusable)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create sign-in link: %w", err)
	}
	return token, nil
}

// CreateStaffLink makes a sign-in link token for a member of staff.
func (s *Service) CreateStaffLink(ctx context.Context, staff uuid.UUID, ttl time.Duration, reusable bool) (string, error) {
	token := staffLinkPrefix + secret()
	_, err := s.worker.Pool().Exec(ctx, `insert into staff_login_links (token_hash, staff_id, expires_at, reusable) values ($1, $2, $3, $4)`,
		hash(token), staff, s.now().Add(ttl), reusable)
	if err != nil {
		return "", fmt.Errorf("create staff sign-in link: %w", err)
	}
	return token, nil
}

// CreateKey makes an API key of a tenant. It is shown once.
func (s *Service) CreateKey(ctx context.Context, tenant uuid.UUID, name string, scopes []string) (string, error) {
	token := tenantToken(keyPrefix, tenant)
	err := s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into api_keys (tenant_id, id, name, token_hash, scopes) values ($1, $2, $3, $4, $5)`,
			tenant, uuid.Must(uuid.NewV7()), name, hash(token), scopes)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create API key: %w", err)
	}
	return token, nil
}

// RevokeKeys ends a tenant's API keys of a name, and says how many there were.
func (s *Service) RevokeKeys(ctx context.Context, tenant uuid.UUID, name string) (n int64, err error) {
	err = s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update api_keys set revoked_at = $3 where tenant_id = $1 and name = $2 and revoked_at is null`, tenant, name, s.now())
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("revoke API keys: %w", err)
	}
	return n, nil
}

// Sweep forgets links and sessions that ended a month ago: until then they show
// who was signed in when. It needs the worker's database.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.now().AddDate(0, -1, 0)
	err := s.worker.WithSystem(ctx, "forget ended sessions and links", func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`delete from login_links where expires_at < $1`, before)
		batch.Queue(`delete from staff_login_links where expires_at < $1`, before)
		batch.Queue(`delete from sessions where expires_at < $1 or revoked_at < $1`, before)
		batch.Queue(`delete from staff_sessions where expires_at < $1 or revoked_at < $1`, before)
		batch.Queue(`delete from sso_attempts where expires_at < $1`, s.now())
		batch.Queue(`delete from staff_sso_attempts where expires_at < $1`, s.now())
		batch.Queue(`delete from sign_in_requests where created_at < $1`, s.now().Add(-time.Hour))
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}

// Exchange turns a sign-in link into a session.
func (s *Service) Exchange(ctx context.Context, link string) (session string, principal Principal, err error) {
	if strings.HasPrefix(link, staffLinkPrefix) {
		return s.exchangeStaff(ctx, link)
	}
	tenant, ok := tenantOf(linkPrefix, link)
	if !ok {
		return "", Principal{}, ErrLinkExpired
	}
	err = s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		var user uuid.UUID
		err := tx.QueryRow(ctx, `update login_links set used_at = coalesce(used_at, $3) where tenant_id = $1 and token_hash = $2
			and expires_at > $3 and (used_at is null or reusable) returning user_id`, tenant, hash(link), s.now()).Scan(&user)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrLinkExpired
		}
		if err != nil {
			return err
		}
		session, principal, err = s.begin(ctx, tx, tenant, user, time.Time{})
		return err
	})
	if errors.Is(err, ErrUnauthenticated) {
		err = ErrLinkExpired // the person was deactivated
	}
	if errors.Is(err, ErrLinkExpired) {
		err = errors.Join(err, s.refused(ctx, tenant, link))
	}
	if err != nil {
		return "", Principal{}, fmt.Errorf("exchange sign-in link: %w", err)
	}
	return session, principal, nil
}

// refused keeps, at most once a minute, that a link somebody was sent did not
// open. A link nobody was sent names nobody and leaves no trace.
func (s *Service) refused(ctx context.Context, tenant uuid.UUID, link string) error {
	return s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		var user uuid.UUID
		err := tx.QueryRow(ctx, `select user_id from login_links l where tenant_id = $1 and token_hash = $2 and not exists (select from audit_events
			where tenant_id = $1 and action = 'session.refused' and object = l.user_id::text and at > now() - interval '1 minute')`, tenant, hash(link)).Scan(&user)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read sign-in link: %w", err)
		}
		return triage.Audit(ctx, tx, tenant, triage.Actor{Kind: triage.ActorSystem}, "session.refused", user.String(), nil)
	})
}

func (s *Service) exchangeStaff(ctx context.Context, link string) (string, Principal, error) {
	if s.worker == nil {
		return "", Principal{}, ErrLinkExpired
	}
	var session string
	var principal Principal
	err := pgx.BeginFunc(ctx, s.worker.Pool(), func(tx pgx.Tx) error {
		var staff uuid.UUID
		err := tx.QueryRow(ctx, `update staff_login_links set used_at = coalesce(used_at, $2) where token_hash = $1
			and expires_at > $2 and (used_at is null or reusable) returning staff_id`, hash(link), s.now()).Scan(&staff)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrLinkExpired
		}
		if err != nil {
			return err
		}
		session, principal, err = s.beginStaff(ctx, tx, staff, time.Time{})
		return err
	})
	if errors.Is(err, ErrUnauthenticated) {
		err = ErrLinkExpired
	}
	if err != nil {
		return "", Principal{}, fmt.Errorf("exchange staff sign-in link: %w", err)
	}
	return session, principal, nil
}

// begin starts a session of a customer's. fresh is when they last proved who
// they are, zero where a link was all.
func (s *Service) begin(ctx context.Context, tx pgx.Tx, tenant, user uuid.UUID, fresh time.Time) (string, Principal, error) {
	session := tenantToken(sessionPrefix, tenant)
	if _, err := tx.Exec(ctx, `insert into sessions (tenant_id, token_hash, user_id, last_seen_at, expires_at, fresh_at) values ($1, $2, $3, $4, $5, $6)`,
		tenant, hash(session), user, s.now(), s.now().Add(s.absolute), at(fresh)); err != nil {
		return "", Principal{}, fmt.Errorf("start session: %w", err)
	}
	if _, err := tx.Exec(ctx, `update users set last_login_at = $3, state = case when state = 'invited' then 'active' else state end
		where tenant_id = $1 and id = $2`, tenant, user, s.now()); err != nil {
		return "", Principal{}, fmt.Errorf("start session: %w", err)
	}
	if _, err := tx.Exec(ctx, `update invitations set accepted_at = $3 where tenant_id = $1 and user_id = $2 and accepted_at is null`, tenant, user, s.now()); err != nil {
		return "", Principal{}, fmt.Errorf("start session: %w", err)
	}
	principal, err := s.customer(ctx, tx, tenant, hash(session))
	if err != nil {
		return "", Principal{}, err
	}
	return session, principal, triage.Audit(ctx, tx, tenant, principal.Actor, "session.started", user.String(), nil)
}

// beginStaff is begin for a member of staff.
func (s *Service) beginStaff(ctx context.Context, tx pgx.Tx, staff uuid.UUID, fresh time.Time) (string, Principal, error) {
	session := staffSessionPrefix + secret()
	if _, err := tx.Exec(ctx, `insert into staff_sessions (token_hash, staff_id, last_seen_at, expires_at, fresh_at) values ($1, $2, $3, $4, $5)`,
		hash(session), staff, s.now(), s.now().Add(s.absolute), at(fresh)); err != nil {
		return "", Principal{}, fmt.Errorf("start staff session: %w", err)
	}
	principal, err := s.staff(ctx, tx, hash(session))
	if err != nil {
		return "", Principal{}, err
	}
	return session, principal, triage.AuditOperator(ctx, tx, principal.Actor, "session.started", staff.String(), nil)
}

// at is a moment for a column that may be empty.
func at(moment time.Time) *time.Time {
	if moment.IsZero() {
		return nil
	}
	return &moment
}

// Authenticate says who holds a session or API key.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	if strings.HasPrefix(token, staffSessionPrefix) && s.worker != nil {
		var principal Principal
		err := pgx.BeginFunc(ctx, s.worker.Pool(), func(tx pgx.Tx) (err error) {
			principal, err = s.staff(ctx, tx, hash(token))
			return err
		})
		return principal, err
	}
	for prefix, read := range map[string]func(context.Context, pgx.Tx, uuid.UUID, []byte) (Principal, error){
		sessionPrefix: s.customer, keyPrefix: s.key,
	} {
		tenant, ok := tenantOf(prefix, token)
		if !ok {
			continue
		}
		var principal Principal
		err := s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) (err error) {
			principal, err = read(ctx, tx, tenant, hash(token))
			return err
		})
		return principal, err
	}
	return Principal{}, ErrUnauthenticated
}

// Logout ends a session on the server.
func (s *Service) Logout(ctx context.Context, token string) error {
	var err error
	if strings.HasPrefix(token, staffSessionPrefix) && s.worker != nil {
		err = pgx.BeginFunc(ctx, s.worker.Pool(), func(tx pgx.Tx) error {
			var staff uuid.UUID
			err := tx.QueryRow(ctx, `update staff_sessions set revoked_at = $2 where token_hash = $1 and revoked_at is null returning staff_id`, hash(token), s.now()).Scan(&staff)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			return triage.AuditOperator(ctx, tx, triage.Actor{Kind: triage.ActorStaff, ID: staff}, "session.ended", staff.String(), nil)
		})
	} else if tenant, ok := tenantOf(sessionPrefix, token); ok {
		err = s.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			var user uuid.UUID
			err := tx.QueryRow(ctx, `update sessions set revoked_at = $3 where tenant_id = $1 and token_hash = $2 and revoked_at is null returning user_id`,
				tenant, hash(token), s.now()).Scan(&user)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			return triage.Audit(ctx, tx, tenant, triage.Actor{Kind: triage.ActorCustomer, ID: user}, "session.ended", user.String(), nil)
		})
	}
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

func (s *Service) customer(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, tokenHash []byte) (Principal, error) {
	p := Principal{Kind: Customer}
	var seen time.Time
	var fresh *time.Time
	err := tx.QueryRow(ctx, `select u.id, u.display_name, u.email, u.roles, u.departments, u.locale, coalesce(u.time_zone, t.time_zone),
		  t.id, t.slug, t.name, t.time_zone, t.plan, t.lifecycle_state, s.last_seen_at, s.fresh_at
		from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id join tenants t on t.id = s.tenant_id
		where s.tenant_id = $1 and s.token_hash = $2 and s.revoked_at is null and s.expires_at > $3 and s.last_seen_at > $4
		  and u.state = 'active' and t.lifecycle_state not in ('suspended', 'erased')`,
		tenant, tokenHash, s.now(), s.now().Add(-s.idle)).
		Scan(&p.Actor.ID, &p.Actor.Name, &p.Email, &p.Actor.Roles, &p.Actor.Departments, &p.Actor.Locale, &p.Actor.TimeZone,
			&p.Tenant.ID, &p.Tenant.Slug, &p.Tenant.Name, &p.Tenant.TimeZone, &p.Tenant.Plan, &p.Tenant.LifecycleState, &seen, &fresh)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read session: %w", err)
	}
	p.Actor.Kind, p.Actor.TenantID = triage.ActorCustomer, tenant
	if fresh != nil {
		p.FreshAt = *fresh
	}
	if s.now().Sub(seen) > time.Minute { // at most one write a minute: the row is hot
		if _, err := tx.Exec(ctx, `update sessions set last_seen_at = $3 where tenant_id = $1 and token_hash = $2`, tenant, tokenHash, s.now()); err != nil {
			return Principal{}, fmt.Errorf("touch session: %w", err)
		}
	}
	return p, nil
}

func (s *Service) staff(ctx context.Context, tx pgx.Tx, tokenHash []byte) (Principal, error) {
	p := Principal{Kind: Staff}
	var seen time.Time
	var fresh *time.Time
	err := tx.QueryRow(ctx, `select m.id, m.display_name, m.email, m.roles, s.last_seen_at, s.fresh_at from staff_sessions s join staff m on m.id = s.staff_id
		where s.token_hash = $1 and s.revoked_at is null and s.expires_at > $2 and s.last_seen_at > $3 and m.state <> 'deactivated'`,
		tokenHash, s.now(), s.now().Add(-s.idle)).Scan(&p.Actor.ID, &p.Actor.Name, &p.Email, &p.Actor.Roles, &seen, &fresh)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read staff session: %w", err)
	}
	p.Actor.Kind, p.Actor.Locale, p.Actor.TimeZone = triage.ActorStaff, "en", "UTC"
	if fresh != nil {
		p.FreshAt = *fresh
	}
	if s.now().Sub(seen) > time.Minute {
		if _, err := tx.Exec(ctx, `update staff_sessions set last_seen_at = $2 where token_hash = $1`, tokenHash, s.now()); err != nil {
			return Principal{}, fmt.Errorf("touch staff session: %w", err)
		}
	}
	return p, nil
}

// RoleAPI marks the actor of an API key.
const RoleAPI = "api"

func (s *Service) key(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, tokenHash []byte) (Principal, error) {
	p := Principal{Kind: Key}
	var used *time.Time
	err := tx.QueryRow(ctx, `select k.id, k.name, k.scopes, t.id, t.slug, t.name, t.time_zone, t.plan, t.lifecycle_state, t.locale, k.last_used_at
		from api_keys k join tenants t on t.id = k.tenant_id where k.tenant_id = $1 and k.token_hash = $2 and k.revoked_at is null
		  and t.lifecycle_state not in ('suspended', 'erased')`, tenant, tokenHash).
		Scan(&p.Actor.ID, &p.Actor.Name, &p.Scopes, &p.Tenant.ID, &p.Tenant.Slug, &p.Tenant.Name, &p.Tenant.TimeZone,
			&p.Tenant.Plan, &p.Tenant.LifecycleState, &p.Actor.Locale, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read API key: %w", err)
	}
	p.Actor.Kind, p.Actor.TenantID, p.Actor.Roles, p.Actor.TimeZone = triage.ActorCustomer, tenant, []string{RoleAPI}, p.Tenant.TimeZone
	if used == nil || s.now().Sub(*used) > time.Minute {
		if _, err := tx.Exec(ctx, `update api_keys set last_used_at = $3 where tenant_id = $1 and token_hash = $2`, tenant, tokenHash, s.now()); err != nil {
			return Principal{}, fmt.Errorf("touch API key: %w", err)
		}
	}
	return p, nil
}

func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func tenantToken(prefix string, tenant uuid.UUID) string {
	return prefix + hex.EncodeToString(tenant[:]) + "_" + secret()
}

// tenantOf reads the tenant a token names.
func tenantOf(prefix, token string) (uuid.UUID, bool) {
	rest, ok := strings.CutPrefix(token, prefix)
	if !ok {
		return uuid.Nil, false
	}
	name, _, ok := strings.Cut(rest, "_")
	if !ok || len(name) != 32 {
		return uuid.Nil, false
	}
	raw, err := hex.DecodeString(name)
	if err != nil {
		return uuid.Nil, false
	}
	tenant, err := uuid.FromBytes(raw)
	return tenant, err == nil && tenant != uuid.Nil
}

func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

type contextKey struct{}

// With keeps the principal in a request's context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From is the request's principal.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
