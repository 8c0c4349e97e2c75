package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
)

// audited are the acts kept about a tenant, oldest first.
func (b *bundle) audited(t *testing.T, tenant uuid.UUID) (acts []string) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select actor_kind || ' ' || action || ' ' || object from audit_events where tenant_id = $1 and action not like 'session.%' order by id`, tenant)
		if err != nil {
			return err
		}
		acts, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	return acts
}

func TestATranscriptIsWhatTheCustomerSees(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	say := func(m triage.Message) {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) error {
			m.TenantID, m.ID, m.ConversationID, m.Language = b.acme, uuid.Must(uuid.NewV7()), x.conversation, "en"
			_, _, err := triage.InsertMessage(t.Context(), tx, m)
			return err
		}))
	}
	say(triage.Message{AuthorKind: triage.AuthorAgent, AuthorName: "Sam", Visibility: triage.Internal, Body: "they owe us money"})
	say(triage.Message{AuthorKind: triage.AuthorAgent, AuthorName: "Sam", Visibility: triage.VisibleToCustomer, Body: "It left today."})
	path := "/v1/conversations/" + x.conversation.String() + "/transcript"

	response, text := b.do(t, http.MethodGet, path, ana, "")
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	require.Equal(t, "text/plain; charset=utf-8", response.Header.Get("Content-Type"))
	require.Contains(t, response.Header.Get("Content-Disposition"), "attachment; filename=conversation-")
	require.NotContains(t, text, "money", "internal notes stay inside")
	question, answer, reply := strings.Index(text, "Where is the thing?"), strings.Index(text, "Assistant (AI)\nThe thing is on its way."), strings.Index(text, "Sam (support team)\nIt left today.")
	require.Positive(t, question, text)
	require.Less(t, question, answer, text)
	require.Less(t, answer, reply, text)
	require.Equal(t, []string{"customer conversation.transcript " + x.conversation.String()}, b.audited(t, b.acme))

	for _, who := range []string{bruno, olga, cleo} {
		response, _ = b.do(t, http.MethodGet, path, who, "")
		require.Equal(t, http.StatusNotFound, response.StatusCode, who)
	}
	require.Len(t, b.audited(t, b.acme), 1, "who got nothing took nothing")
}

func TestAnExportIsKeptAndStaffCanTakeOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.things(t)
	response, own := b.do(t, http.MethodGet, "/v1/exports/tickets?format=csv&from=2026-01-01&to=2099-12-31", ana, "")
	require.Equal(t, http.StatusOK, response.StatusCode, own)
	require.Contains(t, own, "The thing")
	require.Contains(t, response.Header.Get("Content-Disposition"), "tickets-")

	staffs := "/v1/admin/tenants/" + b.acme.String() + "/exports/tickets?format=csv"
	response, theirs := b.do(t, http.MethodGet, staffs, cleo, "")
	require.Equal(t, http.StatusOK, response.StatusCode, theirs)
	require.Equal(t, own, theirs, "the same rows, where no department is left out")
	response, _ = b.do(t, http.MethodGet, "/v1/admin/tenants/"+uuid.NewString()+"/exports/tickets", cleo, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	response, text := b.do(t, http.MethodGet, staffs+"&from=2026-02-01&to=2026-01-01", cleo, "")
	require.Equal(t, http.StatusBadRequest, response.StatusCode, text)
	problemIn(t, response, text)
	response, _ = b.do(t, http.MethodGet, strings.Replace(staffs, "tickets", "conversations", 1), cleo, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode, "what people wrote is their organisation's to export")
	require.Equal(t, []string{"customer data.exported tickets", "staff data.exported tickets"}, b.audited(t, b.acme))
}

func TestWhatCuratorsChangeIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response, text := b.do(t, http.MethodPut, "/v1/admin/onboarding/rules", cleo, `{"key":"late","on":"document.rejected","do":"tell_customer","enabled":false}`)
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	response, text = b.do(t, http.MethodPost, "/v1/admin/tenants/"+b.acme.String()+"/lifecycle", cleo, `{"to":"suspended"}`)
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	require.Equal(t, []string{"staff workspace.suspended tenant"}, b.audited(t, b.acme))
	var kept string
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select action || ' ' || object from operator_audit_events where action not like 'session.%'`).Scan(&kept)
	}))
	require.Equal(t, "onboarding.rule late", kept)
}
