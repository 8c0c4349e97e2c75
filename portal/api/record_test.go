package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// item is a record as staff read it.
type item struct {
	Entity, ID, Version string
	Fields, Held        map[string]any
	DoneBy              string `json:"done_by"`
}

func (b *bundle) items(t *testing.T) map[string]item {
	t.Helper()
	response, body := b.do(t, http.MethodGet, "/v1/admin/tenants/"+b.acme.String()+"/onboarding", cleo, "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	var read struct{ Items []item }
	require.NoError(t, json.Unmarshal([]byte(body), &read))
	out := map[string]item{}
	for _, i := range read.Items {
		for _, name := range []string{"title", "name", "connector", "provider", "kind"} {
			if called, ok := i.Fields[name].(string); ok {
				out[called] = i
				break
			}
		}
	}
	return out
}

func TestStaffAndCustomersChangeTheRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.things(t)
	base := "/v1/admin/tenants/" + b.acme.String() + "/onboarding"
	add := func(entity, set string, want int) string {
		response, body := b.do(t, http.MethodPost, base+"/"+entity, cleo, `{"set":`+set+`}`)
		require.Equal(t, want, response.StatusCode, body)
		return body
	}
	add("milestone", `{"name":"Ready"}`, 200)
	milestone := b.items(t)["Ready"].ID
	add("task", `{"title":"Book a room","responsibility":"customer","milestone_id":"`+milestone+`","note":"For twelve","due":"2026-12-01"}`, 200)
	room := b.items(t)["Book a room"]
	add("task", `{"title":"Train the team","responsibility":"provider","milestone_id":"`+milestone+`","needs":["`+room.ID+`"]}`, 200)
	require.Equal(t, "not_ready", b.items(t)["Train the team"].Fields["state"])
	require.Contains(t, add("task", `{"title":"","responsibility":"customer"}`, 400), "Title must not be empty.")
	require.Contains(t, add("verification", `{"kind":"kyb","provider":"onfido","provider_ref":"run-7","customer_state":"verified"}`, 409), "kept by another system (onfido, sumsub, stripe)")
	add("verification", `{"kind":"kyb","provider":"onfido","provider_ref":"run-7"}`, 200)
	add("project", `{"name":"Another"}`, 404)
	add("envelope", `{"title":"DPA"}`, 400)

	tick := func(who, id, done string) (int, string) {
		response, body := b.do(t, http.MethodPut, "/v1/onboarding/tasks/"+id, who, `{"done":`+done+`}`)
		return response.StatusCode, body
	}
	status, body := tick(bruno, room.ID, "true")
	require.Equal(t, 200, status, body)
	require.Contains(t, body, `"done_by"`)
	require.Equal(t, "ready", b.items(t)["Train the team"].Fields["state"])
	require.NotEmpty(t, b.items(t)["Book a room"].DoneBy)
	status, body = tick(bruno, b.items(t)["Train the team"].ID, "true")
	require.Equal(t, 409, status, body)
	require.Contains(t, body, "not_tickable")

	change := func(entity, id, version, set string) (int, string) {
		response, body := b.do(t, http.MethodPatch, base+"/"+entity+"/"+id, cleo, `{"version":"`+version+`","set":`+set+`}`)
		return response.StatusCode, body
	}
	status, body = change("task", room.ID, room.Version, `{"note":"For ten"}`)
	require.Equal(t, 409, status, "Bruno was faster: %s", body)
	require.Contains(t, body, "edited_by_someone_else")
	status, body = change("task", room.ID, b.items(t)["Book a room"].Version, `{"state":"in_progress","due":null}`)
	require.Equal(t, 200, status, body)
	require.Nil(t, b.items(t)["Book a room"].Fields["due"])
	require.Equal(t, "not_ready", b.items(t)["Train the team"].Fields["state"])
	project := b.items(t)["Launch"]
	status, body = change("project", project.ID, project.Version, `{"state":"on_hold","hold_reason":"You are moving offices.","owner_away_until":"2026-12-10"}`)
	require.Equal(t, 200, status, body)
	_, seen := b.do(t, http.MethodGet, "/v1/onboarding", bruno, "")
	require.Contains(t, seen, `"hold_reason":"You are moving offices."`)

	response, all := b.do(t, http.MethodGet, "/v1/admin/onboardings", cleo, "")
	require.Equal(t, 200, response.StatusCode, all)
	require.Contains(t, all, `"state":"on_hold"`)
	require.NotContains(t, all, `"more"`)
	response, all = b.do(t, http.MethodGet, "/v1/admin/onboardings?after="+b.acme.String(), cleo, "")
	require.Equal(t, 200, response.StatusCode, all)
	require.Contains(t, all, `"onboardings":[]`)

	// A provider's check is one customer's only.
	check := func() (int, string) {
		response, body := b.do(t, http.MethodPost, "/v1/admin/tenants/"+b.other.String()+"/onboarding/verification", cleo, `{"set":{"kind":"kyb","provider":"onfido","provider_ref":"run-7"}}`)
		return response.StatusCode, body
	}
	status, body = check()
	require.Equal(t, 404, status, "without a project there is nothing to add to: %s", body)
	b.exec(t, `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'Launch', '2026-01-01')`, b.other, uuid.New())
	status, body = check()
	require.Equal(t, 400, status, body)
	require.Contains(t, body, "provider_ref")
	require.Contains(t, body, "is another customer's")
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), sql, args...)
		return err
	}))
}

// The list of all customers and a customer's own page say the same of them: also
// where all that waits is a document.
func TestTheListSaysOfACustomerWhatTheirPageSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	project := uuid.New()
	b.exec(t, `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'Launch', '2026-01-01')`, b.other, project)
	b.exec(t, `insert into document_requests (tenant_id, id, project_id, title, state) values ($1, $2, $3, 'Bank letter', 'requested')`, b.other, uuid.New(), project)
	b.exec(t, `update users set last_login_at = null where tenant_id = $1`, b.other)
	var list struct{ Onboardings []map[string]any }
	response, body := b.do(t, http.MethodGet, "/v1/admin/onboardings", cleo, "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.Len(t, list.Onboardings, 1)
	var page struct{ Standing map[string]any }
	response, body = b.do(t, http.MethodGet, "/v1/admin/tenants/"+b.other.String()+"/onboarding", cleo, "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.NoError(t, json.Unmarshal([]byte(body), &page))
	require.Equal(t, page.Standing, list.Onboardings[0])
	require.Equal(t, []any{1.0, "customer", true}, []any{page.Standing["waiting"], page.Standing["turn"], page.Standing["stalled"]})
}
