package guard

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// lexiconFile is what attacks are about, behaviourFile how people behave.
var (
	//go:embed lexicon.txt
	lexiconFile string
	//go:embed behaviour.txt
	behaviourFile string
)

// set is a set of concepts, one bit each.
type set uint64

// conceptSpelled marks words written letter by letter; it is not in the file.
const conceptSpelled set = 1 << 63

// lexicon is what words mean to the rules and the detector, behaviour what they
// say about whoever wrote them.
var lexicon, behaviour = parseLexicon(lexiconFile), parseLexicon(behaviourFile)

// wordBook looks words up. Concepts are numbered in the order of the file.
type wordBook struct {
	concepts map[string]set // by name
	exact    map[string]set // by word
	stems    map[string]set // by the letters a word starts with
	shortest int            // bytes of the shortest stem
	longest  int            // bytes of the longest
	phrases  phraseBook
}

// parseLexicon reads the embedded file; a line it cannot read is a programming error.
func parseLexicon(file string) *wordBook {
	b := &wordBook{concepts: map[string]set{}, exact: map[string]set{}, stems: map[string]set{}, shortest: 99, phrases: phraseBook{}}
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, words, ok := strings.Cut(line, ":")
		if !ok || len(b.concepts) >= 62 {
			panic(fmt.Sprintf("guard: lexicon line %q", line))
		}
		bit := set(1) << len(b.concepts)
		b.concepts[name] = bit
		for w := range strings.SplitSeq(words, ",") {
			b.add(plain(strings.TrimSpace(w)), bit)
		}
	}
	return b
}

func (b *wordBook) add(entry string, bit set) {
	words := strings.FieldsFunc(entry, func(r rune) bool { return r == ' ' || r == '-' })
	switch {
	case len(words) > 1:
		b.phrases.add(words, bit)
	case strings.HasSuffix(entry, "*"):
		stem := strings.TrimSuffix(entry, "*")
		b.stems[stem] |= bit
		b.shortest, b.longest = min(b.shortest, len(stem)), max(b.longest, len(stem))
	default:
		b.exact[entry] |= bit
	}
}

// meaning looks a word up; where it is none, the word with letter play undone.
func (b *wordBook) meaning(word string) set {
	found := b.look(word)
	if len(word) > 5 && found == 0 && strings.HasSuffix(word, "pwned") && !strings.HasPrefix(word, "have") {
		return b.concepts["pwn"] // written together with the word before
	}
	if found == 0 && strings.ContainsAny(word, "0134579@$") && strings.ContainsAny(word, "abcdefghijklmnopqrstuvwxyz") {
		found = b.look(leet.Replace(word))
	}
	return found
}

func (b *wordBook) look(word string) set {
	found := b.exact[word]
	for n := b.shortest; n <= len(word) && n <= b.longest; n++ {
		found |= b.stems[word[:n]]
	}
	return found
}

// phraseBook holds expressions of several words by their first one, the longest first.
type phraseBook map[string][]phrase

type phrase struct {
	rest []string // the words after the first; the last may end in * for a stem
	bit  set
}

func (b phraseBook) add(words []string, bit set) {
	list := append(b[words[0]], phrase{words[1:], bit})
	slices.SortStableFunc(list, func(a, b phrase) int { return len(b.rest) - len(a.rest) })
	b[words[0]] = list
}

// mark gives the concept of an expression to its first word.
func (b phraseBook) mark(tokens []token) {
	for i := range tokens {
		tokens[i].concepts |= b.at(tokens, i)
	}
}

// at gives the concepts of the expressions that start at a token.
func (b phraseBook) at(tokens []token, i int) (found set) {
	for _, p := range b[tokens[i].text] {
		if p.matches(tokens[i+1:]) {
			found |= p.bit
		}
	}
	return found
}

func (p phrase) matches(tokens []token) bool {
	if len(tokens) < len(p.rest) {
		return false
	}
	for i, want := range p.rest {
		got := tokens[i].text
		if stem, ok := strings.CutSuffix(want, "*"); ok {
			if !strings.HasPrefix(got, stem) {
				return false
			}
		} else if got != want {
			return false
		}
	}
	return true
}
