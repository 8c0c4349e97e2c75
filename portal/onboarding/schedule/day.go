package schedule

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Day is a calendar day without a time or a zone: days since 1970-01-01.
type Day int32

const layout = "2006-01-02"

// DayOf is the day of the instant in the zone.
func DayOf(t time.Time, zone *time.Location) Day {
	year, month, day := t.In(zone).Date()
	return NewDay(year, month, day)
}

// NewDay is the day of a date; months and days out of range are normalised as in time.Date.
func NewDay(year int, month time.Month, day int) Day {
	seconds := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
	return Day(seconds / 86400)
}

// ParseDay reads "2006-01-02".
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(layout, text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date like 2026-11-23", text)
	}
	return DayOf(t, time.UTC), nil
}

// Time is midnight UTC of the day.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Weekday is the day of the week.
func (d Day) Weekday() time.Weekday { return time.Weekday(((int(d)+4)%7 + 7) % 7) }

func (d Day) String() string { return d.Time().Format(layout) }

// MarshalText writes "2006-01-02".
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "2006-01-02".
func (d *Day) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDay(string(text))
	return err
}

// ScanDate reads a database date; null needs a *Day.
func (d *Day) ScanDate(v pgtype.Date) error {
	if !v.Valid || v.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("cannot read %v as a day", v)
	}
	*d = DayOf(v.Time, time.UTC)
	return nil
}

// DateValue writes a database date.
func (d Day) DateValue() (pgtype.Date, error) {
	return pgtype.Date{Time: d.Time(), Valid: true}, nil
}

// Calendar says which days are working days: Monday to Friday without holidays.
type Calendar struct{ holidays map[Day]bool }

// NewCalendar returns a calendar with the given holidays.
func NewCalendar(holidays ...Day) Calendar {
	c := Calendar{}
	if len(holidays) > 0 {
		c.holidays = make(map[Day]bool, len(holidays))
		for _, day := range holidays {
			c.holidays[day] = true
		}
	}
	return c
}

// Working reports whether work happens on the day.
func (c Calendar) Working(d Day) bool {
	w := d.Weekday()
	return w != time.Saturday && w != time.Sunday && !c.holidays[d]
}

// Next is the day itself when it is a working day, else the first one after it.
func (c Calendar) Next(d Day) Day {
	for !c.Working(d) {
		d++
	}
	return d
}

// Add is the working day n working days after the first working day from d on.
func (c Calendar) Add(d Day, n int) Day {
	d = c.Next(d)
	for ; n > 0; n-- {
		d = c.Next(d + 1)
	}
	return d
}

// Between counts the working days after from, up to and with to; it is negative
// when to lies before from.
func (c Calendar) Between(from, to Day) int {
	sign := 1
	if to < from {
		from, to, sign = to, from, -1
	}
	count := 0
	for d := from + 1; d <= to; d++ {
		if c.Working(d) {
			count++
		}
	}
	return sign * count
}
