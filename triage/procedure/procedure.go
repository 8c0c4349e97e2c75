package procedure

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// Errors of procedures.
var (
	ErrBadProcedure = errors.New("procedure is not valid") // the text says where
	ErrNotFound     = errors.New("procedure not found")
	ErrIntentTaken  = errors.New("another published procedure has this intent")
)

// Text is a text by language; English is always there.
type Text map[string]string

// In is the text in a language, or in English.
func (t Text) In(language string) string {
	if text := t[language]; text != "" {
		return text
	}
	return t["en"]
}

// Procedure is what is done about an intent.
type Procedure struct {
	Key    string `json:"key" yaml:"key"`
	Title  string `json:"title" yaml:"title"`
	Intent string `json:"intent" yaml:"intent"`
	// Confirm: what it says is for the asker only, who proves first that it is them.
	Confirm bool `json:"confirm,omitempty" yaml:"confirm,omitempty"`
	// Tries is how many answers to one question may not fit before people take over; default 2.
	Tries   int    `json:"tries,omitempty" yaml:"tries,omitempty"`
	Steps   []Step `json:"steps" yaml:"steps"`
	Version int    `json:"-" yaml:"-"`
}

// Step does one thing, if all its conditions hold.
type Step struct {
	ID       string           `json:"id" yaml:"id"`
	When     []rule.Condition `json:"when,omitempty" yaml:"when,omitempty"`
	Ask      *Ask             `json:"ask,omitempty" yaml:"ask,omitempty"`
	Say      Text             `json:"say,omitempty" yaml:"say,omitempty"`
	Look     string           `json:"look,omitempty" yaml:"look,omitempty"` // a status intent, answered from the record
	HandOver *HandOver        `json:"hand_over,omitempty" yaml:"hand_over,omitempty"`
	Propose  *Propose         `json:"propose,omitempty" yaml:"propose,omitempty"`
	// End ends the procedure after this step.
	End bool `json:"end,omitempty" yaml:"end,omitempty"`
}

// Ask asks a question and keeps the answer as answer.As.
type Ask struct {
	As       string   `json:"as" yaml:"as"`
	Kind     Kind     `json:"kind" yaml:"kind"`
	Question Text     `json:"question" yaml:"question"`
	Choices  []Choice `json:"choices,omitempty" yaml:"choices,omitempty"`
}

// Kind says what fits a question.
type Kind string

// The kinds of question.
const (
	KindChoice Kind = "choice"
	KindYesNo  Kind = "yes_no"
	KindText   Kind = "text"
	KindEmail  Kind = "email"
	KindDate   Kind = "date" // today or later
)

// Choice is one of the answers to choose from.
type Choice struct {
	Value string `json:"value" yaml:"value"`
	Label Text   `json:"label" yaml:"label"`
}

// HandOver gives the conversation to people, with what was collected.
type HandOver struct {
	Team string `json:"team" yaml:"team"`
	Why  string `json:"why" yaml:"why"` // for agents
}

// Propose proposes an action to the people who may approve it, and hands over to
// them. Nothing is changed by it.
type Propose struct {
	Action string `json:"action" yaml:"action"`
	// With gives each parameter an answer, as answer.name, or a fixed value.
	With map[string]string `json:"with,omitempty" yaml:"with,omitempty"`
}

// Bounds of a procedure.
const (
	maxSteps   = 30
	maxChoices = 8
	maxText    = 1000
)

var (
	keyPattern = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)
	slot       = regexp.MustCompile(`\{([^}]*)\}`)
)

// Parse reads a procedure from YAML or JSON and checks it.
func Parse(body []byte) (Procedure, error) {
	var p Procedure
	if err := yaml.UnmarshalWithOptions(body, &p, yaml.Strict()); err != nil {
		return p, fmt.Errorf("%w: %w", ErrBadProcedure, err)
	}
	return p, p.Check()
}

// YAML is the procedure as it is edited.
func (p Procedure) YAML() (string, error) {
	body, err := yaml.MarshalWithOptions(p, yaml.UseLiteralStyleIfMultiline(true))
	if err != nil {
		return "", fmt.Errorf("write procedure: %w", err)
	}
	return string(body), nil
}

