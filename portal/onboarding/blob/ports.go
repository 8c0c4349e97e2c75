package blob

import (
	"context"
	"errors"
	"io"
	"time"
)

// The errors callers branch on.
var (
	ErrTooLarge = errors.New("the file is too large")
	ErrEmpty    = errors.New("the file is empty")
	ErrType     = errors.New("files of this type are not accepted")
	ErrHeld     = errors.New("the file is held back until it has been checked")
	ErrNone     = errors.New("no bytes are stored under this key")
)

// Store keeps bytes under keys. Keys are made by the packages that own the files.
type Store interface {
	// Put stores what the reader gives; size is -1 when unknown. A failed Put
	// leaves nothing under the key.
	Put(ctx context.Context, key string, body io.Reader, size int64, contentType string) error
	// Open returns ErrNone for a key that is not there.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes a key; a missing one is no error.
	Delete(ctx context.Context, key string) error
}

// Presigner is what a Store can do besides: give an address that works for a few
// minutes, for the one file and under its name.
type Presigner interface {
	Presign(ctx context.Context, key, fileName, contentType string, lifetime time.Duration) (string, error)
}

// The states of a scan.
const (
	Pending    = "pending"
	Clean      = "clean"
	Infected   = "infected"
	Failed     = "error" // the scanner did not answer
	NotScanned = "not_scanned"
)

// Verdict is what a scanner says.
type Verdict struct {
	Clean  bool
	Detail string // for staff: the name of what was found
}

// Scanner looks for malware.
type Scanner interface {
	Scan(ctx context.Context, body io.Reader) (Verdict, error)
}

// ScanKey has stored bytes looked at and says what state that leaves them in. An
// error of the scanner is a state too, and returned, so that a job tries again.
func ScanKey(ctx context.Context, store Store, scanner Scanner, key string) (state, detail string, err error) {
	verdict, err := scan(ctx, store, scanner, key)
	switch {
	case err != nil:
		return Failed, err.Error(), err
	case verdict.Clean:
		return Clean, "", nil
	}
	return Infected, verdict.Detail, nil
}

func scan(ctx context.Context, store Store, scanner Scanner, key string) (Verdict, error) {
	body, err := store.Open(ctx, key)
	if err != nil {
		return Verdict{}, err
	}
	defer body.Close()
	return scanner.Scan(ctx, body)
}

// Content is a file to hand out: an address that works for minutes, or the bytes.
type Content struct {
	FileName    string
	ContentType string
	Size        int64
	URL         string
	Body        io.ReadCloser
}

// lifetime is how long an address works; access is checked when it is made.
const lifetime = 2 * time.Minute

// HandOut fills in how to get at stored bytes. Who may have them was decided before.
func HandOut(ctx context.Context, store Store, key string, c Content) (Content, error) {
	var err error
	if presigner, ok := store.(Presigner); ok {
		c.URL, err = presigner.Presign(ctx, key, c.FileName, c.ContentType, lifetime)
	} else {
		c.Body, err = store.Open(ctx, key)
	}
	return c, err
}
