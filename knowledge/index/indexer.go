package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// ErrMoved is returned when an article changed while it was being embedded; the
// job is retried.
var ErrMoved = errors.New("index: article changed meanwhile")

// embedBatch is how many texts one Embed call gets.
const embedBatch = 64

// Indexer writes the search tables. It needs a pool of the worker role.
type Indexer struct {
	db     *tenantdb.DB
	models *switchover.Registry
}

// New returns an Indexer.
func New(db *tenantdb.DB, models *switchover.Registry) *Indexer {
	return &Indexer{db: db, models: models}
}

// Result counts what one run did.
type Result struct {
	Articles int
	Added    int // chunks embedded
	Kept     int // chunks that had not changed
	Removed  int
}

func (r *Result) add(o Result) {
	r.Articles += o.Articles
	r.Added += o.Added
	r.Kept += o.Kept
	r.Removed += o.Removed
}

// Article indexes one article. An article that does not exist, or is not
// published, ends with no chunks.
func (x *Indexer) Article(ctx context.Context, space knowledge.Space, id uuid.UUID) (Result, error) {
	return x.batch(ctx, space, []uuid.UUID{id})
}

var staleArticles = knowledge.NewStatement(`
	select id from {articles} where {scope} and id > @after
		and (state = 'published' and (indexed_at is null or indexed_at < published_at)
			or state = 'retired' and exists (select from {chunks} c where {c.scope} and c.article_id = {articles}.id))
	order by id limit 200`)

// Stale indexes every article of a space whose index is behind: after an import
// without jobs, and as a sweep after lost ones.
func (x *Indexer) Stale(ctx context.Context, space knowledge.Space) (total Result, err error) {
	after := uuid.Nil
	for {
		var ids []uuid.UUID
		err := space.In(ctx, x.db, "find articles to index", func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, staleArticles.For(space), space.Args(pgx.NamedArgs{"after": after}))
			if err != nil {
				return err
			}
			ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
		if err != nil || len(ids) == 0 {
			return total, err
		}
		done, err := x.batch(ctx, space, ids)
		total.add(done)
		if err != nil {
			return total, err
		}
		after = ids[len(ids)-1]
	}
}

// work is one article between reading and writing.
type work struct {
	live     live
	audience uuid.UUID
	pieces   []Piece // all of the live version, in order
	fresh    []int   // indexes into pieces: not stored yet
	gone     []stored
}

func (x *Indexer) batch(ctx context.Context, space knowledge.Space, ids []uuid.UUID) (Result, error) {
	var result Result
	works, models, err := x.read(ctx, space, ids)
	if err != nil {
		return result, fmt.Errorf("read articles to index: %w", err)
	}
	vectors := make(map[int]map[uuid.UUID]pgvector.HalfVector, len(models))
	for _, model := range models {
		made, err := x.embed(ctx, model, works)
		switch {
		case err == nil:
			vectors[model.ID] = made
		case ctx.Err() != nil || model.State == knowledge.ModelActive && !errors.Is(err, knowledge.ErrNoEmbedder):
			return result, err
		}
		// A model that is not to be had holds no article back: words find it, and
		// Registry.Complete makes the vectors once it is there.
	}
	if err := x.write(ctx, space, works, models, vectors); err != nil {
		return result, fmt.Errorf("write index: %w", err)
	}
	for _, w := range works {
		result.Articles++
		result.Added += len(w.fresh)
		result.Kept += len(w.pieces) - len(w.fresh)
		result.Removed += len(w.gone)
	}
	return result, nil
}

func (x *Indexer) read(ctx context.Context, space knowledge.Space, ids []uuid.UUID) (works []work, models []knowledge.EmbeddingModel, err error) {
	err = space.In(ctx, x.db, "read articles to index", func(tx pgx.Tx) error {
		if models, err = x.models.Live(ctx, tx); err != nil {
			return err
		}
		lives, err := readLive(ctx, tx, space, ids)
		if err != nil {
			return err
		}
		chunks, err := readStored(ctx, tx, space, ids)
		if err != nil {
			return err
		}
		for _, l := range lives {
			works = append(works, plan(l, chunks[l.ID]))
		}
		return nil
	})
	return works, models, err
}

