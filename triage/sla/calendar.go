package sla

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrBadCalendar says business hours cannot be used as they are.
var ErrBadCalendar = errors.New("business hours are not valid")

// Calendar is when people work. The zero value is round the clock.
type Calendar struct {
	zone     *time.Location
	week     [7][]span // by time.Weekday, ordered, not overlapping
	holidays map[date]bool
	set      bool
}

// span is open time within a day, in minutes from midnight.
type span struct{ from, to int }

type date struct {
	year  int
	month time.Month
	day   int
}

// Hours are business hours as stored: days mon to sun with [from, to] pairs such
// as ["09:00", "17:30"]; 24:00 ends a day. Holidays are dates such as 2026-12-25.
type Hours struct {
	TimeZone string                 `json:"time_zone"`
	Days     map[string][][2]string `json:"hours"`
	Holidays []string               `json:"holidays"`
}

// DefaultHours are Monday to Friday, nine to five, in the zone.
func DefaultHours(zone string) Hours {
	h := Hours{TimeZone: zone, Days: map[string][][2]string{}}
	for _, day := range days[1:6] {
		h.Days[day] = [][2]string{{"09:00", "17:00"}}
	}
	return h
}

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseDays reads stored hours.
func ParseDays(raw []byte) (map[string][][2]string, error) {
	var out map[string][][2]string
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCalendar, err)
	}
	return out, nil
}

// NewCalendar checks hours. At least one day must have open time, or nothing
// would ever be due.
func NewCalendar(h Hours) (Calendar, error) {
	c := Calendar{holidays: map[date]bool{}, set: true}
	var err error
	if c.zone, err = time.LoadLocation(h.TimeZone); err != nil {
		return Calendar{}, fmt.Errorf("%w: time zone %q is not known", ErrBadCalendar, h.TimeZone)
	}
	open := false
	for name, spans := range h.Days {
		i := slices.Index(days, name)
		if i < 0 {
			return Calendar{}, fmt.Errorf("%w: day %q is none of mon to sun", ErrBadCalendar, name)
		}
		for _, s := range spans {
			from, err := minutes(s[0])
			if err != nil {
				return Calendar{}, err
			}
			to, err := minutes(s[1])
			if err != nil {
				return Calendar{}, err
			}
			if to <= from {
				return Calendar{}, fmt.Errorf("%w: %s ends before it starts", ErrBadCalendar, name)
			}
			c.week[i] = append(c.week[i], span{from, to})
			open = true
		}
		slices.SortFunc(c.week[i], func(a, b span) int { return a.from - b.from })
		for j := 1; j < len(c.week[i]); j++ {
			if c.week[i][j].from < c.week[i][j-1].to {
				return Calendar{}, fmt.Errorf("%w: times of %s overlap", ErrBadCalendar, name)
			}
		}
	}
	if !open {
		return Calendar{}, fmt.Errorf("%w: no day has open time", ErrBadCalendar)
	}
	for _, text := range h.Holidays {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return Calendar{}, fmt.Errorf("%w: holiday %q is not a date like 2026-12-25", ErrBadCalendar, text)
		}
		c.holidays[date{t.Year(), t.Month(), t.Day()}] = true
	}
	return c, nil
}

func minutes(text string) (int, error) {
	var hour, minute int
	if n, err := fmt.Sscanf(text, "%d:%d", &hour, &minute); err != nil || n != 2 || hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return 0, fmt.Errorf("%w: %q is not a time like 09:30", ErrBadCalendar, text)
	}
	return hour*60 + minute, nil
}

// maxDays bounds every walk over days: longer without open time is closed for good.
const maxDays = 3 * 366

// Between is the open time from a to b; zero when b is not after a.
func (c Calendar) Between(a, b time.Time) time.Duration {
	if !b.After(a) {
		return 0
	}
	if !c.set {
		return b.Sub(a)
	}
	var total time.Duration
	c.walk(a, func(from, to time.Time) bool {
		if !from.Before(b) {
			return false
		}
		if to.After(b) {
			to = b
		}
		total += to.Sub(from)
		return true
	})
	return total
}

// Add is the moment at which d of open time has passed since start. Where d is
// not positive it is start.
func (c Calendar) Add(start time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return start
	}
	if !c.set {
		return start.Add(d)
	}
	end := start.AddDate(0, 0, maxDays)
	c.walk(start, func(from, to time.Time) bool {
		if open := to.Sub(from); open < d {
			d -= open
			return true
		}
		end = from.Add(d)
		return false
	})
	return end
}

// Open reports whether people work at t, and when they next do.
func (c Calendar) Open(t time.Time) (open bool, next time.Time) {
	if !c.set {
		return true, t
	}
	c.walk(t, func(from, _ time.Time) bool {
		next = from
		return false
	})
	return next.Equal(t), next
}

// Zone is where the hours count.
func (c Calendar) Zone() *time.Location {
	if c.zone == nil {
		return time.UTC
	}
	return c.zone
}

// walk visits open stretches from t on, in order, until visit says false.
// Stretches are real time: on a day the clocks change they are longer or shorter.
func (c Calendar) walk(t time.Time, visit func(from, to time.Time) bool) {
	local := t.In(c.zone)
	last := t // stretches never overlap, also where clocks change at midnight
	for day := range maxDays {
		at := time.Date(local.Year(), local.Month(), local.Day()+day, 0, 0, 0, 0, c.zone)
		// A zone may skip midnight; the date is what counts.
		noon := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, c.zone)
		if c.holidays[date{noon.Year(), noon.Month(), noon.Day()}] {
			continue
		}
		for _, s := range c.week[noon.Weekday()] {
			from := c.moment(noon, s.from)
			to := c.moment(noon, s.to)
			if from.Before(at) {
				from = at
			}
			if from.Before(last) {
				from = last
			}
			if !to.After(from) {
				continue
			}
			last = to
			if !visit(from, to) {
				return
			}
		}
	}
}

func (c Calendar) moment(day time.Time, minute int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), minute/60, minute%60, 0, 0, c.zone)
}
