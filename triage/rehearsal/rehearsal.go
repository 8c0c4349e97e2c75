// Package rehearsal lets customers that do not exist talk to the assistant: each
// has a goal, a way of writing and some patience, says several messages and has
// to get what the scenario expects. Everything is decided as live and nothing is
// stored. What they say is made by rules, the same every time. Neighbours:
// triage/assistant decides (Talk), triage/eval keeps single questions.
package rehearsal

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
)

//go:embed scenarios.yaml
var shipped []byte

// Scenario is one customer with a goal.
type Scenario struct {
	Name     string   `yaml:"name"`
	Tenant   string   `yaml:"tenant"` // slug
	Role     string   `yaml:"role"`   // default member
	Language string   `yaml:"language"`
	Say      []string `yaml:"say"`      // what they say, one message after the other
	Manner   []string `yaml:"manner"`   // greeting, typos, shouting: of every message
	Patience int      `yaml:"patience"` // how often they insist before they ask for a person
	Expect   Expect   `yaml:"expect"`
}

// Expect is what has to come of it; everything named has to hold.
type Expect struct {
	Article string   `yaml:"article"` // slug cited in an answer
	Status  string   `yaml:"status"`  // intent answered from the live record
	Person  bool     `yaml:"person"`  // people are involved
	Alone   bool     `yaml:"alone"`   // people are not involved
	Within  int      `yaml:"within"`  // customer's messages it may take; 0: all
	Never   []string `yaml:"never"`   // no reply says any of it
}

// Line is one message of a transcript.
type Line struct {
	Who  string `json:"who"` // customer, assistant
	Text string `json:"text"`
	Kind string `json:"kind,omitempty"`
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

var (
	manners   = []string{"greeting", "typos", "shouting"}
	languages = []string{"en", "de", "fr", "es", "pt"}
)

// Shipped are the scenarios of the demo operator.
func Shipped() ([]Scenario, error) { return Parse(shipped) }

// Parse reads scenarios.
func Parse(body []byte) ([]Scenario, error) {
	var file struct {
		Scenarios []Scenario `yaml:"scenarios"`
	}
	if err := yaml.UnmarshalWithOptions(body, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read scenarios: %w", err)
	}
	names := map[string]bool{}
	for _, s := range file.Scenarios {
		if err := s.check(); err != nil {
			return nil, err
		}
		if names[s.Name] {
			return nil, fmt.Errorf("two scenarios are called %q", s.Name)
		}
		names[s.Name] = true
	}
	return file.Scenarios, nil
}

func (s Scenario) check() error {
	bad := func(what string) error { return fmt.Errorf("scenario %q: %s", s.Name, what) }
	e := s.Expect
	switch {
	case s.Name == "" || s.Tenant == "" || len(s.Say) == 0:
		return bad("it needs a name, a tenant and something to say")
	case !slices.Contains(languages, s.Language):
		return bad("the language is not one of " + strings.Join(languages, ", "))
	case slices.ContainsFunc(s.Manner, func(m string) bool { return !slices.Contains(manners, m) }):
		return bad("a manner is not one of " + strings.Join(manners, ", "))
	case e.Article == "" && e.Status == "" && !e.Person && !e.Alone && len(e.Never) == 0:
		return bad("it expects nothing")
	case e.Person && e.Alone:
		return bad("people cannot be involved and not be involved")
	case s.Patience < 0 || s.Patience > 5 || e.Within < 0:
		return bad("patience is 0 to 5, within not negative")
	}
	return nil
}

// Play lets the customer talk until everything expected has come, or there is
// nothing left to say.
func (s Scenario) Play(ctx context.Context, partner Partner) (Result, error) {
	r := Result{Name: s.Name, Transcript: []Line{}}
	var met progress
	say := func(text string) (done bool, err error) {
		said, err := partner.Say(ctx, text)
		if err != nil {
			return false, fmt.Errorf("scenario %q: %w", s.Name, err)
		}
		r.Transcript = append(r.Transcript, Line{Who: "customer", Text: text})
		if said.Kind != "" {
			r.Transcript = append(r.Transcript, Line{Who: "assistant", Text: said.Text, Kind: said.Kind})
		}
		met.see(s.Expect, said)
		return met.broken != "", nil
	}
	for _, text := range s.Say {
		if done, err := say(s.written(text)); err != nil || done {
			return s.judge(r, met), err
		}
	}
	for i := 0; i < s.Patience && !met.all(s.Expect); i++ {
		if done, err := say(s.insisting(i)); err != nil || done {
			return s.judge(r, met), err
		}
	}
	if s.Patience > 0 && !met.all(s.Expect) {
		if _, err := say(phrases[s.Language].person); err != nil {
			return r, err
		}
	}
	return s.judge(r, met), nil
}

// progress is what of an expectation has come, and after how many messages.
type progress struct {
	messages                int
	article, status, person int // the message it came with; 0: not yet
	broken                  string
}

func (p *progress) see(e Expect, said assistant.Said) {
	p.messages++
	first := func(at *int, now bool) {
		if now && *at == 0 {
			*at = p.messages
		}
	}
	first(&p.article, slices.ContainsFunc(said.Citations, func(c triage.Citation) bool { return slug(c.URL) == e.Article }))
	first(&p.status, said.Kind == "status" && said.Intent == e.Status)
	first(&p.person, said.Person)
	for _, part := range e.Never {
		if strings.Contains(strings.ToLower(said.Text), strings.ToLower(part)) {
			p.broken = fmt.Sprintf("it said “%s”", part)
		}
	}
	if e.Alone && said.Person {
		p.broken = "people were involved: " + said.Reason
	}
}

func slug(url string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(url, "/help/"), "#")
	return name
}

// missing is the first thing expected that has not come in time.
func (p progress) missing(e Expect) string {
	late := func(at int) bool { return at == 0 || e.Within > 0 && at > e.Within }
	in := ""
	if e.Within > 0 {
		in = fmt.Sprintf(" within %d messages", e.Within)
	}
	switch {
	case e.Article != "" && late(p.article):
		return "no answer cited " + e.Article + in
	case e.Status != "" && late(p.status):
		return "no answer from the record to " + e.Status + in
	case e.Person && late(p.person):
		return "no person was involved" + in
	}
	return ""
}

func (p progress) all(e Expect) bool {
	return p.missing(Expect{Article: e.Article, Status: e.Status, Person: e.Person}) == ""
}

func (s Scenario) judge(r Result, p progress) Result {
	r.Why = p.broken
	if r.Why == "" {
		r.Why = p.missing(s.Expect)
	}
	r.Passed = r.Why == ""
	return r
}
