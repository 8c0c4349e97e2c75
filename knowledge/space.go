package knowledge

import (
	"context"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Space is whose articles: the operator's (the zero value, Shared) or a tenant's own.
type Space struct {
	Tenant uuid.UUID
}

// Shared is the operator's space, which every tenant reads.
var Shared = Space{}

// Of is a tenant's own space.
func Of(tenant uuid.UUID) Space { return Space{Tenant: tenant} }

// IsShared reports whether the space is the operator's.
func (s Space) IsShared() bool { return s.Tenant == uuid.Nil }

// String is "shared" or the tenant's id; it is for logs and job arguments.
func (s Space) String() string {
	if s.IsShared() {
		return "shared"
	}
	return s.Tenant.String()
}

// In runs fn in a transaction that may work on the space: inside the tenant's
// policies, or, for the shared tables, as the system (worker role only).
func (s Space) In(ctx context.Context, db *tenantdb.DB, reason string, fn func(tx pgx.Tx) error) error {
	if s.IsShared() {
		return db.WithSystem(ctx, reason, fn)
	}
	return db.WithTenant(ctx, s.Tenant, fn)
}

// Statement is one SQL text for both spaces. In its template
//
//	{articles}   is the table of the space (shared_articles, tenant_articles)
//	{tenant}     is "tenant_id, " or nothing: column lists and keys
//	{@tenant}    is "@tenant::uuid, " or nothing: the matching values
//	{a.scope}    is "a.tenant_id = @tenant" or "true"; without alias {scope}
//	{a=b}        is "a.tenant_id = b.tenant_id and " or nothing: joins
//
// Every statement is registered, so that one test prepares them all.
type Statement struct {
	shared, tenant string
}

var statements []Statement

// NewStatement parses a template. It is for package-level variables.
func NewStatement(template string) Statement {
	s := Statement{shared: render(template, true), tenant: render(template, false)}
	statements = append(statements, s)
	return s
}

// Statements returns every registered statement's two texts.
func Statements() [][2]string {
	out := make([][2]string, len(statements))
	for i, s := range statements {
		out[i] = [2]string{s.shared, s.tenant}
	}
	return out
}

// For is the statement's SQL in a space.
func (s Statement) For(space Space) string {
	if space.IsShared() {
		return s.shared
	}
	return s.tenant
}

// Render is a template's SQL in a space, for statements put together at run time.
func Render(template string, space Space) string { return render(template, space.IsShared()) }

var placeholder = regexp.MustCompile(`\{(@?[a-z_]+)(?:([.=])([a-z_]+))?\}`)

func render(template string, shared bool) string {
	return placeholder.ReplaceAllStringFunc(template, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		name, operator, second := m[1], m[2], m[3]
		switch {
		case operator == "=" && shared:
			return ""
		case operator == "=":
			return name + ".tenant_id = " + second + ".tenant_id and "
		case name == "scope" || operator == ".":
			if shared {
				return "true"
			}
			return strings.TrimPrefix(name+".", "scope.") + "tenant_id = @tenant::uuid"
		case name == "tenant" && shared, name == "@tenant" && shared:
			return ""
		case name == "tenant":
			return "tenant_id, "
		case name == "@tenant":
			return "@tenant::uuid, "
		case shared:
			return "shared_" + name
		}
		return "tenant_" + name
	})
}

// Args adds the space's tenant to a statement's named arguments.
func (s Space) Args(args pgx.NamedArgs) pgx.NamedArgs {
	if args == nil {
		args = pgx.NamedArgs{}
	}
	if !s.IsShared() {
		args["tenant"] = s.Tenant
	}
	return args
}
