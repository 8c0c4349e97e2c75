package change

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// kind is what a field holds.
type kind int

const (
	text   kind = iota
	list        // of texts
	word        // one of words
	day         // YYYY-MM-DD, or none
	moment      // RFC 3339, or none
	whole       // a number from 0 on, or none
	flag        // true or false
	person      // of the tenant, or none
	people      // of the tenant
	part        // a record of the entity, or none
	parts       // records of the entity
)

type field struct {
	kind  kind
	max   int      // of a text's or a list's length; default 200
	words []string // of a word
	part  string   // entity of a part
	// once says that only a new record takes it.
	once bool
	// needed says that a new record must have it, and none may lose it.
	needed bool
	// staff says that other systems have no word in it.
	staff bool
}

// entity is a table whose rows people and other systems change.
type entity struct {
	table  string
	fields map[string]field
	// made says that new ones can be made; otherwise the project has what it has.
	made bool
	// called is the field other systems' news is matched by, where a record has no
	// reference yet.
	called string
	// referred says that a record may have a reference in another system.
	referred bool
}

const long = 2000

// Entities by name. What is not here does not change this way.
var entities = map[string]entity{
	"project": {table: "projects", referred: true, fields: map[string]field{
		"name": {needed: true}, "state": {kind: word, words: []string{"active", "on_hold"}}, "hold_reason": {max: long}, "planned_go_live": {kind: day},
		"owner_name": {}, "owner_contact": {}, "owner_away_until": {kind: day}, "owner_stand_in": {}, "champion_id": {kind: person},
		"health_reason_customer": {max: long}, "health_reason_internal": {max: long, staff: true},
	}},
	"stage": {table: "stages", called: "name", referred: true, fields: map[string]field{
		"name": {needed: true}, "state": {kind: word, words: []string{"locked", "active", "done", "skipped"}},
	}},
	"milestone": {table: "milestones", made: true, called: "name", referred: true, fields: map[string]field{
		"name": {needed: true}, "stage_id": {kind: part, part: "stage", staff: true}, "due": {kind: day}, "owner_name": {},
		"state": {kind: word, words: []string{"upcoming", "in_progress", "at_risk", "done", "missed", "waived"}},
	}},
	"task": {table: "tasks", made: true, called: "title", referred: true, fields: map[string]field{
		"title": {needed: true}, "milestone_id": {kind: part, part: "milestone", staff: true},
		"state":          {kind: word, words: []string{"not_ready", "ready", "in_progress", "blocked", "in_review", "done", "not_applicable", "cancelled"}},
		"responsibility": {kind: word, words: []string{"customer", "provider", "third_party"}, needed: true},
		"visibility":     {kind: word, words: []string{"customer", "restricted", "internal"}}, "department": {staff: true},
		"assignee_id": {kind: person, staff: true}, "assignee_name": {}, "due": {kind: day}, "duration_days": {kind: whole},
		"needs": {kind: parts, part: "task", staff: true}, "blocker_customer": {max: long}, "blocker_internal": {max: long, staff: true}, "note": {max: long},
	}},
	"document": {table: "document_requests", made: true, called: "title", referred: true, fields: map[string]field{
		"title": {needed: true}, "due": {kind: day}, "review_target": {kind: day}, "department": {}, "final": {kind: flag},
		"state": {kind: word, words: []string{"requested", "in_review", "expired", "waived"}},
	}},
	"environment": {table: "environments", made: true, called: "kind", referred: true, fields: map[string]field{
		"kind":       {kind: word, words: []string{"sandbox", "production"}, once: true, needed: true},
		"state":      {kind: word, words: []string{"requested", "provisioning", "ready", "failed", "revoked"}},
		"blocked_by": {kind: list, max: 20}, "keys_state": {kind: word, words: []string{"requested", "provisioning", "ready", "failed", "revoked"}},
		"keys_issued_at": {kind: moment}, "keys_expire_on": {kind: day},
	}},
	"meeting": {table: "meetings", made: true, referred: true, fields: map[string]field{
		"title": {needed: true}, "starts_at": {kind: moment, needed: true}, "attendees": {kind: list, max: 50}, "attendee_ids": {kind: people, max: 50, staff: true},
		"join_link": {max: 1000}, "state": {kind: word, words: []string{"planned", "cancelled"}},
	}},
	"integration": {table: "integrations", made: true, fields: map[string]field{
		"connector": {once: true, needed: true, staff: true}, "environment": {kind: word, words: []string{"sandbox", "production"}, once: true, needed: true, staff: true},
		"external_ref": {staff: true},
		"auth_state":   {kind: word, words: []string{"not_connected", "connecting", "connected", "relink_needed", "revoked"}, staff: true},
		"sync_state":   {kind: word, words: []string{"never", "syncing", "ok", "warning", "failing", "paused"}, staff: true},
	}},
	// What a provider finds is never people's to write: they only say which check of
	// the provider is this customer's.
	"verification": {table: "verifications", made: true, fields: map[string]field{
		"kind":     {kind: word, words: []string{"kyc", "kyb", "aml", "bank"}, once: true, needed: true, staff: true},
		"provider": {kind: word, words: []string{"onfido", "stripe", "sumsub"}, needed: true, staff: true}, "provider_ref": {needed: true, staff: true},
	}},
}

