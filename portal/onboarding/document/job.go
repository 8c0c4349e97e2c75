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

// Scanning is the worker. Its service is of the worker role.
type Scanning struct {
	river.WorkerDefaults[ScanArgs]
	Service *Service
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, s *Service) { river.AddWorker(workers, &Scanning{Service: s}) }

// Work implements river.Worker.
func (s *Scanning) Work(ctx context.Context, job *river.Job[ScanArgs]) error {
	err := s.Service.Scan(ctx, job.Args.TenantID, job.Args.VersionID)
	if errors.Is(err, ErrNotFound) {
		return river.JobCancel(err)
	}
	return err
}
