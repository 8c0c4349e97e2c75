package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
)

// contract checks every request and answer of the surface against openapi.yaml.
type contract struct {
	t        *testing.T
	handler  http.Handler
	validate func(request *http.Request, sent []byte, response *http.Response, body []byte)
}

func newContract(t *testing.T, handler http.Handler) *contract {
	t.Helper()
	spec, err := portal.SpecJSON()
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	router, err := gorillamux.NewRouter(doc)
	require.NoError(t, err)
	c := &contract{t: t, handler: handler}
	c.validate = func(request *http.Request, sent []byte, response *http.Response, body []byte) {
		route, params, err := router.FindRoute(request)
		require.NoError(t, err, request.URL.Path)
		request.Body = io.NopCloser(bytes.NewReader(sent))
		input := &openapi3filter.RequestValidationInput{
			Request: request, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
		}
		require.NoError(t, openapi3filter.ValidateRequest(t.Context(), input), request.URL.Path)
		require.NoError(t, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: response.StatusCode, Header: response.Header, Body: io.NopCloser(bytes.NewReader(body)), Options: input.Options,
		}), "%s %s: %s", request.Method, request.URL.Path, body)
	}
	return c
}

// call sends a request, checks both sides, and returns the answer.
func (c *contract) call(method, path, token string, body any, status int) map[string]any {
	c.t.Helper()
	var sent []byte
	if body != nil {
		var err error
		sent, err = json.Marshal(body)
		require.NoError(c.t, err)
	}
	raw := c.send(method, path, token, "application/json", sent, status)
	var out map[string]any
	if len(raw) > 0 {
		require.NoError(c.t, json.Unmarshal(raw, &out), "%s", raw)
	}
	return out
}

// send is call with any body, and the answer as it came.
func (c *contract) send(method, path, token, kind string, sent []byte, status int) []byte {
	c.t.Helper()
	var request *http.Request
	var response *http.Response
	for tries := 1; ; tries++ {
		request = httptest.NewRequest(method, path, bytes.NewReader(sent))
		if len(sent) > 0 {
			request.Header.Set("Content-Type", kind)
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		recorder := httptest.NewRecorder()
		c.handler.ServeHTTP(recorder, request)
		if response = recorder.Result(); response.StatusCode != http.StatusTooManyRequests || status == http.StatusTooManyRequests || tries == 30 {
			break
		}
		time.Sleep(time.Second) // as the answer says: there are more calls than one person makes at once
	}
	raw, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, status, response.StatusCode, "%s %s: %s", method, path, raw)
	again := httptest.NewRequest(method, path, nil).WithContext(context.Background())
	again.Header = request.Header
	c.validate(again, sent, response, raw)
	return raw
}

