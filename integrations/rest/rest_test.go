package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/rest"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

var here = egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

func client(t *testing.T, handler http.HandlerFunc, change func(*rest.Config)) *rest.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := rest.Config{BaseURL: server.URL + "/api/", Path: "/shipments/{entity}", Auth: rest.Auth{Kind: "bearer", Secret: "s3cret"}}
	if change != nil {
		change(&config)
	}
	c, err := rest.New(config, here)
	require.NoError(t, err)
	return c
}

func answer(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(body))
	}
}

func TestFieldsAreTakenByPointer(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/api/shipments/a%2Fb%20c%3F", r.URL.EscapedPath())
		require.Equal(t, "Bearer s3cret", r.Header.Get("Authorization"))
		require.Equal(t, "usher", r.Header.Get("X-Client"))
		w.Header().Set("ETag", `"7"`)
		answer("application/vnd.tms+json; charset=utf-8", `{"data": {"pos/ition": "Rotterdam", "legs": [{"eta": "2026-11-27"}], "id": 12345678901234567890, "none": null}, "at": "2026-11-23T10:00:00Z"}`)(w, r)
	}, func(c *rest.Config) {
		c.Headers = map[string]string{"X-Client": "usher"}
		c.Fields = map[string]string{"position": "/data/pos~1ition", "eta": "/data/legs/0/eta", "id": "/data/id", "missing": "/data/legs/7/eta", "none": "/data/none"}
		c.ObservedAt, c.MaxAge = "/at", time.Minute
	})
	got, err := c.Fetch(t.Context(), source.Key{Entity: "a/b c?"}, "")
	require.NoError(t, err)
	require.JSONEq(t, `{"position": "Rotterdam", "eta": "2026-11-27", "id": 12345678901234567890}`, string(got.Payload))
	require.Contains(t, string(got.Payload), "12345678901234567890")
	require.Equal(t, `"7"`, got.ETag)
	require.Equal(t, time.Minute, got.MaxAge)
	require.True(t, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Equal(got.ObservedAt))
}

func TestAnswersThatCannotBeUsedAreErrors(t *testing.T) {
	t.Parallel()
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    error
	}{
		"not found":    {status(404), source.ErrAbsent},
		"gone":         {status(410), source.ErrAbsent},
		"server error": {status(500), rest.ErrBadAnswer},
		"a redirect":   {status(302, "Location", "http://169.254.169.254/latest"), rest.ErrBadAnswer},
		"HTML":         {answer("text/html", "<p>log in</p>"), rest.ErrBadAnswer},
		"broken JSON":  {answer("application/json", `{"a": `), rest.ErrBadAnswer},
		"a list":       {answer("application/json", `[1]`), rest.ErrBadAnswer},
		"too large":    {answer("application/json", `{"a": "`+strings.Repeat("x", 3<<20)+`"}`), rest.ErrBadAnswer},
		"a gzip bomb": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			answer("application/json", "\x1f\x8b")(w, r)
		}, rest.ErrBadAnswer},
		"an endless body": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat(" ", 64<<10))); err != nil {
					return
				}
			}
		}, rest.ErrBadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, c.handler, nil).Fetch(t.Context(), source.Key{Entity: "1"}, "")
			require.ErrorIs(t, err, c.want)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	t.Run("too many requests says when to come back", func(t *testing.T) {
		t.Parallel()
		_, err := client(t, status(429, "Retry-After", "120"), nil).Fetch(t.Context(), source.Key{Entity: "1"}, "")
		var later *source.RetryAfter
		require.ErrorAs(t, err, &later)
		require.Equal(t, 2*time.Minute, later.After)
	})
	t.Run("an id that would climb is refused", func(t *testing.T) {
		t.Parallel()
		_, err := client(t, answer("application/json", `{}`), nil).Fetch(t.Context(), source.Key{Entity: ".."}, "")
		require.ErrorIs(t, err, rest.ErrBadAnswer)
	})
	t.Run("not modified", func(t *testing.T) {
		t.Parallel()
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, `"7"`, r.Header.Get("If-None-Match"))
			w.WriteHeader(http.StatusNotModified)
		}, nil)
		got, err := c.Fetch(t.Context(), source.Key{Entity: "1"}, `"7"`)
		require.NoError(t, err)
		require.True(t, got.NotModified)
	})
	t.Run("a stalled server ends with the caller's deadline", func(t *testing.T) {
		t.Parallel()
		c := client(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := c.Fetch(ctx, source.Key{Entity: "1"}, "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// However the address is written, what is dialled is checked.
func TestOddSpellingsOfInsideAddressesReachNothing(t *testing.T) {
	t.Parallel()
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndex(server.URL, ":")+1:]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"} {
		c, err := rest.New(rest.Config{BaseURL: fmt.Sprintf("http://%s:%s", host, port), Path: "/"}, egress.Guard{})
		if err != nil {
			require.ErrorIs(t, err, rest.ErrBadConfig)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, err = c.Fetch(ctx, source.Key{}, "")
		cancel()
		require.Error(t, err, host)
		require.False(t, errors.Is(err, rest.ErrBadAnswer), "%s: nothing may answer", host)
	}
	require.False(t, reached)
}

func TestABadConfigurationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]rest.Config{
		"base_url":     {BaseURL: "ftp://erp.example", Path: "/"},
		"password":     {BaseURL: "https://user:pass@erp.example", Path: "/"},
		"begin with /": {BaseURL: "https://erp.example", Path: "x"},
		"auth kind":    {BaseURL: "https://erp.example", Path: "/", Auth: rest.Auth{Kind: "magic"}},
		"needs a name": {BaseURL: "https://erp.example", Path: "/", Auth: rest.Auth{Kind: "header"}},
		"JSON pointer": {BaseURL: "https://erp.example", Path: "/", Fields: map[string]string{"a": "data["}},
	} {
		_, err := rest.New(c, egress.Guard{})
		require.ErrorIs(t, err, rest.ErrBadConfig, want)
		require.ErrorContains(t, err, want)
	}
}

func TestFieldsAreTakenByJMESPath(t *testing.T) {
	t.Parallel()
	c := client(t, answer("application/json", `{"order": {"legs": [{"eta": "2026-11-27", "done": true}, {"eta": "2026-12-01", "done": false}]}, "n": [3, 4], "seen": 1764000000}`), func(c *rest.Config) {
		c.Fields = map[string]string{
			"next": "order.legs[?done==`false`].eta | [0]", "pieces": "sum(n)", "first": "/order/legs/0/eta", "nowhere": "order.port.name", "wrong": "sum(order)",
		}
		c.ObservedAt = "seen"
	})
	got, err := c.Fetch(t.Context(), source.Key{Entity: "1"}, "")
	require.NoError(t, err)
	require.JSONEq(t, `{"next": "2026-12-01", "pieces": 7, "first": "2026-11-27"}`, string(got.Payload))
	require.True(t, time.Unix(1764000000, 0).Equal(got.ObservedAt))
}

// Who the request is for comes from the server, and cannot leave its place in the path.
func TestIdentityIsFilledInAndEscaped(t *testing.T) {
	t.Parallel()
	var path string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		answer("application/json", `{}`)(w, r)
	}, func(c *rest.Config) { c.Path = "/customers/{customer}/{tenant}/shipments/{entity}" })
	require.True(t, c.PerCustomer())
	tenant := uuid.New()
	_, err := c.Fetch(t.Context(), source.Key{TenantID: tenant, Entity: "../../{customer}/9?x=1#", Customer: "a/../b"}, "")
	require.NoError(t, err)
	require.Equal(t, "/api/customers/a%2F..%2Fb/"+tenant.String()+"/shipments/..%2F..%2F%7Bcustomer%7D%2F9%3Fx=1%23", path)
	_, err = c.Fetch(t.Context(), source.Key{Entity: "1", Customer: ".."}, "")
	require.ErrorIs(t, err, rest.ErrBadAnswer)
}

