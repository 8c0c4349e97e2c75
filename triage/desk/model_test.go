package desk_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/desktest"
	"github.com/usherdesk/usher/triage/sla"
)

// The model: a customer, two agents, a CRM user and a channel, acting in random
// order on one conversation while calls fail, answers get lost, workers die,
// limits hit and everything is delivered twice. When the storm is over,
// everything agrees.
//
// USHER_SCHEDULES sets how many are run, USHER_SEED replays one.

// crash is how a worker dies in the middle of a call.
type crash struct{}

type schedule struct {
	t            *testing.T
	seed         uint64
	r            *rand.Rand
	db           *dbtest.Database
	desk         *desk.Service
	slack        *desktest.Channel
	crm          *desktest.CRM
	clock        *clock
	tenant, user uuid.UUID
	agents       []triage.Actor
	conversation uuid.UUID
	ticket       uuid.UUID // latest

	public   []string        // texts the customer must see once each, in order
	internal []string        // texts no customer may see
	shown    map[string]bool // texts agents must find in the thread
	gone     map[string]bool // texts they must not find there any more
	noted    map[string]bool // texts that must be notes in the CRM
	updated  map[string]bool // texts that must be there at least once: a note, or a note of a change
	written  []*spoken       // what customers and agents wrote and may still change
	keys     []string
	customer []triage.Message
	files    *attachment.Service
	carried  []uuid.UUID // files that messages carry
	asked    []*asking
	log      []string
}

// clean finds nothing.
type clean struct{}

func (clean) Scan(context.Context, io.Reader) (blob.Verdict, error) {
	return blob.Verdict{Clean: true}, nil
}

// spoken is a message with the text it has now.
type spoken struct {
	id        uuid.UUID
	key, text string
	file      string // the name of the file it carries, if any
	public    int    // its place among what the customer sees
	slack     bool
	by        triage.Actor
	taken     bool
}

// asking is somebody who was asked about a ticket.
type asking struct {
	ticket    uuid.UUID
	person    string
	questions []string
	from      int // the customer's messages from here on follow the question
}

func TestSchedulesConverge(t *testing.T) {
	t.Parallel()
	n := 100
	if text := os.Getenv("USHER_SCHEDULES"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	first := uint64(time.Now().UnixNano())
	if text := os.Getenv("USHER_SEED"); text != "" {
		var err error
		first, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		n = 1
	}
	t.Logf("%d schedules from seed %d", n, first)
	db := dbtest.New(t)
	jobs, err := river.NewClient(riverpgxv5.New(db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	tenant := db.Tenant(t, "acme")
	user := db.User(t, tenant, "ana@acme.test")
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	defer folder.Close()
	agents := []triage.Actor{
		{Kind: triage.ActorStaff, ID: db.Staff(t, "bo@usher.test")}, {Kind: triage.ActorStaff, ID: db.Staff(t, "cy@usher.test")},
	}
	var done atomic.Int64
	var group sync.WaitGroup
	for worker := range max(2, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := uint64(worker); i < uint64(n) && !t.Failed(); i += uint64(max(2, runtime.GOMAXPROCS(0))) {
				s := &schedule{t: t, seed: first + i, db: db, tenant: tenant, user: user, agents: agents}
				s.files = attachment.New(db.Worker, folder, clean{}, jobs, nil, attachment.Config{})
				s.run(jobs)
				done.Add(1)
			}
		})
	}
	group.Wait()
	t.Logf("%d schedules converged", done.Load())
}

func (s *schedule) run(jobs desk.Jobs) {
	s.r = rand.New(rand.NewPCG(s.seed, 7))
	name := fmt.Sprintf("%d", s.seed)
	s.clock = &clock{at: time.Now().UTC().Truncate(time.Microsecond)}
	s.slack, s.crm = desktest.NewChannel(nil), desktest.NewCRM("crm"+name, nil)
	s.slack.Name, s.crm.Now = "slack"+name, s.clock.now
	s.desk = desk.New(desk.Config{
		DB: s.db.Worker, Jobs: jobs, Channel: s.slack, CRMs: []desk.CRM{s.crm}, Now: s.clock.now, Clocks: sla.New(s.clock.now),
		Log: slog.New(slog.DiscardHandler), MaxAttempts: 10_000,
		TicketURL: func(_, _ uuid.UUID, _ int64) string { return "https://usher.test/ticket" },
	})
	s.shown, s.noted, s.gone, s.updated = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	s.conversation = uuid.Must(uuid.NewV7())
	s.must(s.db.App.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
		_, err := triage.InsertConversation(s.t.Context(), tx, triage.Conversation{TenantID: s.tenant, ID: s.conversation, UserID: &s.user, Channel: triage.ChannelChat})
		return err
	}))
	s.customerWrites(true)
	for range 12 + s.r.IntN(14) {
		s.storm()
		s.step()
		s.clock.advance(time.Duration(s.r.IntN(90)) * time.Second)
	}
	s.calm()
	s.check()
}

