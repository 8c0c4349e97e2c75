package status

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
)

// verification says where checks stand, by customer_state alone: nothing here
// depends on why a review takes place.
func (d *draft) verification() {
	d.out.Link = "/onboarding#verification"
	if len(d.record.Verifications) == 0 {
		d.say("verification.none")
		d.project("verifications", "0")
		return
	}
	for _, v := range d.record.Verifications {
		d.say("verification.is", "kind", d.fill("verification.kind."+v.Kind), "state", d.fill("verification.state."+v.State))
		d.rests("verification", v.ID, v.Kind, "customer_state", v.State, v.ObservedAt)
		switch v.State {
		case "verified":
			if v.CompletedAt != nil {
				d.say("verification.completed", "date", d.on(*v.CompletedAt))
			}
		case "in_review":
			if v.SubmittedAt != nil {
				d.say("verification.submitted", "date", d.on(*v.SubmittedAt))
			}
		case "needs_information":
			d.outstanding(v)
			d.out.Turn = "customer"
		}
	}
	if d.out.Turn == "customer" {
		d.say("turn.customer")
	}
}

func (d *draft) outstanding(v onboarding.Verification) {
	n := 0
	for _, r := range v.Requirements {
		if r.Bucket == "past_due" || r.Bucket == "currently_due" {
			n++
		}
	}
	if n > 0 {
		d.say("verification.outstanding", "items", d.plural("items", n))
	}
}

func (d *draft) requirements() {
	d.out.Link = "/onboarding#verification"
	found := false
	for _, v := range d.record.Verifications {
		for _, bucket := range []string{"past_due", "currently_due", "eventually_due"} {
			for _, r := range v.Requirements {
				if r.Bucket != bucket {
					continue
				}
				if !found {
					d.say("requirements.intro")
				}
				found = true
				deadline := r.Deadline
				if deadline == nil && bucket != "eventually_due" {
					deadline = v.Deadline
				}
				if deadline != nil {
					d.item("requirements.item_by", "label", r.Label, "bucket", d.fill("requirements."+bucket), "date", d.date(*deadline))
				} else {
					d.item("requirements.item", "label", r.Label, "bucket", d.fill("requirements."+bucket))
				}
				d.rests("requirement", v.ID, r.Label, "bucket", r.Bucket, v.ObservedAt)
			}
		}
	}
	if !found {
		d.say("requirements.none")
		d.project("requirements_due", "0")
		return
	}
	d.say("requirements.where")
	d.turn("customer")
}

func (d *draft) verificationETA() {
	d.out.Link = "/onboarding#verification"
	told := false
	for _, v := range d.record.Verifications {
		kind := d.fill("verification.kind." + v.Kind)
		d.rests("verification", v.ID, v.Kind, "customer_state", v.State, v.ObservedAt)
		switch {
		case v.State == "in_review" && v.SubmittedAt != nil:
			days := int(d.today.Sub(d.Record.Day(*v.SubmittedAt)).Hours() / 24)
			if days > 0 {
				d.say("eta.running", "kind", kind, "days", d.plural("days", days))
			} else {
				d.say("eta.today", "kind", kind)
			}
			d.say("eta.typical", "from", strconv.Itoa(v.TypicalDaysFrom), "to", strconv.Itoa(v.TypicalDaysTo))
			told = true
		case v.State == "verified":
			d.say("verification.is", "kind", kind, "state", d.fill("verification.state.verified"))
			told = true
		case v.State == "needs_information":
			d.say("eta.waiting", "kind", kind)
			told = true
		default:
			d.say("verification.is", "kind", kind, "state", d.fill("verification.state."+v.State))
			told = true
		}
	}
	if !told {
		d.say("verification.none")
		d.project("verifications", "0")
	}
}

// integration finds the connections a question is about: all environments of one
// connector. With none named it is all of them.
func (d *draft) connectors() ([]onboarding.Integration, bool) {
	things := d.connectorThings()
	hits := d.named(things)
	if len(hits) > 1 {
		d.clarify(things, hits)
		return nil, false
	}
	var out []onboarding.Integration
	for _, i := range d.record.Integrations {
		if len(hits) == 0 || i.Connector == things[hits[0]].name {
			out = append(out, i)
		}
	}
	if d.mentions("sandbox") {
		out = slices.DeleteFunc(out, func(i onboarding.Integration) bool { return i.Environment != "sandbox" })
	}
	return out, true
}

