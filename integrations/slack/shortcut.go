package slack

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// Shortcuts on any message, as the manifest names them.
const (
	shortcutTicket  = "create_ticket"
	shortcutArticle = "add_to_kb"
)

const fieldTitle = "title"

// shortcut fills the window of a message shortcut with the message's words.
func (in *Inbound) shortcut(ctx context.Context, call interactionCall, viewID string) error {
	_, err := in.staff(ctx, call.User.ID)
	if err != nil && !forPerson(err) {
		return err
	}
	if viewID == "" {
		return in.tell(ctx, call, "Slack did not let me open the window in time. Please try again.")
	}
	// The message's place names it: what is filed twice is one.
	view := modal("Create ticket", call.CallbackID, desk.TicketRef{})
	view.PrivateMetadata = call.Channel.ID + ":" + call.Message.TS
	text := clamp(inert(unescape(call.Message.Text)), 3000)
	switch {
	case err != nil:
		return in.say(ctx, viewID, pressed{action: actReply}, explain(err))
	case call.CallbackID == shortcutTicket:
		tenants, err := in.desk.TenantsLike(ctx, "", 100)
		if err != nil {
			return err
		}
		options := make([]option, len(tenants))
		for i, t := range tenants {
			options[i] = option{t.ID.String(), t.Name}
		}
		if len(options) == 0 {
			return in.say(ctx, viewID, pressed{action: actReply}, "There is no customer to file a ticket for.")
		}
		view.Blocks.BlockSet = []slack.Block{
			choose("Customer", "", options), line("Subject", "The customer may see it."), area("What it is about", text, "Only the team sees this."),
		}
	case call.CallbackID == shortcutArticle && in.curation != nil:
		view.Title = plain("Add to knowledge base", 24)
		view.Blocks.BlockSet = []slack.Block{line("Title", ""), area("Text", text, "It becomes a draft; a curator decides. Take names and secrets out.")}
	default:
		return in.say(ctx, viewID, pressed{action: actReply}, "The knowledge base takes no drafts from Slack here.")
	}
	return in.update(ctx, viewID, view)
}

func line(label, hint string) *slack.InputBlock {
	input := slack.NewPlainTextInputBlockElement(nil, fieldTitle)
	input.MaxLength = 150
	var help *slack.TextBlockObject
	if hint != "" {
		help = plain(hint, 200)
	}
	return slack.NewInputBlock(fieldTitle, plain(label, 200), help, input)
}

// filed carries out the window of a message shortcut.
func (in *Inbound) filed(ctx context.Context, call interactionCall) *slack.ViewSubmissionResponse {
	actor, err := in.staff(ctx, call.User.ID)
	if err != nil {
		return failed(call, err)
	}
	done, err := in.fileIt(ctx, actor, call)
	if err != nil {
		if !forPerson(err) {
			in.log.ErrorContext(ctx, "carry out Slack shortcut", "callback", call.View.CallbackID, "error", err)
		}
		return failed(call, err)
	}
	view := modal("Done", "read", desk.TicketRef{})
	view.Submit, view.Close = nil, plain("Close", 24)
	view.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(mrkdwn(done), nil, nil)}
	return slack.NewUpdateViewSubmissionResponse(&view)
}

func (in *Inbound) fileIt(ctx context.Context, actor triage.Actor, call interactionCall) (string, error) {
	title, text := field(call.View, fieldTitle), field(call.View, fieldText)
	if call.View.CallbackID == shortcutArticle {
		if in.curation == nil {
			return "", desk.ErrRefused
		}
		link, err := in.curation.ProposeArticle(ctx, actor.ID, title, text)
		if err != nil {
			return "", err
		}
		return "A curator finds your draft here: " + ourLink(link, "the draft") + ".", nil
	}
	ticket, err := in.desk.File(ctx, actor, desk.Filing{
		TenantID: parseID(field(call.View, fieldChoice)), Subject: title, Text: text, Key: "slack:" + call.View.PrivateMetadata,
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Ticket #%d is open. %s", ticket.Number, ourLink(in.desk.TicketURL(ticket.TenantID, ticket.ID, ticket.Number), "Open in Usher")), nil
}
