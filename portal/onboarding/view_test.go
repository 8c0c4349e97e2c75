package onboarding_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
)

func TestThePageShowsEachPersonTheirPart(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var people []onboarding.DemoPerson
	for _, name := range []string{"ana", "bo", "cy"} {
		people = append(people, onboarding.DemoPerson{ID: db.User(t, tenant, name+"@acme.test"), Name: name})
	}
	var r onboarding.Record
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		if err := onboarding.SeedDemo(t.Context(), tx, tenant, "integration", people, now); err != nil {
			return err
		}
		_, err := onboarding.Append(t.Context(), tx, tenant, "project", uuid.Nil, "project.created")
		return err
	}))
	require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) (err error) {
		r, err = onboarding.Load(t.Context(), tx, tenant)
		return err
	}))
	admin := onboarding.Asker{TenantID: tenant, UserID: people[0].ID, Roles: []string{"admin"}, Departments: []string{"technical", "finance"}}
	member := onboarding.Asker{TenantID: tenant, UserID: people[1].ID, Roles: []string{"member"}, Locale: "de-AT"}
	whole, part := r.View(admin, now), r.View(member, now)

	require.EqualValues(t, 1, whole.Event)
	require.Greater(t, len(whole.Tasks), len(part.Tasks))
	require.Greater(t, len(whole.Documents), len(part.Documents))
	require.Greater(t, len(whole.Training), len(part.Training))
	require.NotEmpty(t, whole.People)
	require.Len(t, part.People, 1, "only oneself")
	require.Equal(t, whole.Health.Word, part.Health.Word)
	require.Equal(t, whole.Progress, part.Progress)
	require.Equal(t, whole.GoLive.Forecast, part.GoLive.Forecast)
	forecasts := 0
	for _, m := range whole.Milestones {
		if m.Forecast != "" {
			forecasts++
		}
	}
	require.Positive(t, forecasts)

	require.Equal(t, "Transport management system schlägt fehl, kümmert sich jemand darum?", part.Suggestions[0])
	require.Equal(t, "Transport management system is failing, is somebody looking at it?", whole.Suggestions[0])
	require.LessOrEqual(t, len(part.Suggestions), 4)

	body, err := json.Marshal(part)
	require.NoError(t, err)
	require.NotContains(t, string(body), "null", "lists are empty, never null")
	require.NotContains(t, string(body), "pricing exception", "internal work is never named")
}

// A role opens no department: SQ22 and SQ23 are about roles, S67 about departments.
func TestNoRoleOpensADepartment(t *testing.T) {
	t.Parallel()
	r := onboarding.Record{
		Documents: []onboarding.Document{{Title: "Payroll", Department: "finance"}, {Title: "Diagram"}},
		Tasks:     []onboarding.Task{{Title: "Bank letter", Visibility: "restricted", Department: "finance"}, {Title: "Kick-off", Visibility: "customer"}},
		Things:    []onboarding.Thing{{Name: "Loan", Department: "finance"}},
	}
	for _, c := range []struct {
		asker onboarding.Asker
		sees  int
	}{
		{onboarding.Asker{Roles: []string{"admin"}}, 2}, {onboarding.Asker{Roles: []string{"manager"}}, 2},
		{onboarding.Asker{Roles: []string{"admin"}, Departments: []string{"technical"}}, 2}, {onboarding.Asker{Departments: []string{"finance"}}, 5},
	} {
		seen := r.For(c.asker)
		require.Len(t, append([]string{}, titles(seen)...), c.sees, "%+v", c.asker)
	}
}

func titles(r onboarding.Record) (out []string) {
	for _, d := range r.Documents {
		out = append(out, d.Title)
	}
	for _, t := range r.Tasks {
		out = append(out, t.Title)
	}
	for _, t := range r.Things {
		out = append(out, t.Name)
	}
	return out
}

// Holidays of the tenant's business calendar count in forecasts.
func TestAHolidayMovesTheForecast(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	now := time.Date(2026, 12, 21, 10, 0, 0, 0, time.UTC) // a Monday
	load := func() (r onboarding.Record) {
		require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) (err error) {
			r, err = onboarding.Load(t.Context(), tx, tenant)
			return err
		}))
		return r
	}
	project := uuid.New()
	exec := func(sql string, args ...any) {
		require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql, args...)
			return err
		}))
	}
	exec(`insert into projects (tenant_id, id, name, start_date, planned_go_live) values ($1, $2, 'P', '2026-12-01', '2026-12-28')`, tenant, project)
	exec(`insert into tasks (tenant_id, id, project_id, title, state, responsibility, duration_days, visibility) values ($1, $2, $3, 'T', 'ready', 'provider', 6, 'customer')`, tenant, uuid.New(), project)
	before := load()
	exec(`insert into business_calendars (tenant_id, hours, holidays) values ($1, '{"mon": [["09:00", "17:00"]]}', '["2026-12-25", "2026-12-24"]')`, tenant)
	after := load()
	day := func(r onboarding.Record) string { return r.GoLive(r.Day(now)).Date.Format(time.DateOnly) }
	require.Equal(t, "2026-12-28", day(before))
	require.Equal(t, "on_track", before.Health(before.Day(now)).Word)
	require.Equal(t, "2026-12-30", day(after), "Christmas is no working day")
	require.Equal(t, 2, after.Health(after.Day(now)).Variance)
}

func TestWhereAnInvitationIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	before, after := now.Add(-time.Hour), now.Add(time.Hour)
	for want, p := range map[string]onboarding.Person{
		"":        {State: "active", InvitedAt: &before, ExpiresAt: &after, BouncedAt: &before},
		"waiting": {State: "invited"},
		"sent":    {State: "invited", InvitedAt: &before, ExpiresAt: &after},
		"expired": {State: "invited", InvitedAt: &before, ExpiresAt: &before},
		"bounced": {State: "invited", InvitedAt: &before, ExpiresAt: &before, BouncedAt: &before},
	} {
		require.Equal(t, want, p.InvitationState(now))
	}
}
