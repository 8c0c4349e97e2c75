package api_test

import (
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// What other people wrote and did is the administrators' to take; who took data
// out is in the audit.
func TestOnlyAdministratorsExportConversationsAndAudit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, section := range []string{"conversations", "audit"} {
		response, _ := b.do(t, http.MethodGet, "/v1/exports/"+section, maria, "", "")
		require.Equal(t, http.StatusNotFound, response.StatusCode, section)
		response, body := b.do(t, http.MethodGet, "/v1/exports/"+section+"?format=json", ana, "", "")
		require.Equal(t, http.StatusOK, response.StatusCode, body)
	}
	response, _ := b.do(t, http.MethodGet, "/v1/exports/tickets", maria, "", "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	var taken []string
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.acme, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select object from audit_events where tenant_id = $1 and action = 'data.exported' order by id`, b.acme)
		if err != nil {
			return err
		}
		taken, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	require.Equal(t, []string{"conversations", "audit", "tickets"}, taken)
}
