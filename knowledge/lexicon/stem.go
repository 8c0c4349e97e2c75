package lexicon

import (
	"strings"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/french"
	"github.com/kljensen/snowball/hungarian"
	"github.com/kljensen/snowball/norwegian"
	"github.com/kljensen/snowball/russian"
	"github.com/kljensen/snowball/spanish"
	"github.com/kljensen/snowball/swedish"
)

var stemmers = map[string]func(string, bool) string{
	"en": english.Stem,
	"es": spanish.Stem,
	"fr": french.Stem,
	"ru": russian.Stem,
	"sv": swedish.Stem,
	"no": norwegian.Stem,
	"nb": norwegian.Stem,
	"nn": norwegian.Stem,
	"hu": hungarian.Stem,
	"de": func(word string, _ bool) string { return stemGerman(word) },
}

// Stem reduces a lower-case word to its stem in a language (ISO 639-1) and
// folds accents. Words of unknown languages, and words with digits, are only
// folded.
func Stem(word, language string) string {
	stem, known := stemmers[language]
	if !known || len(word) < 3 || strings.ContainsAny(word, "0123456789") {
		return Fold(word)
	}
	return Fold(stem(word, true))
}

// stemGerman removes the endings of German nouns, adjectives and weak verbs.
// It is the light stemmer of Savoy (JASIST 1999) after folding umlauts: it
// never touches prefixes or compounds, which the character n-grams of the
// dense leg reach.
func stemGerman(word string) string {
	w := Fold(word)
	n := len(w)
	for _, ending := range []struct {
		suffix string
		keep   int // shortest stem left
	}{
		{"innen", 4},
		{"erung", 4},
		{"ungen", 4},
		{"ern", 4},
		{"em", 3},
		{"en", 3},
		{"er", 3},
		{"es", 3},
		{"ung", 4},
		{"st", 4},
		{"e", 3},
		{"n", 4},
		{"s", 4},
		{"t", 5},
	} {
		if n-len(ending.suffix) >= ending.keep && strings.HasSuffix(w, ending.suffix) {
			return w[:n-len(ending.suffix)]
		}
	}
	return w
}
