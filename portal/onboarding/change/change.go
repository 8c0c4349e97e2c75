package change

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// The errors callers branch on.
var (
	ErrNotFound = errors.New("the project has no such record")
	// ErrVersion says that somebody else changed the record since it was read.
	ErrVersion = errors.New("the record was changed meanwhile")
	// ErrTick says that the task is not the person's to tick, or not now.
	ErrTick = errors.New("the task cannot be ticked")
)

// InvalidError says what is wrong with one field; the reason is for people.
type InvalidError struct{ Field, Reason string }

func (e *InvalidError) Error() string { return e.Field + " " + e.Reason }

// OwnedError says that another system holds a field.
type OwnedError struct {
	Field  string
	Source string
	// Released says that staff may take the record's reference away.
	Released bool
}

func (e *OwnedError) Error() string { return e.Field + " is held by " + e.Source }

// The kinds of author.
const (
	Staff    = "staff"
	Customer = "customer"
	Source   = "source"
)

// Author is who changes the record.
type Author struct {
	Kind string
	ID   uuid.UUID // of a person
	Name string    // of the person, or of the other system, such as jira
}

// Change is what is said of one record.
type Change struct {
	Entity  string
	ID      uuid.UUID // zero: a new one, or the one Ref or its name says
	Ref     string    // its id in the other system
	Version string    // what people saw; empty: whatever there is
	Set     map[string]any
	At      time.Time
}

// said is the latest word on a field.
type said struct {
	At   time.Time `json:"at"`
	By   string    `json:"by,omitempty"` // another system
	Word any       `json:"word,omitempty"`
}

// row is a record as it stands.
type row struct {
	id     uuid.UUID
	values map[string]any
	said   map[string]said
}

// Apply changes a record, or makes one; false means that all of it was known or
// old news. Of a new project's records ErrNoProject is all there is.
func Apply(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant uuid.UUID, by Author, c Change) (uuid.UUID, bool, error) {
	id, changed, err := apply(ctx, tx, rules, tenant, by, c)
	if err != nil {
		return id, false, fmt.Errorf("change the record: %w", err)
	}
	return id, changed, nil
}

func apply(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant uuid.UUID, by Author, c Change) (uuid.UUID, bool, error) {
	e, known := entities[c.Entity]
	if !known {
		return c.ID, false, ErrNotFound
	}
	c.At = c.At.UTC().Truncate(time.Microsecond)
	if by.Kind == Source && (c.Ref == "" || by.Name == "") {
		return c.ID, false, &InvalidError{Field: "ref", Reason: "is needed, and the name of the system it is from"}
	}
	a := &application{tx: tx, rules: rules, tenant: tenant, by: by, at: c.At, entity: c.Entity, e: e}
	if err := a.begin(ctx); err != nil {
		return c.ID, false, err
	}
	set, err := a.read(c.Set)
	if err != nil {
		return c.ID, false, err
	}
	before, err := a.find(ctx, c, set)
	if err != nil {
		return c.ID, false, err
	}
	made := before == nil
	if made {
		if before, err = a.make(ctx, c, set); err != nil {
			return c.ID, false, err
		}
	}
	if c.Version != "" && c.Version != before.version(e) {
		return before.id, false, ErrVersion
	}
	news, err := a.news(*before, set, c.Ref)
	if err != nil {
		return before.id, false, err
	}
	if len(news) == 0 && !made {
		return before.id, false, nil
	}
	if err := a.check(ctx, *before, news); err != nil {
		return before.id, false, err
	}
	changed := made || before.differs(e, news) // what was left out is no news
	if err := a.store(ctx, before, news); err != nil || !changed {
		return before.id, false, err
	}
	return before.id, true, a.finish(ctx, *before, news, made)
}

// application is one change under way.
type application struct {
	tx      pgx.Tx
	rules   *rule.Engine
	tenant  uuid.UUID
	project uuid.UUID
	live    bool
	by      Author
	at      time.Time
	entity  string
	e       entity
}

// begin waits for other changes of the tenant and finds its project.
func (a *application) begin(ctx context.Context) error {
	var state string
	if _, err := a.tx.Exec(ctx, `select from tenants where id = $1 for no key update`, a.tenant); err != nil {
		return err
	}
	err := a.tx.QueryRow(ctx, `select id, state from projects where tenant_id = $1 and state in ('draft', 'active', 'on_hold', 'live')`, a.tenant).Scan(&a.project, &state)
	if errors.Is(err, pgx.ErrNoRows) {
		return onboarding.ErrNoProject
	}
	a.live = state == "live"
	return err
}

