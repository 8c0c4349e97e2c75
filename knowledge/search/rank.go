package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/google/uuid"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Weights of the rerank: one recipe for every corpus, chosen on development
// data; see DECISIONS.
type Weights struct {
	Lexical    float64
	Dense      float64
	Title      float64
	Product    float64
	Language   float64 // the article is in the question's language
	Fresh      float64 // changed within a year
	Unverified float64 // taken off
	External   float64 // of an external model's cosine, spread over the candidates
	Second     float64 // of the score of the article's second best passage
	Third      float64 // … and of its third
	Topic      float64 // taken off for being away from what the conversation is about
	Repeat     float64 // taken off for what was answered before
}

// DefaultWeights are the measured ones.
var DefaultWeights = Weights{Lexical: 1, Dense: 0.2, Title: 0.2, Product: 0.5, Language: 0.05, Fresh: 0.01, Unverified: 0.01, External: 0.4, Second: 0.1, Third: 0.05, Topic: 0.6, Repeat: 1.2}

// Of a conversation: a passage this near to what was said before is on its topic;
// one that holds more than this share of an earlier answer repeats it, and is put
// back by at most maxRepeat of it.
const (
	onTopic   = 0.3
	repeated  = 0.4
	maxRepeat = 0.15
)

func (s *Searcher) rank(q Query, u understood, found []row, builtin bool) Result {
	passages := make([]Passage, len(found))
	for i, r := range found {
		passages[i] = s.passage(u, r)
	}
	if builtin {
		for i := range passages {
			passages[i].Score += s.weights.Dense * passages[i].Legs.Dense
		}
	} else {
		s.weights.spread(passages)
	}
	setRanks(passages)
	s.weights.support(passages)
	slices.SortFunc(passages, func(a, b Passage) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), slices.Compare(a.ArticleID[:], b.ArticleID[:]), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	passages = collapse(passages, q.Limit)
	for i := range passages {
		passages[i].Covers = u.covers(passages[i : i+1])
	}
	return Result{Passages: passages, Signals: u.signals(passages), Meant: u.meant(), Language: u.language}
}

func (s *Searcher) passage(u understood, r row) Passage {
	p := Passage{
		Shared: r.Shared, ChunkID: r.ChunkID, ArticleID: r.ArticleID, VersionID: r.VersionID, Slug: r.Slug,
		Title: r.Title, Product: r.Product, Locale: r.Locale, Audience: r.Audience, Heading: r.Heading,
		Anchor: r.Anchor, Text: r.Body, Ordinal: r.Ordinal, UpdatedAt: r.UpdatedAt,
	}
	p.Unverified = r.VerifiedUntil != nil && s.now().After(*r.VerifiedUntil)
	p.weights = weightsOf(r.Weights)
	lexical, now := u.lexical(p.weights)
	if u.attainable > 0 {
		p.Legs.Lexical = lexical / u.attainable
	}
	if u.attainableNow > 0 {
		p.Legs.Now = now / u.attainableNow
	}
	p.Legs.Dense = cosineOf(r.Dense)
	p.Legs.Title = u.titleMatch(r.Title, cmp.Or(lexicon.Base(r.Locale), u.language))
	if slices.Contains(u.products, r.Product) && r.Product != "" {
		p.Legs.Product = 1
	}
	w := s.weights
	p.Legs.Repeats = u.repeats(p.weights)
	p.Score = w.Lexical*p.Legs.Lexical + w.Title*p.Legs.Title + w.Product*p.Legs.Product
	if u.topical {
		p.Legs.Topic = cosineOf(r.Topic)
		p.Score -= w.Topic * max(onTopic-p.Legs.Topic, 0)
	}
	p.Score -= w.Repeat * min(max(p.Legs.Repeats-repeated, 0), maxRepeat)
	if lexicon.Base(r.Locale) == u.language {
		p.Score += w.Language
	}
	if s.now().Sub(r.UpdatedAt).Hours() < 24*365 {
		p.Score += w.Fresh
	}
	if p.Unverified {
		p.Score -= w.Unverified
	}
	return p
}

// cosineOf is a cosine as the statement returns it, where it is one and above 0.
func cosineOf(x float64) float64 {
	if math.IsNaN(x) || x < 0 {
		return 0
	}
	return x
}

// spread adds an external model's cosines, which lie in a narrow band of its
// own, as places between the farthest and the nearest candidate.
func (w Weights) spread(passages []Passage) {
	nearest, farthest := 0.0, 1.0
	for _, p := range passages {
		if p.Legs.Dense > 0 {
			nearest, farthest = max(nearest, p.Legs.Dense), min(farthest, p.Legs.Dense)
		}
	}
	if nearest <= farthest {
		return
	}
	for i := range passages {
		passages[i].Score += w.External * max(passages[i].Legs.Dense-farthest, 0) / (nearest - farthest)
	}
}

// titleMatch is the cosine of the question and a title, by rarity of words. A
// synonym, a repaired or a translated word counts at its weight. The title is
// read in its article's language.
func (u *understood) titleMatch(title, language string) float64 {
	weights := make(map[string]float64)
	var length float64
	for _, s := range u.slots {
		value := s.weight * s.idf
		length += value * value
		for _, t := range s.terms {
			weights[t.stem] = max(weights[t.stem], value*t.weight)
		}
	}
	var dot, titleLength float64
	seen := make(map[string]bool)
	for _, term := range lexicon.Terms(title, language) {
		if seen[term.Stem] || term.Joined {
			continue
		}
		seen[term.Stem] = true
		idf := u.rarity(term.Stem)
		titleLength += idf * idf
		dot += weights[term.Stem] * idf
	}
	if dot == 0 {
		return 0
	}
	return dot / math.Sqrt(length*titleLength)
}

