package answer

import (
	"regexp"
	"strings"

	"github.com/usherdesk/usher/knowledge/chunk"
)

// unit is a piece of a passage that can be quoted by itself: a sentence, a whole
// list with the line that leads into it, a table, a code block.
type unit struct {
	text  string // Markdown
	kind  unitKind
	lead  string   // the line before a list that ends in a colon
	items []string // of a list or table: its items or rows
}

type unitKind int

const (
	sentence unitKind = iota
	list
	steps
	table
	code
)

var (
	bullet   = regexp.MustCompile(`^\s*[-*+]\s+`)
	numbered = regexp.MustCompile(`^\s*\d+[.)]\s+`)
	rule     = regexp.MustCompile(`^\s*\|?[\s:|-]+\|?\s*$`)
	heading  = regexp.MustCompile(`^#{1,6}\s+`)
	image    = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`)
)

// units cuts a passage's Markdown.
func units(markdown string) []unit {
	var out []unit
	lines := strings.Split(strings.ReplaceAll(markdown, "\r\n", "\n"), "\n")
	var paragraph []string
	flush := func() {
		text := strings.TrimSpace(strings.Join(paragraph, " "))
		paragraph = nil
		if text == "" {
			return
		}
		for _, s := range chunk.Sentences(text) {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, unit{text: s, kind: sentence})
			}
		}
	}
	for i := 0; i < len(lines); {
		line := image.ReplaceAllString(lines[i], "")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || heading.MatchString(trimmed):
			flush()
			i++
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			flush()
			end := i + 1
			for end < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[end]), trimmed[:3]) {
				end++
			}
			end = min(end+1, len(lines))
			out = append(out, unit{text: strings.Join(lines[i:end], "\n"), kind: code})
			i = end
		case bullet.MatchString(line) || numbered.MatchString(line):
			flush()
			kind := list
			if numbered.MatchString(line) {
				kind = steps
			}
			end, items := listItems(lines, i)
			out = append(out, withLead(&out, unit{text: strings.TrimRight(strings.Join(lines[i:end], "\n"), "\n "), kind: kind, items: items}))
			i = end
		case strings.HasPrefix(trimmed, "|"):
			flush()
			end := i
			var rows []string
			for end < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[end]), "|") {
				rows = append(rows, strings.TrimSpace(lines[end]))
				end++
			}
			out = append(out, unit{text: strings.Join(rows, "\n"), kind: table, items: rows})
			i = end
		default:
			paragraph = append(paragraph, strings.TrimPrefix(trimmed, "> "))
			i++
		}
	}
	flush()
	return out
}

// listItems reads the list that starts at line i: items may go on over indented
// lines and hold one blank line between them.
func listItems(lines []string, i int) (end int, items []string) {
	for end = i; end < len(lines); end++ {
		line := lines[end]
		switch {
		case bullet.MatchString(line) != bullet.MatchString(lines[i]) && (bullet.MatchString(line) || numbered.MatchString(line)) && !strings.HasPrefix(line, " "):
			return end, items // steps, then a list of its own
		case bullet.MatchString(line) || numbered.MatchString(line):
			items = append(items, strings.TrimSpace(line))
		case strings.TrimSpace(line) == "":
			if end+1 >= len(lines) || !bullet.MatchString(lines[end+1]) && !numbered.MatchString(lines[end+1]) && !strings.HasPrefix(lines[end+1], "  ") {
				return end, items
			}
		case strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t"):
			items[len(items)-1] += " " + strings.TrimSpace(line)
		default:
			return end, items
		}
	}
	return end, items
}

// withLead moves a sentence that ends in a colon from before the list into it.
func withLead(out *[]unit, u unit) unit {
	if n := len(*out); n > 0 && (*out)[n-1].kind == sentence && strings.HasSuffix((*out)[n-1].text, ":") {
		u.lead = (*out)[n-1].text
		*out = (*out)[:n-1]
	}
	return u
}

// markdown is the unit as it is quoted.
func (u unit) markdown() string {
	if u.lead != "" {
		return u.lead + "\n\n" + u.text
	}
	return u.text
}

func plain(markdown string) string { return chunk.Plain(markdown) }
