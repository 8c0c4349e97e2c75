package feeds_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/feeds"
	"github.com/usherdesk/usher/integrations/webhook/signature"
)

// sample is one source's event about a record of the tenant, at a time and in a
// state that is told apart by later: false comes first.
type sample struct {
	body   func(tenant string, at time.Time, later bool) string
	states [2]string // of the record after the first and the later event
	read   string    // the state, by tenant
	// stamped says that the signature covers the time it was made at.
	stamped bool
}

var samples = map[string]sample{
	"contract": {
		body: func(_ string, at time.Time, later bool) string {
			kind := "contract.signed"
			if later {
				kind = "contract.cancelled"
			}
			return fmt.Sprintf(`{"type": %q, "timestamp": %q, "data": {"contract_id": "c-9", "company": {"name": "Initech", "time_zone": "Europe/Paris"}, "contacts": [{"email": "bill@initech.test"}]}}`, kind, at.Format(time.RFC3339))
		},
		states: [2]string{"signed", "cancelled"}, read: `select state from onboarding_contracts where contract = 'c-9' and $1::uuid is not null`, stamped: true,
	},
	"integration": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"type": "integration.status", "timestamp": %q, "data": {"tenant_id": %q, "ref": "conn-1", "sync_state": %q}}`, at.Format(time.RFC3339), tenant, pick(later, "syncing", "ok"))
		},
		states: [2]string{"syncing", "ok"}, read: `select sync_state from integrations where tenant_id = $1`, stamped: true,
	},
	"learning": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"type": "learning.statement", "timestamp": %q, "data": {"tenant_id": %q, "learner_email": "ana@acme.test", "course": "Basics", "verb": %q}}`, at.Format(time.RFC3339), tenant, pick(later, "launched", "passed"))
		},
		states: [2]string{"started", "passed"}, read: `select state from enrolments where tenant_id = $1`, stamped: true,
	},
	"onboarding": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"type": "task.updated", "timestamp": %q, "data": {"tenant_id": %q, "source": "jira", "ref": "OPS-1", "title": "Load the data", "responsibility": "provider", "state": %q}}`, at.Format(time.RFC3339), tenant, pick(later, "in_progress", "done"))
		},
		states: [2]string{"in_progress", "done"}, read: `select state from tasks where tenant_id = $1`, stamped: true,
	},
	"source": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"type": "source.changed", "timestamp": %q, "data": {"tenant_id": %q, "source": "erp", "entity": "shipment/S-1", "record": {"state": %q}}}`, at.Format(time.RFC3339), tenant, pick(later, "loaded", "delivered"))
		},
		states: [2]string{"loaded", "delivered"}, read: `select payload->>'state' from status_snapshots where tenant_id = $1 and source = 'erp'`, stamped: true,
	},
	"docusign": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"event": "envelope-%s", "configurationId": 7, "generatedDateTime": %q, "data": {"envelopeId": "e-1", "envelopeSummary": {"status": %q, "emailSubject": "DPA", "statusChangedDateTime": %q,
				"customFields": {"textCustomFields": [{"name": "usher_tenant", "value": %q}]}, "recipients": {"signers": []}}}}`, pick(later, "sent", "completed"), at.Format(time.RFC3339), pick(later, "sent", "completed"), at.Format(time.RFC3339), tenant)
		},
		states: [2]string{"sent", "completed"}, read: `select state from envelopes where tenant_id = $1 and provider = 'docusign'`,
	},
	"pandadoc": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`[{"event": "document_state_changed", "data": {"id": "p-1", "name": "Order form", "status": "document.%s", "date_modified": %q, "metadata": {"usher_tenant": %q}}}]`, pick(later, "sent", "completed"), at.Format(time.RFC3339), tenant)
		},
		states: [2]string{"sent", "completed"}, read: `select state from envelopes where tenant_id = $1 and provider = 'pandadoc'`,
	},
	"stripe": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"id": "evt_%d", "type": "identity.verification_session.%s", "created": %d, "data": {"object": {"id": "vs_1", "status": %q, "created": 1, "metadata": {"usher_tenant": %q}}}}`,
				at.Unix(), pick(later, "processing", "verified"), at.Unix(), pick(later, "processing", "verified"), tenant)
		},
		states: [2]string{"in_review", "verified"}, read: `select customer_state from verifications where tenant_id = $1 and provider = 'stripe'`, stamped: true,
	},
	"onfido": {
		body: func(_ string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"payload": {"resource_type": "workflow_run", "action": "workflow_run.completed", "object": {"id": "run-1", "status": %q, "completed_at_iso8601": %q}}}`, pick(later, "review", "approved"), at.Format(time.RFC3339))
		},
		states: [2]string{"in_review", "verified"}, read: `select customer_state from verifications where tenant_id = $1 and provider = 'onfido'`,
	},
	"sumsub": {
		body: func(tenant string, at time.Time, later bool) string {
			return fmt.Sprintf(`{"type": "applicantReviewed", "applicantId": "a1", "externalUserId": %q, "reviewStatus": %q, "createdAtMs": %q, "reviewResult": {"reviewAnswer": "GREEN"}}`, tenant, pick(later, "queued", "completed"), at.Format("2006-01-02 15:04:05.000"))
		},
		states: [2]string{"in_review", "verified"}, read: `select customer_state from verifications where tenant_id = $1 and provider = 'sumsub'`,
	},
}

func pick(second bool, a, b string) string {
	if second {
		return b
	}
	return a
}

// known makes the records that some sources only refer to.
func (b *bundle) known(t *testing.T) {
	t.Helper()
	learner := b.db.User(t, b.tenant, "ana@acme.test")
	b.do(t, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `insert into integrations (tenant_id, id, project_id, connector, auth_state, sync_state, external_ref, observed_at)
			select $1, $2, id, 'SAP', 'connected', 'never', 'conn-1', '2026-01-01' from projects where tenant_id = $1`, b.tenant, uuid.New()); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `insert into enrolments (tenant_id, id, project_id, user_id, course, state, observed_at)
			select p.tenant_id, $2, p.id, $3, 'Basics', 'assigned', '2026-01-01' from projects p where p.tenant_id = $1`, b.tenant, uuid.New(), learner); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `insert into status_sources (name, body, enabled) values ('erp', '{"base_url": "https://erp.example", "path": "/{entity}"}', true)`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into verifications (tenant_id, id, project_id, kind, provider, provider_ref, customer_state, observed_at)
			select $1, $2, id, 'kyb', 'onfido', 'run-1', 'needs_information', '2026-01-01' from projects where tenant_id = $1`, b.tenant, uuid.New())
		return err
	})
}

