package assistant

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/confirm"
	"github.com/usherdesk/usher/triage/desk"
)

// Classifier says what a message is about. An error means the caller falls back
// to the built-in one.
type Classifier interface {
	Classify(ctx context.Context, in ClassifyInput) (triage.Classification, error)
}

// ClassifyInput is a message in its surroundings.
type ClassifyInput struct {
	TenantID uuid.UUID
	Text     string
	History  []Turn
	Language string // of the conversation so far, or the person's; may be empty
	Tier     string // the tenant's
	Stage    string // the tenant's lifecycle state
	// Corrections are what people said earlier messages of the tenant are about, latest first.
	Corrections []Correction
}

// Correction is a message of the tenant that a person classified.
type Correction struct {
	Text   string `db:"body"`
	Intent string `db:"corrected_intent"`
}

// Turn is one earlier public message.
type Turn struct {
	Customer bool
	Text     string
}

// Status answers from the live record of the asker's tenant.
type Status interface {
	Resolve(ctx context.Context, in StatusRequest) (StatusReply, error)
	// FollowUp names the intent of a short message that continues the question
	// before it ("and the contract?"), which was of the intent last; empty if it does
	// not. In names the language spoken so far; the message's own comes back.
	FollowUp(ctx context.Context, in StatusRequest, last string) (intent, language string, err error)
}

// Namer is a Status that knows a text which is nothing but the name of something
// of the record, "the DPA?", and gives its intent; empty if it is not.
type Namer interface {
	Named(ctx context.Context, in StatusRequest) (intent string, err error)
}

// Elsewhere is a Status that knows a question about another organisation: text
// says that only the asker's own records are seen; empty for any other question.
type Elsewhere interface {
	Elsewhere(ctx context.Context, in StatusRequest) (text string, err error)
}

// Suggester is a Status that offers questions a person may ask now.
type Suggester interface {
	Suggestions(ctx context.Context, asker triage.Actor) ([]string, error)
}

// Asked is one question: its intent, and the part of the message that asks it.
type Asked struct {
	Intent string
	Text   string
}

// StatusRequest is what one person asks, one question or more. For FollowUp
// the intent is still empty.
type StatusRequest struct {
	Asker    triage.Actor
	Asked    []Asked
	Language string
	History  []Turn
	// Unproven: the asker has not shown that it is them. Of what is for the asker
	// only nothing is read then, so that nothing tells whether there is any.
	Unproven bool
	// Names is where a Status keeps what it has read to go by the names in it,
	// for the other questions of the same run; nil: nowhere.
	Names *any
}

// StatusReply is an answer by template over records. Text is empty when the
// record has nothing to say.
type StatusReply struct {
	Text        string
	Language    string
	Basis       []triage.Basis
	Facts       any // what was read, for the decision row
	AsOf        time.Time
	Stale       bool
	Link        string
	Clarify     string   // a question instead of an answer …
	Options     []string // … with its candidates, or suggested next questions
	Turn        string   // whose move it is: customer, provider, third_party
	Offer       bool     // a person is to be offered
	Escalate    triage.Reason
	EscalateWhy string // for agents
	// Confirm: it is for nobody but the asker, who proves first that it is them.
	// All else is empty then for an asker who is Unproven.
	Confirm bool
}

// Answerer answers from the knowledge base: retrieve, draft, gate. emit, when
// not nil, gets each sentence that has passed the gate as soon as it has.
type Answerer interface {
	Answer(ctx context.Context, in AnswerRequest, emit func(text string) error) (AnswerReply, error)
}

// Previewer is an Answerer that can say what it would answer, without a model
// and without showing anything.
type Previewer interface {
	Preview(ctx context.Context, in AnswerRequest) (AnswerReply, error)
}

// AnswerRequest is a question of one person.
type AnswerRequest struct {
	Asker    triage.Actor
	Plan     string
	Question string
	History  []Turn
	Language string
	// Apart: what was said last was answered from the record, and may have
	// nothing to do with the question.
	Apart bool
}

// AnswerOutcome is the gate's verdict.
type AnswerOutcome string

// The outcomes.
const (
	AnswerSend     AnswerOutcome = "send"
	AnswerClarify  AnswerOutcome = "clarify"
	AnswerNotFound AnswerOutcome = "not_found"
	AnswerSuggest  AnswerOutcome = "suggest"  // good enough for an agent only
	AnswerEscalate AnswerOutcome = "escalate" // the draft must not leave
)

// AnswerReply is what came of it.
type AnswerReply struct {
	Outcome   AnswerOutcome
	Reason    string
	Text      string
	Draft     string // for an agent to judge, where the outcome is suggest
	Citations []triage.Citation
	Nearest   []triage.Citation
	Options   []string // of a clarifying question
	Query     string
	Passages  any // for the decision row
	Gate      any
	Score     float64 // answerability, 0 to 1
	Engine    string
	Versions  map[string]string
	Usage     triage.Usage
}

// Guard looks at a message before anything acts on it.
type Guard interface {
	Inspect(text string) GuardReport
}

// GuardReport is a signal; the controls are elsewhere: read-only tools bound to
// the asker, and the gate.
type GuardReport struct {
	Injection     bool     `json:"injection"`
	Abuse         bool     `json:"abuse"`
	Spam          bool     `json:"spam"`
	AutoResponder bool     `json:"auto_responder"`
	Signals       []string `json:"signals,omitempty"`
}

// Desk takes over what people must do. *desk.Service is one.
type Desk interface {
	Escalate(ctx context.Context, tx pgx.Tx, in desk.Escalation) (triage.Ticket, error)
	CustomerWrote(ctx context.Context, tx pgx.Tx, in desk.CustomerMessage) (triage.Ticket, bool, error)
}

// Codes mails a person a code that a question waits for. *confirm.Service is one.
type Codes interface {
	Begin(ctx context.Context, tx pgx.Tx, p confirm.Person, q confirm.Question) error
}

// Gaps collects questions nothing answered. The question is masked.
type Gaps interface {
	Unanswered(ctx context.Context, tenant, conversation uuid.UUID, question, language string) error
}

// Usage counts what became of an article's passages.
type Usage interface {
	Cited(ctx context.Context, tenant uuid.UUID, citations []triage.Citation) error
}