// plan compares the live version with the stored chunks, by hash.
func plan(l live, chunks []stored) work {
	w := work{live: l}
	if l.State == knowledge.StatePublished {
		w.pieces = Cut(l.document())
	}
	byHash := make(map[[32]byte][]stored)
	for _, c := range chunks {
		byHash[[32]byte(c.Hash)] = append(byHash[[32]byte(c.Hash)], c)
	}
	for i := range w.pieces {
		same := byHash[w.pieces[i].Hash]
		if len(same) > 0 {
			w.pieces[i].ID = same[0].ID
			byHash[w.pieces[i].Hash] = same[1:]
			continue
		}
		w.pieces[i].ID = uuid.Must(uuid.NewV7())
		w.pieces[i].Analyse(l.document())
		w.fresh = append(w.fresh, i)
	}
	for _, c := range chunks {
		if slices.ContainsFunc(byHash[[32]byte(c.Hash)], func(left stored) bool { return left.ID == c.ID }) {
			w.gone = append(w.gone, c)
		}
	}
	return w
}

func (x *Indexer) embed(ctx context.Context, model knowledge.EmbeddingModel, works []work) (map[uuid.UUID]pgvector.HalfVector, error) {
	var ids []uuid.UUID
	var texts []string
	for _, w := range works {
		for _, i := range w.fresh {
			ids, texts = append(ids, w.pieces[i].ID), append(texts, w.pieces[i].Embeddable)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	embedder, err := x.models.Embedder(ctx, model)
	if err != nil {
		return nil, fmt.Errorf("embed with model %s: %w", model.Name, err)
	}
	out := make(map[uuid.UUID]pgvector.HalfVector, len(ids))
	for start := 0; start < len(ids); start += embedBatch {
		end := min(start+embedBatch, len(ids))
		vectors, err := switchover.Embed(ctx, embedder, texts[start:end])
		if err != nil {
			return nil, fmt.Errorf("embed with model %s: %w", model.Name, err)
		}
		for i, v := range vectors {
			out[ids[start+i]] = pgvector.NewHalfVector(v)
		}
	}
	return out, nil
}

func (x *Indexer) write(ctx context.Context, space knowledge.Space, works []work, models []knowledge.EmbeddingModel, vectors map[int]map[uuid.UUID]pgvector.HalfVector) error {
	return space.In(ctx, x.db, "write index", func(tx pgx.Tx) error {
		// A swap or a new model waits for this transaction, or this one for it.
		if _, err := tx.Exec(ctx, `select from embedding_models where state in ('building', 'ready', 'active', 'previous') order by id for share`); err != nil {
			return err
		}
		now, err := x.models.Live(ctx, tx)
		if err != nil {
			return err
		}
		if !sameModels(now, models) {
			return ErrMoved
		}
		if err := lockUnmoved(ctx, tx, space, works); err != nil {
			return err
		}
		if err := writeChunks(ctx, tx, space, works); err != nil {
			return err
		}
		for _, model := range models {
			if vectors[model.ID] == nil {
				continue
			}
			if err := writeVectors(ctx, tx, space, model, works, vectors[model.ID]); err != nil {
				return err
			}
		}
		if err := writeWords(ctx, tx, space, works); err != nil {
			return err
		}
		return markIndexed(ctx, tx, space, works)
	})
}

func sameModels(a, b []knowledge.EmbeddingModel) bool {
	return slices.EqualFunc(a, b, func(x, y knowledge.EmbeddingModel) bool { return x.ID == y.ID })
}

// document is the live version as Cut takes it.
func (l live) document() Document {
	return Document{
		Title: l.Title, Description: l.Description, Product: l.Product, Body: l.Body,
		Language: lexicon.Base(l.Locale),
	}
}

// timeout bounds one article's indexing, embedding calls included.
const timeout = 2 * time.Minute
