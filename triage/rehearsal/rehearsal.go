package rehearsal

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
)

//go:embed scenarios.yaml
var shipped []byte

// ErrBadScenario says that a scenario cannot be played; the text says why.
var ErrBadScenario = errors.New("scenario is not valid")

// Scenario is one customer with a goal. Curators keep one as JSON; as who it
// talks, in which language and with which words it opens stand beside it.
type Scenario struct {
	Name     string   `yaml:"name" json:"name"`
	Tenant   string   `yaml:"tenant" json:"-"` // slug
	Role     string   `yaml:"role" json:"-"`   // default member
	Language string   `yaml:"language" json:"-"`
	Opening  string   `yaml:"opening" json:"-"`
	Then     []string `yaml:"then" json:"then,omitempty"`         // what they say next, whatever they hear
	Replies  []Reply  `yaml:"replies" json:"replies,omitempty"`   // what they say when they hear something; before Then
	Manner   []string `yaml:"manner" json:"manner,omitempty"`     // greeting, typos, shouting: of every message
	Patience int      `yaml:"patience" json:"patience,omitempty"` // how often they insist before they ask for a person
	Expect   Expect   `yaml:"expect" json:"expect"`
}

// Reply is said once, to what the assistant did.
type Reply struct {
	When string `yaml:"when" json:"when"`                   // asks, answers, not_found, person, says
	Has  string `yaml:"has,omitempty" json:"has,omitempty"` // with says: what stands in it
	Say  string `yaml:"say" json:"say"`
}

// Expect is what has to come of it; everything named has to hold.
type Expect struct {
	Outcomes []string `yaml:"outcomes" json:"outcomes,omitempty"` // each comes once at least; alone: people are never involved
	Article  string   `yaml:"article" json:"article,omitempty"`   // slug an answer cites
	Intent   string   `yaml:"intent" json:"intent,omitempty"`     // of an answer from the live record
	Says     []string `yaml:"says" json:"says,omitempty"`         // each stands in some reply, case aside
	Never    []string `yaml:"never" json:"never,omitempty"`       // none stands in any
	Within   int      `yaml:"within" json:"within,omitempty"`     // customer's messages it may take; 0: all
}

// Line is one message of a transcript.
type Line struct {
	Who    string `json:"who"` // customer, assistant
	Text   string `json:"text"`
	Kind   string `json:"kind,omitempty"`
	Reason string `json:"reason,omitempty"` // why people are involved
}

// Result is what came of a scenario.
type Result struct {
	Name       string `json:"name"`
	Passed     bool   `json:"passed"`
	Why        string `json:"why,omitempty"`
	Transcript []Line `json:"transcript"`
}

// Partner answers messages of one conversation. *assistant.Talk is one.
type Partner interface {
	Say(ctx context.Context, text string) (assistant.Said, error)
}

// What a scenario may name, and how much of it.
var (
	Manners   = []string{"greeting", "typos", "shouting"}
	Languages = []string{"en", "de", "fr", "es", "pt"}
	Outcomes  = []string{"answer", "status", "asks", "not_found", "person", "alone"}
	Whens     = []string{"asks", "answers", "not_found", "person", "says"}
	roles     = []string{"", "member", "manager", "admin"}
)

const (
	maxMessages = 20 // of a customer
	maxPatience = 5
	maxText     = 2000
	maxWords    = 10 // things to say, and never to say
)

// Shipped are the scenarios of the demo operator.
func Shipped() ([]Scenario, error) { return Parse(shipped) }

// Parse reads scenarios.
func Parse(body []byte) ([]Scenario, error) {
	var file struct {
		Scenarios []Scenario `yaml:"scenarios"`
	}
	if err := yaml.UnmarshalWithOptions(body, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadScenario, err)
	}
	names := map[string]bool{}
	for _, s := range file.Scenarios {
		if err := s.Check(); err != nil {
			return nil, err
		}
		if s.Tenant == "" {
			return nil, s.bad("it needs a tenant")
		}
		if names[s.Name] {
			return nil, fmt.Errorf("%w: two are called %q", ErrBadScenario, s.Name)
		}
		names[s.Name] = true
	}
	return file.Scenarios, nil
}

