package outcome

import "time"

// Outcome is what became of a conversation, or of a ticket.
type Outcome string

// The outcomes.
const (
	Confirmed  Outcome = "confirmed"
	Assumed    Outcome = "assumed"
	Reopened   Outcome = "reopened"
	Escalated  Outcome = "escalated"
	Wrong      Outcome = "wrong"
	Waiting    Outcome = "waiting"
	Unanswered Outcome = "unanswered"
	// Linked is a ticket's alone: what it was about works again.
	Linked Outcome = "linked_work"
)

// All lists the outcomes of conversations, in the order they are shown.
var All = []Outcome{Confirmed, Assumed, Reopened, Escalated, Wrong, Waiting, Unanswered}

// Quiet is how long nobody must have written after an answer, and how soon the
// same matter counts as a return.
const Quiet = 7 * 24 * time.Hour

// Definitions say what each number means, for the page.
var Definitions = map[string]string{
	"asked":       "Conversations in which somebody asked something: a greeting alone is none. Tickets that were filed as such and errors of integrations are counted apart.",
	"confirmed":   "The customer said it is solved, or that the answer helped.",
	"assumed":     "Seven days passed after an answer, and the customer did not write again.",
	"reopened":    "The customer came back after it counted as settled, or asked about the same matter in another conversation within seven days.",
	"escalated":   "A person stepped in. It never counts as resolved by the assistant, whatever people made of it.",
	"wrong":       "The customer said that an answer did not help, and has not taken it back.",
	"waiting":     "Answered, and the seven days are not over.",
	"unanswered":  "Nothing was answered, and nobody stepped in.",
	"resolved":    "Confirmed and assumed, of all asked.",
	"deflected":   "Conversations no person stepped in, of all asked. It says nothing about whether they were helped.",
	"handed_over": "Escalated, of all asked.",
	"people":      "Tickets people have solved: confirmed by the customer, assumed after seven quiet days, witnessed by linked work that was settled, or reopened.",
	"cost":        "Tokens and money of the model calls behind the answers. Nothing, where the built-in engine answers.",
}

// kind of an event, in SQL and here.
const (
	customerWrote = "customer_wrote" // anything but thanks and greetings
	pleasantry    = "pleasantry"
	answered      = "answered"
	saidSolved    = "said_solved" // by the customer, in a conversation without a ticket
	helpful       = "helpful"
	notHelpful    = "not_helpful"
	handedOver    = "handed_over"
	agentWrote    = "agent_wrote"
	returned      = "returned" // the same matter in another conversation
	// What happened to a ticket.
	ticketConfirmed = "ticket_confirmed"
	ticketLinked    = "ticket_linked" // solved, and what it was about works again
	ticketSettled   = "ticket_settled"
	ticketReopened  = "ticket_reopened"
	ticketSolved    = "ticket_solved"
	ticketMoved     = "ticket_moved" // from solved to something else
	ticketNone      = "ticket_none"  // not a request, or merged
)

// event is one thing that happened in a conversation.
type event struct {
	Kind string
	At   time.Time
}

// conversation folds its events, oldest first.
func conversation(events []event, now time.Time) Outcome {
	var out Outcome
	var last, settled time.Time // of anything said; since when it counts as settled
	asked := false
	reopen := func(at time.Time) {
		if out == Confirmed && at.After(settled) || out == "" && !settled.IsZero() && at.Sub(settled) >= Quiet {
			out = Reopened
		}
	}
	for _, e := range events {
		switch e.Kind {
		case customerWrote:
			reopen(e.At)
			asked = true
			last = e.At
		case answered:
			settled, last = e.At, e.At
		case saidSolved, helpful:
			if !settled.IsZero() && out != Reopened {
				out, settled = Confirmed, e.At
			}
		case notHelpful:
			if out != Reopened {
				out = Wrong
			}
		case returned:
			if out == Confirmed || out == "" && !settled.IsZero() {
				out = Reopened
			}
		case handedOver, agentWrote:
			return Escalated
		}
	}
	switch {
	case out != "":
		return out
	case settled.IsZero() && (!asked || now.Sub(last) < Quiet):
		if !asked {
			return ""
		}
		return Waiting
	case settled.IsZero():
		return Unanswered
	case now.Sub(last) >= Quiet && !settled.Before(last):
		return Assumed
	case now.Sub(last) >= Quiet:
		return Unanswered // the last question had no answer
	}
	return Waiting
}

// person folds what people did with a conversation's tickets. now is what the
// ticket says of itself, out what counts: who came back counts against it.
func person(events []event) (now, out Outcome) {
	cameBack := false
	for _, e := range events {
		was := now
		switch e.Kind {
		case ticketConfirmed:
			now = Confirmed
		case ticketLinked:
			now = Linked
		case ticketSettled:
			if now != Confirmed && now != Linked {
				now = Assumed
			}
		case ticketReopened:
			now, cameBack = Reopened, true
		case ticketMoved, handedOver:
			if was == Confirmed || was == Assumed || was == Linked {
				now, cameBack = Reopened, true
			}
		case ticketSolved:
			if now == "" || now == Reopened {
				out = Waiting
			}
		case returned:
			if now == Confirmed || now == Assumed || now == Linked {
				cameBack = true
			}
		}
	}
	switch {
	case cameBack:
		out = Reopened
	case now != "":
		out = now
	}
	return now, out
}
