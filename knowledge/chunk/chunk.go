// Package chunk splits an article's Markdown into the pieces that are indexed,
// found and quoted.
//
// A chunk never crosses a heading, and a list, table or fenced code block stays
// whole unless it alone is over the hard limit; then it is cut between items,
// rows (repeating the table head) or lines. Each chunk carries the headings above it.
// The package is pure; fuzzing checks that no text is lost.
package chunk

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Chunk is one piece of an article.
type Chunk struct {
	Ordinal int
	// Path holds the headings above the piece, outermost first, without the
	// article's title.
	Path []string
	// Anchor is the fragment of the nearest heading ("" before the first one),
	// as a Markdown renderer derives it: unique inside the article.
	Anchor string
	// Text is the Markdown of the piece, headings left out.
	Text string
}

// Heading is the nearest heading above the piece, or "".
func (c Chunk) Heading() string {
	if len(c.Path) == 0 {
		return ""
	}
	return c.Path[len(c.Path)-1]
}

// Sizes bound chunks, in words. The zero value means the defaults.
type Sizes struct {
	Target int // a chunk is closed once it holds this many; default 160
	Max    int // no block over this is kept whole; default 480
}

const (
	defaultTarget = 160
	defaultMax    = 480
	// maxLineBytes cuts single lines no block rule can cut (minified code, base64).
	maxLineBytes = 6000
)

// Split cuts Markdown into chunks, in reading order. Blank input gives none.
func Split(markdown string, sizes Sizes) []Chunk {
	if sizes.Target <= 0 {
		sizes.Target = defaultTarget
	}
	if sizes.Max < sizes.Target {
		sizes.Max = max(defaultMax, sizes.Target)
	}
	s := splitter{sizes: sizes, anchors: make(map[string]int)}
	for _, b := range blocks(markdown) {
		s.add(b)
	}
	s.flush()
	return s.chunks
}

type splitter struct {
	sizes   Sizes
	anchors map[string]int
	path    []headingLevel
	anchor  string
	pending []string
	words   int
	chunks  []Chunk
}

type headingLevel struct {
	level int
	text  string
}

func (s *splitter) add(b block) {
	if b.kind == blockHeading {
		s.flush()
		s.enter(b)
		return
	}
	for _, piece := range b.pieces(s.sizes.Max) {
		n := len(strings.Fields(piece))
		if s.words > 0 && s.words+n > s.sizes.Max {
			s.flush()
		}
		s.pending = append(s.pending, piece)
		s.words += n
		if s.words >= s.sizes.Target {
			s.flush()
		}
	}
}

func (s *splitter) enter(b block) {
	for len(s.path) > 0 && s.path[len(s.path)-1].level >= b.level {
		s.path = s.path[:len(s.path)-1]
	}
	text := Plain(b.lines[0])
	s.path = append(s.path, headingLevel{level: b.level, text: text})
	s.anchor = s.unique(Anchor(text))
}

func (s *splitter) unique(anchor string) string {
	for candidate := anchor; ; {
		n, taken := s.anchors[candidate]
		if !taken {
			s.anchors[candidate] = 0
			return candidate
		}
		s.anchors[candidate] = n + 1
		candidate = anchor + "-" + strconv.Itoa(n+1)
	}
}

func (s *splitter) flush() {
	text := strings.Trim(strings.Join(s.pending, "\n\n"), "\n")
	s.pending, s.words = s.pending[:0], 0
	if strings.TrimSpace(text) == "" {
		return
	}
	path := make([]string, 0, len(s.path))
	for _, h := range s.path {
		if h.text != "" {
			path = append(path, h.text)
		}
	}
	s.chunks = append(s.chunks, Chunk{Ordinal: len(s.chunks), Path: path, Anchor: s.anchor, Text: text})
}

// Anchor derives a heading's fragment: lower case, letters and digits kept,
// spaces and hyphens as hyphens, everything else dropped.
func Anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(heading)) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '_':
			b.WriteRune(r)
		case r == ' ', r == '-':
			b.WriteByte('-')
		}
	}
	if b.Len() == 0 {
		return "section"
	}
	return b.String()
}

// cutLine splits a line over maxLineBytes, at character boundaries.
func cutLine(line string) []string {
	var parts []string
	for len(line) > maxLineBytes {
		cut := maxLineBytes
		for cut > maxLineBytes-utf8.UTFMax && !utf8.RuneStart(line[cut]) {
			cut--
		}
		parts = append(parts, line[:cut])
		line = line[cut:]
	}
	return append(parts, line)
}
