package chunk

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	image     = regexp.MustCompile(`!\[([^\]]*)\]\([^)]*\)`)
	link      = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	htmlTag   = regexp.MustCompile(`</?[A-Za-z][^<>]*>|<!--[\s\S]*?-->`)
	emphasis  = regexp.MustCompile("[*`]+|~~|\\b__|__\\b")
	lineStart = regexp.MustCompile(`(?m)^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+)`)
	ruleLine  = regexp.MustCompile(`(?m)^[ \t]*\|?[ \t:|-]*-{3,}[ \t:|-]*$`)
	fenceLine = regexp.MustCompile("(?m)^[ \t]*(?:```|~~~).*$")
	admonish  = regexp.MustCompile(`(?m)^:::.*$`)
	spaces    = regexp.MustCompile(`[ \t]{2,}`)
)

// Plain strips Markdown markup and tags and keeps every word a reader sees.
func Plain(markdown string) string {
	s := image.ReplaceAllString(markdown, "$1")
	s = link.ReplaceAllString(s, "$1")
	s = htmlTag.ReplaceAllString(s, " ")
	s = fenceLine.ReplaceAllString(s, "")
	s = admonish.ReplaceAllString(s, "")
	s = ruleLine.ReplaceAllString(s, "")
	s = lineStart.ReplaceAllString(s, "")
	s = emphasis.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, "|", " ")
	return strings.TrimSpace(spaces.ReplaceAllString(s, " "))
}

// Sentences splits running text at sentence ends. Abbreviations and decimals
// are left alone: an end needs a space and an upper-case letter, digit or quote after it.
// What closes a quotation belongs to the sentence that ends in it.
func Sentences(text string) []string {
	var out []string
	runes := []rune(text)
	start := 0
	for i, r := range runes {
		if !sentenceEnd(runes, i, r) {
			continue
		}
		end := i + 1
		for end < len(runes) && closing(runes[end]) {
			end++
		}
		if s := strings.TrimSpace(string(runes[start:end])); s != "" {
			out = append(out, s)
		}
		start = end
	}
	if s := strings.TrimSpace(string(runes[start:])); s != "" {
		out = append(out, s)
	}
	return out
}

func sentenceEnd(runes []rune, i int, r rune) bool {
	switch r {
	case '。', '！', '？', '\n':
		return true
	case '.', '!', '?':
	default:
		return false
	}
	next := i + 1
	for next < len(runes) && closing(runes[next]) {
		next++
	}
	if next >= len(runes) || runes[next] != ' ' {
		return false
	}
	for next < len(runes) && runes[next] == ' ' {
		next++
	}
	if next >= len(runes) {
		return true
	}
	after := runes[next]
	return (unicode.IsUpper(after) || unicode.IsDigit(after) || strings.ContainsRune("\"“¿¡[(*", after)) && !abbreviation(runes, i)
}

func closing(r rune) bool { return r == '"' || r == '”' || r == '»' || r == ')' }

func abbreviation(runes []rune, dot int) bool {
	start := dot
	for start > 0 && (unicode.IsLetter(runes[start-1]) || runes[start-1] == '.') {
		start--
	}
	switch strings.ToLower(string(runes[start:dot])) {
	case "e.g", "i.e", "mr", "mrs", "ms", "dr", "vs", "no", "inc", "ltd", "approx", "z.b", "bzw":
		return true
	}
	return false
}
