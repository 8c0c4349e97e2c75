package source

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/sony/gobreaker/v2"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Config limits how one source is read. The zero value is right for a small API.
type Config struct {
	Concurrency  int           // calls at once from this node; default 4
	Timeout      time.Duration // of one call; default 5 s
	MaxAge       time.Duration // where a reading names none; default 5 min
	NegativeAge  time.Duration // how long an absent record is remembered; default 1 min
	RetryAge     time.Duration // after a first failure, doubled up to 16 times; default 5 s
	Wait         time.Duration // how long an asker waits for a first reading; default 2 s
	OpenAfter    uint32        // failures in a row that open the circuit; default 5
	OpenFor      time.Duration // until one call may try again; default 15 s
	PayloadLimit int           // bytes; default 256 KiB
	ClockSkew    time.Duration // how far ahead a source's clock may be; default 1 min
	Confirm      bool          // what it says is for the asker only; of stored sources the definition says so
}

func (c Config) withDefaults() Config {
	c.Concurrency = cmp.Or(c.Concurrency, 4)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.MaxAge = cmp.Or(c.MaxAge, 5*time.Minute)
	c.NegativeAge = cmp.Or(c.NegativeAge, time.Minute)
	c.RetryAge = cmp.Or(c.RetryAge, 5*time.Second)
	c.Wait = cmp.Or(c.Wait, 2*time.Second)
	c.OpenAfter = cmp.Or(c.OpenAfter, 5)
	c.OpenFor = cmp.Or(c.OpenFor, 15*time.Second)
	c.PayloadLimit = cmp.Or(c.PayloadLimit, 256<<10)
	c.ClockSkew = cmp.Or(c.ClockSkew, time.Minute)
	return c
}

type port struct {
	Config
	source   Source
	revision int64 // of the stored definition; 0: from the configuration file
	slots    chan struct{}
	// The circuit counts failures of the source, not records it does not have.
	circuit *gobreaker.CircuitBreaker[Reading]
}

// Reader reads through Snapshots. It is safe for concurrent use.
type Reader struct {
	db      *tenantdb.DB
	log     *slog.Logger
	builder Builder
	portsMu sync.RWMutex
	ports   map[string]*port
	looked  time.Time // when the stored sources were last read
	ctx     context.Context
	cancel  context.CancelFunc
	mu      sync.Mutex
	flying  map[Key]chan struct{} // refreshes of this node; closed when done
	wg      sync.WaitGroup
}

// NewReader returns a Reader without sources. Stop ends what it has running.
func NewReader(db *tenantdb.DB, log *slog.Logger) *Reader {
	if log == nil {
		log = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Reader{db: db, log: log, ports: map[string]*port{}, ctx: ctx, cancel: cancel, flying: map[Key]chan struct{}{}}
}

// Stored makes the reader read stored sources too. It is called before the first Get.
func (r *Reader) Stored(b Builder) { r.builder = b }

// Register adds a source under a name. All are registered before the first Get.
func (r *Reader) Register(name string, s Source, config Config) {
	r.ports[name] = r.newPort(name, s, config)
}

func (r *Reader) newPort(name string, s Source, config Config) *port {
	config = config.withDefaults()
	return &port{
		Config: config, source: s, slots: make(chan struct{}, config.Concurrency),
		circuit: gobreaker.NewCircuitBreaker[Reading](gobreaker.Settings{
			Name: name, MaxRequests: 1, Timeout: config.OpenFor,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= config.OpenAfter },
			IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, ErrAbsent) || errors.Is(err, ErrNoCustomer) },
			OnStateChange: func(name string, from, to gobreaker.State) {
				r.log.Warn("source circuit changed", "source", name, "from", from.String(), "to", to.String())
			},
		}),
	}
}

// Stop cancels running refreshes and waits for them.
func (r *Reader) Stop() {
	r.mu.Lock()
	r.cancel()
	r.mu.Unlock()
	r.wg.Wait()
}

