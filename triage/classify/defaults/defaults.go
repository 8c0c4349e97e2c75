// Package defaults holds the taxonomy Usher ships with: what customers of an
// onboarding team write about, with a description, a consequence and labelled
// examples in English, German, French, Spanish and Portuguese. An operator
// starts from it, edits it and adds to it; corrections do the rest.
//
// The files are plain text for people to read and change:
//
//	= name route=status team=onboarding priority=high area=documents sensitive
//	~ description
//	an English example
//	de: ein deutsches Beispiel
//
// All texts were written for this product.
package defaults

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"
)

//go:embed status.txt other.txt areas.txt teams.txt
var files embed.FS

// ErrBadFile says a shipped file cannot be read; a test keeps it from shipping.
var ErrBadFile = errors.New("defaults: bad file")

// Dimensions of the shipped values.
const (
	Intent      = "intent"
	ProductArea = "product_area"
	Team        = "team"
)

// OutOfScope is the intent whose examples mean "none fits".
const OutOfScope = "out_of_scope"

// Value is one shipped entry.
type Value struct {
	Dimension   string
	Name        string
	Description string
	Route       string // acknowledge, status, answer, clarify, escalate
	Team        string // the team value an intent goes to; may be empty
	Priority    string // urgent, high, normal, low
	ProductArea string // the product_area value an intent belongs to; may be empty
	Sensitive   bool   // always a person's work
	Examples    []Example
}

// Example is a text that stands for its value.
type Example struct {
	Language string // ISO 639-1
	Text     string
}

var load = sync.OnceValues(read)

// Values returns the shipped taxonomy: intents as the files list them, then
// product areas and teams, whose examples are those of the intents that lead
// to them. The caller must not change it.
func Values() ([]Value, error) { return load() }

func read() ([]Value, error) {
	var values []Value
	for _, name := range []string{"status.txt", "other.txt"} {
		intents, err := readIntents(name)
		if err != nil {
			return nil, err
		}
		values = append(values, intents...)
	}
	intents := values
	for _, d := range []struct {
		file, dimension string
		of              func(Value) string
	}{
		{"areas.txt", ProductArea, func(v Value) string { return v.ProductArea }},
		{"teams.txt", Team, func(v Value) string { return v.Team }},
	} {
		derived, err := readDerived(d.file, d.dimension)
		if err != nil {
			return nil, err
		}
		byName := map[string]int{}
		for i, v := range derived {
			byName[v.Name] = i
		}
		for _, v := range intents {
			name := d.of(v)
			if name == "" {
				continue
			}
			i, ok := byName[name]
			if !ok {
				return nil, fmt.Errorf("%w: %s names %s %q, which is not listed", ErrBadFile, v.Name, d.dimension, name)
			}
			derived[i].Examples = append(derived[i].Examples, v.Examples...)
		}
		values = append(values, derived...)
	}
	return values, nil
}

func readIntents(name string) ([]Value, error) {
	var values []Value
	err := eachLine(name, func(n int, line string) error {
		if head, ok := strings.CutPrefix(line, "= "); ok {
			v, err := heading(head)
			if err != nil {
				return fmt.Errorf("%w: %s:%d: %w", ErrBadFile, name, n, err)
			}
			values = append(values, v)
			return nil
		}
		if len(values) == 0 {
			return fmt.Errorf("%w: %s:%d: an example comes before the first value", ErrBadFile, name, n)
		}
		v := &values[len(values)-1]
		if text, ok := strings.CutPrefix(line, "~ "); ok {
			v.Description = text
			return nil
		}
		e := Example{"en", line}
		if len(line) > 4 && line[2] == ':' && line[3] == ' ' {
			e = Example{line[:2], line[4:]}
		}
		v.Examples = append(v.Examples, e)
		return nil
	})
	return values, err
}

func heading(head string) (Value, error) {
	fields := strings.Fields(head)
	if len(fields) == 0 {
		return Value{}, errors.New("a value has no name")
	}
	v := Value{Dimension: Intent, Name: fields[0], Priority: "normal"}
	for _, f := range fields[1:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "route":
			v.Route = value
		case "team":
			v.Team = value
		case "priority":
			v.Priority = value
		case "area":
			v.ProductArea = value
		case "sensitive":
			v.Sensitive = true
		default:
			return Value{}, fmt.Errorf("unknown setting %q", key)
		}
	}
	return v, nil
}

func readDerived(name, dimension string) ([]Value, error) {
	var values []Value
	err := eachLine(name, func(n int, line string) error {
		label, description, ok := strings.Cut(line, ": ")
		if !ok {
			return fmt.Errorf("%w: %s:%d: want \"name: description\"", ErrBadFile, name, n)
		}
		values = append(values, Value{Dimension: dimension, Name: label, Description: description, Route: "answer", Priority: "normal"})
		return nil
	})
	return values, err
}

func eachLine(name string, fn func(n int, line string) error) error {
	f, err := files.Open(name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		if line := strings.TrimSpace(scanner.Text()); line != "" {
			if err := fn(n, line); err != nil {
				return err
			}
		}
	}
	return scanner.Err()
}
