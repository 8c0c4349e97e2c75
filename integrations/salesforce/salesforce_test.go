package salesforce_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/salesforce"
	"github.com/usherdesk/usher/integrations/salesforce/salesforcefake"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/crmtest"
)

func client(t *testing.T, fake *salesforcefake.Server) *salesforce.Client {
	t.Helper()
	c, err := salesforce.New(salesforce.Config{Domain: fake.URL, ClientID: "id", ClientSecret: "secret"})
	require.NoError(t, err)
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	crmtest.Run(t, func(t *testing.T) crmtest.Bundle {
		fake := salesforcefake.New(t)
		fake.Put("Contact", "", map[string]any{"Email": "ana@acme.test"})
		field := map[string]string{"state": "Status", "priority": "Priority"}
		return crmtest.Bundle{
			CRM: client(t, fake), Fail: func(f crmtest.Failure) { fake.Fail(faults(f)) },
			Records:  func() int { return len(fake.Objects("Case")) },
			Contacts: func() int { return len(fake.Objects("Contact")) },
			Notes: func(record string) []string {
				var out []string
				for _, o := range fake.Objects("CaseComment") {
					if o.Fields["ParentId"] == record {
						out = append(out, o.Fields["CommentBody"].(string))
					}
				}
				return out
			},
			Text: func(record string) string {
				for _, o := range fake.Objects("Case") {
					if o.ID == record {
						return o.Fields["Subject"].(string) + "\n" + o.Fields["Description"].(string)
					}
				}
				return ""
			},
			Change: func(record, name, value string) { fake.Put("Case", record, map[string]any{field[name]: value}) },
			Comment: func(record, text string) {
				fake.Put("CaseComment", "", map[string]any{"ParentId": record, "CommentBody": text})
			},
		}
	})
}

func faults(f crmtest.Failure) func(r *http.Request) salesforcefake.Fault {
	var once sync.Once
	return func(r *http.Request) (out salesforcefake.Fault) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			if f == crmtest.BadToken {
				return salesforcefake.Fault{Status: 400, Code: "invalid_client_id"}
			}
			return out
		}
		switch f {
		case crmtest.RateLimit:
			return salesforcefake.Fault{Status: 403, Code: "REQUEST_LIMIT_EXCEEDED"}
		case crmtest.Outage:
			return salesforcefake.Fault{Status: 503, Code: "SERVER_UNAVAILABLE"}
		case crmtest.BadToken:
			return salesforcefake.Fault{Status: 401, Code: "INVALID_SESSION_ID"}
		case crmtest.RefusesData:
			return salesforcefake.Fault{Status: 400, Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
		case crmtest.LoseAnswer:
			if r.Method != http.MethodGet {
				once.Do(func() { out.Lose = true })
			}
		}
		return out
	}
}

func TestSession(t *testing.T) {
	t.Parallel()

	t.Run("one login serves all, and an ended session gets a new one", func(t *testing.T) {
		t.Parallel()
		fake := salesforcefake.New(t)
		c := client(t, fake)
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() { _, _ = c.UpsertTicket(t.Context(), crmtest.Record()) })
		}
		group.Wait()
		require.Len(t, fake.Logins(), 1)
		fake.Expire()
		_, err := c.UpsertTicket(t.Context(), crmtest.Record())
		require.NoError(t, err)
		require.Len(t, fake.Logins(), 2)
		require.Len(t, fake.Objects("Case"), 6)
	})

	t.Run("the JWT bearer flow signs who acts for whom", func(t *testing.T) {
		t.Parallel()
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
		fake := salesforcefake.New(t)
		c, err := salesforce.New(salesforce.Config{Domain: fake.URL, ClientID: "app", PrivateKey: text, User: "ops@usher.test", Audience: "https://test.salesforce.com"})
		require.NoError(t, err)
		_, err = c.UpsertTicket(t.Context(), crmtest.Record())
		require.NoError(t, err)
		claims := jwt.MapClaims{}
		_, err = jwt.ParseWithClaims(fake.Logins()[0].Get("assertion"), claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil }, jwt.WithAudience("https://test.salesforce.com"))
		require.NoError(t, err)
		require.Equal(t, "app", claims["iss"])
		require.Equal(t, "ops@usher.test", claims["sub"])
		_, err = salesforce.New(salesforce.Config{PrivateKey: []byte("no key")})
		require.Error(t, err)
	})
}

