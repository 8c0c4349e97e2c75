package desk

import (
	"strings"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
)

func nullable(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// prefixed are the ticket's columns under an alias.
func prefixed(alias string) string {
	columns := strings.Split(triage.TicketColumns, ",")
	for i, c := range columns {
		columns[i] = alias + "." + strings.TrimSpace(c)
	}
	return strings.Join(columns, ", ")
}

// like is a pattern that finds text literally.
func like(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
