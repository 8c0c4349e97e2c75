package desk_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func TestFilesAreNamedWhereAgentsAndCRMLook(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *desk.Config) {
		c.TicketURL = func(_, id uuid.UUID, _ int64) string { return "https://usher.test/agent/" + id.String() }
	})
	first := b.escalate(t, "It broke")
	files := []triage.Attachment{{ID: uuid.New(), Name: "log.txt", Size: 1, State: blob.Clean}, {ID: uuid.New(), Name: "new.txt", Size: 1, State: blob.Pending}}
	var m triage.Message
	b.tx(t, func(tx pgx.Tx) (err error) {
		m, _, err = triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: b.conversation, AuthorKind: triage.AuthorCustomer,
			AuthorName: "Ana", Visibility: triage.VisibleToCustomer, Body: "See the log.", Attachments: files,
		})
		if err != nil {
			return err
		}
		_, _, err = b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m})
		return err
	})
	b.settle(t, first)
	thread := b.slack.Thread(first.ID)
	link := "https://usher.test/agent/" + first.ID.String() + "#file-" + files[0].ID.String()
	require.Equal(t, desk.Link{Title: "File: log.txt", URL: link}, thread[len(thread)-1].Links[0])
	require.Equal(t, "See the log.\nFile: log.txt "+link+"\nFile: new.txt https://usher.test/agent/"+first.ID.String()+"#file-"+files[1].ID.String(),
		b.crm.Notes["crm-"+first.ID.String()][m.ID].Text)

	second, err := b.service.Split(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: first.ID}, m.ID, "The log")
	require.NoError(t, err)
	d, err := b.service.Ticket(t.Context(), b.tenant, second.ID)
	require.NoError(t, err)
	require.Equal(t, files[:1], d.Messages[0].Attachments, "a copy shows what will not change any more")
}
