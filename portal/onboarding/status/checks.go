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
				d.restsOn("verification", v.ID, v.Kind, "completed_at", v.CompletedAt, v.ObservedAt)
			}
		case "in_review":
			if v.SubmittedAt != nil {
				d.say("verification.submitted", "date", d.on(*v.SubmittedAt))
				d.restsOn("verification", v.ID, v.Kind, "submitted_at", v.SubmittedAt, v.ObservedAt)
			}
		case "needs_information":
			d.outstanding(v)
		}
		d.checkTurn(v)
	}
}

// checkTurn is whose move a verification is, by its state alone.
func (d *draft) checkTurn(v onboarding.Verification) {
	d.turn(map[string]string{"needs_information": "customer", "in_review": "third_party", "we_will_contact_you": "provider"}[v.State])
}

func (d *draft) outstanding(v onboarding.Verification) {
	if n, _ := v.Wanted(); n > 0 {
		d.say("verification.outstanding", "items", d.plural("items", n))
		d.rests("verification", v.ID, v.Kind, "requirements_due", strconv.Itoa(n), v.ObservedAt)
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
				d.requirement(v, r)
			}
		}
	}
	unlisted := d.unlisted()
	switch {
	case found:
		d.say("requirements.where")
		d.turn("customer")
	case !unlisted:
		d.say("requirements.none")
		d.count("requirements_due", 0)
	}
}

func (d *draft) requirement(v onboarding.Verification, r onboarding.Requirement) {
	deadline := r.Deadline
	if deadline == nil && r.Bucket != "eventually_due" {
		deadline = v.Deadline
	}
	if deadline != nil {
		d.item("requirements.item_by", "label", r.Label, "bucket", d.fill("requirements."+r.Bucket), "date", d.date(*deadline))
	} else {
		d.item("requirements.item", "label", r.Label, "bucket", d.fill("requirements."+r.Bucket))
	}
	d.rests("requirement", v.ID, r.Label, "bucket", r.Bucket, v.ObservedAt)
	d.restsOnDay("requirement", v.ID, r.Label, "deadline", deadline, v.ObservedAt)
	if r.Bucket == "past_due" {
		d.escalate("Information a verification needs is overdue; the customer asked what is missing.")
	}
}

// unlisted says of verifications that wait for information of which the provider
// has not told us that they do, and where to look.
func (d *draft) unlisted() (any bool) {
	for _, v := range d.record.Verifications {
		if n, _ := v.Wanted(); n > 0 || v.State != "needs_information" {
			continue
		}
		any = true
		d.say("requirements.unlisted", "kind", d.fill("verification.kind."+v.Kind))
		d.rests("verification", v.ID, v.Kind, "customer_state", v.State, v.ObservedAt)
		if v.Deadline != nil {
			d.say("requirements.by", "date", d.date(*v.Deadline))
			d.restsOnDay("verification", v.ID, v.Kind, "deadline", v.Deadline, v.ObservedAt)
		}
		d.turn("customer")
		d.out.Offer = true
	}
	return any
}

func (d *draft) verificationETA() {
	d.out.Link = "/onboarding#verification"
	if len(d.record.Verifications) == 0 {
		d.say("verification.none")
		d.count("verifications", 0)
		return
	}
	for _, v := range d.record.Verifications {
		kind := d.fill("verification.kind." + v.Kind)
		d.rests("verification", v.ID, v.Kind, "customer_state", v.State, v.ObservedAt)
		switch {
		case v.State == "in_review" && v.SubmittedAt != nil:
			d.running(v, kind)
		case v.State == "needs_information":
			d.say("eta.waiting", "kind", kind)
		default:
			d.say("verification.is", "kind", kind, "state", d.fill("verification.state."+v.State))
		}
		d.checkTurn(v)
	}
}

