package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Filter narrows the agents' queue. Empty fields do not narrow.
type Filter struct {
	// View is "" or open (not solved or closed), mine, unassigned, waiting, breaching, overdue, raised,
	// solved (closed ones too), all, or one internal state: new, pending, on_hold, snoozed, closed.
	View       string
	Staff      uuid.UUID // whose "mine" is
	Owner      uuid.UUID
	Unassigned bool
	TenantID   uuid.UUID
	Team       string
	Priorities []triage.Priority
	Topic      string // an intent, a group of intents ("billing") or a product area
	Language   string
	Number     int64
	Text       string    // in subject, tenant or customer
	About      string    // in subject, summary or what the customer wrote
	DueBefore  time.Time // of the view breaching; default within an hour
	// From and Until bound when a ticket was opened; in the view solved, when it was solved.
	From, Until   time.Time
	WaitingSince  time.Time // waits for people since then or longer
	LongestWaiter bool      // those that wait for people, longest first; pages do not continue
}

// TicketRow is a ticket in the queue.
type TicketRow struct {
	triage.Ticket
	TenantName   string     `db:"tenant_name"`
	CustomerName string     `db:"customer_name"`
	LastLine     string     `db:"last_line"`
	LastAuthor   string     `db:"last_author"`
	WaitingSince *time.Time `db:"waiting_since"`
	NextDue      *time.Time `db:"next_due"`
	Breached     bool       `db:"breached"`
	RaisedAt     *time.Time `db:"escalated_at"` // to the lead
}

// queued is which tickets a filter leaves.
const queued = `
	from tickets t join tenants n on n.id = t.tenant_id
	join conversations c on c.tenant_id = t.tenant_id and c.id = t.conversation_id
	left join users u on u.tenant_id = t.tenant_id and u.id = t.user_id
	left join lateral (select min(due_at) filter (where state = 'running') as due, bool_or(breached_at is not null) as breached
	  from sla_clocks k where k.tenant_id = t.tenant_id and k.ticket_id = t.id and k.state <> 'stopped') k on true
	where (@view = 'all' or @view = t.internal_state
	    or @view in ('', 'open') and t.internal_state not in ('solved', 'closed')
	    or @view = 'mine' and t.assignee_id = @staff and t.internal_state not in ('solved', 'closed')
	    or @view = 'unassigned' and t.assignee_id is null and t.internal_state not in ('solved', 'closed')
	    or @view = 'waiting' and t.internal_state in ('pending', 'on_hold')
	    or @view = 'breaching' and t.internal_state not in ('solved', 'closed') and (k.breached or k.due < @due_before)
	    or @view = 'overdue' and t.internal_state not in ('solved', 'closed') and (k.breached or k.due < @now)
	    or @view = 'raised' and t.escalated_at is not null and t.internal_state not in ('solved', 'closed')
	    or @view = 'solved' and t.internal_state in ('solved', 'closed'))
	  and (@tenant::uuid is null or t.tenant_id = @tenant) and (@team = '' or t.team = @team)
	  and (@priorities::text[] is null or t.priority = any(@priorities))
	  and (@owner::uuid is null or t.assignee_id = @owner) and (not @unassigned or t.assignee_id is null)
	  and (@topic = '' or t.intent = @topic or t.product_area = @topic or starts_with(t.intent, @topic || '.'))
	  and (@language = '' or t.language = @language) and (@number::bigint = 0 or t.number = @number)
	  and (@text = '' or t.subject ilike @text or n.name ilike @text or u.display_name ilike @text or u.email ilike @text)
	  and (@about = '' or t.subject ilike @about or t.summary ilike @about or exists (select from messages m where m.tenant_id = t.tenant_id
	    and m.conversation_id = t.conversation_id and m.author_kind = 'customer' and m.state <> 'deleted' and m.body ilike @about))
	  and (@from::timestamptz is null or case when @view = 'solved' then t.solved_at else t.created_at end >= @from)
	  and (@until::timestamptz is null or case when @view = 'solved' then t.solved_at else t.created_at end < @until)
	  and (@waiting_since::timestamptz is null or t.waiting_since <= @waiting_since)
	  and (not @longest or t.waiting_since is not null)`

