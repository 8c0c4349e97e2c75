package switchover

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/embed"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Builtin is the provider whose parameters are stored in the database.
const Builtin = "builtin"

// refresh is how long a process may go on with a model that was just swapped
// out; that model's vectors stay until it is retired.
const refresh = time.Second

// Querier reads; a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Registry finds the Embedder of a stored model. It is safe for concurrent use.
type Registry struct {
	db       *tenantdb.DB
	external map[string]knowledge.Embedder // by ModelID

	mu       sync.Mutex
	builtin  map[int]*embed.Model
	active   knowledge.EmbeddingModel
	activeAt time.Time
}

// New returns a Registry. external are the embedders configured in this process
// beside the built-in one.
func New(db *tenantdb.DB, external ...knowledge.Embedder) *Registry {
	r := &Registry{db: db, external: make(map[string]knowledge.Embedder), builtin: make(map[int]*embed.Model)}
	for _, e := range external {
		r.external[e.ModelID()] = e
	}
	return r
}

const modelColumns = `id, name, provider, dimensions, state, auto_activate, held, texts, chunks_total, chunks_done,
	tokens, last_error, created_at, updated_at, activated_at`

// Models lists every model, newest first.
func (r *Registry) Models(ctx context.Context) ([]knowledge.EmbeddingModel, error) {
	return models(ctx, r.db.Pool(), `select `+modelColumns+` from embedding_models order by id desc`)
}

// Live lists the models that must have a vector of every chunk, in id order. In
// a transaction it holds them against a swap until the end.
func (r *Registry) Live(ctx context.Context, q Querier) ([]knowledge.EmbeddingModel, error) {
	return models(ctx, q, `select `+modelColumns+` from embedding_models
		where state in ('building', 'ready', 'active', 'previous') order by id`)
}

func models(ctx context.Context, q Querier, sql string, args ...any) ([]knowledge.EmbeddingModel, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read embedding models: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[knowledge.EmbeddingModel])
	if err != nil {
		return nil, fmt.Errorf("read embedding models: %w", err)
	}
	return found, nil
}

// Active is the model searches use, at most a second old, and its Embedder. An
// external model that is not configured here is knowledge.ErrNoEmbedder; callers
// then search by words alone.
func (r *Registry) Active(ctx context.Context) (knowledge.EmbeddingModel, knowledge.Embedder, error) {
	r.mu.Lock()
	model, fresh := r.active, time.Since(r.activeAt) < refresh && r.active.ID != 0
	r.mu.Unlock()
	if !fresh {
		found, err := models(ctx, r.db.Pool(), `select `+modelColumns+` from embedding_models where state = 'active'`)
		if err != nil {
			return model, nil, err
		}
		if len(found) != 1 {
			return model, nil, fmt.Errorf("read embedding models: %d are active", len(found))
		}
		model = found[0]
		r.mu.Lock()
		r.active, r.activeAt = model, time.Now()
		r.mu.Unlock()
	}
	embedder, err := r.Embedder(ctx, model)
	return model, embedder, err
}

// Refresh makes the next Active look at the database.
func (r *Registry) Refresh() {
	r.mu.Lock()
	r.activeAt = time.Time{}
	r.mu.Unlock()
}

// Embedder is the embedder of a stored model.
func (r *Registry) Embedder(ctx context.Context, model knowledge.EmbeddingModel) (knowledge.Embedder, error) {
	if model.Provider != Builtin {
		if e, ok := r.external[model.Name]; ok {
			return e, nil
		}
		return nil, fmt.Errorf("%w: %s %s", knowledge.ErrNoEmbedder, model.Provider, model.Name)
	}
	r.mu.Lock()
	loaded := r.builtin[model.ID]
	r.mu.Unlock()
	if loaded == nil {
		var err error
		if loaded, err = r.load(ctx, model.ID); err != nil {
			return nil, err
		}
	}
	return builtinEmbedder{loaded}, nil
}

func (r *Registry) load(ctx context.Context, id int) (*embed.Model, error) {
	var parameters []byte
	if err := r.db.Pool().QueryRow(ctx, `select parameters from embedding_models where id = $1`, id).Scan(&parameters); err != nil {
		return nil, fmt.Errorf("read parameters of embedding model %d: %w", id, err)
	}
	model := &embed.Model{}
	if parameters != nil {
		var err error
		if model, err = embed.Load(parameters); err != nil {
			return nil, fmt.Errorf("embedding model %d: %w", id, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for old := range r.builtin { // models come one at a time; keep the two newest
		if old < id-1 && len(r.builtin) > 1 {
			delete(r.builtin, old)
		}
	}
	r.builtin[id] = model
	return model, nil
}

// builtinEmbedder is an embed.Model as a knowledge.Embedder: documents and
// queries are encoded alike.
type builtinEmbedder struct{ *embed.Model }

func (e builtinEmbedder) Embed(ctx context.Context, _ knowledge.EmbedKind, texts []string) ([][]float32, error) {
	return e.Model.Embed(ctx, texts)
}
