package lexicon

import "hash/fnv"

// Dimensions is the width of the sparse term space: term ids lie in
// [0, Dimensions). Ids are hashes, so that no shared table has to hand them
// out; at a million distinct terms about one in two thousand shares its id.
const Dimensions = 1_000_000_000

// Term is one index term of a text.
type Term struct {
	Stem     string
	Word     string
	Position int
	Joined   bool
}

// ID is the dimension of a stem inside a sparse vector.
func ID(stem string) int32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(stem))
	return int32(h.Sum64() % Dimensions)
}

// Terms analyses a text in a language: tokens without stop words, stemmed. A
// verb with its particle ("log in") is one term.
func Terms(text, language string) []Term {
	tokens := Tokens(text)
	terms := make([]Term, 0, len(tokens))
	glued := ""    // a phrase's two tokens as one: "sign-in" would say it twice
	particle := -1 // the phrase's second token, said already
	for i, token := range tokens {
		if i == particle {
			continue
		}
		if Stopword(token.Text, language) || len(token.Text) < 2 && token.Text[0] < 0x80 && !digit(token.Text[0]) {
			continue
		}
		if token.Joined && token.Text == glued {
			continue
		}
		stem, word := Stem(token.Text, language), Fold(token.Text)
		if stem == "" { // nothing but combining marks
			continue
		}
		var meant string
		if meant, glued = phrase(stem, token, tokens[i+1:], language); meant != "" {
			stem, word, particle = Stem(meant, language), meant, i+1
		}
		terms = append(terms, Term{Stem: stem, Word: word, Position: token.Position, Joined: token.Joined})
	}
	if language == "de" {
		return rejoin(terms, tokens)
	}
	return terms
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
