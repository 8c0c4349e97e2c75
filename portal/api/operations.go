package api

import (
	"context"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/usage"
	"github.com/usherdesk/usher/triage/desk"
)

// Healthz says the process is alive.
func (s *Server) Healthz(context.Context, HealthzRequestObject) (HealthzResponseObject, error) {
	return Healthz200JSONResponse{Status: "ok", Version: some(s.Version)}, nil
}

// Readyz says the database answers and takes writes.
func (s *Server) Readyz(ctx context.Context, _ ReadyzRequestObject) (ReadyzResponseObject, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.App.Ping(ctx); err != nil {
		return nil, err
	}
	return Readyz200JSONResponse{Status: "ready", Version: some(s.Version)}, nil
}

// GetMetrics counts what became of conversations, from stored rows.
func (s *Server) GetMetrics(ctx context.Context, r GetMetricsRequestObject) (GetMetricsResponseObject, error) {
	days := value(r.Params.Days)
	if days == 0 {
		days = 30
	}
	m := Metrics{Days: days, Outcomes: map[string]int{}}
	err := s.Worker.WithSystem(ctx, "metrics over all tenants", func(tx pgx.Tx) error {
		if err := readMetrics(ctx, tx, days, &m); err != nil {
			return err
		}
		drafts, err := desk.DraftsSince(ctx, tx, time.Now().AddDate(0, 0, -days))
		if err != nil {
			return err
		}
		m.Drafts.Offered, m.Drafts.Used, m.Drafts.Edited, m.Drafts.Ignored = drafts.Offered, drafts.Used, drafts.Edited, drafts.Ignored
		return readUsage(ctx, tx, days, &m)
	})
	if err != nil {
		return nil, err
	}
	m.Intents, m.ByDay = list(m.Intents), list(m.ByDay)
	return GetMetrics200JSONResponse(m), nil
}

// readAdoption is how many organisations use the portal, and how fast they go live.
func readAdoption(ctx context.Context, tx pgx.Tx, m *Metrics) error {
	return tx.QueryRow(ctx, `
		with here as (select id from tenants where lifecycle_state in ('active', 'live'))
		select (select count(*) from here),
		  (select count(*) from here t where exists (select from messages m where m.tenant_id = t.id and m.author_kind = 'customer' and m.created_at > now() - interval '7 days')
		     or exists (select from sessions s where s.tenant_id = t.id and s.last_seen_at > now() - interval '7 days')),
		  (select percentile_cont(0.5) within group (order by actual_go_live - start_date) from projects where actual_go_live is not null)`).
		Scan(&m.Tenants, &m.TenantsWeekly, &m.DaysToGoLive)
}

// readUsage is what people use, in words of counted.
func readUsage(ctx context.Context, tx pgx.Tx, days int, m *Metrics) error {
	rows, err := usage.Since(ctx, tx, time.Now().UTC().AddDate(0, 0, -days))
	if err != nil {
		return err
	}
	used := make([]struct {
		Action  string `json:"action"`
		Count   int64  `json:"count"`
		Tenants int    `json:"tenants"`
	}, len(rows))
	for i, r := range rows {
		used[i].Action, used[i].Count, used[i].Tenants = r.Action, r.Count, r.Tenants
	}
	m.Usage = &used
	return nil
}

func readMetrics(ctx context.Context, tx pgx.Tx, days int, m *Metrics) error {
	since := time.Now().AddDate(0, 0, -days)
	var p50, p95 float32
	err := tx.QueryRow(ctx, `
		with recent as (select tenant_id, id from conversations where created_at >= $1 and last_seq > 0),
		answered as (select * from decisions where created_at >= $1 and outcome <> 'ignored')
		select (select count(*) from recent),
		  (select count(*) from recent c where not exists (select from messages m where m.tenant_id = c.tenant_id and m.conversation_id = c.id and m.author_kind = 'agent')
		     and not exists (select from tickets t where t.tenant_id = c.tenant_id and t.conversation_id = c.id)),
		  (select count(distinct conversation_id) from answered where outcome = 'escalated'),
		  coalesce((select avg((route = 'status')::int) from answered), 0),
		  (select count(*) from feedback where updated_at >= $1 and vote = 'helpful'),
		  (select count(*) from feedback where updated_at >= $1 and vote = 'not_helpful'),
		  coalesce((select percentile_cont(0.5) within group (order by duration_ms) from answered), 0),
		  coalesce((select percentile_cont(0.95) within group (order by duration_ms) from answered), 0)`, since).
		Scan(&m.Conversations, &m.Automated, &m.Escalated, &m.StatusShare, &m.Helpful, &m.NotHelpful, &p50, &p95)
	if err != nil {
		return err
	}
	m.P50Ms, m.P95Ms = &p50, &p95
	if err := readAdoption(ctx, tx, m); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select outcome, count(*) from decisions where created_at >= $1 group by 1`, since)
	if err != nil {
		return err
	}
	var name string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error { m.Outcomes[name] = n; return nil }); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `select coalesce(corrected_intent, intent) as intent, count(*) as count from classifications
		where created_at >= $1 group by 1 order by 2 desc, 1 limit 30`, since)
	if err != nil {
		return err
	}
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		m.Intents = append(m.Intents, struct {
			Count  int    `json:"count"`
			Intent string `json:"intent"`
		}{n, name})
		return nil
	}); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `select d.day::date, (select count(*) from conversations c where c.created_at >= d.day and c.created_at < d.day + interval '1 day' and c.last_seq > 0),
		(select count(*) from escalations e where e.created_at >= d.day and e.created_at < d.day + interval '1 day')
		from generate_series(date_trunc('day', $1::timestamptz), now(), interval '1 day') d(day) order by 1`, since)
	if err != nil {
		return err
	}
	var day time.Time
	var escalated int
	_, err = pgx.ForEachRow(rows, []any{&day, &n, &escalated}, func() error {
		m.ByDay = append(m.ByDay, struct {
			Conversations int                `json:"conversations"`
			Day           openapi_types.Date `json:"day"`
			Escalated     int                `json:"escalated"`
		}{n, openapi_types.Date{Time: day}, escalated})
		return nil
	})
	return err
}
