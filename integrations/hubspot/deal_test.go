package hubspot_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/hubspot"
	"github.com/usherdesk/usher/integrations/hubspot/hubspotfake"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/triage/desk"
)

// dealBundle is an account with one deal: company, three contacts, owner.
type dealBundle struct {
	testBundle
	deals *hubspot.Deals
	deal  string
}

func setupDeal(t *testing.T, stage string) *dealBundle {
	t.Helper()
	b := &dealBundle{testBundle: testBundle{db: dbtest.New(t), fake: hubspotfake.New(t)}}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	hubspot.NewInbound(hubspot.InboundConfig{Secrets: []string{secret}, PublicURL: "https://support.example.com", AppID: "42", Deals: true, DB: b.db.Worker, Jobs: jobs, Log: slog.New(slog.DiscardHandler)}).Mount(engine)
	b.router = engine
	b.deals = &hubspot.Deals{Client: client(b.fake), DB: b.db.Worker}
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "seed", func(tx pgx.Tx) error { return lifecycle.Seed(t.Context(), tx) }))
	b.fake.AddOwner("77", "olga@usher.test")
	company := b.fake.Put("companies", "", map[string]string{"name": "Initech", "timezone": "europe_slash_paris", "industry": "FINANCIAL_SERVICES", "hs_preferred_language": "fr"})
	b.deal = b.fake.Put("deals", "", map[string]string{"dealname": "Initech", "dealstage": stage, "hubspot_owner_id": "77"})
	b.fake.Link("deals", b.deal, "companies", company)
	for _, person := range []map[string]string{
		{"firstname": "Bill", "lastname": "Lumbergh", "email": "Bill@initech.test"},
		{"firstname": "Milton", "email": "milton@initech.test", "usher_roles": "admin;nonsense", "usher_departments": "finance"},
		{"firstname": "Nobody"},
	} {
		b.fake.Link("deals", b.deal, "contacts", b.fake.Put("contacts", "", person))
	}
	return b
}

func (b *dealBundle) event(id int, kind string) map[string]any {
	deal, _ := strconv.Atoi(b.deal)
	e := map[string]any{
		"eventId": id, "subscriptionId": 9, "portalId": 62515, "appId": 42, "occurredAt": time.Now().UnixMilli(), "subscriptionType": kind, "attemptNumber": 0, "changeSource": "CRM_UI",
	}
	if kind == "deal.associationChange" {
		e["fromObjectId"], e["toObjectId"], e["fromObjectTypeId"], e["toObjectTypeId"] = deal, 7, "0-3", "0-1"
		return e
	}
	e["objectId"] = deal
	if kind == "deal.propertyChange" {
		e["propertyName"], e["propertyValue"] = "dealstage", "closedwon"
	}
	return e
}

// read works on the deals that stored events asked for, all at once, and says how many.
func (b *dealBundle) read(t *testing.T) int {
	t.Helper()
	rows, err := b.db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = 'read_hubspot_deal' returning args`)
	require.NoError(t, err)
	jobs, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	require.NoError(t, err)
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, raw := range jobs {
		var args hubspot.ReadDealArgs
		require.NoError(t, json.Unmarshal(raw, &args))
		wg.Go(func() { errs[i] = b.deals.Apply(t.Context(), args.DealID) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return len(jobs)
}

func (b *dealBundle) workspaces(t *testing.T) (ids []uuid.UUID) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "count", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select id from tenants where name = 'Initech' and lifecycle_state = 'active'`)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}))
	return ids
}

