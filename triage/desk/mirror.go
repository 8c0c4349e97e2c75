package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
)

// Mirror is a CRM whose records people change, too. What they change flows back
// by comparing three values field by field: the last one both sides agreed on
// (crm_fields), the CRM's and ours.
//
//	CRM = agreed             nothing happened there, or it is our own echo
//	CRM = ours               both sides say the same
//	ours = agreed            the CRM's change is taken
//	all three differ         conflict: see winner
//
// So duplicates, echoes and events out of order do no harm.
type Mirror interface {
	CRM
	// Fields are the values UpsertTicket writes for "state" and "priority", in
	// the vendor's words. A field it does not write is absent.
	Fields(record Record) map[string]string
	// Decode lists our values that are written as a vendor's value, best first.
	Decode(field, value string) []string
	// Read is the record as it is now.
	Read(ctx context.Context, record Ref) (Seen, error)
}

// Seen is a CRM record as read.
type Seen struct {
	Fields   map[string]string // as in Mirror.Fields
	At       time.Time         // when it was last changed there
	Comments []Comment         // of people, not ours
}

// Comment is what somebody wrote on a record in the CRM. It is internal here.
type Comment struct {
	ID     string
	Author string
	Text   string
	At     time.Time
}

// ReadCRMArgs asks to read a record back.
type ReadCRMArgs struct {
	System     string `json:"system"`
	ExternalID string `json:"external_id"`
}

// Kind names the job.
func (ReadCRMArgs) Kind() string { return "read_crm_record" }

type readWorker struct {
	river.WorkerDefaults[ReadCRMArgs]
	desk *Service
}

func (w *readWorker) Work(ctx context.Context, job *river.Job[ReadCRMArgs]) error {
	err := w.desk.ReadBack(ctx, job.Args.System, job.Args.ExternalID)
	var temporary *TemporaryError
	var permanent *PermanentError
	switch {
	case errors.As(err, &permanent):
		return river.JobCancel(err)
	case errors.As(err, &temporary) && temporary.After > 0:
		return river.JobSnooze(temporary.After)
	}
	return err
}

// ReadBack reads a record from a CRM and takes over what people changed there.
// Records that are not ours are none of our business.
func (s *Service) ReadBack(ctx context.Context, system, externalID string) error {
	mirror, ok := s.crm(system).(Mirror)
	if !ok {
		return nil
	}
	ref, err := s.ticketOf(ctx, system, externalID)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	call, cancel := context.WithTimeoutCause(ctx, s.CallTimeout, fmt.Errorf("%s did not answer within %s", system, s.CallTimeout))
	defer cancel()
	seen, err := mirror.Read(call, Ref{ID: externalID})
	if err != nil {
		return err
	}
	return s.TakeOver(ctx, mirror, ref, seen)
}

