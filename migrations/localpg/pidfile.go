package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// pidfile is what postmaster.pid claims: PostgreSQL writes it at start and
// removes it at the end, but not when it is killed. The zero value claims nothing.
type pidfile struct {
	pid  int
	data string // the data folder it was written in
	port int    // 0 while the server is starting
}

// readPidfile returns the zero value where there is none, or one half-written by
// a server that died.
func readPidfile(data string) (claim pidfile, err error) {
	body, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return pidfile{}, nil
	}
	if err != nil {
		return pidfile{}, fmt.Errorf("read the private PostgreSQL's pidfile: %w", explain(err))
	}
	lines := strings.Split(string(body), "\n")
	if len(lines) < 4 {
		return pidfile{}, nil
	}
	claim.data = strings.TrimSpace(lines[1])
	claim.pid, _ = strconv.Atoi(strings.TrimSpace(lines[0])) // 0 is nobody
	claim.port, _ = strconv.Atoi(strings.TrimSpace(lines[3]))
	return claim, nil
}

// alive reports whether the claimed process is a PostgreSQL on this folder, and
// not one that got a dead server's number.
func (p pidfile) alive(ctx context.Context, data string) bool {
	if p.pid <= 0 || !sameFolder(p.data, data) || errors.Is(syscall.Kill(p.pid, 0), syscall.ESRCH) {
		return false
	}
	return strings.Contains(commandLine(ctx, p.pid), p.data)
}

// disown makes a pidfile left by a dead server harmless. PostgreSQL and pg_ctl
// trust its process number, which may by now be anybody's, or, in a copied
// folder, the original's. PostgreSQL ignores the number of pg_ctl's parent,
// which is us; the rest of the file stays, because PostgreSQL reads from it
// whether children of the dead server still hold its memory.
func disown(data string) error {
	path := filepath.Join(data, "postmaster.pid")
	body, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, rest, _ := bytes.Cut(body, []byte("\n"))
		err = os.WriteFile(path, append([]byte(strconv.Itoa(os.Getpid())+"\n"), rest...), 0o600)
	}
	if err != nil {
		return fmt.Errorf("clear the private PostgreSQL's stale pidfile: %w", explain(err))
	}
	return nil
}

// commandLine is a running process's command, "" for a dead one.
func commandLine(ctx context.Context, pid int) string {
	if body, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
		return string(bytes.ReplaceAll(body, []byte{0}, []byte(" ")))
	}
	line, _ := ask(ctx, "ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)) // fails when there is no such process
	return line
}

func sameFolder(a, b string) bool {
	one, errOne := os.Stat(a)
	two, errTwo := os.Stat(b)
	return errOne == nil && errTwo == nil && os.SameFile(one, two)
}
