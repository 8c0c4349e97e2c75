package site

import (
	"context"
	"errors"
	"time"
)

// Web reads addresses. It follows no redirect, reaches public addresses only, and
// bounds what it reads in time and size.
type Web interface {
	Fetch(ctx context.Context, r Request) (Response, error)
	// Rules are those of the host's robots.txt. A host that has none allows all.
	Rules(ctx context.Context, address string) (Rules, error)
}

// Request is an address, with what is known of it.
type Request struct {
	URL, ETag, LastModified string
}

// Response is what an address answered.
type Response struct {
	Status             int
	Location           string // of a redirect, absolute
	Kind               string // media type, without parameters
	Body               []byte // UTF-8 where Kind is a text
	ETag, LastModified string
	RetryAfter         time.Duration
}

// Rules of a host for robots.
type Rules interface {
	Allowed(address string) bool
	Delay() time.Duration // 0: none asked for
}

// Reasons a Web gives. Others are failures of the network.
var (
	ErrPrivate  = errors.New("site: the address is not a public one")
	ErrTooLarge = errors.New("site: the page is too large")
)