// read checks what is said against what the entity has.
func (a *application) read(set map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for name, value := range set {
		f, ok := a.e.field(name)
		if !ok || a.by.Kind == Source && f.staff {
			if owner := keptElsewhere(a.entity, name); owner != "" && a.by.Kind == Staff {
				return nil, &OwnedError{Field: name, Source: owner}
			}
			return nil, &InvalidError{Field: name, Reason: "is not a field of this record that can be changed here"}
		}
		read, err := f.read(name, value)
		if err != nil {
			return nil, err
		}
		out[name] = read
	}
	return out, nil
}

const columns = `select t.id, to_jsonb(t) || case when $3 then jsonb_build_object('needs',
	(select coalesce(jsonb_agg(d.needs_id order by d.needs_id::text), '[]') from task_dependencies d where d.tenant_id = $1 and d.task_id = t.id)) else '{}' end from `

func scan(r pgx.Row) (*row, error) {
	var out row
	if err := r.Scan(&out.id, &out.values); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(out.values["said"])
	if err == nil {
		err = json.Unmarshal(raw, &out.said)
	}
	if out.said == nil {
		out.said = map[string]said{}
	}
	return &out, err
}

// find locks the record that is meant; nil where it is to be made.
func (a *application) find(ctx context.Context, c Change, set map[string]any) (*row, error) {
	one := func(where string, arg any) (*row, error) {
		mine := " and t.project_id = $2 and "
		if a.entity == "project" {
			mine = " and t.id = $2 and "
		}
		found, err := scan(a.tx.QueryRow(ctx, columns+a.e.table+` t where t.tenant_id = $1`+mine+where+` limit 1 for update of t`, a.tenant, a.project, a.entity == "task", arg))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil //nolint:nilnil // to be made, or not there
		}
		return found, err
	}
	switch {
	case a.entity == "project":
		return one(`t.id = $4`, a.project)
	case c.ID != uuid.Nil:
		found, err := one(`t.id = $4`, c.ID)
		if err == nil && found == nil {
			err = ErrNotFound
		}
		return found, err
	case c.Ref != "" && a.e.referred:
		if found, err := one(`t.source = ($4::text[])[1] and t.external_ref = ($4::text[])[2]`, []string{a.by.Name, c.Ref}); err != nil || found != nil {
			return found, err
		}
	}
	if a.by.Kind == Source && a.e.called != "" {
		name, _ := set[a.e.called].(string)
		if name == "" {
			return nil, &InvalidError{Field: a.e.called, Reason: "is needed"}
		}
		// Of several that are called so the oldest; one that another record there is goes with that.
		found, err := one(`lower(t.`+a.e.called+`) = lower($4) and t.external_ref = '' order by t.id`, name)
		if err != nil || found != nil {
			return found, err
		}
	}
	if !a.e.made {
		return nil, ErrNotFound
	}
	return nil, nil //nolint:nilnil // to be made
}

// make inserts a record with what it cannot be without; the rest is news.
func (a *application) make(ctx context.Context, c Change, set map[string]any) (*row, error) {
	for _, name := range slices.Sorted(maps.Keys(a.e.fields)) {
		if _, given := set[name]; a.e.fields[name].needed && !given {
			return nil, &InvalidError{Field: name, Reason: "is needed"}
		}
	}
	id := uuid.Must(uuid.NewV7())
	names, values := []string{}, []any{a.tenant, id, a.project}
	put := func(name string, value any) {
		names, values = append(names, name), append(values, value)
	}
	switch a.entity {
	case "milestone":
		var ordinal int
		if err := a.tx.QueryRow(ctx, `select coalesce(max(ordinal), 0) + 1 from milestones where tenant_id = $1 and project_id = $2`, a.tenant, a.project).Scan(&ordinal); err != nil {
			return nil, err
		}
		put("name", set["name"])
		put("ordinal", ordinal)
		put("state", "upcoming")
	case "task":
		put("title", set["title"])
		put("responsibility", set["responsibility"])
		put("state", "ready")
		if a.by.Kind == Source {
			put("visibility", "internal") // what another system tracks is nobody's to see before it says so
		}
	case "document":
		put("title", set["title"])
		put("state", "requested")
	case "environment":
		put("kind", set["kind"])
		put("state", "requested")
	case "meeting":
		put("title", set["title"])
		put("starts_at", field{kind: moment}.column(set["starts_at"]))
	case "integration":
		put("connector", set["connector"])
		put("environment", set["environment"])
		put("auth_state", "not_connected")
		put("sync_state", "never")
	case "verification":
		put("kind", set["kind"])
		put("customer_state", "needs_information")
	}
	query, marks := `insert into `+a.e.table+` (tenant_id, id, project_id`, `) values ($1, $2, $3`
	for i, name := range names {
		query += ", " + name
		marks += ", $" + strconv.Itoa(i+4)
	}
	if _, err := a.tx.Exec(ctx, query+marks+`)`, values...); err != nil {
		return nil, err
	}
	return a.again(ctx, id)
}

