package intake

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// ErrNotChangeable says a message cannot be changed: it is too old, it is not
// of the chat, or it was taken back.
var ErrNotChangeable = errors.New("message cannot be changed")

// changeFor is how long people may put right what they wrote. Taking back has no end.
const changeFor = 15 * time.Minute

// Change gives a message of the actor another text. Agents see the new one; it
// asks for no second answer.
func (s *Service) Change(ctx context.Context, actor triage.Actor, id uuid.UUID, text string) (triage.Message, error) {
	text, err := cleanText(text)
	if err != nil {
		return triage.Message{}, err
	}
	return s.revise(ctx, actor, id, text)
}

// TakeBack removes what the actor wrote and leaves a mark where it stood.
func (s *Service) TakeBack(ctx context.Context, actor triage.Actor, id uuid.UUID) (triage.Message, error) {
	return s.revise(ctx, actor, id, "")
}

func (s *Service) revise(ctx context.Context, actor triage.Actor, id uuid.UUID, text string) (triage.Message, error) {
	var stored triage.Message
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		m, err := triage.MessageByID(ctx, tx, actor.TenantID, id)
		if err != nil {
			return err
		}
		// The conversation's row orders a change among everything else said in it.
		c, err := triage.LockConversation(ctx, tx, actor.TenantID, m.ConversationID)
		if err != nil {
			return err
		}
		if m, err = triage.MessageByID(ctx, tx, actor.TenantID, id); err != nil {
			return err
		}
		if m.AuthorKind != triage.AuthorCustomer || m.AuthorID == nil || *m.AuthorID != actor.ID || m.Visibility != triage.VisibleToCustomer {
			return triage.ErrMessageNotFound
		}
		if text, err = s.withoutCode(ctx, tx, actor, m.ConversationID, text, nil); err != nil {
			return err
		}
		if text == "" && m.State == triage.MessageDeleted || m.Body == text {
			stored = m
			return nil
		}
		now := time.Now().UTC()
		if c.Channel == triage.ChannelEmail || m.State == triage.MessageDeleted || text != "" && now.Sub(m.CreatedAt) > changeFor {
			return ErrNotChangeable
		}
		before := m.Body
		if stored, err = triage.ReviseMessage(ctx, tx, m, text, actor, now); err != nil {
			return err
		}
		return s.desk.CustomerChanged(ctx, tx, stored, before, actor)
	})
	if err == nil {
		s.wake(actor.TenantID, stored.ConversationID)
	}
	return stored, err
}
