package lexicon

import (
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
)

var stemmers = map[string]func(string) string{
	"da": snowball(danish.Stem),
	"de": stemGerman,
	"en": snowball(english.Stem),
	"es": snowball(spanish.Stem),
	"fr": snowball(french.Stem),
	"hu": snowball(hungarian.Stem),
	"it": snowball(italian.Stem),
	"nb": snowball(norwegian.Stem),
	"nl": snowball(dutch.Stem),
	"nn": snowball(norwegian.Stem),
	"no": snowball(norwegian.Stem),
	"pt": snowball(portuguese.Stem),
	"ru": snowball(russian.Stem),
	"sv": snowball(swedish.Stem),
}

func snowball(stem func(*snowballstem.Env) bool) func(string) string {
	return func(word string) string {
		env := snowballstem.NewEnv(word)
		stem(env)
		return env.Current()
	}
}

// Stem reduces a lower-case word to its stem in a language (ISO 639-1) and
// folds accents. Words of unknown languages, and words with digits, are only
// folded.
func Stem(word, language string) string {
	stem, known := stemmers[language]
	if !known || len(word) < 3 || strings.ContainsAny(word, "0123456789") {
		return Fold(word)
	}
	return Fold(stem(word))
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
