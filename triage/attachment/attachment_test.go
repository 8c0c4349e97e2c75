package attachment_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/intake"
)

// scanner finds the standard test virus.
type scanner struct{ broken bool }

func (s scanner) Scan(_ context.Context, body io.Reader) (blob.Verdict, error) {
	if s.broken {
		return blob.Verdict{}, errors.New("scanner is away")
	}
	all, err := io.ReadAll(body)
	if strings.Contains(string(all), "EICAR") {
		return blob.Verdict{Detail: "Eicar-Test"}, err
	}
	return blob.Verdict{Clean: true}, err
}

type quiet struct{}

func (quiet) CustomerChanged(context.Context, pgx.Tx, triage.Message, string, triage.Actor) error {
	return nil
}

func (quiet) CustomerConfirmed(context.Context, pgx.Tx, uuid.UUID, uuid.UUID, triage.Actor) error {
	return nil
}

type bundle struct {
	db               *dbtest.Database
	blobs            *blob.Folder
	files            *attachment.Service // as the app
	worker           *attachment.Service
	intake           *intake.Service
	tenant           uuid.UUID
	ana, bruno, boss triage.Actor
	sam              triage.Actor
	eve              triage.Actor // of another tenant
}

func setup(t *testing.T, s blob.Scanner, config attachment.Config) *bundle {
	t.Helper()
	b := &bundle{db: dbtest.New(t)}
	var err error
	b.blobs, err = blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.blobs.Close()) })
	jobs, err := river.NewClient(riverpgxv5.New(b.db.App.Pool()), &river.Config{})
	require.NoError(t, err)
	b.files = attachment.New(b.db.App, b.blobs, s, jobs, nil, config)
	b.worker = attachment.New(b.db.Worker, b.blobs, s, jobs, nil, config)
	b.intake = intake.New(b.db.App, jobs, quiet{}, nil)
	b.tenant = b.db.Tenant(t, "acme")
	person := func(tenant uuid.UUID, email string, roles ...string) triage.Actor {
		return triage.Actor{Kind: triage.ActorCustomer, ID: b.db.User(t, tenant, email, roles...), Name: email, TenantID: tenant, Roles: roles, Locale: "de"}
	}
	b.ana, b.bruno, b.boss = person(b.tenant, "ana@acme.test"), person(b.tenant, "bruno@acme.test"), person(b.tenant, "boss@acme.test", "manager")
	b.eve = person(b.db.Tenant(t, "other"), "eve@other.test", "admin")
	b.sam = triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "sam@usher.test", "agent"), Name: "Sam"}
	return b
}

func (b *bundle) upload(t *testing.T, by triage.Actor, content string) attachment.File {
	t.Helper()
	f, err := b.files.Upload(t.Context(), attachment.Incoming{Tenant: by.TenantID, By: by, Source: attachment.FromPortal, Name: `C:\logs\error "1".txt`, Body: strings.NewReader(content)})
	require.NoError(t, err)
	return f
}

func (b *bundle) send(t *testing.T, by triage.Actor, ids ...uuid.UUID) triage.Message {
	t.Helper()
	_, m, err := b.intake.Start(t.Context(), by, intake.Start{Channel: triage.ChannelChat, Text: "It broke.", Attachments: ids})
	require.NoError(t, err)
	return m
}

// fetch is what somebody gets who asks for a file the way the API does.
func (b *bundle) fetch(t *testing.T, by triage.Actor, id uuid.UUID) (string, error) {
	t.Helper()
	f, err := b.intake.Attachment(t.Context(), by, id)
	if err != nil {
		return "", err
	}
	return b.read(t)(b.files.Open(t.Context(), f, by, false))
}

func (b *bundle) read(t *testing.T) func(c blob.Content, err error) (string, error) {
	return func(c blob.Content, err error) (string, error) {
		if err != nil {
			return "", err
		}
		defer c.Body.Close()
		all, err := io.ReadAll(c.Body)
		require.NoError(t, err)
		return string(all), nil
	}
}

func (b *bundle) messages(t *testing.T, conversation uuid.UUID) (list []triage.Message) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		list, err = triage.MessagesBefore(t.Context(), tx, b.tenant, conversation, 0, true, 100)
		return err
	}))
	return list
}

// stored counts the files in the folder.
func (b *bundle) stored(t *testing.T, id uuid.UUID) bool {
	t.Helper()
	body, err := b.blobs.Open(t.Context(), "tenants/"+b.tenant.String()+"/attachments/"+id.String())
	if errors.Is(err, blob.ErrNone) {
		return false
	}
	require.NoError(t, err)
	require.NoError(t, body.Close())
	return true
}

