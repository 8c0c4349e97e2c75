package slack_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

const yara = "U0000YARA"

func withYara(t *testing.T) *testBundle {
	t.Helper()
	b := setup(t)
	b.slack.AddUser(slackfake.User{ID: yara, Email: "yara@usher.test", Name: "Yara"})
	b.slack.AddUser(slackfake.User{ID: "U0000ZOE", Email: "zoe@usher.test", Name: "Zoe"})
	return b
}

// askIn fills the window that asks a colleague.
func (b *testBundle) askIn(t *testing.T, ticket triage.Ticket, view, person, text string) string {
	t.Helper()
	return b.interact(t, map[string]any{
		"type": "view_submission", "user": map[string]any{"id": "U00000BO", "team_id": "T00000001"},
		"view": map[string]any{
			"id": view, "type": "modal", "callback_id": "ask_colleague", "private_metadata": "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String(), "blocks": []any{},
			"state": map[string]any{"values": map[string]any{
				"choice": map[string]any{"choice": map[string]any{"type": "users_select", "selected_user": person}},
				"text":   map[string]any{"text": map[string]any{"type": "plain_text_input", "value": text}},
			}},
		},
	}).Body.String()
}

// answer writes below a question in somebody's direct messages.
func (b *testBundle) answer(t *testing.T, id, person, channel, thread, text string) {
	t.Helper()
	b.event(t, id, map[string]any{"type": "message", "channel_type": "im", "channel": channel, "user": person, "text": text, "ts": "1700000100." + fmt.Sprintf("%06d", len(id)*1000+int(id[len(id)-1])), "thread_ts": thread})
}

func (b *testBundle) whispered() string {
	all := b.slack.Ephemeral()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Text
}

// customer writes once more in a ticket's conversation.
func (b *testBundle) customer(t *testing.T, ticket triage.Ticket, text string) triage.Message {
	t.Helper()
	var m triage.Message
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		if m, _, err = triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: ticket.ConversationID, AuthorKind: triage.AuthorCustomer,
			AuthorID: &b.user, AuthorName: "Ana", Visibility: triage.VisibleToCustomer, Body: text,
		}); err != nil {
			return err
		}
		_, _, err = b.desk.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m})
		return err
	}))
	b.drain(t, ticket)
	return m
}

