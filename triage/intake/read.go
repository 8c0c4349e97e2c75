package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/rating"
)

// Roles that matter to what a person sees.
const (
	RoleAdmin   = "admin"   // of the tenant: sees every conversation of it
	RoleManager = "manager" // likewise
	RoleAPI     = "api"     // an API key: sees what came in through the API
)

// visible reads a conversation the actor may see. What they may not see is
// missing to them.
func (s *Service) visible(ctx context.Context, tx pgx.Tx, actor triage.Actor, id uuid.UUID) (triage.Conversation, error) {
	c, err := triage.ConversationByID(ctx, tx, actor.TenantID, id)
	if err != nil {
		return c, err
	}
	if !maySee(actor, c) {
		return triage.Conversation{}, triage.ErrConversationNotFound
	}
	return c, nil
}

func maySee(actor triage.Actor, c triage.Conversation) bool {
	switch {
	case actor.HasRole(RoleAPI):
		return c.Channel == triage.ChannelAPI
	case c.UserID != nil && *c.UserID == actor.ID:
		return true
	default:
		return actor.HasRole(RoleAdmin) || actor.HasRole(RoleManager)
	}
}

// Conversations lists the actor's own conversations, latest activity first.
func (s *Service) Conversations(ctx context.Context, actor triage.Actor, page triage.Page) ([]triage.Conversation, error) {
	var list []triage.Conversation
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) (err error) {
		list, err = triage.ConversationsOf(ctx, tx, actor.TenantID, actor.ID, page)
		return err
	})
	return list, err
}

// Conversation reads one conversation the actor may see.
func (s *Service) Conversation(ctx context.Context, actor triage.Actor, id uuid.UUID) (triage.Conversation, error) {
	var c triage.Conversation
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) (err error) {
		c, err = s.visible(ctx, tx, actor, id)
		return err
	})
	return c, err
}

// Messages reads up to limit customer-visible messages with a number below
// before (0: the latest), oldest first.
func (s *Service) Messages(ctx context.Context, actor triage.Actor, id uuid.UUID, before int64, limit int) ([]triage.Message, error) {
	var list []triage.Message
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		if _, err := s.visible(ctx, tx, actor, id); err != nil {
			return err
		}
		var err error
		list, err = triage.MessagesBefore(ctx, tx, actor.TenantID, id, before, false, triage.Page{Limit: limit}.Size())
		return err
	})
	return list, err
}

// Attachment reads a file the actor may have: one of a message they may read, or
// their own before it is sent.
func (s *Service) Attachment(ctx context.Context, actor triage.Actor, id uuid.UUID) (attachment.File, error) {
	var file attachment.File
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) (err error) {
		if file, err = attachment.ByID(ctx, tx, actor.TenantID, id); err != nil {
			return err
		}
		if file.MessageID == nil {
			file, err = attachment.Own(ctx, tx, actor.TenantID, actor, id)
			return err
		}
		m, err := triage.MessageByID(ctx, tx, actor.TenantID, *file.MessageID)
		if err == nil && m.Visibility != triage.VisibleToCustomer {
			err = triage.ErrMessageNotFound
		}
		if err == nil {
			_, err = s.visible(ctx, tx, actor, m.ConversationID)
		}
		if errors.Is(err, triage.ErrMessageNotFound) || errors.Is(err, triage.ErrConversationNotFound) {
			return attachment.ErrNotFound
		}
		return err
	})
	if err != nil {
		return attachment.File{}, err
	}
	return file, nil
}