func TestAFileIsCheckedBeforeAnybodyElseHasIt(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	f := b.upload(t, b.ana, "line one")
	require.Equal(t, triage.Attachment{ID: f.ID, Name: "error 1.txt", ContentType: "text/plain; charset=utf-8", Size: 8, State: blob.Pending}, f.Attachment)
	for _, who := range []triage.Actor{b.bruno, b.boss, b.eve} {
		_, err := b.fetch(t, who, f.ID)
		require.ErrorIs(t, err, attachment.ErrNotFound, "it is the uploader's until it is sent")
	}
	m := b.send(t, b.ana, f.ID)
	require.Equal(t, []triage.Attachment{f.Attachment}, m.Attachments)
	text, err := b.fetch(t, b.ana, f.ID)
	require.NoError(t, err, "whoever sent it has it anyway")
	require.Equal(t, "line one", text)
	_, err = b.fetch(t, b.boss, f.ID)
	require.ErrorIs(t, err, blob.ErrHeld)

	var jobs int
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'scan_attachment' and args->>'id' = $1`, f.ID.String()).Scan(&jobs))
	require.Equal(t, 1, jobs, "the check is asked for in the upload's transaction")
	require.NoError(t, b.worker.Scan(t.Context(), b.tenant, f.ID))
	require.NoError(t, b.worker.Scan(t.Context(), b.tenant, f.ID), "checking again is harmless")
	text, err = b.fetch(t, b.boss, f.ID)
	require.NoError(t, err, "a manager may read the conversation, and so its file")
	require.Equal(t, "line one", text)
	for _, who := range []triage.Actor{b.bruno, b.eve} {
		_, err := b.fetch(t, who, f.ID)
		require.ErrorIs(t, err, attachment.ErrNotFound)
	}
	require.Equal(t, blob.Clean, b.messages(t, m.ConversationID)[0].Attachments[0].State)
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		events, err := triage.EventsSince(t.Context(), tx, b.tenant, m.ConversationID, 1, false, 10)
		require.NoError(t, err)
		require.NotEmpty(t, events, "the message's readers are told")
		require.Equal(t, triage.EventMessageUpdated, events[0].Kind)
		require.Contains(t, string(events[0].Payload), `"state": "clean"`)
		return nil
	}))
	err = b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `select scan_detail_internal from attachments`)
		return err
	})
	require.ErrorContains(t, err, "permission denied", "customers' queries cannot read what staff note")
}

func TestAnInfectedFileIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	f := b.upload(t, b.ana, "EICAR")
	m := b.send(t, b.ana, f.ID)
	for range 2 {
		require.NoError(t, b.worker.Scan(t.Context(), b.tenant, f.ID))
	}
	_, err := b.fetch(t, b.ana, f.ID)
	require.ErrorIs(t, err, attachment.ErrInfected)
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		f, err := attachment.ByID(t.Context(), tx, b.tenant, f.ID)
		require.NoError(t, err)
		require.ErrorIs(t, b.worker.Allowed(f, b.sam, true), attachment.ErrInfected)
		return nil
	}))
	said := b.messages(t, m.ConversationID)
	require.Equal(t, blob.Infected, said[0].Attachments[0].State)
	require.Len(t, said, 2)
	require.Equal(t, triage.Internal, said[1].Visibility)
	require.Equal(t, `The virus check found "Eicar-Test" in the customer's file "error 1.txt". It was removed; nobody can open it.`, said[1].Body)
	require.NoError(t, b.worker.Sweep(t.Context(), time.Now()))
	require.False(t, b.stored(t, f.ID))

	another := b.upload(t, b.ana, "EICAR again")
	require.NoError(t, b.worker.Scan(t.Context(), b.tenant, another.ID))
	_, _, err = b.intake.Start(t.Context(), b.ana, intake.Start{Channel: triage.ChannelChat, Text: "x", Attachments: []uuid.UUID{another.ID}})
	require.ErrorIs(t, err, attachment.ErrInfected, "what is known to be bad is not sent")
}