func TestAskingAColleague(t *testing.T) {
	t.Parallel()
	b := withYara(t)
	ticket := b.escalate(t, "Import stops at <!channel> 80 %")
	root := b.slack.Messages("")[0].TS
	b.press(t, ticket, "U00000BO", "ask_colleague")
	view := b.slack.Views()[0]
	require.Equal(t, 1, view.Updates)
	require.Contains(t, string(view.View), "users_select")
	for range 2 { // pressed twice
		require.Contains(t, b.askIn(t, ticket, view.ID, yara, "Is the *importer* <@U00000BO> throttled?"), "clear")
	}
	b.drain(t, ticket)

	got := b.slack.Direct(yara)
	require.Len(t, got, 1, "one message, pressed twice")
	require.Contains(t, string(got[0].Blocks), "throttled?")
	require.Contains(t, string(got[0].Blocks), "Import stops at")
	require.Contains(t, string(got[0].Blocks), "#1001")
	require.NotContains(t, got[0].Text, "<@U")
	requireInert(t, got[0].Blocks)
	thread := b.slack.Messages(root)
	require.Len(t, thread, 3)
	require.Contains(t, thread[2].Text, "Colleague asked, bo@usher.test: To Yara: Is the")
	requireInert(t, thread[2].Blocks)
	b.event(t, "H1", map[string]any{"type": "app_home_opened", "user": yara, "tab": "home"})
	require.Contains(t, b.slack.Home(yara), "bo@usher.test")
	require.Contains(t, b.slack.Home(yara), "#1001")

	// What the customer writes next and what is asked next come below.
	b.customer(t, ticket, "Still broken")
	require.Contains(t, b.askIn(t, ticket, "V8", yara, "And since when?"), "clear")
	b.drain(t, ticket)
	got = b.slack.Direct(yara)
	require.Len(t, got, 3)
	require.Contains(t, got[1].Text, "Customer: Still broken")
	require.Contains(t, got[2].Text, "And since when?")
	require.Equal(t, got[0].TS, got[1].ThreadTS)
	require.Equal(t, got[0].TS, got[2].ThreadTS)

	// The answer is an internal note, in the thread once, and follows its author.
	dm, question := got[0].Channel, got[0].TS
	answer := map[string]any{"type": "message", "channel_type": "im", "channel": dm, "user": yara, "text": "Yes, since &lt;noon&gt;", "ts": "1700000200.000001", "thread_ts": question,
		"files": []any{map[string]any{"id": "F1", "name": "graph.png"}}}
	b.event(t, "A1", answer)
	require.Contains(t, b.whispered(), "The team has your answer")
	b.event(t, "A2", answer) // redelivered under another id
	b.drain(t, ticket)
	messages := b.detail(t, ticket).Messages
	note := messages[len(messages)-1]
	require.Equal(t, triage.Internal, note.Visibility)
	require.Equal(t, "Yes, since <noon>\n[File that was not passed on: graph.png]", note.Body)
	require.Equal(t, "Yara", note.AuthorName)
	thread = b.slack.Messages(root)
	require.Equal(t, 1, strings.Count(fmt.Sprintf("%+v", textsOf(thread)), "since &lt;noon&gt;"))
	require.Contains(t, thread[len(thread)-1].Text, "Internal, Yara, asked by bo@usher.test")
	changed := func(id, subtype, text string) {
		event := map[string]any{"type": "message", "subtype": subtype, "channel": dm, "deleted_ts": "1700000200.000001",
			"message":          map[string]any{"user": yara, "text": text, "ts": "1700000200.000001", "thread_ts": question},
			"previous_message": map[string]any{"user": yara, "text": "before", "ts": "1700000200.000001", "thread_ts": question}}
		b.event(t, id, event)
		b.drain(t, ticket)
	}
	changed("A3", "message_changed", "No, since one")
	require.Equal(t, "No, since one", b.detail(t, ticket).Messages[len(messages)-1].Body)
	changed("A4", "message_deleted", "")
	require.Equal(t, triage.MessageDeleted, b.detail(t, ticket).Messages[len(messages)-1].State)
	require.NotContains(t, fmt.Sprintf("%+v", textsOf(b.slack.Messages(root))), "since one")

	// Nothing of it reaches the customer.
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		visible, err := triage.MessagesBefore(t.Context(), tx, b.tenant, b.conversation, 0, false, 50)
		require.NoError(t, err)
		require.Len(t, visible, 2)
		events, err := triage.EventsSince(t.Context(), tx, b.tenant, b.conversation, 0, false, 500)
		require.NoError(t, err)
		for _, e := range events {
			require.NotContains(t, string(e.Payload), "Yara")
			require.NotContains(t, string(e.Payload), "noon")
		}
		return nil
	}))
	var history []string
	for _, e := range b.detail(t, ticket).Events {
		history = append(history, e.Kind)
	}
	require.Contains(t, history, "colleague_asked")
	require.Contains(t, history, "colleague_answered")
}

func textsOf(messages []slackfake.Message) (out []string) {
	for _, m := range messages {
		out = append(out, m.Text+string(m.Blocks))
	}
	return out
}

