package email_test

import (
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/desktest"
)

// report is a delivery status notification as Postfix writes it, about a mail that
// our server took.
func report(n int, original *mail.Message, action, status string) string {
	var headers strings.Builder
	for key, values := range original.Header {
		for _, value := range values {
			fmt.Fprintf(&headers, "%s: %s\r\n", key, value)
		}
	}
	return strings.ReplaceAll(fmt.Sprintf(`Return-Path: <>
Message-ID: <dsn-%d@mx.acme.test>
From: MAILER-DAEMON@mx.acme.test (Mail Delivery System)
To: support@usher.test
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="edge"

--edge
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you. secret detail <evil@link.test>

--edge
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.acme.test
X-Postfix-Queue-ID: 4F2D1
Arrival-Date: Fri, 27 Nov 2026 10:00:00 +0000 (UTC)

Final-Recipient: rfc822; ana@acme.test
Original-Recipient: rfc822;ana@acme.test
Action: %s
Status: %s
Remote-MTA: dns; inner.acme.test
Diagnostic-Code: smtp; 550 %s secret detail
    over two lines

--edge
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

%s
--edge--
`, n, action, status, status, headers.String()), "\n", "\r\n")
}

// bounceBundle is a conversation by mail with a ticket, on a desk with a thread.
type bounceBundle struct {
	*testBundle
	desk         *desk.Service
	channel      *desktest.Channel
	ticket       triage.Ticket
	conversation uuid.UUID
	imap         string
}

func setupBounces(t *testing.T) *bounceBundle {
	t.Helper()
	b := &bounceBundle{testBundle: setup(t), channel: desktest.NewChannel(nil), imap: imapServer(t)}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	b.desk = desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, Channel: b.channel, Log: slog.New(slog.DiscardHandler), EditEvery: time.Nanosecond, Other: email.ReplayJob})
	b.service.Desk = b.desk
	b.receive(t, raw("1@acme.test", "ana@acme.test", "support@usher.test", "Import stops", "Help", vouched))
	b.conversation = b.conversations(t)[0].ID
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		b.ticket, err = b.desk.Escalate(t.Context(), tx, desk.Escalation{TenantID: b.tenant, ConversationID: b.conversation, UserID: b.user, Reason: triage.ReasonRequested, Subject: "Help", Summary: "Help"})
		return err
	}))
	return b
}

// reply lets an agent answer and resolve.
func (b *bounceBundle) reply(t *testing.T, text string) *mail.Message {
	t.Helper()
	agent := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, uuid.NewString()+"@usher.test")}
	_, err := b.desk.Reply(t.Context(), agent, desk.TicketRef{TenantID: b.tenant, ID: b.ticket.ID}, desk.Reply{Text: text, ClientKey: text, Then: triage.InternalSolved})
	require.NoError(t, err)
	b.send(t)
	sent := b.post.all()
	return sent[len(sent)-1]
}

// arrives lets mail come by the mailbox.
func (b *bounceBundle) arrives(t *testing.T, mails ...string) {
	t.Helper()
	var before int
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where source = 'email'`).Scan(&before))
	for _, m := range mails {
		deliver(t, b.imap, m)
	}
	receiver := email.NewReceiver(email.IMAP{Addr: b.imap, User: "support", Password: "pass", Plain: true}, b.service)
	receiver.Start(t.Context())
	defer receiver.Stop()
	require.Eventually(t, func() bool {
		var have int
		_ = b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where source = 'email'`).Scan(&have)
		return have >= before+len(mails)
	}, 10*time.Second, 20*time.Millisecond)
	b.work(t)
}

