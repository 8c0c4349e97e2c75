package health

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// value is a number, date or other exact word in a sentence, with what it
// measures: two values can only disagree within one dimension.
type value struct {
	dimension string
	amount    float64 // where it is a number …
	word      string  // … else the word
	bound     string  // "most", "least" or "" for exactly
	shown     string
}

func (v value) equal(o value) bool {
	if v.word != "" || o.word != "" {
		return v.word == o.word
	}
	slack := map[string]float64{"time": 0.02, "size": 0.05}[v.dimension] // a month is about thirty days; 1 024 is about a thousand
	return math.Abs(v.amount-o.amount) <= slack*math.Max(math.Abs(v.amount), math.Abs(o.amount))
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
	month  = 30.42 * day
	year   = 365 * day
)

// units are what numbers count, in the languages articles are mostly written in.
var units = map[string]struct {
	dimension string
	factor    float64
}{
	"second": {"time", 1}, "seconds": {"time", 1}, "sec": {"time", 1}, "sekunde": {"time", 1}, "sekunden": {"time", 1}, "segundos": {"time", 1}, "secondes": {"time", 1},
	"minute": {"time", minute}, "minutes": {"time", minute}, "min": {"time", minute}, "mins": {"time", minute}, "minuten": {"time", minute}, "minutos": {"time", minute}, "minuto": {"time", minute},
	"hour": {"time", hour}, "hours": {"time", hour}, "hrs": {"time", hour}, "stunde": {"time", hour}, "stunden": {"time", hour}, "horas": {"time", hour}, "hora": {"time", hour}, "heures": {"time", hour}, "heure": {"time", hour},
	"day": {"time", day}, "days": {"time", day}, "tag": {"time", day}, "tage": {"time", day}, "tagen": {"time", day}, "dias": {"time", day}, "dia": {"time", day}, "jours": {"time", day}, "jour": {"time", day},
	"week": {"time", 7 * day}, "weeks": {"time", 7 * day}, "woche": {"time", 7 * day}, "wochen": {"time", 7 * day}, "semanas": {"time", 7 * day}, "semaines": {"time", 7 * day},
	"month": {"time", month}, "months": {"time", month}, "monat": {"time", month}, "monate": {"time", month}, "monaten": {"time", month}, "meses": {"time", month}, "mois": {"time", month},
	"year": {"time", year}, "years": {"time", year}, "jahr": {"time", year}, "jahre": {"time", year}, "jahren": {"time", year}, "anos": {"time", year}, "ans": {"time", year},
	"kb": {"size", 1e3}, "kib": {"size", 1e3}, "mb": {"size", 1e6}, "mib": {"size", 1e6}, "megabytes": {"size", 1e6}, "gb": {"size", 1e9}, "gib": {"size", 1e9}, "gigabytes": {"size", 1e9}, "tb": {"size", 1e12},
	"%": {"share", 1}, "percent": {"share", 1}, "prozent": {"share", 1},
	"euro": {"money", 1}, "euros": {"money", 1}, "eur": {"money", 1}, "usd": {"money", 1}, "dollar": {"money", 1}, "dollars": {"money", 1}, "pounds": {"money", 1}, "gbp": {"money", 1},
}

var numberWords = map[string]float64{
	"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
	"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "sixty": 60, "ninety": 90, "once": 1, "twice": 2,
	"zwei": 2, "drei": 3, "vier": 4, "funf": 5, "sechs": 6, "sieben": 7, "acht": 8, "zehn": 10, "dreißig": 30,
}

// exactWords are words of which one is true where another is not.
var exactWords = func() map[string]value {
	out := map[string]value{}
	for dimension, groups := range map[string][]string{
		"weekday": {"monday mondays montag montags", "tuesday tuesdays dienstag dienstags", "wednesday wednesdays mittwoch mittwochs", "thursday thursdays donnerstag donnerstags", "friday fridays freitag freitags", "saturday saturdays samstag samstags", "sunday sundays sonntag sonntags"},
		"rhythm":  {"hourly", "daily", "weekly", "monthly", "quarterly", "yearly annually"},
	} {
		for _, group := range groups {
			words := strings.Fields(group)
			for _, w := range words {
				out[w] = value{dimension: dimension, word: words[0], shown: w}
			}
		}
	}
	return out
}()

// fileTypes and people only disagree where a sentence says it is these only.
var (
	fileTypes = words("pdf png jpeg jpg csv xlsx docx xml json zip html txt")
	people    = words("administrator administrators admin admins owner owners manager managers member members agent agents curator curators lead leads operator operators viewer viewers editor editors guest guests")
)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

