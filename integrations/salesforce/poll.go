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
	changed, err := p.Client.changed(ctx, since.Add(-overlap))
	if err != nil {
		return 0, err
	}
	n := 0
	err = p.DB.WithSystem(ctx, "store changes polled from Salesforce", func(tx pgx.Tx) error {
		n = 0
		asked := map[string]bool{}
		latest := start
		if len(changed) >= pageSize { // there may be more: go on from the last one
			latest = changed[len(changed)-1].at
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

const pageSize = 2000

type changedCase struct {
	id    string
	stamp string
	at    time.Time
}

func (c changedCase) key() string { return c.id + "@" + c.stamp }

// changed lists Cases of ours, and Cases with new comments, since a time.
func (c *Client) changed(ctx context.Context, since time.Time) ([]changedCase, error) {
	var cases struct {
		Records []struct {
			ID    string `json:"Id"`
			Stamp string `json:"SystemModstamp"`
		} `json:"records"`
	}
	from := since.UTC().Format("2006-01-02T15:04:05Z")
	err := c.query(ctx, fmt.Sprintf("SELECT Id, SystemModstamp FROM Case WHERE %s != null AND SystemModstamp >= %s ORDER BY SystemModstamp LIMIT %d",
		c.ExternalIDField, from, pageSize), &cases)
	if err != nil {
		return nil, fmt.Errorf("salesforce: poll cases: %w", err)
	}
	var comments struct {
		Records []struct {
			ParentID string `json:"ParentId"`
			Stamp    string `json:"SystemModstamp"`
		} `json:"records"`
	}
	err = c.query(ctx, fmt.Sprintf("SELECT ParentId, SystemModstamp FROM CaseComment WHERE SystemModstamp >= %s ORDER BY SystemModstamp LIMIT %d", from, pageSize), &comments)
	if err != nil {
		return nil, fmt.Errorf("salesforce: poll comments: %w", err)
	}
	var out []changedCase
	for _, r := range comments.Records {
		out = append(out, changedCase{r.ParentID, "c" + r.Stamp, parseTime(r.Stamp)})
	}
	for _, r := range cases.Records {
		out = append(out, changedCase{r.ID, r.Stamp, parseTime(r.Stamp)})
	}
	return out, nil
}
