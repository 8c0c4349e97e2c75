package switchover

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/chunk"
	"github.com/usherdesk/usher/knowledge/embed"
)

// trainingRows are the shared chunks as they are embedded, in an order that does
// not depend on ids, so that the same articles give the same model.
const trainingRows = `
	select a.title, a.product, c.heading, c.body, c.language
	from shared_chunks c join shared_articles a on a.id = c.article_id and a.state = 'published'
	order by a.slug, c.ordinal`

// Train learns a built-in model from the shared articles as they are indexed.
func (r *Registry) Train(ctx context.Context, tx pgx.Tx) (*embed.Model, error) {
	rows, err := tx.Query(ctx, trainingRows)
	if err != nil {
		return nil, fmt.Errorf("read training texts: %w", err)
	}
	var texts []embed.Text
	var title, product, heading, body, language string
	_, err = pgx.ForEachRow(rows, []any{&title, &product, &heading, &body, &language}, func() error {
		texts = append(texts, embed.Text{Body: Embeddable(title, product, heading, chunk.Plain(body)), Language: language})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read training texts: %w", err)
	}
	return embed.Train(texts), nil
}

// Retrain learns a built-in model from the shared articles, builds its vectors
// and swaps it in. It returns false when the articles give the model in use, and
// where that is not a built-in one, which it never replaces. A built-in model
// whose building was interrupted is finished instead.
func (r *Registry) Retrain(ctx context.Context) (bool, error) {
	active, err := r.inUse(ctx)
	if err != nil || active.Provider != Builtin {
		return false, err
	}
	return r.retrain(ctx, active)
}

func (r *Registry) retrain(ctx context.Context, active knowledge.EmbeddingModel) (bool, error) {
	started, err := models(ctx, r.db.Pool(), `select `+modelColumns+` from embedding_models
		where state in ('building', 'ready') and provider = 'builtin' and auto_activate`)
	if err != nil {
		return false, err
	}
	if len(started) > 0 {
		return true, r.resume(ctx, started[0])
	}
	var trained *embed.Model
	err = r.db.WithSystem(ctx, "train embedder", func(tx pgx.Tx) (err error) {
		trained, err = r.Train(ctx, tx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("train embedder: %w", err)
	}
	if active.Name == trained.ModelID() {
		return false, nil
	}
	parameters, err := trained.MarshalBinary()
	if err != nil {
		return false, err
	}
	model, err := r.Add(ctx, Spec{
		Name: trained.ModelID(), Provider: Builtin, Dimensions: embed.Dimensions, AutoActivate: true,
		Parameters: parameters, Texts: trained.Texts(),
	})
	if err != nil {
		return false, err
	}
	return true, r.Build(ctx, model.ID)
}

func (r *Registry) resume(ctx context.Context, model knowledge.EmbeddingModel) error {
	if model.State == knowledge.ModelReady {
		return r.Activate(ctx, model.ID)
	}
	return r.Build(ctx, model.ID)
}

// Switch registers an external embedder and builds its vectors here and now; a
// running service queues build_vectors instead (StartSwitch).
func (r *Registry) Switch(ctx context.Context, embedder knowledge.Embedder) error {
	model, err := r.Add(ctx, specOf(embedder, true))
	if err != nil {
		return err
	}
	return r.Build(ctx, model.ID)
}

// Prepare makes sure an external embedder's model has all its vectors, beside the
// one in use, and returns it. Searches go on with that one.
func (r *Registry) Prepare(ctx context.Context, embedder knowledge.Embedder) (knowledge.EmbeddingModel, error) {
	live, err := r.Live(ctx, r.db.Pool())
	if err != nil {
		return knowledge.EmbeddingModel{}, err
	}
	for _, m := range live {
		if m.Name == embedder.ModelID() && m.State != knowledge.ModelBuilding {
			return m, nil
		}
	}
	model, err := r.Add(ctx, specOf(embedder, false))
	if err != nil {
		return model, err
	}
	if err := r.Build(ctx, model.ID); err != nil {
		return model, err
	}
	return r.Model(ctx, model.ID)
}

func specOf(embedder knowledge.Embedder, activate bool) Spec {
	return Spec{Name: embedder.ModelID(), Provider: "external", Dimensions: embedder.Dimensions(), AutoActivate: activate}
}
