package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
)

func TestTheDoctorLooksAtSlacksChannel(t *testing.T) {
	t.Parallel()
	workspace := slackfake.New(t)
	check := func() finding {
		return checkSlack(t.Context(), slack.New(slack.Config{Token: "xoxb-test", Channel: "C00000001", APIURL: workspace.APIURL()}))
	}
	require.Equal(t, finding{"on", "slack", "the token works and the channel is private"}, check())
	workspace.Fail(func(string) slackfake.Fault { return slackfake.Fault{Status: 500} })
	require.Equal(t, finding{"on", "slack", "not checked: Slack had an error of its own."}, check())
	workspace.Fail(func(string) slackfake.Fault { return slackfake.Fault{Error: "token_revoked"} })
	require.Equal(t, "BAD", check().mark)
	workspace.Fail(nil)
	workspace.Publish()
	require.Equal(t, "BAD", check().mark)
	require.Contains(t, check().text, "USHER_SLACK_CHANNEL")
	workspace.Share()
	require.Equal(t, "BAD", check().mark)
	require.Contains(t, check().text, "shared with another organisation")
}
