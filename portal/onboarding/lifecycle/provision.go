package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/schedule"
)

// ErrBadContract says what a workspace needs is missing or wrong.
var ErrBadContract = errors.New("contract is not valid")

// Contract is news of a contract, its signature already verified.
type Contract struct {
	Source    string // hubspot, docusign, pandadoc, webhook
	ID        string // the contract's or deal's id there
	At        time.Time
	Cancelled bool
	Company   Company
	Contacts  []Contact
	Template  string // a key; empty: by industry
	Start     time.Time
	Owner     string // the onboarding manager's name, may be empty
	OwnerMail string
}

// Company is the customer organisation.
type Company struct {
	Name, TimeZone, Locale, Region, Plan, Tier, Industry, CRMRef string
}

// Contact is a person to invite.
type Contact struct {
	Name, Email, Locale string
	Roles               []string // default member
	Departments         []string
}

// Provisioned is the outcome.
type Provisioned struct {
	TenantID uuid.UUID // zero when the contract is cancelled
	Created  bool      // false: it was there before
	Refused  int       // contacts who already belong to another organisation
}

// Provision makes the workspace of a contract, once.
func Provision(ctx context.Context, tx pgx.Tx, c Contract) (Provisioned, error) {
	if err := c.check(); err != nil {
		return Provisioned{}, err
	}
	out, err := c.provision(ctx, tx)
	if err != nil {
		return Provisioned{}, fmt.Errorf("provision workspace: %w", err)
	}
	return out, nil
}

func (c *Contract) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadContract, fmt.Sprintf(format, args...))
	}
	switch {
	case c.Source == "" || c.ID == "" || c.At.IsZero():
		return bad("it needs a source, an id and a time")
	case c.Cancelled:
		return nil
	case strings.TrimSpace(c.Company.Name) == "":
		return bad("the company has no name")
	case len(c.Contacts) == 0:
		return bad("it names nobody to invite")
	}
	if c.Company.TimeZone == "" {
		c.Company.TimeZone = "UTC"
	}
	if _, err := time.LoadLocation(c.Company.TimeZone); err != nil {
		return bad("unknown time zone %q", c.Company.TimeZone)
	}
	for _, contact := range c.Contacts {
		if address, err := mail.ParseAddress(contact.Email); err != nil || address.Address != contact.Email {
			return bad("%q is no e-mail address", contact.Email)
		}
	}
	return nil
}

func (c Contract) provision(ctx context.Context, tx pgx.Tx) (out Provisioned, err error) {
	state := "signed"
	if c.Cancelled {
		state = "cancelled"
	}
	// The insert waits for a parallel delivery of the same contract; whoever comes
	// second finds its workspace.
	if _, err = tx.Exec(ctx, `insert into onboarding_contracts (source, contract, state, event_at) values ($1, $2, $3, $4) on conflict do nothing`,
		c.Source, c.ID, state, c.At); err != nil {
		return out, err
	}
	var workspace *uuid.UUID
	var at time.Time
	var known string
	if err = tx.QueryRow(ctx, `select workspace, state, event_at from onboarding_contracts where source = $1 and contract = $2 for update`,
		c.Source, c.ID).Scan(&workspace, &known, &at); err != nil {
		return out, err
	}
	if c.At.After(at) {
		known = state
		if _, err = tx.Exec(ctx, `update onboarding_contracts set state = $3, event_at = $4 where source = $1 and contract = $2`, c.Source, c.ID, state, c.At); err != nil {
			return out, err
		}
	}
	if workspace != nil {
		return Provisioned{TenantID: *workspace}, nil
	}
	if known == "cancelled" || c.Cancelled {
		return out, nil
	}
	out = Provisioned{TenantID: uuid.Must(uuid.NewV7()), Created: true}
	return out, c.create(ctx, tx, &out)
}

