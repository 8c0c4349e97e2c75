package triage

import (
	"time"

	"github.com/google/uuid"
)

// Priority orders tickets.
type Priority string

// The priorities.
const (
	PriorityUrgent Priority = "urgent"
	PriorityHigh   Priority = "high"
	PriorityNormal Priority = "normal"
	PriorityLow    Priority = "low"
)

// CustomerState is a ticket's state in the customer's words.
type CustomerState string

// The customer states.
const (
	StateReceived      CustomerState = "received"
	StateWorkingOnIt   CustomerState = "working_on_it"
	StateWaitingForYou CustomerState = "waiting_for_you"
	StateSolved        CustomerState = "solved"
)

// InternalState is a ticket's state for agents.
type InternalState string

// The internal states. Solved reopens on a customer's message; closed does not:
// a new ticket linked to it is made.
const (
	InternalNew     InternalState = "new"
	InternalOpen    InternalState = "open"
	InternalPending InternalState = "pending" // waiting for the customer
	InternalOnHold  InternalState = "on_hold" // waiting for somebody else
	InternalSnoozed InternalState = "snoozed"
	InternalSolved  InternalState = "solved"
	InternalClosed  InternalState = "closed"
)

// Ticket is tracked work of people.
type Ticket struct {
	TenantID            uuid.UUID     `db:"tenant_id"`
	ID                  uuid.UUID     `db:"id"`
	Number              int64         `db:"number"` // short public number, unique in its tenant
	ConversationID      uuid.UUID     `db:"conversation_id"`
	UserID              *uuid.UUID    `db:"user_id"`
	Subject             string        `db:"subject"`
	Summary             string        `db:"summary"`
	Origin              string        `db:"origin"`
	DedupKey            *string       `db:"dedup_key"`
	CustomerState       CustomerState `db:"customer_state"`
	InternalState       InternalState `db:"internal_state"`
	Priority            Priority      `db:"priority"`
	Intent              string        `db:"intent"`
	ProductArea         string        `db:"product_area"`
	Language            string        `db:"language"`
	Sentiment           string        `db:"sentiment"`
	Team                string        `db:"team"`
	Reason              Reason        `db:"reason"`
	AssigneeID          *uuid.UUID    `db:"assignee_id"`
	AssigneeName        string        `db:"assignee_name"`
	SnoozedUntil        *time.Time    `db:"snoozed_until"`
	SolvedAt            *time.Time    `db:"solved_at"`
	ClosedAt            *time.Time    `db:"closed_at"`
	Resolution          string        `db:"resolution"`
	Version             int64         `db:"version"`
	LastPublicMessageAt *time.Time    `db:"last_public_message_at"`
	CreatedAt           time.Time     `db:"created_at"`
	UpdatedAt           time.Time     `db:"updated_at"`
}

// Reason is why a conversation was handed to people: a fixed list.
type Reason string

// The reasons.
const (
	ReasonRequested   Reason = "customer_asked"      // "talk to a person"
	ReasonNoAnswer    Reason = "no_answer_found"     // weak retrieval or nothing known
	ReasonGate        Reason = "answer_held_back"    // the gate refused the draft
	ReasonUrgent      Reason = "urgent"              // urgent by words or impact
	ReasonSensitive   Reason = "sensitive_topic"     // legal, security, complaint, verification
	ReasonAction      Reason = "needs_action"        // a change only people may make
	ReasonFailure     Reason = "technical_failure"   // something of ours did not work
	ReasonUnhappy     Reason = "customer_unhappy"    // negative vote or strong negative words
	ReasonAbuse       Reason = "abuse_or_threat"     // kindly, to a person
	ReasonStatusRule  Reason = "status_needs_person" // a status answer's own escalation rule
	ReasonIntegration Reason = "integration_error"   // opened by a failing integration
	ReasonAPI         Reason = "created_by_api"      // a ticket filed on purpose
	ReasonTurns       Reason = "too_many_turns"      // the assistant's turns are used up
)

// Classification is one stored decision about a customer message.
type Classification struct {
	Intent        string   `json:"intent"`     // empty: none fits
	Confidence    float64  `json:"confidence"` // calibrated, 0 to 1
	ProductArea   string   `json:"product_area,omitempty"`
	Priority      Priority `json:"priority"`
	Language      string   `json:"language"`  // ISO 639-1
	Sentiment     string   `json:"sentiment"` // very_negative … very_positive
	Team          string   `json:"team,omitempty"`
	Route         string   `json:"route"` // acknowledge, status, answer, clarify, escalate
	Sensitive     bool     `json:"sensitive,omitempty"`
	Labels        []Label  `json:"labels,omitempty"`
	Entities      []Entity `json:"entities,omitempty"`
	Explanation   []string `json:"explanation,omitempty"`
	Corrected     bool     `json:"corrected,omitempty"` // taken from a person's correction of a message like it
	Engine        string   `json:"engine"`
	Version       string   `json:"version"`
	PromptVersion string   `json:"prompt_version,omitempty"`
	Usage         Usage    `json:"usage"`
}

// Label is a value with its score.
type Label struct {
	Value string  `json:"value"`
	Score float64 `json:"score"`
}

// Entity is something named in a text: a date, an id, a product, a person.
type Entity struct {
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Value string `json:"value,omitempty"`
}

// Usage is what a model call cost. Zero for the built-in engine.
type Usage struct {
	PromptTokens int   `json:"prompt_tokens,omitempty"`
	OutputTokens int   `json:"output_tokens,omitempty"`
	MicroUSD     int64 `json:"cost_microusd,omitempty"`
}

// Add sums two usages.
func (u Usage) Add(other Usage) Usage {
	return Usage{u.PromptTokens + other.PromptTokens, u.OutputTokens + other.OutputTokens, u.MicroUSD + other.MicroUSD}
}
