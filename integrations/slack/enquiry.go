package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/enquiry"
)

// askAgain is a button that asks one of several questions that fit; its value is the question.
const askAgain = "ask_again"

const questionHelp = "Ask me about tickets, for example “how many open KYC tickets for Acme?”, “who waits longest?”, “what is breaching today?”, " +
	"“tickets of Globex about SSO this week”, “open tickets by team” or “is Acme's Salesforce integration failing?”. " + commandHelp

// answerQuestion looks at the queue for a question in words. It only reads, and
// only what the asker may see.
func (in *Inbound) answerQuestion(ctx context.Context, actor triage.Actor, text string) (string, []slack.Block, error) {
	a, err := in.enquiries.Ask(ctx, actor, text)
	if err != nil {
		return "", nil, err
	}
	switch {
	case a.Writes:
		return "I only look things up here. Use the buttons on the ticket to change it.", nil, nil
	case len(a.Choices) > 0:
		return in.whichOne(a)
	case a.Customer != "":
		return in.noSuchCustomer(ctx, a)
	case a.Look == enquiry.LookNone:
		return "I did not understand this. " + questionHelp, nil, nil
	}
	lines := []string{in.seen(a)}
	note := "_I looked at: " + bare(strings.Join(a.Said, " · "), 300) + "._"
	if a.Look == enquiry.LookIntegrations && len(a.Said) == 0 {
		note = "_I looked at: all integrations._"
	}
	if len(a.Left) > 0 {
		note += fmt.Sprintf(" I made nothing of “%s”: please put it in other words if it matters.", bare(strings.Join(a.Left, " "), 100))
	}
	return strings.Join(append(lines, note), "\n"), nil, nil
}

// whichOne offers the same question with each customer that fits.
func (in *Inbound) whichOne(a enquiry.Answer) (string, []slack.Block, error) {
	choices := a.Choices[:min(len(a.Choices), 5)]
	text := "Several customers fit. Which one do you mean?"
	return text, []slack.Block{slack.NewSectionBlock(plain(text, 200), nil, nil), askButtons(choices)}, nil
}

func askButtons(questions []string) *slack.ActionBlock {
	var buttons []slack.BlockElement
	for i, q := range questions {
		buttons = append(buttons, slack.NewButtonBlockElement(fmt.Sprintf("%s_%d", askAgain, i), clamp(q, 2000), plain(q, 75)))
	}
	return slack.NewActionBlock("ask", buttons...)
}

// noSuchCustomer says that nobody has the name, and names customers like it.
func (in *Inbound) noSuchCustomer(ctx context.Context, a enquiry.Answer) (string, []slack.Block, error) {
	text := fmt.Sprintf("I know no customer called “%s”.", bare(a.Customer, 80))
	first, _, _ := strings.Cut(a.Customer, " ")
	near, err := in.desk.TenantsLike(ctx, string([]rune(first)[:min(3, len([]rune(first)))]), 5)
	if err != nil {
		return "", nil, err
	}
	for i, t := range near {
		if i == 0 {
			text += " Do you mean "
		} else {
			text += " or "
		}
		text += bare(t.Name, 60)
	}
	if len(near) > 0 {
		return text + "? Please ask again with that name.", nil, nil
	}
	return text + " Please ask again with the name as it stands on the customer's tickets.", nil, nil
}

// seen is what the look found, in words.
func (in *Inbound) seen(a enquiry.Answer) string {
	switch a.Look {
	case enquiry.LookIntegrations:
		return systemsSeen(in, a)
	case enquiry.LookGroups:
		return groupsSeen(a)
	case enquiry.LookTrend:
		return trendSeen(a)
	}
	if a.Count == 0 {
		return "There are none."
	}
	lines := []string{fmt.Sprintf("*%s.*", tickets(a.Count))}
	if a.Look == enquiry.LookLongest {
		lines[0] = fmt.Sprintf("*%s for an answer*, longest first:", waiting(a.Count))
	}
	for i, r := range a.Tickets {
		if i == 5 && a.Look == enquiry.LookCount {
			break
		}
		line := strings.ReplaceAll(in.row(r), "\n", " · ")
		if a.Look == enquiry.LookLongest && r.WaitingSince != nil {
			line += " · waiting since " + slackTime(*r.WaitingSince)
		}
		lines = append(lines, line)
	}
	if shown := int64(len(lines) - 1); a.Count > shown {
		lines = append(lines, fmt.Sprintf("… and %d more.", a.Count-shown))
	}
	return strings.Join(lines, "\n")
}

