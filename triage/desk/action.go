package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/guard"
	"github.com/usherdesk/usher/triage/rating"
)

// Errors agents' actions may end with.
var (
	ErrTicketClosed = errors.New("ticket is closed")
	ErrBadValue     = errors.New("value is not one of the known ones")
)

// ClaimedError says somebody else has the ticket already.
type ClaimedError struct{ By string }

func (e *ClaimedError) Error() string { return "already claimed by " + e.By }

// Claim makes the actor the ticket's owner. Of two who claim at once one wins;
// the other gets a *ClaimedError with the winner's name. Claiming one's own
// ticket again changes nothing.
func (s *Service) Claim(ctx context.Context, actor triage.Actor, ref TicketRef) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		if id := w.ticket.AssigneeID; id != nil {
			if *id == w.actor.ID {
				return nil
			}
			return &ClaimedError{By: w.ticket.AssigneeName}
		}
		w.assign(w.actor.ID, w.actor.Name)
		w.note("claimed", nil)
		if w.ticket.InternalState == triage.InternalNew {
			w.setState(triage.InternalOpen)
		}
		return w.takeOver(ctx)
	})
}

// open refuses work on a closed ticket.
func (w *work) open() error {
	if w.ticket.InternalState == triage.InternalClosed {
		return ErrTicketClosed
	}
	return nil
}

// Reply is what an agent says to the customer.
type Reply struct {
	Text      string
	Language  string    // of the text; empty: the ticket's
	ClientKey string    // the sender's id for it: sent twice, delivered once
	DraftID   uuid.UUID // the suggestion it came from; zero: written by hand
	// Then is the state after sending: open (default), pending (the customer has
	// to answer), on_hold or solved.
	Then triage.InternalState
	// Attachments are files the agent uploaded for this conversation.
	Attachments []uuid.UUID

	corrects uuid.UUID // the earlier reply this one corrects
}

// Reply sends a public message. It stops the assistant, claims an unclaimed
// ticket and answers the customer's wait.
func (s *Service) Reply(ctx context.Context, actor triage.Actor, ref TicketRef, in Reply) (triage.Message, error) {
	text, err := cleanText(in.Text)
	if err != nil {
		return triage.Message{}, err
	}
	if in.Then == "" {
		in.Then = triage.InternalOpen
	}
	if !slices.Contains([]triage.InternalState{triage.InternalOpen, triage.InternalPending, triage.InternalOnHold, triage.InternalSolved}, in.Then) {
		return triage.Message{}, fmt.Errorf("state after the reply: %w", ErrBadValue)
	}
	var stored triage.Message
	_, err = s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		if err := w.takeOver(ctx); err != nil {
			return err
		}
		if in.corrects != uuid.Nil {
			if text, err = correction(ctx, w, in.corrects, text, in.Language); err != nil {
				return err
			}
		}
		var created bool
		stored, created, err = w.say(ctx, triage.VisibleToCustomer, text, in.Language, in.ClientKey, in.Attachments...)
		if err != nil || !created {
			return err
		}
		if w.ticket.AssigneeID == nil {
			w.assign(w.actor.ID, w.actor.Name)
			w.note("claimed", map[string]any{"by": "reply"})
		}
		detail := map[string]any{"message_id": stored.ID}
		if in.corrects != uuid.Nil {
			detail["corrects"] = in.corrects
		}
		w.note("replied", detail)
		if w.extra.FirstRepliedAt == nil {
			w.extra.FirstRepliedAt = &w.at
		}
		w.extra.WaitingSince, w.extra.TellCustomer = nil, false
		w.ticket.LastPublicMessageAt = &w.at
		w.changed = true
		w.setState(in.Then)
		if in.Then == triage.InternalSolved {
			if err := s.solved(ctx, w); err != nil {
				return err
			}
		}
		if err := s.settleDraft(ctx, w, in.DraftID, stored); err != nil {
			return err
		}
		s.relay(w, stored)
		return nil
	})
	return stored, err
}

// say stores a message of the actor in the ticket's conversation.
func (w *work) say(ctx context.Context, visibility triage.Visibility, text, language, key string, files ...uuid.UUID) (stored triage.Message, created bool, err error) {
	m := triage.Message{
		TenantID: w.ticket.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: w.ticket.ConversationID,
		AuthorKind: triage.AuthorAgent, AuthorName: w.actor.Name, Visibility: visibility, Body: text, Language: language,
	}
	if m.Language == "" {
		m.Language = w.ticket.Language
	}
	if w.actor.ID != uuid.Nil {
		m.AuthorID = &w.actor.ID
	}
	if key != "" {
		key = "agent:" + key // a customer's key cannot collide
		m.ClientKey = &key
	}
	m.Attachments, err = attachment.Take(ctx, w.tx, m.TenantID, m.ConversationID, w.actor, files)
	if errors.Is(err, attachment.ErrTaken) && m.ClientKey != nil { // by the same reply, sent before
		if sent, known := triage.MessageByClientKey(ctx, w.tx, m.TenantID, m.ConversationID, *m.ClientKey); known == nil {
			return sent, false, nil
		}
	}
	if err != nil {
		return m, false, err
	}
	if stored, created, err = triage.InsertMessage(ctx, w.tx, m); err != nil || !created {
		return stored, created, err
	}
	return stored, true, attachment.Bind(ctx, w.tx, stored)
}

