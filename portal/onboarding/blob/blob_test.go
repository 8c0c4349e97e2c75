package blob_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/portal/onboarding/document"
)

func open(t *testing.T) *blob.Folder {
	t.Helper()
	folder, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	return folder
}

func TestTake(t *testing.T) {
	t.Parallel()
	store := open(t)
	limits := blob.Limits{MaxBytes: 100, Types: []string{"text/plain", "application/pdf"}}
	taken, err := blob.Take(t.Context(), store, "a/b", strings.NewReader("abc"), limits)
	require.NoError(t, err)
	require.Equal(t, int64(3), taken.Size)
	require.Equal(t, "text/plain; charset=utf-8", taken.ContentType)
	require.Len(t, taken.Sum, 32)
	for name, c := range map[string]struct {
		body io.Reader
		want error
	}{
		"nothing": {strings.NewReader(""), blob.ErrEmpty}, "too much": {strings.NewReader(strings.Repeat("a", 101)), blob.ErrTooLarge},
		"a page": {strings.NewReader("<html>"), blob.ErrType}, "a line that breaks off": {io.MultiReader(strings.NewReader("a"), broken{}), errBroken},
	} {
		_, err := blob.Take(t.Context(), store, "x", c.body, limits)
		require.ErrorIs(t, err, c.want, name)
		_, err = store.Open(t.Context(), "x")
		require.ErrorIs(t, err, blob.ErrNone, name)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

// dying stores bytes, and then the process ends.
type dying struct{ blob.Store }

func (d dying) Put(ctx context.Context, key string, body io.Reader, size int64, kind string) error {
	if err := d.Store.Put(ctx, key, body, size, kind); err != nil {
		return err
	}
	panic("killed")
}

func TestAProcessThatDiesLeavesNoBytesForEver(t *testing.T) {
	t.Parallel()
	db, store := dbtest.New(t), open(t)
	tenant := db.Tenant(t, "acme")
	asker := onboarding.Asker{TenantID: tenant, UserID: db.User(t, tenant, "ana@acme.test")}
	project, request := uuid.New(), uuid.New()
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'P', '2026-01-01')`, tenant, project); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into document_requests (tenant_id, id, project_id, title, state) values ($1, $2, $3, 'Proof', 'requested')`, tenant, request, project)
		return err
	}))
	require.Panics(t, func() {
		_, _ = document.New(db.App, dying{store}, nil, nil, document.Config{}).Upload(t.Context(), asker, request, "a.pdf", strings.NewReader("%PDF-1.7"))
	})
	kept, err := document.New(db.App, store, nil, nil, document.Config{}).Upload(t.Context(), asker, request, "a.pdf", strings.NewReader("%PDF-1.7 again"))
	require.NoError(t, err)

	loose := func() (keys []string) {
		require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `select storage_key from loose_files where tenant_id = $1`, tenant)
			if err != nil {
				return err
			}
			keys, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		}))
		return keys
	}
	lost := loose()
	require.Len(t, lost, 1, "what was stored whole is named by its row")
	n, err := blob.Sweep(t.Context(), db.Worker, store, time.Now())
	require.NoError(t, err)
	require.Zero(t, n, "an upload may still be under way")
	n, err = blob.Sweep(t.Context(), db.Worker, store, time.Now().Add(2*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = store.Open(t.Context(), lost[0])
	require.ErrorIs(t, err, blob.ErrNone)
	require.Empty(t, loose())
	body, err := store.Open(t.Context(), "tenants/"+tenant.String()+"/documents/"+request.String()+"/"+kept.ID.String())
	require.NoError(t, err)
	require.NoError(t, body.Close())
}

func TestCleanName(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`C:\Users\ana\letter "final".pdf`: "letter final.pdf", "../../etc/passwd": "passwd", "\u202egnp.exe": "gnp.exe", " . ": "file", "": "file", "a\x00b\n.txt": "ab.txt",
		strings.Repeat("ü", 300): strings.Repeat("ü", 100) + "…" + strings.Repeat("ü", 49),
	} {
		require.Equal(t, want, blob.CleanName(given, "file"))
	}
}
