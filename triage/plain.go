package triage

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain removes from a text what could deceive the people who read it in another
// system: control characters, direction overrides, and what cannot be seen at all
// (zero-width characters, Unicode tags, fillers), in which instructions to a model
// or a second mention are hidden. Joiners that scripts and emoji need stay.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == 0x200C || r == 0x200D: // between letters of Persian, between emoji
			return r
		case r == utf8.RuneError, unicode.IsControl(r), invisible(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

func invisible(r rune) bool {
	switch {
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F: // zero-width, direction
		return true
	case r == 0x061C, r == 0x180E, r == 0xFEFF, r >= 0xFFF9 && r <= 0xFFFB:
		return true
	case r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0: // fillers of Hangul
		return true
	case r >= 0xE0000 && r <= 0xE0FFF: // tags
		return true
	}
	return false
}
