package eval

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed questions.txt
var questionsFile string

// Phrase is one held-out way to ask.
type Phrase struct {
	Intent, Language, Text string
}

//go:embed near.txt
var nearFile string

// Phrases are the held-out questions. Nobody may train on them.
func Phrases() []Phrase { return parse("questions.txt", questionsFile) }

// NearMisses are questions that must not be taken for their Intent. Nobody may
// train on them either.
func NearMisses() []Phrase { return parse("near.txt", nearFile) }

//go:embed others.txt
var othersFile string

// Others are questions about somebody else's organisation, {other}.
func Others() []Phrase { return parse("others.txt", othersFile) }

func parse(name, file string) (out []Phrase) {
	for n, line := range strings.Split(file, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, "|", 3)
		if len(parts) != 3 {
			panic(fmt.Sprintf("%s:%d: not intent | language | text", name, n+1)) // shipped with the program
		}
		out = append(out, Phrase{strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2])})
	}
	return out
}
