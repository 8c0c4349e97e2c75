package status

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
)

func (d *draft) overall() {
	p := d.record.Project
	d.out.Link = "/onboarding"
	d.project("state", p.State)
	switch p.State {
	case "on_hold":
		d.say("project.on_hold")
		return
	case "live":
		d.live()
		return
	}
	if stage := d.record.CurrentStage(); stage != nil {
		d.say("project.stage", "stage", stage.Name)
		d.rests("stage", stage.ID, stage.Name, "state", stage.State, time.Time{})
	}
	d.health()
	done, total := d.record.Progress()
	d.say("project.progress", "percent", strconv.Itoa(onboarding.Percent(done, total)))
	d.project("progress_customer", strconv.Itoa(onboarding.Percent(done, total)))
	d.next()
	d.turn(d.record.Turn())
}

func (d *draft) live() {
	if at := d.record.Project.ActualGoLive; at != nil {
		d.say("project.live_since", "date", d.date(*at))
		d.project("actual_go_live", iso(at))
		return
	}
	d.say("project.live")
}

func (d *draft) health() {
	h := d.record.Health(d.today)
	d.say("health." + h.Word)
	d.project("health", h.Word)
	if h.Word != "on_track" && h.Word != "live" && d.record.Project.HealthReason != "" {
		d.lines = append(d.lines, d.record.Project.HealthReason)
	}
}

func (d *draft) next() {
	if m := d.record.NextMilestone(d.today); m != nil {
		d.lines = append(d.lines, d.dated("milestone.next", m.Due, "name", m.Name))
		d.rests("milestone", m.ID, m.Name, "due", iso(m.Due), time.Time{})
	}
}

func (d *draft) goLive() {
	p := d.record.Project
	d.out.Link = "/onboarding#milestones"
	if p.ActualGoLive != nil || p.State == "live" {
		d.live()
		return
	}
	if p.State == "on_hold" {
		d.say("project.on_hold")
	}
	f := d.record.GoLive(d.today)
	switch {
	case f.Date != nil:
		d.say("golive.forecast", "date", d.date(*f.Date))
		d.project("forecast_go_live", iso(f.Date))
	default:
		d.say("golive.unknown")
	}
	if p.PlannedGoLive != nil && (f.Date == nil || !f.Date.Equal(*p.PlannedGoLive)) {
		d.say("golive.planned", "date", d.date(*p.PlannedGoLive))
		d.project("planned_go_live", iso(p.PlannedGoLive))
	}
	d.slip(f)
	switch {
	case f.Driver != nil:
		d.say("golive.driver", "task", f.Driver.Title, "who", d.side(f.Driver.Responsibility))
		d.rests("task", f.Driver.ID, f.Driver.Title, "state", f.Driver.State, time.Time{})
		d.turn(f.Driver.Responsibility)
	case f.Unknown != nil:
		d.say("golive.unknown_task", "task", f.Unknown.Title)
		d.rests("task", f.Unknown.ID, f.Unknown.Title, "state", f.Unknown.State, time.Time{})
		d.turn(f.Unknown.Responsibility)
	case f.Hidden:
		d.say("golive.driver_hidden")
	}
}

// slip calls people where the forecast is much later than the plan, or where the
// customer asks for a promise.
func (d *draft) slip(f onboarding.Forecast) {
	if planned := d.record.Project.PlannedGoLive; planned != nil && f.Date != nil {
		if days := d.record.Workdays(*planned, *f.Date); days > onboarding.SlipLimit {
			d.say("golive.slip", "days", d.plural("workdays", days))
			d.project("variance_days", strconv.Itoa(days))
			d.escalate("Go-live is forecast " + strconv.Itoa(days) + " working days later than planned, and the customer asks for it.")
		}
	}
	if d.mentions("commitment") {
		d.say("golive.no_promise")
		d.escalate("The customer asks for a commitment to the go-live date.")
	}
}

func (d *draft) side(responsibility string) string { return d.fill("side." + responsibility) }

func (d *draft) nextActions() {
	d.out.Link = "/onboarding#tasks"
	actions := d.record.CustomerActions()
	d.project("customer_actions", strconv.Itoa(len(actions)))
	if len(actions) == 0 {
		d.say("actions.none")
		d.turn(d.record.Turn())
		return
	}
	d.turn("customer")
	d.say("actions.intro", "items", d.plural("items", len(actions)))
	for _, a := range actions {
		d.action(a)
	}
}

