package assistant

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/procedure"
)

// Talk is a conversation nobody has: every message is decided as a live one
// would be, and nothing is stored, sent or counted. It begins with nothing said.
type Talk struct {
	assistant *Assistant
	begin     run // what the run of the next message begins with
}

// Said is what the assistant would do about one message of a Talk.
type Said struct {
	Kind      string // answer, status, clarify, not_found, acknowledge, procedure, escalate; empty: nothing
	Text      string // of the reply; empty where people take over before a word is said
	Intent    string
	Asks      bool // the customer is asked something
	Person    bool // people are involved, with or without a reply
	Reason    string
	Citations []triage.Citation
	Options   []string
	// For curators: how the message was understood, and where the reply is from.
	Classification  triage.Classification
	Route, Evidence string
}

// Talk begins a conversation as a person of a tenant.
func (a *Assistant) Talk(ctx context.Context, asker triage.Actor) (*Talk, error) {
	r := run{asker: asker, conversation: triage.Conversation{Channel: triage.ChannelChat, State: triage.ConversationOpen, Assistant: "on"}, rehearsed: true}
	r.args.TenantID = asker.TenantID
	err := a.DB.WithTenant(ctx, asker.TenantID, func(tx pgx.Tx) (err error) {
		err = tx.QueryRow(ctx, `select id, name, plan, tier, lifecycle_state, time_zone from tenants where id = $1`, asker.TenantID).
			Scan(&r.tenant.ID, &r.tenant.Name, &r.tenant.Plan, &r.tenant.Tier, &r.tenant.LifecycleState, &r.tenant.TimeZone)
		if err != nil {
			return err
		}
		r.corrections, err = corrections(ctx, tx, asker.TenantID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("begin a talk: %w", err)
	}
	r.asker.TimeZone = r.tenant.TimeZone
	return &Talk{a, r}, nil
}

// Say puts one message. It goes on after a hand-over, as it does live until
// somebody has taken the ticket.
func (t *Talk) Say(ctx context.Context, text string) (Said, error) {
	r := t.begin
	r.message = triage.Message{ID: uuid.Must(uuid.NewV7()), AuthorKind: triage.AuthorCustomer, Body: text}
	r.decision = decision{engine: "builtin", evidence: "none", versions: map[string]string{}}
	ctx, cancel := context.WithTimeoutCause(ctx, t.assistant.Timeout, errors.New("the run took too long"))
	defer cancel()
	if err := t.assistant.decide(ctx, &r); err != nil {
		return Said{}, fmt.Errorf("decide about a message of a talk: %w", err)
	}
	said := r.said()
	t.remember(r, said)
	return said, nil
}

func (r *run) said() Said {
	said := Said{Text: r.body, Intent: r.classification.Intent, Person: r.escalate != nil, Reason: r.decision.reason,
		Classification: *r.classification, Route: r.decision.route, Evidence: r.decision.evidence}
	if r.meta != nil {
		said.Kind, said.Citations, said.Options = r.meta.Kind, r.meta.Citations, r.meta.Options
	}
	switch {
	case said.Person && said.Text == "":
		said.Kind = "escalate"
	case said.Kind == "not_found" && r.ticketOpen: // those who have the ticket are told
		said.Kind, said.Text, said.Person = "escalate", "", true
	}
	said.Asks = said.Kind == "clarify" || r.followed && r.turn.Run.State == procedure.Waiting
	return said
}

// remember is what storing the message and its reply would do to the next one.
func (t *Talk) remember(r run, said Said) {
	next := &t.begin
	next.history = append(next.history, Turn{Customer: true, Text: r.message.Body})
	if said.Kind != "" {
		next.lastKind = said.Kind
		next.replies++
	}
	if said.Text != "" {
		next.history = append(next.history, Turn{Text: said.Text})
	}
	next.history = next.history[max(0, len(next.history)-historyTurns):]
	next.lastIntent = said.Intent
	switch {
	case said.Kind == "clarify":
		next.conversation.Clarifications++
	case said.Kind != "":
		next.conversation.Clarifications = 0
	}
	if said.Kind != "" {
		next.conversation.Language = r.language()
	}
	next.ticketOpen = next.ticketOpen || said.Person
	switch {
	case r.followed:
		next.waiting = nil
		if r.turn.Run.State == procedure.Waiting {
			run := r.turn.Run
			next.waiting = &run
		}
	case r.escalate != nil:
		next.waiting = nil
	}
}
