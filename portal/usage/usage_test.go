package usage_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/usage"
)

func TestCounts(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	now := time.Date(2026, 11, 24, 23, 59, 0, 0, time.UTC)
	c := usage.New(db.Worker, func() time.Time { return now })
	acme, other := db.Tenant(t, "acme"), db.Tenant(t, "other")
	since := func() (rows []usage.Row) {
		require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			rows, err = usage.Since(t.Context(), tx, now.AddDate(0, 0, -30))
			return err
		}))
		return rows
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { c.Count(acme, "message.sent", []string{"member", "admin"}) })
	}
	group.Wait()
	c.Count(other, "message.sent", nil)
	c.Count(acme, "onboarding.opened", []string{"manager"})
	c.Count(uuid.New(), "message.sent", nil) // of nobody there is any more
	require.Empty(t, since())

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, c.Flush(gone), "what could not be written is kept")
	for range 2 {
		require.NoError(t, c.Flush(t.Context()))
	}
	want := []usage.Row{{Action: "message.sent", Count: 51, Tenants: 2}, {Action: "onboarding.opened", Count: 1, Tenants: 1}}
	require.Equal(t, want, since())

	c.Count(acme, "message.sent", nil)
	require.NoError(t, c.Flush(t.Context()))
	require.Equal(t, int64(52), since()[0].Count)
	now = now.AddDate(2, 0, 0)
	require.NoError(t, c.Sweep(t.Context()))
	now = now.AddDate(-2, 0, 0)
	require.Empty(t, since())
	var none *usage.Counter
	none.Count(acme, "message.sent", nil)
}