// Check reports what is wrong with the procedure.
func (p Procedure) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadProcedure, fmt.Sprintf(format, args...))
	}
	switch {
	case !keyPattern.MatchString(p.Key):
		return bad("the key must be small letters, digits and _")
	case p.Title == "" || len(p.Title) > 200:
		return bad("it needs a title")
	case p.Intent == "":
		return bad("it needs the intent it is for")
	case p.Tries < 0 || p.Tries > 10:
		return bad("tries must be between 1 and 10")
	case len(p.Steps) == 0 || len(p.Steps) > maxSteps:
		return bad("it needs between 1 and %d steps", maxSteps)
	}
	ids, answers := map[string]bool{}, map[string]bool{}
	for _, s := range p.Steps {
		if !keyPattern.MatchString(s.ID) || ids[s.ID] {
			return bad("step %q: its id must be its own, of small letters, digits and _", s.ID)
		}
		ids[s.ID] = true
		if why := s.wrong(answers); why != "" {
			return bad("step %s: %s", s.ID, why)
		}
		if s.Ask != nil {
			answers["answer."+s.Ask.As] = true
		}
	}
	if last := p.Steps[len(p.Steps)-1]; last.Ask != nil {
		return bad("step %s: the last step must not ask, or the answer leads nowhere", last.ID)
	}
	return nil
}

// wrong says what is wrong with a step, given the answers that steps before it collect.
func (s Step) wrong(answers map[string]bool) string {
	acts := 0
	for _, there := range []bool{s.Ask != nil, s.Say != nil, s.Look != "", s.HandOver != nil, s.Propose != nil} {
		if there {
			acts++
		}
	}
	if acts != 1 {
		return "it must do exactly one thing: ask, say, look, hand_over or propose"
	}
	for _, c := range s.When {
		if err := c.Check(); err != nil {
			return err.Error()
		}
		if !answers[c.Field] && !KnownFact(c.Field) {
			return fmt.Sprintf("its condition is on %q, which is neither an earlier answer nor a fact of the record", c.Field)
		}
	}
	switch {
	case s.Ask != nil:
		return s.Ask.wrong(answers)
	case s.Say != nil:
		return s.Say.wrong(answers)
	case s.Look != "" && !status.Knows(s.Look) && !strings.Contains(s.Look, "."):
		return fmt.Sprintf("%q is no question about the state of things", s.Look)
	case s.HandOver != nil && (s.HandOver.Team == "" || s.HandOver.Why == ""):
		return "a hand-over needs a team, and a why for its people"
	case s.Propose != nil:
		return s.Propose.wrong(answers)
	}
	return ""
}

func (p Propose) wrong(answers map[string]bool) string {
	if !keyPattern.MatchString(p.Action) {
		return "a proposal needs the key of an action"
	}
	for name, from := range p.With {
		if !keyPattern.MatchString(name) || len(from) > maxText {
			return fmt.Sprintf("%q is no parameter", name)
		}
		if strings.HasPrefix(from, "answer.") && !answers[from] {
			return fmt.Sprintf("its parameter %s is %s, which no step before it asks", name, from)
		}
	}
	return ""
}

func (a Ask) wrong(answers map[string]bool) string {
	switch {
	case !keyPattern.MatchString(a.As) || answers["answer."+a.As]:
		return "as must be a name of its own, of small letters, digits and _"
	case !slices.Contains([]Kind{KindChoice, KindYesNo, KindText, KindEmail, KindDate}, a.Kind):
		return fmt.Sprintf("the kind %q is none of choice, yes_no, text, email and date", a.Kind)
	case a.Kind == KindChoice && (len(a.Choices) < 2 || len(a.Choices) > maxChoices):
		return fmt.Sprintf("a choice needs between 2 and %d choices", maxChoices)
	case a.Kind != KindChoice && len(a.Choices) > 0:
		return "only a question of kind choice has choices"
	}
	seen := map[string]bool{}
	for _, c := range a.Choices {
		if !keyPattern.MatchString(c.Value) || seen[c.Value] || c.Label["en"] == "" {
			return "each choice needs a value of its own and an English label"
		}
		seen[c.Value] = true
	}
	return a.Question.wrong(answers)
}

func (t Text) wrong(answers map[string]bool) string {
	if strings.TrimSpace(t["en"]) == "" {
		return "its text needs English"
	}
	for language, text := range t {
		if len(text) > maxText {
			return fmt.Sprintf("its text in %s is longer than %d characters", language, maxText)
		}
		for _, m := range slot.FindAllStringSubmatch(text, -1) {
			if !answers[m[1]] {
				return fmt.Sprintf("its text in %s names {%s}, which no step before it asks", language, m[1])
			}
		}
	}
	return ""
}
