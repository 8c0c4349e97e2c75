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