// action is a line of what waits for the customer. Who signs and what a
// verification lacks of whom is not in it: see Confidential.
func (d *draft) action(a onboarding.Action) {
	switch a.Kind {
	case onboarding.ActionDocument:
		d.line(d.dated("document.missing_item", a.Due, "title", a.Title, "state", d.fill("document.word."+a.State), "link", a.Link))
		d.rests("document", a.ID, a.Title, "state", a.State, time.Time{})
		d.restsOnDay("document", a.ID, a.Title, "due", a.Due, time.Time{})
	case onboarding.ActionSignature:
		e := byID(d.record.Envelopes, a.ID, func(e onboarding.Envelope) uuid.UUID { return e.ID })
		d.line(d.dated("actions.signature", a.Due, "title", a.Title, "link", a.Link))
		d.rests("envelope", a.ID, a.Title, "state", a.State, e.ObservedAt)
		d.restsOnDay("envelope", a.ID, a.Title, "expires_on", a.Due, e.ObservedAt)
	case onboarding.ActionVerification:
		v := byID(d.record.Verifications, a.ID, func(v onboarding.Verification) uuid.UUID { return v.ID })
		items := ""
		if a.Count > 0 {
			items = " (" + d.plural("items", a.Count) + ")"
		}
		d.line(d.dated("actions.verification", a.Due, "kind", d.fill("verification.kind."+a.Title), "items", items, "link", a.Link))
		d.rests("verification", a.ID, a.Title, "customer_state", a.State, v.ObservedAt)
		d.rests("verification", a.ID, a.Title, "requirements_due", strconv.Itoa(a.Count), v.ObservedAt)
		d.restsOnDay("verification", a.ID, a.Title, "deadline", a.Due, v.ObservedAt)
	case onboarding.ActionIntegration:
		i := byID(d.record.Integrations, a.ID, func(i onboarding.Integration) uuid.UUID { return i.ID })
		d.item("actions.relink", "name", a.Title, "environment", d.fill("environment."+a.Environment), "link", a.Link)
		d.rests("integration", a.ID, a.Title, "auth_state", a.State, i.ObservedAt)
	case onboarding.ActionCourse:
		e := byID(d.record.Enrolments, a.ID, func(e onboarding.Enrolment) uuid.UUID { return e.ID })
		d.line(d.dated("actions.course", a.Due, "course", a.Title, "link", a.Link))
		d.rests("enrolment", a.ID, a.Title, "state", a.State, e.ObservedAt)
		d.restsOnDay("enrolment", a.ID, a.Title, "due", a.Due, e.ObservedAt)
	case onboarding.ActionTeamCourses:
		d.line(d.dated("actions.team", a.Due, "courses", d.plural("courses", a.Count), "link", a.Link))
		d.project("team_courses_open", strconv.Itoa(a.Count))
		d.restsOnDay("project", d.record.Project.ID, d.record.Project.Name, "team_courses_due", a.Due, time.Time{})
	default:
		phrase := "actions.item"
		if a.Overdue(d.today) {
			phrase = "actions.item_overdue"
		}
		who := a.Assignee
		if who == "" {
			who = d.fill("nobody")
		}
		d.line(d.dated(phrase, a.Due, "task", a.Title, "who", who, "link", a.Link))
		d.rests("task", a.ID, a.Title, "state", a.State, time.Time{})
		task := byID(d.record.Tasks, a.ID, func(t onboarding.Task) uuid.UUID { return t.ID })
		d.restsOnDay("task", a.ID, a.Title, "due", task.Due, time.Time{})
		if a.Document != uuid.Nil { // the same thing: the request's date may be the earlier one
			doc := byID(d.record.Documents, a.Document, func(d onboarding.Document) uuid.UUID { return d.ID })
			d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
			d.restsOnDay("document", doc.ID, doc.Title, "due", doc.Due, time.Time{})
		}
	}
}

// byID finds the thing an action is about in the record it was made from.
func byID[T any](list []T, id uuid.UUID, of func(T) uuid.UUID) (found T) {
	for _, t := range list {
		if of(t) == id {
			return t
		}
	}
	return found
}

