package slack_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/desk"
)

type suggests string

func (s suggests) Draft(context.Context, uuid.UUID, uuid.UUID) (desk.Draft, error) {
	return desk.Draft{Text: string(s)}, nil
}

// What an agent does with a suggestion in the reply window is counted.
func TestWhatBecomesOfASuggestionInTheWindow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		used bool // its window is the one that is sent
		want desk.DraftCount
	}{
		"sent as it was":      {"Press the button. [1]", true, desk.DraftCount{Used: 1}},
		"changed and sent":    {"Press the green button.", true, desk.DraftCount{Edited: 1}},
		"closed and not used": {"Call us.", false, desk.DraftCount{Ignored: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.desk.Drafts = suggests("Press the button. [1]")
			ticket := b.escalate(t, "How do I press it?")
			b.press(t, ticket, "U00000BO", "suggest")
			var view struct {
				CallbackID string `json:"callback_id"`
			}
			require.Len(t, b.slack.Views(), 1)
			require.NoError(t, json.Unmarshal(b.slack.Views()[0].View, &view))
			if !test.used {
				view.CallbackID = "reply"
			}
			require.Contains(t, b.submit(t, ticket, "U00000BO", "V1", view.CallbackID, map[string]string{"text": test.text, "choice": "open"}), "clear")
			require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
				got, err := desk.DraftsSince(t.Context(), tx, ticket.CreatedAt)
				require.Equal(t, test.want, got)
				return err
			}))
		})
	}
}
