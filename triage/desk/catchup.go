package desk

import (
	"fmt"
	"strings"

	"github.com/usherdesk/usher/triage"
)

// CatchUp is what happened on a ticket so far, a line each, from stored
// records: nothing is invented. Internal text.
func CatchUp(d Detail) []string {
	lines := []string{d.Ticket.Summary}
	for _, e := range d.Escalations {
		lines = append(lines, "Handed over: "+strings.ReplaceAll(string(e.Reason), "_", " ")+".")
	}
	n := map[triage.AuthorKind]int{}
	for _, m := range d.Messages {
		n[m.AuthorKind]++
	}
	lines = append(lines, fmt.Sprintf("%d messages of the customer, %d of the assistant, %d of agents.", n[triage.AuthorCustomer], n[triage.AuthorAssistant], n[triage.AuthorAgent]))
	for i := max(0, len(d.Messages)-4); i < len(d.Messages); i++ {
		m := d.Messages[i]
		lines = append(lines, fmt.Sprintf("%s (%s): %s", m.AuthorName, m.AuthorKind, triage.Line(said(m), 300)))
	}
	return lines
}
