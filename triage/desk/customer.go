package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// CustomerMessage is a stored public message of a customer.
type CustomerMessage struct {
	Message triage.Message
	// Thanks says the message is a pleasantry: it is shown to agents and moves nothing.
	Thanks bool
	Locale string
	// Classification is what the message is about; nil where nobody looked.
	Classification *triage.Classification
}

// CustomerWrote tells the desk that a customer wrote, in the caller's
// transaction. It returns false when the conversation has no ticket that the
// message belongs to: then the assistant goes on alone. Otherwise it ends a wait
// for the customer, reopens a solved ticket, opens a linked one after a closed
// one, and shows the message to agents. The same message counts once.
func (s *Service) CustomerWrote(ctx context.Context, tx pgx.Tx, in CustomerMessage) (triage.Ticket, bool, error) {
	m := in.Message
	actor := triage.Actor{Kind: triage.ActorCustomer, Name: m.AuthorName, TenantID: m.TenantID}
	if m.AuthorID != nil {
		actor.ID = *m.AuthorID
	}
	event := uuid.NewSHA1(m.ID, []byte("customer_wrote"))
	w, known, err := s.holdLatest(ctx, tx, actor, m, event)
	if err != nil || w == nil {
		return triage.Ticket{}, false, err
	}
	if w.ticket.InternalState == triage.InternalClosed {
		return s.afterClosed(ctx, tx, w, in)
	}
	if known {
		return w.ticket, true, nil
	}
	w.events = append(w.events, ticketEvent{event, "customer_wrote", map[string]any{"message_id": m.ID, "thanks": in.Thanks}})
	if err := s.customerMoves(ctx, w, in); err != nil {
		return w.ticket, true, err
	}
	if err := s.save(ctx, w); err != nil {
		return w.ticket, true, err
	}
	if err := s.relayMessage(ctx, w, m.ID); err != nil {
		return w.ticket, true, err
	}
	return w.ticket, true, s.flush(ctx, w)
}

// holdLatest holds a conversation and its latest ticket, in one trip, and looks
// whether an event is known. Without a ticket there is no work.
func (s *Service) holdLatest(ctx context.Context, tx pgx.Tx, actor triage.Actor, m triage.Message, event uuid.UUID) (w *work, known bool, err error) {
	batch := &pgx.Batch{}
	c := many[triage.Conversation](batch, `select `+triage.ConversationColumns+` from conversations where tenant_id = $1 and id = $2 for update`, m.TenantID, m.ConversationID)
	t := many[held](batch, `select `+heldColumns+` from tickets where tenant_id = $1 and conversation_id = $2
		order by (internal_state <> 'closed') desc, number desc limit 1 for update`, m.TenantID, m.ConversationID)
	batch.Queue(`select exists (select from ticket_events where tenant_id = $1 and id = $2)`, m.TenantID, event).
		QueryRow(func(row pgx.Row) error { return row.Scan(&known) })
	var asked *[]Colleague
	if s.colleagues() != nil {
		asked = many[Colleague](batch, askedInConversation, m.TenantID, m.ConversationID)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, false, fmt.Errorf("read ticket: %w", err)
	}
	switch {
	case len(*c) == 0:
		return nil, false, triage.ErrConversationNotFound
	case len(*t) == 0:
		return nil, false, nil
	}
	return s.begin(tx, actor, (*c)[0], (*t)[0], asked), known, nil
}

// customerMoves is what a customer's words do to an open or solved ticket.
func (s *Service) customerMoves(ctx context.Context, w *work, in CustomerMessage) error {
	w.ticket.LastPublicMessageAt = &w.at
	w.changed = true
	if in.Thanks {
		// A wait for the customer ends with any public message of theirs.
		if w.ticket.InternalState == triage.InternalPending {
			w.setState(triage.InternalOpen)
		}
		return nil
	}
	if in.Classification != nil {
		if err := s.reclassify(ctx, w, in.Message.ID, *in.Classification); err != nil {
			return err
		}
	}
	return s.goOn(ctx, w)
}

// goOn lets the customer wait for people, on a ticket that people see. A closed
// one is reopened unless its conversation has a newer one.
func (s *Service) goOn(ctx context.Context, w *work) error {
	if w.ticket.InternalState == triage.InternalClosed {
		if newer, err := w.newer(ctx); err != nil || newer {
			return err
		}
	}
	w.waiting(w.at)
	switch w.ticket.InternalState {
	case triage.InternalSolved, triage.InternalClosed:
		return s.reopen(ctx, w)
	case triage.InternalPending, triage.InternalOnHold, triage.InternalSnoozed:
		w.setState(triage.InternalOpen)
	}
	return nil
}

