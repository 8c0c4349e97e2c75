package switchover

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/chunk"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Errors callers branch on.
var (
	ErrNoModel    = errors.New("switchover: embedding model not found")
	ErrBuilding   = errors.New("switchover: another embedding model is being built")
	ErrIncomplete = errors.New("switchover: the model has no vectors for some chunks yet")
	ErrNoPrevious = errors.New("switchover: there is no previous model to return to")
	ErrState      = errors.New("switchover: the model is not in a state that allows this")
)

// Spec is a model to build.
type Spec struct {
	Name         string
	Provider     string
	Dimensions   int
	AutoActivate bool   // swap as soon as it is complete
	Parameters   []byte // of a built-in model
	Texts        int
}

// Add registers a model whose vectors are to be built; the caller queues a
// build_vectors job, or calls Build. One model is built at a time.
func (r *Registry) Add(ctx context.Context, spec Spec) (model knowledge.EmbeddingModel, err error) {
	if spec.Dimensions < 1 || spec.Dimensions > knowledge.MaxDimensions {
		return model, fmt.Errorf("add embedding model %s: %d dimensions; 1 to %d can be stored", spec.Name, spec.Dimensions, knowledge.MaxDimensions)
	}
	err = r.db.WithSystem(ctx, "add embedding model", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			insert into embedding_models (name, provider, dimensions, state, auto_activate, parameters, texts, chunks_total)
			values ($1, $2, $3, 'building', $4, $5, $6,
				(select count(*) from shared_chunks) + (select count(*) from tenant_chunks))
			returning `+modelColumns, spec.Name, spec.Provider, spec.Dimensions, spec.AutoActivate, spec.Parameters, spec.Texts)
		if err != nil {
			return err
		}
		model, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[knowledge.EmbeddingModel])
		return err
	})
	if err != nil {
		return model, fmt.Errorf("add embedding model %s: %w", spec.Name, slotTaken(err))
	}
	return model, nil
}

// slotTaken is ErrBuilding for what the database says where another model is built.
func slotTaken(err error) error {
	if _, is := tenantdb.Duplicate(err); is {
		return ErrBuilding
	}
	return err
}

// buildBatch is how many chunks one transaction gives vectors: what a kill can
// cost, and how often progress is written.
const buildBatch = 128

type missing struct {
	Tenant     uuid.UUID
	ChunkID    uuid.UUID
	AudienceID uuid.UUID
	Title      string
	Product    string
	Heading    string
	Body       string
}

// Missing chunks are read past the last id, so that a pass is linear.
const (
	missingShared = `
		select '00000000-0000-0000-0000-000000000000'::uuid as tenant, c.id as chunk_id, t.audience_id, a.title, a.product, c.heading, c.body
		from shared_chunks c join shared_articles a on a.id = c.article_id join shared_chunk_terms t on t.chunk_id = c.id
		where c.id > $2 and $3::uuid is not null and not exists (select from shared_chunk_vectors v where v.model_id = $1 and v.chunk_id = c.id)
		order by c.id limit $4`
	missingTenant = `
		select c.tenant_id as tenant, c.id as chunk_id, t.audience_id, a.title, a.product, c.heading, c.body
		from tenant_chunks c
		join tenant_articles a on a.tenant_id = c.tenant_id and a.id = c.article_id
		join tenant_chunk_terms t on t.tenant_id = c.tenant_id and t.chunk_id = c.id
		where (c.tenant_id, c.id) > ($3, $2)
			and not exists (select from tenant_chunk_vectors v where v.tenant_id = c.tenant_id and v.model_id = $1 and v.chunk_id = c.id)
		order by c.tenant_id, c.id limit $4`
	insertShared = `
		insert into shared_chunk_vectors (model_id, chunk_id, audience_id, dimensions, embedding)
		select $1, t.chunk_id, t.audience_id, $2, n.embedding
		from unnest($3::uuid[], $4::uuid[], $5::halfvec[]) n (tenant, chunk_id, embedding)
		join shared_chunk_terms t on t.chunk_id = n.chunk_id
		for share of t
		on conflict do nothing`
	insertTenant = `
		insert into tenant_chunk_vectors (tenant_id, model_id, chunk_id, audience_id, dimensions, embedding)
		select n.tenant, $1, t.chunk_id, t.audience_id, $2, n.embedding
		from unnest($3::uuid[], $4::uuid[], $5::halfvec[]) n (tenant, chunk_id, embedding)
		join tenant_chunk_terms t on t.tenant_id = n.tenant and t.chunk_id = n.chunk_id for share of t
		on conflict do nothing`
)

// Build makes the missing vectors of a model, shared chunks first, and marks it
// ready (or activates it). It can be interrupted and called again at any point;
// what is committed stays. Calling it on a model that is neither building nor
// about to take over does nothing; while another process builds it, it is ErrBuilding.
func (r *Registry) Build(ctx context.Context, id int) error {
	release, err := r.alone(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	model, err := r.Model(ctx, id)
	if err != nil {
		return err
	}
	waits := model.AutoActivate && (model.State == knowledge.ModelReady || model.State == knowledge.ModelPrevious)
	if model.State != knowledge.ModelBuilding && !waits {
		return nil
	}
	embedder, err := r.Embedder(ctx, model)
	if err == nil {
		err = r.fill(ctx, model, embedder)
	}
	if err != nil {
		r.note(ctx, id, err)
		return fmt.Errorf("build vectors of %s: %w", model.Name, err)
	}
	if _, err := r.db.Pool().Exec(ctx, `update embedding_models set state = 'ready', last_error = '', updated_at = now(),
		chunks_done = chunks_total where id = $1 and state = 'building'`, id); err != nil {
		return fmt.Errorf("finish vectors of %s: %w", model.Name, err)
	}
	// Asked again: the operator may have switched to it while it was built for a trial.
	if model, err = r.Model(ctx, id); err != nil || !model.AutoActivate {
		return err
	}
	return r.Activate(ctx, id)
}

// alone makes this process the only one that builds a model. The lock ends with
// the process, so that a killed build is taken up at once and never done twice.
func (r *Registry) alone(ctx context.Context, id int) (release func(), err error) {
	conn, err := r.db.Pool().Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("build vectors: %w", err)
	}
	var free bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock(hashtext('build vectors'), $1)`, id).Scan(&free); err != nil {
		conn.Release()
		return nil, fmt.Errorf("build vectors: %w", err)
	}
	if !free {
		conn.Release()
		return nil, fmt.Errorf("embedding model %d: %w", id, ErrBuilding)
	}
	return func() {
		unlocking := context.WithoutCancel(ctx)
		if _, err := conn.Exec(unlocking, `select pg_advisory_unlock(hashtext('build vectors'), $1)`, id); err != nil {
			_ = conn.Conn().Close(unlocking) // the lock ends with the connection
		}
		conn.Release()
	}, nil
}

