package procedure

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage"
)

// State of a run.
type State string

// The states.
const (
	Waiting    State = "waiting" // for an answer
	Done       State = "done"
	Cancelled  State = "cancelled"   // by the customer
	HandedOver State = "handed_over" // by a step, or after too many tries
	TakenOver  State = "taken_over"  // a person is in charge
)

// Run is one conversation's way through one version.
type Run struct {
	ID      uuid.UUID
	Key     string
	Version int
	Step    string
	Opening string // the message it began with
	Answers map[string]string
	Tries   int
	Taken   int
	State   State
}

// Turn is what one message comes to.
type Turn struct {
	Run       Run
	Continues bool // a run waited for the message
	Fits      bool // the message answers its question, and can hold nothing else
	Text      string
	Options   []string
	Looked    []Looked
	Said      bool // a text of the procedure is in it
	HandOver  *HandOver
	Confirm   bool       // it is for the asker only
	Propose   *Proposing // with a hand-over: to those who may approve
	Trace     []Trace
	Facts     map[string]string // those its conditions looked at
	intent    string
}

// Trace is one step looked at in a turn.
type Trace struct {
	Step string `json:"step"`
	Did  string `json:"did"` // answered, not_understood, skipped, said, looked, nothing_known, asked, handed_over, proposed, cancelled
}

// Looked is what the record says now.
type Looked struct {
	Text  string
	Basis []triage.Basis
	Facts any
	AsOf  time.Time
	Stale bool
	Link  string
	// Confirm: it is for the asker only.
	Confirm bool
}

// World is what a turn may know beside the message.
type World struct {
	Facts    map[string]string
	Language string
	Locale   string
	Now      time.Time
	Look     func(ctx context.Context, intent string) (Looked, error)
}

// Advance carries a run on with a message; one without a step begins. The same
// arguments always give the same turn.
func Advance(ctx context.Context, p Procedure, run Run, message string, w World) (Turn, error) {
	run.Answers = maps.Clone(run.Answers)
	if run.Answers == nil {
		run.Answers = map[string]string{}
	}
	run.Key, run.Version = p.Key, p.Version
	t := &turn{Turn: Turn{Run: run, Continues: run.Step != "", Facts: map[string]string{}, intent: p.Intent}, p: p, w: w}
	next := 0
	if run.Step == "" {
		t.Run.Opening = message
	}
	if run.Step != "" {
		at := slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == run.Step })
		if at < 0 || p.Steps[at].Ask == nil {
			return Turn{}, fmt.Errorf("%w: version %d of %s has no question %q", ErrBadProcedure, p.Version, p.Key, run.Step)
		}
		if !t.answer(p.Steps[at], message) {
			return t.finish(), nil
		}
		next = at + 1
	}
	if err := t.walk(ctx, next); err != nil {
		return Turn{}, err
	}
	return t.finish(), nil
}

type turn struct {
	Turn
	p     Procedure
	w     World
	texts []string
}

func (t *turn) did(step, what string) { t.Trace = append(t.Trace, Trace{step, what}) }

// answer reads the message as the answer to a question. False: the turn ends here.
func (t *turn) answer(s Step, message string) bool {
	if isCancel(message) {
		t.did(s.ID, "cancelled")
		t.Run.State, t.Fits = Cancelled, true
		t.texts = append(t.texts, speak(t.w.Language).cancelled)
		return false
	}
	value, ok := s.Ask.read(message, t.w)
	if ok {
		t.did(s.ID, "answered")
		t.Fits = s.Ask.Kind != KindText
		t.Run.Answers[s.Ask.As], t.Run.Tries = value, 0
		return true
	}
	t.did(s.ID, "not_understood")
	t.Run.Tries++
	if t.Run.Tries > cmp.Or(t.p.Tries, 2) {
		t.handOver(s.ID, HandOver{Why: "The customer's answers did not fit the question “" + s.Ask.Question["en"] + "”."})
		return false
	}
	t.texts = append(t.texts, speak(t.w.Language).again[s.Ask.Kind])
	t.ask(s)
	return false
}

