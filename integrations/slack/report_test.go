package slack_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
)

// An agent's report from Slack is the same event the console writes: curators
// read both in one place.
func TestReportingAnAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "How long do keys live?")
	b.press(t, ticket, "U00000BO", "report")
	require.Contains(t, string(b.slack.Views()[0].View), "has not answered")

	var answer triage.Message
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		answer, _, err = triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: ticket.ConversationID, AuthorKind: triage.AuthorAssistant,
			Visibility: triage.VisibleToCustomer, Body: "Keys live 30 days.",
		})
		return err
	}))
	b.press(t, ticket, "U00000BO", "report")
	require.Contains(t, string(b.slack.Views()[1].View), "Keys live 30 days.")
	report := func(user, message, reason, why string) string {
		return b.interact(t, map[string]any{
			"type": "view_submission", "user": map[string]any{"id": user, "team_id": "T00000001"},
			"view": map[string]any{
				"id": "V2", "type": "modal", "callback_id": "report", "private_metadata": "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String(), "blocks": []any{},
				"state": map[string]any{"values": map[string]any{
					"answer": map[string]any{"answer": map[string]any{"type": "static_select", "selected_option": map[string]any{"value": message}}},
					"choice": map[string]any{"choice": map[string]any{"type": "static_select", "selected_option": map[string]any{"value": reason}}},
					"text":   map[string]any{"text": map[string]any{"type": "plain_text_input", "value": why}},
				}},
			},
		}).Body.String()
	}
	require.Contains(t, report("U0000EVE", answer.ID.String(), "wrong", ""), "cannot act")
	require.Contains(t, report("U00000BO", answer.ID.String(), "rude", ""), "not known")
	require.Contains(t, report("U00000BO", b.detail(t, ticket).Messages[0].ID.String(), "wrong", ""), "not there any more")
	for range 2 { // pressed twice
		require.Contains(t, report("U00000BO", answer.ID.String(), "incomplete", "Say who may renew them, ask ana@acme.test"), "clear")
	}
	var reported []map[string]any
	for _, e := range b.detail(t, ticket).Events {
		if e.Kind == "answer_reported" {
			var detail map[string]any
			require.NoError(t, json.Unmarshal(e.Detail, &detail))
			reported = append(reported, detail)
		}
	}
	require.Len(t, reported, 1)
	require.Equal(t, answer.ID.String(), reported[0]["message_id"])
	require.Equal(t, "incomplete", reported[0]["reason"])
	require.NotContains(t, reported[0]["why"], "ana@acme.test")
}
