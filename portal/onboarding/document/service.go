package document

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/blob"
)

// The errors callers branch on, beside those of package blob.
var (
	ErrNotFound   = errors.New("document not found")
	ErrClosed     = errors.New("this document is not asked for any more")
	ErrBadReview  = errors.New("the review is not valid")
	ErrSuperseded = errors.New("a newer version has been uploaded")
)

// Config of a Service.
type Config struct {
	MaxBytes int64    // default 25 MiB
	Types    []string // accepted by content; default documents, sheets and images
}

var usualTypes = []string{
	"application/pdf", "image/png", "image/jpeg", "image/tiff", "image/heic", "text/plain", "text/csv",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/pkcs7-signature",
}

// Service takes uploads in. Scanner may be nil.
type Service struct {
	db      *tenantdb.DB
	blobs   blob.Store
	scanner blob.Scanner
	config  Config
	jobs    Jobs
}

// Jobs inserts the job that scans an upload; *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// New returns a Service. Without jobs nothing asks for a scan by itself.
func New(db *tenantdb.DB, blobs blob.Store, scanner blob.Scanner, jobs Jobs, config Config) *Service {
	config.MaxBytes = cmp.Or(config.MaxBytes, 25<<20)
	if len(config.Types) == 0 {
		config.Types = usualTypes
	}
	return &Service{db: db, blobs: blobs, scanner: scanner, config: config, jobs: jobs}
}

// Limits are what to tell people before they choose a file.
func (s *Service) Limits() (maxBytes int64, types []string) {
	return s.config.MaxBytes, slices.Clone(s.config.Types)
}

// Forget deletes stored bytes whose rows are gone.
func (s *Service) Forget(ctx context.Context, keys []string) error {
	var failed []error
	for _, key := range keys {
		if err := s.blobs.Delete(ctx, key); err != nil {
			failed = append(failed, fmt.Errorf("forget a document: %w", err))
		}
	}
	return errors.Join(failed...)
}

// Version is one upload.
type Version struct {
	ID          uuid.UUID `json:"id" db:"id"`
	RequestID   uuid.UUID `json:"request_id" db:"request_id"`
	Number      int       `json:"number" db:"version_no"`
	FileName    string    `json:"file_name" db:"file_name"`
	ContentType string    `json:"content_type" db:"content_type"`
	Size        int64     `json:"size" db:"size_bytes"`
	ScanState   string    `json:"scan_state" db:"scan_state"`
	ReviewState string    `json:"review_state" db:"review_state"`
	UploadedAt  time.Time `json:"uploaded_at" db:"uploaded_at"`
}

const versionColumns = `id, request_id, version_no, file_name, content_type, size_bytes, scan_state, review_state, uploaded_at`

// Accepts is whether a request in a state takes an upload.
func Accepts(state string) bool { return state != "accepted" && state != "waived" }

// Upload stores a file as the request's next version. Sending the bytes of the
// latest version again changes nothing and returns it. It runs on either role.
func (s *Service) Upload(ctx context.Context, asker onboarding.Asker, request uuid.UUID, fileName string, body io.Reader) (Version, error) {
	id := uuid.Must(uuid.NewV7())
	key := path.Join("tenants", asker.TenantID.String(), "documents", request.String(), id.String())
	// First a look, so that nothing is stored for what does not exist.
	if err := s.db.WithTenant(ctx, asker.TenantID, func(tx pgx.Tx) error {
		if _, err := s.request(ctx, tx, asker, request, false); err != nil {
			return err
		}
		return blob.Begin(ctx, tx, asker.TenantID, key)
	}); err != nil {
		return Version{}, fmt.Errorf("upload document: %w", err)
	}
	file, err := blob.Take(ctx, s.blobs, key, body, blob.Limits{MaxBytes: s.config.MaxBytes, Types: s.config.Types})
	if err != nil {
		return Version{}, fmt.Errorf("upload document: %w", err)
	}
	version, err := s.record(ctx, asker, request, id, key, blob.CleanName(fileName, "document"), file)
	if err != nil || version.ID != id { // refused, or the same bytes as before
		_ = s.blobs.Delete(context.WithoutCancel(ctx), key)
	}
	if err != nil {
		return Version{}, fmt.Errorf("upload document: %w", err)
	}
	return version, nil
}

