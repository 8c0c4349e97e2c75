package onboarding

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// DemoPerson is a person of a demo tenant the record names.
type DemoPerson struct {
	ID   uuid.UUID
	Name string
}

// SeedDemo stores a full record for a demo tenant that has none, with dates
// around now. Stage is "integration" (under way, with one thing in trouble) or
// "go_live" (close to the end, verification in review). People are the tenant's:
// an admin, and others.
func SeedDemo(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, stage string, people []DemoPerson, now time.Time) error {
	var there bool
	if err := tx.QueryRow(ctx, `select exists (select from projects where tenant_id = $1)`, tenant).Scan(&there); err != nil || there {
		return err
	}
	d := &demo{tenant: tenant, now: now, batch: &pgx.Batch{}, project: uuid.NewSHA1(tenant, []byte("project"))}
	switch stage {
	case "integration":
		d.integration(people)
	default:
		d.goLive(people)
	}
	if err := tx.SendBatch(ctx, d.batch).Close(); err != nil {
		return fmt.Errorf("seed onboarding record: %w", err)
	}
	return nil
}

type demo struct {
	tenant, project uuid.UUID
	now             time.Time
	batch           *pgx.Batch
}

func (d *demo) id(name string) uuid.UUID { return uuid.NewSHA1(d.project, []byte(name)) }

// day is a working day about n days from now.
func (d *demo) day(n int) time.Time {
	day := time.Date(d.now.Year(), d.now.Month(), d.now.Day()+n, 0, 0, 0, 0, time.UTC)
	return nextWorkday(day)
}

func (d *demo) put(table string, columns string, values ...any) {
	marks := ""
	for i := range values {
		marks += fmt.Sprintf(", $%d", i+2)
	}
	d.batch.Queue(`insert into `+table+` (tenant_id, `+columns+`) values ($1`+marks+`)`, append([]any{d.tenant}, values...)...)
}

func (d *demo) stages(active int) {
	for i, name := range []string{"Kick-off", "Setup and documents", "Integration", "Go-live"} {
		state := "locked"
		if i+1 < active {
			state = "done"
		} else if i+1 == active {
			state = "active"
		}
		d.put("stages", "id, project_id, ordinal, name, state", d.id("stage/"+name), d.project, i+1, name, state)
	}
}

func (d *demo) milestone(ordinal int, stage, name, state string, due time.Time, owner string, aliases ...string) {
	var completed *time.Time
	if state == "done" {
		at := due.Add(15 * time.Hour)
		completed = &at
	}
	d.put("milestones", "id, project_id, stage_id, ordinal, name, aliases, state, due, completed_at, owner_name, go_live",
		d.id("milestone/"+name), d.project, d.id("stage/"+stage), ordinal, name, append([]string{}, aliases...), state, due, completed, owner, name == "Go-live")
}

type demoTask struct {
	milestone, title, state, side string
	assignee                      *DemoPerson
	due, days                     int
	visibility, department        string
	blocker                       string
	needs                         []string
}

func (d *demo) task(t demoTask) {
	if t.visibility == "" {
		t.visibility = "customer"
	}
	var assignee *uuid.UUID
	name := map[string]string{"provider": "Usher", "third_party": "Partner"}[t.side]
	if t.assignee != nil {
		assignee, name = &t.assignee.ID, t.assignee.Name
	}
	var done *time.Time
	if t.state == "done" {
		at := d.day(t.due).Add(14 * time.Hour)
		done = &at
	}
	d.put("tasks", "id, project_id, milestone_id, title, state, responsibility, assignee_id, assignee_name, due, duration_days, visibility, department, blocker_customer, done_at",
		d.id("task/"+t.title), d.project, d.id("milestone/"+t.milestone), t.title, t.state, t.side, assignee, name, d.day(t.due), t.days, t.visibility, t.department, t.blocker, done)
	for _, need := range t.needs {
		d.put("task_dependencies", "task_id, needs_id", d.id("task/"+t.title), d.id("task/"+need))
	}
}

