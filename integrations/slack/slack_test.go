package slack_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

const secret = "a-signing-secret"

type testBundle struct {
	db           *dbtest.Database
	slack        *slackfake.Server
	client       *slack.Client
	inbound      *slack.Inbound
	desk         *desk.Service
	router       http.Handler
	tenant, user uuid.UUID
	conversation uuid.UUID
	bo           uuid.UUID
	channel      triage.Channel // of the conversations that are handed over; default chat
}

func setup(t *testing.T, change ...func(*slack.InboundConfig)) *testBundle {
	t.Helper()
	return setupClient(t, func(*slack.Config) {}, change...)
}

// setupClient is setup with a client of its own.
func setupClient(t *testing.T, client func(*slack.Config), change ...func(*slack.InboundConfig)) *testBundle {
	t.Helper()
	b := &testBundle{db: dbtest.New(t), slack: slackfake.New(t)}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	settings := slack.Config{Token: "xoxb-test", Channel: "C00000001", APIURL: b.slack.APIURL(), PerPost: -1}
	client(&settings)
	b.client = slack.New(settings)
	b.desk = desk.New(desk.Config{
		DB: b.db.Worker, Jobs: jobs, Channel: b.client, Log: quiet, EditEvery: time.Nanosecond,
		Backoff:   func(int) time.Duration { return time.Millisecond },
		TicketURL: func(_, id uuid.UUID, _ int64) string { return "https://usher.test/agent/tickets/" + id.String() },
	})
	config := slack.InboundConfig{Client: b.client, SigningSecrets: []string{"the-next-one", secret}, DB: b.db.Worker, Jobs: jobs, Desk: b.desk, Log: quiet}
	for _, f := range change {
		f(&config)
	}
	b.inbound = slack.NewInbound(config)
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.ContextWithFallback = true // as it is served
	b.inbound.Mount(engine)
	b.router = engine
	b.tenant = b.db.Tenant(t, "acme")
	b.user = b.db.User(t, b.tenant, "ana@acme.test")
	b.bo = b.db.Staff(t, "bo@usher.test")
	b.slack.AddUser(slackfake.User{ID: "U00000BO", Email: "Bo@usher.test", Name: "Bo", TZ: "Europe/Berlin"})
	b.slack.AddUser(slackfake.User{ID: "U0000EVE", Email: "eve@else.test", Name: "Eve"})
	return b
}

func (b *testBundle) escalate(t *testing.T, text string) triage.Ticket {
	t.Helper()
	ticket := b.handOver(t, text)
	b.drain(t, ticket)
	return ticket
}

// handOver escalates a message and carries nothing out yet.
func (b *testBundle) handOver(t *testing.T, text string) triage.Ticket {
	t.Helper()
	var ticket triage.Ticket
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		b.conversation = uuid.Must(uuid.NewV7())
		if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: b.conversation, UserID: &b.user, Channel: cmp.Or(b.channel, triage.ChannelChat)}); err != nil {
			return err
		}
		m, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: b.conversation, AuthorKind: triage.AuthorCustomer,
			AuthorID: &b.user, AuthorName: "Ana", Visibility: triage.VisibleToCustomer, Body: text,
		})
		if err != nil {
			return err
		}
		ticket, err = b.desk.Escalate(t.Context(), tx, desk.Escalation{
			TenantID: b.tenant, ConversationID: b.conversation, MessageID: m.ID, Reason: triage.ReasonNoAnswer, Subject: text,
			Summary: "Summary of: " + text, Classification: triage.Classification{Intent: "integration_error", Priority: triage.PriorityHigh, Language: "de"},
		})
		return err
	}))
	return ticket
}

