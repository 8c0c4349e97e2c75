package email_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/desktest"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/sla"
)

// The whole way of a ticket that came by mail: mail in (again, late, from
// machines, with files), ticket, Slack, CRM and mail out with files, while servers
// refuse, take and lose, limit, and workers die, also between a file's bytes and
// its row. When the storm is over, everything agrees.
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
	dir := t.TempDir()
	folder, err := blob.OpenFolder(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	blobs := &mortal{Store: folder}
	for i := range n {
		s := &together{testBundle: b, seed: seed + uint64(i), r: rand.New(rand.NewPCG(seed+uint64(i), 11)), agent: triage.Actor{Kind: triage.ActorStaff}, blobs: blobs}
		s.run(t)
		if t.Failed() {
			t.Logf("replay: USHER_SEED=%d go test ./integrations/email -run TestTicketsByMailConverge\n%s", s.seed, strings.Join(s.log, "\n"))
			return
		}
	}
	leavesNothing(t, b, dir)
}

// leavesNothing holds the bytes that are kept to the rows that name them.
func leavesNothing(t *testing.T, b *testBundle, dir string) {
	t.Helper()
	require.NoError(t, b.files.Sweep(t.Context(), time.Now().Add(48*time.Hour)))
	var kept, stored int
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from attachments where storage_key <> ''`).Scan(&kept)
	}))
	require.NoError(t, filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			stored++
		}
		return err
	}))
	require.Equal(t, kept, stored, "files of rows and files in the store")
}

// mortal is a store whose user may die before or after the bytes are written.
type mortal struct {
	blob.Store
	r *rand.Rand // nil: nobody dies
}

func (m *mortal) Put(ctx context.Context, key string, body io.Reader, size int64, kind string) error {
	fate := 9
	if m.r != nil {
		fate = m.r.IntN(5)
	}
	if fate == 0 {
		panic(killed{})
	}
	err := m.Store.Put(ctx, key, body, size, kind)
	if fate == 1 {
		panic(killed{})
	}
	return err
}

// enclosure is a file of a message, by the words of the message.
type enclosure struct {
	name, content string
	infected      bool
	second        bool      // another of the same content came with it
	id            uuid.UUID // of agents' files
	scanned       bool      // before anything could leave
}

type together struct {
	*testBundle
	blobs        *mortal
	enclosed     map[string]*enclosure // by the text of the message that carries it
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
	s.done, s.sent, s.enclosed = map[uuid.UUID]bool{}, map[string]bool{}, map[string]*enclosure{}
	s.slack, s.crm = desktest.NewChannel(nil), desktest.NewCRM("crm"+name, nil)
	s.slack.Name = "slack" + name
	now := func() time.Time { return s.now }
	s.crm.Now = now
	jobs, err := river.NewClient(riverpgxv5.New(s.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	s.files = attachment.New(s.db.Worker, s.blobs, scanner{}, jobs, nil, attachment.Config{})
	quiet := slog.New(slog.DiscardHandler)
	s.desk = desk.New(desk.Config{DB: s.db.Worker, Jobs: jobs, Channel: s.slack, CRMs: []desk.CRM{s.crm}, Now: now, Clocks: sla.New(now), Log: quiet, MaxAttempts: 10_000})
	s.service, err = email.New(email.Config{
		Files: s.files, From: "support@usher.test", Secret: "0123456789abcdef0123", AuthServer: "mx.usher.test", SMTP: email.SMTP{Addr: s.post.addr, Plain: true},
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
	s.blobs.r = s.r
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
	switch s.r.IntN(10) {
	case 9:
		s.scan(t)
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
		reply := desk.Reply{Text: text, ClientKey: key, Then: []triage.InternalState{"open", "pending", "solved"}[s.r.IntN(3)]}
		file := s.upload(t)
		if file != nil {
			reply.Attachments = []uuid.UUID{file.id}
		}
		s.say("agent replies %s with %+v", text, file)
		var m triage.Message
		var err error
		for range 1 + s.r.IntN(2) { // pressed twice
			m, err = s.desk.Reply(t.Context(), s.agent, ref, reply)
		}
		if file != nil && errors.Is(err, attachment.ErrInfected) {
			return
		}
		closed(err)
		if err == nil {
			s.public, s.sent[text] = append(s.public, text), true
			s.replies = append(s.replies, m.ID)
			if file != nil {
				s.enclosed[text] = file
			}
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
	if s.r.IntN(3) == 0 {
		file := &enclosure{name: s.text("log") + "txt", content: "content of " + text, second: s.r.IntN(2) == 0}
		s.enclosed[text] = file
		parts := []string{encoded("Content-Type: text/plain; name="+file.name+"\r\nContent-Disposition: attachment; filename="+file.name, file.content)}
		if file.second { // a worker may die with the first one kept
			parts = append(parts, strings.ReplaceAll(parts[0], file.name, "second-"+file.name))
		}
		mail = strings.NewReplacer("From: Ana <ana@acme.test>", "From: "+s.address, "Subject: Files", "Subject: A matter", vouched, strings.Join(headers, "\r\n")).Replace(
			mixed(s.mailID(len(s.mails)), text, parts...))
		s.say("with the file %s", file.name)
	}
	s.mails, s.public = append(s.mails, mail), append(s.public, text)
	for range 1 + s.r.IntN(3) {
		s.receive(t, mail)
	}
	s.process(t)
}

// receive takes a mail in. A worker that dies is followed by another.
func (s *together) receive(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, s.service.Store(t.Context(), []byte(text)))
	for !s.lives(func() { s.work(t) }) {
	}
}

// lives reports whether fn was carried out by a worker that did not die.
func (s *together) lives(fn func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, dead := r.(killed); !dead {
				panic(r)
			}
			s.say("a worker died")
		}
	}()
	fn()
	return true
}

// upload gives a reply a file, sometimes: checked at once, or later.
func (s *together) upload(t *testing.T) *enclosure {
	t.Helper()
	if s.r.IntN(2) == 0 {
		return nil
	}
	file := &enclosure{name: s.text("guide") + "txt", infected: s.r.IntN(5) == 0}
	file.content = "content of " + file.name
	if file.infected {
		file.content += " EICAR"
	}
	uploaded := s.lives(func() {
		f, err := s.files.Upload(t.Context(), attachment.Incoming{Tenant: s.tenant, By: s.agent, Conversation: s.conversation, Source: attachment.FromConsole, Name: file.name, Body: strings.NewReader(file.content)})
		require.NoError(t, err)
		file.id = f.ID
	})
	if !uploaded {
		return nil
	}
	if file.scanned = s.r.IntN(2) == 0; file.scanned {
		require.NoError(t, s.files.Scan(t.Context(), s.tenant, file.id))
	}
	return file
}

// scan has the files checked that messages of the conversation carry.
func (s *together) scan(t *testing.T) {
	t.Helper()
	for _, m := range s.said(t, s.conversation) {
		for _, f := range m.Attachments {
			require.NoError(t, s.files.Scan(t.Context(), s.tenant, f.ID))
		}
	}
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
	s.blobs.r = nil
	s.scan(t)
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
	s.checkFiles(t)
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
	for text, file := range s.enclosed {
		s.checkMail(t, text, file)
	}
	all := strings.Join(s.post.text, "\n")
	for _, text := range s.internal {
		require.NotContains(t, all, text)
	}
}

// checkFiles holds what messages carry to what was sent with them.
func (s *together) checkFiles(t *testing.T) {
	t.Helper()
	carried := 0
	var names []string
	for _, m := range s.said(t, s.conversation) {
		file := s.enclosed[m.Body]
		if file == nil {
			require.Empty(t, m.Attachments, m.Body)
			continue
		}
		carried++
		names = append(names, file.name)
		if file.second {
			names = append(names, "second-"+file.name)
			require.Len(t, m.Attachments, 2, m.Body)
			require.Equal(t, "second-"+file.name, m.Attachments[1].Name)
			require.Equal(t, file.content, s.content(t, m.Attachments[1].ID))
		} else {
			require.Len(t, m.Attachments, 1, m.Body)
		}
		require.Equal(t, file.name, m.Attachments[0].Name)
		if file.infected {
			require.Equal(t, blob.Infected, m.Attachments[0].State)
			continue
		}
		require.Equal(t, blob.Clean, m.Attachments[0].State)
		require.Equal(t, file.content, s.content(t, m.Attachments[0].ID))
	}
	require.Equal(t, len(s.enclosed), carried, "every file has its message")
	var rows int
	require.NoError(t, s.db.Worker.WithTenant(t.Context(), s.tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from attachments where tenant_id = $1 and file_name = any($2)`, s.tenant, names).Scan(&rows)
	}))
	require.Len(t, names, rows, "each is kept once")
}

// checkMail holds every mail with an agent's words to the file sent with them:
// it is in it once, or named as being elsewhere. Only what was checked leaves.
func (s *together) checkMail(t *testing.T, text string, file *enclosure) {
	t.Helper()
	for i, got := range s.post.got {
		m, err := email.Parse([]byte("From: support@usher.test\r\nContent-Type: " + got.Header.Get("Content-Type") + "\r\nContent-Transfer-Encoding: " + got.Header.Get("Content-Transfer-Encoding") + "\r\n\r\n" + s.post.text[i]))
		require.NoError(t, err)
		if !s.sent[text] || !strings.Contains(m.Text, text) || strings.Contains(m.Text, "Correction to") {
			continue
		}
		if len(m.Attachments) == 0 {
			require.Contains(t, m.Text, file.name, "named where it is")
			require.False(t, file.scanned && !file.infected, "%s was clean and is not in its mail", file.name)
			continue
		}
		require.False(t, file.infected, "%s left", file.name)
		require.Len(t, m.Attachments, 1)
		require.Equal(t, file.name, m.Attachments[0].Name)
		require.Equal(t, file.content, string(m.Attachments[0].Body))
	}
}