func (b *bundle) stored(t *testing.T, source string) (n int) {
	t.Helper()
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where source = $1`, source).Scan(&n))
	return n
}

func (b *bundle) state(t *testing.T, source string) (state string) {
	t.Helper()
	b.do(t, func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), samples[source].read, b.tenant).Scan(&state) })
	return state
}

// What security.md asks of webhooks, of every source there is.
func TestEverySourceStandsUpToHostileDeliveries(t *testing.T) {
	t.Parallel()
	require.Len(t, samples, len(feeds.Sources()), "a new source needs a sample")
	for _, source := range feeds.Sources() {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			s, at := samples[source], now.Add(-time.Minute)
			require.NotNil(t, s.body, "a new source needs a sample")

			t.Run("replayed and in parallel it counts once", func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.known(t)
				body := []byte(s.body(b.tenant.String(), at, false))
				var wg sync.WaitGroup
				codes := make([]int, 5)
				for i := range codes {
					wg.Go(func() { codes[i] = b.post(t, source, "m-1", body) })
				}
				wg.Wait()
				require.Equal(t, []int{200, 200, 200, 200, 200}, codes)
				require.Equal(t, map[string]string{source + "/done": "1"}, b.work(t))
				require.Equal(t, 200, b.post(t, source, "m-1", body), "replayed after it was worked on")
				require.Equal(t, map[string]string{source + "/done": "1"}, b.work(t))
				require.Equal(t, s.states[0], b.state(t, source))
			})

			t.Run("out of order the later word stands", func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.known(t)
				require.Equal(t, 200, b.post(t, source, "m-2", []byte(s.body(b.tenant.String(), at, true))))
				b.work(t)
				require.Equal(t, 200, b.post(t, source, "m-1", []byte(s.body(b.tenant.String(), at.Add(-time.Hour), false))))
				b.work(t)
				require.Equal(t, s.states[1], b.state(t, source))
			})

			t.Run("refused is what is unsigned, foreign, old, huge or unreadable", func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				body := []byte(s.body(b.tenant.String(), at, false))
				require.Equal(t, 401, b.send("/v1/hooks/"+source, nil, body), "unsigned")
				require.Equal(t, 401, b.forged(t, source, body), "signed with another secret")
				for _, skew := range []time.Duration{6 * time.Minute, -6 * time.Minute} {
					if s.stamped {
						require.Equal(t, 401, b.stamped(t, source, now.Add(skew), body), "signed at %v", skew)
					}
				}
				huge := []byte(`{"x": "` + strings.Repeat("x", 10<<20) + `"}`)
				require.Equal(t, 413, b.post(t, source, "m-1", huge), "ten megabytes, signed")
				require.Equal(t, 400, b.post(t, source, "m-1", bytes.Replace(body, []byte(`"`), []byte("\"\xff"), 1)), "bad UTF-8, signed")
				require.Equal(t, 400, b.post(t, source, "m-1", []byte("<xml/>")), "no JSON, signed")
				require.Zero(t, b.stored(t, source), "nothing of it is kept")
				b.known(t)
				b.host = "evil.example" // the host it was sent to proves nothing and changes nothing
				require.Equal(t, 401, b.forged(t, source, body))
				require.Equal(t, 200, b.post(t, source, "m-1", body))
				require.Equal(t, 1, b.stored(t, source))
			})

			t.Run("an unknown type, another tenant and what the schema refuses are put away", func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.known(t)
				body := s.body(b.tenant.String(), at, false)
				for i, bad := range []string{
					strings.NewReplacer(`"contract.signed"`, `"contract.x"`, "integration.status", "integration.x", "learning.statement", "learning.x", "source.changed", "source.x", "task.updated", "task.x", "envelope-sent", "x-sent", "document_state_changed", "document_x",
						"identity.verification_session", "invoice", `"workflow_run"`, `"report"`, "applicantReviewed", "x").Replace(body),
					strings.NewReplacer(b.tenant.String(), uuid.NewString(), "run-1", "run-of-nobody", `"name": "Initech"`, `"name": ""`).Replace(body),
					strings.NewReplacer(`"DPA"`, `"D\u0000A"`, `"Order form"`, `"O\u0000"`, "conn-1", `conn\u0000`, "S-1", `S\u0000`, "Basics", `B\u0000`, "Load the data", `L\u0000`, "Initech", `I\u0000`, "vs_1", `vs\u0000`, "run-1", `run\u0000`, `"a1"`, `"a\u0000"`).Replace(body),
				} {
					require.NotEqual(t, body, bad)
					// Each is an event of its own.
					bad = strings.NewReplacer("evt_", fmt.Sprintf("evt_%d", i), `"configurationId": 7`, fmt.Sprintf(`"configurationId": %d`, i)).Replace(bad)
					require.Equal(t, 200, b.post(t, source, fmt.Sprintf("m-%d", i), []byte(bad)), bad)
				}
				require.Equal(t, map[string]string{source + "/ignored": "3"}, b.work(t), "no retry for ever, no payload kept")
			})
		})
	}
}

