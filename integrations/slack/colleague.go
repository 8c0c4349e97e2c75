package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// A colleague is asked about one ticket in a direct message of the app, and
// answers in its thread. They are in no channel and need no account in Usher;
// they have to be a full member of the workspace, whenever something is sent to
// them and whenever they answer.

// errNotMember says that somebody chosen is no full member. Its text is for who chose.
var errNotMember = errors.New("is no full member of the workspace")

// notMember is that error for the deliveries page.
func notMember(err error) error {
	if !errors.Is(err, errUnmapped) {
		return err
	}
	return &desk.PermanentError{Safe: "The colleague is no full member of the Slack workspace any more, so nothing is sent to them.", Err: err}
}

var _ desk.Colleagues = (*Client)(nil)

// UpsertAsk implements desk.Colleagues.
func (c *Client) UpsertAsk(ctx context.Context, ask desk.Ask, at desk.Ref) (desk.Ref, error) {
	mark := meta(ask.Key, ask.Ticket.TenantID.String(), ask.Ticket.ID.String())
	blocks, text := askMessage(ask)
	if at.IsZero() && ask.Retry {
		channel, err := c.opened(ctx, ask.Person)
		if err == nil && channel != "" {
			at, err = c.find(ctx, channel, "", ask.Key, ask.Since)
		}
		if err != nil {
			return desk.Ref{}, err
		}
	}
	if !at.IsZero() {
		return c.rewrite(ctx, at, text, blocks, mark)
	}
	if ask.Ended != "" {
		return desk.Ref{}, nil
	}
	if _, err := c.member(ctx, ask.Person); err != nil {
		return desk.Ref{}, notMember(err)
	}
	return c.direct(ctx, ask.Person, text, blocks, mark)
}

// PostAside implements desk.Colleagues.
func (c *Client) PostAside(ctx context.Context, ask desk.Ref, aside desk.Aside) (desk.Ref, error) {
	mark := meta(aside.Key, aside.Ticket.TenantID.String(), aside.Ticket.ID.String())
	blocks, text := threadMessage(desk.Post{Ticket: aside.Ticket, Label: aside.Label, Author: aside.Author, Text: aside.Text})
	channel, ts := split(ask)
	at := aside.At
	if at.IsZero() && aside.Retry {
		var err error
		if at, err = c.find(ctx, channel, ts, aside.Key, time.Time{}); err != nil {
			return desk.Ref{}, err
		}
		if !at.IsZero() && !aside.Changed {
			return at, nil
		}
	}
	if !at.IsZero() {
		return c.rewrite(ctx, at, text, blocks, mark)
	}
	if aside.Gone {
		return desk.Ref{}, nil
	}
	if _, err := c.member(ctx, aside.Person); err != nil {
		return desk.Ref{}, notMember(err)
	}
	return c.direct(ctx, channel, text, blocks, slack.MsgOptionTS(ts), mark)
}

// opened is the channel of a person's direct messages; empty where the app was
// installed before it could ask for it.
func (c *Client) opened(ctx context.Context, person string) (string, error) {
	channel, _, _, err := c.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{person}})
	if isError(err, "missing_scope") {
		return "", nil
	}
	if err != nil {
		return "", c.err(ctx, "open direct messages", err)
	}
	return channel.ID, nil
}

// askMessage is the question with what the colleague needs to answer it.
func askMessage(a desk.Ask) ([]slack.Block, string) {
	if a.Ended != "" {
		text := fmt.Sprintf("You were asked about ticket #%d. That is over, and what it said is not shown any more.", a.Number)
		return []slack.Block{slack.NewSectionBlock(plain(text, 300), nil, nil)}, text
	}
	title := fmt.Sprintf("*%s* asks you about ticket *#%d* of *%s*", bare(a.By, 80), a.Number, bare(a.TenantName, 80))
	blocks := []slack.Block{slack.NewSectionBlock(mrkdwn(title), nil, nil)}
	add := func(heading, text string, total int) {
		if strings.TrimSpace(text) == "" {
			return
		}
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(heading)))
		for _, part := range parts(inert(text), maxSection, total) {
			blocks = append(blocks, slack.NewSectionBlock(plain(part, maxSection), nil, nil))
		}
	}
	add("*Question*", a.Question, 3000)
	add("*Summary*", a.Summary, 2500)
	var said []string
	for _, s := range a.Said {
		said = append(said, s.At.UTC().Format("2 Jan 15:04 MST")+": "+s.Text)
	}
	add("*What the customer wrote*", strings.Join(said, "\n\n"), 4000)
	blocks = append(blocks, slack.NewContextBlock("", mrkdwn("Please answer in this thread. Your answer goes to the support team as an internal note; the customer never sees it. "+
		"Files stay here. Personal data is left out.")))
	text := fmt.Sprintf("%s asks you about ticket #%d: %s", bare(a.By, 80), a.Number, escape(triage.Line(a.Question, 1000)))
	return blocks, clamp(text, 3000)
}

