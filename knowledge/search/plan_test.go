package search_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// neighbours makes tenants whose vectors share a partition, and so an index.
func neighbours(t *testing.T, b *knowledgetest.Base, slugs ...string) []uuid.UUID {
	t.Helper()
	var out []uuid.UUID
	for n := 0; len(out) < len(slugs); n++ {
		require.Less(t, n, 2000)
		id := uuid.Must(uuid.NewV7())
		var here bool
		require.NoError(t, b.Worker.Pool().QueryRow(t.Context(),
			`select satisfies_hash_partition('tenant_chunk_vectors'::regclass, 16, 3, $1::uuid)`, id).Scan(&here))
		if !here {
			continue
		}
		require.NoError(t, b.Worker.WithSystem(t.Context(), "test tenant", func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into tenants (id, slug, name) values ($1, $2, $2)`, id, slugs[len(out)])
			return err
		}))
		out = append(out, id)
	}
	return out
}

// analyze gives the planner what autovacuum would have told it.
func analyze(t *testing.T, b *knowledgetest.Base) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	_, err = conn.Exec(t.Context(), "analyze tenant_chunk_vectors; analyze shared_chunk_vectors; analyze tenant_chunk_terms; analyze shared_chunk_terms; analyze tenant_chunks; analyze shared_chunks")
	require.NoError(t, err)
}

// One pooled connection serves tenants of very different size: a plan kept from
// the large one must not make the small one find nothing (security.md R11, R12).
func TestATinyTenantFindsItsPassagesAfterALargeOneOnTheSameConnection(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	tenants := neighbours(t, b, "large", "small", "tiny")
	text := newProse(11)
	sizes := []int{500, 40, 3}
	for i, n := range sizes {
		fill(t, b, knowledge.Of(tenants[i]), text.items(n, 12, knowledge.Customer))
	}
	analyze(t, b)
	db, err := tenantdb.Open(t.Context(), b.RoleURL(t, migrations.AppRole), tenantdb.Config{MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	for name, exactBelow := range map[string]int{"as live": 0, "never scanning": 1} {
		t.Run(name, func(t *testing.T) {
			searcher := search.New(db, switchover.New(db), search.Config{ExactBelow: exactBelow})
			ask := func(i int) search.Result {
				result, err := searcher.Search(t.Context(), search.Query{Text: text.text(6), Viewer: knowledge.Viewer{TenantID: tenants[i]}, Limit: 50})
				require.NoError(t, err)
				return result
			}
			for range 9 { // past the five runs after which a generic plan is kept
				require.Len(t, ask(0).Passages, 50)
			}
			require.Len(t, ask(1).Passages, 50)
			require.Len(t, ask(2).Passages, 6, "all chunks of the tiny tenant")
			require.Len(t, ask(0).Passages, 50)
		})
	}
}

func TestIndexScansFindWhatExactOnesFind(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	tenants := neighbours(t, b, "large", "middle", "small")
	text := newProse(13)
	fill(t, b, knowledge.Shared, text.items(400, 12, knowledge.Public))
	for i, n := range []int{400, 100, 15} {
		fill(t, b, knowledge.Of(tenants[i]), text.items(n, 12, knowledge.Customer))
	}
	_, err := b.Models.Retrain(t.Context())
	require.NoError(t, err)
	analyze(t, b)
	for name, viewer := range map[string]knowledge.Viewer{
		"shared": {}, "large": {TenantID: tenants[0]}, "middle": {TenantID: tenants[1]}, "small": {TenantID: tenants[2]},
	} {
		t.Run(name, func(t *testing.T) {
			const questions = 20
			found, wanted := 0, 0
			for range questions {
				q := search.Query{Text: text.text(8), Viewer: viewer}
				exact, _, err := b.Searcher.Forced(t.Context(), q, true)
				require.NoError(t, err)
				indexed, plan, err := b.Searcher.Forced(t.Context(), q, false)
				require.NoError(t, err)
				require.Contains(t, plan, "hnsw", "the plan uses the index")
				in := make(map[uuid.UUID]bool)
				for _, id := range indexed[:min(10, len(indexed))] {
					in[id] = true
				}
				for _, id := range exact[:10] {
					wanted++
					if in[id] {
						found++
					}
				}
			}
			require.GreaterOrEqual(t, float64(found)/float64(wanted), 0.95)
		})
	}
}

func TestSearchSettingsTakeEffect(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	b.Publish(t, knowledge.Shared, knowledge.Content{Title: "One", Body: "text"})
	b.Search(t, knowledge.Viewer{}, "text") // loads the vector library
	for name, want := range map[string]string{
		"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": "100", "plan_cache_mode": "force_custom_plan",
	} {
		value, err := b.Searcher.Setting(t.Context(), search.Query{}, name)
		require.NoError(t, err)
		require.Equal(t, want, value)
	}
}
