package change_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

type bundle struct {
	db     *dbtest.Database
	tenant uuid.UUID
	ana    onboarding.Asker // admin
	nora   change.Author    // staff
	rules  *rule.Engine
	heard  *[]rule.Event
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{db: dbtest.New(t), heard: &[]rule.Event{}}
	b.rules = &rule.Engine{Do: func(_ context.Context, _ pgx.Tx, f rule.Fired) error {
		*b.heard = append(*b.heard, f.Event)
		return nil
	}}
	b.do(t, func(tx pgx.Tx) error {
		made, err := lifecycle.Provision(t.Context(), seeded(t, tx), lifecycle.Contract{
			Source: "webhook", ID: "c-1", At: start, Company: lifecycle.Company{Name: "Initech", Industry: "saas"},
			Contacts: []lifecycle.Contact{{Name: "Ana", Email: "ana@initech.test", Roles: []string{"admin"}}, {Name: "Bo", Email: "bo@initech.test"}},
		})
		b.tenant = made.TenantID
		return err
	})
	b.nora = change.Author{Kind: change.Staff, ID: b.db.Staff(t, "nora@usher.test", "curator"), Name: "Nora Lind"}
	b.ana = b.person(t, "ana@initech.test")
	return b
}

func seeded(t *testing.T, tx pgx.Tx) pgx.Tx {
	t.Helper()
	require.NoError(t, errors.Join(lifecycle.Seed(t.Context(), tx), rule.Seed(t.Context(), tx),
		rule.Put(t.Context(), tx, rule.Rule{Key: "next", On: rule.TaskReady, Do: rule.Action{Kind: rule.TellCustomer}, Enabled: true}),
		rule.Put(t.Context(), tx, rule.Rule{Key: "reached", On: rule.MilestoneDone, Do: rule.Action{Kind: rule.TellCustomer}, Enabled: true})))
	return tx
}

func (b *bundle) do(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", fn))
}