func (d *demo) document(title, state string, due int, department string, final bool, aliases ...string) {
	var target *time.Time
	if state == "in_review" {
		day := d.day(3)
		target = &day
	}
	d.put("document_requests", "id, project_id, title, aliases, state, due, department, review_target, final",
		d.id("document/"+title), d.project, title, append([]string{}, aliases...), state, d.day(due), department, target, final)
}

func (d *demo) version(document string, n int, file, review string, daysAgo int, codes []string, message string) {
	uploaded := d.now.AddDate(0, 0, -daysAgo).Truncate(time.Minute)
	var reviewed *time.Time
	if review == "accepted" || review == "rejected" {
		at := uploaded.Add(26 * time.Hour)
		reviewed = &at
	}
	var effective *time.Time
	if review == "accepted" {
		day := d.day(-daysAgo + 1)
		effective = &day
	}
	d.put("document_versions", "id, request_id, version_no, file_name, scan_state, review_state, uploaded_at, reviewed_at, effective_on, reject_codes, reviewer_message_customer",
		d.id(fmt.Sprintf("version/%s/%d", document, n)), d.id("document/"+document), n, file, "clean", review, uploaded, reviewed, effective, append([]string{}, codes...), message)
}

func (d *demo) integrate(connector, environment, auth, sync string, success, attempt, next time.Duration, counts [3]int64, code, message string, aliases ...string) {
	at := func(offset time.Duration) *time.Time {
		if offset == 0 {
			return nil
		}
		t := d.now.Add(offset).Truncate(time.Minute)
		return &t
	}
	d.put("integrations", "id, project_id, connector, aliases, environment, auth_state, sync_state, last_success_at, last_attempt_at, next_run_at, records_done, records_total, records_rejected, error_code, message_customer",
		d.id("integration/"+connector+environment), d.project, connector, append([]string{}, aliases...), environment, auth, sync, at(success), at(attempt), at(next), counts[0], counts[1], counts[2], code, message)
}