// connectorThings are the connectors, each once.
func (d *draft) connectorThings() (things []thing) {
	for _, i := range d.record.Integrations {
		if !slices.ContainsFunc(things, func(t thing) bool { return t.name == i.Connector }) {
			things = append(things, thing{i.Connector, i.Aliases, len(things)})
		}
	}
	return things
}

func (d *draft) connection() {
	d.out.Link = "/onboarding#integrations"
	list, ok := d.connectors()
	if !ok {
		return
	}
	if len(list) == 0 {
		d.say("integration.none")
		d.project("integrations", "0")
		return
	}
	for _, i := range list {
		d.item("integration.is", "name", i.Connector, "environment", d.fill("environment."+i.Environment), "state", d.fill("integration.auth."+i.AuthState), "flow", d.flow(i))
		d.rests("integration", i.ID, i.Connector, "auth_state", i.AuthState, i.ObservedAt)
		if i.AuthState == "relink_needed" {
			d.out.Turn = "customer"
		}
	}
	for _, i := range list {
		if i.AuthState == "relink_needed" {
			d.say("integration.relink", "name", i.Connector)
		}
		if i.Message != "" && (i.SyncState == "failing" || i.SyncState == "warning") {
			d.lines = append(d.lines, i.Message)
		}
		if i.SyncState == "failing" {
			d.failing(i)
		}
	}
	d.silent(list)
}

// A run that is due may take this long before its silence means something; a
// connection without a schedule is heard from at least this often.
const (
	runGrace = time.Hour
	heardOf  = 24 * time.Hour
)

// silent says of each connection that should have been heard from by now and was
// not, since when: what is known of it may no longer be so.
func (d *draft) silent(list []onboarding.Integration) {
	for _, i := range list {
		if i.AuthState != "connected" || i.SyncState == "never" || i.SyncState == "paused" {
			continue // nothing is expected of it
		}
		due := i.ObservedAt.Add(heardOf)
		if i.NextRunAt != nil {
			due = *i.NextRunAt
		}
		if d.Now.Before(due.Add(runGrace)) || i.ObservedAt.After(due) {
			continue
		}
		d.out.Stale = true
		d.say("stale.integration", "name", i.Connector, "environment", d.fill("environment."+i.Environment), "at", d.moment(i.ObservedAt))
	}
}

func (d *draft) flow(i onboarding.Integration) string {
	if i.LastSuccessAt == nil {
		return d.fill("integration.never")
	}
	return d.fill("integration.success", "at", d.moment(*i.LastSuccessAt))
}

// failing points to the ticket a failing integration has, or asks for one.
func (d *draft) failing(i onboarding.Integration) {
	for _, t := range d.Tickets {
		if t.Origin == "integration_error" && t.State != "solved" && d.concerns(t, i) {
			d.say("integration.ticket", "number", strconv.FormatInt(t.Number, 10), "state", d.fill("ticket.state."+t.State))
			return
		}
	}
	d.out.Escalate = "The integration " + i.Connector + " (" + i.Environment + ") fails and there is no open ticket about it."
}

// concerns reports whether a ticket is about the integration. A ticket that does
// not say which counts only where there is no doubt.
func (d *draft) concerns(t Ticket, i onboarding.Integration) bool {
	if t.IntegrationID != uuid.Nil {
		return t.IntegrationID == i.ID
	}
	failing := 0
	for _, other := range d.record.Integrations {
		if other.SyncState == "failing" {
			failing++
		}
	}
	return failing == 1
}

