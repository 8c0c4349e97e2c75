package classify

import (
	"math"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Alike says how much two messages have in common without a model, 0 to 1: the
// cosine over their words, those of one meaning being one (lexicon.Concepts), words
// without content left out. Fewer than two such words say nothing.
func Alike(a, b string) float64 { return MeaningsOf(a).Alike(MeaningsOf(b)) }

// Meanings are what a text is compared by: of one compared with many they are
// made once.
type Meanings map[uint64]bool

// Alike is how much two texts have in common.
func (x Meanings) Alike(y Meanings) float64 {
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

// MeaningsOf are the meanings of a text: the first concept of a word, else its stem.
func MeaningsOf(text string) Meanings {
	text = Clean(text)
	language, _ := Detect(text)
	out := Meanings{}
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
