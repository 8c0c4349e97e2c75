package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/sla"
)

// Jobs inserts a job in the transaction that makes it necessary. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
	InsertManyTx(ctx context.Context, tx pgx.Tx, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
}

// Clocks makes a ticket's SLA clocks follow its state: it reads at once and adds
// what is to be written. *sla.Service is one.
type Clocks interface {
	Sync(ctx context.Context, tx pgx.Tx, facts sla.Facts, out *sla.Changes) error
}

// Publisher tells a tenant's own systems what happened to a ticket, in the
// caller's transaction. event names the occurrence: published twice, it is sent
// once. data holds only what customers may see. *webhook.Service is one.
type Publisher interface {
	Publish(ctx context.Context, tx pgx.Tx, tenant, event uuid.UUID, kind string, data any) error
}

// Config joins the desk to its surroundings. DB and Jobs are needed; everything
// else may be absent.
type Config struct {
	DB      *tenantdb.DB // of the worker role; nil in a process that only takes messages in
	Jobs    Jobs
	Channel Channel // nil: off
	CRMs    []CRM   // empty: off
	Off     []Destination
	Clocks  Clocks // nil: nothing is promised
	Drafts  Drafter
	Files   Bytes     // nil: no file is copied into the channel
	Events  Publisher // nil: tenants' own systems are told nothing
	// TicketURL is the absolute address of a ticket in the agent console.
	TicketURL func(tenant, ticket uuid.UUID, number int64) string
	// Stage names a tenant's onboarding stage on Slack roots; nil: none is shown.
	Stage func(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (string, error)
	// Approval reads what the card of a proposed action shows; nil: there are none.
	Approval func(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (*Approval, error)
	// Other names the job of a delivery that belongs to no ticket; nil: there are none.
	Other func(tenant, id uuid.UUID, destination string) river.JobArgs
	// Outage, if set, is told once when a destination has taken nothing for
	// OutageAfter although something waits: by another way than that destination.
	Outage func(ctx context.Context, o Outage) error
	// Tell, if set, tells a member of staff whom the channel does not know something
	// directly, in the caller's transaction on the worker's role; twice is once.
	Tell func(ctx context.Context, tx pgx.Tx, word Word) error
	// AutoAssign gives each new ticket to whoever of its team has least to do;
	// off, the first who claims or replies has it.
	AutoAssign bool
	// Wake, if set, is told after commit which conversation changed.
	Wake func(tenant, conversation uuid.UUID)
	Now  func() time.Time
	Log  *slog.Logger

	EditEvery    time.Duration // least time between two edits of one root; default 1 s
	LeaseFor     time.Duration // how long one worker owns a ticket's lane; default 60 s
	CallTimeout  time.Duration // deadline of one outside call; default 20 s
	CatchUpAfter time.Duration // posts older than this leave together; default 5 min
	MaxAttempts  int           // tries before an error that is not known to pass fails an effect, and before one that keeps failing lets others by; default 20
	OutageAfter  time.Duration // default 10 min
	AtOnce       int           // calls to one destination at a time in this process; default 3
	QuietDays    int           // a solved ticket settles after so many quiet days; default 7
	Backoff      func(attempt int) time.Duration
}

// Service is the desk.
type Service struct {
	Config
	slots map[string]chan struct{} // by destination: one that hangs must not hold every worker
}

// New returns a Service.
func New(c Config) *Service {
	c.EditEvery = cmp.Or(c.EditEvery, time.Second)
	c.LeaseFor = cmp.Or(c.LeaseFor, time.Minute)
	c.CallTimeout = cmp.Or(c.CallTimeout, 20*time.Second)
	c.CatchUpAfter = cmp.Or(c.CatchUpAfter, 5*time.Minute)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 20)
	c.QuietDays = cmp.Or(c.QuietDays, 7)
	c.OutageAfter = cmp.Or(c.OutageAfter, 10*time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Wake == nil {
		c.Wake = func(_, _ uuid.UUID) {}
	}
	if c.TicketURL == nil {
		c.TicketURL = func(_, _ uuid.UUID, _ int64) string { return "" }
	}
	if c.Backoff == nil {
		c.Backoff = backoff
	}
	s := &Service{Config: c, slots: map[string]chan struct{}{}}
	for _, d := range s.Destinations() {
		s.slots[d.Name] = make(chan struct{}, cmp.Or(c.AtOnce, 3))
	}
	return s
}

// Destination is an outside system tickets may go to.
type Destination struct {
	Name string `json:"name"`
	On   bool   `json:"on"`
	Why  string `json:"why"` // when off: what is missing and what that costs
}

// Destinations says which outside systems are on. What is off costs nothing but
// itself: agents work in the console.
func (s *Service) Destinations() []Destination {
	list := append([]Destination(nil), s.Off...)
	if s.Channel != nil {
		list = append(list, Destination{Name: s.Channel.System(), On: true})
	}
	for _, crm := range s.CRMs {
		list = append(list, Destination{Name: crm.System(), On: true})
	}
	return list
}

// TicketRef names a ticket.
type TicketRef struct{ TenantID, ID uuid.UUID }

// roles that may work on tickets.
var workRoles = []string{"agent", "lead", "admin"}

// work is one change of one ticket, in one transaction, with its conversation
// and its row held. Locks are always taken in the order conversation, ticket.
// What it changes is gathered in out and leaves together: see flush.
type work struct {
	tx           pgx.Tx
	out          sla.Changes
	actor        triage.Actor
	at           time.Time
	before       triage.Ticket
	ticket       triage.Ticket
	extra        extra
	conversation triage.Conversation
	events       []ticketEvent
	changed      bool
	rooted       bool                       // the root was asked to follow; once a transaction is enough
	asked        map[DeliverTicketArgs]bool // jobs this transaction has inserted
	skip         string                     // the CRM the change came from: it knows already
	asking       []Colleague                // who is asked about the ticket
}

// extra holds the desk's own columns of a ticket.
type extra struct {
	ClosedAs       string     `db:"closed_as"`
	FirstRepliedAt *time.Time `db:"first_replied_at"`
	WaitingSince   *time.Time `db:"waiting_since"`
	EscalatedAt    *time.Time `db:"escalated_at"`
	TellCustomer   bool       `db:"tell_customer"` // the cause is gone, the customer does not know
	Joined         bool       `db:"joined"`        // others were merged into it
}

type ticketEvent struct {
	id     uuid.UUID
	kind   string
	detail map[string]any
}

// note adds an event to the ticket's history.
func (w *work) note(kind string, detail map[string]any) {
	w.events = append(w.events, ticketEvent{uuid.Must(uuid.NewV7()), kind, detail})
}

// act opens a transaction for a member of staff, checks that they may act right
// now, and runs fn on the ticket.
func (s *Service) act(ctx context.Context, actor triage.Actor, ref TicketRef, fn func(ctx context.Context, w *work) error) (triage.Ticket, error) {
	var out triage.Ticket
	var conversation uuid.UUID
	err := s.DB.WithTenant(ctx, ref.TenantID, func(tx pgx.Tx) error {
		actor, err := s.mayAct(ctx, tx, actor)
		if err != nil {
			return err
		}
		out, conversation, err = s.on(ctx, tx, actor, ref, fn)
		return err
	})
	if err == nil {
		s.Wake(ref.TenantID, conversation)
	}
	return out, err
}

// on runs fn on the held ticket and stores what it changed.
func (s *Service) on(ctx context.Context, tx pgx.Tx, actor triage.Actor, ref TicketRef, fn func(ctx context.Context, w *work) error) (triage.Ticket, uuid.UUID, error) {
	w, err := s.hold(ctx, tx, actor, ref.TenantID, ref.ID)
	if err != nil {
		return triage.Ticket{}, uuid.Nil, err
	}
	if err := fn(ctx, w); err != nil {
		return w.ticket, w.conversation.ID, err
	}
	if err := s.save(ctx, w); err != nil {
		return w.ticket, w.conversation.ID, err
	}
	return w.ticket, w.conversation.ID, s.flush(ctx, w)
}

// held is a ticket with the desk's own columns.
type held struct {
	triage.Ticket
	extra
}

const heldColumns = triage.TicketColumns + `, closed_as, first_replied_at, waiting_since, escalated_at, tell_customer, exists (select from ticket_relations r
	where r.tenant_id = tickets.tenant_id and r.related_id = tickets.id and r.kind = 'merged_into') as joined`

// hold takes a ticket's conversation and its row in one trip.
func (s *Service) hold(ctx context.Context, tx pgx.Tx, actor triage.Actor, tenant, ticket uuid.UUID) (*work, error) {
	batch := &pgx.Batch{}
	c := many[triage.Conversation](batch, `select `+triage.ConversationColumns+` from conversations where tenant_id = $1
		and id = (select conversation_id from tickets where tenant_id = $1 and id = $2) for update`, tenant, ticket)
	t := many[held](batch, `select `+heldColumns+` from tickets where tenant_id = $1 and id = $2 for update`, tenant, ticket)
	var asked *[]Colleague
	if s.colleagues() != nil {
		asked = many[Colleague](batch, askedQuery, tenant, ticket)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read ticket: %w", err)
	}
	if len(*c) == 0 || len(*t) == 0 {
		return nil, triage.ErrTicketNotFound
	}
	return s.begin(tx, actor, (*c)[0], (*t)[0], asked), nil
}

// begin is work on a ticket that is held.
func (s *Service) begin(tx pgx.Tx, actor triage.Actor, c triage.Conversation, t held, asked *[]Colleague) *work {
	w := &work{tx: tx, actor: actor, at: s.Now().UTC(), before: t.Ticket, ticket: t.Ticket, extra: t.extra, conversation: c}
	if asked != nil {
		w.asking = slices.DeleteFunc(*asked, func(c Colleague) bool { return c.TicketID != t.ID })
	}
	return w
}

// many queues a query. Its rows are there once the batch was carried out.
func many[T any](batch *pgx.Batch, query string, args ...any) *[]T {
	out := new([]T)
	batch.Queue(query, args...).Query(func(rows pgx.Rows) (err error) {
		if *out, err = pgx.CollectRows(rows, pgx.RowToStructByName[T]); err != nil {
			return fmt.Errorf("read %T: %w", *new(T), err)
		}
		return nil
	})
	return out
}

// writes is the batch of what this work changes.
func (w *work) writes() *pgx.Batch {
	if w.out.Writes == nil {
		w.out.Writes = &pgx.Batch{}
	}
	return w.out.Writes
}

// flush carries out what the work gathered: its statements in one trip, its jobs
// in another. Whoever makes a work flushes it before the transaction ends.
func (s *Service) flush(ctx context.Context, w *work) error {
	if batch := w.out.Writes; batch != nil && batch.Len() > 0 {
		w.out.Writes = nil
		if err := w.tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("write ticket: %w", err)
		}
	}
	if jobs := w.out.Jobs; len(jobs) > 0 {
		w.out.Jobs = nil
		if _, err := s.Jobs.InsertManyTx(ctx, w.tx, jobs); err != nil {
			return fmt.Errorf("insert jobs: %w", err)
		}
	}
	return nil
}

// Staff is one of the staff as they are now.
type Staff struct {
	triage.Actor
	Teams []string
	Email string // normalized
}

// StaffNow reads a member of staff as they are now: who was deactivated a second
// ago cannot act any more.
func StaffNow(ctx context.Context, tx pgx.Tx, actor triage.Actor) (Staff, error) {
	out := Staff{Actor: actor}
	if !actor.Staff() || actor.ID == uuid.Nil {
		return out, &RefusedError{"only the operator's staff work on tickets"}
	}
	var state string
	err := tx.QueryRow(ctx, `select display_name, roles, teams, state, email_normalized from staff where id = $1`, actor.ID).
		Scan(&out.Name, &out.Roles, &out.Teams, &state, &out.Email)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && state == "deactivated" {
		return out, &RefusedError{"this account is not active"}
	}
	if err != nil {
		return out, fmt.Errorf("read staff: %w", err)
	}
	return out, nil
}

// mayAct is the member of staff as they are now, who may work on tickets.
func (s *Service) mayAct(ctx context.Context, tx pgx.Tx, actor triage.Actor) (triage.Actor, error) {
	now, err := StaffNow(ctx, tx, actor)
	if err != nil {
		return now.Actor, err
	}
	for _, role := range workRoles {
		if now.HasRole(role) {
			return now.Actor, nil
		}
	}
	return now.Actor, &RefusedError{"this needs the role agent"}
}

// save writes the ticket, its events, its clocks, what the customer sees of it
// and the deliveries, when something changed.
func (s *Service) save(ctx context.Context, w *work) error {
	if !w.changed && len(w.events) == 0 {
		return nil
	}
	if err := s.endColleagues(ctx, w); err != nil {
		return err
	}
	t := &w.ticket
	t.Version++
	t.UpdatedAt = w.at
	w.writes().Queue(`update tickets set subject = $3, summary = $4, customer_state = $5, internal_state = $6,
		priority = $7, intent = $8, product_area = $9, language = $10, sentiment = $11, team = $12, reason = $13,
		assignee_id = $14, assignee_name = $15, snoozed_until = $16, solved_at = $17, closed_at = $18, resolution = $19,
		version = $20, last_public_message_at = $21, updated_at = $22, closed_as = $23, first_replied_at = $24,
		waiting_since = $25, escalated_at = $26, user_id = $27, tell_customer = $28,
		dedup_key = case when $6 in ('solved', 'closed') then null else dedup_key end
		where tenant_id = $1 and id = $2`,
		t.TenantID, t.ID, t.Subject, t.Summary, t.CustomerState, t.InternalState, t.Priority, t.Intent, t.ProductArea,
		t.Language, t.Sentiment, t.Team, t.Reason, t.AssigneeID, t.AssigneeName, t.SnoozedUntil, t.SolvedAt, t.ClosedAt,
		t.Resolution, t.Version, t.LastPublicMessageAt, t.UpdatedAt, w.extra.ClosedAs, w.extra.FirstRepliedAt,
		w.extra.WaitingSince, w.extra.EscalatedAt, t.UserID, w.extra.TellCustomer)
	w.dropDrafts()
	s.writeEvents(w)
	if w.before.CustomerState != t.CustomerState || w.before.AssigneeName != t.AssigneeName || w.before.Number == 0 {
		_, err := triage.QueueEvent(w.writes(), t.TenantID, t.ConversationID, triage.EventTicketUpdated, triage.VisibleToCustomer,
			map[string]any{"number": t.Number, "state": t.CustomerState, "assignee": t.AssigneeName})
		if err != nil {
			return err
		}
	}
	if w.extra.Joined && w.before.CustomerState != t.CustomerState {
		w.job(FollowTicketArgs{TenantID: t.TenantID, TicketID: t.ID}, nil)
	}
	if s.Clocks != nil {
		w.writes()
		if err := s.Clocks.Sync(ctx, w.tx, facts(w), &w.out); err != nil {
			return err
		}
	}
	if err := s.publish(ctx, w); err != nil {
		return err
	}
	s.enqueueHeads(w)
	return nil
}

// publish tells the tenant's own systems what its customers can see, too.
func (s *Service) publish(ctx context.Context, w *work) error {
	if s.Events == nil || len(w.events) == 0 {
		return nil
	}
	t, was := w.ticket, w.before
	kind := "ticket.updated"
	switch {
	case was.ID == uuid.Nil:
		kind = "ticket.created"
	case t.CustomerState == was.CustomerState && t.AssigneeName == was.AssigneeName:
		return nil
	case t.CustomerState == triage.StateSolved:
		kind = "ticket.solved"
	case was.CustomerState == triage.StateSolved:
		kind = "ticket.reopened"
	}
	return s.Events.Publish(ctx, w.tx, t.TenantID, w.events[0].id, kind, map[string]any{
		"id": t.ID, "number": t.Number, "subject": t.Subject, "state": t.CustomerState, "assignee": t.AssigneeName,
		"conversation_id": t.ConversationID, "created_at": t.CreatedAt, "updated_at": t.UpdatedAt,
	})
}

func facts(w *work) sla.Facts {
	f := sla.Facts{
		TenantID: w.ticket.TenantID, TicketID: w.ticket.ID, Priority: w.ticket.Priority, OpenedAt: w.ticket.CreatedAt,
		FirstReplied: w.extra.FirstRepliedAt != nil, WaitingSince: w.extra.WaitingSince,
		Done:      w.ticket.InternalState == triage.InternalSolved || w.ticket.InternalState == triage.InternalClosed,
		Cancelled: w.extra.ClosedAs == "not_a_request" || w.extra.ClosedAs == "merged",
	}
	switch w.ticket.InternalState {
	case triage.InternalPending:
		f.Pause = sla.WaitingForCustomer
	case triage.InternalOnHold:
		f.Pause = sla.OnHold
	case triage.InternalSnoozed:
		f.Pause = sla.Snoozed
	}
	return f
}

func (s *Service) writeEvents(w *work) {
	for _, e := range w.events {
		if e.detail == nil {
			e.detail = map[string]any{}
		}
		w.writes().Queue(`insert into ticket_events (tenant_id, id, ticket_id, at, kind, actor_kind, actor_id, actor_name, detail)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
			w.ticket.TenantID, e.id, w.ticket.ID, w.at, e.kind, w.actor.Kind, actorID(w.actor), w.actor.Name, e.detail)
	}
}

func actorID(a triage.Actor) string {
	if a.ID == uuid.Nil {
		return ""
	}
	return a.ID.String()
}

// setState moves the ticket and the customer's word for it.
func (w *work) setState(state triage.InternalState) {
	if w.ticket.InternalState == state {
		return
	}
	w.note("state_changed", map[string]any{"from": w.ticket.InternalState, "to": state})
	w.changed = true
	w.ticket.InternalState = state
	if state != triage.InternalSnoozed {
		w.ticket.SnoozedUntil = nil
	}
	switch state {
	case triage.InternalNew:
		w.ticket.CustomerState = triage.StateReceived
	case triage.InternalPending:
		w.ticket.CustomerState = triage.StateWaitingForYou
	case triage.InternalSolved, triage.InternalClosed:
		w.ticket.CustomerState = triage.StateSolved
	default:
		w.ticket.CustomerState = triage.StateWorkingOnIt
	}
	switch state {
	case triage.InternalSolved:
		w.ticket.SolvedAt = &w.at
	case triage.InternalClosed:
		w.ticket.ClosedAt = &w.at
		if w.ticket.SolvedAt == nil {
			w.ticket.SolvedAt = &w.at
		}
	default:
		w.ticket.SolvedAt, w.ticket.ClosedAt = nil, nil
		w.goesOn()
	}
}

// goesOn counts a resolution that had a witness as reopened.
func (w *work) goesOn() {
	switch w.ticket.Resolution {
	case "confirmed", "assumed", linkedWork:
		w.ticket.Resolution = "reopened"
	}
}

// takeOver puts a person in charge: the assistant stops, mid-answer too.
func (w *work) takeOver(ctx context.Context) error {
	if err := triage.StopStreaming(ctx, w.tx, w.ticket.TenantID, w.ticket.ConversationID); err != nil {
		return err
	}
	return triage.SetConversationState(ctx, w.tx, w.ticket.TenantID, w.ticket.ConversationID, triage.ConversationWithPerson, "off")
}

func (w *work) assign(id uuid.UUID, name string) {
	w.ticket.AssigneeID, w.ticket.AssigneeName = &id, name
	w.changed = true
}

// TicketByID reads one ticket.
func TicketByID(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (triage.Ticket, error) {
	return oneTicket(ctx, tx, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and id = $2`, tenant, id)
}

func oneTicket(ctx context.Context, tx pgx.Tx, query string, args ...any) (triage.Ticket, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return triage.Ticket{}, fmt.Errorf("read ticket: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[triage.Ticket])
	if errors.Is(err, pgx.ErrNoRows) {
		return triage.Ticket{}, triage.ErrTicketNotFound
	}
	if err != nil {
		return triage.Ticket{}, fmt.Errorf("read ticket: %w", err)
	}
	return t, nil
}

func cleanText(text string) (string, error) {
	if len(text) > triage.MaxMessageBytes {
		return "", triage.ErrMessageTooLong
	}
	text = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD"))
	if text == "" {
		return "", triage.ErrEmptyMessage
	}
	return text, nil
}
