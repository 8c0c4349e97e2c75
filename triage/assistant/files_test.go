package assistant_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/intake"
)

// send starts a conversation with a text and a file.
func (b *testBundle) send(t *testing.T, text string) intake.ProcessArgs {
	t.Helper()
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	jobs, err := river.NewClient(riverpgxv5.New(b.db.App.Pool()), &river.Config{})
	require.NoError(t, err)
	files := attachment.New(b.db.App, folder, nil, jobs, nil, attachment.Config{})
	f, err := files.Upload(t.Context(), attachment.Incoming{Tenant: b.customer.TenantID, By: b.customer, Source: attachment.FromPortal, Name: "pass.txt", Body: strings.NewReader("the secret of the file")})
	require.NoError(t, err)
	_, m, err := b.intake.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: text, Attachments: []uuid.UUID{f.ID}})
	require.NoError(t, err)
	return intake.ProcessArgs{TenantID: m.TenantID, MessageID: m.ID, Person: strings.TrimSpace(text) == ""}
}

func TestFilesAreForPeople(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		answer  assistant.AnswerReply
		outcome string
	}{
		"words that can be answered are":                 {"How do I press the button?", assistant.AnswerReply{Outcome: assistant.AnswerSend, Text: "Press it. [1]", Citations: []triage.Citation{{Number: 1, Title: "Buttons", URL: "/help/buttons"}}}, "sent"},
		"words that cannot are not asked about":          {"What is this?", assistant.AnswerReply{Outcome: assistant.AnswerClarify, Options: []string{"A", "B"}}, "escalated"},
		"nor told that nothing was found":                {"What is this?", assistant.AnswerReply{}, "escalated"},
		"a file without a word is looked at by somebody": {" ", assistant.AnswerReply{}, "escalated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.answer = c.answer
			args := b.send(t, c.text)
			require.NoError(t, b.assistant.Run(t.Context(), args))
			_, outcome, _ := b.decision(t, args.MessageID)
			require.Equal(t, c.outcome, outcome)
			require.NotContains(t, b.input.Text, "secret", "no engine reads a file")
			require.NotContains(t, b.input.Text, "pass.txt")
		})
	}
}
