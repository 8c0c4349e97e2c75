package action

import (
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
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/procedure"
)

// Errors of deciding. Their texts are for the person who decides.
var (
	ErrRefused = errors.New("you may not approve this")
	ErrOver    = errors.New("the proposal has expired; nothing was sent")
	ErrChanged = errors.New("the action was changed or switched off since this was proposed; nothing was sent")
	ErrClosed  = errors.New("the ticket is closed; reopen it first")
)

// DecidedError says that somebody was first.
type DecidedError struct {
	By    string
	State State
}

func (e *DecidedError) Error() string {
	if e.By == "" {
		return "this is no longer open: " + string(e.State)
	}
	return "already decided by " + e.By + ": " + string(e.State)
}

// RefusedError is ErrRefused with the reason.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return ErrRefused.Error() + ": " + e.Why }

// Is makes it ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// Explain is the sentence for a person whose decision was not taken; empty for an
// error that is not about it.
func Explain(err error) string {
	var decided *DecidedError
	var refused *RefusedError
	text := ""
	switch {
	case errors.As(err, &decided):
		text = decided.Error()
	case errors.As(err, &refused):
		text = refused.Error()
	case errors.Is(err, ErrOver):
		text = ErrOver.Error()
	case errors.Is(err, ErrChanged):
		text = ErrChanged.Error()
	case errors.Is(err, ErrClosed):
		text = ErrClosed.Error()
	case errors.Is(err, ErrNotFound):
		text = "this proposal is not there any more"
	default:
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// Desk is where a proposal shows and where customers are told. *desk.Service is one.
type Desk interface {
	Happened(ctx context.Context, tx pgx.Tx, actor triage.Actor, ref desk.TicketRef, h desk.Happening) error
}

// Jobs inserts a job in the transaction that makes it necessary. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Config joins the service to its surroundings. DB, Jobs, Desk and Sender are needed.
type Config struct {
	DB     *tenantdb.DB // of the worker role
	Jobs   Jobs
	Desk   Desk
	Sender Sender
	// TicketURL is the absolute address of a ticket in the agent console.
	TicketURL func(tenant, ticket uuid.UUID) string
	// Wake, if set, is told after commit which conversation changed.
	Wake    func(tenant, conversation uuid.UUID)
	Now     func() time.Time
	Log     *slog.Logger
	Backoff func(attempt int) time.Duration // default: 5 s doubling, at most 10 min
}

// Service proposes, decides and carries out.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service {
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
		c.TicketURL = func(_, _ uuid.UUID) string { return "" }
	}
	if c.Backoff == nil {
		c.Backoff = func(attempt int) time.Duration { return min(5*time.Second<<min(attempt, 8), 10*time.Minute) }
	}
	return &Service{c}
}

var _ procedure.Actions = (*Service)(nil)

// fill reads what the server puts into a request: who the tenant is and who asks.
// Nothing of it comes from a message.
func fill(ctx context.Context, tx pgx.Tx, d Definition, asker triage.Actor, ticket string) (facts, error) {
	out := facts{"tenant": asker.TenantID.String()}
	if ticket != "" {
		out["ticket"] = ticket
	}
	if d.CustomersOf != "" {
		var customer string
		err := tx.QueryRow(ctx, `select customer from status_source_customers where tenant_id = $1 and source = $2`, asker.TenantID, d.CustomersOf).Scan(&customer)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return nil, fmt.Errorf("read customer number: %w", err)
		}
		if err == nil {
			out["customer"] = customer
		}
	}
	if asker.Kind != triage.ActorCustomer || asker.ID == uuid.Nil {
		return out, nil
	}
	var email, name string
	err := tx.QueryRow(ctx, `select email, display_name from users where tenant_id = $1 and id = $2 and state = 'active'`, asker.TenantID, asker.ID).Scan(&email, &name)
	if errors.Is(err, pgx.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read who asks: %w", err)
	}
	out["contact"], out["contact_email"], out["contact_name"] = asker.ID.String(), email, triage.Plain(name)
	return out, nil
}