func (a *application) again(ctx context.Context, id uuid.UUID) (*row, error) {
	return scan(a.tx.QueryRow(ctx, columns+a.e.table+` t where t.tenant_id = $1 and t.id = $4 and ($2::uuid is not null) for update of t`, a.tenant, a.project, a.entity == "task", id))
}

// version names the state of what people can change of a record.
func (r row) version(e entity) string {
	seen := map[string]string{}
	for name, f := range e.fields {
		seen[name] = f.same(r.values[name])
	}
	seen["external_ref"] = reference.same(r.values["external_ref"])
	all, err := json.Marshal(seen)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:8])
}

// word is the latest word on a field: for a state that follows from others too it
// may differ from what the record shows.
func (r row) word(name string, f field) string {
	if s, ok := r.said[name]; ok && s.Word != nil {
		return f.same(s.Word)
	}
	return begun(name, f.same(r.values[name]))
}

// begun takes "ready" and "not ready" for one word: which of them it is follows
// from what the task waits for.
func begun(name, word string) string {
	if name == "state" && word == `"not_ready"` {
		return `"ready"`
	}
	return word
}

// derived are the states that other records have a part in.
func (a *application) derived(name string) bool {
	return name == "state" && (a.entity == "milestone" || a.entity == "stage")
}

// news is what of it changes the record: the latest word by its time, and of
// words of one time always the same one, in whichever order they come.
func (a *application) news(before row, set map[string]any, ref string) (map[string]any, error) {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		f, _ := a.e.field(name)
		value, last := set[name], before.said[name]
		was, is := before.word(name, f), begun(name, f.same(value))
		if a.by.Kind == Source {
			if name == "keys_issued_at" && value == nil && set["keys_state"] == "ready" {
				continue // ready, but it does not say since when: no word on that
			}
			if a.at.Before(last.At) || a.at.Equal(last.At) && is <= was {
				continue
			}
		} else if was == is {
			continue
		} else if source := before.heldBy(a.entity, name); source != "" {
			return nil, &OwnedError{Field: name, Source: source, Released: a.e.referred || a.entity == "integration"}
		}
		out[name] = value
	}
	if given := before.values["external_ref"]; a.by.Kind == Source && a.e.referred && ref != "" && given == "" {
		out["external_ref"] = ref
	}
	return out, nil
}

// differs reports whether the words are others than there are: the same ones said
// again later are only newer.
func (r row) differs(e entity, news map[string]any) bool {
	for name, value := range news {
		f, _ := e.field(name)
		if begun(name, f.same(value)) != r.word(name, f) {
			return true
		}
	}
	return false
}

// heldBy is the other system whose a field is; empty: people's.
func (r row) heldBy(entity, name string) string {
	if entity == "integration" && (name == "auth_state" || name == "sync_state") &&
		(r.values["external_ref"] != "" || r.values["last_attempt_at"] != nil || r.values["last_success_at"] != nil) {
		return keptElsewhere(entity, name)
	}
	return r.said[name].By
}

// store writes the news and remembers whose they are.
func (a *application) store(ctx context.Context, before *row, news map[string]any) error {
	query, values := `update `+a.e.table+` set said = $3`, []any{a.tenant, before.id, nil}
	by := ""
	if a.by.Kind == Source {
		by = a.by.Name
	}
	put := func(name string, value any) {
		values = append(values, value)
		query += ", " + name + " = $" + strconv.Itoa(len(values))
	}
	for _, name := range slices.Sorted(maps.Keys(news)) {
		f, _ := a.e.field(name)
		value := news[name]
		if name == "external_ref" && a.e.referred {
			put(name, value)
			put("source", map[bool]string{true: a.by.Name, false: ""}[a.by.Kind == Source])
			if a.by.Kind != Source { // released: what was said stays, and is people's now
				for known, s := range before.said {
					s.By = ""
					before.said[known] = s
				}
			}
			continue
		}
		word := said{At: a.at, By: by}
		if a.derived(name) {
			word.Word = value
		}
		before.said[name] = word
		if name != "needs" {
			put(name, f.column(value))
		}
	}
	if state, ok := news["state"].(string); ok && a.entity == "task" {
		a.finished(state, put)
	}
	if _, given := news["keys_issued_at"]; !given && news["keys_state"] == "ready" && before.values["keys_issued_at"] == nil {
		put("keys_issued_at", a.at)
	}
	if _, watched := before.values["observed_at"]; watched {
		values = append(values, a.at)
		query += `, observed_at = greatest(observed_at, $` + strconv.Itoa(len(values)) + `)`
	}
	values[2] = before.said
	if _, err := a.tx.Exec(ctx, query+` where tenant_id = $1 and id = $2`, values...); err != nil {
		return taken(err)
	}
	if needs, ok := news["needs"]; ok {
		return a.depend(ctx, before.id, field{kind: parts}.column(needs).([]uuid.UUID)) //nolint:forcetypeassert // as read
	}
	return nil
}

