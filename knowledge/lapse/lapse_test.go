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

func TestAnOwnerIsToldOnceThatAVerificationRanOut(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	jobs, err := river.NewClient(riverpgxv5.New(db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	now, mail := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), &mailbox{}
	s := &lapse.Service{DB: db.Worker, Jobs: jobs, Mail: mail, PublicURL: "https://usher.test", Now: func() time.Time { return now }}
	articles := knowledge.New(db.Worker, nil, knowledge.Config{})
	tenant := db.Tenant(t, "acme")
	cleo, gone := db.Staff(t, "cleo@usher.test", "curator"), db.Staff(t, "gone@usher.test", "curator")
	publish := func(space knowledge.Space, title string, owner uuid.UUID, until time.Time) uuid.UUID {
		a, err := articles.CreateDraft(t.Context(), space, knowledge.Draft{
			Content: knowledge.Content{Title: title, Body: "Text of " + title, Audience: knowledge.Audience{Level: knowledge.Customer}}, OwnerID: owner, VerifiedUntil: until,
		}, owner)
		require.NoError(t, err)
		require.NoError(t, articles.Publish(t.Context(), space, a.ID, owner))
		return a.ID
	}
	first := publish(knowledge.Shared, "Docks", cleo, now.Add(24*time.Hour))
	publish(knowledge.Space{Tenant: tenant}, "Ramps", cleo, now.Add(25*time.Hour))
	publish(knowledge.Shared, "Gates", cleo, now.Add(9*24*time.Hour))
	publish(knowledge.Shared, "Never", cleo, time.Time{})
	publish(knowledge.Shared, "Left", gone, now.Add(time.Hour))
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update staff set state = 'deactivated' where id = $1`, gone)
		return err
	}))
	run := func() {
		n, err := s.Find(t.Context())
		require.NoError(t, err)
		if n > 0 {
			require.Equal(t, 1, n)
			require.NoError(t, s.Tell(t.Context(), lapse.TellArgs{StaffID: cleo, At: now}))
		}
	}
	run()
	require.Empty(t, mail.texts, "nothing has lapsed")
	for range 7 * 24 { // a week, hour by hour
		now = now.Add(time.Hour)
		run()
	}
	require.Len(t, mail.texts, 2, "one mail, and one a day later for what lapsed meanwhile")
	require.Equal(t, []string{"cleo@usher.test", "cleo@usher.test"}, mail.to, "nobody else")
	require.Equal(t, "2 articles of yours need a look", mail.subjects[1])
	require.Contains(t, mail.texts[1], "Ramps (until 2 November 2026)")
	require.Contains(t, mail.texts[1], "?tenant="+tenant.String())
	require.NotContains(t, mail.texts[1], "Gates")

	// Verified again, it is not named; lapsed again, its owner hears of it again.
	require.NoError(t, articles.Verify(t.Context(), knowledge.Shared, first, now.Add(48*time.Hour), cleo))
	for range 4 * 24 {
		now = now.Add(time.Hour)
		run()
	}
	require.Len(t, mail.texts, 3, "what lapses together is one mail")
	require.Contains(t, mail.texts[2], "Gates")
	require.Contains(t, mail.texts[2], "Docks (until 10 November 2026)")
}
