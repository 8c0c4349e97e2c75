package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Drafter writes an answer for an agent to edit and send. The assistant is one.
type Drafter interface {
	Draft(ctx context.Context, tenant, conversation uuid.UUID) (Draft, error)
}

// ErrNoDraft says there is nothing to suggest: no passage answers the customer.
var ErrNoDraft = errors.New("no answer to suggest")

// Draft is a suggested answer. It is never sent by itself.
type Draft struct {
	ID      uuid.UUID
	Text    string
	Sources []Link
	Message uuid.UUID // the customer message it answers; zero where that is not known
}

// Suggest asks for a draft and keeps it, so that what becomes of it is known.
func (s *Service) Suggest(ctx context.Context, actor triage.Actor, ref TicketRef) (Draft, error) {
	if s.Drafts == nil {
		return Draft{}, ErrNoDraft
	}
	var conversation uuid.UUID
	err := s.DB.WithTenant(ctx, ref.TenantID, func(tx pgx.Tx) error {
		if _, err := s.mayAct(ctx, tx, actor); err != nil {
			return err
		}
		t, err := TicketByID(ctx, tx, ref.TenantID, ref.ID)
		conversation = t.ConversationID
		return err
	})
	if err != nil {
		return Draft{}, err
	}
	draft, err := s.Drafts.Draft(ctx, ref.TenantID, conversation)
	if err != nil {
		return Draft{}, err
	}
	if strings.TrimSpace(draft.Text) == "" {
		return Draft{}, ErrNoDraft
	}
	draft.ID = uuid.Must(uuid.NewV7())
	if draft.Sources == nil {
		draft.Sources = []Link{}
	}
	err = s.DB.WithTenant(ctx, ref.TenantID, func(tx pgx.Tx) error {
		var message *uuid.UUID
		if draft.Message != uuid.Nil {
			message = &draft.Message
		}
		_, err := tx.Exec(ctx, `insert into drafts (tenant_id, id, ticket_id, message_id, body, sources, staff_id, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8)`, ref.TenantID, draft.ID, ref.ID, message, draft.Text, draft.Sources, actor.ID, s.Now().UTC())
		if err != nil {
			return fmt.Errorf("keep draft: %w", err)
		}
		return nil
	})
	return draft, err
}

// settleDraft records what became of the drafts offered on a ticket when a
// reply goes out: the one it came from was used or edited, older ones ignored.
func (s *Service) settleDraft(ctx context.Context, w *work, id uuid.UUID, sent triage.Message) error {
	_, err := w.tx.Exec(ctx, `update drafts set decided_at = $5,
		state = case when id <> $3 then 'ignored' when `+unmarked("body")+` = `+unmarked("$4::text")+` then 'used' else 'edited' end,
		sent_id = case when id = $3 then $6::uuid end
		where tenant_id = $1 and ticket_id = $2 and state = 'offered'`,
		w.ticket.TenantID, w.ticket.ID, id, sent.Body, w.at, sent.ID)
	if err != nil {
		return fmt.Errorf("settle drafts: %w", err)
	}
	return nil
}

// unmarked is a text without the marks of its sources and the space around it,
// which agents' windows leave out or change.
func unmarked(text string) string {
	return `btrim(regexp_replace(replace(` + text + `, E'\r', ''), '\s*\[\d{1,2}\]', '', 'g'), E' \n\t')`
}

// dropDrafts says that the drafts on a ticket that has just ended became nothing.
func (w *work) dropDrafts() {
	if !w.done() || w.before.InternalState == w.ticket.InternalState {
		return
	}
	w.writes().Queue(`update drafts set state = 'ignored', decided_at = $3 where tenant_id = $1 and ticket_id = $2 and state = 'offered'`,
		w.ticket.TenantID, w.ticket.ID, w.at)
}

// DraftCount is how often suggestions were used, edited and ignored since a time.
// Offered are those nothing has become of yet.
type DraftCount struct{ Offered, Used, Edited, Ignored int }

// DraftsSince counts suggestions over all tenants, on the worker's role.
func DraftsSince(ctx context.Context, tx pgx.Tx, since time.Time) (c DraftCount, err error) {
	err = tx.QueryRow(ctx, `select count(*) filter (where state = 'offered'), count(*) filter (where state = 'used'),
		count(*) filter (where state = 'edited'), count(*) filter (where state = 'ignored') from drafts where created_at >= $1`, since).
		Scan(&c.Offered, &c.Used, &c.Edited, &c.Ignored)
	if err != nil {
		return c, fmt.Errorf("count drafts: %w", err)
	}
	return c, nil
}
