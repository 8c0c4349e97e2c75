package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Escalation hands a conversation to people.
type Escalation struct {
	TenantID       uuid.UUID
	ConversationID uuid.UUID
	MessageID      uuid.UUID // the customer message handed over; zero where there is none
	UserID         uuid.UUID // zero: nobody in particular
	Reason         triage.Reason
	Summary        string // for agents
	Findings       any    // what the assistant looked up: stored as JSON, shown to agents
	Classification triage.Classification
	Subject        string
	Origin         string // chat, api, email, slack, integration_error
	DedupKey       string // open tickets of a tenant are unique by it; may be empty
	Links          []Link // articles and live status used, for the thread
}

// Escalate makes the conversation's ticket, or adds to the one it has, in the
// caller's transaction: ticket, escalation, events, deliveries and their jobs.
// The same message escalates once; a second call returns the same ticket. It
// does not write to the customer; that sentence is the caller's.
func (s *Service) Escalate(ctx context.Context, tx pgx.Tx, in Escalation) (triage.Ticket, error) {
	found, err := s.lookBefore(ctx, tx, in)
	if err != nil || found.before != nil {
		return deref(found.before), err
	}
	w, err := s.ticketFor(ctx, tx, &in, found)
	if err != nil {
		return triage.Ticket{}, err
	}
	if w.before.ID == uuid.Nil {
		s.expectPerson(w)
	}
	s.raise(w, in)
	if err := s.autoAssign(ctx, w); err != nil {
		return triage.Ticket{}, err
	}
	id := s.insertEscalation(w, in)
	if w.conversation.State != triage.ConversationWithPerson {
		if err := triage.QueueConversationState(w.writes(), in.TenantID, w.ticket.ConversationID, triage.ConversationWithPerson, w.conversation.Assistant); err != nil {
			return triage.Ticket{}, err
		}
	}
	if err := s.save(ctx, w); err != nil {
		return triage.Ticket{}, err
	}
	s.enqueuePost(w, Post{Key: "summary:" + id.String(), Label: PostSummary, Text: in.Summary, Links: in.Links})
	if found.message != nil {
		s.relay(w, *found.message)
	}
	return w.ticket, s.flush(ctx, w)
}

func deref(t *triage.Ticket) triage.Ticket {
	if t == nil {
		return triage.Ticket{}
	}
	return *t
}

// lookedUp is what a hand-over finds, its conversation being held.
type lookedUp struct {
	conversation triage.Conversation
	message      *triage.Message // the one handed over; nil: there is none
	before       *triage.Ticket  // it was handed over before
	open         *held           // the conversation's own ticket
	asked        *[]Colleague    // about that ticket
}