// request finds what is asked for, as the asker may see it.
func (s *Service) request(ctx context.Context, tx pgx.Tx, asker onboarding.Asker, id uuid.UUID, lock bool) (state string, err error) {
	query := `select state, department from document_requests where tenant_id = $1 and id = $2`
	if lock {
		query += ` for update`
	}
	var department string
	err = tx.QueryRow(ctx, query, asker.TenantID, id).Scan(&state, &department)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && !asker.Sees(department):
		return "", ErrNotFound
	case err != nil:
		return "", err
	case !Accepts(state):
		return "", ErrClosed
	}
	return state, nil
}

func (s *Service) record(ctx context.Context, asker onboarding.Asker, request, id uuid.UUID, key, name string, file blob.Taken) (version Version, err error) {
	scan := blob.NotScanned
	if s.scanner != nil {
		scan = blob.Pending
	}
	err = s.db.WithTenant(ctx, asker.TenantID, func(tx pgx.Tx) error {
		if _, err := s.request(ctx, tx, asker, request, true); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select `+versionColumns+` from document_versions v where tenant_id = $1 and request_id = $2 and sha256 = $3
			and version_no = (select max(version_no) from document_versions where tenant_id = $1 and request_id = $2)`, asker.TenantID, request, file.Sum)
		if err != nil {
			return err
		}
		if version, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Version]); err == nil || !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		rows, err = tx.Query(ctx, `insert into document_versions (tenant_id, id, request_id, version_no, file_name, content_type, size_bytes, sha256, storage_key, uploaded_by, uploaded_at, scan_state)
			values ($1, $2, $3, (select coalesce(max(version_no), 0) + 1 from document_versions where tenant_id = $1 and request_id = $3), $4, $5, $6, $7, $8, $9, now(), $10)
			returning `+versionColumns, asker.TenantID, id, request, name, file.ContentType, file.Size, file.Sum, key, person(asker), scan)
		if err != nil {
			return err
		}
		if version, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Version]); err != nil {
			return err
		}
		if err := blob.Keep(ctx, tx, asker.TenantID, key); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update document_requests set state = 'received' where tenant_id = $1 and id = $2`, asker.TenantID, request); err != nil {
			return err
		}
		if s.scanner != nil && s.jobs != nil {
			if _, err := s.jobs.InsertTx(ctx, tx, ScanArgs{asker.TenantID, id}, nil); err != nil {
				return err
			}
		}
		_, err = onboarding.Append(ctx, tx, asker.TenantID, "document", request, "document.received")
		return err
	})
	return version, err
}

func person(a onboarding.Asker) *uuid.UUID {
	if a.UserID == uuid.Nil {
		return nil
	}
	return &a.UserID
}

// Download hands a version out when the asker may see it and it is scanned clean.
func (s *Service) Download(ctx context.Context, asker onboarding.Asker, id uuid.UUID) (blob.Content, error) {
	var out blob.Content
	var key, department, scan string
	err := s.db.WithTenant(ctx, asker.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select v.file_name, v.content_type, v.size_bytes, v.scan_state, v.storage_key, r.department
			from document_versions v join document_requests r on r.tenant_id = v.tenant_id and r.id = v.request_id
			where v.tenant_id = $1 and v.id = $2`, asker.TenantID, id).Scan(&out.FileName, &out.ContentType, &out.Size, &scan, &key, &department)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && (!asker.Sees(department) || key == ""):
		return blob.Content{}, ErrNotFound
	case err != nil:
		return blob.Content{}, fmt.Errorf("download document: %w", err)
	case scan != blob.Clean:
		return blob.Content{}, blob.ErrHeld
	}
	if out, err = blob.HandOut(ctx, s.blobs, key, out); err != nil {
		return blob.Content{}, fmt.Errorf("download document: %w", err)
	}
	return out, nil
}
