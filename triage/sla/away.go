package sla

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AwayText tells a customer out of hours when people are back, in their language
// and the time zone of the hours. Within hours it is empty.
func AwayText(c Calendar, language string, now time.Time) string {
	open, next := c.Open(now)
	if open || next.IsZero() {
		return ""
	}
	local := next.In(c.Zone())
	words, ok := away[strings.ToLower(language)]
	if !ok {
		words = away["en"]
	}
	return fmt.Sprintf(words.text, words.days[local.Weekday()], local.Format("2006-01-02"), local.Format("15:04"), local.Format("MST"))
}

var away = map[string]struct {
	text string
	days [7]string
}{
	"en": {"Our team is away right now and back on %s, %s at %s (%s).", [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}},
	"de": {"Unser Team ist gerade nicht im Dienst und wieder da am %s, %s um %s Uhr (%s).", [7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"}},
	"fr": {"Notre équipe est absente pour le moment et sera de retour %s %s à %s (%s).", [7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}},
	"es": {"Nuestro equipo no está disponible ahora y volverá el %s %s a las %s (%s).", [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"}},
	"pt": {"A nossa equipa está ausente neste momento e volta %s, %s às %s (%s).", [7]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"}},
}

// Away is what to tell a tenant's customer out of hours; empty within them.
func Away(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, language string, now time.Time) (string, error) {
	calendar, err := CalendarOf(ctx, tx, tenant)
	if err != nil {
		return "", err
	}
	return AwayText(calendar, language, now), nil
}
