// Package hubspotfake is a HubSpot account for tests. Every request and answer
// is validated against the published interface.
package hubspotfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	Status     int
	RetryAfter int
	Policy     string // of a 429
	Category   string
	Lose       bool // do it, then drop the connection
}

// Object is a record.
type Object struct {
	ID         string
	Properties map[string]string
	Created    time.Time
	Updated    time.Time
}

// Server is the fake account.
type Server struct {
	*httptest.Server
	spec *contracttest.Spec
	t    testing.TB

	mu      sync.Mutex
	next    int
	fault   func(r *http.Request) Fault
	objects map[string]map[string]*Object // by kind and id
	unique  map[string]map[string]bool    // by kind and property
	links   map[string]map[string][]string
	owners  map[string]string
	calls   int
	stages  []string          // of the pipeline "0"
	apps    map[string]string // refresh tokens, by the client and its secret
	renewed int
}

// Install gives an app a refresh token.
func (s *Server) Install(client, secret, refresh string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[client+"\x00"+secret] = refresh
}

// Renewed is how many access tokens were given out.
func (s *Server) Renewed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewed
}

// tokens serves /oauth/v1/token. The published description of the CRM does not
// have it, so it is held here to what HubSpot's pages on OAuth say: a form of
// exactly these fields, an answer with the three tokens' fields, 400 with a status
// for a token that is not good.
func (s *Server) tokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth/v1/token" {
			next.ServeHTTP(w, r)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.RawQuery != "" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || len(r.PostForm) != 4 {
			s.t.Errorf("a refresh of a token is a form of four fields: %v %v", r.PostForm, err)
		}
		if r.PostForm.Get("grant_type") != "refresh_token" {
			s.t.Errorf("grant_type is %q", r.PostForm.Get("grant_type"))
		}
		known, ok := s.apps[r.PostForm.Get("client_id")+"\x00"+r.PostForm.Get("client_secret")]
		switch {
		case !ok:
			answer(w, http.StatusBadRequest, map[string]string{"status": "BAD_CLIENT_ID", "message": "missing or unknown client id", "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24"})
		case known != r.PostForm.Get("refresh_token"):
			answer(w, http.StatusBadRequest, map[string]string{"status": "BAD_REFRESH_TOKEN", "message": "missing or unknown refresh token", "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24"})
		default:
			s.renewed++
			answer(w, http.StatusOK, map[string]any{"token_type": "bearer", "refresh_token": known, "access_token": fmt.Sprintf("access-%d", s.renewed), "expires_in": 1800})
		}
	})
}

// Stages sets the stages of the ticket pipeline "0".
func (s *Server) Stages(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages = ids
}

func (s *Server) pipeline(w http.ResponseWriter, id string) {
	if id != "0" {
		fail(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "pipeline not found")
		return
	}
	stages := []any{}
	for i, stage := range s.stages {
		stages = append(stages, map[string]any{
			"id": stage, "label": "Stage " + stage, "displayOrder": i, "metadata": map[string]string{"ticketState": "OPEN"}, "archived": false,
			"createdAt": stamp(time.Now()), "updatedAt": stamp(time.Now()),
		})
	}
	answer(w, http.StatusOK, map[string]any{"id": id, "label": "Support", "displayOrder": 0, "stages": stages, "archived": false, "createdAt": stamp(time.Now()), "updatedAt": stamp(time.Now())})
}

// New starts an account. The test is skipped where the published interface is absent.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		t: t, objects: map[string]map[string]*Object{}, links: map[string]map[string][]string{}, owners: map[string]string{},
		unique: map[string]map[string]bool{"contacts": {"email": true}}, stages: []string{"1", "2", "3", "4"}, apps: map[string]string{},
	}
	s.spec = contracttest.Open(t, "hubspot.crm.openapi.json", "")
	s.Server = httptest.NewServer(s.faulty(s.tokens(asDeals(s.spec.Wrap(http.HandlerFunc(s.serve))))))
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
	slices.SortFunc(out, func(a, b Object) int { return number(a.ID) - number(b.ID) })
	return out
}

// Linked are the ids of a kind tied to a record, in order.
func (s *Server) Linked(kind, id, to string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.links[kind+"/"+id][to])
}

// AddOwner adds a user of the account.
func (s *Server) AddOwner(id, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[email] = id
}

// Put makes or changes a record as a person does.
func (s *Server) Put(kind, id string, properties map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(kind, id, properties).ID
}

// Link ties two records.
func (s *Server) Link(kind, id, to, toID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link(kind, id, to, toID)
}

// Calls is how many requests came in.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Checked is how many exchanges were validated.
func (s *Server) Checked() int64 { return s.spec.Checked() }

