package lifecycle_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

var signed = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func contract() lifecycle.Contract {
	return lifecycle.Contract{
		Source: "hubspot", ID: "deal-1", At: signed, Owner: "Nora Lind", OwnerMail: "nora@provider.test",
		Company: lifecycle.Company{Name: "Müller & Söhne", TimeZone: "Europe/Berlin", Industry: "logistics", CRMRef: "crm-7"},
		Contacts: []lifecycle.Contact{
			{Name: "Ana", Email: "ana@mueller.test", Roles: []string{"admin"}},
			{Email: "bo@mueller.test"}, {Name: "Ana again", Email: "ANA@mueller.test", Roles: []string{"admin"}},
		},
	}
}

func setup(t *testing.T) *dbtest.Database {
	t.Helper()
	db := dbtest.New(t)
	system(t, db, func(tx pgx.Tx) error { return errors.Join(lifecycle.Seed(t.Context(), tx), rule.Seed(t.Context(), tx)) })
	return db
}

func system(t *testing.T, db *dbtest.Database, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, db.Worker.WithSystem(t.Context(), "lifecycle", fn))
}

func TestFiveParallelDeliveriesMakeOneWorkspace(t *testing.T) {
	t.Parallel()
	db := setup(t)
	var wg sync.WaitGroup
	results, problems := make([]lifecycle.Provisioned, 5), make([]error, 5)
	for i := range results {
		wg.Go(func() {
			c := contract()
			c.At = signed.Add(time.Duration(2-i) * time.Minute) // and out of order
			problems[i] = db.Worker.WithSystem(t.Context(), "lifecycle", func(tx pgx.Tx) (err error) {
				results[i], err = lifecycle.Provision(t.Context(), tx, c)
				return err
			})
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(problems...))
	created := 0
	for _, r := range results {
		require.Equal(t, results[0].TenantID, r.TenantID)
		if r.Created {
			created++
		}
	}
	require.Equal(t, 1, created)
	tenant := results[0].TenantID
	system(t, db, func(tx pgx.Tx) error {
		var slug, state, crm string
		var users, invitations, targets int
		err := tx.QueryRow(t.Context(), `select slug, lifecycle_state, crm_account_ref, (select count(*) from users where tenant_id = t.id and state = 'invited'),
			(select count(*) from invitations where tenant_id = t.id), (select count(*) from sla_policies where tenant_id = t.id) from tenants t where id = $1`, tenant).
			Scan(&slug, &state, &crm, &users, &invitations, &targets)
		require.Equal(t, []any{"muller-sohne", "active", "crm-7", 2, 2, 1}, []any{slug, state, crm, users, invitations, targets})
		return err
	})
	r := record(t, db, tenant)
	require.Equal(t, "Logistics onboarding", r.Project.Name)
	require.Len(t, r.Stages, 4)
	require.NotEmpty(t, r.Tasks)
	forecast := r.GoLive(r.Project.StartDate)
	require.NotNil(t, forecast.Date)
	require.Equal(t, *r.Project.PlannedGoLive, *forecast.Date, "a fresh project is exactly on plan")
	require.Equal(t, "on_track", r.Health(r.Project.StartDate).Word)
	require.NotNil(t, r.Project.ChampionID)
}

func record(t *testing.T, db *dbtest.Database, tenant uuid.UUID) (r onboarding.Record) {
	t.Helper()
	require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) (err error) {
		r, err = onboarding.Load(t.Context(), tx, tenant)
		return err
	}))
	return r
}

func TestACancelledContractGetsNoWorkspaceWhateverTheOrder(t *testing.T) {
	t.Parallel()
	cancelled := contract()
	cancelled.Cancelled, cancelled.At = true, signed.Add(time.Hour)
	for name, order := range map[string][]lifecycle.Contract{
		"cancelled first":       {cancelled, contract()},
		"cancelled, then again": {cancelled, cancelled, contract()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := setup(t)
			for _, c := range order {
				system(t, db, func(tx pgx.Tx) error {
					got, err := lifecycle.Provision(t.Context(), tx, c)
					require.Zero(t, got)
					return err
				})
			}
		})
	}
	t.Run("signed again after a cancellation", func(t *testing.T) {
		t.Parallel()
		db := setup(t)
		again := contract()
		again.At = signed.Add(2 * time.Hour)
		system(t, db, func(tx pgx.Tx) error {
			_, err := lifecycle.Provision(t.Context(), tx, cancelled)
			require.NoError(t, err)
			got, err := lifecycle.Provision(t.Context(), tx, again)
			require.True(t, got.Created)
			return err
		})
	})
}

