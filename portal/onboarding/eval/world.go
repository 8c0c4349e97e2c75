package eval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/schedule"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// World is one tenant's record, invented, with people who ask.
type World struct {
	Record  onboarding.Record
	Now     time.Time
	Askers  []onboarding.Asker
	Tickets []status.Ticket // everybody's of this tenant
	owners  map[int64]uuid.UUID

	rng   *rand.Rand
	words map[string]bool

	truths map[uuid.UUID]truths // by who asks
}

// NewWorld invents a world; the same seed gives the same world.
func NewWorld(seed uint64) *World {
	w := &World{rng: rand.New(rand.NewPCG(seed, 0x05ee7)), words: map[string]bool{}, owners: map[int64]uuid.UUID{}, truths: map[uuid.UUID]truths{}}
	zones := []string{"Europe/Berlin", "Europe/London", "America/Los_Angeles", "Asia/Tokyo", "America/Sao_Paulo", "Pacific/Auckland", "UTC", "Asia/Kolkata"}
	w.Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(w.rng.IntN(900*24*60)) * time.Minute)
	w.Record.Tenant = onboarding.Tenant{ID: w.id(), Name: w.name("Tenant"), TimeZone: pick(w, zones)}
	for day := range 120 { // now and then a day on which nobody works
		if w.chance(6) {
			w.Record.Tenant.Holidays = append(w.Record.Tenant.Holidays, w.today().AddDate(0, 0, day-10))
		}
	}
	w.people()
	w.project()
	w.milestones()
	w.tasks()
	w.documents()
	w.sendings()
	w.envelopes()
	w.verifications()
	w.integrations()
	w.environments()
	w.enrolments()
	w.meetings()
	w.tickets()
	return w
}

func pick[T any](w *World, list []T) T { return list[w.rng.IntN(len(list))] }

func (w *World) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *World) id() (id uuid.UUID) {
	for i := 0; i < len(id); i += 8 {
		n := w.rng.Uint64()
		for j := range 8 {
			id[i+j] = byte(n >> (8 * j))
		}
	}
	return id
}

// code is a word found nowhere else: X…q with syllables between.
func (w *World) code() string {
	for {
		word := "X"
		for range 2 + w.rng.IntN(2) {
			word += string("aeiou"[w.rng.IntN(5)]) + string("bdfgklmnprtvz"[w.rng.IntN(13)])
		}
		word += "oq"
		if !w.words[word] {
			w.words[word] = true
			return word
		}
	}
}

// name is a natural name with a code word.
func (w *World) name(base string) string { return base + " " + w.code() }

func (w *World) today() time.Time { return w.day(w.Now) }

