package chunk

import (
	"regexp"
	"strings"
)

type blockKind int

const (
	blockParagraph blockKind = iota
	blockHeading
	blockList
	blockTable
	blockCode
)

// block is one top-level piece of Markdown, as its lines.
type block struct {
	kind  blockKind
	level int // of a heading
	lines []string
}

var (
	atxHeading  = regexp.MustCompile(`^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$`)
	setextLine  = regexp.MustCompile(`^ {0,3}(=+|-{2,})[ \t]*$`)
	fenceOpen   = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})")
	listItem    = regexp.MustCompile(`^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)`)
	tableRule   = regexp.MustCompile(`^[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$`)
	headingAttr = regexp.MustCompile(`[ \t]*\{#[^}]*\}[ \t]*$`)
)

// blocks reads Markdown line by line. It is forgiving: what it does not know is
// a paragraph, and an unclosed fence runs to the end.
func blocks(markdown string) []block {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(markdown, "\r\n", "\n"), "\r", "\n"), "\n")
	var out []block
	for i := 0; i < len(lines); {
		b, next := readBlock(lines, i)
		if len(b.lines) > 0 {
			out = append(out, b)
		}
		i = next
	}
	return out
}

func readBlock(lines []string, i int) (block, int) {
	line := lines[i]
	switch {
	case strings.TrimSpace(line) == "":
		return block{}, i + 1
	case atxHeading.MatchString(line):
		m := atxHeading.FindStringSubmatch(line)
		return block{kind: blockHeading, level: len(m[1]), lines: []string{headingAttr.ReplaceAllString(m[2], "")}}, i + 1
	case fenceOpen.MatchString(line):
		return readFence(lines, i)
	case i+1 < len(lines) && strings.Contains(line, "|") && strings.Contains(lines[i+1], "-") && tableRule.MatchString(lines[i+1]):
		return readWhile(blockTable, lines, i, func(l string) bool { return strings.Contains(l, "|") })
	case listItem.MatchString(line):
		return readList(lines, i)
	}
	return readParagraph(lines, i)
}

func readFence(lines []string, i int) (block, int) {
	marker := fenceOpen.FindStringSubmatch(lines[i])[1]
	for end := i + 1; end < len(lines); end++ {
		closing := strings.TrimSpace(lines[end])
		if strings.HasPrefix(closing, marker) && strings.Trim(closing, marker[:1]) == "" {
			return block{kind: blockCode, lines: lines[i : end+1]}, end + 1
		}
	}
	return block{kind: blockCode, lines: lines[i:]}, len(lines)
}

func readWhile(kind blockKind, lines []string, i int, in func(string) bool) (block, int) {
	end := i
	for end < len(lines) && strings.TrimSpace(lines[end]) != "" && in(lines[end]) {
		end++
	}
	return block{kind: kind, lines: lines[i:end]}, end
}

// readList takes items, their indented continuation and blank lines between
// them; an unindented line that is no item ends the list after a blank line.
func readList(lines []string, i int) (block, int) {
	end, blank := i+1, false
	for ; end < len(lines); end++ {
		line := lines[end]
		if strings.TrimSpace(line) == "" {
			blank = true
			continue
		}
		indented := strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t")
		if atxHeading.MatchString(line) || (blank && !indented && !listItem.MatchString(line)) {
			break
		}
		blank = false
	}
	last := end
	for last > i && strings.TrimSpace(lines[last-1]) == "" {
		last--
	}
	return block{kind: blockList, lines: lines[i:last]}, end
}

func readParagraph(lines []string, i int) (block, int) {
	end := i + 1
	for ; end < len(lines); end++ {
		line := lines[end]
		if strings.TrimSpace(line) == "" || atxHeading.MatchString(line) || fenceOpen.MatchString(line) {
			break
		}
		if m := setextLine.FindStringSubmatch(line); m != nil {
			level := 2
			if m[1][0] == '=' {
				level = 1
			}
			return block{kind: blockHeading, level: level, lines: []string{strings.Join(lines[i:end], " ")}}, end + 1
		}
		if listItem.MatchString(line) && end > i {
			break
		}
	}
	return block{kind: blockParagraph, lines: lines[i:end]}, end
}

// pieces returns the block as texts of at most about limit words each.
func (b block) pieces(limit int) []string {
	text := strings.Join(b.lines, "\n")
	if len(strings.Fields(text)) <= limit && len(text) <= maxLineBytes {
		return []string{text}
	}
	head, body := []string(nil), b.lines
	if b.kind == blockTable {
		head, body = b.lines[:2], b.lines[2:]
	}
	return group(head, units(b.kind, body), limit)
}

// units are the smallest parts a block may be cut between: list items with
// their continuation, table rows, code lines, sentences of a paragraph.
func units(kind blockKind, lines []string) []string {
	var out []string
	for _, line := range lines {
		for _, part := range cutLine(line) {
			switch {
			case kind == blockList && len(out) > 0 && !listItem.MatchString(part):
				if len(out[len(out)-1])+len(part) <= maxLineBytes {
					out[len(out)-1] += "\n" + part
					continue
				}
			case kind == blockParagraph:
				out = append(out, Sentences(part)...)
				continue
			}
			out = append(out, part)
		}
	}
	return out
}

func group(head, units []string, limit int) []string {
	var out, current []string
	words, size := 0, 0
	flush := func() {
		if len(current) > 0 {
			out = append(out, strings.Join(append(append([]string(nil), head...), current...), "\n"))
		}
		current, words, size = nil, 0, 0
	}
	for _, unit := range units {
		n := len(strings.Fields(unit))
		if len(current) > 0 && (words+n > limit || size+len(unit) > maxLineBytes) {
			flush()
		}
		current, words, size = append(current, unit), words+n, size+len(unit)
	}
	flush()
	return out
}
