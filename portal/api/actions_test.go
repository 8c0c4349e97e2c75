package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/procedure"
)

type accepting struct{ n int }

func (a *accepting) Send(context.Context, action.Request) (action.Answer, error) {
	a.n++
	return action.Answer{Status: http.StatusAccepted}, nil
}

const cancelOrder = `
key: cancel_order
title: Cancel an order
words: {en: "Cancel the order {order}"}
done: {en: "The order {order} is cancelled."}
method: DELETE
base_url: https://shop.test
path: /tenants/{tenant}/orders/{order}
auth: {kind: header, name: X-Key}
parameters: [{name: order, label: Order, kind: text, length: 20}]
`

func decoded[T any](t *testing.T, response *http.Response, body string) (out T) {
	t.Helper()
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.NoError(t, json.Unmarshal([]byte(body), &out))
	return out
}

func text(t *testing.T, in any) string {
	t.Helper()
	out, err := json.Marshal(in)
	require.NoError(t, err)
	return string(out)
}

func TestActionsAreDefinedProposedAndDecided(t *testing.T) {
	t.Parallel()
	sender := &accepting{}
	var actions *action.Service
	b := setup(t, func(c *api.Config) {
		c.Actions.Sender = sender
		actions = c.Actions
	})
	x := b.things(t)

	response, body := b.do(t, http.MethodPut, "/v1/admin/actions", cleo, text(t, map[string]any{"body": "key: x"}))
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.Contains(t, problemIn(t, response, body).Detail, "cannot be stored")
	response, body = b.do(t, http.MethodPut, "/v1/admin/actions", cleo, text(t, map[string]any{"body": cancelOrder, "secret": "s3cr3t-canary"}))
	stored := decoded[api.Action](t, response, body)
	require.False(t, stored.Enabled, "a new one is off")
	require.True(t, stored.HasSecret)
	require.NotContains(t, body, "s3cr3t-canary")
	response, body = b.do(t, http.MethodPost, "/v1/admin/actions/try", cleo, text(t, map[string]any{"body": stored.Body, "tenant_id": b.acme, "values": map[string]string{"order": "A/1"}}))
	trial := decoded[api.ActionTrial](t, response, body)
	require.True(t, trial.Ok)
	require.Contains(t, *trial.Request, "DELETE https://shop.test/tenants/"+b.acme.String()+"/orders/A%2F1\nX-Key: ••••••\n")
	require.Equal(t, "The order A/1 is cancelled.", *trial.Done)
	response, body = b.do(t, http.MethodPost, "/v1/admin/actions/try", cleo, text(t, map[string]any{"body": stored.Body, "tenant_id": b.acme, "values": map[string]string{}}))
	require.Contains(t, *decoded[api.ActionTrial](t, response, body).Problem, "Order is missing")
	response, body = b.do(t, http.MethodPost, "/v1/admin/actions/cancel_order", cleo, `{"enabled": true}`)
	require.True(t, decoded[api.Actions](t, response, body).Actions[0].Enabled)

	propose := func() action.Proposal {
		var found []action.Proposal
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) (err error) {
			in := procedure.Proposing{Action: "cancel_order", Values: map[string]string{"order": "A1"}, Asker: b.ana, Language: "en", Key: uuid.NewString()}
			if err := actions.Propose(t.Context(), tx, in, x.ticket); err != nil {
				return err
			}
			found, err = action.OfTicket(t.Context(), tx, b.acme, x.ticket)
			return err
		}))
		return found[len(found)-1]
	}
	p := propose()
	at := "/v1/agent/approvals/" + b.acme.String() + "/" + p.ID.String()
	response, body = b.do(t, http.MethodGet, "/v1/agent/approvals", sam, "")
	waiting := decoded[struct{ Approvals []api.Approval }](t, response, body).Approvals
	require.Len(t, waiting, 1)
	require.True(t, waiting[0].MayDecide)
	require.Equal(t, "agents", waiting[0].Who)
	require.Equal(t, p.Request.Preview(), waiting[0].Request)

	for _, who := range []string{ana, nobody} { // customers find nothing there
		response, _ = b.do(t, http.MethodPost, at, who, `{"act": "approve"}`)
		require.Contains(t, []int{http.StatusNotFound, http.StatusUnauthorized}, response.StatusCode)
	}
	response, _ = b.do(t, http.MethodPost, "/v1/agent/approvals/"+b.other.String()+"/"+p.ID.String(), sam, `{"act": "approve"}`)
	require.Equal(t, http.StatusNotFound, response.StatusCode, "by the name of another organisation there is none")
	response, _ = b.do(t, http.MethodPost, at, sam, `{"act": "happened"}`)
	require.Equal(t, http.StatusConflict, response.StatusCode)
	response, body = b.do(t, http.MethodPost, at, sam, `{"act": "approve"}`)
	require.Equal(t, api.ApprovalState("approved"), decoded[api.Approval](t, response, body).State)
	response, body = b.do(t, http.MethodPost, at, sam, `{"act": "decline"}`)
	require.Equal(t, "already_decided", problemIn(t, response, body).Code)
	require.Zero(t, sender.n)
	_, err := actions.Run(t.Context(), b.acme, p.ID)
	require.NoError(t, err)
	require.Equal(t, 1, sender.n)
	response, body = b.do(t, http.MethodGet, "/v1/agent/tickets/"+b.acme.String()+"/"+x.ticket.String(), sam, "")
	shown := *decoded[api.AgentTicket](t, response, body).Approvals
	require.Equal(t, api.ApprovalState("done"), shown[0].State)
	require.Len(t, shown[0].Attempts, 1)
	response, body = b.do(t, http.MethodGet, "/v1/agent/approvals?all=true", sam, "")
	require.Len(t, decoded[struct{ Approvals []api.Approval }](t, response, body).Approvals, 1)

	// A definition that is changed meanwhile ends what was proposed from it.
	changed := propose()
	response, body = b.do(t, http.MethodPut, "/v1/admin/actions", cleo, text(t, map[string]any{"body": cancelOrder + "expires_hours: 5\n"}))
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	response, body = b.do(t, http.MethodPost, "/v1/agent/approvals/"+b.acme.String()+"/"+changed.ID.String(), sam, `{"act": "approve"}`)
	require.Equal(t, "action_changed", problemIn(t, response, body).Code)
	response, body = b.do(t, http.MethodPut, "/v1/admin/procedures", cleo, text(t, map[string]any{"body": "key: k\ntitle: T\nintent: how_to\nsteps: [{id: a, propose: {action: cancel_order}}]"}))
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.Contains(t, problemIn(t, response, body).Detail, "needs order")
	response, _ = b.do(t, http.MethodDelete, "/v1/admin/actions/cancel_order", cleo, "")
	require.Equal(t, http.StatusNoContent, response.StatusCode)
}

func TestADescriptionIsReadAndNothingOfItKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response, body := b.do(t, http.MethodPost, "/v1/admin/openapi", cleo, text(t, map[string]any{"document": "swagger: 2"}))
	require.Equal(t, "bad_document", problemIn(t, response, body).Code)
	document := "openapi: 3.0.3\ninfo: {title: Shop, version: \"1\"}\npaths:\n  /orders/{id}:\n    parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n    get: {responses: {\"200\": {description: ok}}}\n    delete: {summary: Cancel, responses: {\"200\": {description: ok}}}\n"
	response, body = b.do(t, http.MethodPost, "/v1/admin/openapi", cleo, text(t, map[string]any{"document": document}))
	offer := decoded[api.OpenAPIOffer](t, response, body)
	require.Len(t, offer.Operations, 2)
	require.Equal(t, "/orders/{entity}", offer.Operations[0].Source.Path)
	require.Contains(t, *offer.Operations[1].Action, "method: DELETE")
	response, body = b.do(t, http.MethodGet, "/v1/admin/actions", cleo, "")
	require.Empty(t, decoded[api.Actions](t, response, body).Actions)
	response, _ = b.do(t, http.MethodPost, "/v1/admin/openapi", sam, `{"document": "x"}`)
	require.Equal(t, http.StatusNotFound, response.StatusCode, "agents define nothing")
}