func (c Contract) create(ctx context.Context, tx pgx.Tx, out *Provisioned) error {
	template, err := Find(ctx, tx, c.Template, c.Company.Industry)
	if err != nil {
		return err
	}
	if err := c.tenant(ctx, tx, out.TenantID); err != nil {
		return err
	}
	c.Contacts = c.staffed(template)
	people, err := c.invite(ctx, tx, out)
	if err != nil {
		return err
	}
	if err := c.project(ctx, tx, out.TenantID, template, people); err != nil {
		return err
	}
	if err := setSLA(ctx, tx, out.TenantID, template.SLA["onboarding"]); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update onboarding_contracts set workspace = $3 where source = $1 and contract = $2`, c.Source, c.ID, out.TenantID); err != nil {
		return err
	}
	if err := Transition(ctx, tx, out.TenantID, Active); err != nil {
		return err
	}
	_, err = onboarding.Append(ctx, tx, out.TenantID, "project", uuid.Nil, "project.created")
	return err
}

func (c Contract) tenant(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	orElse := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	base := slug(c.Company.Name)
	for n := 1; n < 100; n++ {
		try := base
		if n > 1 {
			try = fmt.Sprintf("%s-%d", base, n)
		}
		tag, err := tx.Exec(ctx, `insert into tenants (id, slug, name, time_zone, locale, region, plan, tier, industry, lifecycle_state, crm_account_ref)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'provisioning', nullif($10, '')) on conflict (slug) do nothing`,
			id, try, strings.TrimSpace(c.Company.Name), c.Company.TimeZone, orElse(c.Company.Locale, "en"), orElse(c.Company.Region, "eu"),
			orElse(c.Company.Plan, "standard"), orElse(c.Company.Tier, "standard"), orElse(c.Company.Industry, "saas"), c.Company.CRMRef)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 1 {
			return nil
		}
	}
	return fmt.Errorf("%w: no free address for %q", ErrBadContract, c.Company.Name)
}

// slug is a name as an address: small letters, digits and hyphens.
func slug(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 50 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "tenant"
}

// staffed puts the first administrator into the template's departments that nobody
// is in: what belongs to a department is seen by its people only, and somebody
// has to see it.
func (c Contract) staffed(t Template) []Contact {
	people := slices.Clone(c.Contacts)
	first := slices.IndexFunc(c.Contacts, func(p Contact) bool { return slices.Contains(p.Roles, "admin") })
	if first < 0 {
		return people
	}
	departments := []string{}
	for _, task := range t.tasks() {
		departments = append(departments, task.Department)
	}
	for _, d := range t.Documents {
		departments = append(departments, d.Department)
	}
	slices.Sort(departments)
	for _, d := range slices.Compact(departments) {
		if d != "" && !slices.ContainsFunc(people, func(p Contact) bool { return slices.Contains(p.Departments, d) }) {
			people[first].Departments = append(slices.Clip(people[first].Departments), d)
		}
	}
	return people
}

type invited struct {
	id    uuid.UUID
	roles []string
}

// invite makes invited users. Somebody who belongs to another organisation is
// left out, and nobody outside is told why.
func (c Contract) invite(ctx context.Context, tx pgx.Tx, out *Provisioned) ([]invited, error) {
	// Two contracts at once may name the same person: whoever comes second sees
	// the first. Sorted, so that they never wait for each other in a circle.
	addresses := make([]string, len(c.Contacts))
	for i, contact := range c.Contacts {
		addresses[i] = strings.ToLower(contact.Email)
	}
	slices.Sort(addresses)
	for _, address := range addresses {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('invite ' || $1, 0))`, address); err != nil {
			return nil, err
		}
	}
	var people []invited
	for _, contact := range c.Contacts {
		var elsewhere bool
		if err := tx.QueryRow(ctx, `select exists (select from users where email_normalized = lower($1) and tenant_id <> $2)`,
			contact.Email, out.TenantID).Scan(&elsewhere); err != nil {
			return nil, err
		}
		if elsewhere {
			out.Refused++
			continue
		}
		if len(contact.Roles) == 0 {
			contact.Roles = []string{"member"}
		}
		name := strings.TrimSpace(contact.Name)
		if name == "" {
			name, _, _ = strings.Cut(contact.Email, "@")
		}
		person := invited{roles: contact.Roles}
		// A contract that comes again may change what a person may do.
		if _, err := tx.Exec(ctx, `insert into audit_events (tenant_id, id, actor_kind, action, object, detail)
			select $1, $2, 'system', 'person.roles', id::text, jsonb_build_object('from', roles, 'to', $4::text[]) from users
			where tenant_id = $1 and email_normalized = lower($3::text) and roles <> $4::text[]`, out.TenantID, uuid.Must(uuid.NewV7()), contact.Email, contact.Roles); err != nil {
			return nil, err
		}
		err := tx.QueryRow(ctx, `insert into users (tenant_id, id, email, email_normalized, display_name, roles, departments, state, locale)
			values ($1, $2, $3::text, lower($3::text), $4, $5, $6, 'invited', coalesce(nullif($7, ''), 'en'))
			on conflict (tenant_id, email_normalized) do update set display_name = excluded.display_name, roles = excluded.roles, departments = excluded.departments
			returning id`, out.TenantID, uuid.Must(uuid.NewV7()), contact.Email, name, contact.Roles, append([]string{}, contact.Departments...), contact.Locale).Scan(&person.id)
		if err != nil {
			return nil, err
		}
		// It is sent by a job of its own, which knows when; without e-mail, not at all.
		if _, err := tx.Exec(ctx, `insert into invitations (tenant_id, user_id) values ($1, $2) on conflict do nothing`, out.TenantID, person.id); err != nil {
			return nil, err
		}
		people = append(slices.DeleteFunc(people, func(p invited) bool { return p.id == person.id }), person)
	}
	return people, nil
}

