package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestMetricsSayWhoUsesThePortalAndHowFastTheyGoLive(t *testing.T) {
	t.Parallel()
	b := setup(t) // both organisations have just signed in
	quiet, gone := b.db.Tenant(t, "quiet"), b.db.Tenant(t, "gone")
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`update tenants set lifecycle_state = 'offboarding' where id = $1`, gone)
		batch.Queue(`update sessions set last_seen_at = now() - interval '8 days' where tenant_id = $1`, b.other)
		for tenant, day := range map[uuid.UUID]string{b.acme: "2026-02-10", b.other: "2026-01-31", quiet: "2026-03-02"} {
			batch.Queue(`insert into projects (tenant_id, id, name, start_date, state, actual_go_live) values ($1, $2, 'P', '2026-01-01', 'live', $3)`, tenant, uuid.New(), day)
		}
		return tx.SendBatch(t.Context(), batch).Close()
	}))
	response, body := b.do(t, http.MethodGet, "/v1/metrics/summary", cleo, "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	var got struct {
		Tenants int     `json:"tenants"`
		Weekly  int     `json:"tenants_weekly"`
		Days    float64 `json:"days_to_go_live"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Equal(t, 3, got.Tenants, "who is leaving is not counted")
	require.Equal(t, 1, got.Weekly)
	require.InDelta(t, 40, got.Days, 0.01)
}

func TestMetricsSayWhatCustomersUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		response, body := b.do(t, http.MethodGet, "/v1/tickets", ana, "")
		require.Equal(t, http.StatusOK, response.StatusCode, body)
	}
	b.do(t, http.MethodGet, "/v1/tickets", olga, "")
	response, _ := b.do(t, http.MethodGet, "/v1/exports/audit?format=csv", bruno, "") // refused: not counted
	require.NotEqual(t, http.StatusOK, response.StatusCode)
	b.do(t, http.MethodGet, "/v1/agent/queue", sam, "") // staff are not counted
	require.NoError(t, b.usage.Flush(t.Context()))
	_, body := b.do(t, http.MethodGet, "/v1/metrics/summary", cleo, "")
	var got struct {
		Usage []struct {
			Action  string `json:"action"`
			Count   int    `json:"count"`
			Tenants int    `json:"tenants"`
		} `json:"usage"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Len(t, got.Usage, 1, body)
	require.Equal(t, "tickets.opened", got.Usage[0].Action)
	require.Equal(t, 4, got.Usage[0].Count)
	require.Equal(t, 2, got.Usage[0].Tenants)
	require.NotContains(t, body, "ana@")
}
