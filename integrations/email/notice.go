package email

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage/desk"
)

// kindNotice is a mail to one member of staff about a ticket.
const kindNotice = "notice"

// Tell stores a mail to a member of staff with its job, in the transaction that
// makes it necessary. It is for desk.Config.Tell.
func (s *Service) Tell(ctx context.Context, tx pgx.Tx, w desk.Word) error {
	_, err := s.queue(ctx, tx, w.TenantID, kindNotice, w.Key, payload{To: w.Email, Subject: oneLine(w.Subject, 150), Text: w.Text + "\n"})
	return err
}
