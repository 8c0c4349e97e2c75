package feed

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// Signals are what a customer's conversations say of how they are: known to the
// desk, not to the record. They count for their manager and never for what
// customers are told.
type Signals struct {
	OpenTickets int       // not solved yet
	Oldest      time.Time // when the oldest of them was opened; zero: there is none
	NotHelpful  int       // answers voted down within the last week
}

// What makes a manager look, from which number or age on.
const (
	manyTickets    = 3
	oldTicket      = 5 * 24 * time.Hour
	manyNotHelpful = 3
	longSilence    = 14 * 24 * time.Hour
)

// Band is the health a tenant's manager hears of, with its reasons: the record's
// own health, made worse by open tickets, bad answers and silence.
func Band(h onboarding.Health, s Signals, lastSeen time.Time, waiting int, now time.Time) (band string, reasons []string) {
	band = h.Word
	if n := h.Customer + h.Provider; n > 0 && band != "live" {
		reasons = append(reasons, plural(n, "task overdue", "tasks overdue"))
	}
	if h.Known && h.Variance > 0 && band != "live" {
		reasons = append(reasons, plural(h.Variance, "working day over plan", "working days over plan"))
	}
	var worse []string
	if s.OpenTickets >= manyTickets {
		worse = append(worse, fmt.Sprintf("%d open tickets", s.OpenTickets))
	}
	if !s.Oldest.IsZero() && now.Sub(s.Oldest) >= oldTicket {
		worse = append(worse, fmt.Sprintf("a ticket open for %d days", int(now.Sub(s.Oldest).Hours()/24)))
	}
	if s.NotHelpful >= manyNotHelpful {
		worse = append(worse, fmt.Sprintf("%d answers not helpful within a week", s.NotHelpful))
	}
	if waiting > 0 && !lastSeen.IsZero() && now.Sub(lastSeen) >= longSilence && band != "live" {
		worse = append(worse, fmt.Sprintf("silent for %d days", int(now.Sub(lastSeen).Hours()/24)))
	}
	if len(worse) > 0 && (band == "on_track" || band == "live") {
		band = "at_risk"
	}
	return band, append(reasons, worse...)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func (f *Feed) health(ctx context.Context, tx pgx.Tx, r onboarding.Record, standing Standing, now time.Time) error {
	h, band, reasons := standing.Health, standing.Band, standing.Reasons
	var before string
	if err := tx.QueryRow(ctx, `select announced_health from projects where tenant_id = $1 and id = $2 for update`, r.Tenant.ID, r.Project.ID).Scan(&before); err != nil || before == band {
		return err
	}
	if _, err := tx.Exec(ctx, `update projects set announced_health = $3 where tenant_id = $1 and id = $2`, r.Tenant.ID, r.Project.ID, band); err != nil {
		return err
	}
	event := rule.Event{TenantID: r.Tenant.ID, Entity: "project", EntityID: r.Project.ID, Fields: map[string]string{
		"name": r.Project.Name, "from": before, "to": band, "variance_days": strconv.Itoa(h.Variance), "overdue": strconv.Itoa(h.Customer + h.Provider),
		"reasons": strings.Join(reasons, ", "),
	}}
	if before != "" || band != "on_track" && band != "live" { // the first look at a project that is well is no news
		event.Subject = "project/" + r.Project.ID.String() + "/health/" + band + "@" + strconv.FormatInt(now.UnixMilli(), 10)
	}
	return f.tell(ctx, tx, event, rule.HealthChanged)
}

// lastActivity is when anybody of the tenant last did something: ticked a task,
// sent a document, signed in, else when the project began. A task that staff or
// another system called done is not theirs.
func lastActivity(ctx context.Context, tx pgx.Tx, r onboarding.Record) (last time.Time, err error) {
	var at *time.Time
	err = tx.QueryRow(ctx, `select greatest(
		(select max(done_at) from tasks where tenant_id = $1 and responsibility = 'customer' and done_by_id is not null),
		(select max(uploaded_at) from document_versions where tenant_id = $1),
		(select max(last_login_at) from users where tenant_id = $1),
		(select start_date::timestamptz from projects where tenant_id = $1 and id = $2))`, r.Tenant.ID, r.Project.ID).Scan(&at)
	if err != nil {
		return last, fmt.Errorf("read last activity: %w", err)
	}
	if at != nil {
		last = *at
	}
	return last, nil
}

// SignalsOf reads a tenant's Signals.
type SignalsOf func(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, now time.Time) (Signals, error)
