package eval_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/eval"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// Invented records go through the database and come back, on the customers'
// role and with other tenants beside them, as they were; answers from them are
// the answers that were checked. Internal columns hold texts that must not come
// back at all.
func TestTheDatabaseGivesBackTheRecordThatWasChecked(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	var worlds []*eval.World
	for seed := range uint64(25) {
		w := eval.NewWorld(7000 + seed)
		require.NoError(t, db.Worker.WithSystem(t.Context(), "store worlds", func(tx pgx.Tx) error { return store(t, tx, w) }))
		worlds = append(worlds, w)
	}
	for _, w := range worlds {
		var got onboarding.Record
		require.NoError(t, db.App.WithTenant(t.Context(), w.Record.Tenant.ID, func(tx pgx.Tx) (err error) {
			got, err = onboarding.Load(t.Context(), tx, w.Record.Tenant.ID)
			return err
		}))
		require.Equal(t, canonical(t, w.Record), canonical(t, got), "%s came back otherwise", w)
		for _, asker := range w.Askers {
			for _, intent := range status.Intents {
				a := status.Resolve(status.Input{Record: got, Asker: asker, Now: w.Now, Tickets: w.TicketsOf(asker)}, status.Question{Intent: intent, Text: "?", Language: "en"})
				require.NotContains(t, a.Text, "CANARY", intent)
			}
		}
	}
}

// canonical is a value without what does not matter: the order of lists, the
// zone a time is written in, and whether an empty list is one.
func canonical(t *testing.T, value any) any {
	t.Helper()
	body, err := json.Marshal(value)
	require.NoError(t, err)
	var plain any
	require.NoError(t, json.Unmarshal(body, &plain))
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return at.UTC().Format(time.RFC3339Nano)
			}
		case []any:
			var list []string
			for _, item := range v {
				text, err := json.Marshal(walk(item))
				require.NoError(t, err)
				list = append(list, string(text))
			}
			slices.Sort(list)
			return strings.Join(list, "\n")
		case map[string]any:
			for key, item := range v {
				v[key] = walk(item)
			}
			return v
		case nil:
			return ""
		}
		return v
	}
	return walk(plain)
}