// setSLA replaces the tenant's targets.
func setSLA(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, goals []Goal) error {
	batch := &pgx.Batch{}
	batch.Queue(`delete from sla_policies where tenant_id = $1`, tenant)
	for _, g := range goals {
		batch.Queue(`insert into sla_policies (tenant_id, priority, metric, target_minutes, always) values ($1, $2, $3, $4, $5)`,
			tenant, g.Priority, g.Metric, g.Minutes, g.Always)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// project lays the template out from the start day. Due dates are when the work
// ends if everybody keeps to the plan.
func (c Contract) project(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, t Template, people []invited) error {
	zone, err := time.LoadLocation(c.Company.TimeZone)
	if err != nil {
		return err
	}
	start := schedule.DayOf(c.At, zone)
	if !c.Start.IsZero() {
		start = schedule.DayOf(c.Start, time.UTC)
	}
	calendar := schedule.Calendar{}
	after := func(days int) schedule.Day { return calendar.Add(start, days) }
	plan := t.plan(start)
	project := uuid.Must(uuid.NewV7())
	id := func(name string) uuid.UUID { return uuid.NewSHA1(project, []byte(name)) }
	b := &pgx.Batch{}
	var champion *uuid.UUID
	for _, p := range people {
		if champion == nil && slices.Contains(p.roles, "admin") {
			champion = &p.id
		}
	}
	b.Queue(`insert into projects (tenant_id, id, name, template, template_version, state, start_date, planned_go_live, owner_name, owner_contact, champion_id)
		values ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $9, $10)`, tenant, project, t.Name, t.Key, t.Version, start, plan.goal.Finish, c.Owner, c.OwnerMail, champion)
	ordinal := 0
	for i, s := range t.Stages {
		state := "locked"
		if i == 0 {
			state = "active"
		}
		b.Queue(`insert into stages (tenant_id, id, project_id, ordinal, name, state) values ($1, $2, $3, $4, $5, $6)`, tenant, id("stage/"+s.Name), project, i+1, s.Name, state)
		for _, m := range s.Milestones {
			ordinal++
			var due *schedule.Day
			for _, task := range m.Tasks {
				if end := plan.finish[task.Code]; end != nil && (due == nil || *end > *due) {
					due = end
				}
			}
			b.Queue(`insert into milestones (tenant_id, id, project_id, stage_id, ordinal, name, aliases, state, due, go_live) values ($1, $2, $3, $4, $5, $6, $7, 'upcoming', $8, $9)`,
				tenant, id("milestone/"+m.Name), project, id("stage/"+s.Name), ordinal, m.Name, append([]string{}, m.Aliases...), due, m.GoLive)
			for _, task := range m.Tasks {
				c.task(b, tenant, project, id, m, task, plan)
			}
		}
	}
	for _, task := range t.tasks() {
		for _, need := range task.Needs {
			b.Queue(`insert into task_dependencies (tenant_id, task_id, needs_id) values ($1, $2, $3)`, tenant, id("task/"+task.Code), id("task/"+need))
		}
	}
	for _, d := range t.Documents {
		b.Queue(`insert into document_requests (tenant_id, id, project_id, title, aliases, state, due, department, final) values ($1, $2, $3, $4, $5, 'requested', $6, $7, $8)`,
			tenant, id("document/"+d.Title), project, d.Title, append([]string{}, d.Aliases...), after(d.Days), d.Department, d.Final)
	}
	for _, i := range t.Integrations {
		b.Queue(`insert into integrations (tenant_id, id, project_id, connector, aliases, environment, auth_state, sync_state) values ($1, $2, $3, $4, $5, $6, 'not_connected', 'never')`,
			tenant, id("integration/"+i.Connector+i.Environment), project, i.Connector, append([]string{}, i.Aliases...), i.Environment)
	}
	for _, kind := range t.Environments {
		b.Queue(`insert into environments (tenant_id, id, project_id, kind, state) values ($1, $2, $3, $4, 'requested')`, tenant, id("environment/"+kind), project, kind)
	}
	for _, course := range t.Courses {
		for _, p := range people {
			for _, role := range course.Roles {
				if slices.Contains(p.roles, role) {
					b.Queue(`insert into enrolments (tenant_id, id, project_id, user_id, course, state, due, move_on, milestone_id) values ($1, $2, $3, $4, $5, 'assigned', $6, $7,
						(select id from milestones where tenant_id = $1 and project_id = $3 and name = $8))`,
						tenant, id("course/"+course.Name+p.id.String()), project, p.id, course.Name, after(course.Days), cmp.Or(course.MoveOn, "passed_or_completed"), course.Completes)
					break
				}
			}
		}
	}
	return tx.SendBatch(ctx, b).Close()
}

func (c Contract) task(b *pgx.Batch, tenant, project uuid.UUID, id func(string) uuid.UUID, m Milestone, task Task, plan planned) {
	state, visibility := "not_ready", task.Visibility
	if len(task.Needs) == 0 {
		state = "ready"
	}
	if visibility == "" {
		visibility = "customer"
	}
	b.Queue(`insert into tasks (tenant_id, id, project_id, milestone_id, title, state, responsibility, due, duration_days, visibility, department)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, tenant, id("task/"+task.Code), project, id("milestone/"+m.Name), task.Title, state,
		task.Side, plan.finish[task.Code], task.Days, visibility, task.Department)
}
