package answer

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Bounds of an extractive answer.
const (
	maxUnits    = 3    // sentences or blocks quoted
	maxPassages = 3    // passages looked at
	minUnit     = 0.12 // least share of the question a first unit must hold
	maxRows     = 8    // of a table or list before it is cut to what fits the question
)

// Extractive is the built-in Composer: it quotes.
type Extractive struct{}

// Version names the recipe, for the decision row.
const Version = "extractive-3"

type candidate struct {
	unit
	passage Passage
	order   int
	terms   map[string]bool // its own
	above   map[string]bool // of the headings it stands under
	score   float64
}

// Compose quotes the fewest pieces of the passages that cover the question.
func (Extractive) Compose(ctx context.Context, r Request, emit func(Sentence) error) (Draft, error) {
	draft := Draft{Engine: Version}
	if err := ctx.Err(); err != nil {
		return draft, err
	}
	weights := r.weights()
	candidates := r.candidates(weights)
	chosen := withBefore(choose(candidates, weights), candidates)
	if len(chosen) == 0 {
		return draft, nil
	}
	draft.Fit = chosen[0].score
	draft.Found = true
	// Best passage first, then in reading order, so that steps stay steps.
	first := chosen[0].passage.Number
	slices.SortStableFunc(chosen, func(a, b candidate) int {
		if a.passage.Number != b.passage.Number {
			if a.passage.Number == first {
				return -1
			}
			if b.passage.Number == first {
				return 1
			}
			return a.passage.Number - b.passage.Number
		}
		return a.order - b.order
	})
	for _, c := range chosen {
		s := Sentence{Text: r.quote(c, weights), Citations: []int{c.passage.Number}}
		draft.Sentences = append(draft.Sentences, s)
		if err := emit(s); err != nil {
			return draft, err
		}
	}
	return draft, nil
}

// weights are the question's stems; a word that every passage holds says less.
// Words of the last customer turns count where the question itself is thin.
func (r Request) weights() map[string]float64 {
	weights := map[string]float64{}
	language := lexicon.Language(r.Question, r.Language)
	for _, term := range lexicon.Terms(r.Question, language) {
		weights[term.Stem] = 1
	}
	for i, turns := len(r.History)-1, 0; i >= 0 && turns < 2; i-- {
		if !r.History[i].Customer {
			continue
		}
		turns++
		for _, term := range lexicon.Terms(r.History[i].Text, language) {
			if weights[term.Stem] == 0 {
				weights[term.Stem] = 0.3 / float64(turns)
			}
		}
	}
	holders := map[string]int{}
	for _, p := range r.Passages {
		for stem := range r.stems(p.Title+" "+p.Section+" "+p.Text, p.Language) {
			holders[stem]++
		}
	}
	for stem, w := range weights {
		weights[stem] = w * math.Log(1+float64(len(r.Passages)+1)/float64(holders[stem]+1))
	}
	return weights
}

func stems(text, language string) map[string]bool {
	set := map[string]bool{}
	for _, term := range lexicon.Terms(plain(text), lexicon.Base(language)) {
		set[term.Stem] = true
		for _, other := range lexicon.Synonyms(term.Stem, lexicon.Base(language)) {
			set[other] = true
		}
	}
	return set
}

// stems are a text's, with those of the question that it holds in another
// spelling or language, or by a synonym.
func (r Request) stems(text, language string) map[string]bool {
	set := stems(text, language)
	for stem, meant := range r.Meant {
		if !set[stem] && slices.ContainsFunc(meant, func(other string) bool { return set[other] }) {
			set[stem] = true
		}
	}
	return set
}

