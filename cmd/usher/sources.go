package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/rest"
	"github.com/usherdesk/usher/portal/onboarding"
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
	Confirm     bool     `json:"confirm"`
	rest.Config
}

// connectSources makes the reader of outside systems: those of the file the
// setting names, and those curators store.
func (a *application) connectSources() (*source.Reader, error) {
	reader := source.NewReader(a.worker, a.log)
	guard, err := outsideGuard()
	if err != nil {
		return nil, err
	}
	reader.Stored(storedSources(guard))
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

// outsideGuard allows what is public, and the networks the operator names.
func outsideGuard() (guard egress.Guard, err error) {
	for _, text := range split(setting("USHER_SOURCE_NETWORKS")) {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return guard, fmt.Errorf("USHER_SOURCE_NETWORKS: %q is no network like 10.0.0.0/8", text)
		}
		guard.Allow = append(guard.Allow, network)
	}
	return guard, nil
}

func storedSources(guard egress.Guard) source.Builder {
	return source.Builder{
		Build:   func(d source.Definition, secret string) (source.Source, error) { return rest.Stored(d, secret, guard) },
		Explain: rest.Explain,
	}
}

func registerSources(reader *source.Reader, list []sourceConfig) error {
	for _, c := range list {
		config := source.Config{Concurrency: c.Concurrency, Confirm: c.Confirm}
		if c.MaxAge != "" {
			age, err := time.ParseDuration(c.MaxAge)
			if err != nil {
				return fmt.Errorf("source %s: max_age %q is no duration like 60s", c.Name, c.MaxAge)
			}
			config.MaxAge = age
		}
		var guard egress.Guard
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
	used := func(t onboarding.Thing) bool {
		return slices.ContainsFunc(first.Basis, func(b status.Basis) bool { return b.ID == t.ID })
	}
	things := fromOwners(ctx, reader, tenant, in, used)
	if things == nil {
		return first
	}
	in.Record.Things = things
	return status.Resolve(in, q)
}

// maxRefreshed is how many things are read anew for one page.
const maxRefreshed = 100

// fromOwners is the record's things with what the owners of their fields say
// now; nil where no source owns a field of any that is wanted.
func fromOwners(ctx context.Context, reader *source.Reader, tenant uuid.UUID, in status.Input, wanted func(onboarding.Thing) bool) []onboarding.Thing {
	if reader == nil {
		return nil
	}
	things := slices.Clone(in.Record.Things)
	var wg sync.WaitGroup
	read := 0
	for _, p := range in.Packs {
		owners := ownersOf(p)
		if len(owners) == 0 {
			continue
		}
		for i, t := range things {
			if t.Entity == p.Entity && wanted(t) && read < maxRefreshed {
				read++
				wg.Go(func() { things[i] = reader.Refresh(ctx, tenant, t, owners...) })
			}
		}
	}
	wg.Wait()
	if read == 0 {
		return nil
	}
	return things
}

func ownersOf(p status.Pack) (owners []source.Owner) {
	names, fields := p.Sources()
	for _, name := range names {
		owners = append(owners, source.Owner{Source: name, Fields: fields[name], All: len(fields[name]) == len(p.Fields)})
	}
	return owners
}