func (d *draft) blockers() {
	if len(find(d.q.Text, d.language, d.connectorThings())) == 1 {
		d.connection() // "what blocks our Salesforce integration?"
		return
	}
	blockers := d.record.Blockers()
	var overdue []onboarding.Task
	for _, t := range d.record.Tasks {
		if t.Overdue(d.today) && t.Visibility != "internal" {
			overdue = append(overdue, t)
		}
	}
	if len(blockers) == 0 && len(overdue) == 0 {
		d.out.Link = "/onboarding"
		d.say("blockers.none")
		d.count("blocked_tasks", 0)
		return
	}
	d.out.Link = "/onboarding#milestones"
	for _, b := range blockers {
		d.out.Link = "/onboarding#blocked"
		d.item("blockers.item", "task", b.Task.Title, "reason", d.reason(b), "who", d.side(b.Turn))
		d.rests("task", b.Task.ID, b.Task.Title, "state", b.Task.State, time.Time{})
		switch {
		case b.Task.Blocker == "":
			d.escalate("A blocked task has no reason customers may read; the customer asks: " + b.Task.Title + ".")
		case b.Turn == "provider" && b.Task.Overdue(d.today):
			d.escalate("A blocked task that waits for us is overdue; the customer asks: " + b.Task.Title + ".")
		}
	}
	for _, t := range overdue {
		d.item("blockers.overdue", "task", t.Title, "date", d.date(*t.Due), "who", d.side(t.Responsibility))
		d.rests("task", t.ID, t.Title, "state", t.State, time.Time{})
		d.restsOnDay("task", t.ID, t.Title, "due", t.Due, time.Time{})
	}
	if len(blockers) > 0 {
		d.out.Turn = blockers[0].Turn
	} else {
		d.out.Turn = overdue[0].Responsibility
	}
}

// reason is the customer's text for a blocker, and what it waits for.
func (d *draft) reason(b onboarding.Blocker) string {
	text := b.Task.Blocker
	if text == "" {
		text = d.fill("blockers.no_reason")
	}
	for _, need := range b.Needs {
		text += " " + d.fill("blockers.needs", "task", need.Title)
	}
	return text
}

func (d *draft) owner() {
	p := d.record.Project
	d.out.Link = "/onboarding#owner"
	if p.OwnerName == "" {
		d.say("owner.none")
		d.out.Escalate = "The project has no owner; the customer asked who it is."
		return
	}
	d.say("owner.is", "name", p.OwnerName, "contact", p.OwnerContact)
	d.project("owner_name", p.OwnerName)
	if p.OwnerAwayUntil != nil && !p.OwnerAwayUntil.Before(d.today) {
		d.project("owner_away_until", iso(p.OwnerAwayUntil))
		if p.OwnerStandIn != "" {
			d.say("owner.away", "date", d.date(*p.OwnerAwayUntil), "name", p.OwnerStandIn)
		} else {
			d.say("owner.away_alone", "date", d.date(*p.OwnerAwayUntil))
		}
	}
	if p.ChampionID != nil {
		for _, person := range d.Record.People {
			if person.ID == *p.ChampionID {
				d.say("owner.champion", "name", person.Name)
			}
		}
	}
}

func (d *draft) onTrack() {
	d.out.Link = "/onboarding"
	if d.record.Project.State == "on_hold" {
		d.say("project.on_hold")
		return
	}
	d.health()
	h := d.record.Health(d.today)
	if h.Word == "live" {
		d.lines = nil
		d.live()
		return
	}
	if h.Known {
		switch {
		case h.Variance > 0:
			d.say("track.late", "days", d.plural("workdays", h.Variance))
		case h.Variance < 0:
			d.say("track.early", "days", d.plural("workdays", -h.Variance))
		default:
			d.say("track.exact")
		}
		d.project("variance_days", strconv.Itoa(h.Variance))
		if f := d.record.GoLive(d.today); f.Date != nil && d.record.Project.PlannedGoLive != nil {
			d.say("track.dates", "forecast", d.date(*f.Date), "planned", d.date(*d.record.Project.PlannedGoLive))
			d.project("forecast_go_live", iso(f.Date))
			d.project("planned_go_live", iso(d.record.Project.PlannedGoLive))
		}
	}
	d.say("track.overdue", "yours", strconv.Itoa(h.Customer), "ours", strconv.Itoa(h.Provider))
	d.count("overdue_customer", h.Customer)
	d.count("overdue_provider", h.Provider)
	d.next()
	d.turn(d.record.Turn())
}

