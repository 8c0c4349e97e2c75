package enquiry

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// What is longer is a letter, no question.
const (
	mostWords       = 60
	longestQuestion = 1000 // bytes
)

// word is one word of the question.
type word struct {
	text string // folded
	raw  string
	used bool
}

// split cuts a text into folded words. A possessive s and an apostrophe go.
func split(text string) (out []string) {
	for _, w := range cut(text) {
		out = append(out, w.text)
	}
	return out
}

func cut(text string) (out []word) {
	text = strings.NewReplacer("’", "'", "‘", "'").Replace(text)
	for _, raw := range strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("'#-_.@", r)
	}) {
		raw = strings.Trim(raw, "'-_.@")
		folded := lexicon.Fold(strings.ToLower(raw))
		folded = strings.TrimSuffix(folded, "'s")
		folded = strings.ReplaceAll(folded, "'", "")
		if folded != "" && folded != "#" {
			out = append(out, word{text: folded, raw: strings.TrimSuffix(raw, "'s")})
		}
	}
	return out
}

// reading is a question being understood.
type reading struct {
	Enquiry
	words []word
	v     Vocabulary
	asker Asker

	look       map[Look]bool
	kinds      map[string]bool // kinds of meaning the question holds
	view, sla  string
	period     string // in words
	technical  []int  // words about an integration's state
	topical    []int  // words a topic is made of
	ticketSaid bool
	openSaid   bool
}

// Read understands a question. Words in quotation marks are looked for as they are.
func Read(text string, v Vocabulary, asker Asker) Enquiry {
	r := &reading{v: v, asker: asker, look: map[Look]bool{}, kinds: map[string]bool{}}
	r.Filter.Staff = asker.ID
	if len(text) > longestQuestion {
		return Enquiry{Look: LookNone}
	}
	text, quoted := unquote(text)
	r.words = cut(text)
	if len(r.words) > mostWords {
		return Enquiry{Look: LookNone}
	}
	r.Filter.About = quoted
	r.mentions()
	r.people()
	r.customers()
	r.numbers()
	r.times()
	r.phrases()
	r.teams()
	r.connectors()
	r.topics()
	if r.ticketSaid { // then they say which tickets
		for _, i := range r.technical {
			r.words[i].used = slices.Contains(r.topical, i)
		}
	}
	r.about()
	r.leftovers()
	return r.conclude()
}

// unquote takes the first text in quotation marks out.
func unquote(text string) (rest, quoted string) {
	for _, marks := range [][2]string{{"“", "”"}, {`"`, `"`}, {"„", "“"}, {"«", "»"}} {
		before, after, ok := strings.Cut(text, marks[0])
		if !ok {
			continue
		}
		if inner, end, ok := strings.Cut(after, marks[1]); ok && strings.TrimSpace(inner) != "" {
			return before + " " + end, triage.Line(strings.TrimSpace(inner), 80)
		}
	}
	return text, ""
}

// take marks the phrase's words as used, wherever it stands first.
func (r *reading) take(phrase []string) (at int, ok bool) {
	for i := 0; i+len(phrase) <= len(r.words); i++ {
		if r.at(i, phrase) {
			r.use(i, len(phrase))
			return i, true
		}
	}
	return 0, false
}

func (r *reading) at(i int, phrase []string) bool {
	if len(phrase) == 0 || i+len(phrase) > len(r.words) {
		return false
	}
	for n, want := range phrase {
		if w := r.words[i+n]; w.used || w.text != want {
			return false
		}
	}
	return true
}

func (r *reading) use(i, n int) {
	for ; n > 0; n, i = n-1, i+1 {
		r.words[i].used = true
	}
}

// mentions are people named Slack's way: <@U123> is cut to U123.
func (r *reading) mentions() {
	for i, w := range r.words {
		for _, p := range r.v.Staff {
			if p.SlackID != "" && strings.EqualFold(w.raw, p.SlackID) {
				r.Filter.Owner, r.words[i].used = p.ID, true
			}
		}
	}
}

