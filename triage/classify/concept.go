package classify

import (
	"slices"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// wordConcepts and pairConcepts give the groups of words of one meaning that a
// stem, or two stems in a row, stand in. A group is named by the hash of its line.
var wordConcepts, pairConcepts = indexConcepts()

func indexConcepts() (map[string][]uint64, map[[2]string][]uint64) {
	one, two := map[string][]uint64{}, map[[2]string][]uint64{}
	for _, concept := range lexicon.Concepts {
		group := hashString(fnvOffset, concept.Line)
		for _, w := range concept.Words {
			if a, b, ok := strings.Cut(w, "_"); ok {
				pair := [2]string{stem(a), stem(b)}
				two[pair] = addConcept(two[pair], group)
				continue
			}
			one[stem(w)] = addConcept(one[stem(w)], group)
		}
	}
	return one, two
}

// addConcept adds a group once: words of a line may share a stem.
func addConcept(groups []uint64, group uint64) []uint64 {
	if slices.Contains(groups, group) {
		return groups
	}
	return append(groups, group)
}

// mood calls emit for how a word feels by the lexicon of Sentiment: its strength
// and its side, turned round by one of the two words before it.
func mood(w, before, earlier string, emit func(uint64)) {
	x := valence[w]
	if x == 0 {
		return
	}
	turned := uint64(0)
	if negators[before] || negators[earlier] {
		turned = 1
	}
	side := uint64(0)
	if x > 0 {
		side = 1
	}
	emit(2 + 2*side + turned)
	emit(uint64(x+10)*16 + turned)
}