func (t *turn) walk(ctx context.Context, next int) error {
	for _, s := range t.p.Steps[next:] {
		if !t.holds(s) {
			t.did(s.ID, "skipped")
			continue
		}
		t.Run.Step = s.ID
		t.Run.Taken++
		switch {
		case s.Ask != nil:
			t.did(s.ID, "asked")
			t.ask(s)
			return nil
		case s.HandOver != nil:
			t.handOver(s.ID, *s.HandOver)
			return nil
		case s.Propose != nil:
			t.propose(s)
			return nil
		case s.Look != "":
			looked, err := t.w.Look(ctx, s.Look)
			if err != nil {
				return fmt.Errorf("look up %s: %w", s.Look, err)
			}
			if looked.Text == "" {
				t.did(s.ID, "nothing_known")
				break
			}
			t.did(s.ID, "looked")
			t.Looked = append(t.Looked, looked)
			t.texts = append(t.texts, looked.Text)
		default:
			t.did(s.ID, "said")
			t.Said = true
			t.texts = append(t.texts, t.fill(s.Say))
		}
		if s.End {
			break
		}
	}
	t.Run.State = Done
	return nil
}

// holds reports whether all conditions of a step hold. A fact the record lacks
// is an empty text: it is nothing, and is not anything.
func (t *turn) holds(s Step) bool {
	for _, c := range s.When {
		have := t.w.Facts[c.Field]
		if name, ok := strings.CutPrefix(c.Field, "answer."); ok {
			have = t.Run.Answers[name]
		} else {
			t.Facts[c.Field] = have
		}
		if !c.Holds(have) {
			return false
		}
	}
	return true
}

func (t *turn) ask(s Step) {
	t.texts = append(t.texts, t.fill(s.Ask.Question))
	t.Options = append(s.Ask.labels(t.w.Language), speak(t.w.Language).cancel)
	t.Run.Step, t.Run.State = s.ID, Waiting
}

func (t *turn) handOver(step string, to HandOver) {
	t.did(step, "handed_over")
	t.Run.Step, t.Run.State, t.HandOver = step, HandedOver, &to
}

// propose ends the run with people: they decide. Answers become parameters as they
// were read, never as they were written.
func (t *turn) propose(s Step) {
	values := map[string]string{}
	for name, from := range s.Propose.With {
		values[name] = from
		if as, ok := strings.CutPrefix(from, "answer."); ok {
			values[name] = t.Run.Answers[as]
		}
	}
	t.Propose = &Proposing{Action: s.Propose.Action, Values: values}
	t.handOver(s.ID, HandOver{Why: "The procedure “" + t.p.Title + "” proposes a change. It is done when somebody who may approves it."})
	t.Trace[len(t.Trace)-1].Did = "proposed"
}

// fill puts answers into a text, inert, days as people write them.
func (t *turn) fill(text Text) string {
	return slot.ReplaceAllStringFunc(text.In(t.w.Language), func(name string) string {
		return t.shown(strings.TrimPrefix(strings.Trim(name, "{}"), "answer."))
	})
}

// shown is an answer as a person reads it.
func (t *turn) shown(as string) string {
	value := t.Run.Answers[as]
	for _, s := range t.p.Steps {
		if s.Ask == nil || s.Ask.As != as {
			continue
		}
		switch s.Ask.Kind {
		case KindDate:
			return status.Day(value, t.w.Language, t.w.Locale)
		case KindChoice, KindYesNo:
			return s.Ask.label(value, t.w.Language)
		case KindText, KindEmail:
		}
	}
	return status.Plain(value)
}

func (t *turn) finish() Turn {
	t.Text = strings.Join(t.texts, "\n\n")
	t.Confirm = t.p.Confirm && t.Run.State != Cancelled || slices.ContainsFunc(t.Looked, func(l Looked) bool { return l.Confirm })
	return t.Turn
}

// Collected lists the answers for agents, in the order they were asked.
func Collected(p Procedure, run Run) string {
	var lines []string
	for _, s := range p.Steps {
		if s.Ask != nil && run.Answers[s.Ask.As] != "" {
			lines = append(lines, s.Ask.Question["en"]+" "+run.Answers[s.Ask.As])
		}
	}
	return strings.Join(lines, "\n")
}
