package blob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Begin writes a key down before bytes are stored under it, so that they are
// found when nobody comes to name them.
func Begin(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, key string) error {
	return loosen(ctx, tx, tenant, key, `now()`)
}

// Keep says, in the transaction that stores the file's row, that its bytes are
// named now.
func Keep(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, key string) error {
	if _, err := tx.Exec(ctx, `delete from loose_files where tenant_id = $1 and storage_key = $2`, tenant, key); err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	return nil
}

// Drop says, in the transaction that deletes the file's row, that its bytes are
// to go with the next sweep.
func Drop(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, key string) error {
	return loosen(ctx, tx, tenant, key, `'epoch'`)
}

func loosen(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, key, since string) error {
	_, err := tx.Exec(ctx, `insert into loose_files (tenant_id, storage_key, since) values ($1, $2, `+since+`)
		on conflict (tenant_id, storage_key) do update set since = excluded.since`, tenant, key)
	if err != nil {
		return fmt.Errorf("note file: %w", err)
	}
	return nil
}

// underWay is longer than any upload is allowed to take.
const underWay = time.Hour

// Sweep deletes bytes that no row names: of uploads that broke off, and of files
// that were dropped. It runs on the worker's role, and may run twice at once.
func Sweep(ctx context.Context, db *tenantdb.DB, store Store, now time.Time) (n int, err error) {
	type loose struct {
		TenantID   uuid.UUID
		StorageKey string
	}
	var found []loose
	err = db.WithSystem(ctx, "find bytes that no row names", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select tenant_id, storage_key from loose_files where since < $1 order by since limit 1000`, now.Add(-underWay))
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[loose])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sweep files: %w", err)
	}
	var failed []error
	for _, f := range found {
		err := store.Delete(ctx, f.StorageKey)
		if err == nil {
			err = db.WithTenant(ctx, f.TenantID, func(tx pgx.Tx) error { return Keep(ctx, tx, f.TenantID, f.StorageKey) })
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		n++
	}
	if err := errors.Join(failed...); err != nil {
		return n, fmt.Errorf("sweep files: %w", err)
	}
	return n, nil
}
