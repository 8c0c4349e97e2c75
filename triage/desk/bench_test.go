package desk_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// One hand-over, stored: ticket, escalation, events, clocks' and deliveries'
// rows and jobs in the caller's transaction. The floor is the same message
// stored without it.
func BenchmarkEscalate(b *testing.B) {
	s := setup(b)
	for _, c := range []struct {
		name     string
		escalate bool
	}{{"floor", false}, {"escalate", true}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				conversation := s.talk(b)
				s.tx(b, func(tx pgx.Tx) error {
					m := s.write(b, tx, conversation, "Help")
					if !c.escalate {
						return nil
					}
					_, err := s.service.Escalate(b.Context(), tx, escalation(m))
					return err
				})
			}
		})
	}
}

// Effects carried out per second by one worker, with destinations that answer at once.
func BenchmarkDrain(b *testing.B) {
	s := setup(b, func(c *desk.Config) { c.EditEvery = time.Nanosecond })
	var tickets []triage.Ticket
	for range 200 {
		tickets = append(tickets, s.escalateIn(b, s.talk(b), "Help"))
	}
	i, effects := 0, 0
	begin := time.Now()
	for b.Loop() {
		if i == len(tickets) {
			b.StopTimer()
			tickets = append(tickets, s.escalateIn(b, s.talk(b), "Help"))
			b.StartTimer()
		}
		_, err := s.service.Drain(b.Context(), s.tenant, tickets[i].ID, "slack", time.Minute)
		require.NoError(b, err)
		i++
		effects += 3 // root, summary, the customer's words
	}
	b.ReportMetric(float64(effects)/time.Since(begin).Seconds(), "effects/s")
}