// Fit implements procedure.Actions: what would be proposed, in the customer's
// words, and to whom; a reason why not is for agents.
func (s *Service) Fit(ctx context.Context, tx pgx.Tx, p procedure.Proposing) (procedure.Fit, error) {
	d, filled, why, err := s.ready(ctx, tx, p, "0")
	if err != nil || why != "" {
		return procedure.Fit{Why: why}, err
	}
	_, _, values, err := d.build(p.Values, filled, uuid.Nil)
	var unfit *UnfitError
	if errors.As(err, &unfit) {
		return procedure.Fit{Why: unfit.Why}, nil
	}
	return procedure.Fit{Words: d.say(d.Words.In(p.Language), values, p.Language, p.Asker.Locale), Team: d.Approvers.Team}, err
}

func (s *Service) ready(ctx context.Context, tx pgx.Tx, p procedure.Proposing, ticket string) (d Definition, filled facts, why string, err error) {
	d, _, err = definition(ctx, tx, p.Action)
	switch {
	case errors.Is(err, ErrUnknown):
		return d, nil, "there is no action " + p.Action, nil
	case err != nil:
		return d, nil, "", err
	case !d.Enabled:
		return d, nil, "the action “" + d.Title + "” is switched off", nil
	case p.Asker.ID == uuid.Nil:
		return d, nil, "it is not known who asks", nil
	}
	filled, err = fill(ctx, tx, d, p.Asker, ticket)
	return d, filled, "", err
}

// Propose implements procedure.Actions: it keeps the exact request with its ticket.
// The same subject proposes once.
func (s *Service) Propose(ctx context.Context, tx pgx.Tx, p procedure.Proposing, ticket uuid.UUID) error {
	t, err := desk.TicketByID(ctx, tx, p.Asker.TenantID, ticket)
	if err != nil {
		return err
	}
	d, filled, why, err := s.ready(ctx, tx, p, fmt.Sprint(t.Number))
	if err != nil {
		return err
	}
	if why != "" {
		return unfit("%s", why)
	}
	id, now := uuid.Must(uuid.NewV7()), s.Now().UTC().Truncate(time.Microsecond)
	request, given, values, err := d.build(p.Values, filled, id)
	if err != nil {
		return err
	}
	kind := "customer"
	if p.Asker.Staff() {
		kind = "staff"
	}
	tag, err := tx.Exec(ctx, `insert into action_proposals (tenant_id, id, ticket_id, conversation_id, action, revision, title, words, done, language,
			parameters, request, requester_kind, requester_id, requester_name, subject_key, expires_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $18, $9, coalesce($10, '[]'::jsonb), $11, $12, $13, $14, $15, $16, $17, $17)
		on conflict (tenant_id, subject_key) do nothing`,
		p.Asker.TenantID, id, ticket, t.ConversationID, d.Key, d.Revision, d.Title, d.say(d.Words.In(p.Language), values, p.Language, p.Asker.Locale), p.Language,
		given, request, kind, p.Asker.ID, p.Asker.Name, p.Key, now.Add(d.lifetime()), now, d.say(d.Done.In(p.Language), values, p.Language, p.Asker.Locale))
	if err != nil {
		return fmt.Errorf("propose action: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	if err := triage.Audit(ctx, tx, p.Asker.TenantID, p.Asker, "action.proposed", id.String(), map[string]any{"action": d.Key, "revision": d.Revision, "ticket": t.Number}); err != nil {
		return err
	}
	return s.Desk.Happened(ctx, tx, p.Asker, desk.TicketRef{TenantID: p.Asker.TenantID, ID: ticket},
		desk.Happening{Kind: "action_proposed", Detail: map[string]any{"action": d.Title}, Card: id})
}

func staff(ctx context.Context, tx pgx.Tx, actor triage.Actor) (desk.Staff, error) {
	now, err := desk.StaffNow(ctx, tx, actor)
	var refused *desk.RefusedError
	if errors.As(err, &refused) {
		err = &RefusedError{refused.Why}
	}
	return now, err
}

// askedBy says in SQL that who asked for a proposal p is, as a customer, the person
// with that e-mail address.
const askedBy = `exists (select from users u where u.tenant_id = p.tenant_id and u.id = p.requester_id and u.email_normalized = $3)`

// may checks that a member of staff may decide on a proposal: that they have the
// right now, and did not ask for it themselves, by this account or, if asked, as a
// customer.
func may(d Definition, p Proposal, m desk.Staff, asked bool) error {
	if !d.Approvers.May(m.Roles, m.Teams) {
		return &RefusedError{"this is for " + d.Approvers.Who()}
	}
	if asked || p.RequesterID == m.ID {
		return &RefusedError{"you asked for it yourself"}
	}
	return nil
}

// mayDecide is may, for one proposal.
func mayDecide(ctx context.Context, tx pgx.Tx, d Definition, p Proposal, m desk.Staff) error {
	var asked bool
	err := tx.QueryRow(ctx, `select `+askedBy+` from action_proposals p where tenant_id = $1 and id = $2`, p.TenantID, p.ID, m.Email).Scan(&asked)
	if err != nil {
		return fmt.Errorf("read who asked: %w", err)
	}
	return may(d, p, m, asked)
}

// Decision is what a person decides.
type Decision struct {
	Approve bool
	Why     string // of a refusal, for agents
}

// Decide approves or declines a proposal. Of several who decide at once the first
// wins; the others get a *DecidedError. Approving stores the approval and the job
// that sends the request in one transaction.
func (s *Service) Decide(ctx context.Context, actor triage.Actor, tenant, id uuid.UUID, in Decision) (Proposal, error) {
	return s.on(ctx, tenant, id, func(tx pgx.Tx, p *Proposal) error {
		m, err := staff(ctx, tx, actor)
		if err != nil {
			return err
		}
		now := s.Now().UTC().Truncate(time.Microsecond)
		d, _, err := definition(ctx, tx, p.Action)
		gone := errors.Is(err, ErrUnknown)
		if err != nil && !gone {
			return err
		}
		if err := mayDecide(ctx, tx, d, *p, m); err != nil {
			return err
		}
		ticket, err := desk.Followed(ctx, tx, tenant, p.TicketID)
		switch {
		case err != nil:
			return err
		case p.State != Proposed:
			return &DecidedError{p.DecidedName, p.State}
		case !in.Approve:
			return s.decline(ctx, tx, p, m.Actor, in.Why, now)
		case !now.Before(p.ExpiresAt):
			return keep(s.expire(ctx, tx, p, now), ErrOver)
		case gone || !d.Enabled || d.Revision != p.Revision:
			return keep(s.invalidate(ctx, tx, p, now), ErrChanged)
		case ticket.InternalState == triage.InternalClosed:
			return ErrClosed
		}
		return s.approve(ctx, tx, p, m.Actor, now)
	})
}

// keptError is reported although what was done stays done.
type keptError struct{ error }

func keep(err, told error) error {
	if err != nil {
		return err
	}
	return keptError{told}
}

// on runs fn on a held proposal and wakes its conversation.
func (s *Service) on(ctx context.Context, tenant, id uuid.UUID, fn func(tx pgx.Tx, p *Proposal) error) (p Proposal, err error) {
	var told keptError
	err = s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) (err error) {
		told = keptError{}
		if p, err = proposal(ctx, tx, tenant, id, true); err != nil {
			return err
		}
		if err = fn(tx, &p); errors.As(err, &told) {
			return nil
		}
		return err
	})
	if err == nil {
		s.Wake(tenant, p.ConversationID)
		err = told.error
	}
	return p, err
}

