package onboarding

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// View is the roadmap page: what one person may see, with what follows from it.
type View struct {
	Name         string            `json:"name"`
	State        string            `json:"state"`
	HoldReason   string            `json:"hold_reason,omitempty"` // while it is on hold
	AsOf         time.Time         `json:"as_of"`
	TimeZone     string            `json:"time_zone"`
	Health       ViewHealth        `json:"health"`
	Progress     ViewProgress      `json:"progress"`
	GoLive       ViewGoLive        `json:"go_live"`
	Turn         string            `json:"turn"` // customer, provider, third_party
	Owner        ViewOwner         `json:"owner"`
	Stages       []ViewStage       `json:"stages"`
	Milestones   []ViewMilestone   `json:"milestones"`
	NextActions  []ViewAction      `json:"next_actions"`
	Blockers     []ViewBlocker     `json:"blockers"`
	Tasks        []ViewTask        `json:"tasks"`
	Documents    []ViewDocument    `json:"documents"`
	Signatures   []ViewEnvelope    `json:"signatures"`
	Verification []ViewCheck       `json:"verification"`
	Integrations []ViewIntegration `json:"integrations"`
	Environments []ViewEnvironment `json:"environments"`
	Training     []ViewEnrolment   `json:"training"`
	Meetings     []ViewMeeting     `json:"meetings"`
	People       []ViewPerson      `json:"people"`
	Things       []ViewThing       `json:"things"` // of status packs
	Suggestions  []string          `json:"suggestions"`
	Event        int64             `json:"event"` // number to listen from for changes
}

// ViewHealth is how the project stands against its plan.
type ViewHealth struct {
	Word            string `json:"word"` // on_track, at_risk, off_track, live
	Reason          string `json:"reason,omitempty"`
	VarianceDays    int    `json:"variance_days"`
	OverdueCustomer int    `json:"overdue_customer"`
	OverdueProvider int    `json:"overdue_provider"`
}

// ViewProgress counts the tasks customers can see, the same for everybody.
type ViewProgress struct {
	Percent int `json:"percent"`
	Done    int `json:"done"`
	Total   int `json:"total"`
}

// ViewGoLive holds the three dates, as YYYY-MM-DD.
type ViewGoLive struct {
	Planned  string `json:"planned,omitempty"`
	Forecast string `json:"forecast,omitempty"`
	Actual   string `json:"actual,omitempty"`
	Driver   string `json:"driver,omitempty"` // the task that decides the forecast
}

// ViewOwner is the onboarding manager.
type ViewOwner struct {
	Name      string `json:"name"`
	Contact   string `json:"contact"`
	AwayUntil string `json:"away_until,omitempty"`
	StandIn   string `json:"stand_in,omitempty"`
}

// ViewStage is a large part.
type ViewStage struct {
	ID      uuid.UUID `json:"id"`
	Ordinal int       `json:"ordinal"`
	Name    string    `json:"name"`
	State   string    `json:"state"` // locked, active, done, skipped
}

