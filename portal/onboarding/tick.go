package onboarding

import (
	"slices"

	"github.com/google/uuid"
)

// What a person may say of a task.
const (
	TickDone = "done"
	TickOpen = "open" // take it back
)

// Tick is what the asker may say of a task they see: that it is done, that it is
// not after all, or nothing. It is for tasks of the customer that can be worked on;
// one that names a person is theirs, and their managers'. Taking back is for what a
// colleague ticked, while nothing that builds on it has begun.
func (r Record) Tick(a Asker, t Task) string {
	if r.whole != nil {
		r = *r.whole
	}
	if t.Responsibility != "customer" || t.Elsewhere || r.Project.State != "active" && r.Project.State != "on_hold" {
		return ""
	}
	mine := func(person *uuid.UUID) bool { return person == nil || *person == a.UserID || a.Manager() }
	switch t.State {
	case "ready", "in_progress":
		if mine(t.AssigneeID) {
			return TickDone
		}
	case "done":
		built := slices.ContainsFunc(r.Tasks, func(other Task) bool {
			return slices.Contains(other.Needs, t.ID) && !slices.Contains([]string{"not_ready", "ready", "not_applicable", "cancelled"}, other.State)
		})
		if t.DoneByID != nil && mine(t.DoneByID) && !built {
			return TickOpen
		}
	}
	return ""
}