func (s *Service) filterArgs(f Filter) pgx.NamedArgs {
	now := s.Now()
	if f.DueBefore.IsZero() {
		f.DueBefore = now.Add(time.Hour)
	}
	when := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return pgx.NamedArgs{
		"view": f.View, "staff": f.Staff, "owner": nullable(f.Owner), "unassigned": f.Unassigned, "tenant": nullable(f.TenantID), "team": f.Team,
		"priorities": f.Priorities, "topic": f.Topic, "language": f.Language, "number": f.Number, "text": like(f.Text), "about": like(f.About),
		"due_before": f.DueBefore, "now": now, "from": when(f.From), "until": when(f.Until), "waiting_since": when(f.WaitingSince), "longest": f.LongestWaiter,
	}
}

// Queue lists tickets of every tenant for agents, latest change first. Continue
// a list from the last row's ID in page.Before.
func (s *Service) Queue(ctx context.Context, f Filter, page triage.Page) ([]TicketRow, error) {
	args := s.filterArgs(f)
	args["before"], args["limit"] = nullable(page.Before), page.Size()
	order := `t.updated_at desc, t.id desc`
	if f.LongestWaiter {
		order = `t.waiting_since, t.id`
	}
	var list []TicketRow
	err := s.DB.WithSystem(ctx, "agents' queue", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+prefixed("t")+`, n.name as tenant_name, coalesce(u.display_name, '') as customer_name,
			c.last_line, c.last_author, t.waiting_since, k.due as next_due, coalesce(k.breached, false) as breached, t.escalated_at`+queued+`
			  and (@before::uuid is null or (t.updated_at, t.id) < (select updated_at, id from tickets where id = @before))
			order by `+order+` limit @limit`, args)
		if err != nil {
			return fmt.Errorf("read queue: %w", err)
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[TicketRow])
		if err != nil {
			return fmt.Errorf("read queue: %w", err)
		}
		return nil
	})
	return list, err
}

// Detail is everything agents see of one ticket.
type Detail struct {
	Ticket         triage.Ticket
	ClosedAs       string
	TellCustomer   bool       // the cause is gone, the customer does not know
	RaisedAt       *time.Time // to the lead
	TenantName     string
	CustomerName   string
	CustomerEmail  string
	Conversation   triage.Conversation
	Messages       []triage.Message // internal ones too, oldest first, the latest 200
	Events         []TicketEvent
	Escalations    []EscalationRow
	Classification *ClassificationRow // of the latest message handed over
	Decision       *DecisionRow
	Links          []LinkRow
	Related        []RelatedRow
	Deliveries     []DeliveryRow
	Clocks         []ClockRow
}

// TicketEvent is one entry of a ticket's history.
type TicketEvent struct {
	At        time.Time        `db:"at" json:"at"`
	Kind      string           `db:"kind" json:"kind"`
	ActorKind triage.ActorKind `db:"actor_kind" json:"actor_kind"`
	ActorName string           `db:"actor_name" json:"actor_name"`
	Detail    json.RawMessage  `db:"detail" json:"detail"`
}

// EscalationRow is one hand-over.
type EscalationRow struct {
	MessageID *uuid.UUID      `db:"message_id" json:"message_id"`
	Reason    triage.Reason   `db:"reason" json:"reason"`
	Summary   string          `db:"summary" json:"summary"`
	Findings  json.RawMessage `db:"findings" json:"findings"`
	CreatedAt time.Time       `db:"created_at" json:"created_at"`
}

// ClassificationRow is a stored classification.
type ClassificationRow struct {
	MessageID       uuid.UUID       `db:"message_id" json:"message_id"`
	Intent          string          `db:"intent" json:"intent"`
	Confidence      float64         `db:"confidence" json:"confidence"`
	ProductArea     string          `db:"product_area" json:"product_area"`
	Priority        string          `db:"priority" json:"priority"`
	Language        string          `db:"language" json:"language"`
	Sentiment       string          `db:"sentiment" json:"sentiment"`
	Team            string          `db:"team" json:"team"`
	Labels          json.RawMessage `db:"labels" json:"labels"`
	Explanation     json.RawMessage `db:"explanation" json:"explanation"`
	Engine          string          `db:"engine" json:"engine"`
	EngineVersion   string          `db:"engine_version" json:"engine_version"`
	CorrectedIntent *string         `db:"corrected_intent" json:"corrected_intent"`
}

