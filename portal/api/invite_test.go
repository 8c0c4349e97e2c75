package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// Administrators alone have invitations sent again; for the others, and for people
// who are not theirs, there are none.
func TestInvitationsAreTheAdministratorsToSendAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := "/v1/people/" + uuid.NewString() + "/invitation"
	for _, who := range []string{bruno, sam, shop} {
		response, body := b.do(t, http.MethodPost, path, who, "")
		require.Equal(t, http.StatusNotFound, response.StatusCode, "%s: %s", who, body)
	}
	response, body := b.do(t, http.MethodPost, path, ana, "")
	require.Equal(t, http.StatusConflict, response.StatusCode, body)
	require.Equal(t, "no_mail", problemIn(t, response, body).Code, "e-mail is off here")
}
