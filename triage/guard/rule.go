package guard

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed rules.txt
var rulesFile string

// conceptDestination marks an address mail or data can be sent to; where it
// stands depends on the text, not on a word, so it is not in the lexicon.
const conceptDestination set = 1 << 62

var rules = parseRules(rulesFile)

// rule is a sequence of concepts within reach of one another.
type rule struct {
	name    string
	steps   []step
	needs   []set // every step's concepts, to pass over most rules at once
	without set   // concepts the sentence of the first step must not have
	opens   bool  // the first step is among the first words of its sentence
	states  bool  // the sentence is no question
	weak    bool
	passage bool
	comment bool // counts in comments only
	task    bool // counts in documents only: a message may well bring a text and ask to sum it up
}

// step is one concept, at most gap places after the step before.
type step struct {
	any set
	gap int
}

func parseRules(file string) (out []rule) {
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, body, ok := strings.Cut(line, ":")
		if !ok {
			panic(fmt.Sprintf("guard: rule %q", line))
		}
		r := rule{name: name}
		r.name, r.weak = strings.CutPrefix(r.name, "~")
		r.passage, r.comment, r.task = strings.HasPrefix(r.name, "passage "), r.name == "comment", r.name == "passage task"
		gap := 0
		for field := range strings.FieldsSeq(body) {
			switch {
			case field == "!?":
				r.states = true
			case field[0] == '!':
				r.without |= named(field[1:])
			case field[0] == '^':
				r.opens = true
				r.steps = append(r.steps, step{named(field[1:]), 0})
			case field[0] >= '0' && field[0] <= '9':
				n, err := strconv.Atoi(field)
				if err != nil {
					panic(fmt.Sprintf("guard: rule %q: %v", line, err))
				}
				gap = n
			default:
				r.steps = append(r.steps, step{named(field), gap})
			}
		}
		for _, s := range r.steps {
			r.needs = append(r.needs, s.any)
		}
		out = append(out, r)
	}
	return out
}

func named(field string) (all set) {
	for name := range strings.SplitSeq(field, "|") {
		switch bit, ok := lexicon.concepts[name]; {
		case name == "destination":
			all |= conceptDestination
		case ok:
			all |= bit
		default:
			panic(fmt.Sprintf("guard: no concept %q", name))
		}
	}
	return all
}

// opening is how many words into a sentence its first order may stand: "please",
// "now", "and then" come before.
const opening = 3

// matches looks for the rule anywhere in a text.
func (r *rule) matches(t *reading, has set) bool {
	for _, need := range r.needs {
		if has&need == 0 {
			return false
		}
	}
	for i := range t.tokens {
		if t.tokens[i].concepts&r.steps[0].any == 0 {
			continue
		}
		s := t.sentences[t.tokens[i].sentence]
		if r.opens && (i-s.from >= opening || r.passage && i > s.from) || r.states && s.question || r.without != 0 && t.has(s.from, s.to)&r.without != 0 {
			continue
		}
		if r.follow(t, i, 1) {
			return true
		}
	}
	return false
}

func (r *rule) follow(t *reading, at, step int) bool {
	if step == len(r.steps) {
		return true
	}
	want := r.steps[step]
	for j := at + 1; j < len(t.tokens) && t.tokens[j].place-t.tokens[at].place <= want.gap; j++ {
		if t.tokens[j].concepts&want.any != 0 && r.follow(t, j, step+1) {
			return true
		}
	}
	return false
}

// has unites the concepts of some tokens.
func (t *reading) has(from, to int) (all set) {
	for i := from; i < to; i++ {
		all |= t.tokens[i].concepts
	}
	return all
}

// found lists the rules a text matches: the names of the strong ones and of the
// weak ones, each once.
func found(t *reading, passage, document bool) (strong, weak []string) {
	has := t.has(0, len(t.tokens))
	for i := range rules {
		r := &rules[i]
		if r.passage && !passage || r.task && !document || r.comment && !t.comment || r.weak && slices.Contains(weak, r.name) || !r.weak && slices.Contains(strong, r.name) || !r.matches(t, has) {
			continue
		}
		if r.weak {
			weak = append(weak, r.name)
		} else {
			strong = append(strong, r.name)
		}
	}
	return strong, weak
}
