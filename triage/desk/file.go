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

// Filing is a ticket an agent opens for a tenant, from words said elsewhere.
type Filing struct {
	TenantID uuid.UUID
	Subject  string // the tenant's people may see it
	Text     string // internal
	Key      string // names what was said: filed twice, it is one ticket
}

// File opens a ticket in an agent's name. Its text is an internal message: the
// customer has said nothing here.
func (s *Service) File(ctx context.Context, actor triage.Actor, in Filing) (triage.Ticket, error) {
	subject, err := cleanText(in.Subject)
	if err != nil {
		return triage.Ticket{}, fmt.Errorf("subject: %w", err)
	}
	text, err := cleanText(in.Text)
	if err != nil {
		return triage.Ticket{}, err
	}
	conversation := uuid.NewSHA1(in.TenantID, []byte("filed:"+in.Key))
	var ticket triage.Ticket
	err = s.DB.WithTenant(ctx, in.TenantID, func(tx pgx.Tx) error {
		actor, err := s.mayAct(ctx, tx, actor)
		if err != nil {
			return err
		}
		ticket, err = latestTicket(ctx, tx, in.TenantID, conversation)
		if err == nil || !errors.Is(err, triage.ErrTicketNotFound) {
			return err
		}
		if _, err := triage.InsertConversation(ctx, tx, triage.Conversation{
			TenantID: in.TenantID, ID: conversation, Channel: triage.ChannelSlack, Subject: triage.Line(subject, 200),
		}); err != nil {
			return err
		}
		m, _, err := triage.InsertMessage(ctx, tx, triage.Message{
			TenantID: in.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: conversation, AuthorKind: triage.AuthorAgent,
			AuthorID: &actor.ID, AuthorName: actor.Name, Visibility: triage.Internal, Body: text,
		})
		if err != nil {
			return err
		}
		ticket, err = s.Escalate(ctx, tx, Escalation{
			TenantID: in.TenantID, ConversationID: conversation, MessageID: m.ID, Reason: triage.ReasonAction, Origin: "slack",
			Subject: subject, Summary: "Filed by " + actor.Name + " from a message.",
		})
		return err
	})
	return ticket, err
}

// TenantsLike lists tenants whose name or slug begins with a text, for agents
// who choose one.
func (s *Service) TenantsLike(ctx context.Context, text string, limit int) ([]TenantRow, error) {
	var out []TenantRow
	err := s.DB.WithSystem(ctx, "staff choose a tenant", func(tx pgx.Tx) (err error) {
		out, err = list[TenantRow](ctx, tx, `select id, name, created_at from tenants where lifecycle_state in ('active', 'live', 'provisioning')
			and ($1 = '' or name ilike $1 or slug ilike $1) order by name limit $2`, like(text), limit)
		return err
	})
	return out, err
}

// TenantRow is a tenant to choose.
type TenantRow struct {
	ID        uuid.UUID `db:"id"`
	Name      string    `db:"name"`
	CreatedAt time.Time `db:"created_at"`
}
