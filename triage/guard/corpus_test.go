package guard

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// perTemplate is how many different texts one template gives.
const perTemplate = 40

// example is one generated text.
type example struct {
	text   string
	attack bool
	family string // the kind of attack
	prose  bool   // it is from prose.txt
}

// corpus writes the examples: the same ones every time, because decisions must be
// repeatable. Templates of the part given by keep are used; nil keeps all.
func corpus(file string, seed uint64, keep func(family string, template int) bool) (out []example) {
	g := grammar{lists: map[string]string{"any": anyWord()}, rng: rand.New(rand.NewPCG(seed, 7))}
	attack, family, template := false, "", 0
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '@':
			family, attack = strings.CutPrefix(line, "@attack ")
		case line[0] == '$' && strings.Contains(line, " = "):
			name, list, _ := strings.Cut(line[1:], " = ")
			g.lists[name] = list
		default:
			template++
			if keep != nil && !keep(family, template) {
				continue
			}
			seen := map[string]bool{}
			for range perTemplate {
				text := strings.Join(strings.Fields(g.expand(line)), " ")
				if !seen[text] {
					seen[text] = true
					out = append(out, example{text: text, attack: attack, family: family})
				}
			}
		}
	}
	return out
}

// grammar expands templates: {a|b} is one of them, [a] is a or nothing (also with
// choices inside), $name one of a list.
type grammar struct {
	lists map[string]string
	rng   *rand.Rand
}

func (g *grammar) expand(t string) string {
	var b strings.Builder
	for i := 0; i < len(t); {
		switch t[i] {
		case '{', '[':
			n := closing(t[i:])
			inner := t[i+1 : i+n]
			if t[i] == '{' || g.rng.IntN(2) == 0 {
				choices := alternatives(inner)
				b.WriteString(g.expand(choices[g.rng.IntN(len(choices))]))
			}
			i += n + 1
		case '$':
			j := i + 1
			for j < len(t) && t[j] >= 'a' && t[j] <= 'z' {
				j++
			}
			if j == i+1 {
				b.WriteByte('$')
				i = j
				break
			}
			list, ok := g.lists[t[i+1:j]]
			if !ok {
				panic(fmt.Sprintf("guard: corpus has no list %q", t[i:j]))
			}
			choices := strings.Split(list, "|")
			b.WriteString(choices[g.rng.IntN(len(choices))])
			i = j
		default:
			b.WriteByte(t[i])
			i++
		}
	}
	return b.String()
}

// closing finds the bracket that closes the one t starts with.
func closing(t string) int {
	depth := 0
	for i := range len(t) {
		switch t[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	panic(fmt.Sprintf("guard: bracket not closed in %q", t))
}

// alternatives splits at the bars that stand in no bracket.
func alternatives(t string) (out []string) {
	depth, from := 0, 0
	for i := range len(t) {
		switch t[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '|':
			if depth == 0 {
				out = append(out, t[from:i])
				from = i + 1
			}
		}
	}
	return append(out, t[from:])
}

// anyWord are all words and expressions of the lexicon with a meaning that is telling.
func anyWord() string {
	var all []string
	for line := range strings.Lines(lexiconFile) {
		name, words, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || line[0] == '#' || lexicon.concepts[name]&telling == 0 {
			continue
		}
		for w := range strings.SplitSeq(words, ",") {
			all = append(all, strings.TrimSuffix(strings.TrimSpace(w), "*"))
		}
	}
	return strings.Join(all, "|")
}
