package assistant

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// stream shows an answer while it is written. Each piece has passed the gate and
// is stored with its event before it is shown, so a reader who reconnects
// misses nothing; a stopped answer stops at the next piece.
type stream struct {
	assistant *Assistant
	run       *run
	body      string
}

func (s *stream) write(ctx context.Context, text string) error {
	r := s.run
	if r.rehearsed {
		return nil
	}
	err := s.assistant.DB.WithTenant(ctx, r.args.TenantID, func(tx pgx.Tx) error {
		conversation, err := triage.LockConversation(ctx, tx, r.args.TenantID, r.conversation.ID)
		if err != nil {
			return err
		}
		if conversation.Assistant == "off" {
			return errStopped
		}
		if r.streaming == uuid.Nil {
			return s.begin(ctx, tx, text)
		}
		return s.more(ctx, tx, text)
	})
	if err != nil {
		return err
	}
	s.body += text
	s.assistant.Wake(r.args.TenantID, r.conversation.ID)
	return nil
}

// begin stores the message being written. A try before this one that died while
// writing has left one: it is taken over, its text begins anew.
func (s *stream) begin(ctx context.Context, tx pgx.Tx, text string) error {
	r := s.run
	var left uuid.UUID
	err := tx.QueryRow(ctx, `select coalesce((select id from messages where tenant_id = $1 and in_reply_to = $2), $3)`,
		r.args.TenantID, r.message.ID, uuid.Nil).Scan(&left)
	if err != nil {
		return fmt.Errorf("look for a begun answer: %w", err)
	}
	if left != uuid.Nil {
		m, err := triage.MessageByID(ctx, tx, r.args.TenantID, left)
		if err != nil {
			return err
		}
		if m.State != triage.MessageStreaming {
			return errStopped
		}
		m.Body = text
		if _, err := triage.ReplaceMessage(ctx, tx, m); err != nil {
			return err
		}
		r.streaming = left
		return nil
	}
	reply := r.reply(triage.MessageStreaming)
	reply.Body, reply.Answer = text, nil
	stored, _, err := triage.InsertMessage(ctx, tx, reply)
	r.streaming = stored.ID
	return err
}

func (s *stream) more(ctx context.Context, tx pgx.Tx, text string) error {
	r := s.run
	tag, err := tx.Exec(ctx, `update messages set body = body || $3 where tenant_id = $1 and id = $2 and state = 'streaming'`,
		r.args.TenantID, r.streaming, text)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errStopped
	}
	_, err = triage.AppendEvent(ctx, tx, r.args.TenantID, r.conversation.ID, triage.EventAnswerDelta, triage.VisibleToCustomer,
		map[string]any{"message_id": r.streaming, "text": text})
	return err
}
