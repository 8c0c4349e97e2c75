package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
)

// CRM keeps one record per ticket in the company's CRM. Implemented by
// integrations/hubspot and integrations/salesforce; all calls may be repeated.
type CRM interface {
	// System is the adapter's name as stored in ticket_links: "hubspot", "salesforce".
	System() string
	// UpsertTicket makes or updates the one record of Record.Key (the ticket's id).
	UpsertTicket(ctx context.Context, record Record) (Ref, error)
	// AddNote appends a comment to the record once per Note.Key.
	AddNote(ctx context.Context, record Ref, note Note) (Ref, error)
}

// Channel is where agents work on tickets. Implemented by integrations/slack.
type Channel interface {
	// System is the adapter's name as stored in ticket_links: "slack".
	System() string
	// UpsertRoot posts the ticket's root message, or updates it in place when at is set.
	UpsertRoot(ctx context.Context, card Card, at Ref) (Ref, error)
	// PostThread adds one labelled message below the root, once per Post.Key, or
	// edits the one at Post.At. One that somebody deleted there is left deleted.
	PostThread(ctx context.Context, root Ref, post Post) (Ref, error)
}

// Pinger is a Channel that reaches one person directly. Optional.
type Pinger interface {
	// Ping tells them something once per Ping.Key.
	Ping(ctx context.Context, ping Ping) (Ref, error)
}

// Ping is what a ticket's owner is told directly.
type Ping struct {
	Key    string
	Ticket TicketRef
	Number int64
	Person string // their id at the destination
	Text   string // untrusted: adapters escape and clamp it
	Thread Ref    // the ticket's root
	Retry  bool   // an earlier try may have had its effect: look before writing
	Since  time.Time
}

// Ref names a thing in an outside system.
type Ref struct {
	ID     string            `json:"id"`               // HubSpot ticket id, Salesforce Case id, Slack "channel:ts"
	URL    string            `json:"url,omitempty"`    // for people
	Detail map[string]string `json:"detail,omitempty"` // e.g. channel, ts
	// LeftOut says what of the effect could not be done although the rest was, in
	// words for people; it is shown with the delivery.
	LeftOut string `json:"-"`
}

// IsZero reports whether the reference names nothing.
func (r Ref) IsZero() bool { return r.ID == "" }

// Record is what a CRM holds of a ticket. Text is plain; adapters escape it.
type Record struct {
	Key           uuid.UUID // the ticket's id: the unique property
	Number        int64
	Subject       string
	Body          string // summary for agents: internal text
	State         triage.InternalState
	Priority      triage.Priority
	Intent        string
	Reason        triage.Reason
	TenantID      uuid.UUID
	TenantName    string
	AccountRef    string // the tenant's id in the CRM, may be empty
	CustomerName  string
	CustomerEmail string
	OwnerEmail    string
	Link          string // absolute URL of the ticket in the agent console
	UpdatedAt     time.Time
}

// Note is a comment on a CRM record.
type Note struct {
	Key      uuid.UUID // names it: a message, or one change of it
	At       time.Time
	Author   string
	Text     string
	Internal bool
	Retry    bool // an earlier try may have had its effect
}

// Card is what the root message shows: at most six lines.
type Card struct {
	TicketID      uuid.UUID
	TenantID      uuid.UUID
	Number        int64
	TenantName    string
	Subject       string // the customer's words: untrusted
	State         triage.InternalState
	Priority      triage.Priority
	Intent        string
	ProductArea   string
	Language      string
	Team          string
	Reason        triage.Reason
	Owner         string
	CustomerName  string
	FirstReplyDue *time.Time
	NextReplyDue  *time.Time
	Breached      bool // a promised time has passed
	TellCustomer  bool // the cause is gone; what is left is to tell the customer
	SnoozedUntil  *time.Time
	Stage         string // onboarding stage, may be empty
	CRM           Ref
	ConsoleURL    string // absolute
	Version       int64
	Retry         bool      // an earlier post may have had its effect: look before posting
	Since         time.Time // that try was made no earlier, zero otherwise
}

// PostLabel says what a thread message is; it is always shown.
type PostLabel string

// The labels.
const (
	PostCustomer  PostLabel = "customer"
	PostSent      PostLabel = "sent_to_customer"
	PostInternal  PostLabel = "internal"
	PostSummary   PostLabel = "summary"
	PostDraft     PostLabel = "ai_draft"
	PostAssistant PostLabel = "assistant" // what the assistant told the customer
	PostAutomatic PostLabel = "automatic" // what Usher itself told the customer, such as that a ticket is settled
	PostSystem    PostLabel = "system"
	PostCatchUp   PostLabel = "catch_up" // several at once, after an outage
	PostAsked     PostLabel = "asked"    // an agent asks a colleague
	PostApproval  PostLabel = "approval" // an action to be approved
)

// Post is one message in a ticket's thread.
type Post struct {
	Key    string // idempotency key, stored as metadata where the vendor allows; its ticket's id is Ticket
	Ticket TicketRef
	Label  PostLabel
	Author string
	Text   string // untrusted: adapters escape and clamp it
	Links  []Link
	Notify uuid.UUID // member of staff to ping, zero for nobody
	Ping   string    // their id at the destination, empty where none is known
	Retry  bool      // an earlier try may have had its effect: look before posting
	// At is where the message stands already, Changed that its text is not what
	// may stand there: it is edited in place.
	At      Ref
	Changed bool
	Message uuid.UUID // a reply that agents may still correct or take back
	// Colleague is whom the post asks: agents may take them off the ticket.
	Colleague uuid.UUID
	// Approval is what a card shows, nil for every other message.
	Approval *Approval
}

// Link is a titled URL, our own and absolute.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// TemporaryError says a call may succeed later. After, when positive, is how
// long the destination asked to wait (a rate limit: the whole destination pauses).
// Here says that the limit is of this effect's own place: nothing else pauses.
type TemporaryError struct {
	After time.Duration
	Here  bool
	Safe  string // for the deliveries page, may be empty
	Err   error
}

func (e *TemporaryError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("try again in %s: %v", e.After, e.Err)
	}
	return fmt.Sprintf("try again: %v", e.Err)
}
func (e *TemporaryError) Unwrap() error { return e.Err }

// PermanentError says a call will never succeed as it is. Safe is a sentence
// for the deliveries page: what is wrong and what to do, without secrets.
type PermanentError struct {
	Safe string
	Err  error
}

func (e *PermanentError) Error() string { return e.Safe + ": " + fmt.Sprint(e.Err) }
func (e *PermanentError) Unwrap() error { return e.Err }

// ErrRefused is returned by agent actions the actor may not take.
var ErrRefused = errors.New("not allowed")

// RefusedError is ErrRefused with the reason, for the person who acted.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return ErrRefused.Error() + ": " + e.Why }

// Is makes it ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }
