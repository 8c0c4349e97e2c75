package hubspot_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/hubspot"
	"github.com/usherdesk/usher/integrations/hubspot/hubspotfake"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/crmtest"
)

var properties = map[string]string{"state": "hs_pipeline_stage", "priority": "hs_ticket_priority"}

func client(fake *hubspotfake.Server) *hubspot.Client {
	return hubspot.New(hubspot.Config{Token: "pat-secret", APIURL: fake.URL, PortalID: "62515", PerSecond: 10_000})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	crmtest.Run(t, func(t *testing.T) crmtest.Bundle {
		fake := hubspotfake.New(t)
		return crmtest.Bundle{
			CRM: client(fake), Fail: func(f crmtest.Failure) { fake.Fail(faults(f)) },
			Records:  func() int { return len(fake.Objects("tickets")) },
			Contacts: func() int { return len(fake.Objects("contacts")) },
			Notes: func(record string) []string {
				var out []string
				for _, o := range fake.Objects("notes") {
					for _, id := range fake.Linked("notes", o.ID, "tickets") {
						if id == record {
							out = append(out, o.Properties["hs_note_body"])
						}
					}
				}
				return out
			},
			Text: func(record string) string {
				for _, o := range fake.Objects("tickets") {
					if o.ID == record {
						return o.Properties["subject"] + "\n" + o.Properties["content"]
					}
				}
				return ""
			},
			Change: func(record, field, value string) {
				fake.Put("tickets", record, map[string]string{properties[field]: value})
			},
			Comment: func(record, text string) {
				id := fake.Put("notes", "", map[string]string{"hs_note_body": "<p>" + text + "</p>", "hs_timestamp": "2026-01-01T00:00:00Z"})
				fake.Link("tickets", record, "notes", id)
			},
		}
	})
}

func faults(f crmtest.Failure) func(r *http.Request) hubspotfake.Fault {
	var once sync.Once
	return func(r *http.Request) (out hubspotfake.Fault) {
		switch f {
		case crmtest.RateLimit:
			return hubspotfake.Fault{Status: 429, Policy: "TEN_SECONDLY_ROLLING", Category: "RATE_LIMITS"}
		case crmtest.Outage:
			return hubspotfake.Fault{Status: 502}
		case crmtest.BadToken:
			return hubspotfake.Fault{Status: 401, Category: "INVALID_AUTHENTICATION"}
		case crmtest.RefusesData:
			return hubspotfake.Fault{Status: 400, Category: "VALIDATION_ERROR"}
		case crmtest.LoseAnswer:
			if strings.HasSuffix(r.URL.Path, "/batch/upsert") {
				once.Do(func() { out.Lose = true })
			}
		}
		return out
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	fake := hubspotfake.New(t)
	now := time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
	c := hubspot.New(hubspot.Config{Token: "t", APIURL: fake.URL, PerSecond: 10_000, Now: func() time.Time { return now }})
	for _, tt := range []struct {
		fault hubspotfake.Fault
		want  time.Duration
	}{
		{hubspotfake.Fault{Status: 429, RetryAfter: 3}, 3 * time.Second},
		{hubspotfake.Fault{Status: 429, Policy: "SECONDLY"}, time.Second},
		{hubspotfake.Fault{Status: 429, Policy: "TEN_SECONDLY_ROLLING"}, 10 * time.Second},
		{hubspotfake.Fault{Status: 429, Policy: "DAILY"}, 2 * time.Hour},
	} {
		fake.Fail(func(*http.Request) hubspotfake.Fault { return tt.fault })
		_, err := c.UpsertTicket(t.Context(), crmtest.Record())
		require.Equal(t, tt.want, crmtest.RequireTemporary(t, err).After)
	}
}

func TestAssociations(t *testing.T) {
	t.Parallel()
	fake := hubspotfake.New(t)
	fake.AddOwner("77", "bo@usher.test")
	company := fake.Put("companies", "", map[string]string{"name": "ACME"})
	fake.Put("companies", "", map[string]string{"name": "Twice"})
	fake.Put("companies", "", map[string]string{"name": "Twice"})
	c := client(fake)
	record := crmtest.Record()
	record.OwnerEmail = "bo@usher.test"
	ref, err := c.UpsertTicket(t.Context(), record)
	require.NoError(t, err)
	require.Equal(t, []string{company}, fake.Linked("tickets", ref.ID, "companies"))
	require.Len(t, fake.Linked("tickets", ref.ID, "contacts"), 1)
	require.Equal(t, "77", fake.Objects("tickets")[0].Properties["hubspot_owner_id"])
	require.Contains(t, ref.URL, "62515")
	before := fake.Calls()
	_, err = c.UpsertTicket(t.Context(), record)
	require.NoError(t, err)
	require.Equal(t, before+1, fake.Calls(), "what is known is not asked again")
	record = crmtest.Record()
	record.TenantName = "Twice"
	ref, err = c.UpsertTicket(t.Context(), record)
	require.NoError(t, err)
	require.Empty(t, fake.Linked("tickets", ref.ID, "companies"), "an ambiguous name matches nobody")
	require.Len(t, fake.Objects("companies"), 3, "companies are never made")
}

func TestACompanyThatIsNotThereCostsTheAssociationOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.drain(t)
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update tenants set crm_account_ref = '424242' where id = $1`, b.tenant)
		return err
	}))
	_, err := b.desk.SetPriority(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: b.ticket.ID}, triage.PriorityUrgent)
	require.NoError(t, err)
	b.drain(t)
	require.Equal(t, "URGENT", b.fake.Objects("tickets")[0].Properties["hs_ticket_priority"], "the record goes in")
	require.Empty(t, b.fake.Linked("tickets", b.record, "companies"))
	record := func() desk.DeliveryRow {
		rows, err := b.desk.Deliveries(t.Context(), desk.DeliveryFilter{Destination: hubspot.System, TicketID: b.ticket.ID}, triage.Page{})
		require.NoError(t, err)
		for _, row := range rows {
			if row.Kind == "record" {
				return row
			}
		}
		return desk.DeliveryRow{}
	}
	require.Equal(t, "delivered", record().State)
	require.Contains(t, record().LastError, "HubSpot knows no company 424242. Put the CRM reference of")
	company := b.fake.Put("companies", "", map[string]string{"name": "Acme"})
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update tenants set crm_account_ref = $2 where id = $1`, b.tenant, company)
		return err
	}))
	_, err = b.desk.SetPriority(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: b.ticket.ID}, triage.PriorityLow)
	require.NoError(t, err)
	b.drain(t)
	require.Equal(t, []string{company}, b.fake.Linked("tickets", b.record, "companies"))
	require.Empty(t, record().LastError)
}

