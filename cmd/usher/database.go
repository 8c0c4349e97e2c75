package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/usherdesk/usher/migrations/localpg"
)

// database makes sure there is a database address: the operator's, or a private
// server's, which it starts. stop ends what was started here.
func database(ctx context.Context, c *config) (stop func(), err error) {
	stop = func() {}
	if err := c.ensureSecret(); err != nil {
		return stop, err
	}
	if c.DatabaseURL == "" {
		server, err := localpg.Start(ctx, localpg.Config{Dir: c.Dir})
		if err != nil {
			return stop, err
		}
		c.DatabaseURL = server.OwnerURL()
		stop = func() { _ = server.Stop(ctx) }
	}
	if err := c.roleURLs(); err != nil {
		stop()
		return func() {}, err
	}
	return stop, nil
}

// ensureSecret reads the generated secret, making it on first use. With an own
// DATABASE_URL and no writable folder the operator has to set one.
func (c *config) ensureSecret() error {
	if c.Secret != "" {
		return nil
	}
	path := filepath.Join(c.Dir, "secret")
	if body, err := os.ReadFile(path); err == nil {
		c.Secret = strings.TrimSpace(string(body))
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read generated secret: %w", err)
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	c.Secret = hex.EncodeToString(random[:])
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("make folder for the generated secret (or set USHER_SECRET): %w", err)
	}
	if err := os.WriteFile(path, []byte(c.Secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep generated secret (or set USHER_SECRET): %w", err)
	}
	return nil
}
