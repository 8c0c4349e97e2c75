package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Passage is a chunk as found.
type Passage struct {
	Shared    bool // the operator's article, else the tenant's own
	ChunkID   uuid.UUID
	ArticleID uuid.UUID
	VersionID uuid.UUID
	Slug      string
	Title     string
	Product   string
	Locale    string
	Audience  knowledge.Level
	Heading   string // headings above, joined
	Anchor    string // fragment to open the article at
	Text      string // Markdown
	Ordinal   int
	UpdatedAt time.Time
	// Unverified is set when the article's verification has run out.
	Unverified bool
	// Score orders passages; 0 to about 1.5. It depends on the corpus: gates
	// compare it with thresholds learned on labelled questions.
	Score float64
	Legs  Legs
	// Covers is the share of the question's words, by weight, the passage holds.
	Covers float64

	weights map[int32]float32 // BM25, by term id
}

// Legs are the parts of a score, for the curators' test page and the gate.
type Legs struct {
	Lexical     float64 // BM25 over the best a passage could reach, about 0 to 1
	Now         float64 // BM25 of the present turn's words alone, the same way
	LexicalRank int     // 1 is best; 0 when the leg did not find it
	Dense       float64 // cosine
	DenseRank   int
	Topic       float64 // cosine with what was said before in the conversation
	Repeats     float64 // share of an earlier answer the passage holds
	Title       float64 // cosine of question and title
	Product     float64 // 1 when the article is about the product named
}

// Signals are what the gate judges a retrieval by.
type Signals struct {
	TopScore  float64
	Margin    float64 // to the best passage of another article
	TopDense  float64
	TopLex    float64
	Coverage  float64  // share of the question's words the first passages hold, by weight
	Unknown   float64  // share of the question's words no article holds, by weight
	Words     int      // content words of the question
	Content   float64  // how telling they are together, 0 to 1
	Agreement float64  // of the two legs' first five passages, 0 to 1
	Products  []string // named in the conversation
	Repaired  []string // words of the question that were misspelt
}

// Result of a search.
type Result struct {
	Passages []Passage
	Signals  Signals
	// Meant are the other words of the articles that a word of the conversation
	// may stand for (misspelt, translated, a synonym), by its stem, as stems.
	Meant    map[string][]string
	ModelID  string // embedding model, "" when words alone were searched
	Language string // the question was read in
	// Degraded is set when the embedding model was not to be had and words alone
	// were searched.
	Degraded bool
}

// Searcher searches. It is safe for concurrent use.
type Searcher struct {
	db           *tenantdb.DB
	models       *switchover.Registry
	vocabularies vocabularies
	now          func() time.Time
	weights      Weights
	exactBelow   int
	model        int
}

// Config of a Searcher; the zero value is right outside tests and evaluation.
type Config struct {
	Now     func() time.Time
	Weights *Weights
	// ExactBelow is the number of chunks up to which a space is scanned instead
	// of asked through HNSW: exact, and as fast. Default 4000; 1 never scans.
	ExactBelow int
	// Model is searched with instead of the one in use, to see what switching to
	// it would change. It must have all its vectors.
	Model int
}

// New returns a Searcher.
func New(db *tenantdb.DB, models *switchover.Registry, config Config) *Searcher {
	s := &Searcher{db: db, models: models, now: config.Now, weights: DefaultWeights, exactBelow: cmp.Or(config.ExactBelow, exactBelow), model: config.Model}
	if s.now == nil {
		s.now = time.Now
	}
	if config.Weights != nil {
		s.weights = *config.Weights
	}
	return s
}

const (
	// depth is how many chunks each leg of each space contributes.
	depth      = 60
	exactBelow = 4000
)

