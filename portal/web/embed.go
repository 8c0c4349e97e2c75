// Package web serves the browser interface: the customer portal, the agent
// console, the curator screens and the embeddable chat, built by Vite into dist/
// and embedded here. It knows nothing of the API; portal/api serves that.
//
// Without a build the package still compiles and the handler says what to run.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// nonceMarker stands in the built pages where the nonce of the response goes.
const nonceMarker = "USHER-CSP-NONCE"

// Config says how the interface is served. Its zero value is right for most.
type Config struct {
	// EmbedOrigins are the origins allowed to show the chat in a frame, such as
	// "https://shop.example". Empty: none but this server itself.
	EmbedOrigins []string
	// Assets replaces the embedded build; tests use it.
	Assets fs.FS
}

// Built reports whether the interface was built into this binary.
func Built() bool {
	_, err := fs.Stat(dist, "dist/portal.html")
	return err == nil
}

// Handler serves the pages and their assets. A path that belongs to no page is
// answered with the portal's own "not found" page and status 404. Mount it after
// every API route.
func Handler(config Config) http.Handler {
	assets := config.Assets
	if assets == nil {
		sub, err := fs.Sub(dist, "dist")
		if err != nil {
			panic(fmt.Sprintf("web: embedded dist: %v", err)) // The embed directive above guarantees the folder.
		}
		assets = sub
	}
	return &handler{assets: assets, config: config, packed: map[string]func() []byte{}}
}

type handler struct {
	assets fs.FS
	config Config

	mu     sync.Mutex
	packed map[string]func() []byte // gzip of an asset, made at its first use
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "This address only answers GET.", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if isAsset(name) {
		h.asset(w, r, name)
		return
	}
	entry, known := entryFor("/" + name)
	status := http.StatusOK
	if !known {
		status = http.StatusNotFound
	}
	h.page(w, r, entry, status)
}

// isAsset tells files of the build from addresses of pages. Only files with an
// extension are assets, and the pages themselves are never served raw.
func isAsset(name string) bool {
	switch {
	case strings.HasPrefix(name, "assets/"), name == "favicon.svg", name == "widget.js":
		return true
	default:
		return false
	}
}

// entryFor chooses the page that handles an address in the browser.
func entryFor(address string) (entry string, known bool) {
	first, _, _ := strings.Cut(strings.TrimPrefix(address, "/"), "/")
	switch first {
	case "agent":
		return "agent.html", true
	case "admin":
		return "admin.html", true
	case "embed":
		return "embed.html", true
	case "", "c", "conversations", "tickets", "onboarding", "documents", "exports", "help", "signin", "support", "rate":
		return "portal.html", true
	default:
		return "portal.html", false
	}
}

func (h *handler) page(w http.ResponseWriter, r *http.Request, entry string, status int) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Type", "text/html; charset=utf-8")
	page, err := fs.ReadFile(h.assets, entry)
	if err != nil {
		head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, notBuilt)
		return
	}
	nonce := rand.Text()
	head.Set("Content-Security-Policy", h.policy(entry, nonce))
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	if entry != "embed.html" {
		head.Set("X-Frame-Options", "DENY")
	}
	body := bytes.ReplaceAll(page, []byte(nonceMarker), []byte(nonce))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// policy allows what the build consists of and nothing else: no other origin, no
// inline script or style without this response's nonce.
func (h *handler) policy(entry, nonce string) string {
	ancestors := "'none'"
	if entry == "embed.html" {
		ancestors = strings.Join(append([]string{"'self'"}, h.config.EmbedOrigins...), " ")
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'nonce-" + nonce + "' 'strict-dynamic'",
		"style-src 'self' 'nonce-" + nonce + "'",
		"img-src 'self' data: blob:",
		"font-src 'self'",
		"connect-src 'self'",
		"manifest-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors " + ancestors,
		"require-trusted-types-for 'script'",
	}, "; ")
}

func (h *handler) asset(w http.ResponseWriter, r *http.Request, name string) {
	body, err := fs.ReadFile(h.assets, name)
	if err != nil {
		w.Header().Set("Cache-Control", "no-store")
		code := http.StatusNotFound
		if !errors.Is(err, fs.ErrNotExist) {
			code = http.StatusInternalServerError
		}
		http.Error(w, "There is no such file.", code)
		return
	}
	head := w.Header()
	head.Set("Content-Type", contentType(name))
	// Names under assets/ carry a hash of the content; the others do not.
	if strings.HasPrefix(name, "assets/") {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		head.Set("Cache-Control", "public, max-age=3600")
		head.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	head.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if small := h.gzipped(name, body); small != nil {
			head.Set("Content-Encoding", "gzip")
			body = small
		}
	}
	head.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// gzipped returns the compressed form of an asset, or nil when it would not help.
func (h *handler) gzipped(name string, body []byte) []byte {
	h.mu.Lock()
	pack, ok := h.packed[name]
	if !ok {
		pack = sync.OnceValue(func() []byte { return compress(body) })
		h.packed[name] = pack
	}
	h.mu.Unlock()
	return pack()
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := zip.Write(body); err != nil || zip.Close() != nil || out.Len() >= len(body) {
		return nil
	}
	return out.Bytes()
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8" // The machine's own table may say otherwise.
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		if t := mime.TypeByExtension(path.Ext(name)); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Usher</title>
<h1>The web interface is not built into this program</h1>
<p>The API works. To build the interface, run <code>make web</code> (it needs Node 20) and build the program again.</p>
</html>
`
