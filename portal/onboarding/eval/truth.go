package eval

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// held is what the record has in a field, and as of when.
type held struct {
	values []string
	at     time.Time
	event  bool // the value is an instant that has passed
}

// truths are the fields of the record that answers may rest on, by entity, id,
// label and field.
type truths struct {
	now  time.Time
	held map[string]held
}

func place(entity string, id uuid.UUID, label, field string) string {
	if entity != "requirement" && entity != "signer" && entity != "ticket" {
		label = "" // the id says which
	}
	return fmt.Sprint(entity, "|", id, "|", label, "|", field)
}

func (t truths) put(entity string, id uuid.UUID, label, field string, at time.Time, values ...string) {
	if at.IsZero() {
		at = t.now
	}
	t.held[place(entity, id, label, field)] = held{values: values, at: at}
}

func (t truths) day(entity string, id uuid.UUID, label, field string, at time.Time, days ...*time.Time) {
	var values []string
	for _, day := range days {
		if day != nil {
			values = append(values, day.Format(time.DateOnly))
		}
	}
	t.put(entity, id, label, field, at, values...)
}

// happened is an instant; one in the past may not be after what the answer is as of.
func (t truths) happened(entity string, id uuid.UUID, label, field string, at time.Time, when *time.Time) {
	if when == nil {
		return
	}
	t.put(entity, id, label, field, at, when.UTC().Format(time.RFC3339))
	key := place(entity, id, label, field)
	h := t.held[key]
	h.event = !when.After(t.now)
	t.held[key] = h
}

func (f *facts) truths() truths {
	if t, done := f.world.truths[f.asker.UserID]; done {
		return t
	}
	t := truths{f.world.Now, map[string]held{}}
	f.world.truths[f.asker.UserID] = t
	f.truthOfProject(t)
	f.truthOfWork(t)
	f.truthOfPapers(t)
	f.truthOfSystems(t)
	f.truthOfPeople(t)
	return t
}

func (f *facts) truthOfProject(t truths) {
	r := f.world.Record
	p, ours := r.Project, time.Time{}
	put := func(field string, values ...string) { t.put("project", p.ID, "", field, ours, values...) }
	n := func(field string, values ...int) {
		var texts []string
		for _, v := range values {
			texts = append(texts, strconv.Itoa(v))
		}
		put(field, texts...)
	}
	s := f.standing()
	health := s.word
	if p.State == "live" || p.ActualGoLive != nil {
		health = "live"
	}
	put("state", p.State)
	put("health", health)
	put("owner_name", p.OwnerName)
	t.day("project", p.ID, "", "planned_go_live", ours, p.PlannedGoLive)
	t.day("project", p.ID, "", "actual_go_live", ours, p.ActualGoLive)
	t.day("project", p.ID, "", "forecast_go_live", ours, s.forecast)
	t.day("project", p.ID, "", "owner_away_until", ours, p.OwnerAwayUntil)
	n("variance_days", s.variance)
	n("overdue_customer", s.theirs)
	n("overdue_provider", s.ours)
	done, total := f.progress()
	n("progress_customer", percent(done, total))
	n("tasks_done", done)
	n("tasks_total", total)
	reached, all := 0, 0
	for _, m := range r.Milestones {
		if m.State == "done" {
			reached++
		}
		if m.State != "waived" {
			all++
		}
	}
	n("milestones_done", reached)
	n("milestones_total", all)
	n("documents_missing", len(f.wantedDocuments()))
	actions := f.scratch()
	actions.actions()
	n("customer_actions", actions.waiting)
	n("team_courses_open", actions.team)
	t.day("project", p.ID, "", "team_courses_due", ours, actions.teamDue)
	training := f.scratch()
	training.training()
	n("enrolments", 0, training.courseTotal, training.courseMine)
	n("courses_done", training.courseDone, training.courseMineDone)
	open := 0
	for _, ticket := range f.world.TicketsOf(f.asker) {
		if ticket.State != "solved" {
			open++
		}
	}
	put("tickets", strconv.Itoa(open), "unknown", "0")
	for _, field := range []string{"documents_received", "documents_rejected", "agreements", "envelopes", "verifications", "requirements_due", "integrations", "integrations_failing", "environments", "meetings", "blocked_tasks"} {
		put(field, "0") // said where there are none
	}
	put("access", "own")
	put("people", "unknown")
}

