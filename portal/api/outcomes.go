package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/usage"
	"github.com/usherdesk/usher/triage/outcome"
)

// GetOutcomes counts what became of conversations, from their events.
func (s *Server) GetOutcomes(ctx context.Context, r GetOutcomesRequestObject) (GetOutcomesResponseObject, error) {
	days, now := value(r.Params.Days), time.Now()
	if days < 1 || days > 365 {
		days = 90
	}
	from, tenant := now.AddDate(0, 0, -days), value(r.Params.Tenant)
	if string(value(r.Params.Format)) == "csv" {
		return outcomesCSV{s, ctx, from, now, tenant}, nil
	}
	var sum outcome.Summary
	names := map[string]string{}
	var spent []usage.Spent
	err := s.Worker.WithSystem(ctx, "a curator looks at outcomes", func(tx pgx.Tx) (err error) {
		if sum, err = outcome.Summarize(ctx, tx, from, now, tenant, now); err != nil {
			return err
		}
		if names, err = tenantNames(ctx, tx); err == nil && tenant == uuid.Nil {
			spent, err = usage.SpentSince(ctx, tx, from)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := GetOutcomes200JSONResponse{
		Days: days, Total: wireCounts(outcome.Line{Name: "total", Counts: sum.Counts}), Definitions: outcome.Definitions,
		Weeks: wireLines(sum.Weeks), Intents: wireLines(sum.Intents), Tenants: wireLines(sum.Tenants), Channels: wireLines(sum.Channels),
	}
	for i, t := range out.Tenants {
		out.Tenants[i].Name = names[t.Name]
	}
	for _, f := range sum.Features {
		out.Features = append(out.Features, struct {
			CostUsd      float64 `json:"cost_usd"`
			OutputTokens int64   `json:"output_tokens"`
			PromptTokens int64   `json:"prompt_tokens"`
			Route        string  `json:"route"`
			Runs         int     `json:"runs"`
		}{float64(f.MicroUSD) / 1e6, f.OutputTokens, f.PromptTokens, f.Route, f.Runs})
	}
	out.Features = list(out.Features)
	if tenant == uuid.Nil {
		models := make([]ModelSpending, len(spent))
		for i, m := range spent {
			models[i] = ModelSpending{
				Purpose: m.Purpose, Model: m.Model, Calls: m.Calls, PromptTokens: m.PromptTokens, OutputTokens: m.OutputTokens, CostUsd: float64(m.MicroUSD) / 1e6,
			}
		}
		out.Models = &models
	}
	return out, nil
}

func tenantNames(ctx context.Context, tx pgx.Tx) (map[string]string, error) {
	rows, err := tx.Query(ctx, `select id::text, name from tenants`)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	var id, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error { names[id] = name; return nil })
	return names, err
}

func wireLines(lines []outcome.Line) []OutcomeCounts {
	out := make([]OutcomeCounts, len(lines))
	for i, l := range lines {
		out[i] = wireCounts(l)
	}
	return out
}

func wireCounts(l outcome.Line) OutcomeCounts {
	return OutcomeCounts{
		Name: l.Name, Asked: l.Asked, Confirmed: l.Of[outcome.Confirmed], Assumed: l.Of[outcome.Assumed], Reopened: l.Of[outcome.Reopened],
		Escalated: l.Of[outcome.Escalated], Wrong: l.Of[outcome.Wrong], Waiting: l.Of[outcome.Waiting], Unanswered: l.Of[outcome.Unanswered],
		PeopleConfirmed: l.PeopleConfirmed, PeopleAssumed: l.PeopleAssumed, PeopleLinked: l.PeopleLinked, PeopleReopened: l.PeopleReopened, Direct: l.Direct,
		Tokens: l.Tokens, CostUsd: float64(l.MicroUSD) / 1e6,
	}
}

// outcomesCSV writes the same as lines for other programs to read.
type outcomesCSV struct {
	server   *Server
	ctx      context.Context //nolint:containedctx // the strict interface hands the writer over without one
	from, to time.Time
	tenant   uuid.UUID
}

// VisitGetOutcomesResponse implements GetOutcomesResponseObject.
func (r outcomesCSV) VisitGetOutcomesResponse(w http.ResponseWriter) error {
	name := fmt.Sprintf("outcomes-%s.csv", r.to.UTC().Format(time.DateOnly))
	return r.server.download(r.ctx, w, "text/csv; charset=utf-8; header=present", name, func(out io.Writer) error {
		return r.server.Worker.WithSystem(r.ctx, "outcomes as a file", func(tx pgx.Tx) error {
			return outcome.WriteCSV(r.ctx, tx, r.from, r.to, r.tenant, r.to, out)
		})
	})
}