// people finds a member of staff: by full name, or by a first name that only one has,
// where it is written like a name or stands where a name stands.
func (r *reading) people() {
	for _, p := range r.v.Staff {
		if r.Filter.Owner == uuid.Nil && len(split(p.Name)) > 1 {
			if _, ok := r.take(split(p.Name)); ok {
				r.Filter.Owner = p.ID
			}
		}
	}
	for i := range r.words {
		w := r.words[i]
		if r.Filter.Owner != uuid.Nil || w.used || len(w.text) < 2 {
			continue
		}
		var found []uuid.UUID
		for _, p := range r.v.Staff {
			if name := split(p.Name); len(name) > 0 && name[0] == w.text {
				found = append(found, p.ID)
			}
		}
		named := unicode.IsUpper([]rune(w.raw)[0]) || i > 0 && slices.Contains([]string{"of", "by", "to", "for", "has", "does", "is"}, r.words[i-1].text)
		if len(found) == 1 && named {
			r.Filter.Owner, r.words[i].used = found[0], true
		}
	}
}

// customers finds the customer named: the whole name before its first word. Where several
// fit equally, all are offered.
func (r *reading) customers() {
	type hit struct {
		customer Customer
		at, n    int
	}
	var best []hit
	weigh := func(c Customer, phrase []string) {
		for i := range r.words {
			if len(phrase) == 0 || len(strings.Join(phrase, "")) < 3 || !r.at(i, phrase) {
				continue
			}
			if n := len(phrase); len(best) == 0 || n > best[0].n {
				best = []hit{{c, i, n}}
			} else if n == best[0].n && !slices.ContainsFunc(best, func(h hit) bool { return h.customer.ID == c.ID }) {
				best = append(best, hit{c, i, n})
			}
			return
		}
	}
	for _, c := range r.v.Customers {
		name := split(c.Name)
		for n := len(name); n > 0; n-- {
			if n > 1 || len(name) == 1 || !shipped.noise[name[0]] && shipped.phrases[name[0]] == nil {
				weigh(c, name[:n])
			}
		}
		weigh(c, []string{c.Slug})
		weigh(c, split(strings.ReplaceAll(c.Slug, "-", " ")))
	}
	switch len(best) {
	case 0:
	case 1:
		r.Filter.TenantID = best[0].customer.ID
		r.use(best[0].at, best[0].n)
	default:
		at, n := best[0].at, best[0].n
		for _, h := range best {
			var words []string
			for i, w := range r.words {
				switch {
				case i == at:
					words = append(words, h.customer.Name)
				case i < at || i >= at+n:
					words = append(words, w.raw)
				}
			}
			r.Choices = append(r.Choices, strings.Join(words, " "))
		}
		r.use(at, n)
	}
}

func (r *reading) numbers() {
	for i, w := range r.words {
		text, hash := strings.CutPrefix(w.text, "#")
		before := i > 0 && (r.words[i-1].text == "ticket" || r.words[i-1].text == "case" || r.words[i-1].text == "number")
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && !w.used && (hash || before || len(r.words) == 1) {
			r.Filter.Number, r.words[i].used = n, true
		}
	}
}

// phrases reads the grammar's phrases, the longest first.
func (r *reading) phrases() {
	for n := shipped.longest; n > 0; n-- {
		for i := 0; i+n <= len(r.words); i++ {
			if slices.ContainsFunc(r.words[i:i+n], func(w word) bool { return w.used }) {
				continue
			}
			var key []string
			for _, w := range r.words[i : i+n] {
				key = append(key, w.text)
			}
			if means := r.meanings(key); means != nil && r.mean(means) {
				r.use(i, n)
				if kind := means[0].kind; kind == "system" || kind == "broken" {
					r.technical = append(r.technical, i)
				}
			}
		}
	}
}

// meanings looks a phrase up as it is, in the singular, and with a letter wrong in a long word.
func (r *reading) meanings(words []string) []meaning {
	key := strings.Join(words, " ")
	if m := shipped.phrases[key]; m != nil {
		return m
	}
	if m := shipped.phrases[strings.TrimSuffix(key, "s")]; m != nil && strings.HasSuffix(key, "s") {
		return m
	}
	if len(words) != 1 || len(key) < 6 || shipped.noise[key] {
		return nil
	}
	for _, phrase := range sortedPhrases {
		if len(phrase) >= 6 && !strings.Contains(phrase, " ") && lexicon.Distance([]rune(key), []rune(phrase), 1) <= 1 {
			return shipped.phrases[phrase]
		}
	}
	return nil
}

