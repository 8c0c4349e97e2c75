package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/schedule"
)

// reference finds the finish of a goal by walking the calendar one day at a
// time: it knows no path, no memo and no recursion, only who works today.
type reference struct {
	calendar schedule.Calendar
	today    schedule.Day
	tasks    []schedule.Task
}

func (r reference) needed(goal []uuid.UUID) map[uuid.UUID]schedule.Task {
	byID := map[uuid.UUID]schedule.Task{}
	for _, t := range r.tasks {
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

// finish returns the day, or false when a duration is missing or nothing moves for years.
func (r reference) finish(goal []uuid.UUID) (schedule.Day, bool) {
	needed := r.needed(goal)
	left := map[uuid.UUID]int{}
	for id, t := range needed {
		if t.Duration == nil {
			return 0, false
		}
		left[id] = *t.Duration
	}
	last := r.today
	for !r.calendar.Working(last) {
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
		if !r.calendar.Working(day) {
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
func (r reference) may(t schedule.Task, day, first schedule.Day, needed map[uuid.UUID]schedule.Task, ended map[uuid.UUID]schedule.Day) bool {
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
func (r reference) freeBefore(t schedule.Task, day schedule.Day, needed map[uuid.UUID]schedule.Task, ended map[uuid.UUID]schedule.Day) bool {
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

func randomTasks(rng *rand.Rand, today schedule.Day) (tasks []schedule.Task, goal []uuid.UUID) {
	n := 1 + rng.IntN(14)
	tasks = make([]schedule.Task, n)
	for i := range tasks {
		var id uuid.UUID
		id[15], id[14] = byte(i+1), 7
		t := schedule.Task{ID: id, Rank: i, Work: schedule.Work(rng.IntN(3))}
		if rng.IntN(5) > 0 {
			t.Work = schedule.Waiting
		}
		if rng.IntN(25) > 0 {
			days := rng.IntN(9)
			t.Duration = &days
		}
		if rng.IntN(3) == 0 {
			start := today + schedule.Day(rng.IntN(30)-12)
			t.Start = &start
		}
		for j := range i {
			if rng.IntN(4) == 0 {
				t.DependsOn = append(t.DependsOn, tasks[j].ID)
			}
		}
		tasks[i] = t
	}
	if n > 2 && rng.IntN(30) == 0 { // sometimes a cycle
		tasks[0].DependsOn = append(tasks[0].DependsOn, tasks[n-1].ID)
	}
	for _, t := range tasks {
		if rng.IntN(3) == 0 {
			goal = append(goal, t.ID)
		}
	}
	if len(goal) == 0 {
		goal = append(goal, tasks[n-1].ID)
	}
	rng.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
	return tasks, goal
}

func TestForecastsEqualTheReferenceSolver(t *testing.T) {
	t.Parallel()
	const graphs = 6000
	known, unknown, driven := 0, 0, 0
	for seed := range graphs {
		rng := rand.New(rand.NewPCG(uint64(seed), 99))
		today := schedule.NewDay(2026, 11, 1) + schedule.Day(rng.IntN(400))
		var holidays []schedule.Day
		for range rng.IntN(4) {
			holidays = append(holidays, today+schedule.Day(rng.IntN(40)))
		}
		calendar := schedule.NewCalendar(holidays...)
		tasks, goal := randomTasks(rng, today)
		got := schedule.NewPlan(calendar, today, tasks).Goal(goal)
		want, ok := reference{calendar, today, tasks}.finish(goal)
		if !ok {
			unknown++
			require.Nil(t, got.Finish, "seed %d", seed)
			require.NotEqual(t, schedule.GapNone, got.Gap)
			continue
		}
		known++
		require.NotNil(t, got.Finish, "seed %d: gap %s, reference %s", seed, got.Gap, want)
		require.Equal(t, want.String(), got.Finish.String(), "seed %d", seed)
		if driver, some := got.Driver(); some {
			driven++
			// The driver is critical: more work on it moves the goal.
			longer := make([]schedule.Task, len(tasks))
			copy(longer, tasks)
			for i := range longer {
				if longer[i].ID == driver {
					days := *longer[i].Duration + 30
					longer[i].Duration = &days
				}
			}
			later, ok := reference{calendar, today, longer}.finish(goal)
			require.True(t, ok)
			require.Greater(t, later, want, "seed %d", seed)
			requireHead(t, tasks, got.Chain, fmt.Sprintf("seed %d", seed))
		}
	}
	require.Greater(t, known, graphs/2)
	require.Greater(t, unknown, graphs/50)
	require.Greater(t, driven, graphs/3)
}

// requireHead: each task of the chain is open and depends on the one before it.
func requireHead(t *testing.T, tasks []schedule.Task, chain []uuid.UUID, message string) {
	t.Helper()
	byID := map[uuid.UUID]schedule.Task{}
	for _, task := range tasks {
		byID[task.ID] = task
	}
	for i, id := range chain {
		require.NotEqual(t, schedule.Closed, byID[id].Work, message)
		if i > 0 {
			require.Contains(t, byID[id].DependsOn, chain[i-1], message)
		}
	}
}

func TestDaysCountWorkingDaysOnly(t *testing.T) {
	t.Parallel()
	friday := schedule.NewDay(2026, time.November, 20)
	calendar := schedule.NewCalendar(schedule.NewDay(2026, time.November, 24))
	require.Equal(t, time.Friday, friday.Weekday())
	require.Equal(t, "2026-11-23", calendar.Add(friday, 1).String())
	require.Equal(t, "2026-11-25", calendar.Add(friday, 2).String())
	require.Equal(t, "2026-11-23", calendar.Next(friday+1).String())
	require.Equal(t, 2, calendar.Between(friday, schedule.NewDay(2026, time.November, 25)))
	require.Equal(t, -2, calendar.Between(schedule.NewDay(2026, time.November, 25), friday))
	require.Equal(t, 0, calendar.Between(friday, friday+2))
}

func TestADayIsTheTenantsDay(t *testing.T) {
	t.Parallel()
	instant := time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{"Europe/Berlin": "2026-11-24", "America/Los_Angeles": "2026-11-23", "Pacific/Auckland": "2026-11-24"} {
		location, err := time.LoadLocation(zone)
		require.NoError(t, err)
		require.Equal(t, want, schedule.DayOf(instant, location).String(), zone)
	}
	require.Equal(t, "1969-12-31", schedule.NewDay(1969, 12, 31).String())
	require.Equal(t, time.Wednesday, schedule.NewDay(1969, 12, 31).Weekday())
}