// Get returns the record's last known value. An old value comes back at once
// with State Stale while it is refreshed behind. ErrAbsent, ErrUnavailable and
// ErrUnknownSource are the sentinels; no other error comes from the source.
func (r *Reader) Get(ctx context.Context, key Key) (Snapshot, error) {
	p, err := r.port(ctx, key.Source)
	if err != nil {
		return Snapshot{}, err
	}
	if p == nil {
		return Snapshot{}, fmt.Errorf("%w %q", ErrUnknownSource, key.Source)
	}
	row, err := r.load(ctx, key)
	if err != nil {
		return Snapshot{}, err
	}
	var done <-chan struct{}
	if row.due {
		done = r.refresh(key, p)
	}
	if row.snapshot.State != Unavailable || done == nil && !row.leased {
		return row.result()
	}
	wait, cancel := context.WithTimeout(ctx, p.Wait)
	defer cancel()
	for {
		var tick <-chan time.Time
		if done == nil { // another node holds the lease
			tick = time.After(50 * time.Millisecond)
		}
		select {
		case <-wait.Done():
			if ctx.Err() != nil {
				return Snapshot{}, fmt.Errorf("read source: %w", ctx.Err())
			}
			return Snapshot{State: Unavailable}, ErrUnavailable
		case <-r.ctx.Done():
			return Snapshot{State: Unavailable}, ErrUnavailable
		case <-done:
			done = nil
		case <-tick:
		}
		if row, err = r.load(ctx, key); err != nil {
			return Snapshot{}, err
		}
		if row.snapshot.State != Unavailable || !row.leased {
			return row.result()
		}
	}
}

// refresh starts one refresh of the record on this node, or joins the one that runs.
func (r *Reader) refresh(key Key, p *port) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done := r.flying[key]; done != nil {
		return done
	}
	done := make(chan struct{})
	if r.ctx.Err() != nil {
		close(done)
		return done
	}
	r.flying[key] = done
	r.wg.Add(1)
	go func() {
		defer r.wg.Done()
		defer func() {
			r.mu.Lock()
			delete(r.flying, key)
			r.mu.Unlock()
			close(done)
		}()
		if err := r.fetch(r.ctx, key, p); err != nil && r.ctx.Err() == nil {
			r.log.Error("could not store what a source said", "source", key.Source, "tenant_id", key.TenantID, "error", err)
		}
	}()
	return done
}

func (r *Reader) fetch(ctx context.Context, key Key, p *port) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	lease, ok, err := r.take(ctx, key, p.Timeout+5*time.Second)
	if err != nil || !ok {
		return err
	}
	reading, err := p.circuit.Execute(func() (Reading, error) { return r.call(ctx, key, p, lease.etag) })
	// The caller may be stopping; what was read is kept and the lease given back.
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	switch {
	case err == nil:
		return r.keep(store, key, lease, p, reading)
	case errors.Is(err, ErrAbsent), errors.Is(err, ErrNoCustomer):
		return r.keepAbsent(store, key, lease, p)
	default:
		return r.keepFailure(store, key, lease, p, err)
	}
}

// call reads a record, limited in time and checked.
func (r *Reader) call(ctx context.Context, key Key, p *port, etag string) (Reading, error) {
	if c, ok := p.source.(PerCustomer); ok && c.PerCustomer() {
		err := r.db.WithTenant(ctx, key.TenantID, func(tx pgx.Tx) (err error) {
			key.Customer, err = customerOf(ctx, tx, key)
			return err
		})
		if err != nil {
			return Reading{}, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Timeout, fmt.Errorf("source %s took longer than %s", key.Source, p.Timeout))
	defer cancel()
	reading, err := p.source.Fetch(ctx, key, etag)
	if err == nil {
		err = p.check(reading, etag)
	}
	return reading, err
}

// check refuses what no honest source says.
func (p *port) check(reading Reading, etag string) error {
	switch {
	case reading.NotModified && etag == "":
		return errors.New("the source says not modified, but nothing was known")
	case reading.NotModified:
		return nil
	case len(reading.Payload) > p.PayloadLimit:
		return fmt.Errorf("the source sent %d bytes, more than %d", len(reading.Payload), p.PayloadLimit)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(reading.Payload, &object); err != nil || object == nil {
		return errors.New("the source sent something that is no JSON object")
	}
	if reading.ObservedAt.After(time.Now().Add(p.ClockSkew)) {
		return errors.New("the source dates its record in the future")
	}
	return nil
}
