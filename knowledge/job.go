package knowledge

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// JobInserter adds a job in the transaction that makes the work necessary.
// A *river.Client[pgx.Tx] is one.
type JobInserter interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Unfinished are the states of a job that is still to be done: what is unique among
// them is queued once, and anew when it is over.
var Unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}

// IndexArticleArgs brings chunks, terms and vectors of one article up to its
// live version. It is worked by package index.
type IndexArticleArgs struct {
	Tenant  uuid.UUID `json:"tenant"` // uuid.Nil: shared
	Article uuid.UUID `json:"article"`
}

// Kind is the job's stable name.
func (IndexArticleArgs) Kind() string { return "index_article" }

// SweepIndexArgs indexes, in every space, what lost or failed jobs left behind.
// It is queued periodically; every half hour is often enough.
type SweepIndexArgs struct{}

// Kind is the job's stable name.
func (SweepIndexArgs) Kind() string { return "sweep_index" }

// TrainEmbedderArgs learns a built-in model from the shared articles, if the
// present one has fallen behind them.
type TrainEmbedderArgs struct{}

// Kind is the job's stable name.
func (TrainEmbedderArgs) Kind() string { return "train_embedder" }

// BuildVectorsArgs makes the missing vectors of a model. It can be killed and
// run again at any point.
type BuildVectorsArgs struct {
	Model int `json:"model"`
}

// Kind is the job's stable name.
func (BuildVectorsArgs) Kind() string { return "build_vectors" }

// ClusterGapsArgs groups unanswered questions that arrived since the last run.
type ClusterGapsArgs struct{}

// Kind is the job's stable name.
func (ClusterGapsArgs) Kind() string { return "cluster_gaps" }

// clusterSoon collects what arrives within half a minute into one run.
func clusterSoon() *river.InsertOpts {
	return &river.InsertOpts{
		ScheduledAt: time.Now().Add(30 * time.Second),
		UniqueOpts:  river.UniqueOpts{ByState: Unfinished, ByPeriod: time.Minute},
	}
}

// CheckHealthArgs looks for what is wrong with published articles. It is worked
// by package health, soon after every publication and nightly.
type CheckHealthArgs struct{}

// Kind is the job's stable name.
func (CheckHealthArgs) Kind() string { return "check_health" }

// InsertOpts collects the publications of half a minute into one run.
func (CheckHealthArgs) InsertOpts() river.InsertOpts { return *clusterSoon() }

// PeriodicJobs keep the index, the gaps, the findings and the built-in embedder up with their
// articles when the jobs that usually do were lost.
func PeriodicJobs() []*river.PeriodicJob {
	every := func(period time.Duration, args river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(period), func() (river.JobArgs, *river.InsertOpts) { return args, nil },
			&river.PeriodicJobOpts{RunOnStart: true})
	}
	return []*river.PeriodicJob{
		every(30*time.Minute, SweepIndexArgs{}), every(10*time.Minute, ClusterGapsArgs{}), every(6*time.Hour, TrainEmbedderArgs{}),
		every(24*time.Hour, CheckHealthArgs{}),
	}
}