// Complete makes the vectors that live models lack of chunks that were indexed
// where the model could not be reached. Models this process has no embedder of,
// and those being built, are left to whoever has and builds them.
func (r *Registry) Complete(ctx context.Context) error {
	live, err := r.Live(ctx, r.db.Pool())
	if err != nil {
		return err
	}
	var failed error
	for _, model := range live {
		if model.State != knowledge.ModelBuilding {
			failed = errors.Join(failed, r.completeModel(ctx, model))
		}
	}
	return failed
}

func (r *Registry) completeModel(ctx context.Context, model knowledge.EmbeddingModel) error {
	embedder, err := r.Embedder(ctx, model)
	if errors.Is(err, knowledge.ErrNoEmbedder) {
		return nil
	}
	if err == nil {
		err = r.fill(ctx, model, embedder)
	}
	if err != nil {
		r.note(ctx, model.ID, err)
		return fmt.Errorf("complete vectors of %s: %w", model.Name, err)
	}
	return nil
}

// completePrevious readies the model a rollback returns to.
func (r *Registry) completePrevious(ctx context.Context) error {
	live, err := r.Live(ctx, r.db.Pool())
	for _, model := range live {
		if model.State == knowledge.ModelPrevious && err == nil {
			err = r.completeModel(ctx, model)
		}
	}
	return err
}

// Model is one model by id.
func (r *Registry) Model(ctx context.Context, id int) (knowledge.EmbeddingModel, error) {
	found, err := models(ctx, r.db.Pool(), `select `+modelColumns+` from embedding_models where id = $1`, id)
	if err != nil {
		return knowledge.EmbeddingModel{}, err
	}
	if len(found) == 0 {
		return knowledge.EmbeddingModel{}, ErrNoModel
	}
	return found[0], nil
}

