package answer

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// denials are the words that deny, by language. "ne" is left out: it stands
// beside another.
var denials = map[string]*regexp.Regexp{
	"en": regexp.MustCompile(`(?i)\b(not|never|no|cannot|unable|can['’]?t|won['’]?t|don['’]?t|(?:do|does|did|is|are|was|has|have|could|would)n['’]?t|without)\b`),
	"de": regexp.MustCompile(`(?i)(?:^|\PL)(nicht|nie|niemals|kein\pL*|ohne)(?:\PL|$)`),
	"fr": regexp.MustCompile(`(?i)(?:^|\PL)(pas|jamais|sans|aucune?s?)(?:\PL|$)`),
	"es": regexp.MustCompile(`(?i)(?:^|\PL)(no|nunca|jamás|sin|ning[uú]n\pL*)(?:\PL|$)`),
	"pt": regexp.MustCompile(`(?i)(?:^|\PL)(não|nunca|jamais|sem|nenhum\pL*)(?:\PL|$)`),
}

// Comparable reports whether a sentence in one language can be held against a
// source in another: whether the lexicon knows both.
func Comparable(language, source string) bool {
	language, source = lexicon.Base(language), lexicon.Base(source)
	return language == source || denials[language] != nil && denials[source] != nil
}

// across reports whether a sentence has to be judged as a translation.
func across(r Request, source string) bool {
	language := lexicon.Base(r.Language)
	return language != "" && language != lexicon.Base(source) && Comparable(language, source)
}

const (
	// fewestMet is how many words of a translation must be known to the lexicon,
	// the question's meanings or the source, and leastMet what share of them: of
	// what it does not know it cannot say whether the source holds it.
	fewestMet = 2
	leastMet  = 0.5
)

// translated is the share of the sentence's words that the source holds in its
// own language, of those whose meaning is known; 0 where too few are.
func (r Request) translated(text, source, language string) float64 {
	from, to := lexicon.Base(r.Language), lexicon.Base(language)
	have := stems(source, language)
	surface := map[string]bool{}
	for _, term := range lexicon.Terms(plain(source), to) {
		surface[term.Word] = true
	}
	held, met, total := 0, 0, 0
	terms := slices.DeleteFunc(lexicon.Terms(plain(text), from), func(t lexicon.Term) bool {
		return t.Joined || strings.IndexFunc(t.Word, unicode.IsLetter) < 0
	})
	for i := 0; i < len(terms); i++ {
		term := terms[i]
		if i+1 < len(terms) { // "mot de passe" is one word
			if two := term.Word + "_" + terms[i+1].Word; len(lexicon.Translations(two, from, to)) > 0 {
				term, i = lexicon.Term{Word: two, Stem: two}, i+1
			}
		}
		total++
		known, found := r.meets(term, from, to, have, surface)
		if known {
			met++
		}
		if found {
			held++
		}
	}
	if met < fewestMet || float64(met) < leastMet*float64(total) {
		return 0
	}
	return float64(held) / float64(met)
}

// meets says whether a word's meaning is known, and whether the source has it.
func (r Request) meets(term lexicon.Term, from, to string, have, surface map[string]bool) (known, found bool) {
	if surface[term.Word] || have[term.Stem] {
		return true, true // a name, a label, a word that both languages have
	}
	meant := append(lexicon.Translations(term.Word, from, to), r.Meant[term.Stem]...)
	for _, stem := range meant {
		if have[stem] {
			return true, true
		}
	}
	if len(meant) > 0 {
		return true, false
	}
	parts := lexicon.Parts(term.Word, from)
	for _, part := range parts {
		held := have[lexicon.Stem(part, to)] || surface[part]
		for _, stem := range lexicon.Translations(part, from, to) {
			held = held || have[stem]
		}
		if !held {
			return true, false
		}
	}
	return len(parts) > 0, len(parts) > 0
}

// denies reports whether a text denies what it says, in its language.
func denies(text, language string) bool {
	words := denials[lexicon.Base(language)]
	return words != nil && len(words.FindAllString(text, -1))%2 == 1
}

// nearestAcross is the source's sentence that a translation is of, as far as can be told.
func (r Request) nearestAcross(text, source, language string) string {
	best, most := "", -1.0
	for _, u := range units(source) {
		// Both ways: a long source sentence holds many words by chance.
		score := r.translated(text, u.text, language) * (1 + 1/float64(1+len(strings.Fields(u.text))))
		if score > most {
			best, most = u.text, score
		}
	}
	return best
}

var (
	marked   = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|[“„«\"]\\s*([^“”„«»\"]+?)\\s*[”“»\"]")
	nameLike = regexp.MustCompile(`[\pL\pN][\pL\pN@._/-]*`)
)

// holdsNames reports whether the source has what is never translated: labels and
// code that are marked as such, and words written as only names are.
func holdsNames(text, source string) bool {
	have := squeeze(source)
	for _, match := range marked.FindAllStringSubmatch(text, -1) {
		if name := squeeze(match[1] + match[2] + match[3]); !strings.Contains(have, name) {
			return false
		}
	}
	for _, word := range nameLike.FindAllString(plain(text), -1) {
		word = strings.Trim(word, "._/-")
		if isName(word) && !strings.Contains(have, squeeze(word)) {
			return false
		}
	}
	return true
}

// isName: an address, or capitals or digits inside: "OAuth2", "API", "a@b.example".
func isName(word string) bool {
	inside := false
	for i, r := range word {
		inside = inside || i > 0 && unicode.IsUpper(r)
	}
	letters, numbers := strings.IndexFunc(word, unicode.IsLetter) >= 0, strings.IndexFunc(word, unicode.IsDigit) >= 0
	return strings.Contains(word, "@") || inside || letters && numbers
}
