package sla_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/sla"
)

func TestReplyText(t *testing.T) {
	t.Parallel()
	for usual, want := range map[time.Duration]string{
		0:                           "People usually reply within 5 minutes.",
		5*time.Minute + time.Second: "People usually reply within 10 minutes.",
		51 * time.Minute:            "People usually reply within 55 minutes.",
		56 * time.Minute:            "People usually reply within an hour.",
		61 * time.Minute:            "People usually reply within 2 hours.",
		4*time.Hour - time.Second:   "People usually reply within 4 hours.",
		4 * time.Hour:               "People usually reply later than in four hours; you can leave, the reply is kept here.",
	} {
		require.Equal(t, want, sla.ReplyText(usual, "en"), "%s", usual)
	}
	seen := map[string]bool{}
	for _, language := range []string{"en", "de", "fr", "es", "pt"} {
		seen[sla.ReplyText(2*time.Hour, language)] = true
	}
	require.Len(t, seen, 5)
	require.Equal(t, sla.ReplyText(time.Hour, "en"), sla.ReplyText(time.Hour, "xx"))
}

func TestExpectIsTheMedianOfTheWeekOrWhenPeopleAreBack(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	monday := at(t, "2026-11-23T10:00:00Z")
	expect := func(now time.Time) (text string) {
		require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) (err error) {
			text, err = sla.Expect(t.Context(), tx, tenant, "en", now)
			return err
		}))
		return text
	}
	require.Empty(t, expect(monday), "nobody has replied yet")
	replied := func(ago, took time.Duration) {
		require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			ticket := uuid.New()
			if _, err := tx.Exec(t.Context(), `with c as (insert into conversations (tenant_id, id, channel) values ($1, $2, 'chat'))
				insert into tickets (tenant_id, id, number, conversation_id, subject, origin)
				values ($1, $2, 1 + (select count(*) from tickets where tenant_id = $1), $2, 'Help', 'chat')`, tenant, ticket); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `insert into sla_clocks (tenant_id, id, ticket_id, metric, priority, target_seconds, state, started_at, resumed_at, stopped_at, outcome)
				values ($1, $2, $3, 'first_reply', 'normal', 3600, 'stopped', $4, $4, $5, 'met')`, tenant, uuid.New(), ticket, monday.Add(-ago-took), monday.Add(-ago))
			return err
		}))
	}
	replied(time.Hour, 12*time.Minute)
	replied(2*time.Hour, 21*time.Minute)
	require.Empty(t, expect(monday), "two replies say little")
	replied(24*time.Hour, 3*time.Hour)
	replied(9*24*time.Hour, 9*time.Hour) // longer ago than counts
	require.Equal(t, "People usually reply within 25 minutes.", expect(monday))
	require.Contains(t, expect(at(t, "2026-11-22T10:00:00Z")), "back on Monday")
}
