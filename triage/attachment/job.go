package attachment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
)

// ScanArgs is the job that has a file scanned.
type ScanArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	ID       uuid.UUID `json:"id"`
}

// Kind names the job.
func (ScanArgs) Kind() string { return "scan_attachment" }

type scanning struct {
	river.WorkerDefaults[ScanArgs]
	service *Service
}

// Work implements river.Worker.
func (w *scanning) Work(ctx context.Context, job *river.Job[ScanArgs]) error {
	err := w.service.Scan(ctx, job.Args.TenantID, job.Args.ID)
	if errors.Is(err, ErrNotFound) {
		return river.JobCancel(err) // dropped meanwhile
	}
	return err
}

// SweepArgs is the job that forgets files nobody sent, and bytes nobody names.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "sweep_files" }

type sweeping struct {
	river.WorkerDefaults[SweepArgs]
	service *Service
}

// Work implements river.Worker.
func (w *sweeping) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	return w.service.Sweep(ctx, time.Now())
}

// AddWorkers registers the jobs. The service is of the worker's role.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &scanning{service: s})
	river.AddWorker(workers, &sweeping{service: s})
}

// PeriodicJobs sweeps every hour.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) {
		return SweepArgs{}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Hour}}
	}, &river.PeriodicJobOpts{RunOnStart: true})}
}

// Scan lets the scanner look at a file and tells the message's readers what it
// says. An infected file loses its bytes. Scanning again is harmless.
func (s *Service) Scan(ctx context.Context, tenant, id uuid.UUID) error {
	if s.scanner == nil {
		return nil // the file says not_scanned
	}
	var file File
	err := s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) (err error) {
		file, err = ByID(ctx, tx, tenant, id)
		return err
	})
	if err != nil || file.key == "" {
		return err
	}
	state, detail, scanErr := blob.ScanKey(ctx, s.blobs, s.scanner, file.key)
	err = s.settle(context.WithoutCancel(ctx), tenant, id, state, detail)
	return wrap("scan attachment", errors.Join(scanErr, err))
}

// settle stores what a scan said. The conversation's row is held before the
// file's, as everybody does who changes what a message carries; a file sent while
// we looked is looked at anew.
func (s *Service) settle(ctx context.Context, tenant, id uuid.UUID, state, detail string) error {
	var file File
	for again := true; again; {
		err := s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) (err error) {
			seen, err := ByID(ctx, tx, tenant, id)
			if err != nil {
				return err
			}
			if seen.MessageID != nil {
				if _, err := triage.LockConversation(ctx, tx, tenant, *seen.ConversationID); err != nil {
					return err
				}
			}
			file, err = one(ctx, tx, `update attachments set scan_state = $3, scan_detail_internal = left($4, 500), storage_key = case when $3 = 'infected' then '' else storage_key end
				where tenant_id = $1 and id = $2 and message_id is not distinct from $5 returning `+fileColumns, tenant, id, state, detail, seen.MessageID)
			if again = errors.Is(err, ErrNotFound); again || err != nil {
				return ignore(err, again)
			}
			if state == blob.Infected && seen.key != "" {
				if err := s.removed(ctx, tx, file, seen.key, detail); err != nil {
					return err
				}
			}
			if file.MessageID == nil {
				return nil
			}
			if err := triage.SetAttachmentState(ctx, tx, tenant, *file.MessageID, id, state); err != nil || state != blob.Clean || s.config.Checked == nil {
				return err
			}
			return s.config.Checked(ctx, tx, tenant, *file.MessageID)
		})
		if err != nil {
			return err
		}
	}
	if file.MessageID != nil {
		s.wake(tenant, *file.ConversationID)
	}
	return nil
}

func ignore(err error, known bool) error {
	if known {
		return nil
	}
	return err
}

// removed drops an infected file's bytes and tells the people who work on it.
func (s *Service) removed(ctx context.Context, tx pgx.Tx, file File, key, detail string) error {
	if err := blob.Drop(ctx, tx, file.TenantID, key); err != nil {
		return err
	}
	if err := triage.Audit(ctx, tx, file.TenantID, triage.Actor{Kind: triage.ActorSystem}, "attachment.removed", file.ID.String(), map[string]any{"found": detail}); err != nil {
		return err
	}
	if file.MessageID == nil {
		return nil
	}
	from := "the customer's"
	if file.UploaderKind == triage.ActorStaff {
		from = "our"
	}
	m, created, err := triage.InsertMessage(ctx, tx, triage.Message{
		TenantID: file.TenantID, ID: uuid.NewSHA1(file.ID, []byte("removed")), ConversationID: *file.ConversationID, AuthorKind: triage.AuthorSystem, Visibility: triage.Internal,
		Body: fmt.Sprintf("The virus check found %q in %s file %q. It was removed; nobody can open it.", detail, from, file.Name), ClientKey: new("removed:" + file.ID.String()),
	})
	if err != nil || !created || s.config.Tell == nil {
		return err
	}
	return s.config.Tell(ctx, tx, m)
}

// unsent is how long a file may wait for its message.
const unsent = 24 * time.Hour

// Sweep drops files that were never sent, and the bytes no row names.
func (s *Service) Sweep(ctx context.Context, now time.Time) error {
	err := s.db.WithSystem(ctx, "drop files that were never sent", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `with gone as (delete from attachments where message_id is null and created_at < $1 returning tenant_id, storage_key)
			insert into loose_files (tenant_id, storage_key, since) select tenant_id, storage_key, 'epoch' from gone where storage_key <> ''
			on conflict (tenant_id, storage_key) do update set since = excluded.since`, now.Add(-unsent))
		return err
	})
	if err != nil {
		return wrap("sweep attachments", err)
	}
	_, err = blob.Sweep(ctx, s.db, s.blobs, now)
	return err
}
