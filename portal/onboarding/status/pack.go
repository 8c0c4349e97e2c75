package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

// ErrBadPack says a pack cannot be used as it is; the text says where.
var ErrBadPack = errors.New("status pack is not valid")

// Pack is a set of status intents that exist by configuration alone: what people
// ask, the entity that answers, its fields and the sentences.
type Pack struct {
	Key    string `json:"key" yaml:"key"`
	Entity string `json:"entity" yaml:"entity"`
	// Source names the outside system that knows the fields; empty: only the
	// stored record does. The thing's key is its id there.
	Source  string       `json:"source,omitempty" yaml:"source,omitempty"`
	Fields  []Field      `json:"fields" yaml:"fields"`
	Intents []PackIntent `json:"intents" yaml:"intents"`
}

// Field is one fact of the entity.
type Field struct {
	Name string    `json:"name" yaml:"name"`
	Kind FieldKind `json:"kind" yaml:"kind"`
	// Owner is the system that knows the field: a source's name, "record" for the
	// stored record, empty for the pack's source.
	Owner string `json:"owner,omitempty" yaml:"owner,omitempty"`
	// States are the customer's words for the values of a state field, by value
	// and language. A value without words is not said.
	States map[string]map[string]string `json:"states,omitempty" yaml:"states,omitempty"`
}

// FieldKind says how a field's value is written.
type FieldKind string

// The kinds of field. Values in the record: a JSON string for text and state, a
// number, "2026-11-23" for a date, RFC 3339 for a moment.
const (
	FieldText   FieldKind = "text"
	FieldNumber FieldKind = "number"
	FieldDate   FieldKind = "date"
	FieldMoment FieldKind = "moment"
	FieldState  FieldKind = "state"
)

// PackIntent is one question the pack answers.
type PackIntent struct {
	Intent      string `json:"intent" yaml:"intent"`
	Description string `json:"description" yaml:"description"`
	// Examples train the classifier, by language.
	Examples map[string][]string `json:"examples" yaml:"examples"`
	// Sentences by language; one that names a field the record lacks is left out.
	// {name} is the thing itself.
	Sentences map[string][]string `json:"sentences" yaml:"sentences"`
	// None is said when there is no such thing, by language.
	None map[string]string `json:"none" yaml:"none"`
	Link string            `json:"link" yaml:"link"`
	// Confirm: the answer is for the asker only, who proves first that it is them.
	Confirm bool `json:"confirm,omitempty" yaml:"confirm,omitempty"`
}

var (
	packName  = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)
	intentKey = regexp.MustCompile(`^[a-z0-9_]+\.[a-z0-9_]+$`)
	slot      = regexp.MustCompile(`\{(\w+)\}`)
)

// ParsePack reads a pack from YAML or JSON and checks it.
func ParsePack(body []byte) (Pack, error) {
	var p Pack
	if err := yaml.UnmarshalWithOptions(body, &p, yaml.Strict()); err != nil {
		return p, fmt.Errorf("%w: %w", ErrBadPack, err)
	}
	return p, p.check()
}

func (p Pack) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadPack, fmt.Sprintf(format, args...))
	}
	if !packName.MatchString(p.Key) || !packName.MatchString(p.Entity) {
		return bad("key %q and entity %q must be small letters, digits and _", p.Key, p.Entity)
	}
	known := map[string]bool{"name": true}
	for _, f := range p.Fields {
		if f.Owner != "" && !packName.MatchString(f.Owner) {
			return bad("the owner %q of field %s must be small letters, digits and _", f.Owner, f.Name)
		}
		switch f.Kind {
		case FieldText, FieldNumber, FieldDate, FieldMoment:
		case FieldState:
			for value, words := range f.States {
				if words["en"] == "" {
					return bad("state %s of field %s has no English words", value, f.Name)
				}
			}
		default:
			return bad("field %s has the unknown kind %q", f.Name, f.Kind)
		}
		known[f.Name] = true
	}
	if len(p.Intents) == 0 {
		return bad("it has no intents")
	}
	for _, i := range p.Intents {
		switch {
		case !intentKey.MatchString(i.Intent):
			return bad("intent %q must look like area.question", i.Intent)
		case slices.Contains(Intents, i.Intent):
			return bad("intent %s is built in", i.Intent)
		case len(i.Sentences["en"]) == 0 || i.None["en"] == "":
			return bad("intent %s needs English sentences and an English none", i.Intent)
		case !strings.HasPrefix(i.Link, "/") || strings.HasPrefix(i.Link, "//"):
			return bad("link %q of intent %s must be a path of the portal", i.Link, i.Intent)
		}
		for language, sentences := range i.Sentences {
			for _, s := range sentences {
				for _, m := range slot.FindAllStringSubmatch(s, -1) {
					if !known[m[1]] {
						return bad("the %s sentence %q names the unknown field %s", language, s, m[1])
					}
				}
			}
		}
	}
	return nil
}

