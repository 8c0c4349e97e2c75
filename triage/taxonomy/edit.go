package taxonomy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Kinds of edits.
const (
	EditPut    = "put"    // a value is new, or described, routed and exemplified otherwise
	EditRename = "rename" // From becomes To, examples and all
	EditMerge  = "merge"  // From goes up in To
	EditSplit  = "split"  // some examples of From become those of To, a new value like it
	EditForget = "forget" // some examples of From are forgotten
)

// Edit is one step of a draft. Steps are kept, not their result: what agents
// teach meanwhile is not lost, and each step can be read and taken back.
type Edit struct {
	Kind      string   `json:"kind"`
	Dimension string   `json:"dimension"`
	From      string   `json:"from,omitempty"`
	To        string   `json:"to,omitempty"`
	Value     *Value   `json:"value,omitempty"`    // of put, and of split: what the new value is
	Examples  []string `json:"examples,omitempty"` // of put: to add; of split and forget: which
}

// EditError says in plain words why a draft cannot be used.
type EditError struct{ Detail string }

func (e *EditError) Error() string { return "taxonomy edit: " + e.Detail }

func refuse(format string, args ...any) error { return &EditError{fmt.Sprintf(format, args...)} }

const (
	mostExamples = 200  // of one edit
	longest      = 2000 // characters of an example
)

// fixed are the intents the program itself acts on by their names.
var fixed = []string{OutOfScope, "talk_to_person", "greeting", "acknowledgement"}

// FixedNames are the intents that keep their names whatever their route.
func FixedNames() []string { return slices.Clone(fixed) }

// Fixed reports whether the value must keep its name: the program acts on it.
// Status values name what is read from the live record.
func (v Value) Fixed() bool {
	return v.Dimension == Intent && (v.Route == RouteStatus || slices.Contains(fixed, v.Value))
}

// Names say what a value is called after a draft: by dimension/value, only those
// that changed.
type Names map[string]string

// Of is the name of an intent after the draft.
func (n Names) Of(intent string) string {
	if to, ok := n[Intent+"/"+intent]; ok {
		return to
	}
	return intent
}

func (n Names) move(dimension, from, to string) {
	for key, now := range n {
		if now == from && strings.HasPrefix(key, dimension+"/") {
			n[key] = to
		}
	}
	n[dimension+"/"+from] = to
}

// Apply makes the edits, in their order, on a copy of the set.
func Apply(set Set, edits []Edit) (Set, Names, error) {
	out := Set{Values: slices.Clone(set.Values), Examples: slices.Clone(set.Examples)}
	names := Names{}
	for _, e := range edits {
		if err := out.apply(e, names); err != nil {
			return Set{}, nil, err
		}
	}
	return out, names, nil
}

func (s *Set) apply(e Edit, names Names) error {
	if !slices.Contains([]string{Intent, ProductArea, Team}, e.Dimension) {
		return refuse("“%s” is no kind of value.", e.Dimension)
	}
	if len(e.Examples) > mostExamples {
		return refuse("One step can hold at most %d examples.", mostExamples)
	}
	switch e.Kind {
	case EditPut:
		return s.put(e)
	case EditRename, EditMerge:
		return s.move(e, names)
	case EditSplit:
		return s.split(e)
	case EditForget:
		return s.forget(e)
	}
	return refuse("“%s” is no kind of step.", e.Kind)
}

func (s *Set) at(dimension, value string) int {
	return slices.IndexFunc(s.Values, func(v Value) bool { return v.Dimension == dimension && v.Value == value })
}

func name(value string) (string, error) {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > 100 || strings.ContainsAny(value, "/\n") {
		return "", refuse("A value needs a name of at most 100 characters, without slashes.")
	}
	return value, nil
}

func (s *Set) put(e Edit) error {
	if e.Value == nil {
		return refuse("The step names no value.")
	}
	v := *e.Value
	v.Dimension = e.Dimension
	var err error
	if v.Value, err = name(v.Value); err != nil {
		return err
	}
	if !slices.Contains([]string{RouteAcknowledge, RouteStatus, RouteAnswer, RouteClarify, RouteEscalate}, v.Route) ||
		!slices.Contains([]string{"", "urgent", "high", "normal", "low"}, string(v.Priority)) || len(v.Description) > longest {
		return refuse("“%s” needs a known route and priority, and a description of at most %d characters.", v.Value, longest)
	}
	if at := s.at(v.Dimension, v.Value); at >= 0 {
		v.ProductArea = s.Values[at].ProductArea
		s.Values[at] = v
	} else {
		s.Values = append(s.Values, v)
	}
	return s.add(v, e.Examples)
}

