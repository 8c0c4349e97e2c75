package eval

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/schedule"
	"github.com/usherdesk/usher/portal/onboarding/schedule/walk"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// facts is what an answer to one question may say, and what it must.
type facts struct {
	world *World
	asker onboarding.Asker
	// american says that dates are written month first and times with am and pm.
	american bool
	stale    bool // a value is older than it should be
	days     map[string]bool
	clocks   map[string]bool
	numbers  map[int64]bool
	names    []string
	states   map[string]map[string]bool // group → state

	mustDays    []string
	mustNumbers []int64
	mustNames   []string
	mustStates  [][2]string
	mustLinks   []string
	clarify     []string // candidates that may be asked back about

	// counted on the way
	waiting, team                                       int
	teamDue                                             *time.Time
	courseTotal, courseDone, courseMine, courseMineDone int
}

// scratch is a paper to work something out on.
func (f *facts) scratch() *facts { return newFacts(f.world, f.asker, f.american) }

func newFacts(w *World, a onboarding.Asker, american bool) *facts {
	return &facts{
		world: w, asker: a, american: american,
		days: map[string]bool{}, clocks: map[string]bool{}, numbers: map[int64]bool{}, states: map[string]map[string]bool{},
	}
}

// turn says whose move it is: of several things the customer's when one waits for
// them, else ours.
func (f *facts) turn(sides ...string) {
	f.state("turn", "")
	for _, side := range []string{"customer", "provider", "third_party"} {
		if slices.Contains(sides, side) {
			f.mustState("turn", side)
			return
		}
	}
}

// openTurn is whose move a project under way is.
func (f *facts) openTurn() {
	if p := f.world.Record.Project; p.State == "live" || p.State == "on_hold" || p.ActualGoLive != nil {
		f.turn()
		return
	}
	f.turn(f.projectTurn())
}

// projectTurn is whose move it is on the whole.
func (f *facts) projectTurn() string {
	visible := f.visibleTasks()
	for _, t := range visible {
		if t.State != "blocked" {
			continue
		}
		turn := t.Responsibility
		for _, id := range t.Needs {
			for _, need := range visible {
				if need.ID == id && isOpen(need) {
					turn = need.Responsibility
				}
			}
		}
		return turn
	}
	actions := f.scratch()
	actions.actions()
	switch p := f.world.Record.Project; {
	case actions.waiting > 0:
		return "customer"
	case p.State == "live", p.State == "on_hold", p.ActualGoLive != nil:
		return ""
	}
	return "provider"
}

func (f *facts) day(d *time.Time) {
	if d != nil {
		f.days[d.Format(time.DateOnly)] = true
	}
}

func (f *facts) mustDay(d *time.Time) {
	if d != nil {
		f.day(d)
		f.mustDays = append(f.mustDays, d.Format(time.DateOnly))
	}
}

func (f *facts) on(at *time.Time) {
	if at != nil {
		day := f.world.day(*at)
		f.day(&day)
	}
}

func (f *facts) at(at *time.Time) {
	if at == nil {
		return
	}
	f.on(at)
	zone, _ := time.LoadLocation(f.world.Record.Tenant.TimeZone)
	layout := "15:04"
	if f.american {
		layout = "3:04 pm"
	}
	f.clocks[at.In(zone).Format(layout)] = true
}

func (f *facts) name(names ...string) { f.names = append(f.names, names...) }

func (f *facts) mustName(names ...string) {
	f.name(names...)
	f.mustNames = append(f.mustNames, names...)
}

func (f *facts) number(n ...int) {
	for _, n := range n {
		f.numbers[int64(n)] = true
	}
}

func (f *facts) mustNumber(n int) {
	f.number(n)
	f.mustNumbers = append(f.mustNumbers, int64(n))
}

func (f *facts) state(group, state string) {
	if f.states[group] == nil {
		f.states[group] = map[string]bool{}
	}
	if state != "" {
		f.states[group][state] = true
	}
}

func (f *facts) mustState(group, state string) {
	f.state(group, state)
	f.mustStates = append(f.mustStates, [2]string{group, state})
}

func admin(a onboarding.Asker) bool { return slices.Contains(a.Roles, "admin") }

func manager(a onboarding.Asker) bool { return admin(a) || slices.Contains(a.Roles, "manager") }

func seesDepartment(a onboarding.Asker, department string) bool {
	return department == "" || slices.Contains(a.Departments, department)
}

func seesTask(a onboarding.Asker, t onboarding.Task) bool {
	return t.Visibility == "customer" || t.Visibility == "restricted" && seesDepartment(a, t.Department)
}