// Packs reads the packs that are switched on.
func Packs(ctx context.Context, tx pgx.Tx) ([]Pack, error) {
	rows, err := tx.Query(ctx, `select body from status_packs where enabled order by key`)
	if err != nil {
		return nil, fmt.Errorf("read status packs: %w", err)
	}
	bodies, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read status packs: %w", err)
	}
	packs := make([]Pack, 0, len(bodies))
	for _, body := range bodies {
		var p Pack
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, fmt.Errorf("read status packs: %w", err)
		}
		packs = append(packs, p)
	}
	return packs, nil
}

// PutPack stores a pack, for staff.
func PutPack(ctx context.Context, tx pgx.Tx, p Pack) error {
	if err := p.check(); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into status_packs (key, body) values ($1, $2)
		on conflict (key) do update set body = excluded.body, updated_at = now()`, p.Key, p)
	if err != nil {
		return fmt.Errorf("store status pack: %w", err)
	}
	return nil
}

// pack answers an intent of a pack; false means that no pack has it.
func (d *draft) pack(packs []Pack) bool {
	for _, p := range packs {
		for _, i := range p.Intents {
			if i.Intent == d.q.Intent {
				d.packed(p, i)
				return true
			}
		}
	}
	return false
}

func (d *draft) packed(p Pack, i PackIntent) {
	d.out.Link = i.Link
	var mine []onboarding.Thing
	var things []thing
	for _, t := range d.record.Things {
		if t.Entity == p.Entity {
			things = append(things, thing{t.Name, append([]string{t.Key}, t.Aliases...), len(mine)})
			mine = append(mine, t)
		}
	}
	hits := d.named(things)
	if len(hits) == 0 && len(mine) == 1 {
		hits = []int{0}
	}
	switch {
	case len(mine) == 0:
		d.lines = append(d.lines, inLanguage(i.None, d.language))
		d.project(p.Entity, "0")
	case len(hits) == 1:
		d.tell(p, i, mine[hits[0]])
	case len(hits) == 0:
		for n := range mine {
			hits = append(hits, n)
		}
		fallthrough
	default:
		d.clarify(things, hits)
	}
}

// tell says the sentences whose fields the record has.
func (d *draft) tell(p Pack, i PackIntent, t onboarding.Thing) {
	values := map[string]string{"name": t.Name}
	for _, f := range p.Fields {
		if text, ok := d.value(f, t.Fields[f.Name]); ok {
			values[f.Name] = text
		}
	}
	sentences := i.Sentences[d.language]
	if len(sentences) == 0 {
		sentences = i.Sentences["en"]
	}
	for _, sentence := range sentences {
		complete := true
		text := slot.ReplaceAllStringFunc(sentence, func(field string) string {
			name := strings.Trim(field, "{}")
			value, ok := values[name]
			complete = complete && ok
			if ok && name != "name" {
				d.rests(p.Entity, t.ID, t.Name, name, value, t.ObservedAt)
			}
			return value
		})
		if complete {
			d.lines = append(d.lines, text)
		}
	}
	d.rests(p.Entity, t.ID, t.Name, "name", t.Name, t.ObservedAt)
	d.old(t.StaleAfter, t.ObservedAt)
}

// value writes a field's value; false means it is missing or not as configured.
func (d *draft) value(f Field, raw json.RawMessage) (string, bool) {
	if len(raw) == 0 {
		return "", false
	}
	if f.Kind == FieldNumber {
		var n int64
		err := json.Unmarshal(raw, &n)
		return d.number(n), err == nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil || text == "" {
		return "", false
	}
	switch f.Kind {
	case FieldDate:
		day, err := time.Parse(time.DateOnly, text)
		return d.date(day), err == nil
	case FieldMoment:
		at, err := time.Parse(time.RFC3339, text)
		return d.moment(at), err == nil
	case FieldState:
		words := f.States[text]
		return inLanguage(words, d.language), len(words) > 0
	case FieldText, FieldNumber:
	}
	return plain(text), true
}

// plain keeps a text from outside from being read as Markdown, and on one line.
func plain(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.NewReplacer("\\", "\\\\", "[", "\\[", "]", "\\]", "*", "\\*", "_", "\\_", "`", "\\`", "<", "\\<", "!", "\\!").Replace(text)
}

func inLanguage(texts map[string]string, language string) string {
	if text := texts[language]; text != "" {
		return text
	}
	return texts["en"]
}

// old says that a value is past its age.
func (d *draft) old(staleAfter *time.Time, observed time.Time) {
	if staleAfter == nil || !staleAfter.Before(d.Now) {
		return
	}
	d.out.Stale = true
	d.say("stale", "at", d.moment(observed))
}
