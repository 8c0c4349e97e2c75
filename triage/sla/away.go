package sla

import (
	"context"
	"strconv"
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
	return strings.NewReplacer(
		"{day}", words.days[local.Weekday()], "{date}", strconv.Itoa(local.Day()), "{month}", words.months[local.Month()-1],
		"{time}", local.Format("15:04"), "{zone}", local.Format("MST"),
	).Replace(words.text)
}

var away = map[string]struct {
	text   string
	days   [7]string
	months [12]string
}{
	"en": {
		"Our team is away right now and back on {day}, {date} {month} at {time} ({zone}).",
		[7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		[12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	},
	"de": {
		"Unser Team ist gerade nicht im Dienst und wieder da am {day}, {date}. {month}, um {time} Uhr ({zone}).",
		[7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
		[12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	},
	"fr": {
		"Notre équipe est absente pour le moment et sera de retour {day} {date} {month} à {time} ({zone}).",
		[7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
		[12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	},
	"es": {
		"Nuestro equipo no está disponible ahora y volverá el {day} {date} de {month} a las {time} ({zone}).",
		[7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		[12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
	},
	"pt": {
		"A nossa equipa está ausente neste momento e volta {day}, {date} de {month}, às {time} ({zone}).",
		[7]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"},
		[12]string{"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
	},
}

// Away is what to tell a tenant's customer out of hours; empty within them.
func Away(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, language string, now time.Time) (string, error) {
	calendar, err := CalendarOf(ctx, tx, tenant)
	if err != nil {
		return "", err
	}
	return AwayText(calendar, language, now), nil
}