// row is one candidate as the statement returns it.
type row struct {
	Shared        bool
	ChunkID       uuid.UUID
	ArticleID     uuid.UUID
	VersionID     uuid.UUID
	Slug          string
	Title         string
	Product       string
	Locale        string
	Audience      knowledge.Level
	Heading       string
	Anchor        string
	Body          string
	Ordinal       int
	UpdatedAt     time.Time
	VerifiedUntil *time.Time
	Weights       pgvector.SparseVector
	Dense         float64
	Topic         float64
	DenseRows     int
}

// Search finds the passages for a question in the viewer's spaces and audience.
// An empty question, or an empty knowledge base, finds none.
func (s *Searcher) Search(ctx context.Context, q Query) (Result, error) {
	result, err := s.search(ctx, q)
	if err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	return result, nil
}

// embedding is the model to search with.
func (s *Searcher) embedding(ctx context.Context) (knowledge.EmbeddingModel, knowledge.Embedder, error) {
	if s.model == 0 {
		return s.models.Active(ctx)
	}
	model, err := s.models.Model(ctx, s.model)
	if err != nil {
		return model, nil, err
	}
	embedder, err := s.models.Embedder(ctx, model)
	return model, embedder, err
}

func (s *Searcher) search(ctx context.Context, q Query) (Result, error) {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit = min(q.Limit, maxLimit)
	model, embedder, err := s.embedding(ctx)
	if err != nil && embedder == nil && model.ID == 0 {
		return Result{}, err
	}
	words, err := s.lexis(ctx, q.Viewer)
	if err != nil {
		return Result{}, err
	}
	u := understand(q, words)
	if len(u.texts) == 0 {
		return Result{Language: u.language}, nil
	}
	if model.Provider != switchover.Builtin {
		u.before, u.fading = nil, nil // its cosines mean something else, and it need not read the answers
	}
	// An external embedder is asked before the transaction, which must not wait for it.
	vector, topic, err := queryVectors(ctx, embedder, u, model.Provider == switchover.Builtin)
	degraded := embedder == nil || err != nil
	if err != nil {
		if ctx.Err() != nil {
			return Result{}, err
		}
		embedder, vector = nil, nil // words alone still find most of it
	}
	u.topical = topic != nil
	var found []row
	var draft *drafted
	err = s.read(ctx, q.Viewer, func(tx pgx.Tx) error {
		if found, err = s.candidates(ctx, tx, q, u, words, model, vector, topic); err != nil || q.Draft == nil {
			return err
		}
		draft, err = s.readDraft(ctx, tx, q)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	if q.Draft != nil {
		if found, err = draft.replace(ctx, q.Draft.ArticleID, embedder, vector, topic, found); err != nil {
			return Result{}, err
		}
	}
	u.meet(found)
	result := s.rank(q, u, found, model.Provider == switchover.Builtin)
	result.Degraded = degraded
	if embedder != nil {
		result.ModelID = embedder.ModelID()
	}
	return result, nil
}

func (s *Searcher) read(ctx context.Context, viewer knowledge.Viewer, fn func(tx pgx.Tx) error) error {
	if viewer.TenantID != uuid.Nil {
		return s.db.WithTenant(ctx, viewer.TenantID, fn)
	}
	return pgx.BeginTxFunc(ctx, s.db.Pool(), pgx.TxOptions{AccessMode: pgx.ReadOnly}, fn)
}

// lexis is the vocabulary of the viewer's spaces, read again where it may have
// changed.
func (s *Searcher) lexis(ctx context.Context, viewer knowledge.Viewer) (lexis, error) {
	spaces := viewer.Spaces()
	words := make(lexis, len(spaces))
	missing := false
	for i, space := range spaces {
		words[i] = s.vocabularies.fresh(space)
		missing = missing || words[i] == nil
	}
	if !missing {
		return words, nil
	}
	err := s.read(ctx, viewer, func(tx pgx.Tx) (err error) {
		for i, space := range spaces {
			if words[i] == nil {
				if words[i], err = s.vocabularies.load(ctx, tx, space); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return words, err
}

// queryVectors are the weighted sums of the turns' vectors: of the customer's,
// to search with, and of what was said before by either side, which is the topic.
// Each is nil without an embedder or without anything it knows. glossed adds the
// translated words.
func queryVectors(ctx context.Context, embedder knowledge.Embedder, u understood, glossed bool) (question, topic []float32, err error) {
	if embedder == nil || len(u.texts) == 0 {
		return nil, nil, nil
	}
	texts := slices.Clone(u.texts)
	for i, gloss := range u.glosses {
		if glossed && gloss != "" {
			texts[i] += " " + gloss
		}
	}
	vectors, err := embedder.Embed(ctx, knowledge.EmbedQuery, append(texts, u.before...))
	if err != nil {
		return nil, nil, fmt.Errorf("embed question: %w", err)
	}
	n := len(u.texts)
	return weightedSum(vectors[:n], u.shares, embedder.Dimensions()), weightedSum(vectors[n:], u.fading, embedder.Dimensions()), nil
}

func weightedSum(vectors [][]float32, shares []float64, dimensions int) []float32 {
	sum := make([]float32, dimensions)
	var length float64
	for i, v := range vectors {
		for j := range min(len(v), len(sum)) {
			sum[j] += float32(shares[i]) * v[j]
		}
	}
	for _, x := range sum {
		length += float64(x) * float64(x)
	}
	if length == 0 || math.IsNaN(length) {
		return nil
	}
	return sum
}

// settings hold for the transaction: plans made for this tenant's size, no
// compilation of a statement that runs once, and HNSW scans that go on until the
// filter has let enough rows through.
const settings = `select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
	set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '100', true)`

func (s *Searcher) candidates(ctx context.Context, tx pgx.Tx, q Query, u understood, words lexis, model knowledge.EmbeddingModel, vector, topic []float32) ([]row, error) {
	form := shape{
		tenant: q.Viewer.TenantID != uuid.Nil, dimensions: model.Dimensions,
		exactShared: words[0].chunks < s.exactBelow,
	}
	if form.tenant {
		form.exactTenant = words[1].chunks < s.exactBelow
	}
	args := q.Viewer.Args(pgx.NamedArgs{
		"model": model.ID, "sparse": u.sparse(), "depth": depth, "products": u.products, "tenant": q.Viewer.TenantID,
	})
	if vector == nil {
		// No vector: model 0 has no rows, so the dense leg finds nothing.
		vector = make([]float32, model.Dimensions)
		vector[0] = 1
		args["model"] = 0
	}
	args["dense"] = pgvector.NewHalfVector(vector)
	if topic == nil {
		topic = vector
	}
	args["topic"] = pgvector.NewHalfVector(topic)
	found, err := run(ctx, tx, form, args)
	if err != nil {
		return nil, err
	}
	if again := form.again(found, words); again != form && args["model"] != 0 {
		return run(ctx, tx, again, args)
	}
	return found, nil
}

// again is the form to search with once more: exact where a space gave fewer
// rows than it could have. An index scan stopped early; a person's question must
// not fail for it.
func (f shape) again(found []row, words lexis) shape {
	short := func(shared bool, chunks int) bool {
		n := 0
		for _, r := range found {
			if r.Shared == shared {
				n = r.DenseRows
				break
			}
		}
		return n < min(depth, chunks)
	}
	f.exactShared = f.exactShared || short(true, words[0].chunks)
	if f.tenant {
		f.exactTenant = f.exactTenant || short(false, words[1].chunks)
	}
	return f
}

func run(ctx context.Context, tx pgx.Tx, form shape, args pgx.NamedArgs) ([]row, error) {
	batch := &pgx.Batch{}
	batch.Queue(settings)
	batch.Queue(form.sql(), args)
	results := tx.SendBatch(ctx, batch)
	defer results.Close()
	if _, err := results.Exec(); err != nil {
		return nil, fmt.Errorf("set up search: %w", err)
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, err
	}
	return found, results.Close()
}