func (f *facts) visibleTasks() (out []onboarding.Task) {
	for _, t := range f.world.Record.Tasks {
		if seesTask(f.asker, t) {
			out = append(out, t)
		}
	}
	return out
}

func isOpen(t onboarding.Task) bool {
	return t.State != "done" && t.State != "not_applicable" && t.State != "cancelled"
}

func (f *facts) overdue(t onboarding.Task) bool {
	return isOpen(t) && t.Due != nil && t.Due.Before(f.world.today())
}

// reached asks the slow solver when a milestone's open work ends; nil when there
// is none or nobody knows.
func (f *facts) reached(m onboarding.Milestone) *time.Time {
	var goal []uuid.UUID
	for _, t := range f.world.Record.Tasks {
		if *t.MilestoneID == m.ID && isOpen(t) {
			goal = append(goal, t.ID)
		}
	}
	if len(goal) == 0 {
		return nil
	}
	finish, ok := f.project().Finish(goal)
	if !ok {
		return nil
	}
	at := finish.Time()
	return &at
}

// project is the record's graph as the slow solver takes it.
func (f *facts) project() walk.Project {
	project := walk.Project{Calendar: f.world.calendar(), Today: schedule.DayOf(f.world.today(), time.UTC)}
	for _, t := range f.world.Record.Tasks {
		work := schedule.Waiting
		switch t.State {
		case "in_progress", "in_review":
			work = schedule.Started
		case "done", "not_applicable", "cancelled":
			work = schedule.Closed
		}
		project.Tasks = append(project.Tasks, schedule.Task{ID: t.ID, Work: work, Duration: t.DurationDays, DependsOn: t.Needs})
	}
	return project
}

// forecast asks the slow solver, and which visible tasks are critical: more work
// on one of them moves the date.
func (f *facts) forecast() (date *time.Time, critical []onboarding.Task) {
	project, goal, date := f.goLiveDay()
	if date == nil {
		return nil, nil
	}
	finish, _ := project.Finish(goal)
	for i, t := range f.world.Record.Tasks {
		if !seesTask(f.asker, t) || t.DurationDays == nil || !isOpen(t) {
			continue
		}
		longer := project
		longer.Tasks = slices.Clone(project.Tasks)
		days := *t.DurationDays + 40
		longer.Tasks[i].Duration = &days
		if later, ok := longer.Finish(goal); ok && later > finish {
			critical = append(critical, t)
		}
	}
	return date, critical
}

// goLiveDay is the project with the tasks go-live waits for, and when that is.
func (f *facts) goLiveDay() (project walk.Project, goal []uuid.UUID, date *time.Time) {
	r := f.world.Record
	project = f.project()
	open := false
	goLive := slices.IndexFunc(r.Milestones, func(m onboarding.Milestone) bool { return m.GoLive })
	for _, t := range r.Tasks {
		if goLive < 0 || *t.MilestoneID == r.Milestones[goLive].ID {
			goal = append(goal, t.ID)
			open = open || isOpen(t)
		}
	}
	if len(goal) == 0 {
		return project, nil, nil
	}
	finish, ok := project.Finish(goal)
	if !ok {
		return project, goal, nil
	}
	at := finish.Time()
	if !open && r.Project.PlannedGoLive != nil && r.Project.PlannedGoLive.After(at) {
		at = *r.Project.PlannedGoLive
	}
	return project, goal, &at
}

// workdays counts Mondays to Fridays that are no holiday after one date up to
// another, signed.
func (w *World) workdays(from, to time.Time) int {
	sign, n := 1, 0
	if to.Before(from) {
		from, to, sign = to, from, -1
	}
	for d := from.AddDate(0, 0, 1); !d.After(to); d = d.AddDate(0, 0, 1) {
		if d.Weekday() != time.Saturday && d.Weekday() != time.Sunday && !slices.ContainsFunc(w.Record.Tenant.Holidays, d.Equal) {
			n++
		}
	}
	return sign * n
}

type standing struct {
	word         string
	variance     int
	known        bool
	theirs, ours int
	forecast     *time.Time
}

func (f *facts) standing() standing {
	p := f.world.Record.Project
	s := standing{word: "on_track"}
	_, _, s.forecast = f.goLiveDay()
	for _, t := range f.visibleTasks() {
		if f.overdue(t) {
			if t.Responsibility == "customer" {
				s.theirs++
			} else {
				s.ours++
			}
		}
	}
	if s.forecast != nil && p.PlannedGoLive != nil {
		s.variance, s.known = f.world.workdays(*p.PlannedGoLive, *s.forecast), true
	}
	switch {
	case s.variance > 10 || p.PlannedGoLive != nil && p.PlannedGoLive.Before(f.world.today()):
		s.word = "off_track"
	case s.variance > 0, f.overdueForCustomers() > 0, !s.known && p.PlannedGoLive != nil:
		s.word = "at_risk"
	}
	return s
}