func TestTheSurfaceKeepsItsContract(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	small(t, db)
	tenant := db.Tenant(t, "acme")
	ana := db.User(t, tenant, "ana@acme.test", "admin")
	people := []onboarding.DemoPerson{{ID: ana, Name: "Ana"}, {ID: db.User(t, tenant, "bruno@acme.test"), Name: "Bruno"}, {ID: db.User(t, tenant, "maria@acme.test", "manager"), Name: "Maria"}}
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return onboarding.SeedDemo(t.Context(), tx, tenant, "integration", people, time.Now())
	}))
	a, err := build(t.Context(), config{
		DatabaseURL: db.OwnerURL, AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), Secret: db.Secret,
		PublicURL: "http://localhost", Roles: []string{"api"}, Dir: t.TempDir(),
	}, newLogger(8))
	require.NoError(t, err)
	t.Cleanup(a.close)
	require.NoError(t, a.engine.Start(t.Context()))
	c := newContract(t, a.handler)
	session := func(link string, err error) string {
		require.NoError(t, err)
		token, _, err := a.identity.Exchange(t.Context(), link)
		require.NoError(t, err)
		return token
	}
	customer := session(a.identity.CreateLink(t.Context(), tenant, ana, time.Hour, false))
	staff := session(a.identity.CreateStaffLink(t.Context(), db.Staff(t, "cleo@usher.test", "agent", "curator"), time.Hour, false))

	c.call("GET", "/healthz", "", nil, 200)
	c.call("GET", "/readyz", "", nil, 200)
	c.call("GET", "/v1/me", customer, nil, 200)
	c.call("GET", "/v1/me", staff, nil, 200)
	c.call("GET", "/v1/onboarding", customer, nil, 200)

	// A document, from the request to its review, and what the record says of it.
	listed := c.call("GET", "/v1/documents", customer, nil, 200)
	require.NotEmpty(t, listed["types"])
	var open []string
	for _, d := range listed["documents"].([]any) {
		if d := d.(map[string]any); d["open"].(bool) {
			open = append(open, d["id"].(string))
		}
	}
	require.NotEmpty(t, open)
	upload := "/v1/documents/" + open[0] + "/versions?file_name=letter.pdf"
	var version struct{ ID string }
	require.NoError(t, json.Unmarshal(c.send("POST", upload, customer, "application/octet-stream", []byte("%PDF-1.7 hello"), 201), &version))
	c.send("POST", upload, customer, "application/octet-stream", []byte("<html>no</html>"), 415)
	c.send("POST", "/v1/documents/0190a000-0000-7000-8000-000000000000/versions?file_name=x", customer, "application/octet-stream", []byte("%PDF-1.7 x"), 404)
	c.call("GET", "/v1/document-versions/"+version.ID+"/content", customer, nil, 409)
	pending := c.call("GET", "/v1/agent/documents", staff, nil, 200)["documents"].([]any)
	require.True(t, slices.ContainsFunc(pending, func(d any) bool { return d.(map[string]any)["version"].(map[string]any)["id"] == version.ID }))
	review := "/v1/agent/documents/" + tenant.String() + "/" + version.ID
	c.call("GET", review+"/content", staff, nil, 409)
	c.call("POST", review+"/review", staff, map[string]any{"accept": false}, 400)
	c.call("POST", review+"/review", staff, map[string]any{"accept": true}, 204)
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update document_versions set scan_state = 'clean' where tenant_id = $1 and id = $2`, tenant, version.ID)
		return err
	}))
	require.Equal(t, "%PDF-1.7 hello", string(c.send("GET", "/v1/document-versions/"+version.ID+"/content", customer, "", nil, 200)))
	require.Equal(t, "%PDF-1.7 hello", string(c.send("GET", review+"/content", staff, "", nil, 200)))
	// Staff open and decide about what is a department's only, as about the rest.
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `update users set departments = '{finance}' where tenant_id = $1 and id = $2`, tenant, ana); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into document_requests (tenant_id, id, project_id, title, state, department)
			select $1, gen_random_uuid(), id, 'Bank letter', 'requested', 'finance' from projects where tenant_id = $1 limit 1`, tenant)
		return err
	}))
	departments := 0
	for _, d := range c.call("GET", "/v1/documents", customer, nil, 200)["documents"].([]any) {
		d := d.(map[string]any)
		if !d["open"].(bool) || d["id"] == open[0] {
			continue
		}
		var sent struct{ ID string }
		require.NoError(t, json.Unmarshal(c.send("POST", "/v1/documents/"+d["id"].(string)+"/versions?file_name=a.pdf", customer, "application/octet-stream", []byte("%PDF-1.7 more"), 201), &sent))
		require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			var closed bool
			err := tx.QueryRow(t.Context(), `update document_versions v set scan_state = 'clean' from document_requests r
				where v.tenant_id = $1 and v.id = $2 and r.tenant_id = v.tenant_id and r.id = v.request_id returning r.department <> ''`, tenant, sent.ID).Scan(&closed)
			if closed {
				departments++
			}
			return err
		}))
		agent := "/v1/agent/documents/" + tenant.String() + "/" + sent.ID
		require.Equal(t, "%PDF-1.7 more", string(c.send("GET", agent+"/content", staff, "", nil, 200)), d["title"])
		c.call("POST", agent+"/review", staff, map[string]any{"accept": true}, 204)
	}
	require.Positive(t, departments)
	require.Contains(t, string(c.send("GET", "/v1/exports/documents?format=csv", customer, "", nil, 200)), "letter.pdf")
	var exported []map[string]any
	require.NoError(t, json.Unmarshal(c.send("GET", "/v1/exports/milestones?format=json", customer, "", nil, 200), &exported))
	require.NotEmpty(t, exported)
	c.call("GET", "/v1/exports/documents?from=2026-02-01&to=2026-01-01", customer, nil, 400)

	// A conversation, from the first word to an agent's reply.
	started := c.call("POST", "/v1/conversations", customer, map[string]any{"text": "I want to talk to a human"}, 201)
	id := started["conversation"].(map[string]any)["id"].(string)
	message := started["message"].(map[string]any)
	require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: tenant, MessageID: uuid.MustParse(message["id"].(string)), Person: true}))
	c.call("GET", "/v1/conversations", customer, nil, 200)
	c.call("GET", "/v1/conversations/"+id, customer, nil, 200)
	page := c.call("GET", "/v1/conversations/"+id+"/messages?limit=50", customer, nil, 200)
	reply := page["messages"].([]any)[1].(map[string]any)
	c.call("PUT", "/v1/messages/"+reply["id"].(string)+"/feedback", customer, map[string]any{"vote": "not_helpful", "reason": "no"}, 204)
	c.call("POST", "/v1/conversations/"+id+"/read", customer, map[string]any{"seq": 2}, 204)
	c.call("POST", "/v1/conversations/"+id+"/stop", customer, nil, 204)
	hello := "/v1/messages/" + c.call("POST", "/v1/conversations/"+id+"/messages", customer, map[string]any{"text": "Hello?", "client_key": "k"}, 201)["id"].(string)
	require.Equal(t, "Hello, anybody?", c.call("PUT", hello, customer, map[string]any{"text": "Hello, anybody?"}, 200)["body"])
	require.Equal(t, "deleted", c.call("DELETE", hello, customer, nil, 200)["state"])
	c.call("PUT", hello, customer, map[string]any{"text": "again"}, 409)
	c.call("PUT", "/v1/messages/"+reply["id"].(string), customer, map[string]any{"text": "not mine"}, 404)
	c.call("POST", "/v1/conversations/"+id+"/person", customer, map[string]any{}, 202)
	tickets := c.call("GET", "/v1/tickets", customer, nil, 200)
	require.Len(t, tickets["tickets"], 1)
	c.call("GET", "/v1/tickets/1001", customer, nil, 200)
	c.call("GET", "/v1/tickets/9999", customer, nil, 404)

	rows, err := a.desk.Queue(t.Context(), desk.Filter{}, triage.Page{})
	require.NoError(t, err)
	ticket := "/v1/agent/tickets/" + tenant.String() + "/" + rows[0].ID.String()
	c.call("GET", "/v1/agent/queue?state=open", staff, nil, 200)
	c.call("GET", "/v1/agent/staff", staff, nil, 200)
	c.call("GET", ticket, staff, nil, 200)
	for _, act := range []map[string]any{
		{"act": "claim"}, {"act": "note", "text": "look at this"}, {"act": "reply", "text": "On it.", "client_key": "r"}, {"act": "priority", "priority": "high"},
		{"act": "snooze", "until": time.Now().Add(time.Hour).Format(time.RFC3339)}, {"act": "correct", "intent": "how_to"}, {"act": "resolve"}, {"act": "reopen"}, {"act": "hand_back"},
	} {
		c.call("POST", ticket+"/actions", staff, act, 200)
	}
	c.call("POST", ticket+"/actions", staff, map[string]any{"act": "priority"}, 400)
	var said string
	for _, m := range c.call("GET", ticket, staff, nil, 200)["messages"].([]any) {
		if m := m.(map[string]any); m["body"] == "On it." {
			said = m["id"].(string)
		}
	}
	c.call("POST", ticket+"/actions", staff, map[string]any{"act": "correct_reply", "text": "We start on Monday."}, 400)
	c.call("POST", ticket+"/actions", staff, map[string]any{"act": "correct_reply", "message_id": said, "text": "We start on Monday."}, 200)
	c.call("POST", ticket+"/actions", staff, map[string]any{"act": "withdraw_reply", "message_id": said}, 200)
	c.call("POST", ticket+"/suggestion", staff, nil, 200)
	c.call("GET", "/v1/agent/deliveries", staff, nil, 200)
	require.Contains(t, c.call("POST", "/v1/agent/deliveries/replay", staff, map[string]any{"state": "failed", "destination": "slack"}, 200), "replayed")
	transcript := c.call("GET", "/v1/conversations/"+id+"/messages", customer, nil, 200)
	for _, m := range transcript["messages"].([]any) {
		require.NotContains(t, m.(map[string]any)["body"], "look at this", "a note never reaches the customer")
	}
	c.call("POST", "/v1/conversations/"+id+"/solved", customer, nil, 204)

	// An article, from draft to search.
	article := c.call("POST", "/v1/admin/articles", staff, map[string]any{"title": "Reset a widget", "body": "To reset a widget, hold its button.", "audience": map[string]any{"level": "public"}}, 201)
	path := "/v1/admin/articles/" + article["id"].(string)
	c.call("PUT", path, staff, map[string]any{"title": "Reset a widget", "body": "To reset a widget, hold its red button.", "audience": map[string]any{"level": "public"}}, 200)
	c.call("POST", path+"/publish", staff, map[string]any{}, 200)
	_, err = a.indexer.Stale(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	c.call("GET", path, staff, nil, 200)
	c.call("GET", path+"/versions", staff, nil, 200)
	c.call("GET", "/v1/admin/articles", staff, nil, 200)
	c.call("GET", "/v1/kb/articles", "", nil, 200)
	c.call("GET", "/v1/kb/articles/reset-a-widget", "", nil, 200)
	c.call("GET", "/v1/kb/articles/nothing", "", nil, 404)
	found := c.call("GET", "/v1/kb/search?q=widget", "", nil, 200)
	require.NotEmpty(t, found["passages"])
	tested := c.call("POST", "/v1/admin/test-question", staff, map[string]any{"question": "How do I reset a widget?", "tenant_id": tenant.String(), "role": "member"}, 200)
	require.Equal(t, "send", tested["outcome"], "a new article answers at once: %v", tested)
	// A kept question guards what is published.
	asked := c.call("PUT", "/v1/admin/questions", staff, map[string]any{"question": "How do I reset a widget?", "role": "member", "expect": "answer", "contains": []string{"red button"}}, 200)
	// So does a customer who goes on talking; trying one keeps nothing.
	talks := map[string]any{
		"question": "How do I reset a widget?", "tenant_id": tenant.String(), "role": "member", "locale": "en", "expect": "talk",
		"customer": map[string]any{
			"name": "Resets it, then asks for a person", "replies": []any{map[string]any{"when": "says", "has": "red button", "say": "I want to talk to a person"}},
			"expect": map[string]any{"outcomes": []string{"answer", "person"}, "article": "reset-a-widget", "says": []string{"red button"}, "within": 2},
		},
	}
	tried := c.call("POST", "/v1/admin/questions/try", staff, talks, 200)
	require.Equal(t, true, tried["passed"], tried["why"])
	require.Len(t, tried["transcript"], 4)
	require.Equal(t, "escalate", tried["outcome"])
	require.Len(t, c.call("GET", "/v1/admin/questions", staff, nil, 200)["questions"], 1)
	customerKept := c.call("PUT", "/v1/admin/questions", staff, talks, 200)
	require.Equal(t, talks["customer"].(map[string]any)["name"], customerKept["customer"].(map[string]any)["name"])
	run := c.call("POST", "/v1/admin/questions/run", staff, map[string]any{"id": customerKept["id"]}, 200)
	require.EqualValues(t, 1, run["total"])
	require.EqualValues(t, 1, run["passed"])
	bothKept := c.call("GET", "/v1/admin/questions", staff, nil, 200)["questions"].([]any)
	require.Len(t, bothKept, 2)
	require.Equal(t, tried["transcript"], bothKept[1].(map[string]any)["transcript"], "the last run is shown")
	require.NotEmpty(t, bothKept[1].(map[string]any)["ran_at"])
	for what, part := range map[string]any{"expect": "answer", "tenant_id": nil, "role": "visitor", "locale": "it", "question": "  "} {
		bad := maps.Clone(talks)
		if bad[what] = part; part == nil {
			delete(bad, what)
		}
		require.Contains(t, []any{"bad_customer", "bad_question"}, c.call("PUT", "/v1/admin/questions", staff, bad, 400)["code"], what)
	}

	c.call("PUT", path, staff, map[string]any{"title": "Reset a widget", "body": "To reset a widget, shake it twice.", "audience": map[string]any{"level": "public"}}, 200)
	refused := c.call("POST", path+"/publish", staff, map[string]any{}, 409)
	require.Equal(t, "questions_would_fail", refused["code"])
	require.Equal(t, "How do I reset a widget?", refused["errors"].([]any)[0].(map[string]any)["field"])
	require.Equal(t, map[string]any{"field": "Resets it, then asks for a person", "detail": "No person was involved within 2 messages."}, refused["errors"].([]any)[1])
	require.Contains(t, c.call("GET", "/v1/kb/articles/reset-a-widget", "", nil, 200)["body"], "red button", "nothing was published")
	c.call("POST", path+"/publish", staff, map[string]any{"anyway": true}, 200)
	c.call("DELETE", "/v1/admin/questions/"+asked["id"].(string), staff, nil, 204)
	c.call("DELETE", "/v1/admin/questions/"+customerKept["id"].(string), staff, nil, 204)
	c.call("POST", "/v1/admin/synonyms", staff, map[string]any{"terms": []string{"widget", "gadget"}}, 200)
	c.call("GET", "/v1/admin/synonyms", staff, nil, 200)
	c.call("GET", "/v1/admin/gaps", staff, nil, 200)
	c.call("GET", "/v1/admin/sources", staff, nil, 200)
	c.call("GET", "/v1/kb/suggest?context=onboarding", customer, nil, 200)
	c.call("GET", "/v1/admin/taxonomy", staff, nil, 200)
	draft := c.call("POST", "/v1/admin/taxonomy/draft", staff, map[string]any{
		"kind": "put", "dimension": "intent", "examples": []string{"I want my money back"},
		"value": map[string]any{"dimension": "intent", "value": "refund", "description": "wants money back", "route": "escalate", "examples": []string{}},
	}, 200)
	require.Equal(t, "bad_step", c.call("POST", "/v1/admin/taxonomy/draft", staff, map[string]any{"kind": "rename", "dimension": "intent", "from": "nothing", "to": "something"}, 400)["code"])
	require.Len(t, draft["steps"], 1)
	require.Equal(t, draft, c.call("GET", "/v1/admin/taxonomy/draft", staff, nil, 200))
	c.call("GET", "/v1/admin/taxonomy/draft", customer, nil, 404)
	number := draft["steps"].([]any)[0].(map[string]any)["number"]
	require.Empty(t, c.call("DELETE", fmt.Sprintf("/v1/admin/taxonomy/draft?number=%.0f", number), staff, nil, 200)["steps"])
	require.Empty(t, c.call("DELETE", "/v1/admin/taxonomy/draft", staff, nil, 200)["steps"])
	c.call("GET", "/v1/admin/tenants", staff, nil, 200)
	c.call("GET", "/v1/metrics/summary?days=7", staff, nil, 200)
	c.call("GET", "/v1/metrics/outcomes?days=7", staff, nil, 200)
	require.Equal(t, map[string]any{"engine": "builtin"}, c.call("GET", "/v1/admin/models", staff, nil, 200))
	require.Equal(t, "no_model", c.call("POST", "/v1/admin/models/vectors", staff, nil, 400)["code"])
	require.Equal(t, "no_previous_model", c.call("PUT", "/v1/admin/models/vectors", staff, map[string]any{"act": "back"}, 409)["code"])
	require.Equal(t, "no_model", c.call("POST", "/v1/admin/replay", staff, map[string]any{"with": []string{"model"}}, 400)["code"])
	require.Equal(t, "field_missing", c.call("POST", "/v1/admin/replay", staff, map[string]any{}, 400)["code"])
	c.call("GET", "/v1/admin/health", staff, nil, 200)
	c.call("POST", "/v1/auth/logout", customer, nil, 204)
}
