package s3_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/s3"
	"github.com/usherdesk/usher/portal/onboarding/blob"
)

// bucket speaks as much of S3 as a single-part store needs.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	types   map[string]string
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=key/") && r.URL.Query().Get("X-Amz-Signature") == "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	object, there := b.objects[r.URL.Path]
	switch r.Method {
	case http.MethodPut:
		b.objects[r.URL.Path], b.types[r.URL.Path] = unchunk(r), r.Header.Get("Content-Type")
		w.Header().Set("ETag", `"e"`)
	case http.MethodDelete:
		delete(b.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet, http.MethodHead:
		if !there {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
			return
		}
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Disposition", r.URL.Query().Get("response-content-disposition"))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(object))
	}
}

// unchunk reads a body signed in chunks ("size;chunk-signature=…\r\n…").
func unchunk(r *http.Request) []byte {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING") {
		all, _ := io.ReadAll(r.Body)
		return all
	}
	var out []byte
	in := bufio.NewReader(r.Body)
	for {
		line, err := in.ReadString('\n')
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, parse := strconv.ParseInt(size, 16, 64)
		if err != nil || parse != nil || n == 0 {
			return out
		}
		part := make([]byte, n)
		if _, err := io.ReadFull(in, part); err != nil {
			return out
		}
		out = append(out, part...)
		_, _ = in.ReadString('\n')
	}
}

func TestDocumentsLieInABucket(t *testing.T) {
	t.Parallel()
	b := &bucket{objects: map[string][]byte{}, types: map[string]string{}}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	store, err := s3.New(s3.Config{Endpoint: server.URL, Bucket: "docs", AccessKey: "key", SecretKey: "secret"})
	require.NoError(t, err)

	require.NoError(t, store.Put(t.Context(), "tenants/a/1", strings.NewReader("hello bytes"), -1, "application/pdf"))
	require.Equal(t, "hello bytes", string(b.objects["/docs/tenants/a/1"]))
	require.Equal(t, "application/pdf", b.types["/docs/tenants/a/1"])

	body, err := store.Open(t.Context(), "tenants/a/1")
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, "hello bytes", string(got))

	address, err := store.Presign(t.Context(), "tenants/a/1", "Straße.pdf", "application/pdf", 2*time.Minute)
	require.NoError(t, err)
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	require.Equal(t, "120", parsed.Query().Get("X-Amz-Expires"))
	require.NotContains(t, address, "secret")
	response, err := http.Get(address) //nolint:noctx // a browser's plain request
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, response.Header.Get("Content-Disposition"), "attachment")

	require.NoError(t, store.Delete(t.Context(), "tenants/a/1"))
	_, err = store.Open(t.Context(), "tenants/a/1")
	require.ErrorIs(t, err, blob.ErrNone)
}

func TestABadConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []s3.Config{{}, {Endpoint: "s3.example.com", Bucket: "b", AccessKey: "k", SecretKey: "s"}, {Endpoint: "https://s3.example.com", Bucket: "b"}} {
		_, err := s3.New(c)
		require.ErrorIs(t, err, s3.ErrBadConfig)
	}
}
