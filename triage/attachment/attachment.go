package attachment

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
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
)

// The errors callers branch on, beside those of package blob.
var (
	ErrNotFound    = errors.New("attachment not found")
	ErrTaken       = errors.New("the file is part of a message already")
	ErrTooMany     = errors.New("too many files in one message")
	ErrManyWaiting = errors.New("too many files wait to be sent")
	ErrNoScanner   = errors.New("files for customers need a virus check, and none is set up")
	ErrInfected    = errors.New("the file did not pass the virus check")
	ErrUnconfirmed = errors.New("the file has not been checked for viruses")
)

// Where a file came from.
const (
	FromPortal  = "portal"
	FromConsole = "console"
	FromEmail   = "email"
	FromSlack   = "slack"
)

// PerMessage is how many files one message carries.
const PerMessage = 10

// waitingAtMost is how many files somebody may have uploaded and not sent.
const waitingAtMost = 30

// Config of a Service.
type Config struct {
	MaxBytes int64    // of one file; default 25 MiB
	Types    []string // accepted by content; default documents, sheets, slides, images and texts
	// Unscanned lets files through to customers that nothing looked at, where no
	// scanner is set up. They are labelled so.
	Unscanned bool
	// Tell, which may be nil, hears in the same transaction of an internal message
	// that says a file was removed.
	Tell func(ctx context.Context, tx pgx.Tx, m triage.Message) error
	// Checked, which may be nil, hears in the same transaction that a file of a
	// message was found clean.
	Checked func(ctx context.Context, tx pgx.Tx, tenant, message uuid.UUID) error
}

var usualTypes = []string{
	"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "image/heic", "text/plain", "text/csv", "application/json",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.presentation",
}

// Jobs inserts the job that scans a file; *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Service takes files in and hands them out. Scanner may be nil.
type Service struct {
	db      *tenantdb.DB
	blobs   blob.Store
	scanner blob.Scanner
	jobs    Jobs
	config  Config
	wake    func(tenant, conversation uuid.UUID)
}

// New returns a Service on the app's or the worker's role. wake, which may be
// nil, is told which conversation changed.
func New(db *tenantdb.DB, blobs blob.Store, scanner blob.Scanner, jobs Jobs, wake func(tenant, conversation uuid.UUID), config Config) *Service {
	config.MaxBytes = cmp.Or(config.MaxBytes, 25<<20)
	if len(config.Types) == 0 {
		config.Types = usualTypes
	}
	if wake == nil {
		wake = func(_, _ uuid.UUID) {}
	}
	return &Service{db: db, blobs: blobs, scanner: scanner, jobs: jobs, config: config, wake: wake}
}

// Limits are what to tell people before they choose a file.
type Limits struct {
	MaxBytes   int64
	PerMessage int
	Types      []string
	Scanned    bool // files are checked for viruses
	ToCustomer bool // files can be sent to customers
}

// Limits are what to tell people before they choose a file.
func (s *Service) Limits() Limits {
	return Limits{
		MaxBytes: s.config.MaxBytes, PerMessage: PerMessage, Types: slices.Clone(s.config.Types),
		Scanned: s.scanner != nil, ToCustomer: s.scanner != nil || s.config.Unscanned,
	}
}

// Incoming is a file somebody sends.
type Incoming struct {
	Tenant       uuid.UUID
	By           triage.Actor
	Conversation uuid.UUID // zero: the message that carries it says which
	Source       string
	Ref          string // its id at the source: sent twice, stored once
	Name         string
	Body         io.Reader
}

// File is one attachment.
type File struct {
	triage.Attachment
	TenantID       uuid.UUID
	ConversationID *uuid.UUID
	MessageID      *uuid.UUID
	UploaderKind   triage.ActorKind
	UploaderID     *uuid.UUID
	CreatedAt      time.Time

	key string
}

const fileColumns = `tenant_id, id, conversation_id, message_id, uploader_kind, uploader_id, file_name, content_type, size_bytes, scan_state, storage_key, created_at`

func scanFile(row pgx.CollectableRow) (f File, err error) {
	err = row.Scan(&f.TenantID, &f.ID, &f.ConversationID, &f.MessageID, &f.UploaderKind, &f.UploaderID, &f.Name, &f.ContentType, &f.Size, &f.State, &f.key, &f.CreatedAt)
	return f, err
}

// of is who a file belongs to before it is sent.
func of(a triage.Actor) (kind triage.ActorKind, id *uuid.UUID) {
	if a.ID != uuid.Nil {
		id = &a.ID
	}
	if a.Staff() {
		return triage.ActorStaff, id
	}
	return triage.ActorCustomer, id
}

