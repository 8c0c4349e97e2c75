package rule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
)

// ErrBadRule says a rule cannot be used as it is; the text says where.
var ErrBadRule = errors.New("rule is not valid")

// Event is something that happened to a tenant.
type Event struct {
	TenantID uuid.UUID
	Kind     string // such as integration.failing; one of Kinds
	// Subject names what it happened to and which time: two deliveries of one
	// happening have one subject, a second failure after a recovery has another.
	Subject  string
	Entity   string
	EntityID uuid.UUID
	UserID   uuid.UUID // the person it concerns; zero: the tenant's admins
	// Department is set where only its people may know of it.
	Department string
	Fields     map[string]string // customer-safe facts, for conditions and messages
}

// The kinds of event.
const (
	IntegrationFailing   = "integration.failing"
	IntegrationRecovered = "integration.recovered"
	DocumentRejected     = "document.rejected"
	DocumentAccepted     = "document.accepted"
	TaskReady            = "task.ready" // what it waited for is done
	TaskDone             = "task.done"
	MilestoneDone        = "milestone.done"
	MilestoneSlipped     = "milestone.slipped"
	SignatureMissing     = "signature.missing"
	SignatureCompleted   = "signature.completed"
	VerificationNeeds    = "verification.needs_information"
	VerificationVerified = "verification.verified"
	HealthChanged        = "health.changed"
	Stalled              = "project.stalled"
	WentLive             = "project.live"
)

// Kinds are all kinds of event.
var Kinds = []string{
	IntegrationFailing, IntegrationRecovered, DocumentRejected, DocumentAccepted, TaskReady, TaskDone, MilestoneDone, MilestoneSlipped, SignatureMissing, SignatureCompleted,
	VerificationNeeds, VerificationVerified, HealthChanged, Stalled, WentLive,
}

// Tellable are the kinds of event customers can be told of: there is a sentence
// for each in every language. Health and standstill are for the operator's people.
var Tellable = []string{
	IntegrationFailing, IntegrationRecovered, DocumentRejected, DocumentAccepted, TaskReady, TaskDone, MilestoneDone, MilestoneSlipped, SignatureMissing,
	SignatureCompleted, VerificationNeeds, VerificationVerified, WentLive,
}

// Rule is one reaction.
type Rule struct {
	Key     string      `json:"key" yaml:"key"`
	On      string      `json:"on" yaml:"on"` // a kind of event
	When    []Condition `json:"when,omitempty" yaml:"when,omitempty"`
	Do      Action      `json:"do" yaml:"do"`
	Enabled bool        `json:"enabled" yaml:"-"`
}

// Condition compares a field of the event. All conditions of a rule must hold; a
// missing field is an empty text.
type Condition struct {
	Field string `json:"field" yaml:"field"`
	Op    string `json:"op" yaml:"op"` // is, is_not, at_least, below
	Value string `json:"value" yaml:"value"`
}

// Action is what to do.
type Action struct {
	Kind  string `json:"kind" yaml:"kind"` // open_ticket, close_ticket, tell_customer, tell_owner, create_task
	Title string `json:"title,omitempty" yaml:"title,omitempty"`
}

// The kinds of action.
const (
	OpenTicket   = "open_ticket"
	CloseTicket  = "close_ticket"
	TellCustomer = "tell_customer"
	TellOwner    = "tell_owner"
	CreateTask   = "create_task"
)

var (
	keyPattern = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)
	// Actions are all kinds of action.
	Actions   = []string{OpenTicket, CloseTicket, TellCustomer, TellOwner, CreateTask}
	operators = []string{"is", "is_not", "at_least", "below"}
)

// Parse reads a list of rules from YAML or JSON and checks them.
func Parse(body []byte) ([]Rule, error) {
	var rules []Rule
	if err := yaml.UnmarshalWithOptions(body, &rules, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRule, err)
	}
	for i := range rules {
		rules[i].Enabled = true
		if err := rules[i].Check(); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// Check reports what is wrong with the rule.
func (r Rule) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: rule %q: %s", ErrBadRule, r.Key, fmt.Sprintf(format, args...))
	}
	switch {
	case !keyPattern.MatchString(r.Key):
		return bad("the key must be small letters, digits and _")
	case !slices.Contains(Kinds, r.On):
		return bad("unknown event %q", r.On)
	case !slices.Contains(Actions, r.Do.Kind):
		return bad("unknown action %q", r.Do.Kind)
	case r.Do.Kind == TellCustomer && !slices.Contains(Tellable, r.On):
		return bad("customers are not told of %s; tell_owner can be", r.On)
	case r.Do.Kind == CreateTask && r.Do.Title == "":
		return bad("create_task needs a title")
	}
	for _, c := range r.When {
		if err := c.Check(); err != nil {
			return bad("%v", err)
		}
	}
	return nil
}

// Check reports what is wrong with the condition.
func (c Condition) Check() error {
	if c.Field == "" || !slices.Contains(operators, c.Op) {
		return fmt.Errorf("condition %+v needs a field and one of %v", c, operators)
	}
	if _, err := strconv.ParseFloat(c.Value, 64); (c.Op == "at_least" || c.Op == "below") && err != nil {
		return fmt.Errorf("%s needs a number, not %q", c.Op, c.Value)
	}
	return nil
}

// Matches reports whether the rule applies to the event.
func (r Rule) Matches(e Event) bool {
	if !r.Enabled || r.On != e.Kind {
		return false
	}
	return !slices.ContainsFunc(r.When, func(c Condition) bool { return !c.Holds(e.Fields[c.Field]) })
}

// Holds compares a value. A value that is missing is an empty text: "is_not"
// anything holds for it, "is" holds with an empty value, and no number compares.
func (c Condition) Holds(have string) bool {
	switch c.Op {
	case "is":
		return have == c.Value
	case "is_not":
		return have != c.Value
	}
	number, err := strconv.ParseFloat(have, 64)
	limit, _ := strconv.ParseFloat(c.Value, 64) // checked when stored
	if err != nil {
		return false
	}
	if c.Op == "at_least" {
		return number >= limit
	}
	return number < limit
}

// Fired is a rule that applies to an event.
type Fired struct {
	Rule   string
	Action Action
	Event  Event
}

// Try says what the rules would do, without doing it.
func Try(rules []Rule, e Event) (fired []Fired) {
	for _, r := range rules {
		if r.Matches(e) {
			fired = append(fired, Fired{r.Key, r.Do, e})
		}
	}
	return fired
}
