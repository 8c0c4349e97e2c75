package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// erp is an outside system that counts, limits, stalls, lies and dies.
type erp struct {
	mu      sync.Mutex
	calls   map[string]int
	running atomic.Int32
	most    atomic.Int32
	respond func(ctx context.Context, key source.Key, etag string, call int) (source.Reading, error)
}

func (e *erp) Fetch(ctx context.Context, key source.Key, etag string) (source.Reading, error) {
	now := e.running.Add(1)
	defer e.running.Add(-1)
	for most := e.most.Load(); now > most && !e.most.CompareAndSwap(most, now); most = e.most.Load() {
	}
	e.mu.Lock()
	if e.calls == nil {
		e.calls = map[string]int{}
	}
	e.calls[key.Entity]++
	call, respond := e.calls[key.Entity], e.respond
	e.mu.Unlock()
	return respond(ctx, key, etag, call)
}

func (e *erp) count() (total int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.calls {
		total += n
	}
	return total
}

func (e *erp) behave(f func(ctx context.Context, key source.Key, etag string, call int) (source.Reading, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.respond = f
}

func value(n int) source.Reading {
	return source.Reading{Payload: json.RawMessage(fmt.Sprintf(`{"n": %d}`, n))}
}

type bundle struct {
	db     *dbtest.Database
	tenant uuid.UUID
	erp    *erp
	reader *source.Reader
}

func setup(t *testing.T, config source.Config) *bundle {
	t.Helper()
	db := dbtest.New(t)
	b := &bundle{db: db, tenant: db.Tenant(t, "acme"), erp: &erp{}}
	b.reader = b.node(t, config)
	b.erp.behave(func(_ context.Context, _ source.Key, _ string, call int) (source.Reading, error) {
		return value(call), nil
	})
	return b
}

// node is one more process on the same database and ERP.
func (b *bundle) node(t *testing.T, config source.Config) *source.Reader {
	t.Helper()
	reader := source.NewReader(b.db.App, slog.New(slog.NewTextHandler(t.Output(), nil)))
	reader.Register("erp", b.erp, config)
	t.Cleanup(reader.Stop)
	return reader
}

func (b *bundle) key(entity string) source.Key {
	return source.Key{TenantID: b.tenant, Source: "erp", Entity: entity}
}

func (b *bundle) inTenant(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, fn))
}

// eventually reads until the snapshot is as wanted.
func (b *bundle) eventually(t *testing.T, entity string, want func(source.Snapshot, error) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return want(b.reader.Get(t.Context(), b.key(entity))) }, 5*time.Second, 10*time.Millisecond)
}

func TestFiveHundredAskersCostOneCallPerRecordAndWindow(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{MaxAge: time.Hour, Wait: 20 * time.Second})
	nodes := []*source.Reader{b.reader, b.node(t, source.Config{MaxAge: time.Hour, Wait: 20 * time.Second})}
	for window := 1; window <= 3; window++ {
		var wg sync.WaitGroup
		answers := make([]string, 500)
		problems := make([]error, 500)
		for i := range answers {
			wg.Go(func() {
				s, err := nodes[i%2].Get(t.Context(), b.key("order/1"))
				answers[i], problems[i] = string(s.Payload), err
			})
		}
		wg.Wait()
		for i := range answers {
			require.NoError(t, problems[i])
			require.Contains(t, []string{fmt.Sprintf(`{"n": %d}`, window), fmt.Sprintf(`{"n": %d}`, window-1)}, answers[i])
		}
		b.eventually(t, "order/1", func(s source.Snapshot, err error) bool { return err == nil && s.State == source.Fresh })
		require.Equal(t, window, b.erp.count(), "one call per window for 500 askers on two nodes")
		b.inTenant(t, func(tx pgx.Tx) error { // the next window begins
			_, err := tx.Exec(t.Context(), `update status_snapshots set fetched_at = fetched_at - interval '2 hours', next_fetch_at = now()
				where tenant_id = $1`, b.tenant)
			return err
		})
	}
}

func TestTheConcurrencyBudgetIsNeverExceeded(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{Concurrency: 3, Wait: 20 * time.Second})
	b.erp.behave(func(ctx context.Context, _ source.Key, _ string, call int) (source.Reading, error) {
		select {
		case <-time.After(15 * time.Millisecond):
		case <-ctx.Done():
		}
		return value(call), nil
	})
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() { _, _ = b.reader.Get(t.Context(), b.key(fmt.Sprintf("order/%d", i))) })
	}
	wg.Wait()
	require.Equal(t, 60, b.erp.count())
	require.LessOrEqual(t, b.erp.most.Load(), int32(3))
	require.Greater(t, b.erp.most.Load(), int32(1))
}

