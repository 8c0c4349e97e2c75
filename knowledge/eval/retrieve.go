package eval

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/index"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Retrieve says what to measure. DB is a scratch database of the worker role:
// migrated, and empty.
type Retrieve struct {
	DB      *tenantdb.DB
	Corpus  string
	Queries string // with Qrels
	Qrels   string
	Tasks   string // instead of Queries: rows that carry their labels
	// Legs adds the figures of each leg alone.
	Legs bool
	// Embedder replaces the built-in one.
	Embedder knowledge.Embedder
	Progress io.Writer
	// Without leaves documents out, by id: what a question would find if they did
	// not exist.
	Without map[string]bool
	// Weights replaces the rerank's weights, to tune them.
	Weights *search.Weights
}

// Figures are measured over all questions that have a relevant document.
type Figures struct {
	NDCG10   float64 `json:"ndcg10"`
	MRR10    float64 `json:"mrr10"`
	Recall10 float64 `json:"recall10"`
	Hit1     float64 `json:"hit1"`
}

// Report is the outcome.
type Report struct {
	Figures
	N      int     `json:"n"`
	IndexS float64 `json:"index_s"`
	P50MS  float64 `json:"p50_ms"`
	P95MS  float64 `json:"p95_ms"`
	Chunks int     `json:"chunks"`
	// Legs are the same figures with one leg's order alone.
	Legs map[string]Figures `json:"legs,omitempty"`
}

// passagesAsked is how many passages give ten documents, long ones included, and
// all that either leg ranked high.
const passagesAsked = 100

// Run imports the corpus, indexes it, and asks every question.
func Run(ctx context.Context, r Retrieve) (Report, error) {
	if r.Progress == nil {
		r.Progress = io.Discard
	}
	questions, err := readQuestions(cmp.Or(r.Queries, r.Tasks), r.Qrels)
	if err != nil {
		return Report{}, fmt.Errorf("read questions: %w", err)
	}
	began := time.Now()
	searcher, articles, err := r.prepare(ctx)
	if err != nil {
		return Report{}, err
	}
	report := Report{N: len(questions), IndexS: time.Since(began).Seconds()}
	if err := r.DB.Pool().QueryRow(ctx, "select coalesce(sum(chunks), 0) from shared_corpora").Scan(&report.Chunks); err != nil {
		return report, fmt.Errorf("count chunks: %w", err)
	}
	fmt.Fprintf(r.Progress, "indexed %d articles in %.1f s\n", len(articles), report.IndexS)
	err = r.ask(ctx, searcher, articles, questions, &report)
	return report, err
}

// prepare returns a searcher over the corpus and the document id of each article.
func (r Retrieve) prepare(ctx context.Context) (*search.Searcher, map[uuid.UUID]string, error) {
	items, err := importer.ReadJSONL(r.Corpus, knowledge.Public)
	if err != nil {
		return nil, nil, err
	}
	items = slices.DeleteFunc(items, func(i knowledge.Item) bool { return r.Without[i.ExternalID] })
	var external []knowledge.Embedder
	if r.Embedder != nil {
		external = append(external, r.Embedder)
	}
	models := switchover.New(r.DB, external...)
	service := knowledge.New(r.DB, nil, knowledge.Config{})
	done, err := service.Sync(ctx, knowledge.Shared, knowledge.Origin{Name: "evaluation", Kind: "jsonl", Location: r.Corpus}, items, false, uuid.Nil)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range done.Problems {
		fmt.Fprintf(r.Progress, "left out %s: %s\n", p.ExternalID, p.Reason)
	}
	indexer := index.New(r.DB, models)
	if _, err := indexer.Stale(ctx, knowledge.Shared); err != nil {
		return nil, nil, err
	}
	if r.Embedder != nil {
		err = models.Switch(ctx, r.Embedder)
	} else {
		_, err = models.Retrain(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	articles, err := service.ExternalIDs(ctx, knowledge.Shared)
	return search.New(r.DB, models, search.Config{Weights: r.Weights}), articles, err
}

func (r Retrieve) ask(ctx context.Context, searcher *search.Searcher, articles map[uuid.UUID]string, questions []Question, report *Report) error {
	orders := map[string]func(a, b search.Passage) int{"": nil}
	if r.Legs {
		orders["lexical"] = func(a, b search.Passage) int { return cmp.Compare(b.Legs.Lexical, a.Legs.Lexical) }
		orders["dense"] = func(a, b search.Passage) int { return cmp.Compare(b.Legs.Dense, a.Legs.Dense) }
	}
	sums := make(map[string]*Figures)
	times := make([]float64, 0, len(questions))
	for i, q := range questions {
		began := time.Now()
		result, err := searcher.Search(ctx, search.Query{Text: q.Text, History: q.History, Viewer: knowledge.Viewer{}, Limit: passagesAsked})
		if err != nil {
			return fmt.Errorf("question %s: %w", q.ID, err)
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
		for name, order := range orders {
			passages := slices.Clone(result.Passages)
			if order != nil {
				slices.SortStableFunc(passages, order)
			}
			if sums[name] == nil {
				sums[name] = &Figures{}
			}
			sums[name].add(documents(passages, articles), q.Relevant)
		}
		if (i+1)%500 == 0 {
			fmt.Fprintf(r.Progress, "%d of %d questions\n", i+1, len(questions))
		}
	}
	slices.Sort(times)
	report.P50MS, report.P95MS = times[len(times)/2], times[len(times)*95/100]
	for name, sum := range sums {
		sum.divide(len(questions))
		if name == "" {
			report.Figures = *sum
			continue
		}
		if report.Legs == nil {
			report.Legs = make(map[string]Figures)
		}
		report.Legs[name] = *sum
	}
	return nil
}

// documents are the ids of the first ten articles, best passage first.
func documents(passages []search.Passage, articles map[uuid.UUID]string) []string {
	var out []string
	seen := make(map[uuid.UUID]bool)
	for _, p := range passages {
		if !seen[p.ArticleID] && len(out) < 10 {
			seen[p.ArticleID] = true
			out = append(out, articles[p.ArticleID])
		}
	}
	return out
}

// add scores one ranking of at most ten documents.
func (f *Figures) add(ranking []string, relevant map[string]float64) {
	var gain, ideal float64
	found := 0
	first := 0.0
	for i, id := range ranking {
		if g := relevant[id]; g > 0 {
			gain += g / math.Log2(float64(i+2))
			found++
			if first == 0 {
				first = 1 / float64(i+1)
			}
		}
	}
	gains := make([]float64, 0, len(relevant))
	for _, g := range relevant {
		gains = append(gains, g)
	}
	slices.SortFunc(gains, func(a, b float64) int { return cmp.Compare(b, a) })
	for i, g := range gains[:min(len(gains), 10)] {
		ideal += g / math.Log2(float64(i+2))
	}
	f.NDCG10 += gain / ideal
	f.MRR10 += first
	f.Recall10 += float64(found) / float64(len(relevant))
	if first == 1 {
		f.Hit1++
	}
}

func (f *Figures) divide(n int) {
	for _, value := range []*float64{&f.NDCG10, &f.MRR10, &f.Recall10, &f.Hit1} {
		*value = math.Round(*value/float64(n)*1e4) / 1e4
	}
}
