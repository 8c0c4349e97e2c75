package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/feeds"
	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/notice"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/desk"
)

// connectFeeds lets outside systems keep the onboarding record true, and acts on
// what happens: tickets, notices, rules. USHER_HOOK_<SOURCE>_SECRETS switches a
// source on.
func (a *application) connectFeeds(workers *river.Workers) ([]func(gin.IRouter), error) {
	a.rules = &rule.Engine{Do: notice.Do(time.Now, a.react)}
	f := &feed.Feed{Rules: a.rules, Signals: func(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, now time.Time) (feed.Signals, error) {
		mood, err := desk.MoodOf(ctx, tx, tenant, now)
		return feed.Signals(mood), err
	}}
	a.standing = f
	secrets := map[string][]string{}
	for _, source := range feeds.Sources() {
		if list := split(setting("USHER_HOOK_" + strings.ToUpper(source) + "_SECRETS")); len(list) > 0 {
			secrets[source] = list
		}
	}
	in, err := feeds.New(feeds.Config{DB: a.worker, Jobs: a.jobs, Feed: f, Sources: a.sources, PublicURL: a.config.PublicURL, Secrets: secrets, Log: a.log})
	if err != nil {
		return nil, fmt.Errorf("connect webhooks: %w", err)
	}
	a.feeds = in
	feeds.AddWorkers(workers, in)
	feed.AddWorkers(workers, &feed.Sweeper{DB: a.worker, Feed: f})
	notice.AddWorkers(workers, &notice.Sender{DB: a.worker, Deliver: a.tell})
	if a.config.has("worker") {
		a.jobs.PeriodicJobs().AddMany([]*river.PeriodicJob{
			river.NewPeriodicJob(river.PeriodicInterval(15*time.Minute), func() (river.JobArgs, *river.InsertOpts) { return feed.SweepArgs{}, nil }, nil),
			river.NewPeriodicJob(river.PeriodicInterval(time.Minute), func() (river.JobArgs, *river.InsertOpts) { return notice.SendArgs{}, nil }, nil),
		})
	}
	return []func(gin.IRouter){in.Mount}, nil
}

// react does what a rule asks for, in the transaction of the event.
func (a *application) react(ctx context.Context, tx pgx.Tx, f rule.Fired) error {
	switch f.Action.Kind {
	case rule.OpenTicket:
		return a.openTicketFor(ctx, tx, f)
	case rule.CloseTicket:
		return a.noteRecovery(ctx, tx, f)
	case rule.TellOwner:
		return a.tellOwner(ctx, tx, f)
	case rule.CreateTask:
		_, err := tx.Exec(ctx, `insert into tasks (tenant_id, id, project_id, title, state, responsibility, visibility)
			select tenant_id, $2, id, $3, 'ready', 'provider', 'internal' from projects where tenant_id = $1 and state in ('active', 'on_hold', 'live')`,
			f.Event.TenantID, uuid.Must(uuid.NewV7()), f.Action.Title)
		return err
	}
	return nil
}

// openTicketFor opens one ticket for a happening; an open one with the key is it.
func (a *application) openTicketFor(ctx context.Context, tx pgx.Tx, f rule.Fired) error {
	key := f.Event.Fields["key"]
	if key == "" {
		key = f.Rule + "/" + f.Event.Subject
	}
	_, err := desk.OpenTicketByKey(ctx, tx, f.Event.TenantID, key)
	if err == nil || !errors.Is(err, triage.ErrTicketNotFound) {
		return err
	}
	subject, origin := f.Event.Fields["name"]+" needs attention", "integration_error"
	if f.Event.Entity == "integration" {
		subject = f.Event.Fields["name"] + " (" + f.Event.Fields["environment"] + ") is failing"
	} else {
		origin = "chat"
	}
	conversation, err := triage.InsertConversation(ctx, tx, triage.Conversation{
		TenantID: f.Event.TenantID, ID: uuid.Must(uuid.NewV7()), Channel: triage.ChannelIntegration, Subject: subject,
	})
	if err != nil {
		return err
	}
	_, err = a.desk.Escalate(ctx, tx, desk.Escalation{
		TenantID: f.Event.TenantID, ConversationID: conversation.ID, Reason: triage.ReasonIntegration, Subject: subject, Origin: origin, DedupKey: key,
		Summary:        subject + ". " + f.Event.Fields["message"] + " (event " + f.Event.Kind + ", class " + f.Event.Fields["error_class"] + ")",
		Classification: triage.Classification{Intent: "integration.error_followup", Priority: triage.PriorityHigh, Language: "en", Team: "integrations"},
	})
	return err
}