// integration is Acme Logistics: half way, one connection failing, one document sent back.
func (d *demo) integration(people []DemoPerson) {
	admin, member, manager := people[0], people[1], people[2]
	d.batch.Queue(`insert into projects (tenant_id, id, name, template, state, health_reason_customer, start_date, planned_go_live, owner_name, owner_contact, champion_id)
		values ($1, $2, 'Usher rollout', 'logistics', 'active', 'The shipment feed has to run for a week without errors before the cut-over.', $3, $4, 'Nora Lind', 'nora.lind@usher.example', $5)`,
		d.tenant, d.project, d.day(-45), d.day(18), admin.ID)
	d.stages(3)
	d.milestone(1, "Kick-off", "Kick-off", "done", d.day(-40), "Nora Lind", "kickoff", "kick off phase")
	d.milestone(2, "Setup and documents", "Documents complete", "in_progress", d.day(4), admin.Name, "paperwork", "document checklist")
	d.milestone(3, "Setup and documents", "Single sign-on", "done", d.day(-12), member.Name, "SSO", "SSO setup")
	d.milestone(4, "Integration", "Data migration", "in_progress", d.day(7), "Nora Lind", "migration", "initial load")
	d.milestone(5, "Integration", "Shipment feed stable", "at_risk", d.day(11), admin.Name, "shipment feed", "ERP integration")
	d.milestone(6, "Integration", "User acceptance test", "upcoming", d.day(15), manager.Name, "UAT", "acceptance testing")
	d.milestone(7, "Go-live", "Go-live", "upcoming", d.day(18), "Nora Lind", "launch")
	for _, t := range []demoTask{
		{milestone: "Kick-off", title: "Agree on goals and dates", state: "done", side: "customer", assignee: &manager, due: -41, days: 1},
		{milestone: "Single sign-on", title: "Configure single sign-on", state: "done", side: "customer", assignee: &member, due: -13, days: 3},
		{milestone: "Documents complete", title: "Upload the insurance certificate", state: "ready", side: "customer", assignee: &member, due: -4, days: 1},
		{milestone: "Documents complete", title: "Send a new proof of address", state: "ready", side: "customer", assignee: &admin, due: 3, days: 1},
		{milestone: "Data migration", title: "Export historic shipments", state: "done", side: "customer", assignee: &admin, due: -6, days: 4},
		{milestone: "Data migration", title: "Load historic shipments", state: "in_progress", side: "provider", due: 5, days: 5},
		{milestone: "Shipment feed stable", title: "Renew the API token of the transport system", state: "in_progress", side: "customer", assignee: &admin, due: 2, days: 2},
		{milestone: "Shipment feed stable", title: "Run the feed for five days without errors", state: "blocked", side: "provider", due: 10, days: 5,
			blocker: "The transport system refuses the expired API token.", needs: []string{"Renew the API token of the transport system"}},
		{milestone: "Shipment feed stable", title: "Review the pricing exception", state: "in_progress", side: "provider", due: 1, days: 1, visibility: "internal"},
		{milestone: "User acceptance test", title: "Test with three dispatchers", state: "not_ready", side: "customer", assignee: &manager, due: 15, days: 3,
			needs: []string{"Run the feed for five days without errors", "Load historic shipments"}},
		{milestone: "Go-live", title: "Confirm the stock count", state: "not_ready", side: "customer", assignee: &admin, due: 17, days: 1, visibility: "restricted", department: "technical"},
		{milestone: "Go-live", title: "Cut over the Hamburg warehouse", state: "not_ready", side: "provider", due: 18, days: 2,
			needs: []string{"Test with three dispatchers", "Confirm the stock count"}},
	} {
		d.task(t)
	}
	d.document("Certificate of incorporation", "accepted", -20, "", false, "incorporation", "company register extract")
	d.version("Certificate of incorporation", 1, "incorporation.pdf", "accepted", 25, nil, "")
	d.document("Proof of address", "rejected", 3, "", false, "address proof")
	d.version("Proof of address", 1, "electricity-bill.pdf", "rejected", 5, []string{"too_old"}, "The bill is older than three months. Please send one from the last three months.")
	d.document("Insurance certificate", "requested", -4, "", false, "insurance")
	d.document("Security questionnaire", "in_review", 1, "technical", false, "questionnaire")
	d.version("Security questionnaire", 2, "security-questionnaire-v2.xlsx", "in_review", 2, nil, "")
	d.document("Master service agreement", "accepted", -35, "", true, "MSA", "agreement", "contract")
	d.version("Master service agreement", 3, "msa-signed.pdf", "accepted", 36, nil, "")
	d.put("envelopes", "id, project_id, title, aliases, state, expires_on", d.id("envelope/dpa"), d.project, "Data processing agreement", []string{"DPA"}, "sent", d.day(12))
	for i, s := range []struct{ name, state string }{{admin.Name, "signed"}, {manager.Name, "sent"}, {"Nora Lind", "waiting"}} {
		var signed *time.Time
		if s.state == "signed" {
			at := d.now.AddDate(0, 0, -3).Truncate(time.Minute)
			signed = &at
		}
		d.put("signers", "id, envelope_id, name, routing, state, signed_at", d.id("signer/"+s.name), d.id("envelope/dpa"), s.name, i+1, s.state, signed)
	}
	submitted := d.now.AddDate(0, 0, -20)
	d.put("verifications", "id, project_id, kind, internal_state, customer_state, submitted_at, completed_at", d.id("verification/kyb"), d.project, "kyb", "approved", "verified", submitted, submitted.Add(72*time.Hour))
	d.integrate("Transport management system", "production", "relink_needed", "failing", -50*time.Hour, -2*time.Hour, 30*time.Minute, [3]int64{18240, 22800, 112},
		"auth_expired", "The transport system refuses our token: it has expired and has to be renewed.", "TMS", "transport system", "ERP", "shipment feed", "import")
	d.integrate("Salesforce", "production", "connected", "ok", -40*time.Minute, -40*time.Minute, 20*time.Minute, [3]int64{1204, 1204, 0}, "", "", "CRM")
	d.integrate("Single sign-on", "production", "connected", "ok", -3*time.Hour, -3*time.Hour, 0, [3]int64{0, 0, 0}, "", "", "SSO", "Okta")
	issued := d.now.AddDate(0, 0, -38)
	d.put("environments", "id, project_id, kind, state, keys_state, keys_issued_at", d.id("environment/sandbox"), d.project, "sandbox", "ready", "ready", issued)
	d.put("environments", "id, project_id, kind, state, blocked_by, keys_state", d.id("environment/production"), d.project, "production", "provisioning", []string{"Documents complete"}, "requested")
	d.enrol(admin, "Portal administration", "passed", 100, -10, true)
	d.enrol(member, "Portal administration", "started", 40, 6, false)
	d.enrol(manager, "Reading the dashboards", "assigned", 0, 9, false)
	d.meet("Weekly onboarding call", 2, 10, []string{"Nora Lind", admin.Name, manager.Name}, []uuid.UUID{admin.ID, manager.ID})
	d.meet("Acceptance test planning", 6, 14, []string{"Nora Lind", manager.Name}, []uuid.UUID{manager.ID})
	d.put("invitations", "user_id, sent_at, expires_at, accepted_at", member.ID, d.now.AddDate(0, 0, -30), d.now.AddDate(0, 0, -16), d.now.AddDate(0, 0, -29))
}