// InternalNote is a remark customers never see.
type InternalNote struct {
	Text      string
	ClientKey string
	FromSlack bool // it is in the thread already
	FromCRM   bool // it is in the CRM already
}

// AddNote stores an internal message. No customer sees it, by any way.
func (s *Service) AddNote(ctx context.Context, actor triage.Actor, ref TicketRef, in InternalNote) (triage.Message, error) {
	text, err := cleanText(in.Text)
	if err != nil {
		return triage.Message{}, err
	}
	var stored triage.Message
	_, err = s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		var created bool
		stored, created, err = w.say(ctx, triage.Internal, text, "", in.ClientKey)
		if err != nil || !created {
			return err
		}
		s.spreadNote(w, stored, in)
		return nil
	})
	return stored, err
}

func (s *Service) spreadNote(w *work, m triage.Message, in InternalNote) {
	w.note("noted", map[string]any{"message_id": m.ID})
	w.stir()
	if !in.FromSlack {
		s.enqueuePost(w, Post{Key: "message:" + m.ID.String(), Label: PostInternal, Author: m.AuthorName, Text: m.Body})
	}
	if !in.FromCRM {
		s.enqueueNote(w, m)
	}
}

// stir ends a snooze, which lasts until its time or until anything happens.
func (w *work) stir() {
	if w.ticket.InternalState != triage.InternalSnoozed {
		return
	}
	w.note("woke", nil)
	w.setState(triage.InternalOpen)
	w.skip = "" // the CRM it came from, too
}

// Resolve marks the ticket solved. How it counts is decided by a witness: the
// customer confirms, or QuietDays pass without a word.
func (s *Service) Resolve(ctx context.Context, actor triage.Actor, ref TicketRef) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil || w.ticket.InternalState == triage.InternalSolved {
			return err
		}
		if w.ticket.AssigneeID == nil {
			w.assign(w.actor.ID, w.actor.Name)
		}
		w.note("resolved", nil)
		w.setState(triage.InternalSolved)
		return s.solved(ctx, w)
	})
}

// solved closes the loop around a ticket that just became solved.
func (s *Service) solved(ctx context.Context, w *work) error {
	w.extra.WaitingSince, w.extra.TellCustomer = nil, false
	err := triage.SetConversationState(ctx, w.tx, w.ticket.TenantID, w.ticket.ConversationID, triage.ConversationSolved, w.conversation.Assistant)
	if err != nil {
		return err
	}
	w.later(SettleTicketArgs{TenantID: w.ticket.TenantID, TicketID: w.ticket.ID, SolvedAt: w.at}, w.at.AddDate(0, 0, s.QuietDays))
	return s.askRating(ctx, w)
}

// askRating stores that the ticket was settled: the customer is asked how.
func (s *Service) askRating(ctx context.Context, w *work) error {
	t := w.ticket
	if t.UserID == nil || t.SolvedAt == nil {
		return nil
	}
	return rating.Settled(ctx, w.tx, s.Jobs, rating.Resolution{
		TenantID: t.TenantID, ConversationID: t.ConversationID, UserID: *t.UserID, TicketID: &t.ID, At: *t.SolvedAt,
		AgentID: t.AssigneeID, AgentName: t.AssigneeName, Team: t.Team, Topic: t.Intent, Present: w.actor.Kind == triage.ActorCustomer && w.actor.ID == *t.UserID,
	})
}

// Reopen takes a solved or closed ticket up again. A conversation has one
// ticket that is not closed: where a newer one exists the older stays closed.
func (s *Service) Reopen(ctx context.Context, actor triage.Actor, ref TicketRef) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		switch w.ticket.InternalState {
		case triage.InternalSolved:
		case triage.InternalClosed:
			newer, err := w.newer(ctx)
			if err != nil {
				return err
			}
			if newer {
				return fmt.Errorf("%w and its conversation has a newer ticket", ErrTicketClosed)
			}
		default:
			return nil
		}
		return s.reopen(ctx, w)
	})
}

