package sla

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
)

// Metric is what a clock measures.
type Metric string

// The metrics.
const (
	FirstReply Metric = "first_reply" // from the hand-over to a person's first reply
	NextReply  Metric = "next_reply"  // from the oldest unanswered customer message
	Resolution Metric = "resolution"  // from the hand-over until solved, pauses left out
)

// PauseReason is why a resolution clock stands still.
type PauseReason string

// The pause reasons.
const (
	NotPaused          PauseReason = ""
	WaitingForCustomer PauseReason = "waiting_for_customer"
	OnHold             PauseReason = "on_hold"
	Snoozed            PauseReason = "snoozed"
)

// Facts is how a ticket stands, as far as its clocks care.
type Facts struct {
	TenantID     uuid.UUID
	TicketID     uuid.UUID
	Priority     triage.Priority
	OpenedAt     time.Time
	FirstReplied bool       // a person has replied
	WaitingSince *time.Time // oldest customer message no person has answered
	Done         bool       // solved or closed
	Cancelled    bool       // closed without having been a request
	Pause        PauseReason
}
