package taxonomy_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/taxonomy"
)

func small() taxonomy.Set {
	value := func(dimension, name, route, team string) taxonomy.Value {
		return taxonomy.Value{Dimension: dimension, Value: name, Route: route, Team: team, Enabled: true}
	}
	example := func(name, text string) taxonomy.Example {
		return taxonomy.Example{ID: uuid.New(), Dimension: taxonomy.Intent, Value: name, Text: text, Source: "curator"}
	}
	return taxonomy.Set{
		Values: []taxonomy.Value{
			value(taxonomy.Intent, "invoice", taxonomy.RouteAnswer, "money"), value(taxonomy.Intent, "refund", taxonomy.RouteEscalate, "money"),
			value(taxonomy.Intent, "go_live", taxonomy.RouteStatus, ""), value(taxonomy.Team, "money", taxonomy.RouteAnswer, ""),
		},
		Examples: []taxonomy.Example{example("invoice", "where is my invoice"), example("invoice", "the same"), example("refund", "money back"), example("refund", "the same")},
	}
}

func texts(set taxonomy.Set, value string) (out []string) {
	for _, x := range set.Examples {
		if x.Value == value {
			out = append(out, x.Text)
		}
	}
	return out
}

func TestEditsMakeADraft(t *testing.T) {
	t.Parallel()
	intent := func(e taxonomy.Edit) taxonomy.Edit { e.Dimension = taxonomy.Intent; return e }
	live := small()
	set, names, err := taxonomy.Apply(live, []taxonomy.Edit{
		intent(taxonomy.Edit{Kind: taxonomy.EditRename, From: "invoice", To: "bill"}),
		intent(taxonomy.Edit{Kind: taxonomy.EditMerge, From: "refund", To: "bill"}),
		intent(taxonomy.Edit{Kind: taxonomy.EditPut, Value: &taxonomy.Value{Value: "parking", Route: taxonomy.RouteAnswer, Enabled: true}, Examples: []string{"where can I park", "where can I park"}}),
		intent(taxonomy.Edit{Kind: taxonomy.EditSplit, From: "bill", To: "money_back", Value: &taxonomy.Value{Description: "wants it back"}, Examples: []string{"money back"}}),
		intent(taxonomy.Edit{Kind: taxonomy.EditForget, From: "bill", Examples: []string{"the same"}}),
		intent(taxonomy.Edit{Kind: taxonomy.EditRename, From: "bill", To: "invoices"}),
		{Kind: taxonomy.EditRename, Dimension: taxonomy.Team, From: "money", To: "billing"},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"where is my invoice"}, texts(set, "invoices"))
	require.Equal(t, []string{"money back"}, texts(set, "money_back"))
	require.Equal(t, []string{"where can I park"}, texts(set, "parking"), "the same text twice is one example")
	require.Equal(t, "invoices", names.Of("invoice"))
	require.Equal(t, "invoices", names.Of("refund"), "a merge, then a rename")
	require.Equal(t, "go_live", names.Of("go_live"))
	for _, v := range set.Values {
		if v.Value == "invoices" {
			require.Equal(t, "billing", v.Team, "what names the team follows")
		}
	}
	require.True(t, live.Equal(small()), "the taxonomy in use is left alone")
	require.False(t, live.Equal(set))
}

func TestEditsThatDoNotFitSayWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit taxonomy.Edit
		says string
	}{
		"a name the program acts on":   {taxonomy.Edit{Kind: taxonomy.EditRename, From: "go_live", To: "x"}, "has to keep its name"},
		"a name that is taken":         {taxonomy.Edit{Kind: taxonomy.EditRename, From: "invoice", To: "refund"}, "merge them"},
		"a value that is gone":         {taxonomy.Edit{Kind: taxonomy.EditRename, From: "gone", To: "x"}, "no value “gone” any more"},
		"into nothing":                 {taxonomy.Edit{Kind: taxonomy.EditMerge, From: "invoice", To: "gone"}, "to merge into"},
		"no name":                      {taxonomy.Edit{Kind: taxonomy.EditRename, From: "invoice", To: " "}, "needs a name"},
		"its own name":                 {taxonomy.Edit{Kind: taxonomy.EditRename, From: "invoice", To: "invoice"}, "already called that"},
		"a split without examples":     {taxonomy.Edit{Kind: taxonomy.EditSplit, From: "invoice", To: "x"}, "None of the chosen examples"},
		"forgetting what is not there": {taxonomy.Edit{Kind: taxonomy.EditForget, From: "invoice", Examples: []string{"?"}}, "None of the chosen examples"},
		"an unknown step":              {taxonomy.Edit{Kind: "explode", From: "invoice"}, "no kind of step"},
		"an unknown route":             {taxonomy.Edit{Kind: taxonomy.EditPut, Value: &taxonomy.Value{Value: "x", Route: "away"}}, "known route"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.edit.Dimension = taxonomy.Intent
			_, _, err := taxonomy.Apply(small(), []taxonomy.Edit{c.edit})
			var bad *taxonomy.EditError
			require.ErrorAs(t, err, &bad)
			require.Contains(t, bad.Detail, c.says)
		})
	}
}
