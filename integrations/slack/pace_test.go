package slack_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/triage/desk"
)

func TestPostsKeepTheirPace(t *testing.T) {
	t.Parallel()
	workspace := slackfake.New(t)
	workspace.AddUser(slackfake.User{ID: "U00000CY", Email: "cy@usher.test", Name: "Cy"})
	const per, burst = 150 * time.Millisecond, 2
	client := slack.New(slack.Config{Token: "xoxb-test", Channel: "C00000001", APIURL: workspace.APIURL(), PerPost: per, Burst: burst})
	post := func(ctx context.Context, key string) error {
		_, err := client.PostThread(ctx, desk.Ref{ID: "C00000001:1700000000.000001"}, desk.Post{Key: key, Text: key})
		return err
	}
	require.NoError(t, client.Check(t.Context())) // not part of what is timed

	var mu sync.Mutex
	var at []time.Time
	workspace.FailPost(func(channel string) slackfake.Fault {
		mu.Lock()
		defer mu.Unlock()
		if channel == "C00000001" {
			at = append(at, time.Now())
		}
		return slackfake.Fault{}
	})
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			if err := post(t.Context(), string(rune('a'+i))); err != nil {
				t.Errorf("post: %v", err)
			}
		})
	}
	group.Wait()
	require.Len(t, at, 6)
	// However many came at once: after the burst one each interval. The fake sees
	// them a little later than they were let go, so a tenth of it is allowed.
	require.GreaterOrEqual(t, at[5].Sub(at[0]), 4*per-per/10)

	// One whose turn comes after its deadline does not wait for it: the lane asks later.
	_ = post(t.Context(), "fills")
	_ = post(t.Context(), "the burst")
	short, cancel := context.WithTimeout(t.Context(), per/3)
	defer cancel()
	begin := time.Now()
	var temporary *desk.TemporaryError
	require.ErrorAs(t, post(short, "late"), &temporary)
	require.Less(t, time.Since(begin), 10*per)
	require.Equal(t, 2*time.Second, temporary.After)
	require.Equal(t, "Waiting for its turn in the Slack channel.", temporary.Safe)

	// A direct message is another conversation: it waits for no turn.
	_ = post(t.Context(), "fills again")
	quick, done := context.WithTimeout(t.Context(), 5*time.Second)
	defer done()
	_, err := client.Ping(quick, desk.Ping{Key: "p", Person: "U00000CY", Text: "psst"})
	require.NoError(t, err)
	require.Len(t, workspace.Direct("U00000CY"), 1)
}
