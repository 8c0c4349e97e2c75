package slack_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
)

// scanner finds the standard test virus.
type scanner struct{}

func (scanner) Scan(_ context.Context, body io.Reader) (blob.Verdict, error) {
	all, err := io.ReadAll(body)
	return blob.Verdict{Clean: !strings.Contains(string(all), "EICAR"), Detail: "Eicar"}, err
}

type filesBundle struct {
	*testBundle
	files *attachment.Service
}

func setupFiles(t *testing.T, s blob.Scanner) *filesBundle {
	t.Helper()
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	b := &filesBundle{}
	b.testBundle = setup(t, func(c *slack.InboundConfig) {
		jobs, err := river.NewClient(riverpgxv5.New(c.DB.Pool()), &river.Config{})
		require.NoError(t, err)
		b.files = attachment.New(c.DB, folder, s, jobs, nil, attachment.Config{MaxBytes: 1000, Tell: c.Desk.Noted})
		c.Files = b.files
	})
	return b
}

// reply submits the reply window with files.
func (b *filesBundle) reply(t *testing.T, ticket triage.Ticket, view, text string, files ...string) string {
	t.Helper()
	list := []any{}
	for _, id := range files {
		list = append(list, map[string]any{"id": id, "name": "as the window says", "url_private_download": "https://evil.test/" + id})
	}
	return b.interact(t, map[string]any{
		"type": "view_submission", "user": map[string]any{"id": "U00000BO", "team_id": "T00000001"},
		"view": map[string]any{
			"id": view, "type": "modal", "callback_id": "reply", "private_metadata": "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String(), "blocks": []any{},
			"state": map[string]any{"values": map[string]any{
				"text":   map[string]any{"text": map[string]any{"type": "plain_text_input", "value": text}},
				"choice": map[string]any{"choice": map[string]any{"type": "static_select", "selected_option": map[string]any{"value": "open"}}},
				"files":  map[string]any{"files": map[string]any{"type": "file_input", "files": list}},
			}},
		},
	}).Body.String()
}

func (b *filesBundle) public(t *testing.T, ticket triage.Ticket) (out []triage.Message) {
	t.Helper()
	for _, m := range b.detail(t, ticket).Messages {
		if m.AuthorKind == triage.AuthorAgent && m.Visibility == triage.VisibleToCustomer {
			out = append(out, m)
		}
	}
	return out
}

func TestAReplysFilesComeFromItsWindow(t *testing.T) {
	t.Parallel()
	b := setupFiles(t, scanner{})
	ticket := b.escalate(t, "Where is the guide?")
	b.press(t, ticket, "U00000BO", "reply")
	window := string(b.slack.Views()[0].View)
	require.Contains(t, window, `"type":"file_input"`)
	require.Contains(t, window, "once it is checked for viruses")

	b.slack.AddFile(slackfake.File{ID: "F00000001", Name: "guide.txt", Type: "text/plain", Content: "the guide"})
	for range 2 { // Slack's answer was lost, or somebody pressed twice
		require.Contains(t, b.reply(t, ticket, "V1", "Here it is.", "F00000001"), "clear")
	}
	sent := b.public(t, ticket)
	require.Len(t, sent, 1)
	require.Equal(t, "Here it is.", sent[0].Body)
	require.Len(t, sent[0].Attachments, 1)
	require.Equal(t, "guide.txt", sent[0].Attachments[0].Name)
	require.Equal(t, blob.Pending, sent[0].Attachments[0].State, "the customer has it once it is checked")
	require.NoError(t, b.files.Scan(t.Context(), b.tenant, sent[0].Attachments[0].ID))
	require.Equal(t, blob.Clean, b.public(t, ticket)[0].Attachments[0].State)
	require.Equal(t, 1, b.slack.Calls("download"), "fetched once")
	require.Empty(t, b.slack.Ephemeral())

	b.drain(t, ticket)
	thread := b.slack.Messages(b.slack.Messages("")[0].TS)
	require.Contains(t, string(thread[len(thread)-1].Blocks), "#file-"+sent[0].Attachments[0].ID.String())
}

