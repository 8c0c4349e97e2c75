package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/export"
	"github.com/usherdesk/usher/portal/problem"
)

// ExportData writes the caller's organisation's rows as they are read.
func (s *Server) ExportData(ctx context.Context, r ExportDataRequestObject) (ExportDataResponseObject, error) {
	who := actor(ctx)
	q := export.Query{TenantID: who.TenantID, Section: string(r.Section), Format: "csv", Departments: who.Departments}
	if export.ForAdmins(q.Section) && !who.HasRole("admin") {
		return nil, problem.NotFound()
	}
	if r.Params.Format != nil {
		q.Format = string(*r.Params.Format)
	}
	if r.Params.From != nil {
		q.From = r.Params.From.Time
	}
	if r.Params.To != nil {
		q.To = r.Params.To.AddDate(0, 0, 1) // the last day is meant to be in
	}
	return exportResponse{s, ctx, q}, nil
}

type exportResponse struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the strict interface hands the writer over without one
	query  export.Query
}

// VisitExportDataResponse implements ExportDataResponseObject. What fails before
// the first byte becomes a problem; later the connection is cut, so that nobody
// takes a part for the whole.
func (r exportResponse) VisitExportDataResponse(w http.ResponseWriter) error {
	release, err := r.server.transfers.take(principal(r.ctx).Actor.ID)
	if err != nil {
		return err
	}
	defer release()
	out := &lateHeader{w: w, head: func(h http.Header) {
		kind := "text/csv; charset=utf-8; header=present"
		if r.query.Format == "json" {
			kind = "application/json"
		}
		h.Set("Content-Type", kind)
		h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.%s"`, r.query.Section, time.Now().UTC().Format(time.DateOnly), r.query.Format))
	}}
	err = r.server.App.WithTenant(r.ctx, r.query.TenantID, func(tx pgx.Tx) error {
		// Who took data out is kept with the data.
		if _, err := tx.Exec(r.ctx, `insert into audit_events (tenant_id, id, actor_kind, actor_id, action, object) values ($1, $2, 'customer', $3, 'data.exported', $4)`,
			r.query.TenantID, uuid.Must(uuid.NewV7()), principal(r.ctx).Actor.ID.String(), r.query.Section); err != nil {
			return fmt.Errorf("note an export: %w", err)
		}
		_, err := export.Write(r.ctx, tx, r.query, out)
		return err
	})
	if err != nil && out.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// lateHeader sends the header with the first byte.
type lateHeader struct {
	w     http.ResponseWriter
	head  func(http.Header)
	begun bool
}

func (l *lateHeader) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.head(l.w.Header())
		l.w.WriteHeader(http.StatusOK)
	}
	return l.w.Write(p)
}
