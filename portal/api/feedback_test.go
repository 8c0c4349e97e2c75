package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
)

func TestWhyAnAnswerDidNotHelp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	vote := func(body string) int {
		response, _ := b.do(t, http.MethodPut, "/v1/messages/"+x.message.String()+"/feedback", ana, body, "application/json")
		return response.StatusCode
	}
	kept := func() (vote, cause string) {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select vote, cause from feedback where tenant_id = $1 and message_id = $2`, b.acme, x.message).Scan(&vote, &cause)
		}))
		return vote, cause
	}
	asked := func() (n int) {
		messages, err := b.intake.Messages(t.Context(), b.ana, x.conversation, 0, 100)
		require.NoError(t, err)
		for _, m := range messages {
			if m.AuthorKind == triage.AuthorCustomer && strings.Contains(m.Body, "talk to a person") {
				n++
			}
		}
		return n
	}
	require.Equal(t, http.StatusBadRequest, vote(`{"vote": "not_helpful", "cause": "ugly"}`))
	require.Equal(t, http.StatusNoContent, vote(`{"vote": "not_helpful", "cause": "outdated"}`))
	_, cause := kept()
	require.Equal(t, "outdated", cause)
	require.Zero(t, asked())
	for range 2 {
		require.Equal(t, http.StatusNoContent, vote(`{"vote": "not_helpful", "cause": "want_person"}`))
	}
	require.Equal(t, 1, asked(), "one step, once")
	require.Equal(t, http.StatusNoContent, vote(`{"vote": "helpful", "cause": "wrong"}`))
	said, cause := kept()
	require.Equal(t, []string{"helpful", ""}, []string{said, cause}, "a vote that was changed has no cause any more")
}

func TestASearchInVainIsAGap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	note := func(who, q string) int {
		response, _ := b.do(t, http.MethodPost, "/v1/kb/searches", who, `{"q": "`+q+`"}`, "application/json")
		return response.StatusCode
	}
	for _, what := range []string{"one", "two", "three", "four", "five"} {
		var tabs sync.WaitGroup
		for range 8 { // at once
			tabs.Go(func() {
				if status := note(ana, "invoice splitting "+what+" for ana@acme.test"); status != http.StatusNoContent {
					t.Errorf("status %d", status)
				}
			})
		}
		tabs.Wait()
	}
	require.Equal(t, http.StatusNoContent, note(ana, "Invoice Splitting One for ana@acme.test"))
	require.Equal(t, http.StatusNoContent, note(ana, "x"))
	require.Equal(t, http.StatusUnauthorized, note(nobody, "invoice splitting"))
	var questions []string
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select question from gap_questions where tenant_id = $1 and reason = 'no_result'`, b.acme)
		if err != nil {
			return err
		}
		questions, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	require.Len(t, questions, 5, "once a day")
	for _, q := range questions {
		require.Contains(t, q, "invoice splitting")
		require.NotContains(t, q, "ana@", "personal data is masked")
	}
}
