package eval

import (
	"slices"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/lexicon"
)

const (
	// run is how many words in a row make a shingle, by which texts are compared.
	run = 5
	// near is the share of the shorter text's shingles from which on two documents
	// say the same: overlapping cuts of one page, a copy.
	near = 0.2
)

// Near returns the documents with those of the corpus that say much the same. A
// question stays answerable as long as one of them is there.
func Near(corpus string, documents []string) (map[string]bool, error) {
	items, err := importer.ReadJSONL(corpus, knowledge.Public)
	if err != nil {
		return nil, err
	}
	shingles := make([]map[string]bool, len(items))
	var gone []int
	for i, item := range items {
		shingles[i] = shinglesOf(item.Content.Body)
		if slices.Contains(documents, item.ExternalID) {
			gone = append(gone, i)
		}
	}
	out := make(map[string]bool, len(gone))
	for i, item := range items {
		if slices.ContainsFunc(gone, func(g int) bool { return g == i || overlap(shingles[i], shingles[g]) >= near }) {
			out[item.ExternalID] = true
		}
	}
	return out, nil
}

func shinglesOf(text string) map[string]bool {
	var words []string
	for _, token := range lexicon.Tokens(text) {
		if !token.Joined {
			words = append(words, lexicon.Fold(token.Text))
		}
	}
	out := make(map[string]bool)
	for i := 0; i+run <= len(words); i++ {
		key := ""
		for _, w := range words[i : i+run] {
			key += w + " "
		}
		out[key] = true
	}
	return out
}

// overlap is the share of the smaller set that is in the other; 0 for nothing.
func overlap(a, b map[string]bool) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 0 {
		return 0
	}
	both := 0
	for s := range a {
		if b[s] {
			both++
		}
	}
	return float64(both) / float64(len(a))
}
