package lexicon

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Token is one word of a text, lower-cased, with its place in the word order.
// A compound such as "sign-up", "utm_source" or "GitHub" yields its parts and
// the joined form, all at the position of the first part.
type Token struct {
	Text     string
	Position int
	// Joined marks the glued form of a compound, which repeats its parts.
	Joined bool
}

// maxWord bounds a token in bytes; longer runs are base64, hashes or attacks.
const maxWord = 64

// Tokens splits text into words. Scripts written without spaces (Han, Kana,
// Thai …) are cut into overlapping pairs of characters.
func Tokens(text string) []Token {
	text = norm.NFKC.String(text)
	tokens := make([]Token, 0, len(text)/6+1)
	position := 0
	runes := []rune(text)
	for start := 0; start < len(runes); {
		if !isWord(runes[start]) {
			start++
			continue
		}
		end := start + 1
		for end < len(runes) && (isWord(runes[end]) || isConnector(runes, end)) {
			end++
		}
		tokens, position = appendRun(tokens, runes[start:end], position)
		start = end
	}
	return tokens
}

func appendRun(tokens []Token, run []rune, position int) ([]Token, int) {
	if unspaced(run[0]) {
		return appendPairs(tokens, run, position)
	}
	parts := splitRun(run)
	first := position
	for _, part := range parts {
		if len(part) <= maxWord {
			tokens = append(tokens, Token{Text: part, Position: position})
			position++
		}
	}
	if len(parts) > 1 {
		if joined := strings.Join(parts, ""); len(joined) <= maxWord {
			tokens = append(tokens, Token{Text: joined, Position: first, Joined: true})
		}
	}
	return tokens, position
}

// splitRun cuts a run at connectors and where lower case meets upper case, and
// drops possessives and apostrophes. Numbers keep their points: "2.1" is one.
func splitRun(run []rune) []string {
	if numeric(run) {
		return []string{strings.Trim(string(run), ".,-+#&'’")}
	}
	var parts []string
	var part []rune
	flush := func() {
		if word := strings.TrimSuffix(strings.ToLower(string(part)), "'s"); word != "" {
			parts = append(parts, strings.ReplaceAll(word, "'", ""))
		}
		part = part[:0]
	}
	for i, r := range run {
		switch {
		case r == '\'' || r == '’':
			part = append(part, '\'')
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			flush()
			continue
		case i > 0 && unicode.IsUpper(r) && unicode.IsLower(run[i-1]):
			flush()
		}
		part = append(part, r)
	}
	flush()
	return parts
}

func appendPairs(tokens []Token, run []rune, position int) ([]Token, int) {
	if len(run) == 1 {
		return append(tokens, Token{Text: string(run), Position: position}), position + 1
	}
	for i := 0; i+1 < len(run); i++ {
		tokens = append(tokens, Token{Text: string(run[i : i+2]), Position: position})
		position++
	}
	return tokens, position
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// isConnector reports whether runes[i] glues two word characters together.
func isConnector(runes []rune, i int) bool {
	switch runes[i] {
	case '\'', '’', '-', '_', '.', '+', '&':
		return i+1 < len(runes) && isWord(runes[i+1]) && !unspaced(runes[i+1])
	}
	return false
}

func numeric(run []rune) bool {
	for _, r := range run {
		if !unicode.IsDigit(r) && r != '.' && r != '-' {
			return false
		}
	}
	return true
}

func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer)
}

// Fold removes accents, so that "facturación" and "facturacion" are one word.
func Fold(word string) string {
	ascii := true
	for i := 0; i < len(word); i++ {
		if word[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return word
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(word) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'ß':
			b.WriteString("ss")
		case r == 'ø':
			b.WriteByte('o')
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}
