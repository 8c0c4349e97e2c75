package enquiry

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed grammar.txt
var grammarFile string

// meaning is what a phrase says: a kind such as "state" and, for most, a value.
type meaning struct{ kind, value string }

// grammar is the phrases with what they mean, by their words.
type grammar struct {
	phrases map[string][]meaning
	longest int // words of the longest phrase
	noise   map[string]bool
	deeds   map[string]bool
}

var shipped = readGrammar(grammarFile)

func readGrammar(text string) grammar {
	g := grammar{phrases: map[string][]meaning{}, noise: map[string]bool{}, deeds: map[string]bool{}}
	for n, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		left, right, ok := strings.Cut(line, " = ")
		if !ok {
			panic(fmt.Sprintf("grammar.txt:%d: not meaning = phrases", n+1)) // shipped with the program
		}
		kind, value, _ := strings.Cut(left, " ")
		for _, phrase := range strings.Split(right, ", ") {
			words := strings.Join(split(phrase), " ")
			switch kind {
			case "noise":
				g.noise[words] = true
			case "deed":
				g.deeds[words] = true
			default:
				g.phrases[words] = append(g.phrases[words], meaning{kind, value})
				g.longest = max(g.longest, strings.Count(words, " ")+1)
			}
		}
	}
	return g
}

// sortedPhrases are the phrases in a fixed order: what is misspelt must not
// depend on a map's.
var sortedPhrases = slices.Sorted(maps.Keys(shipped.phrases))
