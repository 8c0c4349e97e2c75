package status

import (
	"slices"
	"strings"
)

// maxFollowUp is how many words a follow-up may have that names only what is new.
const maxFollowUp = 8

// openers begin a question that continues the one before.
var openers = map[string][]string{
	"en": {"and", "what about", "how about", "also"}, "de": {"und", "wie sieht es mit", "was ist mit", "auch"},
	"fr": {"et", "qu en est il de", "aussi"}, "es": {"y", "qué hay de", "también"}, "pt": {"e", "e quanto a", "também"},
}

// FollowUp finds the intent of a short question that continues the one before
// ("and the contract?"): by the kind of thing it names, and the same question as
// before (last, which may be empty) when that is asked of this kind of thing too.
// It reports false when the text is no follow-up or names nothing of the record.
func FollowUp(in Input, q Question, last string) (intent string, ok bool) {
	text := strings.Join(strings.FieldsFunc(strings.ToLower(q.Text), notLetter), " ")
	if n := len(strings.Fields(text)); n == 0 || n > maxFollowUp {
		return "", false
	}
	language := spoken(q.Language)
	continues := func(opener string) bool { return strings.HasPrefix(text+" ", opener+" ") }
	if !slices.ContainsFunc(openers[language], continues) && !slices.ContainsFunc(openers["en"], continues) {
		return "", false
	}
	record := in.Record.For(in.Asker)
	for _, kind := range kinds {
		things := kind.things(record)
		if len(find(q.Text, language, things)) == 0 {
			continue
		}
		if slices.Contains(kind.intents, last) {
			return last, true
		}
		return kind.intents[0], true
	}
	return "", false
}

// Join makes one answer of several, for a message that asks several things. A
// question back waits until the rest is said.
func Join(answers []Answer) Answer {
	var out Answer
	var texts []string
	for _, a := range answers {
		if a.Text != "" && !slices.Contains(texts, a.Text) {
			texts = append(texts, a.Text)
			out.Basis = append(out.Basis, a.Basis...)
			if out.AsOf.IsZero() || a.AsOf.Before(out.AsOf) {
				out.AsOf = a.AsOf
			}
		}
		out.Stale = out.Stale || a.Stale
		for _, take := range []struct{ into, from *string }{
			{&out.Language, &a.Language}, {&out.Link, &a.Link}, {&out.Turn, &a.Turn}, {&out.Escalate, &a.Escalate}, {&out.Clarify, &a.Clarify},
		} {
			if *take.into == "" {
				*take.into = *take.from
			}
		}
		if len(out.Options) == 0 {
			out.Options = a.Options
		}
	}
	out.Text = strings.Join(texts, "\n\n")
	if out.Text != "" && out.Clarify != "" {
		out.Text += "\n\n" + out.Clarify
		out.Clarify = ""
	}
	return out
}
