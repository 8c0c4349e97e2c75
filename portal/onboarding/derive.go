package onboarding

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding/schedule"
)

// Day is the date an instant falls on in the tenant's time zone, as midnight UTC.
func (r Record) Day(at time.Time) time.Time {
	local := at.In(r.Tenant.Location())
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
}

// Overdue reports whether a task is past its date on a day and still open.
func (t Task) Overdue(today time.Time) bool { return t.Open() && t.Due != nil && t.Due.Before(today) }

// Forecast is when the project goes live as things stand.
type Forecast struct {
	Date *time.Time // nil: unknown
	// Driver is the task to do first of those that decide the date.
	Driver *Task
	// Chain is the tasks that decide the date, first to last.
	Chain []*Task
	// Unknown is a task on the way whose duration nobody has given.
	Unknown *Task
	// Hidden says that the date rests on work alone that the asker may not see.
	Hidden bool
}

// GoLive forecasts the go-live date: open tasks take their working days, start
// when what they depend on is finished and not before today; the go-live
// milestone is reached with the last of its tasks and of theirs.
//
// Work the asker may not see counts, but is not named.
func (r Record) GoLive(today time.Time) Forecast {
	if r.whole == nil {
		return r.seen(r.goLive(today))
	}
	return r.seen(r.whole.goLive(today))
}

// seen leaves of a forecast what the asker may be told by name.
func (r Record) seen(f Forecast) Forecast {
	chain := f.Chain
	f.Driver, f.Chain, f.Unknown = nil, nil, r.visible(f.Unknown)
	for _, t := range chain {
		if mine := r.visible(t); mine != nil {
			f.Chain = append(f.Chain, mine)
		}
	}
	if len(f.Chain) > 0 {
		f.Driver = f.Chain[0]
	}
	f.Hidden = len(chain) > 0 && f.Driver == nil
	return f
}

func (r Record) visible(t *Task) *Task {
	if t == nil || !slices.ContainsFunc(r.Tasks, func(mine Task) bool { return mine.ID == t.ID }) {
		return nil
	}
	return t
}

// plan is the project's graph of tasks on a day.
func (r Record) plan(today time.Time) (plan *schedule.Plan, byID map[uuid.UUID]*Task) {
	tasks := make([]schedule.Task, len(r.Tasks))
	byID = make(map[uuid.UUID]*Task, len(r.Tasks))
	for i := range r.Tasks {
		t := &r.Tasks[i]
		byID[t.ID] = t
		tasks[i] = schedule.Task{ID: t.ID, Work: t.work(), Duration: t.DurationDays, DependsOn: t.Needs, Rank: i}
	}
	return schedule.NewPlan(r.calendar(), schedule.DayOf(today, time.UTC), tasks), byID
}

// Forecasts is when each milestone with open work is reached as things stand;
// one that cannot be told is not in it. Work the asker may not see counts.
func (r Record) Forecasts(today time.Time) map[uuid.UUID]time.Time {
	if r.whole != nil {
		return r.whole.Forecasts(today)
	}
	open := map[uuid.UUID][]uuid.UUID{}
	for _, t := range r.Tasks {
		if t.Open() && t.MilestoneID != nil {
			open[*t.MilestoneID] = append(open[*t.MilestoneID], t.ID)
		}
	}
	plan, _ := r.plan(today)
	out := map[uuid.UUID]time.Time{}
	for milestone, tasks := range open {
		if f := plan.Goal(tasks); f.Finish != nil {
			out[milestone] = f.Finish.Time()
		}
	}
	return out
}

func (r Record) goLive(today time.Time) Forecast {
	goal, open := r.goal()
	plan, byID := r.plan(today)
	f := plan.Goal(goal)
	if f.Finish == nil {
		return Forecast{Unknown: byID[f.Missing]}
	}
	date := f.Finish.Time()
	if !open && r.Project.PlannedGoLive != nil && r.Project.PlannedGoLive.After(date) {
		date = *r.Project.PlannedGoLive // nothing is left to do: the plan holds
	}
	out := Forecast{Date: &date}
	for _, id := range f.Chain {
		out.Chain = append(out.Chain, byID[id])
	}
	return out
}

// goal is the tasks of the go-live milestone, or all where none is marked, and
// whether one of them is open.
func (r Record) goal() (ids []uuid.UUID, open bool) {
	goLive := slices.IndexFunc(r.Milestones, func(m Milestone) bool { return m.GoLive })
	for _, t := range r.Tasks {
		if goLive < 0 || t.MilestoneID != nil && *t.MilestoneID == r.Milestones[goLive].ID {
			ids = append(ids, t.ID)
			open = open || t.Open()
		}
	}
	return ids, open
}

func (t Task) work() schedule.Work {
	switch t.State {
	case "done", "not_applicable", "cancelled":
		return schedule.Closed
	case "in_progress", "in_review":
		return schedule.Started
	}
	return schedule.Waiting
}

func nextWorkday(day time.Time) time.Time {
	return schedule.Calendar{}.Next(schedule.DayOf(day, time.UTC)).Time()
}

// calendar is when people work: weekdays that are no holiday of the tenant's.
func (r Record) calendar() schedule.Calendar {
	days := make([]schedule.Day, len(r.Tenant.Holidays))
	for i, day := range r.Tenant.Holidays {
		days[i] = schedule.DayOf(day, time.UTC)
	}
	return schedule.NewCalendar(days...)
}

// Workdays counts working days from one date to another; negative when
// the second is earlier.
func (r Record) Workdays(from, to time.Time) int {
	return r.calendar().Between(schedule.DayOf(from, time.UTC), schedule.DayOf(to, time.UTC))
}