// DecisionRow is what the assistant did with a message and why.
type DecisionRow struct {
	MessageID  uuid.UUID       `db:"message_id" json:"message_id"`
	Route      string          `db:"route" json:"route"`
	Outcome    string          `db:"outcome" json:"outcome"`
	Reason     string          `db:"reason" json:"reason"`
	Evidence   string          `db:"evidence" json:"evidence"`
	Query      string          `db:"query" json:"query"`
	Passages   json.RawMessage `db:"passages" json:"passages"`
	Basis      json.RawMessage `db:"basis" json:"basis"`
	Gate       json.RawMessage `db:"gate" json:"gate"`
	Guard      json.RawMessage `db:"guard" json:"guard"`
	DurationMS int             `db:"duration_ms" json:"duration_ms"`
	CreatedAt  time.Time       `db:"created_at" json:"created_at"`
}

// LinkRow is where the ticket lives outside.
type LinkRow struct {
	System     string `db:"system" json:"system"`
	ExternalID string `db:"external_id" json:"external_id"`
	URL        string `db:"url" json:"url"`
}

// RelatedRow is a related ticket. Kind reads from this ticket: follow_up_of,
// merged_into, split_from, duplicate_of, or with "inverse_" before it.
type RelatedRow struct {
	ID      uuid.UUID `db:"id" json:"id"`
	Number  int64     `db:"number" json:"number"`
	Subject string    `db:"subject" json:"subject"`
	Kind    string    `db:"kind" json:"kind"`
}

// ClockRow is one SLA clock.
type ClockRow struct {
	Metric      string     `db:"metric" json:"metric"`
	State       string     `db:"state" json:"state"`
	PauseReason string     `db:"pause_reason" json:"pause_reason"`
	DueAt       *time.Time `db:"due_at" json:"due_at"`
	WarnedAt    *time.Time `db:"warned_at" json:"warned_at"`
	BreachedAt  *time.Time `db:"breached_at" json:"breached_at"`
	Outcome     string     `db:"outcome" json:"outcome"`
}

// Ticket reads one ticket with all that belongs to it.
func (s *Service) Ticket(ctx context.Context, tenant, id uuid.UUID) (Detail, error) {
	var d Detail
	err := s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) (err error) {
		if d.Ticket, err = TicketByID(ctx, tx, tenant, id); err != nil {
			return err
		}
		a, err := around(ctx, tx, d.Ticket)
		if err != nil {
			return err
		}
		d.TenantName, d.CustomerName, d.CustomerEmail = a.TenantName, a.CustomerName, a.CustomerEmail
		conversation := d.Ticket.ConversationID
		if d.Conversation, err = triage.ConversationByID(ctx, tx, tenant, conversation); err != nil {
			return err
		}
		if d.Messages, err = triage.MessagesBefore(ctx, tx, tenant, conversation, 0, true, 200); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select closed_as, tell_customer, escalated_at from tickets where tenant_id = $1 and id = $2`, tenant, id).Scan(&d.ClosedAs, &d.TellCustomer, &d.RaisedAt); err != nil {
			return fmt.Errorf("read ticket: %w", err)
		}
		return d.read(ctx, tx)
	})
	return d, err
}

// ConversationOf is the conversation a ticket is about.
func (s *Service) ConversationOf(ctx context.Context, ref TicketRef) (id uuid.UUID, err error) {
	err = s.DB.WithTenant(ctx, ref.TenantID, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select conversation_id from tickets where tenant_id = $1 and id = $2`, ref.TenantID, ref.ID).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return triage.ErrTicketNotFound
		}
		return err
	})
	return id, err
}