// mean takes what a phrase says; false leaves its words for others.
func (r *reading) mean(means []meaning) bool {
	taken := false
	for _, m := range means {
		first := !r.kinds[m.kind]
		r.kinds[m.kind] = true
		switch m.kind {
		case "look":
			r.look[Look(m.value)] = true
		case "state":
			r.state(m.value)
		case "sla":
			if r.sla == "" || m.value == "overdue" {
				r.sla = m.value
			}
		case "owner":
			if m.value == "me" {
				r.Filter.Owner = r.asker.ID
			} else {
				r.Filter.Unassigned = true
			}
		case "priority":
			if p := triage.Priority(m.value); !slices.Contains(r.Filter.Priorities, p) {
				r.Filter.Priorities = append(r.Filter.Priorities, p)
			}
		case "by":
			if first {
				r.By = desk.Group(m.value)
			}
		case "language":
			r.Filter.Language = m.value
		case "topic":
			if r.Filter.Topic != "" && !strings.HasPrefix(m.value, r.Filter.Topic) {
				continue
			}
			r.Filter.Topic = m.value
		case "noun":
			r.ticketSaid = true
		case "about":
			return false // about reads on from here
		case "of":
			return false
		case "most", "system", "broken", "health", "unanswered":
		}
		taken = true
	}
	return taken
}

// state keeps the most telling state: open says less than the others.
func (r *reading) state(value string) {
	rank := []string{"", "all", "open", "new", "solved", "pending", "on_hold", "snoozed"}
	r.openSaid = r.openSaid || value == "open"
	if slices.Index(rank, value) > slices.Index(rank, r.view) {
		r.view = value
	}
}

func (r *reading) teams() {
	for _, team := range r.v.Teams {
		name := split(strings.ReplaceAll(team, "_", " "))
		for _, phrase := range [][]string{append(slices.Clone(name), "team"), append([]string{"team"}, name...), name} {
			if len(phrase) == len(name) && (slices.Contains(r.v.Areas, team) || shipped.phrases[team] != nil) {
				continue // an area's name alone is a topic
			}
			if _, ok := r.take(phrase); ok {
				r.Filter.Team = team
				return
			}
		}
	}
}

func (r *reading) connectors() {
	for _, c := range r.v.Connectors {
		if _, ok := r.take(split(c)); ok {
			r.Connector = c
			return
		}
	}
}

// topics finds names of the taxonomy: an intent by all words of its own name, an area by its name.
func (r *reading) topics() {
	if r.Filter.Topic != "" && strings.Contains(r.Filter.Topic, ".") {
		return
	}
	best, score := "", 0
	var words []int
	for _, topic := range r.v.Topics {
		parts := strings.FieldsFunc(topic, func(c rune) bool { return c == '.' || c == '_' })
		var at []int
		for _, part := range parts {
			for i, w := range r.words {
				if (w.text == part || strings.TrimSuffix(w.text, "s") == part || w.text == strings.TrimSuffix(part, "s")) && (!w.used || r.loose(w.text)) {
					at = append(at, i)
					break
				}
			}
		}
		// An intent of several words needs two of them; its last word alone says too little.
		if len(at) < min(2, len(parts)) || len(at) < score || len(at) == score && len(topic) >= len(best) && best != "" {
			continue
		}
		best, score, words = topic, len(at), at
	}
	if best == "" || r.Filter.Topic != "" && score < 2 {
		return
	}
	r.Filter.Topic = best
	r.topical = words
	for _, i := range words {
		r.words[i].used = true
	}
}

// loose says that a word means something only next to others: a topic may take it.
func (r *reading) loose(text string) bool {
	for _, form := range []string{text, strings.TrimSuffix(text, "s")} {
		for _, m := range shipped.phrases[form] {
			if m.kind == "system" || m.kind == "broken" || m.kind == "topic" {
				return true
			}
		}
	}
	return false
}

// about reads what follows "about" as words to look for.
func (r *reading) about() {
	for i := 0; i < len(r.words); i++ {
		n := r.aboutAt(i)
		if n == 0 || r.words[i].used {
			continue
		}
		var found []string
		end := i + n
		for end < len(r.words) && (!r.words[end].used && !r.ends(end)) {
			if !shipped.noise[r.words[end].text] || len(found) > 0 {
				found = append(found, r.words[end].text)
			}
			end++
		}
		for len(found) > 0 && shipped.noise[found[len(found)-1]] {
			found = found[:len(found)-1]
		}
		if len(found) == 0 {
			r.use(i, n)
			continue
		}
		r.use(i, end-i)
		r.addAbout(strings.Join(found, " "))
	}
}