// overdueForCustomers counts tasks that customers of whatever department can
// see: health is one word for the whole tenant.
func (f *facts) overdueForCustomers() (n int) {
	for _, t := range f.world.Record.Tasks {
		if t.Visibility != "internal" && f.overdue(t) {
			n++
		}
	}
	return n
}

func (f *facts) progress() (done, total int) {
	for _, t := range f.world.Record.Tasks {
		if t.Visibility != "internal" && t.State != "not_applicable" && t.State != "cancelled" {
			total++
			if t.State == "done" {
				done++
			}
		}
	}
	return done, total
}

func percent(done, total int) int {
	if total == 0 {
		return 0
	}
	return done * 100 / total
}

// subject is what a question names: an index into the record's list, or -1 when
// it names nothing, or nothing that exists.
type subject struct {
	index int
	named bool // the question has a name in it, known or not
}

// expect works out the facts for a question.
func expect(w *World, a onboarding.Asker, language, intent string, s subject) *facts {
	f := newFacts(w, a, language == "en" && a.Locale == "en-US")
	switch intent {
	case "onboarding.overall_status":
		f.overall()
		f.openTurn()
	case "onboarding.go_live_date":
		f.goLive()
	case "tasks.customer_next_actions":
		f.actions()
		if f.waiting > 0 {
			f.turn("customer")
		} else {
			f.turn(f.projectTurn())
		}
	case "tasks.blockers":
		f.blockers()
	case "people.owner":
		f.owner()
	case "onboarding.on_track":
		f.onTrack()
		f.openTurn()
	case "onboarding.progress":
		f.done()
		f.openTurn()
	case "milestone.status":
		f.milestone(s)
	case "document.received", "document.review_status", "document.rejection_reason":
		f.document(intent, s)
	case "document.missing_list":
		f.missing()
	case "signature.status":
		f.signature(s)
	case "document.latest_version":
		f.agreement(s)
	case "verification.status", "verification.requirements_due", "verification.eta":
		f.verification(intent)
	case "integration.connection_status", "integration.last_sync", "integration.error_followup":
		f.integration(intent, s)
	case "access.environment_ready":
		f.environment(s)
	case "access.user_invite":
		f.people(s)
	case "training.status":
		f.training()
	case "ticket.status":
		f.tickets(s)
	case "meeting.next":
		f.meeting()
	}
	return f
}

// closed covers projects that are on hold or live, for which little is said.
func (f *facts) closed() bool {
	p := f.world.Record.Project
	f.state("project", "")
	switch {
	case p.State == "live" || p.ActualGoLive != nil:
		f.mustState("project", "live")
		f.mustDay(p.ActualGoLive)
		return true
	case p.State == "on_hold":
		f.mustState("project", "on_hold")
		return true
	}
	return false
}

func (f *facts) overall() {
	if f.closed() {
		return
	}
	r := f.world.Record
	for _, s := range r.Stages {
		if s.State == "active" {
			f.mustName(s.Name)
		}
	}
	f.mustState("health", f.standing().word)
	f.mustNumber(percent(f.progress()))
	if m := f.nextMilestone(); m != nil {
		f.mustName(m.Name)
		f.mustDay(m.Due)
	}
}

func (f *facts) nextMilestone() (next *onboarding.Milestone) {
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	best := far
	list := f.world.Record.Milestones
	for i := range list {
		m := &list[i]
		if m.State == "done" || m.State == "waived" {
			continue
		}
		at := far
		if m.Due != nil {
			at = *m.Due
		}
		if forecast := f.reached(*m); forecast != nil {
			at = *forecast
		}
		if next == nil || at.Before(best) || at.Equal(best) && m.Ordinal < next.Ordinal {
			next, best = m, at
		}
	}
	return next
}

func (f *facts) goLive() {
	p := f.world.Record.Project
	if p.State == "live" || p.ActualGoLive != nil {
		f.closed()
		return
	}
	if p.State == "on_hold" {
		f.mustState("project", "on_hold")
	}
	date, critical := f.forecast()
	f.mustDay(date)
	if date == nil || p.PlannedGoLive != nil && !p.PlannedGoLive.Equal(*date) {
		f.mustDay(p.PlannedGoLive)
	}
	f.day(p.PlannedGoLive)
	if date != nil && p.PlannedGoLive != nil {
		if late := f.world.workdays(*p.PlannedGoLive, *date); late > 10 {
			f.mustNumber(late)
		}
	}
	for _, t := range critical {
		f.name(t.Title)
	}
	if date == nil { // the task whose duration nobody knows
		for _, t := range f.visibleTasks() {
			if t.DurationDays == nil {
				f.name(t.Title)
			}
		}
	}
}

