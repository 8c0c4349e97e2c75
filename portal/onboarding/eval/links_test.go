package eval_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/eval"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

var (
	linked     = regexp.MustCompile(`\]\((/[^)]*)\)`)
	linkedID   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	linkedTail = regexp.MustCompile(`#ticket-\d+$`)
)

// The journey that follows links reads the same list: what answers link to is in
// it, and nothing else is.
func TestEveryLinkOfAnAnswerIsInTheListTheJourneyFollows(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	note := func(link string) {
		link = linkedID.ReplaceAllString(link, "{id}")
		made[linkedTail.ReplaceAllString(link, "#ticket-{number}")] = true
	}
	_, err := eval.Run(t.Context(), eval.Config{Worlds: 120, Seed: 11, Resolve: func(in status.Input, q status.Question) status.Answer {
		answer := status.Resolve(in, q)
		if answer.Link != "" {
			note(answer.Link)
		}
		for _, m := range linked.FindAllStringSubmatch(answer.Text, -1) {
			note(m[1])
		}
		for _, a := range in.Record.View(in.Asker, in.Now).NextActions {
			note(a.Link)
		}
		return answer
	}})
	require.NoError(t, err)
	body, err := os.ReadFile("../status/links.txt")
	require.NoError(t, err)
	var listed []string
	for line := range strings.Lines(string(body)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			listed = append(listed, line)
		}
	}
	require.Equal(t, listed, slices.Sorted(maps.Keys(made)))
}
