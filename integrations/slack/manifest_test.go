package slack_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/migrations/dbtest"
)

// The manifest asks Slack for exactly what is worked on here, with the permissions
// the vendor names for it.
func TestTheManifestAsksForWhatIsHandled(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("manifest.yaml")
	require.NoError(t, err)
	var manifest struct {
		Features struct {
			Shortcuts []struct {
				Type       string `yaml:"type"`
				CallbackID string `yaml:"callback_id"`
			} `yaml:"shortcuts"`
			Commands []struct {
				Command string `yaml:"command"`
				URL     string `yaml:"url"`
			} `yaml:"slash_commands"`
		} `yaml:"features"`
		OAuth struct {
			Scopes struct {
				Bot []string `yaml:"bot"`
			} `yaml:"scopes"`
		} `yaml:"oauth_config"`
		Settings struct {
			Events struct {
				URL string   `yaml:"request_url"`
				Bot []string `yaml:"bot_events"`
			} `yaml:"event_subscriptions"`
			Interactivity struct {
				On  bool   `yaml:"is_enabled"`
				URL string `yaml:"request_url"`
			} `yaml:"interactivity"`
		} `yaml:"settings"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &manifest))

	var commands, shortcuts, events []string
	for _, c := range manifest.Features.Commands {
		commands = append(commands, c.Command)
		require.True(t, strings.HasSuffix(c.URL, "/slack/commands"), c.URL)
	}
	for _, s := range manifest.Features.Shortcuts {
		shortcuts = append(shortcuts, s.CallbackID)
		require.Equal(t, "message", s.Type)
	}
	for _, e := range manifest.Settings.Events.Bot {
		kind, where, _ := strings.Cut(e, ".")
		require.NotEqual(t, "channels", where, "the channel is private")
		if !slices.Contains(events, kind) {
			events = append(events, kind)
		}
	}
	require.ElementsMatch(t, slack.Commands, commands)
	require.ElementsMatch(t, slack.Shortcuts, shortcuts)
	require.ElementsMatch(t, slack.Events, events)
	require.True(t, strings.HasSuffix(manifest.Settings.Events.URL, "/slack/events"))
	require.True(t, manifest.Settings.Interactivity.On)
	require.True(t, strings.HasSuffix(manifest.Settings.Interactivity.URL, "/slack/interactions"))

	published, err := os.ReadFile(dbtest.TestData(t, "contracts", "slack.events.schema.json"))
	require.NoError(t, err)
	var vendor struct {
		Topics map[string]struct {
			Scopes []string `json:"scopes"`
		} `json:"x-topics"`
	}
	require.NoError(t, json.Unmarshal(published, &vendor))
	known := 0
	for _, e := range manifest.Settings.Events.Bot {
		topic, ok := vendor.Topics[strings.ReplaceAll(e, "_", ".")]
		if !ok {
			continue
		}
		known++
		for _, scope := range topic.Scopes {
			require.Contains(t, manifest.OAuth.Scopes.Bot, scope, e)
		}
	}
	require.GreaterOrEqual(t, known, 7)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(manifest.OAuth.Scopes.Bot))), len(manifest.OAuth.Scopes.Bot), "no scope twice")
}