func (s *Service) ticketOf(ctx context.Context, system, externalID string) (TicketRef, error) {
	var ref TicketRef
	err := s.DB.WithSystem(ctx, "find ticket of a CRM record", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select tenant_id, ticket_id from ticket_links where system = $1 and external_id = $2`, system, externalID).
			Scan(&ref.TenantID, &ref.ID)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return ref, triage.ErrTicketNotFound
	}
	if err != nil {
		return ref, fmt.Errorf("find ticket of CRM record: %w", err)
	}
	return ref, nil
}

// TakeOver brings a record that was read into its ticket.
func (s *Service) TakeOver(ctx context.Context, mirror Mirror, ref TicketRef, seen Seen) error {
	var conversation uuid.UUID
	actor := triage.Actor{Kind: triage.ActorCRM, Name: mirror.System()}
	err := s.DB.WithTenant(ctx, ref.TenantID, func(tx pgx.Tx) (err error) {
		_, conversation, err = s.on(ctx, tx, actor, ref, func(ctx context.Context, w *work) error {
			w.skip = mirror.System()
			for _, field := range []string{"state", "priority"} {
				if err := s.takeField(ctx, w, mirror, field, seen); err != nil {
					return err
				}
			}
			return s.takeComments(ctx, w, mirror.System(), seen.Comments)
		})
		return err
	})
	if err == nil {
		s.Wake(ref.TenantID, conversation)
	}
	return ignoreMissing(err)
}

func (s *Service) takeField(ctx context.Context, w *work, mirror Mirror, field string, seen Seen) error {
	theirs, ok := seen.Fields[field]
	if !ok {
		return nil
	}
	ours := mirror.Fields(Record{State: w.ticket.InternalState, Priority: w.ticket.Priority})[field]
	agreed, at, err := agreedOn(ctx, w.tx, w.ticket, mirror.System(), field)
	if err != nil {
		return err
	}
	switch {
	case theirs == ours:
		return agree(ctx, w, mirror.System(), field, theirs, "crm")
	case agreed == "" || theirs == agreed:
		return nil // ours is on its way there
	case ours != agreed && !theyWin(field, seen.At, at, w.ticket.UpdatedAt):
		w.note("crm_conflict", map[string]any{"system": mirror.System(), "field": field, "theirs": theirs, "kept": ours})
		w.skip = "" // ours is written there again
		return nil
	}
	values := mirror.Decode(field, theirs)
	if len(values) == 0 {
		return nil // a stage or value we have no word for
	}
	if err := agree(ctx, w, mirror.System(), field, theirs, "crm"); err != nil {
		return err
	}
	if err := s.apply(ctx, w, field, values[0]); err != nil {
		return err
	}
	if mirror.Fields(Record{State: w.ticket.InternalState, Priority: w.ticket.Priority})[field] != theirs {
		w.note("crm_conflict", map[string]any{"system": mirror.System(), "field": field, "theirs": theirs, "kept": ours})
		w.skip = "" // it could not be taken; ours is written there again
	}
	return nil
}

// theyWin states who wins a field both sides changed: the state of whoever
// changed it last, because it says what is true; the priority is ours, because
// promises to the customer hang on it.
func theyWin(field string, changedThere, agreedAt, changedHere time.Time) bool {
	return field == "state" && changedThere.After(changedHere) && changedThere.After(agreedAt)
}

func (s *Service) apply(ctx context.Context, w *work, field, value string) error {
	if field == "priority" {
		w.note("priority_changed", map[string]any{"from": w.ticket.Priority, "to": value, "by": w.actor.Name})
		w.ticket.Priority, w.changed = triage.Priority(value), true
		return nil
	}
	state := triage.InternalState(value)
	if w.ticket.InternalState == triage.InternalClosed {
		return nil // closed here is for good; a customer's message opens a linked ticket
	}
	was := w.ticket.InternalState
	switch {
	case state == triage.InternalSolved || state == triage.InternalClosed:
		w.note("resolved", map[string]any{"by": w.actor.Name})
		w.setState(triage.InternalSolved)
		return s.solved(ctx, w)
	case was == triage.InternalSolved:
		if err := s.reopen(ctx, w); err != nil {
			return err
		}
		if state == triage.InternalPending || state == triage.InternalOnHold {
			w.setState(state)
		}
	case slices.Contains([]triage.InternalState{triage.InternalOpen, triage.InternalPending, triage.InternalOnHold, triage.InternalNew}, state):
		w.setState(state)
	}
	return nil
}

// takeComments keeps what people wrote in the CRM as internal notes, each once.
func (s *Service) takeComments(ctx context.Context, w *work, system string, comments []Comment) error {
	for _, c := range comments {
		text, err := cleanText(c.Text)
		if err != nil {
			continue // empty, or too long to be a note of a person
		}
		actor := w.actor
		w.actor.Name = c.Author
		m, created, err := w.say(ctx, triage.Internal, text, "", system+":"+c.ID)
		w.actor = actor
		if err != nil {
			return err
		}
		if created {
			s.spreadNote(w, m, InternalNote{FromCRM: true})
		}
	}
	return nil
}

func agreedOn(ctx context.Context, tx pgx.Tx, t triage.Ticket, system, field string) (value string, at time.Time, err error) {
	err = tx.QueryRow(ctx, `select value, at from crm_fields where tenant_id = $1 and ticket_id = $2 and system = $3 and field = $4`,
		t.TenantID, t.ID, system, field).Scan(&value, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read CRM field: %w", err)
	}
	return value, at, nil
}

func agree(ctx context.Context, w *work, system, field, value, source string) error {
	_, err := w.tx.Exec(ctx, `insert into crm_fields (tenant_id, ticket_id, system, field, value, source, at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (tenant_id, ticket_id, system, field) do update set value = excluded.value, source = excluded.source, at = excluded.at
		where crm_fields.value <> excluded.value`, w.ticket.TenantID, w.ticket.ID, system, field, value, source, w.at)
	if err != nil {
		return fmt.Errorf("keep CRM field: %w", err)
	}
	return nil
}
