package desk_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/triage/desk"
)

func TestAccuracyCountsWhatPeopleJudged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		for _, v := range []string{"integration_error", "billing"} {
			if _, err := tx.Exec(t.Context(), `insert into taxonomy_values (dimension, value, description) values ('intent', $1, 'x') on conflict do nothing`, v); err != nil {
				return err
			}
		}
		return nil
	}))
	// Four tickets: two answered as classified, one corrected, one nobody has looked at.
	for i, judged := range []string{"agreed", "agreed", "corrected", "unseen"} {
		conversation := b.talk(t)
		ticket := b.escalateIn(t, conversation, "It fails "+uuid.NewString())
		ref := desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}
		b.tx(t, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence, engine, engine_version)
				select tenant_id, gen_random_uuid(), id, conversation_id, 'integration_error', $3, 'test', '1' from messages where tenant_id = $1 and conversation_id = $2 limit 1`,
				b.tenant, conversation, []float64{0.95, 0.93, 0.55, 0.9}[i])
			return err
		})
		switch judged {
		case "agreed":
			_, err := b.service.Reply(t.Context(), b.agent, ref, desk.Reply{Text: "On it."})
			require.NoError(t, err)
		case "corrected":
			_, err := b.service.CorrectClassification(t.Context(), b.agent, ref, desk.Correction{Intent: "billing"})
			require.NoError(t, err)
		}
	}
	var a desk.Accuracy
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
		a, err = desk.AccuracySince(t.Context(), tx, time.Now().Add(-time.Hour))
		return err
	}))
	require.Equal(t, 3, a.Reviewed)
	require.Equal(t, 2, a.Right)
	require.Equal(t, []desk.IntentAccuracy{{Intent: "integration_error", Reviewed: 3, Right: 2}}, a.Intents)
	require.Equal(t, []desk.Confusion{{From: "integration_error", To: "billing", N: 1}}, a.Confused)
	require.Len(t, a.Bins, 2)
	require.InDelta(t, (0.06*2+0.55)/3, a.ECE, 1e-6, "two at 0.94 that were right, one at 0.55 that was not")
	require.Len(t, a.Weeks, 1)
}

// What a correction teaches is the operator's; whose words it was stays known, so
// that erasing the customer takes it back although it is masked.
func TestACorrectionIsForgottenWithTheCustomerItLearnedFrom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conversation := b.talk(t)
	ticket := b.escalateIn(t, conversation, "The bill went to zoe.unique@acme.test")
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into taxonomy_values (dimension, value) values ('intent', 'billing') on conflict do nothing`)
		return err
	}))
	b.tx(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence, engine, engine_version)
			select tenant_id, gen_random_uuid(), id, conversation_id, 'how_to', 0.9, 'test', '1' from messages where tenant_id = $1 and conversation_id = $2 limit 1`, b.tenant, conversation)
		return err
	})
	_, err := b.service.CorrectClassification(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}, desk.Correction{Intent: "billing"})
	require.NoError(t, err)
	var text string
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `insert into taxonomy_examples (id, dimension, value, text, source) values (gen_random_uuid(), 'intent', 'billing', 'The bill of somebody else', 'correction')`); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), `select e.text from taxonomy_examples e join example_origins o on o.text_md5 = md5(e.text)
			where o.tenant_id = $1 and e.value = 'billing'`, b.tenant).Scan(&text)
	}))
	require.Contains(t, text, "The bill went to")
	require.NotContains(t, text, "zoe.unique")

	var left []string
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		if err := lifecycle.Transition(t.Context(), tx, b.tenant, lifecycle.Offboarding); err != nil {
			return err
		}
		if _, err := lifecycle.Erase(t.Context(), tx, b.tenant); err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), `select text from taxonomy_examples where value = 'billing' union all select text_md5 from example_origins`)
		if err != nil {
			return err
		}
		left, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	require.Equal(t, []string{"The bill of somebody else"}, left)
}