func number(id string) int { n, _ := strconv.Atoi(id); return n }

func (s *Server) put(kind, id string, properties map[string]string) *Object {
	if s.objects[kind] == nil {
		s.objects[kind] = map[string]*Object{}
	}
	o := s.objects[kind][id]
	if o == nil {
		s.next++
		o = &Object{ID: strconv.Itoa(1000 + s.next), Properties: map[string]string{}, Created: time.Now()}
		s.objects[kind][o.ID] = o
	}
	for k, v := range properties {
		o.Properties[k] = v
	}
	o.Updated = time.Now()
	return o
}

func (s *Server) link(kind, id, to, toID string) {
	add := func(from, id, to, toID string) {
		key := from + "/" + id
		if s.links[key] == nil {
			s.links[key] = map[string][]string{}
		}
		if !slices.Contains(s.links[key][to], toID) {
			s.links[key][to] = append(s.links[key][to], toID)
		}
	}
	add(kind, id, to, toID)
	add(to, toID, kind, id)
}

func (s *Server) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls++
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
			if f.RetryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
			}
			body := map[string]any{"status": "error", "message": "secret detail", "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24", "category": f.Category}
			if f.Status == http.StatusTooManyRequests {
				body["errorType"], body["policyName"] = "RATE_LIMIT", f.Policy
			}
			answer(w, f.Status, body)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// asDeals holds reads of deals to what is published for companies: HubSpot's
// objects share one shape, and the description lists only some kinds of them.
func asDeals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := strings.CutPrefix(r.URL.Path, "/crm/v3/objects/deals/"); ok {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = "/crm/v3/objects/companies/"+id, ""
			r.Header.Set(realKind, "deals")
		}
		next.ServeHTTP(w, r)
	})
}

