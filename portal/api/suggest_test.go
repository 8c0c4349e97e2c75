package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// What an agent does with a suggestion in the console is counted.
func TestWhatBecomesOfASuggestion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"sent as it was":   {"It is on its way.", "used"},
		"changed and sent": {"It is on its way to you.", "edited"},
		"not used":         {"Call us.", "ignored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			x := b.things(t)
			at := "/v1/agent/tickets/" + b.acme.String() + "/" + x.ticket.String()
			response, body := b.do(t, http.MethodPost, at+"/suggestion", sam, "")
			require.Equal(t, http.StatusOK, response.StatusCode, body)
			var suggestion struct {
				DraftID string `json:"draft_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &suggestion))
			reply := map[string]any{"act": "reply", "text": test.text}
			if test.want != "ignored" {
				reply["draft_id"] = suggestion.DraftID
			}
			sent, err := json.Marshal(reply)
			require.NoError(t, err)
			response, body = b.do(t, http.MethodPost, at+"/actions", sam, string(sent))
			require.Equal(t, http.StatusOK, response.StatusCode, body)
			_, body = b.do(t, http.MethodGet, "/v1/metrics/summary", cleo, "")
			var metrics struct {
				Drafts map[string]int `json:"drafts"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &metrics))
			want := map[string]int{"offered": 0, "used": 0, "edited": 0, "ignored": 0}
			want[test.want] = 1
			require.Equal(t, want, metrics.Drafts)
		})
	}
}
