package status

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// ellipsis is what a follow-up asks that names nothing: "how much longer?".
type ellipsis string

const (
	asksWhen  ellipsis = "when"
	asksWho   ellipsis = "who"
	asksWhy   ellipsis = "why"
	asksSince ellipsis = "since"
	asksNeed  ellipsis = "need"
	asksAgain ellipsis = "again"
)

//go:embed ellipses.txt
var ellipsisFile string

// ellipses are the phrases by language, each as its words.
var ellipses = readEllipses()

type ellipsisWords struct {
	phrases map[ellipsis][][]string
	never   [][]string // whole texts that are none
	filler  map[string]bool
	whole   map[string]bool            // words of a question of its own
	around  map[string]map[string]bool // what is said around the name of a thing, a person, a ticket's number
}

func readEllipses() map[string]ellipsisWords {
	out := map[string]ellipsisWords{}
	for n, line := range strings.Split(ellipsisFile, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, list, ok := strings.Cut(line, " = ")
		kind, language, two := strings.Cut(head, " ")
		if !ok || !two {
			panic(fmt.Sprintf("ellipses.txt:%d: not kind language = phrases", n+1)) // shipped with the program
		}
		words, known := out[language]
		if !known {
			words = ellipsisWords{
				map[ellipsis][][]string{}, nil, map[string]bool{}, map[string]bool{},
				map[string]map[string]bool{"thing": {}, "person": {}, "ticket": {}},
			}
		}
		for _, phrase := range strings.Split(list, ", ") {
			if set := words.set(kind); set != nil {
				for _, w := range plainWords(phrase) {
					set[w] = true
				}
				continue
			}
			if kind == "never" {
				words.never = append(words.never, plainWords(phrase))
				continue
			}
			words.phrases[ellipsis(kind)] = append(words.phrases[ellipsis(kind)], plainWords(phrase))
		}
		out[language] = words
	}
	return out
}

// set is the set of words a kind of line fills; nil: it has phrases.
func (e ellipsisWords) set(kind string) map[string]bool {
	switch kind {
	case "filler":
		return e.filler
	case "whole":
		return e.whole
	}
	return e.around[kind]
}

// plainWords are a text's words without case and accents.
func plainWords(text string) []string {
	fields := strings.FieldsFunc(strings.ToLower(text), notLetter)
	for i, w := range fields {
		fields[i] = lexicon.Fold(w)
	}
	return fields
}

// elliptical finds what a text asks that is nothing but an ellipsis, in the given
// language or another: a few short words say little about their language.
func elliptical(words []string, language string) (kind ellipsis, in string) {
	if len(words) == 0 || len(words) > maxFollowUp {
		return "", ""
	}
	languages := append([]string{language}, slices.Sorted(maps.Keys(ellipses))...)
	for _, l := range languages {
		if slices.ContainsFunc(ellipses[l].never, func(text []string) bool { return slices.Equal(text, words) }) {
			return "", ""
		}
	}
	for _, l := range languages {
		if kind := ellipses[l].kind(words, l); kind != "" {
			return kind, l
		}
	}
	return "", ""
}

// kind is the kind of the longest phrase in a text whose other words are fillers.
func (e ellipsisWords) kind(words []string, language string) (best ellipsis) {
	longest := 0
	for _, kind := range []ellipsis{asksSince, asksWhen, asksWho, asksWhy, asksNeed, asksAgain} {
		for _, phrase := range e.phrases[kind] {
			if len(phrase) <= longest {
				continue
			}
			for i := 0; i+len(phrase) <= len(words); i++ {
				if slices.Equal(words[i:i+len(phrase)], phrase) && e.fills(words[:i], language) && e.fills(words[i+len(phrase):], language) {
					best, longest = kind, len(phrase)
				}
			}
		}
	}
	return best
}

func (e ellipsisWords) fills(words []string, language string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !e.filler[w] && (e.whole[w] || !lexicon.Stopword(w, language)) })
}

// next is the intent that answers an ellipsis after the last one. What is not
// listed is the same question again: its answer says whose turn it is and when.
func next(last string, kind ellipsis) string {
	area, _, _ := strings.Cut(last, ".")
	switch kind {
	case asksWhen:
		switch {
		case area == "onboarding":
			return "onboarding.go_live_date"
		case area == "verification":
			return "verification.eta"
		case area == "document":
			return "document.review_status"
		case last == "integration.connection_status":
			return "integration.error_followup"
		}
	case asksWho:
		switch area {
		case "onboarding":
			return "people.owner"
		case "verification":
			return "verification.status"
		case "document":
			return "document.review_status"
		}
	case asksWhy:
		switch {
		case area == "onboarding", area == "tasks", area == "milestone":
			return "tasks.blockers"
		case area == "verification":
			return "verification.requirements_due"
		case area == "document":
			return "document.rejection_reason"
		case last == "integration.last_sync":
			return "integration.connection_status"
		case last == "integration.connection_status":
			return "integration.error_followup"
		}
	case asksSince:
		switch area {
		case "integration":
			return "integration.last_sync"
		case "verification":
			return "verification.status"
		case "document":
			return "document.received"
		}
	case asksNeed:
		switch {
		case area == "verification":
			return "verification.requirements_due"
		case area == "document":
			return "document.missing_list"
		case area == "onboarding", area == "tasks", area == "milestone":
			return "tasks.customer_next_actions"
		}
	case asksAgain:
	}
	return last
}
