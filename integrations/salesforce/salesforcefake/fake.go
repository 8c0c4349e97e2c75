// Package salesforcefake is a Salesforce org for tests. Every request and answer
// is validated against the interface description.
package salesforcefake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherdesk/usher/integrations/contracttest"
)

// Fault is what happens to one call.
type Fault struct {
	Status int
	Code   string
	Lose   bool // do it, then drop the connection
}

// Object is a record.
type Object struct {
	ID      string
	Fields  map[string]any
	Changed time.Time
}

// Server is the fake org. Its External Id field of Case is Usher_Ticket_Id__c.
type Server struct {
	*httptest.Server
	t    testing.TB
	spec *contracttest.Spec

	mu      sync.Mutex
	next    int
	logins  int
	token   string
	grants  []url.Values
	fault   func(r *http.Request) Fault
	objects map[string][]*Object
	busy    map[string]bool
}

// New starts an org. The test is skipped where the interface description is absent.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, objects: map[string][]*Object{}, busy: map[string]bool{}}
	s.spec = contracttest.Open(t, "salesforce.rest.openapi.json", "")
	s.Server = httptest.NewServer(s.faulty(s.spec.Wrap(http.HandlerFunc(s.serve))))
	t.Cleanup(s.Close)
	return s
}

// Fail sets what happens to calls from now on; nil: all succeed.
func (s *Server) Fail(f func(r *http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Objects are the records of a kind, in order of creation.
func (s *Server) Objects(kind string) []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Object
	for _, o := range s.objects[kind] {
		out = append(out, *o)
	}
	return out
}

// Put makes a record, or changes one where id is set, as a person does.
func (s *Server) Put(kind, id string, fields map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects[kind] {
		if o.ID == id {
			s.set(o, fields)
			return id
		}
	}
	return s.add(kind, fields).ID
}

// Expire ends the current session.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = "ended"
}

// Logins are the forms of the logins so far.
func (s *Server) Logins() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.grants)
}

// Checked is how many exchanges were validated.
func (s *Server) Checked() int64 { return s.spec.Checked() }

func (s *Server) add(kind string, fields map[string]any) *Object {
	s.next++
	prefix := map[string]string{"Case": "500", "CaseComment": "00a", "Contact": "003"}[kind]
	o := &Object{ID: fmt.Sprintf("%s%012dAAA", prefix, s.next), Fields: map[string]any{"CreatedDate": stamp(time.Now())}}
	s.objects[kind] = append(s.objects[kind], o)
	s.set(o, fields)
	return o
}

func (s *Server) set(o *Object, fields map[string]any) {
	for k, v := range fields {
		o.Fields[k] = v
	}
	o.Changed = time.Now()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+0000") }

func (s *Server) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		var f Fault
		if s.fault != nil {
			f = s.fault(r)
		}
		s.mu.Unlock()
		switch {
		case f.Lose:
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			fail(w, f.Status, f.Code)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, code string) {
	if strings.HasPrefix(code, "invalid_") {
		answer(w, status, map[string]string{"error": code, "error_description": "secret detail"})
		return
	}
	answer(w, status, []any{map[string]any{"message": "it did not work: secret detail", "errorCode": code}})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
		s.login(w, r)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		fail(w, http.StatusUnauthorized, "INVALID_SESSION_ID")
		return
	}
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // services data v68.0 …
	var body map[string]any
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	switch {
	case part[3] == "query":
		s.query(w, r.URL.Query().Get("q"))
	case len(part) == 6 && part[5] == "describe":
		describe(w)
	case len(part) == 5 && r.Method == http.MethodPost:
		s.create(w, part[4], body)
	case len(part) == 7 && r.Method == http.MethodPatch:
		s.upsert(w, part[4], part[5], part[6], body)
	case len(part) == 6 && r.Method == http.MethodGet:
		s.read(w, part[4], part[5])
	default:
		s.t.Errorf("salesforcefake does not know %s %s", r.Method, r.URL.Path)
		fail(w, http.StatusNotFound, "NOT_FOUND")
	}
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.grants = append(s.grants, r.PostForm)
	s.logins++
	s.token = fmt.Sprintf("session-%d", s.logins)
	answer(w, http.StatusOK, map[string]string{"access_token": s.token, "instance_url": s.URL, "token_type": "Bearer"})
}

