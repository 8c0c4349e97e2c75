package proof

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
)

// CountArgs counts the use of articles anew and looks for questions that were
// answered in vain. Periodic.
type CountArgs struct{}

// Kind names the job.
func (CountArgs) Kind() string { return "count_article_use" }

// InsertOpts keeps runs from piling up.
func (CountArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
}

type worker struct {
	river.WorkerDefaults[CountArgs]
	reader *Reader
	gaps   Gaps
}

func (w *worker) Work(ctx context.Context, _ *river.Job[CountArgs]) error {
	_, err := w.reader.FindGaps(ctx, w.gaps, time.Now())
	return errors.Join(w.reader.Recount(ctx, time.Now()), err)
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, r *Reader, gaps Gaps) {
	river.AddWorker(workers, &worker{reader: r, gaps: gaps})
}

// PeriodicJobs run it every quarter of an hour.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(15*time.Minute), func() (river.JobArgs, *river.InsertOpts) { return CountArgs{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true})}
}
