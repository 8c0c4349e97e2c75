package email_test

import (
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
)

// mixed is a mail with parts, each a header and a body.
func mixed(id, text string, parts ...string) string {
	body := "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n"
	for _, p := range parts {
		body += "--b\r\n" + p + "\r\n"
	}
	return "Message-ID: <" + id + ">\r\nFrom: Ana <ana@acme.test>\r\nTo: support@usher.test\r\nSubject: Files\r\n" + vouched +
		"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + body + "--b--\r\n"
}

func encoded(header, content string) string {
	return header + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(content))
}

var png = "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00picture", 1000)

func (b *testBundle) said(t *testing.T, conversation uuid.UUID) (list []triage.Message) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		list, err = triage.MessagesBefore(t.Context(), tx, b.tenant, conversation, 0, false, 50)
		return err
	}))
	return list
}

func (b *testBundle) content(t *testing.T, id uuid.UUID) string {
	t.Helper()
	var file attachment.File
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		file, err = attachment.ByID(t.Context(), tx, b.tenant, id)
		return err
	}))
	body, err := b.files.Read(t.Context(), file)
	require.NoError(t, err)
	defer body.Close()
	all, err := io.ReadAll(body)
	require.NoError(t, err)
	return string(all)
}

func TestFilesOfAMailAreTakenOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := mixed("f1@acme.test", "See the files.",
		encoded(`Content-Type: application/octet-stream; name="=?utf-8?q?Rechnung_M=C3=A4rz.pdf?="`+"\r\n"+`Content-Disposition: attachment; filename="=?utf-8?q?Rechnung_M=C3=A4rz.pdf?="`, "%PDF-1.7 invoice"),
		encoded("Content-Type: image/png; name=screen.png\r\nContent-Disposition: inline; filename=screen.png\r\nContent-ID: <p1>", png),
		encoded("Content-Type: image/png; name=logo.png\r\nContent-Disposition: inline; filename=logo.png", png[:500]),
		encoded("Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=bill.pdf", "MZ\x90\x00 a program"),
	)
	addr := imapServer(t)
	deliver(t, addr, text)
	receiver := email.NewReceiver(email.IMAP{Addr: addr, User: "support", Password: "pass", Plain: true}, b.service)
	receiver.Start(t.Context())
	defer receiver.Stop()
	require.Eventually(t, func() bool {
		var have int
		_ = b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where source = 'email'`).Scan(&have)
		return have == 1
	}, 10*time.Second, 20*time.Millisecond)
	b.work(t)
	b.receive(t, text) // and once more by another way
	require.Len(t, b.conversations(t), 1)
	said := b.said(t, b.conversations(t)[0].ID)
	require.Len(t, said, 1)
	require.Equal(t, "See the files.\n[Attachment not taken over: bill.pdf, 1 kB: files of this type are not accepted.]", said[0].Body)
	require.Len(t, said[0].Attachments, 2, "a signature's mark is no file")
	require.Equal(t, "Rechnung März.pdf", said[0].Attachments[0].Name)
	require.Equal(t, "application/pdf", said[0].Attachments[0].ContentType, "told by its content")
	require.Equal(t, blob.Pending, said[0].Attachments[0].State)
	require.Equal(t, "%PDF-1.7 invoice", b.content(t, said[0].Attachments[0].ID))
	require.Equal(t, png, b.content(t, said[0].Attachments[1].ID))
	require.Equal(t, int64(len(png)), said[0].Attachments[1].Size)
}

// A worker that dies between a mail's files and its message takes nothing twice.
func TestFilesOfAMailAreKeptOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := mixed("f2@acme.test", " ", encoded("Content-Type: text/plain; name=log.txt\r\nContent-Disposition: attachment; filename=log.txt", "a log"))
	require.NoError(t, b.service.Store(t.Context(), []byte(text)))
	var id string
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select event_id from inbound_events where source = 'email'`).Scan(&id))
	ana := triage.Actor{Kind: triage.ActorCustomer, TenantID: b.tenant, ID: b.user}
	before, err := b.files.Upload(t.Context(), attachment.Incoming{Tenant: b.tenant, By: ana, Source: attachment.FromEmail, Ref: id + "/0", Name: "log.txt", Body: strings.NewReader("a log")})
	require.NoError(t, err)
	b.work(t)
	_, err = b.db.Worker.Pool().Exec(t.Context(), `update inbound_events set state = 'received', payload = $1 where source = 'email'`, []byte(text))
	require.NoError(t, err)
	b.work(t)
	said := b.said(t, b.conversations(t)[0].ID)
	require.Len(t, said, 1)
	require.Equal(t, "Please see the attached file.", said[0].Body)
	require.Equal(t, []triage.Attachment{before.Attachment}, said[0].Attachments)
}

func TestAnUnknownSendersFilesAreNotKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := strings.Replace(mixed("f3@acme.test", "Hi", encoded("Content-Type: text/plain\r\nContent-Disposition: attachment; filename=x.txt", "x")), vouched, "X-No: vouching", 1)
	b.receive(t, text)
	require.Empty(t, b.conversations(t))
	var kept int
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from attachments`).Scan(&kept)
	}))
	require.Zero(t, kept)
}

func TestAReplysFilesGoByMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.receive(t, raw("q1@acme.test", "ana@acme.test", "support@usher.test", "Guide", "Where is the guide?", vouched))
	c := b.conversations(t)[0].ID
	sam := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "sam@usher.test"), Name: "Sam"}
	reply := func(text string, files map[string]string, scanned bool) {
		m := triage.Message{TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: c, AuthorKind: triage.AuthorAgent, AuthorID: &sam.ID, AuthorName: "Sam", Visibility: triage.VisibleToCustomer, Body: text, Language: "en"}
		var ids []uuid.UUID
		for _, name := range []string{"guide.txt", "large.txt", "virus.txt"} {
			if files[name] == "" {
				continue
			}
			f, err := b.files.Upload(t.Context(), attachment.Incoming{Tenant: b.tenant, By: sam, Conversation: c, Source: attachment.FromConsole, Name: name, Body: strings.NewReader(files[name])})
			require.NoError(t, err)
			ids = append(ids, f.ID)
		}
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
			if m.Attachments, err = attachment.Take(t.Context(), tx, b.tenant, c, sam, ids); err != nil {
				return err
			}
			stored, _, err := triage.InsertMessage(t.Context(), tx, m)
			if err != nil {
				return err
			}
			return attachment.Bind(t.Context(), tx, stored)
		}))
		if !scanned {
			return
		}
		for _, id := range ids {
			require.NoError(t, b.files.Scan(t.Context(), b.tenant, id))
		}
	}
	// what came is a mail as its reader's program sees it.
	came := func(i int) email.Mail {
		got := b.post.all()[i]
		m, err := email.Parse([]byte("From: support@usher.test\r\nContent-Type: " + got.Header.Get("Content-Type") + "\r\nContent-Transfer-Encoding: " + got.Header.Get("Content-Transfer-Encoding") + "\r\n\r\n" + b.post.text[i]))
		require.NoError(t, err)
		return m
	}

	reply("Here it is.", map[string]string{"guide.txt": "the guide", "large.txt": strings.Repeat("large ", 2<<20), "virus.txt": "EICAR"}, true)
	b.send(t)
	require.Len(t, b.post.all(), 1)
	first := came(0)
	require.Contains(t, first.Text, "Here it is.")
	require.Contains(t, first.Text, "These files are not in this mail. Look for them in your conversation: large.txt, virus.txt\nhttps://support.usher.test/c/"+c.String())
	require.Len(t, first.Attachments, 1)
	require.Equal(t, "guide.txt", first.Attachments[0].Name)
	require.Equal(t, "the guide", string(first.Attachments[0].Body))

	reply("Another.", map[string]string{"guide.txt": "not checked yet"}, false)
	b.send(t)
	require.Len(t, b.post.all(), 1, "it waits for the check")
	b.now = b.now.Add(11 * time.Minute)
	b.send(t)
	require.Len(t, b.post.all(), 2, "not for ever")
	require.Empty(t, came(1).Attachments)
	require.Contains(t, came(1).Text, "These files are not in this mail.")
}
