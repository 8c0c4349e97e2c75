// Package openapi reads another system's OpenAPI 3 description and pre-fills what
// a curator would write: actions for what writes, sources for what reads. It takes
// the text only: no address in it is fetched, and what it comes to is a form that
// somebody completes and checks, never something that is in use.
package openapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/procedure"
)

// ErrBadDocument says that a text is no OpenAPI 3 description; the text says why.
var ErrBadDocument = errors.New("not a usable OpenAPI 3 description")

// Bounds of a document and of what is made of it.
const (
	maxOperations = 500
	maxParameters = 25
	maxDepth      = 3
	maxFields     = 60
)

// Document is what a description offers.
type Document struct {
	Title      string
	Operations []Operation
}

// Operation is one of them. Action is set for what writes, Source for what reads.
type Operation struct {
	Method string
	Path   string
	Title  string
	Action *action.Definition
	Source *source.Definition
	Notes  []string // what a curator has to look at
}

// Read reads a description, in JSON or YAML.
func Read(text []byte) (Document, error) {
	loader := openapi3.NewLoader() // external references are refused
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return Document{}, fmt.Errorf("%w: %s", ErrBadDocument, triage.Line(err.Error(), 300))
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.") || doc.Paths == nil {
		return Document{}, fmt.Errorf("%w: it needs openapi: 3.x and paths", ErrBadDocument)
	}
	out := Document{}
	if doc.Info != nil {
		out.Title = triage.Line(doc.Info.Title, 200)
	}
	for _, path := range slices.Sorted(mapKeys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			operation := item.GetOperation(method)
			if operation == nil {
				continue
			}
			if len(out.Operations) == maxOperations {
				return out, fmt.Errorf("%w: it has more than %d operations", ErrBadDocument, maxOperations)
			}
			r := reading{doc: doc, item: item, operation: operation, method: method, path: path}
			out.Operations = append(out.Operations, r.read())
		}
	}
	return out, nil
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// reading is one operation while it is read.
type reading struct {
	doc       *openapi3.T
	item      *openapi3.PathItem
	operation *openapi3.Operation
	method    string
	path      string

	out        Operation
	parameters []action.Parameter
	names      map[string]bool
}

func (r *reading) note(format string, args ...any) {
	if len(r.out.Notes) < 12 {
		r.out.Notes = append(r.out.Notes, triage.Line(fmt.Sprintf(format, args...), 200))
	}
}

