package desk_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/sla"
)

// raising is a desk whose staff are told directly what happens.
type raising struct {
	*testBundle
	words *[]desk.Word
}

func raisingDesk(t *testing.T) raising {
	t.Helper()
	var words []desk.Word
	known := map[string]bool{}
	b := setup(t, func(c *desk.Config) {
		c.Clocks = sla.New(c.Now)
		c.TicketURL = func(_, ticket uuid.UUID, _ int64) string { return "https://usher.test/" + ticket.String() }
		c.Tell = func(_ context.Context, _ pgx.Tx, w desk.Word) error {
			if !known[w.Key] {
				words = append(words, w)
			}
			known[w.Key] = true
			return nil
		}
	})
	b.clock.at = time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("CET", 3600)).UTC()
	return raising{b, &words}
}

// lead is one of the leads, of teams.
func (b raising) lead(t *testing.T, email, state string, teams ...string) uuid.UUID {
	t.Helper()
	id := b.db.Staff(t, email, "lead")
	_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set state = $2, teams = $3 where id = $1`, id, state, append([]string{}, teams...))
	require.NoError(t, err)
	return id
}

// heard is who was told since the last look, and the last text.
func (b raising) heard() (who []string, last string) {
	for _, w := range *b.words {
		who, last = append(who, w.Email), w.Text
	}
	*b.words = nil
	slices.Sort(who)
	return who, last
}

func (b raising) queue(t *testing.T, view string) (out []int64) {
	t.Helper()
	rows, err := b.service.Queue(t.Context(), desk.Filter{View: view}, triage.Page{})
	require.NoError(t, err)
	for _, r := range rows {
		require.NotNil(t, r.RaisedAt)
		out = append(out, r.Number)
	}
	return out
}

func TestRaisedTickets(t *testing.T) {
	t.Parallel()

	t.Run("the leads of the team hear of it, and it stands among the raised until it is solved", func(t *testing.T) {
		t.Parallel()
		b := raisingDesk(t)
		own := b.lead(t, "ina@usher.test", "active", "integrations")
		b.lead(t, "away@usher.test", "away", "integrations")
		b.lead(t, "gone@usher.test", "deactivated", "integrations")
		b.lead(t, "kim@usher.test", "active", "kyc")
		ticket := b.escalate(t, "The import stops")
		require.Empty(t, b.queue(t, "raised"))
		_, err := b.service.RaiseToLead(t.Context(), b.agent, ref(ticket), "It concerns money")
		require.NoError(t, err)
		who, said := b.heard()
		require.Equal(t, []string{"ina@usher.test"}, who)
		require.Contains(t, said, "#1001 (Tenant acme, high)")
		require.Contains(t, said, "It concerns money")
		require.Contains(t, said, "https://usher.test/"+ticket.ID.String())
		require.Equal(t, []int64{1001}, b.queue(t, "raised"))
		b.settle(t, ticket)
		found := false
		for _, p := range b.slack.Thread(ticket.ID) {
			if strings.HasPrefix(p.Text, "Raised to the lead: ") {
				found = true
				require.Equal(t, own, p.Notify, "the lead is pinged in the thread, too")
			}
		}
		require.True(t, found)
		_, err = b.service.Resolve(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		require.Empty(t, b.queue(t, "raised"))
		_, err = b.service.Reopen(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		require.Empty(t, b.queue(t, "raised"), "what was raised was settled")
	})

	t.Run("whom the channel knows it tells directly, each once, and nobody else is mailed", func(t *testing.T) {
		t.Parallel()
		b := raisingDesk(t)
		for _, name := range []string{"ann", "ben"} {
			id := b.lead(t, name+"@usher.test", "active", "integrations")
			_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set slack_user_id = $2 where id = $1`, id, name)
			require.NoError(t, err)
		}
		b.lead(t, "zoe@usher.test", "active", "integrations")
		ticket := b.escalate(t, "The import stops")
		_, err := b.service.RaiseToLead(t.Context(), b.agent, ref(ticket), "It concerns money")
		require.NoError(t, err)
		b.settle(t, ticket)
		var pinged []string
		for _, p := range b.slack.Pings {
			require.Contains(t, p.Text, "It concerns money")
			pinged = append(pinged, p.Person)
		}
		slices.Sort(pinged)
		require.Equal(t, []string{"ann", "ben"}, pinged)
		who, _ := b.heard()
		require.Equal(t, []string{"zoe@usher.test"}, who)
	})

	t.Run("a team without a lead is looked after by all leads, but not who raises it", func(t *testing.T) {
		t.Parallel()
		b := raisingDesk(t)
		kim := b.lead(t, "kim@usher.test", "active", "kyc")
		b.lead(t, "lea@usher.test", "active")
		ticket := b.escalate(t, "The import stops")
		_, err := b.service.RaiseToLead(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: kim}, ref(ticket), "Look")
		require.NoError(t, err)
		who, _ := b.heard()
		require.Equal(t, []string{"lea@usher.test"}, who)
	})

	t.Run("of a warning and a breach the owner hears, and the leads of a breach, each once", func(t *testing.T) {
		t.Parallel()
		b := raisingDesk(t)
		b.lead(t, "ina@usher.test", "active", "integrations")
		ticket := b.escalate(t, "The import stops")
		_, err := b.service.Claim(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		b.clock.advance(95 * time.Minute)
		for range 2 {
			require.NoError(t, b.service.SweepClocks(t.Context()))
		}
		who, said := b.heard()
		require.Equal(t, []string{"bo@usher.test"}, who)
		require.Contains(t, said, "first reply is due at")
		b.clock.advance(time.Hour)
		for range 2 {
			require.NoError(t, b.service.SweepClocks(t.Context()))
		}
		who, _ = b.heard()
		require.Equal(t, []string{"bo@usher.test", "ina@usher.test"}, who)
		require.Equal(t, []int64{1001}, b.queue(t, "raised"))
	})

	t.Run("a lead who owns the ticket hears of a breach once, directly or otherwise, and the other leads do", func(t *testing.T) {
		t.Parallel()
		for _, there := range []bool{false, true} {
			b := raisingDesk(t)
			ina := b.lead(t, "ina@usher.test", "active", "integrations")
			b.lead(t, "lea@usher.test", "active", "integrations")
			if there {
				_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set slack_user_id = display_name where 'lead' = any(roles)`)
				require.NoError(t, err)
			}
			ticket := b.escalate(t, "The import stops")
			_, err := b.service.Claim(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: ina}, ref(ticket))
			require.NoError(t, err)
			b.clock.advance(155 * time.Minute)
			for range 2 {
				require.NoError(t, b.service.SweepClocks(t.Context()))
			}
			b.settle(t, ticket)
			who, _ := b.heard()
			for _, p := range b.slack.Pings {
				who = append(who, p.Person)
			}
			require.ElementsMatch(t, []string{"ina@usher.test", "lea@usher.test"}, who, there)
			require.Equal(t, 1, b.count(t, ticket, "sla_breached"))
		}
	})

	t.Run("of a ticket nobody has, or whose owner is away, the leads are warned", func(t *testing.T) {
		t.Parallel()
		for name, away := range map[string]bool{"nobody": false, "away": true} {
			b := raisingDesk(t)
			b.lead(t, "ina@usher.test", "active", "integrations")
			ticket := b.escalate(t, "The import stops")
			if away {
				_, err := b.service.Claim(t.Context(), b.agent, ref(ticket))
				require.NoError(t, err)
				_, err = b.db.Worker.Pool().Exec(t.Context(), `update staff set state = 'away' where id = $1`, b.agent.ID)
				require.NoError(t, err)
			}
			b.clock.advance(95 * time.Minute)
			require.NoError(t, b.service.SweepClocks(t.Context()))
			who, _ := b.heard()
			require.Equal(t, []string{"ina@usher.test"}, who, name)
		}
	})
}
