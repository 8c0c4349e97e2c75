package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxBytes is how much of a text is read: what comes after is a log, and an
// attack that needs so long a run-up is caught by the gate like any other.
const maxBytes = 32 << 10

// token is one word of a text as it sounds: lower case, without accents, look-alikes
// and letter play undone.
type token struct {
	text     string
	place    int  // grows by one per word and by three per end of a sentence
	sentence int  // counted from 0
	concepts set  // what the lexicon says it means
	shouted  bool // written in capitals
}

// sentence is a run of tokens, as indexes, and how it ends.
type sentence struct {
	from, to int
	question bool
}

// reading is a text cut into what the rules look at.
type reading struct {
	hidden    bool // it was encoded or in a comment: data, whatever it stands in
	encoded   bool
	comment   bool
	styled    bool // it has words in letters made for mathematics or in boxes
	tokens    []token
	sentences []sentence
}

// lookAlikes are letters of other scripts that pass for Latin ones, folded.
var lookAlikes = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'ё': 'e', 'һ': 'h', 'і': 'i', 'ї': 'i', 'ј': 'j', 'к': 'k', 'ӏ': 'l', 'м': 'm', 'н': 'h', 'о': 'o', 'р': 'p', 'ԛ': 'q', 'г': 'r', 'ѕ': 's', 'т': 't', 'у': 'y', 'ѵ': 'v', 'ԝ': 'w', 'х': 'x',
	'α': 'a', 'β': 'b', 'ε': 'e', 'η': 'n', 'ι': 'i', 'κ': 'k', 'μ': 'm', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'σ': 'o', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ω': 'w',
	'ɑ': 'a', 'ƅ': 'b', 'ɡ': 'g', 'ı': 'i', 'ɩ': 'i', 'ո': 'n', 'օ': 'o', 'ѡ': 'w', 'ɴ': 'n', 'ʀ': 'r', 'ᴀ': 'a', 'ʙ': 'b', 'ᴄ': 'c', 'ᴅ': 'd', 'ᴇ': 'e', 'ɢ': 'g', 'ʜ': 'h', 'ɪ': 'i', 'ᴊ': 'j', 'ᴋ': 'k', 'ʟ': 'l', 'ᴍ': 'm', 'ᴏ': 'o', 'ᴘ': 'p', 'ᴛ': 't', 'ᴜ': 'u', 'ᴠ': 'v', 'ᴡ': 'w', 'ʏ': 'y', 'ᴢ': 'z',
	'ø': 'o', 'ł': 'l', 'đ': 'd',
}

// leet are the digits and marks that stand for letters inside words.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s")

// invisible characters split words for a reader that is no person.
func invisible(r rune) bool {
	return r == '\u00ad' || r >= '\u200b' && r <= '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2060' && r <= '\u2064' ||
		r == '\ufeff' || r >= '\ufe00' && r <= '\ufe0f' || r >= 0xe0000 && r <= 0xe007f || r == '\u034f' || r == '\u180e'
}

// boxed gives the letter of a regional indicator or a letter in a box.
func boxed(r rune) (rune, bool) {
	switch {
	case r >= 0x1f1e6 && r <= 0x1f1ff:
		return 'a' + r - 0x1f1e6, true
	case r >= 0x1f130 && r <= 0x1f149:
		return 'a' + r - 0x1f130, true
	case r >= 0x1f150 && r <= 0x1f169:
		return 'a' + r - 0x1f150, true
	case r >= 0x1f170 && r <= 0x1f189:
		return 'a' + r - 0x1f170, true
	}
	return 0, false
}

