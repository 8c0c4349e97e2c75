package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// ErrNotTakenBack says that what was sent by e-mail cannot be taken back.
var ErrNotTakenBack = errors.New("a mail that was sent cannot be taken back")

// CustomerChanged tells the desk, in the caller's transaction, that a customer
// changed a message of theirs or took it back: m is the message as it is now,
// before what it said. Agents see the new words where the old ones stood, and
// the CRM gets a note. It asks for no second answer.
func (s *Service) CustomerChanged(ctx context.Context, tx pgx.Tx, m triage.Message, before string, actor triage.Actor) error {
	ticket, err := latestTicket(ctx, tx, m.TenantID, m.ConversationID)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, _, err = s.on(ctx, tx, actor, TicketRef{m.TenantID, ticket.ID}, func(ctx context.Context, w *work) error {
		if w.ticket.Subject == triage.Line(before, 200) {
			w.ticket.Subject, w.changed = cmp.Or(triage.Line(m.Body, 200), gone), true
		}
		if m.State == triage.MessageDeleted {
			w.forget(before)
		}
		return s.spreadChange(ctx, w, m)
	})
	return err
}

// gone stands where words were taken back.
const gone = "[taken back]"

// forget takes words out of the ticket's summary.
func (w *work) forget(text string) {
	for _, words := range []string{text, triage.Line(text, 200)} {
		if len(words) >= 12 && strings.Contains(w.ticket.Summary, words) {
			w.ticket.Summary, w.changed = strings.ReplaceAll(w.ticket.Summary, words, gone), true
		}
	}
}

// Correct sends the customer a correction of an earlier reply. The reply stays
// where it is: nothing a customer has read changes behind their back.
func (s *Service) Correct(ctx context.Context, actor triage.Actor, ref TicketRef, message uuid.UUID, in Reply) (triage.Message, error) {
	in.corrects = message
	return s.Reply(ctx, actor, ref, in)
}

// correction checks that a reply of this conversation is corrected, and
// returns the text with the words that say so.
func correction(ctx context.Context, w *work, message uuid.UUID, text, language string) (string, error) {
	m, err := w.reply(ctx, message)
	if err != nil {
		return "", err
	}
	if m.State == triage.MessageDeleted {
		return "", fmt.Errorf("correct a reply that was taken back: %w", ErrBadValue)
	}
	if language == "" {
		language = w.ticket.Language
	}
	words, ok := correctionWords[language]
	if !ok {
		words = correctionWords["en"]
	}
	return words + "\n\n" + text, nil
}

var correctionWords = map[string]string{
	"en": "Correction to my earlier message:",
	"de": "Korrektur zu meiner früheren Nachricht:",
	"fr": "Correction de mon message précédent :",
	"es": "Corrección de mi mensaje anterior:",
	"pt": "Correção da minha mensagem anterior:",
}

// reply reads an agent's public message of the held conversation.
func (w *work) reply(ctx context.Context, id uuid.UUID) (triage.Message, error) {
	m, err := triage.MessageByID(ctx, w.tx, w.ticket.TenantID, id)
	if err != nil {
		return m, err
	}
	if m.ConversationID != w.ticket.ConversationID || m.AuthorKind != triage.AuthorAgent || m.Visibility != triage.VisibleToCustomer {
		return triage.Message{}, triage.ErrMessageNotFound
	}
	return m, nil
}

// Withdraw takes a reply back: the customer, the thread and the CRM see that
// something was said and no longer what. In a conversation by mail it returns
// ErrNotTakenBack and a correction is the way; what was mailed because nobody
// read it in the chat stays in the mailbox. Twice is once.
func (s *Service) Withdraw(ctx context.Context, actor triage.Actor, ref TicketRef, message uuid.UUID) error {
	_, err := s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		m, err := w.reply(ctx, message)
		if err != nil || m.State == triage.MessageDeleted {
			return err
		}
		if w.conversation.Channel == triage.ChannelEmail {
			return ErrNotTakenBack
		}
		stored, err := triage.ReviseMessage(ctx, w.tx, m, "", w.actor, w.at)
		if err != nil {
			return err
		}
		return s.spreadChange(ctx, w, stored)
	})
	return err
}

// EditNote changes an internal note by the key it came with; the text before is
// kept.
func (s *Service) EditNote(ctx context.Context, actor triage.Actor, ref TicketRef, clientKey, text string) error {
	text, err := cleanText(text)
	if err != nil {
		return nil //nolint:nilerr // an emptied note stays as it was
	}
	return s.changeNote(ctx, actor, ref, clientKey, text)
}

