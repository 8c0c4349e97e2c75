package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// pressed is what somebody chose on a ticket.
type pressed struct {
	call   interactionCall
	ref    desk.TicketRef
	action string
	value  string
}

// chosen reads the action from a callback; ok is false where it is none of ours.
func chosen(call interactionCall) (pressed, bool) {
	if len(call.Actions) == 0 {
		return pressed{}, false
	}
	a := call.Actions[0]
	p := pressed{call: call, action: a.ActionID, value: a.Value}
	if a.ActionID == actMore {
		// A menu of one message names it behind the action.
		p.action, p.value, _ = strings.Cut(a.SelectedOption.Value, ":")
	}
	var ok bool
	p.ref, ok = parseBlockID(a.BlockID)
	return p, ok
}

// viewActions need a modal, which has to be opened at once: a trigger lives three seconds.
var viewActions = map[string]string{
	actReply: "Reply to customer", "suggest": "Suggested answer", "note": "Internal note", "priority": "Change priority", "assign": "Reassign",
	"snooze": "Snooze", "raise": "Escalate to the lead", "correct": "Correct", "merge": "Merge", "summary": "Summary", "similar": "Similar tickets",
	actAsk: "Ask a colleague", actReport: "Report an answer", actAmend: "Correct a reply", actWithdraw: "Take a reply back",
}

func (in *Inbound) opensView(call interactionCall) bool {
	if call.Type == slack.InteractionTypeMessageAction {
		return call.TriggerID != ""
	}
	p, ok := chosen(call)
	return ok && viewActions[p.action] != "" && call.TriggerID != ""
}

// openLoading opens a modal that says it is loading. Its id comes back empty
// where that failed; the person then gets a message instead.
func (in *Inbound) openLoading(ctx context.Context, call interactionCall) string {
	p, _ := chosen(call)
	view := modal(cmp.Or(viewActions[p.action], "Usher"), "loading", p.ref)
	view.Submit = nil
	view.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(plain("Loading …", 100), nil, nil)}
	ctx, cancel := context.WithTimeoutCause(ctx, openFor, errors.New("slack did not open the window in time"))
	defer cancel()
	answer, err := in.client.api.OpenViewContext(ctx, call.TriggerID, view)
	if err != nil {
		in.log.WarnContext(ctx, "open Slack view", "error", classify(ctx, err))
		return ""
	}
	return answer.View.ID
}

// act carries out a stored button press.
func (in *Inbound) act(ctx context.Context, call interactionCall, viewID string) error {
	if call.Type == slack.InteractionTypeMessageAction {
		return in.shortcut(ctx, call, viewID)
	}
	if len(call.Actions) > 0 && strings.HasPrefix(call.Actions[0].ActionID, "home_") {
		return in.filtered(ctx, call)
	}
	if len(call.Actions) > 0 && strings.HasPrefix(call.Actions[0].ActionID, askAgain) {
		return in.askedAgain(ctx, call)
	}
	p, ok := chosen(call)
	if !ok {
		return nil
	}
	actor, err := in.staff(ctx, call.User.ID)
	if err == nil {
		if viewID != "" {
			err = in.fill(ctx, actor, p, viewID)
		} else {
			err = in.do(ctx, actor, p)
		}
	}
	if err == nil || !forPerson(err) {
		return err
	}
	if viewID != "" {
		return in.say(ctx, viewID, p, explain(err))
	}
	return in.tell(ctx, call, explain(err))
}

// tell whispers to the person who pressed a button.
func (in *Inbound) tell(ctx context.Context, call interactionCall, text string) error {
	channel, thread := call.Channel.ID, call.Container.ThreadTS
	if channel == "" {
		channel = in.client.channel
	}
	return in.client.whisper(ctx, channel, thread, call.User.ID, text)
}

// do carries out what needs no modal.
func (in *Inbound) do(ctx context.Context, actor triage.Actor, p pressed) (err error) {
	switch p.action {
	case actClaim:
		_, err = in.desk.Claim(ctx, actor, p.ref)
	case actResolve:
		_, err = in.desk.Resolve(ctx, actor, p.ref)
	case actReopen:
		_, err = in.desk.Reopen(ctx, actor, p.ref)
	case actUnask:
		err = in.desk.RemoveColleague(ctx, actor, p.ref, parseID(p.value))
	case actApprove, actDecline:
		err = in.decide(ctx, actor, p)
	case "pending":
		_, err = in.desk.SetState(ctx, actor, p.ref, triage.InternalPending)
	case "hand_back":
		_, err = in.desk.HandBack(ctx, actor, p.ref)
	case "not_request":
		_, err = in.desk.NotARequest(ctx, actor, p.ref)
	default:
		if viewActions[p.action] != "" { // its modal could not be opened in time
			return in.tell(ctx, p.call, "Slack did not let me open the window in time. Please press the button again.")
		}
		in.log.WarnContext(ctx, "unknown Slack action", "action", p.action)
	}
	return err
}