func TestPeopleOfOtherOrganisationsAreNotTaken(t *testing.T) {
	t.Parallel()
	db := setup(t)
	other := db.Tenant(t, "other")
	db.User(t, other, "bo@mueller.test")
	system(t, db, func(tx pgx.Tx) error {
		got, err := lifecycle.Provision(t.Context(), tx, contract())
		require.True(t, got.Created)
		require.Equal(t, 1, got.Refused)
		second := contract()
		second.ID, second.Contacts = "deal-2", []lifecycle.Contact{{Email: "new@mueller.test"}}
		again, err2 := lifecycle.Provision(t.Context(), tx, second)
		require.NotEqual(t, got.TenantID, again.TenantID, "another contract of a company of the same name is another workspace")
		return errors.Join(err, err2)
	})
}

func TestABadContractSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*lifecycle.Contract){
		"source":    func(c *lifecycle.Contract) { c.Source = "" },
		"no name":   func(c *lifecycle.Contract) { c.Company.Name = " " },
		"nobody":    func(c *lifecycle.Contract) { c.Contacts = nil },
		"time zone": func(c *lifecycle.Contract) { c.Company.TimeZone = "Mars/Base" },
		"e-mail":    func(c *lifecycle.Contract) { c.Contacts[0].Email = "Ana <ana@x.test>" },
	} {
		c := contract()
		change(&c)
		_, err := lifecycle.Provision(t.Context(), nil, c)
		require.ErrorIs(t, err, lifecycle.ErrBadContract, want)
		require.ErrorContains(t, err, want)
	}
	db := setup(t)
	c := contract()
	c.Template = "moon"
	err := db.Worker.WithSystem(t.Context(), "lifecycle", func(tx pgx.Tx) error {
		_, err := lifecycle.Provision(t.Context(), tx, c)
		return err
	})
	require.ErrorIs(t, err, lifecycle.ErrNoTemplate)
}

// throughTheWork does what staff, customers and other systems do until a project can
// go live, by the product's own ways.
func throughTheWork(t *testing.T, db *dbtest.Database, rules *rule.Engine, tenant uuid.UUID, now time.Time) {
	t.Helper()
	nora := change.Author{Kind: change.Staff, ID: db.Staff(t, "nora@provider.test", "curator"), Name: "Nora Lind"}
	put := func(entity string, id uuid.UUID, set map[string]any) {
		system(t, db, func(tx pgx.Tx) error {
			_, _, err := change.Apply(t.Context(), tx, rules, tenant, nora, change.Change{Entity: entity, ID: id, Set: set, At: now})
			return err
		})
	}
	for r := record(t, db, tenant); ; r = record(t, db, tenant) { // what is done unlocks the next
		begun := false
		for _, task := range r.Tasks {
			if task.State == "ready" {
				put("task", task.ID, map[string]any{"state": "done"})
				begun = true
			}
		}
		if !begun {
			break
		}
	}
	r := record(t, db, tenant)
	for _, d := range r.Documents {
		put("document", d.ID, map[string]any{"state": "waived"})
	}
	for _, e := range r.Environments {
		put("environment", e.ID, map[string]any{"state": "ready", "keys_state": "ready"})
	}
	feeds := &feed.Feed{Rules: rules}
	for i, c := range r.Integrations {
		ref := "conn-" + strconv.Itoa(i)
		put("integration", c.ID, map[string]any{"external_ref": ref})
		system(t, db, func(tx pgx.Tx) error {
			_, err := feeds.Integration(t.Context(), tx, tenant, feed.Integration{Ref: ref, At: now.Add(time.Minute), AuthState: "connected", SyncState: "ok"})
			return err
		})
	}
	r = record(t, db, tenant)
	for _, m := range r.Milestones {
		require.Equal(t, !m.GoLive, m.State == "done", m.Name)
	}
}