func (r Request) candidates(weights map[string]float64) []candidate {
	var out []candidate
	total := sum(weights)
	asksHow := howTo.MatchString(r.Question)
	for rank, p := range r.Passages[:min(len(r.Passages), maxPassages)] {
		above := r.stems(p.Title+" "+p.Section, p.Language)
		heading := r.heading(p, weights, total)
		relative := 1.0
		if top := r.Passages[0].Score; top > 0 {
			relative = p.Score / top
		}
		for order, u := range units(p.Text) {
			terms := r.stems(u.lead+" "+u.text, p.Language)
			overlap, context := 0.0, 0.0
			for stem, w := range weights {
				switch {
				case terms[stem]:
					overlap += w
				case above[stem]:
					context += w
				}
			}
			if total == 0 {
				continue
			}
			// What stands in the heading need not be repeated in the sentence.
			score := (overlap + heading*context) / total
			score *= 0.55 + 0.45*relative
			score *= u.form(len(terms), asksHow)
			score *= 1 - 0.02*float64(min(order, 10)) - 0.06*float64(rank)
			out = append(out, candidate{unit: u, passage: p, order: order, terms: terms, above: above, score: score})
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	return out
}

// Of what a word of the question counts where the headings hold it and the
// piece does not: all, where the section is named after the question.
const (
	inHeading = 0.6
	named     = 0.75
)

// heading is what a word in a passage's headings counts.
func (r Request) heading(p Passage, weights map[string]float64, total float64) float64 {
	held := 0.0
	for stem := range r.stems(p.Section, p.Language) {
		held += weights[stem]
	}
	if total == 0 || held < named*total || negation(p.Section) && !negation(r.Question) {
		return inHeading
	}
	return 1
}

// howTo is a question for steps.
var howTo = regexp.MustCompile(`(?i)\b(how (do|can|does|would|should|to)|steps? (to|for|do)|wie (kann|lade|mache|richte|verbinde|ändere|erstelle)|comment|cómo|como (é que )?(faço|posso|se))\b`)

// form prefers pieces that read well alone: not a fragment, not a question, and
// steps and tables over a loose sentence.
func (u unit) form(words int, asksHow bool) float64 {
	switch {
	case u.kind == steps && asksHow:
		return 1.4
	case u.kind == steps:
		return 1.05
	case u.kind == table && asksHow:
		return 0.7
	case u.kind == list || u.kind == table:
		return 1.12
	case u.kind == code:
		return 0.8
	case strings.HasSuffix(u.text, "?"):
		return 0.3
	case strings.HasSuffix(u.text, ":"):
		return 0.5
	case words < 3:
		return 0.5
	}
	return 1
}

// choose takes the best piece, then pieces that hold words of the question not
// held yet, and the sentence that leads into a chosen block.
func choose(candidates []candidate, weights map[string]float64) []candidate {
	if len(candidates) == 0 || candidates[0].score < minUnit {
		return nil
	}
	chosen := []candidate{candidates[0]}
	held := map[string]bool{}
	hold(held, candidates[0])
	total := sum(weights)
	for _, c := range candidates[1:] {
		if len(chosen) == maxUnits {
			break
		}
		// A second source has to earn its place: it is one more thing to check.
		least, adds := 0.55, 0.18
		if c.passage.Number != chosen[0].passage.Number {
			least, adds = 0.85, 0.3
		}
		if c.score < least*candidates[0].score || repeats(chosen, c) {
			continue
		}
		gain := 0.0
		for stem, w := range weights {
			if c.terms[stem] && !held[stem] {
				gain += w
			}
		}
		neighbour := c.passage.Number == chosen[0].passage.Number && absolute(c.order-chosen[0].order) == 1
		if gain/total >= adds || neighbour && c.score >= 0.8*candidates[0].score {
			chosen = append(chosen, c)
			hold(held, c)
		}
	}
	return chosen
}

// refers is a sentence that goes on from the one before it.
var refers = regexp.MustCompile(`^(This|That|These|Those|It|They|Others?|Otherwise|Then|After that|Until then|The answer|However|Also|Dies\w*|Das|Sie|Danach|Sonst|Cela|Ceci|Ils?|Elles?|Ensuite|Sinon|Esto|Eso|Después|Isto|Isso|Depois)\b`)

// withBefore adds the sentence that a quoted one goes on from.
func withBefore(chosen, candidates []candidate) []candidate {
	for _, c := range chosen {
		if c.kind != sentence || !refers.MatchString(c.text) || len(chosen) > maxUnits {
			continue
		}
		same := func(other candidate) bool {
			return other.passage.Number == c.passage.Number && other.order == c.order-1 && other.kind == sentence
		}
		if at := slices.IndexFunc(candidates, same); at >= 0 && !slices.ContainsFunc(chosen, same) {
			chosen = append(chosen, candidates[at])
		}
	}
	return chosen
}

func hold(held map[string]bool, c candidate) {
	for stem := range c.terms {
		held[stem] = true
	}
	for stem := range c.above {
		held[stem] = true
	}
}

// repeats reports whether most of a piece is said already.
func repeats(chosen []candidate, c candidate) bool {
	for _, other := range chosen {
		shared := 0
		for stem := range c.terms {
			if other.terms[stem] {
				shared++
			}
		}
		if len(c.terms) > 0 && float64(shared) >= 0.8*float64(len(c.terms)) {
			return true
		}
	}
	return false
}

// quote is the piece's text; a long table or list is cut to the rows about the question.
func (r Request) quote(c candidate, weights map[string]float64) string {
	if c.kind == steps || c.kind == code || len(c.items) <= maxRows {
		return c.markdown()
	}
	head := 0
	if c.kind == table {
		head = 1
		if len(c.items) > 1 && rule.MatchString(c.items[1]) {
			head = 2
		}
	}
	rows := append([]string(nil), c.items[:head]...)
	for _, row := range c.items[head:] {
		for stem := range r.stems(row, c.passage.Language) {
			if weights[stem] > 0 {
				rows = append(rows, row)
				break
			}
		}
	}
	if len(rows) == head {
		return c.markdown()
	}
	u := c.unit
	u.text = strings.Join(rows, "\n")
	return u.markdown()
}

func sum(weights map[string]float64) (total float64) {
	keys := make([]string, 0, len(weights))
	for stem := range weights {
		keys = append(keys, stem)
	}
	slices.Sort(keys) // the same sum, bit for bit, on every run
	for _, stem := range keys {
		total += weights[stem]
	}
	return total
}

func absolute(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// ownStems is a text's own stems, without synonyms.
func ownStems(text, language string) map[string]bool {
	set := map[string]bool{}
	for _, term := range lexicon.Terms(plain(text), lexicon.Base(language)) {
		set[term.Stem] = true
	}
	return set
}
