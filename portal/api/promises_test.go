package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/sla"
)

func TestPromisesAreAgreedWithOneTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.desk.Clocks = sla.New(nil)
	at := func(tenant uuid.UUID) string { return "/v1/admin/tenants/" + tenant.String() + "/promises" }
	type shown struct {
		Agreed struct {
			Hours   map[string]any   `json:"hours"`
			Targets []map[string]any `json:"targets"`
		} `json:"agreed"`
		Default struct {
			Targets []map[string]any `json:"targets"`
		} `json:"default"`
	}
	read := func(tenant uuid.UUID) (s shown) {
		response, body := b.do(t, http.MethodGet, at(tenant), cleo, "")
		require.Equal(t, http.StatusOK, response.StatusCode, body)
		require.NoError(t, json.Unmarshal([]byte(body), &s))
		require.Len(t, s.Default.Targets, 12)
		return s
	}
	require.Empty(t, read(b.acme).Agreed.Targets)
	agreed := `{"targets": [{"priority": "high", "metric": "first_reply", "minutes": 45, "always": true}],
		"hours": {"time_zone": "Europe/Berlin", "days": {"mon": [["08:00", "12:00"], ["13:00", "18:00"]]}, "holidays": ["2026-12-25"]}}`
	response, body := b.do(t, http.MethodPut, at(b.acme), cleo, agreed, "application/json")
	require.Equal(t, http.StatusNoContent, response.StatusCode, body)
	got := read(b.acme).Agreed
	require.Equal(t, []map[string]any{{"priority": "high", "metric": "first_reply", "minutes": 45.0, "always": true}}, got.Targets)
	require.Equal(t, map[string]any{
		"time_zone": "Europe/Berlin", "days": map[string]any{"mon": []any{[]any{"08:00", "12:00"}, []any{"13:00", "18:00"}}}, "holidays": []any{"2026-12-25"},
	}, got.Hours)
	require.Empty(t, read(b.other).Agreed.Targets, "nobody else's")
	require.Contains(t, b.audited(t, b.acme), "staff promises.set ")

	for body, code := range map[string]string{
		`{"targets": [], "hours": {"time_zone": "Moon/Base", "days": {"mon": [["08:00", "12:00"]]}, "holidays": []}}`: "bad_calendar",
		`{"targets": [], "hours": {"time_zone": "UTC", "days": {}, "holidays": []}}`:                                  "bad_calendar",
		`{"targets": [], "hours": {"time_zone": "UTC", "days": {"mon": [["12:00", "08:00"]]}, "holidays": []}}`:       "bad_calendar",
	} {
		response, text := b.do(t, http.MethodPut, at(b.acme), cleo, body, "application/json")
		require.Equal(t, http.StatusBadRequest, response.StatusCode, text)
		require.Contains(t, text, code)
	}
	require.Equal(t, got, read(b.acme).Agreed, "what cannot be used changes nothing")
	response, _ = b.do(t, http.MethodGet, at(uuid.New()), cleo, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	response, _ = b.do(t, http.MethodPut, at(uuid.New()), cleo, agreed, "application/json")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	response, body = b.do(t, http.MethodPut, at(b.acme), cleo, `{"targets": []}`, "application/json")
	require.Equal(t, http.StatusNoContent, response.StatusCode, body)
	require.Empty(t, read(b.acme).Agreed.Targets, "the default again")
}
