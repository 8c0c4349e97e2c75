package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// State of a workspace.
type State string

// The states.
const (
	Provisioning State = "provisioning"
	Active       State = "active"
	Live         State = "live"
	Suspended    State = "suspended"
	Offboarding  State = "offboarding"
	Erased       State = "erased"
)

var allowed = map[State][]State{
	Provisioning: {Active},
	Active:       {Live, Suspended, Offboarding},
	Live:         {Suspended, Offboarding},
	Suspended:    {Active, Live, Offboarding},
	Offboarding:  {Active, Erased},
	Erased:       {},
}

// Next lists the states a workspace can go to from one.
func Next(from State) []State { return slices.Clone(allowed[from]) }

// StateOf reads a workspace's state.
func StateOf(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (State, error) {
	var state State
	err := tx.QueryRow(ctx, `select lifecycle_state from tenants where id = $1`, tenant).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNoWorkspace
	}
	if err != nil {
		return "", fmt.Errorf("read workspace state: %w", err)
	}
	return state, nil
}

// ErrNoWorkspace says there is no such tenant.
var ErrNoWorkspace = errors.New("no such workspace")

// ErrTransition says a workspace cannot go from its state to that one.
var ErrTransition = errors.New("this change of state is not allowed")

// ErrNotReady says that checks for going live have failed.
var ErrNotReady = errors.New("not ready to go live")

// Transition moves a workspace to a state. Being there already is no error.
func Transition(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, to State) error {
	var from State
	if err := tx.QueryRow(ctx, `select lifecycle_state from tenants where id = $1 for update`, tenant).Scan(&from); err != nil {
		return fmt.Errorf("change workspace state: %w", err)
	}
	if from == to {
		return nil
	}
	if !slices.Contains(allowed[from], to) {
		return fmt.Errorf("%w: from %s to %s", ErrTransition, from, to)
	}
	if _, err := tx.Exec(ctx, `update tenants set lifecycle_state = $2, updated_at = now() where id = $1`, tenant, to); err != nil {
		return fmt.Errorf("change workspace state: %w", err)
	}
	return nil
}

// Move takes a workspace to a state for somebody of staff, and keeps in the audit
// who did it. Live is a checked transition, unless the workspace was live before
// and is only suspended. Erased is not reached by Move: see Erase.
func Move(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant, staff uuid.UUID, to State, now time.Time) error {
	from, err := StateOf(ctx, tx, tenant)
	if err != nil || from == to {
		return err
	}
	var before bool
	if err := tx.QueryRow(ctx, `select exists (select from projects where tenant_id = $1 and state = 'live')`, tenant).Scan(&before); err != nil {
		return fmt.Errorf("change workspace state: %w", err)
	}
	switch {
	case to == Erased:
		err = fmt.Errorf("%w: a workspace is erased for good, not moved", ErrTransition)
	case to == Live && !before:
		_, err = GoLive(ctx, tx, rules, tenant, now)
	default:
		err = Transition(ctx, tx, tenant, to)
	}
	if err != nil {
		return err
	}
	return audit(ctx, tx, tenant, staff, from, to)
}

func audit(ctx context.Context, tx pgx.Tx, tenant, staff uuid.UUID, from, to State) error {
	_, err := tx.Exec(ctx, `insert into audit_events (tenant_id, id, actor_kind, actor_id, action, object, detail) values ($1, $2, 'staff', $3, 'workspace.' || $5, 'tenant', jsonb_build_object('from', $4::text))`,
		tenant, uuid.Must(uuid.NewV7()), staff.String(), string(from), string(to))
	if err != nil {
		return fmt.Errorf("note a workspace's change of state: %w", err)
	}
	return nil
}

// Check is one condition of going live.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Open string `json:"open,omitempty"` // what is missing, for staff
}