func (s *Service) approve(ctx context.Context, tx pgx.Tx, p *Proposal, by triage.Actor, now time.Time) error {
	if _, err := tx.Exec(ctx, `insert into action_approvals (tenant_id, proposal_id, staff_id, staff_name, revision, at) values ($1, $2, $3, $4, $5, $6)`,
		p.TenantID, p.ID, by.ID, by.Name, p.Revision, now); err != nil {
		return fmt.Errorf("approve action: %w", err)
	}
	p.DecidedBy, p.DecidedName, p.DecidedAt = &by.ID, by.Name, &now
	if err := s.happened(ctx, tx, p, Approved, "", by, now, telling{}); err != nil {
		return err
	}
	if _, err := s.Jobs.InsertTx(ctx, tx, RunArgs{p.TenantID, p.ID}, nil); err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return nil
}

func (s *Service) decline(ctx context.Context, tx pgx.Tx, p *Proposal, by triage.Actor, why string, now time.Time) error {
	p.DecidedBy, p.DecidedName, p.DecidedAt = &by.ID, by.Name, &now
	return s.happened(ctx, tx, p, Declined, why, by, now, telling{say: speak(p.Language).declined, quiet: true})
}

// expire ends a proposal nobody decided on.
func (s *Service) expire(ctx context.Context, tx pgx.Tx, p *Proposal, now time.Time) error {
	return s.happened(ctx, tx, p, Expired, "Nobody decided in time. Nothing was sent.", system, now, telling{say: speak(p.Language).expired, promises: true, quiet: true})
}

