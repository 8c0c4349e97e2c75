package desk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Approval is the card of a proposed action: who wants what for whom, and exactly
// what would be sent.
type Approval struct {
	ID       uuid.UUID
	Title    string
	Tenant   string
	Asked    string // who asks: untrusted
	Given    [][2]string
	Request  string // line by line, secrets masked: untrusted
	State    string
	Open     bool // may still be decided
	Who      string
	Decided  string // by whom
	Outcome  string
	Expires  time.Time
	TicketAt string // absolute URL of the ticket in the agent console
}

// Happening is what an action did to a ticket.
type Happening struct {
	Kind     string // of the ticket's event
	Detail   map[string]any
	Card     uuid.UUID // of the proposal, posted or brought up to date in the thread
	Say      string    // to the customer; empty: nothing
	Language string
	Key      string // the message's: said once
	Settles  bool   // the customer has what they asked for
	Promises bool   // a person, who then has to see it: the ticket is open and the customer waits
	Quiet    bool   // not worth a word to somebody whose ticket is done
}

// Happened takes a happening on the ticket, in the caller's transaction: into its
// history, its thread and, where there is something to say, to the customer. Who
// of the staff decides on a ticket nobody has becomes its owner. Where the ticket
// was merged, its card stays in its thread, what is said stays in its conversation,
// and all else is the other ticket's.
func (s *Service) Happened(ctx context.Context, tx pgx.Tx, actor triage.Actor, ref TicketRef, h Happening) error {
	_, _, err := s.on(ctx, tx, actor, ref, func(ctx context.Context, w *work) error {
		s.enqueueCard(w, h.Card)
		if w.extra.ClosedAs != "merged" {
			return s.happened(ctx, w, w.ticket.ConversationID, h)
		}
		into, err := mergedInto(ctx, tx, ref)
		if err != nil {
			return err
		}
		_, _, err = s.on(ctx, tx, actor, into, func(ctx context.Context, into *work) error {
			return s.happened(ctx, into, w.ticket.ConversationID, h)
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("take happening: %w", err)
	}
	return nil
}

func (s *Service) happened(ctx context.Context, w *work, conversation uuid.UUID, h Happening) error {
	w.note(h.Kind, h.Detail)
	if w.actor.Staff() && w.ticket.AssigneeID == nil && w.open() == nil {
		w.assign(w.actor.ID, w.actor.Name)
		if w.ticket.InternalState == triage.InternalNew {
			w.setState(triage.InternalOpen)
		}
	}
	if h.Say == "" || h.Quiet && w.done() {
		return nil
	}
	m, created, err := triage.InsertMessage(ctx, w.tx, triage.Message{
		TenantID: w.ticket.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: conversation, AuthorKind: triage.AuthorAssistant,
		Visibility: triage.VisibleToCustomer, Body: h.Say, Language: h.Language, ClientKey: &h.Key,
	})
	if err != nil || !created {
		return err
	}
	w.ticket.LastPublicMessageAt, w.changed = &w.at, true
	switch {
	case h.Settles:
		w.extra.WaitingSince, w.extra.TellCustomer = nil, false
	case h.Promises:
		if err := s.goOn(ctx, w); err != nil {
			return err
		}
	}
	return s.relayMessage(ctx, w, m.ID)
}

// cardKey begins the keys of cards. A card is one post for life, drawn anew from
// its proposal each time it leaves, so it never stands together with others.
const cardKey = "approval:"

func (d delivery) card() (id uuid.UUID, ok bool) {
	text, ok := strings.CutPrefix(d.SubjectKey, cardKey)
	id, err := uuid.Parse(text)
	return id, ok && err == nil
}

func (s *Service) enqueueCard(w *work, id uuid.UUID) {
	if s.Channel == nil || id == uuid.Nil {
		return
	}
	s.enqueueRoot(w)
	w.enqueue(s.Channel.System(), kindThread, cardKey+id.String(), threadPost{Label: PostApproval, At: w.at})
}

// approval is what a card shows now.
func (s *Service) approval(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (*Approval, error) {
	if s.Approval == nil {
		return nil, fmt.Errorf("card of %s: this process knows no actions", id)
	}
	return s.Approval(ctx, tx, tenant, id)
}