// forged signs with a secret of its own.
func (b *bundle) forged(t *testing.T, source string, body []byte) int {
	t.Helper()
	mac := hmac.New(sha256.New, []byte("another secret"))
	mac.Write(body)
	digest := mac.Sum(nil)
	header := http.Header{}
	header.Set("X-SHA2-Signature", hex.EncodeToString(digest))
	header.Set("X-Payload-Digest-Alg", "HMAC_SHA256_HEX")
	header.Set("X-Payload-Digest", hex.EncodeToString(digest))
	header.Set("X-DocuSign-Signature-1", "AAAA")
	header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(digest)))
	standard, err := signature.SignStandard("m-1", now, body, "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcw==")
	require.NoError(t, err)
	for name, values := range standard {
		header[name] = values
	}
	return b.send("/v1/hooks/"+source+"?signature="+hex.EncodeToString(digest), header, body)
}

// stamped signs rightly, but at a time.
func (b *bundle) stamped(t *testing.T, source string, at time.Time, body []byte) int {
	t.Helper()
	if source == "stripe" {
		stamp := fmt.Sprint(at.Unix())
		return b.send("/v1/hooks/stripe", http.Header{"Stripe-Signature": {"t=" + stamp + ",v1=" + hex.EncodeToString(sum([]byte(stamp+"."+string(body))))}}, body)
	}
	header, err := signature.SignStandard("m-1", at, body, secret)
	require.NoError(t, err)
	return b.send("/v1/hooks/"+source, header, body)
}

// A source that is not set up has no address.
func TestASourceWithoutASecretHasNoAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	recorder := httptest.NewRecorder()
	b.router.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/v1/hooks/hubspot", strings.NewReader("{}")))
	require.Equal(t, 404, recorder.Code)
}