func (b *testBundle) drain(t *testing.T, ticket triage.Ticket) {
	t.Helper()
	for range 50 {
		wait, err := b.desk.Drain(t.Context(), b.tenant, ticket.ID, slack.System, time.Minute)
		require.NoError(t, err)
		if wait == 0 {
			return
		}
		if wait > 10*time.Millisecond { // a pause: let it pass
			_, err := b.db.Worker.Pool().Exec(t.Context(), `delete from delivery_pauses`)
			require.NoError(t, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	require.Fail(t, "the lane does not come to rest")
}

// send posts a signed body as Slack does.
func (b *testBundle) send(t testing.TB, path, contentType, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	b.router.ServeHTTP(w, r)
	return w
}

// work carries out every stored event.
func (b *testBundle) work(t *testing.T) {
	t.Helper()
	rows, err := b.db.Worker.Pool().Query(t.Context(), `select event_id from inbound_events where state = 'received' order by received_at`)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, id := range ids {
		require.NoError(t, b.inbound.Handle(t.Context(), id))
	}
}

func (b *testBundle) event(t *testing.T, id string, event map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"type": "event_callback", "event_id": id, "team_id": "T00000001", "event": event})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.send(t, "/slack/events", "application/json", string(body)).Code)
	b.work(t)
}

func (b *testBundle) request(t testing.TB, payload map[string]any) *httptest.ResponseRecorder {
	t.Helper()
	body, err := json.Marshal(payload)
	require.NoError(t, err)
	w := b.send(t, "/slack/interactions", "application/x-www-form-urlencoded", url.Values{"payload": {string(body)}}.Encode())
	b.requireAction(t, payload, w.Body.Bytes())
	return w
}

// requireAction holds an answer to a window against what Slack takes: one of its
// actions, errors at fields the window has, views within the published limits.
func (b *testBundle) requireAction(t testing.TB, payload map[string]any, body []byte) {
	t.Helper()
	if len(body) == 0 {
		return
	}
	require.Equal(t, "view_submission", payload["type"], "only a window's answer has a body")
	var answer struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&answer), "%s", body)
	require.Contains(t, []string{"clear", "errors", "update", "push"}, answer.Action)
	switch answer.Action {
	case "errors":
		require.NotEmpty(t, answer.Errors)
		fields, _ := payload["view"].(map[string]any)["state"].(map[string]any)["values"].(map[string]any)
		for field, text := range answer.Errors {
			require.Contains(t, fields, field)
			require.NotEmpty(t, text)
		}
	case "update", "push":
		b.slack.Modal(string(answer.View))
	}
}

func (b *testBundle) interact(t *testing.T, payload map[string]any) *httptest.ResponseRecorder {
	t.Helper()
	w := b.request(t, payload)
	require.Equal(t, http.StatusOK, w.Code)
	b.work(t)
	return w
}

func (b *testBundle) press(t *testing.T, ticket triage.Ticket, user, action string) {
	t.Helper()
	b.interact(t, pressOf(ticket, user, action))
}

// pressWithin is press by somebody who stops waiting when ctx ends.
func (b *testBundle) pressWithin(ctx context.Context, t *testing.T, ticket triage.Ticket, user, action string) {
	t.Helper()
	body, err := json.Marshal(pressOf(ticket, user, action))
	require.NoError(t, err)
	b.send(t, "/slack/interactions", "application/x-www-form-urlencoded", url.Values{"payload": {string(body)}}.Encode(), func(r *http.Request) { *r = *r.WithContext(ctx) })
}

func pressOf(ticket triage.Ticket, user, action string) map[string]any {
	block := "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String()
	entry := map[string]any{"type": "button", "block_id": block, "action_id": action, "value": ticket.ID.String(), "action_ts": strconv.FormatInt(time.Now().UnixNano(), 10)}
	if action != "claim" && action != "reply" && action != "resolve" && action != "reopen" {
		entry = map[string]any{"type": "static_select", "block_id": block, "action_id": "more", "action_ts": strconv.FormatInt(time.Now().UnixNano(), 10),
			"selected_option": map[string]any{"value": action, "text": map[string]any{"type": "plain_text", "text": action}}}
	}
	return map[string]any{
		"type": "block_actions", "trigger_id": "1.2.3", "user": map[string]any{"id": user, "team_id": "T00000001"},
		"channel": map[string]any{"id": "C00000001"}, "actions": []any{entry},
	}
}

