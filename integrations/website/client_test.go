package website_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/website"
	"github.com/usherdesk/usher/knowledge/site"
)

var here = egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheRulesOfAHost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		text    string
		refused bool // the rules could not be read
		allowed map[string]bool
		delay   time.Duration
	}{
		"none":        {404, "", false, map[string]bool{"/": true, "/x": true}, 0},
		"forbidden":   {403, "", false, map[string]bool{"/": true}, 0},
		"broken":      {500, "", true, nil, 0},
		"overwhelmed": {429, "", true, nil, 0},
		"for all":     {200, "User-agent: *\nDisallow: /private\nAllow: /private/not\nCrawl-delay: 3", false, map[string]bool{"/": true, "/private/x": false, "/private/not": true}, 3 * time.Second},
		"for us":      {200, "User-agent: UsherBot\nDisallow: /a\n\nUser-agent: *\nDisallow: /", false, map[string]bool{"/": true, "/a": false}, 0},
		"with a sign": {200, "User-agent: *\nDisallow: /*?session=\nDisallow: /*.pdf$", false, map[string]bool{"/x?session=1": false, "/x": true, "/m.pdf": false}, 0},
		"no rules":    {200, "<html>not found</html>", false, map[string]bool{"/": true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				require.Equal(t, "/robots.txt", r.URL.Path)
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.text)
			})
			rules, err := website.New(website.Config{}, here).Rules(t.Context(), address+"/docs")
			if test.refused {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			for path, allowed := range test.allowed {
				require.Equal(t, allowed, rules.Allowed(address+path), path)
			}
			require.Equal(t, test.delay, rules.Delay())
		})
	}
}

func TestNoRedirectIsFollowedOffTheHost(t *testing.T) {
	t.Parallel()
	secret := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") })
	address := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, secret+"/secret", http.StatusFound) })
	client := website.New(website.Config{}, here)
	got, err := client.Fetch(t.Context(), site.Request{URL: address + "/x"})
	require.NoError(t, err)
	require.Equal(t, secret+"/secret", got.Location)
	rules, err := client.Rules(t.Context(), address)
	require.NoError(t, err)
	require.True(t, rules.Allowed(address+"/x"), "rules that lead elsewhere are none")
}

func TestAPageIsReadAsItIs(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "UsherBot/1.0 (+https://usher.example)", r.UserAgent())
		require.Empty(t, r.Header.Get("Cookie"))
		switch r.URL.Path {
		case "/tagged":
			require.Equal(t, `"v1"`, r.Header.Get("If-None-Match"))
			require.NotEmpty(t, r.Header.Get("If-Modified-Since"))
			w.WriteHeader(http.StatusNotModified)
		case "/busy":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/meta":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2")
		case "/zip":
			w.Header().Set("Content-Type", "application/zip")
			fmt.Fprint(w, strings.Repeat("x", 100))
		}
	})
	client := website.New(website.Config{About: "https://usher.example"}, here)
	got, err := client.Fetch(t.Context(), site.Request{URL: address + "/tagged", ETag: `"v1"`, LastModified: "Mon, 05 Jan 2026 10:00:00 GMT"})
	require.NoError(t, err)
	require.Equal(t, http.StatusNotModified, got.Status)
	got, err = client.Fetch(t.Context(), site.Request{URL: address + "/busy"})
	require.NoError(t, err)
	require.Equal(t, 7*time.Second, got.RetryAfter)
	got, err = client.Fetch(t.Context(), site.Request{URL: address + "/meta"})
	require.NoError(t, err)
	require.Contains(t, string(got.Body), "Привет")
	got, err = client.Fetch(t.Context(), site.Request{URL: address + "/zip"})
	require.NoError(t, err)
	require.Empty(t, got.Body, "what can be no article is not read")
	_, err = website.New(website.Config{}, egress.Guard{}).Fetch(t.Context(), site.Request{URL: address + "/meta"})
	require.ErrorIs(t, err, site.ErrPrivate)
}
