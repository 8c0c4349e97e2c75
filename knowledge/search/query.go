package search

import (
	"slices"
	"strings"

	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Query is one question.
type Query struct {
	Text string
	// History are the conversation's earlier turns, oldest first.
	History []Turn
	Viewer  knowledge.Viewer
	// Limit is how many Passages are wanted; default 8, at most 100.
	Limit int
	// Products restricts nothing; it names products known from elsewhere (the
	// page the customer is on), as if the conversation had named them.
	Products []string
	// Prefix completes the last word: search as you type.
	Prefix bool
	// Draft replaces the live version of an article, for the curators' preview.
	Draft *Draft
}

// Turn is one earlier message of a conversation.
type Turn struct {
	Customer bool // else the assistant's or an agent's
	Text     string
}

const (
	defaultLimit = 8
	maxLimit     = 100
	maxWords     = 64 // of one turn: longer ones are cut
	maxTurns     = 12
	maxTold      = 4 // earlier answers looked at

	// Earlier customer turns count with historyWeight × historyDecay^n. The
	// other side's text is looked at for product names only: it is long, and
	// repeats the passages already given. Measured, see DECISIONS.
	historyWeight = 0.4
	historyDecay  = 0.6
	// In the order of what was found, the earlier turns' words count less than
	// in finding it.
	pastShare = 0.4

	// What either side said before is the topic, fading.
	maxBefore  = 6
	topicDecay = 0.7

	repairWeight   = 0.7
	synonymWeight  = 0.4
	compoundWeight = 0.8
	prefixWeight   = 0.6
	// A word of another language than the articles' stands for several of theirs.
	translationWeight = 0.8
)

// slot is one content word of a conversation with the terms that stand for it.
type slot struct {
	word   string
	stem   string  // as the question has it
	weight float64 // of its turn: 1 for the present one
	terms  []weighted
	idf    float64 // of the word, or of its best repair
	known  bool    // some term occurs in the corpus
	// guessed is set when the known words may well be others: "salary" is no "safari".
	guessed bool
	// meant is set when the corpus does not hold the word, only what it stands for.
	meant bool
	// repaired is set when the word is unknown and known ones stand for it.
	repaired bool
}

type weighted struct {
	stem   string
	weight float64
	id     int32
	value  float64 // what holding it adds to a score, before BM25's saturation
}

// understood is a Query made ready for ranking.
type understood struct {
	language string
	slots    []slot
	products []string
	texts    []string  // to embed: the present turn, then earlier ones
	shares   []float64 // weight of each text
	// glosses are the translated words of each text, for an embedder that knows
	// the articles' words only.
	glosses []string
	before  []string  // what either side said before, latest first
	fading  []float64 // weight of each of them
	told    []told    // the other side's part of it
	topical bool      // passages carry their nearness to it
	weights map[int32]float32
	names   []weighted // words of the products' names
	// attainable is the score of a chunk that holds every known word often.
	attainable    float64
	attainableNow float64 // by the present turn's words alone
	rarity        func(stem string) float64
}

func understand(q Query, words lexis) understood {
	u := understood{language: lexicon.Language(q.Text, q.Viewer.Locale), rarity: words.idf}
	seen := make(map[string]bool)
	u.addTurn(clip(q.Text), 1, words, seen, q.Prefix)
	u.products = q.Products
	findProduct := func(text string) {
		for _, v := range words {
			if len(u.products) == 0 {
				u.products = v.products.mentioned(text)
			}
		}
	}
	findProduct(q.Text)
	weight, fade := historyWeight, 1.0
	for i := len(q.History) - 1; i >= max(0, len(q.History)-maxTurns); i-- {
		turn := q.History[i]
		findProduct(turn.Text)
		if len(u.before) < maxBefore && strings.TrimSpace(turn.Text) != "" {
			u.before, u.fading = append(u.before, clip(turn.Text)), append(u.fading, fade)
			fade *= topicDecay
		}
		if !turn.Customer && len(u.told) < maxTold {
			u.told = append(u.told, u.tell(turn.Text))
		}
		if turn.Customer {
			u.addTurn(clip(turn.Text), weight, words, seen, false)
			weight *= historyDecay
		}
	}
	u.weigh(words)
	return u
}

// told is an earlier answer as the squared rarity of its words.
type told struct {
	words map[int32]float64
	all   float64
}

func (u *understood) tell(text string) told {
	t := told{words: make(map[int32]float64)}
	for _, term := range lexicon.Terms(text, u.language) {
		if id := lexicon.ID(term.Stem); t.words[id] == 0 {
			idf := u.rarity(term.Stem)
			t.words[id] = idf * idf
			t.all += idf * idf
		}
	}
	return t
}

// repeats is how much of an earlier answer a passage holds, 0 to 1: one that was
// quoted holds nearly all of it.
func (u *understood) repeats(weights map[int32]float32) (most float64) {
	for _, t := range u.told {
		held := 0.0
		for id, value := range t.words {
			if weights[id] > 0 {
				held += value
			}
		}
		if t.all > 0 {
			most = max(most, held/t.all)
		}
	}
	return most
}

func clip(text string) string {
	fields := strings.Fields(text)
	return strings.Join(fields[:min(len(fields), maxWords)], " ")
}

// addTurn adds the words of a turn that no later turn has said already.
func (u *understood) addTurn(text string, weight float64, words lexis, seen map[string]bool, prefix bool) {
	if strings.TrimSpace(text) == "" {
		return
	}
	u.texts, u.shares = append(u.texts, text), append(u.shares, weight)
	var gloss []string
	defer func() { u.glosses = append(u.glosses, strings.Join(gloss, " ")) }()
	terms := lexicon.Terms(text, u.language)
	for i, term := range terms {
		if seen[term.Stem] || (term.Joined && words.stem(term.Stem) == 0) {
			continue
		}
		seen[term.Stem] = true
		if parts := u.parts(term, words); parts != nil {
			for _, s := range parts {
				s.weight = weight
				for _, t := range s.terms {
					gloss = append(gloss, t.stem)
				}
				u.slots = append(u.slots, s)
			}
			continue
		}
		s := slot{word: term.Word, stem: term.Stem, weight: weight, terms: []weighted{{stem: term.Stem, weight: 1}}, idf: words.idf(term.Stem)}
		s.known = words.stem(term.Stem) > 0
		if !s.known {
			u.borrow(&s, words)
		}
		if !s.known {
			u.translate(&s, words, formsOf(terms, i)...)
			for _, t := range s.terms[1:] {
				gloss = append(gloss, t.stem)
			}
		}
		if !s.known {
			u.repair(&s, term, terms, i, words)
		}
		s.meant = s.known && !s.guessed && words.stem(term.Stem) == 0
		if prefix && i == len(terms)-1 {
			u.complete(&s, words)
		}
		u.expand(&s, term, words)
		u.slots = append(u.slots, s)
	}
}

// repair gives an unknown word the known words it may have meant: the word
// joined with its neighbour ("git hub"), or one a letter or two away.
func (u *understood) repair(s *slot, term lexicon.Term, terms []lexicon.Term, i int, words lexis) {
	known := func(stem string, weight float64) {
		if n := words.stem(stem); n > 0 {
			s.terms = append(s.terms, weighted{stem: stem, weight: weight})
			s.idf, s.known, s.repaired = words.idf(stem), true, true
		}
	}
	add := func(word string, weight float64) { known(lexicon.Stem(word, u.language), weight) }
	if i+1 < len(terms) {
		add(term.Word+terms[i+1].Word, compoundWeight)
	}
	if i > 0 {
		add(terms[i-1].Word+term.Word, compoundWeight)
	}
	for cut := 3; cut+3 <= len(term.Word) && !s.known; cut++ {
		left, right := term.Word[:cut], term.Word[cut:]
		if words.knows(left) && words.knows(right) {
			s.guessed = true
			add(right, compoundWeight)
			add(left, compoundWeight)
		}
	}
	if !s.known {
		for _, c := range words.repair(term.Word, term.Stem) {
			if c.stem {
				s.guessed = s.guessed || !slip(term.Stem, c.text)
				known(c.text, repairWeight)
			} else {
				s.guessed = s.guessed || !slip(term.Word, c.text)
				add(c.text, repairWeight)
			}
		}
	}
}

// slip reports whether a word differs from another as fingers slip: neighbours
// swapped, a letter left out or one too many. Another letter makes another word.
func slip(word, meant string) bool {
	a, b := []rune(word), []rune(meant)
	if len(a) != len(b) {
		return len(a) >= 5
	}
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// formsOf are what a word of a turn may stand as in lexicon.Concepts: with its
// neighbour ("mot de passe"), or by itself.
func formsOf(terms []lexicon.Term, i int) []string {
	forms := []string{terms[i].Word}
	for j := max(i-1, 0); j <= i && j+1 < len(terms); j++ {
		forms = append(forms, terms[j].Word+"_"+terms[j+1].Word)
	}
	return forms
}

// parts are the slots of an unknown compound of another language than the
// articles', one for each word in it; nil for any other word.
func (u *understood) parts(term lexicon.Term, words lexis) (slots []slot) {
	if words.stem(term.Stem) > 0 || slices.Contains(words.languages(), u.language) || lexicon.Means(term.Stem, u.language) {
		return nil
	}
	for _, part := range lexicon.Parts(term.Word, u.language) {
		stem := lexicon.Stem(part, u.language)
		s := slot{word: part, stem: term.Stem, terms: []weighted{{stem: stem, weight: 1}}, idf: words.idf(stem), known: words.stem(stem) > 0}
		if !s.known {
			u.translate(&s, words, part)
			s.meant = s.known
		}
		slots = append(slots, s)
	}
	return slots
}

// borrow finds a word that the articles' language has too: "tickets" has no
// stem in Spanish but itself.
func (u *understood) borrow(s *slot, words lexis) {
	for _, language := range words.languages() {
		if stem := lexicon.Stem(s.word, language); language != u.language && words.stem(stem) > 0 {
			s.terms = append(s.terms, weighted{stem: stem, weight: 1})
			s.idf, s.known = words.idf(stem), true
		}
	}
}

// translate gives an unknown word of another language than the articles' the
// known words of theirs that mean about the same. They weigh like the commonest
// of them: which one is meant is not known.
func (u *understood) translate(s *slot, words lexis, forms ...string) {
	for _, language := range words.languages() {
		for _, form := range forms {
			for _, stem := range lexicon.Translations(form, u.language, language) {
				if words.stem(stem) == 0 {
					continue
				}
				s.terms = append(s.terms, weighted{stem: stem, weight: translationWeight})
				if idf := words.idf(stem); !s.known || idf < s.idf {
					s.idf = idf
				}
				s.known = true
			}
		}
	}
}

// complete adds the most frequent words that begin with the slot's word.
func (u *understood) complete(s *slot, words lexis) {
	const most = 5
	type hit struct {
		word   string
		chunks int32
	}
	var hits []hit
	for _, v := range words {
		for i := range v.words {
			w := &v.words[i]
			if !w.stem && len(w.text) > len(s.word) && strings.HasPrefix(w.text, s.word) {
				at := len(hits)
				for at > 0 && (hits[at-1].chunks < w.chunks || hits[at-1].chunks == w.chunks && hits[at-1].word > w.text) {
					at--
				}
				hits = append(hits[:at], append([]hit{{w.text, w.chunks}}, hits[at:]...)...)
				hits = hits[:min(len(hits), most)]
			}
		}
	}
	for _, h := range hits {
		s.terms = append(s.terms, weighted{stem: lexicon.Stem(h.word, u.language), weight: prefixWeight})
		s.known = true
	}
}

// expand adds synonyms: the curators', then the built-in ones.
func (u *understood) expand(s *slot, term lexicon.Term, words lexis) {
	add := func(word string, weight float64) {
		stem := lexicon.Stem(word, u.language)
		if words.stem(stem) == 0 {
			return
		}
		for _, have := range s.terms {
			if have.stem == stem {
				return
			}
		}
		s.terms = append(s.terms, weighted{stem: stem, weight: weight})
		s.known = true
	}
	for _, v := range words {
		for _, group := range v.synonyms {
			if lexicon.Base(group.locale) != u.language || !group.holds(term.Stem, u.language) {
				continue
			}
			for _, other := range group.terms {
				for _, t := range lexicon.Terms(other, u.language) {
					add(t.Word, curatedWeight)
				}
			}
		}
	}
	for _, other := range lexicon.Synonyms(term.Stem, u.language) {
		add(other, synonymWeight)
	}
}

// curatedWeight is higher than the built-in synonyms': someone meant it here.
const curatedWeight = 0.9

func (s synonym) holds(stem, language string) bool {
	for _, term := range s.terms {
		terms := lexicon.Terms(term, language)
		if len(terms) == 1 && terms[0].Stem == stem {
			return true
		}
	}
	return false
}

// peak is what one term's BM25 weight comes near to.
const peak = 2.2

// meet marks the words as known that a passage found holds though the vocabulary
// does not: those of a draft, or of an article younger than the vocabulary.
func (u *understood) meet(found []row) {
	for i := range u.slots {
		s := &u.slots[i]
		if s.known || !slices.ContainsFunc(found, func(r row) bool { return slices.Contains(r.Weights.Indices(), s.terms[0].id) }) {
			continue
		}
		s.known = true
		u.attain(s)
	}
}

// attain adds a known word to the score to measure against: what the surest of
// its terms can reach. A word that is not the articles' own is as good as theirs
// once it is known which is meant.
func (u *understood) attain(s *slot) {
	most := 1.0
	if s.meant {
		most = 0
		for _, t := range s.terms[1:] {
			most = max(most, t.weight)
		}
	}
	u.attainable += s.weight * s.idf * peak * most
	if s.weight == 1 {
		u.attainableNow += s.idf * peak * most
	}
}

// weigh makes the query's sparse vector and the score to measure against. A
// synonym counts at most as much as the word it stands for.
func (u *understood) weigh(words lexis) {
	u.weights = make(map[int32]float32)
	add := func(id int32, value float64) {
		if float32(value) > u.weights[id] {
			u.weights[id] = float32(value)
		}
	}
	for i := range u.slots {
		s := &u.slots[i]
		for j := range s.terms {
			t := &s.terms[j]
			t.id, t.value = lexicon.ID(t.stem), s.weight*t.weight*min(words.idf(t.stem), s.idf)
			add(t.id, t.value)
		}
		if s.known {
			u.attain(s)
		}
	}
	for _, name := range u.products {
		for _, term := range lexicon.Terms(name, u.language) {
			t := weighted{stem: term.Stem, id: lexicon.ID(term.Stem), value: words.idf(term.Stem)}
			add(t.id, t.value)
			u.names = append(u.names, t)
		}
	}
}

// lexical is the BM25 score of a chunk's weights in which the terms of a slot
// do not add up: a chunk that says "delete" and "remove" says it once. The leg
// in SQL, an inner product, cannot tell, and is corrected here.
//
// now is the part of the present turn alone.
func (u *understood) lexical(weights map[int32]float32) (sum, now float64) {
	counted := make(map[int32]bool, len(u.slots))
	for i := range u.slots {
		var best float64
		var id int32
		share := 1.0
		if u.slots[i].weight < 1 {
			share = pastShare
		}
		for _, t := range u.slots[i].terms {
			if score := t.value * float64(weights[t.id]); score > best && !counted[t.id] {
				best, id = score, t.id
			}
		}
		if best > 0 {
			counted[id] = true
			sum += share * best
			if u.slots[i].weight == 1 {
				now += best
			}
		}
	}
	for _, t := range u.names {
		if !counted[t.id] {
			counted[t.id] = true
			sum += t.value * float64(weights[t.id])
		}
	}
	return sum, now
}

func (u *understood) sparse() pgvector.SparseVector {
	return pgvector.NewSparseVectorFromMap(u.weights, lexicon.Dimensions)
}
