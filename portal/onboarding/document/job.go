package document

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// ScanArgs is the job that has a version scanned.
type ScanArgs struct {
	TenantID  uuid.UUID `json:"tenant_id"`
	VersionID uuid.UUID `json:"version_id"`
}

// Kind names the job.
func (ScanArgs) Kind() string { return "scan_document" }

// ForgetArgs is the job that deletes the files of an erased workspace.
type ForgetArgs struct {
	Keys []string `json:"keys"`
}

// Kind names the job.
func (ForgetArgs) Kind() string { return "forget_documents" }

type forgetting struct {
	river.WorkerDefaults[ForgetArgs]
	service *Service
}

// Work implements river.Worker. A key that is gone already is no error, so a
// run cut off midway is repeated whole.
func (f *forgetting) Work(ctx context.Context, job *river.Job[ForgetArgs]) error {
	return f.service.Forget(ctx, job.Args.Keys)
}

// Scanning is the worker. Its service is of the worker role.
type Scanning struct {
	river.WorkerDefaults[ScanArgs]
	Service *Service
}

// AddWorkers registers the jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &Scanning{Service: s})
	river.AddWorker(workers, &forgetting{service: s})
}

// Work implements river.Worker.
func (s *Scanning) Work(ctx context.Context, job *river.Job[ScanArgs]) error {
	err := s.Service.Scan(ctx, job.Args.TenantID, job.Args.VersionID)
	if errors.Is(err, ErrNotFound) {
		return river.JobCancel(err)
	}
	return err
}