// ViewMilestone is a dated goal.
type ViewMilestone struct {
	ID          uuid.UUID  `json:"id"`
	StageID     *uuid.UUID `json:"stage_id,omitempty"`
	Name        string     `json:"name"`
	State       string     `json:"state"` // upcoming, in_progress, at_risk, done, missed, waived
	Due         string     `json:"due,omitempty"`
	Forecast    string     `json:"forecast,omitempty"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
	Owner       string     `json:"owner,omitempty"`
	OpenTasks   int        `json:"open_tasks"`
}

// ViewTask is a unit of work.
type ViewTask struct {
	ID             uuid.UUID  `json:"id"`
	MilestoneID    *uuid.UUID `json:"milestone_id,omitempty"`
	Title          string     `json:"title"`
	State          string     `json:"state"`
	Responsibility string     `json:"responsibility"`
	Assignee       string     `json:"assignee,omitempty"`
	Due            string     `json:"due,omitempty"`
	Overdue        bool       `json:"overdue"`
	Note           string     `json:"note,omitempty"`
	DoneAt         *time.Time `json:"done_at,omitempty"`
	DoneBy         string     `json:"done_by,omitempty"` // the colleague who ticked it
	Tick           string     `json:"tick,omitempty"`    // what this person may say of it: done, open
}

// ViewAction is one thing that waits for the customer.
type ViewAction struct {
	Kind           string     `json:"kind"` // task, document, signature, verification, integration, course, team_courses
	ID             uuid.UUID  `json:"id"`
	MilestoneID    *uuid.UUID `json:"milestone_id,omitempty"`
	Title          string     `json:"title"` // of a verification its kind
	State          string     `json:"state"`
	Responsibility string     `json:"responsibility"`
	Assignee       string     `json:"assignee,omitempty"`
	Environment    string     `json:"environment,omitempty"`
	Due            string     `json:"due,omitempty"`
	Overdue        bool       `json:"overdue"`
	Count          int        `json:"count,omitempty"` // requirements of a verification, courses of a team
	Link           string     `json:"link"`            // relative, to where it is done
}

// ViewBlocker is a blocked task, why, and whose turn it is.
type ViewBlocker struct {
	Task   ViewTask `json:"task"`
	Reason string   `json:"reason,omitempty"`
	Needs  []string `json:"needs"`
	Turn   string   `json:"turn"`
}

// ViewDocument is a requested document with its versions, newest first.
type ViewDocument struct {
	ID       uuid.UUID     `json:"id"`
	Title    string        `json:"title"`
	State    string        `json:"state"`
	Due      string        `json:"due,omitempty"`
	Final    bool          `json:"final"`
	Versions []ViewVersion `json:"versions"`
}

// ViewVersion is one upload.
type ViewVersion struct {
	ID          uuid.UUID  `json:"id"`
	Number      int        `json:"number"`
	FileName    string     `json:"file_name"`
	ScanState   string     `json:"scan_state"`
	ReviewState string     `json:"review_state"`
	UploadedAt  time.Time  `json:"uploaded_at"`
	ReviewedAt  *time.Time `json:"reviewed_at,omitempty"`
	Message     string     `json:"message,omitempty"`
	Available   bool       `json:"available"` // the file can be fetched
}

// ViewEnvelope is a document out for signature.
type ViewEnvelope struct {
	ID        uuid.UUID    `json:"id"`
	Title     string       `json:"title"`
	State     string       `json:"state"`
	ExpiresOn string       `json:"expires_on,omitempty"`
	Signers   []ViewSigner `json:"signers"`
}

// ViewSigner is one signer.
type ViewSigner struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// ViewCheck is a verification.
type ViewCheck struct {
	Kind         string            `json:"kind"`
	State        string            `json:"state"`
	SubmittedAt  *time.Time        `json:"submitted_at,omitempty"`
	CompletedAt  *time.Time        `json:"completed_at,omitempty"`
	Requirements []ViewRequirement `json:"requirements"`
}

// ViewRequirement is one thing the provider needs.
type ViewRequirement struct {
	Label    string `json:"label"`
	Bucket   string `json:"bucket"`
	Deadline string `json:"deadline,omitempty"`
}

// ViewIntegration is a connection.
type ViewIntegration struct {
	ID            uuid.UUID  `json:"id"`
	Connector     string     `json:"connector"`
	Environment   string     `json:"environment"`
	AuthState     string     `json:"auth_state"`
	SyncState     string     `json:"sync_state"`
	LastSuccessAt *time.Time `json:"last_success_at,omitempty"`
	NextRunAt     *time.Time `json:"next_run_at,omitempty"`
	RecordsDone   *int64     `json:"records_done,omitempty"`
	RecordsTotal  *int64     `json:"records_total,omitempty"`
	Message       string     `json:"message,omitempty"`
}

// ViewEnvironment is a sandbox or production.
type ViewEnvironment struct {
	Kind      string   `json:"kind"`
	State     string   `json:"state"`
	KeysState string   `json:"keys_state"`
	KeysUntil string   `json:"keys_until,omitempty"`
	BlockedBy []string `json:"blocked_by"`
}

// ViewEnrolment is one person's course.
type ViewEnrolment struct {
	Learner     string `json:"learner"`
	Course      string `json:"course"`
	State       string `json:"state"`
	Progress    int    `json:"progress"`
	Due         string `json:"due,omitempty"`
	Certificate bool   `json:"certificate"`
}

// ViewThing is a record of a status pack, said as an answer says it.
type ViewThing struct {
	Pack   string            `json:"pack"`
	Entity string            `json:"entity"`
	Key    string            `json:"key"`
	Name   string            `json:"name"`
	Text   string            `json:"text"`   // Markdown
	Fields map[string]string `json:"fields"` // as written in the text
	Stale  bool              `json:"stale"`
	AsOf   time.Time         `json:"as_of"`
}

// ViewMeeting is an appointment; the link is there for invitees only.
type ViewMeeting struct {
	Title     string    `json:"title"`
	StartsAt  time.Time `json:"starts_at"`
	Attendees []string  `json:"attendees"`
	JoinLink  string    `json:"join_link,omitempty"`
}

// ViewPerson is somebody with access, shown to administrators.
type ViewPerson struct {
	Name        string     `json:"name"`
	State       string     `json:"state"`
	Roles       []string   `json:"roles"`
	LastLoginAt *time.Time `json:"last_login_at,omitempty"`
	// Invitation is of somebody who has not signed in yet.
	Invitation *ViewInvitation `json:"invitation,omitempty"`
}

// ViewInvitation says where a person's invitation is.
type ViewInvitation struct {
	PersonID  uuid.UUID  `json:"person_id"`
	State     string     `json:"state"` // waiting, sent, expired, bounced
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

func (p Person) invitation(now time.Time) *ViewInvitation {
	if state := p.InvitationState(now); state != "" {
		return &ViewInvitation{p.ID, state, p.ExpiresAt}
	}
	return nil
}

// View is the page of one person.
func (r Record) View(a Asker, now time.Time) View {
	today := r.Day(now)
	r = r.For(a)
	health := r.Health(today)
	done, total := r.Progress()
	v := View{
		Event: r.LastEvent, Name: r.Project.Name, State: r.Project.State, AsOf: now, TimeZone: r.Tenant.TimeZone, Turn: r.Turn(),
		Health:   ViewHealth{health.Word, "", health.Variance, health.Customer, health.Provider},
		Progress: ViewProgress{Percent(done, total), done, total},
		GoLive:   ViewGoLive{Planned: iso(r.Project.PlannedGoLive), Actual: iso(r.Project.ActualGoLive)},
		Owner:    ViewOwner{r.Project.OwnerName, r.Project.OwnerContact, iso(r.Project.OwnerAwayUntil), r.Project.OwnerStandIn},
		Stages:   []ViewStage{}, Milestones: []ViewMilestone{}, NextActions: []ViewAction{}, Blockers: []ViewBlocker{}, Tasks: []ViewTask{},
		Documents: []ViewDocument{}, Signatures: []ViewEnvelope{}, Verification: []ViewCheck{}, Integrations: []ViewIntegration{},
		Environments: []ViewEnvironment{}, Training: []ViewEnrolment{}, Meetings: []ViewMeeting{}, People: []ViewPerson{}, Things: []ViewThing{},
	}
	if health.Word == "at_risk" || health.Word == "off_track" {
		v.Health.Reason = r.Project.HealthReason
	}
	if v.GoLive.Actual == "" {
		f := r.GoLive(today)
		v.GoLive.Forecast = iso(f.Date)
		if f.Driver != nil {
			v.GoLive.Driver = f.Driver.Title
		}
	}
	if v.State == "on_hold" {
		v.HoldReason = r.Project.HoldReason
	}
	r.viewWork(&v, a, today)
	r.viewPapers(&v)
	r.viewSystems(&v)
	r.viewPeople(&v, now)
	v.Suggestions = r.Suggestions(a, now)
	return v
}

func (r Record) viewWork(v *View, a Asker, today time.Time) {
	for _, s := range r.Stages {
		v.Stages = append(v.Stages, ViewStage(s))
	}
	forecasts := r.Forecasts(today)
	for _, m := range r.Milestones {
		forecast := ""
		if at, ok := forecasts[m.ID]; ok && m.Open() {
			forecast = iso(&at)
		}
		v.Milestones = append(v.Milestones, ViewMilestone{m.ID, m.StageID, m.Name, m.State, iso(m.Due), forecast, m.CompletedAt, m.OwnerName, len(r.OpenTasks(m.ID))})
	}
	task := func(t Task) ViewTask {
		return ViewTask{
			t.ID, t.MilestoneID, t.Title, t.State, t.Responsibility, t.AssigneeName, iso(t.Due), t.Overdue(today), t.Note, t.DoneAt, t.DoneBy, r.Tick(a, t),
		}
	}
	for _, a := range r.CustomerActions() {
		v.NextActions = append(v.NextActions, ViewAction{
			a.Kind, a.ID, a.MilestoneID, a.Title, a.State, "customer", a.Assignee, a.Environment, iso(a.Due), a.Overdue(today), a.Count, a.Link,
		})
	}
	for _, b := range r.Blockers() {
		needs := []string{}
		for _, need := range b.Needs {
			needs = append(needs, need.Title)
		}
		v.Blockers = append(v.Blockers, ViewBlocker{task(b.Task), b.Task.Blocker, needs, b.Turn})
	}
	for _, t := range r.Tasks {
		v.Tasks = append(v.Tasks, task(t))
	}
}

func (r Record) viewPapers(v *View) {
	for _, d := range r.Documents {
		doc := ViewDocument{d.ID, d.Title, d.State, iso(d.Due), d.Final, []ViewVersion{}}
		for i := len(d.Versions) - 1; i >= 0; i-- {
			version := d.Versions[i]
			message := version.Message
			if restrictedReason(version.RejectCodes) {
				message = ""
			}
			doc.Versions = append(doc.Versions, ViewVersion{version.ID, version.Number, version.FileName, version.ScanState, version.ReviewState, version.UploadedAt, version.ReviewedAt, message, version.Stored && version.ScanState == "clean"})
		}
		v.Documents = append(v.Documents, doc)
	}
	for _, e := range r.Envelopes {
		envelope := ViewEnvelope{e.ID, e.Title, e.State, iso(e.ExpiresOn), []ViewSigner{}}
		for _, s := range e.Signers {
			envelope.Signers = append(envelope.Signers, ViewSigner{s.Name, s.State})
		}
		v.Signatures = append(v.Signatures, envelope)
	}
	for _, c := range r.Verifications {
		check := ViewCheck{c.Kind, c.State, c.SubmittedAt, c.CompletedAt, []ViewRequirement{}}
		for _, q := range c.Requirements {
			check.Requirements = append(check.Requirements, ViewRequirement{q.Label, q.Bucket, iso(q.Deadline)})
		}
		v.Verification = append(v.Verification, check)
	}
}

// RestrictedReasons are reject codes customers are never told: people talk to them.
var RestrictedReasons = map[string]bool{"fraud": true, "suspected_fraud": true, "tampered": true, "sanctions": true, "forged": true, "mismatch_identity": true}

func restrictedReason(codes []string) bool {
	for _, code := range codes {
		if RestrictedReasons[code] {
			return true
		}
	}
	return false
}

func (r Record) viewSystems(v *View) {
	for _, i := range r.Integrations {
		v.Integrations = append(v.Integrations, ViewIntegration{
			i.ID, i.Connector, i.Environment, i.AuthState, i.SyncState, i.LastSuccessAt, i.NextRunAt, i.RecordsDone, i.RecordsTotal, i.Message,
		})
	}
	for _, e := range r.Environments {
		v.Environments = append(v.Environments, ViewEnvironment{e.Kind, e.State, e.KeysState, iso(e.KeysExpireOn), append([]string{}, e.BlockedBy...)})
	}
	for _, e := range r.Enrolments {
		v.Training = append(v.Training, ViewEnrolment{e.Learner, e.Course, e.State, e.Progress, iso(e.Due), e.CertificateAt != nil})
	}
}

func (r Record) viewPeople(v *View, now time.Time) {
	for _, m := range r.Meetings {
		if m.StartsAt.After(now.Add(-time.Hour)) {
			v.Meetings = append(v.Meetings, ViewMeeting{m.Title, m.StartsAt, append([]string{}, m.Attendees...), m.JoinLink})
		}
	}
	for _, p := range r.People {
		v.People = append(v.People, ViewPerson{p.Name, p.State, append([]string{}, p.Roles...), p.LastLoginAt, p.invitation(now)})
	}
}

// Suggestions are the questions most useful to this person now, by state and
// role: what fails first, then what waits for them, then where things stand.
func (r Record) Suggestions(a Asker, now time.Time) []string {
	r = r.For(a)
	today := r.Day(now)
	var out []string
	add := func(condition bool, question string) {
		if condition && len(out) < 4 {
			out = append(out, question)
		}
	}
	failing, rejected, waiting := "", "", len(r.CustomerActions()) > 0
	for _, i := range r.Integrations {
		if i.SyncState == "failing" {
			failing = i.Connector
		}
	}
	for _, d := range r.Documents {
		if d.State == "rejected" {
			rejected = d.Title
		}
	}
	review := false
	for _, c := range r.Verifications {
		review = review || c.State == "in_review"
	}
	words := suggestions(a.Locale)
	add(failing != "", strings.ReplaceAll(words[0], "{name}", failing))
	add(rejected != "", words[1])
	add(waiting, words[2])
	add(review, words[3])
	add(r.Project.ActualGoLive == nil, words[4])
	add(r.Health(today).Word != "live", words[5])
	add(r.Project.ActualGoLive != nil, words[6])
	add(true, words[7])
	return out
}

func iso(day *time.Time) string {
	if day == nil {
		return ""
	}
	return day.Format(time.DateOnly)
}
