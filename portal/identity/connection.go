package identity

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// ErrBadConnection says a connection cannot be used as it is; the text says why.
var ErrBadConnection = errors.New("the connection is not valid")

// ErrNoConnection says an organisation has no single sign-on.
var ErrNoConnection = errors.New("there is no single sign-on here")

// Connection is how an organisation's people sign in at its own provider: data,
// made by the operator. TenantID is zero for the operator's staff.
type Connection struct {
	TenantID uuid.UUID `json:"-" db:"tenant_id"`
	// Protocol is what the provider speaks: "oidc", which empty means too, or "saml".
	Protocol string `json:"protocol,omitempty" db:"protocol"`
	// Issuer is its name: an address, or with SAML its entity id.
	Issuer string `json:"issuer" db:"issuer"`
	// ClientID is our name there; with SAML it may be left out.
	ClientID string `json:"client_id" db:"client_id"`
	// Metadata is what a SAML provider says of itself, in XML.
	Metadata string `json:"metadata,omitempty" db:"metadata"`
	// SecretEnv names the setting that holds the client's secret; empty: a public
	// client, which PKCE alone protects.
	SecretEnv string `json:"secret_env,omitempty" db:"secret_env"`
	// Domains of the addresses the provider may speak for.
	Domains []string `json:"domains" db:"domains"`
	// JustInTime makes a person the provider knows and we do not; otherwise only
	// invited people get in.
	JustInTime bool `json:"just_in_time,omitempty" db:"just_in_time"`
	// RolesClaim names the claim whose values Roles maps; empty: roles come from
	// the invitation, and a person made just in time gets DefaultRoles.
	RolesClaim   string              `json:"roles_claim,omitempty" db:"roles_claim"`
	Roles        map[string][]string `json:"roles,omitempty" db:"roles"`
	DefaultRoles []string            `json:"default_roles,omitempty" db:"default_roles"`
	// DepartmentsClaim and Departments are the same for departments.
	DepartmentsClaim string              `json:"departments_claim,omitempty" db:"departments_claim"`
	Departments      map[string][]string `json:"departments,omitempty" db:"departments"`
	// Networks may be dialled although they are not public: a provider inside.
	Networks []string `json:"networks,omitempty" db:"networks"`
	Enabled  bool     `json:"-" db:"enabled"`
}

// The protocols.
const (
	OIDC = "oidc"
	SAML = "saml"
)

// ByProtocol is a Provider for each protocol.
type ByProtocol map[string]Provider

func (b ByProtocol) of(c Connection) (Provider, error) {
	p, ok := b[cmp.Or(c.Protocol, OIDC)]
	if !ok {
		return nil, fmt.Errorf("%w: nobody here speaks %s", ErrProvider, c.Protocol)
	}
	return p, nil
}

// AuthorizeURL implements Provider.
func (b ByProtocol) AuthorizeURL(ctx context.Context, c Connection, r Request) (string, error) {
	p, err := b.of(c)
	if err != nil {
		return "", err
	}
	return p.AuthorizeURL(ctx, c, r)
}

// Redeem implements Provider.
func (b ByProtocol) Redeem(ctx context.Context, c Connection, r Request, answer Answer) (Claims, error) {
	p, err := b.of(c)
	if err != nil {
		return Claims{}, err
	}
	return p.Redeem(ctx, c, r, answer)
}

// staffRoles are the operator's. Customers' organisations have roles of their
// own beside admin, manager and member, so theirs are checked by form.
var staffRoles = []string{"agent", "curator", "admin", "lead"}

var (
	roleName    = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)
	domainName  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)
	settingName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
)

// ParseConnection reads a connection as the operator wrote it: JSON.
func ParseConnection(body []byte) (Connection, error) {
	var c Connection
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: %w", ErrBadConnection, err)
	}
	c.Enabled = true
	for i, domain := range c.Domains {
		c.Domains[i] = strings.ToLower(strings.TrimSpace(domain))
	}
	return c, nil
}