func (r *reading) addAbout(text string) {
	if r.Filter.About == "" {
		r.Filter.About = triage.Line(text, 80)
	}
}

// ends reports whether the words to look for stop here: at one of, for, from.
func (r *reading) ends(i int) bool {
	switch r.words[i].text {
	case "of", "for", "from", "at", "by", "and", "in", "since", "this", "that", "which":
		return true
	}
	return false
}

func (r *reading) aboutAt(i int) int {
	for n := min(4, len(r.words)-i); n > 0; n-- {
		var key []string
		for _, w := range r.words[i : i+n] {
			key = append(key, w.text)
		}
		if slices.ContainsFunc(shipped.phrases[strings.Join(key, " ")], func(m meaning) bool { return m.kind == "about" }) {
			return n
		}
	}
	return 0
}

// leftovers judges the words nothing was made of: one before "tickets" is looked
// for, one after "of" was meant as a customer, the rest is said back.
func (r *reading) leftovers() {
	for i := 0; i < len(r.words); i++ {
		w := r.words[i]
		if w.used || shipped.noise[w.text] || shipped.noise[strings.TrimSuffix(w.text, "s")] && len(w.text) > 4 {
			continue
		}
		end := i + 1
		for end < len(r.words) && !r.words[end].used && !shipped.noise[r.words[end].text] {
			end++
		}
		var folded, raw []string
		for _, part := range r.words[i:end] {
			folded, raw = append(folded, part.text), append(raw, part.raw)
		}
		of := i > 0 && slices.Contains([]string{"of", "for", "from", "at", "has", "does", "is"}, r.words[i-1].text)
		noun := end < len(r.words) && slices.ContainsFunc(r.meanings([]string{r.words[end].text}), func(m meaning) bool { return m.kind == "noun" })
		switch {
		case (of || !noun && r.possessive(end-1)) && r.Filter.TenantID == uuid.Nil && len(r.Choices) == 0 && r.Customer == "":
			r.Customer = strings.Join(raw, " ")
		case noun:
			r.addAbout(strings.Join(folded, " "))
		default:
			r.Left = append(r.Left, raw...)
		}
		i = end - 1
	}
}

// possessive would need the apostrophe, which cut has taken; a word written like
// a name at the start of a question stands for it.
func (r *reading) possessive(i int) bool {
	raw := []rune(r.words[i].raw)
	return unicode.IsUpper(raw[0]) && len(r.v.Customers) > 0 && i <= 2 && r.ticketSaid
}

// conclude decides what the question wants to see, and says it.
func (r *reading) conclude() Enquiry {
	r.Enquiry.Look = r.decide()
	if r.Enquiry.Look == LookNone {
		return Enquiry{Look: LookNone, Writes: r.Writes, Left: r.Left, Customer: r.Customer, Choices: r.Choices}
	}
	r.finishFilter()
	r.Said = r.say()
	return r.Enquiry
}

func (r *reading) decide() Look {
	if len(r.words) > 0 && shipped.deeds[r.words[0].text] && !r.look[LookCount] {
		r.Writes = true
		return LookNone
	}
	named := r.Filter.TenantID != uuid.Nil || r.Filter.Topic != "" || r.Filter.Team != "" || len(r.Choices) > 0
	narrowed := named || r.Filter.Owner != uuid.Nil || r.Filter.About != "" && r.period != ""
	told := r.ticketSaid || r.kinds["sla"] || r.kinds["owner"] || r.kinds["unanswered"] || r.kinds["by"] || r.openSaid ||
		r.view != "" && r.view != "all" || len(r.Filter.Priorities) > 0 || r.Filter.Number != 0
	switch {
	case r.kinds["system"] && !r.ticketSaid && (r.kinds["broken"] || r.kinds["health"] || r.Connector != "" || r.Filter.TenantID != uuid.Nil && !told),
		r.Connector != "" && !r.ticketSaid, r.Filter.Topic == "integrations" && r.kinds["broken"] && !r.ticketSaid:
		return LookIntegrations
	case r.look[LookTrend] && (r.ticketSaid || narrowed):
		return LookTrend
	case r.look[LookLongest], r.kinds["unanswered"], !r.Filter.WaitingSince.IsZero():
		return LookLongest
	case !r.ticketSaid && !named && len(r.Left) > 0:
		return LookNone
	case r.kinds["by"], r.kinds["most"] && r.By != "":
		r.By = cmp.Or(r.By, desk.ByCustomer)
		return LookGroups
	case !told && !narrowed && (r.period == "" || !r.look[LookList] && !r.look[LookCount]) && r.view != "all":
		return LookNone
	case r.look[LookCount]:
		return LookCount
	}
	return LookList
}

