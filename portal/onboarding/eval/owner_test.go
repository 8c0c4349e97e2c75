package eval_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/eval"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// Whatever an answer rests on has a declared owner.
func TestEveryFieldAnAnswerStatesIsInTheRegistry(t *testing.T) {
	t.Parallel()
	owned := map[string]bool{}
	for _, o := range status.Registry(nil) {
		owned[o.Entity+"."+o.Field] = true
	}
	used := map[string]bool{}
	_, err := eval.Run(t.Context(), eval.Config{Worlds: 60, Seed: 7, Resolve: func(in status.Input, q status.Question) status.Answer {
		answer := status.Resolve(in, q)
		for _, b := range answer.Basis {
			used[b.Entity+"."+b.Field] = true
		}
		return answer
	}})
	require.NoError(t, err)
	var missing []string
	for field := range used {
		if !owned[field] {
			missing = append(missing, field)
		}
	}
	require.Empty(t, missing)
	require.Greater(t, len(used), 30, "the worlds must use most fields")
}
