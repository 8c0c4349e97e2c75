package feeds_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/feeds"
	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

var (
	now    = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of thirty-two bytes, ok"))
)

type bundle struct {
	db      *dbtest.Database
	inbound *feeds.Inbound
	router  http.Handler
	tenant  uuid.UUID
	sources *source.Reader
	host    string // requests come to; empty: any
}

func setup(t *testing.T) *bundle {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	b := &bundle{db: dbtest.New(t)}
	b.tenant = b.db.Tenant(t, "acme")
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	secrets := map[string][]string{}
	for _, source := range feeds.Sources() {
		secrets[source] = []string{"an old secret", secret}
	}
	b.sources = source.NewReader(b.db.Worker, nil)
	t.Cleanup(b.sources.Stop)
	b.inbound, err = feeds.New(feeds.Config{DB: b.db.Worker, Jobs: jobs, Feed: &feed.Feed{Rules: &rule.Engine{}}, Sources: b.sources, PublicURL: "https://usher.example/", Secrets: secrets, Now: func() time.Time { return now }})
	require.NoError(t, err)
	router := gin.New()
	b.inbound.Mount(router)
	b.router = router
	b.do(t, func(tx pgx.Tx) error {
		if err := lifecycle.Seed(t.Context(), tx); err != nil {
			return err
		}
		if err := rule.Seed(t.Context(), tx); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'P', '2026-10-01')`, b.tenant, uuid.New())
		return err
	})
	return b
}

func (b *bundle) do(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", fn))
}

func sum(body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

// post signs as the source does and sends.
func (b *bundle) post(t *testing.T, source, id string, body []byte) int {
	t.Helper()
	target, header := "/v1/hooks/"+source, http.Header{}
	switch source {
	case "docusign":
		header.Set("X-DocuSign-Signature-1", base64.StdEncoding.EncodeToString(sum(body)))
	case "pandadoc":
		target += "?signature=" + hex.EncodeToString(sum(body))
	case "onfido":
		header.Set("X-SHA2-Signature", hex.EncodeToString(sum(body)))
	case "sumsub":
		header.Set("X-Payload-Digest-Alg", "HMAC_SHA256_HEX")
		header.Set("X-Payload-Digest", hex.EncodeToString(sum(body)))
	case "stripe":
		stamp := fmt.Sprint(now.Unix())
		header.Set("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(sum([]byte(stamp+"."+string(body)))))
	default:
		var err error
		header, err = signature.SignStandard(id, now, body, secret)
		require.NoError(t, err)
	}
	return b.send(target, header, body)
}

func (b *bundle) send(target string, header http.Header, body []byte) int {
	request := httptest.NewRequest(http.MethodPost, target, bytes.NewReader(body))
	if b.host != "" {
		request.Host = b.host
	}
	for name, values := range header {
		request.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	b.router.ServeHTTP(recorder, request)
	return recorder.Code
}

// work applies everything stored and returns the states by source.
func (b *bundle) work(t *testing.T) map[string]string {
	t.Helper()
	rows, err := b.db.Worker.Pool().Query(t.Context(), `select source, event_id from inbound_events where state = 'received' order by received_at`)
	require.NoError(t, err)
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Source, ID string }])
	require.NoError(t, err)
	for _, k := range keys {
		require.NoError(t, b.inbound.Apply(t.Context(), k.Source, k.ID))
	}
	out := map[string]string{}
	rows, err = b.db.Worker.Pool().Query(t.Context(), `select source || '/' || state, count(*)::text || case when bool_or(payload <> '') then ' kept' else '' end from inbound_events group by 1`)
	require.NoError(t, err)
	var key, count string
	_, err = pgx.ForEachRow(rows, []any{&key, &count}, func() error { out[key] = count; return nil })
	require.NoError(t, err)
	return out
}

func (b *bundle) record(t *testing.T, tenant uuid.UUID) (r onboarding.Record) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) (err error) {
		r, err = onboarding.Load(t.Context(), tx, tenant)
		return err
	}))
	return r
}

const signedContract = `{"type": "contract.signed", "timestamp": "2026-11-23T09:59:00Z", "data": {"contract_id": "c-1",
	"company": {"name": "Initech", "time_zone": "Europe/Paris", "industry": "fintech"}, "contacts": [{"email": "bill@initech.test", "roles": ["admin"]}]}}`

func TestAContractDeliveredFiveTimesInParallelMakesOneWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	codes := make([]int, 5)
	for i := range codes { // the same contract under one id, and under others
		wg.Go(func() { codes[i] = b.post(t, "contract", fmt.Sprintf("msg-%d", i%3), []byte(signedContract)) })
	}
	wg.Wait()
	require.Equal(t, []int{200, 200, 200, 200, 200}, codes)
	require.Equal(t, map[string]string{"contract/done": "3"}, b.work(t))
	var tenants int
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "count", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from tenants where name = 'Initech' and lifecycle_state = 'active'`).Scan(&tenants)
	}))
	require.Equal(t, 1, tenants)
}

