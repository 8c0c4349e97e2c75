package identity_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/identity"
)

func TestSignInsLeaveATrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	trace := func() (out []string) {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `select actor_kind || ' ' || action from audit_events where tenant_id = $1 and object = $2 order by id`, b.tenant, b.ana.String())
			require.NoError(t, err)
			out, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		}))
		return out
	}
	link := b.link(t, false)
	session, _, err := b.service.Exchange(t.Context(), link)
	require.NoError(t, err)
	for range 3 { // a used link, tried again and again
		_, _, err = b.service.Exchange(t.Context(), link)
		require.ErrorIs(t, err, identity.ErrLinkExpired)
	}
	for range 2 {
		require.NoError(t, b.service.Logout(t.Context(), session))
	}
	require.Equal(t, []string{"customer session.started", "system session.refused", "customer session.ended"}, trace())

	_, _, err = b.service.Exchange(t.Context(), link[:len(link)-4]+"AAAA")
	require.ErrorIs(t, err, identity.ErrLinkExpired)
	require.Len(t, trace(), 3, "a link nobody was sent names nobody")
	b.now.pass(time.Minute)

	bo := b.db.Staff(t, "bo@usher.test")
	staff, err := b.service.CreateStaffLink(t.Context(), bo, 10*time.Minute, false)
	require.NoError(t, err)
	session, _, err = b.service.Exchange(t.Context(), staff)
	require.NoError(t, err)
	require.NoError(t, b.service.Logout(t.Context(), session))
	rows, err := b.db.Worker.Pool().Query(t.Context(), `select action from operator_audit_events where staff_id = $1 and object = $2 order by id`, bo, bo.String())
	require.NoError(t, err)
	actions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"session.started", "session.ended"}, actions)
}
