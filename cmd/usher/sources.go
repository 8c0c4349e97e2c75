package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/integrations/rest"
	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// sourceConfig is one entry of the file USHER_SOURCES names: an API that knows
// the fields of a status pack's records. Its secret is in an environment variable.
type sourceConfig struct {
	Name        string   `json:"name"`
	SecretEnv   string   `json:"secret_env"`
	MaxAge      string   `json:"max_age"` // such as 60s
	Concurrency int      `json:"concurrency"`
	Allow       []string `json:"allow"` // networks that may be dialled although not public
	rest.Config
}

// connectSources makes the reader of outside systems; without the setting it has none.
func (a *application) connectSources() (*source.Reader, error) {
	reader := source.NewReader(a.worker, a.log)
	file := setting("USHER_SOURCES")
	if file == "" {
		return reader, nil
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read USHER_SOURCES: %w", err)
	}
	var list []sourceConfig
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("read USHER_SOURCES %s: %w", file, err)
	}
	return reader, registerSources(reader, list)
}

func registerSources(reader *source.Reader, list []sourceConfig) error {
	for _, c := range list {
		config := source.Config{Concurrency: c.Concurrency}
		if c.MaxAge != "" {
			age, err := time.ParseDuration(c.MaxAge)
			if err != nil {
				return fmt.Errorf("source %s: max_age %q is no duration like 60s", c.Name, c.MaxAge)
			}
			config.MaxAge = age
		}
		var guard rest.Guard
		for _, text := range c.Allow {
			network, err := netip.ParsePrefix(text)
			if err != nil {
				return fmt.Errorf("source %s: %q is no network like 10.0.0.0/8", c.Name, text)
			}
			guard.Allow = append(guard.Allow, network)
		}
		if c.SecretEnv != "" {
			c.Auth.Secret = setting(c.SecretEnv)
		}
		client, err := rest.New(c.Config, guard)
		if err != nil {
			return fmt.Errorf("source %s: %w", c.Name, err)
		}
		reader.Register(c.Name, client, config)
	}
	return nil
}

// refreshed answers again with what the sources of the things in an answer say
// now. No question waits for a source that has answered before.
func refreshed(ctx context.Context, reader *source.Reader, tenant uuid.UUID, in status.Input, q status.Question, first status.Answer) status.Answer {
	if reader == nil || len(in.Packs) == 0 {
		return first
	}
	in.Record.Things = slices.Clone(in.Record.Things)
	changed := false
	for _, p := range in.Packs {
		if p.Source == "" {
			continue
		}
		for i, t := range in.Record.Things {
			used := slices.ContainsFunc(first.Basis, func(b status.Basis) bool { return b.ID == t.ID })
			if t.Entity == p.Entity && used {
				in.Record.Things[i] = reader.Refresh(ctx, tenant, t, p.Source)
				changed = true
			}
		}
	}
	if !changed {
		return first
	}
	return status.Resolve(in, q)
}