func (b *bundle) person(t *testing.T, email string) (a onboarding.Asker) {
	t.Helper()
	a.TenantID = b.tenant
	b.do(t, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select id, roles, departments from users where tenant_id = $1 and email = $2`, b.tenant, email).Scan(&a.UserID, &a.Roles, &a.Departments)
	})
	return a
}

func (b *bundle) apply(t *testing.T, by change.Author, c change.Change) (id uuid.UUID, changed bool, err error) {
	t.Helper()
	if c.At.IsZero() {
		c.At = start.Add(time.Hour)
	}
	err = b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
		id, changed, err = change.Apply(t.Context(), tx, b.rules, b.tenant, by, c)
		return err
	})
	return id, changed, err
}

func (b *bundle) staff(t *testing.T, entity string, id uuid.UUID, set map[string]any) {
	t.Helper()
	_, changed, err := b.apply(t, b.nora, change.Change{Entity: entity, ID: id, Set: set})
	require.NoError(t, err)
	require.True(t, changed)
}

func (b *bundle) record(t *testing.T) (r onboarding.Record) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		r, err = onboarding.Load(t.Context(), tx, b.tenant)
		return err
	}))
	return r
}

func (b *bundle) task(t *testing.T, title string) onboarding.Task {
	t.Helper()
	for _, task := range b.record(t).Tasks {
		if task.Title == title {
			return task
		}
	}
	require.Fail(t, "no task "+title)
	return onboarding.Task{}
}

func (b *bundle) milestone(t *testing.T, name string) onboarding.Milestone {
	t.Helper()
	for _, m := range b.record(t).Milestones {
		if m.Name == name {
			return m
		}
	}
	require.Fail(t, "no milestone "+name)
	return onboarding.Milestone{}
}

func (b *bundle) stages(t *testing.T) (out []string) {
	t.Helper()
	for _, s := range b.record(t).Stages {
		out = append(out, s.State)
	}
	return out
}

func (b *bundle) tick(t *testing.T, who onboarding.Asker, task uuid.UUID, done bool) error {
	t.Helper()
	return b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		return change.Tick(t.Context(), tx, b.rules, who, "Ana", task, done, start.Add(2*time.Hour))
	})
}

func TestWhatIsDoneUnlocksWhatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, []string{"active", "locked", "locked", "locked"}, b.stages(t))
	before := b.record(t).LastEvent
	b.staff(t, "task", b.task(t, "Hold the kick-off call").ID, map[string]any{"state": "done"})
	require.Equal(t, "ready", b.task(t, "Agree on goals and measures").State)
	require.Equal(t, "in_progress", b.milestone(t, "Kick-off").State)
	require.Equal(t, before+3, b.record(t).LastEvent, "the task, the one it unlocked, the milestone")
	require.Len(t, *b.heard, 1)
	require.Equal(t, map[string]string{"name": "Agree on goals and measures", "side": "customer"}, (*b.heard)[0].Fields)

	goals := b.task(t, "Agree on goals and measures")
	require.NoError(t, b.tick(t, b.ana, goals.ID, true))
	require.NoError(t, b.tick(t, b.ana, goals.ID, true), "said again")
	goals = b.task(t, "Agree on goals and measures")
	require.Equal(t, []any{"done", "Ana"}, []any{goals.State, goals.DoneBy})
	require.Equal(t, start.Add(2*time.Hour), goals.DoneAt.UTC())
	m := b.milestone(t, "Kick-off")
	require.Equal(t, "done", m.State)
	require.Equal(t, start.Add(2*time.Hour), m.CompletedAt.UTC())
	require.Equal(t, []string{"done", "active", "locked", "locked"}, b.stages(t))
	require.Equal(t, "ready", b.task(t, "Name the administrators").State)

	// And back: what builds on it has not begun.
	require.NoError(t, b.tick(t, b.ana, goals.ID, false))
	require.Equal(t, "not_ready", b.task(t, "Name the administrators").State)
	m = b.milestone(t, "Kick-off")
	require.Equal(t, "in_progress", m.State)
	require.Nil(t, m.CompletedAt)
	require.Equal(t, []string{"active", "locked", "locked", "locked"}, b.stages(t))
	require.NoError(t, b.tick(t, b.ana, goals.ID, true))
	b.staff(t, "task", b.task(t, "Name the administrators").ID, map[string]any{"state": "in_progress"})
	require.ErrorIs(t, b.tick(t, b.ana, goals.ID, false), change.ErrTick)
}

func TestOnlyWhoseTaskItIsMayTickIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bo := b.person(t, "bo@initech.test")
	b.staff(t, "task", b.task(t, "Hold the kick-off call").ID, map[string]any{"state": "done"})
	goals := b.task(t, "Agree on goals and measures")
	require.ErrorIs(t, b.tick(t, b.ana, b.task(t, "Hold the kick-off call").ID, false), change.ErrTick, "the provider's")
	require.ErrorIs(t, b.tick(t, b.ana, b.task(t, "Name the administrators").ID, true), change.ErrTick, "it waits")
	require.ErrorIs(t, b.tick(t, b.ana, uuid.New(), true), change.ErrNotFound)

	b.staff(t, "task", goals.ID, map[string]any{"assignee_id": b.ana.UserID.String()})
	require.Equal(t, "Ana", b.task(t, goals.Title).AssigneeName)
	require.ErrorIs(t, b.tick(t, bo, goals.ID, true), change.ErrTick, "another person's")
	b.staff(t, "task", goals.ID, map[string]any{"assignee_id": nil, "visibility": "restricted", "department": "finance"})
	require.Empty(t, b.task(t, goals.Title).AssigneeName)
	require.ErrorIs(t, b.tick(t, bo, goals.ID, true), change.ErrNotFound, "of a department he is not in")
	bo.Departments = []string{"finance"}
	require.NoError(t, b.tick(t, bo, goals.ID, true))
	require.ErrorIs(t, b.tick(t, onboarding.Asker{TenantID: b.db.Tenant(t, "other"), UserID: uuid.New(), Roles: []string{"admin"}}, goals.ID, true), onboarding.ErrNoProject)
}

func TestPeopleAreToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.record(t)
	kickoff, goLive := b.milestone(t, "Kick-off").ID, b.milestone(t, "Go-live").ID
	call, goals := b.task(t, "Hold the kick-off call").ID, b.task(t, "Agree on goals and measures").ID
	document := r.Documents[0].ID
	for name, c := range map[string]struct {
		entity string
		id     uuid.UUID
		set    map[string]any
		want   string
	}{
		"an unknown field":           {"task", call, map[string]any{"colour": "red"}, "colour is not a field"},
		"an unknown state":           {"task", call, map[string]any{"state": "nearly"}, "state must be one of"},
		"no day":                     {"task", call, map[string]any{"due": "tomorrow"}, "due must be a day"},
		"a circle":                   {"task", call, map[string]any{"needs": []any{goals.String()}}, "circle"},
		"itself":                     {"task", call, map[string]any{"needs": []any{call.String()}}, "circle"},
		"somebody else's person":     {"task", call, map[string]any{"assignee_id": uuid.NewString()}, "must be of this organisation"},
		"no department":              {"task", call, map[string]any{"visibility": "restricted"}, "department is needed"},
		"an empty title":             {"task", call, map[string]any{"title": " "}, "title must not be empty"},
		"a new one without a side":   {"task", uuid.Nil, map[string]any{"title": "Call"}, "responsibility is needed"},
		"open tasks":                 {"milestone", kickoff, map[string]any{"state": "done"}, "tasks of it are open: Agree on goals and measures, Hold the kick-off call"},
		"going live by hand":         {"milestone", goLive, map[string]any{"state": "done"}, "going live"},
		"a pause without a reason":   {"project", uuid.Nil, map[string]any{"state": "on_hold"}, "hold_reason is needed"},
		"live by hand":               {"project", uuid.Nil, map[string]any{"state": "live"}, "must be one of"},
		"a review of nothing":        {"document", document, map[string]any{"state": "in_review"}, "no version"},
		"accepted by hand":           {"document", document, map[string]any{"state": "accepted"}, "must be one of"},
		"a link that is none":        {"meeting", uuid.Nil, map[string]any{"title": "Call", "starts_at": "2026-12-01T10:00:00Z", "join_link": "javascript:alert(1)"}, "https://"},
		"a verification's own state": {"verification", uuid.Nil, map[string]any{"kind": "kyb", "provider": "onfido", "provider_ref": "run-1", "customer_state": "verified"}, "customer_state is held by onfido, sumsub, stripe"},
		"a stage that must wait":     {"stage", r.Stages[0].ID, map[string]any{"state": "locked"}, "follows from its milestones"},
		"a reference by hand":        {"task", call, map[string]any{"external_ref": "OPS-1"}, "can only be taken away"},
	} {
		_, _, err := b.apply(t, b.nora, change.Change{Entity: c.entity, ID: c.id, Set: c.set})
		require.ErrorContains(t, err, c.want, name)
	}
	_, _, err := b.apply(t, b.nora, change.Change{Entity: "task", ID: uuid.New(), Set: map[string]any{"title": "x"}})
	require.ErrorIs(t, err, change.ErrNotFound)
	_, _, err = b.apply(t, b.nora, change.Change{Entity: "envelope", ID: uuid.New()})
	require.ErrorIs(t, err, change.ErrNotFound, "signatures are the provider's")
	require.Equal(t, r, b.record(t), "nothing of it was kept")
}

func TestWhoWasSlowerIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var seen []change.Item
	list := func() {
		b.do(t, func(tx pgx.Tx) (err error) {
			seen, err = change.List(t.Context(), tx, b.tenant)
			return err
		})
	}
	list()
	item := func() change.Item {
		for _, i := range seen {
			if i.Entity == "task" && i.Fields["title"] == "Hold the kick-off call" {
				return i
			}
		}
		return change.Item{}
	}
	first := item()
	_, changed, err := b.apply(t, b.nora, change.Change{Entity: "task", ID: first.ID, Version: first.Version, Set: map[string]any{"note": "By video"}})
	require.NoError(t, err)
	require.True(t, changed)
	_, _, err = b.apply(t, b.nora, change.Change{Entity: "task", ID: first.ID, Version: first.Version, Set: map[string]any{"note": "By phone"}})
	require.ErrorIs(t, err, change.ErrVersion)
	list()
	_, changed, err = b.apply(t, b.nora, change.Change{Entity: "task", ID: first.ID, Version: item().Version, Set: map[string]any{"note": "By video"}})
	require.NoError(t, err)
	require.False(t, changed, "nothing new")
	require.Equal(t, "By video", b.task(t, "Hold the kick-off call").Note)
}

func TestWhatAnotherSystemHoldsIsChangedThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	jira := change.Author{Kind: change.Source, Name: "jira"}
	say := func(at time.Duration, set map[string]any) (uuid.UUID, bool) {
		set["title"], set["responsibility"] = "Hold the kick-off call", "provider"
		id, changed, err := b.apply(t, jira, change.Change{Entity: "task", Ref: "OPS-7", Set: set, At: start.Add(at)})
		require.NoError(t, err)
		return id, changed
	}
	id, changed := say(time.Hour, map[string]any{"state": "in_progress"})
	require.True(t, changed)
	require.Equal(t, b.task(t, "Hold the kick-off call").ID, id, "known by its name at first")
	_, changed = say(time.Hour, map[string]any{"state": "in_progress"})
	require.False(t, changed)
	_, changed = say(time.Minute, map[string]any{"state": "done"})
	require.False(t, changed, "old news")
	_, _, err := b.apply(t, b.nora, change.Change{Entity: "task", ID: id, Set: map[string]any{"state": "done"}})
	var held *change.OwnedError
	require.ErrorAs(t, err, &held)
	require.Equal(t, change.OwnedError{Field: "state", Source: "jira", Released: true}, *held)
	b.staff(t, "task", id, map[string]any{"note": "By video"}) // nobody else has a word in it

	b.staff(t, "task", id, map[string]any{"external_ref": ""})
	b.staff(t, "task", id, map[string]any{"state": "done"})
	require.Equal(t, "done", b.task(t, "Hold the kick-off call").State)

	// A connection is its platform's once it has spoken or is named.
	var integration uuid.UUID
	integration, _, err = b.apply(t, b.nora, change.Change{Entity: "integration", Set: map[string]any{"connector": "SAP", "environment": "production"}})
	require.NoError(t, err)
	b.staff(t, "integration", integration, map[string]any{"auth_state": "connecting", "external_ref": "conn-1"})
	_, _, err = b.apply(t, b.nora, change.Change{Entity: "integration", ID: integration, Set: map[string]any{"auth_state": "connected"}})
	require.ErrorAs(t, err, &held)
	require.Equal(t, "integration", held.Source)
}

// A calendar of one task, one meeting, one milestone and the stage told by another
// system, five at a time and in any order, with people in between.
func TestNewsInAnyOrderEndsAlike(t *testing.T) {
	t.Parallel()
	type word struct {
		entity, ref string
		set         map[string]any
		after       time.Duration
	}
	task := func(ref, title, state string, after time.Duration, more ...any) word {
		set := map[string]any{"title": title, "responsibility": "provider", "state": state, "visibility": "customer"}
		for i := 0; i < len(more); i += 2 {
			set[more[i].(string)] = more[i+1] //nolint:forcetypeassert // written here
		}
		return word{"task", ref, set, after}
	}
	words := []word{
		task("OPS-1", "Hold the kick-off call", "in_progress", 1), task("OPS-1", "Hold the kick-off call", "done", 3), task("OPS-1", "Hold the kick-off call", "done", 5),
		task("OPS-2", "Agree on goals and measures", "ready", 2), task("OPS-2", "Agree on goals and measures", "done", 6), task("OPS-2", "Agree on goals and measures", "in_review", 8),
		task("OPS-2", "Agree on goals and measures", "done", 9, "due", "2026-12-04"), task("OPS-2", "Agree on goals and measures", "blocked", 9),
		task("OPS-9", "Load the archive", "ready", 4, "duration_days", 3.0), task("OPS-9", "Load the old archive", "in_progress", 7), task("OPS-9", "Load the archive", "cancelled", 7),
		{"meeting", "cal-1", map[string]any{"title": "Review", "starts_at": "2026-12-01T10:00:00Z"}, 1},
		{"meeting", "cal-1", map[string]any{"title": "Review", "starts_at": "2026-12-02T10:00:00+01:00", "state": "cancelled"}, 4},
		{"meeting", "cal-2", map[string]any{"title": "Review 2", "starts_at": "2026-12-05T10:00:00Z", "attendees": []any{"Nora"}}, 4},
		{"milestone", "M-1", map[string]any{"name": "Accounts and access", "due": "2026-12-20"}, 2}, {"milestone", "M-1", map[string]any{"name": "Accounts and access", "due": "2026-12-21", "state": "at_risk"}, 6},
		{"environment", "E-1", map[string]any{"kind": "production", "state": "ready", "keys_state": "ready", "keys_issued_at": "2026-11-25T10:00:00Z"}, 5}, {"environment", "E-1", map[string]any{"kind": "production", "state": "provisioning"}, 3},
		{"project", "P", map[string]any{"owner_name": "Tom Becker"}, 2}, {"project", "P", map[string]any{"owner_name": "Nora Lind", "planned_go_live": "2027-01-11"}, 3},
	}
	r := rand.New(rand.NewPCG(7, 8))
	var want map[string]string
	for round := range 6 {
		b := setup(t)
		order := append(append([]word{}, words...), words[:5]...) // some twice
		if round > 0 {
			r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		queue := make(chan word)
		var wg sync.WaitGroup
		failed := make([]error, 5)
		workers := 5
		if round == 0 {
			workers = 1
		}
		for i := range workers {
			wg.Go(func() {
				for w := range queue {
					err := b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
						_, _, err := change.Apply(t.Context(), tx, nil, b.tenant, change.Author{Kind: change.Source, Name: "jira"}, change.Change{Entity: w.entity, Ref: w.ref, Set: w.set, At: start.Add(w.after * time.Hour)})
						return err
					})
					failed[i] = errors.Join(failed[i], err)
				}
			})
		}
		for _, w := range order {
			queue <- w
		}
		close(queue)
		wg.Wait()
		require.NoError(t, errors.Join(failed...))
		got := b.told(t)
		if want == nil {
			want = got
			require.Equal(t, "done", got["task/Hold the kick-off call"][:4])
			require.NotContains(t, got, "meeting/Review")
		}
		require.Equal(t, want, got, "round %d: %v", round, order)
	}
}

// told is the record in short.
func (b *bundle) told(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	r := b.record(t)
	day := func(at *time.Time) string {
		if at == nil {
			return "-"
		}
		return at.UTC().Format(time.RFC3339)
	}
	for _, s := range r.Stages {
		out["stage/"+s.Name] = s.State
	}
	for _, m := range r.Milestones {
		out["milestone/"+m.Name] = m.State + " " + day(m.Due) + " " + day(m.CompletedAt)
	}
	for _, x := range r.Tasks {
		out["task/"+x.Title] = x.State + " " + day(x.Due) + " " + day(x.DoneAt) + " " + x.Visibility
	}
	for _, x := range r.Meetings {
		out["meeting/"+x.Title] = x.StartsAt.UTC().String() + fmt.Sprint(x.Attendees)
	}
	for _, x := range r.Environments {
		out["environment/"+x.Kind] = x.State + x.KeysState + day(x.KeysIssuedAt)
	}
	out["project"] = r.Project.OwnerName + day(r.Project.PlannedGoLive)
	return out
}

func TestACourseReachesItsMilestoneAndStage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kickoff := b.milestone(t, "Kick-off")
	b.do(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update enrolments set milestone_id = $2 where tenant_id = $1`, b.tenant, kickoff.ID)
		return err
	})
	for _, title := range []string{"Hold the kick-off call", "Agree on goals and measures"} {
		b.staff(t, "task", b.task(t, title).ID, map[string]any{"state": "done"})
	}
	require.Equal(t, "in_progress", b.milestone(t, "Kick-off").State, "a course of it is open")
	b.do(t, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `update enrolments set state = 'passed' where tenant_id = $1`, b.tenant); err != nil {
			return err
		}
		return change.Settle(t.Context(), tx, b.rules, b.tenant, kickoff.ID, start.Add(3*time.Hour))
	})
	require.Equal(t, "done", b.milestone(t, "Kick-off").State)
	require.Equal(t, []string{"done", "active", "locked", "locked"}, b.stages(t))
}

