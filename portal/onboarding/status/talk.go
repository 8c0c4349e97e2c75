package status

import (
	"slices"
	"strconv"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
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
	if who, found := elsewhere(q.Text, language, record); last != "" && found && who.name != "" && onlyName(words[begin:], language, who.name) {
		return last, language // it is said that only the asker's own is seen
	}
	return "", ""
}

// Named is the intent of a text that is nothing but the name of a thing or a person
// of the record, or a ticket's number: "the DPA?", "who is Nora?", "#4711". Empty: it
// is more, or less.
func Named(in Input, q Question) string {
	record, words, language := in.Record.For(in.Asker), plainWords(q.Text), spoken(q.Language)
	if len(words) == 0 || len(words) > maxFollowUp {
		return ""
	}
	if slices.ContainsFunc(words, isNumber) && fills(words, language, "ticket", isNumber) {
		return "ticket.status"
	}
	people := []string{record.Project.OwnerName, record.Project.OwnerStandIn}
	named := func(w string) bool {
		return slices.ContainsFunc(people, func(name string) bool { return slices.Contains(plainWords(name), w) })
	}
	if slices.ContainsFunc(words, named) && fills(words, language, "person", named) {
		return "people.owner"
	}
	best, intent := 0.0, ""
	for _, kind := range kinds {
		for _, t := range kind.things(record) {
			for _, name := range append(append([]string{t.name}, t.aliases...), initials(t.name)...) {
				own := plainWords(name)
				has := func(w string) bool { return slices.ContainsFunc(own, func(n string) bool { return alike(w, n) }) }
				held := 0
				for _, n := range own {
					if slices.ContainsFunc(words, func(w string) bool { return alike(w, n) }) {
						held++
					}
				}
				if held < len(own) || !fills(words, language, "thing", has) {
					continue
				}
				// The longest name says most; a whole title more than an alias.
				score := float64(len(own))
				if name == t.name {
					score += 0.5
				}
				if score > best {
					best, intent = score, kind.intents[0]
				}
			}
		}
	}
	return intent
}

// fills reports whether a text's words are names or what people say around them.
func fills(words []string, language, around string, name func(string) bool) bool {
	return !slices.ContainsFunc(words, func(w string) bool {
		return !name(w) && !ellipses[language].around[around][w] && !ellipses["en"].around[around][w]
	})
}

func isNumber(w string) bool {
	_, err := strconv.ParseInt(w, 10, 64)
	return err == nil && len(w) >= 3 && len(w) <= 9
}

// onlyName reports whether a text says nothing but a name.
func onlyName(words []string, language, name string) bool {
	own := plainWords(name)
	return !slices.ContainsFunc(words, func(w string) bool {
		return !slices.Contains(own, w) && !ellipses[language].filler[w] && !ellipses["en"].filler[w] && !lexicon.Stopword(w, language)
	})
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
		out.Stale, out.Offer = out.Stale || a.Stale, out.Offer || a.Offer
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
