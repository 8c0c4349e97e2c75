package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/guard"
)

// A colleague is somebody who does not work at the desk and is asked about one
// ticket, directly:
//
//	asked ─▶ ask (what is asked, the summary, the customer's words)
//	           ├─▶ asides below it: what the customer writes next, further questions
//	           ◀── answers below it: internal notes of the ticket
//	ended: taken off, ticket solved or closed ─▶ ask and asides lose what they said
//
// Everything they are sent is made here, of this ticket's public messages and
// without personal data: no note, no draft, no other ticket.

// Colleagues is a Channel that reaches one person directly, too. All calls may
// be repeated. Both look who the person is now: who is no full member of the
// workspace gets a *PermanentError and nothing else.
type Colleagues interface {
	Channel
	// UpsertAsk sends the question, or updates it in place when at is set.
	UpsertAsk(ctx context.Context, ask Ask, at Ref) (Ref, error)
	// PostAside adds one message below it, or edits the one at Aside.At.
	PostAside(ctx context.Context, ask Ref, aside Aside) (Ref, error)
}

// Ask is what a colleague is asked. What is not theirs to see is not in it.
type Ask struct {
	Key        string
	Ticket     TicketRef
	Person     string
	Number     int64
	TenantName string
	By         string
	Question   string // untrusted, as all texts here
	Summary    string
	Said       []Said // what the customer wrote, oldest first
	// Ended is why it is over: then nothing of the ticket is in it, and it only
	// replaces what stands there.
	Ended string
	Retry bool
	Since time.Time // when an earlier try was made
}

// Said is one message of the customer.
type Said struct {
	At   time.Time
	Text string
}

// Aside is one message below an Ask.
type Aside struct {
	Key    string
	Ticket TicketRef
	Person string
	Label  PostLabel // PostCustomer, PostInternal (an agent asks) or PostSystem
	Author string
	Text   string
	// Gone says that it is over: Text only replaces what stands there.
	Gone    bool
	Retry   bool
	Changed bool
	At      Ref
}

// Colleague is somebody who was asked about a ticket.
type Colleague struct {
	TenantID uuid.UUID  `db:"tenant_id"`
	ID       uuid.UUID  `db:"id"`
	TicketID uuid.UUID  `db:"ticket_id"`
	System   string     `db:"system"`
	Person   string     `db:"person"`
	Name     string     `db:"name"`
	Question string     `db:"question"`
	AskedBy  string     `db:"asked_by"`
	AskedAt  time.Time  `db:"asked_at"`
	Place    string     `db:"place"`
	EndedAt  *time.Time `db:"ended_at"`
	EndedWhy string     `db:"ended_why"`
}

const colleagueColumns = `tenant_id, id, ticket_id, system, person, name, question, asked_by, asked_at, place, ended_at, ended_why`

// Errors of asking colleagues.
var (
	ErrNoColleagues = errors.New("colleagues cannot be reached")
	ErrNotAsked     = errors.New("is not asked about this ticket, or not any more")
)

// maxColleagues is how many people may be asked about one ticket at a time.
const maxColleagues = 10

func (s *Service) colleagues() Colleagues {
	c, _ := s.Channel.(Colleagues)
	return c
}

// Question is what an agent asks a colleague.
type Question struct {
	Person    string // their id in the channel's system: who they are was checked there
	Name      string
	Text      string
	ClientKey string // the sender's id for it: sent twice, asked once
}