// actions are what waits for the customer, of whatever kind. A request for a
// document that a task to do names by its title is told with that task.
func (f *facts) actions() {
	r, n := f.world.Record, 0
	told := func(target string, due *time.Time) {
		n++
		f.mustLinks = append(f.mustLinks, target)
		f.mustDay(due)
	}
	open := f.wantedDocuments()
	for _, t := range f.visibleTasks() {
		if t.Responsibility != "customer" || t.State != "ready" && t.State != "in_progress" {
			continue
		}
		target, due := "/onboarding#task-"+t.ID.String(), t.Due
		for i := len(open) - 1; i >= 0; i-- {
			d := open[i]
			if !strings.Contains(strings.ToLower(t.Title), strings.ToLower(d.Title)) {
				continue
			}
			target = "/documents#document-" + d.ID.String()
			if due == nil || d.Due != nil && d.Due.Before(*due) {
				due = d.Due
			}
			open = slices.Delete(open, i, i+1)
		}
		f.mustName(t.Title)
		if t.AssigneeName != "" {
			f.mustName(t.AssigneeName)
		}
		told(target, due)
	}
	for _, d := range open {
		f.mustName(d.Title)
		f.state("document", d.State)
		told("/documents#document-"+d.ID.String(), d.Due)
	}
	for _, e := range r.Envelopes {
		if f.signable(e) {
			f.mustName(e.Title)
			told("/documents#signatures", e.ExpiresOn)
		}
	}
	for _, v := range r.Verifications {
		if owed, first := owedNow(v); owed > 0 || v.State == "needs_information" {
			f.number(owed)
			if owed > 1 {
				f.mustNumber(owed)
			}
			told("/onboarding#verification", first)
		}
	}
	for _, i := range r.Integrations {
		if i.AuthState == "relink_needed" {
			f.mustName(i.Connector)
			told("/onboarding#integrations", nil)
		}
	}
	n += f.courses()
	if n > 1 {
		f.mustNumber(n)
	}
	f.number(n)
	f.waiting = n
}

// courses are the asker's required ones that are open, each, and a manager's
// people's together.
func (f *facts) courses() (n int) {
	others, first := 0, (*time.Time)(nil)
	for _, e := range f.world.Record.Enrolments {
		if !e.Required || slices.Contains([]string{"completed", "passed", "waived"}, e.State) {
			continue
		}
		if e.UserID == f.asker.UserID {
			n++
			f.mustName(e.Course)
			f.mustDay(e.Due)
			f.mustLinks = append(f.mustLinks, "/onboarding#training")
		} else if manager(f.asker) {
			others++
			if e.Due != nil && (first == nil || e.Due.Before(*first)) {
				first = e.Due
			}
		}
	}
	f.team, f.teamDue = others, first
	if others > 0 {
		n++
		f.mustDay(first)
		f.number(others)
		if others > 1 {
			f.mustNumber(others)
		}
		f.mustLinks = append(f.mustLinks, "/onboarding#training")
	}
	return n
}

func (f *facts) wantedDocuments() (out []onboarding.Document) {
	for _, d := range f.world.Record.Documents {
		if seesDepartment(f.asker, d.Department) && slices.Contains([]string{"requested", "rejected", "expired"}, d.State) {
			out = append(out, d)
		}
	}
	return out
}

// signable reports whether the turn to sign is somebody's of the customer whom
// the request can reach. The provider's people are the project's.
func (f *facts) signable(e onboarding.Envelope) bool {
	p := f.world.Record.Project
	for _, s := range e.Signers { // by routing order
		if s.State != "signed" {
			theirs := s.Name != p.OwnerName && s.Name != p.OwnerStandIn
			return (e.State == "sent" || e.State == "delivered") && theirs && s.State != "bounced" && s.State != "declined"
		}
	}
	return false
}

func (f *facts) blockers() {
	visible := f.visibleTasks()
	for _, t := range visible {
		switch {
		case t.State == "blocked":
			f.mustName(t.Title)
			if t.Blocker != "" {
				f.mustName(strings.TrimSuffix(t.Blocker, "."))
			}
			for _, need := range visible {
				if isOpen(need) && slices.Contains(t.Needs, need.ID) {
					f.name(need.Title)
				}
			}
		case f.overdue(t):
			f.mustName(t.Title)
		}
		if f.overdue(t) {
			f.mustDay(t.Due)
		}
	}
	late := slices.IndexFunc(visible, f.overdue)
	switch {
	case slices.ContainsFunc(visible, func(t onboarding.Task) bool { return t.State == "blocked" }):
		f.turn(f.projectTurn())
	case late >= 0:
		f.turn(visible[late].Responsibility)
	default:
		f.turn()
	}
}

