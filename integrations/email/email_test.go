package email_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
)

// post is a real SMTP server on loopback.
type post struct {
	addr string
	mu   sync.Mutex
	got  []*mail.Message
	text []string
	fail error
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{p, c}, nil }

type session struct {
	post *post
	conn *smtp.Conn
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Data(r io.Reader) error {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	if s.post.fail != nil && s.post.fail != errLost {
		return s.post.fail
	}
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, _ := io.ReadAll(m.Body)
	s.post.got, s.post.text = append(s.post.got, m), append(s.post.text, string(body))
	if s.post.fail == errLost {
		s.post.fail = nil
		s.conn.Conn().Close()
	}
	return nil
}

var errLost = errors.New("lost after it was taken")

func (p *post) all() []*mail.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*mail.Message(nil), p.got...)
}

func (p *post) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

func smtpServer(t *testing.T) *post {
	t.Helper()
	p := &post{}
	server := smtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth = "localhost", true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.addr = listener.Addr().String()
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return p
}

// imapServer is a real IMAP server on loopback with one empty mailbox.
func imapServer(t *testing.T) string {
	t.Helper()
	store := imapmemserver.New()
	user := imapmemserver.NewUser("support", "pass")
	require.NoError(t, user.Create("INBOX", nil))
	store.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return store.NewSession(), nil, nil
		},
		InsecureAuth: true, Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

func deliver(t *testing.T, addr, raw string) {
	t.Helper()
	client, err := imapclient.DialInsecure(addr, nil)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Login("support", "pass").Wait())
	cmd := client.Append("INBOX", int64(len(raw)), nil)
	_, err = cmd.Write([]byte(raw))
	require.NoError(t, err)
	require.NoError(t, cmd.Close())
	_, err = cmd.Wait()
	require.NoError(t, err)
}

// scanner finds nothing, but for the standard test virus.
type scanner struct{}

func (scanner) Scan(_ context.Context, body io.Reader) (blob.Verdict, error) {
	all, err := io.ReadAll(body)
	return blob.Verdict{Clean: !strings.Contains(string(all), "EICAR"), Detail: "Eicar"}, err
}

type noDesk struct{ intake.Desk }

type testBundle struct {
	db      *dbtest.Database
	service *email.Service
	files   *attachment.Service
	post    *post
	tenant  uuid.UUID
	user    uuid.UUID
	now     time.Time
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{db: dbtest.New(t), post: smtpServer(t), now: time.Now()}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	b.files = attachment.New(b.db.Worker, folder, scanner{}, jobs, nil, attachment.Config{})
	b.service, err = email.New(email.Config{
		Files: b.files,
		From:  "support@usher.test", FromName: "ACME Support", Secret: "0123456789abcdef0123", AuthServer: "mx.usher.test", PublicURL: "https://support.usher.test",
		SMTP: email.SMTP{Addr: b.post.addr, Plain: true}, DB: b.db.Worker, Jobs: jobs, Intake: intake.New(b.db.App, jobs, noDesk{}, nil),
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.now }, WebhookSecrets: []string{"whsec_" + strings.Repeat("A", 44)},
	})
	require.NoError(t, err)
	b.tenant = b.db.Tenant(t, "acme")
	b.user = b.db.User(t, b.tenant, "ana@acme.test")
	return b
}

func raw(id, from, to, subject, text string, headers ...string) string {
	return fmt.Sprintf("Message-ID: <%s>\r\nFrom: %s\r\nTo: %s\r\nSubject: %s\r\n%s\r\n\r\n%s\r\n", id, from, to, subject,
		strings.Join(append(headers, "Content-Type: text/plain; charset=utf-8"), "\r\n"), text)
}

const vouched = "Authentication-Results: mx.usher.test; dmarc=pass header.from=acme.test"

// receive stores a mail and works on all that is stored.
func (b *testBundle) receive(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, b.service.Store(t.Context(), []byte(text)))
	b.work(t)
}

func (b *testBundle) work(t *testing.T) {
	t.Helper()
	rows, err := b.db.Worker.Pool().Query(t.Context(), `select event_id from inbound_events where source = 'email' and state = 'received' order by received_at`)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, id := range ids {
		require.NoError(t, b.service.Handle(t.Context(), id))
	}
}

func (b *testBundle) conversations(t *testing.T) (list []triage.Conversation) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		list, err = triage.ConversationsOf(t.Context(), tx, b.tenant, b.user, triage.Page{})
		return err
	}))
	return list
}

func (b *testBundle) messages(t *testing.T, conversation uuid.UUID) (out []string) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		list, err := triage.MessagesBefore(t.Context(), tx, b.tenant, conversation, 0, false, 50)
		for _, m := range list {
			out = append(out, string(m.AuthorKind)+": "+m.Body)
		}
		return err
	}))
	return out
}

