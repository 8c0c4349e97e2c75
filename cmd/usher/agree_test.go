package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// A curator stores a source, tries it, switches it on and makes it the owner of
// the fields. Then the outside system changes: the chat, the API and Slack all
// say the new value within the window.
func TestChatAPIAndSlackAgreeOnWhatASourceSays(t *testing.T) {
	t.Parallel()
	workspace := slackfake.New(t)
	workspace.AddUser(slackfake.User{ID: "U00000BO", Email: "bo@usher.test", Name: "Bo"})
	var state atomic.Value
	state.Store("in_transit")
	var asked atomic.Value
	tms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Path + " " + r.Header.Get("X-Key"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"legs": [{"state": "booked"}, {"state": %q}]}`, state.Load())
	}))
	t.Cleanup(tms.Close)

	db := dbtest.New(t)
	small(t, db)
	tenant := db.Tenant(t, "acme")
	user := db.User(t, tenant, "ana@acme.test")
	db.Staff(t, "bo@usher.test", "agent")
	body, err := os.ReadFile("../../portal/onboarding/status/packs/shipments.yaml")
	require.NoError(t, err)
	pack, err := status.ParsePack(body)
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		if _, err := storePack(t.Context(), tx, body); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'P', '2026-01-01')`, tenant, uuid.New()); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into pack_records (tenant_id, id, entity, key, name, fields) values ($1, $2, 'shipment', 'HH-4711', 'Hamburg container', '{"state": "booked"}')`, tenant, uuid.New())
		return err
	}))
	service := identity.New(db.App, db.Worker, identity.Config{})
	link, err := service.CreateLink(t.Context(), tenant, user, time.Hour, false)
	require.NoError(t, err)
	customer, _, err := service.Exchange(t.Context(), link)
	require.NoError(t, err)
	link, err = service.CreateStaffLink(t.Context(), db.Staff(t, "cleo@usher.test", "curator"), time.Hour, false)
	require.NoError(t, err)
	curator, _, err := service.Exchange(t.Context(), link)
	require.NoError(t, err)
	p := start(t, db, fmt.Sprintf("127.0.0.1:%d", freePort(t)), "api,worker", "USHER_SOURCE_NETWORKS=127.0.0.0/8",
		"USHER_SLACK_BOT_TOKEN=xoxb-test", "USHER_SLACK_SIGNING_SECRET=signing", "USHER_SLACK_CHANNEL=C00000001", "USHER_SLACK_API_URL="+workspace.APIURL())
	do := func(method, path, who string, in any) map[string]any {
		t.Helper()
		status, out := p.call(method, path, who, in)
		require.Less(t, status, 300, "%s %s: %v", method, path, out)
		return out
	}

	// By screens alone.
	source := "/v1/admin/status-sources/tms"
	stored := do("PUT", source, curator, map[string]any{
		"base_url": tms.URL, "path": "/{customer}/shipments/{entity}", "auth_kind": "header", "auth_name": "X-Key", "secret": "s3cret",
		"fields": map[string]any{"state": "legs[-1].state", "position": "/where"}, "max_age_seconds": 1,
	})
	require.Equal(t, true, stored["has_secret"])
	require.NotContains(t, fmt.Sprint(do("GET", "/v1/admin/status-sources", curator, nil)), "s3cret")
	trial := do("POST", source+"/try", curator, map[string]any{"tenant_id": tenant, "entity": "HH-4711"})
	require.Contains(t, trial["problem"], "{customer}")
	do("PUT", source+"/customers", curator, map[string]any{"tenant_id": tenant, "customer": "K-17"})
	trial = do("POST", source+"/try", curator, map[string]any{"tenant_id": tenant, "entity": "HH-4711"})
	require.Equal(t, map[string]any{"state": "in_transit"}, trial["record"])
	require.Equal(t, []any{"position"}, trial["missing"])
	require.Equal(t, "/K-17/shipments/HH-4711 s3cret", asked.Load())
	do("POST", source, curator, map[string]any{"enabled": true})
	for _, f := range pack.Fields {
		do("PUT", "/v1/admin/status-fields", curator, map[string]any{"pack": "shipments", "field": f.Name, "owner": "tms"})
	}
	code, refusal := p.call("DELETE", source, curator, nil)
	require.Equal(t, http.StatusConflict, code, "%v", refusal)

	// The customer asks, then wants a person with the same question.
	conversation := do("POST", "/v1/conversations", customer, map[string]any{})["conversation"].(map[string]any)["id"].(string)
	lastWord := func() string {
		messages := do("GET", "/v1/conversations/"+conversation+"/messages?limit=100", customer, nil)["messages"].([]any)
		last := messages[len(messages)-1].(map[string]any)
		if last["author"].(map[string]any)["kind"] != "assistant" {
			return ""
		}
		return last["body"].(string)
	}
	chat := func() string {
		do("POST", "/v1/conversations/"+conversation+"/messages", customer, map[string]any{"text": "Where is my shipment?"})
		require.Eventually(t, func() bool { return lastWord() != "" }, 30*time.Second, 50*time.Millisecond)
		return lastWord()
	}
	api := func() string {
		things := do("GET", "/v1/onboarding", customer, nil)["things"].([]any)
		require.Len(t, things, 1)
		return things[0].(map[string]any)["text"].(string)
	}
	escalated := do("POST", "/v1/conversations", customer, map[string]any{})["conversation"].(map[string]any)["id"].(string)
	do("POST", "/v1/conversations/"+escalated+"/person", customer, map[string]any{"note": "Where is my shipment?"})
	var ticket uuid.UUID
	require.Eventually(t, func() bool {
		return db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select id from tickets where tenant_id = $1`, tenant).Scan(&ticket)
		}) == nil
	}, 30*time.Second, 50*time.Millisecond)
	slack := func() string {
		before := len(workspace.Views())
		press(t, p.base, map[string]any{"type": "static_select", "action_id": "more", "block_id": "ticket|" + tenant.String() + "|" + ticket.String(),
			"action_ts": strconv.FormatInt(time.Now().UnixNano(), 10), "selected_option": map[string]any{"value": "suggest", "text": map[string]any{"type": "plain_text", "text": "x"}}})
		require.Eventually(t, func() bool {
			views := workspace.Views()
			return len(views) > before && views[len(views)-1].Updates > 0
		}, 30*time.Second, 50*time.Millisecond)
		views := workspace.Views()
		return string(views[len(views)-1].View)
	}
	const before, after = "Shipment **Hamburg container** is **on its way**.", "Shipment **Hamburg container** is **at customs**."
	require.Eventually(t, func() bool { return api() == before }, 10*time.Second, 100*time.Millisecond)
	require.Equal(t, before, chat())
	require.Contains(t, slack(), before)

	state.Store("at_customs")
	time.Sleep(time.Second) // the window
	require.Eventually(t, func() bool { return api() == after }, 5*time.Second, 50*time.Millisecond, "an asker starts the reading, the next one has it")
	require.Equal(t, after, chat())
	require.Contains(t, slack(), after)

	listed := do("GET", "/v1/admin/status-sources", curator, nil)
	one := listed["sources"].([]any)[0].(map[string]any)
	require.Equal(t, "closed", one["circuit"])
	require.EqualValues(t, 1, one["records"])
	require.NotEmpty(t, one["last_fetched_at"])
	require.Contains(t, listed["fields"], map[string]any{"entity": "shipment", "field": "state", "owner": "tms", "fed_by": []any{}, "pack": "shipments"})
}

// press is a signed press of Slack's.
func press(t *testing.T, base string, action map[string]any) {
	t.Helper()
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "trigger_id": "1.2.3", "user": map[string]any{"id": "U00000BO", "team_id": "T00000001"},
		"channel": map[string]any{"id": "C00000001"}, "actions": []any{action},
	})
	require.NoError(t, err)
	body := url.Values{"payload": {string(payload)}}.Encode()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("signing"))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/slack/interactions", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Slack-Request-Timestamp", stamp)
	request.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
}