// Upload stores a file. It is its uploader's until a message carries it.
func (s *Service) Upload(ctx context.Context, in Incoming) (File, error) {
	if in.By.Staff() && !s.Limits().ToCustomer {
		return File{}, ErrNoScanner
	}
	id := uuid.Must(uuid.NewV7())
	key := pathOf(in.Tenant, id)
	known := File{}
	err := s.db.WithTenant(ctx, in.Tenant, func(tx pgx.Tx) (err error) {
		if known, err = s.bySource(ctx, tx, in); err == nil || !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := s.room(ctx, tx, in); err != nil {
			return err
		}
		return blob.Begin(ctx, tx, in.Tenant, key)
	})
	if err != nil || known.ID != uuid.Nil {
		return known, wrap("upload attachment", err)
	}
	taken, err := blob.Take(ctx, s.blobs, key, in.Body, blob.Limits{MaxBytes: s.config.MaxBytes, Types: s.config.Types})
	if err != nil {
		return File{}, wrap("upload attachment", err)
	}
	file, err := s.record(ctx, in, id, key, taken)
	if err != nil || file.ID != id { // refused, or stored by another try
		_ = s.blobs.Delete(context.WithoutCancel(ctx), key)
	}
	return file, wrap("upload attachment", err)
}

func pathOf(tenant, id uuid.UUID) string {
	return path.Join("tenants", tenant.String(), "attachments", id.String())
}

func (s *Service) bySource(ctx context.Context, tx pgx.Tx, in Incoming) (File, error) {
	if in.Ref == "" {
		return File{}, ErrNotFound
	}
	return one(ctx, tx, `select `+fileColumns+` from attachments where tenant_id = $1 and source_ref = $2`, in.Tenant, in.Source+":"+in.Ref)
}

// room refuses an uploader who piles up files without sending them.
func (s *Service) room(ctx context.Context, tx pgx.Tx, in Incoming) error {
	kind, id := of(in.By)
	if id == nil {
		return nil // mail: bound in the same job
	}
	var waiting int
	err := tx.QueryRow(ctx, `select count(*) from attachments where tenant_id = $1 and uploader_kind = $2 and uploader_id = $3 and message_id is null`, in.Tenant, kind, id).Scan(&waiting)
	if err == nil && waiting >= waitingAtMost {
		err = ErrManyWaiting
	}
	return err
}

func (s *Service) record(ctx context.Context, in Incoming, id uuid.UUID, key string, taken blob.Taken) (file File, err error) {
	state := blob.NotScanned
	if s.scanner != nil {
		state = blob.Pending
	}
	var conversation *uuid.UUID
	if in.Conversation != uuid.Nil {
		conversation = &in.Conversation
	}
	var ref *string
	if in.Ref != "" {
		text := in.Source + ":" + in.Ref
		ref = &text
	}
	kind, uploader := of(in.By)
	err = s.db.WithTenant(ctx, in.Tenant, func(tx pgx.Tx) error {
		file, err = one(ctx, tx, `insert into attachments (tenant_id, id, conversation_id, uploader_kind, uploader_id, source, source_ref, file_name, content_type, size_bytes, sha256, storage_key, scan_state)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (tenant_id, source_ref) do nothing returning `+fileColumns,
			in.Tenant, id, conversation, kind, uploader, in.Source, ref, blob.CleanName(in.Name, "file"), taken.ContentType, taken.Size, taken.Sum, key, state)
		if errors.Is(err, ErrNotFound) && ref != nil {
			file, err = s.bySource(ctx, tx, in)
			return err
		}
		if err != nil {
			return err
		}
		if err := blob.Keep(ctx, tx, in.Tenant, key); err != nil || s.scanner == nil {
			return err
		}
		_, err = s.jobs.InsertTx(ctx, tx, ScanArgs{in.Tenant, id}, nil)
		return err
	})
	return file, err
}

// Discard removes a file its uploader has not sent.
func (s *Service) Discard(ctx context.Context, tenant uuid.UUID, by triage.Actor, id uuid.UUID) error {
	kind, uploader := of(by)
	return wrap("discard attachment", s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		file, err := one(ctx, tx, `delete from attachments where tenant_id = $1 and id = $2 and uploader_kind = $3 and uploader_id = $4 and message_id is null returning `+fileColumns, tenant, id, kind, uploader)
		if errors.Is(err, ErrNotFound) {
			if _, sent := Own(ctx, tx, tenant, by, id); sent == nil {
				return ErrTaken
			}
		}
		if err != nil || file.key == "" {
			return err
		}
		return blob.Drop(ctx, tx, tenant, file.key)
	}))
}

// Own reads a file of the uploader's, sent or not.
func Own(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, by triage.Actor, id uuid.UUID) (File, error) {
	kind, uploader := of(by)
	return one(ctx, tx, `select `+fileColumns+` from attachments where tenant_id = $1 and id = $2 and uploader_kind = $3 and uploader_id = $4`, tenant, id, kind, uploader)
}

// ByID reads a file; who may have it is the caller's to check.
func ByID(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (File, error) {
	return one(ctx, tx, `select `+fileColumns+` from attachments where tenant_id = $1 and id = $2`, tenant, id)
}

func one(ctx context.Context, tx pgx.Tx, query string, args ...any) (File, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return File{}, err
	}
	file, err := pgx.CollectExactlyOneRow(rows, scanFile)
	if errors.Is(err, pgx.ErrNoRows) {
		return File{}, ErrNotFound
	}
	return file, err
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
