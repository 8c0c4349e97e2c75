package localpg_test

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/localpg"
)

func start(t *testing.T, dir string) *localpg.Server {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Config{Dir: dir, Fast: true})
	if err != nil && strings.Contains(err.Error(), "make setup") {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return server
}

func one(t *testing.T, address string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `create table if not exists kept (v vector(3)); insert into kept values ('[1,2,3]')`)
	require.NoError(t, err)
}

func TestPrivateServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), ".usher")
	first := start(t, dir)
	require.True(t, first.StartedHere)
	one(t, first.OwnerURL())

	again := start(t, dir)
	require.False(t, again.StartedHere, "a running one is reused")
	require.Equal(t, first.OwnerURL(), again.OwnerURL())

	info, err := os.Stat(filepath.Join(dir, "postgres.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	scratch, drop, err := first.CreateScratch(t.Context())
	require.NoError(t, err)
	one(t, scratch)
	drop()
	_, err = pgx.Connect(t.Context(), scratch)
	require.Error(t, err)

	// Killed without a chance to tidy up, it comes back with its data, also when
	// its port has been taken meanwhile.
	kill(t, first)
	parsed, err := url.Parse(first.OwnerURL())
	require.NoError(t, err)
	taken, err := net.Listen("tcp", parsed.Host)
	require.NoError(t, err)
	defer taken.Close()
	back := start(t, dir)
	require.True(t, back.StartedHere)
	require.NotEqual(t, first.OwnerURL(), back.OwnerURL())
	conn, err := pgx.Connect(t.Context(), back.OwnerURL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var rows int
	require.NoError(t, conn.QueryRow(t.Context(), `select count(*) from kept`).Scan(&rows))
	require.Equal(t, 1, rows)
}

// kill ends the server's postmaster as kill -9 does.
func kill(t *testing.T, server *localpg.Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.SuperuserURL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var data string
	require.NoError(t, conn.QueryRow(t.Context(), `show data_directory`).Scan(&data))
	body, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.SplitN(string(body), "\n", 2)[0])
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil || conn.Ping(t.Context()) != nil }, 10e9, 20e6)
}
