package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/classify"
)

const (
	// duplicateAge is how long ago the other ticket may have been opened.
	duplicateAge = 14 * 24 * time.Hour
	// alikeSameIntent and alikeAnyIntent are how much two messages must have in
	// common to be taken for the same request: less where both have one intent.
	alikeSameIntent = 0.5
	alikeAnyIntent  = 0.7
	// duplicatesLookedAt is the most open tickets compared with.
	duplicatesLookedAt = 50
)

// linkDuplicate links a new ticket to the open one of its tenant that asks the
// same, from another conversation, and says so in the summary agents read. Nothing
// is merged: that is people's decision.
func (s *Service) linkDuplicate(ctx context.Context, tx pgx.Tx, ticket triage.Ticket, in *Escalation) error {
	if in.MessageID == uuid.Nil {
		return nil
	}
	type candidate struct {
		ID      uuid.UUID `db:"id"`
		Number  int64     `db:"number"`
		Subject string    `db:"subject"`
		Intent  string    `db:"intent"`
		Body    string    `db:"body"` // of the message handed over first
	}
	others, err := list[candidate](ctx, tx, `
		select t.id, t.number, t.subject, t.intent, coalesce((select m.body from escalations e
		  join messages m on m.tenant_id = e.tenant_id and m.id = e.message_id
		  where e.tenant_id = $1 and e.ticket_id = t.id order by e.created_at limit 1), t.subject) as body
		from tickets t where t.tenant_id = $1 and t.id <> $2 and t.conversation_id <> $3
		  and t.internal_state not in ('solved', 'closed') and t.created_at > $4
		order by t.number desc limit $5`,
		in.TenantID, ticket.ID, in.ConversationID, s.Now().UTC().Add(-duplicateAge), duplicatesLookedAt)
	if err != nil || len(others) == 0 {
		return err
	}
	m, err := triage.MessageByID(ctx, tx, in.TenantID, in.MessageID)
	if err != nil {
		return err
	}
	if m.ClientKey != nil && *m.ClientKey == splitKey {
		return nil // people took it out of another ticket on purpose
	}
	var found candidate
	var most float64
	for _, other := range others {
		needed := alikeAnyIntent
		if other.Intent != "" && other.Intent == in.Classification.Intent {
			needed = alikeSameIntent
		}
		if x := classify.Alike(m.Body, other.Body); x >= needed && x >= most {
			found, most = other, x // the oldest of equals
		}
	}
	if most == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `insert into ticket_relations (tenant_id, ticket_id, related_id, kind)
		values ($1, $2, $3, 'duplicate_of') on conflict do nothing`, in.TenantID, ticket.ID, found.ID); err != nil {
		return fmt.Errorf("link duplicate: %w", err)
	}
	in.Summary += fmt.Sprintf("\nLooks like #%d (%s), which is open.", found.Number, triage.Line(found.Subject, 100))
	return nil
}
