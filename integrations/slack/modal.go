package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// Fields of modals: block and action id alike.
const (
	fieldText   = "text"
	fieldChoice = "choice"
	fieldAnswer = "answer"
)

// modal is an empty window about a ticket. It carries the ticket in its
// metadata; whether the person may act on it is checked when they do.
func modal(title, callback string, ref desk.TicketRef) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(title, 24), Close: plain("Cancel", 24), Submit: plain("Save", 24),
		CallbackID: callback, PrivateMetadata: blockID(ref.TenantID, ref.ID),
	}
}

// fill replaces the loading view by what was asked for.
func (in *Inbound) fill(ctx context.Context, actor triage.Actor, p pressed, viewID string) error {
	d, err := in.detail(ctx, p.ref)
	if err != nil {
		return err
	}
	view := modal(viewActions[p.action], p.action, p.ref)
	switch p.action {
	case actReply:
		in.replyView(&view, d, desk.Draft{})
	case "suggest":
		draft, err := in.desk.Suggest(ctx, actor, p.ref)
		if err != nil {
			return err
		}
		view.CallbackID = actReply + "|" + draft.ID.String()
		in.replyView(&view, d, draft)
	case "note":
		view.Blocks.BlockSet = []slack.Block{
			slack.NewSectionBlock(plain("🔒 Only the team sees this note.", 200), nil, nil), area("Note", "", ""),
		}
	case "priority":
		view.Blocks.BlockSet = []slack.Block{choose("Priority", string(d.Ticket.Priority), []option{
			{"urgent", "Urgent"}, {"high", "High"}, {"normal", "Normal"}, {"low", "Low"},
		})}
	case "assign":
		people := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a colleague", 75), fieldChoice)
		view.Blocks.BlockSet = []slack.Block{slack.NewInputBlock(fieldChoice, plain("New owner", 75), nil, people)}
	case actAsk:
		askView(&view)
	case "snooze":
		view.Blocks.BlockSet = []slack.Block{choose("Until", "tomorrow", []option{
			{"1h", "In one hour"}, {"4h", "In four hours"}, {"tomorrow", "Tomorrow at 9"}, {"monday", "Next Monday at 9"}, {"week", "In a week at 9"},
		})}
	case "raise":
		view.Blocks.BlockSet = []slack.Block{area("Why should the lead look at this?", "", "")}
	case "correct":
		if err := in.correctView(ctx, &view, d); err != nil {
			return err
		}
	case "merge":
		input := slack.NewPlainTextInputBlockElement(plain("4821", 75), fieldText)
		input.MaxLength = 20
		view.Blocks.BlockSet = []slack.Block{slack.NewInputBlock(fieldText, plain("Number of the ticket that stays", 75),
			plain("This ticket is closed, and what the customer writes goes to the other one.", 200), input)}
	case actReport:
		if !reportView(&view, d) {
			return in.say(ctx, viewID, p, "The assistant has not answered in this conversation.")
		}
	case actAmend, actWithdraw:
		return in.amendView(ctx, view, p, d, viewID)
	case "summary", "similar":
		return in.readView(ctx, p, d, viewID)
	}
	return in.update(ctx, viewID, view)
}

// reportView is where an agent says what is wrong with an answer of the
// assistant; ok is false where it gave none.
func reportView(view *slack.ModalViewRequest, d desk.Detail) (ok bool) {
	var answers []option
	for i := len(d.Messages) - 1; i >= 0 && len(answers) < 10; i-- {
		m := d.Messages[i]
		if m.AuthorKind == triage.AuthorAssistant && m.Visibility == triage.VisibleToCustomer && m.State == triage.MessageFinal {
			answers = append(answers, option{m.ID.String(), m.CreatedAt.UTC().Format("2 Jan 15:04 MST") + ": " + triage.Line(m.Body, 60)})
		}
	}
	if len(answers) == 0 {
		return false
	}
	view.Submit = plain("Report", 24)
	why := area("What should it say?", "", "Curators read it; personal data is taken out. The customer hears nothing of it.")
	why.Optional = true
	view.Blocks.BlockSet = []slack.Block{
		slack.NewInputBlock(fieldAnswer, plain("Answer", 200), nil, selection(fieldAnswer, answers[0].value, answers)),
		choose("What is wrong with it?", desk.ReportReasons[0], []option{
			{"wrong", "It is incorrect"}, {"outdated", "It is out of date"}, {"incomplete", "It is incomplete"}, {"tone", "The tone is wrong"},
		}),
		why,
	}
	return true
}