// reclassify lets the ticket follow the conversation: mood and language are the
// latest; an intent fills an empty one; the priority rises with what the customer
// says and never falls. What staff set by hand stays.
func (s *Service) reclassify(ctx context.Context, w *work, message uuid.UUID, c triage.Classification) error {
	var bySomebody bool
	if err := w.tx.QueryRow(ctx, `select exists (select from ticket_events where tenant_id = $1 and ticket_id = $2
		and kind in ('priority_changed', 'classification_corrected'))`, w.ticket.TenantID, w.ticket.ID).Scan(&bySomebody); err != nil {
		return fmt.Errorf("read ticket events: %w", err)
	}
	t := &w.ticket
	t.Sentiment, t.Language = cmp.Or(c.Sentiment, t.Sentiment), cmp.Or(c.Language, t.Language)
	before := *t
	if !bySomebody {
		t.Intent, t.ProductArea = cmp.Or(t.Intent, c.Intent), cmp.Or(t.ProductArea, c.ProductArea)
		if c.Priority != "" && rank(c.Priority) < rank(t.Priority) {
			t.Priority = c.Priority
		}
	}
	if t.Intent != before.Intent || t.Priority != before.Priority {
		w.note("reclassified", map[string]any{
			"message_id": message, "from_intent": before.Intent, "intent": t.Intent, "from": before.Priority, "to": t.Priority,
		})
	}
	return nil
}

// afterClosed handles words after the end: a new ticket linked to the closed
// one, the ticket it was merged into, or nothing when it never was a request.
func (s *Service) afterClosed(ctx context.Context, tx pgx.Tx, w *work, in CustomerMessage) (triage.Ticket, bool, error) {
	switch {
	case in.Thanks:
		if err := s.relayMessage(ctx, w, in.Message.ID); err != nil {
			return w.ticket, true, err
		}
		return w.ticket, true, s.flush(ctx, w)
	case w.extra.ClosedAs == "not_a_request":
		return triage.Ticket{}, false, nil
	case w.extra.ClosedAs == "merged":
		return s.afterMerge(ctx, tx, w, in)
	}
	t, err := s.Escalate(ctx, tx, Escalation{
		TenantID: w.ticket.TenantID, ConversationID: w.ticket.ConversationID, MessageID: in.Message.ID,
		Reason:  triage.Reason("follow_up"),
		Summary: fmt.Sprintf("The customer wrote again after ticket #%d was closed.", w.ticket.Number),
		Subject: w.ticket.Subject,
		Classification: triage.Classification{
			Intent: w.ticket.Intent, ProductArea: w.ticket.ProductArea, Language: w.ticket.Language, Team: w.ticket.Team,
		},
	})
	return t, true, err
}

func (s *Service) afterMerge(ctx context.Context, tx pgx.Tx, w *work, in CustomerMessage) (triage.Ticket, bool, error) {
	target, err := mergedInto(ctx, tx, TicketRef{w.ticket.TenantID, w.ticket.ID})
	if err != nil {
		return triage.Ticket{}, false, err
	}
	event := uuid.NewSHA1(in.Message.ID, []byte("customer_wrote"))
	var out triage.Ticket
	out, _, err = s.on(ctx, tx, w.actor, target, func(ctx context.Context, into *work) error {
		known, err := eventExists(ctx, tx, into.ticket.TenantID, event)
		if err != nil || known {
			return err
		}
		into.events = append(into.events, ticketEvent{event, "customer_wrote", map[string]any{"message_id": in.Message.ID, "from_merged": w.ticket.Number}})
		if into.ticket.InternalState == triage.InternalClosed {
			if err := s.reopen(ctx, into); err != nil {
				return err
			}
		}
		if err := s.customerMoves(ctx, into, in); err != nil {
			return err
		}
		return s.relayMessage(ctx, into, in.Message.ID)
	})
	return out, true, err
}

// CustomerConfirmed is the customer saying the matter is settled: the witness a
// resolution needs. A conversation without an open ticket has nothing to settle.
func (s *Service) CustomerConfirmed(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, actor triage.Actor) error {
	ticket, err := latestTicket(ctx, tx, tenant, conversation)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, _, err = s.on(ctx, tx, actor, TicketRef{tenant, ticket.ID}, func(ctx context.Context, w *work) error {
		if w.ticket.InternalState == triage.InternalClosed || w.ticket.Resolution == "confirmed" {
			return nil
		}
		w.note("confirmed", nil)
		w.ticket.Resolution, w.changed = "confirmed", true
		w.extra.WaitingSince = nil
		if w.ticket.InternalState != triage.InternalSolved {
			w.setState(triage.InternalSolved)
			return s.solved(ctx, w)
		}
		return s.askRating(ctx, w)
	})
	return err
}

func latestTicket(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID) (triage.Ticket, error) {
	return oneTicket(ctx, tx, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and conversation_id = $2
		order by (internal_state <> 'closed') desc, number desc limit 1`, tenant, conversation)
}

func eventExists(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (known bool, err error) {
	err = tx.QueryRow(ctx, `select exists (select from ticket_events where tenant_id = $1 and id = $2)`, tenant, id).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("read ticket event: %w", err)
	}
	return known, nil
}