// day is the tenant's day of an instant, as midnight UTC.
func (w *World) day(at time.Time) time.Time {
	zone, err := time.LoadLocation(w.Record.Tenant.TimeZone)
	if err != nil {
		panic(err) // the zones are the ones listed above
	}
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// near is a day within the given days of today, or nil in the given percentage.
func (w *World) near(before, after, none int) *time.Time {
	if w.chance(none) {
		return nil
	}
	day := w.today().AddDate(0, 0, w.rng.IntN(before+after+1)-before)
	return &day
}

// moment is an instant within the given hours of now, to the minute.
func (w *World) moment(before, after, none int) *time.Time {
	if w.chance(none) {
		return nil
	}
	at := w.Now.Add(time.Duration(w.rng.IntN((before+after)*60+1)-before*60) * time.Minute).Truncate(time.Minute)
	return &at
}

// latest is when a source was last heard: not before what it told of.
func latest(at time.Time, told ...*time.Time) time.Time {
	for _, t := range told {
		if t != nil && t.After(at) {
			at = *t
		}
	}
	return at
}

// calendar is the tenant's, for the walk.
func (w *World) calendar() schedule.Calendar {
	var days []schedule.Day
	for _, day := range w.Record.Tenant.Holidays {
		days = append(days, schedule.DayOf(day, time.UTC))
	}
	return schedule.NewCalendar(days...)
}

func (w *World) people() {
	first := []string{"Ana", "Bruno", "Maria", "José", "Zoë", "Li", "Amélie", "Jürgen", "Sofía", "Tom"}
	last := []string{"Keller", "Silva", "Lang", "Núñez", "Okafor", "Wei", "Dubois", "Groß", "Ruiz", "Baker"}
	roles := [][]string{{"admin"}, {"member"}, {"manager"}, {"member"}, {"member", "manager"}, {"member"}}
	departments := [][]string{{"technical"}, {"finance"}, {"executive", "finance"}, nil, {"technical"}, nil}
	for i := range 3 + w.rng.IntN(4) {
		p := onboarding.Person{
			ID: w.id(), Name: first[(i*3+w.rng.IntN(3))%len(first)] + " " + pick(w, last) + " " + w.code(), Roles: roles[i%len(roles)], State: "active",
			LastLoginAt: w.moment(24*30, 0, 20),
		}
		p.Email = strings.ToLower(strings.ReplaceAll(p.Name[strings.LastIndex(p.Name, " ")+1:], " ", ".")) + "@customer.example"
		if i > 2 && w.chance(60) {
			p.State, p.LastLoginAt = "invited", nil
			if w.chance(85) {
				p.InvitedAt, p.ExpiresAt = w.moment(24*20, 0, 0), w.moment(24*5, 24*10, 0)
				if p.ExpiresAt.Before(*p.InvitedAt) {
					later := p.InvitedAt.Add(72 * time.Hour)
					p.ExpiresAt = &later
				}
				if w.chance(20) {
					p.BouncedAt = p.InvitedAt
				}
			}
		}
		w.Record.People = append(w.Record.People, p)
		if p.State == "active" {
			w.Askers = append(w.Askers, onboarding.Asker{
				TenantID: w.Record.Tenant.ID, UserID: p.ID, Roles: p.Roles, Departments: departments[i%len(departments)], TimeZone: w.Record.Tenant.TimeZone,
				Locale: pick(w, []string{"en", "en-US", "en-GB", "de-CH", "es-MX", "fr", ""}),
			})
		}
	}
}

func (w *World) project() {
	p := &w.Record.Project
	*p = onboarding.Project{
		ID: w.id(), Name: w.name("Onboarding"), State: pick(w, []string{"active", "active", "active", "active", "active", "on_hold", "live"}),
		StartDate: w.today().AddDate(0, 0, -w.rng.IntN(90)), PlannedGoLive: w.near(15, 60, 10),
	}
	if w.chance(90) {
		p.OwnerName, p.OwnerContact = w.name("Nora Lind"), strings.ToLower(w.code())+"@provider.example"
		p.OwnerAwayUntil = w.near(5, 10, 60)
		if w.chance(70) {
			p.OwnerStandIn = w.name("Per Holm")
		}
	}
	if w.chance(70) {
		champion := w.Record.People[0].ID
		p.ChampionID = &champion
	}
	if p.State == "live" && w.chance(85) {
		p.ActualGoLive = w.near(30, 0, 0)
	}
	for i, base := range []string{"Kick-off", "Configuration", "Integration", "Launch"}[:2+w.rng.IntN(3)] {
		w.Record.Stages = append(w.Record.Stages, onboarding.Stage{ID: w.id(), Ordinal: i + 1, Name: w.name(base), State: "locked"})
	}
	active := w.rng.IntN(len(w.Record.Stages))
	for i := range active {
		w.Record.Stages[i].State = "done"
	}
	if w.chance(90) {
		w.Record.Stages[active].State = "active"
	}
}

func (w *World) milestones() {
	bases := []string{"Kick-off", "Data migration", "User acceptance test", "SSO set-up", "Security review", "Phase 2 rollout", "Admin training"}
	w.rng.Shuffle(len(bases), func(i, j int) { bases[i], bases[j] = bases[j], bases[i] })
	for i, base := range append(bases[:1+w.rng.IntN(5)], "Go-live") {
		m := onboarding.Milestone{ID: w.id(), Ordinal: i + 1, Name: w.name(base), State: pick(w, []string{"upcoming", "in_progress", "at_risk", "done", "missed", "waived"}), Due: w.near(20, 50, 15), OwnerName: w.name("Owner")}
		if base == "Go-live" {
			m.GoLive, m.State = true, "upcoming"
		}
		if m.State == "done" {
			m.CompletedAt = w.moment(24*40, 0, 5)
		}
		stage := pick(w, w.Record.Stages).ID
		m.StageID = &stage
		w.Record.Milestones = append(w.Record.Milestones, m)
	}
}

func (w *World) tasks() {
	verbs := []string{"Send sample data", "Name the test users", "Sign off the mapping", "Open the firewall", "Review 12 reports", "Confirm the cut-over", "Load master data", "Check the invoices"}
	states := []string{"not_ready", "ready", "in_progress", "blocked", "in_review", "done", "done", "not_applicable", "cancelled"}
	for range 3 + w.rng.IntN(12) {
		milestone := pick(w, w.Record.Milestones).ID
		t := onboarding.Task{
			ID: w.id(), MilestoneID: &milestone, Title: w.name(pick(w, verbs)), State: pick(w, states),
			Responsibility: pick(w, []string{"customer", "provider", "third_party"}), Due: w.near(15, 40, 15),
			Visibility: pick(w, []string{"customer", "customer", "customer", "internal", "restricted"}),
		}
		if t.Visibility == "restricted" {
			t.Department = pick(w, []string{"technical", "finance", "executive"})
		}
		if !w.chance(3) {
			days := w.rng.IntN(12)
			t.DurationDays = &days
		}
		if w.chance(50) {
			p := pick(w, w.Record.People)
			t.AssigneeID, t.AssigneeName = &p.ID, p.Name
		}
		if t.State == "blocked" && w.chance(80) {
			t.Blocker = "We wait for " + w.code() + "."
		}
		for _, before := range w.Record.Tasks {
			if w.chance(20) {
				t.Needs = append(t.Needs, before.ID)
			}
		}
		w.Record.Tasks = append(w.Record.Tasks, t)
	}
	slices.SortStableFunc(w.Record.Tasks, byDate)
}

// byDate is the order of the database.
func byDate(a, b onboarding.Task) int {
	switch {
	case a.Due == nil && b.Due == nil:
		return strings.Compare(a.Title, b.Title)
	case a.Due == nil:
		return 1
	case b.Due == nil:
		return -1
	}
	if c := a.Due.Compare(*b.Due); c != 0 {
		return c
	}
	return strings.Compare(a.Title, b.Title)
}

func (w *World) documents() {
	bases := []string{"Certificate of incorporation", "Proof of address", "Insurance certificate", "Security questionnaire", "Bank letter", "ISO 27001 certificate", "Tax form", "Service agreement", "Data processing agreement"}
	w.rng.Shuffle(len(bases), func(i, j int) { bases[i], bases[j] = bases[j], bases[i] })
	codes := []string{"illegible", "too_old", "wrong_document", "incomplete", "fraud", "tampered"}
	for _, base := range bases[:w.rng.IntN(6)] {
		d := onboarding.Document{ID: w.id(), Title: w.name(base), Due: w.near(10, 30, 20), Final: strings.HasSuffix(base, "agreement")}
		if w.chance(30) {
			d.Department = pick(w, []string{"technical", "finance", "executive"})
		}
		d.ReviewTarget = w.near(3, 10, 40)
		at := w.Now.Add(-time.Duration(24*30+w.rng.IntN(24*10)) * time.Hour)
		for n := range w.rng.IntN(4) {
			at = at.Add(time.Duration(1+w.rng.IntN(24*7*60)) * time.Minute)
			v := onboarding.Version{ID: w.id(), Number: n + 1, FileName: strings.ToLower(w.code()) + ".pdf", ScanState: pick(w, []string{"clean", "clean", "clean", "clean", "pending", "infected", "error"}), ReviewState: "rejected", UploadedAt: at}
			reviewed := at.Add(time.Duration(1+w.rng.IntN(48)) * time.Hour)
			v.ReviewedAt, v.RejectCodes = &reviewed, []string{pick(w, codes)}
			if w.chance(85) {
				v.Message = "Please look at " + w.code() + "."
			}
			d.Versions = append(d.Versions, v)
		}
		d.State = pick(w, []string{"requested", "expired", "waived"})
		if n := len(d.Versions); n > 0 {
			last := &d.Versions[n-1]
			d.State = pick(w, []string{"received", "in_review", "accepted", "rejected", "rejected", "expired", "waived"})
			switch d.State {
			case "received":
				last.ReviewState = "pending"
			case "in_review":
				last.ReviewState = "in_review"
			case "accepted", "expired", "waived":
				last.ReviewState = "accepted"
				effective := w.day(*last.ReviewedAt)
				last.EffectiveOn = &effective
			}
			if d.State != "rejected" {
				last.RejectCodes, last.Message = nil, ""
			}
			if d.State == "received" || d.State == "in_review" {
				last.ReviewedAt = nil
			}
		}
		w.Record.Documents = append(w.Record.Documents, d)
	}
}

// sendings lets some tasks be about a document that is asked for.
func (w *World) sendings() {
	for _, d := range w.Record.Documents {
		if n := len(w.Record.Tasks); w.chance(30) {
			t := &w.Record.Tasks[w.rng.IntN(n)]
			t.Title = pick(w, []string{"Upload the ", "Send a new ", "Please renew: "}) + strings.ToLower(d.Title[:1]) + d.Title[1:] + pick(w, []string{"", " (signed)"})
		}
	}
	slices.SortStableFunc(w.Record.Tasks, byDate)
}

func (w *World) envelopes() {
	bases := []string{"Master services agreement", "Data processing agreement", "Statement of work 3"}
	for _, base := range bases[:w.rng.IntN(4)] {
		e := onboarding.Envelope{ID: w.id(), Title: w.name(base), State: pick(w, []string{"created", "sent", "sent", "delivered", "completed", "declined", "voided", "correct"}), ExpiresOn: w.near(0, 30, 20), ObservedAt: *w.moment(48, 0, 0)}
		for i := range 1 + w.rng.IntN(3) {
			s := onboarding.Signer{Name: w.name("Signer"), Routing: i + 1, State: "waiting"}
			if o := w.Record.Project.OwnerName; w.chance(20) && o != "" && !slices.ContainsFunc(e.Signers, func(s onboarding.Signer) bool { return s.Name == o }) {
				s.Name = o
			}
			switch e.State {
			case "completed":
				s.State = "signed"
			case "sent", "delivered":
				if i == 0 {
					s.State = pick(w, []string{"signed", "sent", "opened", "bounced"})
				}
			case "declined":
				if i == 0 {
					s.State = "declined"
				}
			}
			if s.State == "signed" {
				s.SignedAt = w.moment(24*10, 0, 0)
			}
			e.Signers = append(e.Signers, s)
		}
		if e.State == "completed" {
			e.CompletedAt = w.moment(24*10, 0, 0)
		}
		e.ObservedAt = latest(e.ObservedAt, e.CompletedAt)
		e.SentAt = e.ObservedAt
		w.Record.Envelopes = append(w.Record.Envelopes, e)
	}
}

func (w *World) verifications() {
	kinds := []string{"kyb", "kyc", "bank", "aml"}
	for _, kind := range kinds[:w.rng.IntN(3)] {
		v := onboarding.Verification{
			ID: w.id(), Kind: kind, State: pick(w, []string{"needs_information", "in_review", "in_review", "verified", "we_will_contact_you"}),
			SubmittedAt: w.moment(24*12, 0, 10), TypicalDaysFrom: 2 + w.rng.IntN(2), TypicalDaysTo: 5 + w.rng.IntN(3), Deadline: w.near(3, 20, 40), ObservedAt: *w.moment(24, 0, 0),
		}
		if v.State == "verified" {
			v.CompletedAt = w.moment(24*5, 0, 10)
		}
		if v.State == "needs_information" {
			for _, bucket := range []string{"past_due", "currently_due", "eventually_due", "pending_verification"} {
				for range w.rng.IntN(3) {
					v.Requirements = append(v.Requirements, onboarding.Requirement{Label: w.name("Owner's register"), Bucket: bucket, Deadline: w.near(5, 20, 40)})
				}
			}
		}
		v.ObservedAt = latest(v.ObservedAt, v.SubmittedAt, v.CompletedAt)
		w.Record.Verifications = append(w.Record.Verifications, v)
	}
}

func (w *World) integrations() {
	bases := []string{"Salesforce", "SAP", "Okta SSO", "Webhook", "Transport management", "Dynamics 365"}
	w.rng.Shuffle(len(bases), func(i, j int) { bases[i], bases[j] = bases[j], bases[i] })
	for _, base := range bases[:w.rng.IntN(4)] {
		name := w.name(base)
		for _, environment := range []string{"production", "sandbox"} {
			if environment == "sandbox" && w.chance(60) {
				continue
			}
			i := onboarding.Integration{
				ID: w.id(), Connector: name, Environment: environment, AuthState: pick(w, []string{"not_connected", "connecting", "connected", "connected", "connected", "relink_needed", "revoked"}),
				SyncState: pick(w, []string{"never", "syncing", "ok", "ok", "warning", "failing", "paused"}), LastAttemptAt: w.moment(12, 0, 30), NextRunAt: w.moment(4, 12, 40), ObservedAt: *w.moment(pick(w, []int{1, 1, 40}), 0, 0),
			}
			if i.SyncState != "never" {
				i.LastSuccessAt = w.moment(72, 0, 10)
			}
			if w.chance(60) {
				total := int64(w.rng.IntN(3_000_000))
				done := total
				if total > 0 {
					done = w.rng.Int64N(total + 1)
				}
				rejected := int64(w.rng.IntN(5000)) * int64(w.rng.IntN(2))
				i.RecordsDone, i.RecordsTotal, i.RecordsRejected = &done, &total, &rejected
			}
			if i.SyncState == "failing" || i.SyncState == "warning" {
				i.Message = "The other side answers with " + w.code() + "."
				i.ErrorCode = "auth_expired"
			}
			if i.LastSuccessAt != nil && i.LastSuccessAt.After(i.ObservedAt) {
				i.LastSuccessAt = &i.ObservedAt
			}
			i.AuthSince = *w.moment(24*4, 0, 0)
			w.Record.Integrations = append(w.Record.Integrations, i)
		}
	}
	slices.SortFunc(w.Record.Integrations, func(a, b onboarding.Integration) int {
		return strings.Compare(a.Connector+a.Environment, b.Connector+b.Environment)
	})
}

func (w *World) environments() {
	for _, kind := range []string{"sandbox", "production"} {
		if w.chance(25) {
			continue
		}
		e := onboarding.Environment{ID: w.id(), Kind: kind, State: pick(w, []string{"requested", "provisioning", "ready", "ready", "failed", "revoked"}), KeysState: pick(w, []string{"requested", "provisioning", "ready", "ready", "failed"}), ObservedAt: *w.moment(5, 0, 0)}
		if e.State != "ready" && w.chance(60) {
			e.BlockedBy = []string{w.name("Signed agreement")}
		}
		if e.KeysState == "ready" {
			e.KeysIssuedAt = w.moment(24*20, 0, 0)
		}
		w.Record.Environments = append(w.Record.Environments, e)
	}
}

func (w *World) enrolments() {
	for _, p := range w.Record.People {
		for _, base := range []string{"Admin basics", "Level 2 reporting"} {
			if w.chance(50) {
				continue
			}
			e := onboarding.Enrolment{ID: w.id(), UserID: p.ID, Learner: p.Name, Course: w.name(base), Required: true, State: pick(w, []string{"assigned", "started", "completed", "passed", "failed", "waived", "expired"}), Due: w.near(10, 30, 20), ObservedAt: *w.moment(10, 0, 0)}
			switch e.State {
			case "started", "failed":
				e.Progress = 1 + w.rng.IntN(99)
			case "completed", "passed":
				e.Progress = 100
				e.CertificateAt = w.moment(24*10, 0, 50)
			}
			e.ObservedAt = latest(e.ObservedAt, e.CertificateAt)
			w.Record.Enrolments = append(w.Record.Enrolments, e)
		}
	}
	slices.SortFunc(w.Record.Enrolments, func(a, b onboarding.Enrolment) int { return strings.Compare(a.Learner+a.Course, b.Learner+b.Course) })
}

func (w *World) meetings() {
	for i := range w.rng.IntN(3) {
		m := onboarding.Meeting{ID: w.id(), Title: w.name(pick(w, []string{"Weekly onboarding call", "Kick-off call", "Training session 2"})), StartsAt: *w.moment(0, 24*10, 0), JoinLink: "https://meet.example/" + w.code()}
		m.StartsAt = m.StartsAt.Add(time.Duration(i+1) * time.Minute)
		for _, p := range w.Record.People {
			if w.chance(50) {
				m.Attendees, m.AttendeeIDs = append(m.Attendees, p.Name), append(m.AttendeeIDs, p.ID)
			}
		}
		w.Record.Meetings = append(w.Record.Meetings, m)
	}
	slices.SortFunc(w.Record.Meetings, func(a, b onboarding.Meeting) int { return a.StartsAt.Compare(b.StartsAt) })
}

func (w *World) tickets() {
	number := int64(1000 + w.rng.IntN(8000))
	for range w.rng.IntN(4) {
		number += int64(1 + w.rng.IntN(40))
		t := status.Ticket{Number: number, Subject: w.name("Question about reports"), State: pick(w, []string{"received", "working_on_it", "waiting_for_you", "solved"}), Origin: "chat", LastPublicMessageAt: w.moment(72, 0, 20), UpdatedAt: *w.moment(72, 0, 0)}
		if w.chance(60) {
			t.Assignee = w.name("Sam Rivera")
		}
		if t.State == "received" || t.State == "working_on_it" {
			t.NextReplyDueAt = w.moment(5, 24, 30)
		}
		w.Tickets = append(w.Tickets, t)
		w.owners[number] = pick(w, w.Askers).UserID
	}
	for _, i := range w.Record.Integrations {
		if i.SyncState == "failing" && w.chance(70) {
			number += int64(1 + w.rng.IntN(40))
			w.Tickets = append(w.Tickets, status.Ticket{
				Number: number, Subject: w.name("Integration fails"), State: pick(w, []string{"received", "working_on_it"}), Origin: "integration_error",
				IntegrationID: i.ID, NextReplyDueAt: w.moment(0, 8, 20), UpdatedAt: *w.moment(10, 0, 0),
			})
		}
	}
	slices.SortStableFunc(w.Tickets, func(a, b status.Ticket) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
}

// TicketsOf is what the asker may see: their own, the tenant's integration
// errors, and everybody's for admins and managers.
func (w *World) TicketsOf(a onboarding.Asker) (mine []status.Ticket) {
	all := slices.Contains(a.Roles, "admin") || slices.Contains(a.Roles, "manager")
	for _, t := range w.Tickets {
		if all || t.Origin == "integration_error" || w.owners[t.Number] == a.UserID {
			mine = append(mine, t)
		}
	}
	return mine
}

func (w *World) String() string {
	return fmt.Sprintf("%s %s %s", w.Record.Tenant.Name, w.Record.Tenant.TimeZone, w.Now.Format(time.RFC3339))
}
