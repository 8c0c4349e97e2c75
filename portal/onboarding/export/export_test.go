package export_test

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/export"
)

func setup(t *testing.T) (*dbtest.Database, uuid.UUID) {
	t.Helper()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	var people []onboarding.DemoPerson
	for _, name := range []string{"ana", "bo", "cy"} {
		people = append(people, onboarding.DemoPerson{ID: db.User(t, tenant, name+"@acme.test"), Name: name})
	}
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return onboarding.SeedDemo(t.Context(), tx, tenant, "integration", people, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	}))
	return db, tenant
}

func write(t *testing.T, db *dbtest.Database, q export.Query) (string, int) {
	t.Helper()
	var out strings.Builder
	var n int
	require.NoError(t, db.App.WithTenant(t.Context(), q.TenantID, func(tx pgx.Tx) (err error) {
		n, err = export.Write(t.Context(), tx, q, &out)
		return err
	}))
	return out.String(), n
}

func TestEverySectionIsWrittenInBothFormats(t *testing.T) {
	t.Parallel()
	db, tenant := setup(t)
	require.Len(t, export.Sections(), 10)
	for _, section := range export.Sections() {
		body, n := write(t, db, export.Query{TenantID: tenant, Section: section, Format: "csv", All: true})
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		require.NoError(t, err, section)
		require.Len(t, rows, n+1, section)
		body, m := write(t, db, export.Query{TenantID: tenant, Section: section, Format: "json", All: true})
		var list []map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &list), section)
		require.Len(t, list, m)
		require.Equal(t, n, m)
		if strings.HasPrefix(section, "t") && section != "tickets" || section == "milestones" {
			require.Positive(t, n, section)
		}
	}
}

func TestAnExportHoldsWhatTheAskerSeesOnly(t *testing.T) {
	t.Parallel()
	db, tenant := setup(t)
	all, most := write(t, db, export.Query{TenantID: tenant, Section: "tasks", Format: "csv", All: true})
	_, fewer := write(t, db, export.Query{TenantID: tenant, Section: "tasks", Format: "csv"})
	require.Less(t, fewer, most)
	require.NotContains(t, all, "pricing exception", "internal work is in nobody's export")
	other := db.Tenant(t, "other")
	body, n := write(t, db, export.Query{TenantID: other, Section: "tasks", Format: "json", All: true})
	require.Zero(t, n)
	require.JSONEq(t, `[]`, body)
	past, n := write(t, db, export.Query{TenantID: tenant, Section: "tasks", Format: "csv", All: true, To: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.Zero(t, n)
	require.True(t, strings.HasPrefix(past, "title,milestone,state"))
}

func TestACellIsNeverAFormula(t *testing.T) {
	t.Parallel()
	db, tenant := setup(t)
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update tasks set title = '=HYPERLINK("http://evil.example")' where tenant_id = $1 and visibility = 'customer'`, tenant)
		return err
	}))
	body, _ := write(t, db, export.Query{TenantID: tenant, Section: "tasks", Format: "csv", All: true})
	require.Contains(t, body, `'=HYPERLINK`)
	require.NotContains(t, body, "\n=HYPERLINK")
}

func TestBadQueriesAreNamed(t *testing.T) {
	t.Parallel()
	for want, q := range map[error]export.Query{
		export.ErrUnknownSection: {Section: "secrets", Format: "csv"}, export.ErrUnknownFormat: {Section: "tasks", Format: "xml"},
		export.ErrBadRange: {Section: "tasks", Format: "csv", From: time.Now(), To: time.Now().Add(-time.Hour)},
	} {
		_, err := export.Write(t.Context(), nil, q, io.Discard)
		require.ErrorIs(t, err, want)
	}
}

// A hundred thousand rows do not fit into what the export may use.
func TestMemoryStaysBounded(t *testing.T) {
	t.Parallel()
	db, tenant := setup(t)
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into document_versions (tenant_id, id, request_id, version_no, file_name, uploaded_at)
			select $1, gen_random_uuid(), (select id from document_requests where tenant_id = $1 limit 1), 100 + n, repeat('x', 300), now() from generate_series(1, 100000) n`, tenant)
		return err
	}))
	peak := &watch{}
	require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		n, err := export.Write(t.Context(), tx, export.Query{TenantID: tenant, Section: "documents", Format: "json", All: true}, peak)
		require.Greater(t, n, 100_000)
		return err
	}))
	require.Greater(t, peak.written, int64(30<<20))
	require.Less(t, peak.most, uint64(64<<20))
}

// watch counts what is written and looks at the heap now and then.
type watch struct {
	written int64
	calls   int
	most    uint64
}

func (w *watch) Write(p []byte) (int, error) {
	w.written += int64(len(p))
	if w.calls++; w.calls%20_000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.most = max(w.most, m.HeapAlloc)
	}
	return len(p), nil
}

func TestConversationsAndAuditAreExported(t *testing.T) {
	t.Parallel()
	db, tenant := setup(t)
	other := db.Tenant(t, "other")
	for _, of := range []uuid.UUID{tenant, other} {
		require.NoError(t, db.Worker.WithTenant(t.Context(), of, func(tx pgx.Tx) error {
			conversation := uuid.New()
			for _, s := range []struct {
				sql  string
				args []any
			}{
				{`insert into conversations (tenant_id, id, channel, subject) values ($1, $2, 'chat', 'Invoice')`, []any{of, conversation}},
				{`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body, created_at) values ($1, $2, $3, 1, 'customer', 'customer', $4, '2026-11-20')`, []any{of, uuid.New(), conversation, "=question of " + of.String()}},
				{`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body, created_at) values ($1, $2, $3, 2, 'agent', 'internal', 'CANARY', '2026-11-20')`, []any{of, uuid.New(), conversation}},
				{`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body, created_at) values ($1, $2, $3, 3, 'agent', 'customer', 'too late', '2026-12-20')`, []any{of, uuid.New(), conversation}},
				{`insert into audit_events (tenant_id, id, at, actor_kind, action, detail) values ($1, $2, '2026-11-20', 'staff', 'workspace.live', '{"note": "CANARY"}')`, []any{of, uuid.New()}},
			} {
				if _, err := tx.Exec(t.Context(), s.sql, s.args...); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	to := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	said, n := write(t, db, export.Query{TenantID: tenant, Section: "conversations", Format: "csv", To: to})
	require.Equal(t, 1, n, said)
	require.Contains(t, said, "'=question of "+tenant.String(), "and no formula")
	objects, _ := write(t, db, export.Query{TenantID: tenant, Section: "conversations", Format: "json", To: to})
	var list []struct{ Conversation uuid.UUID }
	require.NoError(t, json.Unmarshal([]byte(objects), &list), "ids are texts")
	require.Contains(t, said, list[0].Conversation.String())
	done, n := write(t, db, export.Query{TenantID: tenant, Section: "audit", Format: "json", To: to})
	require.Equal(t, 1, n)
	require.Contains(t, done, "workspace.live")
	require.NotContains(t, said+done, "CANARY", "nothing for staff only")
}

func TestCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u200B=cmd|'/c calc'!A0", "\u202E=1", "＝1+1", "＠x", "\n=1", "\u3164=1",
	} {
		require.Equal(t, "'"+text, export.Cell(text), "%q", text)
	}
	for _, text := range []string{"", "a=1", "Straße", " 1", "'=1", "5 - 3"} {
		require.Equal(t, text, export.Cell(text))
	}
}
