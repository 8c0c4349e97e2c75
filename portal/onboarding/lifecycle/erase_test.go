package lifecycle_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
)

const canary = "canary-7f3a"

// tables are all tables, or those of tenants.
func tables(t *testing.T, tx pgx.Tx, tenants bool) []string {
	t.Helper()
	rows, err := tx.Query(t.Context(), `select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and c.relname not like 'river%' and has_table_privilege(c.oid, 'select')
		and (not $1 or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))`, tenants)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(names), 40)
	return names
}

// rowsOf counts a tenant's rows by table, over the whole catalogue.
func rowsOf(t *testing.T, db *dbtest.Database, tenant uuid.UUID) map[string]int {
	t.Helper()
	out := map[string]int{}
	system(t, db, func(tx pgx.Tx) error {
		for _, table := range tables(t, tx, true) {
			var n int
			if err := tx.QueryRow(t.Context(), `select count(*) from `+pgx.Identifier{table}.Sanitize()+` where tenant_id = $1`, tenant).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				out[table] = n
			}
		}
		return nil
	})
	return out
}

// holds are the tables of the database in which a text stands anywhere.
func holds(t *testing.T, db *dbtest.Database, text string) (out []string) {
	t.Helper()
	system(t, db, func(tx pgx.Tx) error {
		for _, table := range tables(t, tx, false) {
			var found bool
			if err := tx.QueryRow(t.Context(), `select exists (select from `+pgx.Identifier{table}.Sanitize()+` x where x::text ilike '%' || $1 || '%')`, text).Scan(&found); err != nil {
				return err
			}
			if found {
				out = append(out, table)
			}
		}
		return nil
	})
	return out
}