// What the org's picklists hold.
var (
	statuses   = []string{"New", "Working", "Escalated", "Closed"}
	priorities = []string{"High", "Medium", "Low"}
)

func describe(w http.ResponseWriter) {
	values := func(list []string) []any {
		out := []any{map[string]any{"value": "Old", "label": "Old", "active": false, "defaultValue": false}}
		for i, v := range list {
			out = append(out, map[string]any{"value": v, "label": v, "active": true, "defaultValue": i == 0})
		}
		return out
	}
	answer(w, http.StatusOK, map[string]any{"name": "Case", "fields": []any{
		map[string]any{"name": "Subject", "type": "string", "length": 255, "externalId": false, "unique": false, "picklistValues": []any{}},
		map[string]any{"name": "Status", "type": "picklist", "length": 255, "externalId": false, "unique": false, "picklistValues": values(statuses)},
		map[string]any{"name": "Priority", "type": "picklist", "length": 255, "externalId": false, "unique": false, "picklistValues": values(priorities)},
		map[string]any{"name": "Usher_Ticket_Id__c", "type": "string", "length": 64, "externalId": true, "unique": true, "picklistValues": []any{}},
	}})
}

func check(kind string, fields map[string]any) string {
	length := func(name string) int { v, _ := fields[name].(string); return len([]rune(v)) }
	switch {
	case kind == "Case" && (length("Subject") > 255 || length("Description") > 32000), kind == "CaseComment" && length("CommentBody") > 4000:
		return "STRING_TOO_LONG"
	case kind == "Case" && fields["Status"] != nil && !slices.Contains(statuses, fmt.Sprint(fields["Status"])):
		return "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
	case kind == "Case" && fields["Priority"] != nil && !slices.Contains(priorities, fmt.Sprint(fields["Priority"])):
		return "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
	}
	return ""
}

func (s *Server) create(w http.ResponseWriter, kind string, fields map[string]any) {
	if code := check(kind, fields); code != "" {
		fail(w, http.StatusBadRequest, code)
		return
	}
	answer(w, http.StatusCreated, map[string]any{"id": s.add(kind, fields).ID, "success": true, "errors": []any{}})
}

// upsert is not atomic for one new key, as the real one: two at once can answer
// DUPLICATE_VALUE.
func (s *Server) upsert(w http.ResponseWriter, kind, field, value string, fields map[string]any) {
	if _, ok := fields[field]; ok || fields["Id"] != nil {
		fail(w, http.StatusBadRequest, "INVALID_FIELD")
		return
	}
	if code := check(kind, fields); code != "" {
		fail(w, http.StatusBadRequest, code)
		return
	}
	for _, o := range s.objects[kind] {
		if o.Fields[field] == value {
			s.set(o, fields)
			answer(w, http.StatusOK, map[string]any{"id": o.ID, "success": true, "errors": []any{}, "created": false})
			return
		}
	}
	if s.busy[value] {
		fail(w, http.StatusBadRequest, "DUPLICATE_VALUE")
		return
	}
	s.busy[value] = true
	s.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
	s.mu.Lock()
	fields[field] = value
	o := s.add(kind, fields)
	answer(w, http.StatusCreated, map[string]any{"id": o.ID, "success": true, "errors": []any{}, "created": true})
}

func (s *Server) wire(kind string, o *Object) map[string]any {
	out := map[string]any{"attributes": map[string]string{"type": kind}, "Id": o.ID, "SystemModstamp": stamp(o.Changed), "LastModifiedDate": stamp(o.Changed)}
	for k, v := range o.Fields {
		out[k] = v
	}
	return out
}