func (f *facts) owner() {
	p := f.world.Record.Project
	if p.OwnerName == "" {
		return
	}
	f.mustName(p.OwnerName, p.OwnerContact)
	if p.OwnerAwayUntil != nil && !p.OwnerAwayUntil.Before(f.world.today()) {
		f.mustDay(p.OwnerAwayUntil)
		if p.OwnerStandIn != "" {
			f.mustName(p.OwnerStandIn)
		}
	}
	for _, person := range f.world.Record.People {
		if p.ChampionID != nil && person.ID == *p.ChampionID {
			f.name(person.Name)
		}
	}
}

func (f *facts) onTrack() {
	if f.closed() {
		return
	}
	s := f.standing()
	f.mustState("health", s.word)
	if s.known {
		f.mustDay(s.forecast)
		f.mustDay(f.world.Record.Project.PlannedGoLive)
		if s.variance > 1 || s.variance < -1 {
			f.mustNumber(max(s.variance, -s.variance))
		}
		f.number(max(s.variance, -s.variance))
	}
	f.mustNumber(s.theirs)
	f.mustNumber(s.ours)
	if m := f.nextMilestone(); m != nil {
		f.mustName(m.Name)
		f.mustDay(m.Due)
	}
}

func (f *facts) done() {
	done, total := f.progress()
	f.mustNumber(percent(done, total))
	f.number(done, total)
	reached, all := 0, 0
	for _, m := range f.world.Record.Milestones {
		switch m.State {
		case "waived":
		case "done":
			reached, all = reached+1, all+1
		default:
			all++
			f.mustName(m.Name)
		}
	}
	f.mustNumber(reached)
	f.mustNumber(all)
}

func (f *facts) milestone(s subject) {
	about := func(m onboarding.Milestone) {
		f.name(m.Name)
		f.state("milestone", m.State)
		f.day(m.Due)
		f.on(m.CompletedAt)
		n := 0
		for _, t := range f.visibleTasks() {
			if *t.MilestoneID == m.ID && isOpen(t) {
				n++
				f.name(t.Title)
				if t.State == "in_progress" {
					f.state("milestone", t.State) // worded alike, and listed below it
				}
			}
		}
		f.number(n)
	}
	if s.index < 0 {
		for _, m := range f.world.Record.Milestones {
			about(m)
			f.clarify = append(f.clarify, m.Name)
		}
		return
	}
	m := f.world.Record.Milestones[s.index]
	var sides []string
	about(m)
	f.mustName(m.Name)
	f.mustState("milestone", m.State)
	if m.State == "done" && m.CompletedAt != nil {
		day := f.world.day(*m.CompletedAt)
		f.mustDay(&day)
	} else if m.State != "done" && m.State != "waived" {
		f.mustDay(m.Due)
		f.mustDay(f.reached(m))
		for _, t := range f.visibleTasks() {
			if *t.MilestoneID == m.ID && isOpen(t) {
				f.mustName(t.Title)
				if sides == nil {
					sides = []string{t.Responsibility}
				}
			}
		}
	}
	f.turn(sides...)
}

var secretReasons = []string{"fraud", "tampered"}

func (f *facts) aboutDocument(d onboarding.Document) {
	f.name(d.Title)
	f.day(d.Due)
	f.state("document", d.State)
	f.day(d.ReviewTarget)
	if len(d.Versions) == 0 {
		f.state("document", "missing")
		return
	}
	v := d.Versions[len(d.Versions)-1]
	f.number(v.Number)
	f.name(v.FileName)
	f.at(&v.UploadedAt)
	f.on(v.ReviewedAt)
	if d.State == "rejected" && v.Message != "" && !slices.ContainsFunc(v.RejectCodes, func(c string) bool { return slices.Contains(secretReasons, c) }) {
		f.name(strings.TrimSuffix(v.Message, "."))
	}
}