func (s *schedule) must(err error) {
	s.t.Helper()
	if err != nil {
		s.fail("%v", err)
	}
}

func (s *schedule) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("seed %d: %s\nreplay: USHER_SEED=%d go test ./triage/desk -run TestSchedulesConverge\n%s", s.seed, fmt.Sprintf(format, args...), s.seed, strings.Join(s.log, "\n"))
	runtime.Goexit()
}

func (s *schedule) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%s %s", s.clock.now().Format("15:04:05"), fmt.Sprintf(format, args...)))
}

func (s *schedule) text(kind string) string {
	return fmt.Sprintf("%s-%d-%d.", kind, s.seed, len(s.log))
}

// storm chooses how outside calls fare until the next step.
func (s *schedule) storm() {
	roll := func() desktest.Fault {
		switch s.r.IntN(9) {
		case 0:
			return desktest.Fault{Before: errors.New("refused")}
		case 1:
			return desktest.Fault{After: errors.New("reset after the effect")}
		case 2:
			return desktest.Fault{Before: &desk.TemporaryError{After: time.Duration(1+s.r.IntN(20)) * time.Second, Err: errors.New("limit")}}
		case 3:
			panic(crash{})
		}
		return desktest.Fault{}
	}
	s.slack.Fail(func(string) desktest.Fault { return roll() })
	s.crm.Fail(func(string) desktest.Fault { return roll() })
}

func (s *schedule) step() {
	switch s.r.IntN(25) {
	case 20:
		s.scan()
	case 21, 22:
		s.askColleague()
	case 23:
		s.colleagueAnswers()
	case 24:
		if asked := s.active(s.ticket); len(asked) > 0 {
			c := asked[s.r.IntN(len(asked))]
			s.act("take "+c.Person+" off", func(a triage.Actor, ref desk.TicketRef) error {
				return s.desk.RemoveColleague(s.t.Context(), a, ref, c.ID)
			})
		}
	case 0, 1:
		s.customerWrites(false)
	case 2:
		s.again()
	case 3, 4:
		s.reply()
	case 5:
		s.remark()
	case 6:
		s.act("claim", func(a triage.Actor, ref desk.TicketRef) error {
			_, err := s.desk.Claim(s.t.Context(), a, ref)
			return err
		})
	case 7:
		s.act("resolve", func(a triage.Actor, ref desk.TicketRef) error {
			_, err := s.desk.Resolve(s.t.Context(), a, ref)
			return err
		})
	case 8:
		s.act("reopen", func(a triage.Actor, ref desk.TicketRef) error {
			_, err := s.desk.Reopen(s.t.Context(), a, ref)
			return err
		})
	case 9:
		p := []triage.Priority{"urgent", "high", "normal", "low"}[s.r.IntN(4)]
		s.act("priority "+string(p), func(a triage.Actor, ref desk.TicketRef) error {
			_, err := s.desk.SetPriority(s.t.Context(), a, ref, p)
			return err
		})
	case 10:
		s.act("snooze", func(a triage.Actor, ref desk.TicketRef) error {
			_, err := s.desk.Snooze(s.t.Context(), a, ref, s.clock.now().Add(time.Minute))
			return err
		})
	case 11:
		value := []string{"open", "waiting", "done"}[s.r.IntN(3)]
		s.note("CRM user sets state %s", value)
		s.crm.Edit(s.ticket, "state", value)
	case 12:
		if text := s.text("crmcomment"); s.crm.Say(s.ticket, text) {
			s.note("CRM user says %s", text)
			s.internal = append(s.internal, text)
			s.shown[text] = true
		}
	case 14:
		s.note("the channel reports our own messages")
		for _, e := range s.slack.Events(s.ticket) {
			s.must(s.desk.Observe(s.t.Context(), s.ref(), s.slack.System(), e.Key, e.At))
		}
	case 15:
		s.wake()
	case 16, 17:
		s.change(false)
	case 18:
		s.change(true)
	case 19:
		s.correct()
	case 13:
		s.note("settle job")
		d, err := s.desk.Ticket(s.t.Context(), s.tenant, s.ticket)
		s.must(err)
		if d.Ticket.SolvedAt != nil && s.r.IntN(3) == 0 {
			s.must(s.desk.Settle(s.t.Context(), desk.SettleTicketArgs{TenantID: s.tenant, TicketID: s.ticket, SolvedAt: *d.Ticket.SolvedAt}))
		}
	}
	s.drains()
	if s.r.IntN(3) == 0 {
		s.readBack()
	}
}

