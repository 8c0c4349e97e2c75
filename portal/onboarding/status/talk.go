package status

import (
	"slices"
	"strings"

	"github.com/usherdesk/usher/portal/onboarding"
)

// maxFollowUp is how many words a follow-up may have that names only what is new.
const maxFollowUp = 8

// openers begin a question that continues the one before.
var openers = map[string][]string{
	"en": {"and", "what about", "and what about", "how about", "also", "same for", "the same for", "same question for"},
	"de": {"und", "und was ist mit", "wie sieht es mit", "wie sieht es für", "was ist mit", "auch", "dasselbe für", "das gleiche für", "gleiche frage zu"},
	"fr": {"et", "qu en est il", "aussi", "même question pour", "pareil pour"},
	"es": {"y", "qué hay de", "qué hay del", "qué pasa con", "también", "lo mismo para", "lo mismo con"},
	"pt": {"e", "e quanto a", "e quanto ao", "quanto a", "quanto ao", "também", "o mesmo para", "mesma pergunta para"},
}

// FollowUp finds the intent of a short question that continues the one before.
// Last is the intent of that one; it may be empty.
//
// A follow-up that names a thing of the record ("and the contract?") is about the
// kind of thing it names: the same question as before when that is asked of this
// kind too. One that names a person ("and for Ana?") is the same question. One that
// names nothing ("how much longer?") stays with what was asked last.
//
// The question's language is that of the conversation so far: a few short words say
// little about theirs ("desde quando?"), so it is kept where they could be of it, and
// the language they were understood in comes back. Intent is empty when the text is
// no follow-up.
func FollowUp(in Input, q Question, last string) (intent, language string) {
	words := plainWords(q.Text)
	if len(words) == 0 || len(words) > maxFollowUp {
		return "", ""
	}
	language = spoken(q.Language)
	if last != "" {
		if kind, in := elliptical(words, language); kind != "" {
			return next(last, kind), in
		}
	}
	begin, language := opener(words, language)
	if begin == 0 {
		return "", ""
	}
	record := in.Record.For(in.Asker)
	for _, kind := range kinds {
		things := kind.things(record)
		if len(find(q.Text, language, things)) == 0 {
			continue
		}
		if slices.Contains(kind.intents, last) {
			return last, language
		}
		return kind.intents[0], language
	}
	if last != "" && onlyPeople(words[begin:], language, record.People) {
		return last, language
	}
	return "", ""
}

// opener is how many words of a text say that it continues, in its language or in
// English; 0: it does not.
func opener(words []string, language string) (longest int, in string) {
	for _, l := range []string{language, "en"} {
		for _, opener := range openers[l] {
			if begin := plainWords(opener); len(begin) > longest && len(words) > len(begin) && slices.Equal(words[:len(begin)], begin) {
				longest, in = len(begin), l
			}
		}
	}
	return longest, in
}

// onlyPeople reports whether a text says nothing but who: a person of the record,
// or the asker ("and for me?").
func onlyPeople(words []string, language string, people []onboarding.Person) bool {
	named := false
	for _, w := range words {
		who := slices.ContainsFunc(people, func(p onboarding.Person) bool { return slices.Contains(plainWords(p.Name), w) }) ||
			slices.ContainsFunc(cues["own"][language], func(cue string) bool { return slices.Contains(plainWords(cue), w) })
		named = named || who
		if !who && !ellipses[language].filler[w] && !ellipses["en"].filler[w] {
			return false
		}
	}
	return named
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