// running says how long a review has taken and usually takes. Past the usual
// people look, whatever the cause: the days alone decide.
func (d *draft) running(v onboarding.Verification, kind string) {
	since := d.Record.Day(*v.SubmittedAt)
	days := int(d.today.Sub(since).Hours() / 24)
	if days > 0 {
		d.say("eta.running", "kind", kind, "days", d.plural("days", days))
	} else {
		d.say("eta.today", "kind", kind)
	}
	d.rests("verification", v.ID, v.Kind, "days_in_review", strconv.Itoa(max(days, 0)), v.ObservedAt)
	d.say("eta.typical", "from", strconv.Itoa(v.TypicalDaysFrom), "to", strconv.Itoa(v.TypicalDaysTo))
	d.rests("verification", v.ID, v.Kind, "typical_days_from", strconv.Itoa(v.TypicalDaysFrom), v.ObservedAt)
	d.rests("verification", v.ID, v.Kind, "typical_days_to", strconv.Itoa(v.TypicalDaysTo), v.ObservedAt)
	if d.record.Workdays(since, d.today) > v.TypicalDaysTo {
		d.say("eta.longer")
		d.escalate("A verification takes longer than it usually does; the customer asks for it.")
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
		d.restsOn("integration", i.ID, i.Connector, "last_success_at", i.LastSuccessAt, i.ObservedAt)
	}
	for _, i := range list {
		if i.AuthState == "relink_needed" {
			d.relink(i)
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

// relinkPatience is how long a connection may wait for the customer's sign-in
// before people offer to help.
const relinkPatience = 24 * time.Hour

func (d *draft) relink(i onboarding.Integration) {
	d.say("integration.relink", "name", i.Connector)
	d.turn("customer")
	if d.Now.Sub(i.AuthSince) > relinkPatience {
		d.escalate("The integration " + i.Connector + " (" + i.Environment + ") has been waiting for a new sign-in for more than a day; please offer help.")
	}
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
		d.restsOn("integration", i.ID, i.Connector, "observed_at", &i.ObservedAt, i.ObservedAt)
		if d.q.Intent == "integration.last_sync" {
			d.escalate("Nothing was heard of the integration " + i.Connector + " (" + i.Environment + ") although a run was due; the customer asks for its data.")
		}
	}
}

func (d *draft) flow(i onboarding.Integration) string {
	if i.LastSuccessAt == nil {
		return d.fill("integration.never")
	}
	return d.fill("integration.success", "at", d.moment(*i.LastSuccessAt))
}

// failing points to the ticket a failing integration has, and when there is news,
// or asks for one.
func (d *draft) failing(i onboarding.Integration) {
	d.turn("provider")
	d.rests("integration", i.ID, i.Connector, "sync_state", i.SyncState, i.ObservedAt)
	for _, t := range d.Tickets {
		if t.Origin == "integration_error" && t.State != "solved" && d.concerns(t, i) {
			number := strconv.FormatInt(t.Number, 10)
			d.say("integration.ticket", "number", number, "state", d.fill("ticket.state."+t.State))
			d.rests("ticket", uuid.Nil, number, "customer_state", t.State, time.Time{})
			d.nextReply(t)
			return
		}
	}
	d.escalate("The integration " + i.Connector + " (" + i.Environment + ") fails and there is no open ticket about it.")
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
			d.rests("integration", i.ID, i.Connector, "records_done", strconv.FormatInt(*i.RecordsDone, 10), i.ObservedAt)
			d.rests("integration", i.ID, i.Connector, "records_total", strconv.FormatInt(*i.RecordsTotal, 10), i.ObservedAt)
			if i.RecordsRejected != nil && *i.RecordsRejected > 0 {
				line += " " + d.fill("sync.rejected", "n", d.number(*i.RecordsRejected))
				d.rests("integration", i.ID, i.Connector, "records_rejected", strconv.FormatInt(*i.RecordsRejected, 10), i.ObservedAt)
			}
		}
		if i.NextRunAt != nil && i.NextRunAt.After(d.Now) {
			line += " " + d.fill("sync.next", "at", d.moment(*i.NextRunAt))
			d.restsOn("integration", i.ID, i.Connector, "next_run_at", i.NextRunAt, i.ObservedAt)
		}
		d.lines = append(d.lines, "- "+line)
		d.rests("integration", i.ID, i.Connector, "sync_state", i.SyncState, i.ObservedAt)
		d.restsOn("integration", i.ID, i.Connector, "last_success_at", i.LastSuccessAt, i.ObservedAt)
	}
	for _, i := range list {
		if i.AuthState == "relink_needed" {
			d.relink(i)
		}
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
		if i.AuthState == "relink_needed" {
			d.relink(i)
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
		d.rests("environment", e.ID, e.Kind, "state", e.State, time.Time{})
		if e.State != "ready" && len(e.BlockedBy) > 0 {
			d.say("environment.blocked", "names", d.join(e.BlockedBy))
		}
		switch {
		case e.KeysState == "ready" && e.KeysIssuedAt != nil:
			d.say("environment.keys_issued", "date", d.on(*e.KeysIssuedAt))
			d.restsOn("environment", e.ID, e.Kind, "keys_issued_at", e.KeysIssuedAt, time.Time{})
		case e.KeysState != "ready":
			d.say("environment.keys_pending")
		}
		if e.State != "ready" && e.State != "revoked" && len(e.BlockedBy) == 0 {
			d.turn("provider") // what blocks it is said, and may be anybody's
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
	note := func(field string, at *time.Time) { d.restsOn("user", p.ID, p.Name, field, at, time.Time{}) }
	var text, turn string
	switch state := p.InvitationState(d.Now); {
	case state == "bounced":
		text, turn = d.fill("invite.bounced", "name", p.Name), "provider"
		d.escalate("An invitation bounced; the address needs to be corrected.")
	case state == "expired":
		text, turn = d.fill("invite.expired", "name", p.Name, "date", d.on(*p.ExpiresAt)), "customer"
		note("expires_at", p.ExpiresAt)
	case state == "sent":
		text, turn = d.fill("invite.invited", "name", p.Name, "date", d.on(*p.InvitedAt), "expires", d.on(*p.ExpiresAt)), "customer"
		note("invited_at", p.InvitedAt)
		note("expires_at", p.ExpiresAt)
	case state == "waiting":
		text, turn = d.fill("invite.not_sent", "name", p.Name), "provider"
	case p.LastLoginAt != nil:
		text = d.fill("invite.active_seen", "name", p.Name, "date", d.on(*p.LastLoginAt))
		note("last_login_at", p.LastLoginAt)
	default:
		text = d.fill("invite.active", "name", p.Name)
	}
	if item {
		d.line(text)
		return
	}
	d.lines = append(d.lines, text)
	d.roles(p)
	d.turn(turn)
}

// roles says what somebody may do, in words; roles without a word are an
// operator's own.
func (d *draft) roles(p onboarding.Person) {
	var names []string
	for _, role := range p.Roles {
		if word := d.words["role."+role]; word != "" {
			names = append(names, word)
		}
	}
	if len(names) > 0 {
		d.say("invite.roles", "roles", d.join(names))
		d.rests("user", p.ID, p.Name, "roles", strings.Join(p.Roles, ","), time.Time{})
	}
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
	d.count("courses_done", done)
	d.count("enrolments", len(list))
	if done < len(list) {
		d.turn("customer")
	}
	for _, e := range list {
		who := ""
		if !own {
			who = e.Learner + ": "
		}
		line := who + d.fill("training.item", "course", e.Course, "state", d.fill("training.state."+e.State))
		if !e.Done() {
			line += d.dated("training.progress", e.Due, "percent", strconv.Itoa(e.Progress))
			d.rests("enrolment", e.ID, e.Course, "progress", strconv.Itoa(e.Progress), e.ObservedAt)
			d.restsOnDay("enrolment", e.ID, e.Course, "due", e.Due, e.ObservedAt)
		} else if e.CertificateAt != nil {
			line += d.fill("training.certificate", "date", d.on(*e.CertificateAt))
			d.restsOn("enrolment", e.ID, e.Course, "certificate_at", e.CertificateAt, e.ObservedAt)
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
		d.rests("ticket", uuid.Nil, strconv.FormatInt(list[0].Number, 10), "customer_state", list[0].State, time.Time{})
	case 1:
		d.oneTicket(open[0])
	default:
		d.say("ticket.several", "n", strconv.Itoa(len(open)))
		d.count("tickets", len(open))
		d.turn("provider")
		for _, t := range open[:min(len(open), 5)] {
			if t.waits() {
				d.turn("customer")
			}
			d.item("ticket.item", "number", strconv.FormatInt(t.Number, 10), "subject", t.Subject, "state", d.fill("ticket.state."+t.State), "date", d.moment(t.UpdatedAt))
			d.rests("ticket", uuid.Nil, strconv.FormatInt(t.Number, 10), "customer_state", t.State, time.Time{})
			d.restsOn("ticket", uuid.Nil, strconv.FormatInt(t.Number, 10), "updated_at", &t.UpdatedAt, time.Time{})
		}
	}
}

// waits reports whether the ticket waits for the customer.
func (t Ticket) waits() bool {
	return t.State == "waiting_for_you" || t.PausedReason == "waiting_for_customer"
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
	d.out.Link = "/tickets#ticket-" + number
	d.say("ticket.is", "number", number, "subject", t.Subject, "state", d.fill("ticket.state."+t.State))
	d.rests("ticket", uuid.Nil, number, "customer_state", t.State, time.Time{})
	if t.Assignee != "" && t.State != "solved" {
		d.say("ticket.assignee", "name", t.Assignee)
	}
	if t.LastPublicMessageAt != nil {
		d.say("ticket.last", "at", d.moment(*t.LastPublicMessageAt))
		d.restsOn("ticket", uuid.Nil, number, "last_public_message_at", t.LastPublicMessageAt, time.Time{})
	}
	switch {
	case t.State == "solved":
	case t.waits():
		d.say("ticket.waits")
		d.turn("customer")
		d.turnSaid = true
	default:
		d.turn("provider")
		d.nextReply(t)
	}
}

// nextReply says by when there is news of a ticket, or that they are late.
func (d *draft) nextReply(t Ticket) {
	number := strconv.FormatInt(t.Number, 10)
	switch {
	case t.NextReplyDueAt == nil || t.waits():
	case t.NextReplyDueAt.After(d.Now):
		d.say("ticket.next", "at", d.moment(*t.NextReplyDueAt))
		d.restsOn("ticket", uuid.Nil, number, "next_reply_due_at", t.NextReplyDueAt, time.Time{})
	default:
		d.say("ticket.late")
		d.escalate("The reply to ticket #" + number + " is late and the customer asks for it.")
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
		if p := d.record.Project; p.OwnerName != "" && p.OwnerContact != "" {
			d.say("meeting.book", "name", p.OwnerName, "contact", p.OwnerContact)
			d.project("owner_name", p.OwnerName)
		}
		return
	}
	d.say("meeting.is", "title", m.Title, "at", d.moment(m.StartsAt))
	d.restsOn("meeting", m.ID, m.Title, "starts_at", &m.StartsAt, time.Time{})
	if len(m.Attendees) > 0 {
		d.say("meeting.who", "names", d.join(m.Attendees))
	}
	if m.JoinLink != "" {
		d.say("meeting.join")
	}
}
