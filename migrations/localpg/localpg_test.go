package localpg_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/localpg"
)

// template is the folder of a stopped cluster, made once: making one takes much
// longer than copying it.
var (
	templateDir string
	template    = sync.OnceValue(func() error {
		var err error
		if templateDir, err = os.MkdirTemp("", "usher-template-*"); err != nil {
			return err
		}
		if err := os.Chmod(templateDir, 0o755); err != nil {
			return err
		}
		server, err := localpg.Start(context.Background(), localpg.Config{Dir: templateDir, Fast: true})
		if err != nil {
			return err
		}
		if err := server.Stop(context.Background()); err != nil {
			return err
		}
		// Copies choose ports of their own.
		settings := filepath.Join(templateDir, "postgres.json")
		body, err := os.ReadFile(settings)
		if err != nil {
			return err
		}
		return os.WriteFile(settings, regexp.MustCompile(`"port": \d+`).ReplaceAll(body, []byte(`"port": 0`)), 0o600)
	})
)

func TestMain(m *testing.M) {
	status := m.Run()
	if templateDir != "" {
		_ = localpg.Remove(context.Background(), localpg.Config{Dir: templateDir})
		_ = os.RemoveAll(templateDir)
	}
	os.Exit(status)
}

// fresh is a folder without a cluster; what is made there is removed again.
func fresh(t *testing.T) string {
	t.Helper()
	if _, err := localpg.Find(t.Context()); err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(t.TempDir(), ".usher")
	t.Cleanup(func() { require.NoError(t, localpg.Remove(context.Background(), localpg.Config{Dir: dir})) })
	return dir
}

// reachable is fresh, but also PostgreSQL's user may enter it: t.TempDir is its
// owner's only, which makes a cluster of root's go to /var/lib/usher.
func reachable(t *testing.T) string {
	t.Helper()
	dir := fresh(t)
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755))
	return dir
}

// bundle is a folder with a stopped cluster.
func bundle(t *testing.T) string {
	t.Helper()
	dir := reachable(t)
	require.NoError(t, template())
	require.NoError(t, exec.Command("cp", "-a", templateDir, dir).Run())
	return dir
}

