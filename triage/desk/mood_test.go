package desk_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/desk"
)

func TestMood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mood := func() (m desk.Mood) {
		b.tx(t, func(tx pgx.Tx) (err error) {
			m, err = desk.MoodOf(t.Context(), tx, b.tenant, b.clock.now())
			return err
		})
		return m
	}
	require.Equal(t, desk.Mood{}, mood())
	first := b.escalate(t, "One")
	b.clock.advance(time.Hour)
	b.escalateIn(t, b.talk(t), "Two")
	got := mood()
	require.Equal(t, 2, got.OpenTickets)
	require.True(t, got.Oldest.Equal(first.CreatedAt))
	_, err := b.service.Resolve(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: first.ID})
	require.NoError(t, err)
	require.Equal(t, 1, mood().OpenTickets)
}
