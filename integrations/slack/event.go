package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// callback is what is read of an Events API envelope. Fields are the vendor's.
type callback struct {
	TeamID string `json:"team_id"`
	Event  struct {
		Type        string               `json:"type"`
		Subtype     string               `json:"subtype"`
		User        string               `json:"user"`
		BotID       string               `json:"bot_id"`
		Text        string               `json:"text"`
		Channel     string               `json:"channel"`
		ChannelType string               `json:"channel_type"`
		TS          string               `json:"ts"`
		ThreadTS    string               `json:"thread_ts"`
		DeletedTS   string               `json:"deleted_ts"`
		Tab         string               `json:"tab"`
		Reaction    string               `json:"reaction"`
		Metadata    *slack.SlackMetadata `json:"metadata"`
		Message     *eventMessage        `json:"message"`
		Previous    *eventMessage        `json:"previous_message"`
		Files       []eventFile          `json:"files"`
		Item        struct {
			Type    string `json:"type"`
			Channel string `json:"channel"`
			TS      string `json:"ts"`
		} `json:"item"`
	} `json:"event"`
}

type eventMessage struct {
	User     string      `json:"user"`
	BotID    string      `json:"bot_id"`
	Text     string      `json:"text"`
	TS       string      `json:"ts"`
	ThreadTS string      `json:"thread_ts"`
	Files    []eventFile `json:"files"`
}

// events are the types that are worked on; the manifest asks for them.
var events = []string{"message", "reaction_added", "reaction_removed", "app_home_opened", "app_mention", "user_change", "tokens_revoked", "app_uninstalled"}

// event works on one stored event. What is not known is ignored.
func (in *Inbound) event(ctx context.Context, payload []byte) error {
	var kind struct {
		Event struct {
			Type string `json:"type"`
		} `json:"event"`
	}
	if err := json.Unmarshal(payload, &kind); err != nil {
		return &desk.PermanentError{Safe: "The stored event cannot be read.", Err: err}
	}
	if !slices.Contains(events, kind.Event.Type) {
		return nil // the same field names mean other things elsewhere
	}
	switch kind.Event.Type {
	case "user_change", "tokens_revoked", "app_uninstalled":
		in.client.forget()
		return nil
	}
	var e callback
	if err := json.Unmarshal(payload, &e); err != nil {
		return &desk.PermanentError{Safe: "The stored event cannot be read.", Err: err}
	}
	switch e.Event.Type {
	case "message":
		return in.message(ctx, e)
	case "reaction_added", "reaction_removed":
		return in.reaction(ctx, e)
	case "app_home_opened":
		if e.Event.User != "" && (e.Event.Tab == "home" || e.Event.Tab == "") {
			return in.publishHome(ctx, e.Event.User)
		}
	case "app_mention":
		if e.Event.User != "" && e.Event.BotID == "" {
			return in.mention(ctx, e)
		}
	}
	return nil
}

// forget drops what was cached about people and the workspace.
func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.users)
	c.team, c.bot = "", ""
}

func (in *Inbound) message(ctx context.Context, e callback) error {
	ev := e.Event
	switch ev.Subtype {
	case "message_changed":
		if ev.Message == nil || ev.Previous == nil || ev.Message.BotID != "" || ev.Message.Text == ev.Previous.Text {
			return nil // also sent when only a link preview was added
		}
		return in.edited(ctx, ev.Channel, *ev.Message)
	case "message_deleted":
		if ev.Previous == nil || ev.Previous.BotID != "" {
			return nil
		}
		return in.deleted(ctx, ev.Channel, ev.DeletedTS, *ev.Previous)
	case "", "file_share", "thread_broadcast", "me_message":
	default:
		return nil
	}
	if ev.BotID != "" || ev.User == "" {
		return in.own(ctx, e)
	}
	if ev.ChannelType == "im" && ev.ThreadTS != "" && ev.ThreadTS != ev.TS {
		if ours, err := in.answered(ctx, ev.Channel, ev.ThreadTS, ev.TS, ev.User, ev.Text, ev.Files); err != nil || ours {
			return err
		}
	}
	if ev.ChannelType == "im" {
		return in.ask(ctx, ev.Channel, "", ev.User, ev.Text)
	}
	if ev.ThreadTS == "" || ev.ThreadTS == ev.TS {
		return nil
	}
	ref, err := in.ticketAt(ctx, ev.Channel, ev.ThreadTS)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	actor, err := in.staff(ctx, ev.User)
	if err == nil {
		_, err = in.desk.AddNote(ctx, actor, ref, desk.InternalNote{Text: posted(ev.Text, ev.Files), ClientKey: noteKey(ev.Channel, ev.TS), FromSlack: true})
	}
	if err != nil && forPerson(err) {
		return in.client.whisper(ctx, ev.Channel, ev.ThreadTS, ev.User, "Not kept in Usher. "+explain(err))
	}
	return err
}

func noteKey(channel, ts string) string { return "slack:" + channel + ":" + ts }

// own remembers a message of ours: where its answer was lost, this is how we
// learn that it exists.
func (in *Inbound) own(ctx context.Context, e callback) error {
	m := e.Event.Metadata
	if m == nil || m.EventType != metadataType || e.Event.BotID == "" {
		return nil
	}
	if _, bot, err := in.client.home(ctx); err != nil || bot != e.Event.BotID {
		return err // another app may write the same mark
	}
	text := func(key string) string { s, _ := m.EventPayload[key].(string); return s }
	tenant, ticket := parseID(text("tenant")), parseID(text("ticket"))
	if tenant == uuid.Nil || ticket == uuid.Nil {
		return nil
	}
	return in.desk.Observe(ctx, desk.TicketRef{TenantID: tenant, ID: ticket}, System, text("key"), reference(e.Event.Channel, e.Event.TS))
}

