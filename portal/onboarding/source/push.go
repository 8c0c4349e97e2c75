package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

// ErrBadPush says that what a source sent cannot be used.
var ErrBadPush = errors.New("what the source sent cannot be used")

// Push is what a source says of one record by itself. A nil Payload says only
// that the record changed: the next asker has it read again.
type Push struct {
	Key
	At      time.Time
	Payload json.RawMessage
	MaxAge  time.Duration // zero: the source's
}

// Push takes what a source says by itself, in the caller's transaction on the
// worker's role, and tells open pages. False means that it was old news, or that
// nobody has asked for the record yet.
func (r *Reader) Push(ctx context.Context, tx pgx.Tx, in Push) (bool, error) {
	limits, err := r.limits(ctx, tx, in.Source)
	if err != nil {
		return false, err
	}
	switch {
	case in.Entity == "" || len(in.Entity) > 500 || in.At.IsZero():
		return false, fmt.Errorf("%w: it needs a record and a time", ErrBadPush)
	case in.At.After(time.Now().Add(limits.ClockSkew)):
		return false, fmt.Errorf("%w: it is dated in the future", ErrBadPush)
	case len(in.Payload) > limits.PayloadLimit:
		return false, fmt.Errorf("%w: its record has more than %d bytes", ErrBadPush, limits.PayloadLimit)
	}
	changed, err := in.keep(ctx, tx, limits)
	if err != nil || !changed {
		return false, err
	}
	if _, err := onboarding.Append(ctx, tx, in.TenantID, "source", uuid.Nil, "source.changed"); err != nil {
		return false, err
	}
	return true, nil
}

func (in Push) keep(ctx context.Context, tx pgx.Tx, limits Config) (bool, error) {
	if in.Payload == nil {
		known, err := read(ctx, tx, in.Key)
		if err != nil || known.snapshot.FetchedAt.IsZero() {
			return false, err
		}
		return true, Invalidate(ctx, tx, in.Key)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(in.Payload, &object); err != nil || object == nil {
		return false, fmt.Errorf("%w: its record is no JSON object", ErrBadPush)
	}
	age := in.MaxAge
	if age <= 0 {
		age = limits.MaxAge
	}
	return Put(ctx, tx, in.Key, Reading{Payload: in.Payload, ObservedAt: in.At, MaxAge: age})
}

// limits are a source's, of the configuration file or stored; one that is switched
// off says nothing.
func (r *Reader) limits(ctx context.Context, tx pgx.Tx, name string) (Config, error) {
	r.portsMu.RLock()
	p := r.ports[name]
	r.portsMu.RUnlock()
	if p != nil && p.revision == 0 {
		return p.Config, nil
	}
	var d Definition
	err := tx.QueryRow(ctx, `select body from status_sources where name = $1 and enabled`, name).Scan(&d)
	if errors.Is(err, pgx.ErrNoRows) {
		return Config{}, fmt.Errorf("%w %q", ErrUnknownSource, name)
	}
	if err != nil {
		return Config{}, fmt.Errorf("read source: %w", err)
	}
	return d.config().withDefaults(), nil
}
