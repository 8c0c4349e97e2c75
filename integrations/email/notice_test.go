package email_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/desk"
)

// A member of staff hears of a ticket by mail once, and nothing is stored as if it
// belonged to a conversation.
func TestANoticeToStaff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	word := desk.Word{TenantID: b.tenant, Key: "lead:1:2", Name: "Ina", Email: "ina@usher.test", Subject: "#1001 was raised to the lead", Text: "#1001 (Acme, high): Bo raised this to the lead: it concerns money\nhttps://usher.test/agent/tickets/1"}
	for range 2 {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error { return b.service.Tell(t.Context(), tx, word) }))
	}
	for range 2 {
		b.send(t)
	}
	sent := b.post.all()
	require.Len(t, sent, 1)
	require.Contains(t, sent[0].Header.Get("To"), "ina@usher.test")
	require.Equal(t, word.Subject, sent[0].Header.Get("Subject"))
	require.Equal(t, "auto-replied", sent[0].Header.Get("Auto-Submitted"))
	require.Contains(t, strings.ReplaceAll(b.post.text[0], "=\r\n", ""), "it concerns money")
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		var state string
		var threads int
		err := tx.QueryRow(t.Context(), `select state, (select count(*) from email_messages) from deliveries where kind = 'notice'`).Scan(&state, &threads)
		require.Equal(t, "delivered", state)
		require.Zero(t, threads)
		return err
	}))
}
