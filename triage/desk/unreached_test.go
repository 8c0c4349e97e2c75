package desk_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/desk"
)

// Who waits for the conversation of a ticket that was merged does not hold that of
// the ticket it went into: others take them in that order.
func TestALostReplyIsToldInTheOrderOfAMerge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone := b.escalate(t, "Import broken")
	stays := b.escalateIn(t, b.talk(t), "Import stops at 80 %")
	_, err := b.service.Merge(t.Context(), b.agent, ref(gone), ref(stays))
	require.NoError(t, err)
	told := make(chan error, 1)
	b.tx(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `select from conversations where tenant_id = $1 and id = $2 for update`, b.tenant, gone.ConversationID)
		require.NoError(t, err)
		go func() {
			told <- b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
				return b.service.NotReached(t.Context(), tx, desk.Unreached{TenantID: b.tenant, ConversationID: gone.ConversationID, Once: "m-1", Note: "It bounced.", Lost: true})
			})
		}()
		require.Eventually(t, func() bool {
			var waits bool
			require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select exists (select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())
				or not granted and locktype = 'transactionid' and pid in (select pid from pg_stat_activity where datname = current_database()))`).Scan(&waits))
			return waits
		}, 30*time.Second, 20*time.Millisecond)
		_, err = tx.Exec(t.Context(), `select from conversations where tenant_id = $1 and id = $2 for update nowait`, b.tenant, stays.ConversationID)
		return err
	})
	require.NoError(t, <-told)
}