func (r *reading) read() Operation {
	r.names = map[string]bool{}
	title := triage.Line(cmp.Or(r.operation.Summary, r.operation.OperationID, r.method+" "+r.path), 150)
	r.out = Operation{Method: r.method, Path: r.path, Title: title}
	if r.method == http.MethodGet {
		r.source()
	} else {
		r.action(title)
	}
	return r.out
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// name makes a name of ours of one of theirs: createdAt and created-at become created_at.
func name(text string) string {
	var b strings.Builder
	for i, c := range text {
		if i > 0 && c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	out := strings.Trim(notName.ReplaceAllString(strings.ToLower(b.String()), "_"), "_")
	return strings.TrimRight(out[:min(len(out), 60)], "_")
}

func (r *reading) key() string {
	return cmp.Or(name(r.operation.OperationID), name(strings.ToLower(r.method+" "+r.path)), "operation")
}

// base is the first server's address, its variables at their defaults.
func (r *reading) base() string {
	servers := r.doc.Servers
	if r.operation.Servers != nil && len(*r.operation.Servers) > 0 {
		servers = *r.operation.Servers
	}
	if len(servers) > 0 && servers[0] != nil {
		text := servers[0].URL
		for key, variable := range servers[0].Variables {
			if variable != nil {
				text = strings.ReplaceAll(text, "{"+key+"}", variable.Default)
			}
		}
		if base, err := url.Parse(text); err == nil && base.Host != "" && !strings.ContainsAny(text, "{}") {
			return strings.TrimSuffix(text, "/")
		}
	}
	r.note("The description has no address of its own: put the system's into base_url.")
	return "https://host.example"
}

// auth is the first way in that we know.
func (r *reading) auth() (kind, header string) {
	needs := r.doc.Security
	if r.operation.Security != nil {
		needs = *r.operation.Security
	}
	known := openapi3.SecuritySchemes{}
	if r.doc.Components != nil {
		known = r.doc.Components.SecuritySchemes
	}
	for _, need := range needs {
		for scheme := range need {
			ref := known[scheme]
			if ref == nil || ref.Value == nil {
				continue
			}
			switch s := ref.Value; {
			case s.Type == "http" && strings.EqualFold(s.Scheme, "bearer"), s.Type == "oauth2", s.Type == "openIdConnect":
				if s.Type != "http" {
					r.note("It signs in by %s: a long-lived token is needed as the secret.", s.Type)
				}
				return "bearer", ""
			case s.Type == "http" && strings.EqualFold(s.Scheme, "basic"):
				return "basic", ""
			case s.Type == "apiKey" && s.In == "header":
				return "header", s.Name
			}
		}
	}
	if len(needs) > 0 {
		r.note("Its way of signing in is not one of ours: bearer, basic or a key in a header.")
	}
	return "", ""
}

// given are the parameters of a place: path, query or header.
func (r *reading) given(in string) (list []*openapi3.Parameter) {
	seen := map[string]bool{}
	for _, all := range []openapi3.Parameters{r.operation.Parameters, r.item.Parameters} {
		for _, ref := range all {
			if ref.Value != nil && ref.Value.In == in && !seen[ref.Value.Name] {
				seen[ref.Value.Name] = true
				list = append(list, ref.Value)
			}
		}
	}
	return list
}

// parameter adds one of ours, and returns its name; empty: there is no room.
func (r *reading) parameter(theirs string, schema *openapi3.SchemaRef, required bool) string {
	ours := cmp.Or(name(theirs), "value")
	for slices.Contains(action.Injected, ours) || r.names[ours] {
		ours = "its_" + ours
	}
	p := action.Parameter{Name: ours, Label: triage.Line(theirs, 100), Kind: action.KindText, Optional: !required}
	if schema != nil && schema.Value != nil {
		s := schema.Value
		p.Label = cmp.Or(triage.Line(s.Title, 100), p.Label)
		switch {
		case len(s.Enum) > 0 && len(s.Enum) <= 50:
			p.Kind = action.KindChoice
			for _, value := range s.Enum {
				p.Choices = append(p.Choices, fmt.Sprint(value))
			}
		case s.Type.Is("boolean"):
			p.Kind = action.KindYesNo
		case s.Type.Is("integer"), s.Type.Is("number"):
			p.Kind, p.Min, p.Max = action.KindNumber, s.Min, s.Max
		case s.Format == "date":
			p.Kind = action.KindDate
		case s.Format == "email":
			p.Kind = action.KindEmail
		case s.MaxLength != nil && *s.MaxLength > 0 && *s.MaxLength <= 2000:
			p.Length = int(*s.MaxLength) //nolint:gosec // at most 2000
		}
	}
	if len(ours) > 60 || len(r.parameters) == maxParameters {
		r.note("Left out, for want of room: %s", theirs)
		return ""
	}
	r.names[ours] = true
	r.parameters = append(r.parameters, p)
	return ours
}

var template = regexp.MustCompile(`\{([^}]*)\}`)

func (r *reading) action(title string) {
	d := &action.Definition{
		Key: r.key(), Title: title, Words: procedure.Text{"en": title}, Done: procedure.Text{"en": "Done: " + title}, Method: r.method, BaseURL: r.base(),
	}
	schemas := map[string]*openapi3.SchemaRef{}
	for _, p := range r.given("path") {
		schemas[p.Name] = p.Schema
	}
	d.Path = template.ReplaceAllStringFunc(r.path, func(m string) string {
		theirs := strings.Trim(m, "{}")
		return "{" + r.parameter(theirs, schemas[theirs], true) + "}"
	})
	var query []string
	for _, p := range r.given("query") {
		if p.Required {
			query = append(query, url.QueryEscape(p.Name)+"={"+r.parameter(p.Name, p.Schema, true)+"}")
		}
	}
	if len(query) > 0 {
		d.Path += "?" + strings.Join(query, "&")
	}
	for _, p := range r.given("header") {
		if strings.Contains(strings.ToLower(p.Name), "idempotency") {
			d.KeyHeader = p.Name
			r.note("It knows an idempotency key: say honours_key: true if it does nothing twice for one.")
		} else if p.Required {
			r.note("It needs the header %s, which an action cannot send.", p.Name)
		}
	}
	d.Auth.Kind, d.Auth.Name = r.auth()
	if body := r.operation.RequestBody; body != nil && body.Value != nil {
		media := body.Value.Content.Get("application/json")
		if media == nil {
			r.note("It takes no JSON, so an action cannot call it.")
		} else {
			d.Body = r.body(media.Schema, "", true, 0)
		}
	}
	d.Parameters = r.parameters
	if err := d.Check(); err != nil {
		r.note("To be completed: %s", strings.TrimPrefix(err.Error(), action.ErrBadAction.Error()+": "))
	}
	r.note("Write words and done as customers should read them, and say who may approve.")
	r.out.Action = d
}

// body is a document of the shape the schema has, with places for parameters.
func (r *reading) body(ref *openapi3.SchemaRef, theirs string, required bool, depth int) any {
	if ref == nil || ref.Value == nil {
		return nil
	}
	properties, needed := flatten(ref.Value, 0)
	if len(properties) == 0 {
		if ref.Value.Type.Is("array") || ref.Value.Type.Is("object") || theirs == "" {
			if theirs != "" && required {
				r.note("%s is a list or has no fixed fields: write it into the body by hand.", theirs)
			}
			return nil
		}
		if own := r.parameter(theirs, ref, required); own != "" {
			return "{" + own + "}"
		}
		return nil
	}
	if depth == maxDepth {
		r.note("%s goes deeper than is filled in here.", theirs)
		return nil
	}
	out := map[string]any{}
	for _, field := range slices.Sorted(mapKeys(properties)) {
		child := properties[field]
		if child.Value == nil || child.Value.ReadOnly {
			continue
		}
		if value := r.body(child, field, required && slices.Contains(needed, field), depth+1); value != nil {
			out[field] = value
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// flatten joins a schema's own fields with those of allOf.
func flatten(s *openapi3.Schema, depth int) (openapi3.Schemas, []string) {
	if len(s.AllOf) == 0 || depth > maxDepth {
		return s.Properties, s.Required
	}
	all, needed := openapi3.Schemas{}, slices.Clone(s.Required)
	for _, part := range s.AllOf {
		if part.Value == nil {
			continue
		}
		properties, required := flatten(part.Value, depth+1)
		for field, child := range properties {
			all[field] = child
		}
		needed = append(needed, required...)
	}
	for field, child := range s.Properties {
		all[field] = child
	}
	return all, needed
}

func (r *reading) source() {
	d := &source.Definition{Name: r.key(), BaseURL: r.base(), Path: r.path, Fields: map[string]string{}}
	slots := template.FindAllString(r.path, -1)
	switch len(slots) {
	case 0:
		r.note("Its address names no record: one that lists cannot be read as a record.")
	case 1:
		d.Path = strings.Replace(r.path, slots[0], "{entity}", 1)
	case 2:
		d.Path = strings.Replace(strings.Replace(r.path, slots[0], "{customer}", 1), slots[1], "{entity}", 1)
		r.note("%s is taken for the customer number, %s for the record's id: check it.", slots[0], slots[1])
	default:
		r.note("Its address names more than a customer and a record: write the path by hand.")
	}
	for _, p := range r.given("query") {
		if p.Required {
			r.note("It needs %s in the address: add ?%s=… to the path.", p.Name, p.Name)
		}
	}
	d.AuthKind, d.AuthName = r.auth()
	if answer := r.operation.Responses.Value("200"); answer != nil && answer.Value != nil {
		if media := answer.Value.Content.Get("application/json"); media != nil && media.Schema != nil && media.Schema.Value != nil {
			fields(d.Fields, media.Schema.Value, "", "", 0)
		}
	}
	if len(d.Fields) == 0 {
		r.note("The description does not say which fields come back: the answer is taken as it is.")
	}
	r.out.Source = d
}

// fields maps scalar fields to their JSON pointers.
func fields(out map[string]string, s *openapi3.Schema, prefix, pointer string, depth int) {
	properties, _ := flatten(s, 0)
	for _, theirs := range slices.Sorted(mapKeys(properties)) {
		child := properties[theirs]
		if child.Value == nil || len(out) == maxFields {
			continue
		}
		ours := name(prefix + " " + theirs)
		at := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(theirs)
		switch nested, _ := flatten(child.Value, 0); {
		case len(nested) > 0 && depth < maxDepth-1:
			fields(out, child.Value, prefix+" "+theirs, at, depth+1)
		case len(nested) == 0 && !child.Value.Type.Is("array") && !child.Value.Type.Is("object") && ours != "":
			out[ours] = at
		}
	}
}