func start(t *testing.T, dir string) *localpg.Server {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Config{Dir: dir, Fast: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	return server
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// keep stores a row as the owner; kept counts the rows.
func keep(t *testing.T, address string) {
	t.Helper()
	_, err := connect(t, address).Exec(t.Context(), `set synchronous_commit = on; create table if not exists kept (v vector(3)); insert into kept values ('[1,2,3]')`)
	require.NoError(t, err)
}

func kept(t *testing.T, address string) (rows int) {
	t.Helper()
	require.NoError(t, connect(t, address).QueryRow(t.Context(), `select count(*) from kept`).Scan(&rows))
	return rows
}

func dataFolder(t *testing.T, server *localpg.Server) (data string) {
	t.Helper()
	require.NoError(t, connect(t, server.SuperuserURL()).QueryRow(t.Context(), `show data_directory`).Scan(&data))
	return data
}

// kill ends the server as kill -9 does and leaves its pidfile behind.
func kill(t *testing.T, server *localpg.Server) {
	t.Helper()
	conn := connect(t, server.SuperuserURL())
	body, err := os.ReadFile(filepath.Join(dataFolder(t, server), "postmaster.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.SplitN(string(body), "\n", 2)[0])
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return conn.Ping(t.Context()) != nil }, 10*time.Second, 20*time.Millisecond)
}

func TestServer(t *testing.T) {
	t.Parallel()
	dir := fresh(t)
	server := start(t, dir)
	require.True(t, server.StartedHere)

	t.Run("its database belongs to a role that is no superuser", func(t *testing.T) { //nolint:paralleltest // the server stops with the parent
		var superuser, createrole bool
		var role string
		require.NoError(t, connect(t, server.OwnerURL()).QueryRow(t.Context(),
			`select rolname, rolsuper, rolcreaterole from pg_roles where rolname = current_user`).Scan(&role, &superuser, &createrole))
		require.Equal(t, localpg.OwnerRole, role)
		require.False(t, superuser)
		require.True(t, createrole)
		keep(t, server.OwnerURL())
	})

	t.Run("it knows the letters of all languages", func(t *testing.T) { //nolint:paralleltest // as above
		var lower string
		require.NoError(t, connect(t, server.OwnerURL()).QueryRow(t.Context(), `select lower('ÄÉŁΩЖ')`).Scan(&lower))
		require.Equal(t, "äéłωж", lower)
	})

	t.Run("it listens on this machine only and asks for the password", func(t *testing.T) { //nolint:paralleltest // as above
		var addresses, sockets string
		require.NoError(t, connect(t, server.SuperuserURL()).QueryRow(t.Context(),
			`select current_setting('listen_addresses'), current_setting('unix_socket_directories')`).Scan(&addresses, &sockets))
		require.Equal(t, "127.0.0.1", addresses)
		require.Empty(t, sockets)
		address, err := url.Parse(server.SuperuserURL())
		require.NoError(t, err)
		address.User = url.UserPassword("postgres", "wrong")
		_, err = pgx.Connect(t.Context(), address.String())
		require.ErrorContains(t, err, "password authentication failed")
	})

	t.Run("its passwords are kept from other users", func(t *testing.T) { //nolint:paralleltest // as above
		info, err := os.Stat(filepath.Join(dir, "postgres.json"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	})
}

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("reuses a running server, and the last user stops it", func(t *testing.T) {
		t.Parallel()
		dir := bundle(t)
		first, second := start(t, dir), start(t, dir)
		require.False(t, second.StartedHere)
		require.Equal(t, first.OwnerURL(), second.OwnerURL())
		require.NoError(t, first.Stop(t.Context()))
		keep(t, second.OwnerURL())
		require.NoError(t, second.Stop(t.Context()))
		_, err := pgx.Connect(t.Context(), second.OwnerURL())
		require.Error(t, err)
	})

	t.Run("starts one server for many who start at once", func(t *testing.T) {
		t.Parallel()
		dir := fresh(t)
		var group sync.WaitGroup
		var servers [4]*localpg.Server
		var errs [4]error
		for i := range servers {
			group.Go(func() { servers[i], errs[i] = localpg.Start(t.Context(), localpg.Config{Dir: dir, Fast: true}) })
		}
		group.Wait()
		require.NoError(t, errors.Join(errs[:]...))
		started := 0
		for _, server := range servers {
			require.Equal(t, servers[0].OwnerURL(), server.OwnerURL())
			if server.StartedHere {
				started++
			}
			require.NoError(t, server.Stop(t.Context()))
		}
		require.Equal(t, 1, started)
	})

	t.Run("keeps data and port over a stop", func(t *testing.T) {
		t.Parallel()
		dir := bundle(t)
		first := start(t, dir)
		keep(t, first.OwnerURL())
		require.NoError(t, first.Stop(t.Context()))
		second := start(t, dir)
		require.True(t, second.StartedHere)
		require.Equal(t, first.OwnerURL(), second.OwnerURL())
		require.Equal(t, 1, kept(t, second.OwnerURL()))
	})

	t.Run("leaves nothing running when it is given up", func(t *testing.T) {
		t.Parallel()
		dir := fresh(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := localpg.Start(ctx, localpg.Config{Dir: dir, Fast: true})
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, start(t, dir).StartedHere)
	})
}

func TestStartAfterACrash(t *testing.T) {
	t.Parallel()

	t.Run("a killed server comes back with its data", func(t *testing.T) {
		t.Parallel()
		dir := bundle(t)
		first := start(t, dir)
		keep(t, first.OwnerURL())
		kill(t, first)
		second := start(t, dir)
		require.True(t, second.StartedHere)
		require.Equal(t, first.OwnerURL(), second.OwnerURL())
		require.Equal(t, 1, kept(t, second.OwnerURL()))
	})

	t.Run("a port taken meanwhile is left alone", func(t *testing.T) {
		t.Parallel()
		dir := bundle(t)
		first := start(t, dir)
		keep(t, first.OwnerURL())
		address, err := url.Parse(first.OwnerURL())
		require.NoError(t, err)
		kill(t, first)
		var taken net.Listener
		require.Eventually(t, func() bool { taken, err = net.Listen("tcp", address.Host); return err == nil }, 10*time.Second, 20*time.Millisecond)
		defer taken.Close()
		second := start(t, dir)
		require.NotEqual(t, first.OwnerURL(), second.OwnerURL())
		require.Equal(t, 1, kept(t, second.OwnerURL()))
	})

	t.Run("a process that got the dead server's number is left alone", func(t *testing.T) {
		t.Parallel()
		dir := bundle(t)
		first := start(t, dir)
		keep(t, first.OwnerURL())
		pidfile := filepath.Join(dataFolder(t, first), "postmaster.pid")
		kill(t, first)
		bystander := exec.Command("sleep", "60")
		require.NoError(t, bystander.Start())
		defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
		body, err := os.ReadFile(pidfile)
		require.NoError(t, err)
		_, rest, _ := strings.Cut(string(body), "\n")
		require.NoError(t, os.WriteFile(pidfile, []byte(strconv.Itoa(bystander.Process.Pid)+"\n"+rest), 0o600))
		second := start(t, dir)
		require.True(t, second.StartedHere)
		require.Equal(t, 1, kept(t, second.OwnerURL()))
		require.NoError(t, second.Stop(t.Context()))
		require.NoError(t, bystander.Process.Signal(syscall.Signal(0)))
	})

	t.Run("a half-made cluster is made anew", func(t *testing.T) {
		t.Parallel()
		dir := fresh(t)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "postgres", "base"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("15\n"), 0o600))
		keep(t, start(t, dir).OwnerURL())
	})
}

func TestCopiedFolder(t *testing.T) {
	t.Parallel()
	dir := bundle(t)
	original := start(t, dir)
	keep(t, original.OwnerURL())
	copied := reachable(t)
	require.NoError(t, exec.Command("cp", "-a", dir, copied).Run())
	copy := start(t, copied)
	require.True(t, copy.StartedHere)
	require.NotEqual(t, original.OwnerURL(), copy.OwnerURL())
	require.NotEqual(t, dataFolder(t, original), dataFolder(t, copy))
	require.NoError(t, copy.Stop(t.Context()))
	require.Equal(t, 1, kept(t, original.OwnerURL()), "the original still serves")
}

func TestMovedFolder(t *testing.T) {
	t.Parallel()
	dir, moved := bundle(t), reachable(t)
	first := start(t, dir)
	keep(t, first.OwnerURL())
	require.NoError(t, first.Stop(t.Context()))
	require.NoError(t, os.Rename(dir, moved))
	require.Equal(t, 1, kept(t, start(t, moved).OwnerURL()))
}

func TestLostSettings(t *testing.T) {
	t.Parallel()
	dir := bundle(t)
	require.NoError(t, start(t, dir).Stop(t.Context()))
	settings := filepath.Join(dir, "postgres.json")

	require.NoError(t, os.WriteFile(settings, []byte(`{"data":`), 0o600))
	_, err := localpg.Start(t.Context(), localpg.Config{Dir: dir, Fast: true})
	require.ErrorContains(t, err, "is damaged")
	require.ErrorContains(t, err, "make db/reset")

	require.NoError(t, os.Remove(settings))
	_, err = localpg.Start(t.Context(), localpg.Config{Dir: dir, Fast: true})
	require.ErrorContains(t, err, "passwords")

	require.NoError(t, localpg.Remove(t.Context(), localpg.Config{Dir: dir}))
	keep(t, start(t, dir).OwnerURL())
}

func TestRemoveRefusesWhileInUse(t *testing.T) {
	t.Parallel()
	dir := bundle(t)
	server := start(t, dir)
	require.ErrorContains(t, localpg.Remove(t.Context(), localpg.Config{Dir: dir}), "another process is using it")
	keep(t, server.OwnerURL())
}

func TestCreateScratch(t *testing.T) {
	t.Parallel()
	server := start(t, bundle(t))
	address, drop, err := server.CreateScratch(t.Context())
	require.NoError(t, err)
	keep(t, address)
	drop()
	_, err = pgx.Connect(t.Context(), address)
	require.ErrorContains(t, err, "does not exist")

	// One left behind by a killed process is swept once it is a day old.
	admin := connect(t, server.SuperuserURL())
	old := "scratch_" + strconv.FormatInt(time.Now().Add(-48*time.Hour).Unix(), 10) + "_abc"
	fresh := "scratch_" + strconv.FormatInt(time.Now().Unix(), 10) + "_abc"
	for _, name := range []string{old, fresh} {
		_, err := admin.Exec(t.Context(), "create database "+name)
		require.NoError(t, err)
	}
	_, drop, err = server.CreateScratch(t.Context())
	require.NoError(t, err)
	defer drop()
	var left []string
	require.NoError(t, admin.QueryRow(t.Context(), `select array_agg(datname::text) from pg_database where datname = any($1)`, []string{old, fresh}).Scan(&left))
	require.Equal(t, []string{fresh}, left)
}

func TestMissingPrograms(t *testing.T) {
	t.Parallel()
	_, err := localpg.Start(t.Context(), localpg.Config{Dir: t.TempDir(), Bin: t.TempDir()})
	require.ErrorIs(t, err, localpg.ErrNoPostgres)
	require.ErrorContains(t, err, "make setup")
	require.ErrorContains(t, err, "DATABASE_URL")
}

func TestMissingPgvector(t *testing.T) {
	t.Parallel()
	for name, control := range map[string]string{
		"absent":  "",
		"too old": "default_version = '0.7.4'\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := localpg.Start(t.Context(), localpg.Config{Dir: t.TempDir(), Bin: fakePrograms(t, control)})
			require.ErrorIs(t, err, localpg.ErrNoPgvector)
			require.ErrorContains(t, err, "make setup")
		})
	}
}

// fakePrograms is a folder that looks like PostgreSQL 16 with this vector.control.
func fakePrograms(t *testing.T, control string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	share := filepath.Join(bin, "share")
	require.NoError(t, os.MkdirAll(filepath.Join(share, "extension"), 0o755))
	if control != "" {
		require.NoError(t, os.WriteFile(filepath.Join(share, "extension", "vector.control"), []byte(control), 0o600))
	}
	for program, says := range map[string]string{"initdb": "", "postgres": "postgres (PostgreSQL) 16.4", "pg_config": share} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\necho '"+says+"'\n"), 0o755))
	}
	return bin
}
