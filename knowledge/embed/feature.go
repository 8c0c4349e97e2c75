package embed

import (
	"hash/fnv"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

const (
	shortestGram = 3
	longestGram  = 4
	gramWeight   = 0.6
	maxFeatures  = 4096 // of one text; longer texts are cut
)

// features counts the stems and character n-grams of a text. Keys are hashes:
// a model stores no words of the articles it was trained on.
func features(text, language string) map[uint64]float32 {
	counts := make(map[uint64]float32)
	for _, term := range lexicon.Terms(text, language) {
		if len(counts) >= maxFeatures {
			break
		}
		counts[key('w', term.Stem)]++
		if !term.Joined {
			addGrams(counts, term.Word)
		}
	}
	return counts
}

func addGrams(counts map[uint64]float32, word string) {
	runes := []rune("^" + word + "$")
	for n := shortestGram; n <= longestGram; n++ {
		for i := 0; i+n <= len(runes); i++ {
			counts[key('g', string(runes[i:i+n]))] += gramWeight
		}
	}
}

func key(kind byte, feature string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte{kind})
	_, _ = h.Write([]byte(feature))
	return h.Sum64()
}
