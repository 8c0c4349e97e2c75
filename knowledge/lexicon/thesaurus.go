package lexicon

import (
	_ "embed"
	"strings"
)

//go:embed thesaurus.en.txt
var englishThesaurus string

// thesaurus maps a language and stem to the words that may stand for it.
var thesaurus = map[string]map[string][]string{"en": parseThesaurus(englishThesaurus, "en")}

// parseThesaurus reads groups, one a line: words that customers use for one
// another, written from general knowledge. A line may start with "#".
func parseThesaurus(file, language string) map[string][]string {
	out := make(map[string][]string)
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		group := strings.Fields(line)
		for _, word := range group {
			stem := Stem(word, language)
			for _, other := range group {
				if Stem(other, language) != stem {
					out[stem] = append(out[stem], other)
				}
			}
		}
	}
	return out
}

// Synonyms are the words that may stand for a stem, most groups' members being
// near-synonyms in questions to a support desk. None is the usual answer.
func Synonyms(stem, language string) []string { return thesaurus[language][stem] }