func (in *Inbound) edited(ctx context.Context, channel string, m eventMessage) error {
	if ours, err := in.answerChanged(ctx, channel, m.TS, m, m.Text); err != nil || ours {
		return err
	}
	actor, ref, ok, err := in.inThread(ctx, channel, m)
	if err != nil || !ok {
		return err
	}
	return in.desk.EditNote(ctx, actor, ref, noteKey(channel, m.TS), posted(m.Text, m.Files))
}

func (in *Inbound) deleted(ctx context.Context, channel, ts string, m eventMessage) error {
	if ours, err := in.answerChanged(ctx, channel, ts, m, ""); err != nil || ours {
		return err
	}
	actor, ref, ok, err := in.inThread(ctx, channel, m)
	if err != nil || !ok {
		return err
	}
	return in.desk.DeleteNote(ctx, actor, ref, noteKey(channel, ts))
}

// inThread finds whose message in which ticket's thread was changed.
func (in *Inbound) inThread(ctx context.Context, channel string, m eventMessage) (triage.Actor, desk.TicketRef, bool, error) {
	if m.ThreadTS == "" {
		return triage.Actor{}, desk.TicketRef{}, false, nil
	}
	ref, err := in.ticketAt(ctx, channel, m.ThreadTS)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return triage.Actor{}, ref, false, nil
	}
	if err != nil {
		return triage.Actor{}, ref, false, err
	}
	actor, err := in.staff(ctx, m.User)
	if err != nil && forPerson(err) {
		return triage.Actor{}, ref, false, nil
	}
	return actor, ref, err == nil, err
}

// Reactions that act, where no others are set. Both can be taken back; urgent
// tickets need a button, because a reaction is easily dropped by accident.
const (
	claimEmoji   = "eyes"
	resolveEmoji = "white_check_mark"
)

// emoji is the name of a reaction that acts: the one that is set, or the usual
// one; empty where it is switched off.
func emoji(set, usual string) string {
	if set = strings.ToLower(strings.Trim(strings.TrimSpace(set), ":")); set == "off" {
		return ""
	}
	return cmp.Or(set, usual)
}

func (in *Inbound) reaction(ctx context.Context, e callback) error {
	ev := e.Event
	name, _, _ := strings.Cut(ev.Reaction, "::") // whatever the colour of the hand
	if ev.User == "" || ev.Item.Type != "message" || name == "" || name != in.claim && name != in.resolve {
		return nil
	}
	ref, err := in.ticketAt(ctx, ev.Item.Channel, ev.Item.TS)
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	actor, err := in.staff(ctx, ev.User)
	done := ""
	if err == nil {
		done, err = in.react(ctx, actor, ref, name, ev.Type == "reaction_added")
	}
	if err != nil && !forPerson(err) {
		return err
	}
	if err != nil {
		done = explain(err)
	}
	if done == "" {
		return nil
	}
	return in.client.whisper(ctx, ev.Item.Channel, "", ev.User, done)
}

func (in *Inbound) react(ctx context.Context, actor triage.Actor, ref desk.TicketRef, emoji string, added bool) (string, error) {
	d, err := in.detail(ctx, ref)
	if err != nil {
		return "", err
	}
	if d.Ticket.Priority == triage.PriorityUrgent {
		if added {
			return "This ticket is urgent: please use its buttons.", nil
		}
		return "", nil
	}
	mine := d.Ticket.AssigneeID != nil && *d.Ticket.AssigneeID == actor.ID
	switch {
	case emoji == in.claim && added:
		_, err = in.desk.Claim(ctx, actor, ref)
		return fmt.Sprintf("You own this ticket now. Take the :%s: away to undo.", emoji), err
	case emoji == in.claim && mine:
		_, err = in.desk.Assign(ctx, actor, ref, uuid.Nil)
		return "You do not own this ticket any more.", err
	case emoji == in.resolve && added:
		_, err = in.desk.Resolve(ctx, actor, ref)
		return fmt.Sprintf("Solved. Take the :%s: away to undo.", emoji), err
	case emoji == in.resolve && d.Ticket.InternalState == triage.InternalSolved:
		_, err = in.desk.Reopen(ctx, actor, ref)
		return "Open again.", err
	}
	return "", nil
}

// mention answers a question to the app in a channel, in its thread and to the asker only.
func (in *Inbound) mention(ctx context.Context, e callback) error {
	text := e.Event.Text
	if _, rest, ok := strings.Cut(text, ">"); ok && strings.HasPrefix(text, "<@") {
		text = rest
	}
	return in.ask(ctx, e.Event.Channel, e.Event.ThreadTS, e.Event.User, text)
}

// ask answers a question in words from the queue, with the asker's rights.
func (in *Inbound) ask(ctx context.Context, channel, thread, user, text string) error {
	actor, err := in.staff(ctx, user)
	if err == nil {
		var answer string
		var blocks []slack.Block
		if answer, blocks, err = in.answerQuestion(ctx, actor, unescape(text)); err == nil {
			return in.client.whisper(ctx, channel, thread, user, answer, blocks...)
		}
	}
	if forPerson(err) {
		return in.client.whisper(ctx, channel, thread, user, explain(err))
	}
	return err
}

// unescape turns Slack's text into plain text.
func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}
