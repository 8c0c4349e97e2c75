package slack

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// reply is the answer to a slash command: seen by who typed it only.
type reply struct {
	ResponseType string        `json:"response_type"`
	Text         string        `json:"text"`
	Blocks       []slack.Block `json:"blocks,omitempty"`
}

func ephemeral(text string) reply {
	return reply{ResponseType: "ephemeral", Text: clamp(text, 3000)}
}

const commandHelp = "`/ticket 4821` shows a ticket, `/ticket mine` your queue, `/ticket open` and `/ticket breaching` the team's, `/ticket search …` finds, `/kb …` searches the help centre."

// Slash commands, as the manifest names them.
const (
	commandTicket   = "/ticket"
	commandArticles = "/kb"
)

// command answers a slash command from the database, within Slack's three seconds.
func (in *Inbound) command(ctx context.Context, user, command, text string) reply {
	actor, err := in.staff(ctx, user)
	if err == nil {
		var out reply
		switch command {
		case commandArticles:
			out, err = in.searchArticles(ctx, text)
		case commandTicket:
			if err = in.desk.MayWork(ctx, actor); err == nil {
				out, err = in.ticketCommand(ctx, actor, strings.TrimSpace(text))
			}
		default:
			out = ephemeral(commandHelp)
		}
		if err == nil {
			return out
		}
	}
	if !forPerson(err) {
		in.log.ErrorContext(ctx, "answer Slack command", "command", command, "error", err)
	}
	return ephemeral(explain(err))
}

func (in *Inbound) ticketCommand(ctx context.Context, actor triage.Actor, text string) (reply, error) {
	word, rest, _ := strings.Cut(text, " ")
	filter := desk.Filter{Staff: actor.ID}
	switch {
	case word == "" || word == "help":
		return ephemeral(commandHelp), nil
	case word == "mine" || word == "unassigned" || word == "breaching" || word == "waiting" || word == "open":
		filter.View = word
	case word == "search":
		filter.View, filter.Text = "all", rest
	default:
		number, err := strconv.ParseInt(strings.TrimPrefix(word, "#"), 10, 64)
		if err != nil { // a question in words
			answer, blocks, err := in.answerQuestion(ctx, actor, text)
			return reply{ResponseType: "ephemeral", Text: clamp(answer, 3000), Blocks: blocks}, err
		}
		filter.View, filter.Number = "all", number
	}
	rows, err := in.desk.Queue(ctx, filter, triage.Page{Limit: 10})
	if err != nil {
		return reply{}, err
	}
	if len(rows) == 0 {
		return ephemeral("No tickets."), nil
	}
	return reply{ResponseType: "ephemeral", Text: fmt.Sprintf("%d tickets", len(rows)), Blocks: in.rows(rows)}, nil
}

// rows shows tickets as sections of two lines.
func (in *Inbound) rows(rows []desk.TicketRow) []slack.Block {
	blocks := make([]slack.Block, 0, len(rows))
	for _, r := range rows {
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(in.row(r)), nil, nil))
	}
	return blocks
}

func (in *Inbound) row(r desk.TicketRow) string {
	line := fmt.Sprintf("%s · *#%d* · %s · %s", priorityMark[r.Priority], r.Number, bare(r.TenantName, 60), stateWord[r.InternalState])
	if r.Breached {
		line += " · *overdue*"
	} else if r.NextDue != nil {
		line += " · due " + slackTime(*r.NextDue)
	}
	if r.AssigneeName != "" {
		line += " · " + bare(r.AssigneeName, 60)
	}
	if link := ourLink(in.desk.TicketURL(r.TenantID, r.ID, r.Number), "Open"); link != "" {
		line += " · " + link
	}
	return line + "\n" + bare(r.Subject, 120)
}

func (in *Inbound) searchArticles(ctx context.Context, query string) (reply, error) {
	if in.articles == nil || strings.TrimSpace(query) == "" {
		return ephemeral(commandHelp), nil
	}
	links, err := in.articles.SearchArticles(ctx, query)
	if err != nil {
		return reply{}, err
	}
	if len(links) == 0 {
		return ephemeral("No article answers this."), nil
	}
	lines := make([]string, len(links))
	for i, l := range links {
		lines[i] = "• " + ourLink(l.URL, l.Title)
	}
	return ephemeral(strings.Join(lines, "\n")), nil
}
