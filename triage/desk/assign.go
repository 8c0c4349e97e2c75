package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// autoAssign gives a new ticket to somebody: of the ticket's team where it has
// one with people in it (skill), who is not away, with the fewest open tickets
// (load), and among equals who got one longest ago (rotation). Where nobody fits
// the ticket waits to be claimed.
func (s *Service) autoAssign(ctx context.Context, w *work) error {
	if !s.AutoAssign || w.before.ID != uuid.Nil || w.ticket.AssigneeID != nil || s.DB == nil {
		return nil
	}
	// Staff and other tenants' tickets are the worker role's to see, not the
	// caller's: a look in a transaction of its own, which decides nothing for good.
	var id uuid.UUID
	var name string
	look, cancel := context.WithTimeout(ctx, 2*time.Second) // with every connection in use the ticket just waits to be claimed
	defer cancel()
	err := s.DB.WithSystem(look, "choose who gets a ticket", func(tx pgx.Tx) error {
		return tx.QueryRow(look, `
			with people as (
			  select p.id, p.display_name, $1 = any(p.teams) as skilled,
			    (select count(*) from tickets t where t.assignee_id = p.id and t.internal_state not in ('solved', 'closed')) as load,
			    (select max(t.created_at) from tickets t where t.assignee_id = p.id) as latest
			  from staff p where p.state = 'active' and p.roles && array['agent', 'lead'])
			select id, display_name from people where skilled or not exists (select from people where skilled)
			order by load, latest nulls first, id limit 1`, w.ticket.Team).Scan(&id, &name)
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("choose assignee: %w", err)
	}
	w.assign(id, name)
	w.note("assigned", map[string]any{"to": name, "by": "rotation"})
	s.tellOwner(w, "A new ticket is yours")
	return nil
}

// tellOwner tells whom a ticket was given to, unless they took it themselves. It
// follows the note of it.
func (s *Service) tellOwner(w *work, how string) {
	if s.Channel != nil && *w.ticket.AssigneeID != w.actor.ID {
		s.enqueuePing(w, *w.ticket.AssigneeID, "assigned:"+w.events[len(w.events)-1].id.String(), how+": "+triage.Line(w.ticket.Subject, 150))
	}
}

// Split opens a second ticket from one message of a conversation, for a matter
// that has nothing to do with the first. The customer's words move nowhere: they
// are quoted in a conversation of the second ticket's own, which its customer sees.
func (s *Service) Split(ctx context.Context, actor triage.Actor, ref TicketRef, message uuid.UUID, subject string) (triage.Ticket, error) {
	var second triage.Ticket
	_, err := s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		m, err := triage.MessageByID(ctx, w.tx, ref.TenantID, message)
		if err != nil {
			return err
		}
		if m.ConversationID != w.ticket.ConversationID || m.Visibility != triage.VisibleToCustomer || m.AuthorKind != triage.AuthorCustomer {
			return triage.ErrMessageNotFound
		}
		key := uuid.NewSHA1(m.ID, []byte("split"))
		c, err := triage.ConversationByID(ctx, w.tx, ref.TenantID, key)
		if errors.Is(err, triage.ErrConversationNotFound) {
			c, err = triage.InsertConversation(ctx, w.tx, triage.Conversation{
				TenantID: ref.TenantID, ID: key, UserID: w.conversation.UserID, Channel: w.conversation.Channel,
				Subject: triage.Line(subject, 200), Language: w.conversation.Language,
			})
		}
		if err != nil {
			return err
		}
		copied, _, err := triage.InsertMessage(ctx, w.tx, triage.Message{
			TenantID: ref.TenantID, ID: uuid.NewSHA1(m.ID, []byte("split message")), ConversationID: c.ID, AuthorKind: m.AuthorKind,
			AuthorID: m.AuthorID, AuthorName: m.AuthorName, Visibility: m.Visibility, Body: m.Body, Language: m.Language, ClientKey: &splitKey, Attachments: checked(m),
		})
		if err != nil {
			return err
		}
		second, err = s.Escalate(ctx, w.tx, Escalation{
			TenantID: ref.TenantID, ConversationID: c.ID, MessageID: copied.ID, Reason: triage.ReasonAction, Subject: subject,
			Summary:        fmt.Sprintf("Split from #%d by %s.", w.ticket.Number, w.actor.Name),
			Classification: triage.Classification{Language: w.ticket.Language, Team: w.ticket.Team},
		})
		if err != nil {
			return err
		}
		tag, err := w.tx.Exec(ctx, `insert into ticket_relations (tenant_id, ticket_id, related_id, kind) values ($1, $2, $3, 'split_from') on conflict do nothing`,
			ref.TenantID, second.ID, ref.ID)
		if err != nil {
			return fmt.Errorf("relate tickets: %w", err)
		}
		if tag.RowsAffected() == 1 {
			w.note("split", map[string]any{"into": second.Number, "message_id": m.ID})
		}
		return nil
	})
	return second, err
}

var splitKey = "split"
