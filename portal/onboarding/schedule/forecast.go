package schedule

import (
	"slices"

	"github.com/google/uuid"
)

// Work is how far a task has come, as the schedule needs it.
type Work int

// The kinds of work.
const (
	Waiting Work = iota // not started: waits for its dependencies, its start day and today
	Started             // in progress or in review: its dependencies no longer hold it
	Closed              // done, not applicable or cancelled: holds nothing
)

// Task is a node of the project graph.
type Task struct {
	ID        uuid.UUID
	Work      Work
	Duration  *int // working days; nil: unknown
	Start     *Day // not before this day; for Started work the day it began
	DependsOn []uuid.UUID
	Rank      int // breaks ties: the lower one is named
}

// Gap says why a finish is unknown.
type Gap string

// The gaps.
const (
	GapNone     Gap = ""
	GapNoGoal   Gap = "no_goal"  // the goal has no tasks
	GapDuration Gap = "duration" // a needed task has no duration
	GapCycle    Gap = "cycle"    // tasks wait for each other
)

// Forecast is when a goal is reached.
type Forecast struct {
	Finish  *Day
	Gap     Gap
	Missing uuid.UUID // for GapDuration: a task without a duration, the first by Rank
	// Chain is the critical chain, from the task to do first to the task that
	// ends last; empty when nothing is open or the finish is unknown.
	Chain []uuid.UUID
}

// Driver is the task to do first on the critical chain.
func (f Forecast) Driver() (uuid.UUID, bool) {
	if len(f.Chain) == 0 {
		return uuid.Nil, false
	}
	return f.Chain[0], true
}

type finish struct {
	day     Day
	gap     Gap
	binding uuid.UUID // the dependency that sets the start; zero: today or the start day
	state   byte      // 0 new, 1 being computed, 2 known
}

// Plan is a project graph with finishes computed on demand.
type Plan struct {
	calendar Calendar
	today    Day
	tasks    map[uuid.UUID]*Task
	finishes map[uuid.UUID]*finish
}

// NewPlan prepares the graph. A dependency on a task that is not in it holds nothing.
func NewPlan(calendar Calendar, today Day, tasks []Task) *Plan {
	p := &Plan{
		calendar: calendar, today: calendar.Next(today),
		tasks: make(map[uuid.UUID]*Task, len(tasks)), finishes: make(map[uuid.UUID]*finish, len(tasks)),
	}
	for i := range tasks {
		p.tasks[tasks[i].ID] = &tasks[i]
	}
	return p
}

// Goal is when the last of the given tasks ends. All of them closed means the
// goal is reachable today.
func (p *Plan) Goal(ids []uuid.UUID) Forecast {
	if len(ids) == 0 {
		return Forecast{Gap: GapNoGoal}
	}
	var last *Task
	end, gap := p.today, GapNone
	for _, id := range ids {
		task := p.tasks[id]
		if task == nil || task.Work == Closed {
			continue
		}
		f := p.finish(task)
		if f.gap != GapNone {
			gap = f.gap
			continue
		}
		if last == nil || f.day > end || f.day == end && task.Rank < last.Rank {
			last, end = task, f.day
		}
	}
	if gap != GapNone {
		return Forecast{Gap: gap, Missing: p.missing()}
	}
	out := Forecast{Finish: &end}
	for last != nil {
		out.Chain = append(out.Chain, last.ID)
		last = p.tasks[p.finishes[last.ID].binding]
	}
	slices.Reverse(out.Chain)
	return out
}

// missing is the first by Rank of the tasks looked at that has no duration.
func (p *Plan) missing() uuid.UUID {
	var first *Task
	for id := range p.finishes {
		if t := p.tasks[id]; t.Duration == nil && (first == nil || t.Rank < first.Rank) {
			first = t
		}
	}
	if first == nil {
		return uuid.Nil
	}
	return first.ID
}

func (p *Plan) finish(t *Task) *finish {
	f := p.finishes[t.ID]
	if f == nil {
		f = &finish{}
		p.finishes[t.ID] = f
	}
	switch f.state {
	case 1:
		f.gap = GapCycle
		return f
	case 2:
		return f
	}
	f.state = 1
	if t.Work == Started {
		p.started(t, f)
	} else {
		p.waiting(t, f)
	}
	f.state = 2
	return f
}

func (p *Plan) started(t *Task, f *finish) {
	if t.Duration == nil {
		f.gap = GapDuration
		return
	}
	from := p.today
	if t.Start != nil {
		from = *t.Start
	}
	f.day = max(p.calendar.Add(from, max(*t.Duration-1, 0)), p.today)
}

func (p *Plan) waiting(t *Task, f *finish) {
	from := p.today
	if t.Start != nil && *t.Start > from {
		from = p.calendar.Next(*t.Start)
	}
	var binding *Task
	for _, id := range t.DependsOn {
		before := p.tasks[id]
		if before == nil || before.Work == Closed {
			continue
		}
		b := p.finish(before)
		if b.gap != GapNone {
			if f.gap != GapCycle {
				f.gap = b.gap
			}
			continue
		}
		start := b.day
		if t.Duration != nil && *t.Duration > 0 {
			start = p.calendar.Next(b.day + 1)
		}
		if start > from || binding != nil && start == from && before.Rank < binding.Rank {
			from, binding = start, before
		}
	}
	if f.gap == GapNone && t.Duration == nil {
		f.gap = GapDuration
	}
	if f.gap != GapNone {
		return
	}
	if binding != nil {
		f.binding = binding.ID
	}
	f.day = p.calendar.Add(from, max(*t.Duration-1, 0))
}
