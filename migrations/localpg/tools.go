package localpg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// MinVersion is the oldest PostgreSQL the schema works on.
const MinVersion = 15

// tools are PostgreSQL's programs and the user they run as.
type tools struct {
	bin string
	as  *syscall.Credential // nil: as ourselves
	uid int
	gid int
}

var versionPattern = regexp.MustCompile(`\) (\d+)`)

// findTools looks for PostgreSQL's server programs, the newest first.
func findTools() (tools, error) {
	var places []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", "/usr/pgsql-*/bin"} {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		places = append(places, found...)
	}
	sort.Slice(places, func(i, j int) bool { return number(places[i]) > number(places[j]) })
	if path, err := exec.LookPath("pg_ctl"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			places = append(places, filepath.Dir(real))
		}
	}
	for _, bin := range places {
		output, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
		if err != nil {
			continue
		}
		if match := versionPattern.FindStringSubmatch(string(output)); match != nil {
			if major, _ := strconv.Atoi(match[1]); major >= MinVersion {
				return asUser(tools{bin: bin})
			}
		}
	}
	return tools{}, fmt.Errorf("no PostgreSQL %d or later is installed: run `make setup`, or set DATABASE_URL to a server of your own", MinVersion)
}

var digits = regexp.MustCompile(`\d+`)

func number(path string) int {
	n, _ := strconv.Atoi(digits.FindString(path))
	return n
}

// asUser chooses an unprivileged user when we are root.
func asUser(t tools) (tools, error) {
	t.uid, t.gid = os.Getuid(), os.Getgid()
	if t.uid != 0 {
		return t, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(account.Uid)
		gid, gidErr := strconv.Atoi(account.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			t.uid, t.gid = uid, gid
			t.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			return t, nil
		}
	}
	return t, errors.New("PostgreSQL refuses to run as root and there is no user postgres or nobody to run it as: create one, or set DATABASE_URL")
}

// run runs one of PostgreSQL's programs in its own process group, so that a
// Ctrl-C meant for us does not reach the server.
func (t tools) run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(t.bin, program), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: t.as}
	cmd.WaitDelay = 5 * time.Second
	if t.as != nil {
		cmd.Env = append(os.Environ(), "HOME=/")
	}
	// A file, not a pipe: the server pg_ctl leaves behind would hold a pipe open.
	out, err := os.CreateTemp("", "usher-pg-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	body, _ := os.ReadFile(out.Name())
	text := strings.TrimSpace(string(body))
	if err != nil {
		return text, fmt.Errorf("%s %s: %w: %s", program, args[0], err, text)
	}
	return text, nil
}

// dataFolder is where the cluster's files go: in the checkout's folder, or
// where its user can reach them.
func (t tools) dataFolder(ctx context.Context, dir string) (string, error) {
	data := filepath.Join(dir, "postgres")
	if t.as != nil && !t.reaches(ctx, dir) {
		sum := sha256.Sum256([]byte(dir))
		data = filepath.Join("/var/lib/usher", hex.EncodeToString(sum[:6]))
		if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil {
			return "", fmt.Errorf("private PostgreSQL: make its data folder: %w", err)
		}
	}
	// A half-made cluster of an interrupted first start is of no use.
	if err := os.RemoveAll(data); err != nil {
		return "", fmt.Errorf("private PostgreSQL: clear its data folder: %w", err)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("private PostgreSQL: make its data folder: %w", err)
	}
	if t.as != nil {
		if err := os.Chown(data, t.uid, t.gid); err != nil {
			return "", fmt.Errorf("private PostgreSQL: hand its data folder over: %w", err)
		}
	}
	return data, nil
}

func (t tools) reaches(ctx context.Context, dir string) bool {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `cd "$0"`, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: t.as}
	return cmd.Run() == nil
}

// secretFile is a file only the server's user can read.
func (t tools) secretFile(secret string) (string, error) {
	file, err := os.CreateTemp("", "usher-pw-*")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(secret + "\n")
	if err == nil && t.as != nil {
		err = file.Chown(t.uid, t.gid)
	}
	return file.Name(), errors.Join(err, file.Close())
}

// lockFolder lets one process at a time start the server.
func lockFolder(ctx context.Context, path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: lock its folder: %w", err)
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("private PostgreSQL: wait for another process that starts it: %w", context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