// amendView is about one reply the customer got.
func (in *Inbound) amendView(ctx context.Context, view slack.ModalViewRequest, p pressed, d desk.Detail, viewID string) error {
	i := slices.IndexFunc(d.Messages, func(m triage.Message) bool { return m.ID.String() == p.value })
	switch {
	case i < 0 || d.Messages[i].State == triage.MessageDeleted:
		return in.say(ctx, viewID, p, "This reply was taken back already.")
	case p.action == actWithdraw && d.Conversation.Channel == triage.ChannelEmail:
		return in.say(ctx, viewID, p, explain(desk.ErrNotTakenBack))
	}
	view.CallbackID = p.action + "|" + p.value
	quote := slack.NewSectionBlock(plain(d.Messages[i].Body, 2000), nil, nil)
	if p.action == actWithdraw {
		view.Submit = plain("Take back", 24)
		view.Blocks.BlockSet = []slack.Block{quote, slack.NewContextBlock("", mrkdwn("The customer sees that a message was removed. They may have read it: a correction says more."))}
		return in.update(ctx, viewID, view)
	}
	view.Submit = plain("Send correction", 24)
	view.Blocks.BlockSet = []slack.Block{quote, area("What is right", "", "The customer gets this as a correction. What you wrote before stays where it is.")}
	return in.update(ctx, viewID, view)
}

// replyView shows who gets the text, in which language, from which ticket.
func (in *Inbound) replyView(view *slack.ModalViewRequest, d desk.Detail, draft desk.Draft) {
	view.Submit = plain("Send to customer", 24)
	recipient := d.CustomerName
	if recipient == "" {
		recipient = "the people of " + d.TenantName
	}
	about := fmt.Sprintf("*To:* %s, %s\n*Ticket:* #%d · *Language:* %s", bare(recipient, 100), bare(d.TenantName, 100),
		d.Ticket.Number, bare(languageName(d.Ticket.Language), 40))
	view.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(mrkdwn(about), nil, nil)}
	if last := lastOf(d.Messages); last != "" {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, slack.NewContextBlock("", mrkdwn("The customer's last words:")),
			slack.NewSectionBlock(plain(last, 1000), nil, nil))
	}
	if draft.Text != "" {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, slack.NewContextBlock("", mrkdwn("✏️ Suggested from: "+orNone(linkLine(draft.Sources))+" Read it before you send it.")))
	}
	view.Blocks.BlockSet = append(view.Blocks.BlockSet, area("Your reply", draft.Text, "The customer "+arrives(d.Conversation.Channel)+", with your name."))
	if files := in.fileField(); files != nil {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, files)
	}
	view.Blocks.BlockSet = append(view.Blocks.BlockSet,
		choose("Afterwards", string(triage.InternalOpen), []option{
			{string(triage.InternalOpen), "I keep working on it"}, {string(triage.InternalPending), "I wait for the customer"}, {string(triage.InternalSolved), "It is solved"},
		}))
}

// arrives says how a reply comes to the customer.
func arrives(channel triage.Channel) string {
	switch channel {
	case triage.ChannelEmail:
		return "gets this text by e-mail"
	case triage.ChannelChat:
		return "sees this text in their chat"
	}
	return "sees this text in the conversation"
}

func orNone(links string) string {
	if links == "" {
		return "no named source."
	}
	return links + "."
}

func lastOf(messages []triage.Message) string {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].AuthorKind == triage.AuthorCustomer {
			return messages[i].Body
		}
	}
	return ""
}

func languageName(code string) string {
	names := map[string]string{"en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese", "it": "Italian", "nl": "Dutch", "pl": "Polish"}
	if name := names[code]; name != "" {
		return name
	}
	if code == "" {
		return "not known"
	}
	return code
}