func (s *Set) add(v Value, texts []string) error {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" || len(text) > longest {
			return refuse("An example is a text of at most %d characters.", longest)
		}
		known := slices.ContainsFunc(s.Examples, func(x Example) bool { return x.Dimension == v.Dimension && x.Value == v.Value && x.Text == text })
		if !known {
			s.Examples = append(s.Examples, Example{ID: uuid.Must(uuid.NewV7()), Dimension: v.Dimension, Value: v.Value, Language: language(text, ""), Text: text, Source: "curator"})
		}
	}
	return nil
}

// move renames a value, or merges it into another. Whatever names it follows.
func (s *Set) move(e Edit, names Names) error {
	from := s.at(e.Dimension, e.From)
	if from < 0 {
		return refuse("There is no value “%s” any more.", e.From)
	}
	if s.Values[from].Fixed() {
		return refuse("“%s” has to keep its name: Usher itself acts on it. Its description and examples can be changed.", e.From)
	}
	to, err := name(e.To)
	if err != nil {
		return err
	}
	into := s.at(e.Dimension, to)
	switch {
	case to == e.From:
		return refuse("“%s” is already called that.", to)
	case e.Kind == EditRename && into >= 0:
		return refuse("There is a value “%s” already. To join the two, merge them.", to)
	case e.Kind == EditMerge && into < 0:
		return refuse("There is no value “%s” to merge into.", to)
	case e.Kind == EditRename:
		s.Values[from].Value = to
	default:
		s.Values = slices.Delete(s.Values, from, from+1)
	}
	s.relabel(e.Dimension, e.From, to, func(Example) bool { return true })
	for i := range s.Values {
		if v := &s.Values[i]; e.Dimension == ProductArea && v.ProductArea == e.From {
			v.ProductArea = to
		} else if e.Dimension == Team && v.Team == e.From {
			v.Team = to
		}
	}
	names.move(e.Dimension, e.From, to)
	return nil
}

// relabel gives examples of one value to another; what that one has already is
// dropped.
func (s *Set) relabel(dimension, from, to string, which func(Example) bool) (moved int) {
	there := map[string]bool{}
	for _, x := range s.Examples {
		if x.Dimension == dimension && x.Value == to {
			there[x.Text] = true
		}
	}
	s.Examples = slices.DeleteFunc(s.Examples, func(x Example) bool {
		return x.Dimension == dimension && x.Value == from && which(x) && there[x.Text]
	})
	for i := range s.Examples {
		if x := &s.Examples[i]; x.Dimension == dimension && x.Value == from && which(*x) {
			x.Value = to
			moved++
		}
	}
	return moved
}

func (s *Set) split(e Edit) error {
	from := s.at(e.Dimension, e.From)
	if from < 0 {
		return refuse("There is no value “%s” any more.", e.From)
	}
	to, err := name(e.To)
	if err != nil {
		return err
	}
	if s.at(e.Dimension, to) >= 0 {
		return refuse("There is a value “%s” already. Give the new one another name.", to)
	}
	v := s.Values[from]
	v.Value = to
	if e.Value != nil {
		v.Description = e.Value.Description
	}
	if v.Route == RouteStatus {
		v.Route = RouteAnswer // no live record is behind a new name
	}
	s.Values = append(s.Values, v)
	moved := s.relabel(e.Dimension, e.From, to, func(x Example) bool { return slices.Contains(e.Examples, x.Text) })
	if moved == 0 {
		return refuse("None of the chosen examples belongs to “%s” any more. Choose those that the new value is to have.", e.From)
	}
	return nil
}

func (s *Set) forget(e Edit) error {
	before := len(s.Examples)
	s.Examples = slices.DeleteFunc(s.Examples, func(x Example) bool {
		return x.Dimension == e.Dimension && x.Value == e.From && slices.Contains(e.Examples, x.Text)
	})
	if len(s.Examples) == before {
		return refuse("None of the chosen examples belongs to “%s” any more.", e.From)
	}
	return nil
}

// Equal reports whether two sets say the same, the times aside.
func (s Set) Equal(other Set) bool { return maps.Equal(s.content(), other.content()) }

func (s Set) content() map[string]bool {
	out := map[string]bool{}
	for _, v := range s.Values {
		out[fmt.Sprintf("%s/%s %q %s %q %q %s %t %t", v.Dimension, v.Value, v.Description, v.Route, v.Team, v.ProductArea, v.Priority, v.Sensitive, v.Enabled)] = true
	}
	for _, x := range s.Examples {
		out[x.Dimension+"/"+x.Value+"\x00"+x.Text] = true
	}
	return out
}
