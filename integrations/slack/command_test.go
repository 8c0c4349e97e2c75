package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/triage/desk"
)

// shelf answers searches of the knowledge base.
type shelf struct {
	links []desk.Link
	err   error
	asked *[]string
}

func (s shelf) SearchArticles(_ context.Context, query string) ([]desk.Link, error) {
	*s.asked = append(*s.asked, query)
	return s.links, s.err
}

// typeIn is a slash command as somebody types it; the answer is what they see.
func (b *testBundle) typeIn(t *testing.T, user, command, text string) string {
	t.Helper()
	w := b.send(t, "/slack/commands", "application/x-www-form-urlencoded", url.Values{"command": {command}, "text": {text}, "user_id": {user}}.Encode())
	require.Equal(t, http.StatusOK, w.Code)
	var answer struct {
		Type string `json:"response_type"`
		Text string `json:"text"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Equal(t, "ephemeral", answer.Type, "only who typed it sees the answer")
	b.slack.Message(w.Body.String())
	return answer.Text
}

func TestSearchingTheKnowledgeBase(t *testing.T) {
	t.Parallel()
	var asked []string
	found := &shelf{asked: &asked}
	b := setup(t, func(c *slack.InboundConfig) { c.Articles = found })
	found.links = []desk.Link{
		{Title: "Connect your ERP", URL: "https://usher.test/kb/erp?a=1&b=2"}, {Title: "<!channel> *read* <https://evil.test|me>", URL: "https://usher.test/kb/2"},
		{Title: "Elsewhere", URL: "javascript:alert(1)"},
	}
	text := b.typeIn(t, "U00000BO", "/kb", "connect erp")
	require.Equal(t, []string{"connect erp"}, asked)
	require.Contains(t, text, "• <https://usher.test/kb/erp?a=1&amp;b=2|Connect your ERP>")
	require.Contains(t, text, "<https://usher.test/kb/2|&lt;!channel&gt; read &lt;https://evil.test|me&gt;>")
	require.NotContains(t, text, "javascript")
	found.links = nil
	require.Equal(t, "No article answers this.", b.typeIn(t, "U00000BO", "/kb", "moon"))
	require.Contains(t, b.typeIn(t, "U00000BO", "/kb", "  "), "`/kb …` searches the help centre")
	require.Contains(t, b.typeIn(t, "U0000EVE", "/kb", "connect erp"), "You cannot act on tickets from Slack")
	require.Len(t, asked, 2, "for strangers nothing is looked up")
	found.err = errors.New("secret cause")
	require.Equal(t, "This did not work. Please try again, or use the agent console.", b.typeIn(t, "U00000BO", "/kb", "connect"))
	require.Contains(t, b.typeIn(t, "U00000BO", "/else", "x"), "/ticket 4821")
}

func TestCommandsKeepTheContract(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 12 {
		b.handOver(t, "<!channel> *Import* stops & <https://evil.test|more>")
	}
	for _, text := range []string{"", "open", "mine", "search import", "1001", "#1001", "9999999", "unassigned", "breaching", "open tickets for acme?", "how many tickets", "who waits longest?"} {
		require.NotEmpty(t, b.typeIn(t, "U00000BO", "/ticket", text), text)
	}
}
