package index

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/chunk"
)

// live is an article with the text of its live version ("" when there is none).
type live struct {
	ID          uuid.UUID
	State       knowledge.State
	Locale      string
	AudienceID  uuid.UUID
	VersionID   *uuid.UUID
	Title       string
	Description string
	Product     string
	Body        string
}

// stored is a chunk as it is in the database.
type stored struct {
	ID        uuid.UUID
	ArticleID uuid.UUID
	Hash      []byte
	Heading   string
	Body      string
	Language  string
	Title     string
	Product   string
}

var (
	selectLive = knowledge.NewStatement(`
		select a.id, a.state, a.locale, a.audience_id, v.id as version_id, coalesce(v.title, '') as title,
			coalesce(v.description, '') as description, coalesce(v.product, '') as product, coalesce(v.body, '') as body
		from {articles} a left join {versions} v on {a=v} v.id = a.published_version_id
		where {a.scope} and a.id = any(@ids) order by a.id`)
	selectStored = knowledge.NewStatement(`
		select c.id, c.article_id, c.hash, c.heading, c.body, c.language, v.title, v.product
		from {chunks} c join {versions} v on {c=v} v.id = c.version_id
		where {c.scope} and c.article_id = any(@ids) order by c.article_id, c.ordinal`)
	lockLive = knowledge.NewStatement(`
		select id, state, audience_id, published_version_id from {articles}
		where {scope} and id = any(@ids) order by id for update`)
	deleteChunks = knowledge.NewStatement(`delete from {chunks} where {scope} and id = any(@ids)`)
	moveChunks   = knowledge.NewStatement(`
		update {chunks} c set version_id = n.version_id, ordinal = n.ordinal, anchor = n.anchor
		from unnest(@ids::uuid[], @versions::uuid[], @ordinals::int[], @anchors::text[]) n (id, version_id, ordinal, anchor)
		where {c.scope} and c.id = n.id
			and (c.version_id, c.ordinal, c.anchor) is distinct from (n.version_id, n.ordinal, n.anchor)`)
	insertChunks = knowledge.NewStatement(`
		insert into {chunks} ({tenant}id, article_id, version_id, ordinal, heading, anchor, body, hash, words, language)
		select {@tenant}* from unnest(@ids::uuid[], @articles::uuid[], @versions::uuid[], @ordinals::int[],
			@headings::text[], @anchors::text[], @bodies::text[], @hashes::bytea[], @words::int[], @languages::text[])`)
	insertTerms = knowledge.NewStatement(`
		insert into {chunk_terms} ({tenant}chunk_id, audience_id, weights)
		select {@tenant}* from unnest(@ids::uuid[], @audiences::uuid[], @weights::sparsevec[])`)
	insertVectors = knowledge.NewStatement(`
		insert into {chunk_vectors} ({tenant}model_id, chunk_id, audience_id, dimensions, embedding)
		select {@tenant}@model::int, n.chunk_id, n.audience_id, @dimensions::smallint, n.embedding
		from unnest(@ids::uuid[], @audiences::uuid[], @vectors::halfvec[]) n (chunk_id, audience_id, embedding)
		on conflict ({tenant}model_id, chunk_id) do nothing`)
	// Ordered, so that two articles indexed at once cannot deadlock.
	upsertWords = knowledge.NewStatement(`
		insert into {words} ({tenant}stem, word, chunks)
		select {@tenant}n.stem, n.word, n.chunks from unnest(@stems::bool[], @words::text[], @counts::int[]) n (stem, word, chunks)
		order by n.stem, n.word
		on conflict ({tenant}stem, word) do update set chunks = greatest({words}.chunks + excluded.chunks, 0)`)
	// A word of nothing but erased or retired text is forgotten.
	forgetWords        = knowledge.NewStatement(`delete from {words} where {scope} and chunks <= 0`)
	upsertSharedCorpus = `
		insert into shared_corpora (id, chunks, revision) values (true, greatest(@delta::int, 0), 1)
		on conflict (id) do update set chunks = greatest(shared_corpora.chunks + @delta, 0), revision = shared_corpora.revision + 1`
	upsertTenantCorpus = `
		insert into tenant_corpora (tenant_id, chunks, revision) values (@tenant, greatest(@delta::int, 0), 1)
		on conflict (tenant_id) do update set chunks = greatest(tenant_corpora.chunks + @delta, 0), revision = tenant_corpora.revision + 1`
	setIndexed = knowledge.NewStatement(`
		update {articles} set indexed_at = clock_timestamp() where {scope} and id = any(@ids)`)
)

func readLive(ctx context.Context, tx pgx.Tx, space knowledge.Space, ids []uuid.UUID) ([]live, error) {
	rows, err := tx.Query(ctx, selectLive.For(space), space.Args(pgx.NamedArgs{"ids": ids}))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[live])
}

func readStored(ctx context.Context, tx pgx.Tx, space knowledge.Space, ids []uuid.UUID) (map[uuid.UUID][]stored, error) {
	rows, err := tx.Query(ctx, selectStored.For(space), space.Args(pgx.NamedArgs{"ids": ids}))
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[stored])
	out := make(map[uuid.UUID][]stored)
	for _, c := range found {
		out[c.ArticleID] = append(out[c.ArticleID], c)
	}
	return out, err
}

