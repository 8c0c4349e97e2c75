package feed_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/change"
)

func (b *bundle) say(t *testing.T, entity, ref string, hours int, set map[string]any) {
	t.Helper()
	b.do(t, func(tx pgx.Tx) error {
		_, err := b.feed.Record(t.Context(), tx, b.tenant, "erp", change.Change{Entity: entity, Ref: ref, Set: set, At: b.now.Add(time.Duration(hours) * time.Hour)})
		return err
	})
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	b.do(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), sql, append([]any{b.tenant}, args...)...)
		return err
	})
}

// A tool that sends the whole record again has not heard of the upload: it stays,
// and nobody is asked anew. The rest of the record counts.
func TestARecordSentAgainUndoesNoUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	document := func(title string) (found onboarding.Document) {
		for _, d := range b.record(t).Documents {
			if d.Title == title {
				return d
			}
		}
		return found
	}
	for _, state := range []string{"received", "in_review", "rejected", "accepted"} {
		ref := "D-" + state
		set := map[string]any{"title": "Letter " + state, "state": "requested", "due": "2026-12-01"}
		b.say(t, "document", ref, 0, set)
		b.exec(t, `update document_requests set state = $2 where tenant_id = $1 and external_ref = $3`, state, ref)
		events := b.record(t).LastEvent
		b.say(t, "document", ref, 1, set)
		require.Equal(t, events, b.record(t).LastEvent, "%s: nothing was said that is new", state)
		set["due"] = "2026-12-08"
		b.say(t, "document", ref, 2, set)
		d := document("Letter " + state)
		require.Equal(t, []string{"Letter " + state, state, "2026-12-08"}, []string{d.Title, d.State, d.Due.Format(time.DateOnly)})
	}
	b.say(t, "document", "D-accepted", 3, map[string]any{"title": "Letter accepted", "state": "expired"})
	require.Equal(t, "expired", document("Letter accepted").State)
	b.say(t, "document", "D-accepted", 4, map[string]any{"title": "Letter accepted", "state": "requested"})
	require.Equal(t, "requested", document("Letter accepted").State, "what expired may be asked for anew")
	b.say(t, "document", "D-new", 1, map[string]any{"title": "Zero return", "state": "in_review"})
	require.Equal(t, "requested", document("Zero return").State, "no version of it waits")
}

// After going live a project tool still says "active"; whose project it is counts.
func TestAStateThatCannotBeHoldsBackNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `update projects set state = 'live' where tenant_id = $1`)
	b.say(t, "project", "P", 0, map[string]any{"state": "active", "owner_name": "Tom Becker"})
	p := b.record(t).Project
	require.Equal(t, []string{"live", "Tom Becker"}, []string{p.State, p.OwnerName})
}

// That a tool says again what is done is nothing the customer did.
func TestOnlyWhatCustomersDoIsTheirActivity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := func() (at time.Time) {
		b.do(t, func(tx pgx.Tx) error {
			s, err := b.feed.Standing(t.Context(), tx, b.record(t), b.now)
			at = s.LastSeen.UTC()
			return err
		})
		return at
	}
	began := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, began, seen())
	for n := range 2 {
		b.say(t, "task", "OPS-1", n, map[string]any{"title": "Name the key users", "responsibility": "customer", "state": "done"})
		require.Equal(t, began, seen())
	}
	b.exec(t, `insert into tasks (tenant_id, id, project_id, title, state, responsibility, done_at, done_by_id) select $1, $2, id, 'Sign off', 'done', 'customer', $3, $4 from projects where tenant_id = $1`, uuid.New(), b.now, b.user)
	require.Equal(t, b.now, seen())
}
