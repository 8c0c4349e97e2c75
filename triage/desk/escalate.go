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
	conversation, err := triage.LockConversation(ctx, tx, in.TenantID, in.ConversationID)
	if err != nil {
		return triage.Ticket{}, err
	}
	if t, err := s.escalatedBefore(ctx, tx, in); err == nil || !errors.Is(err, triage.ErrTicketNotFound) {
		return t, err
	}
	actor := triage.Actor{Kind: triage.ActorAssistant}
	ticket, err := s.openTicket(ctx, tx, in)
	if errors.Is(err, triage.ErrTicketNotFound) {
		if ticket, err = s.createTicket(ctx, tx, conversation, in); err == nil {
			err = s.linkDuplicate(ctx, tx, ticket, &in)
		}
	}
	if err != nil {
		return triage.Ticket{}, err
	}
	w, err := s.hold(ctx, tx, actor, in.TenantID, ticket.ConversationID, ticket.ID)
	if err != nil {
		return triage.Ticket{}, err
	}
	if ticket.Version == 0 { // made above
		w.before = triage.Ticket{}
		if err := s.expectPerson(ctx, w); err != nil {
			return triage.Ticket{}, err
		}
	}
	s.raise(w, in)
	if err := s.autoAssign(ctx, w); err != nil {
		return triage.Ticket{}, err
	}
	id, err := s.insertEscalation(ctx, w, in)
	if err != nil {
		return triage.Ticket{}, err
	}
	if w.conversation.State != triage.ConversationWithPerson {
		if err := triage.SetConversationState(ctx, tx, in.TenantID, ticket.ConversationID, triage.ConversationWithPerson, w.conversation.Assistant); err != nil {
			return triage.Ticket{}, err
		}
	}
	if err := s.save(ctx, w); err != nil {
		return triage.Ticket{}, err
	}
	post := Post{Key: "summary:" + id.String(), Label: PostSummary, Text: in.Summary, Links: in.Links}
	if err := s.enqueuePost(ctx, w, post); err != nil {
		return triage.Ticket{}, err
	}
	if in.MessageID != uuid.Nil {
		if err := s.relayMessage(ctx, w, in.MessageID); err != nil {
			return triage.Ticket{}, err
		}
	}
	return w.ticket, nil
}

func (s *Service) escalatedBefore(ctx context.Context, tx pgx.Tx, in Escalation) (triage.Ticket, error) {
	if in.MessageID == uuid.Nil {
		return triage.Ticket{}, triage.ErrTicketNotFound
	}
	return oneTicket(ctx, tx, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and id = (
		select ticket_id from escalations where tenant_id = $1 and message_id = $2)`, in.TenantID, in.MessageID)
}

// openTicket finds the ticket this escalation belongs to: the conversation's
// own, or the open one with the same key.
func (s *Service) openTicket(ctx context.Context, tx pgx.Tx, in Escalation) (triage.Ticket, error) {
	t, err := oneTicket(ctx, tx, `select `+triage.TicketColumns+` from tickets
		where tenant_id = $1 and conversation_id = $2 and internal_state <> 'closed'`, in.TenantID, in.ConversationID)
	if err == nil || !errors.Is(err, triage.ErrTicketNotFound) || in.DedupKey == "" {
		return t, err
	}
	return s.byKey(ctx, tx, in)
}

func (s *Service) byKey(ctx context.Context, tx pgx.Tx, in Escalation) (triage.Ticket, error) {
	return oneTicket(ctx, tx, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and dedup_key = $2
		and internal_state not in ('solved', 'closed')`, in.TenantID, in.DedupKey)
}

// createTicket numbers and stores a ticket. The tenant's row lock orders the
// numbers and makes the second look at the key decisive.
func (s *Service) createTicket(ctx context.Context, tx pgx.Tx, c triage.Conversation, in Escalation) (triage.Ticket, error) {
	var number int64
	err := tx.QueryRow(ctx, `update tenants set last_ticket_number = last_ticket_number + 1 where id = $1
		returning last_ticket_number`, in.TenantID).Scan(&number)
	if err != nil {
		return triage.Ticket{}, fmt.Errorf("number ticket: %w", err)
	}
	if in.DedupKey != "" {
		if t, err := s.byKey(ctx, tx, in); err == nil || !errors.Is(err, triage.ErrTicketNotFound) {
			return t, err
		}
	}
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
	_, err = tx.Exec(ctx, `insert into tickets (tenant_id, id, number, conversation_id, user_id, subject, summary, origin,
		dedup_key, priority, language, version, waiting_since, last_public_message_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'low', $10, 0, $11, $11, $11, $11)`,
		in.TenantID, id, number, c.ID, user, subject, in.Summary, origin(in, c), key, c.Language, at)
	if err != nil {
		return triage.Ticket{}, fmt.Errorf("insert ticket: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into ticket_relations (tenant_id, ticket_id, related_id, kind)
		select $1, $2, id, 'follow_up_of' from tickets where tenant_id = $1 and conversation_id = $3 and internal_state = 'closed'
		order by number desc limit 1`, in.TenantID, id, c.ID)
	if err != nil {
		return triage.Ticket{}, fmt.Errorf("link ticket: %w", err)
	}
	return TicketByID(ctx, tx, in.TenantID, id)
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
	if t.Resolution == "confirmed" || t.Resolution == "assumed" {
		t.Resolution = "reopened"
	}
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

func (s *Service) insertEscalation(ctx context.Context, w *work, in Escalation) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	var message *uuid.UUID
	if in.MessageID != uuid.Nil {
		message = &in.MessageID
	}
	findings := in.Findings
	if findings == nil {
		findings = map[string]any{}
	}
	_, err := w.tx.Exec(ctx, `insert into escalations (tenant_id, id, ticket_id, message_id, reason, summary, findings, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, in.TenantID, id, w.ticket.ID, message, in.Reason, in.Summary, findings, w.at)
	if err != nil {
		return id, fmt.Errorf("insert escalation: %w", err)
	}
	return id, nil
}

// relayMessage shows a stored message in the ticket's thread and, as a note, in the CRM.
func (s *Service) relayMessage(ctx context.Context, w *work, message uuid.UUID) error {
	m, err := triage.MessageByID(ctx, w.tx, w.ticket.TenantID, message)
	if err != nil {
		return err
	}
	post := Post{Key: "message:" + m.ID.String(), Label: labelOf(m), Author: m.AuthorName, Text: said(m), Links: s.fileLinks(w.ticket, m)}
	if post.Label == PostSent {
		post.Message = m.ID
	}
	if err := s.enqueuePost(ctx, w, post); err != nil {
		return err
	}
	if err := s.followUp(ctx, w, m); err != nil {
		return err
	}
	return s.enqueueNote(ctx, w, m)
}

func labelOf(m triage.Message) PostLabel {
	switch {
	case m.Visibility == triage.Internal:
		return PostInternal
	case m.AuthorKind == triage.AuthorCustomer:
		return PostCustomer
	case m.AuthorKind == triage.AuthorAssistant:
		return PostAssistant
	}
	return PostSent
}
