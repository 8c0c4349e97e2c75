package hubspot_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/hubspot"
	"github.com/usherdesk/usher/integrations/hubspot/hubspotfake"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/crmtest"
)

func TestOAuth(t *testing.T) {
	t.Parallel()
	var refreshed atomic.Int32
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refreshed.Add(1)
		if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != "r1" || r.FormValue("client_secret") != "cs" {
			http.Error(w, `{"status":"BAD_REFRESH_TOKEN"}`, http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"a1","expires_in":1800}`))
	}))
	t.Cleanup(tokens.Close)
	var now atomic.Int64
	now.Store(time.Now().Unix())
	connect := func(fake *hubspotfake.Server, secret string) *hubspot.Client {
		return hubspot.New(hubspot.Config{APIURL: fake.URL, PerSecond: 10_000, OAuth: &hubspot.OAuth{
			ClientID: "ci", ClientSecret: secret, RefreshToken: "r1", TokenURL: tokens.URL, Now: func() time.Time { return time.Unix(now.Load(), 0) },
		}})
	}
	fake := hubspotfake.New(t)
	c := connect(fake, "cs")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { _, _ = c.UpsertTicket(t.Context(), crmtest.Record()) })
	}
	group.Wait()
	require.Len(t, fake.Objects("tickets"), 4)
	require.Equal(t, int32(1), refreshed.Load(), "one refresh serves all")
	now.Add(1800)
	_, err := c.UpsertTicket(t.Context(), crmtest.Record())
	require.NoError(t, err)
	require.Equal(t, int32(2), refreshed.Load(), "an old token is renewed before it ends")
	var once sync.Once
	fake.Fail(func(*http.Request) (f hubspotfake.Fault) {
		once.Do(func() { f.Status = http.StatusUnauthorized })
		return f
	})
	_, err = c.UpsertTicket(t.Context(), crmtest.Record())
	require.NoError(t, err, "a refused token is renewed once and the call repeated")
	require.Equal(t, int32(3), refreshed.Load())
	_, err = connect(fake, "wrong").UpsertTicket(t.Context(), crmtest.Record())
	require.Error(t, err)
}

// What is sent to renew a token is what HubSpot documents; a refusal is for people.
func TestARefusedRefreshTokenIsForPeople(t *testing.T) {
	t.Parallel()
	fake := hubspotfake.New(t)
	fake.Install("ci", "cs", "r1")
	connect := func(secret, refresh string) *hubspot.Client {
		return hubspot.New(hubspot.Config{APIURL: fake.URL, PerSecond: 10_000, OAuth: &hubspot.OAuth{ClientID: "ci", ClientSecret: secret, RefreshToken: refresh}})
	}
	_, err := connect("cs", "r1").UpsertTicket(t.Context(), crmtest.Record())
	require.NoError(t, err)
	require.Equal(t, 1, fake.Renewed())
	for _, c := range []*hubspot.Client{connect("wrong", "r1"), connect("cs", "gone")} {
		_, err := c.UpsertTicket(t.Context(), crmtest.Record())
		var permanent *desk.PermanentError
		require.ErrorAs(t, err, &permanent)
		require.Contains(t, permanent.Safe, "Install the app again, and set USHER_HUBSPOT_REFRESH_TOKEN")
		require.NotContains(t, err.Error(), "unknown client id")
	}
	fake.Fail(func(*http.Request) hubspotfake.Fault { return hubspotfake.Fault{Status: http.StatusBadGateway} })
	_, err = connect("cs", "r1").UpsertTicket(t.Context(), crmtest.Record())
	crmtest.RequireTemporary(t, err)
}
