package switchover

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
)

// StartSwitch makes an external embedder, which must be one of those given to
// New, the one in use, or with activate unset one that waits, ready, for Activate.
// What there is of its vectors is used: complete ones take over at once, building
// that is under way goes on, and only for an unknown model it begins anew, by a
// job. A model that people went back from stays as it is. While a built-in model
// is built it is ErrBuilding: try again a little later.
func (r *Registry) StartSwitch(ctx context.Context, name string, activate bool, jobs knowledge.JobInserter) (knowledge.EmbeddingModel, error) {
	embedder, ok := r.external[name]
	if !ok {
		return knowledge.EmbeddingModel{}, fmt.Errorf("%w: %s", knowledge.ErrNoEmbedder, name)
	}
	known, err := r.Models(ctx)
	if err != nil {
		return knowledge.EmbeddingModel{}, err
	}
	for _, m := range known { // newest first
		if m.Name != name {
			continue
		}
		if activate && m.Held {
			return m, nil
		}
		if !slices.Contains([]knowledge.ModelState{knowledge.ModelRetired, knowledge.ModelFailed}, m.State) {
			return m, r.goOn(ctx, m, activate, jobs)
		}
		break
	}
	for _, m := range known {
		// Nobody here can finish it: it was configured before this one was.
		if m.State != knowledge.ModelBuilding {
			continue
		}
		if _, err := r.Embedder(ctx, m); errors.Is(err, knowledge.ErrNoEmbedder) {
			if err := r.Drop(ctx, m.ID); err != nil {
				return m, err
			}
		}
	}
	model, err := r.Add(ctx, specOf(embedder, activate))
	if err != nil {
		return model, err
	}
	return model, r.queueBuild(ctx, model.ID, jobs)
}

// goOn takes a model that has vectors to where StartSwitch is asked to.
func (r *Registry) goOn(ctx context.Context, m knowledge.EmbeddingModel, activate bool, jobs knowledge.JobInserter) error {
	switch {
	case m.State == knowledge.ModelActive:
		return nil
	case activate && m.State != knowledge.ModelBuilding:
		if err := r.Activate(ctx, m.ID); !errors.Is(err, ErrIncomplete) {
			return err
		}
	case !activate && m.State != knowledge.ModelBuilding:
		return nil
	}
	if activate && !m.AutoActivate {
		_, err := r.db.Pool().Exec(ctx, `update embedding_models set auto_activate = true, updated_at = now() where id = $1`, m.ID)
		if err != nil {
			return fmt.Errorf("switch to embedding model %s: %w", m.Name, slotTaken(err))
		}
	}
	return r.queueBuild(ctx, m.ID, jobs)
}

// queueBuild queues the building of a model's vectors once. A job that seems to
// run may be of a process that died; Build sees to it that none is done twice.
func (r *Registry) queueBuild(ctx context.Context, id int, jobs knowledge.JobInserter) error {
	return r.db.WithSystem(ctx, "queue building of vectors", func(tx pgx.Tx) error {
		var waiting bool
		err := tx.QueryRow(ctx, `select exists (select from river_job where kind = $1 and state in ('available', 'pending', 'scheduled', 'retryable')
			and (args->>'model')::int = $2)`, knowledge.BuildVectorsArgs{}.Kind(), id).Scan(&waiting)
		if err != nil || waiting {
			return err
		}
		_, err = jobs.InsertTx(ctx, tx, knowledge.BuildVectorsArgs{Model: id}, nil)
		return err
	})
}

// FallBack leaves a model that is in use for a built-in one: the settings name
// the model no longer, and without its embedder search has words alone. The
// previous model takes over where it is built in; else one is learned anew. It
// is called where nobody asked for the change, so nothing is held.
func (r *Registry) FallBack(ctx context.Context) (knowledge.EmbeddingModel, error) {
	active, err := r.inUse(ctx)
	if err != nil || active.Provider == Builtin {
		return active, err
	}
	live, err := r.Live(ctx, r.db.Pool())
	if err != nil {
		return active, err
	}
	for _, m := range live {
		if m.Provider != Builtin || m.State != knowledge.ModelPrevious && m.State != knowledge.ModelReady {
			continue
		}
		err := r.completeModel(ctx, m)
		if err == nil {
			err = r.Activate(ctx, m.ID)
		}
		if err != nil {
			return active, fmt.Errorf("fall back to embedding model %s: %w", m.Name, err)
		}
		return r.inUse(ctx)
	}
	if _, err := r.retrain(ctx, active); err != nil {
		return active, fmt.Errorf("fall back to a built-in embedding model: %w", err)
	}
	return r.inUse(ctx)
}

// inUse is the active model as the database has it now.
func (r *Registry) inUse(ctx context.Context) (knowledge.EmbeddingModel, error) {
	r.Refresh()
	active, _, err := r.Active(ctx)
	if errors.Is(err, knowledge.ErrNoEmbedder) {
		err = nil
	}
	return active, err
}

// Estimate is about how many tokens the vectors of every chunk take.
func (r *Registry) Estimate(ctx context.Context) (tokens int64, err error) {
	err = r.db.WithSystem(ctx, "estimate what vectors cost", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(sum((2 * length(title) + length(product) + length(heading) + length(body)) / 4 + 1), 0)::bigint from (
			select a.title, a.product, c.heading, c.body from shared_chunks c join shared_articles a on a.id = c.article_id
			union all
			select a.title, a.product, c.heading, c.body from tenant_chunks c join tenant_articles a on a.tenant_id = c.tenant_id and a.id = c.article_id) t`).Scan(&tokens)
	})
	if err != nil {
		return 0, fmt.Errorf("estimate vectors: %w", err)
	}
	return tokens, nil
}
