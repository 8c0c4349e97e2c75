package guard

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxHidden bounds how many encoded pieces of one text are looked at.
const maxHidden = 8

// hiddenText is a text found inside another one.
type hiddenText struct {
	text    string
	encoded bool // not only cut up
}

// decode finds sentences hidden in a text: encoded, shifted, spelled over the radio,
// backwards or in pieces. What decodes to anything but words, such as keys, images and
// certificates, is left alone.
func decode(text string) (hidden []hiddenText) {
	add := func(s string, encoded bool) {
		if s != "" && len(hidden) < maxHidden {
			hidden = append(hidden, hiddenText{s, encoded})
		}
	}
	for i := 0; i < len(text) && len(hidden) < maxHidden; {
		j := i
		for j < len(text) && codeByte(text[j]) {
			j++
		}
		if j-i >= 24 {
			if s, ok := decoded(text[i:j]); ok {
				add(s, true)
			}
		}
		i = j + 1
	}
	lower := strings.ToLower(text)
	if anyOf(lower, shifted) {
		add(strings.Map(rot13, text), true)
	}
	if anyOf(lower, backwards) {
		add(reversed(text), true)
	}
	for _, read := range []func(string) string{smuggled, morse, ones, alphabet, pigLatin, caesar} {
		add(read(text), true)
	}
	add(pieces(text), false)
	return hidden
}

// What words an attack cannot do without look like when shifted, and backwards.
var (
	shifted   = []string{"vtaber", "qvfertneq", "vafgehpgvba", "cebzcg", "erirny", "flfgrz cebzcg"}
	backwards = []string{"erongi", "drageris", "drager", "snoitcurtsni", "noitcurtsni", "tpmorp metsys", "tpmorp ruoy", "laever"}
)

func codeByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' || c == '-' || c == '_'
}

func decoded(code string) (string, bool) {
	if b, err := hex.DecodeString(code); err == nil && prose(b) {
		return string(b), true
	}
	code = strings.TrimRight(code, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := encoding.DecodeString(code); err == nil && prose(b) {
			return string(b), true
		}
	}
	return "", false
}

// prose reports whether bytes are words with spaces: at least three, mostly of letters.
func prose(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	letters, spaces, all := 0, 0, 0
	for _, r := range string(b) {
		all++
		switch {
		case unicode.IsLetter(r):
			letters++
		case r == ' ' || r == '\n':
			spaces++
		case unicode.IsControl(r) && r != '\t' && r != '\r':
			return false
		}
	}
	return spaces >= 2 && letters*10 >= all*6
}

func rot13(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}

func reversed(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}

// comments are the insides of HTML comments: nothing a person sees.
func comments(text string) (inside []string) {
	for len(inside) < maxHidden {
		_, rest, ok := strings.Cut(text, "<!--")
		if !ok {
			return inside
		}
		inner, after, _ := strings.Cut(rest, "-->")
		inside = append(inside, inner)
		text = after
	}
	return inside
}

// quotedHeader is a line of a quoted mail's head.
var quotedHeader = regexp.MustCompile(`(?im)(?:^|\||\s)(?:from|subject|received(?: date)?|sent|content|email_from|von|betreff|gesendet|objet|envoyé|de|asunto|enviado|assunto):`)

// quotes reports whether a message carries somebody else's text: a quoted or
// forwarded mail, a table, a block of code. What stands there is data, so orders
// in it count as in a passage.
func quotes(text string) bool {
	if strings.Contains(text, "```") || strings.Contains(text, "\n>") || strings.HasPrefix(text, ">") {
		return true
	}
	if strings.Count(text, "\n|") >= 2 {
		return true
	}
	return strings.Contains(text, ":") && len(quotedHeader.FindAllStringIndex(text, 3)) >= 2
}