// newer reports whether the conversation of a closed ticket has another by now.
func (w *work) newer(ctx context.Context) (newer bool, err error) {
	err = w.tx.QueryRow(ctx, `select exists (select from tickets where tenant_id = $1 and conversation_id = $2
		and internal_state <> 'closed')`, w.ticket.TenantID, w.ticket.ConversationID).Scan(&newer)
	if err != nil {
		return false, fmt.Errorf("look for a newer ticket: %w", err)
	}
	return newer, nil
}

func (s *Service) reopen(ctx context.Context, w *work) error {
	w.note("reopened", map[string]any{"was": w.ticket.Resolution})
	w.ticket.Resolution = "reopened"
	if w.extra.ClosedAs == "merged" { // it is a matter of its own again
		w.writes().Queue(`delete from ticket_relations where tenant_id = $1 and ticket_id = $2 and kind = 'merged_into'`, w.ticket.TenantID, w.ticket.ID)
	}
	w.extra.ClosedAs, w.extra.EscalatedAt = "", nil
	w.setState(triage.InternalOpen)
	return triage.SetConversationState(ctx, w.tx, w.ticket.TenantID, w.ticket.ConversationID, triage.ConversationWithPerson, "off")
}

// SetPriority changes the priority, and with it what is promised.
func (s *Service) SetPriority(ctx context.Context, actor triage.Actor, ref TicketRef, p triage.Priority) (triage.Ticket, error) {
	if !slices.Contains([]triage.Priority{triage.PriorityUrgent, triage.PriorityHigh, triage.PriorityNormal, triage.PriorityLow}, p) {
		return triage.Ticket{}, fmt.Errorf("priority: %w", ErrBadValue)
	}
	return s.act(ctx, actor, ref, func(_ context.Context, w *work) error {
		if err := w.open(); err != nil || w.ticket.Priority == p {
			return err
		}
		w.note("priority_changed", map[string]any{"from": w.ticket.Priority, "to": p})
		w.ticket.Priority, w.changed = p, true
		return nil
	})
}

// Assign gives the ticket to another member of staff; zero takes it from
// whoever has it.
func (s *Service) Assign(ctx context.Context, actor triage.Actor, ref TicketRef, to uuid.UUID) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		from := w.ticket.AssigneeName
		if to == uuid.Nil {
			if w.ticket.AssigneeID != nil {
				w.ticket.AssigneeID, w.ticket.AssigneeName, w.changed = nil, "", true
				w.note("assigned", map[string]any{"from": from, "to": ""})
			}
			return nil
		}
		if w.ticket.AssigneeID != nil && *w.ticket.AssigneeID == to {
			return nil
		}
		assignee, err := s.mayAct(ctx, w.tx, triage.Actor{Kind: triage.ActorStaff, ID: to})
		if err != nil {
			return fmt.Errorf("assign to that person: %w", err)
		}
		w.assign(assignee.ID, assignee.Name)
		w.note("assigned", map[string]any{"from": from, "to": assignee.Name})
		s.tellOwner(w, w.actor.Name+" gave you this ticket")
		return nil
	})
}

// SetTeam moves the ticket to a team's queue and frees it.
func (s *Service) SetTeam(ctx context.Context, actor triage.Actor, ref TicketRef, team string) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(_ context.Context, w *work) error {
		if err := w.open(); err != nil || w.ticket.Team == team {
			return err
		}
		w.note("team_changed", map[string]any{"from": w.ticket.Team, "to": team})
		w.ticket.Team, w.changed = triage.Line(team, 100), true
		w.ticket.AssigneeID, w.ticket.AssigneeName = nil, ""
		return nil
	})
}

// SetState moves the ticket between the states agents choose by hand: open,
// pending (the customer has to answer) and on_hold.
func (s *Service) SetState(ctx context.Context, actor triage.Actor, ref TicketRef, state triage.InternalState) (triage.Ticket, error) {
	if !slices.Contains([]triage.InternalState{triage.InternalOpen, triage.InternalPending, triage.InternalOnHold}, state) {
		return triage.Ticket{}, fmt.Errorf("state: %w", ErrBadValue)
	}
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		if w.ticket.InternalState == triage.InternalSolved {
			return s.reopen(ctx, w)
		}
		w.setState(state)
		return nil
	})
}

// Snooze hides the ticket until a time, or until anything happens on it.
func (s *Service) Snooze(ctx context.Context, actor triage.Actor, ref TicketRef, until time.Time) (triage.Ticket, error) {
	if !until.After(s.Now()) {
		return triage.Ticket{}, fmt.Errorf("snooze until a time in the future: %w", ErrBadValue)
	}
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		if w.ticket.InternalState == triage.InternalSolved {
			return fmt.Errorf("snooze a solved ticket: %w", ErrBadValue)
		}
		until = until.UTC().Truncate(time.Microsecond)
		w.setState(triage.InternalSnoozed)
		w.ticket.SnoozedUntil, w.changed = &until, true
		w.note("snoozed", map[string]any{"until": until})
		w.later(WakeTicketArgs{TenantID: w.ticket.TenantID, TicketID: w.ticket.ID, Until: until}, until)
		return nil
	})
}

