package status

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/portal/onboarding"
)

//go:embed others.txt
var othersFile string

// other is how people ask about somebody else's organisation, in one language.
type other struct {
	company, about, loose, all, own, before [][]string // as plain words; {} and * stand for themselves
}

var others, legalForms, nobodys = readOthers()

func readOthers() (map[string]*other, map[string]bool, map[string]bool) {
	out, forms, known := map[string]*other{}, map[string]bool{}, map[string]bool{}
	for n, line := range strings.Split(othersFile, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, list, ok := strings.Cut(line, " = ")
		kind, language, two := strings.Cut(head, " ")
		if !ok || !two {
			panic(fmt.Sprintf("others.txt:%d: not kind language = phrases", n+1)) // shipped with the program
		}
		if set := map[string]map[string]bool{"form": forms, "known": known}[kind]; set != nil {
			for _, w := range plainWords(list) {
				set[w] = true
			}
			continue
		}
		o := out[language]
		if o == nil {
			o = &other{}
			out[language] = o
		}
		into := map[string]*[][]string{
			"company": &o.company, "about": &o.about, "loose": &o.loose, "all": &o.all, "own": &o.own, "before": &o.before,
		}[kind]
		if into == nil {
			panic(fmt.Sprintf("others.txt:%d: no kind %q", n+1, kind))
		}
		for _, phrase := range strings.Split(list, ", ") {
			var words []string
			for _, part := range strings.Fields(phrase) {
				if part == "{}" || part == "*" {
					words = append(words, part)
					continue
				}
				words = append(words, plainWords(part)...)
			}
			*into = append(*into, words)
		}
	}
	return out, forms, known
}

// someone is what a text says about an organisation that is not the asker's.
type someone struct {
	name string // as written; empty where all are meant
	how  sureness
}

// sureness is how sure it is that an organisation is meant.
type sureness int

const (
	possible sureness = iota // where the question is about the state of things
	likely                   // where nothing else answers, too
	certain                  // it is called one: whatever the question is about
)

// said is one word of a text: as written, plain, and what it may be.
type said struct {
	text, plain string
	capital     bool
	name        bool // may be somebody's name: nothing here knows it
	owns        bool // is followed by 's
}

// Elsewhere is what can be said to a question about another organisation where
// nothing else answers it: that only the asker's own is seen. Empty: it is no such
// question.
func Elsewhere(in Input, q Question) string {
	d := &draft{Input: in, q: q, record: in.Record.For(in.Asker), words: speak(q.Language), language: spoken(q.Language)}
	who, found := elsewhere(q.Text, d.language, d.record)
	if !found || who.how == possible {
		return ""
	}
	return d.others(who)
}

// Strange reports whether a question holds a name that the record as read does not
// know. Parts that were not read may.
func Strange(in Input, q Question) bool {
	_, found := elsewhere(q.Text, spoken(q.Language), in.Record.For(in.Asker))
	return found
}

// ownOnly says in front of an answer that it is about the asker's organisation,
// where the question asks about another one.
func (d *draft) ownOnly(a Answer) Answer {
	if a.Text == "" {
		return a
	}
	who, found := elsewhere(d.q.Text, d.language, d.record)
	all := who.name == "" && ofOthers(d.q.Intent)
	if !found || who.how != certain && !all && !ofOrganisations(d.q.Intent) {
		return a
	}
	a.Text = d.others(who) + " " + d.fill("others.own", "tenant", d.record.Tenant.Name) + "\n\n" + a.Text
	a.Escalate = "" // what is wrong here is not what was asked
	return a
}

func (d *draft) others(who someone) string {
	if who.name == "" {
		return d.fill("others.all")
	}
	return d.fill("others.named", "name", who.name)
}

// ofOrganisations reports whether an intent's questions are about an organisation
// and not about a person or a system, whose names nobody here may know either.
func ofOrganisations(intent string) bool {
	switch area, _, _ := strings.Cut(intent, "."); area {
	case "onboarding", "tasks", "verification", "people":
		return true
	case "document":
		return intent == "document.missing_list" || intent == "document.received"
	}
	return false
}

// ofOthers reports whether "all customers" in an intent's question are organisations
// and not records of the asker's own systems.
func ofOthers(intent string) bool {
	area, _, _ := strings.Cut(intent, ".")
	return slices.Contains([]string{"document", "milestone", "signature", "ticket", "meeting"}, area)
}

const (
	maxNameWords = 3
	maxGap       = 6
)