// invalidate ends a proposal whose action is another by now. One that was approved
// is missed by whoever approved it.
func (s *Service) invalidate(ctx context.Context, tx pgx.Tx, p *Proposal, now time.Time) error {
	return s.happened(ctx, tx, p, Invalid, "The action was changed or switched off in the meantime. Nothing was sent.", system, now,
		telling{say: speak(p.Language).expired, promises: true, quiet: p.State == Proposed})
}

var system = triage.Actor{Kind: triage.ActorSystem, Name: "Usher"}

// telling is what the customer hears of a step.
type telling struct {
	say      string // %w stands for what was proposed
	ready    bool   // say is complete
	settles  bool
	promises bool
	quiet    bool
}

// happened moves a proposal, and says so in the audit, on the ticket and to the customer.
func (s *Service) happened(ctx context.Context, tx pgx.Tx, p *Proposal, to State, outcome string, by triage.Actor, now time.Time, t telling) error {
	if err := move(ctx, tx, p, to, outcome, now); err != nil {
		return err
	}
	detail := map[string]any{"action": p.Action, "revision": p.Revision}
	if p.Outcome != "" {
		detail["outcome"] = p.Outcome
	}
	if err := triage.Audit(ctx, tx, p.TenantID, by, "action."+string(to), p.ID.String(), detail); err != nil {
		return err
	}
	if !t.ready {
		t.say = procedure.About(t.say, p.Words)
	}
	event := map[string]any{"action": p.Title}
	if p.Outcome != "" {
		event["outcome"] = p.Outcome
	}
	return s.Desk.Happened(ctx, tx, by, desk.TicketRef{TenantID: p.TenantID, ID: p.TicketID}, desk.Happening{
		Kind: "action_" + string(to), Detail: event, Card: p.ID,
		Say: t.say, Language: p.Language, Key: "action:" + p.ID.String() + ":" + string(to), Settles: t.settles, Promises: t.promises, Quiet: t.quiet,
	})
}

// Settle takes a person's word for what became of a request whose fate is unknown.
func (s *Service) Settle(ctx context.Context, actor triage.Actor, tenant, id uuid.UUID, happened bool) (Proposal, error) {
	return s.on(ctx, tenant, id, func(tx pgx.Tx, p *Proposal) error {
		m, err := staff(ctx, tx, actor)
		if err != nil {
			return err
		}
		d, _, err := definition(ctx, tx, p.Action)
		if err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
		if err := mayDecide(ctx, tx, d, *p, m); err != nil {
			return err
		}
		if p.State != Unknown {
			return &DecidedError{p.DecidedName, p.State}
		}
		now := s.Now().UTC().Truncate(time.Microsecond)
		if happened {
			return s.happened(ctx, tx, p, Done, m.Name+" looked there: it was done.", m.Actor, now, telling{say: p.Done, ready: true, settles: true})
		}
		return s.happened(ctx, tx, p, Failed, m.Name+" looked there: it was not done.", m.Actor, now, telling{say: speak(p.Language).failed, promises: true})
	})
}

// Card is what the thread shows of a proposal: desk.Config.Approval.
func (s *Service) Card(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (*desk.Approval, error) {
	p, err := proposal(ctx, tx, tenant, id, false)
	if err != nil {
		return nil, err
	}
	d, _, err := definition(ctx, tx, p.Action)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return nil, err
	}
	out := &desk.Approval{
		ID: id, Title: p.Title, Asked: p.RequesterName, Request: p.Request.Preview(), State: string(p.State), Open: p.State == Proposed,
		Who: d.Approvers.Who(), Decided: p.DecidedName, Outcome: p.Outcome, Expires: p.ExpiresAt, TicketAt: s.TicketURL(tenant, p.TicketID),
	}
	for _, g := range p.Parameters {
		out.Given = append(out.Given, [2]string{g.Label, g.Value})
	}
	err = tx.QueryRow(ctx, `select name from tenants where id = $1`, tenant).Scan(&out.Tenant)
	if err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	return out, nil
}

