package desk_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/sla"
)

// counted is a transaction that notes what goes to the database: one entry for
// each trip there and back.
type counted struct {
	pgx.Tx
	trips *[]string
}

func (c counted) note(sql string) {
	*c.trips = append(*c.trips, strings.Join(strings.Fields(sql), " "))
}

func (c counted) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	c.note(sql)
	return c.Tx.Exec(ctx, sql, args...)
}

func (c counted) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.note(sql)
	return c.Tx.Query(ctx, sql, args...)
}

func (c counted) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	c.note(sql)
	return c.Tx.QueryRow(ctx, sql, args...)
}

func (c counted) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	sql := "batch:"
	for _, q := range b.QueuedQueries {
		sql += " [" + q.SQL + "]"
	}
	c.note(sql)
	return c.Tx.SendBatch(ctx, b)
}

func (c counted) Begin(ctx context.Context) (pgx.Tx, error) {
	c.note("savepoint")
	tx, err := c.Tx.Begin(ctx)
	return counted{tx, c.trips}, err
}

// What a hand-over and a customer's message cost in trips to the database. With
// many of them at once, trips are what time goes into.
func TestTrips(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *desk.Config) { c.Clocks = sla.New(c.Now) })
	b.escalateIn(t, b.talk(t), "River asks once which server it has.")
	trips := func(most int, fn func(tx pgx.Tx, m triage.Message) error) {
		t.Helper()
		var made []string
		b.tx(t, func(tx pgx.Tx) error { return fn(counted{tx, &made}, b.write(t, tx, b.conversation, "Help")) })
		made = slices.DeleteFunc(made, func(sql string) bool { return strings.Contains(sql, "PGNotifyMany") }) // at times, for all jobs together
		require.LessOrEqual(t, len(made), most, "%s", strings.Join(made, "\n"))
		require.NotEmpty(t, made)
	}
	// The conversation and what is known; the ticket; its clocks; all writes; all jobs.
	trips(5, func(tx pgx.Tx, m triage.Message) error {
		_, err := b.service.Escalate(t.Context(), tx, escalation(m))
		return err
	})
	// The conversation with its ticket; its clocks; the message; all writes; all jobs.
	trips(5, func(tx pgx.Tx, m triage.Message) error {
		_, _, err := b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m})
		return err
	})
}
