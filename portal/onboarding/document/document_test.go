package document_test

import (
	"bytes"
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
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/onboarding/rule"
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

type bundle struct {
	db      *dbtest.Database
	blobs   *blob.Folder
	service *document.Service // as the app
	worker  *document.Service
	jobs    *river.Client[pgx.Tx]
	asker   onboarding.Asker
	open    uuid.UUID // a request everybody sees
	finance uuid.UUID // one of finance
}

func setup(t *testing.T, s blob.Scanner, config document.Config) *bundle {
	t.Helper()
	b := &bundle{db: dbtest.New(t), open: uuid.New(), finance: uuid.New()}
	var err error
	b.blobs, err = blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.blobs.Close()) })
	b.jobs, err = river.NewClient(riverpgxv5.New(b.db.App.Pool()), &river.Config{})
	require.NoError(t, err)
	tenant := b.db.Tenant(t, "acme")
	b.asker = onboarding.Asker{TenantID: tenant, UserID: b.db.User(t, tenant, "ana@acme.test"), Roles: []string{"member"}}
	b.service, b.worker = document.New(b.db.App, b.blobs, s, b.jobs, config), document.New(b.db.Worker, b.blobs, s, b.jobs, config)
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		project := uuid.New()
		batch := &pgx.Batch{}
		batch.Queue(`insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'P', '2026-01-01')`, tenant, project)
		batch.Queue(`insert into document_requests (tenant_id, id, project_id, title, state) values ($1, $2, $3, 'Proof of address', 'requested')`, tenant, b.open, project)
		batch.Queue(`insert into document_requests (tenant_id, id, project_id, title, state, department) values ($1, $2, $3, 'Bank letter', 'requested', 'finance')`, tenant, b.finance, project)
		return errors.Join(tx.SendBatch(t.Context(), batch).Close(), rule.Seed(t.Context(), tx))
	}))
	return b
}

func pdf(text string) io.Reader { return strings.NewReader("%PDF-1.7\n" + text) }