func TestWhatIsNotSignedFreshOrReadableIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := []byte(signedContract)
	signed := func(at time.Time, id string, body []byte) http.Header {
		h, err := signature.SignStandard(id, at, body, secret)
		require.NoError(t, err)
		return h
	}
	for name, c := range map[string]struct {
		target string
		header http.Header
		body   []byte
		want   int
	}{
		"no signature":           {"/v1/hooks/contract", nil, body, 401},
		"another body":           {"/v1/hooks/contract", signed(now, "x", []byte(`{}`)), body, 401},
		"an hour old":            {"/v1/hooks/contract", signed(now.Add(-time.Hour), "x", body), body, 401},
		"from the future":        {"/v1/hooks/contract", signed(now.Add(time.Hour), "x", body), body, 401},
		"ten megabytes":          {"/v1/hooks/contract", nil, bytes.Repeat([]byte("x"), 10<<20), 413},
		"signed, but no JSON":    {"/v1/hooks/contract", signed(now, "x", []byte(`<xml>`)), []byte(`<xml>`), 400},
		"signed, but bad UTF-8":  {"/v1/hooks/contract", signed(now, "x", []byte("{\"a\": \"\xff\"}")), []byte("{\"a\": \"\xff\"}"), 400},
		"a source nobody set up": {"/v1/hooks/nobody", nil, body, 404},
	} {
		require.Equal(t, c.want, b.send(c.target, c.header, c.body), name)
	}
	require.Empty(t, b.work(t))
	_, err := feeds.New(feeds.Config{Secrets: map[string][]string{"nobody": {"x"}}})
	require.ErrorContains(t, err, "nobody")
}

func TestWhatIsUnknownIsStoredAndIgnored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for source, body := range map[string]string{
		"contract":    `{"type": "contract.dreamt", "timestamp": "2026-11-23T09:59:00Z", "data": {}}`,
		"integration": `{"type": "integration.status", "timestamp": "2026-11-23T09:59:00Z", "data": {"tenant_id": "` + b.tenant.String() + `", "ref": "nobody", "sync_state": "ok"}}`,
		"stripe":      `{"id": "evt_1", "type": "invoice.paid", "created": 1, "data": {"object": {}}}`,
		"pandadoc":    `[{"event": "document_deleted", "data": {"id": "1", "status": "document.draft"}}]`,
		"docusign":    `{"event": "envelope-purge", "generatedDateTime": "2026-11-23T09:00:00Z", "data": {"envelopeId": "e-9"}}`,
		"onfido":      `{"payload": {"resource_type": "report", "action": "report.completed", "object": {"id": "1", "status": "complete"}}}`,
		"sumsub":      `{"type": "applicantReviewed", "applicantId": "a1", "externalUserId": "not-a-tenant", "reviewStatus": "completed", "createdAtMs": "2026-11-23 09:00:00.000"}`,
	} {
		require.Equal(t, 200, b.post(t, source, "m-1", []byte(body)), source)
	}
	require.Equal(t, map[string]string{
		"contract/ignored": "1", "integration/ignored": "1", "stripe/ignored": "1", "pandadoc/ignored": "1", "docusign/ignored": "1", "onfido/ignored": "1", "sumsub/ignored": "1",
	}, b.work(t))
}

func TestEverySourceReachesTheRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into integrations (tenant_id, id, project_id, connector, auth_state, sync_state, external_ref, observed_at)
			select $1, $2, id, 'SAP', 'connected', 'ok', 'conn-1', '2026-11-01' from projects where tenant_id = $1`, b.tenant, uuid.New())
		return err
	})
	mine := b.tenant.String()
	for source, body := range map[string]string{
		"integration": `{"type": "integration.status", "timestamp": "2026-11-23T09:59:00Z", "data": {"tenant_id": "` + mine + `", "ref": "conn-1", "sync_state": "failing", "error_class": "auth", "customer_message": "The token has expired."}}`,
		"docusign": `{"event": "envelope-completed", "configurationId": 7, "retryCount": "2", "generatedDateTime": "2026-11-23T09:00:00.0000000Z", "data": {"envelopeId": "e-1", "envelopeSummary":
			{"status": "completed", "emailSubject": "Please sign the DPA", "statusChangedDateTime": "2026-11-23T08:59:58.1234567Z", "customFields": {"textCustomFields": [{"name": "usher_tenant", "value": "` + mine + `"}]},
			"recipients": {"signers": [{"name": "Ana Keller", "email": "ana@acme.test", "routingOrder": "1", "status": "completed", "signedDateTime": "2026-11-23T08:59:50Z"}]}}}}`,
		"pandadoc": `[{"event": "document_state_changed", "data": {"id": "p-1", "name": "Order form", "status": "document.sent", "date_modified": "2026-11-23T09:00:00.000000Z", "metadata": {"usher_tenant": "` + mine + `"},
			"recipients": [{"first_name": "Bo", "last_name": "Lee", "email": "bo@acme.test", "recipient_type": "signer", "signing_order": 1, "has_completed": false}]}}]`,
		"sumsub": `{"type": "applicantReviewed", "applicantId": "a1", "externalUserId": "` + mine + `", "applicantType": "company", "reviewStatus": "completed", "createdAtMs": "2026-11-23 09:00:00.000",
			"reviewResult": {"reviewAnswer": "RED", "reviewRejectType": "RETRY", "moderationComment": "The extract is older than three months.", "clientComment": "possible shell company"}}`,
	} {
		require.Equal(t, 200, b.post(t, source, "m-1", []byte(body)), source)
		require.Equal(t, 200, b.post(t, source, "m-1", []byte(body)), source+" again")
	}
	require.Equal(t, map[string]string{"integration/done": "1", "docusign/done": "1", "pandadoc/done": "1", "sumsub/done": "1"}, b.work(t))
	r := b.record(t, b.tenant)
	require.Equal(t, "failing", r.Integrations[0].SyncState)
	require.Len(t, r.Envelopes, 2)
	require.Equal(t, "completed", r.Envelopes[1].State)
	require.Equal(t, "signed", r.Envelopes[1].Signers[0].State)
	require.Equal(t, "Bo Lee", r.Envelopes[0].Signers[0].Name)
	require.Equal(t, "needs_information", r.Verifications[0].State)
	require.Equal(t, "The extract is older than three months.", r.Verifications[0].Requirements[0].Label)
	view, err := json.Marshal(r.View(onboarding.Asker{TenantID: b.tenant, Roles: []string{"admin"}}, now))
	require.NoError(t, err)
	require.NotContains(t, string(view), "shell company")
}

// A contract signed in the e-signature tool opens the workspace and is in it.
func TestASignedEnvelopeCanBeTheContract(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"event": "envelope-completed", "configurationId": 7, "generatedDateTime": "2026-11-23T09:00:00Z", "data": {"envelopeId": "e-7", "envelopeSummary":
		{"status": "completed", "emailSubject": "Master agreement", "customFields": {"textCustomFields": [{"name": "usher_company", "value": "Hooli"}, {"name": "usher_template", "value": "saas"}]},
		"recipients": {"signers": [{"name": "Gavin", "email": "gavin@hooli.test", "routingOrder": "1", "status": "completed"}]}}}}`
	require.Equal(t, 200, b.post(t, "docusign", "", []byte(body)))
	require.Equal(t, map[string]string{"docusign/done": "1"}, b.work(t))
	var tenant uuid.UUID
	b.do(t, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select id from tenants where name = 'Hooli'`).Scan(&tenant)
	})
	r := b.record(t, tenant)
	require.Equal(t, "SaaS onboarding", r.Project.Name)
	require.Equal(t, "Master agreement", r.Envelopes[0].Title)
	require.Equal(t, []string{"admin"}, r.People[0].Roles)
}

// What the vendors publish is what is read: Stripe's own fixture, Onfido's schema,
// DocuSign's sample has every key that is read.
func TestPayloadsAreTheVendorsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var stripe struct {
		Components struct {
			Fixtures map[string]map[string]any `json:"x-fixtures"`
		}
	}
	read(t, "stripe.identity.openapi.json", &stripe)
	event := stripe.Components.Fixtures["event"]
	event["type"], event["created"] = "identity.verification_session.verified", now.Unix()
	object := event["data"].(map[string]any)["object"].(map[string]any)
	object["metadata"] = map[string]any{"usher_tenant": b.tenant.String()}
	valid(t, "stripe.identity.openapi.json", "event", event)
	valid(t, "stripe.identity.openapi.json", "identity.verification_session", object)
	body, err := json.Marshal(event)
	require.NoError(t, err)
	require.Equal(t, 200, b.post(t, "stripe", "", body))

	run := map[string]any{"payload": map[string]any{
		"resource_type": "workflow_run", "action": "workflow_run.completed",
		"object": map[string]any{"id": "run-1", "status": "declined", "completed_at_iso8601": "2026-11-23T09:00:00Z", "href": "https://api.eu.onfido.com/v3.6/workflow_runs/run-1"},
	}}
	valid(t, "onfido.openapi.json", "webhook_event", run)
	b.do(t, func(tx pgx.Tx) error { // started by us: the reference is known
		_, err := tx.Exec(t.Context(), `insert into verifications (tenant_id, id, project_id, kind, provider, provider_ref, customer_state)
			select $1, $2, id, 'kyb', 'onfido', 'run-1', 'in_review' from projects where tenant_id = $1`, b.tenant, uuid.New())
		return err
	})
	body, err = json.Marshal(run)
	require.NoError(t, err)
	require.Equal(t, 200, b.post(t, "onfido", "", body))
	require.Equal(t, map[string]string{"stripe/done": "1", "onfido/done": "1"}, b.work(t))
	states := map[string]string{}
	for _, v := range b.record(t, b.tenant).Verifications {
		states[v.Kind] = v.State
	}
	require.Equal(t, map[string]string{"kyc": "verified", "kyb": "we_will_contact_you"}, states)

	// PandaDoc publishes the document's details, which the event carries, and the
	// names of events.
	document := map[string]any{
		"id": "p-7", "name": "Order form", "status": "document.completed", "date_created": "2026-11-22T09:00:00.000000Z", "date_modified": "2026-11-23T09:00:00.000000Z",
		"date_completed": "2026-11-23T09:00:00.000000Z", "expiration_date": nil, "metadata": map[string]any{"usher_tenant": b.tenant.String()},
		"recipients": []any{map[string]any{"id": "r-1", "type": "recipient", "recipient_type": "signer", "email": "bo@acme.test", "first_name": "Bo", "last_name": "Lee", "has_completed": true, "signing_order": 1, "role": "Client"}},
	}
	valid(t, "pandadoc.openapi.json", "DocumentDetailsResponse", document)
	valid(t, "pandadoc.openapi.json", "WebhookEventTriggerEnum", "document_state_changed")
	body, err = json.Marshal([]any{map[string]any{"event": "document_state_changed", "data": document}})
	require.NoError(t, err)
	require.Equal(t, 200, b.post(t, "pandadoc", "", body))
	b.work(t)
	require.Equal(t, "completed", b.record(t, b.tenant).Envelopes[0].State)
	require.Equal(t, "Bo Lee", b.record(t, b.tenant).Envelopes[0].Signers[0].Name)

	var sample struct {
		Sample struct {
			Data struct {
				Summary map[string]any `json:"envelopeSummary"`
			}
		}
	}
	read(t, "docusign.connect-event.json", &sample)
	for _, key := range []string{"status", "emailSubject", "statusChangedDateTime", "completedDateTime", "customFields", "recipients"} {
		require.Contains(t, sample.Sample.Data.Summary, key)
	}
	signer := sample.Sample.Data.Summary["recipients"].(map[string]any)["signers"].([]any)[0].(map[string]any)
	for _, key := range []string{"name", "email", "routingOrder", "status", "signedDateTime"} {
		require.Contains(t, signer, key)
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	body, err := os.ReadFile(dbtest.TestData(t, "contracts", file))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, into))
}

func valid(t *testing.T, file, schema string, value any) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(dbtest.TestData(t, "contracts", file))
	require.NoError(t, err)
	body, err := json.Marshal(value)
	require.NoError(t, err)
	var plain any
	require.NoError(t, json.Unmarshal(body, &plain))
	require.NoError(t, doc.Components.Schemas[schema].Value.VisitJSON(plain))
}