func tickets(n int64) string {
	if n == 1 {
		return "1 ticket"
	}
	return fmt.Sprintf("%d tickets", n)
}

func waiting(n int64) string {
	if n == 1 {
		return "1 ticket waits"
	}
	return fmt.Sprintf("%d tickets wait", n)
}

var noLabel = map[desk.Group]string{desk.ByOwner: "nobody", desk.ByTeam: "no team", desk.ByTopic: "no topic"}

func groupsSeen(a enquiry.Answer) string {
	if len(a.Groups) == 0 {
		return "There are none."
	}
	var lines []string
	for _, g := range a.Groups {
		label := bare(words(g.Label), 80)
		if g.Label == "" {
			label = noLabel[a.By]
		}
		if a.By == desk.ByState {
			label = stateWord[triage.InternalState(g.Label)]
		}
		lines = append(lines, fmt.Sprintf("• %s: *%d*", label, g.Count))
	}
	return strings.Join(lines, "\n")
}

// trendSeen compares a span of days with the one before it.
func trendSeen(a enquiry.Answer) string {
	half := len(a.Days) / 2
	sum := func(days []desk.Day) (opened, solved int64) {
		for _, d := range days {
			opened, solved = opened+d.Opened, solved+d.Solved
		}
		return opened, solved
	}
	before, solvedBefore := sum(a.Days[:half])
	opened, solved := sum(a.Days[half:])
	lines := []string{
		fmt.Sprintf("*Last %d days:* %d opened, %d solved. *The %d before:* %d opened, %d solved.", a.Enquiry.Days, opened, solved, a.Enquiry.Days, before, solvedBefore),
	}
	switch {
	case opened > before:
		lines = append(lines, fmt.Sprintf("More came in than before (%+d).", opened-before))
	case opened < before:
		lines = append(lines, fmt.Sprintf("Fewer came in than before (%+d).", opened-before))
	default:
		lines = append(lines, "As many came in as before.")
	}
	if half <= 14 {
		for _, d := range slices.Backward(a.Days[half:]) {
			lines = append(lines, fmt.Sprintf("• %s: %d opened, %d solved", d.Day.Format("Mon 2 Jan"), d.Opened, d.Solved))
		}
	}
	return strings.Join(lines, "\n")
}

var syncWord = map[string]string{
	"never": "has not run yet", "syncing": "is running", "ok": "works", "warning": "works, with warnings", "failing": "is failing", "paused": "is paused",
}

var authWord = map[string]string{
	"not_connected": "is not connected", "connecting": "is being connected", "relink_needed": "has to be connected again", "revoked": "had its access withdrawn",
}

func systemsSeen(in *Inbound, a enquiry.Answer) string {
	if len(a.Integrations) == 0 {
		if a.Failing {
			return "No integration is failing."
		}
		return "There is no such integration."
	}
	var lines []string
	for _, i := range a.Integrations {
		state := syncWord[i.SyncState]
		if authWord[i.AuthState] != "" {
			state = authWord[i.AuthState]
		}
		line := fmt.Sprintf("• *%s* · %s (%s) *%s*", bare(i.TenantName, 60), bare(i.Connector, 60), i.Environment, state)
		if i.Failing() && i.ErrorCode != "" {
			line += " · " + bare(words(i.ErrorCode), 80)
		}
		if i.LastSuccessAt != nil {
			line += " · last success " + slackTime(*i.LastSuccessAt)
		}
		if i.Ticket != 0 {
			line += fmt.Sprintf(" · ticket #%d", i.Ticket)
		}
		lines = append(lines, line+" · seen "+slackTime(i.ObservedAt))
	}
	return strings.Join(lines, "\n")
}

// askedAgain answers the question on a button.
func (in *Inbound) askedAgain(ctx context.Context, call interactionCall) error {
	return in.ask(ctx, call.Channel.ID, call.Container.ThreadTS, call.User.ID, escape(call.Actions[0].Value))
}
