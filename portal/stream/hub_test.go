package stream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/stream"
)

// log is a stored list of events, as the table is.
type log struct {
	mu     sync.Mutex
	events []stream.Event
}

func (l *log) add() {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := int64(len(l.events) + 1)
	l.events = append(l.events, stream.Event{ID: id, Name: "n", Data: json.RawMessage(fmt.Sprint(id))})
}

func (l *log) read(_ context.Context, after int64) ([]stream.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(after) >= len(l.events) {
		return nil, nil
	}
	return append([]stream.Event(nil), l.events[after:min(len(l.events), int(after)+50)]...), nil
}

func serve(t *testing.T, hub *stream.Hub, read stream.Read) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
		if err := hub.Serve(r.Context(), w, "a/b", after, read); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(func() { hub.Close(); server.Close() })
	return server
}

// receive reads up to want ids after the given one, or what comes before the
// connection is cut after that many lines.
func receive(t *testing.T, url string, after int64, want, cut int) (ids []int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	request.Header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	scanner := bufio.NewScanner(response.Body)
	data := ""
	for lines := 0; scanner.Scan(); lines++ {
		if cut > 0 && lines >= cut {
			return ids
		}
		line := scanner.Text()
		if value, ok := strings.CutPrefix(line, "data: "); ok {
			data = value
		}
		if line == "" && data != "" { // an event counts when it is complete
			id, err := strconv.ParseInt(data, 10, 64)
			require.NoError(t, err)
			ids, data = append(ids, id), ""
			if len(ids) == want {
				return ids
			}
		}
	}
	return ids
}

// A connection cut a thousand times at random points yields the transcript of
// one that never broke.
func TestStreamResumesWithoutLossOrDuplicate(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{Poll: 20 * time.Millisecond})
	stored := &log{}
	server := serve(t, hub, stored.read)
	const total = 3000
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range total {
			stored.add()
			hub.Notify("a/b")
			if i%20 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	})
	defer writing.Wait()
	random := rand.New(rand.NewPCG(7, 7))
	var seen []int64
	connections := 0
	for ; len(seen) < total; connections++ {
		require.Less(t, connections, 20*total)
		last := int64(0)
		if len(seen) > 0 {
			last = seen[len(seen)-1]
		}
		seen = append(seen, receive(t, server.URL, last, total-len(seen), 1+random.IntN(16))...)
	}
	require.GreaterOrEqual(t, connections, 1000, "the test must cut often enough to mean something")
	for i, id := range seen {
		require.Equal(t, int64(i+1), id)
	}
}

func TestStreamWorksWithoutWakeUps(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{Poll: 20 * time.Millisecond})
	stored := &log{}
	server := serve(t, hub, stored.read)
	go func() { time.Sleep(50 * time.Millisecond); stored.add() }()
	require.Equal(t, []int64{1}, receive(t, server.URL, 0, 1, 0))
}

func TestFirstReadsErrorBecomesTheResponse(t *testing.T) {
	t.Parallel()
	server := serve(t, stream.New(stream.Config{}), func(context.Context, int64) ([]stream.Event, error) { return nil, errors.New("no") })
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusInternalServerError, response.StatusCode)
}

func TestCloseEndsStreams(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{})
	server := serve(t, hub, (&log{}).read)
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, 1, hub.Streams())
	hub.Close()
	require.Zero(t, hub.Streams())
	err = hub.Serve(t.Context(), httptest.NewRecorder(), "a/b", 0, (&log{}).read)
	require.ErrorIs(t, err, stream.ErrClosed, "a late stream can still become a response")
}

func TestCloseEndsAStreamThatNeverRunsDry(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{})
	endless := func(_ context.Context, after int64) ([]stream.Event, error) {
		return []stream.Event{{ID: after + 1, Name: "n", Data: json.RawMessage("1")}}, nil
	}
	server := serve(t, hub, endless)
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	go func() { _, _ = io.Copy(io.Discard, response.Body) }()
	hub.Close()
}

func TestAStreamEndsAfterItsTime(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{Lifetime: 30 * time.Millisecond})
	server := serve(t, hub, (&log{}).read)
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	require.NoError(t, err, "the end is a proper one: the client comes back")
	require.Eventually(t, func() bool { return hub.Streams() == 0 }, 5*time.Second, time.Millisecond)
}

func TestAClientThatDoesNotReadIsDropped(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{Write: 50 * time.Millisecond})
	large := json.RawMessage(strings.Repeat("9", 1<<20))
	server := serve(t, hub, func(_ context.Context, after int64) ([]stream.Event, error) {
		return []stream.Event{{ID: after + 1, Name: "n", Data: large}}, nil
	})
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return hub.Streams() == 1 }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return hub.Streams() == 0 }, 10*time.Second, 5*time.Millisecond)
}

// Many clients come and go while events happen; under the race detector this
// finds what disconnecting leaves behind.
func TestClientsComeAndGo(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{Poll: 5 * time.Millisecond, Heartbeat: 3 * time.Millisecond})
	stored := &log{}
	server := serve(t, hub, stored.read)
	ctx, cancel := context.WithCancel(t.Context())
	var writing, reading sync.WaitGroup
	writing.Go(func() {
		for ctx.Err() == nil {
			stored.add()
			hub.Notify("a/b")
			time.Sleep(200 * time.Microsecond)
		}
	})
	for i := range 8 {
		reading.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for range 30 {
				leaving, leave := context.WithTimeout(ctx, time.Duration(random.IntN(8))*time.Millisecond)
				request, err := http.NewRequestWithContext(leaving, http.MethodGet, server.URL, nil)
				if err != nil {
					t.Error(err)
				} else if response, err := http.DefaultClient.Do(request); err == nil {
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
				leave()
			}
		})
	}
	reading.Wait()
	cancel()
	writing.Wait()
	require.Eventually(t, func() bool { return hub.Streams() == 0 }, 5*time.Second, time.Millisecond)
}
