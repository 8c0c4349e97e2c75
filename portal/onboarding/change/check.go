package change

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// check refuses what does not fit the record as it stands. Of another system's
// news a project's or document's state that cannot be is left out, and the rest
// counts: tools send whole records.
func (a *application) check(ctx context.Context, before row, news map[string]any) error {
	if ref, ok := news["external_ref"]; ok && a.e.referred && a.by.Kind != Source && ref != "" {
		return &InvalidError{Field: "external_ref", Reason: "can only be taken away: the other system gives it"}
	}
	if err := a.people(ctx, news); err != nil {
		return err
	}
	if err := a.parts(ctx, before.id, news); err != nil {
		return err
	}
	now := func(name string) string {
		value, given := news[name]
		if !given {
			value = before.values[name]
		}
		out, _ := value.(string)
		return out
	}
	state, said := news["state"].(string)
	was, _ := before.values["state"].(string)
	switch a.entity {
	case "project":
		switch {
		case said && was != "active" && was != "on_hold" && a.by.Kind == Source:
			delete(news, "state")
		case said && was != "active" && was != "on_hold":
			return &InvalidError{Field: "state", Reason: "is " + was + " and changes with the workspace's own state"}
		case now("state") == "on_hold" && now("hold_reason") == "" && a.by.Kind != Source:
			return &InvalidError{Field: "hold_reason", Reason: "is needed: say to the customer why it is on hold"}
		}
	case "task":
		if now("visibility") == "restricted" && now("department") == "" {
			return &InvalidError{Field: "department", Reason: "is needed where a task is for a department only"}
		}
	case "milestone":
		if said && state == "done" {
			return a.reached(ctx, before)
		}
	case "document":
		if !said {
			return nil
		}
		err := a.document(ctx, before, state, was)
		var invalid *InvalidError
		if a.by.Kind == Source && errors.As(err, &invalid) {
			delete(news, "state")
			return nil
		}
		return err
	case "verification":
		return a.foreign(ctx, now("provider"), now("provider_ref"))
	}
	return nil
}

// reached refuses a milestone that is not: people finish its tasks, and going live
// is a checked step of its own.
func (a *application) reached(ctx context.Context, before row) error {
	if before.values["go_live"] == true && !a.live {
		return &InvalidError{Field: "state", Reason: "is reached by going live, which is checked"}
	}
	if a.by.Kind == Source {
		return nil // it may know of more than we do
	}
	rows, err := a.tx.Query(ctx, `select title from tasks where tenant_id = $1 and milestone_id = $2 and state not in ('done', 'not_applicable', 'cancelled') order by title limit 5`, a.tenant, before.id)
	if err != nil {
		return err
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return &InvalidError{Field: "state", Reason: "cannot be done while tasks of it are open: " + strings.Join(open, ", ")}
	}
	return nil
}

func (a *application) document(ctx context.Context, before row, state, was string) error {
	if was == "accepted" && state != "expired" {
		return &InvalidError{Field: "state", Reason: "was accepted; it can only expire"}
	}
	// A tool that still has it as requested has not heard of the upload.
	if a.by.Kind == Source && state == "requested" && (was == "received" || was == "in_review" || was == "rejected") {
		return &InvalidError{Field: "state", Reason: "is further than requested: a version was sent"}
	}
	if state != "in_review" {
		return nil
	}
	var waiting bool
	if err := a.tx.QueryRow(ctx, `select coalesce((select review_state in ('pending', 'in_review') from document_versions where tenant_id = $1 and request_id = $2 order by version_no desc limit 1), false)`,
		a.tenant, before.id).Scan(&waiting); err != nil {
		return err
	}
	if !waiting {
		return &InvalidError{Field: "state", Reason: "cannot be in review: no version waits for a decision"}
	}
	return nil
}

// foreign refuses a provider's reference that is another customer's, as far as the
// transaction sees them: events that name no tenant would go astray.
func (a *application) foreign(ctx context.Context, provider, ref string) error {
	var taken bool
	err := a.tx.QueryRow(ctx, `select exists (select from verifications where tenant_id <> $1 and provider = $2 and provider_ref = $3)`, a.tenant, provider, ref).Scan(&taken)
	if err == nil && taken {
		return &InvalidError{Field: "provider_ref", Reason: "is another customer's"}
	}
	return err
}

