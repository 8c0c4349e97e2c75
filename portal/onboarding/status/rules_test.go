package status_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// What an answer must contain and when people are called, question by question.
func TestRulesOfTheQuestions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC) // a Wednesday
	today := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	day := func(n int) *time.Time { d := today.AddDate(0, 0, n); return &d }
	at := func(d time.Duration) *time.Time { moment := now.Add(d); return &moment }
	days := func(n int) *int { return &n }
	me := uuid.MustParse("00000000-0000-0000-0000-0000000000aa")
	launch := uuid.MustParse("00000000-0000-0000-0000-0000000000bb")
	failing := uuid.MustParse("00000000-0000-0000-0000-0000000000cc")
	task := func(k onboarding.Task) onboarding.Record {
		k.ID, k.Visibility, k.MilestoneID = uuid.New(), "customer", &launch
		return onboarding.Record{Milestones: []onboarding.Milestone{{ID: launch, Name: "Go-live", State: "upcoming", GoLive: true}}, Tasks: []onboarding.Task{k}}
	}
	document := func(d onboarding.Document) onboarding.Record {
		d.ID, d.Title = uuid.New(), "Bank letter"
		return onboarding.Record{Documents: []onboarding.Document{d}}
	}
	rejected := func(n int) (out []onboarding.Version) {
		for i := range n {
			out = append(out, onboarding.Version{ID: uuid.New(), Number: i + 1, FileName: "a.pdf", ScanState: "clean", ReviewState: "rejected", UploadedAt: *at(-time.Hour), Message: "Too old."})
		}
		return out
	}
	envelope := func(state string, signers ...onboarding.Signer) onboarding.Record {
		return onboarding.Record{Envelopes: []onboarding.Envelope{{ID: uuid.New(), Title: "DPA", State: state, ExpiresOn: day(9), ObservedAt: now, Signers: signers}}}
	}
	check := func(v onboarding.Verification) onboarding.Record {
		v.ID, v.Kind, v.TypicalDaysFrom, v.TypicalDaysTo, v.ObservedAt = uuid.New(), "kyb", 2, 5, now
		return onboarding.Record{Verifications: []onboarding.Verification{v}}
	}
	integration := func(i onboarding.Integration) onboarding.Record {
		i.ID, i.Connector, i.Environment = failing, "SAP", "production"
		if i.ObservedAt.IsZero() {
			i.ObservedAt = now
		}
		return onboarding.Record{Integrations: []onboarding.Integration{i}}
	}
	person := func(p onboarding.Person) onboarding.Record {
		p.ID, p.Name = uuid.New(), "Maria Lang"
		return onboarding.Record{People: []onboarding.Person{p}}
	}
	for name, c := range map[string]struct {
		intent, text string
		record       onboarding.Record
		project      onboarding.Project
		tickets      []status.Ticket
		say, not     []string
		people       bool
		turn         string
		offer        bool
	}{
		"SQ02 later than the plan by more than ten working days": {
			intent: "onboarding.go_live_date", record: task(onboarding.Task{Title: "Build", State: "ready", Responsibility: "provider", DurationDays: days(20)}),
			project: onboarding.Project{PlannedGoLive: day(5)}, say: []string{"currently forecast", "working days later than planned"}, people: true, turn: "provider",
		},
		"SQ02 a little later": {
			intent: "onboarding.go_live_date", record: task(onboarding.Task{Title: "Build", State: "ready", Responsibility: "customer", DurationDays: days(8)}),
			project: onboarding.Project{PlannedGoLive: day(5)}, say: []string{"planned date"}, not: []string{"later than planned"}, turn: "customer",
		},
		"SQ02 a commitment is asked for": {
			intent: "onboarding.go_live_date", text: "Can you guarantee the date?", record: task(onboarding.Task{Title: "Build", State: "ready", Responsibility: "customer", DurationDays: days(1)}),
			say: []string{"not a promise"}, people: true, turn: "customer",
		},
		"SQ04 our blocker is overdue": {
			intent: "tasks.blockers", record: task(onboarding.Task{Title: "Open the port", State: "blocked", Responsibility: "provider", Blocker: "The order is late.", Due: day(-2)}),
			say: []string{"The order is late.", "overdue since 23 November 2026", "It's our turn."}, people: true, turn: "provider",
		},
		"SQ04 our blocker is in time": {
			intent: "tasks.blockers", record: task(onboarding.Task{Title: "Open the port", State: "blocked", Responsibility: "provider", Blocker: "The order is late.", Due: day(2)}), turn: "provider",
		},
		"SQ04 no reason for customers": {
			intent: "tasks.blockers", record: task(onboarding.Task{Title: "Open the port", State: "blocked", Responsibility: "third_party"}), say: []string{"not been written down"}, people: true, turn: "third_party",
		},
		"SQ05 nobody owns the project": {intent: "people.owner", people: true},
		"SQ09 the file did not pass": {
			intent: "document.received", text: "the bank letter?", record: document(onboarding.Document{State: "received", Versions: []onboarding.Version{{Number: 1, FileName: "a.pdf", ScanState: "infected", UploadedAt: now}}}),
			say: []string{"did not pass"}, people: true, turn: "provider",
		},
		"SQ10 the target has passed": {
			intent: "document.review_status", text: "the bank letter?", record: document(onboarding.Document{State: "in_review", ReviewTarget: day(-1), Versions: []onboarding.Version{{Number: 1, UploadedAt: now}}}),
			say: []string{"24 November 2026", "late"}, people: true, turn: "provider",
		},
		"SQ10 the target is ahead": {
			intent: "document.review_status", text: "the bank letter?", record: document(onboarding.Document{State: "in_review", ReviewTarget: day(1), Versions: []onboarding.Version{{Number: 1, UploadedAt: now}}}),
			say: []string{"by 26 November 2026"}, turn: "provider",
		},
		"SQ12 rejected once": {
			intent: "document.rejection_reason", text: "the bank letter?", record: document(onboarding.Document{State: "rejected", Due: day(3), Versions: rejected(1)}), say: []string{"Too old.", "by 28 November 2026"}, turn: "customer",
		},
		"SQ12 rejected again": {
			intent: "document.rejection_reason", text: "the bank letter?", record: document(onboarding.Document{State: "rejected", Versions: rejected(2)}), say: []string{"Too old.", "somebody will help"}, people: true, turn: "customer",
		},
		"SQ13 the request bounced": {
			intent: "signature.status", record: envelope("sent", onboarding.Signer{Name: "Cem", Routing: 1, State: "bounced"}), say: []string{"could not be delivered"}, people: true, turn: "provider",
		},
		"SQ13 somebody of theirs is next": {
			intent: "signature.status", record: envelope("sent", onboarding.Signer{Name: "Cem", Routing: 1, State: "sent"}), say: []string{"expires on 4 December 2026", "It's your turn."}, turn: "customer",
		},
		"SQ13 our signature is next": {
			intent: "signature.status", record: envelope("sent", onboarding.Signer{Name: "Cem", Routing: 1, State: "signed"}, onboarding.Signer{Name: "Nora", Routing: 2, State: "sent"}),
			project: onboarding.Project{OwnerName: "Nora"}, turn: "provider",
		},
		"SQ13 declined":              {intent: "signature.status", record: envelope("declined"), people: true, turn: "provider"},
		"SQ14 there is none":         {intent: "document.latest_version", record: onboarding.Record{}, people: true},
		"SQ14 no completed version":  {intent: "document.latest_version", record: document(onboarding.Document{State: "in_review", Final: true}), people: true, turn: "provider"},
		"SQ16 something is past due": {intent: "verification.requirements_due", record: check(onboarding.Verification{State: "needs_information", Requirements: []onboarding.Requirement{{Label: "Register", Bucket: "past_due", Deadline: day(-1)}}}), say: []string{"Register (overdue, by 24 November 2026)"}, people: true, turn: "customer"},
		"SQ16 due later":             {intent: "verification.requirements_due", record: check(onboarding.Verification{State: "needs_information", Requirements: []onboarding.Requirement{{Label: "Register", Bucket: "currently_due"}}}), turn: "customer"},
		"SQ16 information is wanted, of which we have no list": {
			intent: "verification.requirements_due", record: check(onboarding.Verification{State: "needs_information", Deadline: day(4)}),
			say: []string{"waiting for information from you", "29 November 2026"}, not: []string{"Nothing is outstanding"}, turn: "customer", offer: true,
		},
		"SQ16 nothing is wanted":       {intent: "verification.requirements_due", record: check(onboarding.Verification{State: "in_review"}), say: []string{"Nothing is outstanding"}},
		"SQ17 within the usual":        {intent: "verification.eta", record: check(onboarding.Verification{State: "in_review", SubmittedAt: at(-48 * time.Hour)}), say: []string{"2 days"}, not: []string{"longer"}, turn: "third_party"},
		"SQ17 beyond the usual":        {intent: "verification.eta", record: check(onboarding.Verification{State: "in_review", SubmittedAt: at(-240 * time.Hour)}), say: []string{"10 days", "longer than usual"}, people: true, turn: "third_party"},
		"SQ18 to be reconnected today": {intent: "integration.connection_status", record: integration(onboarding.Integration{AuthState: "relink_needed", SyncState: "ok", AuthSince: *at(-2 * time.Hour)}), say: []string{"sign in"}, turn: "customer"},
		"SQ18 for more than a day":     {intent: "integration.connection_status", record: integration(onboarding.Integration{AuthState: "relink_needed", SyncState: "ok", AuthSince: *at(-25 * time.Hour)}), say: []string{"sign in"}, people: true, turn: "customer"},
		"SQ19 a run did not come": {
			intent: "integration.last_sync", record: integration(onboarding.Integration{AuthState: "connected", SyncState: "ok", NextRunAt: at(-3 * time.Hour), ObservedAt: *at(-5 * time.Hour)}),
			say: []string{"heard nothing since"}, people: true, offer: true,
		},
		"SQ18 a run did not come": {
			intent: "integration.connection_status", record: integration(onboarding.Integration{AuthState: "connected", SyncState: "ok", NextRunAt: at(-3 * time.Hour), ObservedAt: *at(-5 * time.Hour)}),
			say: []string{"heard nothing since"}, offer: true,
		},
		"SQ20 when there is news": {
			intent: "integration.error_followup", record: integration(onboarding.Integration{AuthState: "connected", SyncState: "failing", Message: "It refuses us."}),
			tickets: []status.Ticket{{Number: 1042, State: "working_on_it", Origin: "integration_error", IntegrationID: failing, NextReplyDueAt: at(2 * time.Hour)}},
			say:     []string{"Ticket #1042", "next reply by 25 November 2026, 12:00"}, turn: "provider",
		},
		"SQ20 the news is late": {
			intent: "integration.error_followup", record: integration(onboarding.Integration{AuthState: "connected", SyncState: "failing"}),
			tickets: []status.Ticket{{Number: 1042, State: "working_on_it", Origin: "integration_error", IntegrationID: failing, NextReplyDueAt: at(-time.Hour)}},
			say:     []string{"later than promised"}, people: true, turn: "provider",
		},
		"SQ20 no ticket":              {intent: "integration.error_followup", record: integration(onboarding.Integration{AuthState: "connected", SyncState: "failing"}), people: true, turn: "provider"},
		"SQ21 setting up failed":      {intent: "access.environment_ready", record: onboarding.Record{Environments: []onboarding.Environment{{ID: me, Kind: "production", State: "failed"}}}, people: true, turn: "provider"},
		"SQ22 roles":                  {intent: "access.user_invite", text: "Does Maria have access?", record: person(onboarding.Person{State: "active", Roles: []string{"admin", "manager"}}), say: []string{"Role: administrator and manager."}},
		"SQ22 the invitation bounced": {intent: "access.user_invite", text: "Was Maria invited?", record: person(onboarding.Person{State: "invited", BouncedAt: &now}), people: true, turn: "provider"},
		"SQ24 the reply is late":      {intent: "ticket.status", tickets: []status.Ticket{{Number: 7, State: "received", NextReplyDueAt: at(-time.Hour)}}, say: []string{"later than promised"}, people: true, turn: "provider"},
		"SQ24 we wait for them":       {intent: "ticket.status", tickets: []status.Ticket{{Number: 7, State: "waiting_for_you"}}, say: []string{"waiting for your answer"}, turn: "customer"},
		"SQ25 none is booked":         {intent: "meeting.next", project: onboarding.Project{OwnerName: "Nora", OwnerContact: "https://meet.example/nora"}, say: []string{"Nora arranges one", "https://meet.example/nora"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.record
			r.Tenant, r.Project = onboarding.Tenant{TimeZone: "UTC"}, c.project
			r.Project.State = "active"
			text := c.text
			if text == "" {
				text = "?"
			}
			a := status.Resolve(status.Input{Record: r, Tickets: c.tickets, Now: now, Asker: onboarding.Asker{UserID: me, Roles: []string{"admin"}}}, status.Question{Intent: c.intent, Text: text, Language: "en"})
			for _, say := range c.say {
				require.Contains(t, a.Text, say)
			}
			for _, not := range c.not {
				require.NotContains(t, a.Text, not)
			}
			require.Equal(t, c.people, a.Escalate != "", "people are called: %q", a.Escalate)
			require.Equal(t, c.turn, a.Turn, a.Text)
			require.Equal(t, c.offer, a.Offer)
		})
	}
}

