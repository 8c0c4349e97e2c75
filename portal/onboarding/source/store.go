package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/sony/gobreaker/v2"
)

type row struct {
	snapshot    Snapshot
	due, leased bool
}

func (r row) result() (Snapshot, error) {
	switch r.snapshot.State {
	case Absent:
		return r.snapshot, ErrAbsent
	case Unavailable:
		return r.snapshot, ErrUnavailable
	case Fresh, Stale:
	}
	return r.snapshot, nil
}

func (r *Reader) load(ctx context.Context, key Key) (row, error) {
	out := row{snapshot: Snapshot{State: Unavailable}, due: true}
	err := r.db.WithTenant(ctx, key.TenantID, func(tx pgx.Tx) error {
		var err error
		out, err = read(ctx, tx, key)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("load snapshot: %w", err)
	}
	return out, nil
}

// Read returns the last known value without refreshing it.
func Read(ctx context.Context, tx pgx.Tx, key Key) (Snapshot, error) {
	r, err := read(ctx, tx, key)
	if err != nil {
		return Snapshot{}, fmt.Errorf("read snapshot: %w", err)
	}
	return r.result()
}

func read(ctx context.Context, tx pgx.Tx, key Key) (row, error) {
	var out row
	var payload []byte
	var observed, fetched *time.Time
	var maxAge int64
	var old bool
	err := tx.QueryRow(ctx, `
		select payload, observed_at, fetched_at, max_age_ms, etag, state,
		  fetched_at + max_age_ms * interval '1 ms' <= clock_timestamp() is not false,
		  next_fetch_at <= clock_timestamp() and leased_until <= clock_timestamp(), leased_until > clock_timestamp()
		from status_snapshots where tenant_id = $1 and source = $2 and entity_key = $3`,
		key.TenantID, key.Source, key.Entity).
		Scan(&payload, &observed, &fetched, &maxAge, &out.snapshot.ETag, &out.snapshot.State, &old, &out.due, &out.leased)
	if errors.Is(err, pgx.ErrNoRows) {
		return row{snapshot: Snapshot{State: Unavailable}, due: true}, nil
	}
	if err != nil {
		return out, err
	}
	s := &out.snapshot
	s.Payload, s.MaxAge = json.RawMessage(payload), time.Duration(maxAge)*time.Millisecond
	if observed != nil {
		s.ObservedAt = *observed
	}
	if fetched != nil {
		s.FetchedAt = *fetched
	}
	if s.State == Fresh && old {
		s.State = Stale
	}
	return out, nil
}

type lease struct {
	etag       string
	generation int64
}

// take gets the right to call the source for the record, unless another has it
// or the value has become fresh meanwhile.
func (r *Reader) take(ctx context.Context, key Key, length time.Duration) (l lease, ok bool, err error) {
	err = r.db.WithTenant(ctx, key.TenantID, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			insert into status_snapshots as s (tenant_id, source, entity_key, leased_until)
			values ($1, $2, $3, clock_timestamp() + $4::bigint * interval '1 ms')
			on conflict (tenant_id, source, entity_key) do update set leased_until = excluded.leased_until
			where s.leased_until <= clock_timestamp() and s.next_fetch_at <= clock_timestamp()
			returning etag, generation`, key.TenantID, key.Source, key.Entity, length.Milliseconds()).Scan(&l.etag, &l.generation)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	if err != nil {
		return l, false, fmt.Errorf("lease snapshot: %w", err)
	}
	return l, ok, nil
}

func (r *Reader) exec(ctx context.Context, key Key, what, sql string, args ...any) error {
	err := r.db.WithTenant(ctx, key.TenantID, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, append([]any{key.TenantID, key.Source, key.Entity}, args...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (r *Reader) keep(ctx context.Context, key Key, l lease, p *port, reading Reading) error {
	maxAge := reading.MaxAge
	if maxAge <= 0 {
		maxAge = p.MaxAge
	}
	if reading.NotModified {
		return r.exec(ctx, key, "renew snapshot", `
			update status_snapshots set leased_until = '-infinity', failures = 0, error_internal = '', fetched_at = clock_timestamp(),
			  observed_at = case when generation = $4 then clock_timestamp() else observed_at end, max_age_ms = $5::bigint,
			  state = case when generation = $4 then 'fresh' else state end,
			  next_fetch_at = case when generation = $4 then clock_timestamp() + $5::bigint * interval '1 ms' else next_fetch_at end
			where tenant_id = $1 and source = $2 and entity_key = $3`, l.generation, maxAge.Milliseconds())
	}
	observed := reading.ObservedAt
	if observed.IsZero() {
		observed = time.Now()
	}
	// What a webhook brought meanwhile stays when it is newer.
	return r.exec(ctx, key, "keep snapshot", `
		update status_snapshots set leased_until = '-infinity', failures = 0, error_internal = '',
		  payload = case when newer then $6::jsonb else payload end,
		  etag = case when newer then $7 else etag end,
		  observed_at = greatest($5, s.observed_at), fetched_at = clock_timestamp(), max_age_ms = $8::bigint,
		  state = case when generation = $4 then 'fresh' when state = 'fresh' then 'fresh' else 'stale' end,
		  next_fetch_at = case when generation = $4 then clock_timestamp() + $8::bigint * interval '1 ms' else next_fetch_at end
		from (select tenant_id, source, entity_key, observed_at, payload is null or observed_at is null or observed_at <= $5 as newer from status_snapshots
		  where tenant_id = $1 and source = $2 and entity_key = $3) s
		where status_snapshots.tenant_id = $1 and status_snapshots.source = $2 and status_snapshots.entity_key = $3`,
		l.generation, observed, string(reading.Payload), reading.ETag, maxAge.Milliseconds())
}

func (r *Reader) keepAbsent(ctx context.Context, key Key, l lease, p *port) error {
	// A webhook that came meanwhile knows better; then only the lease ends.
	if err := r.exec(ctx, key, "release snapshot", `update status_snapshots set leased_until = '-infinity'
		where tenant_id = $1 and source = $2 and entity_key = $3 and generation <> $4`, l.generation); err != nil {
		return err
	}
	return r.exec(ctx, key, "keep absence", `
		update status_snapshots set leased_until = '-infinity', failures = 0, error_internal = '', payload = null, etag = '',
		  observed_at = clock_timestamp(), fetched_at = clock_timestamp(), max_age_ms = $5::bigint, state = 'absent',
		  next_fetch_at = clock_timestamp() + $5::bigint * interval '1 ms'
		where tenant_id = $1 and source = $2 and entity_key = $3 and generation = $4`, l.generation, p.NegativeAge.Milliseconds())
}

func (r *Reader) keepFailure(ctx context.Context, key Key, l lease, p *port, cause error) error {
	var asked *RetryAfter
	pause := p.RetryAge
	switch {
	case errors.As(cause, &asked):
		pause = min(max(asked.After, p.RetryAge), time.Hour)
	case errors.Is(cause, gobreaker.ErrOpenState), errors.Is(cause, gobreaker.ErrTooManyRequests):
		pause = p.OpenFor
	}
	text := cause.Error()
	if len(text) > 500 {
		text = text[:500]
	}
	return r.exec(ctx, key, "keep failure", `
		update status_snapshots set leased_until = '-infinity', failures = failures + 1, error_internal = $5,
		  state = case when generation <> $6 then state when payload is null then 'unavailable' else 'stale' end,
		  next_fetch_at = case when generation <> $6 then next_fetch_at
		    else clock_timestamp() + $4::bigint * 2 ^ least(failures, 4) * interval '1 ms' end
		where tenant_id = $1 and source = $2 and entity_key = $3`, pause.Milliseconds(), text, l.generation)
}

// Invalidate declares what is known about the record old: the next asker gets it
// with its age and a refresh starts. A call under way cannot undo this.
func Invalidate(ctx context.Context, tx pgx.Tx, key Key) error {
	_, err := tx.Exec(ctx, `
		update status_snapshots set generation = generation + 1, next_fetch_at = '-infinity', failures = 0,
		  state = case when state = 'fresh' then 'stale' else state end
		where tenant_id = $1 and source = $2 and entity_key = $3`, key.TenantID, key.Source, key.Entity)
	if err != nil {
		return fmt.Errorf("invalidate snapshot: %w", err)
	}
	return nil
}

// Put stores what a webhook brought. It reports false, and changes nothing, when
// something newer is known: late events never move a record back.
func Put(ctx context.Context, tx pgx.Tx, key Key, reading Reading) (bool, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(reading.Payload, &object); err != nil || object == nil {
		return false, errors.New("put snapshot: the payload is no JSON object")
	}
	observed := reading.ObservedAt
	if observed.IsZero() {
		observed = time.Now()
	}
	tag, err := tx.Exec(ctx, `
		insert into status_snapshots as s (tenant_id, source, entity_key, payload, observed_at, fetched_at, max_age_ms, etag, state, next_fetch_at)
		values ($1, $2, $3, $4::jsonb, $5, clock_timestamp(), $6::bigint, $7, 'fresh', clock_timestamp() + $6::bigint * interval '1 ms')
		on conflict (tenant_id, source, entity_key) do update set payload = excluded.payload, observed_at = excluded.observed_at,
		  fetched_at = excluded.fetched_at, max_age_ms = excluded.max_age_ms, etag = excluded.etag, state = 'fresh',
		  next_fetch_at = excluded.next_fetch_at, failures = 0, error_internal = '', generation = s.generation + 1
		where s.observed_at is null or s.observed_at <= excluded.observed_at`,
		key.TenantID, key.Source, key.Entity, string(reading.Payload), observed, max(reading.MaxAge, time.Minute).Milliseconds(), reading.ETag)
	if err != nil {
		return false, fmt.Errorf("put snapshot: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}
