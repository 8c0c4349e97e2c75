package knowledge

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Level is the widest circle an article is for.
type Level string

const (
	Public   Level = "public"   // everyone, the signed-out help centre included
	Customer Level = "customer" // signed-in people of a tenant
	Agent    Level = "agent"    // the operator's agents and curators
)

// Audience says who may see an article. Empty lists restrict nothing; a
// restriction is met by any one of its values.
type Audience struct {
	Level       Level    `json:"level"`
	Departments []string `json:"departments,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	Plans       []string `json:"plans,omitempty"`
	Locales     []string `json:"locales,omitempty"`
}

// ErrBadAudience is returned for an audience with an unknown level.
var ErrBadAudience = errors.New("knowledge: unknown audience")

// Normalize sorts, folds and checks an audience; an empty level is Customer.
func (a Audience) Normalize() (Audience, error) {
	a.Level = cmp.Or(a.Level, Customer)
	switch a.Level {
	case Public, Customer, Agent:
	default:
		return Audience{}, fmt.Errorf("%w %q: use %s, %s or %s", ErrBadAudience, a.Level, Public, Customer, Agent)
	}
	for _, list := range []*[]string{&a.Departments, &a.Roles, &a.Plans, &a.Locales} {
		*list = words(*list)
	}
	return a, nil
}

func words(list []string) []string {
	out := make([]string, 0, len(list))
	for _, word := range list {
		if word = strings.ToLower(strings.TrimSpace(word)); word != "" {
			out = append(out, word)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fingerprint identifies a normalized audience.
func (a Audience) fingerprint() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%q|%q|%q|%q", a.Level, a.Departments, a.Roles, a.Plans, a.Locales))
	return hex.EncodeToString(sum[:16])
}

// Viewer is who asks. The zero Viewer is a signed-out visitor. It comes from
// the session, never from a request body.
type Viewer struct {
	TenantID    uuid.UUID // uuid.Nil: no tenant
	Staff       bool      // the operator's agents and curators
	Roles       []string
	Departments []string
	Plan        string
	Locale      string
}

func (v Viewer) levels() []string {
	switch {
	case v.Staff:
		return []string{string(Public), string(Customer), string(Agent)}
	case v.TenantID != uuid.Nil:
		return []string{string(Public), string(Customer)}
	}
	return []string{string(Public)}
}

// Predicate is the one access rule, over a row w of an audiences table. Staff
// see whatever some customer may see; internal articles hold staff, too, to
// their departments and roles.
const Predicate = `(w.audience = any(@viewer_levels::text[]) and (@viewer_staff::bool and w.audience <> 'agent' or (
	(cardinality(w.departments) = 0 or w.departments && @viewer_departments::text[])
	and (cardinality(w.roles) = 0 or w.roles && @viewer_roles::text[])
	and (cardinality(w.plans) = 0 or w.plans && @viewer_plans::text[])
	and (cardinality(w.locales) = 0 or w.locales && @viewer_locales::text[]))))`

// Args adds the named arguments of Predicate.
func (v Viewer) Args(args pgx.NamedArgs) pgx.NamedArgs {
	if args == nil {
		args = pgx.NamedArgs{}
	}
	locale := strings.ToLower(strings.ReplaceAll(v.Locale, "_", "-"))
	language, _, _ := strings.Cut(locale, "-")
	args["viewer_levels"] = v.levels()
	args["viewer_staff"] = v.Staff
	args["viewer_departments"] = words(v.Departments)
	args["viewer_roles"] = words(v.Roles)
	args["viewer_plans"] = words([]string{v.Plan})
	args["viewer_locales"] = words([]string{locale, language})
	return args
}

// Spaces are the spaces the viewer reads: shared, and the tenant's own.
func (v Viewer) Spaces() []Space {
	if v.TenantID == uuid.Nil {
		return []Space{Shared}
	}
	return []Space{Shared, Of(v.TenantID)}
}
