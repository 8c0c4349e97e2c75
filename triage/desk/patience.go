package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/sla"
)

// patience is how long somebody in the chat waits for a person within business
// hours before they are told that they need not stay.
const patience = 5 * time.Minute

// ReleaseCustomerArgs looks whether a person has taken a chat.
type ReleaseCustomerArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	TicketID uuid.UUID `json:"ticket_id"`
}

// Kind names the job.
func (ReleaseCustomerArgs) Kind() string { return "release_customer" }

type releaseWorker struct {
	river.WorkerDefaults[ReleaseCustomerArgs]
	desk *Service
}

func (w *releaseWorker) Work(ctx context.Context, job *river.Job[ReleaseCustomerArgs]) error {
	return w.desk.ReleaseCustomer(ctx, job.Args)
}

// expectPerson asks to look after a while whether a person came.
func (s *Service) expectPerson(w *work) {
	if w.conversation.Channel == triage.ChannelChat {
		w.later(ReleaseCustomerArgs{w.ticket.TenantID, w.ticket.ID}, w.at.Add(patience))
	}
}

// ReleaseCustomer tells somebody in the chat, once, that no person is free yet
// and that they need not wait there. Out of hours they were told already when
// people are back; who has an owner or a reply is not told.
func (s *Service) ReleaseCustomer(ctx context.Context, args ReleaseCustomerArgs) error {
	return s.bySystem(ctx, TicketRef{args.TenantID, args.TicketID}, func(ctx context.Context, w *work) error {
		if w.ticket.InternalState != triage.InternalNew || w.ticket.AssigneeID != nil || w.extra.FirstRepliedAt != nil {
			return nil
		}
		calendar, err := sla.CalendarOf(ctx, w.tx, args.TenantID)
		if err != nil {
			return err
		}
		if open, _ := calendar.Open(w.at); !open {
			return nil
		}
		language := w.ticket.Language
		words, ok := releaseWords[language]
		if !ok {
			language, words = "en", releaseWords["en"]
		}
		key := "release:" + w.ticket.ID.String()
		m, created, err := triage.InsertMessage(ctx, w.tx, triage.Message{
			TenantID: args.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: w.ticket.ConversationID, AuthorKind: triage.AuthorAssistant,
			Visibility: triage.VisibleToCustomer, Body: words, Language: language, ClientKey: &key,
		})
		if err != nil || !created {
			return err
		}
		w.note("customer_released", map[string]any{"message_id": m.ID})
		if err := s.relayMessage(ctx, w, m.ID); err != nil {
			return fmt.Errorf("relay message: %w", err)
		}
		return nil
	})
}

// releaseWords, by language.
var releaseWords = map[string]string{
	"en": "I'm sorry, nobody of the team has been free yet. You need not wait here: your request is with them, and the answer will be in this conversation.",
	"de": "Es tut mir leid, aus dem Team war noch niemand frei. Sie müssen hier nicht warten: Ihre Anfrage liegt vor, und die Antwort kommt in diese Unterhaltung.",
	"fr": "Je suis désolé, personne de l'équipe n'a encore été disponible. Vous n'avez pas besoin d'attendre ici : votre demande leur est parvenue, et la réponse arrivera dans cette conversation.",
	"es": "Lo siento, todavía no ha habido nadie libre en el equipo. No hace falta que espere aquí: su solicitud les ha llegado y la respuesta llegará a esta conversación.",
	"pt": "Lamento, ainda ninguém da equipa ficou livre. Não precisa de esperar aqui: o seu pedido já chegou e a resposta virá nesta conversa.",
}
