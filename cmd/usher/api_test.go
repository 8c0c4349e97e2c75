package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/identity"
)

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Bad input gets a clear problem with a request id, and no cause.
func TestBadInput(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	small(t, db)
	tenant := db.Tenant(t, "acme")
	service := identity.New(db.App, db.Worker, identity.Config{})
	key, err := service.CreateKey(t.Context(), tenant, "test", []string{identity.ScopeTickets})
	require.NoError(t, err)
	link, err := service.CreateLink(t.Context(), tenant, db.User(t, tenant, "ana@acme.test"), 3600e9, false)
	require.NoError(t, err)
	customer, _, err := service.Exchange(t.Context(), link)
	require.NoError(t, err)
	staffLink, err := service.CreateStaffLink(t.Context(), db.Staff(t, "sam@usher.test", "agent"), 3600e9, false)
	require.NoError(t, err)
	agent, _, err := service.Exchange(t.Context(), staffLink)
	require.NoError(t, err)
	p := start(t, db, fmt.Sprintf("127.0.0.1:%d", freePort(t)), "api")
	for _, c := range []struct {
		name, method, path, token, body string
		status                          int
		code                            string
	}{
		{"unknown route", "GET", "/v1/nothing", key, "", 404, "not_found"},
		{"wrong method", "DELETE", "/v1/tickets", key, "", 405, "method_not_allowed"},
		{"malformed JSON", "POST", "/v1/tickets", key, `{"subject":`, 400, "malformed_json"},
		{"wrong type", "POST", "/v1/tickets", key, `{"subject":5}`, 400, "wrong_type"},
		{"empty ticket", "POST", "/v1/tickets", key, `{"subject":" "}`, 400, "empty_message"},
		{"long message", "POST", "/v1/tickets", key, `{"subject":"x","text":"` + strings.Repeat("a", 70_000) + `"}`, 413, "message_too_long"},
		{"1 MB message", "POST", "/v1/tickets", key, `{"subject":"x","text":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "body_too_large"},
		{"no credential", "GET", "/v1/tickets", "", "", 401, "not_signed_in"},
		{"bad credential", "GET", "/v1/tickets", "key_00000000000000000000000000000001_x", "", 401, "not_signed_in"},
		{"missing conversation", "GET", "/v1/conversations/0190a000-0000-7000-8000-000000000000", customer, "", 404, "not_found"},
		{"not an id", "GET", "/v1/conversations/abc", customer, "", 400, "invalid_request"},
		{"customer on an agent's route", "GET", "/v1/agent/queue", customer, "", 404, "not_found"},
		{"customer on a curator's route", "GET", "/v1/admin/articles", customer, "", 404, "not_found"},
		{"agent on a curator's route", "GET", "/v1/admin/articles", agent, "", 404, "not_found"},
		{"agent on a customer's route", "GET", "/v1/conversations", agent, "", 404, "not_found"},
		{"key on a customer's route", "GET", "/v1/onboarding", key, "", 404, "not_found"},
		{"used sign-in link", "POST", "/v1/auth/link", "", `{"token":"` + link + `"}`, 410, "link_expired"},
		{"garbage sign-in link", "POST", "/v1/auth/link", "", `{"token":"garbage"}`, 410, "link_expired"},
		{"unknown requester", "POST", "/v1/tickets", key, `{"subject":"x","requester_email":"who@else.test"}`, 422, "requester_unknown"},
		{"unknown webhook", "POST", "/v1/hooks/nobody", "", `{}`, 404, "not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, p.base+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			request.Header.Set("Content-Type", "application/json")
			if c.token != "" {
				request.Header.Set("Authorization", "Bearer "+c.token)
			}
			got := problemOf(t, request)
			require.Equal(t, c.status, got.status, got.body)
			require.Equal(t, c.code, got.Code, got.body)
			require.NotEmpty(t, got.RequestID)
			require.NotEmpty(t, got.Detail)
			for _, leak := range []string{"SQLSTATE", "pgx", "goroutine", ".go:"} {
				require.NotContains(t, got.body, leak)
			}
		})
	}
	t.Run("cross-site write with a cookie", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/v1/conversations", strings.NewReader(`{}`))
		require.NoError(t, err)
		request.Header.Set("Cookie", "usher="+customer)
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		require.Equal(t, http.StatusForbidden, problemOf(t, request).status)
	})
	t.Run("expired link's page", func(t *testing.T) {
		response, err := http.Post(p.base+"/s/"+link, "application/x-www-form-urlencoded", nil)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, http.StatusGone, response.StatusCode)
	})
}
