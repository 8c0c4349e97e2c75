package triage

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Errors callers branch on. Another tenant's id behaves exactly like a missing one.
var (
	ErrConversationNotFound = errors.New("conversation not found")
	ErrMessageNotFound      = errors.New("message not found")
	ErrTicketNotFound       = errors.New("ticket not found")
	ErrEmptyMessage         = errors.New("message is empty")
	ErrMessageTooLong       = errors.New("message is too long")
	ErrConversationClosed   = errors.New("conversation is closed")
)

// MaxMessageBytes bounds one message's text.
const MaxMessageBytes = 64 << 10

// Channel is where a conversation started.
type Channel string

// The channels.
const (
	ChannelChat        Channel = "chat"
	ChannelAPI         Channel = "api"
	ChannelEmail       Channel = "email"
	ChannelSlack       Channel = "slack"
	ChannelIntegration Channel = "integration"
)

// AuthorKind says who is speaking.
type AuthorKind string

// The kinds of author.
const (
	AuthorCustomer  AuthorKind = "customer"
	AuthorAssistant AuthorKind = "assistant"
	AuthorAgent     AuthorKind = "agent"
	AuthorSystem    AuthorKind = "system"
)

// Visibility says who may read a message. It has no default on purpose.
type Visibility string

// The visibilities.
const (
	VisibleToCustomer Visibility = "customer"
	Internal          Visibility = "internal"
)

// ConversationState is where a conversation stands.
type ConversationState string

// The states of a conversation.
const (
	ConversationOpen       ConversationState = "open"        // the assistant answers
	ConversationWithPerson ConversationState = "with_person" // people answer
	ConversationSolved     ConversationState = "solved"
	ConversationClosed     ConversationState = "closed"
)

// MessageState is how complete a message is.
type MessageState string

// The states of a message.
const (
	MessageStreaming MessageState = "streaming"
	MessageFinal     MessageState = "final"
	MessageStopped   MessageState = "stopped" // ended early by the customer or a person
	MessageDeleted   MessageState = "deleted"
)

// Conversation is one exchange with a customer.
type Conversation struct {
	TenantID        uuid.UUID         `db:"tenant_id"`
	ID              uuid.UUID         `db:"id"`
	UserID          *uuid.UUID        `db:"user_id"`
	Channel         Channel           `db:"channel"`
	Subject         string            `db:"subject"`
	State           ConversationState `db:"state"`
	Assistant       string            `db:"assistant"` // "on", or "off" while a person is in charge
	Language        string            `db:"language"`  // ISO 639-1, empty until known
	LastSeq         int64             `db:"last_seq"`
	CustomerReadSeq int64             `db:"customer_read_seq"`
	LastLine        string            `db:"last_line"`
	LastAuthor      string            `db:"last_author"`
	Clarifications  int               `db:"clarifications"`
	CreatedAt       time.Time         `db:"created_at"`
	UpdatedAt       time.Time         `db:"updated_at"`
}

// Message is one thing said in a conversation.
type Message struct {
	TenantID       uuid.UUID    `db:"tenant_id"`
	ID             uuid.UUID    `db:"id"`
	ConversationID uuid.UUID    `db:"conversation_id"`
	Seq            int64        `db:"seq"`
	AuthorKind     AuthorKind   `db:"author_kind"`
	AuthorID       *uuid.UUID   `db:"author_id"`
	AuthorName     string       `db:"author_name"`
	Visibility     Visibility   `db:"visibility"`
	Body           string       `db:"body"` // Markdown subset; customers' text is plain
	Language       string       `db:"language"`
	ClientKey      *string      `db:"client_key"`
	InReplyTo      *uuid.UUID   `db:"in_reply_to"`
	Answer         *AnswerMeta  `db:"answer"`
	Attachments    []Attachment `db:"attachments"`
	State          MessageState `db:"state"`
	CreatedAt      time.Time    `db:"created_at"`
	EditedAt       *time.Time   `db:"edited_at"`
}

// Attachment is what is shown of a file that a message carries. Package
// attachment holds the file itself and decides who may have it.
type Attachment struct {
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Size        int64     `json:"size"`
	State       string    `json:"state"` // of the virus check: pending, clean, infected, error, not_scanned
}

// AnswerMeta is what stands under an automatic reply: where it comes from and
// what the customer can do next. It is customer-safe as a whole.
type AnswerMeta struct {
	Kind       string     `json:"kind"`     // status, answer, clarify, escalate, acknowledge, not_found, procedure, confirm
	Evidence   string     `json:"evidence"` // known_state, documents, none
	Citations  []Citation `json:"citations,omitempty"`
	Basis      []Basis    `json:"basis,omitempty"`
	AsOf       *time.Time `json:"as_of,omitempty"`
	Stale      bool       `json:"stale,omitempty"`
	Turn       string     `json:"turn,omitempty"`      // whose move it is: customer, provider, third_party
	Link       string     `json:"link,omitempty"`      // relative deep link into the portal
	LinkText   string     `json:"link_text,omitempty"` // in the answer's language
	Options    []string   `json:"options,omitempty"`   // of a clarifying question, or suggested next questions
	OfferHuman bool       `json:"offer_human,omitempty"`
	TicketNo   int64      `json:"ticket_number,omitempty"`
	Nearest    []Citation `json:"nearest,omitempty"` // closest articles when nothing answers
	CodeTo     string     `json:"code_to,omitempty"` // where the code went that the question waits for, masked
}

// Citation names a passage retrieved in this run that supports the text.
type Citation struct {
	Number    int       `json:"number"` // as in [1] in the text
	ArticleID uuid.UUID `json:"article_id"`
	ChunkID   uuid.UUID `json:"chunk_id"`
	Title     string    `json:"title"`
	Section   string    `json:"section,omitempty"`
	URL       string    `json:"url"` // relative: /help/{slug}#{anchor}
	Language  string    `json:"language,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	Quote     string    `json:"quote,omitempty"`
	Own       bool      `json:"-"` // the tenant's own article, else a shared one
}

// Basis is one field of a record an answer states.
type Basis struct {
	Entity     string    `json:"entity"`
	Label      string    `json:"label"`
	Field      string    `json:"field"`
	ObservedAt time.Time `json:"observed_at"`
}

// EventKind names what happened in a conversation.
type EventKind string

// The kinds of conversation event. Payloads: message.* carry the message as the
// API shows it ("message"); answer.delta carries "message_id" and "text" to
// append; conversation.updated carries "state" and "assistant";
// assistant.working carries "step"; ticket.updated carries "number", "state", "assignee";
// rating.updated carries "rating": the question was asked, answered or withdrawn.
const (
	EventMessageCreated      EventKind = "message.created"
	EventMessageUpdated      EventKind = "message.updated"
	EventAnswerDelta         EventKind = "answer.delta"
	EventAssistantWorking    EventKind = "assistant.working"
	EventConversationUpdated EventKind = "conversation.updated"
	EventTicketUpdated       EventKind = "ticket.updated"
	EventRatingUpdated       EventKind = "rating.updated"
)

// Event is one numbered change of a conversation, as streams deliver it.
type Event struct {
	ConversationID uuid.UUID       `db:"conversation_id"`
	Seq            int64           `db:"seq"`
	Kind           EventKind       `db:"kind"`
	Visibility     Visibility      `db:"visibility"`
	Payload        json.RawMessage `db:"payload"`
	CreatedAt      time.Time       `db:"created_at"`
}
