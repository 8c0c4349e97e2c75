package status_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

type world struct {
	record  onboarding.Record
	people  []onboarding.DemoPerson
	tenant  uuid.UUID
	now     time.Time
	tickets []status.Ticket
}

func demo(t *testing.T, stage string) world {
	t.Helper()
	w, _ := demoIn(t, stage)
	return w
}

func demoIn(t *testing.T, stage string) (world, *dbtest.Database) {
	t.Helper()
	db := dbtest.New(t)
	w := world{tenant: db.Tenant(t, "acme"), now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	for _, p := range []struct {
		name, email string
		roles       []string
	}{{"Ana Keller", "ana@acme.test", []string{"admin"}}, {"Bruno Silva", "bruno@acme.test", []string{"member"}}, {"Maria Lang", "maria@acme.test", []string{"manager"}}} {
		w.people = append(w.people, onboarding.DemoPerson{ID: db.User(t, w.tenant, p.email, p.roles...), Name: p.name})
	}
	require.NoError(t, db.Worker.WithTenant(t.Context(), w.tenant, func(tx pgx.Tx) error {
		for _, p := range w.people {
			if _, err := tx.Exec(t.Context(), `update users set display_name = $3 where tenant_id = $1 and id = $2`, w.tenant, p.ID, p.Name); err != nil {
				return err
			}
		}
		return onboarding.SeedDemo(t.Context(), tx, w.tenant, stage, w.people, w.now)
	}))
	require.NoError(t, db.App.WithTenant(t.Context(), w.tenant, func(tx pgx.Tx) (err error) {
		w.record, err = onboarding.Load(t.Context(), tx, w.tenant)
		return err
	}))
	due := w.now.Add(3 * time.Hour)
	w.tickets = []status.Ticket{{Number: 1042, Subject: "Import stops", State: "working_on_it", Assignee: "Sam Rivera", Origin: "integration_error", NextReplyDueAt: &due, UpdatedAt: w.now}}
	return w, db
}

func (w world) ask(intent, text string, person int, roles ...string) status.Answer {
	var departments []string // the demo's administrator is in one
	if slices.Contains(roles, "admin") {
		departments = []string{"technical"}
	}
	return status.Resolve(status.Input{
		Record: w.record, Tickets: w.tickets, Now: w.now,
		Asker: onboarding.Asker{TenantID: w.tenant, UserID: w.people[person].ID, Roles: roles, Departments: departments},
	}, status.Question{Intent: intent, Text: text, Language: "en"})
}

func TestEveryQuestionIsAnsweredFromTheDemoRecords(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(dbtest.TestData(t, "reference", "status-questions.json"))
	require.NoError(t, err)
	var file struct {
		Questions []struct {
			Intent, Question string
			Paraphrases      []string
		}
	}
	require.NoError(t, json.Unmarshal(body, &file))
	require.Len(t, file.Questions, 25)
	require.Len(t, status.Intents, 25)
	for _, stage := range []string{"integration", "go_live"} {
		w := demo(t, stage)
		for _, q := range file.Questions {
			for _, text := range append([]string{q.Question}, q.Paraphrases...) {
				a := w.ask(q.Intent, text, 0, "admin")
				t.Logf("%s | %s\n  %s %s %v [%s]", q.Intent, text, a.Text, a.Clarify, a.Options, a.Escalate)
				require.True(t, a.Text != "" || a.Clarify != "", "%s: %s", q.Intent, text)
				require.NotContains(t, a.Text, "{", "%s: %s", q.Intent, text)
				require.NotContains(t, a.Text, "pricing exception", "internal work is never named")
				if a.Text != "" {
					require.NotEmpty(t, a.Basis, "%s: %s", q.Intent, text)
					require.False(t, a.AsOf.IsZero())
					require.NotEmpty(t, a.Link)
				}
			}
		}
	}
}

// Reading only what an intent needs gives the same answer as reading everything.
func TestNeedsAreEnough(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"integration", "go_live"} {
		w, db := demoIn(t, stage)
		// A question of every intent may name a thing of any kind.
		named := []string{"What about it?", "What about production?", "What about the sandbox?", "What about Bruno?", "What about ticket #1042?"}
		for _, m := range w.record.Milestones {
			named = append(named, "What about "+m.Name+"?")
		}
		for _, d := range w.record.Documents {
			named = append(named, "What about the "+d.Title+"?")
		}
		for _, e := range w.record.Envelopes {
			named = append(named, "What about the "+e.Title+"?")
		}
		for _, i := range w.record.Integrations {
			named = append(named, "What blocks our "+i.Connector+" integration?")
		}
		for _, k := range w.record.Tasks {
			named = append(named, "What about "+k.Title+"?")
		}
		require.Greater(t, len(named), 20)
		for _, intent := range status.Intents {
			part := w
			require.NoError(t, db.App.WithTenant(t.Context(), w.tenant, func(tx pgx.Tx) (err error) {
				part.record, err = onboarding.Load(t.Context(), tx, w.tenant, status.Needs(intent))
				return err
			}))
			for _, text := range named {
				in := status.Input{Record: part.record, Asker: onboarding.Asker{TenantID: w.tenant, UserID: w.people[0].ID, Roles: []string{"admin"}}}
				if status.Strange(in, status.Question{Intent: intent, Text: text, Language: "en"}) {
					continue // the whole record is read then
				}
				require.Equal(t, w.ask(intent, text, 0, "admin"), part.ask(intent, text, 0, "admin"), "%s: %s", intent, text)
			}
		}
	}
}

