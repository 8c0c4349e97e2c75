package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// System is the name of this destination in ticket_links and deliveries.
const System = "slack"

// metadataType marks our own messages; their payload carries the key of what posted them.
const metadataType = "usher_delivery"

// Config reaches a workspace. Token and Channel are needed.
type Config struct {
	Token    string // xoxb-…
	Channel  string // id of the private triage channel
	APIURL   string // default https://slack.com/api/
	HTTP     *http.Client
	Now      func() time.Time
	PerPost  time.Duration // least time between two posts into the channel; default 1 s, negative: none
	Burst    int           // posts that may go at once; default 3
	CheckFor time.Duration // how long a channel is taken as not shared; default 10 min
	// CopyBytes is the largest file that is copied into the channel; 0: none is.
	CopyBytes int64
}

// Client posts tickets into a channel.
type Client struct {
	api     *slack.Client
	http    *http.Client
	token   string
	apiURL  *url.URL // nil: Slack's own
	channel string
	now     func() time.Time
	pace    *rate.Limiter
	copies  int64

	mu       sync.Mutex
	checkFor time.Duration
	checked  time.Time
	users    map[string]cachedUser
	team     string
	bot      string
}

// New returns a Client.
func New(c Config) *Client {
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	options := []slack.Option{slack.OptionHTTPClient(c.HTTP)}
	var apiURL *url.URL
	if c.APIURL != "" {
		apiURL, _ = url.Parse(c.APIURL) // what cannot be read fails at the first call
		options = append(options, slack.OptionAPIURL(strings.TrimSuffix(c.APIURL, "/")+"/"))
	}
	limit := rate.Every(cmp.Or(c.PerPost, time.Second))
	if c.PerPost < 0 {
		limit = rate.Inf
	}
	return &Client{
		api: slack.New(c.Token, options...), http: c.HTTP, token: c.Token, apiURL: apiURL, channel: c.Channel, now: c.Now, pace: rate.NewLimiter(limit, cmp.Or(c.Burst, 3)), copies: c.CopyBytes,
		checkFor: cmp.Or(c.CheckFor, 10*time.Minute), users: map[string]cachedUser{},
	}
}

// System implements desk.Channel.
func (c *Client) System() string { return System }

// UpsertRoot implements desk.Channel.
func (c *Client) UpsertRoot(ctx context.Context, card desk.Card, at desk.Ref) (desk.Ref, error) {
	blocks, text := rootMessage(card)
	key := "root:" + card.TicketID.String()
	if at.IsZero() && card.Retry {
		found, err := c.find(ctx, c.channel, "", key, card.Since)
		if err != nil {
			return desk.Ref{}, err
		}
		at = found
	}
	mark := meta(key, card.TenantID.String(), card.TicketID.String())
	if !at.IsZero() {
		gone, err := c.editRoot(ctx, at, text, blocks, mark)
		if err != nil || !gone {
			return at, err
		}
		// Somebody deleted the message; the ticket needs one. An earlier try may
		// have posted it.
		if card.Retry {
			at, err := c.find(ctx, c.channel, "", key, card.Since)
			if err != nil {
				return desk.Ref{}, err
			}
			if !at.IsZero() {
				if gone, err = c.editRoot(ctx, at, text, blocks, mark); err != nil || !gone {
					return at, err
				}
			}
		}
	}
	return c.post(ctx, text, blocks, mark)
}

// editRoot gives a root its new text; gone says that nothing stands there any more.
func (c *Client) editRoot(ctx context.Context, at desk.Ref, text string, blocks []slack.Block, mark slack.MsgOption) (gone bool, err error) {
	if err := c.private(ctx); err != nil {
		return false, err
	}
	channel, ts := split(at)
	_, _, _, err = c.api.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...), mark)
	if isError(err, "message_not_found") {
		return true, nil
	}
	return false, c.err(ctx, "update root message", err)
}

// PostThread implements desk.Channel.
func (c *Client) PostThread(ctx context.Context, root desk.Ref, post desk.Post) (desk.Ref, error) {
	at := post.At
	if at.IsZero() && post.Retry {
		var err error
		channel, ts := split(root)
		if at, err = c.find(ctx, channel, ts, post.Key, time.Time{}); err != nil {
			return desk.Ref{}, err
		}
		if !at.IsZero() && !post.Changed {
			return at, nil
		}
	}
	blocks, text := threadMessage(post)
	if !at.IsZero() {
		return c.rewrite(ctx, at, text, blocks, meta(post.Key, post.Ticket.TenantID.String(), post.Ticket.ID.String()))
	}
	_, ts := split(root)
	return c.post(ctx, text, blocks, slack.MsgOptionTS(ts), meta(post.Key, post.Ticket.TenantID.String(), post.Ticket.ID.String()))
}

