package assistant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
)

// Config joins the assistant to its surroundings. Everything but Gaps, Usage,
// Procedures, Codes, Wake, Now and Log is needed.
type Config struct {
	DB         *tenantdb.DB // of the worker role
	Classifier Classifier
	Status     Status
	Answerer   Answerer
	Guard      Guard
	Desk       Desk
	Gaps       Gaps
	Usage      Usage
	Procedures Procedures
	Codes      Codes // nil: nobody is asked to prove that it is them
	Wake       func(tenant, conversation uuid.UUID)
	Now        func() time.Time
	Log        *slog.Logger

	Timeout    time.Duration // of one run; default 45 s
	MaxReplies int           // automatic replies in one conversation within an hour; default 30
}

// Assistant answers inbound messages.
type Assistant struct{ Config }

// New returns an Assistant.
func New(c Config) *Assistant {
	c.Timeout = cmp.Or(c.Timeout, 45*time.Second)
	c.MaxReplies = cmp.Or(c.MaxReplies, 30)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Wake == nil {
		c.Wake = func(_, _ uuid.UUID) {}
	}
	return &Assistant{c}
}

// Worker works process_message jobs.
type Worker struct {
	river.WorkerDefaults[intake.ProcessArgs]
	assistant *Assistant
	complete  func(*river.Job[intake.ProcessArgs]) func(context.Context, pgx.Tx) error
}

// AddWorkers registers the assistant's job.
func AddWorkers(workers *river.Workers, assistant *Assistant) {
	river.AddWorker(workers, &Worker{assistant: assistant, complete: completion})
}

// Timeout is the assistant's own, with room for the hand-over.
func (w *Worker) Timeout(*river.Job[intake.ProcessArgs]) time.Duration {
	return w.assistant.Timeout + 15*time.Second
}

// NextRetry is soon: a customer waits.
func (w *Worker) NextRetry(job *river.Job[intake.ProcessArgs]) time.Time {
	return time.Now().Add(time.Duration(1<<min(job.Attempt, 5)) * time.Second)
}

// Work runs once over the message. The last failed try hands over to people.
func (w *Worker) Work(ctx context.Context, job *river.Job[intake.ProcessArgs]) error {
	err := w.assistant.run(ctx, job.Args, w.complete(job))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, triage.ErrMessageNotFound):
		return river.JobCancel(err) // erased meanwhile
	case job.Attempt < job.MaxAttempts:
		return err
	}
	w.assistant.Log.ErrorContext(ctx, "run failed for good, handing over", "error", err, "tenant_id", job.Args.TenantID, "message_id", job.Args.MessageID)
	if handErr := w.assistant.fail(context.WithoutCancel(ctx), job.Args, err); handErr != nil {
		// Not the end either: the job is rescued as discarded, and the sweep below finds the message.
		return errors.Join(err, handErr)
	}
	return nil
}

// completion completes the job in the transaction that delivers its result.
func completion(job *river.Job[intake.ProcessArgs]) func(ctx context.Context, tx pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		if err != nil {
			return fmt.Errorf("complete job: %w", err)
		}
		return nil
	}
}

// Run is one run outside a job, for tests and the benchmark.
func (a *Assistant) Run(ctx context.Context, args intake.ProcessArgs) error {
	return a.run(ctx, args, func(context.Context, pgx.Tx) error { return nil })
}

func (a *Assistant) run(ctx context.Context, args intake.ProcessArgs, complete func(context.Context, pgx.Tx) error) error {
	started := a.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, a.Timeout, errors.New("the run took too long"))
	defer cancel()
	r, err := a.once(ctx, args, started, complete)
	if errors.Is(err, errAnswered) {
		r, err = a.once(ctx, args, started, complete)
	}
	if err != nil || r == nil {
		return err
	}
	a.Wake(args.TenantID, r.conversation.ID)
	a.learn(ctx, r)
	return nil
}

// once runs over the message as it stands now; nil: it was decided before.
func (a *Assistant) once(ctx context.Context, args intake.ProcessArgs, started time.Time, complete func(context.Context, pgx.Tx) error) (*run, error) {
	r, err := a.load(ctx, args)
	if err != nil || r.decided {
		return nil, err // decided: a retry after the result was stored
	}
	if r.leave() {
		a.read(ctx, r)
	} else if err := a.decide(ctx, r); err != nil && !errors.Is(err, errStopped) {
		return nil, err
	}
	r.decision.duration = a.Now().Sub(started)
	return r, a.deliver(ctx, r, complete)
}

// learn passes on what others count. The answer is out: errors are logged.
func (a *Assistant) learn(ctx context.Context, r *run) {
	if r.gap && a.Gaps != nil {
		if err := a.Gaps.Unanswered(ctx, r.tenant.ID, r.conversation.ID, r.text(), r.language()); err != nil {
			a.Log.WarnContext(ctx, "record gap failed", "error", err, "tenant_id", r.tenant.ID)
		}
	}
	if r.delivered && r.meta != nil && len(r.meta.Citations) > 0 && a.Usage != nil {
		if err := a.Usage.Cited(ctx, r.tenant.ID, r.meta.Citations); err != nil {
			a.Log.WarnContext(ctx, "count citations failed", "error", err, "tenant_id", r.tenant.ID)
		}
	}
}

// fail hands a message over after its last failed try: nobody is left silent.
func (a *Assistant) fail(ctx context.Context, args intake.ProcessArgs, cause error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("the hand-over took too long"))
	defer cancel()
	r, err := a.load(ctx, args)
	if err != nil || r.decided {
		return err
	}
	if r.classification == nil {
		r.classification = &triage.Classification{Priority: triage.PriorityNormal, Sentiment: "neutral", Language: r.language(), Engine: "none", Version: "none"}
	}
	r.handOver(triage.ReasonFailure, "The assistant failed on this message. "+firstLine(cause.Error()))
	if err := a.deliver(ctx, r, func(context.Context, pgx.Tx) error { return nil }); err != nil {
		return err
	}
	a.Wake(args.TenantID, r.conversation.ID)
	return nil
}