func (s *schedule) ref() desk.TicketRef { return desk.TicketRef{TenantID: s.tenant, ID: s.ticket} }

func (s *schedule) act(name string, fn func(a triage.Actor, ref desk.TicketRef) error) {
	err := fn(s.agents[s.r.IntN(2)], s.ref())
	s.note("%s: %v", name, err)
	var claimed *desk.ClaimedError
	if err != nil && !errors.As(err, &claimed) && !errors.Is(err, desk.ErrTicketClosed) && !errors.Is(err, desk.ErrBadValue) {
		s.fail("%s: %v", name, err)
	}
}

func (s *schedule) customerWrites(first bool) {
	thanks := !first && s.r.IntN(4) == 0
	text := s.text("customer")
	s.note("customer writes %s thanks=%v", text, thanks)
	s.public = append(s.public, text)
	s.shown[text], s.noted[text] = true, true
	ana := triage.Actor{Kind: triage.ActorCustomer, ID: s.user, TenantID: s.tenant}
	name, files := s.upload(ana)
	if name != "" {
		s.shown[name], s.noted[name] = true, true
		s.carried = append(s.carried, files...)
	}
	s.must(s.db.App.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
		carries, err := attachment.Take(s.t.Context(), tx, s.tenant, s.conversation, ana, files)
		if err != nil {
			return err
		}
		m, _, err := triage.InsertMessage(s.t.Context(), tx, triage.Message{
			TenantID: s.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: s.conversation, AuthorKind: triage.AuthorCustomer,
			AuthorName: "Ana", Visibility: triage.VisibleToCustomer, Body: text, Attachments: carries,
		})
		if err != nil {
			return err
		}
		if err := attachment.Bind(s.t.Context(), tx, m); err != nil {
			return err
		}
		s.customer = append(s.customer, m)
		s.written = append(s.written, &spoken{id: m.ID, text: text, file: name, public: len(s.public) - 1})
		return s.process(tx, m, first, thanks)
	}))
}

// upload gives a message a file, sometimes.
func (s *schedule) upload(by triage.Actor) (name string, ids []uuid.UUID) {
	if s.r.IntN(3) > 0 {
		return "", nil
	}
	name = s.text("file") + "txt"
	f, err := s.files.Upload(s.t.Context(), attachment.Incoming{Tenant: s.tenant, By: by, Source: attachment.FromPortal, Name: name, Body: strings.NewReader(name)})
	s.must(err)
	s.note("uploaded %s", name)
	return name, []uuid.UUID{f.ID}
}

// scan checks a file that was sent, or was taken back meanwhile.
func (s *schedule) scan() {
	if len(s.carried) == 0 {
		return
	}
	err := s.files.Scan(s.t.Context(), s.tenant, s.carried[s.r.IntN(len(s.carried))])
	s.note("scanned a file: %v", err)
	if !errors.Is(err, attachment.ErrNotFound) {
		s.must(err)
	}
}