func (b *bounceBundle) deliveries(t *testing.T) (out []string) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select state || ': ' || last_error from deliveries where tenant_id = $1 and destination = 'email' order by position`, b.tenant)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	return out
}

// thread is what agents read below the ticket's root message.
func (b *bounceBundle) thread(t *testing.T) (out []string) {
	t.Helper()
	_, err := b.desk.Drain(t.Context(), b.tenant, b.ticket.ID, b.channel.System(), time.Minute)
	require.NoError(t, err)
	for _, p := range b.channel.Thread(b.ticket.ID) {
		if p.Label == desk.PostInternal {
			out = append(out, p.Text)
		}
	}
	return out
}

func (b *bounceBundle) notes(t *testing.T) (out []string) {
	t.Helper()
	d, err := b.desk.Ticket(t.Context(), b.tenant, b.ticket.ID)
	require.NoError(t, err)
	b.ticket = d.Ticket
	for _, m := range d.Messages {
		if m.AuthorKind == triage.AuthorSystem && m.Visibility == triage.Internal {
			out = append(out, m.Body)
		}
	}
	return out
}

func TestAMailThatComesBackIsToldToAgents(t *testing.T) {
	t.Parallel()

	t.Run("for good: the delivery fails, the ticket is open again, and the thread and the console say why, once", func(t *testing.T) {
		t.Parallel()
		b := setupBounces(t)
		sent := b.reply(t, "We found it.")
		require.Equal(t, []string{"delivered: "}, b.deliveries(t))
		b.arrives(t, report(1, sent, "failed", "5.1.1"), report(2, sent, "failed (expired)", "5.1.1")) // told twice
		require.Equal(t, []string{"failed: The mail came back from the customer's side: the address does not exist (5.1.1)."}, b.deliveries(t))
		note := "The reply sent to ana@acme.test did not arrive: the address does not exist (5.1.1). It will not arrive by itself. Reach the customer another way, or have the address put right and send it again from Deliveries."
		require.Equal(t, []string{note}, b.notes(t))
		require.Equal(t, []string{note}, b.thread(t))
		require.Equal(t, triage.InternalOpen, b.ticket.InternalState, "it was solved by a reply nobody got")
		require.NotContains(t, strings.Join(b.messages(t, b.conversation), "\n"), "did not arrive", "no customer sees it")
		require.Len(t, b.post.all(), 1, "nobody answers a bounce")
	})

	t.Run("not yet: the delivery stays, agents are told mildly, and good or bad news follows", func(t *testing.T) {
		t.Parallel()
		b := setupBounces(t)
		sent := b.reply(t, "We found it.")
		b.arrives(t, report(1, sent, "delayed", "4.4.1"))
		require.Equal(t, []string{"delivered: It left here but has not arrived yet: the server does not answer (4.4.1). The mail servers on the way go on trying."}, b.deliveries(t))
		require.Len(t, b.notes(t), 1)
		require.Contains(t, b.thread(t)[0], "has not arrived yet")
		require.Equal(t, triage.InternalSolved, b.ticket.InternalState, "nothing is lost yet")
		b.arrives(t, report(2, sent, "delivered", "2.0.0"))
		require.Equal(t, []string{"delivered: "}, b.deliveries(t))
		b.arrives(t, report(3, sent, "failed", "4.4.7"))
		require.Equal(t, []string{"failed: The mail came back from the customer's side: the server could not be reached for too long (4.4.7)."}, b.deliveries(t))
		require.Len(t, b.notes(t), 2)
		require.Equal(t, triage.InternalOpen, b.ticket.InternalState)
	})

	t.Run("replayed, it leaves again and may come back again", func(t *testing.T) {
		t.Parallel()
		b := setupBounces(t)
		sent := b.reply(t, "We found it.")
		b.arrives(t, report(1, sent, "failed", "5.2.2"))
		rows, err := b.desk.Deliveries(t.Context(), desk.DeliveryFilter{Destination: email.System}, triage.Page{})
		require.NoError(t, err)
		require.Contains(t, rows[0].LastError, "the mailbox is full")
		require.NoError(t, b.desk.Replay(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "re@usher.test")}, b.tenant, rows[0].ID))
		b.now = b.now.Add(time.Hour)
		b.receiveUnsettled(t, report(2, sent, "failed", "5.2.2"))
		b.send(t)
		require.Equal(t, []string{"delivered: "}, b.deliveries(t))
		b.work(t)
		require.Contains(t, b.deliveries(t)[0], "failed: ")
		require.Len(t, b.notes(t), 2)
	})

	t.Run("reports about other mail, and machines that only answer, change nothing", func(t *testing.T) {
		t.Parallel()
		b := setupBounces(t)
		sent := b.reply(t, "We found it.")
		foreign := &mail.Message{Header: mail.Header{"Message-Id": {"<" + uuid.NewString() + "@usher.test>"}}}
		stranger := &mail.Message{Header: mail.Header{"Message-Id": {"<" + strings.Split(strings.Trim(sent.Header.Get("Message-Id"), "<>"), "@")[0] + "@else.test>"}}}
		b.arrives(t, report(1, foreign, "failed", "5.1.1"), report(2, stranger, "failed", "5.1.1"),
			strings.ReplaceAll(report(3, sent, "displayed", "2.0.0"), "report-type=delivery-status", "report-type=disposition-notification"),
			raw("ooo@acme.test", "ana@acme.test", "support@usher.test", "Out of office", "Away", vouched, "Return-Path: <>", "Auto-Submitted: auto-replied", "In-Reply-To: "+sent.Header.Get("Message-Id")))
		require.Equal(t, []string{"delivered: "}, b.deliveries(t))
		require.Empty(t, b.notes(t))
	})

	t.Run("a bounce from before there were reports", func(t *testing.T) {
		t.Parallel()
		b := setupBounces(t)
		sent := b.reply(t, "We found it.")
		b.arrives(t, raw("q@acme.test", "MAILER-DAEMON@mx.acme.test", "support@usher.test", "failure notice",
			"Hi. This is the qmail-send program.\r\n<ana@acme.test>:\r\n550 5.7.1 refused\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <support@usher.test>\r\nMessage-ID: "+sent.Header.Get("Message-Id")+"\r\nSubject: x", "Return-Path: <>"))
		require.Equal(t, []string{"failed: The mail came back from the customer's side: the server's rules refuse the mail, as spam or for want of proof who sent it (5.7.1)."}, b.deliveries(t))
	})
}

// receiveUnsettled takes a report in while its mail is on its way anew: it waits.
func (b *bounceBundle) receiveUnsettled(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, b.service.Store(t.Context(), []byte(text)))
	var id string
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select event_id from inbound_events where source = 'email' and state = 'received'`).Scan(&id))
	require.Error(t, b.service.Handle(t.Context(), id))
}

