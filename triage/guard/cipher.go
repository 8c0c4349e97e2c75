package guard

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// smuggled reads letters written in the invisible characters of tags.
func smuggled(text string) string {
	if !strings.Contains(text, "\xf3\xa0\x80") && !strings.Contains(text, "\xf3\xa0\x81") {
		return ""
	}
	var b strings.Builder
	for _, r := range text {
		if r > 0xe0000 && r < 0xe007f {
			b.WriteByte(byte(r - 0xe0000))
		}
	}
	return b.String()
}

// morseSigns are the letters of Morse's alphabet.
var morseSigns = map[string]byte{
	".-": 'a', "-...": 'b', "-.-.": 'c', "-..": 'd', ".": 'e', "..-.": 'f', "--.": 'g', "....": 'h', "..": 'i', ".---": 'j', "-.-": 'k', ".-..": 'l', "--": 'm',
	"-.": 'n', "---": 'o', ".--.": 'p', "--.-": 'q', ".-.": 'r', "...": 's', "-": 't', "..-": 'u', "...-": 'v', ".--": 'w', "-..-": 'x', "-.--": 'y', "--..": 'z',
}

// morse reads a run of at least twelve letters in dots and dashes.
func morse(text string) string {
	if strings.Count(text, ".")+strings.Count(text, "-")+strings.Count(text, "·")+strings.Count(text, "–") < 20 {
		return ""
	}
	var b strings.Builder
	letters := 0
	for field := range strings.FieldsSeq(strings.NewReplacer("/", " / ", "|", " / ", "·", ".", "•", ".", "–", "-", "—", "-", "_", "-").Replace(text)) {
		switch letter, ok := morseSigns[field]; {
		case ok:
			b.WriteByte(letter)
			letters++
		case field == "/":
			b.WriteByte(' ')
		}
	}
	if letters < 12 {
		return ""
	}
	return b.String()
}

var eights = regexp.MustCompile(`(?:\b[01]{8}\b[ ,]*){6,}`)

// ones reads bytes written in ones and zeros.
func ones(text string) string {
	if strings.Count(text, "0")+strings.Count(text, "1") < 48 {
		return ""
	}
	var b strings.Builder
	for field := range strings.FieldsFuncSeq(eights.FindString(text), func(r rune) bool { return r == ' ' || r == ',' }) {
		n := byte(0)
		for i := range len(field) {
			n = n<<1 | (field[i] - '0')
		}
		b.WriteByte(n)
	}
	if s := b.String(); prose([]byte(s)) || strings.Contains(s, " ") && utf8.ValidString(s) {
		return s
	}
	return ""
}

var spellingWords = map[string]byte{
	"alpha": 'a', "alfa": 'a', "bravo": 'b', "charlie": 'c', "delta": 'd', "echo": 'e', "foxtrot": 'f', "golf": 'g', "hotel": 'h', "india": 'i', "juliett": 'j', "juliet": 'j',
	"kilo": 'k', "lima": 'l', "mike": 'm', "november": 'n', "oscar": 'o', "papa": 'p', "quebec": 'q', "romeo": 'r', "sierra": 's', "tango": 't', "uniform": 'u', "victor": 'v',
	"whiskey": 'w', "xray": 'x', "yankee": 'y', "zulu": 'z',
}

// alphabet reads words spelled over the radio: at least five in a row.
func alphabet(text string) string {
	var b, word strings.Builder
	flush := func() {
		if word.Len() >= 5 {
			b.WriteString(word.String() + " ")
		}
		word.Reset()
	}
	for field := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return r == ' ' || r == ',' || r == '.' || r == '-' || r == '\n' }) {
		if letter, ok := spellingWords[field]; ok {
			word.WriteByte(letter)
		} else {
			flush()
		}
	}
	flush()
	return b.String()
}

// pigLatin undoes the children's language where most words end in "ay".
func pigLatin(text string) string {
	words := strings.Fields(strings.ToLower(text))
	ends := 0
	for _, w := range words {
		if strings.HasSuffix(strings.TrimRight(w, ".,!?"), "ay") {
			ends++
		}
	}
	if ends < 4 || ends*3 < len(words)*2 {
		return ""
	}
	var b strings.Builder
	for _, w := range words {
		w = strings.TrimSuffix(strings.TrimRight(w, ".,!?"), "ay")
		switch i := strings.LastIndexAny(w, "aeiou"); {
		case strings.HasSuffix(w, "w") || strings.HasSuffix(w, "y"):
			w = w[:len(w)-1]
		case i >= 0 && i+1 < len(w):
			w = w[i+1:] + w[:i+1]
		}
		b.WriteString(w + " ")
	}
	return b.String()
}

// piece is a short part of a text in quotation marks.
var piece = regexp.MustCompile("[\"“«„']([^\"“”«»„'\n]{1,40})[\"”»“']")

// pieces joins what somebody cut up: at least two quoted parts, where the text
// speaks of putting them together.
func pieces(text string) string {
	lower := strings.ToLower(text)
	if !anyOf(lower, joining) {
		return ""
	}
	found := piece.FindAllStringSubmatch(text, 16)
	if len(found) < 2 {
		return strings.NewReplacer(" | ", "", "|", "", " + ", "", "+", "", " - ", "").Replace(text) // cut by a mark
	}
	var b strings.Builder
	for _, p := range found {
		b.WriteString(p[1])
	}
	b.WriteByte('\n')
	for _, p := range found {
		b.WriteString(strings.TrimSpace(p[1]) + " ")
	}
	return b.String()
}

var joining = []string{"+", "join", "concat", "combine", "together", "append", "verbinde", "zusammen", "concat", "assemble", "junta", "combina"}

// commonWords are in nearly every English sentence.
var commonWords = wordList(`the and you your all to of is that this me what how with for from please show tell ignore instructions rules prompt system previous reveal`)

// caesar undoes a shift of the alphabet where the text has no English words and
// one shift gives several.
func caesar(text string) string {
	if len(text) > 600 || !isASCII(text) {
		return ""
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(words) < 4 {
		return ""
	}
	known := func(shift byte) (n int) {
		for _, w := range words {
			if len(w) > 12 {
				continue
			}
			var moved [12]byte
			for i := range len(w) {
				moved[i] = 'a' + (w[i]-'a'+shift)%26
			}
			if commonWords[string(moved[:len(w)])] {
				n++
			}
		}
		return n
	}
	if known(0) > 0 {
		return ""
	}
	for shift := byte(1); shift < 26; shift++ {
		if n := known(shift); n >= 2 && n*4 >= len(words) {
			return strings.Map(func(r rune) rune {
				switch {
				case r >= 'a' && r <= 'z':
					return 'a' + (r-'a'+rune(shift))%26
				case r >= 'A' && r <= 'Z':
					return 'A' + (r-'A'+rune(shift))%26
				}
				return r
			}, text)
		}
	}
	return ""
}
