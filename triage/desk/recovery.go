package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// linkedWork is the witness of a resolution whose cause is gone: what a ticket was
// about works again.
const linkedWork = "linked_work"

// Recovery says that what a ticket was about works again.
type Recovery struct {
	TenantID uuid.UUID
	Key      string // the ticket's dedup key
	Once     string // names this recovery: told twice, noted once
	Note     string // for agents
	Draft    string // for the customer, to be sent by an agent
}

// CauseGone closes the loop on the open ticket with the key, in the caller's
// transaction on the worker's role. Agents read it in the thread and the CRM. A
// ticket nobody has taken is solved, linked work being its witness; on one that
// somebody has, what is left is to tell the customer, with a draft. Without such
// a ticket there is nothing to do.
func (s *Service) CauseGone(ctx context.Context, tx pgx.Tx, in Recovery) error {
	open, err := OpenTicketByKey(ctx, tx, in.TenantID, in.Key)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, _, err = s.on(ctx, tx, triage.Actor{Kind: triage.ActorSystem, Name: "Usher"}, TicketRef{in.TenantID, open.ID}, func(ctx context.Context, w *work) error {
		key := "recovered:" + in.Once
		note, created, err := triage.InsertMessage(ctx, tx, triage.Message{
			TenantID: in.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: w.ticket.ConversationID, AuthorKind: triage.AuthorSystem, AuthorName: "Usher",
			Visibility: triage.Internal, Body: in.Note, Language: "en", ClientKey: &key, State: triage.MessageFinal,
		})
		if err != nil || !created {
			return err
		}
		s.spreadNote(w, note, InternalNote{})
		if w.ticket.AssigneeID == nil && w.extra.FirstRepliedAt == nil {
			w.note("resolved", map[string]any{"witness": linkedWork})
			w.ticket.Resolution = linkedWork
			w.setState(triage.InternalSolved)
			return s.solved(ctx, w)
		}
		w.note("cause_gone", nil)
		w.extra.TellCustomer, w.changed = true, true
		s.enqueuePost(w, Post{Key: "recovered:" + in.Once, Label: PostDraft, Text: in.Draft})
		return nil
	})
	if err != nil {
		return fmt.Errorf("close the loop: %w", err)
	}
	return nil
}