// What a colleague sees is their own ticket's question, summary and customer's
// words, by direct message, as long as they are asked; by no other way anything.
func TestWhatAColleagueSees(t *testing.T) {
	t.Parallel()
	b := withYara(t)
	other := b.escalate(t, "OTHERTICKET payroll file")
	ticket := b.escalate(t, "Import stops, write to ana.secret@acme.test or +49 170 1234567")
	bo := triage.Actor{Kind: triage.ActorStaff, ID: b.bo}
	ref := desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}
	_, err := b.desk.AddNote(t.Context(), bo, ref, desk.InternalNote{Text: "TEAMONLY they are about to leave"})
	require.NoError(t, err)
	_, err = b.desk.Reply(t.Context(), bo, ref, desk.Reply{Text: "We look into it."})
	require.NoError(t, err)
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update tickets set summary = summary || E'\nLooks like #1001 (OTHERTICKET payroll file), which is open.' where tenant_id = $1 and id = $2`, b.tenant, ticket.ID)
		return err
	}))
	b.drain(t, ticket)
	require.Contains(t, b.askIn(t, ticket, "V1", yara, "Is it throttled?"), "clear")
	require.Contains(t, b.askIn(t, other, "V2", "U0000ZOE", "ZOEONLY which file?"), "clear")
	b.drain(t, ticket)
	b.drain(t, other)
	_, err = b.desk.AddNote(t.Context(), bo, ref, desk.InternalNote{Text: "TEAMONLY later note"})
	require.NoError(t, err)
	b.customer(t, ticket, "My card is 4111 1111 1111 1111")
	b.customer(t, other, "OTHERTICKET again")
	b.event(t, "H1", map[string]any{"type": "app_home_opened", "user": yara, "tab": "home"})

	sees := func() string { return fmt.Sprintf("%+v %s", textsOf(b.slack.Direct(yara)), b.slack.Home(yara)) }
	for _, want := range []string{"Import stops", "Is it throttled?", "Summary of:", "My card is"} {
		require.Contains(t, sees(), want)
	}
	for _, hidden := range []string{"OTHERTICKET", "#1001", "TEAMONLY", "ZOEONLY", "ana.secret", "1234567", "4111", "agent/tickets", "Due soon", "Nobody's"} {
		require.NotContains(t, sees(), hidden)
	}
	require.NotContains(t, fmt.Sprintf("%+v", textsOf(b.slack.Direct("U0000ZOE"))), "Import stops")

	t.Run("commands, questions, buttons and windows stay shut", func(t *testing.T) {
		w := b.send(t, "/slack/commands", "application/x-www-form-urlencoded", url.Values{"command": {"/ticket"}, "text": {"1002"}, "user_id": {yara}}.Encode())
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), "cannot act")
		b.event(t, "Q1", map[string]any{"type": "message", "channel_type": "im", "channel": "D00000YARA", "user": yara, "text": "open tickets?", "ts": "1700000300.000001"})
		require.Contains(t, b.whispered(), "cannot act")
		for _, action := range []string{"claim", "summary", "ask_colleague", "resolve"} {
			b.press(t, ticket, yara, action)
		}
		require.Len(t, b.slack.Views(), 2)
		for _, v := range b.slack.Views() {
			require.NotContains(t, string(v.View), "Import stops")
			require.Contains(t, string(v.View), "cannot act")
		}
		require.Contains(t, b.submit(t, ticket, yara, "V7", "reply", map[string]string{"text": "hello customer", "choice": "open"}), "cannot act")
		require.Empty(t, b.detail(t, ticket).ClosedAs)
		require.NotEqual(t, triage.InternalSolved, b.detail(t, ticket).Ticket.InternalState)
	})

	before := len(b.detail(t, ticket).Messages)
	question, zoes := b.slack.Direct(yara)[0], b.slack.Direct("U0000ZOE")[0]

	t.Run("nobody answers below somebody else's question", func(t *testing.T) {
		b.answer(t, "X1", "U0000ZOE", question.Channel, question.TS, "let me in")
		b.answer(t, "X2", yara, zoes.Channel, zoes.TS, "let me in")
		require.Contains(t, b.whispered(), "did not reach the team")
		require.Len(t, b.detail(t, ticket).Messages, before)
	})

	t.Run("who becomes a guest neither answers nor is sent anything", func(t *testing.T) {
		answer := func(id, subtype, text string) {
			said := map[string]any{"user": yara, "text": text, "ts": "1700000300.000001", "thread_ts": question.TS}
			previous := maps.Clone(said)
			previous["text"] = "before"
			event := map[string]any{"type": "message", "channel_type": "im", "channel": question.Channel, "subtype": subtype, "message": said, "previous_message": previous, "deleted_ts": said["ts"]}
			if subtype == "" {
				event = said
				event["type"], event["channel_type"], event["channel"] = "message", "im", question.Channel
			}
			b.event(t, id, event)
			b.drain(t, ticket)
		}
		note := func() triage.Message { return b.detail(t, ticket).Messages[before] }
		answer("G1", "", "said as a member")
		require.Equal(t, "said as a member", note().Body)
		b.slack.AddUser(slackfake.User{ID: yara, Email: "yara@usher.test", Name: "Yara", Restricted: true})
		b.event(t, "UC", map[string]any{"type": "user_change", "user": map[string]any{"id": yara}})
		b.answer(t, "X3", yara, question.Channel, question.TS, "as a guest")
		require.Len(t, b.detail(t, ticket).Messages, before+1)
		answer("G2", "message_changed", "rewritten as a guest")
		require.Equal(t, "said as a member", note().Body)
		answer("G3", "message_deleted", "")
		require.Equal(t, "said as a member", note().Body)
		sent := len(b.slack.Direct(yara))
		b.customer(t, ticket, "FORMEMBERS only")
		require.Len(t, b.slack.Direct(yara), sent)
		b.event(t, "H2", map[string]any{"type": "app_home_opened", "user": yara, "tab": "home"})
		require.NotContains(t, b.slack.Home(yara), "throttled")
		b.slack.AddUser(slackfake.User{ID: yara, Email: "yara@usher.test", Name: "Yara"})
		b.event(t, "UD", map[string]any{"type": "user_change", "user": map[string]any{"id": yara}})
		answer("G4", "message_changed", "a member again")
		require.Equal(t, "a member again", note().Body)
	})

	t.Run("taken off: what was sent says nothing any more, and nothing comes", func(t *testing.T) {
		thread := b.slack.Messages(strings.TrimPrefix(b.detail(t, ticket).Links[0].ExternalID, "C00000001:"))
		var colleague string
		for _, m := range thread {
			if _, rest, ok := strings.Cut(string(m.Blocks), `"unask:`); ok {
				colleague = rest[:36]
			}
		}
		require.NotEmpty(t, colleague)
		for range 2 {
			b.press(t, ticket, "U00000BO", "unask:"+colleague)
		}
		b.drain(t, ticket)
		b.customer(t, ticket, "AFTERWARDS")
		require.Contains(t, b.askIn(t, other, "V3", "U0000ZOE", "still there?"), "clear")
		b.drain(t, other)
		b.event(t, "H3", map[string]any{"type": "app_home_opened", "user": yara, "tab": "home"})
		for _, gone := range []string{"Import stops", "throttled", "Summary of:", "My card is", "AFTERWARDS", "acme"} {
			require.NotContains(t, sees(), gone)
		}
		require.Contains(t, sees(), "Thank you for your help")
		messages := len(b.detail(t, ticket).Messages)
		b.answer(t, "X4", yara, question.Channel, question.TS, "too late")
		require.Contains(t, b.whispered(), "did not reach the team")
		require.Len(t, b.detail(t, ticket).Messages, messages)
		require.Contains(t, fmt.Sprintf("%+v", textsOf(b.slack.Direct("U0000ZOE"))), "ZOEONLY", "others stay asked")
	})

	t.Run("solved: it ends by itself, and a solved ticket asks nobody", func(t *testing.T) {
		_, err := b.desk.Resolve(t.Context(), bo, desk.TicketRef{TenantID: b.tenant, ID: other.ID})
		require.NoError(t, err)
		b.drain(t, other)
		all := fmt.Sprintf("%+v", textsOf(b.slack.Direct("U0000ZOE")))
		require.NotContains(t, all, "ZOEONLY")
		require.NotContains(t, all, "OTHERTICKET")
		require.Contains(t, all, "This ticket is done")
		require.Contains(t, b.askIn(t, other, "V4", yara, "and now?"), "Reopen it first")
	})
}

