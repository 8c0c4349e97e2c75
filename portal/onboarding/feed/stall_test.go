package feed_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// A project stands still where anything waits for the customer, not a task only.
func TestAProjectStandsStillForADocumentToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stalled := func() (told []rule.Fired) {
		b.fired = nil
		b.do(t, func(tx pgx.Tx) error {
			return b.feed.Sweep(t.Context(), tx, b.tenant, b.now.AddDate(0, 2, 0), feed.Patience{})
		})
		for _, f := range b.fired {
			if f.Event.Kind == rule.Stalled {
				told = append(told, f)
			}
		}
		return told
	}
	require.Empty(t, stalled(), "nothing waits")
	b.do(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into document_requests (tenant_id, id, project_id, title, state) select $1, $2, id, 'Bank letter', 'requested' from projects where tenant_id = $1`, b.tenant, uuid.New())
		return err
	})
	told := stalled()
	require.Len(t, told, 1)
	require.Equal(t, "Bank letter", told[0].Event.Fields["task"])
	require.Equal(t, "1", told[0].Event.Fields["tasks"])
}

// What waits first is said in words: of a verification the record has its kind only.
func TestAStandstillSaysWhatWaitsInWords(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"kyb": "KYB verification", "bank": "bank verification"} {
		b := setup(t)
		b.exec(t, `insert into verifications (tenant_id, id, project_id, kind, customer_state) select $1, $2, id, $3, 'needs_information' from projects where tenant_id = $1`, uuid.New(), kind)
		b.do(t, func(tx pgx.Tx) error {
			return b.feed.Sweep(t.Context(), tx, b.tenant, b.now.AddDate(0, 2, 0), feed.Patience{})
		})
		i := slices.IndexFunc(b.fired, func(f rule.Fired) bool { return f.Event.Kind == rule.Stalled })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, want, b.fired[i].Event.Fields["task"])
	}
}