func TestGoingLiveIsChecked(t *testing.T) {
	t.Parallel()
	db := setup(t)
	var tenant uuid.UUID
	var told []string
	rules := &rule.Engine{Do: func(_ context.Context, _ pgx.Tx, f rule.Fired) error {
		told = append(told, f.Rule)
		return nil
	}}
	system(t, db, func(tx pgx.Tx) error {
		got, err := lifecycle.Provision(t.Context(), tx, contract())
		tenant = got.TenantID
		return err
	})
	now := signed.AddDate(0, 1, 0)
	system(t, db, func(tx pgx.Tx) error {
		checks, err := lifecycle.GoLive(t.Context(), tx, rules, tenant, now)
		require.ErrorIs(t, err, lifecycle.ErrNotReady)
		open := map[string]string{}
		for _, c := range checks {
			if !c.OK {
				open[c.Name] = c.Open
			}
		}
		require.Contains(t, open["integrations"], "Transport management system")
		require.Contains(t, open["documents"], "Insurance certificate")
		require.Contains(t, open, "tasks")
		require.Contains(t, open, "environments")
		return nil
	})
	throughTheWork(t, db, rules, tenant, now)
	system(t, db, func(tx pgx.Tx) error {
		if _, err := lifecycle.GoLive(t.Context(), tx, rules, tenant, now); err != nil {
			return err
		}
		_, err := lifecycle.GoLive(t.Context(), tx, rules, tenant, now.Add(time.Hour)) // again
		return err
	})
	require.Equal(t, []string{"live_closing"}, told)
	r := record(t, db, tenant)
	require.Equal(t, "live", r.Project.State)
	require.Equal(t, "2026-12-23", r.Project.ActualGoLive.Format(time.DateOnly))
	require.Equal(t, "live", r.Health(r.Day(now)).Word)
	system(t, db, func(tx pgx.Tx) error {
		var always bool
		return tx.QueryRow(t.Context(), `select always from sla_policies where tenant_id = $1 and priority = 'urgent'`, tenant).Scan(&always)
	})
}

func TestOnlyAllowedTransitionsHappen(t *testing.T) {
	t.Parallel()
	db := setup(t)
	tenant := db.Tenant(t, "acme") // active
	for _, step := range []struct {
		to lifecycle.State
		ok bool
	}{
		{lifecycle.Erased, false}, {lifecycle.Suspended, true}, {lifecycle.Suspended, true}, {lifecycle.Active, true}, {lifecycle.Live, true},
		{lifecycle.Active, false}, {lifecycle.Offboarding, true}, {lifecycle.Live, false}, {lifecycle.Erased, true}, {lifecycle.Active, false},
	} {
		err := db.Worker.WithSystem(t.Context(), "lifecycle", func(tx pgx.Tx) error { return lifecycle.Transition(t.Context(), tx, tenant, step.to) })
		if step.ok {
			require.NoError(t, err, step.to)
		} else {
			require.ErrorIs(t, err, lifecycle.ErrTransition, step.to)
		}
	}
}

func TestShippedTemplatesAreGoodAndBadOnesAreNamed(t *testing.T) {
	t.Parallel()
	templates, err := lifecycle.Shipped()
	require.NoError(t, err)
	require.Len(t, templates, 3)
	const good = `
key: x
version: 1
name: X
stages:
  - name: S
    milestones:
      - name: M
        go_live: true
        tasks:
          - {code: a, title: A, side: customer, days: 1}
          - {code: b, title: B, side: provider, days: 1, needs: [a]}
`
	_, err = lifecycle.ParseTemplate([]byte(good))
	require.NoError(t, err)
	for want, change := range map[string][2]string{
		"does not exist":      {"needs: [a]", "needs: [c]"},
		"wait for each other": {"side: customer, days: 1", "side: customer, days: 1, needs: [b]"},
		"unknown side":        {"side: customer", "side: moon"},
		"go-live":             {"go_live: true", "go_live: false"},
		"code of its own":     {"code: b", "code: a"},
		"colour":              {"name: S", "colour: S"},
	} {
		_, err := lifecycle.ParseTemplate([]byte(strings.Replace(good, change[0], change[1], 1)))
		require.ErrorIs(t, err, lifecycle.ErrBadTemplate, want)
		require.ErrorContains(t, err, want)
	}
}

