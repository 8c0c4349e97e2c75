package eval

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// Config of a run. Worlds is how many worlds to invent, Seed makes them
// repeatable. Classify gives the intent of a text, "" for none; nil leaves
// intent accuracy out.
type Config struct {
	Worlds   int
	Seed     uint64
	Classify func(ctx context.Context, text, language string) (string, error)
	Resolve  func(in status.Input, q status.Question) status.Answer // default status.Resolve
	Progress io.Writer                                              // may be nil
}

// Result of a run. IntentAccuracy is over the held-out phrases, once per world
// and intent; N counts questions asked.
type Result struct {
	N              int                `json:"n"`
	Worlds         int                `json:"worlds"`
	IntentAccuracy float64            `json:"intent_accuracy"`
	ByLanguage     map[string]float64 `json:"intent_accuracy_by_language,omitempty"`
	NearMisses     float64            `json:"near_misses_refused"` // share not taken for what they resemble
	WrongFacts     int                `json:"wrong_facts"`         // answers with at least one
	Leaks          int                `json:"leaks"`               // answers with at least one
	Answered       int                `json:"answered"`
	Clarified      int                `json:"clarified"`
	Others         int                `json:"about_others"`       // questions about other organisations, beside N
	Examples       []string           `json:"examples,omitempty"` // of faults, at most 20
}

// asked is one question with what it is about.
type asked struct {
	Phrase
	text string
	subject
	unknown string // the same question about a name nobody has
}

// Run asks every intent once in every world.
func Run(ctx context.Context, c Config) (Result, error) {
	if c.Worlds <= 0 {
		return Result{}, fmt.Errorf("evaluate status: n must be at least 1, not %d", c.Worlds)
	}
	if c.Resolve == nil {
		c.Resolve = status.Resolve
	}
	byIntent := map[string][]Phrase{}
	for _, p := range Phrases() {
		byIntent[p.Intent] = append(byIntent[p.Intent], p)
	}
	r := Result{Worlds: c.Worlds}
	right, total := map[string]int{}, map[string]int{}
	for n := range c.Worlds {
		if err := ctx.Err(); err != nil {
			return r, fmt.Errorf("evaluate status: %w", err)
		}
		w := NewWorld(c.Seed*1_000_003 + uint64(n))
		for _, intent := range status.Intents {
			q := w.ask(pick(w, byIntent[intent]))
			asker := pick(w, w.Askers)
			r.N++
			r.judge(w, asker, intent, q, c)
			if c.Classify == nil {
				continue
			}
			got, err := c.Classify(ctx, q.text, q.Language)
			if err != nil {
				return r, fmt.Errorf("evaluate status: classify: %w", err)
			}
			total[q.Language]++
			if got == intent {
				right[q.Language]++
			} else if slices.Contains(status.Intents, got) {
				// A wrong turn must still say only what is true.
				r.judge(w, asker, got, asked{Phrase: q.Phrase, text: q.text, subject: subject{index: -1, named: true}}, c)
			}
		}
		r.askOfOthers(w, pick(w, w.Askers), Others()[n%len(Others())], c)
		if c.Progress != nil && (n+1)%500 == 0 {
			fmt.Fprintf(c.Progress, "%d of %d worlds\n", n+1, c.Worlds)
		}
	}
	r.accuracy(right, total)
	return r, r.nearMisses(ctx, c)
}

// askOfOthers asks once in a world about somebody else's organisation: the answer
// must say that it is about the asker's own, and the same whoever it is.
func (r *Result) askOfOthers(w *World, asker onboarding.Asker, p Phrase, c Config) {
	r.Others++
	in := status.Input{Record: w.Record, Tickets: w.TicketsOf(asker), Asker: asker, Now: w.Now}
	ask := func(name string) (status.Answer, []Fault) {
		text := strings.ReplaceAll(p.Text, "{other}", name)
		a := c.Resolve(in, status.Question{Intent: p.Intent, Text: text, Language: p.Language})
		facts := expect(w, asker, p.Language, p.Intent, subject{index: -1, named: true})
		faults := check(facts, text, a)
		if _, said := facts.beginning(text, a); !said {
			faults = append(faults, Fault{What: "does not say that it is about the asker's organisation"})
		}
		return a, faults
	}
	one, other := w.code(), w.code()
	a, faults := ask(one)
	b, _ := ask(other)
	if strings.ReplaceAll(a.Text, one, other) != b.Text {
		faults = append(faults, Fault{true, "tells one organisation from another"})
	}
	r.count(p.Intent, strings.ReplaceAll(p.Text, "{other}", one), a, faults)
}

func (r *Result) nearMisses(ctx context.Context, c Config) error {
	if c.Classify == nil {
		return nil
	}
	refused, all := 0, NearMisses()
	for _, p := range all {
		got, err := c.Classify(ctx, p.Text, p.Language)
		if err != nil {
			return fmt.Errorf("evaluate status: classify: %w", err)
		}
		if got != p.Intent {
			refused++
		}
	}
	r.NearMisses = float64(refused) / float64(len(all))
	return nil
}

func (r *Result) accuracy(right, total map[string]int) {
	hits, all := 0, 0
	r.ByLanguage = map[string]float64{}
	for language, n := range total {
		hits, all = hits+right[language], all+n
		r.ByLanguage[language] = float64(right[language]) / float64(n)
	}
	if all > 0 {
		r.IntentAccuracy = float64(hits) / float64(all)
	}
}

