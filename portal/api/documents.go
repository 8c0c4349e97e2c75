package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
)

// Reviewer decides about uploads, and tells who has to know.
type Reviewer interface {
	Review(ctx context.Context, tenant uuid.UUID, r document.Review) error
}

// asker is the caller as the onboarding record knows them.
func asker(a triage.Actor) onboarding.Asker {
	return onboarding.Asker{TenantID: a.TenantID, UserID: a.ID, Roles: a.Roles, Departments: a.Departments, Locale: a.Locale, TimeZone: a.TimeZone}
}

// ListDocuments lists what was asked for and sent, as the caller may see it.
func (s *Server) ListDocuments(ctx context.Context, _ ListDocumentsRequestObject) (ListDocumentsResponseObject, error) {
	if s.Documents == nil {
		return nil, problem.NotFound()
	}
	limit, types := s.Documents.Limits()
	out := DocumentList{Documents: []Document{}, MaxBytes: limit, Types: types}
	err := s.App.WithTenant(ctx, actor(ctx).TenantID, func(tx pgx.Tx) error {
		record, err := onboarding.Load(ctx, tx, actor(ctx).TenantID, onboarding.PartPapers)
		if errors.Is(err, onboarding.ErrNoProject) {
			return nil // nothing is asked for
		}
		if err != nil {
			return err
		}
		for _, d := range record.View(asker(actor(ctx)), time.Now()).Documents {
			wire, err := wireDocument(d)
			if err != nil {
				return err
			}
			out.Documents = append(out.Documents, wire)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ListDocuments200JSONResponse(out), nil
}

func wireDocument(d onboarding.ViewDocument) (Document, error) {
	out := Document{ID: d.ID, Title: d.Title, State: DocumentState(d.State), Final: d.Final, Open: document.Accepts(d.State), Versions: make([]DocumentVersion, len(d.Versions))}
	if d.Due != "" {
		due, err := time.Parse(time.DateOnly, d.Due)
		if err != nil {
			return Document{}, err
		}
		out.Due = &openapi_types.Date{Time: due}
	}
	for i, v := range d.Versions {
		out.Versions[i] = DocumentVersion{
			ID: v.ID, Number: v.Number, FileName: v.FileName, ScanState: DocumentVersionScanState(v.ScanState), ReviewState: DocumentVersionReviewState(v.ReviewState),
			UploadedAt: v.UploadedAt, ReviewedAt: v.ReviewedAt, Message: some(v.Message), Available: v.Available,
		}
	}
	return out, nil
}

func wireVersion(v document.Version) DocumentVersion {
	return DocumentVersion{
		ID: v.ID, Number: v.Number, FileName: v.FileName, ScanState: DocumentVersionScanState(v.ScanState),
		ReviewState: DocumentVersionReviewState(v.ReviewState), UploadedAt: v.UploadedAt, Available: v.ScanState == "clean" && v.Size > 0,
	}
}

// UploadDocument takes a file in.
func (s *Server) UploadDocument(ctx context.Context, r UploadDocumentRequestObject) (UploadDocumentResponseObject, error) {
	if s.Documents == nil {
		return nil, problem.NotFound()
	}
	release, err := s.transfers.take(actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	defer release()
	version, err := s.Documents.Upload(ctx, asker(actor(ctx)), r.ID, r.Params.FileName, r.Body)
	if err != nil {
		return nil, err
	}
	return UploadDocument201JSONResponse(wireVersion(version)), nil
}

// DownloadDocument hands a file out that was checked.
func (s *Server) DownloadDocument(ctx context.Context, r DownloadDocumentRequestObject) (DownloadDocumentResponseObject, error) {
	if s.Documents == nil {
		return nil, problem.NotFound()
	}
	return s.file(ctx, s.Documents, asker(actor(ctx)), r.ID)
}

// ListPendingDocuments lists what waits for a review.
func (s *Server) ListPendingDocuments(ctx context.Context, r ListPendingDocumentsRequestObject) (ListPendingDocumentsResponseObject, error) {
	var pending []document.Pending
	err := s.Worker.WithSystem(ctx, "staff review documents of all tenants", func(tx pgx.Tx) (err error) {
		pending, err = document.ListPending(ctx, tx, triage.Page{Limit: value(r.Params.Limit)}.Size())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := PendingDocumentList{Documents: make([]PendingDocument, len(pending))}
	for i, p := range pending {
		out.Documents[i] = PendingDocument{
			Tenant: Tenant{ID: p.TenantID, Name: p.TenantName, Slug: p.TenantSlug}, Title: p.Title, UploadedBy: some(p.UploadedBy),
			ContentType: p.Version.ContentType, Size: p.Version.Size, Version: wireVersion(p.Version),
		}
	}
	return ListPendingDocuments200JSONResponse(out), nil
}

// DownloadPendingDocument hands a file out to staff.
func (s *Server) DownloadPendingDocument(ctx context.Context, r DownloadPendingDocumentRequestObject) (DownloadPendingDocumentResponseObject, error) {
	if s.AllDocuments == nil {
		return nil, problem.NotFound()
	}
	return s.file(ctx, s.AllDocuments, onboarding.Asker{TenantID: r.Tenant, All: true}, r.ID)
}

// ReviewDocument decides about an upload.
func (s *Server) ReviewDocument(ctx context.Context, r ReviewDocumentRequestObject) (ReviewDocumentResponseObject, error) {
	if s.Reviews == nil {
		return nil, problem.NotFound()
	}
	err := s.Reviews.Review(ctx, r.Tenant, document.Review{
		Version: r.ID, Accept: r.Body.Accept, Codes: value(r.Body.Codes), Message: value(r.Body.Message), Comment: value(r.Body.Comment),
		Reviewer: actor(ctx).ID, At: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	return ReviewDocument204Response{}, nil
}

// file answers with a document's bytes, or with the address they are at.
func (s *Server) file(ctx context.Context, documents *document.Service, who onboarding.Asker, id uuid.UUID) (fileResponse, error) {
	content, err := documents.Download(ctx, who, id)
	return fileResponse{content}, err
}

type fileResponse struct{ content blob.Content }

func (r fileResponse) VisitDownloadDocumentResponse(w http.ResponseWriter) error { return r.write(w) }
func (r fileResponse) VisitDownloadPendingDocumentResponse(w http.ResponseWriter) error {
	return r.write(w)
}
func (r fileResponse) VisitDownloadAttachmentResponse(w http.ResponseWriter) error { return r.write(w) }
func (r fileResponse) VisitDownloadAgentAttachmentResponse(w http.ResponseWriter) error {
	return r.write(w)
}

// write never lets a browser show the file in place: it is a customer's.
func (r fileResponse) write(w http.ResponseWriter) error {
	header := w.Header()
	if r.content.Body == nil {
		header.Set("Location", r.content.URL)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	defer r.content.Body.Close()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Length", strconv.FormatInt(r.content.Size, 10))
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": r.content.FileName}))
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(w, r.content.Body); err != nil {
		panic(http.ErrAbortHandler) // the caller must see that it is not whole
	}
	return nil
}
