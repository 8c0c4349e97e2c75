package enquiry

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage/desk"
)

// Look is what a question wants to see.
type Look string

// The looks.
const (
	LookNone         Look = "none"         // no question about the queue
	LookList         Look = "list"         // tickets, latest change first
	LookCount        Look = "count"        // how many
	LookLongest      Look = "longest"      // who waits longest for an answer
	LookTrend        Look = "trend"        // opened and solved by day, against the time before
	LookGroups       Look = "groups"       // counts by customer, team, owner, …
	LookIntegrations Look = "integrations" // the state of customers' integrations
)

// Enquiry is a question as it was understood.
type Enquiry struct {
	Look      Look
	Filter    desk.Filter
	By        desk.Group // of LookGroups
	Days      int        // of LookTrend
	Connector string     // of LookIntegrations; empty: all
	Failing   bool       // of LookIntegrations: only those that fail

	Said     []string // what was understood, in words
	Left     []string // words nothing was made of
	Customer string   // a customer's name that nobody has, as written
	// Choices are the same question with one of several customers that fit.
	Choices []string
	// Writes says that something was to be done, not looked at.
	Writes bool
}

// Vocabulary is the operator's own names a question may hold.
type Vocabulary struct {
	Customers  []Customer
	Staff      []Person
	Topics     []string // intents and product areas of the taxonomy
	Areas      []string // the product areas among them
	Teams      []string
	Connectors []string
}

// Customer is a tenant by name.
type Customer struct {
	ID         uuid.UUID
	Name, Slug string
}

// Person is a member of staff.
type Person struct {
	ID            uuid.UUID
	Name, SlackID string
}

// Asker is who asks, and from when.
type Asker struct {
	ID  uuid.UUID
	Now time.Time // in the asker's zone: "today" is theirs
}
