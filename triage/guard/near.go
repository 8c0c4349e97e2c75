package guard

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// part is a piece of a text, from white space to white space.
type part struct{ from, to int }

// run is digits with little between them, on one line.
type run struct {
	from, to, digits int
	row, word        int   // the most digits without anything between; bytes of the longest word in it
	marks            marks // beside and between the digits
}

// marks counts points, dashes, slashes and colons.
type marks [4]uint8

func (m *marks) add(c byte) {
	if at := strings.IndexByte("-./:", c); at >= 0 && m[at] < 9 {
		m[at]++
	}
}

// marksOf counts those of a text, for a kind that needs them.
func marksOf(text string) (m marks) {
	for i := range len(text) {
		m.add(text[i])
	}
	return m
}

func (m marks) have(least marks) bool {
	for i := range m {
		if m[i] < least[i] {
			return false
		}
	}
	return true
}

// runGap is how many bytes may stand between the digits of one number.
const runGap = 6

// scan is a text with what tells where a pattern can match at all: a pattern
// over a whole text costs more than everything else together.
type scan struct {
	text, lower string // of the same length
	runs        []run
	longest     int // bytes of the longest run of letters and digits
}

func newScan(text string) *scan {
	s := &scan{text: text, lower: lowered(text)}
	var r *run
	word, row, gap := 0, 0, 0
	for i := range len(text) {
		c := text[i]
		digit := isDigit(c)
		if word++; !isAlnum(c) {
			word = 0
		}
		if row++; !digit {
			row = 0
		}
		s.longest = max(s.longest, word)
		if gap++; c == '\n' || gap > runGap {
			r = nil
		}
		if digit {
			if r == nil {
				s.runs = append(s.runs, run{from: i, marks: marksOf(text[max(0, i-runGap):i])})
				r = &s.runs[len(s.runs)-1]
			}
			r.to, gap = i+1, 0
			r.digits++
			r.row = max(r.row, row)
		}
		if r != nil {
			r.marks.add(c)
			r.word = max(r.word, word)
		}
	}
	return s
}

// lowered is a text in lower case, byte for byte at its place.
func lowered(text string) string {
	if lower := strings.ToLower(text); len(lower) == len(text) {
		return lower
	}
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) {
			return l
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// numbers lists the parts around the runs a kind can be in.
func (s *scan) numbers(k *kind, reach int) (out []part) {
	for _, r := range s.runs {
		if r.digits < k.digits || r.row < k.row || r.word < k.word || !r.marks.have(k.marks) {
			continue
		}
		from, to := r.from, r.to
		for from > 0 && s.text[from-1] != '\n' && (r.from-from < reach || s.text[from-1] != ' ') {
			from--
		}
		for to < len(s.text) && s.text[to] != '\n' && (to-r.to < reach || s.text[to] != ' ') {
			to++
		}
		out = joined(out, part{from, to})
	}
	return out
}

// around lists the parts around any of these words.
func (s *scan) around(hints []string, reach int) (out []part) {
	for _, h := range hints {
		for i := 0; ; {
			at := strings.Index(s.lower[i:], h)
			if at < 0 {
				break
			}
			at += i
			i = at + len(h)
			from, to := at, i
			for from > 0 && (at-from < reach || !space(s.text[from-1])) {
				from--
			}
			for to < len(s.text) && (to-i < reach || !space(s.text[to])) {
				to++
			}
			out = append(out, part{from, to})
			i = to
		}
	}
	if len(out) < 2 {
		return out
	}
	slices.SortFunc(out, func(a, b part) int { return a.from - b.from })
	all := out
	out = nil
	for _, p := range all {
		out = joined(out, p)
	}
	return out
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// joined appends a part, or widens the last one where they touch.
func joined(parts []part, p part) []part {
	if n := len(parts); n > 0 && p.from <= parts[n-1].to {
		parts[n-1].to = max(parts[n-1].to, p.to)
		return parts
	}
	return append(parts, p)
}

// holds reports whether a part has one of some words: those in hints anywhere, those
// in words as whole words, or at the start of one where they end in *.
func (s *scan) holds(p part, hints, words []string) bool {
	text := s.lower[p.from:p.to]
	return anyOf(text, hints) || slices.ContainsFunc(words, func(w string) bool { return hasWord(text, w) })
}

func hasWord(text, word string) bool {
	word, open := strings.CutSuffix(word, "*")
	for i := 0; ; {
		at := strings.Index(text[i:], word)
		if at < 0 {
			return false
		}
		at += i
		i = at + len(word)
		if (at == 0 || !isAlnum(text[at-1])) && (open || i == len(text) || !isAlnum(text[i])) {
			return true
		}
	}
}

// follows reports whether a number of a part stands right after one of some endings,
// perhaps with a point and a blank between.
func (s *scan) follows(p part, endings []string) bool {
	for i := p.from + 1; i < p.to; i++ {
		if !isDigit(s.text[i]) || isDigit(s.text[i-1]) {
			continue
		}
		lead := strings.TrimSuffix(strings.TrimSuffix(s.lower[p.from:i], " "), ".")
		if slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(lead, e) }) {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// places lists the parts of a text in which a kind can be.
func (k *kind) places(s *scan) []part {
	cued := k.hints != nil || k.words != nil
	switch {
	case k.whole && anyOf(s.lower, k.hints):
		return []part{{0, len(s.text)}}
	case k.whole || s.longest < k.long:
		return nil
	case k.digits == 0:
		return s.around(k.hints, reachOfHint)
	case !cued:
		return s.numbers(k, reachAlone)
	}
	return slices.DeleteFunc(s.numbers(k, reachOfNumber), func(p part) bool { return !s.holds(p, k.hints, k.words) })
}

// How far from a number or a word the rest of a value and its cue may stand.
const (
	reachAlone    = 24
	reachOfNumber = 80
	reachOfHint   = 100
)
