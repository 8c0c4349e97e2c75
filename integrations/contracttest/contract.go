// Package contracttest holds fakes of outside systems to the vendors' published
// interface descriptions: every request our adapters send and every answer a
// fake gives is validated. Imported by tests and fakes only.
package contracttest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
)

// Spec is a published OpenAPI description.
type Spec struct {
	t      testing.TB
	router routers.Router
	checks atomic.Int64
}

// Open reads a description from the public development data; the test is
// skipped where that is absent. base is the path all its paths stand under.
func Open(t testing.TB, file, base string) *Spec {
	t.Helper()
	path := dbtest.TestData(t, "contracts", file)
	reading, _ := read.LoadOrStore([2]string{path, base}, sync.OnceValues(func() (routers.Router, error) { return load(path, base) }))
	router, err := reading.(func() (routers.Router, error))()
	require.NoError(t, err)
	return &Spec{t: t, router: router}
}

// read holds the descriptions read so far: reading one takes as long as many tests.
var read sync.Map

func load(path, base string) (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, err
	}
	doc.Servers = openapi3.Servers{{URL: base + "/"}}
	if base == "" {
		doc.Servers = nil
	}
	return gorillamux.NewRouter(doc)
}

// Checked is how many exchanges were validated.
func (s *Spec) Checked() int64 { return s.checks.Load() }

// Wrap validates what reaches next and what it answers. A violation fails the
// test and answers 400, so that the adapter notices too.
func (s *Spec) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		route, params, err := s.router.FindRoute(r)
		if err != nil {
			s.t.Errorf("%s %s is not in the published interface: %v", r.Method, r.URL.Path, err)
			http.Error(w, "not in the interface", http.StatusBadRequest)
			return
		}
		input := &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			s.t.Errorf("request %s %s breaks the published interface: %v\n%s", r.Method, r.URL.Path, err, body)
			http.Error(w, "request breaks the interface", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		s.check(r.Context(), input, recorder)
		s.checks.Add(1)
		for k, v := range recorder.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	})
}

// check validates an answer. 5xx answers are outside every description.
func (s *Spec) check(ctx context.Context, input *openapi3filter.RequestValidationInput, answer *httptest.ResponseRecorder) {
	if answer.Code >= http.StatusInternalServerError {
		return
	}
	err := openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.Code, Header: answer.Header(),
		Body: io.NopCloser(bytes.NewReader(answer.Body.Bytes())),
	})
	if err != nil {
		s.t.Errorf("answer %d to %s %s breaks the published interface: %v\n%s", answer.Code, input.Request.Method, input.Request.URL.Path, err, answer.Body.String())
	}
}
