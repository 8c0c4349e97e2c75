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

func TestWhatModelsCost(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	c := usage.New(db.Worker, func() time.Time { return now })
	since := func(days int) (spent []usage.Spent) {
		require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			spent, err = usage.SpentSince(t.Context(), tx, now.AddDate(0, 0, -days))
			return err
		}))
		return spent
	}
	vectors := usage.Spent{Purpose: "article_vectors", Model: "small", Calls: 1, PromptTokens: 1000, MicroUSD: 20}
	answer := usage.Spent{Purpose: "answer", Model: "large", Calls: 1, PromptTokens: 400, OutputTokens: 100, MicroUSD: 500}
	c.Spend(vectors)
	c.Spend(vectors)
	c.Spend(answer)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, c.Flush(gone), "what could not be written is kept")
	for range 2 {
		require.NoError(t, c.Flush(t.Context()))
	}
	twice := usage.Spent{Purpose: "article_vectors", Model: "small", Calls: 2, PromptTokens: 2000, MicroUSD: 40}
	require.Equal(t, []usage.Spent{answer, twice}, since(0))
	now = now.AddDate(0, 0, 1)
	c.Spend(answer)
	require.NoError(t, c.Flush(t.Context()))
	require.Equal(t, []usage.Spent{answer}, since(0), "of today")
	require.EqualValues(t, 2, since(1)[0].Calls)
	now = now.AddDate(2, 0, 0)
	require.NoError(t, c.Sweep(t.Context()))
	require.Empty(t, since(1000))
	var none *usage.Counter
	none.Spend(answer)
}