func (f *facts) document(intent string, s subject) {
	if s.index < 0 {
		for _, d := range f.world.Record.Documents {
			if seesDepartment(f.asker, d.Department) {
				f.aboutDocument(d)
				f.clarify = append(f.clarify, d.Title)
			}
		}
		return
	}
	d := f.world.Record.Documents[s.index]
	f.aboutDocument(d)
	f.mustName(d.Title)
	f.documentTurn(intent, d)
	if len(d.Versions) == 0 {
		return
	}
	v := d.Versions[len(d.Versions)-1]
	if d.State == "in_review" && intent == "document.review_status" {
		f.mustDay(d.ReviewTarget)
	}
	switch {
	case intent == "document.received":
		day := f.world.day(v.UploadedAt)
		f.mustDay(&day)
		f.mustName(v.FileName)
		f.mustNumber(v.Number)
		if v.ScanState == "infected" || v.ScanState == "error" {
			f.mustState("scan", "failed")
		}
	case d.State == "rejected":
		secret := slices.ContainsFunc(v.RejectCodes, func(c string) bool { return slices.Contains(secretReasons, c) })
		if !secret && v.Message != "" {
			f.mustName(strings.TrimSuffix(v.Message, "."))
			f.mustDay(d.Due)
		}
	default:
		f.mustState("document", d.State)
	}
}

// documentTurn is whose move a document is: ours while it is looked at, and where
// people have to talk about it.
func (f *facts) documentTurn(intent string, d onboarding.Document) {
	var last onboarding.Version
	if n := len(d.Versions); n > 0 {
		last = d.Versions[n-1]
	}
	unclean := intent == "document.received" && (last.ScanState == "infected" || last.ScanState == "error")
	secret := d.State == "rejected" && slices.ContainsFunc(last.RejectCodes, func(c string) bool { return slices.Contains(secretReasons, c) })
	switch {
	case unclean, secret, d.State == "received", d.State == "in_review":
		f.turn("provider")
	case d.State == "requested", d.State == "rejected", d.State == "expired":
		f.turn("customer")
	default:
		f.turn()
	}
}

func (f *facts) missing() {
	n := 0
	for _, d := range f.world.Record.Documents {
		if seesDepartment(f.asker, d.Department) && (d.State == "requested" || d.State == "rejected" || d.State == "expired") {
			n++
			f.mustName(d.Title)
			f.mustDay(d.Due)
			f.state("document", d.State)
		}
	}
	f.number(n)
	if n > 0 {
		f.turn("customer")
	} else {
		f.turn()
	}
}

func (f *facts) signature(s subject) {
	about := func(e onboarding.Envelope) {
		f.name(e.Title)
		f.on(e.CompletedAt)
		f.day(e.ExpiresOn)
		f.state("envelope", e.State)
		for _, signer := range e.Signers {
			f.name(signer.Name)
		}
	}
	if s.index < 0 {
		for _, e := range f.world.Record.Envelopes {
			about(e)
			f.clarify = append(f.clarify, e.Title)
		}
		return
	}
	e := f.world.Record.Envelopes[s.index]
	about(e)
	f.mustName(e.Title)
	f.mustState("envelope", e.State)
	switch {
	case e.State == "completed":
		f.turn()
	case f.signable(e):
		f.turn("customer")
	default:
		f.turn("provider")
	}
	switch e.State {
	case "sent", "delivered":
		for _, signer := range e.Signers {
			f.mustName(signer.Name)
		}
		f.mustDay(e.ExpiresOn)
	case "completed":
		day := f.world.day(*e.CompletedAt)
		f.mustDay(&day)
	}
}

func (f *facts) agreement(s subject) {
	about := func(d onboarding.Document) {
		f.name(d.Title)
		f.state("document", d.State)
		if n := len(d.Versions); n > 0 {
			v := d.Versions[n-1]
			f.number(v.Number)
			f.on(&v.UploadedAt)
			f.day(v.EffectiveOn)
		}
	}
	if s.index < 0 {
		for _, d := range f.world.Record.Documents {
			if d.Final && seesDepartment(f.asker, d.Department) {
				about(d)
				f.clarify = append(f.clarify, d.Title)
			}
		}
		return
	}
	d := f.world.Record.Documents[s.index]
	about(d)
	f.mustName(d.Title)
	if n := len(d.Versions); n > 0 && d.Versions[n-1].ReviewState == "accepted" {
		f.mustNumber(n)
		f.mustDay(d.Versions[n-1].EffectiveOn)
	}
}

