package onboarding

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// The kinds of what waits for a customer.
const (
	ActionTask         = "task"
	ActionDocument     = "document"
	ActionSignature    = "signature"
	ActionVerification = "verification"
	ActionIntegration  = "integration"
	ActionCourse       = "course"
	ActionTeamCourses  = "team_courses" // those of others, together
)

// Action is one thing that waits for the customer. Of signatures and
// verifications it holds no names and no labels: who signs and what is missing
// of whom is for people who proved who they are.
type Action struct {
	Kind        string
	ID          uuid.UUID
	Title       string // of a verification its kind (kyc, …), of team courses the first
	State       string
	MilestoneID *uuid.UUID
	Assignee    string
	Due         *time.Time
	Link        string // relative, into the portal
	Environment string // of an integration
	Count       int    // requirements due of a verification, courses of a team
	Document    uuid.UUID
}

// Overdue reports whether its date has passed.
func (a Action) Overdue(today time.Time) bool { return a.Due != nil && a.Due.Before(today) }

// CustomerActions are everything that waits for the customer, by date: tasks
// that can be worked on, documents to send, signatures to give, information a
// verification lacks, connections to sign in to again, courses to take. A task
// about a document that is asked for and the request itself are one.
func (r Record) CustomerActions() []Action {
	out := r.workActions()
	for _, e := range r.Envelopes {
		if r.WaitsForSignature(e) {
			out = append(out, Action{Kind: ActionSignature, ID: e.ID, Title: e.Title, State: e.State, Due: e.ExpiresOn, Link: "/documents#signatures"})
		}
	}
	for _, v := range r.Verifications {
		if n, due := v.Wanted(); n > 0 || v.State == "needs_information" {
			out = append(out, Action{Kind: ActionVerification, ID: v.ID, Title: v.Kind, State: v.State, Due: due, Count: n, Link: "/onboarding#verification"})
		}
	}
	for _, i := range r.Integrations {
		if i.AuthState == "relink_needed" {
			out = append(out, Action{Kind: ActionIntegration, ID: i.ID, Title: i.Connector, State: i.AuthState, Environment: i.Environment, Link: "/onboarding#integrations"})
		}
	}
	out = append(out, r.courseActions()...)
	slices.SortStableFunc(out, func(a, b Action) int { return byDue(a.Due, b.Due) })
	return out
}

// workActions are the tasks and documents; a document a task names is joined to
// the task, with the earlier of the two dates and the link where it is sent.
func (r Record) workActions() (out []Action) {
	for _, t := range r.Tasks {
		if t.Responsibility == "customer" && (t.State == "ready" || t.State == "in_progress") && t.Visibility != "internal" {
			out = append(out, Action{
				Kind: ActionTask, ID: t.ID, Title: t.Title, State: t.State, MilestoneID: t.MilestoneID, Assignee: t.AssigneeName, Due: t.Due,
				Link: "/onboarding#task-" + t.ID.String(),
			})
		}
	}
	tasks := len(out)
	for _, d := range r.Documents {
		if !d.Wanted() {
			continue
		}
		link := "/documents#document-" + d.ID.String()
		i := slices.IndexFunc(out[:tasks], func(a Action) bool { return speaksOf(a.Title, d.Title) })
		if i < 0 {
			out = append(out, Action{Kind: ActionDocument, ID: d.ID, Title: d.Title, State: d.State, Due: d.Due, Link: link})
			continue
		}
		if byDue(d.Due, out[i].Due) < 0 {
			out[i].Due = d.Due
		}
		if out[i].Document == uuid.Nil {
			out[i].Document, out[i].Link = d.ID, link
		}
	}
	return out
}

// courseActions are the asker's own required courses that are open, and how many
// of other people's they may know of.
func (r Record) courseActions() (out []Action) {
	team := Action{Kind: ActionTeamCourses, Link: "/onboarding#training"}
	for _, e := range r.Enrolments {
		switch {
		case !e.Required || e.Done():
		case e.UserID == r.asker && r.whole != nil:
			out = append(out, Action{Kind: ActionCourse, ID: e.ID, Title: e.Course, State: e.State, Assignee: e.Learner, Due: e.Due, Link: team.Link})
		default:
			if team.Count++; team.Count == 1 || byDue(e.Due, team.Due) < 0 {
				team.Due, team.Title = e.Due, e.Course
			}
		}
	}
	if team.Count > 0 {
		out = append(out, team)
	}
	return out
}

// Wanted reports whether the document is to be sent.
func (d Document) Wanted() bool {
	return d.State == "requested" || d.State == "rejected" || d.State == "expired"
}

// Wanted is how much a verification wants now, and by when: the earliest date of
// its requirements, else its own.
func (v Verification) Wanted() (n int, due *time.Time) {
	for _, q := range v.Requirements {
		if q.Bucket != "past_due" && q.Bucket != "currently_due" {
			continue
		}
		n++
		if byDue(q.Deadline, due) < 0 {
			due = q.Deadline
		}
	}
	if due == nil {
		due = v.Deadline
	}
	return n, due
}

// WaitsForSignature reports whether somebody of the customer's can sign now: the
// next in turn is not the provider's, and the request reached them.
func (r Record) WaitsForSignature(e Envelope) bool {
	if e.State != "sent" && e.State != "delivered" {
		return false
	}
	next, known := 0, false
	for _, s := range e.Signers {
		if s.State != "signed" && (!known || s.Routing < next) {
			next, known = s.Routing, true
		}
	}
	if !known {
		return len(e.Signers) == 0 // nobody told us who signs
	}
	return slices.ContainsFunc(e.Signers, func(s Signer) bool {
		ours := s.Name != "" && (s.Name == r.Project.OwnerName || s.Name == r.Project.OwnerStandIn)
		return s.Routing == next && !ours && (s.State == "waiting" || s.State == "sent" || s.State == "opened")
	})
}

// speaksOf reports whether a text has the words of a name in a row.
func speaksOf(text, name string) bool {
	words := func(s string) string {
		return " " + strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ") + " "
	}
	wanted := words(name)
	return strings.TrimSpace(wanted) != "" && strings.Contains(words(text), wanted)
}

// byDue orders dates, the missing ones last.
func byDue(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return a.Compare(*b)
}