// process is what the assistant does with a message.
func (s *schedule) process(tx pgx.Tx, m triage.Message, first, thanks bool) error {
	var ticket triage.Ticket
	var err error
	if first {
		in := escalation(m)
		in.Summary = "The customer asks for help." // quotes nobody, so that texts can be counted
		ticket, err = s.desk.Escalate(s.t.Context(), tx, in)
	} else {
		var handled bool
		ticket, handled, err = s.desk.CustomerWrote(s.t.Context(), tx, desk.CustomerMessage{Message: m, Thanks: thanks})
		if err == nil && !handled {
			return errors.New("a conversation with a ticket was left alone")
		}
	}
	if err == nil {
		s.ticket = ticket.ID
	}
	return err
}

// again redelivers a message that was worked on already.
func (s *schedule) again() {
	m := s.customer[s.r.IntN(len(s.customer))]
	s.note("redelivered: %s", m.Body)
	before := s.ticket
	s.must(s.db.App.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
		if m.ID == s.customer[0].ID {
			return s.process(tx, m, true, false)
		}
		_, _, err := s.desk.CustomerWrote(s.t.Context(), tx, desk.CustomerMessage{Message: m})
		return err
	}))
	s.ticket = before
}

func (s *schedule) reply() {
	text, key := s.text("reply"), s.text("key")
	name, files := s.upload(s.agents[0])
	in := desk.Reply{Text: text, ClientKey: key, Attachments: files, Then: []triage.InternalState{"open", "pending", "solved"}[s.r.IntN(3)]}
	sent := false
	var m triage.Message
	for range 1 + s.r.IntN(2) { // pressed twice
		var err error
		m, err = s.desk.Reply(s.t.Context(), s.agents[0], s.ref(), in)
		s.note("reply %s then %s: %v", text, in.Then, err)
		if err != nil && !errors.Is(err, desk.ErrTicketClosed) {
			s.fail("reply: %v", err)
		}
		sent = sent || err == nil
	}
	if sent {
		s.public = append(s.public, text)
		s.shown[text], s.noted[text] = true, true
		if name != "" {
			s.shown[name], s.noted[name] = true, true
			s.carried = append(s.carried, files...)
		}
		s.written = append(s.written, &spoken{id: m.ID, text: text, file: name, public: len(s.public) - 1, by: s.agents[0]})
	}
}

// change edits or takes back something that was written: by a customer, by an
// agent in Slack (a note), or by an agent to the customer (taken back only).
func (s *schedule) change(take bool) {
	m := s.written[s.r.IntN(len(s.written))]
	text := s.text("changed")
	if take || m.key == "" && m.by.ID != uuid.Nil {
		take, text = true, ""
	}
	if m.taken {
		return
	}
	before := m.text
	s.note("%s becomes %q", before, text)
	ref := s.ref()
	var err error
	switch {
	case m.key != "" && take:
		err = s.desk.DeleteNote(s.t.Context(), m.by, ref, m.key)
	case m.key != "":
		err = s.desk.EditNote(s.t.Context(), m.by, ref, m.key, text)
	case m.by.ID != uuid.Nil:
		err = s.desk.Withdraw(s.t.Context(), m.by, ref, m.id)
	default:
		err = s.db.App.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
			stored, err := triage.MessageByID(s.t.Context(), tx, s.tenant, m.id)
			if err != nil {
				return err
			}
			if stored, err = triage.ReviseMessage(s.t.Context(), tx, stored, text, triage.Actor{Kind: triage.ActorCustomer, ID: s.user}, s.clock.now()); err != nil {
				return err
			}
			return s.desk.CustomerChanged(s.t.Context(), tx, stored, before, triage.Actor{Kind: triage.ActorCustomer, ID: s.user, TenantID: s.tenant, Name: "Ana"})
		})
	}
	s.must(err)
	m.text, m.taken = text, take
	s.moved(m, before)
}