// noteRecovery closes the loop on the ticket whose cause is gone.
func (a *application) noteRecovery(ctx context.Context, tx pgx.Tx, f rule.Fired) error {
	what := f.Event.Fields["name"]
	if environment := f.Event.Fields["environment"]; environment != "" {
		what += " (" + environment + ")"
	}
	return a.desk.CauseGone(ctx, tx, desk.Recovery{
		TenantID: f.Event.TenantID, Key: f.Event.Fields["key"], Once: f.Event.Subject,
		Note: what + " works again.", Draft: "Good news: " + what + " works again on our side. Could you confirm that you see the same?",
	})
}

// tellOwner gives the onboarding manager one notice. Without Slack the log has it.
func (a *application) tellOwner(ctx context.Context, tx pgx.Tx, f rule.Fired) error {
	a.log.InfoContext(ctx, "onboarding needs a look", "tenant_id", f.Event.TenantID, "event", f.Event.Kind, "entity_id", f.Event.EntityID)
	if a.notices == nil {
		return nil
	}
	var tenant, project, owner, contact string
	err := tx.QueryRow(ctx, `select t.name, p.name, p.owner_name, p.owner_contact from tenants t join projects p on p.tenant_id = t.id
		where t.id = $1 and (p.id = $2 or p.state in ('draft', 'active', 'on_hold', 'live')) order by p.id = $2 desc limit 1`, f.Event.TenantID, f.Event.EntityID).
		Scan(&tenant, &project, &owner, &contact)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // nobody manages it; the log has it
	}
	if err != nil {
		return fmt.Errorf("read project's owner: %w", err)
	}
	text := strings.TrimSpace(tenant + ": " + ownerNews(project, f.Event))
	return a.notices.Tell(ctx, tx, slack.Notice{TenantID: f.Event.TenantID, Key: f.Rule + "/" + f.Event.Subject, Name: owner, Email: contact, Text: text})
}

// ownerNews is what happened in a project, in a sentence for its manager.
func ownerNews(project string, e rule.Event) string {
	fields := e.Fields
	name := fields["name"]
	if environment := fields["environment"]; environment != "" {
		name += " (" + environment + ")"
	}
	switch e.Kind {
	case rule.HealthChanged:
		text := fmt.Sprintf("“%s” is now %s, before it was %s.", project, said(fields["to"]), said(fields["from"]))
		if fields["reasons"] != "" {
			text += " Why: " + fields["reasons"] + "."
		}
		return text
	case rule.Stalled:
		return fmt.Sprintf("nothing has happened in “%s” on the customer's side for %s days. %s things wait for them, first “%s”.", project, fields["days"], fields["tasks"], fields["task"])
	case rule.IntegrationFailing:
		return strings.TrimSpace(fmt.Sprintf("%s is failing in “%s”. %s", name, project, fields["message"]))
	case rule.IntegrationRecovered:
		return fmt.Sprintf("%s works again in “%s”.", name, project)
	case rule.DocumentRejected, rule.DocumentAccepted:
		return fmt.Sprintf("“%s” was %s in “%s”.", name, strings.TrimPrefix(e.Kind, "document."), project)
	case rule.TaskReady:
		return fmt.Sprintf("“%s” of “%s” can begin now: what it waited for is done.", name, project)
	case rule.TaskDone:
		return fmt.Sprintf("“%s” of “%s” is done.", name, project)
	case rule.MilestoneDone:
		return fmt.Sprintf("the milestone “%s” of “%s” is reached.", name, project)
	case rule.MilestoneSlipped:
		return fmt.Sprintf("the milestone “%s” of “%s” was due on %s and is not reached yet.", name, project, fields["date"])
	case rule.SignatureMissing:
		return fmt.Sprintf("“%s” of “%s” still waits for the signature of %s.", name, project, fields["signer"])
	case rule.SignatureCompleted:
		return fmt.Sprintf("“%s” of “%s” is signed by everybody.", name, project)
	case rule.VerificationNeeds:
		return fmt.Sprintf("the verification in “%s” needs something from the customer.", project)
	case rule.VerificationVerified:
		return fmt.Sprintf("the verification in “%s” is complete.", project)
	case rule.WentLive:
		return fmt.Sprintf("“%s” is live.", project)
	}
	return fmt.Sprintf("“%s” needs a look (%s).", project, e.Kind)
}

