// Package gap groups questions the knowledge could not answer, so that curators
// see what to write next, ranked by how many conversations asked.
//
// A question joins the gap whose middle its vector is nearest to, above a
// similarity; otherwise it opens a gap of its own. New questions reopen a gap
// that was resolved: the article written for it did not answer them. Dismissed
// gaps stay dismissed and go on counting.
package gap

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/cluster"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

const (
	// alike is the cosine from which two questions are one gap.
	alike = 0.62
	batch = 200
	// considered bounds the gaps compared with, the latest first.
	considered = 5000
)

// Clusterer groups questions. It needs a pool of the worker role.
type Clusterer struct {
	db     *tenantdb.DB
	models *switchover.Registry
}

// New returns a Clusterer.
func New(db *tenantdb.DB, models *switchover.Registry) *Clusterer {
	return &Clusterer{db: db, models: models}
}

type question struct {
	TenantID       uuid.UUID
	ID             uuid.UUID
	ConversationID *uuid.UUID
	Question       string
}

type gap struct {
	id uuid.UUID
	cluster.Center
}

// Run groups every question that is in no gap yet and returns how many.
func (c *Clusterer) Run(ctx context.Context) (total int, err error) {
	for {
		n, err := c.step(ctx)
		total += n
		if err != nil {
			return total, fmt.Errorf("cluster gaps: %w", err)
		}
		if n < batch {
			return total, nil
		}
	}
}

