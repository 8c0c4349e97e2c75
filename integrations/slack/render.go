package slack

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// Text of customers is shown in plain_text objects, which Slack does not parse,
// or escaped where it stands beside words of ours. It loses control characters
// and direction overrides, so it cannot pretend to be something else.

const (
	maxSection = 2900  // of 3,000 characters
	maxTotal   = 11000 // of about 13,200, where Slack says msg_blocks_too_long
)

// escape makes text inert in mrkdwn: no mentions, no links, no broadcast.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(inert(text))
}

// inert removes what text could deceive with.
func inert(text string) string { return triage.Plain(text) }

// clamp cuts text to at most limit characters as Slack counts them (UTF-16 units).
func clamp(text string, limit int) string {
	n := 0
	for i, r := range text {
		width := 1
		if r > 0xFFFF {
			width = 2
		}
		if n+width > limit-1 {
			if len(text[i:]) == utf8.RuneLen(r) && n+width <= limit {
				return text
			}
			return text[:i] + "…"
		}
		n += width
	}
	return text
}

func mrkdwn(text string) *slack.TextBlockObject {
	return &slack.TextBlockObject{Type: slack.MarkdownType, Text: cmp.Or(clamp(text, maxSection), "–"), Verbatim: true}
}

func plain(text string, limit int) *slack.TextBlockObject {
	no := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: cmp.Or(clamp(strings.TrimSpace(inert(text)), limit), "–"), Emoji: &no}
}

var priorityMark = map[triage.Priority]string{
	triage.PriorityUrgent: "🔴 Urgent", triage.PriorityHigh: "🟠 High", triage.PriorityNormal: "🔵 Normal", triage.PriorityLow: "⚪ Low",
}

var stateWord = map[triage.InternalState]string{
	triage.InternalNew: "New", triage.InternalOpen: "Open", triage.InternalPending: "Waiting for the customer",
	triage.InternalOnHold: "On hold", triage.InternalSnoozed: "Snoozed", triage.InternalSolved: "Solved", triage.InternalClosed: "Closed",
}

// blockID names a ticket in the actions of its messages.
func blockID(tenant, ticket uuid.UUID) string {
	return "ticket|" + tenant.String() + "|" + ticket.String()
}

func parseBlockID(id string) (desk.TicketRef, bool) {
	parts := strings.Split(id, "|")
	if len(parts) != 3 || parts[0] != "ticket" {
		return desk.TicketRef{}, false
	}
	tenant, err := uuid.Parse(parts[1])
	ticket, err2 := uuid.Parse(parts[2])
	return desk.TicketRef{TenantID: tenant, ID: ticket}, err == nil && err2 == nil
}

// rootMessage is the ticket's root: at most six lines with its buttons.
func rootMessage(c desk.Card) ([]slack.Block, string) {
	title := fmt.Sprintf("%s · *%s* · *#%d*", cmp.Or(priorityMark[c.Priority], string(c.Priority)), bare(c.TenantName, 80), c.Number)
	about := words(c.Intent)
	if area := words(c.ProductArea); area != "" {
		about = strings.TrimPrefix(about+" · "+area, " · ")
	}
	if about != "" {
		title += " · " + bare(about, 80)
	}
	if c.Breached {
		title += " · *overdue*"
	}
	quote := "“" + triage.Line(inert(c.Subject), 150) + "”"
	if c.Language != "" {
		quote += " (" + c.Language + ")"
	}
	blocks := []slack.Block{
		slack.NewSectionBlock(mrkdwn(title), nil, nil),
		slack.NewSectionBlock(plain(quote, 200), nil, nil),
		slack.NewContextBlock("", mrkdwn(rootFacts(c))),
		slack.NewActionBlock(blockID(c.TenantID, c.TicketID), rootActions(c)...),
	}
	text := fmt.Sprintf("%s · %s · #%d: %s (%s)", cmp.Or(words(string(c.Priority)), "normal"), bare(c.TenantName, 80), c.Number,
		escape(triage.Line(c.Subject, 150)), stateWord[c.State])
	return blocks, clamp(text, 3000)
}

