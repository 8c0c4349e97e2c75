package classify

import (
	"math"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Alike says how much two messages have in common without a model, 0 to 1: the
// cosine over their words, those of one meaning being one (lexicon.Concepts), words
// without content left out. Fewer than two such words say nothing.
func Alike(a, b string) float64 {
	x, y := content(a), content(b)
	if len(x) < 2 || len(y) < 2 {
		return 0
	}
	shared := 0
	for k := range x {
		if y[k] {
			shared++
		}
	}
	return float64(shared) / math.Sqrt(float64(len(x)*len(y)))
}

// content are the meanings of a text: the first concept of a word, else its stem.
func content(text string) map[uint64]bool {
	text = Clean(text)
	language, _ := Detect(text)
	out := map[uint64]bool{}
	for _, w := range words(text) {
		if w == "?" || w == "!" || lexicon.Stopword(w, language) || len(w) < 2 && w[0] < 0x80 {
			continue
		}
		root := stem(w)
		if groups := wordConcepts[root]; len(groups) > 0 {
			out[groups[0]] = true
			continue
		}
		out[hashString(fnvOffset, root)] = true
	}
	return out
}
