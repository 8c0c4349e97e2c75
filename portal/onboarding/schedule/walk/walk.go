// Package walk finds when a goal is reached by walking the calendar one day at a
// time: it knows no path, no memo and no recursion, only who works today. It is
// slow and independent of package schedule, whose answers it checks.
package walk

import (
	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding/schedule"
)

// Project is a graph of tasks on a day.
type Project struct {
	Calendar schedule.Calendar
	Today    schedule.Day
	Tasks    []schedule.Task
}

func (r Project) needed(goal []uuid.UUID) map[uuid.UUID]schedule.Task {
	byID := map[uuid.UUID]schedule.Task{}
	for _, t := range r.Tasks {
		byID[t.ID] = t
	}
	needed := map[uuid.UUID]schedule.Task{}
	for queue := goal; len(queue) > 0; queue = queue[1:] {
		t, ok := byID[queue[0]]
		if _, seen := needed[t.ID]; !ok || seen || t.Work == schedule.Closed {
			continue
		}
		needed[t.ID] = t
		if t.Work == schedule.Waiting {
			queue = append(queue, t.DependsOn...)
		}
	}
	return needed
}

// Finish is the day the last of the goal's tasks ends, or false when a duration
// is missing or nothing moves for years.
func (r Project) Finish(goal []uuid.UUID) (schedule.Day, bool) {
	needed := r.needed(goal)
	left := map[uuid.UUID]int{}
	for id, t := range needed {
		if t.Duration == nil {
			return 0, false
		}
		left[id] = *t.Duration
	}
	last := r.Today
	for !r.Calendar.Working(last) {
		last++
	}
	ended := map[uuid.UUID]schedule.Day{}
	// Started work may have begun in the past: let the calendar run from its first day.
	day := last
	for _, t := range needed {
		if t.Work == schedule.Started && t.Start != nil && *t.Start < day {
			day = *t.Start
		}
	}
	for limit := day + 4000; len(ended) < len(needed); day++ {
		if day > limit {
			return 0, false
		}
		if !r.Calendar.Working(day) {
			continue
		}
		for moved := true; moved; { // zero-day work may end on the day its dependency ends
			moved = false
			for id, t := range needed {
				if _, done := ended[id]; done || !r.may(t, day, last, needed, ended) {
					continue
				}
				if left[id] > 1 {
					continue
				}
				if left[id] == 1 && !r.freeBefore(t, day, needed, ended) {
					continue
				}
				ended[id] = max(day, last)
				moved = true
			}
		}
		for id, t := range needed {
			if _, done := ended[id]; !done && left[id] > 1 && r.may(t, day, last, needed, ended) && r.freeBefore(t, day, needed, ended) {
				left[id]--
			}
		}
	}
	end := last
	for _, id := range goal {
		end = max(end, ended[id])
	}
	return end, true
}

// may reports whether work on t may happen on the day at all.
func (r Project) may(t schedule.Task, day, first schedule.Day, needed map[uuid.UUID]schedule.Task, ended map[uuid.UUID]schedule.Day) bool {
	if t.Work == schedule.Started {
		return t.Start == nil && day >= first || t.Start != nil && day >= *t.Start
	}
	if day < first || t.Start != nil && day < *t.Start {
		return false
	}
	for _, id := range t.DependsOn {
		if _, isNeeded := needed[id]; isNeeded {
			if _, done := ended[id]; !done {
				return false
			}
		}
	}
	return true
}

// freeBefore reports whether every dependency ended before the day.
func (r Project) freeBefore(t schedule.Task, day schedule.Day, needed map[uuid.UUID]schedule.Task, ended map[uuid.UUID]schedule.Day) bool {
	if t.Work == schedule.Started {
		return true
	}
	for _, id := range t.DependsOn {
		if _, isNeeded := needed[id]; isNeeded && ended[id] >= day {
			return false
		}
	}
	return true
}