var (
	mostMark  = regexp.MustCompile(`(?i)(?:up to|at most|no more than|not more than|maximum(?: of)?|max\.?|within|less than|fewer than|under|not exceed(?:ing)?|limit(?:ed)? (?:of|to|is)|hasta|bis zu|höchstens|maximal|jusqu['’]à|innerhalb von|no longer than)\s*(?:a |an |the |about |of )?$`)
	leastMark = regexp.MustCompile(`(?i)(?:at least|minimum(?: of)?|min\.?|no less than|no fewer than|more than|over|mindestens|al menos|au moins)\s*(?:a |an |the |about |of )?$`)

	clockMark = regexp.MustCompile(`(?i)\b(?:([01]?\d|2[0-3]):([0-5]\d)(?:\s?(am|pm))?|(1[0-2]|[1-9])\s?(am|pm))\b`)
	isoDate   = regexp.MustCompile(`\b(?:19|20)\d\d-\d\d-\d\d\b`)
	longDate  = regexp.MustCompile(`(?i)\b(?:(\d{1,2})\.? (january|february|march|april|may|june|july|august|september|october|november|december)|(january|february|march|april|may|june|july|august|september|october|november|december) (\d{1,2})(?:st|nd|rd|th)?)\b(?:,? ((?:19|20)\d\d))?`)
	address   = regexp.MustCompile(`(?i)\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b`)
	money     = regexp.MustCompile(`([$€£])\s?(\d+(?:[.,]\d+)*)`)
	number    = regexp.MustCompile(`(?i)(?:\b(\d+(?:[.,]\d+)*)|\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|sixty|ninety|once|twice|zwei|drei|vier|fünf|sechs|sieben|acht|zehn|dreißig))(?:[ \-‑ ]?(%|[\pL]+))?(?:[ \-‑]([\pL]+))?(?:[ \-‑]([\pL]+))?`)
	token     = regexp.MustCompile(`[\pL]+`)
	onlyMark  = regexp.MustCompile(`(?i)\b(?:only|exclusively|must be|has to be|have to be|nur|ausschließlich|solo|seulement)\b`)
)

// takeValues finds the values of a sentence and returns what is left of it.
func takeValues(text, language string) (rest string, out []value) {
	rest = text
	take := func(re *regexp.Regexp, read func(m []string) (value, bool)) {
		for _, at := range re.FindAllStringSubmatchIndex(rest, -1) {
			m := make([]string, len(at)/2)
			for i := range m {
				if at[2*i] >= 0 {
					m[i] = rest[at[2*i]:at[2*i+1]]
				}
			}
			if v, ok := read(m); ok {
				v.bound = boundBefore(rest[:at[0]])
				if v.shown == "" {
					v.shown = m[0]
				}
				out = append(out, v)
			}
		}
		rest = re.ReplaceAllStringFunc(rest, func(found string) string { return strings.Repeat(" ", len(found)) })
	}
	take(address, func(m []string) (value, bool) { return value{dimension: "address", word: strings.ToLower(m[0])}, true })
	take(isoDate, func(m []string) (value, bool) { return value{dimension: "date", word: m[0]}, true })
	take(longDate, func(m []string) (value, bool) {
		return value{dimension: "date", word: strings.ToLower(m[1] + m[4] + " " + m[2] + m[3])}, true
	})
	take(clockMark, func(m []string) (value, bool) { return value{dimension: "clock", amount: clock(m), shown: m[0]}, true })
	take(money, func(m []string) (value, bool) {
		n, ok := amount(m[2])
		return value{dimension: "money", amount: n}, ok
	})
	rest, out = takeNumbers(rest, language, out)
	lower := strings.ToLower(text)
	only := onlyMark.MatchString(text)
	taken := map[string]bool{}
	for _, w := range token.FindAllString(lower, -1) {
		folded := lexicon.Fold(w)
		v, exact := exactWords[folded]
		switch {
		case exact:
		case only && fileTypes[folded]:
			v = value{dimension: "file type", word: strings.Replace(folded, "jpeg", "jpg", 1), shown: w}
		case only && people[folded]:
			v = value{dimension: "people", word: strings.TrimSuffix(strings.Replace(folded, "administrator", "admin", 1), "s"), shown: w}
		default:
			continue
		}
		out = append(out, v)
		taken[w] = true
	}
	if len(taken) > 0 {
		rest = token.ReplaceAllStringFunc(rest, func(w string) string {
			if taken[strings.ToLower(w)] {
				return " "
			}
			return w
		})
	}
	return rest, out
}

