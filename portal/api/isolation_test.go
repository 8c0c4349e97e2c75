package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// path names one of the tenant's things in an operation's path; false where the
// operation names none.
func (o operation) named(x things, tenant uuid.UUID) (string, bool) {
	id := map[string]uuid.UUID{
		"/v1/conversations/": x.conversation, "/v1/messages/": x.message, "/v1/documents/": x.document, "/v1/document-versions/": x.version,
		"/v1/attachments/": x.file, "/v1/agent/attachments/": x.file, "/v1/onboarding/tasks/": x.task,
		"/v1/agent/tickets/": x.ticket, "/v1/agent/documents/": x.version, "/v1/agent/deliveries/": uuid.New(),
	}
	var known uuid.UUID
	for prefix, value := range id {
		if strings.HasPrefix(o.path, prefix) {
			known = value
		}
	}
	if o.path == "/v1/messages/{id}" {
		known = x.asked // people change what they wrote themselves
	}
	number := strings.Contains(o.path, "{number}")
	if known == uuid.Nil && !number {
		return "", false
	}
	return o.fill(func(name string) string {
		switch name {
		case "number":
			return strconv.FormatInt(x.number, 10)
		case "tenant":
			return tenant.String()
		case "act":
			return "discard"
		}
		return known.String()
	}), true
}

// Generated from the contract, so that a new route is covered by itself: what
// belongs to another tenant looks exactly like what does not exist.
func TestAnotherTenantsIDIsLikeARandomOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	checked := 0
	for _, o := range contract(t) {
		if strings.HasPrefix(o.path, "/v1/agent/") || strings.HasPrefix(o.path, "/v1/admin/") {
			continue // staff work for every tenant
		}
		path, ok := o.named(x, b.acme)
		if !ok {
			continue
		}
		random, _ := o.named(things{uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), 999_999}, b.acme)
		body, kind := o.body()
		for _, who := range []string{olga, till} {
			if who == till && !mayCall(o, shop) {
				continue
			}
			theirs, theirBody := b.do(t, o.method, path, who, body, kind)
			none, noBody := b.do(t, o.method, random, who, body, kind)
			name := o.method + " " + o.path + " as " + who
			require.Equal(t, http.StatusNotFound, theirs.StatusCode, name)
			require.Equal(t, same(t, none, noBody), same(t, theirs, theirBody), name)
			require.ElementsMatch(t, headers(none), headers(theirs), name)
		}
		if !o.stream() { // the id is a real one: its owner reaches something
			own, ownBody := b.do(t, o.method, path, ana, body, kind)
			require.NotEqual(t, http.StatusNotFound, own.StatusCode, "%s: %s", o.path, ownBody)
		}
		checked++
	}
	require.GreaterOrEqual(t, checked, 14)
}

func headers(r *http.Response) (names []string) {
	for name := range r.Header {
		names = append(names, name)
	}
	return names
}

func TestAColleaguesConversationIsLikeARandomOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	for _, path := range []string{"/v1/conversations/" + x.conversation.String(), "/v1/tickets/" + strconv.FormatInt(x.number, 10)} {
		response, body := b.do(t, http.MethodGet, path, bruno, "")
		require.Equal(t, http.StatusNotFound, response.StatusCode, path)
		require.Equal(t, unknownRoute(t, b), same(t, response, body))
		response, _ = b.do(t, http.MethodGet, path, maria, "")
		require.Equal(t, http.StatusOK, response.StatusCode, "managers share tickets")
	}
}

// The agent's routes name a tenant and an id; both must belong together.
func TestStaffsIDsMustBelongToTheTenantTheyName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	for _, o := range contract(t) {
		if !strings.HasPrefix(o.path, "/v1/agent/tickets/") && !strings.HasPrefix(o.path, "/v1/agent/documents/") && !strings.HasPrefix(o.path, "/v1/agent/attachments/") {
			continue
		}
		path, ok := o.named(x, b.other)
		if !ok {
			continue
		}
		body, kind := o.body()
		if o.id == "reviewDocument" {
			body = `{"accept":true}`
		}
		response, text := b.do(t, o.method, path, sam, body, kind)
		require.Equal(t, http.StatusNotFound, response.StatusCode, "%s: %s", path, text)
	}
}

// The tenant comes from the credential, whatever else a request says.
func TestTheTenantComesFromTheCredential(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.things(t)
	for _, path := range []string{
		"/v1/conversations", "/v1/conversations?tenant=" + b.acme.String(), "/v1/tickets?tenant_id=" + b.acme.String(), "/v1/documents?tenant=" + b.acme.String(),
		"/v1/exports/tickets?format=json&tenant=" + b.acme.String(),
	} {
		request := httptest.NewRequest(http.MethodGet, path, nil)
		request.Header.Set("Authorization", "Bearer "+b.tokens[olga])
		for _, header := range []string{"X-Tenant-Id", "X-Tenant", "X-Usher-Tenant", "X-Forwarded-Tenant"} {
			request.Header.Set(header, b.acme.String())
		}
		response, body := b.serve(t, request)
		require.Equal(t, http.StatusOK, response.StatusCode, body)
		require.NotContains(t, body, "thing", path)
		require.NotContains(t, body, "Proof", path)
	}
	// Nor do fields of the body that nobody declared.
	response, body := b.do(t, http.MethodPost, "/v1/conversations", olga, `{"text":"hello","tenant_id":"`+b.acme.String()+`","user_id":"`+b.ana.ID.String()+`","state":"closed","channel":"email"}`)
	require.Equal(t, http.StatusCreated, response.StatusCode, body)
	var started struct {
		Conversation struct{ ID, State, Channel string }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &started))
	require.Equal(t, "chat", started.Conversation.Channel)
	require.Equal(t, "open", started.Conversation.State)
	response, _ = b.do(t, http.MethodGet, "/v1/conversations/"+started.Conversation.ID, ana, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}
