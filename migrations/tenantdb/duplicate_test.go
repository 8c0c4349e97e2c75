package tenantdb_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

func TestDuplicate(t *testing.T) {
	t.Parallel()
	constraint, is := tenantdb.Duplicate(fmt.Errorf("insert: %w", &pgconn.PgError{Code: "23505", ConstraintName: "slugs_key"}))
	require.True(t, is)
	require.Equal(t, "slugs_key", constraint)
	for _, err := range []error{nil, errors.New("23505"), &pgconn.PgError{Code: "23503", ConstraintName: "slugs_fkey"}} {
		_, is = tenantdb.Duplicate(err)
		require.False(t, is)
	}
}
