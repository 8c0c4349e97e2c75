package email_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/desktest"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/sla"
)

// The whole way of a ticket that came by mail: mail in (again, late, from
// machines), ticket, Slack, CRM and mail out, while servers refuse, take and
// lose, limit, and workers die. When the storm is over, everything agrees.
//
// USHER_SCHEDULES sets how many are run, USHER_SEED replays one.
func TestTicketsByMailConverge(t *testing.T) {
	t.Parallel()
	n, seed := 20, uint64(time.Now().UnixNano())
	if text := os.Getenv("USHER_SCHEDULES"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	if text := os.Getenv("USHER_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		n = 1
	}
	t.Logf("%d schedules from seed %d", n, seed)
	b := &testBundle{db: dbtest.New(t), post: smtpServer(t), now: time.Now()}
	b.tenant = b.db.Tenant(t, "acme")
	for i := range n {
		s := &together{testBundle: b, seed: seed + uint64(i), r: rand.New(rand.NewPCG(seed+uint64(i), 11)), agent: triage.Actor{Kind: triage.ActorStaff}}
		s.run(t)
		if t.Failed() {
			t.Logf("replay: USHER_SEED=%d go test ./integrations/email -run TestTicketsByMailConverge\n%s", s.seed, strings.Join(s.log, "\n"))
			return
		}
	}
}

type together struct {
	*testBundle
	seed         uint64
	r            *rand.Rand
	desk         *desk.Service
	slack        *desktest.Channel
	crm          *desktest.CRM
	agent        triage.Actor
	address      string
	conversation uuid.UUID
	done         map[uuid.UUID]bool // messages that were processed
	mails        []string           // raw mail that arrived, to arrive again
	public       []string           // what the conversation says, in order
	sent         map[string]bool    // agents' words that must be in exactly one mail
	internal     []string
	replies      []uuid.UUID
	log          []string
}

func (s *together) run(t *testing.T) {
	t.Helper()
	name := strconv.FormatUint(s.seed, 10)
	s.address = "p" + name + "@acme.test"
	s.user = s.db.User(t, s.tenant, s.address)
	s.agent.ID = s.db.Staff(t, "bo"+name+"@usher.test")
	s.done, s.sent = map[uuid.UUID]bool{}, map[string]bool{}
	s.slack, s.crm = desktest.NewChannel(nil), desktest.NewCRM("crm"+name, nil)
	s.slack.Name = "slack" + name
	now := func() time.Time { return s.now }
	s.crm.Now = now
	jobs, err := river.NewClient(riverpgxv5.New(s.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	s.desk = desk.New(desk.Config{DB: s.db.Worker, Jobs: jobs, Channel: s.slack, CRMs: []desk.CRM{s.crm}, Now: now, Clocks: sla.New(now), Log: quiet, MaxAttempts: 10_000})
	s.service, err = email.New(email.Config{
		From: "support@usher.test", Secret: "0123456789abcdef0123", AuthServer: "mx.usher.test", SMTP: email.SMTP{Addr: s.post.addr, Plain: true},
		DB: s.db.Worker, Jobs: jobs, Intake: intake.New(s.db.App, jobs, s.desk, nil), Log: quiet, Now: now, MaxAutomatic: 1000,
	})
	require.NoError(t, err)
	s.writes(t)
	for range 8 + s.r.IntN(10) {
		s.storm()
		s.step(t)
		s.now = s.now.Add(time.Duration(s.r.IntN(60)) * time.Second)
	}
	s.calm(t)
	s.check(t)
}

func (s *together) say(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *together) text(kind string) string {
	return fmt.Sprintf("%s-%d-%d.", kind, s.seed, len(s.log))
}

type killed struct{}

func (s *together) storm() {
	roll := func(string) desktest.Fault {
		switch s.r.IntN(8) {
		case 0:
			return desktest.Fault{Before: errors.New("refused")}
		case 1:
			return desktest.Fault{After: errors.New("reset after the effect")}
		case 2:
			return desktest.Fault{Before: &desk.TemporaryError{After: 3 * time.Second, Err: errors.New("limit")}}
		case 3:
			panic(killed{})
		}
		return desktest.Fault{}
	}
	s.slack.Fail(roll)
	s.crm.Fail(roll)
	s.post.set([]error{nil, nil, &smtp.SMTPError{Code: 451, Message: "later"}, errLost}[s.r.IntN(4)])
}

func (s *together) step(t *testing.T) {
	t.Helper()
	ticket := s.latest(t)
	ref := desk.TicketRef{TenantID: s.tenant, ID: ticket.ID}
	closed := func(err error) {
		if !errors.Is(err, desk.ErrTicketClosed) {
			require.NoError(t, err)
		}
	}
	switch s.r.IntN(9) {
	case 0, 1:
		s.writes(t)
	case 2:
		s.say("a mail arrives again")
		s.receive(t, s.mails[s.r.IntN(len(s.mails))])
		s.process(t)
	case 3:
		text := s.text("machine")
		s.say("a machine answers %s", text)
		s.internal = append(s.internal, text)
		s.receive(t, raw(text+"@acme.test", s.address, "support@usher.test", "Out of office", text, vouched, "Auto-Submitted: auto-replied"))
		s.process(t)
	case 4, 5:
		text, key := s.text("reply"), s.text("key")
		s.say("agent replies %s", text)
		m, err := s.desk.Reply(t.Context(), s.agent, ref, desk.Reply{Text: text, ClientKey: key, Then: []triage.InternalState{"open", "pending", "solved"}[s.r.IntN(3)]})
		closed(err)
		if err == nil {
			s.public, s.sent[text] = append(s.public, text), true
			s.replies = append(s.replies, m.ID)
		}
	case 6:
		text := s.text("internal")
		s.say("agent notes %s", text)
		_, err := s.desk.AddNote(t.Context(), s.agent, ref, desk.InternalNote{Text: text, ClientKey: text})
		require.NoError(t, err)
		s.internal = append(s.internal, text)
	case 7:
		if len(s.replies) == 0 {
			return
		}
		m := s.replies[s.r.IntN(len(s.replies))]
		require.ErrorIs(t, s.desk.Withdraw(t.Context(), s.agent, ref, m), desk.ErrNotTakenBack, "mail that left cannot be taken back")
		text := s.text("correction")
		s.say("agent corrects %s", text)
		_, err := s.desk.Correct(t.Context(), s.agent, ref, m, desk.Reply{Text: text, ClientKey: text, Language: "en"})
		closed(err)
		if err == nil {
			s.public, s.sent[text] = append(s.public, "Correction to my earlier message:\n\n"+text), true
		}
	case 8:
		s.say("resolve")
		_, err := s.desk.Resolve(t.Context(), s.agent, ref)
		closed(err)
	}
	s.carry(t)
}

// writes lets the customer write a mail, which may arrive several times.
func (s *together) writes(t *testing.T) {
	t.Helper()
	text := s.text("customer")
	s.say("customer mails %s", text)
	to, headers := "support@usher.test", []string{vouched}
	if s.conversation != uuid.Nil {
		headers = append(headers, "References: <"+s.mailID(0)+">")
	}
	mail := raw(s.mailID(len(s.mails)), s.address, to, "A matter", text, headers...)
	s.mails, s.public = append(s.mails, mail), append(s.public, text)
	for range 1 + s.r.IntN(3) {
		s.receive(t, mail)
	}
	s.process(t)
}

func (s *together) mailID(n int) string { return fmt.Sprintf("%d.%d@acme.test", s.seed, n) }

// process is what the assistant does with customers' messages: here people do everything.
func (s *together) process(t *testing.T) {
	t.Helper()
	require.NoError(t, s.db.Worker.WithTenant(t.Context(), s.tenant, func(tx pgx.Tx) error {
		conversations, err := triage.ConversationsOf(t.Context(), tx, s.tenant, s.user, triage.Page{})
		require.NoError(t, err)
		require.Len(t, conversations, 1, "mail of one thread is one conversation")
		s.conversation = conversations[0].ID
		messages, err := triage.MessagesBefore(t.Context(), tx, s.tenant, s.conversation, 0, false, 200)
		require.NoError(t, err)
		for i, m := range messages {
			if m.AuthorKind != triage.AuthorCustomer || s.done[m.ID] {
				continue
			}
			s.done[m.ID] = true
			if i > 0 {
				if _, handled, err := s.desk.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m}); err != nil || !handled {
					return fmt.Errorf("customer wrote: handled %v: %w", handled, err)
				}
				continue
			}
			_, err := s.desk.Escalate(t.Context(), tx, desk.Escalation{
				TenantID: s.tenant, ConversationID: s.conversation, MessageID: m.ID, Reason: triage.ReasonNoAnswer, Subject: "A matter",
				Summary: "By mail.", Classification: triage.Classification{Priority: triage.PriorityNormal, Language: "en"},
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *together) latest(t *testing.T) (ticket triage.Ticket) {
	t.Helper()
	list := s.tickets(t)
	return list[len(list)-1]
}

func (s *together) tickets(t *testing.T) (list []triage.Ticket) {
	t.Helper()
	require.NoError(t, s.db.Worker.WithTenant(t.Context(), s.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and conversation_id = $2 order by number`, s.tenant, s.conversation)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[triage.Ticket])
		return err
	}))
	require.NotEmpty(t, list)
	return list
}

// carry lets the workers do some of what waits; some of them die.
func (s *together) carry(t *testing.T) {
	t.Helper()
	for _, ticket := range s.tickets(t) {
		for _, destination := range []string{s.slack.System(), s.crm.System()} {
			if s.r.IntN(3) > 0 {
				s.drain(t, ticket.ID, destination)
			}
		}
	}
	if s.r.IntN(2) == 0 {
		s.send(t)
	}
}

func (s *together) drain(t *testing.T, ticket uuid.UUID, destination string) (wait time.Duration) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			s.say("a worker died")
			wait = time.Minute
		}
	}()
	wait, err := s.desk.Drain(t.Context(), s.tenant, ticket, destination, time.Minute)
	require.NoError(t, err)
	return wait
}

func (s *together) calm(t *testing.T) {
	t.Helper()
	s.say("calm")
	s.slack.Fail(nil)
	s.crm.Fail(nil)
	s.post.set(nil)
	resting := false
	for range 600 { // a dead worker's lease ends by itself
		busy := time.Duration(0)
		for _, ticket := range s.tickets(t) {
			for _, destination := range []string{s.crm.System(), s.slack.System()} {
				busy = max(busy, s.drain(t, ticket.ID, destination))
			}
		}
		if resting = busy == 0; resting {
			break
		}
		s.now = s.now.Add(busy)
	}
	require.True(t, resting, "the lanes do not come to rest")
	for range 3 {
		s.send(t)
	}
}

func (s *together) check(t *testing.T) {
	t.Helper()
	var said []string
	for _, m := range s.messages(t, s.conversation) {
		_, text, _ := strings.Cut(m, ": ")
		said = append(said, text)
	}
	require.Equal(t, s.public, said, "the conversation")
	var thread, notes strings.Builder
	for _, ticket := range s.tickets(t) {
		require.Len(t, s.slack.Roots[ticket.ID], 1, "roots of #%d", ticket.Number)
		for _, post := range s.slack.Thread(ticket.ID) {
			fmt.Fprintln(&thread, post.Text)
		}
		for _, note := range s.crm.Notes["crm-"+ticket.ID.String()] {
			fmt.Fprintln(&notes, note.Text)
		}
		require.Contains(t, s.crm.Records, ticket.ID)
	}
	for _, text := range s.public {
		text = text[strings.LastIndex(text, "\n")+1:] // a catch-up puts it on one line
		require.Equal(t, 1, strings.Count(thread.String(), text), "%s in the thread:\n%s", text, thread.String())
		require.Equal(t, 1, strings.Count(notes.String(), text), "%s in the CRM:\n%s", text, notes.String())
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	for text := range s.sent {
		ids := map[string]bool{}
		for i, body := range s.post.text {
			if strings.Contains(body, text) {
				ids[s.post.got[i].Header.Get("Message-Id")] = true
				require.Contains(t, s.post.got[i].Header.Get("To"), s.address, "%s went to somebody else", text)
			}
		}
		require.Len(t, ids, 1, "%s in mails", text)
	}
	all := strings.Join(s.post.text, "\n")
	for _, text := range s.internal {
		require.NotContains(t, all, text)
	}
}
