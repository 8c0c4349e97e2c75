package desk

import (
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

// candidate is an open ticket that may ask the same.
type candidate struct {
	ID      uuid.UUID `db:"id"`
	Number  int64     `db:"number"`
	Subject string    `db:"subject"`
	Intent  string    `db:"intent"`
	Body    string    `db:"body"` // of the message handed over first
}

// candidates queues the tenant's open tickets of other conversations.
func (s *Service) candidates(batch *pgx.Batch, in Escalation, ticket uuid.UUID) *[]candidate {
	if in.MessageID == uuid.Nil {
		return &[]candidate{}
	}
	return many[candidate](batch, `
		select t.id, t.number, t.subject, t.intent, coalesce((select m.body from escalations e
		  join messages m on m.tenant_id = e.tenant_id and m.id = e.message_id
		  where e.tenant_id = $1 and e.ticket_id = t.id order by e.created_at limit 1), t.subject) as body
		from tickets t where t.tenant_id = $1 and t.id <> $2 and t.conversation_id <> $3
		  and t.internal_state not in ('solved', 'closed') and t.created_at > $4
		order by t.number desc limit $5`,
		in.TenantID, ticket, in.ConversationID, s.Now().UTC().Add(-duplicateAge), duplicatesLookedAt)
}

// linkDuplicate links a new ticket to the open one of its tenant that asks the
// same, from another conversation, and says so in the summary agents read. Nothing
// is merged: that is people's decision.
func (w *work) linkDuplicate(others []candidate, m *triage.Message, in *Escalation) {
	if m == nil || m.ClientKey != nil && *m.ClientKey == splitKey {
		return // people took it out of another ticket on purpose
	}
	if len(others) == 0 {
		return
	}
	asks := classify.MeaningsOf(m.Body)
	var found candidate
	var most float64
	for _, other := range others {
		needed := alikeAnyIntent
		if other.Intent != "" && other.Intent == in.Classification.Intent {
			needed = alikeSameIntent
		}
		if x := asks.Alike(classify.MeaningsOf(other.Body)); x >= needed && x >= most {
			found, most = other, x // the oldest of equals
		}
	}
	if most == 0 {
		return
	}
	w.writes().Queue(`insert into ticket_relations (tenant_id, ticket_id, related_id, kind)
		values ($1, $2, $3, 'duplicate_of') on conflict do nothing`, in.TenantID, w.ticket.ID, found.ID)
	in.Summary += fmt.Sprintf("\nLooks like #%d (%s), which is open.", found.Number, triage.Line(found.Subject, 100))
}
