package migrations_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

func owner(t *testing.T, db *dbtest.Database) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func texts(t *testing.T, pool *pgxpool.Pool, query string, args ...any) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), query, args...)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return list
}

// R1: every table with a tenant forces row-level security and checks both ways.
func TestEveryTenantTableForcesRowLevelSecurity(t *testing.T) {
	t.Parallel()
	pool := owner(t, dbtest.New(t))
	tables := `select c.oid, c.oid::regclass::text as name, c.relrowsecurity, c.relforcerowsecurity
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p') and n.nspname = 'public' and (c.relname = 'tenants' or exists (
		  select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))`
	all := texts(t, pool, `select name from (`+tables+`) t`)
	require.GreaterOrEqual(t, len(all), 15, "the catalogue query must find the tenant tables")
	require.Empty(t, texts(t, pool, `select name from (`+tables+`) t where not (relrowsecurity and relforcerowsecurity)`))
	require.Empty(t, texts(t, pool, `select name from (`+tables+`) t where not exists (
		select from pg_policy p where p.polrelid = t.oid and p.polname = 'tenant_isolation'
		and p.polqual is not null and p.polwithcheck is not null)`))
	require.Empty(t, texts(t, pool, `select name || ': ' || p.polname from (`+tables+`) t join pg_policy p on p.polrelid = t.oid
		where p.polname <> 'tenant_isolation' and (p.polname <> 'system_access' or p.polroles <> array[(select oid from pg_roles where rolname = 'usher_worker')])`),
		"no policy but the tenant's, and the worker's system access")
}

// R2: the runtime roles are bound by the policies.
func TestRuntimeRolesAreNeitherOwnerNorSuperuserNorBypass(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	pool := owner(t, db)
	require.Equal(t, []string{"usher_app", "usher_worker"}, texts(t, pool, `select rolname from pg_roles
		where rolname in ('usher_app', 'usher_worker') and not rolsuper and not rolbypassrls order by 1`))
	require.Empty(t, texts(t, pool, `select relname::text from pg_class where relowner in (
		select oid from pg_roles where rolname in ('usher_app', 'usher_worker'))`))
	_, err := tenantdb.Open(t.Context(), db.OwnerURL, tenantdb.Config{})
	require.ErrorContains(t, err, "owns the tables")
}

// R3, R4: no view and no definer function reaches around the policies.
func TestNoViewOrDefinerFunctionReachesAroundThePolicies(t *testing.T) {
	t.Parallel()
	pool := owner(t, dbtest.New(t))
	require.Empty(t, texts(t, pool, `select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname in ('public', 'usher') and (c.relkind = 'm' or (c.relkind = 'v' and not coalesce(
		  'security_invoker=true' = any(c.reloptions), false)))`))
	require.Empty(t, texts(t, pool, `select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where n.nspname in ('public', 'usher') and p.prosecdef`))
}

// R8, R9: keys between tenant tables carry the tenant, and so does every unique index.
func TestKeysOfTenantTablesCarryTheTenant(t *testing.T) {
	t.Parallel()
	pool := owner(t, dbtest.New(t))
	require.Empty(t, texts(t, pool, `
		select c.conrelid::regclass::text || '.' || c.conname from pg_constraint c
		join pg_attribute mine on mine.attrelid = c.conrelid and mine.attname = 'tenant_id'
		join pg_attribute theirs on theirs.attrelid = c.confrelid and theirs.attname = 'tenant_id'
		where c.contype = 'f' and not mine.attnum = any(c.conkey)`), "foreign keys")
	require.Empty(t, texts(t, pool, `
		select i.indexrelid::regclass::text from pg_index i
		join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
		join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'tenant_id'
		where i.indisunique and i.indkey[0] <> a.attnum`), "unique indexes start with the tenant")
}

// R10: nobody at runtime may truncate, and audit rows cannot be changed.
func TestDangerousGrantsAreAbsent(t *testing.T) {
	t.Parallel()
	pool := owner(t, dbtest.New(t))
	require.Empty(t, texts(t, pool, `select grantee || ' ' || privilege_type || ' ' || table_name
		from information_schema.role_table_grants
		where grantee in ('usher_app', 'usher_worker', 'PUBLIC') and table_schema in ('public', 'usher')
		  and privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER')`))
	require.Empty(t, texts(t, pool, `select grantee || ' ' || privilege_type from information_schema.role_table_grants
		where table_name = 'audit_events' and grantee in ('usher_app', 'usher_worker') and privilege_type in ('UPDATE', 'DELETE')`))
}

// R5, R6, R7: no tenant, no rows, on a fresh and on a reused connection; writing
// into another tenant is refused.
func TestRowsNeedTheirTenant(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, b := db.Tenant(t, "a"), db.Tenant(t, "b")
	db.User(t, a, "ana@a.test")
	count := func(tx pgx.Tx) (n int) {
		require.NoError(t, tx.QueryRow(t.Context(), `select count(*) from users`).Scan(&n))
		return n
	}
	conn, err := db.App.Pool().Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	inTx := func(begin string, check func(tx pgx.Tx)) {
		tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{BeginQuery: begin})
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		check(tx)
	}
	inTx("begin", func(tx pgx.Tx) { require.Zero(t, count(tx), "fresh connection") })
	inTx("begin; set local app.tenant_id = '"+a.String()+"'", func(tx pgx.Tx) { require.Equal(t, 1, count(tx)) })
	inTx("begin", func(tx pgx.Tx) { require.Zero(t, count(tx), "reused connection: the setting is now the empty string") })
	inTx("begin; set local app.tenant_id = '"+b.String()+"'", func(tx pgx.Tx) { require.Zero(t, count(tx)) })
	inTx("begin; set local app.system = 'on'", func(tx pgx.Tx) { require.Zero(t, count(tx), "the app role has no system access") })

	err = db.App.WithTenant(t.Context(), b, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into users (tenant_id, id, email, email_normalized, display_name)
			values ($1, $2, 'x', 'x', 'x')`, a, uuid.Must(uuid.NewV7()))
		return err
	})
	require.ErrorContains(t, err, "row-level security")
	require.ErrorIs(t, db.App.WithTenant(t.Context(), uuid.Nil, func(pgx.Tx) error { return nil }), tenantdb.ErrNoTenant)
	require.ErrorIs(t, db.App.WithSystem(t.Context(), "test", func(pgx.Tx) error { return nil }), tenantdb.ErrNotWorker)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		require.Equal(t, 1, count(tx))
		return nil
	}))
}

// R13: naming the tenant as well costs nothing and a mismatch reads nothing.
func TestPolicyAndPredicateTogetherMakeAOneTimeFilter(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, b := db.Tenant(t, "a"), db.Tenant(t, "b")
	require.NoError(t, db.App.WithTenant(t.Context(), a, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `explain select id from users where tenant_id = '`+b.String()+`'`)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Contains(t, joined(plan), "One-Time Filter")
		return nil
	}))
}

func joined(lines []string) (all string) {
	for _, line := range lines {
		all += line + "\n"
	}
	return all
}

func TestRiverFindsItsSchemaComplete(t *testing.T) {
	t.Parallel()
	pool := owner(t, dbtest.New(t))
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	require.NoError(t, err)
	result, err := migrator.Validate(t.Context(), nil)
	require.NoError(t, err)
	require.True(t, result.OK, "%v", result.Messages)
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	version, err := migrations.Migrate(t.Context(), db.OwnerURL, db.Secret)
	require.NoError(t, err)
	latest, err := migrations.Latest()
	require.NoError(t, err)
	require.Equal(t, latest, version)
}