// moved is what a change does to what has to be found where.
func (s *schedule) moved(m *spoken, before string) {
	if m.key == "" {
		s.public[m.public] = m.text
	} else if m.text != "" {
		s.internal = append(s.internal, m.text)
	}
	if s.shown[before] {
		s.gone[before] = true
		delete(s.shown, before)
		if m.text != "" {
			s.shown[m.text] = true
		}
	}
	if m.taken && m.file != "" { // it may have reached the CRM, or not
		s.gone[m.file] = true
		delete(s.shown, m.file)
		delete(s.noted, m.file)
	}
	delete(s.noted, before) // it may have reached the CRM, or not
	delete(s.updated, before)
	if m.text != "" {
		s.updated[m.text] = true
	}
}

// correct sends a correction of a reply; pressed twice it is sent once.
func (s *schedule) correct() {
	m := s.written[s.r.IntN(len(s.written))]
	if m.by.ID == uuid.Nil || m.key != "" || m.taken {
		return
	}
	text, key := s.text("correction"), s.text("key")
	for i := range 2 {
		_, err := s.desk.Correct(s.t.Context(), s.agents[1], s.ref(), m.id, desk.Reply{Text: text, ClientKey: key})
		s.note("correct %s by %s: %v", m.text, text, err)
		// The reply may stand in an older conversation's end: a closed ticket takes nothing.
		if err != nil && !errors.Is(err, desk.ErrTicketClosed) {
			s.fail("correct: %v", err)
		}
		if err == nil && i == 0 {
			s.public = append(s.public, "Correction to my earlier message:\n\n"+text)
			s.shown[text], s.noted[text] = true, true
		}
	}
}

func (s *schedule) remark() {
	text, key := s.text("internal"), s.text("key")
	slack := s.r.IntN(2) == 0
	for range 1 + s.r.IntN(2) {
		_, err := s.desk.AddNote(s.t.Context(), s.agents[1], s.ref(), desk.InternalNote{Text: text, ClientKey: key, FromSlack: slack})
		s.note("note %s slack=%v: %v", text, slack, err)
		s.must(err)
	}
	if d, err := s.desk.Ticket(s.t.Context(), s.tenant, s.ticket); err != nil || d.Ticket.InternalState == triage.InternalSnoozed {
		s.fail("a note leaves the ticket snoozed: %v", err)
	}
	s.internal = append(s.internal, text)
	s.noted[text] = true
	if !slack {
		s.shown[text] = true
	}
	s.written = append(s.written, &spoken{key: key, text: text, slack: slack, by: s.agents[1]})
}

// wake is the job that ends a snooze, at its time or left over from an earlier one.
func (s *schedule) wake() {
	before, err := s.desk.Ticket(s.t.Context(), s.tenant, s.ticket)
	s.must(err)
	until := before.Ticket.SnoozedUntil
	if until == nil {
		return
	}
	late := s.r.IntN(3) == 0
	job := desk.WakeTicketArgs{TenantID: s.tenant, TicketID: s.ticket, Until: *until}
	if late {
		job.Until = until.Add(-time.Second)
	}
	s.note("wake job, of an earlier snooze=%v", late)
	for range 1 + s.r.IntN(2) { // delivered twice
		s.must(s.desk.Awaken(s.t.Context(), job))
	}
	after, err := s.desk.Ticket(s.t.Context(), s.tenant, s.ticket)
	s.must(err)
	if snoozed := after.Ticket.InternalState == triage.InternalSnoozed; snoozed != late {
		s.fail("snoozed is %v after the wake job, of an earlier snooze=%v", snoozed, late)
	}
}

// active are who is asked about a ticket now.
func (s *schedule) active(ticket uuid.UUID) (out []desk.Colleague) {
	s.must(s.db.Worker.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(s.t.Context(), `select tenant_id, id, ticket_id, system, person, name, question, asked_by, asked_at, place, ended_at, ended_why
			from ticket_collaborators where tenant_id = $1 and ticket_id = $2 and ended_at is null order by id`, s.tenant, ticket)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByName[desk.Colleague])
		return err
	}))
	return out
}

// over are the deliveries to people who were asked about a ticket and are no more.
func (s *schedule) over(ticket uuid.UUID) (ids []uuid.UUID) {
	s.must(s.db.Worker.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(s.t.Context(), `select d.id from deliveries d join ticket_collaborators c on c.tenant_id = d.tenant_id and c.ticket_id = d.ticket_id
			where d.tenant_id = $1 and d.ticket_id = $2 and d.kind in ('ask', 'aside') and split_part(d.subject_key, ':', 2) = c.id::text and c.ended_at is not null`, s.tenant, ticket)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}))
	return ids
}