// askView is where an agent asks a colleague.
func askView(view *slack.ModalViewRequest) {
	view.Submit = plain("Ask", 24)
	people := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a colleague", 75), fieldChoice)
	view.Blocks.BlockSet = []slack.Block{
		slack.NewInputBlock(fieldChoice, plain("Colleague", 75), plain("Anybody who is a full member of this workspace. They need no account in Usher.", 200), people),
		area("Your question", "", ""),
		slack.NewContextBlock("", mrkdwn("They get your question, the summary and what the customer wrote, without personal data, as a direct message, and see no other ticket. "+
			"What they answer comes into this ticket's thread as an internal note. It ends when the ticket is solved or you take them off.")),
	}
}

// askColleague asks whom the agent chose. The window's id is the question's:
// pressing twice asks once.
func (in *Inbound) askColleague(ctx context.Context, actor triage.Actor, ref desk.TicketRef, person, text, view string) error {
	if person == "" {
		return errNotMember
	}
	user, err := in.client.member(ctx, person)
	if errors.Is(err, errUnmapped) {
		return errNotMember
	}
	if err != nil {
		return err
	}
	return in.desk.AskColleague(ctx, actor, ref, desk.Question{Person: user.ID, Name: nameOf(user), Text: text, ClientKey: "slack:" + view})
}

func nameOf(user slack.User) string {
	for _, name := range []string{user.Profile.DisplayName, user.RealName, user.Name} {
		if name = triage.Line(inert(name), 80); name != "" {
			return name
		}
	}
	return "A colleague"
}

// colleagueAt reports whether a thread is of one of our questions; err is
// desk.ErrNotAsked where who writes there is no full member any more.
func (in *Inbound) colleagueAt(ctx context.Context, place, person string) (ours bool, err error) {
	if _, err := in.desk.ColleagueAt(ctx, System, place); errors.Is(err, desk.ErrNotAsked) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	_, err = in.client.member(ctx, person)
	if errors.Is(err, errUnmapped) {
		err = desk.ErrNotAsked // who became a guest is told nothing more
	}
	return true, err
}

// answered takes a message in the thread of a question. ours is false where the
// thread is of something else.
func (in *Inbound) answered(ctx context.Context, channel, thread, ts, person, text string, files []eventFile) (ours bool, err error) {
	place := reference(channel, thread).ID
	if ours, err = in.colleagueAt(ctx, place, person); !ours {
		return false, err
	}
	done := "The team has your answer."
	if len(files) > 0 {
		done += " Files stay here: the team knows their names only."
	}
	if err == nil {
		err = in.desk.Answer(ctx, desk.Answer{System: System, Person: person, Place: place, Text: kept(text, files), ClientKey: noteKey(channel, ts)})
	}
	if err != nil && !forPerson(err) {
		return true, err
	}
	if err != nil {
		done = explain(err)
	}
	return true, in.client.whisper(ctx, channel, thread, person, done)
}

// kept is an answer with the names of the files that came with it.
func kept(text string, files []eventFile) string {
	text = unescape(text)
	for _, f := range files {
		text += "\n[File that was not passed on: " + triage.Line(inert(f.Name), 150) + "]"
	}
	return strings.TrimSpace(text)
}

// answerChanged lets an answer follow what its author changed or deleted.
func (in *Inbound) answerChanged(ctx context.Context, channel, ts string, m eventMessage, text string) (ours bool, err error) {
	if m.ThreadTS == "" || !strings.HasPrefix(channel, "D") {
		return false, nil
	}
	if text != "" {
		text = kept(text, m.Files)
	}
	place := reference(channel, m.ThreadTS).ID
	if ours, err = in.colleagueAt(ctx, place, m.User); err == nil && ours {
		err = in.desk.ChangeAnswer(ctx, desk.Answer{System: System, Person: m.User, Place: place, Text: text, ClientKey: noteKey(channel, ts)})
	}
	if forPerson(err) {
		return true, nil
	}
	return true, err
}

// askedOf is what somebody is asked, for their home: theirs alone.
func (in *Inbound) askedOf(ctx context.Context, person string) ([]slack.Block, error) {
	if _, err := in.client.member(ctx, person); errors.Is(err, errUnmapped) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	asked, err := in.desk.AskedOf(ctx, System, person)
	if err != nil || len(asked) == 0 {
		return nil, err
	}
	blocks := []slack.Block{slack.NewHeaderBlock(plain("You are asked", 150))}
	for _, a := range asked {
		line := fmt.Sprintf("*%s* asks about *#%d* of %s · %s", bare(a.AskedBy, 60), a.Number, bare(a.TenantName, 60), slackTime(a.AskedAt))
		if a.Place != "" {
			channel, ts := split(desk.Ref{ID: a.Place})
			if link := ourLink(reference(channel, ts).URL, "Answer"); link != "" {
				line += " · " + link
			}
		}
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(line+"\n"+bare(a.Question, 200)), nil, nil))
	}
	return blocks, nil
}
