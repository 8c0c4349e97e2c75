package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// window is what the last window that was opened shows.
func (b *testBundle) window(t *testing.T) (id, view string) {
	t.Helper()
	views := b.slack.Views()
	require.NotEmpty(t, views)
	last := views[len(views)-1]
	require.Equal(t, 1, last.Updates)
	return last.ID, string(last.View)
}

// choosePerson submits a window with a menu of people.
func (b *testBundle) choosePerson(t *testing.T, ticket triage.Ticket, view, callback, person string) string {
	t.Helper()
	return b.interact(t, map[string]any{
		"type": "view_submission", "user": map[string]any{"id": "U00000BO", "team_id": "T00000001"},
		"view": map[string]any{
			"id": view, "type": "modal", "callback_id": callback, "private_metadata": "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String(), "blocks": []any{},
			"state": map[string]any{"values": map[string]any{"choice": map[string]any{"choice": map[string]any{"type": "users_select", "selected_user": person}}}},
		},
	}).Body.String()
}

func TestReassigning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.db.Staff(t, "cy@usher.test")
	b.slack.AddUser(slackfake.User{ID: "U00000CY", Email: "cy@usher.test", Name: "Cy"})
	ticket := b.escalate(t, "Help")
	b.press(t, ticket, "U00000BO", "assign")
	id, view := b.window(t)
	require.Contains(t, view, "New owner")
	require.Contains(t, view, "users_select")
	require.Contains(t, b.choosePerson(t, ticket, id, "assign", "U0000EVE"), "This value is not known here.")
	require.Contains(t, b.choosePerson(t, ticket, id, "assign", ""), "This value is not known here.")
	require.Empty(t, b.detail(t, ticket).Ticket.AssigneeName)
	require.Contains(t, b.choosePerson(t, ticket, id, "assign", "U00000CY"), `"response_action":"clear"`)
	b.drain(t, ticket)
	require.Equal(t, "cy@usher.test", b.detail(t, ticket).Ticket.AssigneeName)
	require.Contains(t, string(b.slack.Messages("")[0].Blocks), "Owner: cy@usher.test")
	require.Len(t, b.slack.Direct("U00000CY"), 1)
	require.Contains(t, b.slack.Direct("U00000CY")[0].Text, "bo@usher.test gave you this ticket: Help")
	require.Empty(t, b.slack.Direct("U00000BO"))
}

func TestMerging(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stays := b.escalate(t, "Import stops")
	goes := b.escalate(t, "Import stops again")
	b.press(t, goes, "U00000BO", "merge")
	id, view := b.window(t)
	require.Contains(t, view, "Number of the ticket that stays")
	require.Contains(t, b.submit(t, goes, "U00000BO", id, "merge", map[string]string{"text": "the first"}), "This value is not known here.")
	require.Contains(t, b.submit(t, goes, "U00000BO", id, "merge", map[string]string{"text": fmt.Sprintf("#%d", goes.Number)}), "errors", "not into itself")
	require.Contains(t, b.submit(t, goes, "U00000BO", id, "merge", map[string]string{"text": fmt.Sprintf(" #%d ", stays.Number)}), `"response_action":"clear"`)
	d := b.detail(t, goes)
	require.Equal(t, triage.InternalClosed, d.Ticket.InternalState)
	require.Equal(t, "merged", d.ClosedAs)
	require.NotEqual(t, triage.InternalClosed, b.detail(t, stays).Ticket.InternalState)
	b.drain(t, goes)
	require.Contains(t, b.slack.Messages("")[1].Text, "(Closed)")
}

func TestReadingTheSummaryAndSimilarTickets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	solved := b.escalate(t, "Import from the warehouse stops")
	_, err := b.desk.Reply(t.Context(), b.agent(), b.ref(solved), desk.Reply{Text: "Renew the certificate <!here>", ClientKey: "k", Then: triage.InternalSolved})
	require.NoError(t, err)
	ticket := b.escalate(t, "Import from the warehouse is late")
	_, err = b.desk.AddNote(t.Context(), b.agent(), b.ref(ticket), desk.InternalNote{Text: "Seen before", ClientKey: "n"})
	require.NoError(t, err)
	b.press(t, ticket, "U00000BO", "summary")
	_, view := b.window(t)
	for _, want := range []string{
		"Summary of: Import from the warehouse is late", "Handed over: no answer", "1 messages of the customer, 0 of the assistant, 1 of agents.",
		"Ana (customer): Import from the warehouse is late", "bo@usher.test (agent): Seen before",
	} {
		require.Contains(t, view, want)
	}
	require.NotContains(t, view, `"submit"`, "there is nothing to save")
	b.press(t, ticket, "U00000BO", "similar")
	_, view = b.window(t)
	require.Contains(t, view, fmt.Sprintf("#%d Import from the warehouse stops: Renew the certificate", solved.Number))
	require.NotContains(t, view, `"mrkdwn"`)
	b.press(t, b.escalate(t, "zzz"), "U00000BO", "summary")
	_, view = b.window(t)
	require.NotContains(t, view, "warehouse", "only the ticket's own")
}