// note keeps the last error where curators see it; the model stays as it is and
// the job is retried.
func (r *Registry) note(ctx context.Context, id int, failure error) {
	_, _ = r.db.Pool().Exec(context.WithoutCancel(ctx),
		`update embedding_models set last_error = $2, updated_at = now() where id = $1`, id, failure.Error())
}

func (r *Registry) fill(ctx context.Context, model knowledge.EmbeddingModel, embedder knowledge.Embedder) error {
	for _, pass := range []struct{ find, insert string }{{missingShared, insertShared}, {missingTenant, insertTenant}} {
		tenant, after := uuid.Nil, uuid.Nil
		for {
			batch, err := r.missing(ctx, pass.find, model.ID, tenant, after)
			if err != nil {
				return err
			}
			if len(batch) == 0 {
				break
			}
			if err := r.fillBatch(ctx, model, embedder, pass.insert, batch); err != nil {
				return err
			}
			last := batch[len(batch)-1]
			tenant, after = last.Tenant, last.ChunkID
		}
	}
	return nil
}

func (r *Registry) missing(ctx context.Context, find string, model int, tenant, after uuid.UUID) (batch []missing, err error) {
	err = r.db.WithSystem(ctx, "find chunks without vectors", func(tx pgx.Tx) error {
		args := []any{model, after, tenant, buildBatch}
		rows, err := tx.Query(ctx, find, args...)
		if err != nil {
			return err
		}
		batch, err = pgx.CollectRows(rows, pgx.RowToStructByName[missing])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find chunks without vectors: %w", err)
	}
	return batch, nil
}

func (r *Registry) fillBatch(ctx context.Context, model knowledge.EmbeddingModel, embedder knowledge.Embedder, insert string, batch []missing) error {
	texts := make([]string, len(batch))
	tenants, chunks := make([]uuid.UUID, len(batch)), make([]uuid.UUID, len(batch))
	tokens := 0
	for i, m := range batch {
		texts[i] = Embeddable(m.Title, m.Product, m.Heading, chunk.Plain(m.Body))
		tenants[i], chunks[i] = m.Tenant, m.ChunkID
		tokens += len(texts[i])/4 + 1
	}
	vectors, err := Embed(ctx, embedder, texts)
	if err != nil {
		return err
	}
	values := make([]pgvector.HalfVector, len(vectors))
	for i, v := range vectors {
		values[i] = pgvector.NewHalfVector(v)
	}
	return r.db.WithSystem(ctx, "write vectors of a new model", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insert, model.ID, model.Dimensions, tenants, chunks, values); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update embedding_models set chunks_done = least(chunks_done + $2, chunks_total),
			tokens = tokens + $3, updated_at = now() where id = $1`, model.ID, len(batch), tokens)
		return err
	})
}

// Activate makes a ready model, or the previous one, the one searches use, in one
// transaction. The active one becomes the previous one; an older previous one is
// retired.
func (r *Registry) Activate(ctx context.Context, id int) error {
	var retired []int
	err := r.db.WithSystem(ctx, "activate embedding model", func(tx pgx.Tx) error {
		state, err := lockModels(ctx, tx, id)
		if err != nil {
			return err
		}
		switch state {
		case knowledge.ModelActive:
			return nil
		case knowledge.ModelReady, knowledge.ModelPrevious:
		default:
			return fmt.Errorf("%w: it is %s", ErrState, state)
		}
		if err := complete(ctx, tx, id); err != nil {
			return err
		}
		retired, err = swap(ctx, tx, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("activate embedding model %d: %w", id, err)
	}
	r.Refresh()
	for _, old := range retired {
		if err := r.dropVectors(ctx, old); err != nil {
			return err
		}
	}
	return nil
}

// complete is ErrIncomplete where a chunk has no vector of the model.
func complete(ctx context.Context, tx pgx.Tx, id int) error {
	var left bool
	err := tx.QueryRow(ctx, `select
		exists (select from shared_chunks c where not exists (select from shared_chunk_vectors v where v.model_id = $1 and v.chunk_id = c.id))
		or exists (select from tenant_chunks c where not exists (select from tenant_chunk_vectors v
			where v.tenant_id = c.tenant_id and v.model_id = $1 and v.chunk_id = c.id))`, id).Scan(&left)
	if err == nil && left {
		err = ErrIncomplete
	}
	return err
}

// lockModels holds every model until the transaction ends, which waits for
// indexing in progress, and returns the state of one.
func lockModels(ctx context.Context, tx pgx.Tx, id int) (state knowledge.ModelState, err error) {
	rows, err := tx.Query(ctx, `select id, state from embedding_models order by id for update`)
	if err != nil {
		return "", err
	}
	var found int
	var at knowledge.ModelState
	_, err = pgx.ForEachRow(rows, []any{&found, &at}, func() error {
		if found == id {
			state = at
		}
		return nil
	})
	if err == nil && state == "" {
		err = ErrNoModel
	}
	return state, err
}

func swap(ctx context.Context, tx pgx.Tx, id int) (retired []int, err error) {
	// A built-in model that is being learned has no use beside an external one.
	rows, err := tx.Query(ctx, `update embedding_models set state = 'retired', parameters = null, updated_at = now()
		where id <> $1 and (state = 'previous' or provider = $2 and state in ('building', 'ready')
			and (select provider from embedding_models where id = $1) <> $2) returning id`, id, Builtin)
	if err != nil {
		return nil, err
	}
	if retired, err = pgx.CollectRows(rows, pgx.RowTo[int]); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `update embedding_models set state = 'previous', auto_activate = false, updated_at = now() where state = 'active'`); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `update embedding_models set state = 'active', held = false, activated_at = now(), updated_at = now() where id = $1`, id)
	return retired, err
}

// Rollback returns to the previous model, whose vectors were kept up to date. The
// one that is left is held: no restart goes to it again, only people do.
func (r *Registry) Rollback(ctx context.Context) error {
	if err := r.completePrevious(ctx); err != nil {
		return fmt.Errorf("roll back embedding model: %w", err)
	}
	var retired []int
	err := r.db.WithSystem(ctx, "roll back embedding model", func(tx pgx.Tx) error {
		if _, err := lockModels(ctx, tx, 0); err != nil && !errors.Is(err, ErrNoModel) {
			return err
		}
		found, err := models(ctx, tx, `select `+modelColumns+` from embedding_models where state = 'previous' order by activated_at desc nulls last limit 1`)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrNoPrevious
		}
		if _, err := r.Embedder(ctx, found[0]); err != nil {
			return err
		}
		if err := complete(ctx, tx, found[0].ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update embedding_models set held = provider <> $1 where state = 'active'`, Builtin); err != nil {
			return err
		}
		retired, err = swap(ctx, tx, found[0].ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("roll back embedding model: %w", err)
	}
	r.Refresh()
	for _, old := range retired {
		if err := r.dropVectors(ctx, old); err != nil {
			return err
		}
	}
	return nil
}

