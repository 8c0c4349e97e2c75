package api

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding/export"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
)

// ExportData writes the caller's organisation's rows as they are read.
func (s *Server) ExportData(ctx context.Context, r ExportDataRequestObject) (ExportDataResponseObject, error) {
	who := actor(ctx)
	q := exportQuery(who.TenantID, r.Section, r.Params.Format, r.Params.From, r.Params.To)
	q.Departments = who.Departments
	if export.ForAdmins(q.Section) && !who.HasRole("admin") {
		return nil, problem.NotFound()
	}
	return exportResponse{s, ctx, s.App, q}, nil
}

// ExportTenantData writes a tenant's rows, of every department, for staff.
func (s *Server) ExportTenantData(ctx context.Context, r ExportTenantDataRequestObject) (ExportTenantDataResponseObject, error) {
	if export.ForAdmins(string(r.Section)) {
		return nil, problem.NotFound() // the organisation's own people only
	}
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) error {
		_, err := lifecycle.StateOf(ctx, tx, r.Tenant)
		return err
	})
	if err != nil {
		return nil, err
	}
	q := exportQuery(r.Tenant, r.Section, r.Params.Format, r.Params.From, r.Params.To)
	q.All = true
	return exportResponse{s, ctx, s.Worker, q}, nil
}

func exportQuery(tenant uuid.UUID, section ExportSection, format *ExportFormatName, from, to *openapi_types.Date) export.Query {
	q := export.Query{TenantID: tenant, Section: string(section), Format: "csv"}
	if format != nil {
		q.Format = string(*format)
	}
	if from != nil {
		q.From = from.Time
	}
	if to != nil {
		q.To = to.AddDate(0, 0, 1) // the last day is meant to be in
	}
	return q
}

type exportResponse struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the strict interface hands the writer over without one
	db     *tenantdb.DB
	query  export.Query
}

// VisitExportTenantDataResponse implements ExportTenantDataResponseObject.
func (r exportResponse) VisitExportTenantDataResponse(w http.ResponseWriter) error {
	return r.VisitExportDataResponse(w)
}

// VisitExportDataResponse implements ExportDataResponseObject.
func (r exportResponse) VisitExportDataResponse(w http.ResponseWriter) error {
	kind := "text/csv; charset=utf-8; header=present"
	if r.query.Format == "json" {
		kind = "application/json"
	}
	name := fmt.Sprintf("%s-%s.%s", r.query.Section, time.Now().UTC().Format(time.DateOnly), r.query.Format)
	return r.server.download(r.ctx, w, kind, name, func(out io.Writer) error {
		return r.db.WithTenant(r.ctx, r.query.TenantID, func(tx pgx.Tx) error {
			detail := map[string]any{"format": r.query.Format}
			if err := triage.Audit(r.ctx, tx, r.query.TenantID, actor(r.ctx), "data.exported", r.query.Section, detail); err != nil {
				return err
			}
			_, err := export.Write(r.ctx, tx, r.query, out)
			return err
		})
	})
}

// download sends what write writes as a file. What fails before the first byte
// becomes a problem; later the connection is cut, so that nobody takes a part
// for the whole.
func (s *Server) download(ctx context.Context, w http.ResponseWriter, kind, name string, write func(io.Writer) error) error {
	release, err := s.transfers.take(principal(ctx).Actor.ID)
	if err != nil {
		return err
	}
	defer release()
	out := &lateHeader{w: w, head: func(h http.Header) {
		h.Set("Content-Type", kind)
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	}}
	err = write(out)
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