// lockUnmoved locks the articles and checks that they still are what was read.
// It takes over the audience of the moment.
func lockUnmoved(ctx context.Context, tx pgx.Tx, space knowledge.Space, works []work) error {
	ids := make([]uuid.UUID, len(works))
	for i, w := range works {
		ids[i] = w.live.ID
	}
	rows, err := tx.Query(ctx, lockLive.For(space), space.Args(pgx.NamedArgs{"ids": ids}))
	if err != nil {
		return err
	}
	type state struct {
		ID                 uuid.UUID
		State              knowledge.State
		AudienceID         uuid.UUID
		PublishedVersionID *uuid.UUID
	}
	states, err := pgx.CollectRows(rows, pgx.RowToStructByName[state])
	if err != nil {
		return err
	}
	if len(states) != len(works) {
		return ErrMoved
	}
	for i, s := range states {
		w := &works[i]
		if s.ID != w.live.ID || s.State != w.live.State || deref(s.PublishedVersionID) != deref(w.live.VersionID) {
			return ErrMoved
		}
		w.audience = s.AudienceID
	}
	return nil
}

func deref(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

// columns collects rows for unnest.
type columns struct {
	ids, articles, versions, audiences []uuid.UUID
	ordinals, words                    []int
	headings, anchors, bodies          []string
	languages                          []string
	hashes                             [][]byte
	weights                            []pgvector.SparseVector
}

func writeChunks(ctx context.Context, tx pgx.Tx, space knowledge.Space, works []work) error {
	var gone []uuid.UUID
	var moved, fresh columns
	for _, w := range works {
		for _, g := range w.gone {
			gone = append(gone, g.ID)
		}
		for i := range w.pieces {
			to := &moved
			if slices.Contains(w.fresh, i) {
				to = &fresh
			}
			to.add(&w.pieces[i], w)
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(deleteChunks.For(space), space.Args(pgx.NamedArgs{"ids": gone}))
	batch.Queue(moveChunks.For(space), space.Args(moved.args()))
	batch.Queue(insertChunks.For(space), space.Args(fresh.args()))
	batch.Queue(insertTerms.For(space), space.Args(fresh.args()))
	return tx.SendBatch(ctx, batch).Close()
}

func (c *columns) add(p *Piece, w work) {
	c.ids = append(c.ids, p.ID)
	c.articles = append(c.articles, w.live.ID)
	c.versions = append(c.versions, deref(w.live.VersionID))
	c.audiences = append(c.audiences, w.audience)
	c.ordinals = append(c.ordinals, p.Ordinal)
	c.words = append(c.words, p.Words)
	c.headings = append(c.headings, p.Heading)
	c.anchors = append(c.anchors, p.Anchor)
	c.bodies = append(c.bodies, p.Text)
	c.languages = append(c.languages, p.Language)
	c.hashes = append(c.hashes, p.Hash[:])
	c.weights = append(c.weights, p.sparse())
}

func (c *columns) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"ids": c.ids, "articles": c.articles, "versions": c.versions, "audiences": c.audiences,
		"ordinals": c.ordinals, "words": c.words, "headings": c.headings, "anchors": c.anchors,
		"bodies": c.bodies, "languages": c.languages, "hashes": c.hashes, "weights": c.weights,
	}
}

func writeVectors(ctx context.Context, tx pgx.Tx, space knowledge.Space, model knowledge.EmbeddingModel, works []work, vectors map[uuid.UUID]pgvector.HalfVector) error {
	var ids, audiences []uuid.UUID
	var values []pgvector.HalfVector
	for _, w := range works {
		for _, i := range w.fresh {
			id := w.pieces[i].ID
			ids, audiences, values = append(ids, id), append(audiences, w.audience), append(values, vectors[id])
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, insertVectors.For(space), space.Args(pgx.NamedArgs{
		"model": model.ID, "dimensions": model.Dimensions, "ids": ids, "audiences": audiences, "vectors": values,
	}))
	return err
}

// writeWords moves the vocabulary by what the batch added and removed.
func writeWords(ctx context.Context, tx pgx.Tx, space knowledge.Space, works []work) error {
	counts := map[bool]map[string]int{true: {}, false: {}}
	delta := 0
	count := func(p *Piece, by int) {
		for stem := range p.Stems {
			counts[true][stem] += by
		}
		for word := range p.Surface {
			counts[false][word] += by
		}
		delta += by
	}
	for _, w := range works {
		for _, i := range w.fresh {
			count(&w.pieces[i], 1)
		}
		for _, g := range w.gone {
			old := Piece{Chunk: chunk.Chunk{Text: g.Body}, Heading: g.Heading, Language: g.Language}
			old.Analyse(Document{Title: g.Title, Product: g.Product, Language: g.Language})
			count(&old, -1)
		}
	}
	var stems []bool
	var words []string
	var by []int
	for _, stem := range []bool{false, true} {
		for _, word := range slices.Sorted(maps.Keys(counts[stem])) {
			if n := counts[stem][word]; n != 0 {
				stems, words, by = append(stems, stem), append(words, word), append(by, n)
			}
		}
	}
	corpus := upsertTenantCorpus
	if space.IsShared() {
		corpus = upsertSharedCorpus
	}
	batch := &pgx.Batch{}
	batch.Queue(upsertWords.For(space), space.Args(pgx.NamedArgs{"stems": stems, "words": words, "counts": by}))
	if slices.ContainsFunc(by, func(n int) bool { return n < 0 }) {
		batch.Queue(forgetWords.For(space), space.Args(nil))
	}
	batch.Queue(corpus, space.Args(pgx.NamedArgs{"delta": delta}))
	return tx.SendBatch(ctx, batch).Close()
}

func markIndexed(ctx context.Context, tx pgx.Tx, space knowledge.Space, works []work) error {
	ids := make([]uuid.UUID, len(works))
	for i, w := range works {
		ids[i] = w.live.ID
	}
	_, err := tx.Exec(ctx, setIndexed.For(space), space.Args(pgx.NamedArgs{"ids": ids}))
	return err
}
