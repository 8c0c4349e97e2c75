package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/attachment"
)

// From the signed contract to live and to erased, through the doors people use.
func TestAWorkspaceFromContractToErasure(t *testing.T) {
	const secret = "whsec_dGhpcnR5LXR3byBieXRlcyBvZiBzZWNyZXQgb2s="
	t.Setenv("USHER_HOOK_CONTRACT_SECRETS", secret)
	db := dbtest.New(t)
	a, err := build(t.Context(), config{Dir: t.TempDir(), AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	require.NoError(t, a.seedOnboardingRules(t.Context()))
	staffLink, err := a.identity.CreateStaffLink(t.Context(), db.Staff(t, "cleo@usher.test", "curator"), time.Hour, false)
	require.NoError(t, err)
	curator, _, err := a.identity.Exchange(t.Context(), staffLink)
	require.NoError(t, err)

	contract := []byte(`{"type": "contract.signed", "timestamp": "` + time.Now().UTC().Format(time.RFC3339) + `", "data": {"contract_id": "c-1", "company": {"name": "Initech", "time_zone": "Europe/Paris", "industry": "saas"},
		"contacts": [{"name": "Bill", "email": "bill@initech.test", "roles": ["admin"]}]}}`)
	header, err := signature.SignStandard("msg-1", time.Now(), contract, secret)
	require.NoError(t, err)
	response := send(a, http.MethodPost, "/v1/hooks/contract", "", string(contract), header)
	require.Equal(t, http.StatusOK, response.Code, response.Body)
	apply := func() { // what the job does
		rows, err := a.worker.Pool().Query(t.Context(), `select event_id from inbound_events where source = 'contract' and state = 'received'`)
		require.NoError(t, err)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for _, id := range ids {
			require.NoError(t, a.feeds.Apply(t.Context(), "contract", id))
		}
	}
	apply()
	tenants, err := a.tenants(t.Context())
	require.NoError(t, err)
	tenant := tenants["initech"]
	require.NotZero(t, tenant)
	path := "/v1/admin/tenants/" + tenant.String() + "/lifecycle"
	move := func(body string) *httptest.ResponseRecorder {
		return send(a, http.MethodPost, path, curator, body, nil)
	}

	var bill uuid.UUID
	system := func(fn func(tx pgx.Tx) error) { require.NoError(t, a.worker.WithSystem(t.Context(), "test", fn)) }
	system(func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `update users set state = 'active' where tenant_id = $1 returning id`, tenant).Scan(&bill)
	})
	link, err := a.identity.CreateLink(t.Context(), tenant, bill, time.Hour, false)
	require.NoError(t, err)
	customer, _, err := a.identity.Exchange(t.Context(), link)
	require.NoError(t, err)
	who := triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: bill, Roles: []string{"admin"}, Locale: "en"}

	refused := move(`{"to": "live"}`)
	require.Equal(t, http.StatusConflict, refused.Code, refused.Body)
	require.Contains(t, refused.Body.String(), "not_ready")
	look := send(a, http.MethodGet, path, curator, "", nil)
	require.Contains(t, look.Body.String(), `"state":"active"`)
	require.Contains(t, look.Body.String(), `"ok":false`)
	require.Equal(t, http.StatusNotFound, send(a, http.MethodGet, path, customer, "", nil).Code)
	before, err := newLive(a.app, nil).Suggestions(t.Context(), who)
	require.NoError(t, err)
	require.Contains(t, before, "When will we go live?")
	targets := func() (minutes map[string]int) {
		minutes = map[string]int{}
		system(func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `select priority || '/' || metric || '/' || always, target_minutes from sla_policies where tenant_id = $1`, tenant)
			if err != nil {
				return err
			}
			var key string
			var n int
			_, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error { minutes[key] = n; return nil })
			return err
		})
		return minutes
	}
	onboardingTargets := targets()

	// The work: staff's part by their page's way, the customer's by theirs.
	record := "/v1/admin/tenants/" + tenant.String() + "/onboarding"
	type item struct {
		Entity, ID, Version string
		Fields              map[string]any
	}
	items := func(body []byte) (list []item) {
		var read struct{ Items []item }
		require.NoError(t, json.Unmarshal(body, &read))
		return read.Items
	}
	byStaff := func(i item, set string) {
		done := send(a, http.MethodPatch, record+"/"+i.Entity+"/"+i.ID, curator, `{"version": "`+i.Version+`", "set": `+set+`}`, nil)
		require.Equal(t, http.StatusOK, done.Code, done.Body)
	}
	ticked, again := 0, true
	for again {
		again = false
		for _, i := range items(send(a, http.MethodGet, record, curator, "", nil).Body.Bytes()) {
			switch {
			case i.Entity != "task" || i.Fields["state"] != "ready":
			case i.Fields["responsibility"] == "customer":
				done := send(a, http.MethodPut, "/v1/onboarding/tasks/"+i.ID, customer, `{"done": true}`, nil)
				require.Equal(t, http.StatusOK, done.Code, done.Body)
				require.Contains(t, done.Body.String(), `"done_by":"Bill"`)
				ticked, again = ticked+1, true
			default:
				byStaff(i, `{"state": "done"}`)
				again = true
			}
		}
	}
	require.Positive(t, ticked)
	for _, i := range items(send(a, http.MethodGet, record, curator, "", nil).Body.Bytes()) {
		switch i.Entity {
		case "document":
			byStaff(i, `{"state": "waived"}`)
		case "environment":
			byStaff(i, `{"state": "ready", "keys_state": "ready"}`)
		}
	}
	live := move(`{"to": "live"}`)
	require.Equal(t, http.StatusOK, live.Code, live.Body)
	require.Contains(t, live.Body.String(), `"state":"live"`)
	require.NotEqual(t, onboardingTargets, targets(), "the promises of operation, not of onboarding")
	after, err := newLive(a.app, nil).Suggestions(t.Context(), who)
	require.NoError(t, err)
	require.NotContains(t, after, "When will we go live?")
	require.Contains(t, after, "What's the status of my ticket?")
	reply, err := a.status.Resolve(t.Context(), assistant.StatusRequest{Asker: who, Asked: []assistant.Asked{{Intent: "onboarding.go_live_date", Text: "When will we go live?"}}, Language: "en"})
	require.NoError(t, err)
	require.Contains(t, reply.Text, "live since")

	var request uuid.UUID // asked for anew
	for _, i := range items(send(a, http.MethodGet, record, curator, "", nil).Body.Bytes()) {
		if i.Entity == "document" && i.Fields["department"] == "" {
			byStaff(i, `{"state": "requested"}`)
			request = uuid.MustParse(i.ID)
			break
		}
	}
	_, err = a.documents.customers.Upload(t.Context(), onboarding.Asker{TenantID: tenant, UserID: bill, Roles: []string{"admin"}, Departments: []string{"finance", "legal", "operations", "technical"}}, request, "plan.txt", strings.NewReader("a plan of Initech"))
	require.NoError(t, err)
	_, err = a.documents.sent.Upload(t.Context(), attachment.Incoming{Tenant: tenant, By: who, Source: attachment.FromPortal, Name: "log.txt", Body: strings.NewReader("a log of Initech")})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, move(`{"to": "suspended"}`).Code)
	require.Equal(t, http.StatusUnauthorized, send(a, http.MethodGet, "/v1/onboarding", customer, "", nil).Code, "a suspended workspace is closed")
	require.Equal(t, http.StatusOK, move(`{"to": "live"}`).Code, "and opens again without new checks")
	require.Equal(t, http.StatusBadRequest, move(`{"to": "erased"}`).Code, "erasing is no click")
	_, err = a.erase(t.Context(), tenant)
	require.ErrorIs(t, err, lifecycle.ErrTransition, "nor possible while people work there")
	require.Equal(t, http.StatusOK, move(`{"to": "offboarding"}`).Code)
	gone, err := a.erase(t.Context(), tenant)
	require.NoError(t, err)
	require.Len(t, gone.Blobs, 2)
	require.Equal(t, http.StatusUnauthorized, send(a, http.MethodGet, "/v1/me", customer, "", nil).Code)
	_, err = a.identity.Authenticate(t.Context(), customer)
	require.ErrorIs(t, err, identity.ErrUnauthenticated)

	var raw []byte
	require.NoError(t, a.worker.Pool().QueryRow(t.Context(), `select args from river_job where kind = 'forget_documents'`).Scan(&raw))
	var job document.ForgetArgs
	require.NoError(t, json.Unmarshal(raw, &job))
	require.Len(t, job.Keys, 2)
	for range 2 { // a job runs at least once
		require.NoError(t, a.documents.staff.Forget(t.Context(), job.Keys))
	}
	left := 0
	require.NoError(t, fs.WalkDir(os.DirFS(filepath.Join(a.config.Dir, "documents")), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			left++
		}
		return err
	}))
	require.Zero(t, left, "no file of the customer is left")
	var audit []string
	system(func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select action from audit_events where tenant_id = $1 and action not like 'session.%' and action not like 'onboarding.%' order by id`, tenant)
		if err != nil {
			return err
		}
		audit, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	require.Equal(t, []string{"workspace.live", "workspace.suspended", "workspace.live", "workspace.offboarding", "workspace.erased"}, audit)

	header, err = signature.SignStandard("msg-2", time.Now(), contract, secret)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, send(a, http.MethodPost, "/v1/hooks/contract", "", string(contract), header).Code)
	apply()
	tenants, err = a.tenants(t.Context())
	require.NoError(t, err)
	require.Len(t, tenants, 1, "the contract told again opens nothing")
}

func send(a *application, method, path, token, body string, header http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, bytes.NewReader([]byte(body)))
	request.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		request.Header[name] = values
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	recorder := httptest.NewRecorder()
	a.handler.ServeHTTP(recorder, request)
	return recorder
}