// DeleteNote leaves a tombstone of an internal note.
func (s *Service) DeleteNote(ctx context.Context, actor triage.Actor, ref TicketRef, clientKey string) error {
	return s.changeNote(ctx, actor, ref, clientKey, "")
}

func (s *Service) changeNote(ctx context.Context, actor triage.Actor, ref TicketRef, clientKey, text string) error {
	_, err := s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		return s.reviseNote(ctx, w, clientKey, text, func(m triage.Message) bool { return m.AuthorID != nil && *m.AuthorID == w.actor.ID })
	})
	return err
}

// reviseNote changes the note with a key, which its author may. One that is not
// known is none of ours.
func (s *Service) reviseNote(ctx context.Context, w *work, clientKey, text string, theirs func(triage.Message) bool) error {
	var id uuid.UUID
	err := w.tx.QueryRow(ctx, `select id from messages where tenant_id = $1 and conversation_id = $2 and client_key = $3 and visibility = 'internal'`,
		w.ticket.TenantID, w.ticket.ConversationID, "agent:"+clientKey).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find note: %w", err)
	}
	m, err := triage.MessageByID(ctx, w.tx, w.ticket.TenantID, id)
	if err != nil {
		return err
	}
	if !theirs(m) {
		return &RefusedError{"only its author may change a note"}
	}
	if m.Body == text || m.State == triage.MessageDeleted {
		return nil
	}
	stored, err := triage.ReviseMessage(ctx, w.tx, m, text, w.actor, w.at)
	if err != nil {
		return err
	}
	return s.spreadChange(ctx, w, stored)
}

// spreadChange lets the thread and the CRMs follow a message that was changed
// or taken back, wherever it was sent to before.
func (s *Service) spreadChange(ctx context.Context, w *work, m triage.Message) error {
	kind := "message_edited"
	if m.State == triage.MessageDeleted {
		kind = "message_deleted"
	}
	w.note(kind, map[string]any{"message_id": m.ID, "author": m.AuthorKind, "internal": m.Visibility == triage.Internal})
	if err := s.changePost(ctx, w, m); err != nil {
		return err
	}
	if err := s.changeAsides(ctx, w, m); err != nil {
		return err
	}
	if err := s.dropCopies(ctx, w, m); err != nil {
		return err
	}
	return s.changeNotes(ctx, w, m)
}

// changePost gives a thread message its new text. One that has not left yet
// leaves with it; one that stands there is edited in place.
func (s *Service) changePost(ctx context.Context, w *work, m triage.Message) error {
	if s.Channel == nil {
		return nil
	}
	return w.again(ctx, s.Channel.System(), `update deliveries set updated_at = $5, `+againSet+`,
		payload = jsonb_set(case when $6 then payload - 'message' - 'links' else payload end, '{text}', to_jsonb($4::text))
		where tenant_id = $1 and destination = $2 and subject_key = $3 and kind = 'thread' returning ticket_id`,
		m.TenantID, s.Channel.System(), "message:"+m.ID.String(), said(m), w.at, m.State == triage.MessageDeleted)
}

// changeNotes adds a note of the new text to every CRM record that may show the
// old one: their comments are a history, not edited in place.
func (s *Service) changeNotes(ctx context.Context, w *work, m triage.Message) error {
	type sent struct {
		TicketID    uuid.UUID `db:"ticket_id"`
		Destination string    `db:"destination"`
		Number      int       `db:"number"`
	}
	rows, err := w.tx.Query(ctx, `select d.ticket_id, d.destination,
		  (select count(*) from deliveries e where e.tenant_id = d.tenant_id and e.destination = d.destination and e.subject_key like $2 || ':%')::int as number
		from deliveries d where d.tenant_id = $1 and d.subject_key = $2 and d.kind = 'note' and not (d.state = 'pending' and d.attempts = 0)`,
		m.TenantID, "note:"+m.ID.String())
	if err != nil {
		return fmt.Errorf("find notes: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[sent])
	if err != nil {
		return fmt.Errorf("find notes: %w", err)
	}
	for _, d := range list {
		to := &work{tx: w.tx, at: w.at, ticket: triage.Ticket{TenantID: m.TenantID, ID: d.TicketID}}
		key := fmt.Sprintf("note:%s:%d", m.ID, d.Number+1)
		to.enqueue(d.Destination, kindNote, key, notePayload{MessageID: m.ID, Change: d.Number + 1})
		if err := s.flush(ctx, to); err != nil {
			return err
		}
	}
	return nil
}

// said is a message's text as agents read it.
func said(m triage.Message) string {
	if m.State != triage.MessageDeleted {
		return m.Body
	}
	if m.AuthorKind == triage.AuthorCustomer {
		return "(The customer took this message back.)"
	}
	return "(This message was taken back.)"
}