func (r *reading) finishFilter() {
	f := &r.Filter
	switch r.Enquiry.Look {
	case LookIntegrations:
		// "not working" fails; "working?" asks. Only a question across customers leaves the others out.
		r.Failing = r.kinds["broken"] && r.Connector == ""
		*f = desk.Filter{TenantID: f.TenantID}
		return
	case LookTrend:
		f.View = "all"
		if r.Days == 0 {
			r.Days = 7
		}
		f.From, f.Until, r.period = time.Time{}, time.Time{}, ""
		return
	}
	switch {
	case r.sla == "overdue":
		f.View = "overdue"
	case r.sla != "":
		f.View = "breaching"
	case f.Number != 0:
		f.View = "all"
	case r.view != "":
		f.View = r.view
	case !f.From.IsZero(): // what came in then, solved or not
		f.View = "all"
	default:
		f.View = "open"
	}
	if r.Enquiry.Look == LookLongest {
		f.View, f.LongestWaiter = "open", true
	}
	if f.View == "all" && r.openSaid {
		f.View = "open"
	}
	if f.View == "breaching" {
		// A period says until when it is due, not when the ticket was opened.
		if !f.Until.IsZero() {
			f.DueBefore = f.Until
		}
		f.From, f.Until = time.Time{}, time.Time{}
	}
}

var viewWords = map[string]string{
	"open": "open", "all": "any state", "solved": "solved", "pending": "waiting for the customer", "on_hold": "on hold", "snoozed": "snoozed",
	"new": "new", "overdue": "overdue", "breaching": "due soon or overdue", "closed": "closed",
}

var languageWords = map[string]string{"de": "German", "en": "English", "fr": "French", "es": "Spanish", "pt": "Portuguese"}

func (r *reading) say() (said []string) {
	f := r.Filter
	add := func(text string) { said = append(said, text) }
	if r.Enquiry.Look != LookIntegrations {
		view := viewWords[f.View]
		if f.View == "breaching" && r.period != "" {
			view = "due " + r.period + " or overdue"
		}
		add(view)
	}
	if f.Number != 0 {
		add(fmt.Sprintf("#%d", f.Number))
	}
	if f.Unassigned {
		add("nobody's")
	}
	if f.Owner != uuid.Nil && f.Owner == r.asker.ID {
		add("yours")
	} else if i := slices.IndexFunc(r.v.Staff, func(p Person) bool { return p.ID == f.Owner }); i >= 0 {
		add(r.v.Staff[i].Name + "'s")
	}
	if i := slices.IndexFunc(r.v.Customers, func(c Customer) bool { return c.ID == f.TenantID }); i >= 0 {
		add(r.v.Customers[i].Name)
	}
	if len(f.Priorities) > 0 {
		var list []string
		for _, p := range []triage.Priority{triage.PriorityLow, triage.PriorityNormal, triage.PriorityHigh, triage.PriorityUrgent} {
			if slices.Contains(f.Priorities, p) {
				list = append(list, string(p))
			}
		}
		add(strings.Join(list, " or "))
	}
	if f.Topic != "" {
		add("topic " + f.Topic)
	}
	if f.Team != "" {
		add("team " + f.Team)
	}
	if r.Connector != "" {
		add(r.Connector)
	}
	if r.Enquiry.Look == LookIntegrations && r.Failing {
		add("failing")
	}
	if r.period != "" && f.View != "breaching" {
		add(r.period)
	}
	if f.About != "" {
		add("with “" + f.About + "”")
	}
	if f.Language != "" {
		add("in " + cmp.Or(languageWords[f.Language], f.Language))
	}
	if r.Enquiry.Look == LookGroups {
		add("by " + string(r.By))
	}
	if r.Enquiry.Look == LookTrend && r.Days != 7 {
		add(fmt.Sprintf("last %d days", r.Days))
	}
	return said
}