// Drop gives up a model that is being built, ready, failed or previous, and
// deletes its vectors. The active model cannot be dropped.
func (r *Registry) Drop(ctx context.Context, id int) error {
	err := r.db.WithSystem(ctx, "drop embedding model", func(tx pgx.Tx) error {
		state, err := lockModels(ctx, tx, id)
		if err != nil {
			return err
		}
		if state == knowledge.ModelActive {
			return fmt.Errorf("%w: it is active", ErrState)
		}
		_, err = tx.Exec(ctx, `update embedding_models set state = 'retired', parameters = null, updated_at = now() where id = $1`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop embedding model %d: %w", id, err)
	}
	return r.dropVectors(ctx, id)
}

// dropVectors deletes in batches, so that no lock is held for long.
func (r *Registry) dropVectors(ctx context.Context, id int) error {
	for _, table := range []string{"shared_chunk_vectors", "tenant_chunk_vectors"} {
		for {
			var n int64
			err := r.db.WithSystem(ctx, "delete vectors of a retired model", func(tx pgx.Tx) error {
				tag, err := tx.Exec(ctx, `delete from `+table+` where model_id = $1 and chunk_id in
					(select chunk_id from `+table+` where model_id = $1 limit 2000)`, id)
				n = tag.RowsAffected()
				return err
			})
			if err != nil {
				return fmt.Errorf("delete vectors of embedding model %d: %w", id, err)
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}
