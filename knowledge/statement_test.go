package knowledge_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	_ "github.com/usherdesk/usher/knowledge/index"  // registers its statements
	_ "github.com/usherdesk/usher/knowledge/search" // registers its statements
	_ "github.com/usherdesk/usher/knowledge/site"   // registers its statements
	"github.com/usherdesk/usher/migrations/dbtest"
)

func TestEveryStatementPreparesInBothSpaces(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	statements := knowledge.Statements()
	require.Greater(t, len(statements), 40, "statements are registered by NewStatement")
	for _, pair := range statements {
		for _, sql := range pair {
			text, _, err := (pgx.NamedArgs{}).RewriteQuery(t.Context(), conn, sql, nil)
			require.NoError(t, err)
			_, err = conn.Prepare(t.Context(), "", text)
			require.NoError(t, err, sql)
		}
	}
}

func TestStatementsOfATenantNameTheTenant(t *testing.T) {
	t.Parallel()
	for _, pair := range knowledge.Statements() {
		require.NotContains(t, pair[0], "tenant_id", "the shared tables have no tenant")
		require.Contains(t, pair[1], "tenant", pair[1])
	}
}
