package action

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/procedure"
)

// Definitions reads what is stored, by key. No secret is among it.
func Definitions(ctx context.Context, tx pgx.Tx) ([]Definition, error) {
	rows, err := tx.Query(ctx, `select key, body, secret <> '', enabled, revision, updated_at from actions order by key`)
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Definition, err error) {
		var key string
		var has, enabled bool
		var revision int64
		var updated time.Time
		err = row.Scan(&key, &d, &has, &enabled, &revision, &updated)
		d.Key, d.HasSecret, d.Enabled, d.Revision, d.UpdatedAt = key, has, enabled, revision, updated
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	return list, nil
}

func definition(ctx context.Context, tx pgx.Tx, key string) (d Definition, secret string, err error) {
	var enabled bool
	var revision int64
	err = tx.QueryRow(ctx, `select body, secret, enabled, revision from actions where key = $1`, key).Scan(&d, &secret, &enabled, &revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, "", ErrUnknown
	}
	if err != nil {
		return d, "", fmt.Errorf("read action: %w", err)
	}
	d.Key, d.Enabled, d.Revision, d.HasSecret = key, enabled, revision, secret != ""
	return d, secret, nil
}

// Put stores a definition. A secret of nil keeps the one there is, but not where
// requests would now go to another host: who may edit an action must not learn its
// secret by pointing it at themselves. A new action is off. Whatever was proposed
// from the definition before can no longer be approved.
func Put(ctx context.Context, tx pgx.Tx, d Definition, secret *string) (Definition, error) {
	if err := d.Check(); err != nil {
		return d, err
	}
	old, kept, err := definition(ctx, tx, d.Key)
	switch {
	case err != nil && !errors.Is(err, ErrUnknown):
		return d, err
	case secret != nil:
		kept = *secret
	case kept != "" && !sameOrigin(old.BaseURL, d.BaseURL):
		return d, ErrSecretMissing
	}
	if d.Auth.Kind == "" {
		kept = ""
	} else if kept == "" {
		return d, fmt.Errorf("%w: this kind of auth needs a secret", ErrBadAction)
	}
	err = tx.QueryRow(ctx, `insert into actions as a (key, body, secret) values ($1, $2, $3)
		on conflict (key) do update set body = excluded.body, secret = excluded.secret, revision = a.revision + 1, updated_at = now()
		returning enabled, secret <> '', revision, updated_at`, d.Key, d, kept).Scan(&d.Enabled, &d.HasSecret, &d.Revision, &d.UpdatedAt)
	if err != nil {
		return d, fmt.Errorf("store action: %w", err)
	}
	return d, nil
}

func sameOrigin(a, b string) bool {
	one, err := url.Parse(a)
	two, err2 := url.Parse(b)
	return err == nil && err2 == nil && one.Scheme == two.Scheme && one.Host == two.Host
}

// Switch turns an action on or off. Off, nothing is proposed, approved or sent.
func Switch(ctx context.Context, tx pgx.Tx, key string, on bool) error {
	return touched(ctx, tx, `update actions set enabled = $2, updated_at = now() where key = $1`, key, on)
}

// Remove forgets an action. What was proposed can no longer be approved; what was
// done stays in the history.
func Remove(ctx context.Context, tx pgx.Tx, key string) error {
	return touched(ctx, tx, `delete from actions where key = $1`, key)
}

func touched(ctx context.Context, tx pgx.Tx, query string, args ...any) error {
	tag, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("store action: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrUnknown
	}
	return nil
}

// CheckProcedure reports what is wrong with the actions a procedure proposes: that
// one is not there, that a parameter is missing or unknown, or that a question's
// answers could never fit.
func CheckProcedure(ctx context.Context, tx pgx.Tx, p procedure.Procedure) error {
	asked := map[string]*procedure.Ask{}
	for _, s := range p.Steps {
		if s.Ask != nil {
			asked["answer."+s.Ask.As] = s.Ask
		}
		if s.Propose == nil {
			continue
		}
		bad := func(format string, args ...any) error {
			return fmt.Errorf("%w: step %s: %s", procedure.ErrBadProcedure, s.ID, fmt.Sprintf(format, args...))
		}
		d, _, err := definition(ctx, tx, s.Propose.Action)
		if errors.Is(err, ErrUnknown) {
			return bad("there is no action %q", s.Propose.Action)
		}
		if err != nil {
			return err
		}
		with := map[string]string{}
		for name, from := range s.Propose.With {
			with[name] = from
		}
		for _, parameter := range d.Parameters {
			from, given := with[parameter.Name]
			delete(with, parameter.Name)
			switch ask := asked[from]; {
			case !given && !parameter.Optional:
				return bad("the action %s needs %s", d.Key, parameter.Name)
			case !given:
			case ask != nil && !parameter.takes(*ask):
				return bad("%s is a %s, which the answer to “%s” need not be", parameter.Name, parameter.Kind, ask.Question["en"])
			case ask == nil:
				if _, err := parameter.read(from); err != nil {
					return bad("%s", err)
				}
			}
		}
		for name := range with {
			return bad("the action %s has no parameter %s", d.Key, name)
		}
	}
	return nil
}

