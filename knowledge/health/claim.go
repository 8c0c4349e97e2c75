package health

import (
	"math"
	"slices"
	"strings"
)

// rarity weighs stems: what stands in few sentences says what one is about.
type rarity struct {
	n  float64
	df map[string]int
}

func rarityOf(sentences []sentence) rarity {
	r := rarity{n: float64(len(sentences)), df: map[string]int{}}
	for _, s := range sentences {
		for stem := range s.about {
			r.df[stem]++
		}
	}
	return r
}

func (r rarity) weight(stem string) float64 { return math.Log(1 + (r.n+20)/float64(1+r.df[stem])) }

func (r rarity) sum(stems map[string]bool) (w float64) {
	for s := range stems {
		w += r.weight(s)
	}
	return w
}

// overlap is how far two sentences speak of the same thing.
type overlap struct {
	shared int
	dice   float64 // share of the matter of both, by weight
	held   float64 // share of the shorter one's matter
	extra  int     // stems of either that the other lacks
}

func (r rarity) overlap(a, b sentence) (o overlap) {
	var common float64
	for s := range a.about {
		if b.about[s] {
			o.shared++
			common += r.weight(s)
		}
	}
	wa, wb := r.sum(a.about), r.sum(b.about)
	if wa == 0 || wb == 0 {
		return o
	}
	o.dice, o.held = 2*common/(wa+wb), common/math.Min(wa, wb)
	o.extra = len(a.about) + len(b.about) - 2*o.shared
	return o
}

// What two sentences must share to be of one matter.
const (
	sameMatter = 0.6  // of the weight of both, to compare values
	sameClaim  = 0.75 // to compare yes and no
	holdsMost  = 0.9  // or nearly all of the shorter one
	allOfIt    = 0.95
	notFarOff  = 0.5 // … with this much of both
	mostExtra  = 4   // stems that one has and the other lacks, to compare yes and no
)

// scopes are words of which only one is meant at a time: a limit for test keys
// is none for live ones.
var scopes = func() []map[string]bool {
	var out []map[string]bool
	for _, line := range []string{
		"custom agent curat oper tenant visitor", "urgent high normal low", "test live product sandbox stage", "month year annual annual week dai",
		"chat email mail api slack webhook widget", "upload download", "hubspot salesforc", "android io", "window linux maco", "pdf csv json word",
		"minimum maximum", "start stop", "import export", "draft publish", "first next second last", "admin owner manag member viewer editor guest",
		"free starter growth busi pro enterpris standard premium", "session link key token password cooki", "warn breach", "old new", "in out", "text file photo video document", "integr train signatur meet verif",
	} {
		set := map[string]bool{}
		for _, w := range strings.Fields(line) {
			set[w] = true
		}
		out = append(out, set)
	}
	return out
}()

// otherScope reports whether two sentences speak of different cases of the same
// thing: either names one that the other does not, of a kind where only one is meant.
func otherScope(a, b sentence) bool {
	for _, set := range scopes {
		if onlyIn(set, a, b) && onlyIn(set, b, a) {
			return true
		}
	}
	if narrowed(a, b) || narrowed(b, a) {
		return true
	}
	// "signed documents" and "rejected documents": another word before the same noun.
	for stem, x := range a.before {
		y, both := b.before[stem]
		if both && x != y && !b.about[x] && !a.about[y] {
			return true
		}
	}
	return false
}

// narrowed reports whether a speaks of one case of what b speaks of in general:
// "an agent's session" and "a session".
func narrowed(a, b sentence) bool {
	for stem, before := range a.before {
		if !b.about[stem] || b.about[before] || b.context[before] {
			continue
		}
		for _, set := range scopes {
			if set[before] {
				return true
			}
		}
	}
	return false
}

func onlyIn(set map[string]bool, a, b sentence) bool {
	for stem := range a.about {
		if set[stem] && !b.about[stem] && !b.context[stem] {
			return true
		}
	}
	return false
}

// disagreement is two sentences that cannot both be right.
type disagreement struct {
	cause string // value, denial, opposite
	mine  string // what they differ in, as written
	other string
	score float64
}

