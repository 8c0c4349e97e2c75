package stream_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/stream"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// reads counts how often a stream looked.
type reads struct {
	mu    sync.Mutex
	count int
}

func (r *reads) read(context.Context, int64) ([]stream.Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	return nil, nil
}

func (r *reads) seen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// follow keeps a stream of the topic open until the test ends.
func follow(t *testing.T, hub *stream.Hub, topic string, read stream.Read) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = hub.Serve(r.Context(), w, topic, 0, read) // ends with the test
	}))
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	t.Cleanup(func() { hub.Close(); response.Body.Close(); server.Close() })
}

func listen(t *testing.T, hub *stream.Hub, db *dbtest.Database, channels ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() { hub.Listen(ctx, db.App.Pool(), channels...) })
	t.Cleanup(func() { cancel(); listening.Wait() })
}

func TestAnotherProcessWakesAStream(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	hub := stream.New(stream.Config{Poll: time.Hour, Calm: time.Hour, Heartbeat: time.Hour})
	looks := &reads{}
	follow(t, hub, "here", looks.read)
	require.Equal(t, 1, looks.seen())
	listen(t, hub, db, "one_channel", "another")
	require.Eventually(t, func() bool { return looks.seen() == 2 }, 5*time.Second, time.Millisecond, "what happened before it listened is read once it does")
	for i, channel := range []string{"one_channel", "another"} {
		_, err := db.Worker.Pool().Exec(t.Context(), "select pg_notify($1, 'elsewhere'), pg_notify($1, 'here')", channel)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return looks.seen() == 3+i }, 5*time.Second, time.Millisecond, channel)
	}
}

func TestAStreamLooksLessOftenWhileWakeUpsArrive(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	hub := stream.New(stream.Config{Poll: 2 * time.Millisecond, Calm: time.Hour, Probe: 20 * time.Millisecond})
	looks := &reads{}
	follow(t, hub, "here", looks.read)
	require.Eventually(t, func() bool { return looks.seen() > 10 }, 5*time.Second, time.Millisecond, "it polls while nothing is proven")
	listen(t, hub, db, "one_channel")
	quiet := func() bool {
		before := looks.seen()
		time.Sleep(30 * time.Millisecond) // fifteen polls long
		return looks.seen() == before
	}
	require.Eventually(t, quiet, 10*time.Second, time.Millisecond)

	// The listening connection is killed: the stream polls again, then trusts again.
	before := looks.seen()
	_, err := db.App.Pool().Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %' and pid <> pg_backend_pid()`)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return looks.seen() > before+5 }, 5*time.Second, time.Millisecond)
	require.Eventually(t, quiet, 10*time.Second, time.Millisecond, "it has connected again")
}
