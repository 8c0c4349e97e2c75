package stream

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
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

// ErrClosed says the hub is shutting down; another node, or this one in a
// moment, serves the stream.
var ErrClosed = errors.New("stream: shutting down")

// Config of a Hub; the zero value is right outside tests.
type Config struct {
	Poll      time.Duration // how often a stream looks while wake-ups from other processes are not proven to arrive; default 1.5 s
	Calm      time.Duration // how often while they are; default 15 s
	Probe     time.Duration // how often Listen proves that they are; default 3 s
	Heartbeat time.Duration // a comment when nothing happens; default 15 s
	Write     time.Duration // how long one write may take; default 10 s
	Lifetime  time.Duration // after which a stream ends and the client comes back, with its rights checked anew; default 10 min
	Log       *slog.Logger
}

// Hub wakes the streams of this process.
type Hub struct {
	config Config
	probe  string      // payload of this hub's own notifications
	heard  atomic.Bool // the last probe came back: wake-ups arrive
	echo   chan struct{}

	mu      sync.Mutex
	topics  map[string]map[chan struct{}]struct{}
	closing bool
	closed  chan struct{}
	done    sync.WaitGroup
}

// New returns a Hub.
func New(c Config) *Hub {
	c.Poll = cmp.Or(c.Poll, 1500*time.Millisecond)
	c.Calm = cmp.Or(c.Calm, 15*time.Second)
	c.Probe = cmp.Or(c.Probe, 3*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.Write = cmp.Or(c.Write, 10*time.Second)
	c.Lifetime = cmp.Or(c.Lifetime, 10*time.Minute)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Hub{
		config: c, probe: "probe/" + rand.Text(), echo: make(chan struct{}, 1),
		topics: map[string]map[chan struct{}]struct{}{}, closed: make(chan struct{}),
	}
}

// Notify wakes the topic's streams.
func (h *Hub) Notify(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wakeUp(h.topics[topic])
}

func (h *Hub) notifyAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, streams := range h.topics {
		wakeUp(streams)
	}
}

func wakeUp(streams map[chan struct{}]struct{}) {
	for wake := range streams {
		select {
		case wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Close ends every stream, so that a server can shut down; readers reconnect.
func (h *Hub) Close() {
	h.mu.Lock()
	if !h.closing {
		h.closing = true
		close(h.closed)
	}
	h.mu.Unlock()
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

// subscribe joins a topic. It fails once the hub closes, so that Close waits for
// every stream there is.
func (h *Hub) subscribe(topic string) (wake chan struct{}, leave func(), err error) {
	wake = make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return nil, nil, ErrClosed
	}
	h.done.Add(1)
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
		h.done.Done()
	}, nil
}

// Serve streams a topic to a client until it leaves. The first read happens
// before anything is written, so that its error, or ErrClosed, can still become
// a response.
func (h *Hub) Serve(ctx context.Context, w http.ResponseWriter, topic string, after int64, read Read) error {
	wake, leave, err := h.subscribe(topic) // before the first read: nothing falls between
	if err != nil {
		return err
	}
	defer leave()
	events, err := read(ctx, after)
	if err != nil {
		return err
	}
	out := writer{w: w, control: http.NewResponseController(w), patience: h.config.Write}
	if err := out.open(); err != nil {
		return err
	}
	// What goes wrong from here on ends the stream; the client resumes.
	h.follow(ctx, out, wake, after, events, read)
	return nil
}

// follow sends events as they come, until the client leaves, the hub closes or
// the stream's time is over.
func (h *Hub) follow(ctx context.Context, out writer, wake <-chan struct{}, after int64, events []Event, read Read) {
	look, beat := time.NewTimer(h.patience()), time.NewTicker(h.config.Heartbeat)
	defer look.Stop()
	defer beat.Stop()
	end := time.NewTimer(h.config.Lifetime + mathrand.N(h.config.Lifetime/10+1)) // not all at once
	defer end.Stop()
	for {
		if err := out.send(events); err != nil {
			return
		}
		if len(events) > 0 {
			after = events[len(events)-1].ID
			select {
			case <-h.closed:
				return
			default: // there may be more
			}
		} else {
			select {
			case <-ctx.Done():
				return
			case <-h.closed:
				return
			case <-end.C:
				return
			case <-wake:
			case <-look.C:
			case <-beat.C:
				if err := out.text(": still here\n\n"); err != nil {
					return
				}
				continue
			}
		}
		look.Reset(h.patience())
		var err error
		if events, err = read(ctx, after); err != nil {
			if ctx.Err() == nil {
				h.config.Log.WarnContext(ctx, "stream ended", "error", err)
			}
			return
		}
	}
}

// patience is how long a stream waits for a wake-up before it looks by itself.
func (h *Hub) patience() time.Duration {
	if h.heard.Load() {
		return h.config.Calm
	}
	return h.config.Poll
}

// writer writes the wire format; a write that does not get through in time fails.
type writer struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
}

func (o writer) open() error {
	// The server's own deadlines are for ordinary requests.
	if err := errors.Join(o.control.SetReadDeadline(time.Time{}), o.control.SetWriteDeadline(time.Time{})); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("open stream: %w", err)
	}
	header := o.w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	o.w.WriteHeader(http.StatusOK)
	_ = o.text("retry: 1000\n\n") // a client that has left shows at the next write
	return nil
}

func (o writer) send(events []Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := o.deadline(); err != nil {
		return err
	}
	for _, e := range events {
		if _, err := fmt.Fprintf(o.w, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Name, e.Data); err != nil {
			return err
		}
	}
	return o.control.Flush()
}

func (o writer) text(text string) error {
	if err := o.deadline(); err != nil {
		return err
	}
	if _, err := io.WriteString(o.w, text); err != nil {
		return err
	}
	return o.control.Flush()
}

func (o writer) deadline() error {
	if err := o.control.SetWriteDeadline(time.Now().Add(o.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