func TestContacts(t *testing.T) {
	t.Parallel()
	fake := salesforcefake.New(t)
	one := fake.Put("Contact", "", map[string]any{"Email": "o'brien@acme.test"})
	fake.Put("Contact", "", map[string]any{"Email": "twice@acme.test"})
	fake.Put("Contact", "", map[string]any{"Email": "twice@acme.test"})
	c := client(t, fake)
	for email, want := range map[string]any{"O'Brien@acme.test": one, "twice@acme.test": nil, "' OR Email != '": nil} {
		record := crmtest.Record()
		record.CustomerEmail = email
		ref, err := c.UpsertTicket(t.Context(), record)
		require.NoError(t, err)
		for _, o := range fake.Objects("Case") {
			if o.ID == ref.ID {
				require.Equal(t, want, o.Fields["ContactId"], email)
				require.Equal(t, email, o.Fields["SuppliedEmail"])
			}
		}
	}
	require.Len(t, fake.Objects("Contact"), 3, "nobody is created")
	require.Positive(t, fake.Checked())
}

func TestPoll(t *testing.T) {
	t.Parallel()
	fake, db := salesforcefake.New(t), dbtest.New(t)
	jobs, err := river.NewClient(riverpgxv5.New(db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	c := client(t, fake)
	service := desk.New(desk.Config{DB: db.Worker, Jobs: jobs, CRMs: []desk.CRM{c}, Log: slog.New(slog.DiscardHandler), EditEvery: time.Nanosecond})
	tenant := db.Tenant(t, "acme")
	var ticket triage.Ticket
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		id := uuid.Must(uuid.NewV7())
		if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: tenant, ID: id, Channel: triage.ChannelAPI}); err != nil {
			return err
		}
		ticket, err = service.Escalate(t.Context(), tx, desk.Escalation{TenantID: tenant, ConversationID: id, Reason: triage.ReasonAPI, Subject: "Help", Summary: "Help"})
		return err
	}))
	_, err = service.Drain(t.Context(), tenant, ticket.ID, salesforce.System, time.Minute)
	require.NoError(t, err)
	poller := &salesforce.Poller{Client: c, DB: db.Worker, Jobs: jobs}
	work := func() int {
		_, err := poller.Poll(t.Context())
		require.NoError(t, err)
		rows, err := db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = 'read_crm_record' returning args`)
		require.NoError(t, err)
		raw, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		require.NoError(t, err)
		for _, r := range raw {
			var args desk.ReadCRMArgs
			require.NoError(t, json.Unmarshal(r, &args))
			require.NoError(t, service.ReadBack(t.Context(), args.System, args.ExternalID))
		}
		return len(raw)
	}
	work()
	require.Zero(t, work(), "the overlap shows the same change again; it is read once")
	fake.Put("Case", fake.Objects("Case")[0].ID, map[string]any{"Status": "Closed"})
	fake.Put("CaseComment", "", map[string]any{"ParentId": fake.Objects("Case")[0].ID, "CommentBody": "Done by phone"})
	require.Equal(t, 1, work())
	d, err := service.Ticket(t.Context(), tenant, ticket.ID)
	require.NoError(t, err)
	require.Equal(t, triage.InternalSolved, d.Ticket.InternalState)
	require.Equal(t, "Done by phone", d.Messages[0].Body)
	require.Equal(t, triage.Internal, d.Messages[0].Visibility)
}

// An org that calls things otherwise: without the settings every Case would be
// refused, with them it goes in.
func TestAnOrgWithItsOwnPicklists(t *testing.T) {
	t.Parallel()
	fake := salesforcefake.New(t)
	connect := func(c salesforce.Config) *salesforce.Client {
		c.Domain, c.ClientID, c.ClientSecret = fake.URL, "id", "secret"
		made, err := salesforce.New(c)
		require.NoError(t, err)
		return made
	}
	statuses, err := desk.ParseStates("new=New,open=Escalated, pending=Working,solved=Closed")
	require.NoError(t, err)
	c := connect(salesforce.Config{Statuses: statuses})
	require.NoError(t, c.Check(t.Context()))
	record := crmtest.Record()
	record.State = triage.InternalOpen
	_, err = c.UpsertTicket(t.Context(), record)
	require.NoError(t, err)
	require.Equal(t, "Escalated", fake.Objects("Case")[0].Fields["Status"])
	old := map[triage.InternalState]string{triage.InternalOpen: "Old"}
	wrong := connect(salesforce.Config{Statuses: old, ExternalIDField: "Subject"})
	var permanent *desk.PermanentError
	_, err = connect(salesforce.Config{Statuses: old}).UpsertTicket(t.Context(), record)
	require.ErrorAs(t, err, &permanent)
	require.Contains(t, permanent.Safe, "USHER_SALESFORCE_STATUSES")
	require.ErrorAs(t, wrong.Check(t.Context()), &permanent)
	require.Contains(t, permanent.Safe, "Case needs the field Subject, marked as External ID and Unique")
	require.Contains(t, permanent.Safe, "Case has no Status Old; it has: New, Working, Escalated, Closed.")
}
