package slack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
)

// Everything Slack is known to send is taken in without an error, whatever of it
// we use: the shapes are the vendor's own, with placeholders for values.
func TestEveryKnownShapeIsTakenIn(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(dbtest.TestData(t, "contracts", "slack.payload-shapes.json"))
	require.NoError(t, err)
	var shapes struct{ Payloads map[string]map[string]any }
	require.NoError(t, json.Unmarshal(raw, &shapes))
	b := setup(t)
	n := 0
	for name, payload := range shapes.Payloads {
		body := func() string {
			out, err := json.Marshal(payload)
			require.NoError(t, err)
			return string(out)
		}
		kind, _, _ := strings.Cut(name, "/")
		switch {
		case kind == "events":
			if payload["type"] != "app_rate_limited" {
				payload["type"], payload["event_id"] = "event_callback", fmt.Sprintf("Ev%d", n)
			}
			require.Equal(t, http.StatusOK, b.send(t, "/slack/events", "application/json", body()).Code, name)
		case name == "app-backend/SlashCommand":
			form := url.Values{}
			for k, v := range payload {
				form.Set(k, fmt.Sprint(v))
			}
			require.Equal(t, http.StatusOK, b.send(t, "/slack/commands", "application/x-www-form-urlencoded", form.Encode()).Code, name)
		case kind == "app-backend":
			form := url.Values{"payload": {body()}}
			require.Equal(t, http.StatusOK, b.send(t, "/slack/interactions", "application/x-www-form-urlencoded", form.Encode()).Code, name)
		default:
			continue
		}
		b.work(t)
		var left int
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where state in ('received', 'failed')`).Scan(&left))
		require.Zero(t, left, name)
		n++
	}
	require.GreaterOrEqual(t, n, 28)
}
