package status

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var months = map[string][]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"de": {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	"fr": {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	"es": {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
	"pt": {"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
}

// date writes a day as people of the language do.
func (d *draft) date(day time.Time) string {
	month := months[d.language][day.Month()-1]
	switch d.language {
	case "de":
		return fmt.Sprintf("%d. %s %d", day.Day(), month, day.Year())
	case "fr":
		if day.Day() == 1 {
			return fmt.Sprintf("1er %s %d", month, day.Year())
		}
		return fmt.Sprintf("%d %s %d", day.Day(), month, day.Year())
	case "es", "pt":
		return fmt.Sprintf("%d de %s de %d", day.Day(), month, day.Year())
	}
	if d.american() {
		return fmt.Sprintf("%s %d, %d", month, day.Day(), day.Year())
	}
	return fmt.Sprintf("%d %s %d", day.Day(), month, day.Year())
}

// american reports whether dates and times are written as in the United States.
func (d *draft) american() bool { return d.language == "en" && d.region == "US" }

// dated fills a phrase with a date, or its undated form where there is none.
func (d *draft) dated(phrase string, day *time.Time, args ...string) string {
	if day == nil {
		return d.fill(phrase+".undated", args...)
	}
	return d.fill(phrase, append(args, "date", d.date(*day))...)
}

// iso is a day as YYYY-MM-DD, for the basis of an answer.
func iso(day *time.Time) string {
	if day == nil {
		return ""
	}
	return day.Format(time.DateOnly)
}

// moment is an instant in the tenant's time zone, and says so.
func (d *draft) moment(at time.Time) string {
	local := at.In(d.record.Tenant.Location())
	return d.fill("moment", "date", d.date(local), "time", d.clock(local), "zone", d.record.Tenant.TimeZone)
}

// clock is the time of day.
func (d *draft) clock(at time.Time) string {
	if d.american() {
		return at.Format("3:04 PM")
	}
	return at.Format("15:04")
}

// on is the day of an instant in the tenant's time zone.
func (d *draft) on(at time.Time) string { return d.date(at.In(d.record.Tenant.Location())) }

// number groups thousands as the language does.
func (d *draft) number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	if d.language == "es" && d.region != "MX" && d.region != "US" && len(digits) < 5 {
		return digits // Spanish groups from five digits on
	}
	separator := map[string]string{"de": ".", "es": ".", "pt": ".", "fr": "\u202f", "de-CH": "’", "de-LI": "’", "fr-CH": "’", "de-AT": "\u00a0", "es-MX": ",", "es-US": ","}
	mark := cmp.Or(separator[d.language+"-"+d.region], separator[d.language], ",")
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(mark)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// join lists names: "A, B and C".
func (d *draft) join(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + d.fill("and") + " " + names[len(names)-1]
}

// plural chooses a phrase by number: key.one or key.other.
func (d *draft) plural(phrase string, n int) string {
	if n == 1 {
		return d.fill(phrase + ".one")
	}
	return d.fill(phrase+".other", "n", d.number(int64(n)))
}

// Day writes a day (2026-11-23) as people of the language do; another text stays.
func Day(iso, language, locale string) string {
	day, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return iso
	}
	d := &draft{language: spoken(language)}
	d.region = regionOf(locale, d.language)
	return d.date(day)
}

// ParseDay reads a day as people write it: 2026-11-23, 23.11.2026, 23/11/2026
// (11/23/2026 in the American order), or with the month's name in one of our languages.
func ParseDay(text, locale string) (time.Time, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	numeric := []string{time.DateOnly, "2.1.2006", "2/1/2006"}
	if regionOf(locale, "en") == "US" {
		numeric[2] = "1/2/2006"
	}
	for _, layout := range numeric {
		if day, err := time.Parse(layout, text); err == nil {
			return day, true
		}
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '.' })
	day, month, year := 0, 0, 0
	for _, word := range words {
		n, err := strconv.Atoi(strings.TrimRight(word, "ersthndº"))
		switch {
		case err == nil && n > 31:
			year = n
		case err == nil:
			day = n
		}
		for _, names := range months {
			for i, name := range names {
				if lower := strings.ToLower(name); word == lower || len(word) == 3 && strings.HasPrefix(lower, word) {
					month = i + 1
				}
			}
		}
	}
	out := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return out, day > 0 && month > 0 && year > 2000 && out.Day() == day
}

// AsOf says as of when an answer is, in a time zone, for where nothing else does;
// of a stale one also that it may have changed.
func AsOf(language, zone string, at time.Time, stale bool) string {
	d := &draft{language: spoken(language), region: regionOf(language, spoken(language)), words: speak(language)}
	d.record.Tenant.TimeZone = zone
	text := d.fill("as_of", "at", d.moment(at))
	if stale {
		text += " " + d.fill("as_of.stale")
	}
	return text
}

// Plain keeps a text of somebody else's from being read as Markdown, on one line.
func Plain(text string) string { return plain(text) }
