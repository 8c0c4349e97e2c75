package upkeep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage/taxonomy"
)

// RunArgs works one run.
type RunArgs struct {
	ID uuid.UUID `json:"id"`
}

// Kind names the job.
func (RunArgs) Kind() string { return "run_taxonomy_draft" }

// InsertOpts: what fails twice fails for a reason a curator should read.
func (RunArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 2} }

type worker struct {
	river.WorkerDefaults[RunArgs]
	service *Service
}

func (w *worker) Timeout(*river.Job[RunArgs]) time.Duration { return 15 * time.Minute }

func (w *worker) Work(ctx context.Context, job *river.Job[RunArgs]) error {
	if !w.service.Engine.Ready() {
		return river.JobSnooze(2 * time.Second)
	}
	err := w.service.Do(ctx, job.Args.ID)
	if err != nil && job.Attempt >= job.MaxAttempts {
		return errors.Join(err, w.service.end(context.WithoutCancel(ctx), job.Args.ID, "failed", "Something on our side went wrong. Nothing was changed; try again.", nil))
	}
	return err
}

// AddWorkers registers the jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &worker{service: s})
	river.AddWorker(workers, &suggestWorker{service: s})
}

// keptWouldFail says that a publication would break kept questions.
type keptWouldFail struct{ questions []KeptChange }

func (keptWouldFail) Error() string { return "kept questions would fail" }

// Do works a run. What a curator can mend is the run's outcome, not an error.
func (s *Service) Do(ctx context.Context, id uuid.UUID) error {
	r, err := s.Run(ctx, id)
	if err != nil || r.State != "queued" && r.State != "running" {
		return err // a retry after the end
	}
	var report *Report
	switch r.Act {
	case Preview:
		report, err = s.preview(ctx, r)
	default:
		report, err = s.publish(ctx, r)
	}
	var bad *taxonomy.EditError
	var broken keptWouldFail
	switch {
	case err == nil && r.Act == Preview:
		return s.end(ctx, id, "done", "", report)
	case err == nil:
		return nil // ended with its change
	case errors.As(err, &bad):
		return s.end(ctx, id, "refused", bad.Detail, nil)
	case errors.Is(err, taxonomy.ErrWorse):
		return s.end(ctx, id, "refused", "The classifier would do worse on examples held back from it. Nothing was changed.", report)
	case errors.As(err, &broken):
		report.Kept = broken.questions
		return s.end(ctx, id, "refused", "Kept questions would no longer be answered as expected. Nothing was changed.", report)
	case errors.Is(err, taxonomy.ErrMoving):
		return s.end(ctx, id, "refused", "Agents taught the classifier while it learned. Nothing was changed; try again.", nil)
	}
	return err
}

// snapshot is a set as it is kept for the way back. Corrections hold customers'
// words and stay where erasure finds them: only their value is noted.
type snapshot struct {
	Values    []taxonomy.Value     `json:"values"`
	Examples  []taxonomy.Example   `json:"examples"`
	Corrected map[uuid.UUID]string `json:"corrected"`
}

func take(set taxonomy.Set) snapshot {
	s := snapshot{Values: set.Values, Corrected: map[uuid.UUID]string{}}
	for _, x := range set.Examples {
		if x.Source == "correction" {
			s.Corrected[x.ID] = x.Value
		} else {
			s.Examples = append(s.Examples, x)
		}
	}
	return s
}

// onto is the kept set with the corrections there are now. Those it does not
// know stay where they are, if their value is in it.
func (s snapshot) onto(now taxonomy.Set) taxonomy.Set {
	out := taxonomy.Set{Values: s.Values, Examples: s.Examples}
	known := map[string]bool{}
	for _, v := range s.Values {
		known[v.Dimension+"/"+v.Value] = true
	}
	for _, x := range now.Examples {
		if x.Source != "correction" {
			continue
		}
		if value, ok := s.Corrected[x.ID]; ok {
			x.Value = value
		}
		if known[x.Dimension+"/"+x.Value] {
			out.Examples = append(out.Examples, x)
		}
	}
	return out
}

