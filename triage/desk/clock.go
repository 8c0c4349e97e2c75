package desk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/sla"
)

// SweepClocksArgs looks for clocks whose job was lost, and for tickets nobody
// touches. Periodic.
type SweepClocksArgs struct{}

// Kind names the job.
func (SweepClocksArgs) Kind() string { return "sweep_clocks" }

type fireWorker struct {
	river.WorkerDefaults[sla.FireClockArgs]
	desk *Service
}

func (w *fireWorker) Work(ctx context.Context, job *river.Job[sla.FireClockArgs]) error {
	return w.desk.FireClock(ctx, job.Args)
}

type sweepClocksWorker struct {
	river.WorkerDefaults[SweepClocksArgs]
	desk *Service
}

func (w *sweepClocksWorker) Work(ctx context.Context, _ *river.Job[SweepClocksArgs]) error {
	if err := w.desk.SweepClocks(ctx); err != nil {
		return err
	}
	return w.desk.SweepIdle(ctx)
}

// firing is the part of the clocks the desk acts on.
type firing interface {
	Claim(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (sla.Fired, error)
	Due(ctx context.Context, tx pgx.Tx) ([]sla.FireClockArgs, error)
}

// FireClock tells agents that a promise is near its time or past it. Warning and
// breach happen once each, whoever asks how often.
func (s *Service) FireClock(ctx context.Context, args sla.FireClockArgs) error {
	clocks, ok := s.Clocks.(firing)
	if !ok {
		return nil
	}
	return s.bySystem(ctx, TicketRef{args.TenantID, args.TicketID}, func(ctx context.Context, w *work) error {
		fired, err := clocks.Claim(ctx, w.tx, args.TenantID, args.ClockID)
		if err != nil || !fired.Warned && !fired.Breached {
			return err
		}
		what := strings.ReplaceAll(string(fired.Clock.Metric), "_", " ")
		detail := map[string]any{"metric": fired.Clock.Metric, "due_at": fired.Clock.DueAt}
		post := Post{Key: "clock:" + args.ClockID.String() + ":warning", Label: PostSystem}
		if w.ticket.AssigneeID != nil {
			post.Notify = *w.ticket.AssigneeID
		}
		hear, err := w.owner(ctx)
		if err != nil {
			return err
		}
		if fired.Warned {
			w.note("sla_warning", detail)
			post.Text = fmt.Sprintf("The %s is due at %s.", what, fired.Clock.DueAt.Format("15:04 MST on 2 January"))
			if len(hear) == 0 { // nobody has it: there is still time to give it to somebody
				if hear, err = w.leads(ctx); err != nil {
					return err
				}
				if len(hear) > 0 {
					post.Notify = hear[0].ID
				}
			}
			s.enqueuePost(w, post)
			return s.tell(ctx, w, hear, post, "is due soon", post.Text)
		}
		w.note("sla_breached", detail)
		post.Key = "clock:" + args.ClockID.String() + ":breach"
		post.Text = fmt.Sprintf("The %s was due at %s and is overdue.", what, fired.Clock.DueAt.Format("15:04 MST on 2 January"))
		s.enqueuePost(w, post)
		if err := s.tell(ctx, w, hear, post, "is overdue", post.Text); err != nil {
			return err
		}
		return s.raiseToLead(ctx, w, "the promised time for the "+what+" has passed", hear)
	})
}

// SweepClocks fires clocks whose job was lost.
func (s *Service) SweepClocks(ctx context.Context) error {
	clocks, ok := s.Clocks.(firing)
	if !ok {
		return nil
	}
	var due []sla.FireClockArgs
	err := s.DB.WithSystem(ctx, "find due clocks", func(tx pgx.Tx) (err error) {
		due, err = clocks.Due(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, args := range due {
		if err := s.FireClock(ctx, args); err != nil {
			return err
		}
	}
	return nil
}

// Times after which a ticket nobody touches is seen to.
const (
	nudgeAfter     = 24 * time.Hour // of business time: three days of eight hours
	autoSolveAfter = 7 * 24 * time.Hour
)

// SweepIdle reminds owners of tickets that lie still, and solves those whose
// customer has not answered for a week, telling them how to reopen.
func (s *Service) SweepIdle(ctx context.Context) error {
	type idle struct {
		TenantID uuid.UUID `db:"tenant_id"`
		ID       uuid.UUID `db:"id"`
	}
	now := s.Now().UTC()
	var tickets []idle
	err := s.DB.WithSystem(ctx, "find tickets nobody touches", func(tx pgx.Tx) (err error) {
		tickets, err = list[idle](ctx, tx, `select tenant_id, id from tickets where
			(internal_state = 'pending' and updated_at < $1) or
			(internal_state in ('new', 'open') and updated_at < $2 and not exists (
			  select from ticket_events e where e.tenant_id = tickets.tenant_id and e.ticket_id = tickets.id and e.kind = 'nudged' and e.at >= tickets.updated_at))
			order by updated_at limit 500`, now.Add(-autoSolveAfter), now.Add(-3*24*time.Hour))
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range tickets {
		if err := s.bySystem(ctx, TicketRef(t), s.seeTo); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) seeTo(ctx context.Context, w *work) error {
	still := w.at.Sub(w.ticket.UpdatedAt)
	switch w.ticket.InternalState {
	case triage.InternalPending:
		if still < autoSolveAfter {
			return nil
		}
		text := autoSolved(w.ticket.Language)
		m := triage.Message{
			TenantID: w.ticket.TenantID, ID: uuid.NewSHA1(w.ticket.ID, []byte(fmt.Sprintf("auto_solved:%d", w.ticket.Version))),
			ConversationID: w.ticket.ConversationID, AuthorKind: triage.AuthorSystem, AuthorName: "Usher",
			Visibility: triage.VisibleToCustomer, Body: text, Language: w.ticket.Language,
		}
		if _, _, err := triage.InsertMessage(ctx, w.tx, m); err != nil {
			return err
		}
		w.note("auto_solved", nil)
		w.setState(triage.InternalSolved)
		if err := s.solved(ctx, w); err != nil {
			return err
		}
		return s.relayMessage(ctx, w, m.ID)
	case triage.InternalNew, triage.InternalOpen:
		calendar, err := sla.CalendarOf(ctx, w.tx, w.ticket.TenantID)
		if err != nil || calendar.Between(w.ticket.UpdatedAt, w.at) < nudgeAfter {
			return err
		}
		w.note("nudged", nil)
		post := Post{Key: "nudge:" + w.events[0].id.String(), Label: PostSystem, Text: "Nothing has happened here for three working days."}
		if w.ticket.AssigneeID != nil {
			post.Notify = *w.ticket.AssigneeID
		}
		s.enqueuePost(w, post)
	}
	return nil
}

func autoSolved(language string) string {
	texts := map[string]string{
		"de": "Wir haben seit einer Woche nichts mehr von Ihnen gehört und betrachten das als gelöst. Schreiben Sie einfach hier, wenn es weitergehen soll.",
		"fr": "Nous n'avons pas eu de vos nouvelles depuis une semaine et considérons ce point comme résolu. Écrivez ici pour le rouvrir.",
		"es": "Hace una semana que no tenemos noticias suyas y damos esto por resuelto. Escriba aquí si quiere reabrirlo.",
		"pt": "Há uma semana que não temos notícias suas e consideramos isto resolvido. Escreva aqui se quiser reabrir.",
	}
	if text, ok := texts[language]; ok {
		return text
	}
	return "We haven't heard from you for a week, so we consider this solved. Just write here to reopen it."
}
