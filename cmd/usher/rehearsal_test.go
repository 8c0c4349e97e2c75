package main

import (
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/rehearsal"
)

// Customers that do not exist get what they should from the demo operator, and
// leave nothing behind.
func TestRehearsedCustomersGetWhatTheyShould(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, err := build(t.Context(), config{AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	require.NoError(t, a.loadDemo(t.Context()))
	require.NoError(t, a.engine.Refresh(t.Context()))
	scenarios, err := rehearsal.Shipped()
	require.NoError(t, err)
	r, err := a.rehearse(t.Context(), scenarios)
	require.NoError(t, err)
	require.Equal(t, len(scenarios), r.N)
	for _, s := range r.Scenarios {
		if !s.Passed {
			t.Errorf("%s: %s\n%+v", s.Name, s.Why, s.Transcript)
		}
	}
	var stored int
	require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select (select count(*) from messages) + (select count(*) from decisions) + (select count(*) from classifications) + (select count(*) from tickets)
			+ (select count(*) from gap_questions) + (select count(*) from procedure_runs) + (select count(*) from river_job where kind = 'process_message')`).Scan(&stored)
	}))
	require.Zero(t, stored)
}