// HandBack lets the assistant answer again. The ticket stays.
func (s *Service) HandBack(ctx context.Context, actor triage.Actor, ref TicketRef) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		w.note("handed_back", nil)
		return triage.SetConversationState(ctx, w.tx, w.ticket.TenantID, w.ticket.ConversationID, triage.ConversationOpen, "on")
	})
}

// NotARequest closes the ticket without counting it, and lets the assistant
// answer again.
func (s *Service) NotARequest(ctx context.Context, actor triage.Actor, ref TicketRef) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		w.note("not_a_request", nil)
		w.extra.ClosedAs, w.extra.WaitingSince = "not_a_request", nil
		w.setState(triage.InternalClosed)
		return triage.SetConversationState(ctx, w.tx, w.ticket.TenantID, w.ticket.ConversationID, triage.ConversationOpen, "on")
	})
}

// Correction is what a person says a ticket is about.
type Correction struct {
	Intent      string // empty: leave
	ProductArea string
	Team        string
}

// CorrectClassification puts a person's judgement on the ticket and on the
// stored classification, and keeps the message as an example to learn from.
func (s *Service) CorrectClassification(ctx context.Context, actor triage.Actor, ref TicketRef, in Correction) (triage.Ticket, error) {
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		for dimension, value := range map[string]string{"intent": in.Intent, "product_area": in.ProductArea, "team": in.Team} {
			if err := known(ctx, w.tx, dimension, value); err != nil {
				return err
			}
		}
		w.note("classification_corrected", map[string]any{"from_intent": w.ticket.Intent, "intent": in.Intent, "product_area": in.ProductArea, "team": in.Team})
		w.changed = true
		if in.Intent != "" {
			w.ticket.Intent = in.Intent
			if err := learn(ctx, w, in.Intent); err != nil {
				return err
			}
		}
		if in.ProductArea != "" {
			w.ticket.ProductArea = in.ProductArea
		}
		if in.Team != "" {
			w.ticket.Team = in.Team
		}
		return nil
	})
}

func known(ctx context.Context, tx pgx.Tx, dimension, value string) error {
	if value == "" {
		return nil
	}
	var ok bool
	if err := tx.QueryRow(ctx, `select exists (select from taxonomy_values where dimension = $1 and value = $2)`, dimension, value).Scan(&ok); err != nil {
		return fmt.Errorf("read taxonomy: %w", err)
	}
	if !ok {
		return fmt.Errorf("%s %q: %w", dimension, value, ErrBadValue)
	}
	return nil
}

// learn marks the message the ticket came from and keeps it as an example.
func learn(ctx context.Context, w *work, intent string) error {
	var text, language string
	err := w.tx.QueryRow(ctx, `
		with target as (
		  select c.message_id from classifications c where c.tenant_id = $1 and c.message_id = coalesce(
		    (select message_id from escalations where tenant_id = $1 and ticket_id = $2 and message_id is not null order by created_at desc limit 1),
		    (select message_id from classifications where tenant_id = $1 and conversation_id = $3 order by created_at desc limit 1))
		), corrected as (
		  update classifications set corrected_intent = $4, corrected_by = $5, corrected_at = $6
		  where tenant_id = $1 and message_id = (select message_id from target) returning message_id, language
		)
		select m.body, corrected.language from corrected join messages m on m.tenant_id = $1 and m.id = corrected.message_id`,
		w.ticket.TenantID, w.ticket.ID, w.ticket.ConversationID, intent, w.actor.ID.String(), w.at).Scan(&text, &language)
	// The example is the operator's; the customer's personal data is not.
	text, _ = guard.Mask(text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("correct classification: %w", err)
	}
	if len(language) != 2 {
		language = "en"
	}
	_, err = w.tx.Exec(ctx, `with kept as (
		  insert into taxonomy_examples (id, dimension, value, language, text, source)
		  values ($1, 'intent', $2, $3, $4, 'correction') on conflict do nothing)
		insert into example_origins (tenant_id, text_md5) values ($5, md5($4)) on conflict do nothing`,
		uuid.Must(uuid.NewV7()), intent, language, strings.TrimSpace(triage.Line(text, 1000)), w.ticket.TenantID)
	if err != nil {
		return fmt.Errorf("keep example: %w", err)
	}
	return nil
}