func TestOnlyItsUploaderSendsAFileAndOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	f := b.upload(t, b.ana, "mine")
	for _, who := range []triage.Actor{b.bruno, b.boss, b.eve} {
		_, _, err := b.intake.Start(t.Context(), who, intake.Start{Channel: triage.ChannelChat, Text: "x", Attachments: []uuid.UUID{f.ID}})
		require.ErrorIs(t, err, attachment.ErrNotFound)
		require.ErrorIs(t, b.files.Discard(t.Context(), who.TenantID, who, f.ID), attachment.ErrNotFound)
	}
	c, _, err := b.intake.Start(t.Context(), b.ana, intake.Start{Channel: triage.ChannelChat})
	require.NoError(t, err)
	post := intake.Post{Text: " ", ClientKey: "k", Attachments: []uuid.UUID{f.ID}}
	ids := make([]uuid.UUID, 4)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			m, err := b.intake.Post(t.Context(), b.ana, c.ID, post)
			if err != nil {
				t.Error(err)
			}
			ids[i] = m.ID
		})
	}
	group.Wait()
	said := b.messages(t, c.ID)
	require.Len(t, said, 1)
	require.Equal(t, "Bitte sehen Sie sich den Anhang an.", said[0].Body, "a file without a word says so")
	for _, id := range ids {
		require.Equal(t, said[0].ID, id, "a resend is the same message")
	}
	var person bool
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select (args->>'person')::bool from river_job where kind = 'process_message'`).Scan(&person))
	require.True(t, person, "nobody but a person can look at it")
	_, err = b.intake.Post(t.Context(), b.ana, c.ID, intake.Post{Text: "again", ClientKey: "other", Attachments: []uuid.UUID{f.ID}})
	require.ErrorIs(t, err, attachment.ErrTaken)
	require.ErrorIs(t, b.files.Discard(t.Context(), b.tenant, b.ana, f.ID), attachment.ErrTaken)
	_, err = b.intake.Post(t.Context(), b.ana, c.ID, intake.Post{Text: "x", Attachments: make([]uuid.UUID, attachment.PerMessage+1)})
	require.ErrorIs(t, err, attachment.ErrTooMany)
	twice := b.upload(t, b.ana, "twice").ID
	_, err = b.intake.Post(t.Context(), b.ana, c.ID, intake.Post{Text: "x", Attachments: []uuid.UUID{twice, twice}})
	require.ErrorIs(t, err, attachment.ErrNotFound)
	require.Len(t, b.messages(t, c.ID), 1, "a refused file sends nothing")
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{MaxBytes: 5000})
	for name, c := range map[string]struct {
		content string
		want    error
	}{
		"empty": {"", blob.ErrEmpty}, "too large": {strings.Repeat("a", 5001), blob.ErrTooLarge},
		"a page that runs scripts": {"<!doctype html><html><script>alert(1)</script>", blob.ErrType}, "a program": {"MZ\x90\x00\x03", blob.ErrType},
	} {
		_, err := b.files.Upload(t.Context(), attachment.Incoming{Tenant: b.tenant, By: b.ana, Source: attachment.FromPortal, Name: "invoice.pdf", Body: strings.NewReader(c.content)})
		require.ErrorIs(t, err, c.want, name)
	}
	for range 30 {
		b.upload(t, b.bruno, "x")
	}
	_, err := b.files.Upload(t.Context(), attachment.Incoming{Tenant: b.tenant, By: b.bruno, Source: attachment.FromPortal, Name: "x", Body: strings.NewReader("x")})
	require.ErrorIs(t, err, attachment.ErrManyWaiting)
	b.upload(t, b.ana, "one's own do not count")
}

func TestWithoutAScanner(t *testing.T) {
	t.Parallel()
	for name, deliver := range map[string]bool{"held": false, "let through where the operator says so": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil, attachment.Config{Unscanned: deliver})
			f := b.upload(t, b.ana, "from the customer")
			require.Equal(t, blob.NotScanned, f.State)
			m := b.send(t, b.ana, f.ID)
			_, err := b.fetch(t, b.boss, f.ID)
			if deliver {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, blob.ErrHeld)
			}

			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
				f, err = attachment.ByID(t.Context(), tx, b.tenant, f.ID)
				return err
			}))
			_, err = b.read(t)(b.worker.Open(t.Context(), f, b.sam, false))
			require.ErrorIs(t, err, attachment.ErrUnconfirmed)
			text, err := b.read(t)(b.worker.Open(t.Context(), f, b.sam, true))
			require.NoError(t, err)
			require.Equal(t, "from the customer", text)
			var kept string
			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
				return tx.QueryRow(t.Context(), `select actor_id || ' ' || action || ' ' || object from audit_events where action like 'attachment.%'`).Scan(&kept)
			}))
			require.Equal(t, b.sam.ID.String()+" attachment.opened_unscanned "+f.ID.String(), kept)

			_, err = b.worker.Upload(t.Context(), attachment.Incoming{Tenant: b.tenant, By: b.sam, Conversation: m.ConversationID, Source: attachment.FromConsole, Name: "a.txt", Body: strings.NewReader("a")})
			if deliver {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, attachment.ErrNoScanner, "said before anything is sent")
			}
			require.Equal(t, deliver, b.worker.Limits().ToCustomer)
		})
	}
}

func TestAScannerThatIsAwayHoldsFiles(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{broken: true}, attachment.Config{Unscanned: true})
	f := b.upload(t, b.ana, "x")
	b.send(t, b.ana, f.ID)
	require.Error(t, b.worker.Scan(t.Context(), b.tenant, f.ID), "the job tries again")
	_, err := b.fetch(t, b.boss, f.ID)
	require.ErrorIs(t, err, blob.ErrHeld, "the setting is for services without a check, not for one that failed")
}

func TestSweep(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	now := time.Now()
	forgotten, sent, removed := b.upload(t, b.ana, "a"), b.upload(t, b.ana, "b"), b.upload(t, b.ana, "c")
	b.send(t, b.ana, sent.ID)
	require.NoError(t, b.files.Discard(t.Context(), b.tenant, b.ana, removed.ID))
	// A process died between the bytes and their row.
	lost := uuid.New()
	key := "tenants/" + b.tenant.String() + "/attachments/" + lost.String()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error { return blob.Begin(t.Context(), tx, b.tenant, key) }))
	require.NoError(t, b.blobs.Put(t.Context(), key, strings.NewReader("half"), -1, "text/plain"))

	require.NoError(t, b.worker.Sweep(t.Context(), now.Add(time.Minute)))
	require.True(t, b.stored(t, forgotten.ID))
	require.True(t, b.stored(t, lost), "an upload may still be under way")
	require.False(t, b.stored(t, removed.ID))
	require.NoError(t, b.worker.Sweep(t.Context(), now.Add(2*time.Hour)))
	require.False(t, b.stored(t, lost))
	require.True(t, b.stored(t, forgotten.ID))
	require.NoError(t, b.worker.Sweep(t.Context(), now.Add(25*time.Hour)))
	require.False(t, b.stored(t, forgotten.ID))
	require.True(t, b.stored(t, sent.ID), "what a message carries stays")
	var loose int
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from loose_files`).Scan(&loose)
	}))
	require.Zero(t, loose)
}