// change is what a run makes of the taxonomy in use.
func (s *Service) change(ctx context.Context, r Run) (taxonomy.Change, error) {
	if r.Act != Restore {
		return func(set taxonomy.Set) (taxonomy.Set, taxonomy.Names, error) { return taxonomy.Apply(set, r.Edits) }, nil
	}
	var body []byte
	var edits []taxonomy.Edit
	err := s.DB.WithSystem(ctx, "read an earlier taxonomy", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select before, edits from taxonomy_runs where id = $1`, r.Restores).Scan(&body, &edits)
	})
	if err != nil {
		return nil, fmt.Errorf("read an earlier taxonomy: %w", err)
	}
	var kept snapshot
	if err := json.Unmarshal(body, &kept); err != nil {
		return nil, fmt.Errorf("read an earlier taxonomy: %w", err)
	}
	back := taxonomy.Names{}
	for _, e := range edits {
		if e.Kind == taxonomy.EditRename {
			back[e.Dimension+"/"+e.To] = e.From
		}
	}
	return func(now taxonomy.Set) (taxonomy.Set, taxonomy.Names, error) { return kept.onto(now), back, nil }, nil
}

// publish puts the draft, or an earlier taxonomy, in use.
func (s *Service) publish(ctx context.Context, r Run) (*Report, error) {
	s.at(ctx, r.ID, "training the classifier")
	report := &Report{Moves: []Move{}, Questions: []QuestionChange{}, Kept: []KeptChange{}}
	change, err := s.change(ctx, r)
	if err != nil {
		return nil, err
	}
	verdict, err := s.Engine.Publish(ctx, taxonomy.Publication{
		Change: change, Anyway: r.Anyway,
		Check: func(ctx context.Context, tried *taxonomy.Engine, t taxonomy.Training) error {
			report.Training = readable(t)
			s.at(ctx, r.ID, "asking the kept questions")
			turned, err := s.kept(ctx, tried)
			if err != nil {
				return err
			}
			report.Kept = turned
			var broken []KeptChange
			for _, k := range turned {
				if !k.Passes {
					broken = append(broken, k)
				}
			}
			if len(broken) > 0 && !r.Anyway {
				return keptWouldFail{broken}
			}
			return nil
		},
		Within: func(ctx context.Context, fn func(tx pgx.Tx) error) error {
			return s.DB.WithSystem(ctx, "publish the taxonomy", fn)
		},
		Also: func(ctx context.Context, tx pgx.Tx, before taxonomy.Set, _ taxonomy.Names) error {
			return s.done(ctx, tx, r, take(before), report)
		},
	})
	if errors.Is(err, taxonomy.ErrWorse) {
		report.Training = readable(verdict)
	}
	return report, err
}

// done ends a publication in the transaction that makes it.
func (s *Service) done(ctx context.Context, tx pgx.Tx, r Run, before snapshot, report *Report) error {
	body, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("end a publication of the taxonomy: %w", err)
	}
	tag, err := tx.Exec(ctx, finish, r.ID, "done", "", body, s.Now())
	if err != nil {
		return fmt.Errorf("end a publication of the taxonomy: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errors.New("publish the taxonomy: the run was given up meanwhile")
	}
	if _, err := tx.Exec(ctx, `update taxonomy_runs set before = $2 where id = $1`, r.ID, before); err != nil {
		return fmt.Errorf("keep the taxonomy before: %w", err)
	}
	if r.Act != Publish {
		return nil
	}
	// Steps added since the run began stay in the draft.
	if _, err := tx.Exec(ctx, `delete from taxonomy_edits where number <= $1`, r.LastEdit); err != nil {
		return fmt.Errorf("empty the draft: %w", err)
	}
	return nil
}
