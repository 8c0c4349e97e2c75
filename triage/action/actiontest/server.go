// Package actiontest is another system that takes writes, for tests: over HTTP,
// with a key per request that it may or may not honour.
package actiontest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Arrived is a request as the system got it.
type Arrived struct {
	Method, Path, Key, Auth, Body string
}

// Server remembers what it was asked and what it did.
type Server struct {
	*httptest.Server
	// Honours says that a key it has seen gets the first answer and no second effect.
	Honours bool
	// Before decides about a request before its effect, After about its answer. A
	// true result means that the answer is written already.
	Before, After func(n int, w http.ResponseWriter, r *http.Request) bool

	mu      sync.Mutex
	arrived []Arrived
	effects []Arrived
	seen    map[string]bool
}

// New starts a server that is stopped with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{seen: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in := Arrived{r.Method, r.URL.RequestURI(), r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)}
	s.mu.Lock()
	s.arrived = append(s.arrived, in)
	n, before, after := len(s.arrived), s.Before, s.After
	s.mu.Unlock()
	if before != nil && before(n, w, r) {
		return
	}
	s.mu.Lock()
	if !s.Honours || !s.seen[in.Key] {
		s.seen[in.Key] = true
		s.effects = append(s.effects, in)
	}
	s.mu.Unlock()
	if after != nil && after(n, w, r) {
		return
	}
	w.WriteHeader(http.StatusOK)
}

// Arrived are the requests so far.
func (s *Server) Arrived() []Arrived {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Arrived(nil), s.arrived...)
}

// Effects are what was done so far.
func (s *Server) Effects() []Arrived {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Arrived(nil), s.effects...)
}

// HangUp breaks the connection without an answer.
func HangUp(_ int, w http.ResponseWriter, _ *http.Request) bool {
	if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = connection.Close()
	}
	return true
}
