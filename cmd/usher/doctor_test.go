package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/hubspot/hubspotfake"
	"github.com/usherdesk/usher/integrations/salesforce/salesforcefake"
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

func TestTheDoctorLooksAtTheCRMs(t *testing.T) {
	t.Parallel()
	account, org := hubspotfake.New(t), salesforcefake.New(t)
	account.Install("client", "secret", "refresh")
	c := config{
		HubSpot:    hubSpotConfig{RefreshToken: "refresh", ClientID: "client", ClientSecret: "secret", APIURL: account.URL},
		Salesforce: salesforceConfig{Domain: org.URL, ClientID: "id", ClientSecret: "secret", Statuses: defaultStatuses, Priorities: defaultPriorities},
	}
	check := func(name string) finding {
		o, err := outsideOf(c)
		require.NoError(t, err)
		return checkOutside(t.Context(), name, o.checks()[name])
	}
	require.Equal(t, finding{"on", "hubspot", "the token works and the pipeline has the stages"}, check("hubspot"))
	c.HubSpot.RefreshToken = "gone"
	require.Equal(t, "BAD", check("hubspot").mark)
	require.Contains(t, check("hubspot").text, "Install the app again")
	require.Equal(t, finding{"on", "salesforce", "the login works, and Case has the External Id field, the statuses and the priorities"}, check("salesforce"))
	c.Salesforce.Statuses, c.Salesforce.Priorities = "open=In progress,solved=Closed", "urgent=P1,high=High,normal=Medium,low=Low"
	require.Equal(t, finding{"BAD", "salesforce", "Salesforce's Case has no Status In progress; it has: New, Working, Escalated, Closed. Check USHER_SALESFORCE_STATUSES. Case has no Priority P1; it has: High, Medium, Low. Check USHER_SALESFORCE_PRIORITIES."}, check("salesforce"))
}

func TestSettingsOfCRMsThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]config{
		"are both set":                {HubSpot: hubSpotConfig{Token: "t", RefreshToken: "r"}},
		"needs USHER_HUBSPOT_CLIENT":  {HubSpot: hubSpotConfig{RefreshToken: "r"}},
		"USHER_SALESFORCE_STATUSES":   {Salesforce: salesforceConfig{Domain: "https://x.test", Statuses: "started=Working", Priorities: defaultPriorities}},
		"USHER_SALESFORCE_PRIORITIES": {Salesforce: salesforceConfig{Domain: "https://x.test", Statuses: defaultStatuses, Priorities: "urgent"}},
	} {
		_, err := outsideOf(c)
		require.ErrorContains(t, err, want)
	}
}

// What is read from the environment is in the list that operators read.
func TestEverySettingIsListed(t *testing.T) {
	t.Parallel()
	var listed strings.Builder
	for _, s := range settings {
		listed.WriteString(s.Name + " " + s.Help + "\n")
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	read := regexp.MustCompile(`setting\("([A-Z0-9_]+)"\)`)
	n := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range read.FindAllStringSubmatch(string(source), -1) {
			n++
			known := strings.Contains(listed.String(), name[1])
			if rest, ok := strings.CutPrefix(name[1], "USHER_S3"); ok { // listed by their ends
				known = strings.Contains(listed.String(), rest)
			}
			require.True(t, known, "%s is read in %s and not listed", name[1], file)
		}
	}
	require.Greater(t, n, 60)

}
func TestReactionsHaveNames(t *testing.T) {
	for set, wrong := range map[string]string{"eyes": "", "off": "", "+1": "", "raised_hand": "", "👀": "USHER_SLACK_CLAIM_EMOJI", "a b": "USHER_SLACK_CLAIM_EMOJI", "white_check_mark": "are the same"} {
		t.Setenv("USHER_SLACK_CLAIM_EMOJI", set)
		c, err := loadConfig()
		if wrong != "" {
			require.ErrorContains(t, err, wrong, set)
			continue
		}
		require.NoError(t, err, set)
		require.Equal(t, set, c.Slack.ClaimEmoji)
		require.Equal(t, "white_check_mark", c.Slack.ResolveEmoji)
	}
}