func TestOtherReactions(t *testing.T) {
	t.Parallel()
	react := func(b *testBundle, id, kind, emoji, root string) {
		b.event(t, id, map[string]any{"type": kind, "user": "U00000BO", "reaction": emoji, "item": map[string]any{"type": "message", "channel": "C00000001", "ts": root}})
	}
	b := setup(t, func(c *slack.InboundConfig) { c.ClaimEmoji, c.ResolveEmoji = ":raised_hand:", "off" })
	ticket := b.escalate(t, "Help")
	root := b.slack.Messages("")[0].TS
	react(b, "R1", "reaction_added", "eyes", root)
	react(b, "R2", "reaction_added", "white_check_mark", root)
	react(b, "R3", "reaction_added", "off", root)
	require.Empty(t, b.detail(t, ticket).Ticket.AssigneeName)
	require.Equal(t, triage.InternalNew, b.detail(t, ticket).Ticket.InternalState)
	require.Empty(t, b.slack.Ephemeral())
	react(b, "R4", "reaction_added", "raised_hand::skin-tone-4", root)
	require.Equal(t, "bo@usher.test", b.detail(t, ticket).Ticket.AssigneeName)
	require.Equal(t, "You own this ticket now. Take the :raised_hand: away to undo.", b.slack.Ephemeral()[0].Text)
	react(b, "R5", "reaction_removed", "raised_hand::skin-tone-4", root)
	require.Empty(t, b.detail(t, ticket).Ticket.AssigneeName)
}

// What customers write has no limit where it comes from; here everything has one.
func TestHostileTextBeyondEveryLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	root := b.slack.Messages("")[0]
	place := desk.Ref{ID: "C00000001:" + root.TS}
	hidden := "\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\U000e0041\u3164\x00\x07"
	for name, text := range map[string]string{
		"long":            strings.Repeat("A long <!channel> story. ", 20_000),
		"one word":        strings.Repeat("x", 300_000),
		"counts twice":    strings.Repeat("😀", 100_000),
		"escapes grow":    strings.Repeat("<&>", 100_000),
		"turned around":   strings.Repeat("\u202egnp.exe\u202c \u2067abc\u2069 ", 20_000),
		"only the hidden": strings.Repeat(hidden, 10_000),
		"hidden between":  strings.Repeat("<"+hidden+"!"+hidden+"channel> ", 5_000),
		"many lines":      strings.Repeat("line\n", 100_000),
		"blocks":          strings.Repeat(`"}]},{"type":"actions","elements":[`, 10_000),
		"not text":        strings.Repeat("\xff\xfe\xed\xa0\x80", 50_000),
	} {
		require.Greater(t, len(text), 64<<10, name)
		_, err := b.client.UpsertRoot(t.Context(), desk.Card{TicketID: ticket.ID, TenantID: b.tenant, Number: 1001, Subject: text, TenantName: text, Owner: text, Stage: text, Team: text, CustomerName: text}, place)
		require.NoError(t, err, name)
		_, err = b.client.PostThread(t.Context(), place, desk.Post{Key: name, Ticket: b.ref(ticket), Label: desk.PostCustomer, Author: text, Text: text, Links: []desk.Link{{Title: text, URL: "https://usher.test/1"}}})
		require.NoError(t, err, name)
		_, err = b.client.Ping(t.Context(), desk.Ping{Key: name, Ticket: b.ref(ticket), Person: "U00000BO", Text: text, Number: 1001})
		require.NoError(t, err, name)
		_, err = b.client.UpsertAsk(t.Context(), desk.Ask{Key: "ask" + name, Ticket: b.ref(ticket), Person: "U00000BO", By: text, TenantName: text, Question: text, Summary: text}, desk.Ref{})
		require.NoError(t, err, name)
		for _, m := range append(append(b.slack.Messages(""), b.slack.Messages(root.TS)...), b.slack.Direct("U00000BO")...) {
			requireInert(t, m.Blocks)
			require.LessOrEqual(t, len(m.Text), 12_000, name)
			for _, shown := range []string{m.Text, unquoted(t, m.Blocks)} {
				require.NotContains(t, shown, "<!", name)
				for _, r := range hidden {
					require.NotContains(t, shown, string(r), name)
				}
			}
		}
		if t.Failed() {
			return
		}
	}
}

// unquoted are the texts of mrkdwn in blocks, as a person gets them, and of plain
// ones without what Slack does not read in them.
func unquoted(t *testing.T, blocks json.RawMessage) string {
	t.Helper()
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if text, ok := v["text"].(string); ok {
				if v["type"] == "plain_text" {
					text = strings.ReplaceAll(text, "<!", "")
				}
				out = append(out, text)
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
	var v any
	require.NoError(t, json.Unmarshal(blocks, &v))
	walk(v)
	return strings.Join(out, "\n")
}