func (c *Clusterer) step(ctx context.Context) (n int, err error) {
	model, embedder, err := c.models.Active(ctx)
	if err != nil {
		return 0, err
	}
	questions, err := c.waiting(ctx)
	if err != nil || len(questions) == 0 {
		return 0, err
	}
	texts := make([]string, len(questions))
	for i, q := range questions {
		texts[i] = q.Question
	}
	vectors, err := switchover.Embed(ctx, embedder, texts)
	if err != nil {
		return 0, err
	}
	if err := c.refresh(ctx, model, embedder); err != nil {
		return 0, err
	}
	err = c.db.WithSystem(ctx, "cluster gaps", func(tx pgx.Tx) error {
		if err := Lock(ctx, tx); err != nil {
			return err
		}
		gaps, err := known(ctx, tx, model.ID)
		if err != nil {
			return err
		}
		for i, q := range questions {
			if gaps, err = place(ctx, tx, gaps, q, vectors[i], model.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return len(questions), err
}

func (c *Clusterer) waiting(ctx context.Context) (questions []question, err error) {
	err = c.db.WithSystem(ctx, "find questions in no gap", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select tenant_id, id, conversation_id, question from gap_questions
			where gap_id is null order by created_at, id limit $1`, batch)
		if err != nil {
			return err
		}
		questions, err = pgx.CollectRows(rows, pgx.RowToStructByName[question])
		return err
	})
	return questions, err
}

// refresh embeds gaps again whose middles were made with another model.
func (c *Clusterer) refresh(ctx context.Context, model knowledge.EmbeddingModel, embedder knowledge.Embedder) error {
	for {
		var ids []uuid.UUID
		var texts []string
		err := c.db.WithSystem(ctx, "find gaps of another model", func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `select id, question from gaps where model_id is distinct from $1 order by last_seen_at desc limit $2`, model.ID, batch)
			if err != nil {
				return err
			}
			var id uuid.UUID
			var text string
			_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
				ids, texts = append(ids, id), append(texts, text)
				return nil
			})
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		vectors, err := switchover.Embed(ctx, embedder, texts)
		if err != nil {
			return err
		}
		middles := make([]pgvector.HalfVector, len(vectors))
		for i, v := range vectors {
			middles[i] = pgvector.NewHalfVector(v)
		}
		err = c.db.WithSystem(ctx, "embed gaps again", func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `update gaps g set centroid = n.centroid, model_id = $1
				from unnest($2::uuid[], $3::halfvec[]) n (id, centroid) where g.id = n.id`, model.ID, ids, middles)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// known reads the gaps with their middles in a model's space.
func known(ctx context.Context, tx pgx.Tx, model int) ([]gap, error) {
	rows, err := tx.Query(ctx, `select id, questions, centroid from gaps where model_id = $1 order by last_seen_at desc limit $2`, model, considered)
	if err != nil {
		return nil, err
	}
	var gaps []gap
	var g gap
	var centroid pgvector.HalfVector
	_, err = pgx.ForEachRow(rows, []any{&g.id, &g.Members, &centroid}, func() error {
		g.Vector = append([]float32(nil), centroid.Slice()...)
		gaps = append(gaps, g)
		return nil
	})
	return gaps, err
}

func place(ctx context.Context, tx pgx.Tx, gaps []gap, q question, vector []float32, model int) ([]gap, error) {
	// Another run may have placed it since it was read.
	tag, err := tx.Exec(ctx, `select from gap_questions where tenant_id = $1 and id = $2 and gap_id is null for update`, q.TenantID, q.ID)
	if err != nil || tag.RowsAffected() == 0 {
		return gaps, err
	}
	best, similarity := -1, alike
	for i, g := range gaps {
		if s := cluster.Cosine(g.Vector, vector); s >= similarity {
			best, similarity = i, s
		}
	}
	if best < 0 {
		g := gap{id: uuid.Must(uuid.NewV7()), Center: cluster.Center{Vector: vector}}
		if _, err := tx.Exec(ctx, `insert into gaps (id, question) values ($1, $2)`, g.id, q.Question); err != nil {
			return gaps, err
		}
		gaps, best = append(gaps, g), len(gaps)
	}
	g := &gaps[best]
	g.Join(vector)
	if _, err := tx.Exec(ctx, `update gap_questions set gap_id = $3 where tenant_id = $1 and id = $2`, q.TenantID, q.ID, g.id); err != nil {
		return gaps, err
	}
	_, err = tx.Exec(ctx, `update gaps set centroid = $2, model_id = $3, last_seen_at = now(), state = case when state = 'resolved' then 'open' else state end where id = $1`,
		g.id, pgvector.NewHalfVector(g.Vector), model)
	if err != nil {
		return gaps, err
	}
	return gaps, Recount(ctx, tx, []uuid.UUID{g.id})
}

// Lock lets one transaction at a time change which questions gaps have: whoever
// adds or removes some takes it first, and ends with Recount.
func Lock(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtext('usher cluster gaps'))`)
	return err
}

// Recount sets the counts of gaps to the questions they have.
func Recount(ctx context.Context, tx pgx.Tx, gaps []uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		update gaps g set
			questions = (select count(*) from gap_questions q where q.gap_id = g.id),
			repeats = (select count(*) from gap_questions q where q.gap_id = g.id and q.reason = 'repeated'),
			unhelpful = (select count(*) from gap_questions q where q.gap_id = g.id and q.reason = 'unhelpful'),
			conversations = (select count(distinct (q.tenant_id, coalesce(q.conversation_id, q.id))) from gap_questions q where q.gap_id = g.id)
		where g.id = any($1)`, gaps)
	return err
}

// worker works cluster_gaps jobs.
type worker struct {
	river.WorkerDefaults[knowledge.ClusterGapsArgs]
	clusterer *Clusterer
}

func (w *worker) Timeout(*river.Job[knowledge.ClusterGapsArgs]) time.Duration { return 5 * time.Minute }

func (w *worker) Work(ctx context.Context, _ *river.Job[knowledge.ClusterGapsArgs]) error {
	_, err := w.clusterer.Run(ctx)
	return err
}

// AddWorkers registers the package's workers.
func AddWorkers(workers *river.Workers, clusterer *Clusterer) {
	river.AddWorker(workers, &worker{clusterer: clusterer})
}
