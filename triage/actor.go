package triage

import "github.com/google/uuid"

// ActorKind says in which capacity somebody acts.
type ActorKind string

// The kinds of actor.
const (
	ActorCustomer  ActorKind = "customer"
	ActorStaff     ActorKind = "staff"
	ActorAssistant ActorKind = "assistant"
	ActorSystem    ActorKind = "system"
	ActorCRM       ActorKind = "crm"
)

// Actor is who acts, as the domain needs it.
type Actor struct {
	Kind        ActorKind
	ID          uuid.UUID // user or staff id; zero for the assistant and the system
	Name        string    // as shown to others
	TenantID    uuid.UUID // zero for staff
	Roles       []string
	Departments []string
	Locale      string
	TimeZone    string
}

// Staff reports whether the actor belongs to the operator.
func (a Actor) Staff() bool { return a.Kind == ActorStaff }

// HasRole reports whether the actor holds the role.
func (a Actor) HasRole(role string) bool {
	for _, held := range a.Roles {
		if held == role {
			return true
		}
	}
	return false
}
