package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
)

// NumberOf finds a tenant's ticket by its public number.
func (s *Service) NumberOf(ctx context.Context, tenant uuid.UUID, number int64) (uuid.UUID, error) {
	var id uuid.UUID
	err := s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select id from tickets where tenant_id = $1 and number = $2`, tenant, number).Scan(&id)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, triage.ErrTicketNotFound
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find ticket: %w", err)
	}
	return id, nil
}

// Merge closes a ticket in favour of another of the same tenant. What the
// customer writes there from now on moves the other one; both conversations stay
// as they are, so nothing a customer said moves to where they cannot see it. They
// are told in a sentence, and what they see of their ticket follows the other one.
func (s *Service) Merge(ctx context.Context, actor triage.Actor, from, into TicketRef) (triage.Ticket, error) {
	if from.TenantID != into.TenantID {
		return triage.Ticket{}, triage.ErrTicketNotFound
	}
	if from.ID == into.ID {
		return triage.Ticket{}, fmt.Errorf("merge a ticket into itself: %w", ErrBadValue)
	}
	return s.act(ctx, actor, from, func(ctx context.Context, w *work) error {
		if err := w.open(); err != nil {
			return err
		}
		target, err := TicketByID(ctx, w.tx, into.TenantID, into.ID)
		if err != nil {
			return err
		}
		if target.InternalState == triage.InternalClosed {
			return fmt.Errorf("merge into #%d: %w", target.Number, ErrTicketClosed)
		}
		if _, err := w.tx.Exec(ctx, `insert into ticket_relations (tenant_id, ticket_id, related_id, kind)
			values ($1, $2, $3, 'merged_into') on conflict (tenant_id, ticket_id) where kind = 'merged_into' do update set related_id = excluded.related_id`, from.TenantID, from.ID, into.ID); err != nil {
			return fmt.Errorf("relate tickets: %w", err)
		}
		// Tickets merged into this one follow it.
		if _, err := w.tx.Exec(ctx, `update ticket_relations set related_id = $3
			where tenant_id = $1 and related_id = $2 and kind = 'merged_into' and ticket_id <> $3`, from.TenantID, from.ID, into.ID); err != nil {
			return fmt.Errorf("relate tickets: %w", err)
		}
		w.note("merged", map[string]any{"into": target.Number})
		w.extra.ClosedAs, w.extra.WaitingSince = "merged", nil
		w.setState(triage.InternalClosed)
		w.ticket.CustomerState = target.CustomerState
		w.job(FollowTicketArgs{TenantID: into.TenantID, TicketID: into.ID}, nil) // what was merged into this one before
		if err := s.sayMerged(ctx, w, target); err != nil {
			return err
		}
		s.enqueuePost(w, Post{Key: "merged:" + w.events[0].id.String(), Label: PostSystem, Text: fmt.Sprintf("Merged into #%d.", target.Number)})
		other := &work{tx: w.tx, actor: w.actor, at: w.at, ticket: target}
		other.note("merged_from", map[string]any{"number": w.ticket.Number, "ticket_id": w.ticket.ID})
		s.writeEvents(other)
		s.enqueuePost(other, Post{
			Key: "merged:" + other.events[0].id.String(), Label: PostSystem,
			Text: fmt.Sprintf("#%d (%s) was merged into this ticket.", w.ticket.Number, w.ticket.Subject),
		})
		return s.flush(ctx, other)
	})
}

// sayMerged tells the customer of a ticket that was merged. Whose the other one
// is, and what it says, is told to nobody else.
func (s *Service) sayMerged(ctx context.Context, w *work, target triage.Ticket) error {
	if w.conversation.UserID == nil {
		return nil
	}
	words, ok := mergedWords[w.ticket.Language]
	if !ok {
		words = mergedWords["en"]
	}
	text := words.other
	if target.UserID != nil && *target.UserID == *w.conversation.UserID {
		text = fmt.Sprintf(words.own, target.Number)
	}
	m, _, err := triage.InsertMessage(ctx, w.tx, triage.Message{
		TenantID: w.ticket.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: w.ticket.ConversationID, AuthorKind: triage.AuthorSystem, AuthorName: "Usher",
		Visibility: triage.VisibleToCustomer, Body: text, Language: w.ticket.Language,
	})
	if err != nil {
		return err
	}
	w.ticket.LastPublicMessageAt = &w.at
	return s.relayMessage(ctx, w, m.ID)
}

var mergedWords = map[string]struct{ own, other string }{
	"en": {
		"We have joined this with your request #%d. What you write here reaches the same people.",
		"We handle this together with another request about the same matter. What you write here reaches the same people.",
	},
	"de": {
		"Wir haben das mit Ihrer Anfrage #%d zusammengelegt. Was Sie hier schreiben, erreicht dieselben Menschen.",
		"Wir bearbeiten das zusammen mit einer anderen Anfrage zur selben Sache. Was Sie hier schreiben, erreicht dieselben Menschen.",
	},
	"fr": {
		"Nous avons réuni ce point avec votre demande nº %d. Ce que vous écrivez ici parvient aux mêmes personnes.",
		"Nous traitons ce point avec une autre demande sur le même sujet. Ce que vous écrivez ici parvient aux mêmes personnes.",
	},
	"es": {
		"Hemos unido esto a su solicitud n.º %d. Lo que escriba aquí llega a las mismas personas.",
		"Atendemos esto junto con otra solicitud sobre el mismo asunto. Lo que escriba aquí llega a las mismas personas.",
	},
	"pt": {
		"Juntámos este assunto ao seu pedido n.º %d. O que escrever aqui chega às mesmas pessoas.",
		"Tratamos disto em conjunto com outro pedido sobre o mesmo assunto. O que escrever aqui chega às mesmas pessoas.",
	},
}

// FollowTicketArgs lets what customers see of the tickets that were merged into
// one follow it.
type FollowTicketArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	TicketID uuid.UUID `json:"ticket_id"`
}

// Kind names the job.
func (FollowTicketArgs) Kind() string { return "follow_ticket" }

type followWorker struct {
	river.WorkerDefaults[FollowTicketArgs]
	desk *Service
}

func (w *followWorker) Work(ctx context.Context, job *river.Job[FollowTicketArgs]) error {
	return w.desk.Follow(ctx, job.Args)
}

// Follow brings the tickets that were merged into one in line with it, each in a
// transaction of its own: a conversation is never taken while another is held.
func (s *Service) Follow(ctx context.Context, args FollowTicketArgs) error {
	var merged []uuid.UUID
	err := s.DB.WithTenant(ctx, args.TenantID, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select ticket_id from ticket_relations where tenant_id = $1 and related_id = $2 and kind = 'merged_into' order by ticket_id`, args.TenantID, args.TicketID)
		if err != nil {
			return err
		}
		merged, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return fmt.Errorf("find merged tickets: %w", err)
	}
	for _, id := range merged {
		err := s.bySystem(ctx, TicketRef{args.TenantID, id}, func(ctx context.Context, w *work) error {
			if w.extra.ClosedAs != "merged" {
				return nil // it was opened again
			}
			now, err := TicketByID(ctx, w.tx, args.TenantID, args.TicketID)
			if err != nil || now.CustomerState == w.ticket.CustomerState {
				return err
			}
			w.note("followed", map[string]any{"number": now.Number, "state": now.CustomerState})
			w.ticket.CustomerState, w.changed = now.CustomerState, true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mergedInto finds the ticket that one which was merged lives on in.
func mergedInto(ctx context.Context, tx pgx.Tx, ref TicketRef) (TicketRef, error) {
	into := TicketRef{TenantID: ref.TenantID}
	err := tx.QueryRow(ctx, `select related_id from ticket_relations where tenant_id = $1 and ticket_id = $2 and kind = 'merged_into'`, ref.TenantID, ref.ID).Scan(&into.ID)
	if err != nil {
		return into, fmt.Errorf("read merged ticket: %w", err)
	}
	return into, nil
}

// Followed reads a ticket, or the one it was merged into.
func Followed(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (triage.Ticket, error) {
	return oneTicket(ctx, tx, `select `+triage.TicketColumns+` from tickets where tenant_id = $1 and id = coalesce(
		(select related_id from ticket_relations where tenant_id = $1 and ticket_id = $2 and kind = 'merged_into'), $2)`, tenant, id)
}

// SimilarTicket is a solved ticket like another, with what solved it.
type SimilarTicket struct {
	TenantID uuid.UUID `db:"tenant_id"`
	ID       uuid.UUID `db:"id"`
	Number   int64     `db:"number"`
	Subject  string    `db:"subject"`
	Answer   string    `db:"answer"` // the last public reply of an agent
	Score    float64   `db:"score"`
}

// Similar finds solved tickets of the same tenant that share words or intent
// with t. Other tenants' tickets are never shown on a ticket's page.
func (s *Service) Similar(ctx context.Context, t triage.Ticket, limit int) ([]SimilarTicket, error) {
	var out []SimilarTicket
	err := s.DB.WithTenant(ctx, t.TenantID, func(tx pgx.Tx) (err error) {
		out, err = list[SimilarTicket](ctx, tx, `
			with
			scored as (
			  select t.tenant_id, t.id, t.number, t.subject, t.conversation_id,
			    (case when t.intent = $3 and $3 <> '' then 1.0 else 0.0 end
			     + ts_rank(to_tsvector('simple', t.subject || ' ' || t.summary), to_tsquery('simple', $4)) * 4)::float8 as score
			  from tickets t where t.tenant_id = $1 and t.id <> $2 and t.internal_state in ('solved', 'closed') and t.closed_as not in ('not_a_request', 'merged')
			  order by t.number desc limit 500)
			select s.tenant_id, s.id, s.number, s.subject, s.score, coalesce((select m.body from messages m
			  where m.tenant_id = s.tenant_id and m.conversation_id = s.conversation_id and m.author_kind = 'agent'
			    and m.visibility = 'customer' order by m.seq desc limit 1), '') as answer
			from scored s where s.score > 0.1 order by s.score desc, s.number desc limit $5`,
			t.TenantID, t.ID, t.Intent, anyWord(t.Subject+" "+t.Summary), limit)
		return err
	})
	return out, err
}

// anyWord is a tsquery that matches any word of a text.
func anyWord(text string) string {
	var words []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127)
	}) {
		if len(w) > 3 && len(words) < 30 {
			words = append(words, "'"+w+"'")
		}
	}
	return strings.Join(words, " | ")
}

// Observe learns that an effect whose answer was lost did happen: key is what
// the delivery carried, at is where it is now.
func (s *Service) Observe(ctx context.Context, ref TicketRef, system, key string, at Ref) error {
	err := s.DB.WithTenant(ctx, ref.TenantID, func(tx pgx.Tx) error {
		if key == "root:"+ref.ID.String() {
			_, err := tx.Exec(ctx, `insert into ticket_links (tenant_id, ticket_id, system, external_id, url, detail)
				select $1, $2, $3, $4, $5, $6 where exists (select from tickets where tenant_id = $1 and id = $2)
				on conflict (tenant_id, ticket_id, system) do nothing`, ref.TenantID, ref.ID, system, at.ID, at.URL, detail(at))
			return err
		}
		// A post that was seen needs no second try, unless it has changed meanwhile:
		// then it is edited where it was seen.
		var asked string
		rows, err := tx.Query(ctx, `update deliveries set state = case when wanted > 1 then 'pending' else 'delivered' end,
			external_ref = $5, delivered_at = $6, updated_at = $6, last_error = ''
			where tenant_id = $1 and ticket_id = $2 and destination = $3 and kind in ('thread', 'ask', 'aside', 'ping') and coalesce(batch, id)::text = $4
			  and state in ('pending', 'sending') and attempts > 0 and external_ref = '{}'
			returning case when kind = 'ask' then subject_key else '' end`, ref.TenantID, ref.ID, system, key, at, s.Now().UTC())
		if err != nil {
			return err
		}
		if _, err := pgx.ForEachRow(rows, []any{&asked}, func() error { return nil }); err != nil || asked == "" {
			return err
		}
		return place(ctx, tx, ref.TenantID, asked, at)
	})
	if err != nil {
		return fmt.Errorf("observe %s: %w", key, err)
	}
	return nil
}