func TestAnEchoIsKnownWithoutASetting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	engine := gin.New()
	hubspot.NewInbound(hubspot.InboundConfig{Secrets: []string{secret}, PublicURL: "https://support.example.com", DB: b.db.Worker, Jobs: jobs, Log: slog.New(slog.DiscardHandler)}).Mount(engine)
	b.router = engine
	require.Equal(t, http.StatusOK, b.send(t, payload(t, b.event(1, map[string]any{"changeSource": "INTEGRATION", "sourceId": "42"}))))
	require.Zero(t, b.work(t), "the app whose webhook it is made the change")
	require.Equal(t, http.StatusOK, b.send(t, payload(t, b.event(2, map[string]any{"changeSource": "INTEGRATION", "sourceId": "7"}))))
	require.Equal(t, 1, b.work(t), "another app's change is read")
}

func TestCheckLooksAtThePipeline(t *testing.T) {
	t.Parallel()
	fake := hubspotfake.New(t)
	require.NoError(t, client(fake).Check(t.Context()))
	fake.Stages("1", "2", "closed-9")
	var permanent *desk.PermanentError
	require.ErrorAs(t, client(fake).Check(t.Context()), &permanent)
	require.Equal(t, "HubSpot's ticket pipeline has no such stages: open=3, solved=4. It has: 1, 2, closed-9. Check USHER_HUBSPOT_STAGES.", permanent.Safe)
	other := hubspot.New(hubspot.Config{Token: "t", APIURL: fake.URL, Pipeline: "77"})
	require.ErrorAs(t, other.Check(t.Context()), &permanent)
	require.Contains(t, permanent.Safe, "USHER_HUBSPOT_PIPELINE")
}

func TestParseStages(t *testing.T) {
	t.Parallel()
	stages, err := hubspot.ParseStages("new=1, pending=2,open=3,solved=4")
	require.NoError(t, err)
	require.Equal(t, hubspot.DefaultStages(), stages)
	for _, bad := range []string{"new", "new=", "nothing=4", ""} {
		_, err := hubspot.ParseStages(bad)
		require.Error(t, err, bad)
	}
}

