package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
)

// Where an operator allows it, checked files of customers and agents are copied
// into the channel, below their ticket's root:
//
//	clean ─▶ uploaded (nobody sees it) ─▶ shared ─▶ deleted, when the message is taken back
//
// Each step is kept before the next is begun, so a file is shared once, whatever
// answer is lost.

// Copier is a Channel that takes copies of files. All calls but UploadFile may
// be repeated without effect; a file that was uploaded twice is shared once.
type Copier interface {
	Channel
	// LargestCopy is how large a file may be; 0: none is copied.
	LargestCopy() int64
	// UploadFile hands the bytes over. Nobody sees them yet.
	UploadFile(ctx context.Context, name string, size int64, body io.Reader) (Ref, error)
	// ShareFile shows an uploaded file below a root.
	ShareFile(ctx context.Context, root, file Ref, retry bool) error
	// DeleteFile removes a file; one that is gone is no error.
	DeleteFile(ctx context.Context, file Ref) error
}

// Bytes reads files. *attachment.Service is one.
type Bytes interface {
	Read(ctx context.Context, f attachment.File) (io.ReadCloser, error)
}

// copyPayload names the file a delivery copies; its bytes are read when it leaves.
type copyPayload struct {
	File    uuid.UUID `json:"file"`
	Message uuid.UUID `json:"message"`
}

func (s *Service) copier() Copier {
	if c, ok := s.Channel.(Copier); ok && s.Files != nil && c.LargestCopy() > 0 {
		return c
	}
	return nil
}

// copyFiles asks for a copy of each checked file of a message; later checks ask
// again (FileChecked).
func (s *Service) copyFiles(w *work, m triage.Message) {
	c := s.copier()
	if c == nil || m.Visibility != triage.VisibleToCustomer || m.State == triage.MessageDeleted {
		return
	}
	for _, f := range checked(m) {
		if f.Size <= c.LargestCopy() {
			w.enqueue(c.System(), kindFile, "file:"+w.ticket.ID.String()+":"+f.ID.String(), copyPayload{f.ID, m.ID})
		}
	}
}

// FileChecked tells the desk, in the caller's transaction, that a file of a
// message was checked. Wherever the message stands, the file follows it.
func (s *Service) FileChecked(ctx context.Context, tx pgx.Tx, tenant, message uuid.UUID) error {
	c := s.copier()
	if c == nil {
		return nil
	}
	m, err := triage.MessageByID(ctx, tx, tenant, message)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select ticket_id from deliveries where tenant_id = $1 and destination = $2 and subject_key = $3 and kind = 'thread'`,
		tenant, c.System(), "message:"+message.String())
	if err != nil {
		return fmt.Errorf("find tickets of a file: %w", err)
	}
	tickets, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("find tickets of a file: %w", err)
	}
	for _, ticket := range tickets {
		w := &work{tx: tx, at: s.Now().UTC(), ticket: triage.Ticket{TenantID: tenant, ID: ticket}}
		s.copyFiles(w, m)
		if err := s.flush(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// dropCopies lets copies follow a message that was taken back.
func (s *Service) dropCopies(ctx context.Context, w *work, m triage.Message) error {
	if m.State != triage.MessageDeleted || s.Channel == nil {
		return nil
	}
	return w.again(ctx, s.Channel.System(), `update deliveries set updated_at = $4, `+againSet+`
		where tenant_id = $1 and destination = $2 and kind = 'file' and payload->>'message' = $3 and state <> 'discarded'
		  and coalesce(external_ref->'detail'->>'step', '') <> 'deleted' returning ticket_id`,
		m.TenantID, s.Channel.System(), m.ID.String(), w.at)
}

// The steps of a copy, kept with its reference.
const (
	stepUploaded = "uploaded"
	stepShared   = "shared"
	stepDeleted  = "deleted"
)

func step(at Ref, name string) Ref {
	return Ref{ID: at.ID, Detail: map[string]string{"step": name}}
}

// prepareCopy chooses the next step of a file's copy. It is nil where nothing
// was copied and nothing is to be.
func (l *lane) prepareCopy(ctx context.Context, tx pgx.Tx, d delivery, e *effect) (*effect, error) {
	copier, ok := l.s.Channel.(Copier)
	if !ok || l.s.Files == nil {
		return nil, nil
	}
	var payload copyPayload
	if err := json.Unmarshal(d.Payload, &payload); err != nil {
		return nil, fmt.Errorf("read delivery %s: %w", d.ID, err)
	}
	wanted, file, err := l.s.mayCopy(ctx, tx, l.tenant, payload)
	if err != nil {
		return nil, err
	}
	at, root := d.ExternalRef, e.link
	switch did := at.Detail["step"]; {
	case !wanted && (at.IsZero() || did == stepDeleted):
		return nil, nil
	case !wanted:
		e.call = func(ctx context.Context) (Ref, error) { return step(at, stepDeleted), copier.DeleteFile(ctx, at) }
	case at.IsZero() && file.Size > copier.LargestCopy():
		return nil, nil // less is allowed now than when it was asked for
	case at.IsZero():
		e.unfinished = true
		e.call = func(ctx context.Context) (Ref, error) {
			body, err := l.s.Files.Read(ctx, file)
			if err != nil {
				return Ref{}, err
			}
			defer body.Close()
			ref, err := copier.UploadFile(ctx, file.Name, file.Size, body)
			return step(ref, stepUploaded), err
		}
	case did == stepUploaded:
		e.call = func(ctx context.Context) (Ref, error) {
			return step(at, stepShared), copier.ShareFile(ctx, root, at, e.unknown)
		}
	default:
		e.call = func(context.Context) (Ref, error) { return at, nil }
	}
	return e, nil
}

// mayCopy reports whether a file is still part of its message, and clean.
func (s *Service) mayCopy(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, p copyPayload) (bool, attachment.File, error) {
	file, err := attachment.ByID(ctx, tx, tenant, p.File)
	if errors.Is(err, attachment.ErrNotFound) {
		return false, file, nil
	}
	if err != nil {
		return false, file, fmt.Errorf("read file: %w", err)
	}
	if file.MessageID == nil || *file.MessageID != p.Message || file.State != blob.Clean {
		return false, file, nil
	}
	m, err := triage.MessageByID(ctx, tx, tenant, p.Message)
	if errors.Is(err, triage.ErrMessageNotFound) {
		return false, file, nil
	}
	return err == nil && m.State != triage.MessageDeleted, file, err
}

// copyTimeout is how long one file may take on its way.
const copyTimeout = 2 * time.Minute