func store(t *testing.T, tx pgx.Tx, w *eval.World) error {
	t.Helper()
	r, b := w.Record, &pgx.Batch{}
	tenant, project := r.Tenant.ID, r.Project.ID
	put := func(sql string, args ...any) { b.Queue(sql, append([]any{tenant}, args...)...) }
	put(`insert into tenants (id, slug, name, time_zone) values ($1, $2, $3, $4)`, tenant.String(), r.Tenant.Name, r.Tenant.TimeZone)
	holidays := []string{}
	for _, day := range r.Tenant.Holidays {
		holidays = append(holidays, day.Format(time.DateOnly))
	}
	put(`insert into business_calendars (tenant_id, hours, holidays) values ($1, '{"mon": [["09:00", "17:00"]]}', to_jsonb($2::text[]))`, holidays)
	for _, p := range r.People {
		put(`insert into users (tenant_id, id, email, email_normalized, display_name, roles, state, last_login_at) values ($1, $2, $3::text, lower($3::text), $4, $5, $6, $7)`, p.ID, p.Email, p.Name, p.Roles, p.State, p.LastLoginAt)
		if p.InvitedAt != nil {
			put(`insert into invitations (tenant_id, user_id, sent_at, expires_at, accepted_at, bounced_at) values ($1, $2, $3, $4, $5, $6)`, p.ID, p.InvitedAt, p.ExpiresAt, p.AcceptedAt, p.BouncedAt)
		}
	}
	o := r.Project
	put(`insert into projects (tenant_id, id, name, state, health_reason_customer, health_reason_internal, start_date, planned_go_live, actual_go_live, owner_name, owner_contact, owner_away_until, owner_stand_in, champion_id)
		values ($1, $2, $3, $4, $5, 'CANARY', $6, $7, $8, $9, $10, $11, $12, $13)`, project, o.Name, o.State, o.HealthReason, o.StartDate, o.PlannedGoLive, o.ActualGoLive, o.OwnerName, o.OwnerContact, o.OwnerAwayUntil, o.OwnerStandIn, o.ChampionID)
	for _, s := range r.Stages {
		put(`insert into stages (tenant_id, project_id, id, ordinal, name, state) values ($1, $2, $3, $4, $5, $6)`, project, s.ID, s.Ordinal, s.Name, s.State)
	}
	for _, m := range r.Milestones {
		put(`insert into milestones (tenant_id, project_id, id, stage_id, ordinal, name, state, due, completed_at, owner_name, go_live) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			project, m.ID, m.StageID, m.Ordinal, m.Name, m.State, m.Due, m.CompletedAt, m.OwnerName, m.GoLive)
	}
	for _, k := range r.Tasks {
		put(`insert into tasks (tenant_id, project_id, id, milestone_id, title, state, responsibility, assignee_id, assignee_name, due, duration_days, visibility, department, blocker_customer, blocker_internal)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'CANARY')`,
			project, k.ID, k.MilestoneID, k.Title, k.State, k.Responsibility, k.AssigneeID, k.AssigneeName, k.Due, k.DurationDays, k.Visibility, k.Department, k.Blocker)
	}
	for _, k := range r.Tasks {
		for _, need := range k.Needs {
			put(`insert into task_dependencies (tenant_id, task_id, needs_id) values ($1, $2, $3)`, k.ID, need)
		}
	}
	for _, d := range r.Documents {
		put(`insert into document_requests (tenant_id, project_id, id, title, state, due, department, review_target, final) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, project, d.ID, d.Title, d.State, d.Due, d.Department, d.ReviewTarget, d.Final)
		for _, v := range d.Versions {
			put(`insert into document_versions (tenant_id, request_id, id, version_no, file_name, scan_state, review_state, uploaded_at, reviewed_at, effective_on, reject_codes, reviewer_message_customer, reviewer_comment_internal)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'CANARY')`, d.ID, v.ID, v.Number, v.FileName, v.ScanState, v.ReviewState, v.UploadedAt, v.ReviewedAt, v.EffectiveOn, append([]string{}, v.RejectCodes...), v.Message)
		}
	}
	for _, e := range r.Envelopes {
		put(`insert into envelopes (tenant_id, project_id, id, title, state, expires_on, completed_at, observed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`, project, e.ID, e.Title, e.State, e.ExpiresOn, e.CompletedAt, e.ObservedAt)
		for _, s := range e.Signers {
			put(`insert into signers (tenant_id, envelope_id, id, name, routing, state, signed_at) values ($1, $2, $3, $4, $5, $6, $7)`, e.ID, uuid.New(), s.Name, s.Routing, s.State, s.SignedAt)
		}
	}
	for _, v := range r.Verifications {
		put(`insert into verifications (tenant_id, project_id, id, kind, internal_state, reason_internal, customer_state, submitted_at, completed_at, deadline, typical_days_from, typical_days_to, observed_at)
			values ($1, $2, $3, $4, 'CANARY', 'CANARY', $5, $6, $7, $8, $9, $10, $11)`, project, v.ID, v.Kind, v.State, v.SubmittedAt, v.CompletedAt, v.Deadline, v.TypicalDaysFrom, v.TypicalDaysTo, v.ObservedAt)
		for _, q := range v.Requirements {
			put(`insert into requirements (tenant_id, verification_id, id, label, bucket, deadline) values ($1, $2, $3, $4, $5, $6)`, v.ID, uuid.New(), q.Label, q.Bucket, q.Deadline)
		}
	}
	for _, i := range r.Integrations {
		put(`insert into integrations (tenant_id, project_id, id, connector, environment, auth_state, sync_state, last_success_at, last_attempt_at, next_run_at, records_done, records_total, records_rejected, error_code, message_customer, observed_at, auth_since)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`, project, i.ID, i.Connector, i.Environment, i.AuthState, i.SyncState, i.LastSuccessAt, i.LastAttemptAt, i.NextRunAt, i.RecordsDone, i.RecordsTotal, i.RecordsRejected, i.ErrorCode, i.Message, i.ObservedAt, i.AuthSince)
	}
	for _, e := range r.Environments {
		put(`insert into environments (tenant_id, project_id, id, kind, state, blocked_by, keys_state, keys_issued_at, observed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, project, e.ID, e.Kind, e.State, append([]string{}, e.BlockedBy...), e.KeysState, e.KeysIssuedAt, e.ObservedAt)
	}
	for _, e := range r.Enrolments {
		put(`insert into enrolments (tenant_id, project_id, id, user_id, course, required, state, progress, due, certificate_at, observed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, project, e.ID, e.UserID, e.Course, e.Required, e.State, e.Progress, e.Due, e.CertificateAt, e.ObservedAt)
	}
	for _, m := range r.Meetings {
		put(`insert into meetings (tenant_id, project_id, id, title, starts_at, attendees, attendee_ids, join_link) values ($1, $2, $3, $4, $5, $6, $7, $8)`, project, m.ID, m.Title, m.StartsAt, append([]string{}, m.Attendees...), append([]uuid.UUID{}, m.AttendeeIDs...), m.JoinLink)
	}
	return tx.SendBatch(t.Context(), b).Close()
}
