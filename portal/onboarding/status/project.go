package status

import (
	"strconv"
	"time"

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
		d.project("actual_go_live", d.date(*at))
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
		d.project("forecast_go_live", d.date(*f.Date))
	default:
		d.say("golive.unknown")
	}
	if p.PlannedGoLive != nil && (f.Date == nil || !f.Date.Equal(*p.PlannedGoLive)) {
		d.say("golive.planned", "date", d.date(*p.PlannedGoLive))
		d.project("planned_go_live", d.date(*p.PlannedGoLive))
	}
	switch {
	case f.Driver != nil:
		d.say("golive.driver", "task", f.Driver.Title, "who", d.side(f.Driver.Responsibility))
		d.rests("task", f.Driver.ID, f.Driver.Title, "state", f.Driver.State, time.Time{})
		d.out.Turn = f.Driver.Responsibility
	case f.Unknown != nil:
		d.say("golive.unknown_task", "task", f.Unknown.Title)
	case f.Hidden:
		d.say("golive.driver_hidden")
	}
}

func (d *draft) side(responsibility string) string { return d.fill("side." + responsibility) }

func (d *draft) nextActions() {
	d.out.Link, d.out.Turn = "/onboarding#tasks", "customer"
	actions := d.record.CustomerActions()
	if len(actions) == 0 {
		d.say("actions.none")
		d.project("customer_actions", "0")
		d.out.Turn = d.record.Turn()
		return
	}
	d.say("actions.intro", "tasks", d.plural("tasks", len(actions)))
	for _, t := range actions {
		phrase := "actions.item"
		if t.Overdue(d.today) {
			phrase = "actions.item_overdue"
		}
		who := t.AssigneeName
		if who == "" {
			who = d.fill("nobody")
		}
		d.line(d.dated(phrase, t.Due, "task", t.Title, "who", who, "link", "/onboarding#task-"+t.ID.String()))
		d.rests("task", t.ID, t.Title, "due", iso(t.Due), time.Time{})
	}
}

func (d *draft) blockers() {
	if len(find(d.q.Text, d.language, d.connectorThings())) == 1 {
		d.connection() // "what blocks our Salesforce integration?"
		return
	}
	d.out.Link = "/onboarding#blocked"
	blockers := d.record.Blockers()
	overdue := 0
	for _, t := range d.record.Tasks {
		if t.Overdue(d.today) && t.Visibility != "internal" {
			overdue++
		}
	}
	if len(blockers) == 0 && overdue == 0 {
		d.say("blockers.none")
		d.project("blocked_tasks", "0")
		return
	}
	for _, b := range blockers {
		d.item("blockers.item", "task", b.Task.Title, "reason", d.reason(b), "who", d.side(b.Turn))
		d.rests("task", b.Task.ID, b.Task.Title, "state", b.Task.State, time.Time{})
	}
	for _, t := range d.record.Tasks {
		if t.Overdue(d.today) && t.Visibility != "internal" {
			d.item("blockers.overdue", "task", t.Title, "date", d.date(*t.Due), "who", d.side(t.Responsibility))
			d.rests("task", t.ID, t.Title, "due", iso(t.Due), time.Time{})
		}
	}
	if len(blockers) > 0 {
		d.turn(blockers[0].Turn)
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
	d.out.Link = "/onboarding#people"
	if p.OwnerName == "" {
		d.say("owner.none")
		d.out.Escalate = "The project has no owner; the customer asked who it is."
		return
	}
	d.say("owner.is", "name", p.OwnerName, "contact", p.OwnerContact)
	d.project("owner_name", p.OwnerName)
	if p.OwnerAwayUntil != nil && !p.OwnerAwayUntil.Before(d.today) {
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
		}
	}
	d.say("track.overdue", "yours", strconv.Itoa(h.Customer), "ours", strconv.Itoa(h.Provider))
	d.project("overdue_tasks", strconv.Itoa(h.Customer+h.Provider))
	d.out.Turn = d.record.Turn()
}

func (d *draft) progress() {
	d.out.Link = "/onboarding"
	done, total := d.record.Progress()
	d.say("progress.percent", "percent", strconv.Itoa(onboarding.Percent(done, total)), "done", strconv.Itoa(done), "total", strconv.Itoa(total))
	d.project("progress_customer", strconv.Itoa(onboarding.Percent(done, total)))
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
	d.project("milestones_done", strconv.Itoa(reached))
	if len(open) > 0 {
		d.say("progress.left", "names", d.join(open))
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
		return
	}
	d.say("milestone.intro")
	for _, m := range d.record.Milestones {
		d.line(d.dated("milestone.item", m.Due, "name", m.Name, "state", d.fill("milestone.state."+m.State)))
		d.rests("milestone", m.ID, m.Name, "state", m.State, time.Time{})
	}
}

func (d *draft) oneMilestone(m onboarding.Milestone) {
	d.say("milestone.is", "name", m.Name, "state", d.fill("milestone.state."+m.State))
	d.rests("milestone", m.ID, m.Name, "state", m.State, time.Time{})
	switch {
	case m.State == "done" && m.CompletedAt != nil:
		d.say("milestone.completed", "date", d.on(*m.CompletedAt))
		return
	case !m.Open():
		return
	case m.Due != nil:
		d.say("milestone.due", "date", d.date(*m.Due))
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
	for _, t := range open {
		d.item("milestone.task", "task", t.Title, "state", d.fill("task.state."+t.State), "who", d.side(t.Responsibility))
		d.rests("task", t.ID, t.Title, "state", t.State, time.Time{})
	}
	d.out.Turn = open[0].Responsibility
}