// Detail is a proposal as the console shows it.
type Detail struct {
	Proposal
	Tenant   string
	Number   int64
	Who      string
	MayAct   bool // the asking member of staff may decide
	Attempts []Attempt
}

// Attempt is one time the request was sent.
type Attempt struct {
	Number    int        `db:"number" json:"number"`
	StartedAt time.Time  `db:"started_at" json:"started_at"`
	EndedAt   *time.Time `db:"ended_at" json:"ended_at"`
	Outcome   string     `db:"outcome" json:"outcome"`
	Status    int        `db:"status" json:"status"`
	Detail    string     `db:"detail" json:"detail"`
}

// Show completes proposals for the console.
func Show(ctx context.Context, tx pgx.Tx, viewer triage.Actor, list []Proposal) ([]Detail, error) {
	m, err := staff(ctx, tx, viewer)
	if err != nil {
		return nil, err
	}
	known, err := Definitions(ctx, tx)
	if err != nil {
		return nil, err
	}
	tenants, ids := make([]uuid.UUID, len(list)), make([]uuid.UUID, len(list))
	for i, p := range list {
		tenants[i], ids[i] = p.TenantID, p.ID
	}
	rows, err := tx.Query(ctx, `select n.name, t.number, `+askedBy+`,
		  (select coalesce(jsonb_agg(a order by a.number), '[]') from action_attempts a where a.tenant_id = p.tenant_id and a.proposal_id = p.id)
		from unnest($1::uuid[], $2::uuid[]) with ordinality as wanted (tenant_id, id, at) join action_proposals p using (tenant_id, id)
		  join tickets t on t.tenant_id = p.tenant_id and t.id = p.ticket_id join tenants n on n.id = p.tenant_id
		order by wanted.at`, tenants, ids, m.Email)
	if err != nil {
		return nil, fmt.Errorf("complete proposed actions: %w", err)
	}
	out := make([]Detail, 0, len(list))
	var one Detail
	var asked bool
	_, err = pgx.ForEachRow(rows, []any{&one.Tenant, &one.Number, &asked, &one.Attempts}, func() error {
		p, d := list[len(out)], Definition{}
		if at := slices.IndexFunc(known, func(d Definition) bool { return d.Key == p.Action }); at >= 0 {
			d = known[at]
		}
		out = append(out, Detail{Proposal: p, Tenant: one.Tenant, Number: one.Number, Who: d.Approvers.Who(), MayAct: may(d, p, m, asked) == nil, Attempts: one.Attempts})
		one = Detail{}
		return nil
	})
	if err == nil && len(out) < len(list) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("complete proposed actions: %w", err)
	}
	return out, nil
}

func attempts(ctx context.Context, tx pgx.Tx, p Proposal) ([]Attempt, error) {
	rows, err := tx.Query(ctx, `select number, started_at, ended_at, outcome, status, detail from action_attempts
		where tenant_id = $1 and proposal_id = $2 order by number`, p.TenantID, p.ID)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Attempt])
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return list, nil
}

// Trial is the request an action would make: nothing is kept and nothing is sent.
type Trial struct {
	Request Request
	Given   []Given
	Words   string
	Done    string
	Problem string // why it would not be proposed
}

// Try makes the request of given values for somebody of an organisation.
func (s *Service) Try(ctx context.Context, d Definition, tenant uuid.UUID, language string, given map[string]string) (out Trial, err error) {
	if err := d.Check(); err != nil {
		return out, err
	}
	err = s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		asker := triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant}
		if err := tx.QueryRow(ctx, `select id, locale from users where tenant_id = $1 and state = 'active' order by created_at, id limit 1`, tenant).
			Scan(&asker.ID, &asker.Locale); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("try action: %w", err)
		}
		filled, err := fill(ctx, tx, d, asker, "1000")
		if err != nil {
			return err
		}
		request, shown, values, err := d.build(given, filled, uuid.Nil)
		var unfit *UnfitError
		if errors.As(err, &unfit) {
			out.Problem = unfit.Why
			return nil
		}
		out.Request, out.Given = request, shown
		out.Words, out.Done = d.say(d.Words.In(language), values, language, asker.Locale), d.say(d.Done.In(language), values, language, asker.Locale)
		return err
	})
	return out, err
}