const realKind = "X-Fake-Kind"

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, category, message string) {
	answer(w, status, map[string]any{"status": "error", "message": message, "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24", "category": category})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		fail(w, http.StatusUnauthorized, "INVALID_AUTHENTICATION", "no token")
		return
	}
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var body map[string]any
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	switch {
	case part[2] == "properties" && r.Method == http.MethodGet:
		s.property(w, part[3], part[4])
	case part[2] == "properties":
		s.createProperty(w, part[3], body)
	case part[2] == "owners" && len(part) == 4:
		s.ownerByID(w, part[3])
	case part[2] == "owners":
		s.findOwner(w, r.URL.Query().Get("email"))
	case part[2] == "pipelines":
		s.pipeline(w, part[4])
	case part[1] == "v4" && r.Method == http.MethodPut && s.objects[part[7]][part[8]] == nil:
		fail(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "no such record to associate with")
	case part[1] == "v4" && r.Method == http.MethodPut:
		s.link(part[3], part[4], part[7], part[8])
		answer(w, http.StatusOK, map[string]any{
			"status": "COMPLETE", "startedAt": stamp(time.Now()), "completedAt": stamp(time.Now()),
			"results": []any{map[string]any{"from": map[string]string{"id": part[4]}, "to": map[string]string{"id": part[8]}, "associationSpec": map[string]any{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}}},
		})
	case part[1] == "v4":
		s.associations(w, part[3], part[4], part[6])
	case strings.HasSuffix(r.URL.Path, "/batch/upsert"):
		s.upsert(w, part[3], body)
	case strings.HasSuffix(r.URL.Path, "/batch/read"):
		s.read(w, part[3], body)
	case strings.HasSuffix(r.URL.Path, "/search"):
		s.search(w, part[3], body)
	case len(part) == 5 && r.Method == http.MethodGet:
		kind := part[3]
		if real := r.Header.Get(realKind); real != "" {
			kind = real
		}
		o := s.objects[kind][part[4]]
		if o == nil {
			fail(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "not found")
			return
		}
		answer(w, http.StatusOK, wire(o))
	default:
		s.t.Errorf("hubspotfake does not know %s %s", r.Method, r.URL.Path)
		fail(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "not known")
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func wire(o *Object) map[string]any {
	return map[string]any{"id": o.ID, "properties": o.Properties, "createdAt": stamp(o.Created), "updatedAt": stamp(o.Updated), "archived": false}
}

func batch(results []any) map[string]any {
	return map[string]any{"status": "COMPLETE", "results": results, "startedAt": stamp(time.Now()), "completedAt": stamp(time.Now())}
}

func (s *Server) upsert(w http.ResponseWriter, kind string, body map[string]any) {
	results := []any{}
	inputs, _ := body["inputs"].([]any)
	for _, raw := range inputs {
		input := raw.(map[string]any)
		property, value := text(input["idProperty"]), text(input["id"])
		if !s.unique[kind][property] {
			fail(w, http.StatusBadRequest, "VALIDATION_ERROR", fmt.Sprintf("property %q is not unique", property))
			return
		}
		properties := map[string]string{}
		for k, v := range input["properties"].(map[string]any) {
			properties[k] = text(v)
		}
		if problem := check(kind, properties); problem != "" {
			fail(w, http.StatusBadRequest, "VALIDATION_ERROR", problem)
			return
		}
		properties[property] = value
		id, created := "", true
		for _, o := range s.objects[kind] {
			if o.Properties[property] == value {
				id, created = o.ID, false
			}
		}
		o := wire(s.put(kind, id, properties))
		o["new"] = created
		results = append(results, o)
	}
	answer(w, http.StatusOK, batch(results))
}

// check is what the account requires of a record.
func check(kind string, properties map[string]string) string {
	switch {
	case kind == "tickets" && properties["subject"] == "", kind == "tickets" && properties["hs_pipeline_stage"] == "":
		return "subject and hs_pipeline_stage are required"
	case kind == "tickets" && !slices.Contains([]string{"", "LOW", "MEDIUM", "HIGH", "URGENT"}, properties["hs_ticket_priority"]):
		return "hs_ticket_priority is not one of its options"
	case kind == "notes" && properties["hs_timestamp"] == "":
		return "hs_timestamp is required"
	case len([]rune(properties["hs_note_body"])) > 65536, len([]rune(properties["content"])) > 65536:
		return "text is too long"
	}
	return ""
}

func text(v any) string { s, _ := v.(string); return s }

func (s *Server) read(w http.ResponseWriter, kind string, body map[string]any) {
	results := []any{}
	inputs, _ := body["inputs"].([]any)
	for _, raw := range inputs {
		if o := s.objects[kind][text(raw.(map[string]any)["id"])]; o != nil {
			results = append(results, wire(o))
		}
	}
	answer(w, http.StatusOK, batch(results))
}

func (s *Server) search(w http.ResponseWriter, kind string, body map[string]any) {
	results := []any{}
	groups := body["filterGroups"].([]any)
	filter := groups[0].(map[string]any)["filters"].([]any)[0].(map[string]any)
	for _, o := range s.objects[kind] {
		if o.Properties[text(filter["propertyName"])] == text(filter["value"]) {
			results = append(results, wire(o))
		}
	}
	answer(w, http.StatusOK, map[string]any{"total": len(results), "results": results})
}

func (s *Server) associations(w http.ResponseWriter, kind, id, to string) {
	results := []any{}
	for _, other := range s.links[kind+"/"+id][to] {
		results = append(results, map[string]any{"toObjectId": other, "associationTypes": []any{map[string]any{"category": "HUBSPOT_DEFINED", "typeId": 227}}})
	}
	answer(w, http.StatusOK, map[string]any{"results": results})
}

func (s *Server) findOwner(w http.ResponseWriter, email string) {
	results := []any{}
	if id := s.owners[email]; id != "" {
		results = append(results, map[string]any{"id": id, "email": email, "type": "PERSON", "archived": false, "createdAt": stamp(time.Now()), "updatedAt": stamp(time.Now())})
	}
	answer(w, http.StatusOK, map[string]any{"results": results})
}

func (s *Server) ownerByID(w http.ResponseWriter, id string) {
	for email, known := range s.owners {
		if known == id {
			answer(w, http.StatusOK, map[string]any{
				"id": id, "email": email, "firstName": "Owner", "lastName": id, "type": "PERSON", "archived": false, "createdAt": stamp(time.Now()), "updatedAt": stamp(time.Now()),
			})
			return
		}
	}
	fail(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "owner not found")
}

func (s *Server) property(w http.ResponseWriter, kind, name string) {
	if !s.unique[kind][name] {
		fail(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "property not found")
		return
	}
	answer(w, http.StatusOK, describe(name))
}

func describe(name string) map[string]any {
	return map[string]any{"name": name, "label": "Usher id", "type": "string", "fieldType": "text", "groupName": "g", "description": "", "options": []any{}, "hasUniqueValue": true}
}

func (s *Server) createProperty(w http.ResponseWriter, kind string, body map[string]any) {
	name := text(body["name"])
	if s.unique[kind] == nil {
		s.unique[kind] = map[string]bool{}
	}
	if s.unique[kind][name] {
		fail(w, http.StatusConflict, "CONFLICT", "exists")
		return
	}
	unique, _ := body["hasUniqueValue"].(bool)
	s.unique[kind][name] = unique
	answer(w, http.StatusCreated, describe(name))
}
