package main

import (
	"context"
	"fmt"
	"net"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/webhook"
	"github.com/usherdesk/usher/triage/desk"
)

type mailConfig struct {
	From, FromName, ReplyTo, AuthServer, WebhookSecret string
	SMTPAddr, SMTPUser, SMTPPassword                   string
	IMAPAddr, IMAPUser, IMAPPassword                   string
}

// on reports whether mail can be sent.
func (c mailConfig) on() bool { return c.From != "" && c.SMTPAddr != "" }

// connectMail makes the e-mail service where it is configured; nil elsewhere.
func (a *application) connectMail(workers *river.Workers) (*email.Service, error) {
	c := a.config.Mail
	if !c.on() {
		return nil, nil
	}
	config := email.Config{
		From: c.From, FromName: c.FromName, ReplyTo: c.ReplyTo, Secret: a.config.Secret, AuthServer: c.AuthServer, PublicURL: a.config.PublicURL,
		SMTP: email.SMTP{Addr: c.SMTPAddr, User: c.SMTPUser, Password: c.SMTPPassword, Plain: relayHere(c.SMTPAddr)}, DB: a.worker, Jobs: a.jobs, Intake: a.intake, Files: a.documents.attachments,
		Desk: a.desk, Wake: a.wake, Log: a.log,
	}
	if c.WebhookSecret != "" {
		config.WebhookSecrets = []string{c.WebhookSecret}
	}
	service, err := email.New(config)
	if err != nil {
		return nil, fmt.Errorf("connect e-mail: %w", err)
	}
	email.AddWorkers(workers, service)
	if c.IMAPAddr != "" {
		a.receivers = append(a.receivers, email.NewReceiver(email.IMAP{Addr: c.IMAPAddr, User: c.IMAPUser, Password: c.IMAPPassword}, service))
	}
	return service, nil
}

// relayHere says that mail leaves by a server on this machine, which needs no
// encryption to be reached and seldom has a certificate for localhost.
func relayHere(address string) bool {
	host, port, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && port != "465" && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// tellOnCall is how people hear of a destination that takes nothing, by another
// way than it; nil where nobody is to be told.
func (a *application) tellOnCall() func(ctx context.Context, o desk.Outage) error {
	if len(a.config.OnCall) == 0 {
		return nil
	}
	return func(ctx context.Context, o desk.Outage) error { return a.mail.Alert(ctx, a.config.OnCall, o) }
}

// tellStaff tells a member of staff whom Slack does not know something about a
// ticket: by mail, else in the channel. With neither the log has it.
func (a *application) tellStaff(ctx context.Context, tx pgx.Tx, w desk.Word) error {
	switch {
	case a.mail != nil:
		return a.mail.Tell(ctx, tx, w)
	case a.notices != nil:
		return a.notices.Tell(ctx, tx, slack.Notice{TenantID: w.TenantID, Key: w.Key, Name: w.Name, Email: w.Email, Text: w.Text})
	}
	a.log.InfoContext(ctx, "nobody could be told: neither Slack nor mail is on", "tenant_id", w.TenantID, "key", w.Key)
	return nil
}

// mailMount is the route a mail provider posts to, where e-mail is on.
func mailMount(service *email.Service) []func(gin.IRouter) {
	if service == nil {
		return nil
	}
	return []func(gin.IRouter){service.Mount}
}

// receiver takes messages in by itself: a mailbox, or Slack's Socket Mode.
type receiver interface {
	Start(ctx context.Context)
	Stop()
}

var (
	_ receiver = (*email.Receiver)(nil)
	_ receiver = (*slack.Socket)(nil)
)

// replayOther names the job that repeats a delivery which belongs to no ticket.
func replayOther(tenant, id uuid.UUID, destination string) river.JobArgs {
	for _, replay := range []func(tenant, id uuid.UUID, destination string) river.JobArgs{webhook.ReplayJob, slack.ReplayNotice} {
		if job := replay(tenant, id, destination); job != nil {
			return job
		}
	}
	return email.ReplayJob(tenant, id, destination)
}
