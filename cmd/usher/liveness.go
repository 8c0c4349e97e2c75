package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usherdesk/usher/triage/intake"
)

// liveness lets the customers of a killed process be answered within seconds.
//
// Each worker holds an advisory lock named by its River client id on a
// connection of its own; the lock ends with the process, however that ends.
// Whoever can take another's lock knows that its running jobs have no worker and
// makes them available again. River's own rescue, much later, stays the backstop.
// Runs are idempotent, so a job that is given back too early does no harm.
type liveness struct {
	pool *pgxpool.Pool
	id   string
	log  *slog.Logger
}

// hold takes the lock; release ends it.
func (l liveness) hold(ctx context.Context) (release func(), err error) {
	conn, err := pgx.ConnectConfig(ctx, l.pool.Config().ConnConfig.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect for the worker's lock: %w", err)
	}
	release = func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}
	if _, err := conn.Exec(ctx, `select pg_advisory_lock(hashtextextended($1, 0))`, l.id); err != nil {
		release()
		return nil, fmt.Errorf("take the worker's lock: %w", err)
	}
	return release, nil
}

// watch gives back what dead workers left until ctx ends.
func (l liveness) watch(ctx context.Context) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		if err := l.giveBack(ctx); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "look for dead workers failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (l liveness) giveBack(ctx context.Context) error {
	tag, err := l.pool.Exec(ctx, `
		with workers as (
		  select distinct attempted_by[array_upper(attempted_by, 1)] as id from river_job where state = 'running' and queue = $1
		), dead as materialized (
		  select id from workers where id <> $2 and pg_try_advisory_xact_lock(hashtextextended(id, 0))
		)
		update river_job set state = 'available', scheduled_at = now()
		where state = 'running' and queue = $1 and attempted_by[array_upper(attempted_by, 1)] in (select id from dead)`,
		intake.Queue, l.id)
	if err != nil {
		return fmt.Errorf("give back jobs: %w", err)
	}
	if n := tag.RowsAffected(); n > 0 {
		l.log.InfoContext(ctx, "took over jobs of a worker that died", "jobs", n)
	}
	return nil
}
