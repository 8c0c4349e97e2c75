package onboarding

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// NotifyChannel is where a hint is sent when a tenant's record has changed; the
// payload is the tenant's id.
const NotifyChannel = "usher_onboarding"

// Event says that something in the record changed. It carries no content: who
// hears it reads the record again, with their own rights.
type Event struct {
	Seq       int64      `json:"seq"`
	Entity    string     `json:"entity"` // project, task, document, envelope, verification, integration, …
	EntityID  *uuid.UUID `json:"entity_id,omitempty"`
	Kind      string     `json:"kind"` // such as integration.failing
	CreatedAt time.Time  `json:"created_at"`
}

// Append numbers and stores an event in the transaction of the change. Numbers of
// a tenant have no gaps and become visible in order, because the tenant's cursor
// row is locked until the transaction ends.
func Append(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, entity string, id uuid.UUID, kind string) (int64, error) {
	var seq int64
	err := tx.QueryRow(ctx, `
		with cursor as (
		  insert into onboarding_cursors (tenant_id, last_seq) values ($1, 1)
		  on conflict (tenant_id) do update set last_seq = onboarding_cursors.last_seq + 1 returning last_seq)
		insert into onboarding_events (tenant_id, seq, entity, entity_id, kind)
		select $1, last_seq, $2, nullif($3, '00000000-0000-0000-0000-000000000000'::uuid), $4 from cursor
		returning seq, pg_notify($5, $1::text)::text`, tenant, entity, id, kind, NotifyChannel).Scan(&seq, nil)
	if err != nil {
		return 0, fmt.Errorf("append onboarding event: %w", err)
	}
	return seq, nil
}

// Events are the tenant's events after a number, oldest first, at most limit.
func Events(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, after int64, limit int) ([]Event, error) {
	rows, err := tx.Query(ctx, `select seq, entity, entity_id, kind, created_at from onboarding_events
		where tenant_id = $1 and seq > $2 order by seq limit $3`, tenant, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read onboarding events: %w", err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowToStructByName[Event])
	if err != nil {
		return nil, fmt.Errorf("read onboarding events: %w", err)
	}
	return events, nil
}

// LastEvent is the number of the tenant's latest event, 0 before the first: a
// page that has just read the record listens from here.
func LastEvent(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (seq int64, err error) {
	err = tx.QueryRow(ctx, `select coalesce(max(last_seq), 0) from onboarding_cursors where tenant_id = $1`, tenant).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("read onboarding cursor: %w", err)
	}
	return seq, nil
}
