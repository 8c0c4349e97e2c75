package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
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
)

// enqueueHeads makes the root and every CRM record follow the ticket; the CRM a
// change came from needs no word of it.
func (s *Service) enqueueHeads(ctx context.Context, w *work) error {
	if err := s.enqueueRoot(ctx, w); err != nil {
		return err
	}
	for _, crm := range s.CRMs {
		if crm.System() == w.skip {
			continue
		}
		if err := s.enqueue(ctx, w, crm.System(), kindRecord, "record:"+w.ticket.ID.String(), nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) enqueueRoot(ctx context.Context, w *work) error {
	if s.Channel == nil || w.rooted {
		return nil
	}
	w.rooted = true
	return s.enqueue(ctx, w, s.Channel.System(), kindRoot, "root:"+w.ticket.ID.String(), nil)
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
}

func (s *Service) enqueuePost(ctx context.Context, w *work, p Post) error {
	if s.Channel == nil || p.Text == "" {
		return nil
	}
	if err := s.enqueueRoot(ctx, w); err != nil {
		return err
	}
	return s.enqueue(ctx, w, s.Channel.System(), kindThread, p.Key, threadPost{p.Label, p.Author, p.Text, p.Links, p.Notify, p.Message, p.Colleague, w.at})
}

// notePayload names the message a CRM note carries; the text is read when it leaves.
// Change counts the changes of the message; zero is the message itself.
type notePayload struct {
	MessageID uuid.UUID `json:"message_id"`
	Change    int       `json:"change,omitempty"`
}

func (s *Service) enqueueNote(ctx context.Context, w *work, m triage.Message) error {
	for _, crm := range s.CRMs {
		if crm.System() == w.skip {
			continue
		}
		if err := s.enqueue(ctx, w, crm.System(), kindNote, "note:"+m.ID.String(), notePayload{MessageID: m.ID}); err != nil {
			return err
		}
	}
	return nil
}

// enqueue stores an effect and the job that carries it out. An effect that is
// stored already and can be repeated is asked for once more; another is left.
func (s *Service) enqueue(ctx context.Context, w *work, destination, kind, key string, payload any) error {
	if payload == nil {
		payload = map[string]any{}
	}
	repeats := kind == kindRoot || kind == kindRecord
	tag, err := w.tx.Exec(ctx, `insert into deliveries (tenant_id, id, ticket_id, destination, kind, subject_key, payload, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
		on conflict (tenant_id, destination, subject_key) do update set wanted = deliveries.wanted + 1, updated_at = $8,
		  state = case when deliveries.state in ('delivered', 'discarded') then 'pending' else deliveries.state end,
		  attempts = case when deliveries.state in ('delivered', 'discarded') then 0 else deliveries.attempts end
		where $9`,
		w.ticket.TenantID, uuid.Must(uuid.NewV7()), w.ticket.ID, destination, kind, key, payload, w.at, repeats)
	if err != nil {
		return fmt.Errorf("store delivery: %w", err)
	}
	if tag.RowsAffected() == 0 || w.asked[destination] {
		return nil // one job drains all the transaction asks of a destination
	}
	if w.asked == nil {
		w.asked = map[string]bool{}
	}
	w.asked[destination] = true
	return s.insertJob(ctx, w, DeliverTicketArgs{TenantID: w.ticket.TenantID, TicketID: w.ticket.ID, Destination: destination}, nil)
}

func (s *Service) later(ctx context.Context, w *work, args river.JobArgs, at time.Time) error {
	return s.insertJob(ctx, w, args, &river.InsertOpts{ScheduledAt: at})
}

func (s *Service) insertJob(ctx context.Context, w *work, args river.JobArgs, opts *river.InsertOpts) error {
	if _, err := s.Jobs.InsertTx(ctx, w.tx, args, opts); err != nil {
		return fmt.Errorf("insert job %s: %w", args.Kind(), err)
	}
	return nil
}
