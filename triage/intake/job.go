package intake

import (
	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// Queue is the interactive queue: a customer waits for it.
const Queue = "interactive"

// ProcessArgs asks for one run over one inbound message. Package assistant works it.
type ProcessArgs struct {
	TenantID  uuid.UUID `json:"tenant_id"`
	MessageID uuid.UUID `json:"message_id"`
	Person    bool      `json:"person,omitempty"` // the customer pressed "talk to a person"
	// Fresh: whoever wrote has proven of late who they are.
	Fresh bool `json:"fresh,omitempty"`
	// Confirmed: the message waited for a code, which has been entered.
	Confirmed bool `json:"confirmed,omitempty"`
}

// Kind names the job.
func (ProcessArgs) Kind() string { return "process_message" }

// InsertOpts: a handful of tries within a minute or two; the last failure hands over.
func (ProcessArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: 5, Priority: 1}
}
