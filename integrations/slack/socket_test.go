package slack_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
)

func TestSocketMode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	root := b.slack.Messages("")[0].TS
	send, acks := make(chan any, 10), make(chan map[string]any, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.WriteJSON(map[string]any{"type": "hello", "num_connections": 1})
		go func() {
			for message := range send {
				_ = conn.WriteJSON(message)
			}
		}()
		for {
			_, raw, err := conn.ReadMessage()
			if err != nil {
				return
			}
			var ack map[string]any
			if json.Unmarshal(raw, &ack) == nil {
				acks <- ack
			}
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(send) })
	b.slack.Socket("ws" + strings.TrimPrefix(server.URL, "http"))
	socket := slack.NewSocket(slack.Config{Token: "xoxb-test", APIURL: b.slack.APIURL()}, "xapp-test", b.inbound)
	socket.Start(t.Context())
	defer socket.Stop()
	exchange := func(message map[string]any) map[string]any {
		send <- message
		select {
		case ack := <-acks:
			require.Equal(t, message["envelope_id"], ack["envelope_id"])
			return ack
		case <-time.After(10 * time.Second):
			require.Fail(t, "no acknowledgement")
		}
		return nil
	}
	event := map[string]any{"type": "events_api", "envelope_id": "e1", "accepts_response_payload": false, "payload": map[string]any{
		"type": "event_callback", "event_id": "E1", "team_id": "T00000001", "event": map[string]any{
			"type": "message", "channel_type": "group", "user": "U00000BO", "channel": "C00000001", "text": "By socket", "ts": "1700000001.000001", "thread_ts": root,
		}}}
	exchange(event)
	event["envelope_id"] = "e2"
	exchange(event) // sent again
	b.work(t)
	require.Len(t, b.detail(t, ticket).Messages, 2)
	ack := exchange(map[string]any{"type": "slash_commands", "envelope_id": "e3", "accepts_response_payload": true, "payload": map[string]any{
		"command": "/ticket", "text": "1001", "user_id": "U00000BO",
	}})
	raw, err := json.Marshal(ack["payload"])
	require.NoError(t, err)
	require.Contains(t, string(raw), "Help")
	ack = exchange(map[string]any{"type": "interactive", "envelope_id": "e4", "accepts_response_payload": true, "payload": map[string]any{
		"type": "view_submission", "user": map[string]any{"id": "U00000BO"}, "view": map[string]any{
			"id": "V1", "type": "modal", "callback_id": "note", "private_metadata": "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String(), "blocks": []any{},
			"state": map[string]any{"values": map[string]any{"text": map[string]any{"text": map[string]any{"type": "plain_text_input", "value": "psst"}}}},
		}}})
	require.Contains(t, ack["payload"], "response_action")
	require.Len(t, b.detail(t, ticket).Messages, 3)
}
