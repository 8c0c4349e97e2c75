// Package lapse tells the owners of articles that a verification has run out: one
// mail for all that is due, at most one a day, and each end of a verification
// once, and once more to who takes the article over. Articles that nobody owns are
// on the Health page only.
package lapse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// pause is the least time between two mails to one owner.
const pause = 20 * time.Hour

// named is how many articles a mail names; it says how many more there are.
const named = 20

// Jobs inserts a job in the transaction that makes it necessary. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Mailer sends one mail; the same id is the same mail. *email.Service is one.
type Mailer interface {
	Mail(ctx context.Context, id, to, subject, text string) error
}

// Service tells owners. DB is of the worker role.
type Service struct {
	DB        *tenantdb.DB
	Jobs      Jobs
	Mail      Mailer
	PublicURL string
	Now       func() time.Time // default time.Now
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

// FindArgs looks for owners to tell. Periodic.
type FindArgs struct{}

// Kind names the job.
func (FindArgs) Kind() string { return "find_lapsed_articles" }

// InsertOpts keeps runs from piling up.
func (FindArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
}

// TellArgs mails one owner what has lapsed. At names the mail.
type TellArgs struct {
	StaffID uuid.UUID `json:"staff_id"`
	At      time.Time `json:"at"`
}

// Kind names the job.
func (TellArgs) Kind() string { return "tell_article_owner" }

type findWorker struct {
	river.WorkerDefaults[FindArgs]
	service *Service
}

func (w *findWorker) Work(ctx context.Context, _ *river.Job[FindArgs]) error {
	_, err := w.service.Find(ctx)
	return err
}

type tellWorker struct {
	river.WorkerDefaults[TellArgs]
	service *Service
}

func (w *tellWorker) Work(ctx context.Context, job *river.Job[TellArgs]) error {
	return w.service.Tell(ctx, job.Args)
}

// AddWorkers registers the jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &findWorker{service: s})
	river.AddWorker(workers, &tellWorker{service: s})
}

// PeriodicJobs look every hour.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) { return FindArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})}
}

// both are the published articles of both kinds whose verification had an end.
const both = `(select id, title, owner_id, verified_until, lapse_told, null::uuid as tenant_id from shared_articles where state = 'published' and verified_until is not null
	union all select id, title, owner_id, verified_until, lapse_told, tenant_id from tenant_articles where state = 'published' and verified_until is not null)`

// Find marks what has lapsed since its owner was last told, with one job for each
// owner, and returns how many owners.
func (s *Service) Find(ctx context.Context) (int, error) {
	now, n := s.now().Truncate(time.Microsecond), 0
	err := s.DB.WithSystem(ctx, "find articles whose verification lapsed", func(tx pgx.Tx) error {
		n = 0
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtext('usher lapsed articles'))`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select distinct a.owner_id from `+both+` a join staff s on s.id = a.owner_id and s.state <> 'deactivated'
			where a.verified_until < $1 and a.lapse_told is distinct from a.verified_until
			  and not exists (select from lapse_notices n where n.staff_id = s.id and n.told_at > $2)`, now, now.Add(-pause))
		if err != nil {
			return err
		}
		owners, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		for _, owner := range owners {
			for _, table := range []string{"shared_articles", "tenant_articles"} {
				if _, err := tx.Exec(ctx, `update `+table+` set lapse_told = verified_until
					where owner_id = $1 and state = 'published' and verified_until < $2 and lapse_told is distinct from verified_until`, owner, now); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, `insert into lapse_notices (staff_id, told_at) values ($1, $2) on conflict (staff_id) do update set told_at = excluded.told_at`, owner, now); err != nil {
				return err
			}
			if _, err := s.Jobs.InsertTx(ctx, tx, TellArgs{owner, now}, nil); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("find lapsed articles: %w", err)
	}
	return n, nil
}

// Tell mails an owner every article of theirs that is not verified any more. One
// that was verified or retired meanwhile is not named; without any there is no mail.
func (s *Service) Tell(ctx context.Context, args TellArgs) error {
	var to, name string
	type lapsed struct {
		ID     uuid.UUID  `db:"id"`
		Title  string     `db:"title"`
		Until  time.Time  `db:"verified_until"`
		Tenant *uuid.UUID `db:"tenant_id"`
	}
	var list []lapsed
	err := s.DB.WithSystem(ctx, "read an owner's lapsed articles", func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select email, display_name from staff where id = $1 and state <> 'deactivated'`, args.StaffID).Scan(&to, &name)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select a.id, a.title, a.verified_until, a.tenant_id from `+both+` a where a.owner_id = $1 and a.verified_until < $2 order by a.verified_until, a.title`, args.StaffID, s.now())
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[lapsed])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read lapsed articles: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Hello %s,\n\nthe verification of these articles has run out. They still answer, marked as not verified. Please read each and verify it, or change it:\n", name)
	for i, a := range list {
		if i == named {
			fmt.Fprintf(&b, "\nand %d more, under Articles.\n", len(list)-named)
			break
		}
		link := s.PublicURL + "/admin/articles/" + a.ID.String()
		if a.Tenant != nil {
			link += "?tenant=" + a.Tenant.String()
		}
		fmt.Fprintf(&b, "\n%s (until %s)\n%s\n", a.Title, a.Until.UTC().Format("2 January 2006"), link)
	}
	b.WriteString("\nYou get this because you own them; at most once a day, and once for each.\n")
	subject := "An article of yours needs a look"
	if len(list) > 1 {
		subject = fmt.Sprintf("%d articles of yours need a look", len(list))
	}
	id := fmt.Sprintf("lapse-%s-%d", args.StaffID, args.At.Unix())
	return s.Mail.Mail(ctx, id, to, subject, b.String())
}
