package search

import (
	"maps"
	"slices"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// product is the name of something articles are about, as words.
type product struct {
	name  string
	words []string // folded
}

// catalogue is the products of a space, found by the words of their names.
type catalogue struct {
	products []product
	byWord   map[string][]int // indexes into products
}

func newCatalogue(names []string) catalogue {
	c := catalogue{byWord: make(map[string][]int)}
	for _, name := range names {
		words := nameWords(name)
		if len(words) == 0 {
			continue
		}
		for i, w := range words {
			if !slices.Contains(words[:i], w) {
				c.byWord[w] = append(c.byWord[w], len(c.products))
			}
		}
		c.products = append(c.products, product{name: name, words: words})
	}
	return c
}

func nameWords(text string) []string {
	var words []string
	for _, token := range lexicon.Tokens(text) {
		if !token.Joined {
			words = append(words, lexicon.Fold(token.Text))
		}
	}
	return words
}

// candidates are the products some word of a text may belong to.
func (c catalogue) candidates(words []string) []int {
	found := make(map[int]bool)
	for i, w := range words {
		if slices.Contains(words[:i], w) {
			continue
		}
		near := [][]int{c.byWord[w], c.byWord[w+"s"], c.byWord[strings.TrimSuffix(w, "s")]}
		if near[0] == nil && len(w) >= 5 {
			for have, products := range c.byWord {
				if d := len(have) - len(w); d <= 1 && d >= -1 && sameWord(w, have) {
					near = append(near, products)
				}
			}
		}
		for _, products := range near {
			for _, at := range products {
				found[at] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// mentioned returns the names of the products a text names, best match first.
// A product is named by its words in a row, or by all of its words that are not
// common to many names ("hotel" names nothing); one misspelt letter in a long
// word is forgiven.
func (c catalogue) mentioned(text string) []string {
	if len(c.products) == 0 {
		return nil
	}
	words := nameWords(text)
	type hit struct {
		name string
		size int
	}
	var hits []hit
	for _, at := range c.candidates(words) {
		if size := c.match(c.products[at], words); size > 0 {
			hits = append(hits, hit{c.products[at].name, size})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.size - a.size })
	var out []string
	for _, h := range hits {
		// "Acorn Guest House" also holds "Guest House": the longer name wins.
		if !slices.ContainsFunc(out, func(longer string) bool {
			return strings.Contains(" "+strings.Join(nameWords(longer), " ")+" ", " "+strings.Join(nameWords(h.name), " ")+" ")
		}) {
			out = append(out, h.name)
		}
	}
	return out[:min(len(out), maxProducts)]
}

const maxProducts = 4

// match is the number of letters of the name found in the words, 0 for none.
func (c catalogue) match(p product, words []string) int {
	rare := 0
	found := 0
	for _, w := range p.words {
		isRare := len(c.byWord[w]) <= max(1, len(c.products)/40) && !lexicon.Stopword(w, "en") && len(w) > 1
		in := slices.ContainsFunc(words, func(have string) bool { return sameWord(have, w) })
		switch {
		case isRare && !in:
			return 0
		case isRare:
			rare += len(w)
			found += len(w)
		case in:
			found += len(w)
		}
	}
	if rare > 0 && (rare >= 4 || containsRun(words, p.words)) {
		return found
	}
	if rare == 0 && containsRun(words, p.words) && found >= 4 {
		return found
	}
	return 0
}

func sameWord(have, want string) bool {
	if have == want {
		return true
	}
	if len(want) < 6 || len(have) < 5 {
		return have == want+"s" || want == have+"s"
	}
	return lexicon.Distance([]rune(have), []rune(want), 1) <= 1
}

func containsRun(words, run []string) bool {
	for i := 0; i+len(run) <= len(words); i++ {
		if slices.EqualFunc(words[i:i+len(run)], run, sameWord) {
			return true
		}
	}
	return false
}
