package classify

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Detect names the language of a text (ISO 639-1) and how sure it is, 0 to 1.
// Scripts used by one language decide alone; for the others shipped profiles of
// the commonest short words, typical endings and letters vote. A text
// without letters gives "" and 0.
func Detect(text string) (lang string, confidence float64) {
	if lang, share := byScript(text); lang != "" {
		return lang, share
	}
	return byProfile(text, "")
}

// expected is what it counts, in votes, that a text is in the language its writer
// uses: less than one of its commonest words says, enough to tell Portuguese from
// Spanish, which share many.
const expected = 1.2

// DetectFrom is Detect for a text of somebody whose language is known: it takes
// more to name another one. Addresses say nothing about a language.
func DetectFrom(text, theirs string) (lang string, confidence float64) {
	text = WithoutAddresses(text)
	if lang, share := byScript(text); lang != "" {
		return lang, share
	}
	theirs, _, _ = strings.Cut(strings.ToLower(theirs), "-")
	return byProfile(text, theirs)
}

// WithoutAddresses leaves out e-mail and web addresses: their words are names, and
// say neither what a text is about nor in which language.
func WithoutAddresses(text string) string {
	return strings.TrimSpace(address.ReplaceAllString(text, " "))
}

var address = regexp.MustCompile(`\S+@\S+|https?://\S+|www\.\S+`)

// byScript recognises languages by their writing; "" for Latin and for text without letters.
func byScript(text string) (string, float64) {
	var letters, latin int
	counts := map[string]int{}
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		switch {
		case r < 0x250 || unicode.Is(unicode.Latin, r):
			latin++
		case unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r):
			counts["ja"]++
		case unicode.Is(unicode.Han, r):
			counts["zh"]++
		case unicode.Is(unicode.Cyrillic, r):
			counts["ru"]++
		case unicode.Is(unicode.Arabic, r):
			counts["ar"]++
		default:
			for lang, table := range scripts {
				if unicode.Is(table, r) {
					counts[lang]++
					break
				}
			}
		}
	}
	best := ""
	for lang, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && lang < best {
			best = lang
		}
	}
	// One ideograph says as much as several letters.
	dense := 1
	if best == "zh" || best == "ja" || best == "ko" {
		dense = 3
	}
	if best == "" || counts[best]*dense*2 < latin {
		return "", 0
	}
	switch best {
	case "zh", "ja":
		if counts["ja"]*8 > counts["zh"] {
			best = "ja"
		}
	case "ru":
		best = refine(text, best, map[string]string{"uk": "іїєґ", "be": "ў", "sr": "ђћџљњј", "mk": "ѓќѕ"})
		if best == "ru" && bulgarian(text) {
			best = "bg"
		}
	case "ar":
		best = refine(text, best, map[string]string{"fa": "پچژگکی", "ur": "ٹڈڑںےہ"})
	}
	n := counts["zh"] + counts["ja"]
	if best != "zh" && best != "ja" {
		n = 0
		for lang, k := range counts {
			if lang == best || lang == "ru" || lang == "ar" {
				n = max(n, k)
			}
		}
	}
	return best, 0.6 + 0.39*min(1, float64(n*dense)/float64(latin+n*dense))
}

var scripts = map[string]*unicode.RangeTable{
	"ko": unicode.Hangul, "el": unicode.Greek, "hi": unicode.Devanagari, "th": unicode.Thai, "he": unicode.Hebrew,
	"ka": unicode.Georgian, "hy": unicode.Armenian, "ta": unicode.Tamil, "te": unicode.Telugu, "kn": unicode.Kannada,
	"ml": unicode.Malayalam, "bn": unicode.Bengali, "gu": unicode.Gujarati, "pa": unicode.Gurmukhi, "am": unicode.Ethiopic,
	"km": unicode.Khmer, "lo": unicode.Lao, "my": unicode.Myanmar, "si": unicode.Sinhala,
}

func refine(text, base string, marks map[string]string) string {
	best, most := base, 0
	for lang, letters := range marks {
		n := 0
		for _, r := range text {
			for _, l := range letters {
				if unicode.ToLower(r) == l {
					n++
				}
			}
		}
		if n > most || n == most && n > 0 && lang < best {
			best, most = lang, n
		}
	}
	if base == "ar" && most < 2 {
		return base
	}
	return best
}

