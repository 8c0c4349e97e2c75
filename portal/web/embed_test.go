package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/web"
)

func build() fstest.MapFS {
	page := func(name string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`<script nonce="USHER-CSP-NONCE">1</script><p>` + name + `</p>`)}
	}
	return fstest.MapFS{
		"portal.html":          page("portal"),
		"agent.html":           page("agent"),
		"admin.html":           page("admin"),
		"embed.html":           page("embed"),
		"assets/app-1a2b3c.js": {Data: []byte(strings.Repeat("export const a = 1;\n", 200))},
		"widget.js":            {Data: []byte("0")},
		"manifest.json":        {Data: []byte("{}")},
	}
}

func get(t *testing.T, config web.Config, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	web.Handler(config).ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	t.Parallel()

	t.Run("every address opens its own page", func(t *testing.T) {
		t.Parallel()
		for target, want := range map[string]string{
			"/": "portal", "/help/first-steps": "portal", "/c/0192": "portal", "/onboarding": "portal",
			"/agent": "agent", "/agent/tickets/t/1": "agent", "/admin/articles": "admin", "/embed": "embed",
		} {
			w := get(t, web.Config{Assets: build()}, http.MethodGet, target)
			require.Equal(t, http.StatusOK, w.Code, target)
			require.Contains(t, w.Body.String(), "<p>"+want+"</p>", target)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		}
	})

	t.Run("an unknown address is a 404 that still shows the portal", func(t *testing.T) {
		t.Parallel()
		for _, target := range []string{"/nowhere", "/manifest.json", "/portal.html", "/agentic", "/%2e%2e/embed.go"} {
			w := get(t, web.Config{Assets: build()}, http.MethodGet, target)
			require.Equal(t, http.StatusNotFound, w.Code, target)
			require.Contains(t, w.Body.String(), "<p>portal</p>", target)
		}
	})

	t.Run("each response has its own nonce and a policy without other origins", func(t *testing.T) {
		t.Parallel()
		nonce := regexp.MustCompile(`'nonce-([^']+)'`)
		seen := map[string]bool{}
		for range 3 {
			w := get(t, web.Config{Assets: build()}, http.MethodGet, "/")
			policy := w.Header().Get("Content-Security-Policy")
			match := nonce.FindStringSubmatch(policy)
			require.Len(t, match, 2)
			require.Contains(t, w.Body.String(), `nonce="`+match[1]+`"`)
			require.NotContains(t, policy, "unsafe")
			require.NotContains(t, policy, "http")
			require.Contains(t, policy, "frame-ancestors 'none'")
			seen[match[1]] = true
		}
		require.Len(t, seen, 3)
	})

	t.Run("only the chat may be framed and only by the origins named", func(t *testing.T) {
		t.Parallel()
		config := web.Config{Assets: build(), EmbedOrigins: []string{"https://shop.example"}}
		w := get(t, config, http.MethodGet, "/embed")
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'self' https://shop.example;")
		require.Empty(t, w.Header().Get("X-Frame-Options"))
		require.Equal(t, "DENY", get(t, config, http.MethodGet, "/agent").Header().Get("X-Frame-Options"))
	})

	t.Run("hashed assets are cached for a year and compressed", func(t *testing.T) {
		t.Parallel()
		w := get(t, web.Config{Assets: build()}, http.MethodGet, "/assets/app-1a2b3c.js", "Accept-Encoding", "br, gzip")
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "public, max-age=31536000, immutable", w.Header().Get("Cache-Control"))
		require.Equal(t, "text/javascript; charset=utf-8", w.Header().Get("Content-Type"))
		require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
		zip, err := gzip.NewReader(w.Body)
		require.NoError(t, err)
		body, err := io.ReadAll(zip)
		require.NoError(t, err)
		require.Len(t, body, 4000)

		plain := get(t, web.Config{Assets: build()}, http.MethodGet, "/assets/app-1a2b3c.js")
		require.Empty(t, plain.Header().Get("Content-Encoding"))
		require.Len(t, plain.Body.String(), 4000)
	})

	t.Run("a missing asset is a plain 404, not a page", func(t *testing.T) {
		t.Parallel()
		w := get(t, web.Config{Assets: build()}, http.MethodGet, "/assets/gone.js")
		require.Equal(t, http.StatusNotFound, w.Code)
		require.NotContains(t, w.Body.String(), "<p>")
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	})

	t.Run("other methods are refused", func(t *testing.T) {
		t.Parallel()
		w := get(t, web.Config{Assets: build()}, http.MethodPost, "/")
		require.Equal(t, http.StatusMethodNotAllowed, w.Code)
		require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	})

	t.Run("without a build it says what to run", func(t *testing.T) {
		t.Parallel()
		w := get(t, web.Config{Assets: fstest.MapFS{}}, http.MethodGet, "/")
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Contains(t, w.Body.String(), "make web")
	})
}
