package slack

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/google/uuid"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	writes "github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/desk"
)

// Approvals take what people decide about proposed actions. *action.Service is one.
type Approvals interface {
	Decide(ctx context.Context, actor triage.Actor, tenant, id uuid.UUID, in writes.Decision) (writes.Proposal, error)
}

// Buttons of a card.
const (
	actApprove = "approve"
	actDecline = "decline"
)

var approvalWord = map[string]string{
	"proposed": "⚖️ To be approved", "approved": "⚖️ Approved, on its way", "running": "⚖️ Approved, on its way", "done": "✅ Done",
	"failed": "❌ Did not work", "unknown": "❓ Unknown: please check", "declined": "🚫 Declined", "expired": "⌛ Expired", "invalid": "🚫 No longer valid",
}

// approvalMessage is the card of a proposed action: who wants what, and exactly
// what would be sent. What Slack cannot show as a whole is approved in the console.
func approvalMessage(p desk.Post) ([]slack.Block, string) {
	a := p.Approval
	head := cmp.Or(approvalWord[a.State], "⚖️ Action")
	if a.Decided != "" {
		head += " · decided by " + bare(a.Decided, 60)
	}
	title := fmt.Sprintf("*%s* for *%s*, asked by %s", bare(a.Title, 200), bare(a.Tenant, 80), bare(a.Asked, 80))
	blocks := []slack.Block{slack.NewContextBlock("", mrkdwn("*"+head+"*")), slack.NewSectionBlock(mrkdwn(title), nil, nil)}
	if given := lines(a.Given); given != "" {
		blocks = append(blocks, slack.NewSectionBlock(plain(given, maxSection), nil, nil))
	}
	whole := len(utf16.Encode([]rune(a.Request))) <= maxRequest
	if a.Open {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn("Exactly this will be sent:")))
	}
	for _, part := range parts(inert(a.Request), maxSection, maxRequest+100) {
		blocks = append(blocks, slack.NewSectionBlock(plain(part, maxSection), nil, nil))
	}
	if a.Outcome != "" {
		blocks = append(blocks, slack.NewSectionBlock(plain(a.Outcome, 600), nil, nil))
	}
	foot := "For " + bare(cmp.Or(a.Who, "agents"), 140) + " · not for who asked · open until " + slackTime(a.Expires)
	switch {
	case a.Open && whole:
		blocks = append(blocks, slack.NewActionBlock(blockID(p.Ticket.TenantID, p.Ticket.ID), approvalButtons(a.ID.String())...))
	case a.Open:
		foot = "This is too long to be shown here as a whole. Please decide in Usher. " + foot
	default:
		foot = ""
	}
	if link := ourLink(a.TicketAt, "Open in Usher"); link != "" {
		foot = strings.TrimPrefix(foot+" · "+link, " · ")
	}
	if foot != "" {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(foot)))
	}
	text := fmt.Sprintf("%s: %s for %s, asked by %s", head, bare(a.Title, 200), bare(a.Tenant, 80), bare(a.Asked, 80))
	return blocks, clamp(text, 3000)
}

// maxRequest is how long a request may be to be read in Slack as a whole.
const maxRequest = 5500

func lines(given [][2]string) string {
	var out []string
	for _, g := range given {
		out = append(out, g[0]+": "+g[1])
	}
	return strings.Join(out, "\n")
}

func approvalButtons(id string) []slack.BlockElement {
	approve := slack.NewButtonBlockElement(actApprove, id, plain("Approve", 75))
	approve.Style = slack.StylePrimary
	approve.Confirm = slack.NewConfirmationBlockObject(plain("Approve this?", 100), plain("It is sent to the other system at once, in your name. It cannot be taken back from here.", 300), plain("Approve", 30), plain("Not yet", 30))
	decline := slack.NewButtonBlockElement(actDecline, id, plain("Decline", 75))
	decline.Style = slack.StyleDanger
	decline.Confirm = slack.NewConfirmationBlockObject(plain("Decline this?", 100), plain("Nothing is sent. The customer reads that it cannot be done just like that and that a person goes on with them.", 300), plain("Decline", 30), plain("Not yet", 30))
	return []slack.BlockElement{approve, decline}
}

// decide takes the press of one of a card's buttons.
func (in *Inbound) decide(ctx context.Context, actor triage.Actor, p pressed) error {
	id := parseID(p.value)
	if in.approvals == nil || id == uuid.Nil {
		return writes.ErrNotFound
	}
	_, err := in.approvals.Decide(ctx, actor, p.ref.TenantID, id, writes.Decision{Approve: p.action == actApprove})
	return err
}
