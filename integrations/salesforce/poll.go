package salesforce

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage/desk"
)

// overlap is how far each poll looks behind the last: clocks differ, and a long
// transaction becomes visible late.
const overlap = 5 * time.Minute

// PollArgs asks for what changed in Salesforce. Periodic.
type PollArgs struct{}

// Kind names the job.
func (PollArgs) Kind() string { return "poll_salesforce" }

// Poller brings changes back. DB is of the worker role.
type Poller struct {
	Client *Client
	DB     *tenantdb.DB
	Jobs   desk.Jobs
}

// AddWorkers registers Salesforce's jobs.
func AddWorkers(workers *river.Workers, p *Poller) { river.AddWorker(workers, &pollWorker{poller: p}) }

// PeriodicJobs polls every minute.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(time.Minute),
		func() (river.JobArgs, *river.InsertOpts) { return PollArgs{}, nil }, nil)}
}

type pollWorker struct {
	river.WorkerDefaults[PollArgs]
	poller *Poller
}

func (w *pollWorker) Work(ctx context.Context, _ *river.Job[PollArgs]) error {
	_, err := w.poller.Poll(ctx)
	var temporary *desk.TemporaryError
	var permanent *desk.PermanentError
	switch {
	case errors.As(err, &permanent):
		return river.JobCancel(err) // the next poll tries again
	case errors.As(err, &temporary) && temporary.After > 0:
		return river.JobSnooze(temporary.After)
	}
	return err
}

// Poll asks for every record of ours that changed since the last poll to be
// read, each change once, and returns how many.
func (p *Poller) Poll(ctx context.Context) (int, error) {
	since, err := p.since(ctx)
	if err != nil {
		return 0, err
	}
	start := p.Client.Now().UTC()
	changed, until, err := p.Client.changed(ctx, since.Add(-overlap))
	if err != nil {
		return 0, err
	}
	n := 0
	err = p.DB.WithSystem(ctx, "store changes polled from Salesforce", func(tx pgx.Tx) error {
		n = 0
		asked := map[string]bool{}
		latest := start
		if !until.IsZero() { // there is more: go on from there
			latest = until
		}
		for _, c := range changed {
			tag, err := tx.Exec(ctx, `insert into inbound_events (source, event_id, state) values ($1, $2, 'done') on conflict do nothing`, System, c.key())
			if err != nil {
				return fmt.Errorf("store change: %w", err)
			}
			if tag.RowsAffected() == 0 || asked[c.id] {
				continue
			}
			asked[c.id] = true
			if _, err := p.Jobs.InsertTx(ctx, tx, desk.ReadCRMArgs{System: System, ExternalID: c.id}, nil); err != nil {
				return fmt.Errorf("insert job: %w", err)
			}
			n++
		}
		_, err := tx.Exec(ctx, `insert into crm_cursors (system, at) values ($1, $2)
			on conflict (system) do update set at = greatest(crm_cursors.at, excluded.at)`, System, latest)
		if err != nil {
			return fmt.Errorf("keep cursor: %w", err)
		}
		return nil
	})
	return n, err
}

func (p *Poller) since(ctx context.Context) (time.Time, error) {
	var at time.Time
	err := p.DB.Pool().QueryRow(ctx, `select at from crm_cursors where system = $1`, System).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return p.Client.Now().Add(-24 * time.Hour), nil
	}
	if err != nil {
		return at, fmt.Errorf("read cursor: %w", err)
	}
	return at, nil
}

// A query answers at most pageSize records at once, and one poll asks for at most
// maxPages of them. What is left is the next poll's.
const (
	pageSize = 2000
	maxPages = 25
)

type changedCase struct {
	id    string
	stamp string
	at    time.Time
}

func (c changedCase) key() string { return c.id + "@" + c.stamp }

// changed lists Cases of ours, and Cases of ours with new comments, since a time.
// until is how far both lists go where one of them is not complete; zero otherwise.
func (c *Client) changed(ctx context.Context, since time.Time) (out []changedCase, until time.Time, err error) {
	cases, end, err := c.pages(ctx, "Case", c.ExternalIDField, since)
	if err != nil {
		return nil, until, fmt.Errorf("salesforce: poll cases: %w", err)
	}
	comments, until, err := c.pages(ctx, "CaseComment", "Parent."+c.ExternalIDField, since)
	if err != nil {
		return nil, until, fmt.Errorf("salesforce: poll comments: %w", err)
	}
	if until.IsZero() || !end.IsZero() && end.Before(until) {
		until = end
	}
	for _, r := range comments {
		out = append(out, changedCase{r.ParentID, "c" + r.Stamp, parseTime(r.Stamp)})
	}
	for _, r := range cases {
		out = append(out, changedCase{r.ID, r.Stamp, parseTime(r.Stamp)})
	}
	return out, until, nil
}

// stamped is a record with when it last changed.
type stamped struct {
	ID       string `json:"Id"`
	ParentID string `json:"ParentId"`
	Stamp    string `json:"SystemModstamp"`
}

// pages lists the records of a kind that belong to a ticket, in the order they
// changed, page after page: each begins behind the last record of the one before.
// until is the last one's time where there are more than maxPages.
func (c *Client) pages(ctx context.Context, kind, key string, since time.Time) (out []stamped, until time.Time, err error) {
	columns := "Id, SystemModstamp"
	if kind == "CaseComment" {
		columns = "Id, ParentId, SystemModstamp"
	}
	from := "SystemModstamp >= " + since.UTC().Format(soqlTime)
	for range maxPages {
		var page struct {
			Records []stamped `json:"records"`
		}
		err := c.query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s != null AND %s ORDER BY SystemModstamp, Id LIMIT %d", columns, kind, key, from, pageSize), &page)
		if err != nil {
			return nil, until, err
		}
		out = append(out, page.Records...)
		if len(page.Records) < pageSize {
			return out, time.Time{}, nil
		}
		last := page.Records[len(page.Records)-1]
		until = parseTime(last.Stamp)
		at := until.UTC().Format(soqlTime)
		from = fmt.Sprintf("(SystemModstamp > %s OR (SystemModstamp = %s AND Id > '%s'))", at, at, quote(last.ID))
	}
	return out, until, nil
}

const soqlTime = "2006-01-02T15:04:05.000Z"