func (f *facts) truthOfWork(t truths) {
	r, ours := f.world.Record, time.Time{}
	for _, s := range r.Stages {
		t.put("stage", s.ID, "", "state", ours, s.State)
	}
	for _, m := range r.Milestones {
		t.put("milestone", m.ID, "", "state", ours, m.State)
		t.day("milestone", m.ID, "", "due", ours, m.Due)
		if m.Due == nil {
			t.put("milestone", m.ID, "", "due", ours, "")
		}
		t.day("milestone", m.ID, "", "forecast", ours, f.reached(m))
		t.happened("milestone", m.ID, "", "completed_at", ours, m.CompletedAt)
		open := 0
		for _, task := range f.visibleTasks() {
			if *task.MilestoneID == m.ID && isOpen(task) {
				open++
			}
		}
		t.put("milestone", m.ID, "", "open_tasks", ours, strconv.Itoa(open))
	}
	for _, k := range r.Tasks {
		t.put("task", k.ID, "", "state", ours, k.State)
		t.day("task", k.ID, "", "due", ours, k.Due)
	}
}

func (f *facts) truthOfPapers(t truths) {
	r, ours := f.world.Record, time.Time{}
	for _, d := range r.Documents {
		t.put("document", d.ID, "", "state", ours, d.State)
		t.day("document", d.ID, "", "due", ours, d.Due)
		t.day("document", d.ID, "", "review_target", ours, d.ReviewTarget)
		for _, v := range d.Versions {
			t.put("document_version", v.ID, "", "version_no", ours, strconv.Itoa(v.Number))
			t.put("document_version", v.ID, "", "review_state", ours, v.ReviewState)
			t.happened("document_version", v.ID, "", "uploaded_at", ours, &v.UploadedAt)
			t.happened("document_version", v.ID, "", "reviewed_at", ours, v.ReviewedAt)
			t.day("document_version", v.ID, "", "effective_on", ours, v.EffectiveOn)
		}
	}
	for _, e := range r.Envelopes {
		t.put("envelope", e.ID, "", "state", e.ObservedAt, e.State)
		t.day("envelope", e.ID, "", "expires_on", e.ObservedAt, e.ExpiresOn)
		t.happened("envelope", e.ID, "", "completed_at", e.ObservedAt, e.CompletedAt)
		for _, s := range e.Signers {
			t.put("signer", e.ID, s.Name, "state", e.ObservedAt, s.State)
		}
	}
}

func (f *facts) truthOfSystems(t truths) {
	r := f.world.Record
	for _, v := range r.Verifications {
		put := func(field string, value int) {
			t.put("verification", v.ID, "", field, v.ObservedAt, strconv.Itoa(value))
		}
		owed, first := owedNow(v)
		t.put("verification", v.ID, "", "customer_state", v.ObservedAt, v.State)
		t.happened("verification", v.ID, "", "submitted_at", v.ObservedAt, v.SubmittedAt)
		t.happened("verification", v.ID, "", "completed_at", v.ObservedAt, v.CompletedAt)
		t.day("verification", v.ID, "", "deadline", v.ObservedAt, first)
		put("requirements_due", owed)
		put("typical_days_from", v.TypicalDaysFrom)
		put("typical_days_to", v.TypicalDaysTo)
		if v.SubmittedAt != nil {
			put("days_in_review", int(f.world.today().Sub(f.world.day(*v.SubmittedAt)).Hours()/24))
		}
		for _, q := range v.Requirements {
			deadline := q.Deadline
			if deadline == nil && q.Bucket != "eventually_due" {
				deadline = v.Deadline
			}
			t.put("requirement", v.ID, q.Label, "bucket", v.ObservedAt, q.Bucket)
			t.day("requirement", v.ID, q.Label, "deadline", v.ObservedAt, deadline)
		}
	}
	for _, i := range r.Integrations {
		t.put("integration", i.ID, "", "auth_state", i.ObservedAt, i.AuthState)
		t.put("integration", i.ID, "", "sync_state", i.ObservedAt, i.SyncState)
		t.happened("integration", i.ID, "", "last_success_at", i.ObservedAt, i.LastSuccessAt)
		t.happened("integration", i.ID, "", "observed_at", i.ObservedAt, &i.ObservedAt)
		if i.NextRunAt != nil {
			t.put("integration", i.ID, "", "next_run_at", i.ObservedAt, i.NextRunAt.UTC().Format(time.RFC3339))
		}
		for field, n := range map[string]*int64{"records_done": i.RecordsDone, "records_total": i.RecordsTotal, "records_rejected": i.RecordsRejected} {
			if n != nil {
				t.put("integration", i.ID, "", field, i.ObservedAt, strconv.FormatInt(*n, 10))
			}
		}
	}
	for _, e := range r.Environments {
		t.put("environment", e.ID, "", "state", time.Time{}, e.State)
		t.happened("environment", e.ID, "", "keys_issued_at", time.Time{}, e.KeysIssuedAt)
	}
}