func TestAReplyWhoseFilesCannotBeTakenIsNotSent(t *testing.T) {
	t.Parallel()
	b := setupFiles(t, scanner{})
	ticket := b.escalate(t, "Where is the guide?")
	b.slack.AddFile(slackfake.File{ID: "FGOOD0001", Name: "good.txt", Type: "text/plain", Content: "good"})
	b.slack.AddFile(slackfake.File{ID: "FLARGE001", Name: "large.txt", Type: "text/plain", Content: strings.Repeat("x", 1001)})
	b.slack.AddFile(slackfake.File{ID: "FPROGRAM1", Name: "run.txt", Type: "text/plain", Content: "MZ\x90\x00\x03"})
	b.slack.AddFile(slackfake.File{ID: "FELSE0001", Name: "else.txt", Type: "text/plain", Content: "x", URL: "https://files.slack.com.evil.test/else.txt"})
	b.slack.AddFile(slackfake.File{ID: "FPLAIN001", Name: "else.txt", Type: "text/plain", Content: "x", URL: "http://files.slack.com/else.txt"})
	b.slack.AddFile(slackfake.File{ID: "FSIGNIN01", Name: "page.txt", Type: "text/html", Content: "<html>"})
	for id, why := range map[string]string{
		"FLARGE001": "A file is too large.", "FPROGRAM1": "type that is not accepted", "FELSE0001": "not Slack's", "FPLAIN001": "not Slack's",
		"FSIGNIN01": "may not read files",
	} {
		before := len(b.slack.Ephemeral())
		require.Contains(t, b.reply(t, ticket, "V"+id, "Here & there.", "FGOOD0001", id), "clear", id)
		require.Empty(t, b.public(t, ticket), id)
		told := b.slack.Ephemeral()
		require.Len(t, told, before+1, id)
		require.Contains(t, told[before].Text, "Your reply was *not sent*.", id)
		require.Contains(t, told[before].Text, why, id)
		require.Contains(t, told[before].Text, "Your text: Here &amp; there.", id)
		require.Equal(t, b.slack.Messages("")[0].TS, told[before].ThreadTS)
	}
	require.Contains(t, b.reply(t, ticket, "VEMPTY", " ", "FGOOD0001"), "Please write something.")
}

func TestTheReplyWindowWithoutFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scanner blob.Scanner
		error   bool
		want    string
	}{
		"nothing could reach the customer":                {nil, false, "Send to customer"},
		"the app was installed before it could read them": {scanner{}, true, "install the Slack app again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupFiles(t, c.scanner)
			ticket := b.escalate(t, "Where is the guide?")
			updates := 0
			b.slack.Fail(func(method string) slackfake.Fault {
				if method == "views.update" && c.error {
					if updates++; updates == 1 {
						return slackfake.Fault{Error: "missing_scope"}
					}
				}
				return slackfake.Fault{}
			})
			b.press(t, ticket, "U00000BO", "reply")
			window := string(b.slack.Views()[0].View)
			require.NotContains(t, window, "file_input")
			require.Contains(t, window, c.want)
		})
	}
}

// A customer's file is a link to the console; the file itself never goes to Slack.
func TestACustomersFilesAreLinks(t *testing.T) {
	t.Parallel()
	b := setupFiles(t, scanner{})
	ticket := b.escalate(t, "It broke")
	ana := triage.Actor{Kind: triage.ActorCustomer, TenantID: b.tenant, ID: b.user}
	f, err := b.files.Upload(t.Context(), attachment.Incoming{Tenant: b.tenant, By: ana, Source: attachment.FromPortal, Name: "log <!channel>.txt", Body: strings.NewReader("EICAR secret")})
	require.NoError(t, err)
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		m := triage.Message{TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: b.conversation, AuthorKind: triage.AuthorCustomer, AuthorID: &b.user, AuthorName: "Ana", Visibility: triage.VisibleToCustomer, Body: "See the log."}
		var err error
		if m.Attachments, err = attachment.Take(t.Context(), tx, b.tenant, b.conversation, ana, []uuid.UUID{f.ID}); err != nil {
			return err
		}
		stored, _, err := triage.InsertMessage(t.Context(), tx, m)
		if err != nil {
			return err
		}
		if err := attachment.Bind(t.Context(), tx, stored); err != nil {
			return err
		}
		_, _, err = b.desk.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: stored})
		return err
	}))
	b.drain(t, ticket)
	root := b.slack.Messages("")[0].TS
	thread := b.slack.Messages(root)
	post := string(thread[len(thread)-1].Blocks)
	require.Contains(t, post, "See the log.")
	require.Contains(t, post, "https://usher.test/agent/tickets/"+ticket.ID.String()+"#file-"+f.ID.String())
	require.NotContains(t, post, "<!channel>")
	require.Zero(t, b.slack.Calls("files.getUploadURLExternal")+b.slack.Calls("files.completeUploadExternal"))

	// What the check found is said in the thread, too.
	require.NoError(t, b.files.Scan(t.Context(), b.tenant, f.ID))
	b.drain(t, ticket)
	thread = b.slack.Messages(root)
	require.Contains(t, string(thread[len(thread)-1].Blocks), "The virus check found")
	for _, m := range thread {
		require.NotContains(t, string(m.Blocks)+m.Text, "secret")
	}
}

