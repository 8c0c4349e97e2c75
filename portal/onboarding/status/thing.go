package status

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

// ErrBadThing says that a thing needs a pack's entity, a key and a name.
var ErrBadThing = errors.New("a record needs a pack's entity, a key and a name of at most 200 characters")

// ErrNoThing says the tenant has no such thing.
var ErrNoThing = errors.New("no such record")

// ListThings are the things a tenant has, by entity and name.
func ListThings(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) ([]onboarding.Thing, error) {
	rows, err := tx.Query(ctx, `select id, entity, key, name, aliases, fields, department, observed_at, stale_after from pack_records
		where tenant_id = $1 order by entity, name, id`, tenant)
	if err != nil {
		return nil, fmt.Errorf("read things: %w", err)
	}
	things, err := pgx.CollectRows(rows, pgx.RowToStructByName[onboarding.Thing])
	if err != nil {
		return nil, fmt.Errorf("read things: %w", err)
	}
	return things, nil
}

// PutThing says that a tenant has a thing, by its key in the outside system. Its
// fields come from their owners.
func PutThing(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, entity, key, name string) error {
	key, name = strings.TrimSpace(key), strings.TrimSpace(name)
	packs, err := Packs(ctx, tx)
	if err != nil {
		return err
	}
	known := false
	for _, p := range packs {
		known = known || p.Entity == entity
	}
	if !known || key == "" || len(key) > 200 || name == "" || len(name) > 200 {
		return ErrBadThing
	}
	var id uuid.UUID
	err = tx.QueryRow(ctx, `insert into pack_records (tenant_id, id, entity, key, name) values ($1, $2, $3, $4, $5)
		on conflict (tenant_id, entity, key) do update set name = excluded.name returning id`, tenant, uuid.Must(uuid.NewV7()), entity, key, name).Scan(&id)
	if err != nil {
		return fmt.Errorf("store thing: %w", err)
	}
	_, err = onboarding.Append(ctx, tx, tenant, entity, id, entity+".changed")
	return err
}

// DropThing takes a thing from a tenant.
func DropThing(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, `delete from pack_records where tenant_id = $1 and id = $2`, tenant, id)
	if err != nil {
		return fmt.Errorf("drop thing: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoThing
	}
	return nil
}