// bulgarian tells it from Russian by letters it lacks and words it alone has.
func bulgarian(text string) bool {
	score := 0
	for _, r := range text {
		switch unicode.ToLower(r) {
		case 'ы', 'э', 'ё':
			return false
		case 'ъ':
			score++
		}
	}
	for _, w := range words(text) {
		switch w {
		case "да", "се", "ми", "съм", "сме", "това", "какво", "кога", "къде", "моля", "искам", "при", "че", "ще":
			score++
		}
	}
	return score >= 2
}

// profile is what a language written in Latin letters looks like.
type profile struct {
	common  string // its commonest words
	endings string // typical word endings
	pieces  string // typical letter sequences, " " marking a word's edge
	letters string // letters few others use
}

type vote struct {
	lang   int
	weight float64
}

var (
	latinLanguages []string
	commonVotes    = map[string][]vote{}
	endingVotes    = map[string][]vote{}
	pieceVotes     = map[string][]vote{}
	letterVotes    = map[rune][]vote{}
)

func init() {
	for _, p := range latinProfiles {
		id := len(latinLanguages)
		latinLanguages = append(latinLanguages, p.lang)
		listed := map[string]bool{}
		for _, w := range rawWords(p.common) {
			if !listed[w] {
				listed[w] = true
				commonVotes[w] = append(commonVotes[w], vote{id, 1})
			}
		}
		for _, w := range rawWords(p.endings) {
			endingVotes[w] = append(endingVotes[w], vote{id, 1})
		}
		for _, w := range rawWords(p.pieces) {
			pieceVotes[w] = append(pieceVotes[w], vote{id, 1})
		}
		for _, r := range p.letters {
			letterVotes[r] = append(letterVotes[r], vote{id, 1})
		}
	}
	share := func(votes []vote, full float64) {
		for i := range votes {
			votes[i].weight = full / math.Sqrt(float64(len(votes)))
			if len(votes) > 1 {
				votes[i].weight *= 0.75
			}
		}
	}
	for _, v := range commonVotes {
		share(v, 2.2)
	}
	for _, v := range endingVotes {
		share(v, 0.7)
	}
	for _, v := range pieceVotes {
		share(v, 0.35)
	}
	for _, v := range letterVotes {
		share(v, 1.2)
	}
}

// rawWords cuts into lower-case words without folding accents, which tell languages apart.
func rawWords(text string) []string {
	var out []string
	var current []rune
	flush := func() {
		if len(current) > 0 {
			out = append(out, string(current))
			current = current[:0]
		}
	}
	for _, r := range text {
		r = unicode.ToLower(r)
		if r == '’' {
			r = '\''
		}
		if unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || r == '_' {
			current = append(current, r)
			continue
		}
		if r == '\'' && len(current) > 0 && len(current) < 3 { // l'eau, d'accord, c'è
			current = append(current, r)
			flush()
			continue
		}
		flush()
	}
	flush()
	return out
}

func byProfile(text, theirs string) (string, float64) {
	tokens := rawWords(text)
	if len(tokens) == 0 {
		return "", 0
	}
	if len(tokens) > 400 {
		tokens = tokens[:400]
	}
	scores := make([]float64, len(latinLanguages))
	cast := func(votes []vote) {
		for _, v := range votes {
			scores[v.lang] += v.weight
		}
	}
	for _, w := range tokens {
		cast(commonVotes[w])
		runes := []rune("_" + w + "_")
		for _, r := range runes {
			if r >= 0x80 {
				cast(letterVotes[r])
			}
		}
		for n := 2; n <= 4 && n+2 < len(runes)-1; n++ {
			cast(endingVotes[string(runes[len(runes)-1-n:len(runes)-1])])
		}
		for n := 2; n <= 4; n++ {
			for i := 0; i+n <= len(runes); i++ {
				cast(pieceVotes[string(runes[i:i+n])])
			}
		}
	}
	if i := slices.Index(latinLanguages, "es"); i >= 0 && strings.ContainsAny(text, "¿¡") {
		scores[i] += 3 // nobody else writes these
	}
	if i := slices.Index(latinLanguages, theirs); i >= 0 && scores[i] > 0 {
		scores[i] += expected
	}
	best, second := 0, -1
	for i, s := range scores {
		switch {
		case i == 0:
		case s > scores[best]:
			best, second = i, best
		case second < 0 || s > scores[second]:
			second = i
		}
	}
	if scores[best] == 0 {
		return "en", 0.1
	}
	lead := (scores[best] - scores[second]) / (1 + math.Sqrt(float64(len(tokens))))
	return latinLanguages[best], 1 / (1 + math.Exp(-0.3-1.8*lead)) * min(1, 0.55+0.15*float64(len(tokens)))
}