// answer says something in the conversation and sends what is to be sent.
func (b *testBundle) answer(t *testing.T, conversation uuid.UUID, kind triage.AuthorKind, visibility triage.Visibility, text string) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: conversation, AuthorKind: kind, AuthorName: "Bo", Visibility: visibility, Body: text,
		})
		return err
	}))
	b.send(t)
}

func (b *testBundle) send(t *testing.T) (longest time.Duration) {
	t.Helper()
	_, err := b.service.Sweep(t.Context())
	require.NoError(t, err)
	var ids []uuid.UUID
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select id from deliveries where tenant_id = $1 and destination = 'email' and state = 'pending' order by position`, b.tenant)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}))
	for _, id := range ids {
		wait, err := b.service.Send(t.Context(), b.tenant, id)
		require.NoError(t, err)
		longest = max(longest, wait)
	}
	return longest
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addr := imapServer(t)
	deliver(t, addr, raw("1@acme.test", "Ana <ana@acme.test>", "support@usher.test", "Import stops", "It stops at 80 %.\n-- \nAna", vouched))
	receiver := email.NewReceiver(email.IMAP{Addr: addr, User: "support", Password: "pass", Plain: true}, b.service)
	receiver.Start(t.Context())
	defer receiver.Stop()
	arrived := func(n int) {
		require.Eventually(t, func() bool {
			var have int
			_ = b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where source = 'email'`).Scan(&have)
			return have == n
		}, 10*time.Second, 20*time.Millisecond)
		b.work(t)
	}
	arrived(1)
	list := b.conversations(t)
	require.Len(t, list, 1)
	require.Equal(t, triage.ChannelEmail, list[0].Channel)
	require.Equal(t, []string{"customer: It stops at 80 %."}, b.messages(t, list[0].ID))

	b.answer(t, list[0].ID, triage.AuthorAssistant, triage.VisibleToCustomer, "Please look at the log.")
	b.answer(t, list[0].ID, triage.AuthorAgent, triage.Internal, "SECRET: check their contract")
	b.answer(t, list[0].ID, triage.AuthorAgent, triage.VisibleToCustomer, "We found it.")
	require.Zero(t, b.send(t))
	sent := b.post.all()
	require.Len(t, sent, 2, "each public message once, internal ones never")
	require.Equal(t, "auto-replied", sent[0].Header.Get("Auto-Submitted"))
	require.Empty(t, sent[1].Header.Get("Auto-Submitted"), "a person's mail is a person's")
	require.Equal(t, "<1@acme.test>", sent[0].Header.Get("In-Reply-To"))
	require.Contains(t, sent[1].Header.Get("References"), "<1@acme.test>")
	require.Equal(t, "Re: Import stops", sent[1].Header.Get("Subject"))
	for _, text := range b.post.text {
		require.NotContains(t, text, "SECRET")
	}
	back := sent[1].Header.Get("Reply-To")
	require.Contains(t, back, "support+")

	deliver(t, addr, raw("2@acme.test", "ana@acme.test", strings.Trim(back, "<>"), "Re: Import stops", "Thank you!\n\nOn Mon, 23 Nov 2026 at 10:00, Bo <support@usher.test> wrote:\n> We found it."))
	arrived(2)
	deliver(t, addr, raw("2@acme.test", "ana@acme.test", strings.Trim(back, "<>"), "Re: Import stops", "Thank you!")) // delivered twice
	deliver(t, addr, raw("3@acme.test", "ana@acme.test", "support@usher.test", "Re: Import stops", "By the plain address", vouched, "In-Reply-To: "+sent[1].Header.Get("Message-Id")))
	arrived(3)
	require.Len(t, b.conversations(t), 1)
	got := b.messages(t, list[0].ID)
	require.Equal(t, []string{"customer: Thank you!", "customer: By the plain address"}, got[3:])
}

// A mail is read outside the portal: it says as of when an answer is, in the
// tenant's time zone and the answer's language, and its links lead there.
func TestAnAnswerByMailSaysAsOfWhenItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.receive(t, raw("1@acme.test", "Ana <ana@acme.test>", "support@usher.test", "Stand?", "Wie ist der Stand?", vouched))
	asOf := time.Date(2026, 11, 25, 10, 30, 0, 0, time.UTC)
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `update tenants set time_zone = 'Europe/Berlin' where id = $1`, b.tenant); err != nil {
			return err
		}
		_, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: b.conversations(t)[0].ID, AuthorKind: triage.AuthorAssistant, AuthorName: "Usher",
			Visibility: triage.VisibleToCustomer, Language: "de", Body: "- [Nachweis](/documents#document-1): noch nicht gesendet",
			Answer: &triage.AnswerMeta{Kind: "status", Evidence: "known_state", AsOf: &asOf, Stale: true, Link: "/documents"},
		})
		return err
	}))
	b.send(t)
	require.Len(t, b.post.all(), 1)
	text := strings.ReplaceAll(b.post.text[0], "=\r\n", "")
	require.Contains(t, text, "Stand: 25. November 2026, 11:30 Uhr (Europe/Berlin). Seitdem kann sich etwas ge")
	require.Contains(t, text, "(https://support.usher.test/documents#document-1)")
}

