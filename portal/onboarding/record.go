package onboarding

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Record is everything customers may be told about their onboarding. Dates are
// midnight UTC and mean the day in the tenant's time zone.
type Record struct {
	Tenant        Tenant
	Project       Project
	Stages        []Stage
	Milestones    []Milestone
	Tasks         []Task
	Documents     []Document
	Envelopes     []Envelope
	Verifications []Verification
	Integrations  []Integration
	Environments  []Environment
	Enrolments    []Enrolment
	Meetings      []Meeting
	People        []Person
	Things        []Thing // of status packs
	LastEvent     int64   // number of the latest change; a page listens from here

	whole *Record   // before For took out what the asker may not see
	asker uuid.UUID // who For was for
}

// Tenant is whose record it is.
type Tenant struct {
	ID       uuid.UUID
	Name     string
	TimeZone string
	Holidays []time.Time // nobody works then, by the tenant's business calendar
}

// Location is the tenant's time zone; UTC where it is unknown.
func (t Tenant) Location() *time.Location {
	if location, err := time.LoadLocation(t.TimeZone); err == nil {
		return location
	}
	return time.UTC
}

// Project is the whole effort.
type Project struct {
	ID             uuid.UUID
	Name           string
	State          string // draft, active, on_hold, live, completed, cancelled, archived
	HoldReason     string // why it is on hold
	HealthReason   string
	StartDate      time.Time
	PlannedGoLive  *time.Time
	ActualGoLive   *time.Time
	OwnerName      string
	OwnerContact   string
	OwnerAwayUntil *time.Time
	OwnerStandIn   string
	ChampionID     *uuid.UUID
}

// Stage is a large part of the project.
type Stage struct {
	ID      uuid.UUID
	Ordinal int
	Name    string
	State   string // locked, active, done, skipped
}

// Milestone is a dated goal.
type Milestone struct {
	ID          uuid.UUID
	StageID     *uuid.UUID
	Ordinal     int
	Name        string
	Aliases     []string
	State       string // upcoming, in_progress, at_risk, done, missed, waived
	Due         *time.Time
	CompletedAt *time.Time
	OwnerName   string
	GoLive      bool
}

// Open reports whether the milestone is still to be reached.
func (m Milestone) Open() bool { return m.State != "done" && m.State != "waived" }

// Task is a unit of work. Blocker is the text customers may read.
type Task struct {
	ID             uuid.UUID
	MilestoneID    *uuid.UUID
	Title          string
	State          string // not_ready, ready, in_progress, blocked, in_review, done, not_applicable, cancelled
	Responsibility string // customer, provider, third_party
	AssigneeID     *uuid.UUID
	AssigneeName   string
	Due            *time.Time
	DurationDays   *int // working days; nil: unknown
	Visibility     string
	Department     string
	Blocker        string
	Note           string // of staff, for the customer
	DoneAt         *time.Time
	DoneBy         string     // the person of the tenant who ticked it
	DoneByID       *uuid.UUID // theirs; nil: somebody else's word
	Elsewhere      bool       // another system holds its state
	Needs          []uuid.UUID
}

// Open reports whether the task is still to be done.
func (t Task) Open() bool {
	return t.State != "done" && t.State != "not_applicable" && t.State != "cancelled"
}

// Document is a request for a document with the versions sent for it.
type Document struct {
	ID           uuid.UUID
	Title        string
	Aliases      []string
	State        string // requested, received, in_review, accepted, rejected, expired, waived
	Due          *time.Time
	Department   string
	ReviewTarget *time.Time
	Final        bool
	Versions     []Version `db:"-"` // oldest first
}

// Latest is the newest version, or nil.
func (d Document) Latest() *Version {
	if len(d.Versions) == 0 {
		return nil
	}
	return &d.Versions[len(d.Versions)-1]
}

// Version is one immutable upload.
type Version struct {
	ID          uuid.UUID
	Number      int
	FileName    string
	ScanState   string // pending, clean, infected, error, not_scanned
	Stored      bool   // the file itself is here, not only what is known of it
	ReviewState string // pending, in_review, accepted, rejected
	UploadedAt  time.Time
	ReviewedAt  *time.Time
	EffectiveOn *time.Time
	RejectCodes []string
	Message     string
}

// Envelope is a document out for signature.
type Envelope struct {
	ID          uuid.UUID
	Title       string
	Aliases     []string
	State       string // created, sent, delivered, completed, declined, voided, correct
	ExpiresOn   *time.Time
	CompletedAt *time.Time
	SentAt      time.Time // where that is not known, the last word on it
	ObservedAt  time.Time
	Signers     []Signer `db:"-"` // by routing order
}

// Signer is one person asked to sign.
type Signer struct {
	Name     string
	Routing  int
	State    string // waiting, sent, opened, signed, declined, bounced
	SignedAt *time.Time
}

// Verification is a check of the business by a provider, as customers may know it.
type Verification struct {
	ID              uuid.UUID
	Kind            string // kyc, kyb, aml, bank
	State           string // needs_information, in_review, verified, we_will_contact_you
	SubmittedAt     *time.Time
	CompletedAt     *time.Time
	Deadline        *time.Time
	TypicalDaysFrom int
	TypicalDaysTo   int
	ObservedAt      time.Time
	Requirements    []Requirement `db:"-"`
}

