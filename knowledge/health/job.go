package health

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/knowledge"
)

type worker struct {
	river.WorkerDefaults[knowledge.CheckHealthArgs]
	service *Service
}

func (w *worker) Timeout(*river.Job[knowledge.CheckHealthArgs]) time.Duration {
	return 10 * time.Minute
}

func (w *worker) Work(ctx context.Context, _ *river.Job[knowledge.CheckHealthArgs]) error {
	_, err := w.service.Run(ctx)
	return err
}

// AddWorkers registers the package's worker.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &worker{service: s})
}