// elsewhere finds out whether a text asks about another organisation. Only the
// words and what the asker may see anyway decide: who else is a customer is not
// looked at, so an answer cannot tell.
func elsewhere(text, language string, record onboarding.Record) (someone, bool) {
	words := read(text, sync.OnceValue(func() map[string]bool { return familiar(record) }), language)
	for _, o := range spokenWith(language) {
		for _, phrase := range o.company {
			if name := matched(words, phrase, false); name != "" {
				return someone{name, certain}, true
			}
		}
	}
	for i := 1; i < len(words); i++ {
		form := legalForms[words[i].plain] && (len(words[i].plain) > 2 || words[i].text == strings.ToUpper(words[i].text))
		if name := nameEnding(words, i); form && words[i-1].name {
			return someone{name + " " + words[i].text, certain}, true
		}
	}
	for _, o := range spokenWith(language) {
		for _, phrase := range o.all {
			if matched(words, phrase, true) != "" {
				return someone{"", likely}, true
			}
		}
	}
	for _, o := range spokenWith(language) {
		if slices.ContainsFunc(o.own, func(own []string) bool { return contains(words, own) }) {
			return someone{}, false
		}
	}
	for i, w := range words {
		if w.owns && w.name && len(w.plain) > 2 {
			return someone{nameEnding(words, i+1), likely}, true
		}
	}
	for _, o := range spokenWith(language) {
		for _, phrase := range o.loose {
			if name := matched(words, phrase, true); name != "" {
				return someone{name, likely}, true
			}
		}
		for _, phrase := range o.about {
			if name := matched(words, phrase, false); name != "" {
				return someone{name, possible}, true
			}
		}
		for _, phrase := range o.company { // "the company globex", but "the company letterhead" too
			if name := matched(words, phrase, phrase[len(phrase)-1] == "{}"); name != "" {
				return someone{name, possible}, true
			}
		}
	}
	return someone{}, false
}

// spokenWith are the phrases of a language, then those of the others: people write
// in several, and a question may be taken for one of another language.
func spokenWith(language string) []*other {
	out := []*other{others[spoken(language)]}
	for _, l := range slices.Sorted(maps.Keys(others)) {
		if l != spoken(language) {
			out = append(out, others[l])
		}
	}
	return out
}

// read cuts a text into words and marks those that may be a name.
func read(text string, known func() map[string]bool, language string) []said {
	var words []said
	shouted := strings.ToUpper(text) == text
	fields := strings.FieldsFunc(strings.ReplaceAll(text, "’", "'"), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '.' && r != '@'
	})
	for _, field := range fields {
		field = strings.Trim(field, ".'")
		if field == "" || strings.Contains(field, "@") {
			continue
		}
		text, owns := strings.CutSuffix(field, "'s")
		parts := strings.FieldsFunc(text, func(r rune) bool { return r == '\'' })
		for i, part := range parts {
			first, _ := utf8.DecodeRuneInString(part)
			w := said{text: part, plain: lexicon.Fold(strings.ToLower(part)), capital: unicode.IsUpper(first) && !shouted, owns: owns && i == len(parts)-1}
			acronym := w.capital && len([]rune(part)) <= 5 && strings.ToUpper(part) == part
			w.name = len([]rune(part)) > 2 && !acronym && unicode.IsLetter(first) && !isKnown(w.plain, known, language)
			words = append(words, w)
		}
		if owns {
			words = append(words, said{text: "s", plain: "s"})
		}
	}
	for i := range words { // who is greeted is a person
		for _, o := range spokenWith(language) {
			for _, before := range o.before {
				if i >= len(before) && contains(words[i-len(before):i], before) && words[i].capital {
					words[i].name = false
				}
			}
		}
	}
	return words
}

// isKnown reports whether a word is one of the record's, or one of the languages',
// one letter aside in a long one. Names are not forgiven a letter: it may be another's.
func isKnown(word string, record func() map[string]bool, language string) bool {
	if vocabulary()[word] || vocabulary()[lexicon.Stem(word, language)] {
		return true
	}
	for _, l := range []string{"en", "de", "fr", "es", "pt"} {
		if lexicon.Stopword(word, l) {
			return true
		}
	}
	if record()[word] {
		return true
	}
	if len(word) < 5 {
		return false
	}
	return slices.ContainsFunc(longWords()[word[0]], func(have string) bool { return lexicon.Distance([]rune(have), []rune(word), 1) <= 1 })
}