func (d *draft) lastSync() {
	d.out.Link = "/onboarding#integrations"
	list, ok := d.connectors()
	if !ok {
		return
	}
	if len(list) == 0 {
		d.say("integration.none")
		d.project("integrations", "0")
		return
	}
	for _, i := range list {
		line := d.fill("sync.is", "name", i.Connector, "environment", d.fill("environment."+i.Environment), "flow", d.flow(i))
		if i.RecordsDone != nil && i.RecordsTotal != nil && *i.RecordsTotal > 0 {
			line += " " + d.fill("sync.counts", "done", d.number(*i.RecordsDone), "total", d.number(*i.RecordsTotal))
			if i.RecordsRejected != nil && *i.RecordsRejected > 0 {
				line += " " + d.fill("sync.rejected", "n", d.number(*i.RecordsRejected))
			}
		}
		if i.NextRunAt != nil && i.NextRunAt.After(d.Now) {
			line += " " + d.fill("sync.next", "at", d.moment(*i.NextRunAt))
		}
		d.lines = append(d.lines, "- "+line)
		d.rests("integration", i.ID, i.Connector, "last_success_at", d.flow(i), i.ObservedAt)
	}
	for _, i := range list {
		if i.SyncState == "failing" {
			d.say("sync.failing", "name", i.Connector)
			if i.Message != "" {
				d.lines = append(d.lines, i.Message)
			}
			d.failing(i)
		}
	}
	d.silent(list)
}

func (d *draft) integrationError() {
	d.out.Link = "/onboarding#integrations"
	list, ok := d.connectors()
	if !ok {
		return
	}
	failing := false
	for _, i := range list {
		if i.SyncState != "failing" && i.SyncState != "warning" && i.AuthState != "relink_needed" {
			continue
		}
		failing = true
		d.say("error.is", "name", i.Connector, "environment", d.fill("environment."+i.Environment))
		d.rests("integration", i.ID, i.Connector, "sync_state", i.SyncState, i.ObservedAt)
		if i.Message != "" {
			d.lines = append(d.lines, i.Message)
		}
		if i.SyncState == "failing" {
			d.failing(i)
		}
	}
	if !failing {
		d.say("error.none")
		d.project("integrations_failing", "0")
		d.out.Escalate = "The customer reports an integration error the record does not show."
	}
}

func (d *draft) environments() {
	d.out.Link = "/onboarding#environments"
	wanted := ""
	switch {
	case d.mentions("sandbox"):
		wanted = "sandbox"
	case d.mentions("production"):
		wanted = "production"
	}
	found := false
	for _, e := range d.record.Environments {
		if wanted != "" && e.Kind != wanted {
			continue
		}
		found = true
		d.say("environment.is", "kind", d.fill("environment."+e.Kind), "state", d.fill("environment.state."+e.State))
		d.rests("environment", e.ID, e.Kind, "state", e.State, e.ObservedAt)
		if e.State != "ready" && len(e.BlockedBy) > 0 {
			d.say("environment.blocked", "names", d.join(e.BlockedBy))
		}
		switch {
		case e.KeysState == "ready" && e.KeysIssuedAt != nil:
			d.say("environment.keys_issued", "date", d.on(*e.KeysIssuedAt))
		case e.KeysState != "ready":
			d.say("environment.keys_pending")
		}
		if e.State == "failed" {
			d.out.Escalate = "Provisioning of the " + e.Kind + " environment failed."
		}
	}
	if !found {
		d.say("environment.none")
		d.project("environments", "0")
		return
	}
	d.say("environment.where")
}

func (d *draft) invites() {
	d.out.Link = "/onboarding#people"
	if !d.Asker.Admin() {
		// The same words whether or not there is such a person.
		d.say("invite.not_admin")
		d.project("access", "own")
		return
	}
	things := make([]thing, len(d.record.People))
	for i, p := range d.record.People {
		first, _, _ := strings.Cut(p.Name, " ")
		local, _, _ := strings.Cut(p.Email, "@")
		things[i] = thing{p.Name, []string{first, p.Email, local}, i}
	}
	hits := d.named(things)
	if len(hits) == 0 && !d.mentions("everybody") && d.namesSomebody() {
		d.say("invite.unknown")
		d.project("people", "unknown")
		return
	}
	if len(hits) == 0 {
		d.say("invite.intro")
		for _, p := range d.record.People {
			d.person(p, true)
		}
		return
	}
	if len(hits) > 1 {
		d.clarify(things, hits)
		return
	}
	d.person(d.record.People[hits[0]], false)
}