func TestWhatWentWrongIsSaidInPlainWords(t *testing.T) {
	t.Parallel()
	fetch := func(c *rest.Client) string {
		_, err := c.Fetch(t.Context(), source.Key{Entity: "1"}, "")
		require.Error(t, err)
		return rest.Explain(err)
	}
	refuse := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for want, handler := range map[string]http.HandlerFunc{
		"no such record": refuse(404), "refuses us (status 401)": refuse(401), "asked too often": refuse(429), "itself failed (status 500)": refuse(500),
		"sends us elsewhere": refuse(302), "status 418": refuse(418), "it is not JSON but": answer("text/html", "<p>"),
	} {
		require.Contains(t, fetch(client(t, handler, nil)), want)
	}
	broken := fetch(client(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil))
	require.Equal(t, "The connection broke off before there was an answer.", broken, "without the address, which says what was asked for")
	closed := httptest.NewServer(nil)
	closed.Close()
	require.Contains(t, fetch(client(t, refuse(200), func(c *rest.Config) { c.BaseURL = closed.URL })), "Nothing listens")
	require.Contains(t, fetch(client(t, refuse(200), func(c *rest.Config) { c.BaseURL = "http://nowhere.invalid" })), "no such host: nowhere.invalid")
	require.Contains(t, fetch(client(t, refuse(200), func(c *rest.Config) { c.BaseURL = strings.Replace(c.BaseURL, "http", "https", 1) })), "does not speak TLS")
	guarded, err := rest.New(rest.Config{BaseURL: "http://10.0.0.1", Path: "/x"}, egress.Guard{})
	require.NoError(t, err)
	require.Contains(t, fetch(guarded), "USHER_SOURCE_NETWORKS")
	tls := httptest.NewTLSServer(nil)
	t.Cleanup(tls.Close)
	require.Contains(t, fetch(client(t, refuse(200), func(c *rest.Config) { c.BaseURL = tls.URL })), "certificate cannot be trusted")

	_, err = rest.Stored(source.Definition{BaseURL: "https://api.example.test", Path: "/{user}/x"}, "", egress.Guard{})
	require.Equal(t, "path may hold {entity}, {customer} and {tenant}, not {user}", rest.Explain(err))
	_, err = rest.Stored(source.Definition{BaseURL: "https://api.example.test", Path: "/x", Fields: map[string]string{"eta": "order..eta"}}, "", egress.Guard{})
	require.Contains(t, rest.Explain(err), "neither a JSON pointer")
}
