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

// Means reports whether a word of a language stands in concepts.txt.
func Means(stem, language string) bool { return len(meanings(language)[stem]) > 0 }

// Parts are the words a compound of a language that writes them in one consists
// of, each of which means something: "Anmeldelink" is a link, and about signing
// in. None where it cannot be told.
func Parts(word, language string) []string {
	if language != "de" {
		return nil
	}
	for cut := len(word) - 3; cut >= 3; cut-- {
		right := word[cut:]
		if !Means(Stem(right, language), language) {
			continue
		}
		for _, link := range []string{"", "s", "n", "en", "es", "e"} {
			if left, ok := strings.CutSuffix(word[:cut], link); ok && len(left) >= 3 && Means(Stem(left, language), language) {
				return []string{left, right}
			}
		}
	}
	return nil
}

// spelt are the concepts by their words as written.
var spelt = func() map[string][]int {
	index := map[string][]int{}
	for i, concept := range Concepts {
		for _, word := range concept.Words {
			if !slices.Contains(index[word], i) {
				index[word] = append(index[word], i)
			}
		}
	}
	return index
}()

// Translations are the stems that words of another language have for what a
// folded word of the language from may mean: broad, for a text that shares no
// word with the question. None where the languages are the same or neither the
// word nor another form of it is in concepts.txt. A word that is there as it is
// written does not stand for others of its stem: "datos" is no "data", a date.
func Translations(word, from, to string) []string {
	if from == to {
		return nil
	}
	stem := Stem(word, from)
	groups := spelt[word]
	if len(groups) == 0 {
		groups = meanings(from)[stem]
	}
	var out []string
	for _, i := range groups {
		for _, other := range Concepts[i].Words {
			if other := Stem(strings.ReplaceAll(other, "_", ""), to); other != stem && !slices.Contains(out, other) {
				out = append(out, other)
			}
		}
	}
	return out
}
