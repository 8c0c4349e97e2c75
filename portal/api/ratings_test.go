package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/rating"
)

func TestRatings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	place := "/v1/conversations/" + x.conversation.String() + "/rating"
	state := func(who string) (out struct {
		State   string
		Score   int
		Comment string
	}) {
		response, body := b.do(t, http.MethodGet, place, who, "", "")
		require.Equal(t, http.StatusOK, response.StatusCode, body)
		require.NoError(t, json.Unmarshal([]byte(body), &out))
		return out
	}
	require.Equal(t, "none", state(ana).State)
	response, body := b.do(t, http.MethodPut, place, ana, `{"score": 5}`, "application/json")
	require.Equal(t, http.StatusConflict, response.StatusCode, "nobody asked: %s", body)

	require.NoError(t, b.intake.ConfirmSolved(t.Context(), b.ana, x.conversation))
	var id uuid.UUID
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select id from ratings where tenant_id = $1`, b.acme).Scan(&id)
	}))
	_, err := rating.New(rating.Config{DB: b.db.Worker, Desk: b.desk}).Ask(t.Context(), b.acme, id)
	require.NoError(t, err)
	require.Equal(t, "asked", state(ana).State)
	require.Equal(t, "none", state(maria).State, "a manager sees the conversation and is not who was asked")

	links := rating.NewLinks("test")
	mailed := "/v1/ratings/" + links.Token(b.acme, id)
	for range 3 { // a scanner
		response, body = b.do(t, http.MethodGet, mailed, nobody, "", "")
		require.Equal(t, http.StatusOK, response.StatusCode, body)
		require.NotContains(t, body, "thing", "no word of the conversation")
	}
	require.Equal(t, "asked", state(ana).State, "opening the link rates nothing")
	for name, token := range map[string]string{"another tenant's": links.Token(b.other, id), "unknown": links.Token(b.acme, uuid.New()), "forged": rating.NewLinks("x").Token(b.acme, id), "nonsense": "nonsense"} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			payload := ""
			if method == http.MethodPut {
				payload = `{"score": 1}`
			}
			response, _ := b.do(t, method, "/v1/ratings/"+token, nobody, payload, "application/json")
			require.Equal(t, http.StatusNotFound, response.StatusCode, "%s %s", method, name)
		}
	}
	response, body = b.do(t, http.MethodPut, mailed, nobody, `{"score": 2, "comment": "Still closed."}`, "application/json")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.Equal(t, 2, state(ana).Score)
	response, _ = b.do(t, http.MethodDelete, place, ana, "", "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "asked", state(ana).State)

	// One step to a person, once for what they say: the comment is the customer's message.
	said := map[uuid.UUID]string{}
	for _, payload := range []string{
		`{"score": 1, "comment": "I still need help with the dock.", "help": true}`,
		`{"score": 1, "comment": "I still need help with the dock, and the ramp.", "help": true}`,
	} {
		for range 2 {
			response, body = b.do(t, http.MethodPut, mailed, nobody, payload, "application/json")
			require.Equal(t, http.StatusOK, response.StatusCode, body)
		}
		messages, err := b.intake.Messages(t.Context(), b.ana, x.conversation, 0, 100)
		require.NoError(t, err)
		for _, m := range messages {
			if m.AuthorKind != triage.AuthorCustomer || !strings.Contains(m.Body, "I still need help with the dock") || said[m.ID] != "" {
				continue
			}
			said[m.ID] = m.Body
			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) error {
				var person bool
				require.NoError(t, tx.QueryRow(t.Context(), `select (args->>'person')::boolean from river_job where args->>'message_id' = $1`, m.ID.String()).Scan(&person))
				require.True(t, person)
				_, _, err := b.desk.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m})
				return err
			}))
		}
	}
	require.ElementsMatch(t, []string{"I still need help with the dock.", "I still need help with the dock, and the ramp."}, slices.Collect(maps.Values(said)))
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) error {
		ticket, err := desk.TicketByID(t.Context(), tx, b.acme, x.ticket)
		require.Equal(t, triage.InternalOpen, ticket.InternalState, "reopened")
		return err
	}))

	// The metrics, the setting and the export.
	response, body = b.do(t, http.MethodGet, "/v1/metrics/ratings", cleo, "", "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	var sum struct {
		Total struct{ Asked, Answered, Content int }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &sum))
	require.Equal(t, []int{1, 1, 0}, []int{sum.Total.Asked, sum.Total.Answered, sum.Total.Content})
	response, body = b.do(t, http.MethodPut, "/v1/admin/tenants/"+b.acme.String()+"/rating-settings", cleo, `{"asks": false, "every_days": 30}`, "application/json")
	require.Equal(t, http.StatusNoContent, response.StatusCode, body)
	response, _ = b.do(t, http.MethodPut, "/v1/admin/tenants/"+uuid.NewString()+"/rating-settings", cleo, `{"asks": false}`, "application/json")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	_, body = b.do(t, http.MethodGet, "/v1/admin/rating-settings", cleo, "", "")
	require.Contains(t, body, `"asks":false,"every_days":30`)
	response, body = b.do(t, http.MethodGet, "/v1/exports/ratings?format=json&from="+time.Now().Add(-48*time.Hour).Format(time.DateOnly), ana, "", "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.Contains(t, body, "I still need help with the dock, and the ramp.")
	response, _ = b.do(t, http.MethodGet, "/v1/exports/ratings", maria, "", "")
	require.Equal(t, http.StatusNotFound, response.StatusCode, "what others wrote is for administrators")

	// A database that does not answer is no bad link.
	owner, err := pgx.Connect(t.Context(), b.db.OwnerURL)
	require.NoError(t, err)
	defer owner.Close(t.Context())
	_, err = owner.Exec(t.Context(), `revoke select on ratings from usher_app`)
	require.NoError(t, err)
	response, _ = b.do(t, http.MethodGet, mailed, nobody, "", "")
	require.Equal(t, http.StatusInternalServerError, response.StatusCode)
}
