package webhook_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/webhook"
	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

type received struct {
	header http.Header
	body   []byte
}

type testBundle struct {
	db      *dbtest.Database
	service *webhook.Service
	tenant  uuid.UUID
	url     string
	now     time.Time

	mu     sync.Mutex
	got    []received
	status int
}

func setup(t *testing.T, private bool) *testBundle {
	t.Helper()
	b := &testBundle{db: dbtest.New(t), now: time.Now(), status: http.StatusNoContent}
	var inside []netip.Prefix
	if private {
		inside = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	b.service = webhook.New(webhook.Config{DB: b.db.Worker, Jobs: jobs, Inside: inside, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.now }})
	b.tenant = b.db.Tenant(t, "acme")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got = append(b.got, received{r.Header, body})
		if b.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(b.status)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *testBundle) publish(t *testing.T, event uuid.UUID, kind string) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		return b.service.Publish(t.Context(), tx, b.tenant, event, kind, map[string]any{"number": 1001})
	}))
}

// work delivers every stored delivery once and returns the longest wait.
func (b *testBundle) work(t *testing.T) (longest time.Duration) {
	t.Helper()
	var ids []uuid.UUID
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select id from deliveries where tenant_id = $1 and state = 'pending' order by position`, b.tenant)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}))
	for _, id := range ids {
		wait, err := b.service.Deliver(t.Context(), b.tenant, id)
		require.NoError(t, err)
		longest = max(longest, wait)
	}
	return longest
}

func (b *testBundle) states(t *testing.T) (out []string) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select state || ' ' || last_error from deliveries where tenant_id = $1 order by position`, b.tenant)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	return out
}

func TestDeliver(t *testing.T) {
	t.Parallel()

	t.Run("an event is signed, sent once and verifiable with the secret", func(t *testing.T) {
		t.Parallel()
		b := setup(t, true)
		e, secret, err := b.service.Create(t.Context(), b.tenant, b.url+"/hook", []string{"ticket.created"})
		require.NoError(t, err)
		event := uuid.Must(uuid.NewV7())
		for range 2 {
			b.publish(t, event, "ticket.created")
		}
		b.publish(t, uuid.Must(uuid.NewV7()), "ticket.updated") // not wanted
		require.Zero(t, b.work(t))
		require.Len(t, b.got, 1)
		request := signature.Request{Header: b.got[0].header, Body: b.got[0].body}
		require.NoError(t, signature.StandardWebhooks(request, b.now, secret))
		var body map[string]any
		require.NoError(t, json.Unmarshal(b.got[0].body, &body))
		require.Equal(t, "ticket.created", body["type"])
		require.Contains(t, b.got[0].header.Get("Webhook-Id"), event.String())
		second, err := b.service.Rotate(t.Context(), b.tenant, e.ID)
		require.NoError(t, err)
		require.NoError(t, b.service.Test(t.Context(), b.tenant, e.ID))
		b.work(t)
		for _, s := range []string{secret, second} {
			require.NoError(t, signature.StandardWebhooks(signature.Request{Header: b.got[1].header, Body: b.got[1].body}, b.now, s), "both secrets hold while rotating")
		}
	})

	t.Run("failures are tried again on the schedule, then failed; redirects are failures", func(t *testing.T) {
		t.Parallel()
		b := setup(t, true)
		_, _, err := b.service.Create(t.Context(), b.tenant, b.url, nil)
		require.NoError(t, err)
		b.publish(t, uuid.Must(uuid.NewV7()), "ticket.created")
		b.status = http.StatusFound
		var waits []time.Duration
		for range 10 {
			waits = append(waits, b.work(t).Round(time.Minute))
		}
		require.Len(t, b.got, 10)
		require.Zero(t, waits[9])
		require.GreaterOrEqual(t, waits[8], 24*time.Hour)
		require.Contains(t, b.states(t)[0], "failed")
		require.Contains(t, b.states(t)[0], "redirects")
	})

	t.Run("410 stops the endpoint, and so do five days of failures", func(t *testing.T) {
		t.Parallel()
		b := setup(t, true)
		gone, _, err := b.service.Create(t.Context(), b.tenant, b.url, nil)
		require.NoError(t, err)
		b.status = http.StatusGone
		b.publish(t, uuid.Must(uuid.NewV7()), "ticket.created")
		b.work(t)
		list, err := b.service.List(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, "disabled", list[0].State)
		b.publish(t, uuid.Must(uuid.NewV7()), "ticket.created")
		require.Len(t, b.states(t), 1, "nothing piles up for a stopped endpoint")
		b.status = http.StatusInternalServerError
		require.NoError(t, b.service.Enable(t.Context(), b.tenant, gone.ID))
		b.publish(t, uuid.Must(uuid.NewV7()), "ticket.created")
		b.work(t)
		b.now = b.now.Add(6 * 24 * time.Hour)
		b.work(t)
		list, err = b.service.List(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, "disabled", list[0].State)
		require.Contains(t, list[0].Reason, "five days")
	})

	t.Run("nothing is sent into a private network", func(t *testing.T) {
		t.Parallel()
		b := setup(t, false)
		for _, address := range []string{
			"http://example.com/", "https://user:pass@example.com/", "ftp://example.com/", "https:///x", "https://" + strings.Repeat("a", 2001) + ".com",
		} {
			_, _, err := b.service.Create(t.Context(), b.tenant, address, nil)
			require.ErrorIs(t, err, webhook.ErrBadEndpoint, address)
		}
		for _, address := range []string{
			"https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://192.168.0.1/", "https://169.254.169.254/latest/meta-data/",
			"https://[::ffff:127.0.0.1]/", "https://[fd00::1]/", "https://100.64.0.1/", "https://0.0.0.0/", "https://localhost/", "https://[64:ff9b::7f00:1]/", "https://2130706433/",
		} {
			e, _, err := b.service.Create(t.Context(), b.tenant, address, nil)
			require.NoError(t, err, address)
			require.NoError(t, b.service.Test(t.Context(), b.tenant, e.ID))
		}
		b.work(t)
		for _, state := range b.states(t) {
			require.Regexp(t, "private network|could not be reached", state)
		}
		require.Empty(t, b.got)
	})

	t.Run("another tenant's endpoint behaves like a missing one", func(t *testing.T) {
		t.Parallel()
		b := setup(t, true)
		e, _, err := b.service.Create(t.Context(), b.tenant, b.url, nil)
		require.NoError(t, err)
		other := b.db.Tenant(t, "zeta")
		require.ErrorIs(t, b.service.Test(t.Context(), other, e.ID), webhook.ErrEndpointNotFound)
		require.ErrorIs(t, b.service.Delete(t.Context(), other, e.ID), webhook.ErrEndpointNotFound)
		require.NoError(t, b.service.Delete(t.Context(), b.tenant, e.ID))
	})
}