// askColleague asks one of two people; pressed twice it is asked once.
func (s *schedule) askColleague() {
	person, text, key := []string{"U1", "U2"}[s.r.IntN(2)], s.text("question"), s.text("key")
	before := s.active(s.ticket)
	for range 2 {
		err := s.desk.AskColleague(s.t.Context(), s.agents[s.r.IntN(2)], s.ref(), desk.Question{Person: person, Name: "Yara", Text: text, ClientKey: key})
		s.note("ask %s %s: %v", person, text, err)
		if errors.Is(err, desk.ErrTicketClosed) {
			return
		}
		s.must(err)
	}
	s.shown[text] = true
	s.internal = append(s.internal, text)
	for _, c := range before {
		if c.Person == person {
			for _, a := range s.asked {
				if a.ticket == s.ticket && a.person == person && a.questions[0] == c.Question {
					a.questions = append(a.questions, text)
				}
			}
			return
		}
	}
	s.asked = append(s.asked, &asking{ticket: s.ticket, person: person, questions: []string{text}, from: len(s.customer)})
}

// colleagueAnswers writes below any question that ever reached somebody, also
// one that is over.
func (s *schedule) colleagueAnswers() {
	asks := s.slack.AsksOf(s.ticket)
	if len(asks) == 0 {
		return
	}
	sent := asks[s.r.IntN(len(asks))]
	text := s.text("answer")
	in := desk.Answer{System: s.slack.System(), Person: sent.Ask.Person, Place: sent.ID, Text: text, ClientKey: s.text("key")}
	taken := false
	for range 2 { // delivered twice
		err := s.desk.Answer(s.t.Context(), in)
		s.note("%s answers %s: %v", in.Person, text, err)
		if err != nil && !errors.Is(err, desk.ErrNotAsked) {
			s.fail("answer: %v", err)
		}
		taken = taken || err == nil
	}
	s.internal = append(s.internal, text)
	if taken {
		s.shown[text], s.noted[text] = true, true
	}
	in.Person = "U9"
	if err := s.desk.Answer(s.t.Context(), in); !errors.Is(err, desk.ErrNotAsked) {
		s.fail("somebody else answered: %v", err)
	}
}

// drains runs jobs of any ticket of the conversation, several at once, some of
// which die.
func (s *schedule) drains() {
	var tickets []uuid.UUID
	s.must(s.db.Worker.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(s.t.Context(), `select id from tickets where tenant_id = $1 and conversation_id = $2 order by number`, s.tenant, s.conversation)
		if err != nil {
			return err
		}
		tickets, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}))
	for _, ticket := range tickets {
		for _, destination := range []string{s.slack.System(), s.crm.System()} {
			if s.r.IntN(3) > 0 {
				s.drain(ticket, destination)
			}
		}
	}
}

func (s *schedule) drain(ticket uuid.UUID, destination string) (wait time.Duration) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
			s.note("worker of %s died", strings.TrimRight(destination, "0123456789"))
			wait = time.Minute
		}
	}()
	wait, err := s.desk.Drain(s.t.Context(), s.tenant, ticket, destination, time.Minute)
	s.must(err)
	s.note("drained %s, wait %s", strings.TrimRight(destination, "0123456789"), wait)
	return wait
}

func (s *schedule) readBack() {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
		}
	}()
	err := s.desk.ReadBack(s.t.Context(), s.crm.System(), "crm-"+s.ticket.String())
	s.note("read back: %v", err)
}