// goLive is Globex Fintech: almost there, verification in review.
func (d *demo) goLive(people []DemoPerson) {
	admin, member := people[0], people[1]
	d.batch.Queue(`insert into projects (tenant_id, id, name, template, state, start_date, planned_go_live, owner_name, owner_contact, owner_away_until, owner_stand_in, champion_id)
		values ($1, $2, 'Globex payouts on Usher', 'fintech', 'active', $3, $4, 'Tom Becker', 'tom.becker@usher.example', $5, 'Nora Lind', $6)`,
		d.tenant, d.project, d.day(-80), d.day(6), d.day(2), admin.ID)
	d.stages(4)
	d.milestone(1, "Kick-off", "Kick-off", "done", d.day(-75), "Tom Becker", "kickoff")
	d.milestone(2, "Setup and documents", "Documents complete", "done", d.day(-40), admin.Name, "paperwork")
	d.milestone(3, "Integration", "Ledger integration", "done", d.day(-15), member.Name, "ledger", "API integration")
	d.milestone(4, "Go-live", "Payout rehearsal", "in_progress", d.day(3), admin.Name, "rehearsal")
	d.milestone(5, "Go-live", "Go-live", "upcoming", d.day(6), "Tom Becker", "launch")
	for _, t := range []demoTask{
		{milestone: "Kick-off", title: "Agree on the payout countries", state: "done", side: "customer", assignee: &admin, due: -76, days: 2},
		{milestone: "Documents complete", title: "Send the beneficial owner form", state: "done", side: "customer", assignee: &admin, due: -42, days: 3},
		{milestone: "Ledger integration", title: "Connect the ledger", state: "done", side: "customer", assignee: &member, due: -16, days: 8},
		{milestone: "Payout rehearsal", title: "Rehearse ten payouts in the sandbox", state: "in_progress", side: "customer", assignee: &member, due: 2, days: 2},
		{milestone: "Payout rehearsal", title: "Sign the rehearsal off", state: "not_ready", side: "customer", assignee: &admin, due: 3, days: 1, visibility: "restricted", department: "finance",
			needs: []string{"Rehearse ten payouts in the sandbox"}},
		{milestone: "Go-live", title: "Switch production payouts on", state: "not_ready", side: "provider", due: 6, days: 1, needs: []string{"Sign the rehearsal off"}},
	} {
		d.task(t)
	}
	d.document("Audited accounts", "accepted", -45, "finance", false, "accounts")
	d.version("Audited accounts", 1, "accounts.pdf", "accepted", 50, nil, "")
	d.document("Bank letter", "received", -1, "", false, "letter from the bank")
	d.version("Bank letter", 1, "bank-letter.pdf", "pending", 1, nil, "")
	d.document("Payout agreement", "accepted", -30, "", true, "agreement", "contract")
	d.version("Payout agreement", 2, "payout-agreement-signed.pdf", "accepted", 33, nil, "")
	completed := d.now.AddDate(0, 0, -33)
	d.put("envelopes", "id, project_id, title, aliases, state, completed_at", d.id("envelope/payout"), d.project, "Payout agreement", []string{"agreement", "contract"}, "completed", completed)
	for i, name := range []string{admin.Name, "Tom Becker"} {
		d.put("signers", "id, envelope_id, name, routing, state, signed_at", d.id("signer/"+name), d.id("envelope/payout"), name, i+1, "signed", completed)
	}
	d.put("verifications", "id, project_id, kind, internal_state, customer_state, submitted_at, typical_days_from, typical_days_to", d.id("verification/kyb"), d.project, "kyb", "pending", "in_review", d.now.AddDate(0, 0, -3), 2, 5)
	d.put("verifications", "id, project_id, kind, internal_state, customer_state, deadline", d.id("verification/bank"), d.project, "bank", "init", "needs_information", d.day(4))
	d.put("requirements", "id, verification_id, label, bucket, deadline", d.id("requirement/account"), d.id("verification/bank"), "Proof of the settlement account", "currently_due", d.day(4))
	d.put("requirements", "id, verification_id, label, bucket", d.id("requirement/tax"), d.id("verification/bank"), "Tax residency of the second director", "eventually_due")
	d.integrate("Ledger", "production", "connected", "ok", -25*time.Minute, -25*time.Minute, 35*time.Minute, [3]int64{88210, 88210, 0}, "", "", "API integration", "ledger")
	d.integrate("Ledger", "sandbox", "connected", "warning", -6*time.Hour, -20*time.Minute, 40*time.Minute, [3]int64{912, 930, 18}, "", "Eighteen test records have no currency.", "API integration", "ledger")
	issued := d.now.AddDate(0, 0, -70)
	d.put("environments", "id, project_id, kind, state, keys_state, keys_issued_at", d.id("environment/sandbox"), d.project, "sandbox", "ready", "ready", issued)
	d.put("environments", "id, project_id, kind, state, keys_state, keys_issued_at", d.id("environment/production"), d.project, "production", "ready", "ready", d.now.AddDate(0, 0, -10))
	d.enrol(admin, "Approving payouts", "passed", 100, -20, true)
	d.enrol(member, "Reconciling payouts", "started", 70, 2, false)
	d.meet("Go-live readiness", 1, 15, []string{"Nora Lind", admin.Name, member.Name}, []uuid.UUID{admin.ID, member.ID})
}

func (d *demo) enrol(p DemoPerson, course, state string, progress, due int, certificate bool) {
	var at *time.Time
	if certificate {
		day := d.now.AddDate(0, 0, due)
		at = &day
	}
	d.put("enrolments", "id, project_id, user_id, course, state, progress, due, certificate_at", d.id("course/"+p.Name+course), d.project, p.ID, course, state, progress, d.day(due), at)
}

func (d *demo) meet(title string, days, hour int, names []string, ids []uuid.UUID) {
	day := d.day(days)
	d.put("meetings", "id, project_id, title, starts_at, attendees, attendee_ids, join_link", d.id("meeting/"+title), d.project, title,
		day.Add(time.Duration(hour)*time.Hour), names, ids, "https://meet.usher.example/"+d.id("meeting/" + title).String()[:8])
}
