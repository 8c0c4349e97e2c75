package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
)

// fileLinks are where agents find the files of a message. The files themselves
// leave for no other system: the console asks who wants them.
func (s *Service) fileLinks(t triage.Ticket, m triage.Message) (links []Link) {
	base := s.TicketURL(t.TenantID, t.ID, t.Number)
	if base == "" {
		return nil
	}
	for _, f := range m.Attachments {
		links = append(links, Link{Title: "File: " + f.Name, URL: base + "#file-" + f.ID.String()})
	}
	return links
}

// withFiles is a message's text for a CRM, with its files named below.
func (s *Service) withFiles(t triage.Ticket, m triage.Message) string {
	var b strings.Builder
	b.WriteString(said(m))
	links := s.fileLinks(t, m)
	for i, f := range m.Attachments {
		fmt.Fprintf(&b, "\nFile: %s", f.Name)
		if i < len(links) {
			b.WriteString(" " + links[i].URL)
		}
	}
	return b.String()
}

// Noted tells the desk, in the caller's transaction, of an internal message that
// was stored for a conversation: the thread and the CRM get it, where people work
// on a ticket of it.
func (s *Service) Noted(ctx context.Context, tx pgx.Tx, m triage.Message) error {
	ticket, err := latestTicket(ctx, tx, m.TenantID, m.ConversationID)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, _, err = s.on(ctx, tx, triage.Actor{Kind: triage.ActorSystem}, TicketRef{m.TenantID, ticket.ID}, func(ctx context.Context, w *work) error {
		s.spreadNote(w, m, InternalNote{})
		return nil
	})
	return err
}

// checked are the files of a message that are clean and stay so: a copy of the
// message may show them. Who may have them is still decided by the message itself.
func checked(m triage.Message) (out []triage.Attachment) {
	for _, f := range m.Attachments {
		if f.State == blob.Clean {
			out = append(out, f)
		}
	}
	return out
}