// disagree compares two sentences of one language.
func (r rarity) disagree(a, b sentence) (disagreement, bool) {
	o := r.overlap(a, b)
	if o.shared < 2 || o.dice < notFarOff || otherScope(a, b) {
		return disagreement{}, false
	}
	// Short sentences lean on their headings: these must speak of one thing as
	// well, or the sentences be of nothing else.
	if o.shared < 3 && !related(a, b) && o.dice < allOfIt {
		return disagreement{}, false
	}
	if d, found := differ(a, b); found && (o.dice >= sameMatter || o.held >= holdsMost) && a.negative == b.negative {
		d.score = o.dice
		return d, true
	}
	if o.dice < sameClaim || o.shared < 3 && o.extra > 1 || o.extra > mostExtra {
		return disagreement{}, false
	}
	name, opposed := opposed(a, b)
	switch {
	case opposed && a.negative == b.negative:
		return disagreement{cause: "opposite", mine: name, score: o.dice}, true
	case !opposed && a.negative != b.negative && denies(a, b) && !a.mixed && !b.mixed && samePoles(a, b) && a.only == b.only && valuesAgree(a, b):
		return disagreement{cause: "denial", score: o.dice}, true
	}
	return disagreement{}, false
}

// denies reports whether what one sentence denies is what the other claims.
func denies(a, b sentence) bool {
	if b.negative {
		a, b = b, a
	}
	return len(a.denied) > 0 && !slices.ContainsFunc(a.denied, func(stem string) bool { return !b.about[stem] })
}

// related reports whether titles and headings share a word, or one names what
// the other sentence is about.
func related(a, b sentence) bool {
	for stem := range a.context {
		if b.context[stem] || b.about[stem] && !a.about[stem] {
			return true
		}
	}
	for stem := range b.context {
		if a.about[stem] && !b.about[stem] {
			return true
		}
	}
	return false
}

// differ finds values of one dimension that exclude each other. Where either
// sentence has several of a dimension, nobody can say which answers which.
func differ(a, b sentence) (disagreement, bool) {
	for _, v := range a.values {
		mine, theirs := within(a.values, v.dimension), within(b.values, v.dimension)
		if len(mine) == 0 || len(mine) != len(theirs) || len(mine) > 1 && !listed(mine, theirs) {
			continue
		}
		if len(mine) == 1 && (mine[0].equal(theirs[0]) || apart(mine[0].bound, theirs[0].bound)) {
			continue
		}
		return disagreement{cause: "value", mine: shown(mine), other: shown(theirs)}, true
	}
	return disagreement{}, false
}

// listed reports whether two lists of words, such as file types, differ.
func listed(a, b []value) bool {
	if a[0].word == "" || b[0].word == "" {
		return false
	}
	for _, v := range a {
		if !slices.ContainsFunc(b, v.equal) {
			return true
		}
	}
	return false
}

// apart reports whether one is a floor and the other a ceiling.
func apart(a, b string) bool { return a != b && a != "" && b != "" }

func within(values []value, dimension string) (out []value) {
	for _, v := range values {
		if v.dimension == dimension && !slices.ContainsFunc(out, v.equal) {
			out = append(out, v)
		}
	}
	return out
}

func shown(values []value) string {
	var out []string
	for _, v := range values {
		out = append(out, v.shown)
	}
	return strings.Join(out, ", ")
}

func opposed(a, b sentence) (string, bool) {
	n, name := 0, ""
	for p, sign := range a.poles {
		if other, both := b.poles[p]; both && other != sign {
			n, name = n+1, p
		}
	}
	return name, n == 1
}

func samePoles(a, b sentence) bool {
	if len(a.poles) != len(b.poles) {
		return false
	}
	for p, sign := range a.poles {
		if b.poles[p] != sign {
			return false
		}
	}
	return true
}

func valuesAgree(a, b sentence) bool {
	for _, v := range a.values {
		for _, w := range b.values {
			if v.dimension == w.dimension && !v.equal(w) {
				return false
			}
		}
	}
	return true
}