func TestOnlyMembersAreAsked(t *testing.T) {
	t.Parallel()
	b := withYara(t)
	ticket := b.escalate(t, "Help")
	for i, u := range []slackfake.User{
		{ID: "U000GUEST", Restricted: true}, {ID: "U0000GONE", Deleted: true}, {ID: "U0CONNECT", Team: "T00009999"}, {ID: "U0STRANGE", Stranger: true}, {ID: "U0000BOT1", IsBot: true},
	} {
		b.slack.AddUser(u)
		require.Contains(t, b.askIn(t, ticket, fmt.Sprintf("V%d", i), u.ID, "hello?"), "Choose a full member", u.ID)
	}
	require.Contains(t, b.askIn(t, ticket, "V9", "U0NOBODY1", "hello?"), "Choose a full member")
	require.Contains(t, b.askIn(t, ticket, "VA", yara, "  "), "Please write something")
	b.drain(t, ticket)
	require.Zero(t, b.slack.Calls("conversations.open"))
	require.Len(t, b.slack.Messages(b.slack.Messages("")[0].TS), 2)
}

func TestALostQuestionIsAskedOnce(t *testing.T) {
	t.Parallel()
	b := withYara(t)
	ticket := b.escalate(t, "Help")
	var mu sync.Mutex
	lost := 0
	b.slack.Fail(func(method string) slackfake.Fault {
		mu.Lock()
		defer mu.Unlock()
		if method == "chat.postMessage" && lost < 3 {
			lost++
			return slackfake.Fault{Lose: true}
		}
		return slackfake.Fault{}
	})
	require.Contains(t, b.askIn(t, ticket, "V1", yara, "Is it throttled?"), "clear")
	b.drain(t, ticket)
	b.customer(t, ticket, "More")
	require.Equal(t, 3, lost)
	got := b.slack.Direct(yara)
	require.Len(t, got, 2)
	require.Equal(t, got[0].TS, got[1].ThreadTS)
}
