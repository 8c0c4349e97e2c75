package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// Learning is one statement of a learning system about a person's course. The
// verbs are cmi5's, and assigned and expired of our own.
type Learning struct {
	Learner  string // e-mail address of a person of the tenant
	Course   string // as the enrolment names it
	Verb     string
	At       time.Time
	Progress *int // percent
	Due      *time.Time
	// CertificateAt is when a certificate was issued.
	CertificateAt *time.Time
}

var verbs = []string{
	"assigned", "launched", "initialized", "progressed", "completed", "passed", "failed", "abandoned", "waived", "terminated", "satisfied", "expired",
}

// enrolment is a row as Learning changes it.
type enrolment struct {
	id, milestone                        uuid.UUID
	state, moveOn                        string
	passed, completed, satisfied, waived bool
	progress                             int
	due                                  string // a day, may be empty
	certificate                          time.Time
	made                                 bool      // by this statement
	observed                             time.Time // of the latest statement that set the state
}

// Learning applies a statement; false means that it says nothing new. "Completed"
// alone does not finish a course: that is for its moveOn rule to say. A course
// everybody who has to has finished completes its milestone.
func (f *Feed) Learning(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Learning) (bool, error) {
	changed, err := f.learning(ctx, tx, tenant, in)
	if err != nil {
		return false, fmt.Errorf("apply learning event: %w", err)
	}
	return changed, nil
}

func (f *Feed) learning(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Learning) (bool, error) {
	if in.At.IsZero() || in.Course == "" || in.Learner == "" || !slices.Contains(verbs, in.Verb) {
		return false, fmt.Errorf("%w: it needs a time, a learner, a course and a known verb", ErrBadEvent)
	}
	if in.Progress != nil && (*in.Progress < 0 || *in.Progress > 100) {
		return false, fmt.Errorf("%w: progress is a percentage", ErrBadEvent)
	}
	before, err := f.enrolmentOf(ctx, tx, tenant, in)
	if err != nil {
		return false, err
	}
	after := before.hear(in)
	if in.Progress != nil {
		after.progress = max(after.progress, *in.Progress)
	}
	if after.done() {
		after.progress = 100
	}
	if in.Due != nil {
		after.due = in.Due.Format(time.DateOnly)
	}
	if in.CertificateAt != nil && in.CertificateAt.After(after.certificate) {
		after.certificate = *in.CertificateAt
	}
	_, err = tx.Exec(ctx, `update enrolments set state = $3, was_passed = $4, was_completed = $5, was_satisfied = $6, was_waived = $7,
		progress = $8, due = nullif($9, '')::date, certificate_at = nullif($10::timestamptz, '0001-01-01T00:00:00Z'), observed_at = $11 where tenant_id = $1 and id = $2`,
		tenant, before.id, after.state, after.passed, after.completed, after.satisfied, after.waived, after.progress, after.due, after.certificate, after.observed)
	if err != nil {
		return false, err
	}
	if after.observed = before.observed; after == before && !before.made {
		return false, nil
	}
	// The milestone before the enrolment's own event: package change says why.
	if after.milestone != uuid.Nil {
		if err := change.Settle(ctx, tx, f.Rules, tenant, after.milestone, in.At); err != nil {
			return false, err
		}
	}
	return true, f.tell(ctx, tx, rule.Event{TenantID: tenant, Entity: "enrolment", EntityID: before.id}, "enrolment.updated")
}

func (f *Feed) enrolmentOf(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Learning) (e enrolment, err error) {
	var milestone *uuid.UUID
	read := func() error {
		return tx.QueryRow(ctx, `select e.id, e.milestone_id, e.state, e.move_on, e.was_passed, e.was_completed, e.was_satisfied, e.was_waived,
			e.progress, coalesce(e.due::text, ''), coalesce(e.certificate_at, '0001-01-01T00:00:00Z'), e.observed_at
			from enrolments e join users u on u.tenant_id = e.tenant_id and u.id = e.user_id join projects p on p.tenant_id = e.tenant_id and p.id = e.project_id
			where e.tenant_id = $1 and u.email_normalized = $2 and e.course = $3 and p.state in ('draft', 'active', 'on_hold', 'live') for update of e`,
			tenant, strings.ToLower(strings.TrimSpace(in.Learner)), in.Course).
			Scan(&e.id, &milestone, &e.state, &e.moveOn, &e.passed, &e.completed, &e.satisfied, &e.waived, &e.progress, &e.due, &e.certificate, &e.observed)
	}
	if err = read(); errors.Is(err, pgx.ErrNoRows) && in.Verb == "assigned" {
		if err = f.enrol(ctx, tx, tenant, in); err == nil {
			e.made, err = true, read()
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return e, ErrUnknownRecord
	}
	if milestone != nil {
		e.milestone = *milestone
	}
	return e, err
}

// enrol gives a person a course, as the others who have it.
func (f *Feed) enrol(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, in Learning) error {
	current, err := project(ctx, tx, tenant)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into enrolments (tenant_id, id, project_id, user_id, course, state, due, observed_at, move_on, milestone_id)
		select $1, $2, $3, u.id, $4, 'assigned', $5, $6, coalesce(other.move_on, 'passed_or_completed'), other.milestone_id
		from users u left join lateral (select move_on, milestone_id from enrolments where tenant_id = $1 and project_id = $3 and course = $4 limit 1) other on true
		where u.tenant_id = $1 and u.email_normalized = $7 and u.state <> 'deactivated'`,
		tenant, uuid.Must(uuid.NewV7()), current, in.Course, in.Due, in.At.Add(-time.Microsecond), strings.ToLower(strings.TrimSpace(in.Learner)))
	return err
}

// hear is the enrolment after a statement. Facts only grow; what is only a stage
// on the way (assigned, started, failed, expired) follows the latest statement.
func (e enrolment) hear(in Learning) enrolment {
	switch in.Verb {
	case "passed":
		e.passed = true
	case "completed":
		e.completed = true
	case "satisfied":
		e.satisfied = true
	case "waived":
		e.waived = true
	}
	switch {
	case e.waived:
		e.state = "waived"
		return e
	case e.finished() && e.passed:
		e.state = "passed"
		return e
	case e.finished():
		e.state = "completed"
		return e
	case !in.At.After(e.observed):
		return e
	}
	switch in.Verb {
	case "terminated", "abandoned": // the end of a session says nothing of the course
		return e
	case "assigned":
		e.state = "assigned"
	case "failed", "expired":
		e.state = in.Verb
	default:
		e.state = "started"
	}
	e.observed = in.At
	return e
}

func (e enrolment) finished() bool {
	switch e.moveOn {
	case "passed":
		return e.satisfied || e.passed
	case "completed":
		return e.satisfied || e.completed
	case "passed_and_completed":
		return e.satisfied || e.passed && e.completed
	case "not_applicable":
		return e.satisfied
	}
	return e.satisfied || e.passed || e.completed
}

func (e enrolment) done() bool {
	return e.state == "passed" || e.state == "completed" || e.state == "waived"
}