func (b *testBundle) submit(t *testing.T, ticket triage.Ticket, user, view, callback string, values map[string]string) string {
	t.Helper()
	state := map[string]any{}
	for k, v := range values {
		entry := map[string]any{"type": "plain_text_input", "value": v}
		if k == "choice" {
			entry = map[string]any{"type": "static_select", "selected_option": map[string]any{"value": v, "text": map[string]any{"type": "plain_text", "text": v}}}
		}
		state[k] = map[string]any{k: entry}
	}
	return b.interact(t, map[string]any{
		"type": "view_submission", "user": map[string]any{"id": user, "team_id": "T00000001"},
		"view": map[string]any{
			"id": view, "type": "modal", "callback_id": callback, "private_metadata": "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String(),
			"state": map[string]any{"values": state}, "blocks": []any{},
		},
	}).Body.String()
}

func (b *testBundle) detail(t *testing.T, ticket triage.Ticket) desk.Detail {
	t.Helper()
	d, err := b.desk.Ticket(t.Context(), b.tenant, ticket.ID)
	require.NoError(t, err)
	return d
}

func TestPosting(t *testing.T) {
	t.Parallel()

	t.Run("a ticket is one root with its thread, updated in place", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Import stops at 80 %")
		roots := b.slack.Messages("")
		require.Len(t, roots, 1)
		require.Contains(t, roots[0].Text, "#1001")
		require.Contains(t, string(roots[0].Blocks), "Tenant acme")
		require.Contains(t, string(roots[0].Blocks), "Import stops at 80 %")
		thread := b.slack.Messages(roots[0].TS)
		require.Len(t, thread, 2)
		require.Contains(t, thread[0].Text, "Summary")
		require.Contains(t, thread[1].Text, "Customer, Ana")
		_, err := b.desk.Claim(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: b.bo}, desk.TicketRef{TenantID: b.tenant, ID: ticket.ID})
		require.NoError(t, err)
		b.drain(t, ticket)
		roots = b.slack.Messages("")
		require.Len(t, roots, 1)
		require.Contains(t, string(roots[0].Blocks), "bo@usher.test")
		require.NotContains(t, string(roots[0].Blocks), `"claim"`)
		require.Positive(t, b.slack.Checked())
	})

	for _, text := range []string{
		"<!channel> <@U00000BO> <!here> everybody", "<https://evil.test|https://usher.test/login>", "*bold* _it_ `code` ~no~ > quote\n```x```",
		strings.Repeat("A long story. ", 8000), strings.Repeat("😀", 20000), "\u202Egnp.exe\u202C and \u0007 bells", `{"type":"section"}`, "&lt;!channel&gt;", strings.Repeat("x", 60000),
		"<\u200B!channel> <\u2060@U00000BO> <!\u3164here>", "＜!channel＞ ‹!here› <!subteam^S1|@all> <!everyone> @channel", "ok\U000E0069\U000E0067\U000E006E go",
		"![x](https://evil.test/p.gif) [pay](data:text/html,hi) <mailto:ceo@usher.test|invoice> <tel:1|call>", "<!date^1^{date}^https://evil.test|now>", "a\r\nBcc: all@usher.test\r\n\r\nb",
		`"}]},{"type":"actions","elements":[{"type":"button","action_id":"resolve"}]}`, strings.Repeat("‮", 5000) + "end", strings.Repeat("&", 20000),
	} {
		t.Run(fmt.Sprintf("renders %.20q inert and within the limits", text), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if len(text) > 64<<10 {
				text = strings.ToValidUTF8(text[:64<<10], "")
			}
			b.escalate(t, text)
			roots := b.slack.Messages("")
			require.Len(t, roots, 1)
			for _, m := range append(roots, b.slack.Messages(roots[0].TS)...) {
				require.NotContains(t, m.Text, "<!channel>")
				require.NotContains(t, m.Text, "<@U")
				require.NotContains(t, m.Text, "<https://evil")
				require.NotContains(t, m.Text, "\u202E")
				requireInert(t, m.Blocks)
			}
		})
	}

	t.Run("a lost answer makes no second root and no second post", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		var mu sync.Mutex
		lost := 0
		b.slack.Fail(func(method string) slackfake.Fault {
			mu.Lock()
			defer mu.Unlock()
			if method == "chat.postMessage" && lost < 2 {
				lost++
				return slackfake.Fault{Lose: true}
			}
			return slackfake.Fault{}
		})
		b.escalate(t, "Help")
		roots := b.slack.Messages("")
		require.Len(t, roots, 1)
		require.Len(t, b.slack.Messages(roots[0].TS), 2)
		require.Equal(t, 2, lost)
	})

	t.Run("limits, Slack's own errors and the shared channel", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		cases := []struct {
			fault     slackfake.Fault
			after     time.Duration
			permanent bool
		}{
			{slackfake.Fault{Status: 429, RetryAfter: 7}, 7 * time.Second, false},
			{slackfake.Fault{Error: "ratelimited"}, time.Second, false},
			{slackfake.Fault{Status: 500}, 0, false},
			{slackfake.Fault{Error: "fatal_error"}, 0, false},
			{slackfake.Fault{Error: "channel_not_found"}, 0, true},
			{slackfake.Fault{Error: "token_revoked"}, 0, true},
		}
		for _, c := range cases {
			b.slack.Fail(func(string) slackfake.Fault { return c.fault })
			_, err := b.client.PostThread(t.Context(), desk.Ref{ID: "C00000001:1.0"}, desk.Post{Key: "k", Text: "x"})
			var temporary *desk.TemporaryError
			var permanent *desk.PermanentError
			if c.permanent {
				require.ErrorAs(t, err, &permanent)
				require.NotContains(t, permanent.Safe, "xoxb")
			} else {
				require.ErrorAs(t, err, &temporary, "%+v", c.fault)
				require.Equal(t, c.after, temporary.After)
			}
		}
		b.slack.Fail(nil)
		b.slack.Share()
		_, err := b.client.PostThread(t.Context(), desk.Ref{ID: "C00000001:1.0"}, desk.Post{Key: "k", Text: "x"})
		var permanent *desk.PermanentError
		require.ErrorAs(t, err, &permanent)
		require.Contains(t, permanent.Safe, "shared")
	})

	t.Run("a deleted root is posted again", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		b.slack.Delete(b.slack.Messages("")[0].TS)
		_, err := b.desk.SetPriority(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: b.bo}, desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}, triage.PriorityUrgent)
		require.NoError(t, err)
		b.drain(t, ticket)
		require.Len(t, b.slack.Messages(""), 1)
		require.Equal(t, "C00000001:"+b.slack.Messages("")[0].TS, b.detail(t, ticket).Links[0].ExternalID)
	})
}

