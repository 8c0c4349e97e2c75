package desk

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/guard"
)

// ReportReasons are why an agent reports an answer of the assistant.
var ReportReasons = []string{"wrong", "outdated", "incomplete", "tone"}

// ReportAnswer keeps that an agent found an automatic answer wrong, out of date,
// incomplete or said in the wrong tone, in the console or in Slack: proof against the articles it quoted. Said twice by one agent it counts
// once; the customer hears nothing of it.
func (s *Service) ReportAnswer(ctx context.Context, actor triage.Actor, ref TicketRef, message uuid.UUID, reason, why string) error {
	if !slices.Contains(ReportReasons, reason) {
		return fmt.Errorf("reason: %w", ErrBadValue)
	}
	_, err := s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		m, err := triage.MessageByID(ctx, w.tx, w.ticket.TenantID, message)
		if err != nil {
			return err
		}
		if m.ConversationID != w.ticket.ConversationID || m.AuthorKind != triage.AuthorAssistant || m.Visibility != triage.VisibleToCustomer {
			return triage.ErrMessageNotFound
		}
		event := uuid.NewSHA1(m.ID, []byte("reported by "+w.actor.ID.String()))
		known, err := eventExists(ctx, w.tx, w.ticket.TenantID, event)
		if err != nil || known {
			return err
		}
		masked, _ := guard.Mask(why)
		w.events = append(w.events, ticketEvent{event, "answer_reported", map[string]any{"message_id": m.ID, "reason": reason, "why": triage.Line(masked, 500)}})
		return nil
	})
	return err
}
