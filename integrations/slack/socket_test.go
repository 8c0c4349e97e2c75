package slack_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
)

// wire is Slack's end of Socket Mode: what was not acknowledged is sent again over
// the next connection.
type wire struct {
	mu    sync.Mutex
	conn  *websocket.Conn
	open  []map[string]any // sent and not acknowledged
	deaf  bool             // acknowledgements are lost
	dials int
	acks  chan map[string]any
}

func (b *testBundle) wire(t *testing.T) *wire {
	t.Helper()
	w := &wire{acks: make(chan map[string]any, 50)}
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	t.Cleanup(w.drop)
	b.slack.Socket("ws" + strings.TrimPrefix(server.URL, "http"))
	return w
}

func (w *wire) serve(out http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(out, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	w.mu.Lock()
	w.conn = conn
	w.dials++
	_ = conn.WriteJSON(map[string]any{"type": "hello", "num_connections": 1})
	for _, message := range w.open {
		_ = conn.WriteJSON(message)
	}
	w.mu.Unlock()
	for {
		_, raw, err := conn.ReadMessage()
		if err != nil {
			return
		}
		var ack map[string]any
		if json.Unmarshal(raw, &ack) != nil {
			continue
		}
		w.mu.Lock()
		if !w.deaf {
			w.open = slices.DeleteFunc(w.open, func(m map[string]any) bool { return m["envelope_id"] == ack["envelope_id"] })
			w.acks <- ack
		}
		w.mu.Unlock()
	}
}

func (w *wire) send(message map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, message)
	if w.conn != nil {
		_ = w.conn.WriteJSON(message)
	}
}

// drop ends the connection without a word.
func (w *wire) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

func (w *wire) hear(deaf bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = deaf
}

func (w *wire) dialled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials
}

func (w *wire) acknowledged(t *testing.T) map[string]any {
	t.Helper()
	select {
	case ack := <-w.acks:
		return ack
	case <-time.After(15 * time.Second):
		require.Fail(t, "no acknowledgement")
	}
	return nil
}

func (b *testBundle) socket(t *testing.T) *slack.Socket {
	t.Helper()
	socket := slack.NewSocket(slack.Config{Token: "xoxb-test", APIURL: b.slack.APIURL()}, "xapp-test", b.inbound)
	socket.Start(t.Context())
	return socket
}

func typed(envelope, event, root, text string) map[string]any {
	return map[string]any{"type": "events_api", "envelope_id": envelope, "accepts_response_payload": false, "payload": map[string]any{
		"type": "event_callback", "event_id": event, "team_id": "T00000001", "event": map[string]any{
			"type": "message", "channel_type": "group", "user": "U00000BO", "channel": "C00000001", "text": text, "ts": "1700000001." + event, "thread_ts": root,
		}}}
}

func TestSocketThatBreaks(t *testing.T) {
	t.Parallel()

	t.Run("before the acknowledgement: sent again, and nothing happens twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		root := b.slack.Messages("")[0].TS
		w := b.wire(t)
		first := b.socket(t)
		w.hear(true)
		w.send(typed("e1", "000001", root, "Once"))
		stored := func() (n int) {
			require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events`).Scan(&n))
			return n
		}
		require.Eventually(t, func() bool { return stored() == 1 }, 10*time.Second, 5*time.Millisecond)
		w.drop()
		w.hear(false)
		require.Equal(t, "e1", w.acknowledged(t)["envelope_id"])
		require.Equal(t, 2, w.dialled(), "it connects again by itself")

		// The process dies: what it had stored is sent to the next one.
		w.hear(true)
		w.send(typed("e2", "000002", root, "And once more"))
		require.Eventually(t, func() bool { return stored() == 2 }, 10*time.Second, 5*time.Millisecond)
		first.Stop()
		w.hear(false)
		second := b.socket(t)
		defer second.Stop()
		require.Equal(t, "e2", w.acknowledged(t)["envelope_id"])
		b.work(t)
		notes := b.detail(t, ticket).Messages
		require.Len(t, notes, 3)
		require.Equal(t, []string{"Once", "And once more"}, []string{notes[1].Body, notes[2].Body})
		var jobs int
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'handle_slack_event'`).Scan(&jobs))
		require.Equal(t, 2, jobs)
	})

	t.Run("one that is slow holds up no other's acknowledgement", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		root := b.slack.Messages("")[0].TS
		release := make(chan struct{})
		b.slack.Fail(func(method string) slackfake.Fault {
			if method == "views.open" {
				return slackfake.Fault{Until: release}
			}
			return slackfake.Fault{}
		})
		w := b.wire(t)
		socket := b.socket(t)
		defer socket.Stop()
		defer close(release)
		w.send(map[string]any{"type": "interactive", "envelope_id": "slow", "accepts_response_payload": true, "payload": pressOf(ticket, "U00000BO", "note")})
		require.Eventually(t, func() bool { return b.slack.Calls("views.open") == 1 }, 10*time.Second, time.Millisecond)
		w.send(typed("quick", "000001", root, "Quick"))
		require.Equal(t, "quick", w.acknowledged(t)["envelope_id"])
		require.Equal(t, "slow", w.acknowledged(t)["envelope_id"])
	})
}

func TestSocketMode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	root := b.slack.Messages("")[0].TS
	w := b.wire(t)
	socket := b.socket(t)
	defer socket.Stop()
	exchange := func(message map[string]any) map[string]any {
		w.send(message)
		ack := w.acknowledged(t)
		require.Equal(t, message["envelope_id"], ack["envelope_id"])
		return ack
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
