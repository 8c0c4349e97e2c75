package slack_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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

// copying is a workspace whose operator lets files of up to so many bytes be copied.
func copying(t *testing.T, most int64) *filesBundle {
	t.Helper()
	b := &filesBundle{testBundle: setup(t)}
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	b.client = slack.New(slack.Config{Token: "xoxb-test", Channel: "C00000001", APIURL: b.slack.APIURL(), PerPost: -1, CopyBytes: most})
	config := desk.Config{DB: b.db.Worker, Jobs: jobs, Channel: b.client, Log: slog.New(slog.DiscardHandler), EditEvery: time.Nanosecond, Backoff: func(int) time.Duration { return time.Millisecond }}
	b.files = attachment.New(b.db.Worker, folder, scanner{}, jobs, nil, attachment.Config{MaxBytes: 1000, Checked: func(ctx context.Context, tx pgx.Tx, tenant, message uuid.UUID) error {
		return b.desk.FileChecked(ctx, tx, tenant, message)
	}})
	config.Files = b.files
	b.desk = desk.New(config)
	return b
}

// sends is a customer's message with files, handed over.
func (b *filesBundle) sends(t *testing.T, contents ...string) (triage.Ticket, triage.Message, []uuid.UUID) {
	t.Helper()
	ana := triage.Actor{Kind: triage.ActorCustomer, ID: b.user, TenantID: b.tenant}
	var ids []uuid.UUID
	for i, text := range contents {
		f, err := b.files.Upload(t.Context(), attachment.Incoming{Tenant: b.tenant, By: ana, Source: attachment.FromPortal, Name: fmt.Sprintf("log%d.txt", i), Body: strings.NewReader(text)})
		require.NoError(t, err)
		ids = append(ids, f.ID)
	}
	var ticket triage.Ticket
	var m triage.Message
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		b.conversation = uuid.Must(uuid.NewV7())
		if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: b.conversation, UserID: &b.user, Channel: triage.ChannelChat}); err != nil {
			return err
		}
		carries, err := attachment.Take(t.Context(), tx, b.tenant, b.conversation, ana, ids)
		if err != nil {
			return err
		}
		if m, _, err = triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: b.conversation, AuthorKind: triage.AuthorCustomer,
			AuthorID: &b.user, AuthorName: "Ana", Visibility: triage.VisibleToCustomer, Body: "See the log", Attachments: carries,
		}); err != nil {
			return err
		}
		if err := attachment.Bind(t.Context(), tx, m); err != nil {
			return err
		}
		ticket, err = b.desk.Escalate(t.Context(), tx, desk.Escalation{TenantID: b.tenant, ConversationID: b.conversation, MessageID: m.ID, Reason: triage.ReasonNoAnswer, Subject: "Log", Summary: "S"})
		return err
	}))
	b.drain(t, ticket)
	return ticket, m, ids
}

func (b *filesBundle) scan(t *testing.T, ticket triage.Ticket, ids ...uuid.UUID) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, b.files.Scan(t.Context(), b.tenant, id))
	}
	b.drain(t, ticket)
}

func (b *filesBundle) takeBack(t *testing.T, ticket triage.Ticket, m triage.Message) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		ana := triage.Actor{Kind: triage.ActorCustomer, ID: b.user, TenantID: b.tenant, Name: "Ana"}
		now, err := triage.MessageByID(t.Context(), tx, b.tenant, m.ID)
		require.NoError(t, err)
		changed, err := triage.ReviseMessage(t.Context(), tx, now, "", ana, time.Now().UTC())
		require.NoError(t, err)
		return b.desk.CustomerChanged(t.Context(), tx, changed, m.Body, ana)
	}))
	b.drain(t, ticket)
}

