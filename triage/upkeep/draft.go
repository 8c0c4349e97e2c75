package upkeep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// Errors callers branch on.
var (
	ErrBusy     = errors.New("another run of the taxonomy is under way")
	ErrEmpty    = errors.New("the draft of the taxonomy is empty")
	ErrNotFound = errors.New("no such run of the taxonomy")
	ErrNoWay    = errors.New("only a publication can be taken back")
)

// Jobs inserts jobs. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Config of a Service. DB is of the worker role.
type Config struct {
	DB     *tenantdb.DB
	Jobs   Jobs
	Engine *taxonomy.Engine
	// Pipeline answers with a classifier in the place of the one in use.
	Pipeline func(*taxonomy.Engine) eval.Pipeline
	Now      func() time.Time
	Log      *slog.Logger
}

// Service keeps the draft and works its runs.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{c}
}

// Step is one edit of the draft. Broken says why it no longer fits, if it does not.
type Step struct {
	Number    int64
	Edit      taxonomy.Edit
	CreatedAt time.Time
	Broken    string
}

// Draft is the taxonomy as it would be.
type Draft struct {
	Steps []Step
	Set   taxonomy.Set // with every step that fits
}

// Draft reads the draft, upon the taxonomy as it is now.
func (s *Service) Draft(ctx context.Context) (d Draft, err error) {
	err = s.DB.WithSystem(ctx, "read the draft of the taxonomy", func(tx pgx.Tx) (err error) {
		d, err = draft(ctx, tx)
		return err
	})
	return d, err
}

func draft(ctx context.Context, tx pgx.Tx) (Draft, error) {
	set, err := taxonomy.Load(ctx, tx)
	if err != nil {
		return Draft{}, err
	}
	rows, err := tx.Query(ctx, `select number, edit, created_at, '' as broken from taxonomy_edits order by number`)
	if err != nil {
		return Draft{}, fmt.Errorf("read taxonomy edits: %w", err)
	}
	d := Draft{Set: set}
	if d.Steps, err = pgx.CollectRows(rows, pgx.RowToStructByName[Step]); err != nil {
		return Draft{}, fmt.Errorf("read taxonomy edits: %w", err)
	}
	for i := range d.Steps {
		next, _, err := taxonomy.Apply(d.Set, []taxonomy.Edit{d.Steps[i].Edit})
		var bad *taxonomy.EditError
		switch {
		case errors.As(err, &bad):
			d.Steps[i].Broken = bad.Detail
		case err != nil:
			return Draft{}, err
		default:
			d.Set = next
		}
	}
	return d, nil
}

// Edits are the steps that fit.
func (d Draft) Edits() []taxonomy.Edit {
	edits := []taxonomy.Edit{}
	for _, step := range d.Steps {
		if step.Broken == "" {
			edits = append(edits, step.Edit)
		}
	}
	return edits
}

// Add puts further steps to the draft; each must fit upon those before it.
func (s *Service) Add(ctx context.Context, edits []taxonomy.Edit, by uuid.UUID) error {
	return s.DB.WithSystem(ctx, "edit the draft of the taxonomy", func(tx pgx.Tx) error {
		return AddTx(ctx, tx, edits, by)
	})
}

// AddTx is Add in the caller's transaction.
func AddTx(ctx context.Context, tx pgx.Tx, edits []taxonomy.Edit, by uuid.UUID) error {
	if _, err := tx.Exec(ctx, `lock table taxonomy_edits in share row exclusive mode`); err != nil {
		return fmt.Errorf("hold the draft: %w", err)
	}
	d, err := draft(ctx, tx)
	if err != nil {
		return err
	}
	if _, _, err := taxonomy.Apply(d.Set, edits); err != nil {
		return err
	}
	for _, e := range edits {
		if _, err := tx.Exec(ctx, `insert into taxonomy_edits (edit, created_by) values ($1, $2)`, e, by); err != nil {
			return fmt.Errorf("store taxonomy edit: %w", err)
		}
	}
	return nil
}

// Drop takes a step out of the draft, or with number 0 all of them.
func (s *Service) Drop(ctx context.Context, number int64) error {
	return s.DB.WithSystem(ctx, "take back a step of the taxonomy's draft", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `delete from taxonomy_edits where $1::bigint = 0 or number = $1`, number); err != nil {
			return fmt.Errorf("drop taxonomy edit: %w", err)
		}
		return nil
	})
}

// Acts of a run.
const (
	Preview = "preview"
	Publish = "publish"
	Restore = "restore"
)

// Run is one try or publication of the draft.
type Run struct {
	ID         uuid.UUID
	Act        string
	State      string // queued, running, done, refused, failed
	Step       string
	AsTenant   *uuid.UUID
	Past       int
	Anyway     bool
	Restores   *uuid.UUID
	Edits      []taxonomy.Edit
	LastEdit   int64 // number of the draft's last step when it began
	Report     *Report
	Why        string
	CreatedBy  *uuid.UUID
	ByName     string
	CreatedAt  time.Time
	FinishedAt *time.Time
}

const runColumns = `id, act, state, step, as_tenant, past, anyway, restores, edits, last_edit, report, why, created_by,
	coalesce((select display_name from staff where staff.id = created_by), '') as by_name, created_at, finished_at`

