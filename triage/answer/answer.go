package answer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
)

// Passage is a numbered piece of an article found for the question.
type Passage struct {
	Number    int // as cited: [1], [2], …
	ChunkID   uuid.UUID
	ArticleID uuid.UUID
	Title     string
	Section   string
	URL       string
	Text      string // Markdown: untrusted
	Language  string
	UpdatedAt time.Time
	Score     float64
	Now       float64 // how much of the present question's words it holds, see search.Legs
	Own       bool    // the tenant's own article, else a shared one
}

// Turn is one earlier message.
type Turn struct {
	Customer bool
	Text     string
}

// Request is a question with what was found for it.
type Request struct {
	Question string
	History  []Turn
	Passages []Passage
	Signals  Signals
	// Meant are the articles' stems that a stem of the question may stand for; see search.Result.
	Meant    map[string][]string
	Language string // to answer in, ISO 639-1
}

// Signals are what retrieval says about itself; see search.Signals.
type Signals struct {
	Unknown float64 // share of the question's words no article holds, by weight
	Words   int     // content words of the question
	Content float64 // how telling they are together
}

// Sentence is one sentence, list block or table of a draft, without its marks.
type Sentence struct {
	Text      string
	Citations []int // numbers of passages
}

// Draft is an answer before the gate.
type Draft struct {
	Sentences     []Sentence
	Found         bool // false: nothing in the passages answers
	Fit           float64
	Engine        string
	PromptVersion string
	Usage         triage.Usage
}

// Composer drafts. It calls emit with each sentence as soon as it is complete,
// in order; an error of emit ends it.
type Composer interface {
	Compose(ctx context.Context, request Request, emit func(Sentence) error) (Draft, error)
}

// Markdown is the draft's text with its citation marks.
func (d Draft) Markdown() string {
	parts := make([]string, len(d.Sentences))
	for i, s := range d.Sentences {
		parts[i] = s.Markdown()
	}
	return Join(parts)
}

// Markdown is the sentence with its citation marks.
func (s Sentence) Markdown() string {
	marks := ""
	for _, n := range s.Citations {
		marks += fmt.Sprintf("[%d]", n)
	}
	if marks == "" {
		return s.Text
	}
	if isBlock(s.Text) {
		return s.Text + "\n\n" + marks
	}
	return s.Text + " " + marks
}

// Join joins sentences into paragraphs, blocks standing alone.
func Join(parts []string) string {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			if isBlock(part) || isBlock(parts[i-1]) {
				b.WriteString("\n\n")
			} else {
				b.WriteString(" ")
			}
		}
		b.WriteString(part)
	}
	return b.String()
}

func isBlock(text string) bool { return strings.Contains(text, "\n") }

// Cited lists the passages a draft cites, in the order of their first mark.
func (d Draft) Cited(passages []Passage) []Passage {
	var cited []Passage
	seen := map[int]bool{}
	for _, s := range d.Sentences {
		for _, n := range s.Citations {
			for _, p := range passages {
				if p.Number == n && !seen[n] {
					seen[n] = true
					cited = append(cited, p)
				}
			}
		}
	}
	return cited
}

// Citations are the cited passages as a customer sees them.
func Citations(passages []Passage) []triage.Citation {
	out := make([]triage.Citation, len(passages))
	for i, p := range passages {
		out[i] = triage.Citation{
			Number: p.Number, ArticleID: p.ArticleID, ChunkID: p.ChunkID, Title: p.Title, Section: p.Section, URL: p.URL,
			Language: p.Language, UpdatedAt: p.UpdatedAt, Quote: triage.Line(plain(p.Text), 280), Own: p.Own,
		}
	}
	return out
}