func TestAStaleValueIsShownWithItsAgeWhileTheSourceIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{MaxAge: time.Millisecond, RetryAge: time.Millisecond})
	_, err := b.reader.Get(t.Context(), b.key("order/1"))
	require.NoError(t, err)
	b.erp.behave(func(context.Context, source.Key, string, int) (source.Reading, error) {
		return source.Reading{}, errors.New("dial tcp 10.1.2.3: connection refused")
	})
	b.eventually(t, "order/1", func(s source.Snapshot, err error) bool {
		return err == nil && s.State == source.Stale && b.erp.count() > 2
	})
	s, err := b.reader.Get(t.Context(), b.key("order/1"))
	require.NoError(t, err)
	require.JSONEq(t, `{"n": 1}`, string(s.Payload))
	require.WithinDuration(t, time.Now(), s.ObservedAt, time.Minute)
	require.False(t, s.FetchedAt.IsZero())
}

func TestWithoutAValueAStalledSourceIsAnHonestRefusal(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{Wait: 50 * time.Millisecond, Timeout: 200 * time.Millisecond, RetryAge: time.Hour})
	b.erp.behave(func(ctx context.Context, _ source.Key, _ string, _ int) (source.Reading, error) {
		<-ctx.Done()
		return source.Reading{}, context.Cause(ctx)
	})
	began := time.Now()
	_, err := b.reader.Get(t.Context(), b.key("order/1"))
	require.ErrorIs(t, err, source.ErrUnavailable)
	require.Less(t, time.Since(began), 2*time.Second)
	require.NotContains(t, err.Error(), "longer than", "the cause stays inside")
	b.eventually(t, "order/1", func(_ source.Snapshot, err error) bool {
		return errors.Is(err, source.ErrUnavailable) && b.erp.running.Load() == 0
	})
	require.Equal(t, 1, b.erp.count(), "the next try backs off")
}

func TestTheCircuitOpensSparesTheSourceAndCloses(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{OpenAfter: 3, OpenFor: 100 * time.Millisecond, RetryAge: time.Millisecond, MaxAge: time.Hour})
	down := func(context.Context, source.Key, string, int) (source.Reading, error) {
		return source.Reading{}, errors.New("503")
	}
	b.erp.behave(down)
	for i := range 30 { // thirty different records, one dead system
		_, err := b.reader.Get(t.Context(), b.key(fmt.Sprintf("order/%d", i)))
		require.ErrorIs(t, err, source.ErrUnavailable)
	}
	require.Less(t, b.erp.count(), 8, "calls stop while the circuit is open")
	require.GreaterOrEqual(t, b.erp.count(), 3)
	b.erp.behave(func(_ context.Context, _ source.Key, _ string, call int) (source.Reading, error) {
		return value(call), nil
	})
	b.eventually(t, "order/1", func(s source.Snapshot, err error) bool { return err == nil && s.State == source.Fresh })
}

func TestARecordThatDoesNotExistIsRememberedAndNoFailure(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{NegativeAge: time.Hour, OpenAfter: 1})
	b.erp.behave(func(context.Context, source.Key, string, int) (source.Reading, error) {
		return source.Reading{}, fmt.Errorf("read order: %w", source.ErrAbsent)
	})
	for range 20 {
		_, err := b.reader.Get(t.Context(), b.key("order/404"))
		require.ErrorIs(t, err, source.ErrAbsent)
	}
	require.Equal(t, 1, b.erp.count())
}

func TestAWebhookInvalidatesAtOnceAlsoDuringACall(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{MaxAge: time.Hour})
	_, err := b.reader.Get(t.Context(), b.key("order/1"))
	require.NoError(t, err)
	b.inTenant(t, func(tx pgx.Tx) error { return source.Invalidate(t.Context(), tx, b.key("order/1")) })
	b.eventually(t, "order/1", func(s source.Snapshot, err error) bool {
		return err == nil && s.State == source.Fresh && string(s.Payload) == `{"n": 2}`
	})

	// The record changes while a call that will still see the old one is under way.
	called, release := make(chan struct{}), make(chan struct{})
	b.erp.behave(func(_ context.Context, _ source.Key, _ string, call int) (source.Reading, error) {
		if call == 3 {
			close(called)
			<-release
		}
		return value(call), nil
	})
	b.inTenant(t, func(tx pgx.Tx) error { return source.Invalidate(t.Context(), tx, b.key("order/1")) })
	_, err = b.reader.Get(t.Context(), b.key("order/1"))
	require.NoError(t, err)
	<-called
	b.inTenant(t, func(tx pgx.Tx) error { return source.Invalidate(t.Context(), tx, b.key("order/1")) })
	close(release)
	b.eventually(t, "order/1", func(s source.Snapshot, err error) bool {
		return err == nil && s.State == source.Fresh && string(s.Payload) == `{"n": 4}`
	})
}

