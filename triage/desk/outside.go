package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

func ignoreMissing(err error) error {
	if errors.Is(err, triage.ErrTicketNotFound) {
		return nil
	}
	return err
}

// surroundings of a ticket, as outside systems show them.
type surroundings struct {
	TenantName    string     `db:"tenant_name"`
	AccountRef    string     `db:"account_ref"`
	CustomerName  string     `db:"customer_name"`
	CustomerEmail string     `db:"customer_email"`
	OwnerEmail    string     `db:"owner_email"`
	LastLine      string     `db:"last_line"`
	FirstDue      *time.Time `db:"first_due"`
	NextDue       *time.Time `db:"next_due"`
	Breached      bool       `db:"breached"`
	TellCustomer  bool       `db:"tell_customer"`
}

func around(ctx context.Context, tx pgx.Tx, t triage.Ticket) (surroundings, error) {
	rows, err := tx.Query(ctx, `select n.name as tenant_name, coalesce(n.crm_account_ref, '') as account_ref,
		coalesce(u.display_name, '') as customer_name, coalesce(u.email, '') as customer_email,
		coalesce((select email from staff where id = $3), '') as owner_email, c.last_line,
		(select due_at from sla_clocks k where k.tenant_id = $1 and k.ticket_id = $2 and k.metric = 'first_reply' and k.state = 'running') as first_due,
		(select due_at from sla_clocks k where k.tenant_id = $1 and k.ticket_id = $2 and k.metric = 'next_reply' and k.state = 'running') as next_due,
		exists (select from sla_clocks k where k.tenant_id = $1 and k.ticket_id = $2 and k.state <> 'stopped' and k.breached_at is not null) as breached,
		t.tell_customer
		from tickets t join tenants n on n.id = t.tenant_id
		join conversations c on c.tenant_id = t.tenant_id and c.id = t.conversation_id
		left join users u on u.tenant_id = t.tenant_id and u.id = t.user_id
		where t.tenant_id = $1 and t.id = $2`, t.TenantID, t.ID, t.AssigneeID)
	if err != nil {
		return surroundings{}, fmt.Errorf("read ticket's surroundings: %w", err)
	}
	out, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[surroundings])
	if err != nil {
		return surroundings{}, fmt.Errorf("read ticket's surroundings: %w", err)
	}
	return out, nil
}

// card is the ticket's root message as of now.
func (s *Service) card(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Card, error) {
	t, err := TicketByID(ctx, tx, tenant, id)
	if err != nil {
		return Card{}, err
	}
	a, err := around(ctx, tx, t)
	if err != nil {
		return Card{}, err
	}
	card := Card{
		TicketID: t.ID, TenantID: t.TenantID, Number: t.Number, TenantName: a.TenantName, Subject: t.Subject,
		State: t.InternalState, Priority: t.Priority, Intent: t.Intent, ProductArea: t.ProductArea, Language: t.Language,
		Team: t.Team, Reason: t.Reason, Owner: t.AssigneeName, CustomerName: a.CustomerName, FirstReplyDue: a.FirstDue,
		NextReplyDue: a.NextDue, Breached: a.Breached, ConsoleURL: s.TicketURL(t.TenantID, t.ID, t.Number),
		Version: t.Version, SnoozedUntil: t.SnoozedUntil, TellCustomer: a.TellCustomer,
	}
	for _, crm := range s.CRMs {
		if card.CRM, err = linkOf(ctx, tx, tenant, id, crm.System()); err != nil {
			return Card{}, err
		}
		if !card.CRM.IsZero() {
			break
		}
	}
	if s.Stage != nil {
		if card.Stage, err = s.Stage(ctx, tx, tenant); err != nil {
			return Card{}, err
		}
	}
	return card, nil
}

// record is what the CRM holds of the ticket as of now.
func (s *Service) record(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Record, error) {
	t, err := TicketByID(ctx, tx, tenant, id)
	if err != nil {
		return Record{}, err
	}
	a, err := around(ctx, tx, t)
	if err != nil {
		return Record{}, err
	}
	return Record{
		Key: t.ID, Number: t.Number, Subject: t.Subject, Body: t.Summary, State: t.InternalState, Priority: t.Priority,
		Intent: t.Intent, Reason: t.Reason, TenantID: t.TenantID, TenantName: a.TenantName, AccountRef: a.AccountRef,
		CustomerName: a.CustomerName, CustomerEmail: a.CustomerEmail, OwnerEmail: a.OwnerEmail,
		Link: s.TicketURL(t.TenantID, t.ID, t.Number), UpdatedAt: t.UpdatedAt,
	}, nil
}