func TestChangesAreInTheAuditWithoutTheirTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.staff(t, "task", b.task(t, "Hold the kick-off call").ID, map[string]any{"state": "blocked", "blocker_internal": "SECRET", "blocker_customer": "We wait for the room."})
	before := b.record(t).LastEvent
	b.staff(t, "task", b.task(t, "Hold the kick-off call").ID, map[string]any{"blocker_internal": "SECRET too"})
	require.Equal(t, before, b.record(t).LastEvent, "what is staff's alone moves no page")
	b.do(t, func(tx pgx.Tx) error {
		var all string
		var kind, action string
		if err := tx.QueryRow(t.Context(), `select string_agg(detail::text, ' ' order by id), min(actor_kind), min(action) from audit_events where tenant_id = $1 and action like 'onboarding.%'`, b.tenant).Scan(&all, &kind, &action); err != nil {
			return err
		}
		require.Contains(t, all, `"to": "blocked"`)
		require.NotContains(t, all, "SECRET")
		require.Equal(t, []string{"staff", "onboarding.task"}, []string{kind, action})
		return nil
	})
}

// A provider's event that names no tenant is found by its reference: it may be one
// customer's only.
func TestACheckOfAProviderIsOneCustomersOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	check := map[string]any{"kind": "kyb", "provider": "onfido", "provider_ref": "run-7"}
	_, changed, err := b.apply(t, b.nora, change.Change{Entity: "verification", Set: check})
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, "needs_information", b.record(t).Verifications[0].State)
	_, _, err = b.apply(t, b.nora, change.Change{Entity: "verification", Set: check})
	require.ErrorContains(t, err, "provider_ref is another record's already")
	err = b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		made, err := lifecycle.Provision(t.Context(), tx, lifecycle.Contract{
			Source: "webhook", ID: "c-2", At: start, Company: lifecycle.Company{Name: "Umbrella", Industry: "saas"}, Contacts: []lifecycle.Contact{{Email: "eve@umbrella.test"}},
		})
		require.NoError(t, err)
		_, _, err = change.Apply(t.Context(), tx, nil, made.TenantID, b.nora, change.Change{Entity: "verification", Set: check, At: start})
		return err
	})
	require.ErrorContains(t, err, "provider_ref is another customer's")
}