func TestALyingSourceChangesNothing(t *testing.T) {
	t.Parallel()
	lies := map[string]source.Reading{
		"not an object":       {Payload: json.RawMessage(`["n"]`)},
		"null":                {Payload: json.RawMessage(`null`)},
		"not JSON":            {Payload: json.RawMessage(`<html>`)},
		"from the future":     {Payload: json.RawMessage(`{"n": 9}`), ObservedAt: time.Now().Add(48 * time.Hour)},
		"larger than allowed": {Payload: json.RawMessage(`{"n": "` + string(make([]byte, 600<<10)) + `"}`)},
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, source.Config{MaxAge: time.Millisecond, RetryAge: time.Millisecond})
			_, err := b.reader.Get(t.Context(), b.key("order/1"))
			require.NoError(t, err)
			b.erp.behave(func(context.Context, source.Key, string, int) (source.Reading, error) { return lie, nil })
			b.eventually(t, "order/1", func(s source.Snapshot, err error) bool {
				return err == nil && s.State == source.Stale && string(s.Payload) == `{"n": 1}` && b.erp.count() > 2
			})
		})
	}
	t.Run("an older state does not replace a newer one", func(t *testing.T) {
		t.Parallel()
		b := setup(t, source.Config{MaxAge: time.Millisecond})
		now := time.Now().Truncate(time.Millisecond)
		b.erp.behave(func(_ context.Context, _ source.Key, _ string, call int) (source.Reading, error) {
			r := value(call)
			r.ObservedAt = now.Add(-time.Duration(call) * time.Minute)
			return r, nil
		})
		b.eventually(t, "order/1", func(s source.Snapshot, err error) bool { return err == nil && b.erp.count() > 3 })
		s, err := b.reader.Get(t.Context(), b.key("order/1"))
		require.NoError(t, err)
		require.JSONEq(t, `{"n": 1}`, string(s.Payload))
		require.WithinDuration(t, now.Add(-time.Minute), s.ObservedAt, time.Millisecond)
	})
}

func TestNotModifiedRenewsTheAgeOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{MaxAge: time.Millisecond})
	b.erp.behave(func(_ context.Context, _ source.Key, etag string, call int) (source.Reading, error) {
		if call > 1 {
			require.Equal(t, `"v1"`, etag)
			return source.Reading{NotModified: true, MaxAge: time.Hour}, nil
		}
		r := value(call)
		r.ETag = `"v1"`
		return r, nil
	})
	b.eventually(t, "order/1", func(s source.Snapshot, err error) bool {
		return err == nil && s.State == source.Fresh && s.MaxAge == time.Hour && string(s.Payload) == `{"n": 1}`
	})
}

func TestASourceThatLimitsIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{RetryAge: time.Millisecond})
	b.erp.behave(func(context.Context, source.Key, string, int) (source.Reading, error) {
		return source.Reading{}, &source.RetryAfter{After: time.Hour, Err: errors.New("429")}
	})
	for range 10 {
		_, err := b.reader.Get(t.Context(), b.key("order/1"))
		require.ErrorIs(t, err, source.ErrUnavailable)
	}
	require.Equal(t, 1, b.erp.count())
}

func TestAPushedReadingNeverMovesBack(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{})
	now := time.Now()
	put := func(n int, at time.Time) (changed bool) {
		b.inTenant(t, func(tx pgx.Tx) (err error) {
			r := value(n)
			r.ObservedAt, r.MaxAge = at, time.Hour
			changed, err = source.Put(t.Context(), tx, b.key("order/1"), r)
			return err
		})
		return changed
	}
	require.True(t, put(2, now))
	require.False(t, put(1, now.Add(-time.Second)))
	require.True(t, put(3, now.Add(time.Second)))
	s, err := b.reader.Get(t.Context(), b.key("order/1"))
	require.NoError(t, err)
	require.JSONEq(t, `{"n": 3}`, string(s.Payload))
	require.Equal(t, source.Fresh, s.State)
	require.Zero(t, b.erp.count())
}

func TestAnotherTenantsSnapshotIsAMissingOne(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{})
	_, err := b.reader.Get(t.Context(), b.key("order/1"))
	require.NoError(t, err)
	other := b.db.Tenant(t, "globex")
	require.NoError(t, b.db.App.WithTenant(t.Context(), other, func(tx pgx.Tx) error {
		_, err := source.Read(t.Context(), tx, b.key("order/1"))
		require.ErrorIs(t, err, source.ErrUnavailable)
		return nil
	}))
}

func TestAnUnknownSourceIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{})
	_, err := b.reader.Get(t.Context(), source.Key{TenantID: b.tenant, Source: "crystal ball", Entity: "x"})
	require.ErrorIs(t, err, source.ErrUnknownSource)
}
