package document

import (
	"context"
	"errors"
	"io"
	"time"
)

// The errors callers branch on.
var (
	ErrNotFound   = errors.New("document not found")
	ErrClosed     = errors.New("this document is not asked for any more")
	ErrTooLarge   = errors.New("the file is too large")
	ErrEmpty      = errors.New("the file is empty")
	ErrType       = errors.New("files of this type are not accepted")
	ErrHeld       = errors.New("the file is held back until it has been checked")
	ErrBadReview  = errors.New("the review is not valid")
	ErrNoBlob     = errors.New("no bytes are stored under this key")
	ErrSuperseded = errors.New("a newer version has been uploaded")
)

// Blobs stores bytes under keys. Keys are made by this package.
type Blobs interface {
	// Put stores what the reader gives; size is -1 when unknown. A failed Put
	// leaves nothing under the key.
	Put(ctx context.Context, key string, body io.Reader, size int64, contentType string) error
	// Open returns ErrNoBlob for a key that is not there.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes a key; a missing one is no error.
	Delete(ctx context.Context, key string) error
}

// Presigner is what Blobs can do besides: give an address that works for a few
// minutes, for the one file and under its name.
type Presigner interface {
	Presign(ctx context.Context, key, fileName, contentType string, lifetime time.Duration) (string, error)
}

// Verdict is what a scanner says.
type Verdict struct {
	Clean  bool
	Detail string // for staff: the name of what was found
}

// Scanner looks for malware.
type Scanner interface {
	Scan(ctx context.Context, body io.Reader) (Verdict, error)
}
