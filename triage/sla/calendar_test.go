package sla_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/sla"
)

func calendar(t *testing.T, h sla.Hours) sla.Calendar {
	t.Helper()
	c, err := sla.NewCalendar(h)
	require.NoError(t, err)
	return c
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return v
}

func TestAdd(t *testing.T) {
	t.Parallel()
	berlin := sla.DefaultHours("Europe/Berlin")
	berlin.Holidays = []string{"2026-12-25"}
	night := sla.Hours{TimeZone: "Europe/Berlin", Days: map[string][][2]string{"sun": {{"00:00", "24:00"}}}}
	lunch := sla.Hours{TimeZone: "UTC", Days: map[string][][2]string{"mon": {{"13:00", "17:00"}, {"08:00", "12:00"}}}}
	for _, c := range []struct {
		name  string
		hours sla.Hours
		start string
		add   time.Duration
		want  string
	}{
		{"within a day", berlin, "2026-11-23T10:00:00+01:00", 2 * time.Hour, "2026-11-23T12:00:00+01:00"},
		{"over the night", berlin, "2026-11-23T16:00:00+01:00", 2 * time.Hour, "2026-11-24T10:00:00+01:00"},
		{"over the weekend", berlin, "2026-11-27T16:30:00+01:00", time.Hour, "2026-11-30T09:30:00+01:00"},
		{"from the weekend", berlin, "2026-11-28T12:00:00+01:00", time.Hour, "2026-11-30T10:00:00+01:00"},
		{"over a holiday and a weekend", berlin, "2026-12-24T16:00:00+01:00", 2 * time.Hour, "2026-12-28T10:00:00+01:00"},
		{"up to the end of a day", berlin, "2026-11-23T09:00:00+01:00", 8 * time.Hour, "2026-11-23T17:00:00+01:00"},
		{"a day one hour shorter", night, "2026-03-29T00:00:00+01:00", 23 * time.Hour, "2026-03-30T00:00:00+02:00"},
		{"a day one hour longer", night, "2026-10-25T00:00:00+02:00", 25 * time.Hour, "2026-10-26T00:00:00+01:00"},
		{"over lunch", lunch, "2026-11-23T11:30:00Z", time.Hour, "2026-11-23T13:30:00Z"},
		{"nothing", berlin, "2026-11-28T12:00:00+01:00", 0, "2026-11-28T12:00:00+01:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := calendar(t, c.hours).Add(at(t, c.start), c.add)
			require.True(t, at(t, c.want).Equal(got), "got %s", got)
		})
	}
	require.Equal(t, 90*time.Minute, sla.Calendar{}.Between(at(t, "2026-11-28T12:00:00Z"), at(t, "2026-11-28T13:30:00Z")), "round the clock")
}

// Random calendars in zones whose clocks change at odd times, also at midnight.
func TestCalendarLaws(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago"}
	names := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	for range 300 {
		h := sla.Hours{TimeZone: zones[r.IntN(len(zones))], Days: map[string][][2]string{}}
		for _, day := range names {
			switch r.IntN(4) {
			case 0:
				h.Days[day] = [][2]string{{"00:00", "24:00"}}
			case 1:
				h.Days[day] = [][2]string{{"09:00", "12:30"}, {"13:15", "18:00"}}
			case 2:
				h.Days[day] = [][2]string{{"22:00", "24:00"}, {"00:00", "02:30"}}
			}
		}
		h.Days["wed"] = [][2]string{{"10:00", "11:00"}}
		for range r.IntN(5) {
			h.Holidays = append(h.Holidays, time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		}
		c := calendar(t, h)
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(360 * 24 * time.Hour)))).Truncate(time.Second)
		d := time.Duration(1+r.Int64N(int64(60*time.Hour/time.Second))) * time.Second
		due := c.Add(start, d)
		require.Equal(t, d, c.Between(start, due), "Add and Between agree: %+v from %s for %s", h, start, d)
		middle := start.Add(time.Duration(r.Int64N(int64(due.Sub(start)) + 1))).Truncate(time.Second)
		require.Equal(t, d, c.Between(start, middle)+c.Between(middle, due), "stretches add up")
		require.False(t, c.Add(start, d+time.Second).Before(due), "more time is later")
		require.LessOrEqual(t, c.Between(start, due), due.Sub(start), "open time is real time")
		if open, next := c.Open(start); !open {
			require.Zero(t, c.Between(start, next))
		}
	}
}

func TestBadCalendars(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]sla.Hours{
		"no open time":    {TimeZone: "UTC", Days: map[string][][2]string{}},
		"unknown zone":    {TimeZone: "Mars/Olympus", Days: map[string][][2]string{"mon": {{"09:00", "17:00"}}}},
		"unknown day":     {TimeZone: "UTC", Days: map[string][][2]string{"monday": {{"09:00", "17:00"}}}},
		"ends before":     {TimeZone: "UTC", Days: map[string][][2]string{"mon": {{"17:00", "09:00"}}}},
		"overlap":         {TimeZone: "UTC", Days: map[string][][2]string{"mon": {{"09:00", "13:00"}, {"12:00", "17:00"}}}},
		"no time":         {TimeZone: "UTC", Days: map[string][][2]string{"mon": {{"nine", "17:00"}}}},
		"after midnight":  {TimeZone: "UTC", Days: map[string][][2]string{"mon": {{"09:00", "24:01"}}}},
		"holiday no date": {TimeZone: "UTC", Days: map[string][][2]string{"mon": {{"09:00", "17:00"}}}, Holidays: []string{"Christmas"}},
	} {
		_, err := sla.NewCalendar(h)
		require.ErrorIs(t, err, sla.ErrBadCalendar, name)
	}
}

func TestAwayText(t *testing.T) {
	t.Parallel()
	c := calendar(t, sla.DefaultHours("Europe/Berlin"))
	require.Empty(t, sla.AwayText(c, "en", at(t, "2026-11-23T10:00:00+01:00")))
	require.Equal(t, "Our team is away right now and back on Monday, 30 November at 09:00 (CET).", sla.AwayText(c, "xx", at(t, "2026-11-28T10:00:00+01:00")))
	require.Contains(t, sla.AwayText(c, "de", at(t, "2026-11-28T10:00:00+01:00")), "Montag")
	require.Empty(t, sla.AwayText(sla.Calendar{}, "en", time.Now()))
}

func BenchmarkAdd(b *testing.B) {
	c, err := sla.NewCalendar(sla.DefaultHours("Europe/Berlin"))
	require.NoError(b, err)
	start := time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)
	for b.Loop() {
		c.Add(start, 40*time.Hour)
	}
}
