package notice_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/notice"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

func system(t *testing.T, db *dbtest.Database, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, db.Worker.WithSystem(t.Context(), "notices", fn))
}

// work runs the job that delivers what is due.
func work(t *testing.T, db *dbtest.Database, now time.Time, deliver notice.Deliver) {
	t.Helper()
	sender := &notice.Sender{DB: db.Worker, Log: slog.New(slog.DiscardHandler), Deliver: deliver, Now: func() time.Time { return now }}
	require.NoError(t, sender.Work(t.Context(), nil))
}

// A milestone slips, a signature is missing, a project stalls and its health
// changes: the customer hears each once, in the morning, in their language; the
// owner hears of stall and health.
func TestACustomerHearsWhatHappensOnceAndNotAtNight(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme") // Europe/Berlin
	ana, bo := db.User(t, tenant, "ana@acme.test", "admin"), db.User(t, tenant, "bo@acme.test")
	night := time.Date(2026, 11, 23, 22, 30, 0, 0, time.UTC) // 23:30 there
	owner := []string{}
	f := &feed.Feed{}
	f.Rules = &rule.Engine{Do: notice.Do(func() time.Time { return night }, func(_ context.Context, _ pgx.Tx, f rule.Fired) error {
		owner = append(owner, f.Event.Kind)
		return nil
	})}
	project := uuid.New()
	system(t, db, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`update users set locale = 'de' where tenant_id = $1 and id = $2`, tenant, ana)
		batch.Queue(`insert into projects (tenant_id, id, name, start_date, planned_go_live) values ($1, $2, 'P', '2026-10-01', '2026-12-01')`, tenant, project)
		batch.Queue(`insert into milestones (tenant_id, id, project_id, ordinal, name, state, due, go_live) values ($1, $2, $3, 1, 'Go-live', 'upcoming', '2026-11-20', true)`, tenant, uuid.New(), project)
		batch.Queue(`insert into tasks (tenant_id, id, project_id, title, state, responsibility, due, duration_days) values ($1, $2, $3, 'Sign off', 'ready', 'customer', '2026-11-20', 1)`, tenant, uuid.New(), project)
		batch.Queue(`insert into envelopes (tenant_id, id, project_id, title, state, observed_at) values ($1, $2, $3, 'DPA', 'sent', '2026-11-10')`, tenant, project, project)
		batch.Queue(`insert into signers (tenant_id, id, envelope_id, name, routing, state) values ($1, $2, $3, 'Maria Lang', 1, 'sent')`, tenant, uuid.New(), project)
		return errors.Join(tx.SendBatch(t.Context(), batch).Close(), rule.Seed(t.Context(), tx))
	})
	sweeper := &feed.Sweeper{DB: db.Worker, Feed: f, Now: func() time.Time { return night }}
	for range 3 {
		require.NoError(t, sweeper.Work(t.Context(), nil))
	}
	require.Equal(t, []string{rule.HealthChanged, rule.Stalled}, owner)

	var heard []notice.Message
	deliver := func(_ context.Context, _ pgx.Tx, m notice.Message) error {
		heard = append(heard, m)
		return nil
	}
	send := func(at time.Time) { work(t, db, at, deliver) }
	send(night.Add(8 * time.Hour)) // 07:30
	require.Empty(t, heard)
	morning := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	send(morning)
	send(morning.Add(time.Hour))
	texts := map[string]string{}
	for _, m := range heard {
		require.Equal(t, ana, m.UserID, "bo is no administrator")
		texts[m.Kind] = m.Text
	}
	require.Len(t, heard, 2)
	require.Equal(t, "Der Meilenstein **Go-live** war am 20. November 2026 fällig und ist noch nicht erreicht.", texts[rule.MilestoneSlipped])
	require.Equal(t, "„DPA“ wartet noch auf die Unterschrift von Maria Lang.", texts[rule.SignatureMissing])

	// A rejected document concerns who sent it; a failed delivery is due again.
	rejected := rule.Fired{Rule: "document_rejected", Action: rule.Action{Kind: rule.TellCustomer}, Event: rule.Event{
		TenantID: tenant, Kind: rule.DocumentRejected, Subject: "document/1/v1", UserID: bo, Fields: map[string]string{"name": "Bank letter", "message": "It is not signed.", "restricted": "false"},
	}}
	system(t, db, func(tx pgx.Tx) error {
		return errors.Join(notice.Create(t.Context(), tx, rejected, morning), notice.Create(t.Context(), tx, rejected, morning))
	})
	heard = nil
	work(t, db, morning, func(context.Context, pgx.Tx, notice.Message) error { return errors.New("no channel") })
	var why string
	system(t, db, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select error_internal from onboarding_notices where tenant_id = $1 and sent_at is null and failed_at is null`, tenant).Scan(&why)
	})
	require.Contains(t, why, "no channel")
	send(morning.Add(time.Minute))
	require.Len(t, heard, 1)
	require.Equal(t, bo, heard[0].UserID)
	require.Equal(t, "We could not accept “Bank letter”. It is not signed. Please send a new version.", heard[0].Text)
	require.Equal(t, "/documents", heard[0].Link)
}

// One notice that cannot be delivered, and one that cannot even be put into words,
// are put aside where curators see them; the others go on, of all tenants.
func TestANoticeThatFailsHoldsBackNobodyElse(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant, other := db.Tenant(t, "acme"), db.Tenant(t, "globex")
	ana, zoe := db.User(t, tenant, "ana@acme.test", "admin"), db.User(t, other, "zoe@globex.test", "admin")
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	fired := func(tenant uuid.UUID, name, kind string) rule.Fired {
		return rule.Fired{Rule: name, Action: rule.Action{Kind: rule.TellCustomer}, Event: rule.Event{TenantID: tenant, Kind: kind, Subject: name, Fields: map[string]string{"name": name}}}
	}
	system(t, db, func(tx pgx.Tx) error {
		return errors.Join( // a rule of before customers could not be told of it comes first
			notice.Create(t.Context(), tx, fired(tenant, "old_rule", rule.HealthChanged), now.Add(-2*time.Hour)),
			notice.Create(t.Context(), tx, fired(tenant, "broken", rule.DocumentAccepted), now.Add(-time.Hour)),
			notice.Create(t.Context(), tx, fired(tenant, "fine", rule.DocumentAccepted), now),
			notice.Create(t.Context(), tx, fired(other, "theirs", rule.SignatureCompleted), now))
	})
	heard := map[string]uuid.UUID{}
	attempts := 0
	sender := &notice.Sender{DB: db.Worker, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }, Deliver: func(ctx context.Context, tx pgx.Tx, m notice.Message) error {
		if strings.HasPrefix(m.Key, "broken/") {
			attempts++
			_, err := tx.Exec(ctx, `select 1 / 0`) // the database itself says no
			return err
		}
		heard[m.Text] = m.UserID
		return nil
	}}
	require.NoError(t, sender.Work(t.Context(), nil))
	require.Equal(t, map[string]uuid.UUID{"We have accepted “fine”. Nothing more to do.": ana, "“theirs” is signed by everybody.": zoe}, heard)
	require.Equal(t, 1, attempts)
	failed := func() (out map[string]notice.Failed) {
		system(t, db, func(tx pgx.Tx) (err error) {
			out, err = notice.ListFailed(t.Context(), tx, now)
			return err
		})
		return out
	}
	require.Len(t, failed(), 1, "the broken one is tried again")
	require.Equal(t, 1, failed()["old_rule"].Count)
	require.Contains(t, failed()["old_rule"].Error, "no sentence")
	for range 20 { // an hour each, and not at night
		now = now.Add(time.Hour)
		require.NoError(t, sender.Work(t.Context(), nil))
	}
	require.Equal(t, 8, attempts)
	require.Contains(t, failed()["broken"].Error, "division by zero")
	require.Len(t, heard, 2)
}

// Who a notice goes to when the person it concerns has left: the administrators
// who may know of it, else the people of its department.
func TestSomebodyHearsWhenWhoSentItHasLeft(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	ana, fin, left := db.User(t, tenant, "ana@acme.test", "admin"), db.User(t, tenant, "fin@acme.test"), db.User(t, tenant, "left@acme.test")
	db.User(t, tenant, "bo@acme.test")
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	set := func(sql string, user uuid.UUID) {
		system(t, db, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql, tenant, user)
			return err
		})
	}
	set(`update users set state = 'deactivated' where tenant_id = $1 and id = $2`, left)
	set(`update users set departments = '{finance}' where tenant_id = $1 and id = $2`, fin)
	n := 0
	told := func(department string) (out []uuid.UUID) {
		n++
		system(t, db, func(tx pgx.Tx) error {
			return notice.Create(t.Context(), tx, rule.Fired{Rule: "document_rejected", Event: rule.Event{
				TenantID: tenant, Kind: rule.DocumentRejected, Subject: strconv.Itoa(n), UserID: left, Department: department, Fields: map[string]string{"name": "Bank letter"},
			}}, now)
		})
		work(t, db, now, func(_ context.Context, _ pgx.Tx, m notice.Message) error {
			out = append(out, m.UserID)
			return nil
		})
		return out
	}
	require.Equal(t, []uuid.UUID{ana}, told(""))
	require.Equal(t, []uuid.UUID{fin}, told("finance"), "ana is not in it")
	set(`update users set departments = '{finance}' where tenant_id = $1 and id = $2`, ana)
	require.Equal(t, []uuid.UUID{ana}, told("finance"))
	require.Empty(t, told("legal"), "nobody may know")
	set(`update users set state = 'active' where tenant_id = $1 and id = $2`, left)
	require.Equal(t, []uuid.UUID{left}, told(""))
}

// What a rule may tell customers of has its sentence in every language, and only
// that.
func TestWhatCustomersCanBeToldOfHasItsSentences(t *testing.T) {
	t.Parallel()
	for _, kind := range rule.Kinds {
		tellable := slices.Contains(rule.Tellable, kind)
		require.Equal(t, tellable, rule.Rule{Key: "x", On: kind, Do: rule.Action{Kind: rule.TellCustomer}}.Check() == nil, kind)
		texts := map[string]bool{}
		for _, language := range []string{"en", "de", "fr", "es", "pt"} {
			text, ok := status.Sentence(language, "notice."+kind, map[string]string{"name": "Thing"})
			require.Equal(t, tellable, ok, "%s in %s", kind, language)
			texts[text] = true
		}
		if tellable {
			require.Len(t, texts, 5, "%s: each language has its own", kind)
		}
	}
}

// Every event a shipped rule tells customers about has its sentence.
func TestEveryShippedNoticeHasASentence(t *testing.T) {
	t.Parallel()
	rules, err := rule.Shipped()
	require.NoError(t, err)
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	db.User(t, tenant, "ana@acme.test", "admin")
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	told := 0
	system(t, db, func(tx pgx.Tx) error {
		for _, r := range rules {
			if r.Do.Kind == rule.TellCustomer {
				told++
				if err := notice.Create(t.Context(), tx, rule.Fired{Rule: r.Key, Action: r.Do, Event: rule.Event{TenantID: tenant, Kind: r.On, Subject: r.Key, Fields: map[string]string{}}}, now); err != nil {
					return err
				}
			}
		}
		return nil
	})
	n := 0
	work(t, db, now, func(_ context.Context, _ pgx.Tx, m notice.Message) error {
		n++
		require.NotEmpty(t, m.Text)
		require.NotContains(t, m.Text, "{")
		return nil
	})
	require.Equal(t, told, n)
	require.GreaterOrEqual(t, told, 7)
}