func (d *draft) progress() {
	d.out.Link = "/onboarding"
	done, total := d.record.Progress()
	d.say("progress.percent", "percent", strconv.Itoa(onboarding.Percent(done, total)), "done", strconv.Itoa(done), "total", strconv.Itoa(total))
	d.count("progress_customer", onboarding.Percent(done, total))
	d.count("tasks_done", done)
	d.count("tasks_total", total)
	reached, all := 0, 0
	var open []string
	for _, m := range d.record.Milestones {
		if m.State == "waived" {
			continue
		}
		all++
		if m.Open() {
			open = append(open, m.Name)
		} else {
			reached++
		}
	}
	d.say("progress.milestones", "done", strconv.Itoa(reached), "total", strconv.Itoa(all))
	d.count("milestones_done", reached)
	d.count("milestones_total", all)
	if len(open) > 0 {
		d.say("progress.left", "names", d.join(open))
	}
	if p := d.record.Project; p.State != "live" && p.State != "on_hold" && p.ActualGoLive == nil {
		d.turn(d.record.Turn())
	}
}

func (d *draft) milestone() {
	d.out.Link = "/onboarding#milestones"
	things := make([]thing, len(d.record.Milestones))
	for i, m := range d.record.Milestones {
		things[i] = thing{m.Name, m.Aliases, i}
	}
	hits := d.named(things)
	switch len(hits) {
	case 0:
		d.milestones()
	case 1:
		d.oneMilestone(d.record.Milestones[hits[0]])
	default:
		d.clarify(things, hits)
	}
}

// milestones lists them where the question names none.
func (d *draft) milestones() {
	if len(d.record.Milestones) == 0 {
		d.say("milestone.none")
		d.count("milestones_total", 0)
		return
	}
	d.say("milestone.intro")
	for _, m := range d.record.Milestones {
		d.line(d.dated("milestone.item", m.Due, "name", m.Name, "state", d.fill("milestone.state."+m.State)))
		d.rests("milestone", m.ID, m.Name, "state", m.State, time.Time{})
		d.restsOnDay("milestone", m.ID, m.Name, "due", m.Due, time.Time{})
	}
	if m := d.record.NextMilestone(d.today); m != nil {
		if open := d.record.OpenTasks(m.ID); len(open) > 0 {
			d.turn(open[0].Responsibility)
		}
	}
}

func (d *draft) oneMilestone(m onboarding.Milestone) {
	d.say("milestone.is", "name", m.Name, "state", d.fill("milestone.state."+m.State))
	d.rests("milestone", m.ID, m.Name, "state", m.State, time.Time{})
	switch {
	case m.State == "done" && m.CompletedAt != nil:
		d.say("milestone.completed", "date", d.on(*m.CompletedAt))
		d.restsOn("milestone", m.ID, m.Name, "completed_at", m.CompletedAt, time.Time{})
		return
	case !m.Open():
		return
	case m.Due != nil:
		d.say("milestone.due", "date", d.date(*m.Due))
		d.restsOnDay("milestone", m.ID, m.Name, "due", m.Due, time.Time{})
	}
	if at, ok := d.record.Forecasts(d.today)[m.ID]; ok && (m.Due == nil || !at.Equal(*m.Due)) {
		d.say("milestone.forecast", "date", d.date(at))
		d.rests("milestone", m.ID, m.Name, "forecast", iso(&at), time.Time{})
	}
	open := d.record.OpenTasks(m.ID)
	if len(open) == 0 {
		return
	}
	d.say("milestone.open", "tasks", d.plural("tasks", len(open)))
	d.rests("milestone", m.ID, m.Name, "open_tasks", strconv.Itoa(len(open)), time.Time{})
	for _, t := range open {
		d.item("milestone.task", "task", t.Title, "state", d.fill("task.state."+t.State), "who", d.side(t.Responsibility))
		d.rests("task", t.ID, t.Title, "state", t.State, time.Time{})
	}
	d.turn(open[0].Responsibility)
}
