package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTimeout = 5 * time.Minute // recovery after a crash can be long
	stopTimeout  = time.Minute
	keptLog      = 10 << 20 // bytes of the server's log before it is set aside
)

// choose picks the installed PostgreSQL: for existing data its own version.
func (s *Server) choose(ctx context.Context, bin string) error {
	all := installations(ctx, bin)
	if s.data == "" {
		chosen, err := find(all)
		s.bin = chosen.Bin
		return err
	}
	body, err := os.ReadFile(filepath.Join(s.data, "PG_VERSION"))
	if err != nil {
		return fmt.Errorf("private PostgreSQL: read the version of its data: %w", explain(err))
	}
	version := strings.TrimSpace(string(body))
	for _, installed := range all {
		if strconv.Itoa(installed.Major) == version {
			s.bin = installed.Bin
			return nil
		}
	}
	return fmt.Errorf("%w in version %s, which made the data in %s: install it, or run `make db/reset` to start afresh without the data", ErrNoPostgres, version, s.data)
}

// create makes a new cluster with generated passwords. The marker comes last: a
// data folder without one is half-made and of no use.
func (s *Server) create(ctx context.Context, fast bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	data, kept := filepath.Join(s.dir, inside), inside
	if !s.account.reaches(ctx, s.dir) {
		data = outsideData(s.dir)
		kept = data
	}
	if err := s.orphan(data); err != nil {
		return err
	}
	if err := s.emptyFolder(data); err != nil {
		return fmt.Errorf("private PostgreSQL: make its data folder: %w", explain(err))
	}
	s.data = data
	s.settings = settings{Data: kept, AdminPassword: secret(), OwnerPassword: secret()}
	if err := s.initialise(ctx, fast); err != nil {
		return fmt.Errorf("create the private PostgreSQL in %s: %w", data, err)
	}
	if err := s.save(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, marker), []byte(s.dir), 0o600); err != nil {
		return fmt.Errorf("create the private PostgreSQL in %s: %w", data, err)
	}
	return nil
}

func (s *Server) emptyFolder(data string) error {
	if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	return s.account.own(data)
}