func TestADealWonToldFiveTimesOutOfOrderMakesOneWorkspace(t *testing.T) {
	t.Parallel()
	b := setupDeal(t, "closedwon")
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile(dbtest.TestData(t, "contracts", "hubspot.webhook.schema.json"))
	require.NoError(t, err)
	var wg sync.WaitGroup
	codes := make([]int, 5)
	for i, kind := range []string{"deal.associationChange", "deal.propertyChange", "deal.propertyChange", "deal.creation", "deal.associationChange"} {
		body := payload(t, b.event(100-i%4, kind))
		var value any
		require.NoError(t, json.Unmarshal([]byte(body), &value))
		require.NoError(t, schema.Validate(value))
		wg.Go(func() { codes[i] = b.send(t, body) })
	}
	wg.Wait()
	require.Equal(t, []int{200, 200, 200, 200, 200}, codes)
	require.GreaterOrEqual(t, b.read(t), 4)
	ids := b.workspaces(t)
	require.Len(t, ids, 1)
	var r onboarding.Record
	var locale, ref string
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), ids[0], func(tx pgx.Tx) (err error) {
		if err := tx.QueryRow(t.Context(), `select locale, crm_account_ref from tenants where id = $1`, ids[0]).Scan(&locale, &ref); err != nil {
			return err
		}
		r, err = onboarding.Load(t.Context(), tx, ids[0])
		return err
	}))
	require.Equal(t, "Fintech onboarding", r.Project.Name, "the template fits the industry")
	require.Equal(t, "Europe/Paris", r.Tenant.TimeZone)
	require.Equal(t, "fr", locale)
	require.Equal(t, b.fake.Objects("companies")[0].ID, ref, "the CRM link")
	require.Equal(t, "Owner 77", r.Project.OwnerName)
	require.Equal(t, "olga@usher.test", r.Project.OwnerContact)
	people := map[string][]string{}
	for _, p := range r.People {
		people[p.Email] = p.Roles
	}
	require.Equal(t, map[string][]string{"bill@initech.test": {"member"}, "milton@initech.test": {"admin"}}, people)
	require.Positive(t, b.fake.Checked())
}

func TestWhatADealIsNowDecidesNotTheEvent(t *testing.T) {
	t.Parallel()
	b := setupDeal(t, "contractsent")
	require.Equal(t, http.StatusOK, b.send(t, payload(t, b.event(1, "deal.propertyChange"))), "the event says won")
	require.Equal(t, 1, b.read(t))
	require.Empty(t, b.workspaces(t), "not won yet")
	b.fake.Put("deals", b.deal, map[string]string{"dealstage": "closedlost"})
	require.NoError(t, b.deals.Apply(t.Context(), b.deal))
	require.Empty(t, b.workspaces(t), "lost")
	b.fake.Put("deals", b.deal, map[string]string{"dealstage": "closedwon"})
	require.NoError(t, b.deals.Apply(t.Context(), b.deal))
	require.Len(t, b.workspaces(t), 1, "won after all")
	b.fake.Put("deals", b.deal, map[string]string{"dealstage": "closedlost"})
	require.NoError(t, b.deals.Apply(t.Context(), b.deal))
	require.Len(t, b.workspaces(t), 1, "a workspace is not taken away by a stage")

	lone := b.fake.Put("deals", "", map[string]string{"dealname": "Lone", "dealstage": "closedwon"})
	require.ErrorIs(t, b.deals.Apply(t.Context(), lone), lifecycle.ErrBadContract)
}

// A process that dies after reading and before the commit leaves nothing behind.
func TestADealCutOffMidwayMakesNothing(t *testing.T) {
	t.Parallel()
	b := setupDeal(t, "closedwon")
	cut, cancel := context.WithCancel(t.Context())
	b.fake.Fail(func(r *http.Request) hubspotfake.Fault {
		if r.URL.Path == "/crm/v3/owners/77" {
			cancel()
		}
		return hubspotfake.Fault{}
	})
	require.Error(t, b.deals.Apply(cut, b.deal))
	require.Empty(t, b.workspaces(t))
	b.fake.Fail(func(*http.Request) hubspotfake.Fault { return hubspotfake.Fault{Status: 429, RetryAfter: 3} })
	var temporary *desk.TemporaryError
	require.ErrorAs(t, b.deals.Apply(t.Context(), b.deal), &temporary)
	require.Equal(t, 3*time.Second, temporary.After)
	b.fake.Fail(nil)
	require.NoError(t, b.deals.Apply(t.Context(), b.deal))
	require.Len(t, b.workspaces(t), 1)
}
