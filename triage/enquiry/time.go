package enquiry

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

var counts = map[string]int{
	"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "couple": 2,
}

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (r *reading) text(i int) string {
	if i < 0 || i >= len(r.words) || r.words[i].used {
		return ""
	}
	return r.words[i].text
}

// span reads "3 days", "an hour" or "week" at a word: how long, and how many words.
func (r *reading) span(i int) (d time.Duration, n int, said string) {
	count, has := counts[r.text(i)]
	if number, err := strconv.Atoi(r.text(i)); err == nil && number > 0 && number < 1000 {
		count, has = number, true
	}
	at := i
	if has {
		at++
		if r.text(at) == "of" {
			at++
		}
	} else {
		count = 1
	}
	name := r.text(at)
	unit, known := units[name]
	if !known && len(name) > 1 {
		name = name[:len(name)-1]
		unit, known = units[name]
	}
	if !known {
		return 0, 0, ""
	}
	said = fmt.Sprintf("%d %ss", count, name)
	if count == 1 {
		said = "1 " + name
	}
	return time.Duration(count) * unit, at + 1 - i, said
}

// times reads when: today, this week, the last 3 days, since Monday, older than a week.
func (r *reading) times() {
	now := r.asker.Now
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	week := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	month := day.AddDate(0, 0, 1-day.Day())
	set := func(i, n int, from, until time.Time, said string) {
		if r.period == "" {
			r.Filter.From, r.Filter.Until, r.period = from, until, said
		}
		r.use(i, n)
	}
	for i := range r.words {
		a, b := r.text(i), r.text(i+1)
		switch {
		case a == "":
		case a == "today":
			set(i, 1, day, day.AddDate(0, 0, 1), "today")
		case a == "tomorrow":
			set(i, 1, day.AddDate(0, 0, 1), day.AddDate(0, 0, 2), "until tomorrow")
		case a == "yesterday":
			set(i, 1, day.AddDate(0, 0, -1), day, "yesterday")
		case a == "end" && b == "of" && (r.text(i+2) == "day" || r.text(i+3) == "day"), a == "tonight":
			set(i, 1, day, day.AddDate(0, 0, 1), "today")
		case a == "this" && b == "week":
			set(i, 2, week, week.AddDate(0, 0, 7), "this week")
		case a == "last" && b == "week":
			set(i, 2, week.AddDate(0, 0, -7), week, "last week")
		case a == "this" && b == "month":
			set(i, 2, month, month.AddDate(0, 1, 0), "this month")
		case a == "last" && b == "month":
			set(i, 2, month.AddDate(0, -1, 0), month, "last month")
		case (a == "since" || a == "from") && slices.Contains(weekdays, b):
			back := (int(day.Weekday()) - slices.Index(weekdays, b) + 7) % 7
			set(i, 2, day.AddDate(0, 0, -back), time.Time{}, "since "+string(b[0]-32)+b[1:])
		case a == "since" && (b == "yesterday" || b == "today"):
			from := day
			if b == "yesterday" {
				from = day.AddDate(0, 0, -1)
			}
			set(i, 2, from, time.Time{}, "since "+b)
		case a == "last" || a == "past" || a == "previous" || a == "within" || a == "next":
			r.lately(i, a)
		case a == "older" && b == "than", a == "over", a == "more" && b == "than", a == "for":
			r.older(i, a)
		}
	}
}

// lately reads "the last 3 days" and "the next 2 hours".
func (r *reading) lately(i int, a string) {
	d, n, said := r.span(i + 1)
	if n == 0 {
		return
	}
	now := r.asker.Now
	switch {
	case a == "next":
		r.Filter.From, r.Filter.Until, r.period = now, now.Add(d), "within "+said
	case r.period == "":
		r.Filter.From, r.Filter.Until, r.period = now.Add(-d), time.Time{}, "last "+said
		r.Days = min(90, max(2, int(d/(24*time.Hour))))
	}
	r.use(i, n+1)
}

// older reads "older than 3 days" and "waiting more than 2 hours".
func (r *reading) older(i int, a string) {
	at := i + 1
	for slices.Contains([]string{"than", "more", "over", "at", "least"}, r.text(at)) {
		at++
	}
	d, n, said := r.span(at)
	if n == 0 {
		return
	}
	waits := slices.ContainsFunc(r.words, func(w word) bool { return w.text == "waiting" || w.text == "unanswered" || w.text == "waited" })
	before := r.asker.Now.Add(-d)
	old := at+n < len(r.words) && r.words[at+n].text == "old"
	if old {
		n++
	}
	switch {
	case waits:
		r.Filter.WaitingSince, r.period = before, "waiting over "+said
	case r.period == "" && (a != "for" || at > i+1):
		r.Filter.Until, r.period = before, "older than "+said
	default:
		return
	}
	r.use(i, at+n-i)
}