func (f *facts) truthOfPeople(t truths) {
	r, ours := f.world.Record, time.Time{}
	for _, e := range r.Enrolments {
		t.put("enrolment", e.ID, "", "state", e.ObservedAt, e.State)
		t.put("enrolment", e.ID, "", "progress", e.ObservedAt, strconv.Itoa(e.Progress))
		t.day("enrolment", e.ID, "", "due", e.ObservedAt, e.Due)
		t.happened("enrolment", e.ID, "", "certificate_at", e.ObservedAt, e.CertificateAt)
	}
	for _, p := range r.People {
		t.put("user", p.ID, "", "state", ours, p.State)
		t.put("user", p.ID, "", "roles", ours, strings.Join(p.Roles, ","))
		t.happened("user", p.ID, "", "invited_at", ours, p.InvitedAt)
		t.happened("user", p.ID, "", "expires_at", ours, p.ExpiresAt)
		t.happened("user", p.ID, "", "last_login_at", ours, p.LastLoginAt)
	}
	for _, m := range r.Meetings {
		t.happened("meeting", m.ID, "", "starts_at", ours, &m.StartsAt)
	}
	for _, k := range f.world.TicketsOf(f.asker) {
		number := strconv.FormatInt(k.Number, 10)
		t.put("ticket", uuid.Nil, number, "customer_state", ours, k.State)
		t.happened("ticket", uuid.Nil, number, "updated_at", ours, &k.UpdatedAt)
		t.happened("ticket", uuid.Nil, number, "last_public_message_at", ours, k.LastPublicMessageAt)
		t.happened("ticket", uuid.Nil, number, "next_reply_due_at", ours, k.NextReplyDueAt)
	}
}

// owedNow is how much a verification wants now, and by when.
func owedNow(v onboarding.Verification) (n int, first *time.Time) {
	for _, q := range v.Requirements {
		if q.Bucket == "past_due" || q.Bucket == "currently_due" {
			n++
			if first == nil || q.Deadline != nil && q.Deadline.Before(*first) {
				first = q.Deadline
			}
		}
	}
	return n, cmp.Or(first, v.Deadline)
}

// checkBasis compares what an answer says it rests on with the record: the value,
// and as of when. The answer is as of its oldest value, and no value is older than
// what happened in it.
func (f *facts) checkBasis(a status.Answer, wrong func(string, ...any)) {
	t := f.truths()
	var oldest time.Time
	for _, b := range a.Basis {
		h, known := t.held[place(b.Entity, b.ID, b.Label, b.Field)]
		switch {
		case !known:
			wrong("rests on %s.%s %q, which nothing has", b.Entity, b.Field, b.Label)
			continue
		case !slices.Contains(h.values, b.Value):
			wrong("rests on %s.%s = %q, which is %q", b.Entity, b.Field, b.Value, h.values)
		case !b.ObservedAt.Equal(h.at):
			wrong("has %s.%s as of %s, not %s", b.Entity, b.Field, b.ObservedAt, h.at)
		}
		if at, err := time.Parse(time.RFC3339, b.Value); err == nil && h.event && b.ObservedAt.Before(at.Truncate(time.Second)) {
			wrong("is as of %s of something that happened at %s", b.ObservedAt, at)
		}
		if oldest.IsZero() || b.ObservedAt.Before(oldest) {
			oldest = b.ObservedAt
		}
	}
	if len(a.Basis) > 0 && !a.AsOf.Equal(oldest) {
		wrong("is as of %s, its oldest value as of %s", a.AsOf, oldest)
	}
}

// basisHolds reports whether a day, a time or a number that is said is one of the
// values the answer rests on.
func (f *facts) basisHolds(a status.Answer, is func(value string) bool) bool {
	return slices.ContainsFunc(a.Basis, func(b status.Basis) bool { return is(b.Value) || is(b.Label) })
}

func (f *facts) local(value, layout string) string {
	zone, _ := time.LoadLocation(f.world.Record.Tenant.TimeZone)
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return strings.ToLower(at.In(zone).Format(layout))
	}
	return value
}
