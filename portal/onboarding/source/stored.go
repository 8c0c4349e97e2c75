package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// lookEvery is how long a change of a stored source may go unnoticed by a node.
const lookEvery = time.Second

// port finds a source by name: one the configuration file has, or a stored one
// as it is now.
func (r *Reader) port(ctx context.Context, name string) (*port, error) {
	r.portsMu.RLock()
	p, looked := r.ports[name], r.looked
	r.portsMu.RUnlock()
	if p != nil && p.revision == 0 || r.builder.Build == nil {
		return p, nil
	}
	if time.Since(looked) < lookEvery {
		return p, nil
	}
	return r.look(ctx, name)
}

// look makes the ports of stored sources what the table says. A source whose
// definition has not changed keeps its circuit and its running calls.
func (r *Reader) look(ctx context.Context, name string) (*port, error) {
	r.portsMu.Lock()
	defer r.portsMu.Unlock()
	if time.Since(r.looked) < lookEvery {
		return r.ports[name], nil
	}
	type stored struct {
		Definition
		secret string
	}
	var found []stored
	err := r.db.WithSystem(ctx, "read the stored sources", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select name, body, secret, revision from status_sources where enabled`)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stored, err error) {
			var name string
			var revision int64
			err = row.Scan(&name, &s.Definition, &s.secret, &revision)
			s.Name, s.Revision = name, revision
			return s, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	r.looked = time.Now()
	kept := map[string]bool{}
	for _, s := range found {
		have := r.ports[s.Name]
		if have != nil && (have.revision == 0 || have.revision == s.Revision) {
			kept[s.Name] = true
			continue
		}
		source, err := r.builder.Build(s.Definition, s.secret)
		if err != nil { // it was checked when stored; another version of us may differ
			r.log.Error("stored source cannot be used", "source", s.Name, "error", err)
			continue
		}
		p := r.newPort(s.Name, source, s.config())
		p.revision = s.Revision
		r.ports[s.Name], kept[s.Name] = p, true
	}
	for name, p := range r.ports {
		if p.revision != 0 && !kept[name] {
			delete(r.ports, name)
		}
	}
	return r.ports[name], nil
}

func (d Definition) config() Config { return Config{Concurrency: d.Concurrency, MaxAge: d.MaxAge} }

// Confirms reports whether what a source says is for the asker only. One that is
// switched off still says its last word.
func (r *Reader) Confirms(ctx context.Context, name string) (yes bool, err error) {
	r.portsMu.RLock()
	p := r.ports[name]
	r.portsMu.RUnlock()
	if p != nil && p.revision == 0 {
		return p.Confirm, nil
	}
	err = r.db.WithSystem(ctx, "see whether a source's answers need a proof", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select coalesce((select (body->>'confirm')::boolean from status_sources where name = $1), false)`, name).Scan(&yes)
	})
	if err != nil {
		return false, fmt.Errorf("read source: %w", err)
	}
	return yes, nil
}

// fixed reports whether the configuration file has a source of that name.
func (r *Reader) fixed(name string) bool {
	r.portsMu.RLock()
	defer r.portsMu.RUnlock()
	p := r.ports[name]
	return p != nil && p.revision == 0
}

// Fixed are the names of the sources the configuration file has.
func (r *Reader) Fixed() (names []string) {
	r.portsMu.RLock()
	defer r.portsMu.RUnlock()
	for name, p := range r.ports {
		if p.revision == 0 {
			names = append(names, name)
		}
	}
	return names
}

// Circuit is the state of a source's circuit on this node: closed, half-open or
// open; closed as well for one nobody has asked here.
func (r *Reader) Circuit(name string) string {
	r.portsMu.RLock()
	defer r.portsMu.RUnlock()
	if p := r.ports[name]; p != nil {
		return p.circuit.State().String()
	}
	return "closed"
}

// Trial is one reading made to see whether a source works. Nothing is kept.
type Trial struct {
	Reading Reading
	Took    time.Duration
	Missing []string // fields the answer did not have
	Problem string   // in plain words; empty: it worked
}

// Try reads one record of one tenant now, past the snapshots, switched on or not.
func (r *Reader) Try(ctx context.Context, key Key) (Trial, error) {
	var d Definition
	var secret string
	err := r.db.WithSystem(ctx, "try a source", func(tx pgx.Tx) (err error) {
		d, secret, err = secretOf(ctx, tx, key.Source)
		return err
	})
	if err != nil {
		return Trial{}, err
	}
	source, err := r.builder.Build(d, secret)
	if err != nil {
		return Trial{Problem: r.explain(err)}, nil
	}
	p := r.newPort(key.Source, source, d.config())
	began := time.Now()
	reading, err := r.call(ctx, key, p, "")
	out := Trial{Reading: reading, Took: time.Since(began)}
	if err != nil {
		out.Problem = r.explain(err)
		return out, nil
	}
	out.Missing = missing(d.Fields, reading.Payload)
	return out, nil
}

func (r *Reader) explain(err error) string {
	switch {
	case errors.Is(err, ErrNoCustomer):
		return "The path needs {customer}, but no customer number of this organisation is stored. Add it below."
	case r.builder.Explain != nil:
		return r.builder.Explain(err)
	}
	return err.Error()
}

// Health is how the readings of one source stand, over all tenants and nodes.
type Health struct {
	Source      string
	Records     int
	Failing     int // records whose last reading failed
	LastFetched *time.Time
	NextTry     *time.Time // of the failing record that is tried first
	LastError   string     // for staff
}

// Healths reads how all sources stand, by name.
func Healths(ctx context.Context, tx pgx.Tx) (map[string]Health, error) {
	rows, err := tx.Query(ctx, `select source, count(*) as records, count(*) filter (where failures > 0) as failing, max(fetched_at) as last_fetched,
		min(next_fetch_at) filter (where failures > 0 and next_fetch_at > '-infinity') as next_try,
		coalesce((array_agg(error_internal order by next_fetch_at desc) filter (where failures > 0))[1], '') as last_error
		from status_snapshots group by source`)
	if err != nil {
		return nil, fmt.Errorf("read health of sources: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Health])
	if err != nil {
		return nil, fmt.Errorf("read health of sources: %w", err)
	}
	out := map[string]Health{}
	for _, h := range list {
		out[h.Source] = h
	}
	return out, nil
}

// missing are the mapped fields a reading does not have.
func missing(fields map[string]string, payload json.RawMessage) (names []string) {
	var have map[string]json.RawMessage
	if err := json.Unmarshal(payload, &have); err != nil {
		return nil
	}
	for name := range fields {
		if _, ok := have[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