const (
	// stuckAfter is when a run that says nothing more is taken for lost.
	stuckAfter = 20 * time.Minute
	// previewsKept is how long what a preview showed is kept: it holds customers'
	// words, masked.
	previewsKept = 7 * 24 * time.Hour
	// publicationsKept is how many publications can be taken back.
	publicationsKept = 50
	mostPast         = 2000
)

// Start queues a run.
func (s *Service) Start(ctx context.Context, r Run) (Run, error) {
	r.ID, r.State, r.CreatedAt = uuid.Must(uuid.NewV7()), "queued", s.Now()
	if r.Past < 1 || r.Past > mostPast {
		r.Past = 500
	}
	err := s.DB.WithSystem(ctx, "start a run of the taxonomy", func(tx pgx.Tx) error {
		if err := s.sweep(ctx, tx); err != nil {
			return err
		}
		r.Edits = []taxonomy.Edit{}
		if r.Act == Restore {
			if err := restorable(ctx, tx, r.Restores); err != nil {
				return err
			}
		} else {
			d, err := draft(ctx, tx)
			if err != nil {
				return err
			}
			if r.Edits = d.Edits(); len(r.Edits) == 0 {
				return ErrEmpty
			}
			r.LastEdit = d.Steps[len(d.Steps)-1].Number
		}
		if _, err := tx.Exec(ctx, `insert into taxonomy_runs (id, act, as_tenant, past, anyway, restores, edits, last_edit, created_by, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, r.ID, r.Act, r.AsTenant, r.Past, r.Anyway, r.Restores, r.Edits, r.LastEdit, r.CreatedBy, r.CreatedAt); err != nil {
			return err
		}
		_, err := s.Jobs.InsertTx(ctx, tx, RunArgs{ID: r.ID}, nil)
		return err
	})
	if _, is := tenantdb.Duplicate(err); is {
		return Run{}, ErrBusy
	}
	if err != nil {
		return Run{}, fmt.Errorf("start a run of the taxonomy: %w", err)
	}
	return r, nil
}

// sweep forgets what is old, and runs that never ended.
func (s *Service) sweep(ctx context.Context, tx pgx.Tx) error {
	b := &pgx.Batch{}
	b.Queue(`update taxonomy_runs set state = 'failed', why = 'It did not come to an end. Try again.', finished_at = $1
		where state in ('queued', 'running') and created_at < $2`, s.Now(), s.Now().Add(-stuckAfter))
	b.Queue(`delete from taxonomy_runs where act = 'preview' and created_at < $1`, s.Now().Add(-previewsKept))
	b.Queue(`update taxonomy_runs set before = null where before is not null and id not in (
		select id from taxonomy_runs where before is not null order by created_at desc limit $1)`, publicationsKept)
	return tx.SendBatch(ctx, b).Close()
}

func restorable(ctx context.Context, tx pgx.Tx, id *uuid.UUID) error {
	var ok bool
	if err := tx.QueryRow(ctx, `select exists (select from taxonomy_runs where id = $1 and state = 'done' and before is not null)`, id).Scan(&ok); err != nil {
		return err
	}
	if !ok {
		return ErrNoWay
	}
	return nil
}

// Runs lists runs, latest first: the last preview, and every publication.
func (s *Service) Runs(ctx context.Context) (runs []Run, err error) {
	err = s.DB.WithSystem(ctx, "read runs of the taxonomy", func(tx pgx.Tx) error {
		if err := s.sweep(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select `+runColumns+` from taxonomy_runs where act <> 'preview' or taxonomy_runs.id = (
			select id from taxonomy_runs where act = 'preview' order by created_at desc limit 1) order by created_at desc limit 60`)
		if err != nil {
			return err
		}
		runs, err = pgx.CollectRows(rows, pgx.RowToStructByName[Run])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read runs of the taxonomy: %w", err)
	}
	return runs, nil
}

// Run reads one run.
func (s *Service) Run(ctx context.Context, id uuid.UUID) (r Run, err error) {
	err = s.DB.WithSystem(ctx, "read a run of the taxonomy", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+runColumns+` from taxonomy_runs where id = $1`, id)
		if err != nil {
			return err
		}
		r, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Run])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Run{}, ErrNotFound
	}
	if err != nil {
		return Run{}, fmt.Errorf("read a run of the taxonomy: %w", err)
	}
	return r, nil
}

func (s *Service) at(ctx context.Context, id uuid.UUID, step string) {
	if _, err := s.DB.Pool().Exec(ctx, `update taxonomy_runs set state = 'running', step = $2 where id = $1 and state in ('queued', 'running')`, id, step); err != nil {
		s.Log.WarnContext(ctx, "note a step of the taxonomy run", "error", err, "run_id", id)
	}
}

const finish = `update taxonomy_runs set state = $2, why = $3, report = coalesce($4, report), step = '', finished_at = $5 where id = $1 and state in ('queued', 'running')`

func (s *Service) end(ctx context.Context, id uuid.UUID, state, why string, report *Report) error {
	var body []byte
	if report != nil {
		var err error
		if body, err = json.Marshal(report); err != nil {
			return fmt.Errorf("end a run of the taxonomy: %w", err)
		}
	}
	if _, err := s.DB.Pool().Exec(ctx, finish, id, state, why, body, s.Now()); err != nil {
		return fmt.Errorf("end a run of the taxonomy: %w", err)
	}
	return nil
}