// lookBefore takes the conversation and reads all of it in one trip.
func (s *Service) lookBefore(ctx context.Context, tx pgx.Tx, in Escalation) (out lookedUp, err error) {
	batch := &pgx.Batch{}
	c := many[triage.Conversation](batch, `select `+triage.ConversationColumns+` from conversations where tenant_id = $1 and id = $2 for update`, in.TenantID, in.ConversationID)
	before := many[triage.Ticket](batch, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and id = (
		select ticket_id from escalations where tenant_id = $1 and message_id = $2)`, in.TenantID, in.MessageID)
	open := many[held](batch, `select `+heldColumns+` from tickets where tenant_id = $1 and conversation_id = $2 and internal_state <> 'closed' for update`,
		in.TenantID, in.ConversationID)
	message := many[triage.Message](batch, `select `+triage.MessageColumns+` from messages where tenant_id = $1 and id = $2`, in.TenantID, in.MessageID)
	if s.colleagues() != nil {
		out.asked = many[Colleague](batch, askedInConversation, in.TenantID, in.ConversationID)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return out, fmt.Errorf("read conversation: %w", err)
	}
	switch {
	case len(*c) == 0:
		return out, triage.ErrConversationNotFound
	case in.MessageID != uuid.Nil && len(*message) == 0:
		return out, triage.ErrMessageNotFound
	}
	out.conversation = (*c)[0]
	if len(*before) > 0 && in.MessageID != uuid.Nil {
		out.before = &(*before)[0]
	}
	if len(*open) > 0 {
		out.open = &(*open)[0]
	}
	if len(*message) > 0 {
		out.message = &(*message)[0]
	}
	return out, nil
}

// ticketFor is work on the ticket an escalation belongs to: the conversation's
// own, the open one with the same key, or a new one.
func (s *Service) ticketFor(ctx context.Context, tx pgx.Tx, in *Escalation, found lookedUp) (*work, error) {
	actor := triage.Actor{Kind: triage.ActorAssistant}
	if found.open != nil {
		return s.begin(tx, actor, found.conversation, *found.open, found.asked), nil
	}
	if in.DedupKey != "" {
		t, err := s.byKey(ctx, tx, *in)
		if err == nil {
			return s.hold(ctx, tx, actor, in.TenantID, t.ID)
		}
		if !errors.Is(err, triage.ErrTicketNotFound) {
			return nil, err
		}
	}
	return s.createTicket(ctx, tx, actor, found, in)
}

func (s *Service) byKey(ctx context.Context, tx pgx.Tx, in Escalation) (triage.Ticket, error) {
	return oneTicket(ctx, tx, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and dedup_key = $2
		and internal_state not in ('solved', 'closed')`, in.TenantID, in.DedupKey)
}

// createTicket numbers and stores a ticket. The tenant's row lock orders the
// numbers and makes the second look at the key decisive.
func (s *Service) createTicket(ctx context.Context, tx pgx.Tx, actor triage.Actor, found lookedUp, in *Escalation) (*work, error) {
	if in.DedupKey != "" {
		if _, err := tx.Exec(ctx, `select from tenants where id = $1 for update`, in.TenantID); err != nil {
			return nil, fmt.Errorf("number ticket: %w", err)
		}
		t, err := s.byKey(ctx, tx, *in)
		if err == nil {
			return s.hold(ctx, tx, actor, in.TenantID, t.ID)
		}
		if !errors.Is(err, triage.ErrTicketNotFound) {
			return nil, err
		}
	}
	c := found.conversation
	at := s.Now().UTC()
	user := c.UserID
	if in.UserID != uuid.Nil {
		user = &in.UserID
	}
	var key *string
	if in.DedupKey != "" {
		key = &in.DedupKey
	}
	subject := cmp.Or(triage.Line(in.Subject, 200), triage.Line(c.Subject, 200), triage.Line(c.LastLine, 200), "Conversation")
	id := uuid.Must(uuid.NewV7())
	batch := &pgx.Batch{}
	made := many[held](batch, `with numbered as (update tenants set last_ticket_number = last_ticket_number + 1 where id = $1 returning last_ticket_number)
		insert into tickets (tenant_id, id, number, conversation_id, user_id, subject, summary, origin,
		  dedup_key, priority, language, version, waiting_since, last_public_message_at, created_at, updated_at)
		select $1, $2, last_ticket_number, $3, $4, $5, $6, $7, $8, 'low', $9, 0, $10, $10, $10, $10 from numbered returning `+heldColumns,
		in.TenantID, id, c.ID, user, subject, in.Summary, origin(*in, c), key, c.Language, at)
	batch.Queue(`insert into ticket_relations (tenant_id, ticket_id, related_id, kind)
		select $1, $2, id, 'follow_up_of' from tickets where tenant_id = $1 and conversation_id = $3 and internal_state = 'closed'
		order by number desc limit 1`, in.TenantID, id, c.ID)
	others := s.candidates(batch, *in, id)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("insert ticket: %w", err)
	}
	if len(*made) == 0 {
		return nil, fmt.Errorf("number ticket: tenant %s is not there", in.TenantID)
	}
	w := s.begin(tx, actor, c, (*made)[0], &[]Colleague{})
	w.before = triage.Ticket{}
	w.linkDuplicate(*others, found.message, in)
	return w, nil
}

