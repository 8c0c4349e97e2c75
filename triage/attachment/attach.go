package attachment

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
)

// Take holds the files a message is about to carry and returns what the message
// shows of them, in the order asked for. They must be the author's own, not sent
// yet, and not of another conversation; a file that is neither theirs nor there
// is ErrNotFound.
func Take(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, by triage.Actor, ids []uuid.UUID) ([]triage.Attachment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > PerMessage {
		return nil, ErrTooMany
	}
	kind, uploader := of(by)
	rows, err := tx.Query(ctx, `select `+fileColumns+` from attachments where tenant_id = $1 and id = any($2) and uploader_kind = $3 and uploader_id is not distinct from $4
		order by id for update`, tenant, ids, kind, uploader)
	if err != nil {
		return nil, fmt.Errorf("take attachments: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanFile)
	if err != nil {
		return nil, fmt.Errorf("take attachments: %w", err)
	}
	out := make([]triage.Attachment, 0, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(found, func(f File) bool { return f.ID == id })
		switch {
		case at < 0 || slices.Contains(ids[:i], id):
			return nil, ErrNotFound
		case found[at].MessageID != nil:
			return nil, ErrTaken
		case found[at].ConversationID != nil && *found[at].ConversationID != conversation:
			return nil, ErrNotFound
		case found[at].State == blob.Infected:
			return nil, ErrInfected
		}
		out = append(out, found[at].Attachment)
	}
	return out, nil
}

// Bind makes taken files part of the message that was stored with them.
func Bind(ctx context.Context, tx pgx.Tx, m triage.Message) error {
	if len(m.Attachments) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(m.Attachments))
	for i, a := range m.Attachments {
		ids[i] = a.ID
	}
	_, err := tx.Exec(ctx, `update attachments set message_id = $3, conversation_id = $4 where tenant_id = $1 and id = any($2)`, m.TenantID, ids, m.ID, m.ConversationID)
	if err != nil {
		return fmt.Errorf("attach files: %w", err)
	}
	return nil
}
