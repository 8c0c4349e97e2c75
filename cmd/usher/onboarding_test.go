package main

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage/taxonomy"
)

func TestWhatOperatorsConfigureIsStored(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	pack, err := os.ReadFile("../../portal/onboarding/status/packs/shipments.yaml")
	require.NoError(t, err)
	template, err := os.ReadFile("../../portal/onboarding/lifecycle/templates/saas.yaml")
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		for range 2 { // again changes nothing but the template's version
			said, err := storePack(t.Context(), tx, pack)
			require.NoError(t, err)
			require.Equal(t, "Stored the pack shipments with 2 intents.", said)
		}
		_, err := storeTemplate(t.Context(), tx, template)
		require.NoError(t, err)
		said, err := storeTemplate(t.Context(), tx, template)
		require.NoError(t, err)
		require.Equal(t, "Published saas, version 2.", said)
		_, err = storeRules(t.Context(), tx, []byte(`- {key: tell_sales, on: project.live, do: {kind: tell_owner}}`))
		require.NoError(t, err)

		set, err := taxonomy.Load(t.Context(), tx)
		require.NoError(t, err)
		routes, examples := map[string]string{}, 0
		for _, v := range set.Values {
			routes[v.Value] = v.Route
		}
		for _, e := range set.Examples {
			if e.Value == "shipment.position" {
				examples++
			}
		}
		require.Equal(t, taxonomy.RouteStatus, routes["shipment.position"])
		require.Equal(t, 9, examples)

		_, packErr := storePack(t.Context(), tx, []byte(`key: x`))
		require.ErrorIs(t, packErr, status.ErrBadPack)
		_, templateErr := storeTemplate(t.Context(), tx, []byte(`key: x`))
		require.ErrorIs(t, templateErr, lifecycle.ErrBadTemplate)
		_, ruleErr := storeRules(t.Context(), tx, []byte(`- {key: x}`))
		require.ErrorIs(t, ruleErr, rule.ErrBadRule)
		return nil
	}))
}
