package status

import (
	"strings"
	"time"
)

// Sentence fills one of the shipped sentences in a language, for messages that
// answer no question. A field that is a day (2026-11-23) is written as people of
// the language do, and an environment named in it; a missing field leaves
// nothing. False means there is no such sentence.
func Sentence(language, key string, fields map[string]string) (string, bool) {
	d := &draft{language: spoken(language), region: regionOf(language, spoken(language)), words: speak(language)}
	text, ok := d.words[key]
	if !ok {
		return "", false
	}
	text = slot.ReplaceAllStringFunc(text, func(field string) string {
		name := strings.Trim(field, "{}")
		value := fields[name]
		if name == "environment" && d.words["environment."+value] != "" {
			return d.words["environment."+value]
		}
		if day, err := time.Parse(time.DateOnly, value); err == nil {
			return d.date(day)
		}
		return value
	})
	return strings.ReplaceAll(strings.TrimSpace(text), "  ", " "), true
}