func rootFacts(c desk.Card) string {
	facts := []string{stateWord[c.State]}
	if c.TellCustomer {
		facts = []string{"*Tell the customer*: the cause is gone"}
	}
	if c.State == triage.InternalSnoozed && c.SnoozedUntil != nil {
		facts[0] += " until " + slackTime(*c.SnoozedUntil)
	}
	facts = append(facts, "Owner: "+cmp.Or(bare(c.Owner, 60), "–"))
	switch {
	case c.FirstReplyDue != nil:
		facts = append(facts, "First reply due "+slackTime(*c.FirstReplyDue))
	case c.NextReplyDue != nil:
		facts = append(facts, "Reply due "+slackTime(*c.NextReplyDue))
	}
	if c.Team != "" {
		facts = append(facts, "Team: "+bare(words(c.Team), 40))
	}
	if c.Reason != "" {
		facts = append(facts, "Why: "+bare(words(string(c.Reason)), 40))
	}
	if c.Stage != "" {
		facts = append(facts, "Stage: "+bare(c.Stage, 40))
	}
	if link := ourLink(c.CRM.URL, "CRM"); link != "" {
		facts = append(facts, link)
	} else if !c.CRM.IsZero() {
		facts = append(facts, "CRM: "+bare(c.CRM.ID, 40))
	}
	if link := ourLink(c.ConsoleURL, "Open in Usher"); link != "" {
		facts = append(facts, link)
	}
	return strings.Join(facts, " · ")
}

// slackTime shows a time in each reader's own zone.
func slackTime(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.UTC().Format("2 Jan 15:04 UTC"))
}

// bare is our own short word or a name: escaped and without mrkdwn marks.
func bare(text string, limit int) string {
	return escape(triage.Line(strings.NewReplacer("*", "", "_", " ", "~", "", "`", "").Replace(inert(text)), limit))
}

func words(key string) string { return strings.ReplaceAll(key, "_", " ") }

// ourLink is a link to an address of ours; other schemes than http are dropped.
func ourLink(url, title string) string {
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || strings.ContainsAny(url, "<>| \n") {
		return ""
	}
	return "<" + strings.ReplaceAll(url, "&", "&amp;") + "|" + bare(title, 100) + ">"
}

// Actions of the root message and of modals.
const (
	actClaim    = "claim"
	actReply    = "reply"
	actResolve  = "resolve"
	actReopen   = "reopen"
	actMore     = "more"
	actAmend    = "amend"
	actWithdraw = "withdraw"
	actAsk      = "ask_colleague"
	actUnask    = "unask"
	actReport   = "report"
)

// more lists the actions behind the menu, in order.
var more = []struct{ value, text string }{
	{"suggest", "Suggest an answer"},
	{"note", "Internal note"},
	{actAsk, "Ask a colleague"},
	{"summary", "Summarise"},
	{"similar", "Similar solved tickets"},
	{"priority", "Change priority"},
	{"assign", "Reassign"},
	{"pending", "Waiting for the customer"},
	{"snooze", "Snooze"},
	{"raise", "Escalate to the lead"},
	{"correct", "Correct the classification"},
	{actReport, "Report an answer"},
	{"merge", "Merge into another ticket"},
	{"hand_back", "Let the assistant answer again"},
	{"not_request", "Not a request"},
}

func rootActions(c desk.Card) []slack.BlockElement {
	value := c.TicketID.String()
	if c.State == triage.InternalSolved || c.State == triage.InternalClosed {
		return []slack.BlockElement{slack.NewButtonBlockElement(actReopen, value, plain("Reopen", 75))}
	}
	var elements []slack.BlockElement
	if c.Owner == "" {
		claim := slack.NewButtonBlockElement(actClaim, value, plain("Claim", 75))
		claim.Style = slack.StylePrimary
		elements = append(elements, claim)
	}
	elements = append(elements,
		slack.NewButtonBlockElement(actReply, value, plain("Reply to customer", 75)),
		slack.NewButtonBlockElement(actResolve, value, plain("Resolve", 75)))
	options := make([]*slack.OptionBlockObject, len(more))
	for i, m := range more {
		options[i] = slack.NewOptionBlockObject(m.value, plain(m.text, 75), nil)
	}
	return append(elements, slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("More …", 75), actMore, options...))
}