// people are of the tenant; an assignee is shown by name.
func (a *application) people(ctx context.Context, news map[string]any) error {
	for name, value := range news {
		f, _ := a.e.field(name)
		var ids []uuid.UUID
		switch {
		case f.kind == person && value != nil:
			ids = []uuid.UUID{f.column(value).(uuid.UUID)} //nolint:forcetypeassert // as read
		case f.kind == people:
			ids = f.column(value).([]uuid.UUID) //nolint:forcetypeassert // as read
		default:
			continue
		}
		rows, err := a.tx.Query(ctx, `select display_name from users where tenant_id = $1 and id = any($2) and state <> 'deactivated'`, a.tenant, ids)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		if len(names) != len(ids) {
			return &InvalidError{Field: name, Reason: "must be of this organisation"}
		}
		if _, given := news["assignee_name"]; name == "assignee_id" && !given {
			news["assignee_name"] = names[0]
		}
	}
	if id, ok := news["assignee_id"]; ok && id == nil {
		if _, given := news["assignee_name"]; !given {
			news["assignee_name"] = ""
		}
	}
	return nil
}

// parts are of the project, and what tasks wait for goes in no circle.
func (a *application) parts(ctx context.Context, self uuid.UUID, news map[string]any) error {
	for name, value := range news {
		f, _ := a.e.field(name)
		var ids []uuid.UUID
		switch {
		case f.kind == part && value != nil:
			ids = []uuid.UUID{f.column(value).(uuid.UUID)} //nolint:forcetypeassert // as read
		case f.kind == parts:
			ids = f.column(value).([]uuid.UUID) //nolint:forcetypeassert // as read
		default:
			continue
		}
		var found int
		if err := a.tx.QueryRow(ctx, `select count(*) from `+entities[f.part].table+` where tenant_id = $1 and project_id = $2 and id = any($3)`, a.tenant, a.project, ids).Scan(&found); err != nil {
			return err
		}
		if found != len(ids) {
			return &InvalidError{Field: name, Reason: "must be of this project"}
		}
		if f.kind != parts {
			continue
		}
		var circle bool
		err := a.tx.QueryRow(ctx, `with recursive before as (
			select unnest($2::uuid[]) as id
			union select d.needs_id from task_dependencies d join before b on b.id = d.task_id where d.tenant_id = $1)
			select exists (select from before where id = $3)`, a.tenant, ids, self).Scan(&circle)
		if err != nil {
			return err
		}
		if circle {
			return &InvalidError{Field: name, Reason: "would wait for itself in a circle"}
		}
	}
	return nil
}

// aside is what else changes with it.
func (a *application) aside(ctx context.Context, before row, news map[string]any) error {
	if a.entity != "document" || news["state"] != "in_review" {
		return nil
	}
	_, err := a.tx.Exec(ctx, `update document_versions set review_state = 'in_review' where tenant_id = $1 and request_id = $2 and review_state = 'pending'
		and version_no = (select max(version_no) from document_versions where tenant_id = $1 and request_id = $2)`, a.tenant, before.id)
	return err
}

// asSaid refuses a person's word that does not hold: the state of milestones and
// stages follows from what they consist of.
func (a *application) asSaid(after row, news map[string]any) error {
	want, said := news["state"].(string)
	is, _ := after.values["state"].(string)
	if !said || a.by.Kind == Source || !a.derived("state") || want == is {
		return nil
	}
	if a.entity == "milestone" {
		return &InvalidError{Field: "state", Reason: "follows from its tasks and is " + strings.ReplaceAll(is, "_", " ") + " as they stand"}
	}
	return &InvalidError{Field: "state", Reason: "follows from its milestones and is " + is + " as they stand"}
}

// keptElsewhere are the webhooks a field comes from, as the registry has it.
func keptElsewhere(entity, name string) string {
	for _, o := range status.Registry(nil) {
		if o.Entity == entity && o.Field == name && len(o.FedBy) > 0 && !slices.Contains(o.FedBy, Feed) {
			return strings.Join(o.FedBy, ", ")
		}
	}
	return ""
}

// Feed is the webhook other systems change the record by.
const Feed = "onboarding"

// taken words a reference that another record has.
func taken(err error) error {
	if constraint, is := tenantdb.Duplicate(err); is {
		name := "external_ref"
		if strings.HasPrefix(constraint, "verifications") {
			name = "provider_ref"
		}
		return &InvalidError{Field: name, Reason: "is another record's already"}
	}
	return err
}
