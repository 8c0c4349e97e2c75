package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Without Slack the console is where a ticket waits for the customer, is put on
// hold and goes on, and where agents read that there is something to tell.
func TestATicketWaitsFromTheConsole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	at := "/v1/agent/tickets/" + b.acme.String() + "/" + x.ticket.String()
	type seen struct {
		Ticket struct {
			State    string `json:"state"`
			Customer string `json:"customer_state"`
		} `json:"ticket"`
		Tell bool `json:"tell_customer"`
	}
	read := func(body string) (s seen) {
		require.NoError(t, json.Unmarshal([]byte(body), &s), body)
		return s
	}
	act := func(act string) seen {
		response, body := b.do(t, http.MethodPost, at+"/actions", sam, act)
		require.Equal(t, http.StatusOK, response.StatusCode, body)
		return read(body)
	}
	waits := act(`{"act": "pending"}`)
	require.Equal(t, "pending", waits.Ticket.State)
	require.Equal(t, "waiting_for_you", waits.Ticket.Customer)
	require.Equal(t, "on_hold", act(`{"act": "on_hold"}`).Ticket.State)
	require.Equal(t, "open", act(`{"act": "open"}`).Ticket.State)
	for i, then := range []string{"pending", "on_hold", "open", "solved"} {
		got := act(`{"act": "reply", "text": "Reply ` + string(rune('a'+i)) + `", "then": "` + then + `"}`)
		require.Equal(t, then, got.Ticket.State)
	}
	require.Equal(t, "open", act(`{"act": "reply", "text": "As before"}`).Ticket.State)
	response, body := b.do(t, http.MethodPost, at+"/actions", sam, `{"act": "reply", "text": "No", "then": "closed"}`)
	require.Equal(t, http.StatusBadRequest, response.StatusCode, body)

	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update tickets set tell_customer = true where tenant_id = $1 and id = $2`, b.acme, x.ticket)
		return err
	}))
	_, body = b.do(t, http.MethodGet, at, sam, "")
	require.True(t, read(body).Tell)
	require.False(t, act(`{"act": "reply", "text": "It works again"}`).Tell)
}
