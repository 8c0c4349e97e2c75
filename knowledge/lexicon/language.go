package lexicon

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed stopwords.txt
var stopwordFile string

// stopwords maps a function word to the languages that use it as one.
var stopwords = parseStopwords(stopwordFile)

func parseStopwords(file string) map[string][]string {
	list := make(map[string][]string)
	for line := range strings.Lines(file) {
		language, words, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		for _, word := range strings.Fields(words) {
			word = Fold(word)
			if !slices.Contains(list[word], language) {
				list[word] = append(list[word], language)
			}
		}
	}
	return list
}

// Stopword reports whether a word carries no topic in the language.
func Stopword(word, language string) bool {
	return slices.Contains(stopwords[Fold(word)], language)
}

// Language guesses the language of a text from its function words, among the
// languages this package knows; fallback is returned where nothing decides.
func Language(text, fallback string) string {
	if fallback = Base(fallback); fallback == "" {
		fallback = "en"
	}
	counts := make(map[string]int)
	for _, token := range Tokens(text) {
		for _, language := range stopwords[Fold(token.Text)] {
			counts[language]++
		}
	}
	best := fallback
	for language, n := range counts {
		// Short texts share function words: the stated language must lose clearly.
		if n > counts[best] && (best != fallback || n > counts[fallback]+1 || counts[fallback] == 0) ||
			n == counts[best] && best != fallback && language < best {
			best = language
		}
	}
	return best
}

// Base cuts a locale such as "pt-BR" down to its language, "pt".
func Base(locale string) string {
	language, _, _ := strings.Cut(strings.ToLower(locale), "-")
	language, _, _ = strings.Cut(language, "_")
	return language
}
