package onboarding_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
)

// Whoever changes how a connection is, since when is noted; what changes beside it
// does not begin the time anew.
func TestSinceWhenAConnectionIsAsItIs(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	var people []onboarding.DemoPerson
	for _, name := range []string{"ana", "bo", "cy"} {
		people = append(people, onboarding.DemoPerson{ID: db.User(t, tenant, name+"@acme.test"), Name: name})
	}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	said := now.Add(-30 * time.Hour)
	work := func(sql string, args ...any) {
		t.Helper()
		require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			tag, err := tx.Exec(t.Context(), sql, append([]any{tenant}, args...)...)
			if err == nil {
				require.EqualValues(t, 1, tag.RowsAffected())
			}
			return err
		}))
	}
	since := func() (at time.Time) {
		t.Helper()
		require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			r, err := onboarding.Load(t.Context(), tx, tenant, onboarding.PartSystems)
			for _, i := range r.Integrations {
				if i.Connector == "Salesforce" {
					at = i.AuthSince
				}
			}
			return err
		}))
		return at
	}
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return onboarding.SeedDemo(t.Context(), tx, tenant, "integration", people, now)
	}))
	work(`update integrations set auth_state = 'relink_needed', observed_at = $2 where tenant_id = $1 and connector = 'Salesforce'`, said)
	require.True(t, since().Equal(said), "when the source said so")
	work(`update integrations set sync_state = 'failing', auth_state = 'relink_needed', observed_at = $2 where tenant_id = $1 and connector = 'Salesforce'`, now)
	require.True(t, since().Equal(said), "it is as it was")
	work(`update integrations set auth_state = 'connected' where tenant_id = $1 and connector = 'Salesforce'`)
	require.WithinDuration(t, time.Now(), since(), time.Minute, "nobody said when")
}
