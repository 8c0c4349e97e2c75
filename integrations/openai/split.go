package openai

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/usherdesk/usher/knowledge/chunk"
	"github.com/usherdesk/usher/triage/answer"
)

var (
	marks      = regexp.MustCompile(`[ \t]*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\]`)
	lateMarks  = regexp.MustCompile(`([.!?…。！？])((?:[ \t]*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\])+)`)
	markLine   = regexp.MustCompile(`^\s*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\](?:\s*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\])*[ \t]*(?:\n|$)`)
	maybeMarks = regexp.MustCompile(`^(?:\s*\[[\d,\s]*\])*\s*(?:\[[\d,\s]*)?$`)
	digits     = regexp.MustCompile(`\d+`)
	listItem   = regexp.MustCompile(`^[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+`)
	blockStart = regexp.MustCompile("^[ \t]*(?:[-*+•][ \t]|\\d{1,2}[.)][ \t]|\\||```|~~~)")
	maybeBlock = regexp.MustCompile("^[ \t]*(?:[-*+•]?|\\d{1,2}[.)]?|`{1,2}|~{1,2})$")
	blankLine  = regexp.MustCompile(`\n[ \t]*\n`)
	indented   = regexp.MustCompile(`^(?:  |\t)`)
)

// splitter turns a growing text into complete sentences and blocks: a list, a
// table or a code block is one, because its parts make no sense alone. A
// sentence is complete when the next has begun: until then marks may follow.
type splitter struct {
	pending string
}

// write adds a piece and returns what is complete now.
func (s *splitter) write(piece string) []answer.Sentence {
	s.pending += strings.ToValidUTF8(strings.ReplaceAll(piece, "\r", ""), "\uFFFD")
	return s.take(false)
}

// rest is what is left at the end of the text.
func (s *splitter) rest() []answer.Sentence { return s.take(true) }

func (s *splitter) take(final bool) (out []answer.Sentence) {
	for {
		s.pending = strings.TrimLeft(s.pending, "\n")
		if !s.skipThought(final) {
			return out
		}
		text, found := s.next(final)
		if !found {
			return out
		}
		if sentence := read(text); sentence.Text != "" {
			out = append(out, sentence)
		}
	}
}

// skipThought drops a leading <think> block, which local models print as text.
func (s *splitter) skipThought(final bool) bool {
	const open, closing = "<think>", "</think>"
	text := strings.TrimLeft(s.pending, " \t\n")
	switch {
	case strings.HasPrefix(text, open):
		_, after, found := strings.Cut(text, closing)
		if found || final {
			s.pending = strings.TrimLeft(after, " \t\n")
		}
		return found || final
	case text != "" && strings.HasPrefix(open, text):
		return final
	}
	return true
}

// next cuts the first complete sentence or block off.
func (s *splitter) next(final bool) (string, bool) {
	if strings.TrimSpace(s.pending) == "" {
		return "", false
	}
	line, _, ended := strings.Cut(s.pending, "\n")
	if !ended && !final && maybeBlock.MatchString(line) {
		return "", false
	}
	if blockStart.MatchString(s.pending) {
		return s.cut(marksEnd(s.pending, blockEnd(s.pending, final), final))
	}
	return s.cut(marksEnd(s.pending, sentenceEnd(s.pending, final), final))
}

// cut takes the first n bytes; n < 0: not complete yet.
func (s *splitter) cut(n int) (string, bool) {
	if n < 0 {
		return "", false
	}
	text := s.pending[:n]
	s.pending = s.pending[n:]
	return text, true
}

// marksEnd moves the end n of a sentence or block behind a line of marks alone
// that follows; -1 while such a line may still come.
func marksEnd(text string, n int, final bool) int {
	if n < 0 {
		return n
	}
	if !final && maybeMarks.MatchString(text[n:]) {
		return -1
	}
	return n + len(markLine.FindString(text[n:]))
}

// blockEnd is where the block at the start of text ends.
func blockEnd(text string, final bool) int {
	if fence := strings.TrimLeft(text, " \t"); strings.HasPrefix(fence, "```") || strings.HasPrefix(fence, "~~~") {
		if at := strings.Index(text, "\n"+fence[:3]); at >= 0 {
			return at + len("\n```")
		}
		return whole(text, final)
	}
	for from := 0; ; {
		gap := blankLine.FindStringIndex(text[from:])
		if gap == nil {
			return whole(text, final)
		}
		after := text[from+gap[1]:]
		line, _, ended := strings.Cut(after, "\n")
		switch {
		case !ended && !final && (maybeBlock.MatchString(line) || strings.TrimSpace(line) == ""):
			return -1 // the list may go on
		case listItem.MatchString(text) && (listItem.MatchString(line) || indented.MatchString(line)):
			from += gap[1]
		default:
			return from + gap[0]
		}
	}
}

// sentenceEnd is where the sentence at the start of text ends.
func sentenceEnd(text string, final bool) int {
	paragraph, open := text, !final
	for i, r := range text {
		if r != '\n' {
			continue
		}
		next := text[i+1:]
		if strings.HasPrefix(strings.TrimLeft(next, " \t"), "\n") || blockStart.MatchString(next) {
			paragraph, open = text[:i], false
			break
		}
	}
	first := firstSentence(paragraph)
	rest := strings.TrimLeft(paragraph[first:], " \t\n")
	switch {
	case rest == "" && open:
		return -1
	case open && strings.HasPrefix(rest, "[") && !strings.Contains(rest, "]"):
		return -1 // perhaps a mark of this sentence
	case first == len(paragraph) && open:
		return -1
	}
	return first
}

// firstSentence is the length of the first sentence with the marks behind it.
func firstSentence(paragraph string) int {
	// Marks behind a full stop stand before it here, so that they do not open the
	// next sentence; lengths stay the same.
	flat := strings.ReplaceAll(paragraph, "\n", " ")
	flat = lateMarks.ReplaceAllString(flat, "$2$1")
	sentences := chunk.Sentences(flat)
	if len(sentences) == 0 {
		return len(paragraph)
	}
	at := strings.Index(flat, sentences[0])
	return at + len(sentences[0])
}

func whole(text string, final bool) int {
	if final {
		return len(text)
	}
	return -1
}

// read takes the marks out of a text. Numbers nobody gave the model stay: the
// gate has to see them.
func read(text string) answer.Sentence {
	var sentence answer.Sentence
	text = strings.Trim(text, "\n")
	var kept strings.Builder
	from := 0
	for _, at := range marks.FindAllStringIndex(text, -1) {
		if strings.HasPrefix(text[at[1]:], "(") { // a link
			continue
		}
		for _, number := range digits.FindAllString(text[at[0]:at[1]], -1) {
			n, err := strconv.Atoi(number)
			if err == nil && !slices.Contains(sentence.Citations, n) {
				sentence.Citations = append(sentence.Citations, n)
			}
		}
		kept.WriteString(text[from:at[0]])
		from = at[1]
	}
	kept.WriteString(text[from:])
	sentence.Text = strings.TrimSpace(kept.String())
	if !blockStart.MatchString(text) {
		sentence.Text = strings.Join(strings.Fields(sentence.Text), " ")
	} else if !strings.Contains(sentence.Text, "\n") { // a list of one is a sentence
		sentence.Text = strings.TrimSpace(listItem.ReplaceAllString(sentence.Text, ""))
	}
	return sentence
}