func TestDepartmentsOfTheTemplateHaveSomebody(t *testing.T) {
	t.Parallel()
	db := setup(t)
	c := contract()
	c.Company.Industry = "fintech"
	c.Contacts = []lifecycle.Contact{
		{Name: "Ana", Email: "ana@mueller.test", Roles: []string{"admin"}}, {Name: "Bo", Email: "bo@mueller.test", Departments: []string{"finance"}},
	}
	departments := map[string][]string{}
	system(t, db, func(tx pgx.Tx) error {
		got, err := lifecycle.Provision(t.Context(), tx, c)
		if err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), `select display_name, departments from users where tenant_id = $1`, got.TenantID)
		if err != nil {
			return err
		}
		var name string
		var list []string
		_, err = pgx.ForEachRow(rows, []any{&name, &list}, func() error { departments[name] = list; return nil })
		return err
	})
	require.Equal(t, map[string][]string{"Ana": {"executive", "technical"}, "Bo": {"finance"}}, departments)
	require.Empty(t, c.Contacts[0].Departments, "the caller's contract is as it was")
}

// Two different contracts that name the same people, at once: each person ends
// up in one organisation, and nobody waits for ever.
func TestParallelContractsNeverShareAPerson(t *testing.T) {
	t.Parallel()
	db := setup(t)
	var wg sync.WaitGroup
	problems := make([]error, 8)
	for i := range problems {
		wg.Go(func() {
			c := contract()
			c.ID, c.Company.Name = "deal-"+strings.Repeat("x", i), "Company "+strings.Repeat("x", i)
			if i%2 == 1 {
				c.Contacts[0], c.Contacts[1] = c.Contacts[1], c.Contacts[0]
			}
			problems[i] = db.Worker.WithSystem(t.Context(), "lifecycle", func(tx pgx.Tx) error {
				_, err := lifecycle.Provision(t.Context(), tx, c)
				return err
			})
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(problems...))
	system(t, db, func(tx pgx.Tx) error {
		var tenants, twice int
		if err := tx.QueryRow(t.Context(), `select (select count(*) from tenants), (select count(*) from (select from users group by email_normalized having count(*) > 1) d)`).Scan(&tenants, &twice); err != nil {
			return err
		}
		require.Equal(t, 8, tenants)
		require.Zero(t, twice)
		return nil
	})
}

func TestNamesThatNoTemplateHasAnyMoreAreKnown(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	publish := func(version int, body string) {
		template, err := lifecycle.ParseTemplate([]byte(strings.ReplaceAll(body, "VERSION", strconv.Itoa(version))))
		require.NoError(t, err)
		system(t, db, func(tx pgx.Tx) error {
			_, err := lifecycle.Publish(t.Context(), tx, template)
			return err
		})
	}
	publish(1, `{key: one, version: VERSION, name: One, stages: [{name: First steps, milestones: [{name: Go live, go_live: true, tasks: [{code: a, title: Sign the order form, side: customer, days: 1}]}]}], documents: [{title: Proof of address, days: 3}, {title: Tax form, days: 3}]}`)
	publish(2, `{key: one, version: VERSION, name: One, stages: [{name: First steps, milestones: [{name: Go live, go_live: true, tasks: [{code: a, title: Sign the contract, side: customer, days: 1}]}]}], documents: [{title: Address certificate, aliases: [proof of address], days: 3}]}`)
	var names []lifecycle.Name
	system(t, db, func(tx pgx.Tx) (err error) { names, err = lifecycle.GoneNames(t.Context(), tx); return err })
	require.ElementsMatch(t, []lifecycle.Name{
		{Kind: "task", Name: "Sign the order form", Now: "Sign the contract"},
		{Kind: "document", Name: "Proof of address", Now: "Address certificate"},
		{Kind: "document", Name: "Tax form"},
	}, names)
}