// submitted carries out a modal. Slack waits for the answer: only the database
// is touched, and what the person has to mend is shown at its field.
func (in *Inbound) submitted(ctx context.Context, call interactionCall) *slack.ViewSubmissionResponse {
	if action := call.View.CallbackID; action == shortcutTicket || action == shortcutArticle {
		return in.filed(ctx, call)
	}
	ref, ok := parseBlockID(call.View.PrivateMetadata)
	if !ok {
		return slack.NewErrorsViewSubmissionResponse(map[string]string{fieldText: "This window is out of date. Please open it again."})
	}
	actor, err := in.staff(ctx, call.User.ID)
	if err != nil {
		return failed(call, err)
	}
	if err := in.submit(ctx, actor, ref, call); err != nil {
		if !forPerson(err) {
			in.log.ErrorContext(ctx, "carry out Slack modal", "callback", call.View.CallbackID, "error", err)
		}
		return failed(call, err)
	}
	return slack.NewClearViewSubmissionResponse()
}

// failed shows an error at the modal's first field.
func failed(call interactionCall, err error) *slack.ViewSubmissionResponse {
	field := fieldText
	if _, ok := call.View.State.Values[fieldText]; !ok {
		for name := range call.View.State.Values {
			field = name
		}
	}
	return slack.NewErrorsViewSubmissionResponse(map[string]string{field: explain(err)})
}

func (in *Inbound) submit(ctx context.Context, actor triage.Actor, ref desk.TicketRef, call interactionCall) (err error) {
	text, choice := field(call.View, fieldText), field(call.View, fieldChoice)
	action, draft, _ := strings.Cut(call.View.CallbackID, "|")
	switch action {
	case actReply:
		if files := call.View.State.Values[fieldFiles][fieldFiles].Files; len(files) > 0 {
			later := laterReply{User: call.User.ID, Ref: ref, View: call.View.ID, Text: text, Then: choice, Draft: draft, At: in.now().UTC()}
			for _, f := range files {
				later.Files = append(later.Files, f.ID)
			}
			return in.replyLater(ctx, ref, later)
		}
		// The view's id is the reply's: pressing twice sends once.
		_, err = in.desk.Reply(ctx, actor, ref, desk.Reply{
			Text: text, ClientKey: "slack:" + call.View.ID, Then: triage.InternalState(choice), DraftID: parseID(draft),
		})
	case "note":
		_, err = in.desk.AddNote(ctx, actor, ref, desk.InternalNote{Text: text, ClientKey: "slack:" + call.View.ID})
	case "priority":
		_, err = in.desk.SetPriority(ctx, actor, ref, triage.Priority(choice))
	case "assign":
		err = in.reassign(ctx, actor, ref, choice)
	case actAsk:
		err = in.askColleague(ctx, actor, ref, choice, text, call.View.ID)
	case "snooze":
		_, err = in.desk.Snooze(ctx, actor, ref, in.until(choice, actor.TimeZone))
	case "raise":
		_, err = in.desk.RaiseToLead(ctx, actor, ref, text)
	case "correct":
		_, err = in.desk.CorrectClassification(ctx, actor, ref, desk.Correction{Intent: choice})
	case "merge":
		err = in.merge(ctx, actor, ref, text)
	case actReport:
		err = in.desk.ReportAnswer(ctx, actor, ref, parseID(field(call.View, fieldAnswer)), choice, text)
	case actAmend:
		_, err = in.desk.Correct(ctx, actor, ref, parseID(draft), desk.Reply{Text: text, ClientKey: "slack:" + call.View.ID})
	case actWithdraw:
		err = in.desk.Withdraw(ctx, actor, ref, parseID(draft))
	default:
		err = fmt.Errorf("modal %q: %w", action, desk.ErrBadValue)
	}
	return err
}

func (in *Inbound) reassign(ctx context.Context, actor triage.Actor, ref desk.TicketRef, slackID string) error {
	if slackID == "" {
		return fmt.Errorf("assignee: %w", desk.ErrBadValue)
	}
	to, err := in.staff(ctx, slackID)
	if err != nil {
		return fmt.Errorf("assignee: %w", desk.ErrBadValue)
	}
	_, err = in.desk.Assign(ctx, actor, ref, to.ID)
	return err
}

func (in *Inbound) merge(ctx context.Context, actor triage.Actor, ref desk.TicketRef, number string) error {
	var n int64
	if _, err := fmt.Sscanf(strings.TrimPrefix(strings.TrimSpace(number), "#"), "%d", &n); err != nil {
		return fmt.Errorf("ticket number: %w", desk.ErrBadValue)
	}
	into, err := in.desk.NumberOf(ctx, ref.TenantID, n)
	if err != nil {
		return err
	}
	_, err = in.desk.Merge(ctx, actor, ref, desk.TicketRef{TenantID: ref.TenantID, ID: into})
	return err
}

// until is the end of a snooze, in the agent's own time zone.
func (in *Inbound) until(choice, zone string) time.Time {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC
	}
	now := in.now().In(location)
	morning := func(days int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, 9, 0, 0, 0, location)
	}
	switch choice {
	case "1h":
		return now.Add(time.Hour)
	case "4h":
		return now.Add(4 * time.Hour)
	case "tomorrow":
		return morning(1)
	case "monday":
		return morning((8-int(now.Weekday()))%7 + boolInt(now.Weekday() == time.Monday)*7)
	case "week":
		return morning(7)
	}
	return time.Time{}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// detail reads a ticket for a modal, as an agent may see it.
func (in *Inbound) detail(ctx context.Context, ref desk.TicketRef) (desk.Detail, error) {
	return in.desk.Ticket(ctx, ref.TenantID, ref.ID)
}
