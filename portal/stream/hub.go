package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Event is one stored event as it is sent.
type Event struct {
	ID   int64
	Name string
	Data json.RawMessage
}

// Read returns the events of a topic after a number, oldest first, at most a
// few hundred.
type Read func(ctx context.Context, after int64) ([]Event, error)

// Config of a Hub; the zero value is right outside tests.
type Config struct {
	Poll      time.Duration // how often a stream looks without being woken; default 1.5 s
	Heartbeat time.Duration // a comment when nothing happens; default 15 s
	Write     time.Duration // how long one write may take; default 10 s
	Log       *slog.Logger
}

// Hub wakes the streams of this process.
type Hub struct {
	config Config
	mu     sync.Mutex
	topics map[string]map[chan struct{}]struct{}
	closed chan struct{}
	once   sync.Once
	done   sync.WaitGroup
}

// New returns a Hub.
func New(c Config) *Hub {
	c.Poll = cmp.Or(c.Poll, 1500*time.Millisecond)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.Write = cmp.Or(c.Write, 10*time.Second)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Hub{config: c, topics: map[string]map[chan struct{}]struct{}{}, closed: make(chan struct{})}
}

// Notify wakes the topic's streams.
func (h *Hub) Notify(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for wake := range h.topics[topic] {
		select {
		case wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Close ends every stream, so that a server can shut down; readers reconnect.
func (h *Hub) Close() {
	h.once.Do(func() { close(h.closed) })
	h.done.Wait()
}

// Streams is how many streams are open.
func (h *Hub) Streams() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, streams := range h.topics {
		n += len(streams)
	}
	return n
}

func (h *Hub) subscribe(topic string) (wake chan struct{}, leave func()) {
	wake = make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics[topic] == nil {
		h.topics[topic] = map[chan struct{}]struct{}{}
	}
	h.topics[topic][wake] = struct{}{}
	return wake, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.topics[topic], wake)
		if len(h.topics[topic]) == 0 {
			delete(h.topics, topic)
		}
	}
}

// Serve streams a topic to a client until it leaves. The first read happens
// before anything is written, so that its error can still become a response.
func (h *Hub) Serve(ctx context.Context, w http.ResponseWriter, topic string, after int64, read Read) error {
	wake, leave := h.subscribe(topic) // before the first read: nothing falls between
	defer leave()
	h.done.Add(1)
	defer h.done.Done()
	events, err := read(ctx, after)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	// The server's own deadlines are for ordinary requests.
	if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("open stream: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	// What goes wrong from here on ends the stream; the client resumes.
	if err := h.write(w, control, "retry: 1000\n\n"); err != nil {
		return nil
	}
	poll, beat := time.NewTicker(h.config.Poll), time.NewTicker(h.config.Heartbeat)
	defer poll.Stop()
	defer beat.Stop()
	for {
		for _, event := range events {
			if err := h.write(w, control, fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", event.ID, event.Name, event.Data)); err != nil {
				return nil
			}
			after = event.ID
		}
		if len(events) == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-h.closed:
				return nil
			case <-wake:
			case <-poll.C:
			case <-beat.C:
				if err := h.write(w, control, ": still here\n\n"); err != nil {
					return nil
				}
				continue
			}
		}
		if events, err = read(ctx, after); err != nil {
			if ctx.Err() == nil {
				h.config.Log.WarnContext(ctx, "stream ended", "error", err)
			}
			return nil
		}
	}
}

func (h *Hub) write(w http.ResponseWriter, control *http.ResponseController, text string) error {
	if err := control.SetWriteDeadline(time.Now().Add(h.config.Write)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return control.Flush()
}

// Listen wakes topics other processes changed: it holds one connection that
// listens on the channel, whose payloads are topics, and comes back after a
// loss. It returns when ctx ends. Everything works without it, a poll later.
func (h *Hub) Listen(ctx context.Context, pool *pgxpool.Pool, channel string) {
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, 30*time.Second) {
		started := time.Now()
		err := h.listen(ctx, pool, channel)
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

func (h *Hub) listen(ctx context.Context, pool *pgxpool.Pool, channel string) error {
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
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for notification: %w", err)
		}
		h.Notify(notification.Payload)
	}
}
