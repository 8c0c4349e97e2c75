package stream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
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

func TestStreamResumesWithoutLossOrDuplicate(t *testing.T) {
	t.Parallel()
	hub := stream.New(stream.Config{Poll: 20 * time.Millisecond})
	stored := &log{}
	server := serve(t, hub, stored.read)
	const total = 300
	go func() {
		for range total {
			stored.add()
			hub.Notify("a/b")
			time.Sleep(time.Millisecond)
		}
	}()
	random := rand.New(rand.NewPCG(7, 7))
	var seen []int64
	for connections := 0; len(seen) < total; connections++ {
		require.Less(t, connections, 2000)
		last := int64(0)
		if len(seen) > 0 {
			last = seen[len(seen)-1]
		}
		seen = append(seen, receive(t, server.URL, last, total-len(seen), 3+random.IntN(40))...)
	}
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
	require.Eventually(t, func() bool { return hub.Streams() == 0 }, time.Second, time.Millisecond)
}