// rewrite gives a message its new text. One that people deleted stays deleted.
func (c *Client) rewrite(ctx context.Context, at desk.Ref, text string, blocks []slack.Block, mark slack.MsgOption) (desk.Ref, error) {
	channel, ts := split(at)
	if channel == c.channel {
		if err := c.private(ctx); err != nil {
			return desk.Ref{}, err
		}
	}
	_, _, _, err := c.api.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...), mark)
	if tooLong(err) {
		_, _, _, err = c.api.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(short(text)), mark)
	}
	if isError(err, "message_not_found") {
		return at, nil
	}
	return at, c.err(ctx, "update message", err)
}

var _ desk.Pinger = (*Client)(nil)

// Ping implements desk.Pinger.
func (c *Client) Ping(ctx context.Context, ping desk.Ping) (desk.Ref, error) {
	if ping.Retry {
		channel, err := c.opened(ctx, ping.Person)
		if err != nil {
			return desk.Ref{}, err
		}
		if channel != "" {
			if at, err := c.find(ctx, channel, "", ping.Key, ping.Since); err != nil || !at.IsZero() {
				return at, err
			}
		}
	}
	if _, err := c.member(ctx, ping.Person); err != nil {
		return desk.Ref{}, notMember(err)
	}
	text := fmt.Sprintf("#%d: %s", ping.Number, escape(triage.Line(ping.Text, 1000)))
	about := fmt.Sprintf("ℹ️ Your ticket *#%d*", ping.Number)
	if link := ourLink(ping.Thread.URL, "Open the thread"); link != "" {
		about += " · " + link
	}
	blocks := []slack.Block{slack.NewContextBlock("", mrkdwn(about))}
	for _, part := range parts(inert(ping.Text), maxSection, maxTotal) {
		blocks = append(blocks, slack.NewSectionBlock(plain(part, maxSection), nil, nil))
	}
	return c.direct(ctx, ping.Person, clamp(text, 3000), blocks, meta(ping.Key, ping.Ticket.TenantID.String(), ping.Ticket.ID.String()))
}

func (c *Client) post(ctx context.Context, text string, blocks []slack.Block, options ...slack.MsgOption) (desk.Ref, error) {
	if err := c.private(ctx); err != nil {
		return desk.Ref{}, err
	}
	if err := c.pace.Wait(ctx); err != nil {
		return desk.Ref{}, &desk.TemporaryError{After: 2 * time.Second, Safe: "Waiting for its turn in the Slack channel.", Err: err}
	}
	at, err := c.write(ctx, c.channel, text, blocks, options...)
	return at, c.err(ctx, "post message", err)
}

// write posts a message, shortened where Slack would not take the whole.
func (c *Client) write(ctx context.Context, to, text string, blocks []slack.Block, options ...slack.MsgOption) (desk.Ref, error) {
	options = append(slices.Clone(options), slack.MsgOptionText(text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	channel, ts, err := c.api.PostMessageContext(ctx, to, slices.Concat(options, []slack.MsgOption{slack.MsgOptionBlocks(blocks...)})...)
	if tooLong(err) {
		channel, ts, err = c.api.PostMessageContext(ctx, to, slices.Concat(options, []slack.MsgOption{slack.MsgOptionBlocks(short(text))})...)
	}
	if err != nil {
		return desk.Ref{}, err
	}
	return reference(channel, ts), nil
}

func tooLong(err error) bool {
	return isError(err, "invalid_blocks") || isError(err, "msg_blocks_too_long")
}

// short is a message Slack takes where it would not take the whole: signs that it
// counts several times over may fill a text. The library adds blocks to those it
// has, so they are given once.
func short(text string) slack.Block {
	return slack.NewSectionBlock(mrkdwn(clamp(text, 1500)), nil, nil)
}

// private refuses a channel that everybody in the workspace or another
// organisation can read.
func (c *Client) private(ctx context.Context) error {
	c.mu.Lock()
	fresh := c.now().Sub(c.checked) < c.checkFor && !c.checked.IsZero()
	c.mu.Unlock()
	if fresh {
		return nil
	}
	info, err := c.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: c.channel})
	if err != nil {
		return c.err(ctx, "read channel", err)
	}
	if info.IsExtShared || info.IsPendingExtShared || len(info.ConnectedTeamIDs) > 0 {
		return &desk.PermanentError{
			Safe: "The Slack channel is shared with another organisation. Usher posts tickets only into channels of your own workspace: set USHER_SLACK_CHANNEL to one.",
			Err:  errors.New("channel is shared"),
		}
	}
	if !info.IsPrivate {
		return &desk.PermanentError{
			Safe: "The Slack channel is public: everybody in the workspace could read the tickets, and what is written in their threads would not arrive. Make it private, or set USHER_SLACK_CHANNEL to a private one.",
			Err:  errors.New("channel is public"),
		}
	}
	c.mu.Lock()
	c.checked = c.now()
	c.mu.Unlock()
	return nil
}

