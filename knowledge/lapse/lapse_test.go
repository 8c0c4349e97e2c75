package lapse_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/lapse"
	"github.com/usherdesk/usher/migrations/dbtest"
)

type mailbox struct{ to, subjects, texts []string }

func (m *mailbox) Mail(_ context.Context, _, to, subject, text string) error {
	m.to, m.subjects, m.texts = append(m.to, to), append(m.subjects, subject), append(m.texts, text)
	return nil
}

type testBundle struct {
	db       *dbtest.Database
	articles *knowledge.Service
	service  *lapse.Service
	mail     *mailbox
	now      time.Time
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{db: dbtest.New(t), mail: &mailbox{}, now: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	b.service = &lapse.Service{DB: b.db.Worker, Jobs: jobs, Mail: b.mail, PublicURL: "https://usher.test", Now: func() time.Time { return b.now }}
	b.articles = knowledge.New(b.db.Worker, nil, knowledge.Config{})
	return b
}

func (b *testBundle) publish(t *testing.T, space knowledge.Space, title string, owner uuid.UUID, until time.Time) uuid.UUID {
	t.Helper()
	a, err := b.articles.CreateDraft(t.Context(), space, knowledge.Draft{
		Content: knowledge.Content{Title: title, Body: "Text of " + title, Audience: knowledge.Audience{Level: knowledge.Customer}}, OwnerID: owner, VerifiedUntil: until,
	}, owner)
	require.NoError(t, err)
	require.NoError(t, b.articles.Publish(t.Context(), space, a.ID, owner))
	return a.ID
}

// run finds what has lapsed and works the jobs it left.
func (b *testBundle) run(t *testing.T) {
	t.Helper()
	n, err := b.service.Find(t.Context())
	require.NoError(t, err)
	rows, err := b.db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = 'tell_article_owner' returning args`)
	require.NoError(t, err)
	jobs, err := pgx.CollectRows(rows, pgx.RowTo[lapse.TellArgs])
	require.NoError(t, err)
	require.Len(t, jobs, n)
	for _, args := range jobs {
		require.NoError(t, b.service.Tell(t.Context(), args))
	}
}

func TestAnOwnerIsToldOnceThatAVerificationRanOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.db.Tenant(t, "acme")
	cleo, gone := b.db.Staff(t, "cleo@usher.test", "curator"), b.db.Staff(t, "gone@usher.test", "curator")
	first := b.publish(t, knowledge.Shared, "Docks", cleo, b.now.Add(24*time.Hour))
	b.publish(t, knowledge.Space{Tenant: tenant}, "Ramps", cleo, b.now.Add(25*time.Hour))
	b.publish(t, knowledge.Shared, "Gates", cleo, b.now.Add(9*24*time.Hour))
	b.publish(t, knowledge.Shared, "Never", cleo, time.Time{})
	b.publish(t, knowledge.Shared, "Left", gone, b.now.Add(time.Hour))
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update staff set state = 'deactivated' where id = $1`, gone)
		return err
	}))
	b.run(t)
	require.Empty(t, b.mail.texts, "nothing has lapsed")
	for range 7 * 24 { // a week, hour by hour
		b.now = b.now.Add(time.Hour)
		b.run(t)
	}
	require.Len(t, b.mail.texts, 2, "one mail, and one a day later for what lapsed meanwhile")
	require.Equal(t, []string{"cleo@usher.test", "cleo@usher.test"}, b.mail.to, "nobody else")
	require.Equal(t, "2 articles of yours need a look", b.mail.subjects[1])
	require.Contains(t, b.mail.texts[1], "Ramps (until 2 November 2026)")
	require.Contains(t, b.mail.texts[1], "?tenant="+tenant.String())
	require.NotContains(t, b.mail.texts[1], "Gates")

	// Verified again, it is not named; lapsed again, its owner hears of it again.
	require.NoError(t, b.articles.Verify(t.Context(), knowledge.Shared, first, b.now.Add(48*time.Hour), cleo))
	for range 4 * 24 {
		b.now = b.now.Add(time.Hour)
		b.run(t)
	}
	require.Len(t, b.mail.texts, 3, "what lapses together is one mail")
	require.Contains(t, b.mail.texts[2], "Gates")
	require.Contains(t, b.mail.texts[2], "Docks (until 10 November 2026)")
}

func TestTheDaysPauseIsTheOwnersNotTheArticles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cleo, dora := b.db.Staff(t, "cleo@usher.test", "curator"), b.db.Staff(t, "dora@usher.test", "curator")
	later := func(hours int) []string {
		b.mail.to = nil
		for range hours {
			b.now = b.now.Add(time.Hour)
			b.run(t)
		}
		return b.mail.to
	}
	var ids []uuid.UUID
	for i, title := range []string{"Docks", "Ramps", "Gates", "Keys"} {
		ids = append(ids, b.publish(t, knowledge.Shared, title, cleo, b.now.Add(time.Duration(2*i)*time.Hour+time.Minute)))
	}
	require.Equal(t, []string{"cleo@usher.test"}, later(1))
	require.NoError(t, b.articles.Retire(t.Context(), knowledge.Shared, ids[0], cleo))
	require.Empty(t, later(4), "two more lapsed; the first is retired, and they were told today")

	// Another lapsed meanwhile, and goes to somebody who was told of nothing.
	require.NoError(t, b.articles.SetOwner(t.Context(), knowledge.Shared, ids[1], dora))
	require.Equal(t, []string{"dora@usher.test"}, later(1))
	require.Equal(t, []string{"cleo@usher.test"}, later(20), "what lapsed meanwhile, in one mail")
	require.Equal(t, "2 articles of yours need a look", b.mail.subjects[2])
	require.NoError(t, b.articles.SetOwner(t.Context(), knowledge.Shared, ids[2], cleo))
	require.Empty(t, later(30), "named once more it is no news to the same owner")
	require.NoError(t, b.articles.SetOwner(t.Context(), knowledge.Shared, ids[2], dora))
	require.Equal(t, []string{"dora@usher.test"}, later(1), "told before, it is news to the next")
	require.Contains(t, b.mail.texts[3], "Gates")
}
