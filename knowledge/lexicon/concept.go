package lexicon

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed concepts.txt
var conceptFile string

// Concept is a group of words that mean about the same to people who ask for
// help, in English, German, French, Spanish and Portuguese.
type Concept struct {
	Line  string   // as written: the group's name
	Words []string // folded; two words in a row are joined by "_"
}

// Concepts are the groups of concepts.txt.
var Concepts = parseConcepts(conceptFile)

func parseConcepts(file string) []Concept {
	var out []Concept
	for line := range strings.Lines(file) {
		words := strings.Fields(line)
		if len(words) < 2 || strings.HasPrefix(line, "#") {
			continue
		}
		out = append(out, Concept{Line: line, Words: words})
	}
	return out
}

// meanings are the concepts by the stems that their words have in a language.
// Which of its words are of that language is not known: a foreign word is
// stemmed by the wrong rules and met by nobody.
var meanings = func() func(language string) map[string][]int {
	var mu sync.Mutex
	known := map[string]map[string][]int{}
	return func(language string) map[string][]int {
		mu.Lock()
		defer mu.Unlock()
		if found, ok := known[language]; ok {
			return found
		}
		index := map[string][]int{}
		for i, concept := range Concepts {
			for _, word := range concept.Words {
				if stem := Stem(word, language); !slices.Contains(index[stem], i) {
					index[stem] = append(index[stem], i)
				}
			}
		}
		known[language] = index
		return index
	}
}()

// Translations are the stems that words of another language have for what a
// stem of the language from may mean: broad, for a text that shares no word
// with the question. None where the languages are the same or the word is not
// in concepts.txt.
func Translations(stem, from, to string) []string {
	if from == to {
		return nil
	}
	var out []string
	for _, i := range meanings(from)[stem] {
		for _, word := range Concepts[i].Words {
			if other := Stem(strings.ReplaceAll(word, "_", ""), to); other != stem && !slices.Contains(out, other) {
				out = append(out, other)
			}
		}
	}
	return out
}