func TestAnUploadGoesThroughQuarantineScanAndReview(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, document.Config{})
	v, err := b.service.Upload(t.Context(), b.asker, b.open, `C:\Users\ana\letter "final".pdf`, pdf("page one"))
	require.NoError(t, err)
	require.Equal(t, document.Version{ID: v.ID, RequestID: b.open, Number: 1, FileName: "letter final.pdf", ContentType: "application/pdf", Size: 17, ScanState: "pending", ReviewState: "pending", UploadedAt: v.UploadedAt}, v)
	_, err = b.service.Download(t.Context(), b.asker, v.ID)
	require.ErrorIs(t, err, blob.ErrHeld)

	var jobs int
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'scan_document' and args->>'version_id' = $1`, v.ID.String()).Scan(&jobs))
	require.Equal(t, 1, jobs, "the scan is asked for in the upload's transaction")
	scan := &document.Scanning{Service: b.worker}
	require.NoError(t, scan.Work(t.Context(), &river.Job[document.ScanArgs]{Args: document.ScanArgs{TenantID: b.asker.TenantID, VersionID: v.ID}}))
	content, err := b.service.Download(t.Context(), b.asker, v.ID)
	require.NoError(t, err)
	body, err := io.ReadAll(content.Body)
	require.NoError(t, errors.Join(err, content.Body.Close()))
	require.Equal(t, "%PDF-1.7\npage one", string(body))

	same, err := b.service.Upload(t.Context(), b.asker, b.open, "again.pdf", pdf("page one"))
	require.NoError(t, err)
	require.Equal(t, v.ID, same.ID, "the same bytes are the same version")

	var fired []rule.Fired
	rules := &rule.Engine{Do: func(_ context.Context, _ pgx.Tx, f rule.Fired) error {
		fired = append(fired, f)
		return nil
	}}
	decide := func(r document.Review) error {
		r.At, r.Reviewer = time.Now(), uuid.New()
		return b.db.Worker.WithSystem(t.Context(), "review", func(tx pgx.Tx) error { return document.Decide(t.Context(), tx, rules, b.asker.TenantID, r) })
	}
	reject := document.Review{Version: v.ID, Codes: []string{"too_old"}, Message: "It is older than three months.", Comment: "looks odd to me"}
	require.NoError(t, decide(reject))
	require.NoError(t, decide(reject))
	require.Len(t, fired, 1)
	require.Equal(t, b.asker.UserID, fired[0].Event.UserID)

	v2, err := b.service.Upload(t.Context(), b.asker, b.open, "new.pdf", pdf("page two"))
	require.NoError(t, err)
	require.Equal(t, 2, v2.Number)
	require.ErrorIs(t, decide(document.Review{Version: v.ID, Accept: true}), document.ErrSuperseded)
	require.NoError(t, decide(document.Review{Version: v2.ID, Codes: []string{"fraud"}, Message: "never shown", Comment: "call them"}))
	require.Len(t, fired, 3, "a second rejection is for people as well")
	require.Empty(t, fired[1].Event.Fields["message"])

	v3, err := b.service.Upload(t.Context(), b.asker, b.open, "third.pdf", pdf("page three"))
	require.NoError(t, err)
	require.NoError(t, decide(document.Review{Version: v3.ID, Accept: true}))
	_, err = b.service.Upload(t.Context(), b.asker, b.open, "late.pdf", pdf("late"))
	require.ErrorIs(t, err, document.ErrClosed)

	var r onboarding.Record
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.asker.TenantID, func(tx pgx.Tx) (err error) {
		r, err = onboarding.Load(t.Context(), tx, b.asker.TenantID)
		return err
	}))
	for _, d := range r.Documents {
		if d.ID == b.open {
			require.Equal(t, "accepted", d.State)
			require.Len(t, d.Versions, 3)
			require.Equal(t, "It is older than three months.", d.Versions[0].Message)
		}
	}
}

func TestMalwareAndABrokenScannerKeepTheFileBack(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, document.Config{})
	v, err := b.service.Upload(t.Context(), b.asker, b.open, "x.pdf", pdf("EICAR"))
	require.NoError(t, err)
	require.NoError(t, b.worker.Scan(t.Context(), b.asker.TenantID, v.ID))
	_, err = b.service.Download(t.Context(), b.asker, v.ID)
	require.ErrorIs(t, err, blob.ErrHeld)

	broken := document.New(b.db.Worker, b.blobs, scanner{broken: true}, nil, document.Config{})
	v, err = b.service.Upload(t.Context(), b.asker, b.open, "y.pdf", pdf("fine"))
	require.NoError(t, err)
	require.ErrorContains(t, broken.Scan(t.Context(), b.asker.TenantID, v.ID), "away")
	_, err = b.service.Download(t.Context(), b.asker, v.ID)
	require.ErrorIs(t, err, blob.ErrHeld)
	require.NoError(t, b.worker.Scan(t.Context(), b.asker.TenantID, v.ID), "the next try may succeed")
	_, err = b.service.Download(t.Context(), b.asker, v.ID)
	require.NoError(t, err)
}

func TestWithoutAScannerFilesAreHonestlyNotScannedAndHeld(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, document.Config{})
	v, err := b.service.Upload(t.Context(), b.asker, b.open, "x.pdf", pdf("fine"))
	require.NoError(t, err)
	require.Equal(t, "not_scanned", v.ScanState)
	_, err = b.service.Download(t.Context(), b.asker, v.ID)
	require.ErrorIs(t, err, blob.ErrHeld)
}

func TestWhatMayNotBeUploadedIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, document.Config{MaxBytes: 1000})
	for name, c := range map[string]struct {
		body    io.Reader
		request uuid.UUID
		want    error
	}{
		"empty":                           {strings.NewReader(""), b.open, blob.ErrEmpty},
		"a page of HTML":                  {strings.NewReader("<html><script>alert(1)</script>"), b.open, blob.ErrType},
		"a program":                       {bytes.NewReader([]byte("\x7fELF\x02\x01\x01\x00aaaaaaaaaaaaaaaa")), b.open, blob.ErrType},
		"an SVG":                          {strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), b.open, blob.ErrType},
		"too large":                       {pdf(strings.Repeat("x", 5000)), b.open, blob.ErrTooLarge},
		"a request of another department": {pdf("x"), b.finance, document.ErrNotFound},
		"a request that does not exist":   {pdf("x"), uuid.New(), document.ErrNotFound},
	} {
		_, err := b.service.Upload(t.Context(), b.asker, c.request, "x.pdf", c.body)
		require.ErrorIs(t, err, c.want, name)
	}
	stranger := b.asker
	stranger.TenantID = b.db.Tenant(t, "other")
	_, err := b.service.Upload(t.Context(), stranger, b.open, "x.pdf", pdf("x"))
	require.ErrorIs(t, err, document.ErrNotFound, "another tenant's request is a missing one")

	ctx, cancel := context.WithCancel(t.Context())
	_, err = b.service.Upload(ctx, b.asker, b.open, "x.pdf", io.MultiReader(pdf(strings.Repeat("a", 100)), readerFunc(func(p []byte) (int, error) {
		cancel()
		return 1, nil
	})))
	require.Error(t, err, "cancelled half-way")
	var versions int
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.asker.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from document_versions where tenant_id = $1`, b.asker.TenantID).Scan(&versions)
	}))
	require.Zero(t, versions)
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestParallelUploadsBecomeVersionsInARow(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, document.Config{})
	var wg sync.WaitGroup
	problems, numbers := make([]error, 6), make([]int, 6)
	for i := range problems {
		wg.Go(func() {
			v, err := b.service.Upload(t.Context(), b.asker, b.open, "x.pdf", pdf(strings.Repeat("x", i+1)))
			problems[i], numbers[i] = err, v.Number
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(problems...))
	require.ElementsMatch(t, []int{1, 2, 3, 4, 5, 6}, numbers)
}

func TestAVersionCannotBeChangedAfterwards(t *testing.T) {
	t.Parallel()
	b := setup(t, scanner{}, document.Config{})
	v, err := b.service.Upload(t.Context(), b.asker, b.open, "x.pdf", pdf("x"))
	require.NoError(t, err)
	for _, sql := range []string{
		`update document_versions set sha256 = '' where tenant_id = $1 and id = $2`, `update document_versions set file_name = 'y' where tenant_id = $1 and id = $2`,
		`update document_versions set version_no = 9 where tenant_id = $1 and id = $2`,
	} {
		err := b.db.Worker.WithTenant(t.Context(), b.asker.TenantID, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql, b.asker.TenantID, v.ID)
			return err
		})
		require.ErrorContains(t, err, "permission denied", sql)
	}
}

func TestNoKeyLeavesTheFolder(t *testing.T) {
	t.Parallel()
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	for _, key := range []string{"../outside", "/etc/passwd", "a/../../b"} {
		require.Error(t, folder.Put(t.Context(), key, strings.NewReader("x"), 1, ""), key)
		_, err := folder.Open(t.Context(), key)
		require.Error(t, err, key)
	}
	_, err = folder.Open(t.Context(), "nothing")
	require.ErrorIs(t, err, blob.ErrNone)
	require.NoError(t, folder.Delete(t.Context(), "nothing"))
}
