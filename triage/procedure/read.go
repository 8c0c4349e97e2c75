package procedure

import (
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/usherdesk/usher/portal/onboarding/status"
)

// maxAnswer bounds an answer that is kept, in characters.
const maxAnswer = 500

// read takes a message as the answer to a question; false: it does not fit.
func (a Ask) read(message string, w World) (string, bool) {
	text := strings.TrimSpace(message)
	switch a.Kind {
	case KindChoice, KindYesNo:
		return a.choose(text)
	case KindDate:
		day, ok := status.ParseDay(text, w.Locale)
		if !ok || day.Before(w.Now.UTC().Truncate(24*time.Hour)) {
			return "", false
		}
		return day.Format(time.DateOnly), true
	case KindEmail:
		at := strings.IndexFunc(text, unicode.IsSpace)
		if address, err := mail.ParseAddress(text); err == nil && at < 0 && strings.Contains(address.Address, ".") {
			return strings.ToLower(address.Address), true
		}
		return "", false
	case KindText:
	}
	runes := []rune(text)
	return string(runes[:min(len(runes), maxAnswer)]), text != ""
}

// choose finds the choice a text names: its label in any language, its value, or
// its number in the list.
func (a Ask) choose(text string) (string, bool) {
	same := func(label string) bool { return label != "" && bare(label) == bare(text) }
	if a.Kind == KindYesNo {
		for value, words := range yesNo {
			if slices.ContainsFunc(words, same) {
				return value, true
			}
		}
		return "", false
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(a.Choices) {
		return a.Choices[n-1].Value, true
	}
	for _, c := range a.Choices {
		if same(c.Value) {
			return c.Value, true
		}
		for _, label := range c.Label {
			if same(label) {
				return c.Value, true
			}
		}
	}
	return "", false
}

// bare is a text without case and punctuation.
func bare(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ")
}

func (a Ask) labels(language string) (out []string) {
	if a.Kind == KindYesNo {
		return []string{a.label("yes", language), a.label("no", language)}
	}
	for _, c := range a.Choices {
		out = append(out, c.Label.In(language))
	}
	return out
}

func (a Ask) label(value, language string) string {
	if a.Kind == KindYesNo {
		return speak(language).yesNo[value]
	}
	for _, c := range a.Choices {
		if c.Value == value {
			return c.Label.In(language)
		}
	}
	return value
}

func isCancel(text string) bool {
	return slices.ContainsFunc(cancels, func(word string) bool { return bare(word) == bare(text) })
}