// namesSomebody reports whether the question seems to name a person: a word with
// a capital letter that is not the first.
func (d *draft) namesSomebody() bool {
	for i, word := range strings.Fields(d.q.Text) {
		if i > 0 && len(word) > 2 && strings.ToUpper(word[:1]) == word[:1] && strings.ToLower(word[:1]) != word[:1] {
			return true
		}
	}
	return strings.Contains(d.q.Text, "@")
}

func (d *draft) person(p onboarding.Person, item bool) {
	d.rests("user", p.ID, p.Name, "state", p.State, time.Time{})
	var text string
	switch {
	case p.BouncedAt != nil && p.State == "invited":
		text = d.fill("invite.bounced", "name", p.Name)
		d.out.Escalate = "An invitation bounced; the address needs to be corrected."
	case p.State == "invited" && p.ExpiresAt != nil && p.ExpiresAt.Before(d.Now):
		text = d.fill("invite.expired", "name", p.Name, "date", d.on(*p.ExpiresAt))
	case p.State == "invited" && p.InvitedAt != nil && p.ExpiresAt != nil:
		text = d.fill("invite.invited", "name", p.Name, "date", d.on(*p.InvitedAt), "expires", d.on(*p.ExpiresAt))
	case p.State == "invited":
		text = d.fill("invite.not_sent", "name", p.Name)
	case p.LastLoginAt != nil:
		text = d.fill("invite.active_seen", "name", p.Name, "date", d.on(*p.LastLoginAt))
	default:
		text = d.fill("invite.active", "name", p.Name)
	}
	if item {
		text = "- " + text
	}
	d.lines = append(d.lines, text)
}

func (d *draft) training() {
	d.out.Link = "/onboarding#training"
	own := d.mentions("own") || !d.Asker.Manager()
	var list []onboarding.Enrolment
	for _, e := range d.record.Enrolments {
		if !own || e.UserID == d.Asker.UserID {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		if own {
			d.say("training.none_own")
		} else {
			d.say("training.none")
		}
		d.project("enrolments", "0")
		return
	}
	done := 0
	for _, e := range list {
		if e.Done() {
			done++
		}
	}
	if own {
		d.say("training.own", "done", strconv.Itoa(done), "total", strconv.Itoa(len(list)))
	} else {
		d.say("training.team", "done", strconv.Itoa(done), "total", strconv.Itoa(len(list)))
	}
	for _, e := range list {
		who := ""
		if !own {
			who = e.Learner + ": "
		}
		line := who + d.fill("training.item", "course", e.Course, "state", d.fill("training.state."+e.State))
		if !e.Done() {
			line += d.dated("training.progress", e.Due, "percent", strconv.Itoa(e.Progress))
		} else if e.CertificateAt != nil {
			line += d.fill("training.certificate", "date", d.on(*e.CertificateAt))
		}
		d.lines = append(d.lines, "- "+line)
		d.rests("enrolment", e.ID, e.Course, "state", e.State, e.ObservedAt)
	}
}

func (d *draft) tickets() {
	d.out.Link = "/tickets"
	if len(d.Tickets) == 0 {
		d.say("ticket.none")
		d.project("tickets", "0")
		return
	}
	list := d.Tickets
	if number := wanted(d.q.Text, list); number > 0 {
		at := slices.IndexFunc(list, func(t Ticket) bool { return t.Number == number })
		if at < 0 {
			d.say("ticket.unknown", "number", strconv.FormatInt(number, 10))
			d.project("tickets", "unknown")
			return
		}
		d.oneTicket(list[at])
		return
	}
	open := slices.DeleteFunc(slices.Clone(list), func(t Ticket) bool { return t.State == "solved" })
	switch len(open) {
	case 0:
		d.say("ticket.all_solved", "number", strconv.FormatInt(list[0].Number, 10), "subject", list[0].Subject)
		d.rests("ticket", uuid.Nil, strconv.FormatInt(list[0].Number, 10), "customer_state", list[0].State, d.Now)
	case 1:
		d.oneTicket(open[0])
	default:
		d.say("ticket.several", "n", strconv.Itoa(len(open)))
		for _, t := range open[:min(len(open), 5)] {
			d.item("ticket.item", "number", strconv.FormatInt(t.Number, 10), "subject", t.Subject, "state", d.fill("ticket.state."+t.State), "date", d.moment(t.UpdatedAt))
			d.rests("ticket", uuid.Nil, strconv.FormatInt(t.Number, 10), "customer_state", t.State, d.Now)
		}
	}
}

var (
	hashed = regexp.MustCompile(`#(\d{1,18})\b`)
	called = regexp.MustCompile(`(?i)\b(?:tickets?|case|request|reference|ref|fall|vorgang|anfrage|dossier|demande|caso|solicitud|chamado|pedido)\b\W{0,3}(?:(?:number|no|nr|nummer|número|numéro|n°)\b\W{0,3})?(\d{2,18})\b`)
	bare   = regexp.MustCompile(`\b\d{3,18}\b`)
)

// wanted is the ticket number a text names: "#1042", "ticket 1042", "case 4821",
// or a number alone when one of the tickets has it.
func wanted(text string, tickets []Ticket) int64 {
	for _, pattern := range []*regexp.Regexp{hashed, called} {
		if m := pattern.FindStringSubmatch(text); m != nil {
			if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				return n
			}
		}
	}
	for _, number := range bare.FindAllString(text, -1) {
		n, err := strconv.ParseInt(number, 10, 64)
		if err == nil && slices.ContainsFunc(tickets, func(t Ticket) bool { return t.Number == n }) {
			return n
		}
	}
	return 0
}

