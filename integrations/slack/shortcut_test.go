package slack_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

type curation struct{ title, text string }

func (c *curation) ProposeArticle(_ context.Context, _ uuid.UUID, title, text string) (string, error) {
	c.title, c.text = title, text
	return "https://usher.test/curator/1", nil
}

func TestShortcuts(t *testing.T) {
	t.Parallel()
	drafts := &curation{}
	b := setup(t, func(c *slack.InboundConfig) { c.Curation = drafts })
	open := func(user, callback string) string {
		b.interact(t, map[string]any{
			"type": "message_action", "callback_id": callback, "trigger_id": "1.2.3", "user": map[string]any{"id": user}, "channel": map[string]any{"id": "C00000009"},
			"message": map[string]any{"type": "message", "ts": "1700000001.000001", "user": "U00000BO", "text": "ACME calls &lt;again&gt; about import"},
		})
		views := b.slack.Views()
		return string(views[len(views)-1].View)
	}
	submit := func(user, callback string, values map[string]string) string {
		state := map[string]any{}
		for k, v := range values {
			entry := map[string]any{"type": "plain_text_input", "value": v}
			if k == "choice" {
				entry = map[string]any{"type": "static_select", "selected_option": map[string]any{"value": v, "text": map[string]any{"type": "plain_text", "text": v}}}
			}
			state[k] = map[string]any{k: entry}
		}
		return b.interact(t, map[string]any{"type": "view_submission", "user": map[string]any{"id": user}, "view": map[string]any{
			"id": "V1", "type": "modal", "callback_id": callback, "private_metadata": "C00000009:1700000001.000001", "blocks": []any{}, "state": map[string]any{"values": state},
		}}).Body.String()
	}

	view := open("U00000BO", "create_ticket")
	require.Contains(t, view, "Tenant acme")
	require.Contains(t, view, "again")
	values := map[string]string{"choice": b.tenant.String(), "title": "Import", "text": "SECRET: they are angry"}
	for range 2 {
		require.Contains(t, submit("U00000BO", "create_ticket", values), "#1001")
	}
	id, err := b.desk.NumberOf(t.Context(), b.tenant, 1001)
	require.NoError(t, err)
	d := b.detail(t, triage.Ticket{ID: id})
	require.Len(t, d.Messages, 1)
	require.Equal(t, triage.Internal, d.Messages[0].Visibility)
	_, err = b.desk.NumberOf(t.Context(), b.tenant, 1002)
	require.ErrorIs(t, err, triage.ErrTicketNotFound, "filed twice, one ticket")

	require.Contains(t, open("U00000BO", "add_to_kb"), "curator decides")
	require.Contains(t, submit("U00000BO", "add_to_kb", map[string]string{"title": "Import", "text": "Delete the empty row."}), "curator/1")
	require.Equal(t, curation{"Import", "Delete the empty row."}, *drafts)

	require.NotContains(t, open("U0000EVE", "create_ticket"), "Tenant acme")
	require.Contains(t, submit("U0000EVE", "create_ticket", values), "errors")
	_, err = b.desk.File(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: b.bo}, desk.Filing{TenantID: b.tenant, Subject: " ", Text: "x", Key: "k"})
	require.ErrorIs(t, err, triage.ErrEmptyMessage)
}
