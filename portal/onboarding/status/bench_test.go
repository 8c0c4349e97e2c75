package status_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// BenchmarkStatusAnswer compares a whole answer (transaction, record, sentence)
// with the bare reads it needs in the same run: "when do we go live?" needs the
// project, its milestones, its tasks and their dependencies.
func BenchmarkStatusAnswer(b *testing.B) {
	db := dbtest.New(b)
	tenant := db.Tenant(b, "acme")
	user := db.User(b, tenant, "ana@acme.test", "admin")
	people := []onboarding.DemoPerson{{ID: user, Name: "Ana"}, {ID: db.User(b, tenant, "bo@acme.test"), Name: "Bo"}, {ID: db.User(b, tenant, "cy@acme.test"), Name: "Cy"}}
	now := time.Now()
	require.NoError(b, db.Worker.WithTenant(b.Context(), tenant, func(tx pgx.Tx) error {
		return onboarding.SeedDemo(b.Context(), tx, tenant, "integration", people, now)
	}))
	asker := onboarding.Asker{TenantID: tenant, UserID: user, Roles: []string{"admin"}}
	measure := func(b *testing.B, once func() error) {
		var took []time.Duration
		for b.Loop() {
			began := time.Now()
			if err := once(); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "answers/s")
	}
	b.Run("answer", func(b *testing.B) {
		measure(b, func() error {
			return db.App.WithTenant(b.Context(), tenant, func(tx pgx.Tx) error {
				record, err := onboarding.Load(b.Context(), tx, tenant, status.Needs("onboarding.go_live_date"))
				if err != nil {
					return err
				}
				a := status.Resolve(status.Input{Record: record, Asker: asker, Now: now}, status.Question{Intent: "onboarding.go_live_date", Text: "When will we go live?", Language: "en"})
				require.NotEmpty(b, a.Text)
				return nil
			})
		})
	})
	b.Run("bare", func(b *testing.B) {
		measure(b, func() error {
			return db.App.WithTenant(b.Context(), tenant, func(tx pgx.Tx) error {
				batch := &pgx.Batch{}
				for _, query := range []string{
					`select id, state, planned_go_live, actual_go_live from projects where tenant_id = $1`,
					`select id, name, state, go_live from milestones where tenant_id = $1`,
					`select id, milestone_id, title, state, duration_days, visibility, department from tasks where tenant_id = $1`,
					`select task_id, needs_id from task_dependencies where tenant_id = $1`,
				} {
					batch.Queue(query, tenant).Query(func(rows pgx.Rows) error {
						for rows.Next() {
							if _, err := rows.Values(); err != nil {
								return err
							}
						}
						return rows.Err()
					})
				}
				return tx.SendBatch(b.Context(), batch).Close()
			})
		})
	})
	b.Run("sentence", func(b *testing.B) {
		var record onboarding.Record
		require.NoError(b, db.App.WithTenant(b.Context(), tenant, func(tx pgx.Tx) (err error) {
			record, err = onboarding.Load(b.Context(), tx, tenant)
			return err
		}))
		measure(b, func() error {
			status.Resolve(status.Input{Record: record, Asker: asker, Now: now}, status.Question{Intent: "onboarding.go_live_date", Text: "When will we go live?", Language: "en"})
			return nil
		})
	})
}
