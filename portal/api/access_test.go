package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/api"
)

// beside are the routes that are not of the contract, each public by nature.
var beside = map[string]string{
	"GET /openapi.json": "the contract itself",
	"GET /s/:token":     "the link is the credential",
	"POST /s/:token":    "the link is the credential",
	"POST /saml/acs":    "posts what a provider answered once more; reads no credential",
	"POST /saml/finish": "the answer and the attempt are the credential",
}

func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

func TestEveryRouteDeclaresItsAccess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	declared := api.Declared()
	expected := map[string]bool{}
	for _, o := range contract(t) {
		name := strings.ToUpper(o.id[:1]) + o.id[1:]
		require.Contains(t, declared, name, "declare who may call it in access.go")
		expected[o.method+" "+ginPath(o.path)] = true
	}
	require.Len(t, declared, len(expected), "an operation is declared that the contract does not have")
	found := 0
	for _, route := range b.handler.(*gin.Engine).Routes() {
		key := route.Method + " " + route.Path
		if beside[key] == "" {
			require.True(t, expected[key], "%s is neither an operation of the contract nor declared beside it", key)
			found++
		}
	}
	require.Equal(t, len(expected), found, "an operation of the contract has no route")
}

// mayCall is the rule of the surfaces, stated apart from the code: by path.
func mayCall(o operation, who string) bool {
	staff := who == sam || who == cleo
	switch {
	case o.public:
		return true
	case who == nobody || who == invalid:
		return false
	case o.path == "/v1/me" || o.path == "/v1/auth/logout" || o.path == "/v1/auth/code":
		return who != shop
	case strings.HasPrefix(o.path, "/v1/agent/"):
		return staff
	case strings.HasPrefix(o.path, "/v1/admin/"), strings.HasPrefix(o.path, "/v1/metrics/"):
		return who == cleo
	case staff:
		return false
	case strings.HasPrefix(o.path, "/v1/exports/"):
		return who == ana || who == maria
	case who == shop:
		switch o.id {
		case "getConversation", "listMessages", "postMessage", "streamConversation", "listTickets", "fileTicket", "getTicket":
			return true
		}
		return false
	}
	return true
}

func TestEachSurfaceExistsForItsPeopleOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	missing := unknownRoute(t, b)
	checked := 0
	for _, o := range contract(t) {
		for _, who := range []string{nobody, invalid, ana, bruno, maria, shop, sam, cleo} {
			if o.id == "logout" && mayCall(o, who) {
				continue // it would end the session the rest of the test needs
			}
			if o.stream() && mayCall(o, who) && !strings.Contains(o.path, "{") {
				continue // it would never end; TestStreams opens it
			}
			body, kind := o.body()
			path := o.fill(func(string) string { return uuid.NewString() })
			if strings.Contains(o.path, "{number}") {
				path = "/v1/tickets/7"
			}
			if strings.Contains(o.path, "{act}") {
				path = strings.ReplaceAll(o.path, "{act}", "discard")
				path = strings.NewReplacer("{id}", uuid.NewString(), "{tenant}", uuid.NewString()).Replace(path)
			}
			response, text := b.do(t, o.method, path, who, body, kind)
			name := o.method + " " + path + " as " + who
			checked++
			switch {
			case mayCall(o, who):
				require.NotEqual(t, http.StatusUnauthorized, response.StatusCode, name)
				require.Less(t, response.StatusCode, 500, "%s: %s", name, text)
			case who == nobody || who == invalid:
				require.Equal(t, http.StatusUnauthorized, response.StatusCode, name)
				require.Equal(t, "not_signed_in", problemIn(t, response, text).Code)
			default:
				require.Equal(t, http.StatusNotFound, response.StatusCode, name)
				require.Equal(t, missing, same(t, response, text), name)
			}
		}
	}
	require.Greater(t, checked, 400)
}

// unknownRoute is the answer for a route that does not exist.
func unknownRoute(t *testing.T, b *bundle) any {
	t.Helper()
	response, text := b.do(t, http.MethodGet, "/v1/nothing-like-this", ana, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	return same(t, response, text)
}

// Reading a request comes before asking who may call: what cannot be read must not
// tell a surface's existence to those it is not for.
func TestWhatCannotBeReadTellsNobodyOfASurface(t *testing.T) {
	t.Parallel()
	b := setup(t)
	missing := unknownRoute(t, b)
	checked := 0
	for _, o := range contract(t) {
		if !strings.HasPrefix(o.path, "/v1/admin/") && !strings.HasPrefix(o.path, "/v1/agent/") {
			continue
		}
		path, body := o.fill(func(string) string { return "not-an-id" }), ""
		if _, kind := o.body(); kind != "" {
			body = `{"half`
		}
		for _, who := range []string{nobody, ana, shop} {
			response, text := b.do(t, o.method, path, who, body, "application/json")
			name := o.method + " " + path + " as " + who
			checked++
			if who == nobody {
				require.Equal(t, http.StatusUnauthorized, response.StatusCode, name)
				continue
			}
			require.Equal(t, http.StatusNotFound, response.StatusCode, "%s: %s", name, text)
			require.Equal(t, missing, same(t, response, text), name)
		}
	}
	require.Greater(t, checked, 200)
}