func origin(in Escalation, c triage.Conversation) string {
	if in.Origin != "" {
		return in.Origin
	}
	if c.Channel == triage.ChannelIntegration {
		return "integration_error"
	}
	return string(c.Channel)
}

// raise puts the escalation's findings on the ticket. An escalation never makes
// a ticket less urgent than it is.
func (s *Service) raise(w *work, in Escalation) {
	t, c := &w.ticket, in.Classification
	t.Reason = in.Reason
	t.Summary = cmp.Or(in.Summary, t.Summary)
	t.Intent, t.ProductArea = cmp.Or(c.Intent, t.Intent), cmp.Or(c.ProductArea, t.ProductArea)
	t.Language, t.Sentiment = cmp.Or(c.Language, t.Language), cmp.Or(c.Sentiment, t.Sentiment)
	t.Team = cmp.Or(t.Team, c.Team)
	wanted := cmp.Or(c.Priority, triage.PriorityNormal)
	if in.Reason == triage.ReasonUrgent {
		wanted = triage.PriorityUrgent
	}
	if rank(wanted) < rank(t.Priority) {
		t.Priority = wanted
	}
	w.goesOn()
	kind := "escalated"
	if w.before.ID == uuid.Nil {
		kind = "created"
	}
	w.note(kind, map[string]any{"reason": in.Reason, "message_id": in.MessageID, "priority": t.Priority})
	w.changed = true
	if t.InternalState == triage.InternalSolved || t.InternalState == triage.InternalSnoozed || t.InternalState == triage.InternalPending {
		w.setState(triage.InternalOpen)
	}
	w.waiting(w.at)
}

// waiting notes that the customer waits for a person since at.
func (w *work) waiting(at time.Time) {
	w.ticket.LastPublicMessageAt = &at
	if w.extra.WaitingSince == nil {
		w.extra.WaitingSince = &at
	}
}

func rank(p triage.Priority) int {
	switch p {
	case triage.PriorityUrgent:
		return 0
	case triage.PriorityHigh:
		return 1
	case triage.PriorityNormal:
		return 2
	}
	return 3
}

func (s *Service) insertEscalation(w *work, in Escalation) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	var message *uuid.UUID
	if in.MessageID != uuid.Nil {
		message = &in.MessageID
	}
	findings := in.Findings
	if findings == nil {
		findings = map[string]any{}
	}
	w.writes().Queue(`insert into escalations (tenant_id, id, ticket_id, message_id, reason, summary, findings, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, in.TenantID, id, w.ticket.ID, message, in.Reason, in.Summary, findings, w.at)
	return id
}

// relayMessage shows a stored message in the ticket's thread and, as a note, in the CRM.
func (s *Service) relayMessage(ctx context.Context, w *work, message uuid.UUID) error {
	m, err := triage.MessageByID(ctx, w.tx, w.ticket.TenantID, message)
	if err != nil {
		return err
	}
	s.relay(w, m)
	return nil
}

func (s *Service) relay(w *work, m triage.Message) {
	post := Post{Key: "message:" + m.ID.String(), Label: labelOf(m), Author: m.AuthorName, Text: said(m), Links: s.fileLinks(w.ticket, m)}
	if post.Label == PostSent {
		post.Message = m.ID
	}
	s.enqueuePost(w, post)
	s.copyFiles(w, m)
	w.followUp(m)
	s.enqueueNote(w, m)
}

func labelOf(m triage.Message) PostLabel {
	switch {
	case m.Visibility == triage.Internal:
		return PostInternal
	case m.AuthorKind == triage.AuthorCustomer:
		return PostCustomer
	case m.AuthorKind == triage.AuthorAssistant:
		return PostAssistant
	case m.AuthorKind == triage.AuthorSystem:
		return PostAutomatic
	}
	return PostSent
}