func (s Scenario) bad(what string) error {
	return fmt.Errorf("%w: %s: %s", ErrBadScenario, cmp.Or(s.Name, "without a name"), what)
}

// Check reports what keeps a scenario from being played.
func (s Scenario) Check() error {
	e := s.Expect
	switch {
	case strings.TrimSpace(s.Name) == "" || len(s.Name) > 200:
		return s.bad("it needs a name of at most 200 characters")
	case !s.sayable():
		return s.bad(fmt.Sprintf("it needs an opening; it says at most %d messages of at most %d characters each, none empty", maxMessages, maxText))
	case !slices.Contains(Languages, s.Language):
		return s.bad("the language is not one of " + strings.Join(Languages, ", "))
	case !slices.Contains(roles, s.Role):
		return s.bad("the role is not member, manager or admin")
	case !known(s.Manner, Manners):
		return s.bad("a manner is not one of " + strings.Join(Manners, ", "))
	case slices.ContainsFunc(s.Replies, func(r Reply) bool { return !slices.Contains(Whens, r.When) || (r.When == "says") != (r.Has != "") }):
		return s.bad("a reply is to one of " + strings.Join(Whens, ", ") + "; with says it names what is said")
	case !known(e.Outcomes, Outcomes):
		return s.bad("what is expected is not one of " + strings.Join(Outcomes, ", "))
	case len(e.Outcomes) == 0 && e.Article == "" && e.Intent == "" && len(e.Says) == 0 && len(e.Never) == 0:
		return s.bad("it expects nothing")
	case e.wants("person") && e.wants("alone"):
		return s.bad("people cannot be involved and not be involved")
	case len(e.Says) > maxWords || len(e.Never) > maxWords || slices.Contains(e.Says, "") || slices.Contains(e.Never, ""):
		return s.bad(fmt.Sprintf("at most %d things to say and %d never to say, none empty", maxWords, maxWords))
	case s.Patience < 0 || s.Patience > maxPatience || e.Within < 0:
		return s.bad(fmt.Sprintf("patience is 0 to %d, within not negative", maxPatience))
	}
	return nil
}

func (s Scenario) sayable() bool {
	texts := append([]string{s.Opening}, s.Then...)
	for _, r := range s.Replies {
		texts = append(texts, r.Say)
	}
	return len(texts) <= maxMessages && !slices.ContainsFunc(texts, func(text string) bool { return strings.TrimSpace(text) == "" || len([]rune(text)) > maxText })
}

func known(values, of []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(of, v) })
}

func (e Expect) wants(outcome string) bool { return slices.Contains(e.Outcomes, outcome) }

// Play lets the customer talk until something that must not be has come, or
// there is nothing left to say.
func (s Scenario) Play(ctx context.Context, partner Partner) (Result, error) {
	r := Result{Name: s.Name, Transcript: []Line{}}
	met := progress{came: map[string]int{}}
	c := customer{Scenario: s, replies: slices.Clone(s.Replies), then: s.Then}
	text := s.written(s.Opening)
	for text != "" {
		said, err := partner.Say(ctx, text)
		if err != nil {
			return r, fmt.Errorf("scenario %q: %w", s.Name, err)
		}
		r.Transcript = append(r.Transcript, Line{Who: "customer", Text: text})
		if said.Kind != "" {
			line := Line{Who: "assistant", Text: said.Text, Kind: said.Kind}
			if said.Person {
				line.Reason = said.Reason
			}
			r.Transcript = append(r.Transcript, line)
		}
		if met.see(s.Expect, said); met.broken != "" {
			break
		}
		text = c.next(said, met.missing(s.Expect, false) == "")
	}
	r.Why = cmp.Or(met.broken, met.missing(s.Expect, true))
	r.Passed = r.Why == ""
	return r, nil
}