const secret = "hs-client-secret"

type testBundle struct {
	db     *dbtest.Database
	fake   *hubspotfake.Server
	desk   *desk.Service
	router http.Handler
	tenant uuid.UUID
	agent  triage.Actor
	ticket triage.Ticket
	record string
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{db: dbtest.New(t), fake: hubspotfake.New(t)}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	b.desk = desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, CRMs: []desk.CRM{client(b.fake)}, Log: quiet, EditEvery: time.Nanosecond})
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	hubspot.NewInbound(hubspot.InboundConfig{Secrets: []string{secret}, PublicURL: "https://support.example.com", AppID: "42", DB: b.db.Worker, Jobs: jobs, Log: quiet}).Mount(engine)
	b.router = engine
	b.tenant = b.db.Tenant(t, "acme")
	user := b.db.User(t, b.tenant, "ana@acme.test")
	b.agent = triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "bo@usher.test")}
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		id := uuid.Must(uuid.NewV7())
		if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: id, UserID: &user, Channel: triage.ChannelChat}); err != nil {
			return err
		}
		b.ticket, err = b.desk.Escalate(t.Context(), tx, desk.Escalation{TenantID: b.tenant, ConversationID: id, Reason: triage.ReasonRequested, Subject: "Help", Summary: "Help"})
		return err
	}))
	b.drain(t)
	b.record = b.fake.Objects("tickets")[0].ID
	return b
}

func (b *testBundle) drain(t *testing.T) {
	t.Helper()
	wait, err := b.desk.Drain(t.Context(), b.tenant, b.ticket.ID, hubspot.System, time.Minute)
	require.NoError(t, err)
	require.Zero(t, wait)
}

func (b *testBundle) send(t *testing.T, body string, change ...func(*http.Request)) int {
	t.Helper()
	stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("POST" + "https://support.example.com/hubspot/events?portal=1" + body + stamp))
	r := httptest.NewRequest(http.MethodPost, "/hubspot/events?portal=1", strings.NewReader(body))
	r.Host = "10.0.0.7" // as a proxy hands it on
	r.Header.Set("X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	r.Header.Set("X-HubSpot-Request-Timestamp", stamp)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	b.router.ServeHTTP(w, r)
	return w.Code
}

func (b *testBundle) event(id int, change map[string]any) map[string]any {
	object, _ := strconv.Atoi(b.record)
	e := map[string]any{
		"eventId": id, "subscriptionId": 1, "portalId": 62515, "appId": 42, "occurredAt": time.Now().UnixMilli(), "subscriptionType": "ticket.propertyChange",
		"attemptNumber": 0, "objectId": object, "changeSource": "CRM_UI", "propertyName": "hs_pipeline_stage", "propertyValue": "4",
	}
	for k, v := range change {
		e[k] = v
	}
	return e
}

