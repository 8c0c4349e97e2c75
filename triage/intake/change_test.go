package intake_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
)

func TestChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, m, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: "my pasword is secret", Subject: "my pasword is secret"})
	require.NoError(t, err)

	changed, err := b.service.Change(t.Context(), b.customer, m.ID, " my password is secret ")
	require.NoError(t, err)
	require.Equal(t, "my password is secret", changed.Body)
	require.NotNil(t, changed.EditedAt)
	require.Equal(t, []string{"my pasword is secret"}, b.desk.changed)
	_, err = b.service.Change(t.Context(), b.customer, m.ID, "my password is secret")
	require.NoError(t, err, "the same text changes nothing")
	require.Len(t, b.desk.changed, 1)
	_, err = b.service.Change(t.Context(), b.customer, m.ID, "  ")
	require.ErrorIs(t, err, triage.ErrEmptyMessage)
	require.Equal(t, 1, b.jobs(t), "no second answer is asked for")

	for range 2 {
		gone, err := b.service.TakeBack(t.Context(), b.customer, m.ID)
		require.NoError(t, err)
		require.Empty(t, gone.Body)
		require.Equal(t, triage.MessageDeleted, gone.State)
	}
	require.Len(t, b.desk.changed, 2)
	_, err = b.service.Change(t.Context(), b.customer, m.ID, "again")
	require.ErrorIs(t, err, intake.ErrNotChangeable)
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		events, err := triage.EventsSince(t.Context(), tx, b.tenant, c.ID, 0, true, 50)
		require.NoError(t, err)
		require.NotEmpty(t, events)
		for _, e := range events {
			require.NotContains(t, string(e.Payload), "secret", "no stream says it again")
		}
		read, err := triage.ConversationByID(t.Context(), tx, b.tenant, c.ID)
		require.NoError(t, err)
		require.NotContains(t, read.LastLine+read.Subject, "secret")
		var kept []string
		rows, err := tx.Query(t.Context(), `select body from message_revisions where tenant_id = $1 and message_id = $2 order by number`, b.tenant, m.ID)
		require.NoError(t, err)
		kept, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Equal(t, []string{"my pasword is secret", "my password is secret"}, kept)
		return nil
	}))
}

func TestWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, m, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: "Hello"})
	require.NoError(t, err)
	colleague := b.person(t, b.tenant, "admin@acme.test", "admin")
	stranger := b.person(t, b.db.Tenant(t, "other"), "eve@other.test", "admin")
	for _, who := range []triage.Actor{colleague, stranger} {
		_, err := b.service.Change(t.Context(), who, m.ID, "hacked")
		require.ErrorIs(t, err, triage.ErrMessageNotFound)
		_, err = b.service.TakeBack(t.Context(), who, m.ID)
		require.ErrorIs(t, err, triage.ErrMessageNotFound)
	}
	_, mailed, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelEmail, Text: "By mail"})
	require.NoError(t, err)
	_, err = b.service.TakeBack(t.Context(), b.customer, mailed.ID)
	require.ErrorIs(t, err, intake.ErrNotChangeable)

	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update messages set created_at = now() - interval '16 minutes' where tenant_id = $1 and id = $2`, b.tenant, m.ID)
		return err
	}))
	_, err = b.service.Change(t.Context(), b.customer, m.ID, "late")
	require.ErrorIs(t, err, intake.ErrNotChangeable)
	_, err = b.service.TakeBack(t.Context(), b.customer, m.ID)
	require.NoError(t, err, "taking back has no end")
}