func (s *Server) read(w http.ResponseWriter, kind, id string) {
	for _, o := range s.objects[kind] {
		if o.ID == id {
			answer(w, http.StatusOK, s.wire(kind, o))
			return
		}
	}
	fail(w, http.StatusNotFound, "NOT_FOUND")
}

var (
	soql  = regexp.MustCompile(`^SELECT [\w, ]+ FROM (\w+) WHERE (.+?)(?: ORDER BY ([\w, ]+?)(?: DESC)?)?(?: LIMIT (\d+))?$`)
	later = regexp.MustCompile(`^\(SystemModstamp > (\S+) OR \(SystemModstamp = (\S+) AND Id > '(\w+)'\)\)$`)
	equal = regexp.MustCompile(`^(\w+) = '((?:[^'\\]|\\.)*)'$`)
	after = regexp.MustCompile(`^SystemModstamp >= (\S+)$`)
)

// query understands the few queries the adapter makes, and refuses others. As the
// real one it gives at most 2,000 records.
func (s *Server) query(w http.ResponseWriter, q string) {
	match := soql.FindStringSubmatch(q)
	if match == nil {
		fail(w, http.StatusBadRequest, "MALFORMED_QUERY")
		return
	}
	var found []*Object
	for _, o := range s.objects[match[1]] {
		ok := true
		for _, condition := range conditions(match[2]) {
			holds, known := s.holds(o, condition)
			if !known {
				fail(w, http.StatusBadRequest, "MALFORMED_QUERY")
				return
			}
			ok = ok && holds
		}
		if ok {
			found = append(found, o)
		}
	}
	if strings.HasPrefix(match[3], "SystemModstamp") {
		slices.SortStableFunc(found, func(a, b *Object) int {
			return cmp.Or(a.Changed.Truncate(time.Millisecond).Compare(b.Changed.Truncate(time.Millisecond)), strings.Compare(a.ID, b.ID))
		})
	}
	if strings.Contains(q, " DESC") {
		slices.Reverse(found)
	}
	limit, err := strconv.Atoi(match[4])
	if err != nil || limit > 2000 {
		limit = 2000
	}
	records := []any{}
	for _, o := range found[:min(limit, len(found))] {
		records = append(records, s.wire(match[1], o))
	}
	answer(w, http.StatusOK, map[string]any{"totalSize": len(records), "done": true, "records": records})
}

// conditions splits what AND joins, outside brackets.
func conditions(text string) (out []string) {
	depth, start := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth == 0 && strings.HasPrefix(text[i:], " AND "):
			out, start = append(out, text[start:i]), i+len(" AND ")
		}
	}
	return append(out, text[start:])
}

func (s *Server) holds(o *Object, condition string) (holds, known bool) {
	changed := o.Changed.Truncate(time.Millisecond)
	if m := equal.FindStringSubmatch(condition); m != nil {
		return fmt.Sprint(o.Fields[m[1]]) == strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(m[2]), true
	}
	if m := after.FindStringSubmatch(condition); m != nil {
		at, err := time.Parse(time.RFC3339, m[1])
		return err == nil && !changed.Before(at), err == nil
	}
	if m := later.FindStringSubmatch(condition); m != nil && m[1] == m[2] {
		at, err := time.Parse(time.RFC3339, m[1])
		return err == nil && (changed.After(at) || changed.Equal(at) && o.ID > m[3]), err == nil
	}
	name, ok := strings.CutSuffix(condition, " != null")
	if !ok {
		return false, false
	}
	if field, ok := strings.CutPrefix(name, "Parent."); ok {
		for _, parent := range s.objects["Case"] {
			if parent.ID == o.Fields["ParentId"] {
				return parent.Fields[field] != nil, true
			}
		}
		return false, true
	}
	return o.Fields[name] != nil, true
}
