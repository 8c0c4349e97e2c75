package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// account is the user PostgreSQL runs as; credential is nil for ourselves.
type account struct {
	name       string
	credential *syscall.Credential
}

// serverAccount chooses an unprivileged user when we are root.
func serverAccount() (account, error) {
	if os.Getuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root and there is no user postgres or nobody to run it as: create one, or set DATABASE_URL")
}

// own hands a file or folder over to the server's user.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// reaches reports whether the server's user can enter a folder.
func (a account) reaches(ctx context.Context, dir string) bool {
	if a.credential == nil {
		return true
	}
	_, err := a.run(context.WithoutCancel(ctx), "/bin/sh", "-c", `cd "$0"`, dir)
	return err == nil
}

// run runs a program as the server's user, in a process group of its own, so
// that a Ctrl-C meant for us does not reach it, and returns what it printed.
func (a account) run(ctx context.Context, program string, args ...string) (string, error) {
	// A file, not a pipe: the server that pg_ctl leaves behind holds it open.
	out, err := os.CreateTemp("", "usher-postgres-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: a.credential}
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	body, _ := os.ReadFile(out.Name())
	text := strings.TrimSpace(string(body))
	if err != nil {
		return text, fmt.Errorf("%s %s: %w: %s", filepath.Base(program), args[0], err, text)
	}
	return text, nil
}

// environment is ours without what would steer PostgreSQL's programs elsewhere
// (PGDATA, PGPORT, …), with messages in English because some are recognised.
func environment() []string {
	kept := []string{"LC_ALL=C", "HOME=/"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "PG") && !strings.HasPrefix(name, "LC_") && name != "HOME" && name != "LANGUAGE" {
			kept = append(kept, variable)
		}
	}
	return kept
}