// support adds the evidence of an article's other passages to each of its
// passages: an answer is rarely alone on its page.
func (w Weights) support(passages []Passage) {
	best := make(map[uuid.UUID][3]float64)
	for _, p := range passages {
		top := best[p.ArticleID]
		for i, score := range top {
			if p.Score > score {
				copy(top[i+1:], top[i:2])
				top[i] = p.Score
				break
			}
		}
		best[p.ArticleID] = top
	}
	for i := range passages {
		top := best[passages[i].ArticleID]
		passages[i].Score += w.Second*top[1] + w.Third*top[2]
	}
}

func setRanks(passages []Passage) {
	order := make([]int, len(passages))
	for i := range order {
		order[i] = i
	}
	rank := func(value func(*Passage) float64, set func(*Passage, int)) {
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(value(&passages[b]), value(&passages[a])), slices.Compare(passages[a].ChunkID[:], passages[b].ChunkID[:]))
		})
		for place, i := range order {
			if value(&passages[i]) > 0 {
				set(&passages[i], place+1)
			}
		}
	}
	rank(func(p *Passage) float64 { return p.Legs.Lexical }, func(p *Passage, n int) { p.Legs.LexicalRank = n })
	rank(func(p *Passage) float64 { return p.Legs.Dense }, func(p *Passage, n int) { p.Legs.DenseRank = n })
}

// collapse keeps the best of near-duplicates (the same text in two articles or
// two places) and cuts the list.
func collapse(passages []Passage, limit int) []Passage {
	kept := make([]Passage, 0, limit)
	for _, p := range passages {
		if len(kept) == limit {
			break
		}
		if !slices.ContainsFunc(kept, func(other Passage) bool { return nearly(p.weights, other.weights) }) {
			kept = append(kept, p)
		}
	}
	return kept
}

// nearly reports whether nine in ten terms of two passages are the same. Very
// short ones are told apart by their articles.
func nearly(a, b map[int32]float32) bool {
	if len(a) < 5 || 10*min(len(a), len(b)) < 9*max(len(a), len(b)) {
		return false
	}
	both := 0
	for id := range a {
		if _, in := b[id]; in {
			both++
		}
	}
	return 10*both >= 9*(len(a)+len(b)-both)
}

func weightsOf(v pgvector.SparseVector) map[int32]float32 {
	out := make(map[int32]float32, len(v.Indices()))
	for i, id := range v.Indices() {
		out[id] = v.Values()[i]
	}
	return out
}

// covers is the share of the present question's words, by rarity, that the
// passages hold together.
func (u *understood) covers(passages []Passage) float64 {
	var all, held float64
	for _, s := range u.slots {
		if s.weight < 1 {
			continue
		}
		all += s.idf
		if slices.ContainsFunc(passages, func(p Passage) bool {
			return slices.ContainsFunc(s.terms, func(t weighted) bool { return p.weights[t.id] > 0 })
		}) {
			held += s.idf
		}
	}
	if all == 0 {
		return 0
	}
	return held / all
}

// meant are the terms of each word besides itself.
func (u *understood) meant() map[string][]string {
	out := make(map[string][]string)
	for _, s := range u.slots {
		for _, t := range s.terms {
			if t.stem != s.stem && !slices.Contains(out[s.stem], t.stem) {
				out[s.stem] = append(out[s.stem], t.stem)
			}
		}
	}
	return out
}

// fullContent is the rarity of all words of a question that leaves nothing open:
// about five telling ones.
const fullContent = 25

func (u *understood) signals(passages []Passage) Signals {
	out := Signals{Products: u.products}
	var all, unknown float64
	for _, s := range u.slots {
		if s.weight < 1 {
			continue
		}
		out.Words++
		all += s.idf
		if !s.known {
			unknown += s.idf
		}
		if s.repaired {
			out.Repaired = append(out.Repaired, s.word)
		}
	}
	if all > 0 {
		out.Unknown = unknown / all
	}
	out.Content = min(all/fullContent, 1)
	if len(passages) == 0 {
		return out
	}
	top := passages[0]
	out.TopScore, out.TopDense, out.TopLex = top.Score, top.Legs.Dense, top.Legs.Lexical
	out.Margin = top.Score
	for _, p := range passages {
		out.TopDense, out.TopLex = max(out.TopDense, p.Legs.Dense), max(out.TopLex, p.Legs.Lexical)
	}
	if i := slices.IndexFunc(passages, func(p Passage) bool { return p.ArticleID != top.ArticleID }); i > 0 {
		out.Margin = top.Score - passages[i].Score
	}
	out.Coverage = u.covers(passages[:min(len(passages), 3)])
	out.Agreement = agreement(passages)
	return out
}

func agreement(passages []Passage) float64 {
	first := func(rank func(Legs) int) map[uuid.UUID]bool {
		set := make(map[uuid.UUID]bool)
		for _, p := range passages {
			if n := rank(p.Legs); n > 0 && n <= 5 {
				set[p.ChunkID] = true
			}
		}
		return set
	}
	lexical, dense := first(func(l Legs) int { return l.LexicalRank }), first(func(l Legs) int { return l.DenseRank })
	both := 0
	for id := range lexical {
		if dense[id] {
			both++
		}
	}
	if n := max(len(lexical), len(dense)); n > 0 {
		return float64(both) / float64(n)
	}
	return 0
}
