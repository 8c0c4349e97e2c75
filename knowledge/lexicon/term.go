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

// Terms analyses a text in a language: tokens without stop words, stemmed.
func Terms(text, language string) []Term {
	tokens := Tokens(text)
	terms := make([]Term, 0, len(tokens))
	for _, token := range tokens {
		if Stopword(token.Text, language) || len(token.Text) < 2 && token.Text[0] < 0x80 && !digit(token.Text[0]) {
			continue
		}
		stem := Stem(token.Text, language)
		if stem == "" { // nothing but combining marks
			continue
		}
		terms = append(terms, Term{
			Stem: stem, Word: Fold(token.Text),
			Position: token.Position, Joined: token.Joined,
		})
	}
	return terms
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