// takeNumbers reads numbers with the unit or the thing they count.
func takeNumbers(text, language string, out []value) (string, []value) {
	var rest strings.Builder
	from := 0
	for _, at := range number.FindAllStringSubmatchIndex(text, -1) {
		if at[0] < from {
			continue
		}
		group := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		}
		n, ok := amount(group(1))
		if word := lexicon.Fold(strings.ToLower(group(2))); word != "" {
			n, ok = numberWords[word], true
		}
		if !ok || glued(text, at[0]) {
			continue
		}
		v := value{amount: n, bound: boundBefore(text[:at[0]])}
		end := at[1]
		v.dimension, end = counted(text, at, language, &v)
		if v.dimension == "" {
			v.dimension = label(text[:at[0]], language)
		}
		rest.WriteString(text[from:at[0]])
		rest.WriteByte(' ')
		from = end
		if v.dimension == "" {
			continue
		}
		v.shown = strings.TrimSpace(text[at[0]:end])
		out = append(out, v)
	}
	rest.WriteString(text[from:])
	return rest.String(), out
}

// glued reports whether a number is part of a name such as "v2", "A4" or "utf-8".
func glued(text string, at int) bool {
	if at == 0 {
		return false
	}
	before := text[at-1]
	return before == '#' || before == '/' || before == '_' || before == '.' || before == '-' && at > 1 && text[at-2] != ' ' ||
		before >= 'a' && before <= 'z' || before >= 'A' && before <= 'Z'
}

// counted is what stands after a number: a unit, or the thing it counts. It
// returns the end of what belongs to the value.
func counted(text string, at []int, language string, v *value) (dimension string, end int) {
	end = at[1]
	var last int
	for i := 3; i <= 5; i++ {
		if at[2*i] < 0 {
			break
		}
		word := strings.ToLower(text[at[2*i]:at[2*i+1]])
		folded := lexicon.Fold(word)
		if u, known := units[folded]; known {
			v.amount *= u.factor
			dimension = u.dimension
			if dimension == "time" && last > 0 {
				dimension = "working time" // "3 business days"
			}
			return dimension, at[2*i+1]
		}
		if i == 3 && text[at[2*i]-1] != ' ' && text[at[2*i]-1] != '-' {
			break // "3x"
		}
		if lexicon.Stopword(word, language) {
			break
		}
		last = i
	}
	if last == 0 {
		if at[6] >= 0 { // the word after it is not the number's
			return "", at[6]
		}
		return "", end
	}
	// The thing counted is the last of up to two words: "5 active users".
	last = min(last, 4)
	noun := text[at[2*last]:at[2*last+1]]
	return "count of " + lexicon.Stem(strings.ToLower(noun), language), at[2*3] // the words stay: they are what the sentence is about
}

// ordinals count places in a text or cases of an answer, not the matter.
var ordinals = words("step steps schritt section chapter example figure page line row option http status code error case question item level note tip")

// label is the word a bare number follows: "port 8080", "TLS 1.2".
func label(before, language string) string {
	found := token.FindAllString(before, -1)
	if len(found) == 0 || !strings.HasSuffix(strings.TrimRight(before, " "), found[len(found)-1]) {
		return ""
	}
	word := strings.ToLower(found[len(found)-1])
	if lexicon.Stopword(word, language) || quiet[word] || ordinals[word] {
		return ""
	}
	return "number of " + lexicon.Stem(word, language)
}

func boundBefore(text string) string {
	text = text[max(0, len(text)-48):] // the words right before it
	switch {
	case mostMark.MatchString(text):
		return "most"
	case leastMark.MatchString(text):
		return "least"
	}
	return ""
}

func amount(text string) (float64, bool) {
	if text == "" {
		return 0, false
	}
	// "1,000" and "1.000" are a thousand; "2.5" is two and a half.
	if parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '.' }); len(parts) > 1 {
		thousands := true
		for _, p := range parts[1:] {
			thousands = thousands && len(p) == 3
		}
		if thousands && parts[0] != "0" {
			text = strings.Join(parts, "")
		} else {
			text = strings.Join(parts[:len(parts)-1], "") + "." + parts[len(parts)-1]
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

func clock(m []string) float64 {
	hours, minutes, half := m[1], m[2], m[3]
	if hours == "" {
		hours, half = m[4], m[5]
	}
	h, _ := strconv.Atoi(hours)
	n, _ := strconv.Atoi(minutes)
	switch half = strings.ToLower(half); {
	case half == "pm" && h < 12:
		h += 12
	case half == "am" && h == 12:
		h = 0
	}
	return float64(h*60+n) + 1 // midnight is no zero
}