// finished keeps when and by whom a task was done.
func (a *application) finished(state string, put func(name string, value any)) {
	var at *time.Time
	var person *uuid.UUID
	name := ""
	if state == "done" {
		at, name = &a.at, a.by.Name
		if a.by.Kind == Customer {
			person = &a.by.ID
		}
	}
	put("done_at", at)
	put("done_by_id", person)
	put("done_by_name", name)
}

func (a *application) depend(ctx context.Context, task uuid.UUID, needs []uuid.UUID) error {
	b := &pgx.Batch{}
	b.Queue(`delete from task_dependencies where tenant_id = $1 and task_id = $2`, a.tenant, task)
	for _, need := range needs {
		b.Queue(`insert into task_dependencies (tenant_id, task_id, needs_id) values ($1, $2, $3)`, a.tenant, task, need)
	}
	return a.tx.SendBatch(ctx, b).Close()
}

// finish lets what follows follow, and tells of it.
func (a *application) finish(ctx context.Context, before row, news map[string]any, made bool) error {
	after, err := a.again(ctx, before.id)
	if err != nil {
		return err
	}
	if err := a.aside(ctx, before, news); err != nil {
		return err
	}
	var follows []happening
	switch a.entity {
	case "task", "milestone", "stage":
		s := settling{tx: a.tx, tenant: a.tenant, project: a.project, live: a.live, at: a.at}
		if a.entity == "task" {
			s.touch(before, *after)
		} else {
			s.reconsider(a.entity, before.id)
			if id, ok := before.values["stage_id"].(string); ok {
				s.reconsider("stage", uuid.MustParse(id))
			}
		}
		if follows, err = s.settle(ctx); err != nil {
			return err
		}
		if after, err = a.again(ctx, before.id); err != nil {
			return err
		}
		if err := a.asSaid(*after, news); err != nil {
			return err
		}
	}
	if err := a.audit(ctx, before, *after, news, made); err != nil {
		return err
	}
	told := []happening{}
	if !onlyInside(news) || made {
		told = append(told, a.happened(before, *after, made))
	}
	for _, h := range follows {
		if len(told) == 0 || h.id != told[0].id || h.kind != told[0].kind { // not told already
			told = append(told, h)
		}
	}
	for _, h := range told {
		if err := tell(ctx, a.tx, a.rules, a.tenant, h); err != nil {
			return err
		}
	}
	return nil
}

// onlyInside says that customers see nothing of it.
func onlyInside(news map[string]any) bool {
	for name := range news {
		if !strings.HasSuffix(name, "_internal") && name != "external_ref" {
			return false
		}
	}
	return len(news) > 0
}

// happened is the change itself, as events name it.
func (a *application) happened(before, after row, made bool) happening {
	h := happening{entity: a.entity, id: after.id, kind: a.entity + ".changed", at: a.at}
	h.name, _ = after.values[cmp.Or(a.e.called, "title")].(string)
	state, _ := after.values["state"].(string)
	switch {
	case made:
		h.kind = a.entity + ".created"
	case state != "" && before.values["state"] != state:
		h.kind = a.entity + "." + state
	}
	h.internal = after.values["visibility"] == "internal"
	h.side, _ = after.values["responsibility"].(string)
	if after.values["visibility"] == "restricted" {
		h.department, _ = after.values["department"].(string)
	}
	if id, ok := after.values["assignee_id"].(string); ok {
		h.person, _ = uuid.Parse(id)
	}
	return h
}

// audit keeps who changed which fields; texts are not repeated there.
func (a *application) audit(ctx context.Context, before, after row, news map[string]any, made bool) error {
	detail := map[string]any{"fields": slices.Sorted(maps.Keys(news))}
	if made {
		detail["made"] = true
	} else if before.values["state"] != after.values["state"] {
		detail["from"], detail["to"] = before.values["state"], after.values["state"]
	}
	kind, id := a.by.Kind, a.by.ID.String()
	if kind == Source {
		kind, id = "system", a.by.Name
	}
	_, err := a.tx.Exec(ctx, `insert into audit_events (tenant_id, id, actor_kind, actor_id, action, object, detail) values ($1, $2, $3, $4, $5, $6, $7)`,
		a.tenant, uuid.Must(uuid.NewV7()), kind, id, "onboarding."+a.entity, a.entity+"/"+before.id.String(), detail)
	return err
}
