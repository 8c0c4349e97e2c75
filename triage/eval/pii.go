package eval

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"unicode"

	"github.com/usherdesk/usher/triage/guard"
)

// PIIRow is one text with its personal data.
type PIIRow struct {
	Text  string    `json:"text"`
	Spans []PIISpan `json:"spans"`
}

// PIISpan is [start, end, type], in characters.
type PIISpan struct {
	Start, End int
	Type       string
}

// UnmarshalJSON reads the three-element form.
func (s *PIISpan) UnmarshalJSON(raw []byte) error {
	parts := []any{&s.Start, &s.End, &s.Type}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != 3 {
		return fmt.Errorf("a span has %d parts, not start, end and type", len(parts))
	}
	return nil
}

// PIIReport is the outcome of `usher eval pii`. A labelled value counts as found
// when every letter and digit of it was masked, a masked value as right when it
// overlaps a labelled one of its kind.
type PIIReport struct {
	StructuredRecall    float64            `json:"structured_recall"` // what has a form: mail, phone, card, IBAN, national id, IP
	StructuredPrecision float64            `json:"structured_precision"`
	Entities            map[string]PIIRate `json:"entities"` // by type in the file
	Kinds               map[string]PIIKind `json:"kinds"`    // by kind of placeholder
	N                   int                `json:"n"`        // texts
}

// PIIRate is the recall of one type.
type PIIRate struct {
	Recall float64 `json:"recall"`
	N      int     `json:"n"`
	Kind   string  `json:"kind,omitempty"` // the placeholder it should become; empty: not looked for
}

// PIIKind is the precision of one kind.
type PIIKind struct {
	Precision float64 `json:"precision"`
	N         int     `json:"n"`
}

// piiKinds says which kind a labelled type belongs to.
var piiKinds = map[string]string{
	"EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "US_SSN": "NATIONAL_ID", "IP_ADDRESS": "IP",
	"US_DRIVER_LICENSE": "NATIONAL_ID", "US_PASSPORT": "NATIONAL_ID", "UK_NHS": "NATIONAL_ID", "CRYPTO": "CRYPTO",
	"PERSON": "NAME", "STREET_ADDRESS": "ADDRESS", "ZIP_CODE": "ADDRESS",
}

// piiParts are types that are not looked for alone, but belong to a kind where
// they stand beside it: the town of an address.
var piiParts = map[string]string{"GPE": "ADDRESS", "LOCATION": "ADDRESS", "TITLE": "NAME"}

// birth ends a text whose next date is one of birth: labels do not tell it from others.
var birth = regexp.MustCompile(`(?i)\b(?:born|birth\pL*|b-?day|d\.?o\.?b|geb|gebor\pL*|geburts\pL*|n[ée]e?|nacid\pL*|nacimiento|naissance|nascid\pL*|nascimento|nat[oa]|nascita)\P{L}{1,4}(?:(?:on|in|is|was|date|am|ist|le|el|il|em|a|es|est|é|è)\P{L}{1,3}){0,2}$`)

// ofKind reports whether a labelled value is one a placeholder of a kind may stand for.
func (s PIISpan) ofKind(kind string, text []rune) bool {
	if s.Type == "DATE_TIME" {
		return kind == "BIRTHDATE" && birth.MatchString(string(text[:s.Start]))
	}
	return piiKinds[s.Type] == kind || piiParts[s.Type] == kind
}

func structured(kind string) bool { return kind != "" && kind != "NAME" && kind != "ADDRESS" }

// ReadPIIRows reads JSONL rows.
func ReadPIIRows(path string) ([]PIIRow, error) {
	var rows []PIIRow
	err := eachLine(path, func(line int, raw []byte) error {
		var row PIIRow
		if err := json.Unmarshal(raw, &row); err != nil {
			return fmt.Errorf("read rows: %s line %d is not a JSON object like {text, spans: [[start, end, type]]}: %w", path, line, err)
		}
		for _, s := range row.Spans {
			if s.Start < 0 || s.End > len([]rune(row.Text)) || s.Start > s.End {
				return fmt.Errorf("read rows: %s line %d has a span outside of its text", path, line)
			}
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

// PII masks every text and compares with the labels.
func PII(rows []PIIRow) PIIReport {
	type count struct{ hit, all int }
	entities, kinds := map[string]*count{}, map[string]*count{}
	tally := func(m map[string]*count, name string, hit bool) {
		c := m[name]
		if c == nil {
			c = &count{}
			m[name] = c
		}
		c.all++
		c.hit += one(hit)
	}
	for _, row := range rows {
		text, found := []rune(row.Text), characters(row.Text, guard.Find(row.Text))
		for _, s := range row.Spans {
			tally(entities, s.Type, hidden(text, s, found))
		}
		for _, f := range found {
			tally(kinds, f.Type, slices.ContainsFunc(row.Spans, func(s PIISpan) bool {
				return s.ofKind(f.Type, text) && s.Start < f.End && f.Start < s.End
			}))
		}
	}
	r := PIIReport{Entities: map[string]PIIRate{}, Kinds: map[string]PIIKind{}, N: len(rows)}
	var recall, precision count
	for name, c := range entities {
		r.Entities[name] = PIIRate{share(c.hit, c.all), c.all, piiKinds[name]}
		if structured(piiKinds[name]) {
			recall.hit, recall.all = recall.hit+c.hit, recall.all+c.all
		}
	}
	for name, c := range kinds {
		r.Kinds[name] = PIIKind{share(c.hit, c.all), c.all}
		if structured(name) {
			precision.hit, precision.all = precision.hit+c.hit, precision.all+c.all
		}
	}
	r.StructuredRecall, r.StructuredPrecision = share(recall.hit, recall.all), share(precision.hit, precision.all)
	return r
}

// characters gives found values by characters instead of bytes.
func characters(text string, spans []guard.Span) []PIISpan {
	at := make([]int, len(text)+1)
	n := 0
	for i := range text {
		at[i] = n
		n++
	}
	at[len(text)] = n
	out := make([]PIISpan, len(spans))
	for i, s := range spans {
		out[i] = PIISpan{at[s.Start], at[s.End], s.Kind}
	}
	return out
}

// hidden reports whether every letter and digit of a value was masked.
func hidden(text []rune, s PIISpan, found []PIISpan) bool {
	for i := s.Start; i < s.End; i++ {
		if (unicode.IsLetter(text[i]) || unicode.IsDigit(text[i])) && !slices.ContainsFunc(found, func(f PIISpan) bool { return f.Start <= i && i < f.End }) {
			return false
		}
	}
	return true
}
