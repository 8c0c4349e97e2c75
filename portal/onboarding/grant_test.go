package onboarding_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
)

// Whoever serves customers cannot read what is written for staff, whatever the
// query says.
func TestTheCustomersRoleCannotReadInternalColumns(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	pool, err := pgxpool.New(t.Context(), db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	rows, err := pool.Query(t.Context(), `select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
		join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
		and a.attname ~ '(^internal_|_internal$)' and c.relname in (select unnest(array['projects', 'tasks', 'document_versions', 'verifications', 'status_snapshots']))`)
	require.NoError(t, err)
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(columns), 8, "the query must find the internal columns")
	for _, column := range columns {
		var allowed bool
		require.NoError(t, pool.QueryRow(t.Context(), `select has_column_privilege('usher_app', split_part($1, '.', 1), split_part($1, '.', 2), 'select')`, column).Scan(&allowed))
		require.False(t, allowed, column)
	}
	err = db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `select blocker_internal from tasks where tenant_id = $1`, tenant)
		return err
	})
	require.ErrorContains(t, err, "permission denied")
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `select blocker_internal from tasks where tenant_id = $1`, tenant)
		return err
	}))
}