func (f *facts) verification(intent string) {
	f.turn(f.checkTurns(intent)...)
	for _, v := range f.world.Record.Verifications {
		owed, first := owedNow(v)
		switch intent {
		case "verification.status":
			f.mustState("verification", v.State)
			f.on(v.SubmittedAt)
			f.on(v.CompletedAt)
			f.number(owed)
		case "verification.requirements_due":
			f.state("verification", "")
			for _, q := range v.Requirements {
				if q.Bucket != "pending_verification" {
					f.mustName(q.Label)
					f.mustDay(q.Deadline)
					f.day(v.Deadline)
				}
			}
			if owed == 0 && v.State == "needs_information" {
				// The provider wants something and has not told us what.
				f.mustState("verification", "needs_information")
				f.mustDay(first)
			}
		case "verification.eta":
			f.state("verification", v.State)
			if v.SubmittedAt != nil && v.State == "in_review" {
				f.mustState("verification", v.State)
				elapsed := int(f.world.today().Sub(f.world.day(*v.SubmittedAt)).Hours() / 24)
				f.number(elapsed)
				if elapsed > 1 {
					f.mustNumber(elapsed)
				}
				f.mustNumber(v.TypicalDaysFrom)
				f.mustNumber(v.TypicalDaysTo)
			}
		}
	}
}

// checkTurns is whose move the verifications are.
func (f *facts) checkTurns(intent string) (sides []string) {
	for _, v := range f.world.Record.Verifications {
		wants := slices.ContainsFunc(v.Requirements, func(q onboarding.Requirement) bool { return q.Bucket != "pending_verification" })
		switch {
		case v.State == "needs_information", intent == "verification.requirements_due" && wants:
			sides = append(sides, "customer")
		case intent == "verification.requirements_due": // nothing is asked for
		case v.State == "in_review":
			sides = append(sides, "third_party")
		case v.State == "we_will_contact_you":
			sides = append(sides, "provider")
		}
	}
	return sides
}

func (f *facts) integration(intent string, s subject) {
	connector := ""
	if s.index >= 0 {
		connector = f.world.Record.Integrations[s.index].Connector
	}
	var sides []string
	defer func() {
		if s.index >= 0 {
			f.turn(sides...)
		}
	}()
	for _, i := range f.world.Record.Integrations {
		if s.index < 0 {
			f.clarify = append(f.clarify, i.Connector)
		}
		if s.index >= 0 && i.Connector != connector {
			continue
		}
		if i.AuthState == "relink_needed" {
			sides = append(sides, "customer")
		} else if i.SyncState == "failing" {
			sides = append(sides, "provider")
		}
		f.name(i.Connector)
		f.at(i.LastSuccessAt)
		f.at(i.NextRunAt)
		if unheard(i, f.world.Now) && intent != "integration.error_followup" {
			f.stale = true
			f.mustMoment(&i.ObservedAt)
			f.at(&i.ObservedAt)
		}
		if i.Message != "" && (i.SyncState == "failing" || i.SyncState == "warning") {
			f.name(strings.TrimSuffix(i.Message, "."))
		}
		if i.SyncState == "failing" {
			for _, t := range f.world.TicketsOf(f.asker) {
				if t.IntegrationID == i.ID {
					f.number(int(t.Number))
					f.state("ticket", t.State)
					f.at(t.NextReplyDueAt)
					if s.index >= 0 && intent != "integration.last_sync" {
						f.mustNumber(int(t.Number))
						if t.NextReplyDueAt != nil && t.NextReplyDueAt.After(f.world.Now) {
							f.mustMoment(t.NextReplyDueAt)
						}
					}
				}
			}
		}
		switch intent {
		case "integration.connection_status":
			f.state("auth", i.AuthState)
			if s.index >= 0 {
				f.mustState("auth", i.AuthState)
				f.mustName(i.Connector)
				f.mustMoment(i.LastSuccessAt)
			}
		case "integration.last_sync":
			for _, n := range []*int64{i.RecordsDone, i.RecordsTotal, i.RecordsRejected} {
				if n != nil {
					f.numbers[*n] = true
				}
			}
			if s.index >= 0 {
				f.mustMoment(i.LastSuccessAt)
				if i.RecordsTotal != nil && *i.RecordsTotal > 0 {
					f.mustNumbers = append(f.mustNumbers, *i.RecordsDone, *i.RecordsTotal)
				}
			}
		case "integration.error_followup":
			if s.index >= 0 && i.SyncState == "failing" {
				f.mustName(i.Connector)
				f.mustName(strings.TrimSuffix(i.Message, "."))
			}
		}
	}
}

// unheard reports whether a connection that runs is silent past its time.
func unheard(i onboarding.Integration, now time.Time) bool {
	runs := i.AuthState == "connected" && slices.Contains([]string{"syncing", "ok", "warning", "failing"}, i.SyncState)
	if i.NextRunAt == nil {
		return runs && now.Sub(i.ObservedAt) >= 25*time.Hour
	}
	return runs && now.Sub(*i.NextRunAt) >= time.Hour && !i.ObservedAt.After(*i.NextRunAt)
}

func (f *facts) mustMoment(at *time.Time) {
	if at != nil {
		day := f.world.day(*at)
		f.mustDay(&day)
	}
}