func (d *Detail) read(ctx context.Context, tx pgx.Tx) error {
	tenant, id, conversation := d.Ticket.TenantID, d.Ticket.ID, d.Ticket.ConversationID
	var err error
	if d.Events, err = list[TicketEvent](ctx, tx, `select at, kind, actor_kind, actor_name, detail from ticket_events
		where tenant_id = $1 and ticket_id = $2 order by at, id limit 500`, tenant, id); err != nil {
		return err
	}
	if d.Escalations, err = list[EscalationRow](ctx, tx, `select message_id, reason, summary, findings, created_at from escalations
		where tenant_id = $1 and ticket_id = $2 order by created_at, id`, tenant, id); err != nil {
		return err
	}
	classifications, err := list[ClassificationRow](ctx, tx, `select message_id, intent, confidence, product_area, priority, language, sentiment,
		team, labels, explanation, engine, engine_version, corrected_intent from classifications
		where tenant_id = $1 and conversation_id = $2 order by created_at desc limit 1`, tenant, conversation)
	if err != nil {
		return err
	}
	if len(classifications) > 0 {
		d.Classification = &classifications[0]
	}
	decisions, err := list[DecisionRow](ctx, tx, `select message_id, route, outcome, reason, evidence, query, passages, basis, gate, guard,
		duration_ms, created_at from decisions where tenant_id = $1 and conversation_id = $2 order by created_at desc limit 1`, tenant, conversation)
	if err != nil {
		return err
	}
	if len(decisions) > 0 {
		d.Decision = &decisions[0]
	}
	if d.Links, err = list[LinkRow](ctx, tx, `select system, external_id, url from ticket_links
		where tenant_id = $1 and ticket_id = $2 order by system`, tenant, id); err != nil {
		return err
	}
	if d.Related, err = list[RelatedRow](ctx, tx, `select t.id, t.number, t.subject, r.kind from ticket_relations r
		join tickets t on t.tenant_id = r.tenant_id and t.id = r.related_id where r.tenant_id = $1 and r.ticket_id = $2
		union all select t.id, t.number, t.subject, 'inverse_' || r.kind from ticket_relations r
		join tickets t on t.tenant_id = r.tenant_id and t.id = r.ticket_id where r.tenant_id = $1 and r.related_id = $2
		order by number`, tenant, id); err != nil {
		return err
	}
	if d.Clocks, err = list[ClockRow](ctx, tx, `select metric, state, pause_reason, due_at, warned_at, breached_at, outcome from sla_clocks
		where tenant_id = $1 and ticket_id = $2 order by started_at, metric`, tenant, id); err != nil {
		return err
	}
	d.Deliveries, err = list[DeliveryRow](ctx, tx, deliveryRows+` where d.tenant_id = $1 and d.ticket_id = $2 order by d.position`, tenant, id)
	return err
}

// FindTicket reads a ticket by its public number. Numbers are unique within a
// tenant only, so several may be found; they are listed latest first.
func (s *Service) FindTicket(ctx context.Context, number int64) ([]TicketRow, error) {
	return s.Queue(ctx, Filter{View: "all", Number: number}, triage.Page{Limit: 10})
}

// DeliveryRow is one effect outside the database, for the deliveries page.
type DeliveryRow struct {
	TenantID    uuid.UUID  `db:"tenant_id" json:"tenant_id"`
	ID          uuid.UUID  `db:"id" json:"id"`
	TicketID    *uuid.UUID `db:"ticket_id" json:"ticket_id"`
	Number      *int64     `db:"number" json:"ticket_number"`
	TenantName  string     `db:"tenant_name" json:"tenant_name"`
	Destination string     `db:"destination" json:"destination"`
	Kind        string     `db:"kind" json:"kind"`
	State       string     `db:"state" json:"state"`
	Attempts    int        `db:"attempts" json:"attempts"`
	LastError   string     `db:"last_error" json:"last_error"` // safe to show to staff
	NextAt      *time.Time `db:"next_attempt_at" json:"next_attempt_at"`
	CreatedAt   time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt   time.Time  `db:"updated_at" json:"updated_at"`
	DeliveredAt *time.Time `db:"delivered_at" json:"delivered_at"`
}

const deliveryRows = `select d.tenant_id, d.id, d.ticket_id, t.number, n.name as tenant_name, d.destination, d.kind, d.state,
	d.attempts, d.last_error, d.next_attempt_at, d.created_at, d.updated_at, d.delivered_at
	from deliveries d join tenants n on n.id = d.tenant_id
	left join tickets t on t.tenant_id = d.tenant_id and t.id = d.ticket_id`

// DeliveryFilter narrows the deliveries page. Empty fields do not narrow.
type DeliveryFilter struct {
	State       string
	Destination string
	TenantID    uuid.UUID
	TicketID    uuid.UUID
}

// Deliveries lists effects outside the database, latest change first.
func (s *Service) Deliveries(ctx context.Context, f DeliveryFilter, page triage.Page) ([]DeliveryRow, error) {
	var out []DeliveryRow
	err := s.DB.WithSystem(ctx, "deliveries page", func(tx pgx.Tx) (err error) {
		out, err = list[DeliveryRow](ctx, tx, deliveryRows+` where ($1 = '' or d.state = $1) and ($2 = '' or d.destination = $2)
			and ($3::uuid is null or d.tenant_id = $3) and ($4::uuid is null or d.ticket_id = $4)
			and ($5::uuid is null or (d.updated_at, d.id) < (select updated_at, id from deliveries where id = $5))
			order by d.updated_at desc, d.id desc limit $6`,
			f.State, f.Destination, nullable(f.TenantID), nullable(f.TicketID), nullable(page.Before), page.Size())
		return err
	})
	return out, err
}

