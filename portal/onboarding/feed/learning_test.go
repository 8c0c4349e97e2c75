package feed_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/feed"
)

func TestLearning(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, moveOn string) (*bundle, uuid.UUID) {
		b := setup(t)
		milestone := uuid.New()
		b.db.User(t, b.tenant, "bo@acme.test")
		b.do(t, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `insert into milestones (tenant_id, id, project_id, ordinal, name, state) select $1, $2, id, 1, 'Team trained', 'in_progress' from projects where tenant_id = $1`, b.tenant, milestone); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `insert into enrolments (tenant_id, id, project_id, user_id, course, state, move_on, milestone_id, observed_at)
				select $1, gen_random_uuid(), p.id, $2, 'Basics', 'assigned', $3, $4, $5 from projects p where tenant_id = $1`, b.tenant, b.user, moveOn, milestone, b.now)
			return err
		})
		return b, milestone
	}
	say := func(t *testing.T, b *bundle, learner, verb string, after time.Duration) (changed bool) {
		b.do(t, func(tx pgx.Tx) (err error) {
			changed, err = b.feed.Learning(t.Context(), tx, b.tenant, feed.Learning{Learner: learner, Course: "Basics", Verb: verb, At: b.now.Add(after)})
			return err
		})
		return changed
	}
	states := func(t *testing.T, b *bundle) (out []string) {
		for _, e := range b.record(t).Enrolments {
			out = append(out, e.State)
		}
		return out
	}

	t.Run("completed alone finishes what has only to be completed", func(t *testing.T) {
		t.Parallel()
		for moveOn, want := range map[string]string{"completed": "completed", "passed_or_completed": "completed", "passed": "started", "passed_and_completed": "started", "not_applicable": "started"} {
			b, _ := start(t, moveOn)
			require.True(t, say(t, b, "Ana@acme.test ", "completed", time.Hour))
			require.Equal(t, []string{want}, states(t, b), moveOn)
			require.False(t, say(t, b, "ana@acme.test", "completed", time.Hour), "said again")
		}
	})

	t.Run("the milestone is done when everybody who has to has finished", func(t *testing.T) {
		t.Parallel()
		b, _ := start(t, "passed")
		require.True(t, say(t, b, "bo@acme.test", "assigned", time.Minute))
		require.False(t, say(t, b, "bo@acme.test", "assigned", time.Minute))
		say(t, b, "ana@acme.test", "passed", time.Hour)
		require.Equal(t, "in_progress", b.record(t).Milestones[0].State)
		say(t, b, "bo@acme.test", "failed", time.Hour)
		require.Equal(t, []string{"passed", "failed"}, states(t, b))
		say(t, b, "bo@acme.test", "passed", 2*time.Hour)
		m := b.record(t).Milestones[0]
		require.Equal(t, "done", m.State)
		require.Equal(t, b.now.Add(2*time.Hour), m.CompletedAt.UTC())
	})

	t.Run("not while a task of it is open", func(t *testing.T) {
		t.Parallel()
		b, milestone := start(t, "passed")
		b.do(t, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into tasks (tenant_id, id, project_id, milestone_id, title, state, responsibility) select $1, $2, id, $3, 'Book a room', 'ready', 'customer' from projects where tenant_id = $1`, b.tenant, uuid.New(), milestone)
			return err
		})
		say(t, b, "ana@acme.test", "waived", time.Hour)
		require.Equal(t, []string{"waived"}, states(t, b))
		require.Equal(t, "in_progress", b.record(t).Milestones[0].State)
	})

	t.Run("statements in any order end alike", func(t *testing.T) {
		t.Parallel()
		r := rand.New(rand.NewPCG(3, 4))
		type statement struct {
			verb  string
			after time.Duration
		}
		all := []statement{{"launched", 1}, {"initialized", 2}, {"failed", 3}, {"abandoned", 4}, {"completed", 5}, {"passed", 6}, {"terminated", 7}}
		for range 12 {
			b, _ := start(t, "passed_and_completed")
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, s := range append(all, all[:3]...) {
				say(t, b, "ana@acme.test", s.verb, s.after*time.Minute)
			}
			require.Equal(t, []string{"passed"}, states(t, b), "%v", all)
			require.Equal(t, 100, b.record(t).Enrolments[0].Progress)
		}
	})

	t.Run("also where the end is not the end", func(t *testing.T) {
		t.Parallel()
		r := rand.New(rand.NewPCG(5, 6))
		type statement struct {
			verb  string
			after time.Duration
		}
		all := []statement{{"launched", 1}, {"progressed", 2}, {"failed", 3}, {"abandoned", 4}, {"launched", 5}, {"completed", 6}, {"failed", 7}, {"terminated", 8}}
		for range 12 {
			b, _ := start(t, "passed")
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, s := range all {
				say(t, b, "ana@acme.test", s.verb, s.after*time.Minute)
			}
			require.Equal(t, []string{"failed"}, states(t, b), "%v", all)
		}
	})

	t.Run("what cannot be meant is refused", func(t *testing.T) {
		t.Parallel()
		b, _ := start(t, "passed")
		b.do(t, func(tx pgx.Tx) error {
			for in, want := range map[feed.Learning]error{
				{Learner: "eve@else.test", Course: "Basics", Verb: "passed", At: b.now}:   feed.ErrUnknownRecord,
				{Learner: "eve@else.test", Course: "Basics", Verb: "assigned", At: b.now}: feed.ErrUnknownRecord,
				{Learner: "ana@acme.test", Course: "Other", Verb: "passed", At: b.now}:    feed.ErrUnknownRecord,
				{Learner: "ana@acme.test", Course: "Basics", Verb: "aced", At: b.now}:     feed.ErrBadEvent,
				{Learner: "ana@acme.test", Course: "Basics", Verb: "passed"}:              feed.ErrBadEvent,
			} {
				_, err := b.feed.Learning(t.Context(), tx, b.tenant, in)
				require.ErrorIs(t, err, want)
			}
			return nil
		})
	})
}
