// Package usage counts what people of tenants do in the portal, so that somebody
// can see what is used and what is not. It knows no person, no text and no
// address: a tenant, a day, an action, a role and a number. Beside it stands what
// models were asked for and what that cost the operator. Counts are gathered in
// memory and written every few seconds; what a kill loses are counts.
package usage

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// keepDays is how long counts are kept.
const keepDays = 400

type key struct {
	tenant       uuid.UUID
	day          string
	action, role string
}

// Counter gathers counts of one process. A nil one counts nothing.
type Counter struct {
	db  *tenantdb.DB
	now func() time.Time

	mu     sync.Mutex
	counts map[key]int64
	spent  map[modelKey]Spent
}

// New returns a Counter. db is of the worker role; now may be nil.
func New(db *tenantdb.DB, now func() time.Time) *Counter {
	if now == nil {
		now = time.Now
	}
	return &Counter{db: db, now: now, counts: map[key]int64{}, spent: map[modelKey]Spent{}}
}

// Count notes that somebody with one of the roles did something. The highest role
// counts.
func (c *Counter) Count(tenant uuid.UUID, action string, roles []string) {
	if c == nil {
		return
	}
	role := "member"
	for _, r := range []string{"admin", "manager"} {
		if slices.Contains(roles, r) {
			role = r
			break
		}
	}
	k := key{tenant, c.now().UTC().Format(time.DateOnly), action, role}
	c.mu.Lock()
	c.counts[k]++
	c.mu.Unlock()
}

// Flush writes what was gathered; where that fails it is kept for the next time.
func (c *Counter) Flush(ctx context.Context) error {
	c.mu.Lock()
	gathered, spent := c.counts, c.spent
	c.counts, c.spent = map[key]int64{}, map[modelKey]Spent{}
	c.mu.Unlock()
	if len(gathered)+len(spent) == 0 {
		return nil
	}
	err := c.db.WithSystem(ctx, "write usage counts", func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		for k, n := range gathered {
			// A tenant that was erased meanwhile is not counted.
			batch.Queue(`insert into usage_daily (tenant_id, day, action, role, n) select id, $2, $3, $4, $5 from tenants where id = $1
				on conflict (tenant_id, day, action, role) do update set n = usage_daily.n + excluded.n`, k.tenant, k.day, k.action, k.role, n)
		}
		queueSpent(batch, spent)
		return tx.SendBatch(ctx, batch).Close()
	})
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range gathered {
		c.counts[k] += n
	}
	for k, s := range spent {
		c.spend(k, s)
	}
	return fmt.Errorf("write usage counts: %w", err)
}

// Run flushes every interval until ctx ends, and once more then.
func (c *Counter) Run(ctx context.Context, every time.Duration, failed func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := c.Flush(last); err != nil {
				failed(err)
			}
			return
		case <-ticker.C:
			if err := c.Flush(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}
}

// Row is how often something was done, and in how many organisations.
type Row struct {
	Action  string `db:"action"`
	Count   int64  `db:"n"`
	Tenants int    `db:"tenants"`
}

// Since sums the counts of all tenants since a day, most frequent first.
func Since(ctx context.Context, tx pgx.Tx, day time.Time) ([]Row, error) {
	rows, err := tx.Query(ctx, `select action, sum(n)::bigint as n, count(distinct tenant_id)::int as tenants from usage_daily where day >= $1 group by action order by n desc, action`, day)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Row])
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return list, nil
}

// Sweep forgets counts that are older than they are kept.
func (c *Counter) Sweep(ctx context.Context) error {
	err := c.db.WithSystem(ctx, "forget old usage counts", func(tx pgx.Tx) error {
		oldest := c.now().UTC().AddDate(0, 0, -keepDays)
		if _, err := tx.Exec(ctx, `delete from usage_daily where day < $1`, oldest); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `delete from model_usage where day < $1`, oldest)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget usage counts: %w", err)
	}
	return nil
}