// customer is a scenario being played: what of it is left.
type customer struct {
	Scenario
	replies  []Reply
	then     []string
	last     string // what they said of themselves last
	insisted int
	asked    bool // for a person
}

// next is what they say to what they heard; empty: nothing more.
func (c *customer) next(said assistant.Said, content bool) string {
	if at := slices.IndexFunc(c.replies, func(r Reply) bool { return r.fits(said) }); at >= 0 {
		c.last = c.replies[at].Say
		c.replies = slices.Delete(c.replies, at, at+1)
		return c.written(c.last)
	}
	if len(c.then) > 0 {
		c.last, c.then = c.then[0], c.then[1:]
		return c.written(c.last)
	}
	switch {
	case content || c.Patience == 0 || c.asked:
		return ""
	case c.insisted < c.Patience:
		c.insisted++
		return c.insisting(c.insisted-1, cmp.Or(c.last, c.Opening))
	}
	c.asked = true
	return phrases[c.Language].person
}

func (r Reply) fits(said assistant.Said) bool {
	switch r.When {
	case "asks":
		return said.Asks
	case "answers":
		return said.Kind == "answer" || said.Kind == "status"
	case "not_found":
		return said.Kind == "not_found"
	case "person":
		return said.Person
	}
	return strings.Contains(strings.ToLower(said.Text), strings.ToLower(r.Has))
}

// progress is what of an expectation has come, and after how many messages.
type progress struct {
	messages int
	came     map[string]int // the message it came with first
	broken   string
}

func (p *progress) see(e Expect, said assistant.Said) {
	p.messages++
	first := func(what string, now bool) {
		if now && p.came[what] == 0 {
			p.came[what] = p.messages
		}
	}
	text := strings.ToLower(said.Text)
	first("answer", said.Kind == "answer" || len(said.Citations) > 0 && said.Kind == "status")
	first("status", said.Kind == "status")
	first("asks", said.Asks)
	first("not_found", said.Kind == "not_found")
	first("person", said.Person)
	first("article", slices.ContainsFunc(said.Citations, func(c triage.Citation) bool { return slug(c.URL) == e.Article }) && said.Kind != "not_found")
	first("intent", said.Kind == "status" && said.Intent == e.Intent)
	for _, part := range e.Says {
		first("says "+part, strings.Contains(text, strings.ToLower(part)))
	}
	for _, part := range e.Never {
		if strings.Contains(text, strings.ToLower(part)) {
			p.broken = fmt.Sprintf("It said “%s”.", part)
		}
	}
	if e.wants("alone") && said.Person {
		p.broken = "A person was involved: " + words(said.Reason) + "."
	}
}

// words is a stored word as people read it.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

func slug(url string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(url, "/help/"), "#")
	return name
}

// missed says that an outcome did not come. Alone cannot be missing.
var missed = map[string]string{
	"answer": "No answer came from articles", "status": "No answer came from the record", "asks": "It did not ask back",
	"not_found": "It did not say that it found nothing", "person": "No person was involved",
}

// missing is the first thing expected that has not come, or not in time.
func (p progress) missing(e Expect, inTime bool) string {
	limit := 0
	if inTime {
		limit = e.Within
	}
	late := func(what string) bool { return p.came[what] == 0 || limit > 0 && p.came[what] > limit }
	in := "."
	if limit > 0 {
		in = fmt.Sprintf(" within %d messages.", limit)
		if limit == 1 {
			in = " with the first message."
		}
	}
	for _, outcome := range e.Outcomes {
		if sentence := missed[outcome]; sentence != "" && late(outcome) {
			return sentence + in
		}
	}
	switch {
	case e.Article != "" && late("article"):
		return "No answer cited " + e.Article + in
	case e.Intent != "" && late("intent"):
		return "No answer from the record to " + e.Intent + in
	}
	for _, part := range e.Says {
		if late("says " + part) {
			return fmt.Sprintf("It did not say “%s”", part) + in
		}
	}
	return ""
}