func TestReplayFromTheDeliveriesPage(t *testing.T) {
	t.Parallel()
	b := setup(t, true)
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	now := func() time.Time { return b.now }
	page := desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, Other: webhook.ReplayJob, Now: now, Log: slog.New(slog.DiscardHandler)})
	agent := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "bo@usher.test")}
	_, _, err = b.service.Create(t.Context(), b.tenant, b.url, nil)
	require.NoError(t, err)
	b.publish(t, uuid.Must(uuid.NewV7()), "ticket.created")
	b.status = http.StatusInternalServerError
	for range 10 {
		b.work(t)
	}
	failed, err := page.Deliveries(t.Context(), desk.DeliveryFilter{State: "failed", Destination: webhook.System}, triage.Page{})
	require.NoError(t, err)
	require.Len(t, failed, 1)
	_, err = b.db.Worker.Pool().Exec(t.Context(), `delete from river_job`)
	require.NoError(t, err)
	b.status = http.StatusOK
	require.NoError(t, page.Replay(t.Context(), agent, failed[0].TenantID, failed[0].ID))
	var kind string
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select kind from river_job`).Scan(&kind))
	require.Equal(t, "deliver_webhook", kind)
	require.Zero(t, b.work(t))
	require.Contains(t, b.states(t)[0], "delivered")

	// A delivery whose job was lost is found, too.
	b.publish(t, uuid.Must(uuid.NewV7()), "ticket.created")
	_, err = b.db.Worker.Pool().Exec(t.Context(), `delete from river_job`)
	require.NoError(t, err)
	b.now = b.now.Add(2 * time.Minute)
	n, err := page.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// What a tenant's own systems are told of a ticket holds nothing internal.
func TestTicketEventsHoldNothingInternal(t *testing.T) {
	t.Parallel()
	b := setup(t, true)
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	service := desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, Events: b.service, Log: slog.New(slog.DiscardHandler)})
	agent := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "bo@usher.test")}
	_, _, err = b.service.Create(t.Context(), b.tenant, b.url, nil)
	require.NoError(t, err)
	var ref desk.TicketRef
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		id := uuid.Must(uuid.NewV7())
		if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: id, Channel: triage.ChannelAPI}); err != nil {
			return err
		}
		ticket, err := service.Escalate(t.Context(), tx, desk.Escalation{TenantID: b.tenant, ConversationID: id, Reason: triage.ReasonAPI, Subject: "Help", Summary: "SECRET summary"})
		ref = desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}
		return err
	}))
	_, err = service.AddNote(t.Context(), agent, ref, desk.InternalNote{Text: "SECRET note"})
	require.NoError(t, err)
	_, err = service.Resolve(t.Context(), agent, ref)
	require.NoError(t, err)
	_, err = service.Reopen(t.Context(), agent, ref)
	require.NoError(t, err)
	b.work(t)
	var kinds []string
	for _, got := range b.got {
		require.NotContains(t, string(got.body), "SECRET")
		var body struct{ Type string }
		require.NoError(t, json.Unmarshal(got.body, &body))
		kinds = append(kinds, body.Type)
	}
	require.Equal(t, []string{"ticket.created", "ticket.solved", "ticket.reopened"}, kinds)
}