func TestAnswersOfTheDemo(t *testing.T) {
	t.Parallel()
	w := demo(t, "integration")
	for _, c := range []struct {
		intent, text string
		person       int
		roles        string
		want, not    []string
	}{
		{"people.owner", "Who is our onboarding manager?", 1, "member", []string{"Nora Lind", "nora.lind@usher.example", "Ana Keller"}, nil},
		{"document.rejection_reason", "Why was our proof of address rejected?", 1, "member", []string{"older than three months"}, nil},
		{"document.received", "Has our insurance certificate arrived?", 1, "member", []string{"has not arrived"}, nil},
		{"document.review_status", "status of the security questionnaire", 1, "member", nil, []string{"questionnaire”"}},
		{"document.review_status", "status of the security questionnaire", 0, "admin", []string{"in review"}, nil},
		{"signature.status", "Is the DPA signed?", 1, "member", []string{"out for signature", "Signed: Ana Keller", "Maria Lang and Nora Lind", "The next is Maria Lang"}, nil},
		{"document.received", "did you get my DPA?", 0, "admin", []string{"“Data processing agreement” is out for signature", "It's your turn."}, []string{"no document with that name", "Maria", "Signed:"}},
		{"document.received", "Did you receive the coi?", 1, "member", []string{"Certificate of incorporation"}, []string{"no document with that name"}},
		{"tasks.blockers", "what's blocking the salesforce integration?", 1, "member", []string{"Salesforce", "connected"}, []string{"insurance"}},
		{"verification.status", "Are we verified?", 1, "member", []string{"business verification", "verified"}, nil},
		{"integration.connection_status", "Is our Salesforce integration connected?", 1, "member", []string{"Salesforce", "connected", "last successful run"}, []string{"Transport"}},
		{"integration.error_followup", "The import failed, is somebody looking at it?", 1, "member", []string{"Transport management system", "Ticket #1042"}, nil},
		{"access.user_invite", "Did the invitation to Maria go out?", 1, "member", []string{"Only the administrators"}, []string{"Maria"}},
		{"access.user_invite", "Does Bruno have access?", 0, "admin", []string{"Bruno Silva has access"}, nil},
		{"access.user_invite", "Did the invitation to Zoltan go out?", 0, "admin", []string{"nobody with that name"}, nil},
		{"training.status", "Who on our team has finished the training?", 1, "member", []string{"You have finished 0 of 1"}, []string{"Ana"}},
		{"training.status", "Who on our team has finished the training?", 2, "manager", []string{"Ana Keller", "1 of 3"}, nil},
		{"ticket.status", "Any news on ticket #1042?", 0, "admin", []string{"Sam Rivera", "by 23 November 2026"}, nil},
		{"ticket.status", "Any news on case 4821?", 0, "admin", []string{"no ticket #4821"}, nil},
		{"meeting.next", "When is our next onboarding call?", 1, "member", []string{"Weekly onboarding call", "Europe/Berlin"}, []string{"join link"}},
		{"milestone.status", "Has user acceptance testing been signed off?", 1, "member", []string{"User acceptance test"}, nil},
		{"onboarding.go_live_date", "When will we go live?", 1, "member", []string{"currently forecast", "planned date"}, nil},
	} {
		a := w.ask(c.intent, c.text, c.person, strings.Fields(c.roles)...)
		for _, want := range c.want {
			require.Contains(t, a.Text, want, c.text)
		}
		for _, not := range c.not {
			require.NotContains(t, a.Text, not, c.text)
		}
	}
}

// Why a review takes place does not show: a restricted one reads as any other.
func TestReasonsForAReviewDoNotShow(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "globex")
	admin := db.User(t, tenant, "grace@globex.test", "admin")
	other := db.User(t, tenant, "henry@globex.test")
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	people := []onboarding.DemoPerson{{ID: admin, Name: "Grace"}, {ID: other, Name: "Henry"}}
	var seen []string
	for i, internal := range []string{"pending", "queued", "onHold", "sanctions_hit", "sar_filed", "manual_review"} {
		require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			if i == 0 {
				if err := onboarding.SeedDemo(t.Context(), tx, tenant, "go_live", people, now); err != nil {
					return err
				}
			}
			_, err := tx.Exec(t.Context(), `update verifications set internal_state = $2 where tenant_id = $1 and kind = 'kyb'`, tenant, internal)
			return err
		}))
		var record onboarding.Record
		require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) (err error) {
			record, err = onboarding.Load(t.Context(), tx, tenant)
			return err
		}))
		asker := onboarding.Asker{TenantID: tenant, UserID: admin, Roles: []string{"admin"}}
		all := ""
		for _, intent := range []string{"verification.status", "verification.eta", "verification.requirements_due", "onboarding.overall_status"} {
			answer, err := json.Marshal(status.Resolve(status.Input{Record: record, Asker: asker, Now: now}, status.Question{Intent: intent, Text: "?", Language: "en"}))
			require.NoError(t, err)
			all += string(answer)
		}
		view, err := json.Marshal(record.View(asker, now))
		require.NoError(t, err)
		seen = append(seen, all+string(view))
		require.Equal(t, seen[0], seen[i], internal)
	}
}