// Checks are the conditions of going live, over the whole record.
func Checks(r onboarding.Record) []Check {
	check := func(name string, open []string) Check {
		return Check{Name: name, OK: len(open) == 0, Open: strings.Join(open, ", ")}
	}
	var tasks, documents, signatures, verifications, environments, integrations []string
	milestones := map[uuid.UUID]bool{}
	for _, m := range r.Milestones {
		if m.GoLive {
			milestones[m.ID] = true
		}
	}
	for _, t := range r.Tasks {
		if t.Open() && (t.MilestoneID == nil || !milestones[*t.MilestoneID]) {
			tasks = append(tasks, t.Title)
		}
	}
	for _, d := range r.Documents {
		if d.State != "accepted" && d.State != "waived" {
			documents = append(documents, d.Title)
		}
	}
	for _, e := range r.Envelopes {
		if e.State != "completed" && e.State != "voided" {
			signatures = append(signatures, e.Title)
		}
	}
	for _, v := range r.Verifications {
		if v.State != "verified" {
			verifications = append(verifications, v.Kind)
		}
	}
	for _, e := range r.Environments {
		if e.Kind == "production" && e.State != "ready" {
			environments = append(environments, e.Kind)
		}
	}
	for _, i := range r.Integrations {
		if i.Environment == "production" && (i.AuthState != "connected" || i.SyncState == "failing") {
			integrations = append(integrations, i.Connector)
		}
	}
	return []Check{
		check("tasks", tasks), check("documents", documents), check("signatures", signatures),
		check("verification", verifications), check("environments", environments), check("integrations", integrations),
	}
}

// GoLive makes a workspace live when every check holds: the project and its
// go-live milestone are done, the live SLA targets apply, and the rules hear of
// it. Otherwise ErrNotReady with the checks that failed. Being live already
// changes nothing.
func GoLive(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant uuid.UUID, now time.Time) ([]Check, error) {
	checks, err := goLive(ctx, tx, rules, tenant, now)
	if err != nil {
		return checks, fmt.Errorf("go live: %w", err)
	}
	return checks, nil
}

func goLive(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant uuid.UUID, now time.Time) ([]Check, error) {
	var state State
	if err := tx.QueryRow(ctx, `select lifecycle_state from tenants where id = $1 for update`, tenant).Scan(&state); err != nil {
		return nil, err
	}
	r, err := onboarding.Load(ctx, tx, tenant)
	if err != nil {
		return nil, err
	}
	checks := Checks(r)
	if state == Live {
		return checks, nil
	}
	var missing []string
	for _, c := range checks {
		if !c.OK {
			missing = append(missing, c.Name)
		}
	}
	if len(missing) > 0 {
		return checks, fmt.Errorf("%w: %s", ErrNotReady, strings.Join(missing, ", "))
	}
	if err := Transition(ctx, tx, tenant, Live); err != nil {
		return checks, err
	}
	b := &pgx.Batch{}
	b.Queue(`update projects set state = 'live', actual_go_live = $3 where tenant_id = $1 and id = $2`, tenant, r.Project.ID, r.Day(now))
	b.Queue(`update milestones set state = 'done', completed_at = coalesce(completed_at, $3) where tenant_id = $1 and project_id = $2 and state <> 'waived'`, tenant, r.Project.ID, now)
	b.Queue(`update stages set state = 'done' where tenant_id = $1 and project_id = $2 and state <> 'skipped'`, tenant, r.Project.ID)
	b.Queue(`update tasks set state = 'done', done_at = $3 where tenant_id = $1 and project_id = $2 and state not in ('done', 'not_applicable', 'cancelled')`, tenant, r.Project.ID, now)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return checks, err
	}
	var key, industry string
	if err := tx.QueryRow(ctx, `select p.template, t.industry from projects p join tenants t on t.id = p.tenant_id where p.tenant_id = $1 and p.id = $2`,
		tenant, r.Project.ID).Scan(&key, &industry); err != nil {
		return checks, err
	}
	if template, err := Find(ctx, tx, key, industry); err == nil {
		if err := setSLA(ctx, tx, tenant, template.SLA["live"]); err != nil {
			return checks, err
		}
	} else if !errors.Is(err, ErrNoTemplate) {
		return checks, err
	}
	if _, err := onboarding.Append(ctx, tx, tenant, "project", r.Project.ID, rule.WentLive); err != nil {
		return checks, err
	}
	if rules == nil {
		return checks, nil
	}
	_, err = rules.Run(ctx, tx, rule.Event{
		TenantID: tenant, Kind: rule.WentLive, Subject: "project/" + r.Project.ID.String() + "/live", Entity: "project", EntityID: r.Project.ID,
		Fields: map[string]string{"name": r.Project.Name, "date": r.Day(now).Format(time.DateOnly)},
	})
	return checks, err
}
