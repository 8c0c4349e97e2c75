package desk

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
)

// Word is what one member of staff is told directly whom the channel does not reach.
type Word struct {
	TenantID uuid.UUID
	Key      string // names it: the same is told once
	Name     string // whom it is for
	Email    string
	Subject  string
	Text     string // internal, with the ticket's address
}

// person is somebody of the staff who is there and may be told.
type person struct {
	ID    uuid.UUID `db:"id"`
	Name  string    `db:"display_name"`
	Email string    `db:"email"`
	There bool      `db:"there"` // the channel knows them
}

// leads are who hears of a raised ticket: the leads of its team, or all where it
// has none. Who is away hears nothing, and nobody hears of what they did.
func (w *work) leads(ctx context.Context) ([]person, error) {
	return list[person](ctx, w.tx, `with leads as (
		  select id, display_name, email, slack_user_id is not null as there, $1 = any(teams) as own from staff where state = 'active' and 'lead' = any(roles) and id <> $2)
		select id, display_name, email, there from leads where own or not exists (select from leads where own) order by display_name, id limit 20`,
		w.ticket.Team, w.actor.ID)
}

// owner is who has the ticket; nobody where they are away.
func (w *work) owner(ctx context.Context) ([]person, error) {
	if w.ticket.AssigneeID == nil {
		return nil, nil
	}
	return list[person](ctx, w.tx, `select id, display_name, email, slack_user_id is not null as there from staff where id = $1 and state = 'active'`, *w.ticket.AssigneeID)
}

// tell tells each of them once what a post says, besides the one it notifies: in
// the channel where it knows them, else as Tell does.
func (s *Service) tell(ctx context.Context, w *work, to []person, post Post, subject, text string) error {
	to = slices.DeleteFunc(slices.Clone(to), func(p person) bool {
		if _, ok := s.Channel.(Pinger); !ok || !p.There {
			return false
		}
		if p.ID != post.Notify {
			s.enqueuePing(w, p.ID, post.Key+":"+p.ID.String(), post.Text)
		}
		return true
	})
	if s.Tell == nil || len(to) == 0 {
		return nil
	}
	var customer string
	if err := w.tx.QueryRow(ctx, `select name from tenants where id = $1`, w.ticket.TenantID).Scan(&customer); err != nil {
		return fmt.Errorf("read tenant: %w", err)
	}
	text = fmt.Sprintf("#%d (%s, %s): %s", w.ticket.Number, customer, w.ticket.Priority, text)
	if at := s.TicketURL(w.ticket.TenantID, w.ticket.ID, w.ticket.Number); at != "" {
		text += "\n" + at
	}
	for _, p := range to {
		word := Word{
			TenantID: w.ticket.TenantID, Key: post.Key + ":" + p.ID.String(), Name: p.Name, Email: p.Email,
			Subject: fmt.Sprintf("#%d %s", w.ticket.Number, subject), Text: text,
		}
		if err := s.Tell(ctx, w.tx, word); err != nil {
			return fmt.Errorf("tell staff: %w", err)
		}
	}
	return nil
}

// RaiseToLead escalates inside the team, with a reason: the ticket stands among
// the raised ones until it is solved, and the leads are told.
func (s *Service) RaiseToLead(ctx context.Context, actor triage.Actor, ref TicketRef, why string) (triage.Ticket, error) {
	why, err := cleanText(why)
	if err != nil {
		return triage.Ticket{}, fmt.Errorf("reason: %w", err)
	}
	return s.act(ctx, actor, ref, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		return s.raiseToLead(ctx, w, why, nil)
	})
}

// raiseToLead is RaiseToLead. Who was told of the cause already needs no second word.
func (s *Service) raiseToLead(ctx context.Context, w *work, why string, told []person) error {
	leads, err := w.leads(ctx)
	if err != nil {
		return err
	}
	leads = slices.DeleteFunc(leads, func(p person) bool { return slices.Contains(told, p) })
	w.note("raised_to_lead", map[string]any{"reason": triage.Line(why, 500)})
	if w.extra.EscalatedAt == nil {
		w.extra.EscalatedAt = &w.at
	}
	w.changed = true
	post := Post{Key: "lead:" + w.events[0].id.String(), Label: PostSystem, Author: w.actor.Name, Text: "Raised to the lead: " + why}
	if len(leads) > 0 {
		post.Notify = leads[0].ID
	}
	s.enqueuePost(w, post)
	return s.tell(ctx, w, leads, post, "was raised to the lead", fmt.Sprintf("%s raised this to the lead: %s", w.actor.Name, triage.Line(why, 500)))
}