// takes reports whether the answers to a question can fit. A typed text is checked
// when it is there.
func (p Parameter) takes(a procedure.Ask) bool {
	switch p.Kind {
	case KindText:
		return true
	case KindDate:
		return a.Kind == procedure.KindDate
	case KindEmail:
		return a.Kind == procedure.KindEmail
	case KindYesNo:
		return a.Kind == procedure.KindYesNo
	case KindNumber:
		return a.Kind == procedure.KindText || a.Kind == procedure.KindChoice
	case KindChoice:
		for _, c := range a.Choices {
			if _, err := p.read(c.Value); err != nil {
				return false
			}
		}
		return a.Kind == procedure.KindChoice
	}
	return false
}

// State of a proposal.
type State string

// The states.
const (
	Proposed State = "proposed"
	Approved State = "approved"
	Running  State = "running"
	Done     State = "done"
	Failed   State = "failed"  // certainly without effect, or said by a person to be
	Unknown  State = "unknown" // it may have happened: a person looks there
	Declined State = "declined"
	Expired  State = "expired"
	Invalid  State = "invalid" // its definition has changed, or is off
)

// Proposal is one write somebody asked for.
type Proposal struct {
	TenantID       uuid.UUID  `db:"tenant_id"`
	ID             uuid.UUID  `db:"id"`
	TicketID       uuid.UUID  `db:"ticket_id"`
	ConversationID uuid.UUID  `db:"conversation_id"`
	Action         string     `db:"action"`
	Revision       int64      `db:"revision"`
	Title          string     `db:"title"`
	Words          string     `db:"words"`
	Done           string     `db:"done"` // what the customer is told when it has happened
	Language       string     `db:"language"`
	Parameters     []Given    `db:"parameters"`
	Request        Request    `db:"request"`
	RequesterID    uuid.UUID  `db:"requester_id"`
	RequesterName  string     `db:"requester_name"`
	State          State      `db:"state"`
	Outcome        string     `db:"outcome"`
	DecidedBy      *uuid.UUID `db:"decided_by"`
	DecidedName    string     `db:"decided_name"`
	DecidedAt      *time.Time `db:"decided_at"`
	ExpiresAt      time.Time  `db:"expires_at"`
	NextAt         *time.Time `db:"next_at"`
	CreatedAt      time.Time  `db:"created_at"`
	UpdatedAt      time.Time  `db:"updated_at"`
}

const proposalColumns = `tenant_id, id, ticket_id, conversation_id, action, revision, title, words, done, language, parameters, request,
	requester_id, requester_name, state, outcome, decided_by, decided_name, decided_at, expires_at, next_at, created_at, updated_at`

// ErrNotFound says there is no such proposal. Another tenant's is none.
var ErrNotFound = errors.New("proposed action not found")

func proposal(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, lock bool) (Proposal, error) {
	query := `select ` + proposalColumns + ` from action_proposals where tenant_id = $1 and id = $2`
	if lock {
		query += ` for update`
	}
	rows, err := tx.Query(ctx, query, tenant, id)
	if err != nil {
		return Proposal{}, fmt.Errorf("read proposed action: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Proposal])
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("read proposed action: %w", err)
	}
	return p, nil
}

// OfTicket lists the proposals of a ticket and of those merged into it, the oldest first.
func OfTicket(ctx context.Context, tx pgx.Tx, tenant, ticket uuid.UUID) ([]Proposal, error) {
	return proposals(ctx, tx, `where tenant_id = $1 and ticket_id in (select $2
		union select ticket_id from ticket_relations where tenant_id = $1 and related_id = $2 and kind = 'merged_into') order by created_at, id limit 100`, tenant, ticket)
}

// Open lists what waits for people, in all tenants: what is to be decided and what
// is to be looked at, the oldest first; or, with all, what was last touched.
func Open(ctx context.Context, tx pgx.Tx, all bool) ([]Proposal, error) {
	if all {
		return proposals(ctx, tx, `order by updated_at desc, id limit 200`)
	}
	return proposals(ctx, tx, `where state in ('proposed', 'approved', 'running', 'unknown') order by created_at, id limit 200`)
}

func proposals(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]Proposal, error) {
	rows, err := tx.Query(ctx, `select `+proposalColumns+` from action_proposals `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list proposed actions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Proposal])
	if err != nil {
		return nil, fmt.Errorf("list proposed actions: %w", err)
	}
	return list, nil
}

// move stores a proposal's new state.
func move(ctx context.Context, tx pgx.Tx, p *Proposal, to State, outcome string, now time.Time) error {
	p.State, p.Outcome, p.UpdatedAt = to, triage.Line(outcome, 500), now
	_, err := tx.Exec(ctx, `update action_proposals set state = $3, outcome = $4, updated_at = $5, next_at = $6,
		decided_by = $7, decided_name = $8, decided_at = $9 where tenant_id = $1 and id = $2`,
		p.TenantID, p.ID, to, p.Outcome, now, p.NextAt, p.DecidedBy, p.DecidedName, p.DecidedAt)
	if err != nil {
		return fmt.Errorf("move proposed action: %w", err)
	}
	return nil
}
