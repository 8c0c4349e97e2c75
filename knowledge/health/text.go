package health

import (
	"regexp"
	"strings"

	"github.com/usherdesk/usher/knowledge/chunk"
	"github.com/usherdesk/usher/knowledge/lexicon"
)

// sentence is one statement of an article, read as a claim.
type sentence struct {
	article  int // index into the articles; -1 for what an agent wrote
	text     string
	heading  string
	anchor   string
	language string

	stems    []string        // what it is about, in order: no values, no negations, no function words
	about    map[string]bool // the same as a set
	context  map[string]bool // stems of title and headings above it
	before   map[string]string
	values   []value
	negative bool           // an odd number of negations
	denied   []string       // stems that a negation stands before
	mixed    bool           // it says yes of one thing and no of another
	poles    map[string]int // words with an opposite, by their common name: +1 or -1
	only     bool
}

const (
	fewestWords = 4   // shorter ones are labels
	mostWords   = 60  // longer ones are lists that were not cut
	mostPlain   = 600 // characters
)

var listMark = regexp.MustCompile(`^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+`)

// statements are the sentences of a Markdown body. Tables give one per row,
// with the column heads; code gives none.
func statements(body string) (out []statement) {
	for _, c := range chunk.Split(body, chunk.Sizes{Target: 1, Max: 2000}) {
		if strings.HasPrefix(strings.TrimSpace(c.Text), "```") || strings.HasPrefix(strings.TrimSpace(c.Text), "~~~") {
			continue
		}
		for _, text := range lines(c.Text) {
			text = strings.Join(strings.Fields(text), " ")
			if n := len(strings.Fields(text)); n < fewestWords || n > mostWords || len(text) > mostPlain {
				continue
			}
			out = append(out, statement{text: text, heading: strings.Join(c.Path, " › "), anchor: c.Anchor})
		}
	}
	return out
}

type statement struct{ text, heading, anchor string }

// lines cuts a block into what is said in one breath.
func lines(block string) (out []string) {
	raw := strings.Split(block, "\n")
	if len(raw) > 1 && strings.Contains(raw[0], "|") && strings.Contains(raw[1], "-") && strings.Contains(raw[1], "|") {
		return rows(raw)
	}
	running := ""
	flush := func() {
		if running != "" {
			for _, s := range chunk.Sentences(chunk.Plain(running)) {
				out = append(out, strings.Split(s, "; ")...)
			}
		}
		running = ""
	}
	for _, line := range raw {
		if listMark.MatchString(line) {
			flush()
			line = listMark.ReplaceAllString(line, "")
		}
		running = strings.TrimSpace(running + " " + strings.TrimSpace(line))
	}
	flush()
	return out
}

// rows says each row of a table as a sentence: "Priority: Urgent; First reply: 1 hour".
func rows(raw []string) (out []string) {
	head := cells(raw[0])
	for _, line := range raw[2:] {
		row := cells(line)
		var said []string
		for i, cell := range row {
			if cell == "" {
				continue
			}
			if i < len(head) && head[i] != "" {
				cell = head[i] + ": " + cell
			}
			said = append(said, cell)
		}
		if len(said) > 0 {
			out = append(out, strings.Join(said, "; "))
		}
	}
	return out
}

func cells(line string) []string {
	parts := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
	for i, p := range parts {
		parts[i] = chunk.Plain(p)
	}
	return parts
}

// read takes a statement apart.
func read(st statement, title, language string) sentence {
	s := sentence{
		text: st.text, heading: st.heading, anchor: st.anchor, language: language,
		about: map[string]bool{}, context: map[string]bool{}, before: map[string]string{}, poles: map[string]int{},
	}
	for _, t := range lexicon.Terms(title+" "+st.heading, language) {
		s.context[t.Stem] = true
	}
	rest, values := takeValues(st.text, language)
	s.values = values
	s.polarity(st.text, language)
	last := ""
	for _, t := range lexicon.Terms(rest, language) {
		if t.Joined || quiet[t.Word] || negators[t.Word] {
			continue
		}
		stem := t.Stem
		if p, known := opposites[t.Word]; known {
			stem = p.name
			s.poles[p.name] = p.sign
		}
		if last != "" && s.before[stem] == "" {
			s.before[stem] = last
		}
		if !s.about[stem] {
			s.stems = append(s.stems, stem)
			s.about[stem] = true
		}
		last = stem
	}
	return s
}
