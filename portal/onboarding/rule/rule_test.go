package rule_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

func TestARuleActsOnceOnASubjectUnderParallelDeliveries(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	system := func(fn func(tx pgx.Tx) error) error { return db.Worker.WithSystem(t.Context(), "rules", fn) }
	require.NoError(t, system(func(tx pgx.Tx) error { return rule.Seed(t.Context(), tx) }))
	var mu sync.Mutex
	done := map[string]int{}
	engine := &rule.Engine{Do: func(_ context.Context, _ pgx.Tx, f rule.Fired) error {
		mu.Lock()
		defer mu.Unlock()
		done[f.Rule+" "+f.Action.Kind]++
		return nil
	}}
	event := rule.Event{TenantID: tenant, Kind: rule.DocumentRejected, Subject: "document/1/v2", Fields: map[string]string{"rejections": "2"}}
	var wg sync.WaitGroup
	problems := make([]error, 5)
	for i := range problems {
		wg.Go(func() {
			problems[i] = system(func(tx pgx.Tx) error {
				_, err := engine.Run(t.Context(), tx, event)
				return err
			})
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(problems...))
	require.Equal(t, map[string]int{"document_rejected tell_customer": 1, "second_rejection open_ticket": 1}, done)

	event.Subject, event.Fields = "document/1/v3", map[string]string{"rejections": "1"}
	require.NoError(t, system(func(tx pgx.Tx) error {
		if on, err := rule.Switch(t.Context(), tx, "document_rejected", false); err != nil || !on {
			return errors.Join(err, errors.New("no such rule"))
		}
		fired, err := engine.Run(t.Context(), tx, event)
		require.Empty(t, fired, "switched off, and the first rejection only")
		return err
	}))
	require.NoError(t, system(func(tx pgx.Tx) error { return rule.Seed(t.Context(), tx) }))
	require.NoError(t, system(func(tx pgx.Tx) error {
		rules, err := rule.List(t.Context(), tx)
		for _, r := range rules {
			require.Equal(t, r.Key != "document_rejected", r.Enabled, "seeding again keeps switches")
		}
		return err
	}))
}

func TestAFailedActionLeavesNoTrace(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	calls := 0
	engine := &rule.Engine{Do: func(context.Context, pgx.Tx, rule.Fired) error {
		calls++
		if calls == 1 {
			return errors.New("the desk is closed")
		}
		return nil
	}}
	run := func() error {
		return db.Worker.WithSystem(t.Context(), "rules", func(tx pgx.Tx) error {
			if err := rule.Seed(t.Context(), tx); err != nil {
				return err
			}
			_, err := engine.Run(t.Context(), tx, rule.Event{TenantID: tenant, Kind: rule.Stalled, Subject: "project/1"})
			return err
		})
	}
	require.ErrorContains(t, run(), "the desk is closed")
	require.NoError(t, run())
	require.NoError(t, run())
	require.Equal(t, 2, calls)
}

func TestConditionsCompareFields(t *testing.T) {
	t.Parallel()
	e := rule.Event{TenantID: uuid.New(), Kind: rule.HealthChanged, Fields: map[string]string{"to": "off_track", "days": "12"}}
	for name, c := range map[string]struct {
		when rule.Condition
		want bool
	}{
		"is":                         {rule.Condition{Field: "to", Op: "is", Value: "off_track"}, true},
		"is another":                 {rule.Condition{Field: "to", Op: "is", Value: "at_risk"}, false},
		"is not":                     {rule.Condition{Field: "to", Op: "is_not", Value: "live"}, true},
		"at least":                   {rule.Condition{Field: "days", Op: "at_least", Value: "12"}, true},
		"below":                      {rule.Condition{Field: "days", Op: "below", Value: "12"}, false},
		"a number that is not there": {rule.Condition{Field: "weeks", Op: "at_least", Value: "0"}, false},
	} {
		r := rule.Rule{Key: "x", On: rule.HealthChanged, When: []rule.Condition{c.when}, Do: rule.Action{Kind: rule.TellOwner}, Enabled: true}
		require.NoError(t, r.Check(), name)
		require.Equal(t, c.want, len(rule.Try([]rule.Rule{r}, e)) == 1, name)
	}
}

func TestABadRuleSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`- {key: A b, on: project.live, do: {kind: tell_owner}}`:                                           "small letters",
		`- {key: a, on: moon.rises, do: {kind: tell_owner}}`:                                               "unknown event",
		`- {key: a, on: project.live, do: {kind: launch}}`:                                                 "unknown action",
		`- {key: a, on: health.changed, do: {kind: tell_customer}}`:                                        "customers are not told of health.changed",
		`- {key: a, on: project.stalled, do: {kind: tell_customer}}`:                                       "customers are not told of project.stalled",
		`- {key: a, on: project.live, do: {kind: create_task}}`:                                            "needs a title",
		`- {key: a, on: project.live, when: [{field: x, op: like, value: y}], do: {kind: tell_owner}}`:     "condition",
		`- {key: a, on: project.live, when: [{field: x, op: below, value: many}], do: {kind: tell_owner}}`: "needs a number",
		`- {key: a, on: project.live, dew: {kind: tell_owner}}`:                                            "dew",
	} {
		_, err := rule.Parse([]byte(body))
		require.ErrorIs(t, err, rule.ErrBadRule, body)
		require.ErrorContains(t, err, want)
	}
}