func TestSenders(t *testing.T) {
	t.Parallel()

	t.Run("who is not verified opens nothing, learns nothing, and is told once a day", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for i, header := range []string{"X-Nothing: 1", "Authentication-Results: mx.evil.test; dmarc=pass header.from=acme.test", "Authentication-Results: mx.usher.test; dmarc=fail header.from=acme.test"} {
			b.receive(t, raw(fmt.Sprintf("%d@acme.test", i), "ana@acme.test", "support@usher.test", "When do we go live?", "Tell me", header))
		}
		b.receive(t, raw("x@else.test", "eve@else.test", "support@usher.test", "Hello", "Who are you?"))
		require.Empty(t, b.conversations(t))
		sent := b.post.all()
		require.Len(t, sent, 2, "one to each address")
		require.Equal(t, b.post.text[0], b.post.text[1], "a known address gets the same words as an unknown one")
		require.Equal(t, "auto-replied", sent[0].Header.Get("Auto-Submitted"))
		b.now = b.now.Add(25 * time.Hour)
		b.receive(t, raw("9@acme.test", "ana@acme.test", "support@usher.test", "Again", "Tell me"))
		require.Len(t, b.post.all(), 3)
	})

	t.Run("another person's signed address opens nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.db.User(t, b.tenant, "eve@acme.test")
		b.receive(t, raw("1@acme.test", "ana@acme.test", "support@usher.test", "Hi", "Hi", vouched))
		conversation := b.conversations(t)[0].ID
		b.answer(t, conversation, triage.AuthorAgent, triage.VisibleToCustomer, "Private to Ana")
		back := strings.Trim(b.post.all()[0].Header.Get("Reply-To"), "<>")
		b.receive(t, raw("2@acme.test", "eve@acme.test", back, "Re: Hi", "I am Ana, really"))
		require.Len(t, b.messages(t, conversation), 2)
	})

	t.Run("machines are noted and answered by nobody", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.receive(t, raw("1@acme.test", "ana@acme.test", "support@usher.test", "Out of office", "Away", vouched, "Auto-Submitted: auto-replied"))
		b.receive(t, raw("2@acme.test", "mailer-daemon@acme.test", "support@usher.test", "Failed", "x"))
		b.receive(t, raw("3@usher.test", "support@usher.test", "support@usher.test", "Loop", "x"))
		require.Empty(t, b.conversations(t))
		require.Empty(t, b.post.all())
		var ignored int
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where state = 'ignored'`).Scan(&ignored))
		require.Equal(t, 3, ignored)
	})

	t.Run("an address in two tenants is nobody's until the portal tells", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.db.User(t, b.db.Tenant(t, "zeta"), "ana@acme.test")
		b.receive(t, raw("1@acme.test", "ana@acme.test", "support@usher.test", "Hi", "Hi", vouched))
		require.Empty(t, b.conversations(t))
	})
}

func TestSending(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) (*testBundle, uuid.UUID) {
		b := setup(t)
		b.receive(t, raw("1@acme.test", "ana@acme.test", "support@usher.test", "Hi", "Hi", vouched))
		return b, b.conversations(t)[0].ID
	}
	states := func(t *testing.T, b *testBundle) (out []string) {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `select state || ' ' || last_error from deliveries where tenant_id = $1 order by position`, b.tenant)
			if err != nil {
				return err
			}
			out, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		}))
		return out
	}

	t.Run("a busy server is tried again with the same Message-ID, a refusing one is not", func(t *testing.T) {
		t.Parallel()
		b, conversation := open(t)
		b.post.set(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"})
		b.answer(t, conversation, triage.AuthorAgent, triage.VisibleToCustomer, "One")
		require.Contains(t, states(t, b)[0], "pending")
		b.post.set(nil)
		require.Zero(t, b.send(t))
		require.Len(t, b.post.all(), 1)
		b.post.set(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user secret"})
		b.answer(t, conversation, triage.AuthorAgent, triage.VisibleToCustomer, "Two")
		require.Contains(t, states(t, b)[1], "failed The mail server refuses the mail (550")
		require.NotContains(t, states(t, b)[1], "secret")
	})

	t.Run("two machines that answer each other stop", func(t *testing.T) {
		t.Parallel()
		b, conversation := open(t)
		for i := range 8 {
			b.answer(t, conversation, triage.AuthorAssistant, triage.VisibleToCustomer, fmt.Sprintf("Automatic %d", i))
		}
		require.Len(t, b.post.all(), 5)
		b.answer(t, conversation, triage.AuthorAgent, triage.VisibleToCustomer, "A person")
		require.Len(t, b.post.all(), 6, "a person is not held back")
	})

	t.Run("hostile text cannot add headers", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.receive(t, raw("1@acme.test", "ana@acme.test", "support@usher.test", "=?utf-8?q?Hi=0D=0ABcc:_eve@evil.test?=", "Hi", vouched))
		b.answer(t, b.conversations(t)[0].ID, triage.AuthorAgent, triage.VisibleToCustomer, "Bcc: eve@evil.test\r\n.\r\nMAIL FROM:<x>\u202E")
		sent := b.post.all()
		require.Len(t, sent, 1)
		require.Empty(t, sent[0].Header.Get("Bcc"))
	})
}

func TestProviderWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	b.service.Mount(engine)
	body := raw("1@acme.test", "ana@acme.test", "support@usher.test", "Hi", "By webhook", vouched)
	send := func(header http.Header) int {
		r := httptest.NewRequest(http.MethodPost, "/email/inbound", strings.NewReader(body))
		r.Header = header
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, r)
		return w.Code
	}
	require.Equal(t, http.StatusUnauthorized, send(http.Header{}))
	header, err := signature.SignStandard("m1", b.now, []byte(body), "whsec_"+strings.Repeat("A", 44))
	require.NoError(t, err)
	for range 2 {
		require.Equal(t, http.StatusNoContent, send(header))
	}
	b.work(t)
	require.Len(t, b.conversations(t), 1)
	_, err = email.New(email.Config{Secret: "short"})
	require.Error(t, err)
	require.ErrorIs(t, b.service.Store(t.Context(), make([]byte, email.MaxMail+1)), email.ErrUnreadable)
	require.False(t, errors.Is(b.service.Handle(t.Context(), "no such event"), email.ErrUnreadable))
}

func TestAlert(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.service.Alert(t.Context(), []string{"oncall@usher.test"}, desk.Outage{Destination: "slack", Since: b.now, Waiting: 3, LastError: "Slack had an error of its own."}))
	require.Contains(t, b.post.all()[0].Header.Get("Subject"), "slack cannot be reached")
	require.Contains(t, b.post.text[0], "3 effects wait")
}

// Random schedules of busy servers, lost connections, repeated inbound mail and
// repeated jobs: every message reaches the customer, and where a server took one
// twice it is the same mail, which mail programs show once.
func TestMailSchedulesConverge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	schedules, seed := 25, uint64(time.Now().UnixNano())
	if text := os.Getenv("USHER_SCHEDULES"); text != "" {
		var err error
		schedules, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	if text := os.Getenv("USHER_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%d schedules from seed %d; replay: USHER_SCHEDULES=%d USHER_SEED=%d go test ./integrations/email -run TestMailSchedulesConverge", schedules, seed, schedules, seed)
	r := rand.New(rand.NewPCG(seed, 3))
	for n := range schedules {
		inbound := raw(fmt.Sprintf("%d@acme.test", n), "ana@acme.test", "support@usher.test", fmt.Sprintf("Matter %d", n), fmt.Sprintf("question-%d-", n), vouched)
		for range 1 + r.IntN(3) {
			b.receive(t, inbound)
		}
		conversation := b.conversations(t)[0].ID
		var want []string
		for i := range 1 + r.IntN(4) {
			switch r.IntN(4) {
			case 0:
				b.post.set(&smtp.SMTPError{Code: 451, Message: "later"})
			case 1:
				b.post.set(errLost) // taken, then the connection is lost
			default:
				b.post.set(nil)
			}
			text := fmt.Sprintf("answer-%d-%d-", n, i)
			visibility := triage.VisibleToCustomer
			if r.IntN(4) == 0 {
				visibility = triage.Internal
				text = "secret-" + text
			} else {
				want = append(want, text)
			}
			b.answer(t, conversation, triage.AuthorAgent, visibility, text)
		}
		b.post.set(nil)
		for range 5 {
			b.send(t)
		}
		require.Equal(t, 1, strings.Count(strings.Join(b.messages(t, conversation), "\n"), fmt.Sprintf("question-%d-", n)), "seed %d", seed)
		for _, text := range want {
			ids := map[string]bool{}
			for i, body := range b.post.text {
				if strings.Contains(body, text) {
					ids[b.post.got[i].Header.Get("Message-Id")] = true
				}
			}
			require.Len(t, ids, 1, "seed %d: %s", seed, text)
		}
	}
	require.NotContains(t, strings.Join(b.post.text, ""), "secret-", "seed %d", seed)
}