// What an ERP says again of a document, or under the name of one there is, asks the
// customer for nothing twice.
func TestADocumentIsAskedForOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	erp := change.Author{Kind: change.Source, Name: "erp"}
	before := b.record(t).Documents
	first, changed, err := b.apply(t, erp, change.Change{Entity: "document", Ref: "D-1", Set: map[string]any{"title": "Articles"}})
	require.NoError(t, err)
	require.True(t, changed)
	again, changed, err := b.apply(t, erp, change.Change{Entity: "document", Ref: "D-1", Set: map[string]any{"title": "Articles"}})
	require.NoError(t, err)
	require.False(t, changed)
	require.Equal(t, first, again)
	renamed, changed, err := b.apply(t, erp, change.Change{Entity: "document", Ref: "D-1", Set: map[string]any{"title": "Articles of association"}, At: start.Add(2 * time.Hour)})
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, first, renamed)
	known, _, err := b.apply(t, erp, change.Change{Entity: "document", Ref: "D-2", Set: map[string]any{"title": before[0].Title}})
	require.NoError(t, err)
	require.Equal(t, before[0].ID, known, "known by its name at first")
	require.Len(t, b.record(t).Documents, len(before)+1)
}

// Keys that are ready but whose system does not say since when are ready since it said so.
func TestReadyKeysMayHaveNoTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	erp := change.Author{Kind: change.Source, Name: "erp"}
	set := map[string]any{"kind": "production", "keys_state": "ready", "keys_issued_at": nil}
	for range 3 {
		_, _, err := b.apply(t, erp, change.Change{Entity: "environment", Ref: "E-1", Set: set})
		require.NoError(t, err)
		told := b.told(t)["environment/production"]
		require.Contains(t, told, "ready"+start.Add(time.Hour).Format(time.RFC3339))
	}
}