// said is a state as people say it.
func said(word string) string { return cmp.Or(strings.ReplaceAll(word, "_", " "), "unknown") }

// usedFor is how long without a sign-in a person is taken not to use the chat.
const usedFor = 30 * 24 * time.Hour

// channel is where a person hears of things: where they wrote last, else by
// e-mail when they do not come to the chat, where e-mail is connected.
func (a *application) channel(ctx context.Context, tx pgx.Tx, tenant, user uuid.UUID) (triage.Channel, error) {
	var last string
	var seen *time.Time
	err := tx.QueryRow(ctx, `select coalesce((select channel from conversations where tenant_id = $1 and user_id = $2 and channel in ('chat', 'email') order by updated_at desc limit 1), ''),
		last_login_at from users where tenant_id = $1 and id = $2`, tenant, user).Scan(&last, &seen)
	if err != nil {
		return "", fmt.Errorf("choose a channel: %w", err)
	}
	away := last == "" && (seen == nil || time.Since(*seen) > usedFor)
	if a.mail != nil && (last == string(triage.ChannelEmail) || away) {
		return triage.ChannelEmail, nil
	}
	return triage.ChannelChat, nil
}

// tell puts a notice into the person's latest open conversation, or a new one,
// in the channel they use.
func (a *application) tell(ctx context.Context, tx pgx.Tx, m notice.Message) error {
	channel, err := a.channel(ctx, tx, m.TenantID, m.UserID)
	if err != nil {
		return err
	}
	var conversation uuid.UUID
	err = tx.QueryRow(ctx, `select id from conversations where tenant_id = $1 and user_id = $2 and state = 'open' and assistant = 'on' and channel = $3
		and updated_at > now() - interval '30 days' order by updated_at desc limit 1`, m.TenantID, m.UserID, string(channel)).Scan(&conversation)
	if errors.Is(err, pgx.ErrNoRows) {
		made, err := triage.InsertConversation(ctx, tx, triage.Conversation{
			TenantID: m.TenantID, ID: uuid.Must(uuid.NewV7()), UserID: &m.UserID, Channel: channel, Subject: triage.Line(m.Text, 80), Language: m.Language,
		})
		if err != nil {
			return err
		}
		conversation = made.ID
	} else if err != nil {
		return err
	}
	_, _, err = triage.InsertMessage(ctx, tx, triage.Message{
		TenantID: m.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: conversation, AuthorKind: triage.AuthorAssistant, AuthorName: assistant.AssistantName, Visibility: triage.VisibleToCustomer,
		Body: m.Text, Language: m.Language, ClientKey: &m.Key, Answer: &triage.AnswerMeta{Kind: "status", Evidence: "known_state", Link: m.Link}, State: triage.MessageFinal,
	})
	return err
}

// seedOnboardingRules stores the shipped templates and rules that are not there.
func (a *application) seedOnboardingRules(ctx context.Context) error {
	return a.worker.WithSystem(ctx, "load onboarding templates and rules", func(tx pgx.Tx) error {
		if err := lifecycle.Seed(ctx, tx); err != nil {
			return err
		}
		return rule.Seed(ctx, tx)
	})
}
