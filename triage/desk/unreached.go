package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Unreached says that what was said to a customer has not reached them.
type Unreached struct {
	TenantID       uuid.UUID
	ConversationID uuid.UUID
	Once           string // names this news: told twice, noted once
	Note           string // for agents
	Lost           bool   // for good: the customer waits again
}

// NotReached tells agents, in the caller's transaction on the worker's role: in the
// console, the ticket's thread and the CRM. Where the message is lost for good and
// the ticket waited for the customer or was settled, it is open again. Without a
// ticket the note stands in the conversation, for whoever opens it.
func (s *Service) NotReached(ctx context.Context, tx pgx.Tx, in Unreached) error {
	ref := TicketRef{TenantID: in.TenantID}
	err := tx.QueryRow(ctx, `select id from tickets where tenant_id = $1 and conversation_id = $2 order by number desc limit 1`, in.TenantID, in.ConversationID).Scan(&ref.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		_, _, err := unreached(ctx, tx, in)
		return err
	}
	if err != nil {
		return fmt.Errorf("find ticket of a lost reply: %w", err)
	}
	// The note comes first: its conversation is held before that of the ticket theirs
	// was merged into, as everywhere.
	note, created, err := unreached(ctx, tx, in)
	if err != nil || !created {
		return err
	}
	followed, err := Followed(ctx, tx, ref.TenantID, ref.ID)
	if err != nil {
		return err
	}
	ref.ID = followed.ID
	_, _, err = s.on(ctx, tx, triage.Actor{Kind: triage.ActorSystem, Name: "Usher"}, ref, func(ctx context.Context, w *work) error {
		s.spreadNote(w, note, InternalNote{})
		if !in.Lost || w.extra.ClosedAs == "not_a_request" {
			return nil
		}
		return s.goOn(ctx, w)
	})
	if err != nil {
		return fmt.Errorf("tell of a lost reply: %w", err)
	}
	return nil
}

func unreached(ctx context.Context, tx pgx.Tx, in Unreached) (triage.Message, bool, error) {
	key := "unreached:" + in.Once
	return triage.InsertMessage(ctx, tx, triage.Message{
		TenantID: in.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: in.ConversationID, AuthorKind: triage.AuthorSystem, AuthorName: "Usher",
		Visibility: triage.Internal, Body: in.Note, Language: "en", ClientKey: &key, State: triage.MessageFinal,
	})
}