func TestAMessageTakenBackTakesItsFilesAlong(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	f := b.upload(t, b.ana, "wrong file")
	m := b.send(t, b.ana, f.ID)
	changed, err := b.intake.Change(t.Context(), b.ana, m.ID, "It broke again.")
	require.NoError(t, err)
	require.Len(t, changed.Attachments, 1, "another text keeps the files")
	gone, err := b.intake.TakeBack(t.Context(), b.ana, m.ID)
	require.NoError(t, err)
	require.Empty(t, gone.Attachments)
	require.ErrorIs(t, b.worker.Scan(t.Context(), b.tenant, f.ID), attachment.ErrNotFound, "the job finds nothing to do")
	_, err = b.fetch(t, b.ana, f.ID)
	require.ErrorIs(t, err, attachment.ErrNotFound)
	require.NoError(t, b.worker.Sweep(t.Context(), time.Now()))
	require.False(t, b.stored(t, f.ID))
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		events, err := triage.EventsSince(t.Context(), tx, b.tenant, m.ConversationID, 0, true, 20)
		for _, e := range events {
			require.NotContains(t, string(e.Payload), "error 1.txt", "no stream names it again")
		}
		return err
	}))
}

// Whoever comes first, the message shows in the end what the check said.
func TestSendingDuringTheCheck(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	for range 25 {
		f := b.upload(t, b.ana, "x")
		var m triage.Message
		var group sync.WaitGroup
		group.Go(func() { m = b.send(t, b.ana, f.ID) })
		group.Go(func() {
			if err := b.worker.Scan(t.Context(), b.tenant, f.ID); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		require.Equal(t, blob.Clean, b.messages(t, m.ConversationID)[0].Attachments[0].State)
	}
}

func TestASourceSendsAFileOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	again := attachment.Incoming{Tenant: b.tenant, By: b.ana, Source: attachment.FromEmail, Ref: "<m1>/1", Name: "a.txt"}
	ids := make([]uuid.UUID, 4)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			in := again
			in.Body = strings.NewReader("same")
			f, err := b.worker.Upload(t.Context(), in)
			if err != nil {
				t.Error(err)
			}
			ids[i] = f.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
}

func TestPreviewIsOfCheckedTextsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, attachment.Config{})
	f := b.upload(t, b.ana, strings.Repeat("ü", 3000))
	look := func() string {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
			f, err = attachment.ByID(t.Context(), tx, b.tenant, f.ID)
			return err
		}))
		text, err := b.worker.Preview(t.Context(), f)
		require.NoError(t, err)
		return text
	}
	require.Empty(t, look())
	require.NoError(t, b.worker.Scan(t.Context(), b.tenant, f.ID))
	require.Equal(t, strings.Repeat("ü", 2048), look())
	f = b.upload(t, b.ana, "%PDF-1.7 x")
	require.NoError(t, b.worker.Scan(t.Context(), b.tenant, f.ID))
	require.Empty(t, look())
}
