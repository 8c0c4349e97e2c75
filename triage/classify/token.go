package classify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTokens bounds the work one text can cause: what a customer pastes after
// some thousand words is a log, not a question.
const maxTokens = 4000

// contractions are written out so that negation survives every spelling.
var contractions = map[string]string{
	"can't": "can not", "cannot": "can not", "cant": "can not", "won't": "will not", "wont": "will not",
	"don't": "do not", "dont": "do not", "doesn't": "does not", "doesnt": "does not", "didn't": "did not", "didnt": "did not",
	"isn't": "is not", "isnt": "is not", "aren't": "are not", "arent": "are not", "wasn't": "was not", "wasnt": "was not",
	"weren't": "were not", "werent": "were not", "hasn't": "has not", "hasnt": "has not", "haven't": "have not", "havent": "have not",
	"hadn't": "had not", "hadnt": "had not", "couldn't": "could not", "couldnt": "could not", "wouldn't": "would not", "wouldnt": "would not",
	"shouldn't": "should not", "shouldnt": "should not", "needn't": "need not", "mustn't": "must not", "ain't": "is not",
	"i'm": "i am", "im": "i am", "i've": "i have", "ive": "i have", "i'd": "i would", "i'll": "i will",
	"you're": "you are", "youre": "you are", "you've": "you have", "you'd": "you would", "you'll": "you will",
	"we're": "we are", "we've": "we have", "we'd": "we would", "we'll": "we will",
	"they're": "they are", "they've": "they have", "they'd": "they would", "they'll": "they will",
	"it's": "it is", "he's": "he is", "she's": "she is", "that's": "that is", "thats": "that is", "there's": "there is", "here's": "here is",
	"what's": "what is", "whats": "what is", "where's": "where is", "wheres": "where is", "who's": "who is", "whos": "who is",
	"when's": "when is", "how's": "how is", "why's": "why is", "let's": "let us", "lets": "let us",
	"gonna": "going to", "wanna": "want to", "gotta": "got to", "pls": "please", "plz": "please", "thx": "thanks", "ur": "your", "u": "you",
}

// words cuts text into lower-case tokens: runs of letters and digits (with
// inner apostrophes written out), single ideographs, and the marks ? and !.
// Latin accents are folded because customers leave them out.
func words(text string) []string {
	out := make([]string, 0, len(text)/5+4)
	var b strings.Builder
	flush := func() {
		if b.Len() == 0 {
			return
		}
		w := strings.TrimRight(b.String(), "'")
		b.Reset()
		if w == "" {
			return
		}
		if full, ok := contractions[w]; ok {
			for part := range strings.FieldsSeq(full) {
				out = append(out, part)
			}
			return
		}
		if i := strings.IndexByte(w, '\''); i > 0 {
			if tail := w[i+1:]; tail == "s" || len(tail) > 3 {
				out = append(out, w[:i])
				if tail != "s" {
					out = append(out, tail)
				}
				return
			}
			w = strings.ReplaceAll(w, "'", "")
		}
		out = append(out, w)
	}
	for _, r := range text {
		if len(out) >= maxTokens {
			break
		}
		switch {
		case r == '\'' || r == '’' || r == '‘' || r == '`' || r == '´':
			if b.Len() > 0 {
				b.WriteByte('\'')
			}
		case ideograph(r):
			flush()
			out = append(out, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r):
			b.WriteString(fold(unicode.ToLower(r)))
		case r == '?' || r == '!':
			flush()
			if n := len(out); n == 0 || out[n-1] != string(r) {
				out = append(out, string(r))
			}
		default:
			flush()
		}
	}
	flush()
	return out
}

// ideograph reports whether a rune stands as a word of its own.
func ideograph(r rune) bool {
	return r >= 0x2E80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x0E00 && r <= 0x0EFF
}

// folded maps accented Latin letters to plain ones.
var folded = func() map[rune]string {
	m := map[rune]string{'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ı': "i"}
	for plain, accented := range map[string]string{
		"a": "àáâãäåāăą", "c": "çćĉċč", "d": "ď", "e": "èéêëēĕėęě", "g": "ĝğġģ", "i": "ìíîïĩīĭį", "n": "ñńņň",
		"o": "òóôõöōŏő", "r": "ŕř", "s": "śŝşšș", "t": "ţťț", "u": "ùúûüũūŭůűų", "y": "ýÿ", "z": "źżž",
	} {
		for _, r := range accented {
			m[r] = plain
		}
	}
	return m
}()

func fold(r rune) string {
	if r < utf8.RuneSelf {
		return asciiText[r : r+1]
	}
	if s, ok := folded[r]; ok {
		return s
	}
	return string(r)
}

// asciiText lets fold return one-byte strings without allocating.
var asciiText = func() string {
	b := make([]byte, utf8.RuneSelf)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}()

// stem strips the commonest English endings. It is deliberately light: it joins
// "declined", "declines" and "declining", and leaves short words alone.
func stem(w string) string {
	n := len(w)
	if n < 4 || w[0] >= utf8.RuneSelf {
		return w
	}
	switch {
	case strings.HasSuffix(w, "sses"):
		w = w[:n-2]
	case strings.HasSuffix(w, "ies") && n > 4:
		w = w[:n-3] + "y"
	case strings.HasSuffix(w, "ss") || strings.HasSuffix(w, "us") || strings.HasSuffix(w, "is"):
	case strings.HasSuffix(w, "s"):
		w = w[:n-1]
	}
	n = len(w)
	switch {
	case strings.HasSuffix(w, "ing") && n > 5 && vowelIn(w[:n-3]):
		w = undouble(w[:n-3])
	case strings.HasSuffix(w, "ied") && n > 4:
		w = w[:n-3] + "y"
	case strings.HasSuffix(w, "ed") && n > 4 && vowelIn(w[:n-2]):
		w = undouble(w[:n-2])
	case strings.HasSuffix(w, "ly") && n > 5:
		w = w[:n-2]
	}
	if n = len(w); n > 4 && w[n-1] == 'e' {
		w = w[:n-1]
	}
	return w
}

func vowelIn(s string) bool { return strings.ContainsAny(s, "aeiouy") }

func undouble(s string) string {
	n := len(s)
	if n > 3 && s[n-1] == s[n-2] && !strings.ContainsRune("lsz", rune(s[n-1])) {
		return s[:n-1]
	}
	return s
}