// Check says whether the token works and the channel may be used: for usher doctor.
func (c *Client) Check(ctx context.Context) error {
	if _, _, err := c.home(ctx); err != nil {
		return err
	}
	return c.private(ctx)
}

// find looks for our own message with the key, after an answer was lost: in a
// thread, or among a channel's own messages. Where history cannot be read, a rare
// double is better than silence.
func (c *Client) find(ctx context.Context, channel, thread, key string, since time.Time) (desk.Ref, error) {
	oldest := ""
	if !since.IsZero() {
		oldest = strconv.FormatInt(since.Add(-time.Minute).Unix(), 10)
	}
	_, bot, err := c.home(ctx)
	if err != nil {
		return desk.Ref{}, err
	}
	cursor := ""
	for range 5 {
		messages, next, err := c.page(ctx, channel, thread, oldest, cursor)
		if isError(err, "missing_scope") || isError(err, "not_allowed_token_type") {
			return desk.Ref{}, nil
		}
		if err != nil {
			return desk.Ref{}, c.err(ctx, "look for message", err)
		}
		for _, m := range messages {
			// Another app may write the same mark.
			if m.BotID == bot && m.Metadata.EventType == metadataType && m.Metadata.EventPayload["key"] == key {
				return reference(channel, m.Timestamp), nil
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return desk.Ref{}, nil
}

func (c *Client) page(ctx context.Context, channel, thread, oldest, cursor string) ([]slack.Message, string, error) {
	if thread == "" {
		answer, err := c.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: oldest, Cursor: cursor, Limit: 100, IncludeAllMetadata: true,
		})
		if err != nil {
			return nil, "", err
		}
		return answer.Messages, answer.ResponseMetaData.NextCursor, nil
	}
	messages, _, next, err := c.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
		ChannelID: channel, Timestamp: thread, Oldest: oldest, Cursor: cursor, Limit: 100, IncludeAllMetadata: true,
	})
	return messages, next, err
}

// whisper tells one person something in the channel or thread.
func (c *Client) whisper(ctx context.Context, channel, thread, user, text string, blocks ...slack.Block) error {
	if channel == c.channel {
		if err := c.private(ctx); err != nil {
			return err
		}
	}
	options := []slack.MsgOption{slack.MsgOptionText(clamp(text, 3000), false)}
	if len(blocks) > 0 {
		options = append(options, slack.MsgOptionBlocks(blocks...))
	}
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	_, err := c.api.PostEphemeralContext(ctx, channel, user, options...)
	return c.err(ctx, "post ephemeral message", err)
}

func meta(key, tenant, ticket string) slack.MsgOption {
	return slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: metadataType, EventPayload: map[string]any{"key": key, "tenant": tenant, "ticket": ticket},
	})
}

func reference(channel, ts string) desk.Ref {
	return desk.Ref{
		ID: channel + ":" + ts, URL: "https://slack.com/app_redirect?channel=" + channel + "&message_ts=" + ts,
		Detail: map[string]string{"channel": channel, "ts": ts},
	}
}

func split(r desk.Ref) (channel, ts string) {
	channel, ts, _ = strings.Cut(r.ID, ":")
	return channel, ts
}

func (c *Client) err(ctx context.Context, operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("slack: %s: %w", operation, classify(ctx, err))
}
