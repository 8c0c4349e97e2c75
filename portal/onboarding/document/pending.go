package document

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Pending is an upload that waits for a review.
type Pending struct {
	TenantID   uuid.UUID
	TenantName string
	TenantSlug string
	Title      string
	UploadedBy string // empty: nobody known
	Version    Version
}

// ListPending lists latest versions without a decision, of all tenants, oldest
// first, in a transaction that sees across tenants.
func ListPending(ctx context.Context, tx pgx.Tx, limit int) ([]Pending, error) {
	rows, err := tx.Query(ctx, `select t.id, t.name, t.slug, r.title, coalesce(u.display_name, ''),
		  v.id, v.request_id, v.version_no, v.file_name, v.content_type, v.size_bytes, v.scan_state, v.review_state, v.uploaded_at
		from document_versions v
		join document_requests r on r.tenant_id = v.tenant_id and r.id = v.request_id
		join tenants t on t.id = v.tenant_id
		left join users u on u.tenant_id = v.tenant_id and u.id = v.uploaded_by
		where v.review_state in ('pending', 'in_review') and r.state not in ('accepted', 'waived')
		  and not exists (select from document_versions n where n.tenant_id = v.tenant_id and n.request_id = v.request_id and n.version_no > v.version_no)
		order by v.uploaded_at, v.id limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list pending documents: %w", err)
	}
	pending, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Pending, err error) {
		v := &p.Version
		err = row.Scan(&p.TenantID, &p.TenantName, &p.TenantSlug, &p.Title, &p.UploadedBy,
			&v.ID, &v.RequestID, &v.Number, &v.FileName, &v.ContentType, &v.Size, &v.ScanState, &v.ReviewState, &v.UploadedAt)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list pending documents: %w", err)
	}
	return pending, nil
}
