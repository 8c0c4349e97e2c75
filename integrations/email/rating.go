package email

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/rating"
)

// kindRating is a mail that asks how a matter was settled.
const kindRating = "rating"

// AskRating stores the mail that asks for a rating; it is for rating.Config.Mail.
func (s *Service) AskRating(ctx context.Context, tx pgx.Tx, r rating.Rating, to string) error {
	_, err := s.queue(ctx, tx, r.TenantID, kindRating, "rating:"+r.ID.String(), payload{ConversationID: r.ConversationID, RatingID: r.ID, To: to})
	return err
}

// question composes the mail that asks for a rating. It returns nil when the
// answer is there already, or comes too late.
func (s *Service) question(ctx context.Context, tx pgx.Tx, tenant, delivery uuid.UUID, p payload) (*letter, error) {
	r, err := rating.ByID(ctx, tx, tenant, p.RatingID)
	if errors.Is(err, rating.ErrNotAsked) || err == nil && (r.Score != nil || s.Now().After(*r.OpenUntil)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := triage.ConversationByID(ctx, tx, tenant, r.ConversationID)
	if errors.Is(err, triage.ErrConversationNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var locale string
	if err := tx.QueryRow(ctx, `select locale from users where tenant_id = $1 and id = $2`, tenant, r.UserID).Scan(&locale); err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	w, ok := ratingWords[strings.ToLower(locale + "  ")[:2]]
	if !ok {
		w = ratingWords["en"]
	}
	link := s.PublicURL + "/rate/" + rating.NewLinks(s.Secret).Token(tenant, r.ID)
	var text strings.Builder
	text.WriteString(w.ask + "\n")
	for score := rating.Best; score >= 1; score-- {
		fmt.Fprintf(&text, "\n%s:\n%s#%d\n", w.scale[score-1], link, score)
	}
	text.WriteString("\n" + w.how + "\n\n-- \n" + s.FromName)
	mail, err := s.inThread(ctx, tx, c, outgoing{
		id: delivery.String(), to: p.To, replyTo: s.replyAddress(c.ID, p.To), automatic: true,
		subject: oneLine(w.subject+c.Subject, 150), text: text.String(),
	})
	if err != nil {
		return nil, err
	}
	return &letter{mail: mail, conversation: c.ID}, nil
}

// ratingWords, by language. The scale goes from 1 to 5.
var ratingWords = map[string]struct {
	subject, ask string
	scale        [rating.Best]string
	how          string
}{
	"en": {
		"How did we do? ", "Your request is settled. How did we do?",
		[...]string{"1 - Very poor", "2 - Poor", "3 - Okay", "4 - Good", "5 - Very good"},
		"Each link opens a page where you confirm your answer; opening it alone rates nothing. There you can also add a few words, or tell us that you still need help.\nYou can answer or change your mind for 14 days. We ask once; if you would rather not answer, just leave it.",
	},
	"de": {
		"Wie waren wir? ", "Ihre Anfrage ist erledigt. Wie waren wir?",
		[...]string{"1 - Sehr schlecht", "2 - Schlecht", "3 - In Ordnung", "4 - Gut", "5 - Sehr gut"},
		"Jeder Link öffnet eine Seite, auf der Sie Ihre Antwort bestätigen; das Öffnen allein bewertet nichts. Dort können Sie auch ein paar Worte dazu schreiben oder uns sagen, dass Sie noch Hilfe brauchen.\nSie können 14 Tage lang antworten oder Ihre Antwort ändern. Wir fragen nur einmal; wenn Sie nicht antworten möchten, lassen Sie es einfach.",
	},
	"fr": {
		"Votre avis : ", "Votre demande est réglée. Qu'en avez-vous pensé ?",
		[...]string{"1 - Très mauvais", "2 - Mauvais", "3 - Correct", "4 - Bon", "5 - Très bon"},
		"Chaque lien ouvre une page où vous confirmez votre réponse ; l'ouvrir seul n'enregistre rien. Vous pouvez aussi y ajouter quelques mots, ou nous dire que vous avez encore besoin d'aide.\nVous pouvez répondre ou changer d'avis pendant 14 jours. Nous ne demandons qu'une fois ; si vous préférez ne pas répondre, ne faites rien.",
	},
	"es": {
		"¿Qué le pareció? ", "Su consulta está resuelta. ¿Qué le pareció nuestra ayuda?",
		[...]string{"1 - Muy mala", "2 - Mala", "3 - Aceptable", "4 - Buena", "5 - Muy buena"},
		"Cada enlace abre una página donde usted confirma su respuesta; abrirlo por sí solo no registra nada. Allí también puede añadir unas palabras o decirnos que todavía necesita ayuda.\nPuede responder o cambiar su respuesta durante 14 días. Solo preguntamos una vez; si prefiere no responder, no haga nada.",
	},
	"pt": {
		"O que achou? ", "O seu pedido está resolvido. O que achou da nossa ajuda?",
		[...]string{"1 - Muito má", "2 - Má", "3 - Razoável", "4 - Boa", "5 - Muito boa"},
		"Cada link abre uma página onde confirma a sua resposta; abri-lo, por si só, não regista nada. Aí também pode acrescentar algumas palavras ou dizer-nos que ainda precisa de ajuda.\nPode responder ou mudar de resposta durante 14 dias. Só perguntamos uma vez; se preferir não responder, não faça nada.",
	},
}