// reference is whose record it is elsewhere; taking it away makes the record's
// fields people's again.
var reference = field{kind: text, staff: true}

func (e entity) field(name string) (field, bool) {
	if name == "external_ref" && e.referred {
		return reference, true
	}
	f, ok := e.fields[name]
	return f, ok
}

var departmentPattern = regexp.MustCompile(`^[a-z0-9_-]{0,60}$`)

// read is a value as the field holds it, in the types JSON has, or why it cannot be.
func (f field) read(name string, value any) (any, error) {
	bad := func(format string, args ...any) (any, error) {
		return nil, &InvalidError{Field: name, Reason: fmt.Sprintf(format, args...)}
	}
	limit := f.max
	if limit == 0 {
		limit = 200
	}
	given, isText := value.(string)
	given = strings.TrimSpace(given)
	none := value == nil || isText && given == ""
	if none && f.needed {
		return bad("must not be empty")
	}
	switch f.kind {
	case text:
		switch {
		case value != nil && !isText:
			return bad("must be a text")
		case len([]rune(given)) > limit:
			return bad("must have at most %d characters", limit)
		case name == "department" && !departmentPattern.MatchString(given):
			return bad("must be a department's short name, such as finance")
		case name == "join_link" && given != "":
			if link, err := url.Parse(given); err != nil || link.Scheme != "https" || link.Host == "" {
				return bad("must be an address that begins with https://")
			}
		}
		return given, nil
	case word:
		if !slices.Contains(f.words, given) {
			return bad("must be one of %s", strings.Join(f.words, ", "))
		}
		return given, nil
	case day:
		if none {
			return nil, nil //nolint:nilnil // no day
		}
		at, err := time.Parse(time.DateOnly, given)
		if err != nil || at.Year() < 2000 || at.Year() > 2200 {
			return bad("must be a day such as 2026-11-30")
		}
		return given, nil
	case moment:
		if none {
			return nil, nil //nolint:nilnil // no moment
		}
		at, err := time.Parse(time.RFC3339, given)
		if err != nil || at.Year() < 2000 || at.Year() > 2200 {
			return bad("must be a time such as 2026-11-30T10:00:00Z")
		}
		return at.UTC().Format(time.RFC3339Nano), nil
	case whole:
		if none {
			return nil, nil //nolint:nilnil // unknown
		}
		number, ok := value.(float64)
		if !ok || number != float64(int(number)) || number < 0 || number > 1000 {
			return bad("must be a whole number from 0 to 1000")
		}
		return number, nil
	case flag:
		on, ok := value.(bool)
		if !ok {
			return bad("must be true or false")
		}
		return on, nil
	case person, part:
		if none {
			return nil, nil //nolint:nilnil // nobody
		}
		id, err := uuid.Parse(given)
		if err != nil {
			return bad("must be an id")
		}
		return id.String(), nil
	case list, people, parts:
		items, ok := value.([]any)
		if !ok && value != nil {
			return bad("must be a list")
		}
		if len(items) > limit {
			return bad("must have at most %d entries", limit)
		}
		out := []any{}
		for _, item := range items {
			entry, err := field{kind: map[kind]kind{list: text, people: person, parts: part}[f.kind], needed: true}.read(name, item)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(out, entry) {
				out = append(out, entry)
			}
		}
		if f.kind != list { // in which order does not count
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
		return out, nil
	}
	return bad("cannot be changed")
}

// same is a value as one text, to compare what is there with what is said.
func (f field) same(value any) string {
	if f.kind == moment {
		given, _ := value.(string)
		if at, err := time.Parse(time.RFC3339, given); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	if f.kind == people || f.kind == parts {
		if items, ok := value.([]any); ok {
			items = slices.Clone(items)
			slices.SortFunc(items, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			value = items
		}
	}
	out, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(out)
}

// column is the value as the driver takes it.
func (f field) column(value any) any {
	switch f.kind {
	case list:
		out := []string{}
		for _, item := range value.([]any) { //nolint:forcetypeassert // as read
			out = append(out, item.(string)) //nolint:forcetypeassert // as read
		}
		return out
	case people, parts:
		out := []uuid.UUID{}
		for _, item := range value.([]any) { //nolint:forcetypeassert // as read
			out = append(out, uuid.MustParse(item.(string))) //nolint:forcetypeassert // as read
		}
		return out
	case day:
		if given, ok := value.(string); ok {
			at, _ := time.Parse(time.DateOnly, given) // as read
			return at
		}
	case moment:
		if given, ok := value.(string); ok {
			at, _ := time.Parse(time.RFC3339Nano, given) // as read
			return at
		}
	case person, part:
		if given, ok := value.(string); ok {
			return uuid.MustParse(given)
		}
	case whole:
		if given, ok := value.(float64); ok {
			return int(given)
		}
	case text, word, flag:
	}
	return value
}

// Hears reports whether other systems have a word in a field of an entity.
func Hears(entity, name string) bool {
	f, ok := entities[entity].fields[name]
	return ok && !f.staff
}