// work reads back what the stored events asked for.
func (b *testBundle) work(t *testing.T) int {
	t.Helper()
	rows, err := b.db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = 'read_crm_record' returning args`)
	require.NoError(t, err)
	jobs, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	require.NoError(t, err)
	for _, raw := range jobs {
		var args desk.ReadCRMArgs
		require.NoError(t, json.Unmarshal(raw, &args))
		require.NoError(t, b.desk.ReadBack(t.Context(), args.System, args.ExternalID))
	}
	return len(jobs)
}

func (b *testBundle) state(t *testing.T) triage.Ticket {
	t.Helper()
	d, err := b.desk.Ticket(t.Context(), b.tenant, b.ticket.ID)
	require.NoError(t, err)
	return d.Ticket
}

func payload(t *testing.T, events ...map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(events)
	require.NoError(t, err)
	return string(raw)
}

func TestTheWayBack(t *testing.T) {
	t.Parallel()

	t.Run("a stage changed in HubSpot moves the ticket once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.fake.Put("tickets", b.record, map[string]string{"hs_pipeline_stage": "4", "hs_ticket_priority": "LOW"})
		body := payload(t, b.event(1, nil), b.event(2, nil))
		require.Equal(t, http.StatusOK, b.send(t, body))
		require.Equal(t, http.StatusOK, b.send(t, body), "redelivered")
		require.Equal(t, 1, b.work(t), "one reading per ticket and batch")
		ticket := b.state(t)
		require.Equal(t, triage.InternalSolved, ticket.InternalState)
		require.Equal(t, triage.StateSolved, ticket.CustomerState)
		require.Equal(t, triage.PriorityLow, ticket.Priority)
		b.drain(t)
		require.Equal(t, "4", b.fake.Objects("tickets")[0].Properties["hs_pipeline_stage"])
	})

	t.Run("our own echo changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := b.desk.Resolve(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: b.ticket.ID})
		require.NoError(t, err)
		b.drain(t)
		_, err = b.desk.Reopen(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: b.ticket.ID})
		require.NoError(t, err)
		// The echo of "solved" comes back while "open" is still on its way.
		require.Equal(t, http.StatusOK, b.send(t, payload(t, b.event(1, map[string]any{"changeSource": "INTEGRATION", "sourceId": "42"}))))
		require.Zero(t, b.work(t), "known as ours by its source")
		require.NoError(t, b.desk.ReadBack(t.Context(), hubspot.System, b.record))
		require.Equal(t, triage.InternalOpen, b.state(t).InternalState)
		b.drain(t)
		require.Equal(t, "3", b.fake.Objects("tickets")[0].Properties["hs_pipeline_stage"])
		require.NoError(t, b.desk.ReadBack(t.Context(), hubspot.System, b.record))
		require.Equal(t, triage.InternalOpen, b.state(t).InternalState)
	})

	t.Run("on conflict the later state and our priority win", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ref := desk.TicketRef{TenantID: b.tenant, ID: b.ticket.ID}
		_, err := b.desk.SetState(t.Context(), b.agent, ref, triage.InternalPending)
		require.NoError(t, err)
		_, err = b.desk.SetPriority(t.Context(), b.agent, ref, triage.PriorityUrgent)
		require.NoError(t, err)
		time.Sleep(5 * time.Millisecond)
		b.fake.Put("tickets", b.record, map[string]string{"hs_pipeline_stage": "4", "hs_ticket_priority": "LOW"})
		require.NoError(t, b.desk.ReadBack(t.Context(), hubspot.System, b.record))
		ticket := b.state(t)
		require.Equal(t, triage.InternalSolved, ticket.InternalState, "the change there is later")
		require.Equal(t, triage.PriorityUrgent, ticket.Priority)
		b.drain(t)
		require.Equal(t, "URGENT", b.fake.Objects("tickets")[0].Properties["hs_ticket_priority"])
		require.Equal(t, "4", b.fake.Objects("tickets")[0].Properties["hs_pipeline_stage"])
	})

	t.Run("comments come back as internal notes, once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		id := b.fake.Put("notes", "", map[string]string{"hs_note_body": "<p>Called <b>Ana</b></p>", "hs_timestamp": "2026-01-01T00:00:00Z"})
		b.fake.Link("tickets", b.record, "notes", id)
		for range 2 {
			require.NoError(t, b.desk.ReadBack(t.Context(), hubspot.System, b.record))
		}
		d, err := b.desk.Ticket(t.Context(), b.tenant, b.ticket.ID)
		require.NoError(t, err)
		require.Len(t, d.Messages, 1)
		require.Equal(t, "Called Ana", d.Messages[0].Body)
		require.Equal(t, triage.Internal, d.Messages[0].Visibility)
		b.drain(t)
		require.Len(t, b.fake.Objects("notes"), 1, "not sent back")
	})

	t.Run("refuses what HubSpot did not sign, and keeps what it does not know", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		body := payload(t, b.event(1, nil))
		require.Equal(t, http.StatusUnauthorized, b.send(t, body, func(r *http.Request) { r.Header.Set("X-HubSpot-Signature-v3", "AAAA") }))
		require.Equal(t, http.StatusUnauthorized, b.send(t, body, func(r *http.Request) { r.URL.RawQuery = "portal=2"; r.RequestURI = "" }))
		require.Equal(t, http.StatusBadRequest, b.send(t, "{"))
		require.Equal(t, http.StatusRequestEntityTooLarge, b.send(t, strings.Repeat("x", 5<<20)))
		require.Equal(t, http.StatusOK, b.send(t, payload(t, b.event(1, map[string]any{"subscriptionType": "deal.merge"}), b.event(2, map[string]any{"objectId": 999999}))))
		require.Equal(t, 1, b.work(t), "a ticket that is not ours is read as none")
	})
}