// ErrDeliveryNotFound says there is no such delivery, or not in a state that can be changed.
var ErrDeliveryNotFound = errors.New("delivery not found")

// Replay tries a failed, discarded or waiting delivery again at once.
func (s *Service) Replay(ctx context.Context, actor triage.Actor, tenant, id uuid.UUID) error {
	return s.settleDelivery(ctx, actor, tenant, id, "pending", []string{"failed", "discarded", "pending"}, "delivery_replayed")
}

// ReplayAll tries again at once what a filter shows and what has failed or waits
// after a failed try; what was discarded only where the filter asks for it. It
// returns how many these are. What is under way just now is left alone.
func (s *Service) ReplayAll(ctx context.Context, actor triage.Actor, f DeliveryFilter) (int, error) {
	states := []string{f.State}
	if f.State == "" {
		states = []string{"failed", "pending"}
	} else if !slices.Contains([]string{"failed", "pending", "discarded"}, f.State) {
		return 0, nil
	}
	var tenants []uuid.UUID
	err := s.DB.WithSystem(ctx, "find deliveries to replay", func(tx pgx.Tx) (err error) {
		if actor, err = s.mayAct(ctx, tx, actor); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select distinct tenant_id from deliveries where `+replayable, states, f.Destination, nullable(f.TenantID), nullable(f.TicketID))
		if err != nil {
			return fmt.Errorf("find deliveries: %w", err)
		}
		tenants, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	n := 0
	for _, tenant := range tenants {
		if err != nil {
			break
		}
		err = s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			some, err := s.replayOf(ctx, tx, actor, tenant, f, states)
			n += some
			return err
		})
	}
	return n, err
}

const replayable = `state = any($1) and (state <> 'pending' or attempts > 0) and ($2 = '' or destination = $2)
	and ($3::uuid is null or tenant_id = $3) and ($4::uuid is null or ticket_id = $4)`

// replayOf is ReplayAll for one tenant.
func (s *Service) replayOf(ctx context.Context, tx pgx.Tx, actor triage.Actor, tenant uuid.UUID, f DeliveryFilter, states []string) (int, error) {
	type replayed struct {
		ID          uuid.UUID  `db:"id"`
		TicketID    *uuid.UUID `db:"ticket_id"`
		Destination string     `db:"destination"`
	}
	w := &work{tx: tx, at: s.Now().UTC(), actor: actor, ticket: triage.Ticket{TenantID: tenant}}
	found, err := list[replayed](ctx, tx, `update deliveries set state = 'pending', next_attempt_at = null, updated_at = $5, attempts = least(attempts, 1)
		where tenant_id = $3 and id in (select id from deliveries where `+replayable+` order by id for update skip locked)
		returning id, ticket_id, destination`, states, f.Destination, tenant, nullable(f.TicketID), w.at)
	if err != nil {
		return 0, err
	}
	count := map[DeliverTicketArgs]int{}
	for _, d := range found {
		if d.TicketID == nil {
			if err := s.replayOther(ctx, tx, tenant, d.ID, d.Destination); err != nil {
				return 0, err
			}
			continue
		}
		count[DeliverTicketArgs{tenant, *d.TicketID, d.Destination}]++
	}
	for args, n := range count {
		w.ticket.ID, w.events = args.TicketID, nil
		w.note("delivery_replayed", map[string]any{"destination": args.Destination, "count": n})
		s.writeEvents(w)
		w.deliver(args.TicketID, args.Destination)
	}
	return len(found), s.flush(ctx, w)
}

// Discard gives a delivery up.
func (s *Service) Discard(ctx context.Context, actor triage.Actor, tenant, id uuid.UUID) error {
	return s.settleDelivery(ctx, actor, tenant, id, "discarded", []string{"failed", "pending"}, "delivery_discarded")
}

func (s *Service) settleDelivery(ctx context.Context, actor triage.Actor, tenant, id uuid.UUID, to string, from []string, event string) error {
	return s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		actor, err := s.mayAct(ctx, tx, actor)
		if err != nil {
			return err
		}
		var ticket *uuid.UUID
		var destination string
		at := s.Now().UTC()
		err = tx.QueryRow(ctx, `update deliveries set state = $3, next_attempt_at = null, updated_at = $5,
			attempts = case when $3 = 'pending' then least(attempts, 1) else attempts end
			where tenant_id = $1 and id = $2 and state = any($4) returning ticket_id, destination`, tenant, id, to, from, at).Scan(&ticket, &destination)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrDeliveryNotFound
		}
		if err != nil {
			return fmt.Errorf("change delivery: %w", err)
		}
		if ticket == nil {
			return s.replayOther(ctx, tx, tenant, id, destination)
		}
		w := &work{tx: tx, at: at, actor: actor, ticket: triage.Ticket{TenantID: tenant, ID: *ticket}}
		w.note(event, map[string]any{"delivery_id": id, "destination": destination})
		s.writeEvents(w)
		w.askFor(destination)
		return s.flush(ctx, w)
	})
}

// replayOther asks for a delivery that belongs to no ticket.
func (s *Service) replayOther(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, destination string) error {
	if s.Other == nil {
		return nil
	}
	args := s.Other(tenant, id, destination)
	if args == nil {
		return nil
	}
	if _, err := s.Jobs.InsertTx(ctx, tx, args, nil); err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return nil
}

// CustomerTicket is a ticket as its tenant may know it.
type CustomerTicket struct {
	ID                  uuid.UUID            `db:"id"`
	Number              int64                `db:"number"`
	ConversationID      uuid.UUID            `db:"conversation_id"`
	UserID              *uuid.UUID           `db:"user_id"`
	Subject             string               `db:"subject"`
	State               triage.CustomerState `db:"customer_state"`
	Assignee            string               `db:"assignee_name"`
	Origin              string               `db:"origin"`
	DedupKey            *string              `db:"dedup_key"`
	Reopenable          bool                 `db:"reopenable"`
	LastPublicMessageAt *time.Time           `db:"last_public_message_at"`
	NextReplyDueAt      *time.Time           `db:"next_reply_due_at"`
	PausedReason        string               `db:"paused_reason"` // "", waiting_for_customer, on_hold, snoozed
	CreatedAt           time.Time            `db:"created_at"`
	UpdatedAt           time.Time            `db:"updated_at"`
}

const customerTickets = `select t.id, t.number, t.conversation_id, t.user_id, t.subject, t.customer_state, t.assignee_name, t.origin,
	t.dedup_key, t.internal_state = 'solved' as reopenable, t.last_public_message_at,
	(select min(due_at) from sla_clocks k where k.tenant_id = t.tenant_id and k.ticket_id = t.id
	  and k.metric in ('first_reply', 'next_reply') and k.state = 'running') as next_reply_due_at,
	case t.internal_state when 'pending' then 'waiting_for_customer' when 'on_hold' then 'on_hold' when 'snoozed' then 'snoozed' else '' end as paused_reason,
	t.created_at, t.updated_at from tickets t`

// CustomerTickets lists a tenant's tickets in the caller's transaction, latest
// change first: one person's, or with user zero everybody's. openOnly leaves
// solved ones out. Tickets that were no request are never shown.
func CustomerTickets(ctx context.Context, tx pgx.Tx, tenant, user uuid.UUID, openOnly bool, page triage.Page) ([]CustomerTicket, error) {
	return list[CustomerTicket](ctx, tx, customerTickets+` where t.tenant_id = $1 and ($2::uuid is null or t.user_id = $2)
		and (not $3 or t.customer_state <> 'solved') and t.closed_as <> 'not_a_request'
		and ($4::uuid is null or (t.updated_at, t.id) < (select updated_at, id from tickets where tenant_id = $1 and id = $4))
		order by t.updated_at desc, t.id desc limit $5`, tenant, nullable(user), openOnly, nullable(page.Before), page.Size())
}

// CustomerTicketByNumber reads one of a tenant's tickets in the caller's transaction.
func CustomerTicketByNumber(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, number int64) (CustomerTicket, error) {
	found, err := list[CustomerTicket](ctx, tx, customerTickets+` where t.tenant_id = $1 and t.number = $2`, tenant, number)
	if err == nil && len(found) == 0 {
		err = triage.ErrTicketNotFound
	}
	if err != nil {
		return CustomerTicket{}, err
	}
	return found[0], nil
}

// OpenTicketByKey reads a tenant's open ticket with the key, for status answers
// about a failing integration.
func OpenTicketByKey(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, key string) (CustomerTicket, error) {
	found, err := list[CustomerTicket](ctx, tx, customerTickets+` where t.tenant_id = $1 and t.dedup_key = $2
		and t.internal_state not in ('solved', 'closed')`, tenant, key)
	if err == nil && len(found) == 0 {
		err = triage.ErrTicketNotFound
	}
	if err != nil {
		return CustomerTicket{}, err
	}
	return found[0], nil
}

func list[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	return out, nil
}
