package guard

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// Vault holds what Mask took out of a text, to put it back into an answer.
type Vault struct {
	values map[string]string // by placeholder
	names  map[string]string // placeholder by kind and value
	counts map[string]int
}

// Span is one value found in a text, as byte offsets.
type Span struct {
	Kind       string
	Start, End int
}

// Find lists personal data and secrets, ascending and without overlap. Earlier
// kinds win; names and addresses come last.
func Find(text string) []Span {
	var spans []Span
	taken := make([]bool, len(text))
	add := func(kind string, start, end int) {
		for i := start; i < end; i++ {
			if taken[i] {
				return
			}
		}
		for i := start; i < end; i++ {
			taken[i] = true
		}
		spans = append(spans, Span{kind, start, end})
	}
	s := newScan(text)
	if len(s.runs) > 0 {
		ibans(text, func(start, end int) { add("IBAN", start, end) })
	}
	for i := range kinds {
		k := &kinds[i]
		for _, at := range k.places(s) {
			for _, m := range k.pattern.FindAllStringSubmatchIndex(text[at.from:at.to], -1) {
				start, end := at.from+m[2*k.group], at.from+m[2*k.group+1]
				if k.unless != nil && k.unless(text[max(0, start-maxCue):start], text[start:end]) {
					continue
				}
				if start < end && (k.valid == nil || k.valid(text[start:end])) {
					add(k.name, start, end)
				}
			}
		}
	}
	address(s, func(start, end int) { add("ADDRESS", start, end) })
	person(text, func(start, end int) { add("NAME", start, end) })
	slices.SortFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	return spans
}

func anyOf(lower string, hints []string) bool {
	for _, h := range hints {
		if strings.Contains(lower, h) {
			return true
		}
	}
	return false
}

// Mask replaces personal data and secrets by placeholders such as ⟦EMAIL_1⟧; the
// same value gets the same one. What is not recognised stays: masking lowers
// what leaves, other controls do not rely on it.
func Mask(text string) (masked string, vault *Vault) {
	v := &Vault{values: map[string]string{}, names: map[string]string{}, counts: map[string]int{}}
	// A placeholder the text brought along must not be taken for ours.
	text = strings.NewReplacer("⟦", "[", "⟧", "]").Replace(text)
	var b strings.Builder
	last := 0
	for _, s := range Find(text) {
		b.WriteString(text[last:s.Start])
		b.WriteString(v.placeholder(s.Kind, text[s.Start:s.End]))
		last = s.End
	}
	b.WriteString(text[last:])
	return b.String(), v
}

func (v *Vault) placeholder(name, value string) string {
	key := name + "\x00" + value
	if known, ok := v.names[key]; ok {
		return known
	}
	v.counts[name]++
	placeholder := fmt.Sprintf("⟦%s_%d⟧", name, v.counts[name])
	v.names[key], v.values[placeholder] = placeholder, value
	return placeholder
}

// Restore puts the values back.
func (v *Vault) Restore(text string) string {
	for placeholder, value := range v.values {
		text = strings.ReplaceAll(text, placeholder, value)
	}
	return text
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// card checks a number's length, issuer and last digit: 12 digits are Maestro only.
func card(text string) bool {
	digits := digitsOf(text)
	issuer := digits[0] >= '2' && digits[0] <= '6' || strings.HasPrefix(digits, "1800")
	return issuer && (len(digits) > 12 || digits[0] == '5' || digits[0] == '6') && luhn(digits)
}

// luhn is the check of payment card numbers.
func luhn(text string) bool {
	digits := digitsOf(text)
	if len(digits) < 12 || len(digits) > 19 {
		return false
	}
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// validIBAN is the modulo 97 check of ISO 13616.
func validIBAN(text string) bool {
	text = strings.ReplaceAll(text, " ", "")
	if len(text) < 15 || len(text) > 34 {
		return false
	}
	var number strings.Builder
	for _, r := range text[4:] + text[:4] {
		if r >= 'A' && r <= 'Z' {
			fmt.Fprint(&number, int(r-'A')+10)
		} else {
			number.WriteRune(r)
		}
	}
	n, ok := new(big.Int).SetString(number.String(), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

// validDNI checks the letter of a Spanish DNI or NIE.
func validDNI(text string) bool {
	text = strings.ReplaceAll(strings.NewReplacer("X", "0", "Y", "1", "Z", "2").Replace(text[:1])+text[1:], "-", "")
	n := 0
	for _, r := range text[:len(text)-1] {
		if r < '0' || r > '9' {
			return false
		}
		n = n*10 + int(r-'0')
	}
	return "TRWAGMYFPDXBNJZSQVHLCKE"[n%23] == text[len(text)-1]
}

func hasDigit(text string) bool { return digitsOf(text) != "" }

var dateLike = regexp.MustCompile(`^\(?\d{1,4}\)?[./-]\d{1,2}[./-]\d{1,4}$|^\d{4}-\d{2}-\d{2}\b|^\d{4}[/.]\d{2}[/.]\d{2}\b|^\d{2}[./]\d{2}[./]\d{4}\b|[ .]000[ .]000$`)

// phoneLike leaves dates and short numbers alone.
func phoneLike(text string) bool {
	digits := digitsOf(text)
	n := len(digits)
	if n%3 == 0 && strings.Repeat(digits[:n/3], 3) == digits {
		return false
	}
	return n >= 8 && n <= 14 && !dateLike.MatchString(strings.TrimSpace(text))
}
