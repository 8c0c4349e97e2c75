package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/rest"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
)

// From configuration alone: a pack, an API, and a hundred people who ask where
// their shipment is cost the API one call; when it dies they hear the old value
// with its age.
func TestAPackIsAnsweredFromItsSource(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var dead atomic.Bool
	erp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if dead.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"shipment": {"where": "Port of Rotterdam", "status": "at_customs"}, "id": "` + r.URL.Path + `"}`))
	}))
	t.Cleanup(erp.Close)
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	user := db.User(t, tenant, "ana@acme.test")
	body, err := os.ReadFile("../../portal/onboarding/status/packs/shipments.yaml")
	require.NoError(t, err)
	pack, err := status.ParsePack(append(body, []byte("\nsource: tms\n")...))
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		if err := status.PutPack(t.Context(), tx, pack); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'P', '2026-01-01')`, tenant, uuid.New()); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into pack_records (tenant_id, id, entity, key, name) values ($1, $2, 'shipment', 'HH-4711', 'Hamburg container')`, tenant, uuid.New())
		return err
	}))
	reader := source.NewReader(db.Worker, slog.New(slog.DiscardHandler))
	t.Cleanup(reader.Stop)
	require.NoError(t, registerSources(reader, []sourceConfig{{Name: "tms", MaxAge: "1h", Allow: []string{"127.0.0.0/8"}, Config: rest.Config{
		BaseURL: erp.URL, Path: "/shipments/{entity}", Fields: map[string]string{"position": "/shipment/where", "state": "/shipment/status"},
	}}}))
	l := newLive(db.Worker, reader)
	ask := func() assistant.StatusReply {
		reply, err := l.Resolve(t.Context(), assistant.StatusRequest{
			Asker: triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: user}, Asked: []assistant.Asked{{Intent: "shipment.position", Text: "Where is my shipment?"}}, Language: "en",
		})
		require.NoError(t, err)
		return reply
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if text := ask().Text; text != "Shipment **Hamburg container** is **at customs**." {
				t.Errorf("answered %q", text)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, calls.Load())

	require.False(t, ask().Confirm)
	require.NoError(t, registerSources(reader, []sourceConfig{{Name: "tms", MaxAge: "1h", Confirm: true, Allow: []string{"127.0.0.0/8"}, Config: rest.Config{
		BaseURL: erp.URL, Path: "/shipments/{entity}", Fields: map[string]string{"position": "/shipment/where", "state": "/shipment/status"},
	}}}))
	require.True(t, ask().Confirm)
	signers, err := l.Resolve(t.Context(), assistant.StatusRequest{
		Asker: triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: user}, Asked: []assistant.Asked{{Intent: "onboarding.progress"}, {Intent: "signature.status"}}, Language: "en",
	})
	require.NoError(t, err)
	require.True(t, signers.Confirm, "one of several is enough")

	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `delete from status_snapshots where tenant_id = $1`, tenant)
		return err
	}))
	before := calls.Load()
	unproven, err := l.Resolve(t.Context(), assistant.StatusRequest{
		Asker: triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: user}, Asked: []assistant.Asked{{Intent: "shipment.position"}}, Language: "en", Unproven: true,
	})
	require.NoError(t, err)
	require.Equal(t, assistant.StatusReply{Confirm: true}, unproven)
	require.Equal(t, before, calls.Load(), "nothing is read for somebody who has not shown that it is them")
	require.NotEmpty(t, ask().Text)

	dead.Store(true)
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error { // the window ends
		_, err := tx.Exec(t.Context(), `update status_snapshots set fetched_at = fetched_at - interval '2 hours', next_fetch_at = now() where tenant_id = $1`, tenant)
		return err
	}))
	require.Eventually(t, func() bool { return ask().Stale && calls.Load() > 1 }, 5*time.Second, 20*time.Millisecond)
	require.Contains(t, ask().Text, "**at customs**. This is the last value we know, as of ")
}

func TestABadSourceIsNamed(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]sourceConfig{
		"no duration": {Name: "tms", MaxAge: "soon"}, "no network": {Name: "tms", Allow: []string{"home"}}, "base_url": {Name: "tms"},
	} {
		require.ErrorContains(t, registerSources(source.NewReader(nil, nil), []sourceConfig{c}), want)
	}
}