// calm ends the storm: everything works, and all that waits is carried out.
func (s *schedule) calm() {
	s.slack.Fail(nil)
	s.crm.Fail(nil)
	s.note("calm")
	var tickets []uuid.UUID
	rest := func() {
		for range 400 {
			busy := time.Duration(0)
			for _, ticket := range tickets {
				for _, destination := range []string{s.crm.System(), s.slack.System()} {
					busy = max(busy, s.drain(ticket, destination))
				}
			}
			if busy == 0 {
				return
			}
			s.clock.advance(busy)
		}
		s.fail("the lanes do not come to rest")
	}
	s.must(s.db.Worker.WithTenant(s.t.Context(), s.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(s.t.Context(), `select id from tickets where tenant_id = $1 and conversation_id = $2`, s.tenant, s.conversation)
		if err != nil {
			return err
		}
		tickets, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}))
	rest()
	for range 2 { // the CRM's last changes, then what follows from them
		for _, ticket := range tickets {
			s.must(s.desk.ReadBack(s.t.Context(), s.crm.System(), "crm-"+ticket.String()))
		}
		rest()
	}
}

// check is what must hold, whatever happened.
func (s *schedule) check() {
	ctx := s.t.Context()
	var tickets []triage.Ticket
	var visible []triage.Message
	var events []triage.Event
	s.must(s.db.Worker.WithTenant(ctx, s.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and conversation_id = $2`, s.tenant, s.conversation)
		if err != nil {
			return err
		}
		if tickets, err = pgx.CollectRows(rows, pgx.RowToStructByName[triage.Ticket]); err != nil {
			return err
		}
		if visible, err = triage.MessagesBefore(ctx, tx, s.tenant, s.conversation, 0, false, 500); err != nil {
			return err
		}
		events, err = triage.EventsSince(ctx, tx, s.tenant, s.conversation, 0, false, 2000)
		return err
	}))
	var got []string
	for _, m := range visible {
		got = append(got, m.Body)
	}
	if strings.Join(got, " ") != strings.Join(s.public, " ") {
		s.fail("the customer sees\n%v\nand should see\n%v", got, s.public)
	}
	for _, secret := range s.internal {
		for _, e := range events {
			if strings.Contains(string(e.Payload), secret) {
				s.fail("internal text %s is in a customer's event %s", secret, e.Kind)
			}
		}
	}
	s.checkFiles(ctx, visible)
	s.checkOutside(ctx, tickets)
}

// checkFiles holds what messages show of their files to the files themselves.
func (s *schedule) checkFiles(ctx context.Context, visible []triage.Message) {
	kept := map[uuid.UUID]attachment.File{}
	s.must(s.db.Worker.WithTenant(ctx, s.tenant, func(tx pgx.Tx) error {
		for _, id := range s.carried {
			f, err := attachment.ByID(ctx, tx, s.tenant, id)
			if errors.Is(err, attachment.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			kept[id] = f
		}
		return nil
	}))
	for _, m := range visible {
		for _, shown := range m.Attachments {
			f, ok := kept[shown.ID]
			if !ok || f.MessageID == nil || *f.MessageID != m.ID || f.Attachment != shown {
				s.fail("%s shows %+v, its file is %+v", m.Body, shown, f)
			}
			delete(kept, shown.ID)
		}
	}
	if len(kept) > 0 {
		s.fail("files of no message: %v", kept)
	}
}

func (s *schedule) checkOutside(ctx context.Context, tickets []triage.Ticket) {
	opened := 0
	var thread, notes strings.Builder
	for _, ticket := range tickets {
		if ticket.InternalState != triage.InternalClosed {
			opened++
		}
		roots := s.slack.Roots[ticket.ID]
		if len(roots) != 1 {
			s.fail("#%d has %d roots", ticket.Number, len(roots))
		}
		card := roots[0].Card
		if card.State != ticket.InternalState || card.Priority != ticket.Priority || card.Owner != ticket.AssigneeName || card.CRM.IsZero() {
			s.fail("#%d is %s/%s/%s, its root shows %s/%s/%s", ticket.Number, ticket.InternalState, ticket.Priority, ticket.AssigneeName, card.State, card.Priority, card.Owner)
		}
		ours := s.crm.Fields(desk.Record{State: ticket.InternalState, Priority: ticket.Priority})
		theirs := s.crm.Fielded["crm-"+ticket.ID.String()]
		if ours["state"] != theirs["state"] || ours["priority"] != theirs["priority"] {
			s.fail("#%d is %v, the CRM says %v", ticket.Number, ours, theirs)
		}
		for _, post := range s.slack.Thread(ticket.ID) {
			fmt.Fprintln(&thread, post.Text)
			for _, l := range post.Links {
				fmt.Fprintln(&thread, l.Title)
			}
		}
		for _, note := range s.crm.Notes["crm-"+ticket.ID.String()] {
			fmt.Fprintln(&notes, note.Text)
		}
		d, err := s.desk.Ticket(ctx, s.tenant, ticket.ID)
		s.must(err)
		over := s.over(ticket.ID)
		for _, row := range d.Deliveries {
			dropped := row.State == "discarded" && slices.Contains(over, row.ID) // it was over before it left
			if row.State != "delivered" && !dropped {
				s.fail("delivery %s of #%d is %s: %s", row.Kind, ticket.Number, row.State, row.LastError)
			}
		}
	}
	for _, ticket := range tickets {
		s.checkAsked(ticket)
	}
	if opened > 1 {
		s.fail("%d tickets are open in one conversation", opened)
	}
	for text := range s.gone {
		if strings.Contains(thread.String(), text) {
			s.fail("%s was changed and still stands in the thread:\n%s", text, thread.String())
		}
	}
	for text := range s.updated {
		if !strings.Contains(notes.String(), text) {
			s.fail("the CRM does not know %s:\n%s", text, notes.String())
		}
	}
	s.once("thread", thread.String(), s.shown)
	s.once("CRM", notes.String(), s.noted)
}

// checkAsked holds what colleagues see to what they may see: of one ticket, as
// long as they are asked, the questions and the customer's words once each.
func (s *schedule) checkAsked(ticket triage.Ticket) {
	active := map[string]desk.Colleague{}
	for _, c := range s.active(ticket.ID) {
		active[c.Place] = c
	}
	if len(active) > 0 && (ticket.InternalState == triage.InternalSolved || ticket.InternalState == triage.InternalClosed) {
		s.fail("#%d is %s and %d colleagues are asked still", ticket.Number, ticket.InternalState, len(active))
	}
	keys := map[string]bool{}
	for _, sent := range s.slack.AsksOf(ticket.ID) {
		if keys[sent.Ask.Key] {
			s.fail("%s was asked twice: %+v", sent.Ask.Person, sent)
		}
		keys[sent.Ask.Key] = true
		all := fmt.Sprintf("%+v", sent)
		c, ok := active[sent.ID]
		delete(active, sent.ID)
		if !ok {
			for _, text := range s.everything() {
				if strings.Contains(all, text) {
					s.fail("it is over and %s still reads %s:\n%s", sent.Ask.Person, text, all)
				}
			}
			continue
		}
		var mine *asking
		for _, a := range s.asked {
			if a.ticket == ticket.ID && a.person == c.Person && a.questions[0] == c.Question {
				mine = a
			}
		}
		wanted := map[string]bool{}
		for _, q := range mine.questions {
			wanted[q] = true
		}
		for _, m := range s.customer[mine.from:] {
			for _, w := range s.written {
				if w.id == m.ID && !w.taken {
					wanted[w.text] = true
				}
			}
		}
		s.once("messages of "+c.Person, all, wanted)
		for _, secret := range s.internal {
			if strings.Contains(all, secret) && !slices.Contains(mine.questions, secret) {
				s.fail("%s reads %s, which is the team's:\n%s", c.Person, secret, all)
			}
		}
		for text := range s.gone {
			if strings.Contains(all, text) {
				s.fail("%s was changed and %s still reads it:\n%s", text, c.Person, all)
			}
		}
	}
	if len(active) > 0 {
		s.fail("were never asked: %+v", active)
	}
}

// everything is what was ever written, by anybody.
func (s *schedule) everything() []string {
	all := slices.Clone(s.internal)
	for _, text := range s.public {
		if text != "" {
			all = append(all, text)
		}
	}
	for text := range s.gone {
		all = append(all, text)
	}
	return all
}

func (s *schedule) once(where, all string, texts map[string]bool) {
	for text := range texts {
		if n := strings.Count(all, text); n != 1 {
			s.fail("%s is %d times in the %s:\n%s", text, n, where, cmp.Or(all, "(nothing)"))
		}
	}
}