// What waits for a customer is all of it, once, and neither signers nor what a
// verification lacks of whom.
func TestEverythingThatWaitsIsSaid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	me, other := uuid.New(), uuid.New()
	r := onboarding.Record{
		Tenant: onboarding.Tenant{TimeZone: "UTC"}, Project: onboarding.Project{State: "active"},
		Tasks:     []onboarding.Task{{ID: uuid.New(), Title: "Send a new proof of address", State: "ready", Responsibility: "customer", Visibility: "customer", AssigneeName: "Ana"}},
		Documents: []onboarding.Document{{ID: uuid.New(), Title: "Proof of address", State: "rejected"}, {ID: uuid.New(), Title: "Bank letter", State: "requested"}, {ID: uuid.New(), Title: "Payroll", State: "requested", Department: "finance"}},
		Envelopes: []onboarding.Envelope{{ID: uuid.New(), Title: "DPA", State: "sent", Signers: []onboarding.Signer{{Name: "Cem Yilmaz", Routing: 1, State: "sent"}}}},
		Verifications: []onboarding.Verification{{
			ID: uuid.New(), Kind: "bank", State: "needs_information",
			Requirements: []onboarding.Requirement{{Label: "Passport of Cem", Bucket: "currently_due"}, {Label: "Later", Bucket: "eventually_due"}},
		}},
		Integrations: []onboarding.Integration{{ID: uuid.New(), Connector: "SAP", Environment: "production", AuthState: "relink_needed"}},
		Enrolments:   []onboarding.Enrolment{{ID: uuid.New(), UserID: me, Course: "Basics", Required: true, State: "assigned"}, {ID: uuid.New(), UserID: other, Course: "Basics", Required: true, State: "started"}},
	}
	ask := func(roles ...string) status.Answer {
		asker := onboarding.Asker{UserID: me, Roles: roles}
		return status.Resolve(status.Input{Record: r, Now: now, Asker: asker}, status.Question{Intent: "tasks.customer_next_actions", Text: "What do you need from us?", Language: "en"})
	}
	a := ask("member")
	require.Equal(t, "customer", a.Turn)
	require.Contains(t, a.Text, "6 items")
	for _, want := range []string{"[Send a new proof of address](/documents#document-", "[Bank letter](/documents#document-", "[DPA](/documents#signatures)", "[Your bank account check](/onboarding#verification): information from you is needed (one item)", "[SAP](/onboarding#integrations)", "[Basics](/onboarding#training)"} {
		require.Contains(t, a.Text, want)
	}
	for _, not := range []string{"[Proof of address]", "Payroll", "Cem", "Passport", "Courses of your team"} {
		require.NotContains(t, a.Text, not)
	}
	require.Contains(t, ask("manager").Text, "[Courses of your team](/onboarding#training): one course to finish")
	view := r.View(onboarding.Asker{UserID: me}, now)
	require.Len(t, view.NextActions, 6)
	require.Equal(t, "customer", view.Turn)
	require.Contains(t, view.Suggestions, "What do you need from us next?")

	r.Tasks, r.Documents, r.Envelopes, r.Verifications, r.Enrolments = nil, nil, nil, nil, nil
	require.Contains(t, ask("member").Text, "sign in again", "with no task at all something may wait")
	r.Integrations = nil
	require.Contains(t, ask("member").Text, "Nothing is waiting for you right now. It's our turn.")
	r.Project.State = "live"
	require.Equal(t, "Nothing is waiting for you right now.", ask("member").Text)
}