func TestCopyingFiles(t *testing.T) {
	t.Parallel()

	t.Run("clean ones, once they are, below the ticket, and gone when taken back", func(t *testing.T) {
		t.Parallel()
		b := copying(t, 500)
		ticket, m, ids := b.sends(t, "all is well", "EICAR", strings.Repeat("x", 600))
		require.Empty(t, b.slack.Files(), "nothing before it was checked")
		b.scan(t, ticket, ids...)
		b.scan(t, ticket, ids...) // looked at twice
		files := b.slack.Files()
		require.Len(t, files, 1, "neither the infected nor the large one")
		require.Equal(t, "all is well", files[0].Content)
		require.Equal(t, "log0.txt", files[0].Name)
		require.Equal(t, 1, files[0].Shown)
		require.Equal(t, b.slack.Messages("")[0].TS, files[0].ThreadTS)
		b.takeBack(t, ticket, m)
		require.Empty(t, b.slack.Files())
		b.takeBack(t, ticket, m)
		require.Equal(t, 1, b.slack.Calls("upload"))
		for _, d := range b.detail(t, ticket).Deliveries {
			require.Equal(t, "delivered", d.State, d.Kind)
		}
	})

	t.Run("off is off", func(t *testing.T) {
		t.Parallel()
		b := copying(t, 0)
		ticket, _, ids := b.sends(t, "all is well")
		b.scan(t, ticket, ids...)
		require.Empty(t, b.slack.Files())
		require.Zero(t, b.slack.Calls("files.getUploadURLExternal"))
	})

	t.Run("taken back before it left, it never leaves", func(t *testing.T) {
		t.Parallel()
		b := copying(t, 500)
		ticket, m, ids := b.sends(t, "all is well")
		require.NoError(t, b.files.Scan(t.Context(), b.tenant, ids[0]))
		b.takeBack(t, ticket, m)
		require.Empty(t, b.slack.Files())
		require.Zero(t, b.slack.Calls("upload"))
	})

	for _, method := range []string{"files.getUploadURLExternal", "files.completeUploadExternal", "files.info"} {
		t.Run("a lost answer of "+method+" shows nothing twice", func(t *testing.T) {
			t.Parallel()
			b := copying(t, 500)
			ticket, _, ids := b.sends(t, "all is well")
			var mu sync.Mutex
			lost := 0
			b.slack.Fail(func(called string) slackfake.Fault {
				mu.Lock()
				defer mu.Unlock()
				if (called == method || method == "files.info" && called == "files.completeUploadExternal") && lost < 2 {
					lost++
					return slackfake.Fault{Lose: true}
				}
				return slackfake.Fault{}
			})
			b.scan(t, ticket, ids...)
			require.GreaterOrEqual(t, lost, 1)
			shown := 0
			for _, f := range b.slack.Files() {
				shown += f.Shown
			}
			require.Equal(t, 1, shown)
		})
	}

	t.Run("the app lacks the permission: it is said, and the thread goes on", func(t *testing.T) {
		t.Parallel()
		b := copying(t, 500)
		ticket, _, ids := b.sends(t, "all is well")
		b.slack.Fail(func(called string) slackfake.Fault {
			if called == "files.getUploadURLExternal" {
				return slackfake.Fault{Error: "missing_scope"}
			}
			return slackfake.Fault{}
		})
		b.scan(t, ticket, ids...)
		b.customer(t, ticket, "More")
		require.Len(t, b.slack.Messages(b.slack.Messages("")[0].TS), 3)
		var failed []string
		for _, d := range b.detail(t, ticket).Deliveries {
			if d.State == "failed" {
				failed = append(failed, d.Kind+": "+d.LastError)
			}
		}
		require.Len(t, failed, 1)
		require.Contains(t, failed[0], "from the manifest")
	})

	t.Run("erased: messages and files go, those gone already do no harm", func(t *testing.T) {
		t.Parallel()
		b := copying(t, 500)
		ticket, _, ids := b.sends(t, "all is well")
		b.scan(t, ticket, ids...)
		root := b.slack.Messages("")[0]
		args := slack.ForgetArgs{Files: []string{b.slack.Files()[0].ID, "F0GONE"}, Messages: []string{"C00000001:1600000000.000001", "C00000001:" + root.TS}}
		for _, m := range b.slack.Messages(root.TS) {
			args.Messages = append(args.Messages, "C00000001:"+m.TS)
		}
		for range 2 {
			require.NoError(t, b.client.Forget(t.Context(), args))
		}
		require.Empty(t, b.slack.Files())
		require.Empty(t, b.slack.Messages(""))
		require.Empty(t, b.slack.Messages(root.TS))
	})
}