func (r *Result) judge(w *World, asker onboarding.Asker, intent string, q asked, c Config) {
	in := status.Input{Record: w.Record, Tickets: w.TicketsOf(asker), Asker: asker, Now: w.Now}
	answer := c.Resolve(in, status.Question{Intent: intent, Text: q.text, Language: q.Language})
	s := q.subject
	if s.index >= 0 && !w.visible(asker, intent, s.index) {
		s.index = -1
	}
	faults := check(expect(w, asker, q.Language, intent, s), q.text, answer)
	if answer.Language != q.Language {
		faults = append(faults, Fault{What: "is in " + answer.Language + ", not " + q.Language})
	}
	if s.index < 0 && q.unknown != "" {
		// What is hidden must be answered like what nobody has ever heard of.
		other := c.Resolve(in, status.Question{Intent: intent, Text: q.unknown, Language: q.Language})
		if q.subject.index >= 0 && plain(other.Text) != plain(answer.Text) {
			faults = append(faults, Fault{true, fmt.Sprintf("tells the hidden from the missing: %q, %q", answer.Text, other.Text)})
		}
	}
	if answer.Text == "" && answer.Clarify == "" {
		faults = append(faults, Fault{What: "says nothing"})
	}
	if answer.Clarify != "" {
		r.Clarified++
	} else {
		r.Answered++
	}
	r.count(intent, q.text, answer, faults)
}

func (r *Result) count(intent, text string, answer status.Answer, faults []Fault) {
	leaks := slices.ContainsFunc(faults, func(f Fault) bool { return f.Leak })
	wrong := slices.ContainsFunc(faults, func(f Fault) bool { return !f.Leak })
	if leaks {
		r.Leaks++
	}
	if wrong {
		r.WrongFacts++
	}
	for _, f := range faults {
		if len(r.Examples) < 20 {
			r.Examples = append(r.Examples, fmt.Sprintf("%s | %s | %s || %s %s %v", intent, f.What, text, answer.Text, answer.Clarify, answer.Options))
		}
	}
}

// plain leaves out a ticket number, which an answer may repeat from the question.
func plain(text string) string { return ticketNumber.ReplaceAllString(text, "#") }

// visible reports whether the asker may see the thing a question names.
func (w *World) visible(a onboarding.Asker, intent string, index int) bool {
	switch intent {
	case "document.received", "document.review_status", "document.rejection_reason", "document.latest_version":
		return seesDepartment(a, w.Record.Documents[index].Department)
	case "access.user_invite":
		return admin(a)
	case "ticket.status":
		return slices.ContainsFunc(w.TicketsOf(a), func(t status.Ticket) bool { return t.Number == w.Tickets[index].Number })
	}
	return true
}

// ask fills a phrase with a name of the world, or one nobody has.
func (w *World) ask(p Phrase) asked {
	q := asked{Phrase: p, text: p.Text, subject: subject{index: -1}}
	open, end := strings.Index(p.Text, "{"), strings.Index(p.Text, "}")
	if open < 0 || end < open {
		return q
	}
	q.named = true
	slot := p.Text[open+1 : end]
	names := w.candidates(slot)
	fill := func(name string) string { return p.Text[:open] + name + p.Text[end+1:] }
	stranger := w.stranger(slot)
	q.unknown = fill(stranger)
	if len(names) == 0 || w.chance(5) {
		q.text = q.unknown
		return q
	}
	order := make([]int, 0, len(names))
	for i := range names {
		if names[i] != "" {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		q.text = q.unknown
		return q
	}
	q.index = pick(w, order)
	q.text = fill(names[q.index])
	if words := strings.Fields(names[q.index]); len(words) > 1 && slot != "ticket" {
		// The stranger shares the common words, so that only what is known differs.
		words[len(words)-1] = w.code()
		q.unknown = fill(strings.Join(words, " "))
	}
	return q
}

// stranger is a name of the kind that nothing in any world has.
func (w *World) stranger(slot string) string {
	switch slot {
	case "ticket":
		return strconv.Itoa(900_000 + w.rng.IntN(90_000))
	case "environment":
		return "sandbox" // there are only two; a missing one is a stranger
	}
	return w.code()
}

// candidates are the names a question may use for each thing, "" for none.
func (w *World) candidates(slot string) (names []string) {
	r := w.Record
	switch slot {
	case "milestone":
		for _, m := range r.Milestones {
			names = append(names, m.Name)
		}
	case "document", "agreement":
		for _, d := range r.Documents {
			if d.Final == (slot == "agreement") {
				names = append(names, d.Title)
			} else {
				names = append(names, "")
			}
		}
	case "envelope":
		for _, e := range r.Envelopes {
			names = append(names, e.Title)
		}
	case "integration":
		for _, i := range r.Integrations {
			names = append(names, i.Connector)
		}
	case "environment":
		for _, e := range r.Environments {
			names = append(names, e.Kind)
		}
	case "person":
		for _, p := range r.People {
			names = append(names, p.Name)
		}
	case "ticket":
		for _, t := range w.Tickets {
			names = append(names, strconv.FormatInt(t.Number, 10))
		}
	}
	return names
}
