package onboarding

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrNoProject says the tenant has no onboarding project.
var ErrNoProject = errors.New("onboarding project not found")

// Part is a section of the record that can be read without the others.
type Part uint16

// The parts. Tenant and project are always read.
const (
	PartWork     Part = 1 << iota // stages, milestones, tasks
	PartPapers                    // documents, envelopes
	PartChecks                    // verifications
	PartSystems                   // integrations, environments
	PartTraining                  // enrolments
	PartMeetings
	PartPeople
	PartThings      // of status packs
	PartAll    Part = 1<<iota - 1

	// PartTurn is what CustomerActions and Turn rest on.
	PartTurn = PartWork | PartPapers | PartChecks | PartSystems | PartTraining
)

// Load reads a tenant's current record, or the given parts of it, in one trip.
// No column for staff only is read.
func Load(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, parts ...Part) (Record, error) {
	var r Record
	versions, signers, requirements := map[uuid.UUID][]Version{}, map[uuid.UUID][]Signer{}, map[uuid.UUID][]Requirement{}
	wanted := PartAll
	if len(parts) > 0 {
		wanted = 0
		for _, p := range parts {
			wanted |= p
		}
	}
	batch := &pgx.Batch{}
	one := func(query string, scan func(row pgx.Row) error) {
		batch.Queue(query, tenant).QueryRow(scan)
	}
	// The calendar is the desk's; its holidays are the same for plans and promises.
	one(`select id, name, time_zone, coalesce((select last_seq from onboarding_cursors where tenant_id = $1), 0),
		array(select day::date from business_calendars c, jsonb_array_elements_text(c.holidays) day where c.tenant_id = $1 order by 1) from tenants where id = $1`, func(row pgx.Row) error {
		return row.Scan(&r.Tenant.ID, &r.Tenant.Name, &r.Tenant.TimeZone, &r.LastEvent, &r.Tenant.Holidays)
	})
	p := &r.Project
	one(`select id, name, state, hold_reason, health_reason_customer, start_date, planned_go_live, actual_go_live, owner_name, owner_contact,
		owner_away_until, owner_stand_in, champion_id from projects
		where tenant_id = $1 and state in ('draft', 'active', 'on_hold', 'live')`, func(row pgx.Row) error {
		return row.Scan(&p.ID, &p.Name, &p.State, &p.HoldReason, &p.HealthReason, &p.StartDate, &p.PlannedGoLive, &p.ActualGoLive, &p.OwnerName,
			&p.OwnerContact, &p.OwnerAwayUntil, &p.OwnerStandIn, &p.ChampionID)
	})
	const current = ` where tenant_id = $1 and project_id = (select id from projects where tenant_id = $1 and state in ('draft', 'active', 'on_hold', 'live')) `
	if wanted&PartWork != 0 {
		many(batch, tenant, &r.Stages, `select id, ordinal, name, state from stages`+current+`order by ordinal`)
		many(batch, tenant, &r.Milestones, `select id, stage_id, ordinal, name, aliases, state, due, completed_at, owner_name, go_live from milestones`+current+`order by ordinal, id`)
		many(batch, tenant, &r.Tasks, `select id, milestone_id, title, state, responsibility, assignee_id, assignee_name, due, duration_days, visibility,
		department, blocker_customer as blocker, note, done_at, case when done_by_id is not null then done_by_name else '' end as done_by, done_by_id,
		coalesce(said #>> '{state,by}', '') <> '' as elsewhere, array(select needs_id from task_dependencies d where d.tenant_id = $1 and d.task_id = tasks.id order by 1) as needs
		from tasks`+current+`order by due nulls last, title, id`)
	}
	if wanted&PartPapers != 0 {
		many(batch, tenant, &r.Documents, `select id, title, aliases, state, due, department, review_target, final from document_requests`+current+`order by due nulls last, title, id`)
		batch.Queue(`select request_id, id, version_no, file_name, scan_state, storage_key <> '', review_state, uploaded_at, reviewed_at, effective_on, reject_codes,
		reviewer_message_customer from document_versions where tenant_id = $1 order by version_no`, tenant).Query(func(rows pgx.Rows) error {
			var request uuid.UUID
			var v Version
			_, err := pgx.ForEachRow(rows, []any{&request, &v.ID, &v.Number, &v.FileName, &v.ScanState, &v.Stored, &v.ReviewState, &v.UploadedAt,
				&v.ReviewedAt, &v.EffectiveOn, &v.RejectCodes, &v.Message}, func() error {
				versions[request] = append(versions[request], v)
				v = Version{}
				return nil
			})
			return err
		})
		many(batch, tenant, &r.Envelopes, `select id, title, aliases, state, expires_on, completed_at, coalesce(sent_at, observed_at) as sent_at, observed_at from envelopes`+current+`order by title, id`)
		batch.Queue(`select envelope_id, name, routing, state, signed_at from signers where tenant_id = $1 order by routing, name`, tenant).Query(func(rows pgx.Rows) error {
			var envelope uuid.UUID
			var s Signer
			_, err := pgx.ForEachRow(rows, []any{&envelope, &s.Name, &s.Routing, &s.State, &s.SignedAt}, func() error {
				signers[envelope] = append(signers[envelope], s)
				s = Signer{}
				return nil
			})
			return err
		})
	}
	if wanted&PartChecks != 0 {
		many(batch, tenant, &r.Verifications, `select id, kind, customer_state as state, submitted_at, completed_at, deadline, typical_days_from, typical_days_to,
		observed_at from verifications`+current+`order by kind`)
		batch.Queue(`select verification_id, label, bucket, deadline from requirements where tenant_id = $1
		order by array_position(array['past_due', 'currently_due', 'eventually_due', 'pending_verification'], bucket), label`, tenant).Query(func(rows pgx.Rows) error {
			var verification uuid.UUID
			var q Requirement
			_, err := pgx.ForEachRow(rows, []any{&verification, &q.Label, &q.Bucket, &q.Deadline}, func() error {
				requirements[verification] = append(requirements[verification], q)
				q = Requirement{}
				return nil
			})
			return err
		})
	}
	if wanted&PartSystems != 0 {
		many(batch, tenant, &r.Integrations, `select id, connector, aliases, environment, auth_state, auth_since, sync_state, last_success_at, last_attempt_at, next_run_at,
		records_done, records_total, records_rejected, error_code, message_customer as message, observed_at from integrations`+current+`order by connector, environment`)
		many(batch, tenant, &r.Environments, `select id, kind, state, blocked_by, keys_state, keys_issued_at, keys_expire_on, observed_at from environments`+current+`order by kind desc`)
	}
	if wanted&PartTraining != 0 {
		many(batch, tenant, &r.Enrolments, `select e.id, e.user_id, u.display_name as learner, e.course, e.required, e.state, e.progress, e.due, e.certificate_at, e.observed_at
		from enrolments e join users u on u.tenant_id = e.tenant_id and u.id = e.user_id where e.tenant_id = $1 order by u.display_name, e.course`)
	}
	if wanted&PartMeetings != 0 {
		many(batch, tenant, &r.Meetings, `select id, title, starts_at, attendees, attendee_ids, join_link from meetings`+current+`and state = 'planned' order by starts_at`)
	}
	if wanted&PartPeople != 0 {
		many(batch, tenant, &r.People, `select u.id, u.display_name as name, u.email, u.roles, u.state, u.last_login_at, i.sent_at as invited_at, i.expires_at,
		i.accepted_at, i.bounced_at from users u left join invitations i on i.tenant_id = u.tenant_id and i.user_id = u.id
		where u.tenant_id = $1 and u.state <> 'deactivated' order by u.display_name`)
	}
	if wanted&PartThings != 0 {
		many(batch, tenant, &r.Things, `select id, entity, key, name, aliases, fields, department, observed_at, stale_after from pack_records
		where tenant_id = $1 order by name, id`)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return Record{}, ErrNoProject
		}
		return Record{}, fmt.Errorf("load onboarding record: %w", err)
	}
	for i := range r.Documents {
		r.Documents[i].Versions = versions[r.Documents[i].ID]
	}
	for i := range r.Envelopes {
		r.Envelopes[i].Signers = signers[r.Envelopes[i].ID]
	}
	for i := range r.Verifications {
		r.Verifications[i].Requirements = requirements[r.Verifications[i].ID]
	}
	return r, nil
}

// many queues a query whose rows become a slice of structs, by name; fields
// other rows fill (versions, signers, requirements) stay empty.
func many[T any](batch *pgx.Batch, tenant uuid.UUID, into *[]T, query string) {
	batch.Queue(query, tenant).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	})
}
