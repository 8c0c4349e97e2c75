package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/lexicon"
)

// vocabulary is what a space's chunks are made of: how many chunks hold each
// stem and word, the products articles are about, and the curators' synonyms.
// It is immutable once loaded. Being a little old is harmless: a term it has not
// seen is still looked for, as a rare one.
type vocabulary struct {
	revision int64
	chunks   int
	stems    map[string]int32
	words    []vocabularyWord
	known    map[string]int32 // index into words
	products catalogue
	synonyms []synonym
	// languages of the chunks, the most frequent first.
	languages []string
}

type vocabularyWord struct {
	text   string
	stem   bool
	chunks int32
	length int32  // runes
	mask   uint32 // letters that occur
}

type synonym struct {
	locale string
	terms  []string
}

var (
	selectWords     = knowledge.NewStatement(`select stem, word, chunks from {words} where {scope} and chunks > 0`)
	selectCorpus    = knowledge.NewStatement(`select revision, chunks from {corpora} where {scope}`)
	selectLanguages = knowledge.NewStatement(`select language from {chunks} where {scope} group by language order by count(*) desc, language limit 4`)
	selectSynonyms  = knowledge.NewStatement(`select locale, terms from {synonyms} where {scope} order by id`)
	// A name has an effect only where the question says it: nothing is revealed.
	selectProducts = knowledge.NewStatement(`
		select distinct product from {articles} where {scope} and product <> '' and state = 'published' order by product limit 20000`)
)