func (f *facts) environment(s subject) {
	for i, e := range f.world.Record.Environments {
		if s.index >= 0 && i != s.index {
			continue
		}
		if s.index >= 0 {
			f.turn()
			if slices.Contains([]string{"requested", "provisioning", "failed"}, e.State) && len(e.BlockedBy) == 0 {
				f.turn("provider")
			}
		}
		f.state("environment", e.State)
		f.on(e.KeysIssuedAt)
		if e.State != "ready" {
			f.name(e.BlockedBy...)
			if s.index >= 0 {
				f.mustNames = append(f.mustNames, e.BlockedBy...)
			}
		}
		if s.index >= 0 {
			f.mustState("environment", e.State)
		}
	}
}

func (f *facts) people(s subject) {
	if !admin(f.asker) {
		return // nothing may be told about anybody
	}
	w := func(p onboarding.Person) string { return access(p, f.world.Now) }
	about := func(p onboarding.Person) {
		f.name(p.Name)
		f.on(p.InvitedAt)
		f.on(p.ExpiresAt)
		f.on(p.LastLoginAt)
		f.state("person", w(p))
	}
	if s.index < 0 {
		for _, p := range f.world.Record.People {
			about(p)
			f.clarify = append(f.clarify, p.Name)
			if !s.named {
				f.mustName(p.Name)
			}
		}
		return
	}
	p := f.world.Record.People[s.index]
	about(p)
	f.mustName(p.Name)
	f.mustState("person", w(p))
	f.turn(map[string][]string{"invited": {"customer"}, "expired": {"customer"}, "bounced": {"provider"}, "not_sent": {"provider"}}[w(p)]...)
	if p.State == "active" && p.LastLoginAt != nil {
		day := f.world.day(*p.LastLoginAt)
		f.mustDay(&day)
	}
}

// access is how far somebody's access has come.
func access(p onboarding.Person, now time.Time) string {
	switch {
	case p.State == "active":
		return "active"
	case p.BouncedAt != nil:
		return "bounced"
	case p.ExpiresAt == nil:
		return "not_sent"
	case p.ExpiresAt.Before(now):
		return "expired"
	}
	return "invited"
}

func (f *facts) training() {
	done, total, own, mine := 0, 0, 0, 0
	for _, e := range f.world.Record.Enrolments {
		if e.UserID != f.asker.UserID && !manager(f.asker) {
			continue
		}
		total++
		finished := e.State == "completed" || e.State == "passed" || e.State == "waived"
		if finished {
			done++
		}
		if e.UserID == f.asker.UserID {
			mine++
			if finished {
				own++
			}
		}
		f.name(e.Learner, e.Course)
		f.day(e.Due)
		f.on(e.CertificateAt)
		f.number(e.Progress)
		f.state("enrolment", e.State)
	}
	f.number(done, total, own, mine)
	f.courseTotal, f.courseDone, f.courseMine, f.courseMineDone = total, done, mine, own
}

func (f *facts) tickets(s subject) {
	list := f.world.TicketsOf(f.asker)
	about := func(t status.Ticket) {
		f.number(int(t.Number))
		f.name(t.Subject, t.Assignee)
		f.at(t.LastPublicMessageAt)
		f.at(t.NextReplyDueAt)
		f.at(&t.UpdatedAt)
		f.state("ticket", t.State)
	}
	if s.index < 0 {
		for _, t := range list {
			about(t)
		}
		f.number(len(list))
		for n := range len(list) {
			f.number(n)
		}
		return
	}
	t := f.world.Tickets[s.index]
	about(t)
	f.mustNumber(int(t.Number))
	f.mustState("ticket", t.State)
	f.turn(map[string]string{"waiting_for_you": "customer", "received": "provider", "working_on_it": "provider"}[t.State])
	f.mustMoment(t.LastPublicMessageAt)
	if t.NextReplyDueAt != nil && t.NextReplyDueAt.After(f.world.Now) && (t.State == "received" || t.State == "working_on_it") {
		f.mustMoment(t.NextReplyDueAt)
	}
}

func (f *facts) meeting() {
	first := true
	for _, m := range f.world.Record.Meetings {
		if !m.StartsAt.After(f.world.Now) {
			continue
		}
		f.name(m.Title)
		f.name(m.Attendees...)
		f.at(&m.StartsAt)
		if first {
			f.mustName(m.Title)
			f.mustMoment(&m.StartsAt)
		}
		first = false
	}
	if p := f.world.Record.Project; first && p.OwnerName != "" && p.OwnerContact != "" {
		f.mustName(p.OwnerName, p.OwnerContact) // who arranges one
	}
}
