package sla

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// fewReplies is how many first replies a median needs to mean something.
const fewReplies = 3

// ReplyText says how long people usually take, rounded up so that it is kept:
// to five minutes, to whole hours, and from four hours on only "later".
func ReplyText(usual time.Duration, language string) string {
	words, ok := expects[strings.ToLower(language)]
	if !ok {
		words = expects["en"]
	}
	minutes := int(math.Ceil(usual.Minutes()/5)) * 5
	hours := int(math.Ceil(usual.Hours()))
	switch {
	case usual >= 4*time.Hour:
		return words.later
	case minutes < 60:
		return strings.ReplaceAll(words.minutes, "%n", strconv.Itoa(max(minutes, 5)))
	case hours == 1:
		return words.hour
	}
	return strings.ReplaceAll(words.hours, "%n", strconv.Itoa(hours))
}

var expects = map[string]struct{ minutes, hour, hours, later string }{
	"en": {"People usually reply within %n minutes.", "People usually reply within an hour.", "People usually reply within %n hours.", "People usually reply later than in four hours; you can leave, the reply is kept here."},
	"de": {"Menschen antworten meist innerhalb von %n Minuten.", "Menschen antworten meist innerhalb einer Stunde.", "Menschen antworten meist innerhalb von %n Stunden.", "Menschen antworten meist erst nach mehr als vier Stunden; Sie können gehen, die Antwort bleibt hier."},
	"fr": {"Une personne répond en général en %n minutes.", "Une personne répond en général en une heure.", "Une personne répond en général en %n heures.", "Une personne répond en général après plus de quatre heures ; vous pouvez partir, la réponse reste ici."},
	"es": {"Una persona suele responder en %n minutos.", "Una persona suele responder en una hora.", "Una persona suele responder en %n horas.", "Una persona suele responder pasadas más de cuatro horas; puede irse, la respuesta queda aquí."},
	"pt": {"Uma pessoa costuma responder em %n minutos.", "Uma pessoa costuma responder numa hora.", "Uma pessoa costuma responder em %n horas.", "Uma pessoa costuma responder depois de mais de quatro horas; pode sair, a resposta fica aqui."},
}

// Expect is what a tenant's customer may expect of people now: out of hours when
// they are back, within hours the median time to a first reply in the last seven
// days. Empty while there are too few replies to tell.
func Expect(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, language string, now time.Time) (string, error) {
	text, err := Away(ctx, tx, tenant, language, now)
	if err != nil || text != "" {
		return text, err
	}
	var replies int
	var median *float64
	err = tx.QueryRow(ctx, `select count(*), percentile_cont(0.5) within group (order by extract(epoch from stopped_at - started_at))
		from sla_clocks where tenant_id = $1 and metric = 'first_reply' and outcome in ('met', 'breached') and stopped_at > $2`,
		tenant, now.AddDate(0, 0, -7)).Scan(&replies, &median)
	if err != nil {
		return "", fmt.Errorf("read usual reply time: %w", err)
	}
	if replies < fewReplies || median == nil {
		return "", nil
	}
	return ReplyText(time.Duration(*median*float64(time.Second)), language), nil
}