// vocabulary is every word the shipped texts use, with its stem.
var vocabulary = sync.OnceValue(func() map[string]bool {
	set := maps.Clone(nobodys)
	add := func(language string, words ...string) {
		for _, w := range words {
			set[w] = true
			set[lexicon.Stem(w, language)] = true
		}
	}
	for language, sentences := range phrases {
		for _, text := range sentences {
			for _, w := range strings.FieldsFunc(text, notLetter) {
				if w == strings.ToLower(w) || language == "de" {
					add(language, plainWords(w)...)
				}
			}
		}
	}
	for language, e := range ellipses {
		for _, list := range e.phrases {
			for _, phrase := range list {
				add(language, phrase...)
			}
		}
		add(language, slices.Collect(maps.Keys(e.filler))...)
	}
	for language, o := range others {
		for _, list := range [][][]string{o.company, o.about, o.loose, o.all, o.own, o.before} {
			for _, phrase := range list {
				add(language, phrase...)
			}
		}
	}
	for _, concept := range lexicon.Concepts {
		for _, w := range concept.Words {
			for _, language := range []string{"en", "de", "fr", "es", "pt"} {
				add(language, strings.Split(w, "_")...)
			}
		}
	}
	return set
})

// longWords are those of the vocabulary in which a slip of a letter counts, by
// their first letter.
var longWords = sync.OnceValue(func() map[byte][]string {
	out := map[byte][]string{}
	for w := range vocabulary() {
		if len(w) >= 5 {
			out[w[0]] = append(out[w[0]], w)
		}
	}
	return out
})

// familiar are the words of all names the asker may see.
func familiar(r onboarding.Record) map[string]bool {
	set := map[string]bool{}
	add := func(names ...string) {
		for _, name := range names {
			for _, w := range plainWords(name) {
				set[w] = true
			}
		}
	}
	add(r.Tenant.Name, r.Project.Name, r.Project.OwnerName, r.Project.OwnerContact, r.Project.OwnerStandIn)
	for _, kind := range kinds {
		for _, t := range kind.things(r) {
			add(t.name)
			add(t.aliases...)
		}
	}
	for _, s := range r.Stages {
		add(s.Name)
	}
	for _, t := range r.Tasks {
		add(t.Title, t.AssigneeName)
	}
	for _, p := range r.People {
		add(p.Name)
	}
	for _, e := range r.Envelopes {
		for _, s := range e.Signers {
			add(s.Name)
		}
	}
	for _, e := range r.Enrolments {
		add(e.Course, e.Learner)
	}
	for _, m := range r.Meetings {
		add(m.Title)
		add(m.Attendees...)
	}
	for _, t := range r.Things {
		add(t.Name, t.Key)
	}
	return set
}

// matched finds a phrase in a text and gives back the name in its place; a phrase
// without one gives what it matched. Loose takes names without a capital letter.
func matched(words []said, phrase []string, loose bool) string {
	for i := range words {
		if name, ok := from(words[i:], phrase, loose, 0); ok {
			if name == "" {
				return words[i].text
			}
			return name
		}
	}
	return ""
}

func from(words []said, phrase []string, loose bool, gap int) (string, bool) {
	if len(phrase) == 0 {
		return "", true
	}
	if phrase[0] == "*" {
		for skip := 0; skip <= maxGap && skip <= len(words); skip++ {
			if name, ok := from(words[skip:], phrase[1:], loose, 0); ok {
				return name, true
			}
		}
		return "", false
	}
	if len(words) == 0 {
		return "", false
	}
	if phrase[0] != "{}" {
		if words[0].plain != phrase[0] {
			return "", false
		}
		return from(words[1:], phrase[1:], loose, 0)
	}
	var name []string
	unknown := false
	for n := 0; n < maxNameWords && n < len(words); n++ {
		w := words[n]
		if !w.capital && (!w.name || !loose) {
			break
		}
		unknown = unknown || w.name
		name = append(name, w.text)
		if !unknown {
			continue
		}
		if _, ok := from(words[n+1:], phrase[1:], loose, 0); ok && (n+1 >= len(words) || n+1 == maxNameWords || !words[n+1].capital || len(phrase) > 1) {
			return strings.Join(name, " "), true
		}
	}
	return "", false
}

// nameEnding is the name that ends before a word: it and capitals in front of it.
func nameEnding(words []said, end int) string {
	begin := end - 1
	for begin > 0 && end-begin < maxNameWords && words[begin-1].capital && words[begin].capital && words[begin-1].name {
		begin--
	}
	var name []string
	for _, w := range words[begin:end] {
		name = append(name, w.text)
	}
	return strings.Join(name, " ")
}

func contains(words []said, phrase []string) bool {
	for i := 0; i+len(phrase) <= len(words); i++ {
		if slices.EqualFunc(words[i:i+len(phrase)], phrase, func(w said, p string) bool { return w.plain == p }) {
			return true
		}
	}
	return false
}