func TestAFileInTheThreadStaysInside(t *testing.T) {
	t.Parallel()
	b := setupFiles(t, scanner{})
	ticket := b.escalate(t, "It broke")
	root := b.slack.Messages("")[0].TS
	b.event(t, "Ev1", map[string]any{
		"type": "message", "subtype": "file_share", "channel": "C00000001", "channel_type": "group", "user": "U00000BO", "text": "", "ts": "1700000001.000100", "thread_ts": root,
		"files": []any{map[string]any{"id": "F00000009", "name": "internal plan.pdf", "url_private_download": "https://files.slack.com/x"}},
	})
	d := b.detail(t, ticket)
	note := d.Messages[len(d.Messages)-1]
	require.Equal(t, triage.Internal, note.Visibility)
	require.Equal(t, "[File in the Slack thread: internal plan.pdf]", note.Body)
	require.Empty(t, note.Attachments)
	require.Zero(t, b.slack.Calls("download")+b.slack.Calls("files.info"))
	require.Empty(t, b.slack.Ephemeral(), "a file without words is a note as well")
}

func TestSlackThatGivesAFileOutLate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	b := &filesBundle{}
	b.testBundle = setup(t, func(c *slack.InboundConfig) {
		jobs, err := river.NewClient(riverpgxv5.New(c.DB.Pool()), &river.Config{})
		require.NoError(t, err)
		b.files = attachment.New(c.DB, folder, scanner{}, jobs, nil, attachment.Config{})
		c.Files, c.Now = b.files, func() time.Time { return now }
	})
	ticket := b.escalate(t, "Where is the guide?")
	b.slack.AddFile(slackfake.File{ID: "F00000001", Name: "guide.txt", Type: "text/plain", Content: "the guide"})
	down := true
	b.slack.Fail(func(method string) slackfake.Fault {
		if method == "files.info" && down {
			return slackfake.Fault{Status: 500}
		}
		return slackfake.Fault{}
	})
	submit := func(view string) {
		body, err := json.Marshal(map[string]any{"user": "U00000BO", "ref": map[string]any{"TenantID": b.tenant, "ID": ticket.ID}, "view": view, "text": "Here.", "then": "open", "files": []string{"F00000001"}, "at": now})
		require.NoError(t, err)
		_, err = b.db.Worker.Pool().Exec(t.Context(), `insert into inbound_events (source, event_id, payload) values ('slack', $1, $2)`, "reply:"+view, body)
		require.NoError(t, err)
	}
	submit("VLATE")
	require.Error(t, b.inbound.Handle(t.Context(), "reply:VLATE"), "the job tries again")
	down = false
	require.NoError(t, b.inbound.Handle(t.Context(), "reply:VLATE"))
	require.Len(t, b.public(t, ticket), 1)

	down = true
	submit("VNEVER")
	require.Error(t, b.inbound.Handle(t.Context(), "reply:VNEVER"))
	now = now.Add(11 * time.Minute)
	require.NoError(t, b.inbound.Handle(t.Context(), "reply:VNEVER"))
	require.Len(t, b.public(t, ticket), 1)
	require.Contains(t, b.slack.Ephemeral()[0].Text, "Slack did not give the files out.")
}