// AskColleague asks somebody about the ticket. Who is asked already gets the
// question below the first.
func (s *Service) AskColleague(ctx context.Context, actor triage.Actor, ref TicketRef, q Question) error {
	text, err := cleanText(q.Text)
	if err != nil {
		return err
	}
	if s.colleagues() == nil {
		return ErrNoColleagues
	}
	if q.Person == "" || q.ClientKey == "" {
		return fmt.Errorf("colleague: %w", ErrBadValue)
	}
	_, err = s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if w.done() {
			return ErrTicketClosed
		}
		key := uuid.NewSHA1(w.ticket.ID, []byte("asked:"+q.ClientKey))
		if known, err := eventExists(ctx, w.tx, w.ticket.TenantID, key); err != nil || known {
			return err
		}
		w.events = append(w.events, ticketEvent{key, "colleague_asked", map[string]any{"name": q.Name, "person": q.Person, "question": triage.Line(text, 500)}})
		post := Post{Key: "asked:" + key.String(), Label: PostAsked, Author: w.actor.Name, Text: fmt.Sprintf("To %s: %s", q.Name, text)}
		for _, c := range w.asking {
			if c.Person == q.Person {
				post.Colleague = c.ID
				enqueueAside(w, c, "question:"+key.String(), aside{Author: w.actor.Name, Text: text})
				s.enqueuePost(w, post)
				return nil
			}
		}
		if len(w.asking) >= maxColleagues {
			return fmt.Errorf("more than %d colleagues: %w", maxColleagues, ErrBadValue)
		}
		c := Colleague{TenantID: w.ticket.TenantID, ID: uuid.Must(uuid.NewV7()), System: s.Channel.System()}
		if _, err := w.tx.Exec(ctx, `insert into ticket_collaborators (tenant_id, id, ticket_id, system, person, name, question, asked_by, asked_at, asked_seq)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			c.TenantID, c.ID, w.ticket.ID, c.System, q.Person, q.Name, text, w.actor.Name, w.at, w.conversation.LastSeq); err != nil {
			return fmt.Errorf("ask colleague: %w", err)
		}
		post.Colleague = c.ID
		s.enqueuePost(w, post)
		w.enqueue(c.System, kindAsk, "ask:"+c.ID.String(), nil)
		return nil
	})
	return err
}

// RemoveColleague takes somebody off the ticket: what they were sent loses what
// it said, and nothing more comes. Twice is once.
func (s *Service) RemoveColleague(ctx context.Context, actor triage.Actor, ref TicketRef, id uuid.UUID) error {
	_, err := s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		for _, c := range w.asking {
			if c.ID != id {
				continue
			}
			if err := s.endColleague(ctx, w, c, "removed"); err != nil {
				return err
			}
			s.enqueuePost(w, Post{Key: "unasked:" + c.ID.String(), Label: PostSystem, Author: w.actor.Name, Text: c.Name + " is not asked any more."})
			return nil
		}
		return nil
	})
	return err
}

// Who is asked about a ticket, and about the tickets of a conversation.
const (
	askedQuery = `select ` + colleagueColumns + ` from ticket_collaborators
		where tenant_id = $1 and ticket_id = $2 and ended_at is null order by asked_at, id`
	askedInConversation = `select ` + colleagueColumns + ` from ticket_collaborators where tenant_id = $1 and ended_at is null
		and ticket_id in (select id from tickets where tenant_id = $1 and conversation_id = $2) order by asked_at, id`
)

func (w *work) done() bool {
	return w.ticket.InternalState == triage.InternalSolved || w.ticket.InternalState == triage.InternalClosed
}

// endColleagues ends what colleagues were asked when their ticket ends.
func (s *Service) endColleagues(ctx context.Context, w *work) error {
	if !w.done() || w.before.InternalState == w.ticket.InternalState {
		return nil
	}
	for _, c := range w.asking {
		if err := s.endColleague(ctx, w, c, string(w.ticket.InternalState)); err != nil {
			return err
		}
	}
	return nil
}

// endColleague stops what has not left, and lets what stands there be replaced.
func (s *Service) endColleague(ctx context.Context, w *work, c Colleague, why string) error {
	if _, err := w.tx.Exec(ctx, `update ticket_collaborators set ended_at = $3, ended_why = $4 where tenant_id = $1 and id = $2`,
		c.TenantID, c.ID, w.at, why); err != nil {
		return fmt.Errorf("end asking: %w", err)
	}
	w.asking = slices.DeleteFunc(slices.Clone(w.asking), func(other Colleague) bool { return other.ID == c.ID })
	w.note("colleague_ended", map[string]any{"name": c.Name, "person": c.Person, "why": why})
	rows, err := w.tx.Query(ctx, `update deliveries set wanted = wanted + 1, updated_at = $3,
		state = case when state = 'pending' and attempts = 0 and external_ref = '{}' then 'discarded' else `+againState+` end,
		payload = case when kind = 'aside' then '{}' else payload end, attempts = `+againAttempts+`
		where tenant_id = $1 and ticket_id = $4 and state <> 'discarded' and (subject_key = 'ask:' || $2 or subject_key like 'aside:' || $2 || ':%')
		returning kind, state`, c.TenantID, c.ID.String(), w.at, w.ticket.ID)
	if err != nil {
		return fmt.Errorf("end asking: %w", err)
	}
	type left struct{ Kind, State string }
	changed, err := pgx.CollectRows(rows, pgx.RowToStructByName[left])
	if err != nil {
		return fmt.Errorf("end asking: %w", err)
	}
	reached := false
	for _, d := range changed {
		reached = reached || d.Kind == kindAsk && (d.State == "pending" || d.State == "sending")
	}
	if reached {
		enqueueAside(w, c, "ended", aside{})
	}
	return nil
}

// aside is an Aside as a delivery's payload: what an agent asks. What the
// customer wrote is read when it leaves.
type aside struct {
	Author string `json:"author,omitempty"`
	Text   string `json:"text,omitempty"`
}

func enqueueAside(w *work, c Colleague, what string, payload aside) {
	w.enqueue(c.System, kindAside, "aside:"+c.ID.String()+":"+what, payload)
}

// followUp lets the ticket's colleagues read what the customer wrote.
func (w *work) followUp(m triage.Message) {
	if labelOf(m) != PostCustomer || w.done() {
		return
	}
	for _, c := range w.asking {
		enqueueAside(w, c, "message:"+m.ID.String(), aside{})
	}
}

// changeAsides lets what colleagues were sent follow a message that was changed
// or taken back: the question shows the customer's words, and so do asides.
func (s *Service) changeAsides(ctx context.Context, w *work, m triage.Message) error {
	if s.colleagues() == nil || m.Visibility != triage.VisibleToCustomer || m.AuthorKind != triage.AuthorCustomer {
		return nil
	}
	return w.again(ctx, s.Channel.System(), `update deliveries d set updated_at = $4, `+againSet+`
		from ticket_collaborators c where c.tenant_id = $1 and c.system = $2 and c.ended_at is null
		  and c.ticket_id in (select id from tickets where tenant_id = $1 and conversation_id = $5
		    union select related_id from ticket_relations r join tickets t on t.tenant_id = r.tenant_id and t.id = r.ticket_id
		      where r.tenant_id = $1 and r.kind = 'merged_into' and t.conversation_id = $5)
		  and d.tenant_id = $1 and d.ticket_id = c.ticket_id and d.destination = $2
		  and d.subject_key in ('ask:' || c.id, 'aside:' || c.id || ':message:' || $3) and d.state <> 'discarded'
		returning d.ticket_id`, m.TenantID, s.Channel.System(), m.ID.String(), w.at, m.ConversationID)
}

// Answer is what a colleague wrote below the question.
type Answer struct {
	System    string
	Person    string // who wrote it, as the system says
	Place     string // of the message that asks
	Text      string
	ClientKey string
}

// ColleagueAt is whom the message at a place asks; ErrNotAsked where it is none of ours.
func (s *Service) ColleagueAt(ctx context.Context, system, place string) (Colleague, error) {
	var c Colleague
	err := s.DB.WithSystem(ctx, "find whom a message asks", func(tx pgx.Tx) error {
		found, err := list[Colleague](ctx, tx, `select `+colleagueColumns+` from ticket_collaborators where system = $1 and place = $2`, system, place)
		if err == nil && len(found) != 1 {
			err = ErrNotAsked
		}
		if err == nil {
			c = found[0]
		}
		return err
	})
	return c, err
}

// Answer keeps a colleague's answer as an internal note. No customer sees it, by
// any way.
func (s *Service) Answer(ctx context.Context, in Answer) error {
	text, err := cleanText(in.Text)
	if err != nil {
		return err
	}
	return s.byColleague(ctx, in, func(ctx context.Context, w *work, c Colleague) error {
		m, created, err := w.say(ctx, triage.Internal, text, "", in.ClientKey)
		if err != nil || !created {
			return err
		}
		w.note("colleague_answered", map[string]any{"name": c.Name, "person": c.Person, "message_id": m.ID})
		w.stir()
		post := Post{Key: "message:" + m.ID.String(), Label: PostInternal, Author: c.Name + ", asked by " + c.AskedBy, Text: m.Body}
		s.enqueuePost(w, post)
		s.enqueueNote(w, m)
		return nil
	})
}

// ChangeAnswer lets an answer follow what its author changed; an empty text
// takes it back.
func (s *Service) ChangeAnswer(ctx context.Context, in Answer) error {
	text := ""
	if strings.TrimSpace(in.Text) != "" {
		var err error
		if text, err = cleanText(in.Text); err != nil {
			return err
		}
	}
	return s.byColleague(ctx, in, func(ctx context.Context, w *work, _ Colleague) error {
		return s.reviseNote(ctx, w, in.ClientKey, text, func(m triage.Message) bool { return m.AuthorID == nil })
	})
}

// byColleague runs fn on the ticket somebody is asked about now.
func (s *Service) byColleague(ctx context.Context, in Answer, fn func(ctx context.Context, w *work, c Colleague) error) error {
	c, err := s.ColleagueAt(ctx, in.System, in.Place)
	if err != nil {
		return err
	}
	if c.Person != in.Person {
		return ErrNotAsked
	}
	var conversation uuid.UUID
	actor := triage.Actor{Kind: triage.ActorStaff, Name: c.Name}
	err = s.DB.WithTenant(ctx, c.TenantID, func(tx pgx.Tx) (err error) {
		_, conversation, err = s.on(ctx, tx, actor, TicketRef{c.TenantID, c.TicketID}, func(ctx context.Context, w *work) error {
			for _, now := range w.asking {
				if now.ID == c.ID {
					return fn(ctx, w, now)
				}
			}
			return ErrNotAsked
		})
		return err
	})
	if err == nil {
		s.Wake(c.TenantID, conversation)
	}
	if errors.Is(err, triage.ErrTicketNotFound) {
		return ErrNotAsked
	}
	return err
}

// Asked is one question that waits for a colleague, as their own list shows it.
type Asked struct {
	Number     int64     `db:"number"`
	TenantName string    `db:"tenant_name"`
	Question   string    `db:"question"`
	AskedBy    string    `db:"asked_by"`
	AskedAt    time.Time `db:"asked_at"`
	Place      string    `db:"place"`
}

// AskedOf lists what one person is asked, latest first.
func (s *Service) AskedOf(ctx context.Context, system, person string) (out []Asked, err error) {
	err = s.DB.WithSystem(ctx, "what a colleague is asked", func(tx pgx.Tx) (err error) {
		out, err = list[Asked](ctx, tx, `select t.number, n.name as tenant_name, c.question, c.asked_by, c.asked_at, c.place
			from ticket_collaborators c join tickets t on t.tenant_id = c.tenant_id and t.id = c.ticket_id join tenants n on n.id = c.tenant_id
			where c.system = $1 and c.person = $2 and c.ended_at is null order by c.asked_at desc limit 20`, system, person)
		return err
	})
	for i := range out {
		out[i].Question, _ = guard.Mask(out[i].Question)
	}
	return out, err
}

// colleagueOf names whom a delivery is for; zero where it is for nobody alone.
func (d delivery) colleagueOf() uuid.UUID {
	if d.Kind != kindAsk && d.Kind != kindAside {
		return uuid.Nil
	}
	_, rest, _ := strings.Cut(d.SubjectKey, ":")
	id, _, _ := strings.Cut(rest, ":")
	parsed, _ := uuid.Parse(id)
	return parsed
}

// place remembers where a question stands: answers are found by it.
func place(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, subjectKey string, at Ref) error {
	if at.IsZero() {
		return nil
	}
	if _, err := tx.Exec(ctx, `update ticket_collaborators set place = $3 where tenant_id = $1 and 'ask:' || id = $2`, tenant, subjectKey, at.ID); err != nil {
		return fmt.Errorf("place question: %w", err)
	}
	return nil
}

// alone is what an effect waits for: one person's messages wait for each other
// only, and a file's copy for nothing. Zero is the ticket's own thread.
func (d delivery) alone() uuid.UUID {
	switch d.Kind {
	case kindFile:
		return d.ID
	case kindPing:
		var p threadPost
		_ = json.Unmarshal(d.Payload, &p) // what cannot be read is said when it is its turn
		return p.Notify
	}
	return d.colleagueOf()
}

// other says that a ping is for somebody who is told though the ticket is not theirs.
func (d delivery) other() bool {
	var p threadPost
	_ = json.Unmarshal(d.Payload, &p)
	return d.Kind == kindPing && p.Other
}

func (l *lane) colleague(ctx context.Context, tx pgx.Tx, d delivery) (Colleague, error) {
	found, err := list[Colleague](ctx, tx, `select `+colleagueColumns+` from ticket_collaborators where tenant_id = $1 and id = $2`, l.tenant, d.colleagueOf())
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("delivery %s is for nobody", d.ID)
	}
	if err != nil {
		return Colleague{}, err
	}
	return found[0], nil
}

// ask is what a colleague is asked as of now. It is nil where it is over and
// never reached them.
func (l *lane) ask(ctx context.Context, tx pgx.Tx, d delivery, unknown bool) (*Ask, error) {
	c, err := l.colleague(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	t, err := TicketByID(ctx, tx, l.tenant, l.ticket)
	if err != nil {
		return nil, err
	}
	ask := Ask{Key: d.ID.String(), Ticket: TicketRef{l.tenant, l.ticket}, Person: c.Person, Number: t.Number, Ended: c.EndedWhy}
	if ask.Retry = unknown && d.ExternalRef.IsZero(); ask.Retry && d.FirstTried != nil {
		ask.Since = *d.FirstTried
	}
	if c.EndedAt != nil {
		if d.ExternalRef.IsZero() && !unknown {
			return nil, nil
		}
		return &ask, nil
	}
	a, err := around(ctx, tx, t)
	if err != nil {
		return nil, err
	}
	ask.TenantName, ask.By = a.TenantName, c.AskedBy
	ask.Question, _ = guard.Mask(c.Question)
	ask.Summary, _ = guard.Mask(aboutThis(t))
	said, err := list[Said](ctx, tx, `select created_at as at, body as text from (
		  select m.created_at, m.seq, m.body from messages m where m.tenant_id = $1 and m.conversation_id = $2
		    and m.visibility = 'customer' and m.author_kind = 'customer' and m.state <> 'deleted'
		    and m.seq <= (select asked_seq from ticket_collaborators where tenant_id = $1 and id = $4)
		    and (m.seq >= (select min(x.seq) from escalations s join messages x on x.tenant_id = $1 and x.id = s.message_id where s.tenant_id = $1 and s.ticket_id = $3)
		      or not exists (select from tickets e where e.tenant_id = $1 and e.conversation_id = $2 and e.number < $5))
		  order by m.seq desc limit 10) latest order by seq`, l.tenant, t.ConversationID, t.ID, c.ID, t.Number)
	if err != nil {
		return nil, err
	}
	for i := range said {
		said[i].Text, _ = guard.Mask(said[i].Text)
	}
	ask.Said = said
	return &ask, nil
}

var namesTicket = regexp.MustCompile(`#\d+`)

// aboutThis is a ticket's summary without the lines that name another ticket.
func aboutThis(t triage.Ticket) string {
	own := fmt.Sprintf("#%d", t.Number)
	var lines []string
	for line := range strings.SplitSeq(t.Summary, "\n") {
		other := false
		for _, name := range namesTicket.FindAllString(line, -1) {
			other = other || name != own
		}
		if !other {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// aside is a message below a question as of now, with where the question
// stands. It is nil where it is not to be sent any more.
func (l *lane) aside(ctx context.Context, tx pgx.Tx, d delivery, unknown bool) (*Aside, Ref, error) {
	c, err := l.colleague(ctx, tx, d)
	if err != nil {
		return nil, Ref{}, err
	}
	a := Aside{
		Key: d.ID.String(), Ticket: TicketRef{l.tenant, l.ticket}, Person: c.Person, Label: PostSystem,
		Retry: unknown && d.ExternalRef.IsZero(), Changed: d.Wanted > 1, At: d.ExternalRef,
	}
	if c.Place == "" {
		return nil, Ref{}, nil // the question reached nobody, so nothing stands below it
	}
	what := strings.TrimPrefix(d.SubjectKey, "aside:"+c.ID.String()+":")
	switch kind, id, _ := strings.Cut(what, ":"); {
	case what == "ended":
		a.Text = endedText(c.EndedWhy)
	case c.EndedAt != nil:
		if d.ExternalRef.IsZero() && !unknown {
			return nil, Ref{}, nil
		}
		a.Gone, a.Changed, a.Text = true, true, "This is not shown any more."
	case kind == "message":
		m, err := triage.MessageByID(ctx, tx, l.tenant, uuid.MustParse(id))
		if err != nil {
			return nil, Ref{}, err
		}
		a.Label = PostCustomer
		a.Text, _ = guard.Mask(said(m))
	default:
		var payload aside
		if err := json.Unmarshal(d.Payload, &payload); err != nil {
			return nil, Ref{}, fmt.Errorf("read delivery %s: %w", d.ID, err)
		}
		a.Label, a.Author = PostAsked, payload.Author
		a.Text, _ = guard.Mask(payload.Text)
	}
	return &a, Ref{ID: c.Place}, nil
}

func endedText(why string) string {
	if why == "removed" {
		return "You are not asked about this ticket any more. Thank you for your help."
	}
	return "This ticket is done, so nothing more is needed here. Thank you for your help."
}