func (s *Server) initialise(ctx context.Context, fast bool) error {
	passwords := s.data + ".password"
	defer os.Remove(passwords)
	if err := os.WriteFile(passwords, []byte(s.settings.AdminPassword+"\n"), 0o600); err != nil {
		return err
	}
	if err := s.account.own(passwords); err != nil {
		return err
	}
	args := []string{
		"-D", s.data, "-U", superuser, "--pwfile=" + passwords, "--auth=scram-sha-256",
		"-E", "UTF8", "--lc-collate=C", "--lc-messages=C", "--lc-monetary=C", "--lc-numeric=C", "--lc-time=C", "--lc-ctype=" + ctype(), "--no-instructions",
	}
	if fast {
		args = append(args, "--no-sync")
	}
	if _, err := s.account.run(ctx, filepath.Join(s.bin, "initdb"), args...); err != nil {
		return err
	}
	configuration := "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n" +
		"max_connections = 200\nshared_buffers = '256MB'\nlog_min_messages = warning\nlogging_collector = off\n" +
		// A container's /dev/shm is often too small for a parallel index build.
		"dynamic_shared_memory_type = mmap\n"
	if fast {
		configuration += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
	}
	file, err := os.OpenFile(filepath.Join(s.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(configuration)
	return errors.Join(err, file.Close())
}

// ctype is a locale that knows the letters of all languages and is always there.
func ctype() string {
	if runtime.GOOS == "darwin" {
		return "UTF-8"
	}
	return "C.UTF-8"
}

// running reports whether our server runs, waiting for one that is starting or
// recovering. A pidfile that a dead server left is made harmless.
func (s *Server) running(ctx context.Context) (bool, error) {
	deadline := time.Now().Add(startTimeout)
	for {
		claim, err := readPidfile(s.data)
		if err != nil {
			return false, err
		}
		if !claim.alive(ctx, s.data) {
			return false, disown(s.data)
		}
		if claim.port != 0 && s.answers(ctx, claim.port) {
			if s.settings.Port != claim.port {
				s.settings.Port = claim.port
				return true, s.save()
			}
			return true, nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return false, fmt.Errorf("wait for the private PostgreSQL: %w", err)
		}
		if time.Now().After(deadline) {
			return false, fmt.Errorf("process %d runs the private PostgreSQL in %s but does not answer: end it and run again", claim.pid, s.data)
		}
	}
}

// answers reports whether the server on a port is ours: it takes our password
// and runs on our data.
func (s *Server) answers(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url(port, superuser, s.settings.AdminPassword, superuser))
	if err != nil {
		return false
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var data string
	err = conn.QueryRow(ctx, `show data_directory`).Scan(&data)
	return err == nil && sameFolder(data, s.data)
}

// start starts the cluster on its port, or on another when that is taken. It is
// not interrupted half-way, so that a server never runs without anybody to stop it.
func (s *Server) start(ctx context.Context) error {
	work, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), startTimeout, errors.New("starting the private PostgreSQL took too long"))
	defer cancel()
	log := filepath.Join(s.data, "server.log")
	if info, err := os.Stat(log); err == nil && info.Size() > keptLog {
		_ = os.Rename(log, log+".old") // keeping one long log is no reason not to start
	}
	var last error
	for range 10 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		port, err := freePort(s.settings.Port)
		if err != nil {
			return fmt.Errorf("start the private PostgreSQL: %w", err)
		}
		if port != s.settings.Port {
			s.settings.Port = port
			if err := s.save(); err != nil {
				return err
			}
		}
		before := size(log)
		seconds := strconv.Itoa(int(startTimeout.Seconds()))
		_, err = s.account.run(work, filepath.Join(s.bin, "pg_ctl"), "start", "-D", s.data, "-l", log, "-w", "-t", seconds, "-s", "-o", "-p "+strconv.Itoa(port))
		if err == nil {
			return nil
		}
		said := since(log, before)
		last = fmt.Errorf("start the private PostgreSQL in %s: %w\n%s", s.data, err, said)
		switch {
		case strings.Contains(said, "could not bind") || strings.Contains(said, "Address already in use"):
			s.settings.Port = 0 // taken between our look and its own
		case strings.Contains(said, "pre-existing shared memory block"):
			// Children of a killed server need a moment to notice.
			if err := wait(ctx, 500*time.Millisecond); err != nil {
				return err
			}
		default:
			return last
		}
	}
	return last
}

// stop ends the server; connections are closed, everything committed is kept.
func (s *Server) stop(ctx context.Context) error {
	claim, err := readPidfile(s.data)
	if err != nil || !claim.alive(ctx, s.data) {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), stopTimeout, errors.New("stopping the private PostgreSQL took too long"))
	defer cancel()
	seconds := strconv.Itoa(int(stopTimeout.Seconds()))
	if _, err := s.account.run(ctx, filepath.Join(s.bin, "pg_ctl"), "stop", "-D", s.data, "-m", "fast", "-w", "-t", seconds, "-s"); err != nil {
		return fmt.Errorf("stop the private PostgreSQL in %s: %w", s.data, err)
	}
	return nil
}

// Ports to choose from: below those that Linux and macOS give to outgoing
// connections, so that none of them holds ours when the server starts again.
const lowestPort, highestPort = 20000, 32000

// freePort is the wanted port when nothing listens on it, else any free one.
func freePort(wanted int) (int, error) {
	for range 100 {
		if wanted == 0 {
			wanted = lowestPort + rand.IntN(highestPort-lowestPort)
		}
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
		if err == nil {
			return wanted, listener.Close()
		}
		wanted = 0
	}
	return 0, fmt.Errorf("no free port found between %d and %d on 127.0.0.1", lowestPort, highestPort)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// since is what was added to a log, its last lines, for an error message.
func since(path string, offset int64) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return ""
	}
	body, _ := io.ReadAll(io.LimitReader(file, 1<<20)) // a shorter excerpt is still one
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