func (in *Inbound) correctView(ctx context.Context, view *slack.ModalViewRequest, d desk.Detail) error {
	rows, err := in.db.Pool().Query(ctx, `select value from taxonomy_values where dimension = 'intent' and enabled order by value limit 100`)
	if err != nil {
		return fmt.Errorf("slack: read taxonomy: %w", err)
	}
	defer rows.Close()
	var options []option
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return fmt.Errorf("slack: read taxonomy: %w", err)
		}
		options = append(options, option{value, words(value)})
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("slack: read taxonomy: %w", err)
	}
	if len(options) == 0 {
		return fmt.Errorf("taxonomy is empty: %w", desk.ErrBadValue)
	}
	view.Blocks.BlockSet = []slack.Block{choose("What is it about?", d.Ticket.Intent, options)}
	return nil
}

// readView is a window to read, with nothing to save.
func (in *Inbound) readView(ctx context.Context, p pressed, d desk.Detail, viewID string) error {
	var lines []string
	if p.action == "summary" {
		lines = desk.CatchUp(d)
	} else {
		similar, err := in.desk.Similar(ctx, d.Ticket, 5)
		if err != nil {
			return err
		}
		for _, t := range similar {
			lines = append(lines, fmt.Sprintf("#%d %s: %s", t.Number, t.Subject, t.Answer))
		}
		if len(lines) == 0 {
			lines = []string{"No solved ticket is like this one."}
		}
	}
	return in.say(ctx, viewID, p, strings.Join(lines, "\n\n"))
}

// say shows plain words in an open view.
func (in *Inbound) say(ctx context.Context, viewID string, p pressed, text string) error {
	view := modal(viewActions[p.action], "read", p.ref)
	view.Submit = nil
	view.Close = plain("Close", 24)
	for _, part := range parts(inert(text), maxSection, maxTotal) {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, slack.NewSectionBlock(plain(part, maxSection), nil, nil))
	}
	return in.update(ctx, viewID, view)
}

// update shows a view where another is open. A closed window is no error.
func (in *Inbound) update(ctx context.Context, viewID string, view slack.ModalViewRequest) error {
	_, err := in.client.api.UpdateViewContext(ctx, view, "", "", viewID)
	if isError(err, "missing_scope") || isError(err, "no_permission") {
		if bare, ok := withoutFiles(view); ok {
			_, err = in.client.api.UpdateViewContext(ctx, bare, "", "", viewID)
		}
	}
	if isError(err, "not_found") || isError(err, "view_not_found") {
		return nil
	}
	return in.client.err(ctx, "update view", err)
}

type option struct{ value, text string }

func area(label, initial, hint string) *slack.InputBlock {
	input := slack.NewPlainTextInputBlockElement(nil, fieldText)
	input.Multiline, input.MaxLength = true, 3000
	input.InitialValue = clamp(inert(initial), 3000)
	var help *slack.TextBlockObject
	if hint != "" {
		help = plain(hint, 200)
	}
	return slack.NewInputBlock(fieldText, plain(label, 200), help, input)
}

func choose(label, initial string, list []option) *slack.InputBlock {
	return slack.NewInputBlock(fieldChoice, plain(label, 200), nil, selection(fieldChoice, initial, list))
}

// selection is a menu with one option chosen, where it has that one.
func selection(id, initial string, list []option) *slack.SelectBlockElement {
	options := make([]*slack.OptionBlockObject, len(list))
	for i, o := range list {
		options[i] = slack.NewOptionBlockObject(o.value, plain(o.text, 75), nil)
	}
	element := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Choose", 75), id, options...)
	for _, o := range options {
		if o.Value == initial {
			element.InitialOption = o
		}
	}
	return element
}

// field reads what was typed or chosen.
func field(view submittedView, name string) string {
	action := view.State.Values[name][name]
	switch {
	case action.SelectedUser != "":
		return action.SelectedUser
	case action.SelectedOption.Value != "":
		return action.SelectedOption.Value
	}
	return action.Value
}