// MarkRead notes how far the customer has read; it never goes back.
func (s *Service) MarkRead(ctx context.Context, actor triage.Actor, id uuid.UUID, seq int64) error {
	return s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		if _, err := s.visible(ctx, tx, actor, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update conversations set customer_read_seq = least($3, last_seq)
			where tenant_id = $1 and id = $2 and customer_read_seq < least($3, last_seq)`, actor.TenantID, id, seq)
		if err != nil {
			return fmt.Errorf("mark read: %w", err)
		}
		return nil
	})
}

// Stop ends the answer being written. What was written stays, marked as stopped.
func (s *Service) Stop(ctx context.Context, actor triage.Actor, id uuid.UUID) error {
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		if _, err := s.visible(ctx, tx, actor, id); err != nil {
			return err
		}
		return triage.StopStreaming(ctx, tx, actor.TenantID, id)
	})
	if err == nil {
		s.wake(actor.TenantID, id)
	}
	return err
}

// ConfirmSolved is the customer saying the matter is settled.
func (s *Service) ConfirmSolved(ctx context.Context, actor triage.Actor, id uuid.UUID) error {
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		c, err := s.visible(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		if c.State == triage.ConversationClosed {
			return triage.ErrConversationClosed
		}
		if err := s.desk.CustomerConfirmed(ctx, tx, actor.TenantID, id, actor); err != nil {
			return err
		}
		if c.State == triage.ConversationOpen && c.UserID != nil {
			err := rating.SettledByAssistant(ctx, tx, s.jobs, rating.Resolution{TenantID: c.TenantID, ConversationID: c.ID, UserID: *c.UserID, At: time.Now(), Present: actor.ID == *c.UserID})
			if err != nil {
				return err
			}
		}
		return triage.SetConversationState(ctx, tx, actor.TenantID, id, triage.ConversationSolved, "on")
	})
	if err == nil {
		s.wake(actor.TenantID, id)
	}
	return err
}

// ErrBadVote says a vote is neither helpful nor not helpful.
var ErrBadVote = errors.New("vote must be helpful or not_helpful")

// WantsPerson is the cause of a vote that asks for a person.
const WantsPerson = "want_person"

// Vote is what a person says of an automatic answer. Cause says why it did not
// help, Reason in their own words.
type Vote struct{ Vote, Cause, Reason string }

// Vote keeps one changeable vote per person on an automatic answer. Whoever wants
// a person is handed over in the same step, once for each answer.
func (s *Service) Vote(ctx context.Context, actor triage.Actor, messageID uuid.UUID, in Vote) error {
	if in.Vote != "helpful" && in.Vote != "not_helpful" {
		return ErrBadVote
	}
	if in.Vote == "helpful" {
		in.Cause, in.Reason = "", ""
	}
	wantsPerson := in.Cause == WantsPerson
	var m triage.Message
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) (err error) {
		m, err = triage.MessageByID(ctx, tx, actor.TenantID, messageID)
		if err != nil {
			return err
		}
		if _, err := s.visible(ctx, tx, actor, m.ConversationID); err != nil || m.AuthorKind != triage.AuthorAssistant || m.Visibility != triage.VisibleToCustomer {
			return triage.ErrMessageNotFound
		}
		reason, err := s.Blot(ctx, tx, actor, in.Reason)
		if err != nil {
			return err
		}
		if wantsPerson { // first, as it holds the conversation
			key := "feedback:" + messageID.String() + ":" + actor.ID.String()
			if _, err := s.postTx(ctx, tx, actor, m.ConversationID, Post{Text: reason, ClientKey: key}, true); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `insert into feedback (tenant_id, message_id, user_id, vote, cause, reason)
			values ($1, $2, $3, $4, $5, $6) on conflict (tenant_id, message_id, user_id)
			do update set vote = excluded.vote, cause = excluded.cause, reason = excluded.reason, updated_at = now()`,
			actor.TenantID, messageID, actor.ID, in.Vote, in.Cause, triage.Line(reason, 1000))
		if err != nil {
			return fmt.Errorf("store feedback: %w", err)
		}
		return nil
	})
	if err == nil && wantsPerson {
		s.wake(actor.TenantID, m.ConversationID)
	}
	return err
}

// Tickets lists tickets the actor may see, latest activity first.
func (s *Service) Tickets(ctx context.Context, actor triage.Actor, page triage.Page) ([]triage.Ticket, error) {
	var list []triage.Ticket
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+triage.TicketColumns+` from tickets
			where tenant_id = $1 and ($2 or user_id = $3) and ($4::uuid is null or (updated_at, id) <
				(select updated_at, id from tickets where tenant_id = $1 and id = $4))
			order by updated_at desc, id desc limit $5`,
			actor.TenantID, sharesTickets(actor), actor.ID, nullable(page.Before), page.Size())
		if err != nil {
			return fmt.Errorf("list tickets: %w", err)
		}
		if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[triage.Ticket]); err != nil {
			return fmt.Errorf("list tickets: %w", err)
		}
		return nil
	})
	return list, err
}

// Ticket reads one ticket of the actor's by its public number.
func (s *Service) Ticket(ctx context.Context, actor triage.Actor, number int64) (triage.Ticket, error) {
	var ticket triage.Ticket
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+triage.TicketColumns+` from tickets
			where tenant_id = $1 and number = $2 and ($3 or user_id = $4)`,
			actor.TenantID, number, sharesTickets(actor), actor.ID)
		if err != nil {
			return fmt.Errorf("read ticket: %w", err)
		}
		ticket, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[triage.Ticket])
		if errors.Is(err, pgx.ErrNoRows) {
			return triage.ErrTicketNotFound
		}
		if err != nil {
			return fmt.Errorf("read ticket: %w", err)
		}
		return nil
	})
	return ticket, err
}

func sharesTickets(actor triage.Actor) bool {
	return actor.HasRole(RoleAdmin) || actor.HasRole(RoleManager) || actor.HasRole(RoleAPI)
}

func nullable(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Transcript is Messages with the actor's own votes on them, by message.
func (s *Service) Transcript(ctx context.Context, actor triage.Actor, id uuid.UUID, before int64, limit int) ([]triage.Message, map[uuid.UUID]string, error) {
	messages, err := s.Messages(ctx, actor, id, before, limit)
	if err != nil || len(messages) == 0 {
		return messages, nil, err
	}
	votes := map[uuid.UUID]string{}
	err = s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		ids := make([]uuid.UUID, len(messages))
		for i, m := range messages {
			ids[i] = m.ID
		}
		rows, err := tx.Query(ctx, `select message_id, vote from feedback where tenant_id = $1 and user_id = $2 and message_id = any($3)`,
			actor.TenantID, actor.ID, ids)
		if err != nil {
			return fmt.Errorf("read votes: %w", err)
		}
		var message uuid.UUID
		var vote string
		_, err = pgx.ForEachRow(rows, []any{&message, &vote}, func() error { votes[message] = vote; return nil })
		if err != nil {
			return fmt.Errorf("read votes: %w", err)
		}
		return nil
	})
	return messages, votes, err
}

// EachMessage hands over every message of a conversation the customer may see,
// oldest first, one by one, and keeps that somebody took the transcript. An
// error of fn ends it. The conversation comes first.
func (s *Service) EachMessage(ctx context.Context, actor triage.Actor, id uuid.UUID, begin func(triage.Conversation) error, fn func(triage.Message) error) error {
	return s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		c, err := s.visible(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		if err := triage.Audit(ctx, tx, actor.TenantID, actor, "conversation.transcript", id.String(), nil); err != nil {
			return err
		}
		if err := begin(c); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select `+triage.MessageColumns+` from messages
			where tenant_id = $1 and conversation_id = $2 and visibility = 'customer' order by seq`, actor.TenantID, id)
		if err != nil {
			return fmt.Errorf("read transcript: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			m, err := pgx.RowToStructByName[triage.Message](rows)
			if err != nil {
				return fmt.Errorf("read transcript: %w", err)
			}
			if err := fn(m); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read transcript: %w", err)
		}
		return nil
	})
}
