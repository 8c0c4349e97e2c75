package procedure

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/usherdesk/usher/portal/onboarding"
)

// FactNames are the facts of the record conditions may look at, beside
// thing.<entity>.<field> of status packs.
var FactNames = []string{
	"asker.role", "project.state", "project.health", "project.live", "project.go_live", "project.days_to_go_live", "documents.missing",
	"documents.rejected", "tasks.waiting_for_customer", "tasks.overdue", "integrations.failing", "verification.open", "meetings.coming",
}

var thingFact = regexp.MustCompile(`^thing\.[a-z0-9_]+\.[a-z0-9_]+$`)

// KnownFact reports whether a condition may look at it.
func KnownFact(name string) bool {
	return slices.Contains(FactNames, name) || thingFact.MatchString(name)
}

// Facts are what conditions may look at: the record as the asker may see it. A
// fact that is not known is missing.
func Facts(record onboarding.Record, asker onboarding.Asker, now time.Time) map[string]string {
	today := record.Day(now)
	r := record.For(asker)
	count := func(n int) string { return strconv.Itoa(n) }
	yes := map[bool]string{true: "yes", false: "no"}
	role := "member"
	switch {
	case asker.Admin():
		role = "admin"
	case asker.Manager():
		role = "manager"
	}
	facts := map[string]string{"asker.role": role}
	if r.Project.ID == [16]byte{} {
		return facts
	}
	health := r.Health(today)
	facts["project.state"], facts["project.health"] = r.Project.State, health.Word
	facts["project.live"] = yes[r.Project.ActualGoLive != nil]
	if at := r.Project.PlannedGoLive; at != nil {
		facts["project.go_live"] = at.Format(time.DateOnly)
		facts["project.days_to_go_live"] = count(int(at.Sub(today).Hours() / 24))
	}
	states := func(states ...string) (n int) {
		for _, d := range r.Documents {
			if slices.Contains(states, d.State) {
				n++
			}
		}
		return n
	}
	facts["documents.missing"], facts["documents.rejected"] = count(states("requested", "rejected")), count(states("rejected"))
	tasks := 0
	for _, a := range r.CustomerActions() {
		if a.Kind == onboarding.ActionTask {
			tasks++
		}
	}
	facts["tasks.waiting_for_customer"], facts["tasks.overdue"] = count(tasks), count(health.Customer)
	failing, open, coming := 0, 0, 0
	for _, i := range r.Integrations {
		if i.SyncState == "failing" {
			failing++
		}
	}
	for _, v := range r.Verifications {
		if v.State != "verified" {
			open++
		}
	}
	for _, m := range r.Meetings {
		if m.StartsAt.After(now) {
			coming++
		}
	}
	facts["integrations.failing"], facts["verification.open"], facts["meetings.coming"] = count(failing), count(open), count(coming)
	single := map[string]int{}
	for _, t := range r.Things {
		single[t.Entity]++
	}
	for _, t := range r.Things {
		if single[t.Entity] != 1 {
			continue // which of them is meant is not known
		}
		for name, raw := range t.Fields {
			if text, ok := scalar(raw); ok {
				facts["thing."+t.Entity+"."+name] = text
			}
		}
	}
	return facts
}

func scalar(raw []byte) (string, bool) {
	if text, err := strconv.Unquote(string(raw)); err == nil {
		return text, true
	}
	if _, err := strconv.ParseFloat(string(raw), 64); err == nil {
		return string(raw), true
	}
	return "", false
}
