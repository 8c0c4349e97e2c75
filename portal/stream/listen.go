package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// errDeaf says the listening connection is open but hears nothing.
var errDeaf = errors.New("notifications do not arrive")

// Listen wakes topics other processes changed: it holds one connection that
// listens on the channels, whose payloads are topics, and comes back after a
// loss. It returns when ctx ends. Everything works without it, a poll later.
//
// A connection can be open and hear nothing: behind a pooler, or cut without a
// word. So the hub notifies itself now and then, and only while that comes back
// do streams trust in being woken and look less often.
func (h *Hub) Listen(ctx context.Context, pool *pgxpool.Pool, channels ...string) {
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, 30*time.Second) {
		started := time.Now()
		err := h.listen(ctx, pool, channels)
		h.heard.Store(false)
		h.notifyAll() // something may have been missed
		if ctx.Err() != nil {
			return
		}
		h.config.Log.WarnContext(ctx, "listening for events was interrupted", "error", err)
		if time.Since(started) > time.Minute {
			wait = time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (h *Hub) listen(ctx context.Context, pool *pgxpool.Pool, channels []string) error {
	// A connection of its own: a pooled one may be behind a pooler that drops LISTEN.
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	for _, channel := range channels {
		if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	ctx, stop := context.WithCancelCause(ctx)
	proven := make(chan struct{})
	go func() { defer close(proven); stop(h.prove(ctx, pool, channels[0])) }()
	defer func() { stop(nil); <-proven }()
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for notification: %w", errors.Join(context.Cause(ctx), err))
		}
		if notification.Payload != h.probe {
			h.Notify(notification.Payload)
			continue
		}
		select {
		case h.echo <- struct{}{}:
		default:
		}
	}
}

// prove sends notifications to this hub itself and returns once one does not
// come back.
func (h *Hub) prove(ctx context.Context, pool *pgxpool.Pool, channel string) error {
	ticker := time.NewTicker(h.config.Probe)
	defer ticker.Stop()
	for {
		if err := h.proveOnce(ctx, pool, channel); err != nil {
			return err
		}
		if !h.heard.Swap(true) {
			h.notifyAll() // what was missed before is read now, the rest is announced
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func (h *Hub) proveOnce(ctx context.Context, pool *pgxpool.Pool, channel string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*h.config.Probe, errDeaf)
	defer cancel()
	select {
	case <-h.echo: // of an earlier probe
	default:
	}
	if _, err := pool.Exec(ctx, "select pg_notify($1, $2)", channel, h.probe); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	select {
	case <-h.echo:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
