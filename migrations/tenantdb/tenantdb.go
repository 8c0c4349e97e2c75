// Package tenantdb is the only code that sets the tenant on a transaction.
//
// Row-level security (see the migrations) shows a transaction exactly the rows
// of the tenant set on it, and none when none is set. WithTenant sets it;
// WithSystem, on a pool of the worker role, sees across tenants and says why.
// Queries name the tenant as well: the policies are the backstop, not the filter.
package tenantdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxvector "github.com/pgvector/pgvector-go/pgx"
)

// ErrNoTenant is returned when WithTenant is called without a tenant.
var ErrNoTenant = errors.New("tenantdb: no tenant")

// ErrNotWorker is returned when WithSystem is called on a pool of another role.
var ErrNotWorker = errors.New("tenantdb: this pool's role may not see across tenants")

// DB is a pool of connections of one runtime role.
type DB struct {
	pool   *pgxpool.Pool
	worker bool
}

// Config sizes a pool. The zero value is right for a small machine.
type Config struct {
	MaxConns       int32         // default 16: about 8 a core
	ConnectTimeout time.Duration // default 5 s
}

// Open connects as the role of the URL and refuses a role the policies do not
// bind: a superuser, one with BYPASSRLS, or the owner of the tables.
func Open(ctx context.Context, url string, config Config) (*DB, error) {
	parsed, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database address cannot be read; it must be a URL like postgres://user:password@host:5432/name")
	}
	parsed.MaxConns = 16
	if config.MaxConns > 0 {
		parsed.MaxConns = config.MaxConns
	}
	parsed.ConnConfig.ConnectTimeout = 5 * time.Second
	if config.ConnectTimeout > 0 {
		parsed.ConnConfig.ConnectTimeout = config.ConnectTimeout
	}
	parsed.MaxConnIdleTime = 5 * time.Minute
	parsed.AfterConnect = pgxvector.RegisterTypes
	pool, err := pgxpool.NewWithConfig(ctx, parsed)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := &DB{pool: pool}
	if db.worker, err = checkRole(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

func checkRole(ctx context.Context, pool *pgxpool.Pool) (worker bool, err error) {
	var name string
	var free, owner bool
	err = pool.QueryRow(ctx, `
		select r.rolname, r.rolsuper or r.rolbypassrls,
		       exists (select from pg_class c where c.relname = 'tenants' and c.relowner = r.oid),
		       pg_has_role(r.oid, 'usher_worker', 'usage')
		from pg_roles r where r.rolname = current_user`).Scan(&name, &free, &owner, &worker)
	switch {
	case err != nil:
		return false, fmt.Errorf("check database role: %w", err)
	case free:
		return false, fmt.Errorf("refusing to run as database role %q: it is a superuser or bypasses row-level security; use %s or %s", name, "usher_app", "usher_worker")
	case owner:
		return false, fmt.Errorf("refusing to run as database role %q: it owns the tables; use %s or %s", name, "usher_app", "usher_worker")
	}
	return worker, nil
}

// Pool is the pool itself, for River and for reads of tables without a tenant.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Close waits for connections in use and closes the pool.
func (db *DB) Close() { db.pool.Close() }

// Ping proves the database answers and takes writes.
func (db *DB) Ping(ctx context.Context) error {
	var readOnly bool
	if err := db.pool.QueryRow(ctx, "select current_setting('transaction_read_only')::bool").Scan(&readOnly); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	if readOnly {
		return errors.New("ping database: it is read-only")
	}
	return nil
}

// WithTenant runs fn in a transaction that sees the tenant's rows only, and
// commits when fn returns nil.
func (db *DB) WithTenant(ctx context.Context, tenant uuid.UUID, fn func(tx pgx.Tx) error) error {
	if tenant == uuid.Nil {
		return ErrNoTenant
	}
	// One trip instead of two; a UUID's text needs no quoting.
	return db.run(ctx, "begin; set local app.tenant_id = '"+tenant.String()+"'", fn)
}

// WithSystem runs fn in a transaction that sees every tenant's rows. It is for
// work that belongs to no one tenant: staff queues, sweeps, provisioning. The
// reason is for the reader and for grep; keep it a constant.
func (db *DB) WithSystem(ctx context.Context, reason string, fn func(tx pgx.Tx) error) error {
	if !db.worker {
		return fmt.Errorf("%w (%s)", ErrNotWorker, reason)
	}
	if strings.TrimSpace(reason) == "" {
		return errors.New("tenantdb: WithSystem needs a reason")
	}
	return db.run(ctx, "begin; set local app.system = 'on'", fn)
}

func (db *DB) run(ctx context.Context, begin string, fn func(tx pgx.Tx) error) (err error) {
	tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		// The caller may be gone; the connection must not stay in a transaction.
		rollback, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if rollbackErr := tx.Rollback(rollback); err == nil && rollbackErr != nil && !errors.Is(rollbackErr, pgx.ErrTxClosed) {
			err = fmt.Errorf("roll back: %w", rollbackErr)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
