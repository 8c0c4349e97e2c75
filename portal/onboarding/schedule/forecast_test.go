package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/schedule"
	"github.com/usherdesk/usher/portal/onboarding/schedule/walk"
)

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
		want, ok := walk.Project{Calendar: calendar, Today: today, Tasks: tasks}.Finish(goal)
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
			later, ok := walk.Project{Calendar: calendar, Today: today, Tasks: longer}.Finish(goal)
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
