package source

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
)

// ErrAbsent says the source has no such record.
var ErrAbsent = errors.New("the source has no such record")

// ErrUnavailable says nothing is known yet and the source does not answer.
var ErrUnavailable = errors.New("the source cannot be read")

// ErrUnknownSource says no source of that name is configured.
var ErrUnknownSource = errors.New("unknown source")

// ErrNoCustomer says the source knows the tenant by no number, so it has no
// record of it either.
var ErrNoCustomer = errors.New("no customer number for this source")

// Key names one record of one tenant in one source.
type Key struct {
	TenantID uuid.UUID
	Source   string
	Entity   string // the record's id in the source, such as "shipment/4711"
	Customer string // the number the source knows the tenant by; filled by the Reader, for a PerCustomer
}

// Reading is what a source said.
type Reading struct {
	Payload     json.RawMessage // a JSON object
	ObservedAt  time.Time       // when it was so; zero means at the time of the call
	MaxAge      time.Duration   // how long it may be called fresh; zero means the source's default
	ETag        string
	NotModified bool // the record is as the given etag says; Payload is not used
}

// Source reads records from an outside system. Fetch returns ErrAbsent for a
// record that does not exist and any other error when it could not find out;
// RetryAfter in the chain of the error sets when to ask again.
type Source interface {
	Fetch(ctx context.Context, key Key, etag string) (Reading, error)
}

// PerCustomer is a Source whose requests carry the number it knows the tenant by.
type PerCustomer interface{ PerCustomer() bool }

// RetryAfter is an error of a source that asked to be left alone for a while.
type RetryAfter struct {
	After time.Duration
	Err   error
}

func (e *RetryAfter) Error() string { return e.Err.Error() }
func (e *RetryAfter) Unwrap() error { return e.Err }

// State says how good a Snapshot is.
type State string

// The states.
const (
	Fresh       State = "fresh"
	Stale       State = "stale"       // older than its max age, or the last try failed
	Absent      State = "absent"      // the source has no such record
	Unavailable State = "unavailable" // never read successfully
)

// Snapshot is the last known value of a record.
type Snapshot struct {
	Payload    json.RawMessage
	ObservedAt time.Time
	FetchedAt  time.Time
	MaxAge     time.Duration
	ETag       string
	State      State
}
