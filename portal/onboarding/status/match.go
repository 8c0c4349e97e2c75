package status

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// thing is something of the record a question may name.
type thing struct {
	name    string
	aliases []string
	index   int
}

// find returns the things a text names, the best fitting ones only. A name fits
// by its words in a row, or by most of its words.
func find(text, language string, things []thing) []int {
	words := stems(text, language)
	best := 0.0
	var hits []int
	for _, t := range things {
		score := 0.0
		for _, name := range append([]string{t.name}, t.aliases...) {
			score = max(score, fits(words, stems(name, language)))
		}
		if slices.ContainsFunc(initials(t.name), func(short string) bool {
			return slices.Contains(words, short) && !lexicon.Stopword(short, language)
		}) {
			score = max(score, 1)
		}
		switch {
		case score < 0.5:
		case score > best+1e-9:
			best, hits = score, []int{t.index}
		case score >= best-1e-9:
			hits = append(hits, t.index)
		}
	}
	return hits
}

// initials are what people call a longer name for short, with and without its
// small words: "dpa" for a "Data processing agreement", "coi" for a "Certificate
// of incorporation". Shorter ones than three letters say too little.
func initials(name string) (out []string) {
	var all, content []rune
	for _, word := range strings.FieldsFunc(strings.ToLower(name), notLetter) {
		first, _ := utf8.DecodeRuneInString(word)
		all = append(all, first)
		if !lexicon.Stopword(word, "en") {
			content = append(content, first)
		}
	}
	for _, short := range [][]rune{all, content} {
		if len(short) >= 3 {
			out = append(out, string(short))
		}
	}
	return out
}

// fits is how well a name's words stand in a text, 0 to 1; a whole name in a row
// counts a little more the longer it is.
func fits(text, name []string) float64 {
	if len(name) == 0 {
		return 0
	}
	for i := 0; i+len(name) <= len(text); i++ {
		if slices.EqualFunc(text[i:i+len(name)], name, alike) {
			return 1 + 0.1*float64(min(len(name), 5))
		}
	}
	held := 0
	for _, word := range name {
		if slices.ContainsFunc(text, func(have string) bool { return alike(have, word) }) {
			held++
		}
	}
	return float64(held) / float64(len(name)) * 0.9
}

// alike forgives one letter in a long word.
func alike(have, want string) bool {
	if have == want {
		return true
	}
	return len(want) >= 6 && lexicon.Distance([]rune(have), []rune(want), 1) <= 1
}

func stems(text, language string) (out []string) {
	for _, token := range lexicon.Tokens(strings.ReplaceAll(text, "-", " ")) {
		if !token.Joined {
			out = append(out, lexicon.Stem(token.Text, language))
		}
	}
	return out
}

// named finds what the question names, or what the customer named last before. A
// follow-up that names nothing ("since when?") is no turn of its own.
func (d *draft) named(things []thing) []int {
	if hits := find(d.q.Text, d.language, things); len(hits) > 0 {
		return hits
	}
	for i, left := len(d.q.History)-1, 2; i >= 0 && left > 0; i-- {
		if kind, _ := elliptical(plainWords(d.q.History[i]), d.language); kind == "" {
			left--
		}
		if hits := find(d.q.History[i], d.language, things); len(hits) > 0 {
			return hits
		}
	}
	return nil
}

// clarify asks which one, once.
func (d *draft) clarify(things []thing, hits []int) {
	d.out.Clarify = d.fill("clarify")
	for _, t := range things {
		if slices.Contains(hits, t.index) && !slices.Contains(d.out.Options, t.name) {
			d.out.Options = append(d.out.Options, t.name)
		}
	}
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