var postLabel = map[desk.PostLabel]string{
	desk.PostCustomer: "💬 Customer", desk.PostSent: "📤 Sent to customer", desk.PostInternal: "🔒 Internal",
	desk.PostSummary: "📋 Summary", desk.PostDraft: "✏️ AI draft, not sent", desk.PostAssistant: "🤖 Assistant to customer", desk.PostAutomatic: "⚙️ Sent to customer automatically",
	desk.PostSystem: "ℹ️ Usher", desk.PostCatchUp: "⏪ While Slack could not be reached", desk.PostAsked: "🤝 Colleague asked",
}

var slackID = regexp.MustCompile(`^[UW][A-Z0-9]{2,}$`)

// threadMessage is one labelled message below a root.
func threadMessage(p desk.Post) ([]slack.Block, string) {
	if p.Approval != nil {
		return approvalMessage(p)
	}
	label := "*" + cmp.Or(postLabel[p.Label], "ℹ️ Usher") + "*"
	if p.Author != "" {
		by := ", "
		if p.Label == desk.PostSent {
			by = " by "
		}
		label += by + bare(p.Author, 80)
	}
	if slackID.MatchString(p.Ping) {
		label += " · <@" + p.Ping + ">"
	}
	blocks := []slack.Block{slack.NewContextBlock("", mrkdwn(label))}
	for i, part := range parts(inert(p.Text), maxSection, maxTotal) {
		section := slack.NewSectionBlock(plain(part, maxSection), nil, nil)
		if i == 0 && p.Message != uuid.Nil {
			section.BlockID = blockID(p.Ticket.TenantID, p.Ticket.ID)
			section.Accessory = slack.NewAccessory(slack.NewOverflowBlockElement(actMore,
				slack.NewOptionBlockObject(actAmend+":"+p.Message.String(), plain("Correct …", 75), nil),
				slack.NewOptionBlockObject(actWithdraw+":"+p.Message.String(), plain("Take back …", 75), nil)))
		}
		if i == 0 && p.Colleague != uuid.Nil {
			section.BlockID = blockID(p.Ticket.TenantID, p.Ticket.ID)
			section.Accessory = slack.NewAccessory(slack.NewOverflowBlockElement(actMore,
				slack.NewOptionBlockObject(actUnask+":"+p.Colleague.String(), plain("Take off this ticket", 75), nil)))
		}
		blocks = append(blocks, section)
	}
	if links := linkLine(p.Links); links != "" {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(links)))
	}
	text := strings.ReplaceAll(label, "*", "") + ": " + escape(triage.Line(p.Text, 2500))
	return blocks, clamp(text, 3000)
}

func linkLine(links []desk.Link) string {
	var out []string
	for _, l := range links {
		if link := ourLink(l.URL, cmp.Or(l.Title, l.URL)); link != "" && len(out) < 10 {
			out = append(out, link)
		}
	}
	return strings.Join(out, " · ")
}

// parts splits text into sections; what is over the total is cut with a word about it.
func parts(text string, each, total int) []string {
	const cut = "\n… The rest is in Usher."
	runes := []rune(strings.TrimSpace(text))
	var out []string
	used := 0
	for len(runes) > 0 {
		room := min(each, total-used) / 2 // runes outside the basic plane count twice
		if room < 50 {
			out[len(out)-1] = clamp(out[len(out)-1], each-len(cut)) + cut
			break
		}
		n := min(room, len(runes))
		if n < len(runes) {
			for back := n; back > n/2; back-- {
				if runes[back-1] == '\n' || runes[back-1] == ' ' {
					n = back
					break
				}
			}
		}
		if part := strings.TrimSpace(string(runes[:n])); part != "" {
			out = append(out, part)
		}
		used += len(utf16.Encode(runes[:n]))
		runes = runes[n:]
	}
	if len(out) == 0 {
		return []string{"–"}
	}
	return out
}
