package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockFolder lets one process at a time make, start or stop the server. The
// kernel drops the lock when its holder dies.
func lockFolder(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: lock its folder: %w", explain(err))
	}
	for {
		err := flock(file, syscall.LOCK_EX)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = file.Close()
			return nil, fmt.Errorf("private PostgreSQL: lock its folder: %w", err)
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("private PostgreSQL: wait for another process that starts or stops it: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// joinUsers counts this process among the server's users.
func joinUsers(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: join its users: %w", explain(err))
	}
	if err := flock(file, syscall.LOCK_SH); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("private PostgreSQL: join its users: %w", err)
	}
	return file, nil
}

// lastUser reports whether nobody but the holder of file uses the server. Ask
// under the folder's lock, so that nobody joins meanwhile.
func lastUser(file *os.File) bool { return flock(file, syscall.LOCK_EX) == nil }

func flock(file *os.File, how int) error {
	for {
		if err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// explain adds to a refused file access what to do about it.
func explain(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w (another user made this folder: run as that user, or remove it to start afresh)", err)
	}
	return err
}