// SlipLimit is how many working days a forecast may be later than the plan
// before the project is off track and people talk to the customer.
const SlipLimit = 10

// Health is how the project stands against its plan.
type Health struct {
	Word     string // on_track, at_risk, off_track, live
	Variance int    // working days the forecast is later than planned
	Known    bool   // whether there is a forecast and a plan to compare
	Customer int    // overdue tasks of the customer
	Provider int    // overdue tasks of the provider and others
}

// Health derives the word from variance and overdue tasks that customers can see.
// The word is the same for everybody of the tenant; the counts are of what the
// asker sees.
func (r Record) Health(today time.Time) Health {
	h := r.health(today)
	if r.whole != nil {
		h.Word = r.whole.health(today).Word
	}
	return h
}

func (r Record) health(today time.Time) Health {
	h := Health{Word: "on_track"}
	if r.Project.ActualGoLive != nil || r.Project.State == "live" || r.Project.State == "completed" {
		h.Word = "live"
		return h
	}
	for _, t := range r.Tasks {
		if t.Visibility == "internal" || !t.Overdue(today) {
			continue
		}
		if t.Responsibility == "customer" {
			h.Customer++
		} else {
			h.Provider++
		}
	}
	if f := r.GoLive(today); f.Date != nil && r.Project.PlannedGoLive != nil {
		h.Variance, h.Known = r.Workdays(*r.Project.PlannedGoLive, *f.Date), true
	}
	switch {
	case h.Variance > SlipLimit, r.Project.PlannedGoLive != nil && r.Project.PlannedGoLive.Before(today):
		h.Word = "off_track"
	case h.Variance > 0, h.Customer+h.Provider > 0, !h.Known && r.Project.PlannedGoLive != nil:
		h.Word = "at_risk"
	}
	return h
}

// Progress counts the tasks customers can see: done, and all that apply. It is
// the same number for everybody of the tenant.
func (r Record) Progress() (done, total int) {
	if r.whole != nil {
		return r.whole.Progress()
	}
	for _, t := range r.Tasks {
		if t.Visibility == "internal" || t.State == "not_applicable" || t.State == "cancelled" {
			continue
		}
		total++
		if t.State == "done" {
			done++
		}
	}
	return done, total
}

// Percent is done of total, rounded down so that 100 means all.
func Percent(done, total int) int {
	if total == 0 {
		return 0
	}
	return 100 * done / total
}

// CurrentStage is the first active stage, or nil.
func (r Record) CurrentStage() *Stage {
	for i := range r.Stages {
		if r.Stages[i].State == "active" {
			return &r.Stages[i]
		}
	}
	return nil
}

// NextMilestone is the earliest open one by forecast (by date where there is
// none), then by order.
func (r Record) NextMilestone(today time.Time) *Milestone {
	forecasts := r.Forecasts(today)
	when := func(m *Milestone) *time.Time {
		if at, ok := forecasts[m.ID]; ok {
			return &at
		}
		return m.Due
	}
	var next *Milestone
	for i := range r.Milestones {
		m := &r.Milestones[i]
		if m.Open() && (next == nil || earlier(m, next, when(m), when(next))) {
			next = m
		}
	}
	return next
}

func earlier(a, b *Milestone, at, best *time.Time) bool {
	switch {
	case at != nil && best != nil && !at.Equal(*best):
		return at.Before(*best)
	case (at == nil) != (best == nil):
		return at != nil
	}
	return a.Ordinal < b.Ordinal
}

// Blocker is a blocked task, what it waits for and whose turn it is.
type Blocker struct {
	Task  Task
	Needs []Task // open tasks it depends on that customers can see
	Turn  string // customer, provider, third_party
}

// Blockers are the blocked tasks customers can see.
func (r Record) Blockers() []Blocker {
	byID := map[uuid.UUID]Task{}
	for _, t := range r.Tasks {
		byID[t.ID] = t
	}
	var out []Blocker
	for _, t := range r.Tasks {
		if t.State != "blocked" || t.Visibility == "internal" {
			continue
		}
		b := Blocker{Task: t, Turn: t.Responsibility}
		for _, id := range t.Needs {
			if need, ok := byID[id]; ok && need.Open() && need.Visibility != "internal" {
				b.Needs = append(b.Needs, need)
				b.Turn = need.Responsibility
			}
		}
		out = append(out, b)
	}
	return out
}

// Turn is whose move it is on the whole: of the first blocker, else the
// customer's when something waits for them, else the provider's; nobody's where
// the project is live or on hold.
func (r Record) Turn() string {
	if blockers := r.Blockers(); len(blockers) > 0 {
		return blockers[0].Turn
	}
	if len(r.CustomerActions()) > 0 {
		return "customer"
	}
	if r.Project.State == "live" || r.Project.State == "on_hold" || r.Project.ActualGoLive != nil {
		return ""
	}
	return "provider"
}

// OpenTasks counts the open tasks of a milestone customers can see.
func (r Record) OpenTasks(milestone uuid.UUID) (open []Task) {
	for _, t := range r.Tasks {
		if t.MilestoneID != nil && *t.MilestoneID == milestone && t.Open() && t.Visibility != "internal" {
			open = append(open, t)
		}
	}
	return open
}

// NextMeeting is the earliest one that has not begun more than an hour ago.
func (r Record) NextMeeting(now time.Time) *Meeting {
	var next *Meeting
	for i := range r.Meetings {
		m := &r.Meetings[i]
		if m.StartsAt.After(now.Add(-time.Hour)) && (next == nil || m.StartsAt.Before(next.StartsAt)) {
			next = m
		}
	}
	return next
}