func TestErasureLeavesNothingOfTheTenantAndEverythingOfTheOthers(t *testing.T) {
	t.Parallel()
	db := setup(t)
	other := fill(t, db, "Umbrella", "other", "other-doc")
	mine := fill(t, db, "Initech "+canary, canary, "doc-"+canary)
	asked := uuid.New() // by both
	system(t, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into gaps (id, question, questions, conversations, repeats) values ($1, 'Is there a tide?', 3, 3, 2)`, asked)
		for _, by := range []uuid.UUID{other, mine, mine} {
			if err == nil {
				_, err = tx.Exec(t.Context(), `insert into gap_questions (tenant_id, id, question, reason, gap_id) values ($1, $2, 'Is there a tide?', $3, $4)`,
					by, uuid.New(), map[bool]string{true: "repeated", false: "weak"}[by == mine], asked)
			}
		}
		return err
	})
	before := rowsOf(t, db, other)
	require.Greater(t, len(rowsOf(t, db, mine)), 20, "a workspace with everything in it")

	err := db.Worker.WithSystem(t.Context(), "erase", func(tx pgx.Tx) error {
		_, err := lifecycle.Erase(t.Context(), tx, mine)
		return err
	})
	require.ErrorIs(t, err, lifecycle.ErrTransition, "only what is being offboarded is erased")
	require.NotEmpty(t, holds(t, db, canary))

	var gone lifecycle.Erasure
	system(t, db, func(tx pgx.Tx) error {
		for i, row := range [][3]string{
			{"slack", "root", `{"id": "C1:1.1"}`}, {"slack", "thread", `{"id": "C1:1.2"}`}, {"slack", "thread", `{"id": "C1:1.2"}`}, {"slack", "file", `{"id": "F1", "detail": {"step": "shared"}}`},
			{"slack", "file", `{"id": "F2", "detail": {"step": "deleted"}}`}, {"slack", "ask", `{}`}, {"crm", "record", `{"id": "5003"}`},
		} {
			if _, err := tx.Exec(t.Context(), `insert into deliveries (tenant_id, id, destination, kind, subject_key, external_ref, state) values ($1, gen_random_uuid(), $2, $3, $4, $5::text::jsonb, 'delivered')`,
				mine, row[0], row[1], fmt.Sprintf("erase:%d", i), row[2]); err != nil {
				return err
			}
		}
		if err := lifecycle.Transition(t.Context(), tx, mine, lifecycle.Offboarding); err != nil {
			return err
		}
		var err error
		gone, err = lifecycle.Erase(t.Context(), tx, mine)
		return err
	})
	require.Equal(t, []string{"doc-" + canary}, gone.Blobs)
	require.Equal(t, []lifecycle.Place{{"slack", false, "C1:1.1"}, {"slack", false, "C1:1.2"}, {"slack", true, "F1"}}, gone.Places, "what stands outside and can be deleted there")
	require.Greater(t, gone.Rows, int64(50))
	require.Equal(t, map[string]int{"audit_events": 1}, rowsOf(t, db, mine))
	require.Empty(t, holds(t, db, canary), "no table holds a word of it")
	require.Equal(t, before, rowsOf(t, db, other))
	system(t, db, func(tx pgx.Tx) error {
		var counts [3]int
		err := tx.QueryRow(t.Context(), `select questions, conversations, repeats from gaps where id = $1`, asked).Scan(&counts[0], &counts[1], &counts[2])
		require.Equal(t, [3]int{1, 1, 0}, counts, "what others ask too counts theirs only")
		return err
	})

	system(t, db, func(tx pgx.Tx) error { // the contract comes once more
		c := contract()
		c.ID = "deal of Initech"[:13]
		got, err := lifecycle.Provision(t.Context(), tx, c)
		require.False(t, got.Created, "an erased workspace stays erased")
		return err
	})
	require.Equal(t, map[string]int{"audit_events": 1}, rowsOf(t, db, mine))
}

// fill makes a workspace with rows in every part of the product.
func fill(t *testing.T, db *dbtest.Database, name, mark, blob string) (tenant uuid.UUID) {
	t.Helper()
	system(t, db, func(tx pgx.Tx) error {
		c := contract()
		c.ID, c.Company.Name = "deal of "+name[:5], name
		for i := range c.Contacts {
			c.Contacts[i].Email = mark + c.Contacts[i].Email
		}
		got, err := lifecycle.Provision(t.Context(), tx, c)
		tenant = got.TenantID
		return err
	})
	user, conversation, gap, article, version, chunk, audience := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	system(t, db, func(tx pgx.Tx) error {
		for _, s := range []struct {
			sql  string
			args []any
		}{
			{`insert into users (tenant_id, id, email, email_normalized, display_name) values ($1, $2, $3::text, $3::text, $3::text)`, []any{tenant, user, mark + "@x.test"}},
			{`insert into conversations (tenant_id, id, user_id, channel, subject) values ($1, $2, $3, 'chat', $4)`, []any{tenant, conversation, user, mark}},
			{`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body) values ($1, $2, $3, 1, 'customer', 'customer', $4)`, []any{tenant, uuid.New(), conversation, "Where is " + mark}},
			{`insert into tickets (tenant_id, id, number, conversation_id, subject, origin) values ($1, $2, 1001, $3, $4, 'chat')`, []any{tenant, uuid.New(), conversation, mark}},
			{`insert into gaps (id, question) values ($1, $2)`, []any{gap, "Where is " + mark}},
			{`insert into gap_questions (tenant_id, id, question, reason, gap_id) values ($1, $2, $3, 'weak', $4)`, []any{tenant, uuid.New(), "Where is " + mark, gap}},
			{`insert into taxonomy_values (dimension, value) values ('intent', 'erase.test') on conflict do nothing`, nil},
			{`insert into taxonomy_examples (id, dimension, value, text, source) values ($1, 'intent', 'erase.test', $2, 'correction')`, []any{uuid.New(), "Where is " + mark + "? Write to ⟦EMAIL_1⟧"}},
			{`insert into example_origins (tenant_id, text_md5) values ($1, md5($2))`, []any{tenant, "Where is " + mark + "? Write to ⟦EMAIL_1⟧"}},
			{`insert into document_versions (tenant_id, id, request_id, version_no, file_name, scan_state, review_state, uploaded_at, storage_key) select tenant_id, $2, id, 1, $3, 'clean', 'pending', now(), $4 from document_requests where tenant_id = $1 limit 1`, []any{tenant, uuid.New(), mark + ".pdf", blob}},
			{`insert into status_snapshots (tenant_id, source, entity_key, payload) values ($1, 'erp', 'x', to_jsonb($2::text))`, []any{tenant, mark}},
			{`insert into pack_records (tenant_id, id, entity, key, name) values ($1, $2, 'shipment', 'x', $3)`, []any{tenant, uuid.New(), mark}},
			{`insert into embedding_models (id, name, provider, dimensions, state) overriding system value values (77, 'erase-test', 'builtin', 256, 'ready') on conflict do nothing`, nil},
			{`insert into tenant_audiences (tenant_id, id, audience, fingerprint) values ($1, $2, 'public', 'x')`, []any{tenant, audience}},
			{`insert into tenant_articles (tenant_id, id, slug, title, audience_id) values ($1, $2, $3::text, $3::text, $4)`, []any{tenant, article, mark, audience}},
			{`insert into tenant_versions (tenant_id, id, article_id, number, state, title, body, audience_id) values ($1, $2, $3, 1, 'published', $4::text, $4::text, $5)`, []any{tenant, version, article, mark, audience}},
			{`insert into tenant_chunks (tenant_id, id, article_id, version_id, ordinal, body, hash, words) values ($1, $2, $3, $4, 0, $5, '', 1)`, []any{tenant, chunk, article, version, mark}},
			{`insert into tenant_chunk_terms (tenant_id, chunk_id, audience_id, weights) values ($1, $2, $3, '{1:1}/1000000000')`, []any{tenant, chunk, audience}},
			{`insert into tenant_chunk_vectors (tenant_id, model_id, chunk_id, audience_id, dimensions, embedding) values ($1, 77, $2, $3, 256, array_fill(0.1, array[256])::halfvec)`, []any{tenant, chunk, audience}},
			{`insert into tenant_words (tenant_id, stem, word, chunks) values ($1, true, $2, 1)`, []any{tenant, mark}},
			{`insert into onboarding_notices (tenant_id, id, key, user_id, kind, fields, not_before) values ($1, $2, 'k', $3, 'x', jsonb_build_object('name', $4::text), now())`, []any{tenant, uuid.New(), user, mark}},
		} {
			if _, err := tx.Exec(t.Context(), s.sql, s.args...); err != nil {
				return err
			}
		}
		return nil
	})
	return tenant
}