// Dates, times and numbers follow the asker's locale, in the tenant's time zone.
func TestDatesAndNumbersFollowTheLocale(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	at, done, total := time.Date(2026, 11, 24, 0, 30, 0, 0, time.UTC), int64(1234), int64(1_234_567)
	record := onboarding.Record{
		Tenant:       onboarding.Tenant{TimeZone: "America/New_York"},
		Integrations: []onboarding.Integration{{Connector: "SAP", Environment: "production", AuthState: "connected", SyncState: "syncing", NextRunAt: &at, RecordsDone: &done, RecordsTotal: &total, ObservedAt: now}},
	}
	for _, c := range []struct{ language, locale, want, count string }{
		{"en", "en-US", "November 23, 2026, 7:30 PM (America/New_York)", "1,234,567"},
		{"en", "en-GB", "23 November 2026, 19:30 (America/New_York)", "1,234,567"},
		{"en", "de-DE", "23 November 2026, 19:30", "1,234,567"},
		{"de", "de-DE", "23. November 2026, 19:30 Uhr", "1.234.567"},
		{"de", "de-CH", "23. November 2026, 19:30 Uhr", "1’234’567"},
		{"fr", "fr-FR", "23 novembre 2026", "1\u202f234\u202f567"},
		{"es", "es-ES", "23 de noviembre de 2026", "1234"},
		{"es", "es-MX", "23 de noviembre de 2026", "1,234"},
		{"pt", "pt-BR", "23 de novembro de 2026", "1.234.567"},
	} {
		a := status.Resolve(status.Input{Record: record, Asker: onboarding.Asker{Locale: c.locale}, Now: now}, status.Question{Intent: "integration.last_sync", Text: "SAP", Language: c.language})
		require.Contains(t, a.Text, c.want, c.locale)
		require.Contains(t, a.Text, c.count, c.locale)
	}
	text, ok := status.Sentence("en-US", "notice.milestone.slipped", map[string]string{"name": "Kick-off", "date": "2026-11-23"})
	require.True(t, ok)
	require.Contains(t, text, "November 23, 2026")
}

// A connection that is silent past its time is not told as if it were fresh.
func TestASilentFeedIsSaid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	due := ago(2 * time.Hour)
	for name, c := range map[string]struct {
		i     onboarding.Integration
		stale bool
	}{
		"heard of after the run was due":   {onboarding.Integration{AuthState: "connected", SyncState: "ok", NextRunAt: &due, ObservedAt: ago(time.Hour)}, false},
		"the run was due, nothing came":    {onboarding.Integration{AuthState: "connected", SyncState: "ok", NextRunAt: &due, ObservedAt: ago(3 * time.Hour)}, true},
		"no schedule, heard of yesterday":  {onboarding.Integration{AuthState: "connected", SyncState: "ok", ObservedAt: ago(20 * time.Hour)}, false},
		"no schedule, silent for two days": {onboarding.Integration{AuthState: "connected", SyncState: "failing", ObservedAt: ago(48 * time.Hour)}, true},
		"paused":                           {onboarding.Integration{AuthState: "connected", SyncState: "paused", ObservedAt: ago(480 * time.Hour)}, false},
		"not connected":                    {onboarding.Integration{AuthState: "not_connected", SyncState: "never", ObservedAt: ago(480 * time.Hour)}, false},
	} {
		c.i.Connector, c.i.Environment = "SAP", "production"
		for _, intent := range []string{"integration.connection_status", "integration.last_sync"} {
			a := status.Resolve(status.Input{Record: onboarding.Record{Tenant: onboarding.Tenant{TimeZone: "UTC"}, Integrations: []onboarding.Integration{c.i}}, Now: now}, status.Question{Intent: intent, Text: "SAP", Language: "en"})
			require.Equal(t, c.stale, a.Stale, name)
			require.Equal(t, c.stale, strings.Contains(a.Text, "heard nothing since"), name)
			require.NotContains(t, a.Text, "Next run: 23 November 2026, 08:00", "no run in the past is the next one")
			require.Equal(t, c.i.ObservedAt, a.AsOf, name)
		}
	}
}
