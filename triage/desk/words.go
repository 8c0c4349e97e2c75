package desk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/usherdesk/usher/triage"
)

// Words are what a CRM calls our states and priorities, for a Mirror's Fields and
// Decode. A state without a word goes by the nearest that has one.
type Words struct {
	States     map[triage.InternalState]string
	Priorities map[triage.Priority]string
}

// nearest says where a state goes that has no word.
var nearest = map[triage.InternalState]triage.InternalState{
	triage.InternalOnHold: triage.InternalOpen, triage.InternalSnoozed: triage.InternalOpen, triage.InternalClosed: triage.InternalSolved,
	triage.InternalNew: triage.InternalOpen, triage.InternalPending: triage.InternalOpen,
}

func (w Words) state(s triage.InternalState) string {
	for {
		if word, ok := w.States[s]; ok {
			return word
		}
		next, ok := nearest[s]
		if !ok {
			return ""
		}
		s = next
	}
}

// Fields are the words of a record's state and priority. One without a word is absent.
func (w Words) Fields(r Record) map[string]string {
	out := map[string]string{}
	if state := w.state(r.State); state != "" {
		out["state"] = state
	}
	if p := w.Priorities[r.Priority]; p != "" {
		out["priority"] = p
	}
	return out
}

// Decode lists what of ours a word stands for, best first.
func (w Words) Decode(field, word string) []string {
	var out []string
	switch field {
	case "state":
		for _, s := range []triage.InternalState{
			triage.InternalOpen, triage.InternalPending, triage.InternalSolved, triage.InternalNew, triage.InternalOnHold, triage.InternalClosed, triage.InternalSnoozed,
		} {
			if w.state(s) == word {
				out = append(out, string(s))
			}
		}
	case "priority":
		for _, p := range []triage.Priority{triage.PriorityHigh, triage.PriorityNormal, triage.PriorityLow, triage.PriorityUrgent} {
			if w.Priorities[p] == word {
				out = append(out, string(p))
			}
		}
	}
	return out
}

// ParseStates reads a mapping such as "new=New,open=Working,solved=Closed". What a
// state is called may hold spaces, but no comma.
func ParseStates(text string) (map[triage.InternalState]string, error) {
	return parseWords(text, "new=1,pending=2,open=3,solved=4", []triage.InternalState{
		triage.InternalNew, triage.InternalOpen, triage.InternalPending, triage.InternalOnHold, triage.InternalSnoozed, triage.InternalSolved, triage.InternalClosed,
	})
}

// ParsePriorities reads a mapping such as "urgent=High,normal=Medium".
func ParsePriorities(text string) (map[triage.Priority]string, error) {
	return parseWords(text, "urgent=High,high=High,normal=Medium,low=Low", []triage.Priority{triage.PriorityUrgent, triage.PriorityHigh, triage.PriorityNormal, triage.PriorityLow})
}

func parseWords[T ~string](text, example string, known []T) (map[T]string, error) {
	words := map[T]string{}
	for _, pair := range strings.Split(text, ",") {
		ours, theirs, ok := strings.Cut(strings.TrimSpace(pair), "=")
		theirs = strings.TrimSpace(theirs)
		if !ok || theirs == "" {
			return nil, fmt.Errorf("%q: use pairs of our word and theirs like %s", text, example)
		}
		if !slices.Contains(known, T(strings.TrimSpace(ours))) {
			return nil, fmt.Errorf("%q is none of our words: %s", ours, joined(known))
		}
		words[T(strings.TrimSpace(ours))] = theirs
	}
	return words, nil
}

func joined[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
