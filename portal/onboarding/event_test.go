package onboarding_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
)

func TestEventsAreNumberedWithoutGapsUnderParallelWriters(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, b := db.Tenant(t, "a"), db.Tenant(t, "b")
	var wg sync.WaitGroup
	problems := make([]error, 20)
	for i := range problems {
		wg.Go(func() {
			problems[i] = db.App.WithTenant(t.Context(), a, func(tx pgx.Tx) error {
				if _, err := onboarding.Append(t.Context(), tx, a, "task", uuid.New(), "task.updated"); err != nil {
					return err
				}
				if i%4 == 0 {
					return errors.New("rolled back")
				}
				return nil
			})
		})
	}
	wg.Wait()
	require.NoError(t, db.App.WithTenant(t.Context(), a, func(tx pgx.Tx) error {
		events, err := onboarding.Events(t.Context(), tx, a, 0, 100)
		require.NoError(t, err)
		require.Len(t, events, 15)
		for i, e := range events {
			require.EqualValues(t, i+1, e.Seq)
			require.NotNil(t, e.EntityID)
		}
		later, err := onboarding.Events(t.Context(), tx, a, 12, 2)
		require.NoError(t, err)
		require.Len(t, later, 2)
		require.EqualValues(t, 13, later[0].Seq)
		last, err := onboarding.LastEvent(t.Context(), tx, a)
		require.EqualValues(t, 15, last)
		return err
	}))
	require.NoError(t, db.App.WithTenant(t.Context(), b, func(tx pgx.Tx) error {
		events, err := onboarding.Events(t.Context(), tx, a, 0, 100)
		require.Empty(t, events, "another tenant's events are missing ones")
		return err
	}))
}