func (d *draft) oneTicket(t Ticket) {
	number := strconv.FormatInt(t.Number, 10)
	d.out.Link = "/tickets/" + number
	d.say("ticket.is", "number", number, "subject", t.Subject, "state", d.fill("ticket.state."+t.State))
	d.rests("ticket", uuid.Nil, number, "customer_state", t.State, d.Now)
	if t.Assignee != "" && t.State != "solved" {
		d.say("ticket.assignee", "name", t.Assignee)
	}
	if t.LastPublicMessageAt != nil {
		d.say("ticket.last", "at", d.moment(*t.LastPublicMessageAt))
	}
	switch {
	case t.State == "waiting_for_you" || t.PausedReason == "waiting_for_customer":
		d.say("ticket.waits")
		d.out.Turn = "customer"
	case t.State == "solved":
	case t.NextReplyDueAt != nil && t.NextReplyDueAt.After(d.Now):
		d.say("ticket.next", "at", d.moment(*t.NextReplyDueAt))
		d.out.Turn = "provider"
	case t.NextReplyDueAt != nil:
		d.say("ticket.late")
		d.out.Turn = "provider"
		d.out.Escalate = "The reply to ticket #" + number + " is late and the customer asks for it."
	}
}

func (d *draft) meeting() {
	d.out.Link = "/onboarding#meetings"
	things := make([]thing, 0, len(d.record.Meetings))
	for i, m := range d.record.Meetings {
		if m.StartsAt.After(d.Now.Add(-time.Hour)) {
			things = append(things, thing{m.Title, nil, i})
		}
	}
	var m *onboarding.Meeting
	if hits := find(d.q.Text, d.language, things); len(hits) == 1 {
		m = &d.record.Meetings[hits[0]]
	} else {
		m = d.record.NextMeeting(d.Now)
	}
	if m == nil {
		d.say("meeting.none")
		d.project("meetings", "0")
		return
	}
	d.say("meeting.is", "title", m.Title, "at", d.moment(m.StartsAt))
	d.rests("meeting", m.ID, m.Title, "starts_at", d.moment(m.StartsAt), time.Time{})
	if len(m.Attendees) > 0 {
		d.say("meeting.who", "names", d.join(m.Attendees))
	}
	if m.JoinLink != "" {
		d.say("meeting.join")
	}
}
