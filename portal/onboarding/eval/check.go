package eval

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usherdesk/usher/portal/onboarding/status"
)

// Fault is one thing wrong with an answer.
type Fault struct {
	Leak bool // something the asker may not know; else a fact that is not the record's
	What string
}

//go:embed words.txt
var wordsFile string

type stateWord struct{ state, words string }

// stateWords are the wordings by language and group, longest first.
var stateWords = readWords()

func readWords() map[string]map[string][]stateWord {
	out := map[string]map[string][]stateWord{}
	for n, line := range strings.Split(wordsFile, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, " | ")
		if len(parts) != 4 {
			panic(fmt.Sprintf("words.txt:%d: not language | group | state | words", n+1)) // shipped with the program
		}
		if out[parts[0]] == nil {
			out[parts[0]] = map[string][]stateWord{}
		}
		out[parts[0]][parts[1]] = append(out[parts[0]][parts[1]], stateWord{parts[2], strings.ToLower(parts[3])})
	}
	for _, groups := range out {
		for _, words := range groups {
			slices.SortStableFunc(words, func(a, b stateWord) int { return len(b.words) - len(a.words) })
		}
	}
	return out
}

var monthNames = map[string][]string{
	"en": {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"},
	"de": {"januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember"},
	"fr": {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	"es": {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
	"pt": {"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
}

var datePatterns = func() map[string]*regexp.Regexp {
	out := map[string]*regexp.Regexp{}
	for language, names := range monthNames {
		between := map[string]string{"en": `(\d{1,2}) `, "de": `(\d{1,2})\. `, "fr": `(\d{1,2})(?:er)? `, "es": `(\d{1,2}) de `, "pt": `(\d{1,2}) de `}[language]
		year := map[string]string{"es": ` de (\d{4})`, "pt": ` de (\d{4})`}[language]
		if year == "" {
			year = ` (\d{4})`
		}
		out[language] = regexp.MustCompile(between + `(` + strings.Join(names, "|") + `)` + year)
	}
	out["en-US"] = regexp.MustCompile(`(` + strings.Join(monthNames["en"], "|") + `) (\d{1,2}), (\d{4})`)
	return out
}()

var (
	codeWord     = regexp.MustCompile(`(?i)x(?:[aeiou][bdfgklmnprtvz]){2,3}oq`)
	clockTime    = regexp.MustCompile(`\b\d{1,2}:\d{2}(?: [ap]m)?\b`)
	link         = regexp.MustCompile(`\]\(([^)]*)\)`)
	ticketNumber = regexp.MustCompile(`#\d+`)
	anyNumber    = regexp.MustCompile(`\d+(?:[.,’\x{a0}\x{202f}]\d{3})*`)
	uuidLike     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// ownOnly is how an answer begins that says whose records it is from, in the
// check's own words: § is what was asked about, ¶ the asker's organisation.
var ownOnly = map[string]string{
	"en": "I can only see the records of your own organisation, so I can't say anything about “§”. For **¶**:",
	"de": "Ich sehe nur die Daten Ihrer eigenen Organisation und kann zu „§“ nichts sagen. Für **¶** gilt:",
	"fr": "Je ne vois que les données de votre propre organisation et ne peux rien dire sur « § ». Pour **¶** :",
	"es": "Solo veo los datos de su propia organización y no puedo decir nada sobre «§». Para **¶**:",
	"pt": "Só vejo os dados da sua própria organização e não posso dizer nada sobre “§”. Para **¶**:",
}

// beginning is what stands before an answer that is about the asker's organisation
// only, if it says so: of another one it may say what the question says, no more.
func (f *facts) beginning(question string, a status.Answer) (rest string, said bool) {
	first, rest, two := strings.Cut(a.Text, "\n\n")
	before, after, _ := strings.Cut(ownOnly[a.Language], "§")
	name, begins := strings.CutPrefix(first, before)
	name, ends := strings.CutSuffix(name, strings.ReplaceAll(after, "¶", f.world.Record.Tenant.Name))
	if !two || !begins || !ends || name == "" || !strings.Contains(question, name) {
		return a.Text, false
	}
	return rest, true
}

// check takes the answer apart and compares what it finds with the facts.
// What the question itself says may be said back.
func check(f *facts, question string, a status.Answer) (faults []Fault) {
	language := a.Language
	wrong := func(format string, args ...any) {
		faults = append(faults, Fault{What: fmt.Sprintf(format, args...)})
	}
	leak := func(format string, args ...any) {
		faults = append(faults, Fault{Leak: true, What: fmt.Sprintf(format, args...)})
	}
	f.checkHidden(a, leak)
	f.checkBasis(a, wrong)
	if a.Clarify != "" {
		for _, option := range a.Options {
			if !slices.Contains(f.clarify, option) {
				wrong("offers %q, which is no candidate", option)
			}
		}
		return faults
	}
	text, _ := f.beginning(question, a)
	for _, target := range link.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(target[1], "/") || strings.HasPrefix(target[1], "//") {
			wrong("links to %q", target[1])
		}
	}
	for _, target := range f.mustLinks {
		if !strings.Contains(text, "]("+target+")") {
			wrong("does not link to %q", target)
		}
	}
	text = link.ReplaceAllString(text, "]")
	for _, name := range f.mustNames {
		if !strings.Contains(a.Text, name) {
			wrong("does not say %q", name)
		}
	}
	text = without(text, f.names)
	for _, number := range ticketNumber.FindAllString(question, -1) {
		text = strings.ReplaceAll(text, number, " ")
	}
	text = strings.ReplaceAll(text, f.world.Record.Tenant.TimeZone, " ")
	for _, word := range codeWord.FindAllString(text, -1) {
		wrong("names %q, which has no place here", word)
	}
	if a.Stale != f.stale {
		wrong("says stale=%v of values that are stale=%v", a.Stale, f.stale)
	}
	text = strings.ToLower(text)
	text = f.checkDates(text, language, a, wrong)
	text = f.checkClocks(text, a, wrong)
	f.checkNumbers(text, a, wrong)
	f.checkStates(text, language, wrong)
	f.checkTurn(a, wrong)
	return faults
}

// without takes names out, longest first.
func without(text string, names []string) string {
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		if name != "" {
			text = strings.ReplaceAll(text, name, " § ")
		}
	}
	return text
}

// checkTurn: what the text says about whose move it is, the answer says too.
func (f *facts) checkTurn(a status.Answer, wrong func(string, ...any)) {
	for _, must := range f.mustStates {
		if must[0] == "turn" && a.Turn != must[1] {
			wrong("has the turn %q, not %q", a.Turn, must[1])
		}
	}
}

func (f *facts) checkDates(text, language string, a status.Answer, wrong func(string, ...any)) string {
	found := map[string]bool{}
	pattern, dayAt, monthAt := datePatterns[language], 1, 2
	if f.american {
		pattern, dayAt, monthAt = datePatterns["en-US"], 2, 1
	}
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		day, _ := strconv.Atoi(m[dayAt])
		year, _ := strconv.Atoi(m[3])
		date := time.Date(year, time.Month(slices.Index(monthNames[language], m[monthAt])+1), day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		found[date] = true
		if !f.days[date] {
			wrong("says %s, which is no date of this", date)
		}
		if !f.basisHolds(a, func(value string) bool { return f.local(value, time.DateOnly) == date }) {
			wrong("says %s and does not say what it rests on", date)
		}
	}
	for _, must := range f.mustDays {
		if !found[must] {
			wrong("does not say %s", must)
		}
	}
	return pattern.ReplaceAllString(text, " ")
}

func (f *facts) checkClocks(text string, a status.Answer, wrong func(string, ...any)) string {
	for _, at := range clockTime.FindAllString(text, -1) {
		if !f.clocks[at] {
			wrong("says %s, which is no time of this", at)
		}
		if !f.basisHolds(a, func(value string) bool { return f.local(value, "15:04") == at || f.local(value, "3:04 pm") == at }) {
			wrong("says %s and does not say what it rests on", at)
		}
	}
	return clockTime.ReplaceAllString(text, " ")
}

func (f *facts) checkNumbers(text string, a status.Answer, wrong func(string, ...any)) {
	whole := a.Text
	found := map[int64]bool{}
	for _, m := range anyNumber.FindAllString(text, -1) {
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, m)
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			wrong("says the number %s", m)
			continue
		}
		found[n] = true
		if !f.numbers[n] {
			wrong("says %d, which is no number of this", n)
		}
		if !f.basisHolds(a, func(value string) bool { return strings.TrimPrefix(value, "-") == strconv.FormatInt(n, 10) }) {
			wrong("says %d and does not say what it rests on", n)
		}
	}
	for _, must := range f.mustNumbers {
		if !found[must] && !strings.Contains(whole, fmt.Sprintf("#%d", must)) {
			wrong("does not say %d", must)
		}
	}
}

func (f *facts) checkStates(text, language string, wrong func(string, ...any)) {
	text = strings.Join(strings.Fields(text), " ")
	for group, allowed := range f.states {
		rest, found := text, map[string]bool{}
		for _, w := range stateWords[language][group] {
			if !strings.Contains(rest, w.words) {
				continue
			}
			found[w.state] = true
			if w.state == "*" {
				rest = strings.ReplaceAll(rest, w.words, " ")
				continue
			}
			if alike := slices.ContainsFunc(stateWords[language][group], func(o stateWord) bool { return o.words == w.words && allowed[o.state] }); !alike {
				wrong("says %q of a %s that is not %s", w.words, group, w.state)
			}
			for _, o := range stateWords[language][group] {
				if o.words == w.words {
					found[o.state] = true
				}
			}
			rest = strings.ReplaceAll(rest, w.words, " ")
		}
		for _, must := range f.mustStates {
			if must[0] == group && !found[must[1]] {
				wrong("does not say that the %s is %s", group, must[1])
			}
		}
	}
}

// checkHidden looks for anything the asker may not know, anywhere in the answer.
func (f *facts) checkHidden(a status.Answer, leak func(string, ...any)) {
	whole := a.Text + " " + a.Clarify + " " + strings.Join(a.Options, " ") + " " + a.Link
	for _, b := range a.Basis {
		whole += " " + b.Label + " " + b.Field + " " + b.Value + " " + b.ID.String()
	}
	lower := strings.ToLower(whole)
	hidden := f.hidden()
	for _, word := range codeWord.FindAllString(lower, -1) {
		if hidden[word] {
			leak("holds %q, which this person may not know", word)
		}
	}
	for _, id := range uuidLike.FindAllString(lower, -1) {
		if hidden[id] {
			leak("holds the id %s of something this person may not see", id)
		}
	}
}

// hidden are the code words and ids of what the asker may not see, less what
// they may see elsewhere.
func (f *facts) hidden() map[string]bool {
	out, shown := map[string]bool{}, map[string]bool{}
	r := f.world.Record
	note := func(visible bool, texts ...string) {
		into := out
		if visible {
			into = shown
		}
		for _, text := range texts {
			for _, word := range codeWord.FindAllString(strings.ToLower(text), -1) {
				into[word] = true
			}
			if uuidLike.MatchString(text) {
				into[text] = true
			}
		}
	}
	for _, t := range r.Tasks {
		note(seesTask(f.asker, t), t.Title, t.Blocker, t.ID.String())
		note(seesTask(f.asker, t) && t.AssigneeName != "", t.AssigneeName)
	}
	for _, d := range r.Documents {
		note(seesDepartment(f.asker, d.Department), d.Title, d.ID.String())
		for i, v := range d.Versions {
			secret := slices.ContainsFunc(v.RejectCodes, func(c string) bool { return slices.Contains(secretReasons, c) })
			note(seesDepartment(f.asker, d.Department), v.FileName, v.ID.String())
			note(seesDepartment(f.asker, d.Department) && !secret && i == len(d.Versions)-1, v.Message)
		}
	}
	for _, e := range r.Enrolments {
		visible := manager(f.asker) || e.UserID == f.asker.UserID
		note(visible, e.Course, e.ID.String(), e.Learner)
	}
	for _, m := range r.Meetings {
		invited := slices.Contains(m.AttendeeIDs, f.asker.UserID)
		note(invited, m.JoinLink)
		note(true, m.Attendees...)
	}
	for _, p := range r.People {
		champion := r.Project.ChampionID != nil && *r.Project.ChampionID == p.ID
		note(admin(f.asker) || p.ID == f.asker.UserID || champion, p.Name)
		note(admin(f.asker) || p.ID == f.asker.UserID, p.Email, p.ID.String())
	}
	mine := f.world.TicketsOf(f.asker)
	for _, t := range f.world.Tickets {
		visible := slices.ContainsFunc(mine, func(m status.Ticket) bool { return m.Number == t.Number })
		note(visible, t.Subject, t.Assignee)
	}
	for word := range shown {
		delete(out, word)
	}
	return out
}