// A worker that was down over a long weekend.
func TestWhatWasSaidDuringAnOutageIsNotLost(t *testing.T) {
	t.Parallel()
	b := setupBounces(t)
	say := func(kind triage.AuthorKind, text string) {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			_, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
				TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: b.conversation, AuthorKind: kind, AuthorName: "Bo", Visibility: triage.VisibleToCustomer, Body: text,
			})
			return err
		}))
	}
	say(triage.AuthorAgent, "We found it.")
	say(triage.AuthorAssistant, "It goes live on Monday.")
	b.now = b.now.Add(60 * time.Hour)
	b.send(t)
	b.send(t)
	require.Empty(t, b.post.all(), "it may not be true any more")
	states := b.deliveries(t)
	require.Len(t, states, 2, "each is a delivery")
	for _, state := range states {
		require.Contains(t, state, "failed: Not sent: mail was not leaving when this was said")
	}
	thread := strings.Join(b.thread(t), "\n")
	require.Len(t, b.thread(t), 2)
	require.Contains(t, thread, "The reply to ana@acme.test of ")
	require.Contains(t, thread, "The automatic answer to ana@acme.test of ")
	rows, err := b.desk.Deliveries(t.Context(), desk.DeliveryFilter{Destination: email.System, State: "failed"}, triage.Page{})
	require.NoError(t, err)
	agent := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "re@usher.test")}
	for _, row := range rows {
		require.NoError(t, b.desk.Replay(t.Context(), agent, b.tenant, row.ID))
	}
	b.send(t)
	require.Len(t, b.post.all(), 2)
	require.Contains(t, strings.Join(b.post.text, "\n"), "We found it.")
	require.Contains(t, strings.Join(b.post.text, "\n"), "It goes live on Monday.")
}