// plain writes a text without invisible characters, accents and styled letters.
// Case is kept.
func plain(text string) string {
	ascii := true
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range norm.NFKD.String(text) {
		switch {
		case invisible(r) || unicode.Is(unicode.Mn, r):
		case r < utf8.RuneSelf:
			b.WriteByte(byte(r))
		case r == 'ß':
			b.WriteString("ss")
		case r == 'æ' || r == 'Æ':
			b.WriteString("ae")
		case r == 'œ' || r == 'Œ':
			b.WriteString("oe")
		case r == '’' || r == '‘' || r == '´' || r == '`':
			b.WriteByte('\'')
		default:
			if letter, ok := boxed(r); ok {
				r = letter
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unmask replaces letters of other scripts in a word that also has Latin ones,
// or that has nothing but look-alikes.
func unmask(word string) string {
	latin, others, strange := false, 0, false
	for _, r := range word {
		switch _, known := lookAlikes[r]; {
		case r >= 'a' && r <= 'z':
			latin = true
		case known:
			others++
		case r >= utf8.RuneSelf:
			strange = true
		}
	}
	if others == 0 || strange || !latin && others < 4 {
		return word
	}
	return strings.Map(func(r rune) rune {
		if to, ok := lookAlikes[r]; ok {
			return to
		}
		return r
	}, word)
}

func wordRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// read cuts a text into tokens and sentences and looks every token up.
func read(text string) reading {
	r := reading{styled: styled(text)}
	text = plain(text)
	r.tokens = make([]token, 0, len(text)/5+8)
	place, start := 0, -1
	open := 0 // first token of the sentence being read
	end := func(question bool) {
		if len(r.tokens) > open {
			r.sentences = append(r.sentences, sentence{open, len(r.tokens), question})
			open = len(r.tokens)
			place += 3
		}
	}
	gaps := make([]int, 0, len(text)/5+8) // bytes between a token and the one before
	last := 0
	flush := func(at int) {
		if start < 0 {
			return
		}
		raw := text[start:at]
		lower := strings.ToLower(raw)
		if lower != raw || raw[0] >= utf8.RuneSelf {
			lower = unmask(lower)
		} else if !isASCII(raw) {
			lower = unmask(lower)
		}
		r.tokens = append(r.tokens, token{text: lower, place: place, sentence: len(r.sentences), shouted: len(raw) > 2 && strings.ToUpper(raw) == raw && strings.ToLower(raw) != raw})
		gaps = append(gaps, start-last)
		last = at
		place++
		start = -1
	}
	for i, c := range text {
		switch {
		case wordRune(c):
			if start < 0 {
				start = i
			}
		case (c == '\'' || c == '@' || c == '$' || c == '_') && start >= 0 && i+1 < len(text) && wordRune(rune(text[i+1])):
			if c == '_' { // snake_case is several words
				flush(i)
			}
		default:
			flush(i)
			switch c {
			case '.', ';', '!', '。', '！':
				if c == '.' && i+1 < len(text) && wordRune(rune(text[i+1])) {
					break // 1.2, example.com
				}
				end(false)
			case '?', '？':
				end(true)
			case '\n':
				end(false)
			}
		}
	}
	flush(len(text))
	end(false)
	r.spell(gaps)
	for i := range r.tokens {
		word := r.tokens[i].text
		r.tokens[i].concepts |= lexicon.meaning(word)
		if len(word) >= joinedLength {
			if all := segment(word); all&isAbout != 0 && all&givesOrder != 0 { // written without gaps
				r.tokens[i].concepts |= all | conceptSpelled
			}
		}
	}
	lexicon.phrases.mark(r.tokens)
	r.destinations()
	return r
}

// joinedLength is from how many letters on a word may be several; those that give
// an order and what the order is about.
const joinedLength = 16

var (
	givesOrder = lexicon.concepts["override"] | lexicon.concepts["reveal"]
	isAbout    = lexicon.concepts["instr"] | lexicon.concepts["prompt"] | lexicon.concepts["secret"] | lexicon.concepts["setup"]
)

// destinations marks addresses that data can be sent to.
func (r *reading) destinations() {
	for i := range r.tokens {
		switch t := r.tokens[i].text; {
		case t == "http", t == "https", t == "www", strings.IndexByte(t, '@') > 0:
			r.tokens[i].concepts |= conceptDestination
		}
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// spell joins letters that stand alone ("i g n o r e", "p-w-n") into words. A
// wider gap than between the letters before ends a word.
func (r *reading) spell(gaps []int) {
	single := func(i int) bool { return i < len(r.tokens) && utf8.RuneCountInString(r.tokens[i].text) == 1 }
	for i := 0; i < len(r.tokens); i++ {
		if !single(i) {
			continue
		}
		j := i
		for single(j) {
			j++
		}
		if j-i >= 4 {
			width := gaps[i+1]
			for k := i; k < j; {
				first := k
				var word strings.Builder
				word.WriteString(r.tokens[k].text)
				for k++; k < j && gaps[k] <= width; k++ {
					word.WriteString(r.tokens[k].text)
				}
				if k-first >= 3 {
					r.tokens[first].text = word.String()
					r.tokens[first].concepts |= conceptSpelled | segment(word.String())
				}
			}
		}
		i = j
	}
}

// segment reads the words of the lexicon out of letters without gaps.
func segment(letters string) (all set) {
	for i := 0; i < len(letters); {
		step := 1
		for n := min(len(letters)-i, 14); n >= 5; n-- {
			if found := lexicon.exact[letters[i:i+n]]; found != 0 {
				all |= found
				step = n
				break
			}
		}
		i += step
	}
	return all
}

// evasive reports whether a word an attack needs was written letter by letter or
// in styled letters.
func (r *reading) evasive() bool {
	for i := range r.tokens {
		if c := r.tokens[i].concepts; (c&conceptSpelled != 0 || r.styled) && c&sensitive != 0 {
			return true
		}
	}
	return false
}

// styled reports whether a text has words in letters made for mathematics, in
// full width, in circles or in boxes: at least three such letters in a row.
func styled(text string) bool {
	run := 0
	for _, r := range text {
		_, box := boxed(r)
		if box || r >= 0xff21 && r <= 0xff5a || r >= 0x1d400 && r <= 0x1d7cb || r >= 0x24b6 && r <= 0x24e9 {
			if run++; run >= 3 {
				return true
			}
		} else if !invisible(r) {
			run = 0
		}
	}
	return false
}

// sensitive are meanings nobody spells out without a reason.
var sensitive = lexicon.concepts["override"] | lexicon.concepts["instr"] | lexicon.concepts["prompt"] | lexicon.concepts["pwn"] | lexicon.concepts["secret"] | lexicon.concepts["unbound"] | lexicon.concepts["forbidden"]
