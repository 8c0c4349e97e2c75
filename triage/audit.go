package triage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Audit keeps who did what to a tenant's data, in the transaction that does it.
// Action is like conversation.transcript, object names what it was done to; a
// detail holds no message text.
func Audit(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, by Actor, action, object string, detail map[string]any) error {
	kind := by.Kind
	if by.HasRole("api") {
		kind = "api_key"
	}
	if detail == nil {
		detail = map[string]any{}
	}
	_, err := tx.Exec(ctx, `insert into audit_events (tenant_id, id, actor_kind, actor_id, action, object, detail) values ($1, $2, $3, $4, $5, $6, $7)`,
		tenant, uuid.Must(uuid.NewV7()), kind, by.ID.String(), action, object, detail)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// AuditOperator keeps what a member of staff changed for all tenants.
func AuditOperator(ctx context.Context, tx pgx.Tx, by Actor, action, object string, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	_, err := tx.Exec(ctx, `insert into operator_audit_events (id, staff_id, action, object, detail) values ($1, $2, $3, $4, $5)`,
		uuid.Must(uuid.NewV7()), by.ID, action, object, detail)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}
