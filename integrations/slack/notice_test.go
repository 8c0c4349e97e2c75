package slack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
)

func TestNotices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := &slack.Notices{Client: b.client, DB: b.db.Worker, Jobs: b.desk.Jobs}
	tell := func(in slack.Notice) (id uuid.UUID, state, problem string) {
		in.TenantID = b.tenant
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			if err := n.Tell(t.Context(), tx, in); err != nil {
				return err
			}
			if err := n.Tell(t.Context(), tx, in); err != nil { // the same happening again
				return err
			}
			var rows int
			if err := tx.QueryRow(t.Context(), `select count(*) from deliveries where tenant_id = $1 and subject_key = $2`, b.tenant, in.Key).Scan(&rows); err != nil {
				return err
			}
			require.Equal(t, 1, rows)
			return tx.QueryRow(t.Context(), `select id from deliveries where tenant_id = $1 and subject_key = $2`, b.tenant, in.Key).Scan(&id)
		}))
		_, err := n.Deliver(t.Context(), b.tenant, id)
		require.NoError(t, err)
		_, err = n.Deliver(t.Context(), b.tenant, id)
		require.NoError(t, err)
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select state, last_error from deliveries where tenant_id = $1 and id = $2`, b.tenant, id).Scan(&state, &problem)
		}))
		return id, state, problem
	}
	found := func(part string) (out []slackfake.Message) {
		for _, m := range append(b.slack.Messages(""), b.slack.Direct("U00000BO")...) {
			if strings.Contains(m.Text, part) {
				out = append(out, m)
			}
		}
		return out
	}
	_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set slack_user_id = 'U00000BO' where id = $1`, b.bo)
	require.NoError(t, err)

	_, state, _ := tell(slack.Notice{Key: "health/1", Name: "Bo", Email: "bo@usher.test", Text: "ACME is at risk <!channel>"})
	require.Equal(t, "delivered", state)
	posted := found("at risk")
	require.Len(t, posted, 1, "once")
	require.Equal(t, "U00000BO", posted[0].User)
	require.NotContains(t, posted[0].Text, "<!channel>")

	_, state, _ = tell(slack.Notice{Key: "health/2", Name: "Nora", Email: "nora@else.test", Text: "Globex has stalled"})
	require.Equal(t, "delivered", state)
	posted = found("stalled")
	require.Len(t, posted, 1)
	require.Equal(t, "C00000001", posted[0].Channel, "somebody Slack does not know: the channel reads it")
	require.Contains(t, posted[0].Text, "For Nora")

	b.slack.Fail(func(method string) slackfake.Fault {
		if method == "chat.postMessage" {
			return slackfake.Fault{Status: 429, RetryAfter: 3}
		}
		return slackfake.Fault{}
	})
	id, state, _ := tell(slack.Notice{Key: "health/3", Email: "bo@usher.test", Text: "limited"})
	require.Equal(t, "pending", state)
	require.Empty(t, found("limited"))
	b.slack.Fail(nil)
	wait, err := n.Deliver(t.Context(), b.tenant, id)
	require.NoError(t, err)
	require.Less(t, wait, time.Second)
	require.Len(t, found("limited"), 1)
	require.Equal(t, slack.DeliverNoticeArgs{TenantID: b.tenant, DeliveryID: id}, slack.ReplayNotice(b.tenant, id, "slack"))
	require.Nil(t, slack.ReplayNotice(b.tenant, id, "email"))
}