func (c Connection) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadConnection, fmt.Sprintf(format, args...))
	}
	issuer, err := url.Parse(c.Issuer)
	switch {
	case c.Protocol != OIDC && c.Protocol != SAML:
		return bad("protocol must be oidc or saml")
	case c.Protocol == SAML && (c.Issuer == "" || len(c.Issuer) > 500 || c.Metadata == "" || len(c.Metadata) > 256<<10):
		return bad("a SAML provider is known by its metadata: hand its file over")
	case c.Protocol == SAML && (c.SecretEnv != "" || len(c.Networks) > 0):
		return bad("secret_env and networks are for OpenID Connect: a SAML provider is never called from here")
	case c.Protocol == OIDC && c.Metadata != "":
		return bad("metadata is for SAML; an OpenID Connect provider is asked")
	case c.Protocol == SAML:
	case err != nil || issuer.Host == "" || issuer.User != nil || issuer.RawQuery != "" || issuer.Fragment != "":
		return bad("issuer must be an address such as https://login.example.com")
	case issuer.Scheme != "https" && !(issuer.Scheme == "http" && loopback(issuer.Hostname())):
		return bad("issuer must begin with https://")
	case c.ClientID == "":
		return bad("client_id is missing")
	}
	switch {
	case c.SecretEnv != "" && !settingName.MatchString(c.SecretEnv):
		return bad("secret_env names the environment variable with the secret; it must not be the secret")
	case len(c.Domains) == 0:
		return bad("domains names no domain: say for which addresses the provider may speak")
	case c.RolesClaim == "" && len(c.Roles) > 0, c.DepartmentsClaim == "" && len(c.Departments) > 0:
		return bad("roles and departments are mapped from a claim: name it in roles_claim and departments_claim")
	case c.JustInTime && c.RolesClaim == "" && len(c.DefaultRoles) == 0:
		return bad("just_in_time needs default_roles or roles_claim: somebody new must have a role")
	}
	for _, domain := range c.Domains {
		if !domainName.MatchString(domain) {
			return bad("%q is no domain such as example.com", domain)
		}
	}
	for _, role := range slices.Concat(c.DefaultRoles, slices.Concat(slices.Collect(maps.Values(c.Roles))...)) {
		switch {
		case c.TenantID == uuid.Nil && !slices.Contains(staffRoles, role):
			return bad("there is no role %q; staff are %s", role, strings.Join(staffRoles, ", "))
		case !roleName.MatchString(role) || role == RoleAPI:
			return bad("%q is no role of a person, such as admin, manager or member", role)
		}
	}
	for _, network := range c.Networks {
		if _, err := netip.ParsePrefix(network); err != nil {
			return bad("%q is no network such as 10.0.0.0/8", network)
		}
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// roles are what the claims give somebody; ok is false where the claims decide
// nothing, and what the invitation gave stays.
func (c Connection) roles(claims Claims) (roles []string, ok bool) {
	if c.RolesClaim == "" {
		return nil, false
	}
	roles = mapped(c.Roles, claims.Values(c.RolesClaim))
	if len(roles) == 0 {
		roles = c.DefaultRoles
	}
	return roles, true
}

func (c Connection) departments(claims Claims) (departments []string, ok bool) {
	if c.DepartmentsClaim == "" {
		return nil, false
	}
	return mapped(c.Departments, claims.Values(c.DepartmentsClaim)), true
}

func mapped(table map[string][]string, values []string) []string {
	out := []string{}
	for _, value := range values {
		out = append(out, table[value]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const connectionColumns = `issuer, client_id, secret_env, domains, just_in_time, roles_claim, roles, default_roles, departments_claim, departments, networks, enabled, protocol, metadata`

// PutConnection stores an organisation's connection. A domain belongs to one
// organisation only: its provider must not speak for another's people.
func (s *Service) PutConnection(ctx context.Context, c Connection) error {
	c.Protocol = cmp.Or(c.Protocol, OIDC)
	if err := c.check(); err != nil {
		return err
	}
	err := s.worker.WithSystem(ctx, "an operator connects a sign-in provider", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('sso domains', 0))`); err != nil {
			return err
		}
		var taken []string
		err := tx.QueryRow(ctx, `select coalesce(array_agg(distinct d), '{}') from (
			select tenant_id as owner, unnest(domains) d from sso_connections
			union all select '00000000-0000-0000-0000-000000000000', unnest(domains) from staff_sso_connection) held
			where owner <> $1 and d = any($2)`, c.TenantID, c.Domains).Scan(&taken)
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return fmt.Errorf("%w: another organisation signs in with %s", ErrBadConnection, strings.Join(taken, ", "))
		}
		values := []any{c.Issuer, c.ClientID, c.SecretEnv, c.Domains, c.JustInTime, c.RolesClaim, orEmpty(c.Roles), list(c.DefaultRoles),
			c.DepartmentsClaim, orEmpty(c.Departments), list(c.Networks), c.Enabled, c.Protocol, c.Metadata, s.now()}
		const set = `issuer = excluded.issuer, client_id = excluded.client_id, secret_env = excluded.secret_env, domains = excluded.domains,
			just_in_time = excluded.just_in_time, roles_claim = excluded.roles_claim, roles = excluded.roles, default_roles = excluded.default_roles,
			departments_claim = excluded.departments_claim, departments = excluded.departments, networks = excluded.networks, enabled = excluded.enabled,
			protocol = excluded.protocol, metadata = excluded.metadata, updated_at = excluded.updated_at`
		if c.TenantID == uuid.Nil {
			_, err = tx.Exec(ctx, `insert into staff_sso_connection (`+connectionColumns+`, updated_at)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict (only_one) do update set `+set, values...)
			return err
		}
		if _, err := tx.Exec(ctx, `insert into sso_connections (tenant_id, `+connectionColumns+`, updated_at)
			values ($16, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict (tenant_id) do update set `+set, append(values, c.TenantID)...); err != nil {
			return err
		}
		return triage.Audit(ctx, tx, c.TenantID, triage.Actor{Kind: triage.ActorSystem}, "sso.connected", c.TenantID.String(), map[string]any{"issuer": c.Issuer, "domains": c.Domains})
	})
	if err != nil {
		return fmt.Errorf("store connection: %w", err)
	}
	return nil
}

// DropConnection ends an organisation's single sign-on.
func (s *Service) DropConnection(ctx context.Context, tenant uuid.UUID) error {
	err := s.worker.WithSystem(ctx, "an operator disconnects a sign-in provider", func(tx pgx.Tx) error {
		if tenant == uuid.Nil {
			tag, err := tx.Exec(ctx, `delete from staff_sso_connection`)
			if err == nil && tag.RowsAffected() == 0 {
				err = ErrNoConnection
			}
			return err
		}
		tag, err := tx.Exec(ctx, `delete from sso_connections where tenant_id = $1`, tenant)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNoConnection
		}
		return triage.Audit(ctx, tx, tenant, triage.Actor{Kind: triage.ActorSystem}, "sso.disconnected", tenant.String(), nil)
	})
	if err != nil {
		return fmt.Errorf("remove connection: %w", err)
	}
	return nil
}

// Connections are all connections, the staff's first.
func (s *Service) Connections(ctx context.Context) (out []Connection, err error) {
	err = s.worker.WithSystem(ctx, "list sign-in providers", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select '00000000-0000-0000-0000-000000000000'::uuid as tenant_id, `+connectionColumns+` from staff_sso_connection
			union all select tenant_id, `+connectionColumns+` from sso_connections order by 1`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Connection])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return out, nil
}

// connection is the organisation's, if it is switched on.
func (s *Service) connection(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (Connection, error) {
	query, args := `select '00000000-0000-0000-0000-000000000000'::uuid as tenant_id, `+connectionColumns+` from staff_sso_connection where enabled`, []any{}
	if tenant != uuid.Nil {
		query, args = `select tenant_id, `+connectionColumns+` from sso_connections where tenant_id = $1 and enabled`, []any{tenant}
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Connection{}, fmt.Errorf("read connection: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Connection])
	if errors.Is(err, pgx.ErrNoRows) {
		return Connection{}, ErrNoConnection
	}
	if err != nil {
		return Connection{}, fmt.Errorf("read connection: %w", err)
	}
	return c, nil
}

// connectionFor finds whose provider speaks for an address.
func (s *Service) connectionFor(ctx context.Context, address string) (c Connection, err error) {
	_, domain, _ := strings.Cut(address, "@")
	err = s.worker.WithSystem(ctx, "find the sign-in provider of an address", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select '00000000-0000-0000-0000-000000000000'::uuid as tenant_id, `+connectionColumns+` from staff_sso_connection where enabled and $1 = any(domains)
			union all select c.tenant_id, `+prefixed+` from sso_connections c join tenants t on t.id = c.tenant_id
			where c.enabled and $1 = any(c.domains) and t.lifecycle_state not in ('suspended', 'erased') limit 1`, domain)
		if err != nil {
			return err
		}
		c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Connection])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Connection{}, ErrNoConnection
	}
	if err != nil {
		return Connection{}, fmt.Errorf("find connection: %w", err)
	}
	return c, nil
}

var prefixed = "c." + strings.ReplaceAll(connectionColumns, ", ", ", c.")

func list(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}

func orEmpty(values map[string][]string) map[string][]string {
	if values == nil {
		return map[string][]string{}
	}
	return values
}