func loadVocabulary(ctx context.Context, tx pgx.Tx, space knowledge.Space) (*vocabulary, error) {
	v := &vocabulary{stems: make(map[string]int32), known: make(map[string]int32)}
	args := space.Args(nil)
	err := tx.QueryRow(ctx, selectCorpus.For(space), args).Scan(&v.revision, &v.chunks)
	if err != nil && err != pgx.ErrNoRows {
		return nil, fmt.Errorf("read corpus: %w", err)
	}
	rows, err := tx.Query(ctx, selectWords.For(space), args)
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	var stem bool
	var word string
	var chunks int32
	_, err = pgx.ForEachRow(rows, []any{&stem, &word, &chunks}, func() error {
		if stem {
			v.stems[word] = chunks
		} else {
			v.known[word] = int32(len(v.words))
		}
		v.words = append(v.words, vocabularyWord{text: word, stem: stem, chunks: chunks, length: int32(len([]rune(word))), mask: letters(word)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	if rows, err = tx.Query(ctx, selectLanguages.For(space), args); err != nil {
		return nil, fmt.Errorf("read languages: %w", err)
	}
	if v.languages, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, fmt.Errorf("read languages: %w", err)
	}
	return v, v.loadNames(ctx, tx, space)
}

func (v *vocabulary) loadNames(ctx context.Context, tx pgx.Tx, space knowledge.Space) error {
	rows, err := tx.Query(ctx, selectProducts.For(space), space.Args(nil))
	if err != nil {
		return fmt.Errorf("read products: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read products: %w", err)
	}
	v.products = newCatalogue(names)
	rows, err = tx.Query(ctx, selectSynonyms.For(space), space.Args(nil))
	if err != nil {
		return fmt.Errorf("read synonyms: %w", err)
	}
	var s synonym
	_, err = pgx.ForEachRow(rows, []any{&s.locale, &s.terms}, func() error {
		v.synonyms = append(v.synonyms, synonym{locale: s.locale, terms: append([]string(nil), s.terms...)})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read synonyms: %w", err)
	}
	return nil
}

func letters(word string) uint32 {
	var mask uint32
	for _, r := range word {
		mask |= 1 << (uint32(r) % 32)
	}
	return mask
}

// lexis is the vocabulary a query sees: the union of its spaces'.
type lexis []*vocabulary

func (l lexis) chunks() (n int) {
	for _, v := range l {
		n += v.chunks
	}
	return n
}

// languages are those of the articles, each once.
func (l lexis) languages() []string {
	var out []string
	for _, v := range l {
		for _, language := range v.languages {
			if !slices.Contains(out, language) {
				out = append(out, language)
			}
		}
	}
	return out
}

func (l lexis) stem(stem string) (n int) {
	for _, v := range l {
		n += int(v.stems[stem])
	}
	return n
}

func (l lexis) knows(word string) bool {
	for _, v := range l {
		if _, ok := v.known[word]; ok {
			return true
		}
	}
	return false
}

// idf is the inverse document frequency of BM25, floored above zero.
func (l lexis) idf(stem string) float64 {
	n, all := float64(l.stem(stem)), float64(l.chunks())
	return math.Log(1 + (max(all-n, 0)+0.5)/(n+0.5))
}

// misspelling is an unknown word with its stem, and what it may have meant.
type misspelling struct {
	forms   [2]form // the word, its stem
	allowed int
	best    []candidate
}

type form struct {
	runes []rune
	mask  uint32
}

type candidate struct {
	text     string // a word or a stem
	stem     bool
	distance int
	chunks   int32
}

// repair returns the known words or stems closest to a misspelt one, best
// first: one edit away, two for words of eight letters or more, the more
// frequent first. A word is compared with words, its stem with stems, so that
// "invoce" finds "invoices".
func (l lexis) repair(word, stem string) []candidate {
	const most = 2
	if len([]rune(word)) < 4 || strings.ContainsAny(word, "0123456789") {
		return nil
	}
	m := misspelling{allowed: 1, forms: [2]form{{[]rune(word), letters(word)}, {[]rune(stem), letters(stem)}}}
	if len(m.forms[0].runes) >= 8 {
		m.allowed = 2
	}
	for _, v := range l {
		for i := range v.words {
			m.consider(&v.words[i], most)
		}
	}
	var out []candidate
	for _, c := range m.best {
		if c.distance == m.best[0].distance {
			out = append(out, c)
		}
	}
	return out
}

func (m *misspelling) consider(w *vocabularyWord, most int) {
	f := m.forms[0]
	if w.stem {
		f = m.forms[1]
	}
	if d := int(w.length) - len(f.runes); d > m.allowed || -d > m.allowed || w.length < 4 || len(f.runes) < 4 ||
		bits.OnesCount32(w.mask&^f.mask) > m.allowed || bits.OnesCount32(f.mask&^w.mask) > m.allowed {
		return
	}
	distance := lexicon.Distance(f.runes, []rune(w.text), m.allowed)
	if distance > m.allowed {
		return
	}
	c := candidate{w.text, w.stem, distance, w.chunks}
	at := len(m.best)
	for at > 0 && c.before(m.best[at-1]) {
		at--
	}
	if at < most && !slices.ContainsFunc(m.best, func(b candidate) bool { return b.text == c.text }) {
		m.best = slices.Insert(m.best, at, c)
		m.best = m.best[:min(len(m.best), most)]
	}
}

func (c candidate) before(o candidate) bool {
	return cmp.Or(cmp.Compare(c.distance, o.distance), cmp.Compare(o.chunks, c.chunks), strings.Compare(c.text, o.text)) < 0
}

// vocabularies caches them per space.
type vocabularies struct {
	mu      sync.Mutex
	entries map[knowledge.Space]*cached
}

type cached struct {
	vocabulary *vocabulary
	checked    time.Time
	used       time.Time
}

const (
	// recheck bounds how old statistics, products and synonyms may be.
	recheck = 3 * time.Second
	// maxCached bounds memory: the longest unused tenants are forgotten.
	maxCached = 512
)

// fresh is a space's vocabulary if it was looked at lately, else nil.
func (c *vocabularies) fresh(space knowledge.Space) *vocabulary {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := c.entries[space]
	if entry == nil || now.Sub(entry.checked) >= recheck {
		return nil
	}
	entry.used = now
	return entry.vocabulary
}

// load is a space's vocabulary as it is now; it is read only when it changed.
func (c *vocabularies) load(ctx context.Context, tx pgx.Tx, space knowledge.Space) (*vocabulary, error) {
	now := time.Now()
	c.mu.Lock()
	entry := c.entries[space]
	c.mu.Unlock()
	var revision int64
	err := tx.QueryRow(ctx, selectCorpus.For(space), space.Args(nil)).Scan(&revision, new(int))
	if err != nil && err != pgx.ErrNoRows {
		return nil, fmt.Errorf("read corpus: %w", err)
	}
	if entry == nil || entry.vocabulary.revision != revision {
		fresh, err := loadVocabulary(ctx, tx, space)
		if err != nil {
			return nil, err
		}
		entry = &cached{vocabulary: fresh}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	entry.checked, entry.used = now, now
	if c.entries == nil {
		c.entries = make(map[knowledge.Space]*cached)
	}
	c.entries[space] = entry
	if len(c.entries) > maxCached {
		c.forget(space)
	}
	return entry.vocabulary, nil
}

// forget drops the entry that was not used for longest, other than keep.
func (c *vocabularies) forget(keep knowledge.Space) {
	var oldest knowledge.Space
	var at time.Time
	for space, entry := range c.entries {
		if space != keep && !space.IsShared() && (at.IsZero() || entry.used.Before(at)) {
			oldest, at = space, entry.used
		}
	}
	delete(c.entries, oldest)
}