// Of a task that is for a department only its people hear, also where it could begin
// because another was done.
func TestADepartmentsTaskIsItsOwnNews(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, func(tx pgx.Tx) error {
		return rule.Put(t.Context(), tx, rule.Rule{Key: "ended", On: rule.TaskDone, Do: rule.Action{Kind: rule.TellCustomer}, Enabled: true})
	})
	goals := b.task(t, "Agree on goals and measures")
	b.staff(t, "task", goals.ID, map[string]any{"visibility": "restricted", "department": "finance"})
	*b.heard = nil
	b.staff(t, "task", b.task(t, "Hold the kick-off call").ID, map[string]any{"state": "done"})
	b.staff(t, "task", goals.ID, map[string]any{"state": "done"})
	heard := map[string]string{}
	for _, e := range *b.heard {
		heard[e.Kind+" "+e.Fields["name"]] = e.Department
	}
	require.Equal(t, "finance", heard["task.ready Agree on goals and measures"])
	require.Equal(t, "finance", heard["task.done Agree on goals and measures"])
	require.Contains(t, heard, "task.done Hold the kick-off call")
	require.Empty(t, heard["task.done Hold the kick-off call"])
}

// A done task opened anew that has to wait again is told of once, not also as what
// follows.
func TestATaskThatWaitsAgainIsToldOfOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	goals := b.task(t, "Agree on goals and measures").ID
	b.staff(t, "task", goals, map[string]any{"state": "done"})
	told := func() (n int) {
		b.do(t, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from onboarding_events where tenant_id = $1 and entity_id = $2 and kind = 'task.not_ready'`, b.tenant, goals).Scan(&n)
		})
		return n
	}
	before := told()
	b.staff(t, "task", goals, map[string]any{"state": "ready"})
	require.Equal(t, "not_ready", b.task(t, "Agree on goals and measures").State, "the call was not held")
	require.Equal(t, before+1, told())
}
