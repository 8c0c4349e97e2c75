package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
)

// Kinds of delivery.
const (
	kindRoot   = "root"   // a ticket's Slack root message, edited in place
	kindThread = "thread" // one message below it
	kindRecord = "record" // a ticket's CRM record, updated in place
	kindNote   = "note"   // one comment on it
	kindAsk    = "ask"    // what one colleague is asked directly, edited in place
	kindAside  = "aside"  // one message below it
	kindFile   = "file"   // a copy of one checked file, in the thread
	kindPing   = "ping"   // what the ticket's owner is told directly
)

// enqueueHeads makes the root and every CRM record follow the ticket; the CRM a
// change came from needs no word of it.
func (s *Service) enqueueHeads(w *work) {
	s.enqueueRoot(w)
	for _, crm := range s.CRMs {
		if crm.System() == w.skip {
			continue
		}
		w.enqueue(crm.System(), kindRecord, "record:"+w.ticket.ID.String(), nil)
	}
}

func (s *Service) enqueueRoot(w *work) {
	if s.Channel == nil || w.rooted {
		return
	}
	w.rooted = true
	w.enqueue(s.Channel.System(), kindRoot, "root:"+w.ticket.ID.String(), nil)
}

// threadPost is a Post as a delivery's payload.
type threadPost struct {
	Label   PostLabel `json:"label"`
	Author  string    `json:"author"`
	Text    string    `json:"text"`
	Links   []Link    `json:"links,omitempty"`
	Notify  uuid.UUID `json:"notify,omitzero"`
	Message uuid.UUID `json:"message,omitzero"`
	Asked   uuid.UUID `json:"asked,omitzero"`
	At      time.Time `json:"at"`
	Other   bool      `json:"other,omitempty"` // a ping to somebody who is told though the ticket is not theirs
}

func (s *Service) enqueuePost(w *work, p Post) {
	if s.Channel == nil || p.Text == "" {
		return
	}
	s.enqueueRoot(w)
	w.enqueue(s.Channel.System(), kindThread, p.Key, threadPost{p.Label, p.Author, p.Text, p.Links, p.Notify, p.Message, p.Colleague, w.at, false})
	if p.Notify != uuid.Nil && p.Label == PostSystem {
		s.enqueuePing(w, p.Notify, p.Key, p.Text)
	}
}

// enqueuePing tells a member of staff something about a ticket directly: its
// owner, as long as it is theirs, or somebody who is to look after it. It
// is an effect of its own: a person who cannot be reached holds up no thread.
func (s *Service) enqueuePing(w *work, staff uuid.UUID, key, text string) {
	if _, ok := s.Channel.(Pinger); !ok {
		return
	}
	w.enqueue(s.Channel.System(), kindPing, "ping:"+key, threadPost{
		Label: PostSystem, Text: text, Notify: staff, At: w.at, Other: w.ticket.AssigneeID == nil || *w.ticket.AssigneeID != staff,
	})
}

// notePayload names the message a CRM note carries; the text is read when it leaves.
// Change counts the changes of the message; zero is the message itself.
type notePayload struct {
	MessageID uuid.UUID `json:"message_id"`
	Change    int       `json:"change,omitempty"`
}

func (s *Service) enqueueNote(w *work, m triage.Message) {
	for _, crm := range s.CRMs {
		if crm.System() == w.skip {
			continue
		}
		w.enqueue(crm.System(), kindNote, "note:"+m.ID.String(), notePayload{MessageID: m.ID})
	}
}

// enqueue adds an effect and the job that carries it out. An effect that is
// stored already and can be repeated is asked for once more, also where it was
// given up; another is left.
func (w *work) enqueue(destination, kind, key string, payload any) {
	if payload == nil {
		payload = map[string]any{}
	}
	repeats := kind == kindRoot || kind == kindRecord || strings.HasPrefix(key, cardKey)
	w.writes().Queue(`insert into deliveries (tenant_id, id, ticket_id, destination, kind, subject_key, payload, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
		on conflict (tenant_id, destination, subject_key) do update set wanted = deliveries.wanted + 1, updated_at = $8,
		  state = case when deliveries.state in ('delivered', 'discarded', 'failed') then 'pending' else deliveries.state end,
		  attempts = case when deliveries.state in ('delivered', 'discarded') then 0 when deliveries.state = 'failed' then least(deliveries.attempts, 1) else deliveries.attempts end,
		  next_attempt_at = case when deliveries.state = 'failed' then null else deliveries.next_attempt_at end
		where $9`,
		w.ticket.TenantID, uuid.Must(uuid.NewV7()), w.ticket.ID, destination, kind, key, payload, w.at, repeats).
		Exec(func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() > 0 {
				w.askFor(destination)
			}
			return nil
		})
}

// askFor adds the job that carries out what the ticket wants of a destination.
func (w *work) askFor(destination string) { w.deliver(w.ticket.ID, destination) }

// deliver is askFor for any ticket of the tenant. One job drains all that a
// transaction asks.
func (w *work) deliver(ticket uuid.UUID, destination string) {
	args := DeliverTicketArgs{TenantID: w.ticket.TenantID, TicketID: ticket, Destination: destination}
	if w.asked[args] {
		return
	}
	if w.asked == nil {
		w.asked = map[DeliverTicketArgs]bool{}
	}
	w.asked[args] = true
	w.job(args, nil)
}

// What becomes of a delivery whose words changed: what stands outside has to
// follow them, also where an earlier try was given up, and gets its tries anew.
// One that was tried keeps a count, so the adapter looks before it writes.
const (
	againState    = `case when state = 'delivered' or state = 'failed' and external_ref <> '{}' then 'pending' else state end`
	againAttempts = `case when state = 'delivered' then 0
		when state = 'pending' or state = 'failed' and external_ref <> '{}' then least(attempts, 1) else attempts end`
	againSet = `wanted = wanted + 1, state = ` + againState + `, attempts = ` + againAttempts
)

// again changes deliveries with a query that returns their ticket_id, and asks
// for what they want of the destination.
func (w *work) again(ctx context.Context, destination, query string, args ...any) error {
	rows, err := w.tx.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("change delivery: %w", err)
	}
	tickets, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("change delivery: %w", err)
	}
	slices.SortFunc(tickets, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for _, ticket := range tickets {
		w.deliver(ticket, destination)
	}
	return nil
}

func (w *work) later(args river.JobArgs, at time.Time) {
	w.job(args, &river.InsertOpts{ScheduledAt: at})
}

func (w *work) job(args river.JobArgs, opts *river.InsertOpts) {
	w.out.Jobs = append(w.out.Jobs, river.InsertManyParams{Args: args, InsertOpts: opts})
}
