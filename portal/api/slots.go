package api

import (
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/problem"
)

// slots bounds how much one principal does at the same time.
type slots struct {
	mu    sync.Mutex
	each  int
	taken map[uuid.UUID]int
}

func newSlots(each int) *slots { return &slots{each: each, taken: map[uuid.UUID]int{}} }

// take holds a slot until release is called.
func (s *slots) take(who uuid.UUID) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[who] >= s.each {
		return nil, problem.New(http.StatusTooManyRequests, "too_many_at_once", "You have too many of these open at the same time. Close one and try again.").After(time.Second)
	}
	s.taken[who]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.taken[who]--; s.taken[who] == 0 {
			delete(s.taken, who)
		}
	}, nil
}
