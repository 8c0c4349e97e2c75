package search

import (
	"slices"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// product is the name of something articles are about, as words.
type product struct {
	name  string
	words []string // folded
}

func newProducts(names []string) []product {
	out := make([]product, 0, len(names))
	for _, name := range names {
		if words := nameWords(name); len(words) > 0 {
			out = append(out, product{name: name, words: words})
		}
	}
	return out
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

// generic counts in how many names a word occurs: "hotel" names nothing.
func generic(products []product) map[string]int {
	counts := make(map[string]int)
	for _, p := range products {
		seen := make(map[string]bool, len(p.words))
		for _, w := range p.words {
			if !seen[w] {
				counts[w]++
				seen[w] = true
			}
		}
	}
	return counts
}

// mentioned returns the names of the products a text names, best match first.
// A product is named by its words in a row, or by all of its words that are not
// common to many names; one misspelt letter in a long word is forgiven.
func mentioned(text string, products []product) []string {
	if len(products) == 0 {
		return nil
	}
	words := nameWords(text)
	common := generic(products)
	type hit struct {
		name string
		size int
	}
	var hits []hit
	for _, p := range products {
		if size := p.match(words, common, len(products)); size > 0 {
			hits = append(hits, hit{p.name, size})
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
func (p product) match(words []string, common map[string]int, names int) int {
	rare := 0
	found := 0
	for _, w := range p.words {
		isRare := common[w] <= max(1, names/40) && !lexicon.Stopword(w, "en") && len(w) > 1
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
	if len(want) < 6 {
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