// requireInert checks that untrusted text stands in plain_text objects only, or escaped.
func requireInert(t *testing.T, blocks json.RawMessage) {
	t.Helper()
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["type"] == "mrkdwn" {
				text := v["text"].(string)
				for _, bad := range []string{"<!channel", "<!here", "<!everyone", "<!subteam", "<@", "<https://evil", "<mailto:", "<tel:", "^https://evil", "\u202E", "\u200B", "\U000E0069"} {
					require.NotContains(t, text, bad)
				}
			}
			if text, ok := v["text"].(string); ok {
				require.NotContains(t, text, "\u202E")
				require.NotContains(t, text, "\u0000")
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	if len(bytes.TrimSpace(blocks)) == 0 {
		return
	}
	var v any
	require.NoError(t, json.Unmarshal(blocks, &v))
	walk(v)
}

func TestInbound(t *testing.T) {
	t.Parallel()

	t.Run("refuses what Slack did not sign", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		body := `{"type":"event_callback","event_id":"E1"}`
		for name, change := range map[string]func(*http.Request){
			"other signature": func(r *http.Request) { r.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64)) },
			"no signature":    func(r *http.Request) { r.Header.Del("X-Slack-Signature") },
			"old":             func(r *http.Request) { r.Header.Set("X-Slack-Request-Timestamp", "1700000000") },
		} {
			require.Equal(t, http.StatusUnauthorized, b.send(t, "/slack/events", "application/json", body, change).Code, name)
		}
		require.Equal(t, http.StatusRequestEntityTooLarge, b.send(t, "/slack/events", "application/json", strings.Repeat("x", 2<<20)).Code)
		require.Equal(t, http.StatusBadRequest, b.send(t, "/slack/events", "application/json", "{").Code)
		require.Contains(t, b.send(t, "/slack/events", "application/json", `{"type":"url_verification","challenge":"abc"}`).Body.String(), "abc")
		var n int
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events`).Scan(&n))
		require.Zero(t, n)
	})

	t.Run("the same event counts once, also in parallel", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		root := b.slack.Messages("")[0].TS
		body, err := json.Marshal(map[string]any{"type": "event_callback", "event_id": "E1", "event": map[string]any{
			"type": "message", "user": "U00000BO", "channel": "C00000001", "text": "Looking", "ts": "1700000001.000001", "thread_ts": root,
		}})
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { b.send(t, "/slack/events", "application/json", string(body)) })
		}
		group.Wait()
		b.work(t)
		var jobs int
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'handle_slack_event'`).Scan(&jobs))
		require.Equal(t, 1, jobs)
		require.Len(t, b.detail(t, ticket).Messages, 2)
	})

	t.Run("thread text is an internal note, edited and deleted with it, and not echoed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		root := b.slack.Messages("")[0].TS
		b.event(t, "E1", map[string]any{"type": "message", "user": "U00000BO", "channel": "C00000001", "text": "SECRET &lt;plan&gt;", "ts": "1700000001.000001", "thread_ts": root})
		b.drain(t, ticket)
		note := b.detail(t, ticket).Messages[1]
		require.Equal(t, triage.Internal, note.Visibility)
		require.Equal(t, "SECRET <plan>", note.Body)
		require.Len(t, b.slack.Messages(root), 2, "no echo into the thread")
		b.event(t, "E2", map[string]any{"type": "message", "subtype": "message_changed", "channel": "C00000001",
			"message":          map[string]any{"user": "U00000BO", "text": "Better", "ts": "1700000001.000001", "thread_ts": root},
			"previous_message": map[string]any{"user": "U00000BO", "text": "SECRET", "ts": "1700000001.000001", "thread_ts": root}})
		require.Equal(t, "Better", b.detail(t, ticket).Messages[1].Body)
		b.event(t, "E3", map[string]any{"type": "message", "subtype": "message_deleted", "channel": "C00000001", "deleted_ts": "1700000001.000001",
			"previous_message": map[string]any{"user": "U00000BO", "text": "Better", "ts": "1700000001.000001", "thread_ts": root}})
		require.Equal(t, triage.MessageDeleted, b.detail(t, ticket).Messages[1].State)
		require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			visible, err := triage.MessagesBefore(t.Context(), tx, b.tenant, b.conversation, 0, false, 50)
			require.NoError(t, err)
			require.Len(t, visible, 1)
			return nil
		}))
	})

	t.Run("unmapped, guest, deactivated and foreign people cannot act", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		for i, u := range []slackfake.User{
			{ID: "U0000EVE", Email: "eve@else.test"}, {ID: "U000GUEST", Email: "bo@usher.test", Restricted: true},
			{ID: "U0000GONE", Email: "bo@usher.test", Deleted: true}, {ID: "U0CONNECT", Email: "bo@usher.test", Team: "T00009999"},
			{ID: "U0STRANGE", Email: "bo@usher.test", Stranger: true}, {ID: "U0000BOT1", Email: "bo@usher.test", IsBot: true},
		} {
			b.slack.AddUser(u)
			b.press(t, ticket, u.ID, "claim")
			require.Len(t, b.slack.Ephemeral(), i+1, u.ID)
			require.Contains(t, b.submit(t, ticket, u.ID, "V9", "reply", map[string]string{"text": "hi", "choice": "open"}), "errors")
		}
		d := b.detail(t, ticket)
		require.Empty(t, d.Ticket.AssigneeName)
		require.Len(t, d.Messages, 1)
		// A linked account that is later deactivated in Usher is refused at the act.
		b.press(t, ticket, "U00000BO", "claim")
		require.Equal(t, "bo@usher.test", b.detail(t, ticket).Ticket.AssigneeName)
		_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set state = 'deactivated' where id = $1`, b.bo)
		require.NoError(t, err)
		b.press(t, ticket, "U00000BO", "resolve")
		require.NotEqual(t, triage.InternalSolved, b.detail(t, ticket).Ticket.InternalState)
	})

	t.Run("reply: loading first, then who gets it, then once to the customer", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Import stops")
		b.press(t, ticket, "U00000BO", "reply")
		views := b.slack.Views()
		require.Len(t, views, 1)
		require.Equal(t, 1, views[0].Updates)
		for _, want := range []string{"ana@acme.test", "Tenant acme", "German", "#1001", "Import stops", "Send to customer"} {
			require.Contains(t, string(views[0].View), want)
		}
		for range 2 {
			require.Contains(t, b.submit(t, ticket, "U00000BO", views[0].ID, "reply", map[string]string{"text": "Wir schauen nach", "choice": "pending"}), "clear")
		}
		d := b.detail(t, ticket)
		require.Len(t, d.Messages, 2)
		require.Equal(t, triage.VisibleToCustomer, d.Messages[1].Visibility)
		require.Equal(t, "Wir schauen nach", d.Messages[1].Body)
		require.Equal(t, triage.InternalPending, d.Ticket.InternalState)
		require.Equal(t, "bo@usher.test", d.Ticket.AssigneeName)
		b.drain(t, ticket)
		thread := b.slack.Messages(b.slack.Messages("")[0].TS)
		require.Contains(t, thread[len(thread)-1].Text, "Sent to customer by bo@usher.test")
		require.Contains(t, b.submit(t, ticket, "U00000BO", "V7", "reply", map[string]string{"text": "  ", "choice": "open"}), "Please write something")
	})

	t.Run("the loser of a claim learns who won", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.db.Staff(t, "cy@usher.test")
		b.slack.AddUser(slackfake.User{ID: "U00000CY", Email: "cy@usher.test", Name: "Cy"})
		ticket := b.escalate(t, "Help")
		b.press(t, ticket, "U00000BO", "claim")
		b.press(t, ticket, "U00000CY", "claim")
		require.Len(t, b.slack.Ephemeral(), 1)
		require.Contains(t, b.slack.Ephemeral()[0].Text, "already claimed by bo@usher.test")
	})

	t.Run("every menu entry opens a window or acts", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := b.db.Worker.Pool().Exec(t.Context(), `insert into taxonomy_values (dimension, value) values ('intent', 'kyc_status') on conflict do nothing`)
		require.NoError(t, err)
		ticket := b.escalate(t, "Help")
		for _, action := range []string{"note", "priority", "assign", "snooze", "raise", "correct", "merge", "summary", "similar", "suggest", "pending", "hand_back"} {
			b.press(t, ticket, "U00000BO", action)
		}
		require.Empty(t, b.slack.Ephemeral())
		for _, v := range b.slack.Views() {
			require.Equal(t, 1, v.Updates, string(v.View))
		}
		require.Contains(t, b.submit(t, ticket, "U00000BO", "V1", "note", map[string]string{"text": "psst"}), "clear")
		require.Contains(t, b.submit(t, ticket, "U00000BO", "V2", "priority", map[string]string{"choice": "urgent"}), "clear")
		require.Contains(t, b.submit(t, ticket, "U00000BO", "V4", "snooze", map[string]string{"choice": "monday"}), "clear")
		require.Contains(t, b.submit(t, ticket, "U00000BO", "V5", "raise", map[string]string{"text": "angry"}), "clear")
		require.Contains(t, b.submit(t, ticket, "U00000BO", "V6", "correct", map[string]string{"choice": "kyc_status"}), "clear")
		require.Contains(t, b.submit(t, ticket, "U00000BO", "V7", "merge", map[string]string{"text": "9999"}), "no such ticket")
		d := b.detail(t, ticket)
		require.Equal(t, triage.PriorityUrgent, d.Ticket.Priority)
		require.Equal(t, "kyc_status", d.Ticket.Intent)
		require.Equal(t, triage.InternalSnoozed, d.Ticket.InternalState)
		b.press(t, ticket, "U00000BO", "not_request")
		require.Equal(t, "not_a_request", b.detail(t, ticket).ClosedAs)
	})

	t.Run("reactions claim and resolve, can be taken back, and not on urgent tickets", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		root := b.slack.Messages("")[0].TS
		react := func(id, kind, emoji string) {
			b.event(t, id, map[string]any{"type": kind, "user": "U00000BO", "reaction": emoji, "item": map[string]any{"type": "message", "channel": "C00000001", "ts": root}})
		}
		react("R1", "reaction_added", "eyes")
		require.Equal(t, "bo@usher.test", b.detail(t, ticket).Ticket.AssigneeName)
		react("R2", "reaction_removed", "eyes")
		require.Empty(t, b.detail(t, ticket).Ticket.AssigneeName)
		react("R3", "reaction_added", "white_check_mark")
		require.Equal(t, triage.InternalSolved, b.detail(t, ticket).Ticket.InternalState)
		react("R4", "reaction_removed", "white_check_mark")
		require.Equal(t, triage.InternalOpen, b.detail(t, ticket).Ticket.InternalState)
		_, err := b.desk.SetPriority(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: b.bo}, desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}, triage.PriorityUrgent)
		require.NoError(t, err)
		react("R5", "reaction_added", "white_check_mark")
		require.Equal(t, triage.InternalOpen, b.detail(t, ticket).Ticket.InternalState)
		react("R6", "reaction_added", "tada")
	})

	t.Run("a lost root is learnt from our own message's event", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		_, err := b.db.Worker.Pool().Exec(t.Context(), `select 1`)
		require.NoError(t, err)
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `delete from ticket_links where tenant_id = $1`, b.tenant)
			return err
		}))
		b.event(t, "E1", map[string]any{"type": "message", "bot_id": "B00000001", "channel": "C00000001", "ts": "1700000000.000001", "text": "x",
			"metadata": map[string]any{"event_type": "usher_delivery", "event_payload": map[string]any{"key": "root:" + ticket.ID.String(), "tenant": b.tenant.String(), "ticket": ticket.ID.String()}}})
		require.Equal(t, "C00000001:1700000000.000001", b.detail(t, ticket).Links[0].ExternalID)
	})

	t.Run("commands, home and questions in words", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.escalate(t, "Import stops")
		command := func(user, text string) string {
			w := b.send(t, "/slack/commands", "application/x-www-form-urlencoded", url.Values{"command": {"/ticket"}, "text": {text}, "user_id": {user}}.Encode())
			require.Equal(t, http.StatusOK, w.Code)
			return w.Body.String()
		}
		require.Contains(t, command("U00000BO", "1001"), "Import stops")
		require.Contains(t, command("U00000BO", "#1001"), "Import stops")
		require.Contains(t, command("U00000BO", "mine"), "No tickets")
		require.Contains(t, command("U00000BO", "search import"), "Import stops")
		require.Contains(t, command("U00000BO", "what"), "/ticket 4821")
		require.NotContains(t, command("U0000EVE", "1001"), "Import stops")
		b.event(t, "H1", map[string]any{"type": "app_home_opened", "user": "U00000BO", "tab": "home"})
		require.Contains(t, b.slack.Home("U00000BO"), "Import stops")
		narrow := func(user, menu, value string) string {
			b.interact(t, map[string]any{
				"type": "block_actions", "trigger_id": "1.2.3", "user": map[string]any{"id": user, "team_id": "T00000001"},
				"actions": []any{map[string]any{"type": "static_select", "block_id": "home", "action_id": menu, "action_ts": strconv.FormatInt(time.Now().UnixNano(), 10),
					"selected_option": map[string]any{"value": value, "text": map[string]any{"type": "plain_text", "text": value}}}},
			})
			return b.slack.Home(user)
		}
		require.NotContains(t, narrow("U00000BO", "home_priority", "low"), "Import stops")
		b.event(t, "H1b", map[string]any{"type": "app_home_opened", "user": "U00000BO", "tab": "home"})
		require.NotContains(t, b.slack.Home("U00000BO"), "Import stops", "what was chosen is kept")
		require.Contains(t, narrow("U00000BO", "home_priority", "all"), "Import stops")
		require.Contains(t, narrow("U00000BO", "home_tenant", b.tenant.String()), "Import stops")
		require.Contains(t, narrow("U00000BO", "home_tenant", uuid.NewString()), "Import stops", "an erased customer changes nothing")
		require.NotContains(t, narrow("U00000BO", "home_team", "nobody"), "Import stops")
		require.Contains(t, narrow("U00000BO", "home_team", "all"), "Import stops")
		require.NotContains(t, narrow("U0000EVE", "home_team", "all"), "Import stops")
		b.event(t, "H2", map[string]any{"type": "app_home_opened", "user": "U0000EVE", "tab": "home"})
		require.NotContains(t, b.slack.Home("U0000EVE"), "Import stops")
		ask := func(id, user, text string) string {
			b.event(t, id, map[string]any{"type": "message", "channel_type": "im", "channel": "D00000001", "user": user, "text": text, "ts": "1700000002.000001"})
			all := b.slack.Ephemeral()
			return all[len(all)-1].Text
		}
		_, err := b.db.Worker.Pool().Exec(t.Context(), `insert into taxonomy_values (dimension, value) values ('intent', 'integration_error')`)
		require.NoError(t, err)
		require.Contains(t, ask("Q1", "U00000BO", "open integration error tickets for acme?"), "1 ticket.")
		require.Contains(t, ask("Q2", "U00000BO", "any urgent tickets?"), "none")
		require.Contains(t, ask("Q3", "U0000EVE", "open tickets?"), "cannot act")
		require.Contains(t, command("U00000BO", "how many tickets of acme"), "1 ticket.")
		require.Contains(t, ask("Q4", "U00000BO", "open tickets for Umbrella"), "no customer called “Umbrella”")
		require.Contains(t, ask("Q5", "U00000BO", "close all tickets"), "only look")
		require.Contains(t, ask("Q6", "U00000BO", "is there a &lt;!channel&gt; ticket about *bold*"), "I looked at")
		require.NotContains(t, ask("Q7", "U00000BO", "open tickets about &lt;!channel&gt;"), "<!")
		require.Contains(t, ask("Q8", "U00000BO", "who waits longest?"), "waiting since")
		require.Contains(t, ask("Q9", "U00000BO", "open tickets by customer"), "Tenant acme: *1*")
		require.Contains(t, ask("Q10", "U00000BO", "is ticket volume rising?"), "1 opened, 0 solved")
		require.Contains(t, ask("Q11", "U00000BO", "which integrations are failing?"), "No integration is failing")

		b.db.Tenant(t, "acme-labs")
		require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `update tenants set name = case slug when 'acme' then 'Acme Logistics' else 'Acme Labs' end`)
			return err
		}))
		require.Contains(t, ask("Q12", "U00000BO", "how many open tickets for Acme?"), "Which one do you mean?")
		b.interact(t, map[string]any{
			"type": "block_actions", "trigger_id": "1.2.4", "user": map[string]any{"id": "U00000BO", "team_id": "T00000001"}, "channel": map[string]any{"id": "D00000001"},
			"actions": []any{map[string]any{"type": "button", "block_id": "ask", "action_id": "ask_again_0", "value": "how many open tickets for Acme Logistics", "action_ts": "1"}},
		})
		all := b.slack.Ephemeral()
		require.Contains(t, all[len(all)-1].Text, "1 ticket.")

		// Who may not work on tickets sees none of them, wherever they look.
		b.db.Staff(t, "cur@usher.test", "curator")
		b.slack.AddUser(slackfake.User{ID: "U00000CU", Email: "cur@usher.test", Name: "Cur"})
		require.Contains(t, ask("Q13", "U00000CU", "open tickets?"), "not allowed")
		require.Contains(t, command("U00000CU", "open"), "not allowed")
		b.event(t, "H3", map[string]any{"type": "app_home_opened", "user": "U00000CU", "tab": "home"})
		require.NotContains(t, b.slack.Home("U00000CU"), "Import stops")
	})
}