// Requirement is one thing the provider needs.
type Requirement struct {
	Label    string
	Bucket   string // past_due, currently_due, eventually_due, pending_verification
	Deadline *time.Time
}

// Integration is a connection to another system, per environment.
type Integration struct {
	ID              uuid.UUID
	Connector       string
	Aliases         []string
	Environment     string // sandbox, production
	AuthState       string // not_connected, connecting, connected, relink_needed, revoked
	AuthSince       time.Time
	SyncState       string // never, syncing, ok, warning, failing, paused
	LastSuccessAt   *time.Time
	LastAttemptAt   *time.Time
	NextRunAt       *time.Time
	RecordsDone     *int64
	RecordsTotal    *int64
	RecordsRejected *int64
	ErrorCode       string
	Message         string
	ObservedAt      time.Time
}

// Environment is a place the customer works in.
type Environment struct {
	ID           uuid.UUID
	Kind         string // sandbox, production
	State        string // requested, provisioning, ready, failed, revoked
	BlockedBy    []string
	KeysState    string
	KeysIssuedAt *time.Time
	KeysExpireOn *time.Time
	ObservedAt   time.Time
}

// Enrolment is one person's course.
type Enrolment struct {
	ID            uuid.UUID
	UserID        uuid.UUID
	Learner       string
	Course        string
	Required      bool
	State         string // assigned, started, completed, passed, failed, waived, expired
	Progress      int
	Due           *time.Time
	CertificateAt *time.Time
	ObservedAt    time.Time
}

// Done reports whether the course counts as finished.
func (e Enrolment) Done() bool {
	return e.State == "completed" || e.State == "passed" || e.State == "waived"
}

// Meeting is an appointment.
type Meeting struct {
	ID          uuid.UUID
	Title       string
	StartsAt    time.Time
	Attendees   []string
	AttendeeIDs []uuid.UUID
	JoinLink    string
}

// Person is somebody of the tenant.
type Person struct {
	ID          uuid.UUID
	Name        string
	Email       string
	Roles       []string
	State       string // invited, active, deactivated
	LastLoginAt *time.Time
	InvitedAt   *time.Time
	ExpiresAt   *time.Time
	AcceptedAt  *time.Time
	BouncedAt   *time.Time
}

// InvitationState is where the invitation of somebody who has not signed in yet
// is: waiting (to be sent), sent, expired, bounced; empty: they are no such person.
// Of a sent or expired one both times are known.
func (p Person) InvitationState(now time.Time) string {
	switch {
	case p.State != "invited":
		return ""
	case p.BouncedAt != nil:
		return "bounced"
	case p.InvitedAt == nil || p.ExpiresAt == nil:
		return "waiting"
	case p.ExpiresAt.Before(now):
		return "expired"
	}
	return "sent"
}

// Thing is a record of an entity that a status pack brings, such as a shipment.
type Thing struct {
	ID         uuid.UUID
	Entity     string
	Key        string
	Name       string
	Aliases    []string
	Fields     map[string]json.RawMessage
	Department string
	ObservedAt time.Time
	StaleAfter *time.Time // nil: never
}

// Asker is who wants to know.
type Asker struct {
	TenantID    uuid.UUID
	UserID      uuid.UUID
	Roles       []string
	Departments []string
	Locale      string
	TimeZone    string
	// All is for the operator's staff, who look after every department.
	All bool
}

// Admin reports whether the asker may know about other people's access.
func (a Asker) Admin() bool { return slices.Contains(a.Roles, "admin") }

// Manager reports whether the asker may know other people's training.
func (a Asker) Manager() bool { return a.Admin() || slices.Contains(a.Roles, "manager") }

// Sees reports whether the asker may know of something that belongs to a
// department. No role opens a department: as with articles, one has to be in it.
func (a Asker) Sees(department string) bool {
	return department == "" || a.All || slices.Contains(a.Departments, department)
}

// For is the part of the record the asker may see. What is hidden is missing.
func (r Record) For(a Asker) Record {
	sees := a.Sees
	whole := r
	if r.whole != nil {
		whole = *r.whole
	}
	out := r
	out.whole, out.asker = &whole, a.UserID
	out.Tasks = nil
	for _, t := range r.Tasks {
		if t.Visibility == "customer" || t.Visibility == "restricted" && sees(t.Department) {
			out.Tasks = append(out.Tasks, t)
		}
	}
	out.Documents = nil
	for _, d := range r.Documents {
		if sees(d.Department) {
			out.Documents = append(out.Documents, d)
		}
	}
	out.Things = nil
	for _, t := range r.Things {
		if sees(t.Department) {
			out.Things = append(out.Things, t)
		}
	}
	out.Enrolments = nil
	for _, e := range r.Enrolments {
		if a.Manager() || e.UserID == a.UserID {
			out.Enrolments = append(out.Enrolments, e)
		}
	}
	out.People = nil
	for _, p := range r.People {
		if a.Admin() || p.ID == a.UserID {
			out.People = append(out.People, p)
		}
	}
	out.Meetings = slices.Clone(r.Meetings)
	for i, m := range out.Meetings {
		if !slices.Contains(m.AttendeeIDs, a.UserID) {
			out.Meetings[i].JoinLink = ""
		}
	}
	return out
}
