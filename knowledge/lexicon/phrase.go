package lexicon

// particles lists verbs, by English stem, whose meaning lies in the word behind
// them: "log in" has nothing to do with a log, "set up" little with a set. The
// particle is a stop word, so without this the verb alone would be looked for.
var particles = map[string]map[string]string{
	"log":  {"in": "login", "into": "login", "on": "login", "onto": "login", "out": "logout", "off": "logout"},
	"sign": {"in": "login", "into": "login", "up": "signup", "out": "logout", "off": "signoff"},
}

// phrase is the one word that a verb and the word behind it amount to, and the
// two glued together, which a compound ("log-in") repeats; or "".
func phrase(stem string, token Token, next []Token, language string) (word, glued string) {
	if language != "en" || token.Joined || len(next) == 0 {
		return "", ""
	}
	if word = particles[stem][next[0].Text]; word == "" {
		return "", ""
	}
	return word, token.Text + next[0].Text
}

// detached are the prefixes that German verbs leave at the end of a sentence.
var detached = map[string]bool{
	"ab": true, "an": true, "auf": true, "aus": true, "bei": true, "durch": true, "ein": true, "frei": true, "her": true,
	"herunter": true, "hin": true, "hinzu": true, "hoch": true, "los": true, "mit": true, "nach": true, "runter": true, "um": true,
	"vor": true, "weg": true, "weiter": true, "wieder": true, "zu": true, "zuruck": true, "zusammen": true,
}

// rejoin puts the prefix at the end of a German sentence back before its verb:
// "Wie lade ich ein Dokument hoch?" asks about "hochladen".
func rejoin(terms []Term, tokens []Token) []Term {
	if len(tokens) == 0 {
		return terms
	}
	last := tokens[len(tokens)-1]
	prefix := Fold(last.Text)
	if !detached[prefix] {
		return terms
	}
	for i, term := range terms {
		if term.Position == last.Position || term.Joined {
			continue
		}
		if stem := Stem(prefix+term.Word, "de"); Means(stem, "de") {
			terms[i].Stem, terms[i].Word = stem, prefix+term.Word
			if end := len(terms) - 1; terms[end].Position == last.Position && end > i {
				terms = terms[:end]
			}
			break
		}
	}
	return terms
}
