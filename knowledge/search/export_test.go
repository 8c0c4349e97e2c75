package search

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"
)

// Forced searches with index scans wherever one exists, or exactly, without the
// second search that live use falls back to. It returns the chunks of the dense
// leg, nearest first, and the plan.
func (s *Searcher) Forced(ctx context.Context, q Query, exact bool) (nearest []uuid.UUID, plan string, err error) {
	model, embedder, err := s.models.Active(ctx)
	if err != nil {
		return nil, "", err
	}
	words, err := s.lexis(ctx, q.Viewer)
	if err != nil {
		return nil, "", err
	}
	u := understand(q, words)
	vector, _, err := queryVectors(ctx, embedder, u, true)
	if err != nil {
		return nil, "", err
	}
	err = s.read(ctx, q.Viewer, func(tx pgx.Tx) error {
		if !exact {
			if _, err := tx.Exec(ctx, "set local enable_sort = off"); err != nil {
				return err
			}
		}
		form := shape{tenant: q.Viewer.TenantID != uuid.Nil, dimensions: model.Dimensions, exactShared: exact, exactTenant: exact}
		args := q.Viewer.Args(pgx.NamedArgs{
			"model": model.ID, "sparse": u.sparse(), "depth": depth, "products": u.products,
			"tenant": q.Viewer.TenantID, "dense": pgvector.NewHalfVector(vector), "topic": pgvector.NewHalfVector(vector),
		})
		found, err := run(ctx, tx, form, args)
		if err != nil {
			return err
		}
		passages := s.rank(Query{Limit: 1000}, u, found, true).Passages
		nearest = byDense(passages)
		lines, err := tx.Query(ctx, "explain "+form.sql(), args)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(lines, pgx.RowTo[string])
		plan = strings.Join(all, "\n")
		return err
	})
	return nearest, plan, err
}

func byDense(passages []Passage) []uuid.UUID {
	out := make([]uuid.UUID, 0, len(passages))
	for rank := 1; rank <= len(passages); rank++ {
		for _, p := range passages {
			if p.Legs.DenseRank == rank {
				out = append(out, p.ChunkID)
			}
		}
	}
	return out
}

// Setting reads a setting as a search's transaction has it.
func (s *Searcher) Setting(ctx context.Context, q Query, name string) (value string, err error) {
	err = s.read(ctx, q.Viewer, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, settings); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "select current_setting($1)", name).Scan(&value)
	})
	return value, err
}

// Slip reports whether a word is another one mistyped.
var Slip = slip
