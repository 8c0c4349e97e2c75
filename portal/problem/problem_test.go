package problem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
)

// domains are the packages whose errors callers of the API may meet.
var domains = map[string]string{
	"triage": "../../triage", "action": "../../triage/action", "intake": "../../triage/intake", "desk": "../../triage/desk", "taxonomy": "../../triage/taxonomy", "upkeep": "../../triage/upkeep",
	"knowledge": "../../knowledge", "onboarding": "../onboarding", "blob": "../onboarding/blob", "document": "../onboarding/document", "export": "../onboarding/export", "attachment": "../../triage/attachment",
	"rating": "../../triage/rating", "rehearsal": "../../triage/rehearsal", "eval": "../../triage/eval", "procedure": "../../triage/procedure", "proposal": "../../triage/proposal", "health": "../../knowledge/health", "site": "../../knowledge/site",
}

func parse(t *testing.T, pattern string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	require.NotEmpty(t, files, pattern)
	return files
}

// sentinels are the exported errors a package declares.
func sentinels(t *testing.T, folder string) (names []string) {
	t.Helper()
	for _, file := range parse(t, filepath.Join(folder, "*.go")) {
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

func TestEveryDomainErrorHasAProblem(t *testing.T) {
	t.Parallel()
	mapped := map[string]bool{}
	for _, file := range parse(t, "problem.go") {
		ast.Inspect(file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := selector.X.(*ast.Ident); ok {
					mapped[pkg.Name+"."+selector.Sel.Name] = true
				}
			}
			return true
		})
	}
	found := 0
	for pkg, folder := range domains {
		for _, name := range sentinels(t, folder) {
			found++
			require.Contains(t, mapped, pkg+"."+name, "map it in problem.go, or callers get a 500")
		}
	}
	require.GreaterOrEqual(t, found, 80)
}

func body(t *testing.T, err error) (problem.Problem, *http.Response, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/v1/here?secret=1", nil)
	request = request.WithContext(problem.WithRequestID(request.Context(), "rid"))
	problem.Write(recorder, request, err)
	var p problem.Problem
	text := recorder.Body.String()
	require.NoError(t, json.Unmarshal([]byte(text), &p))
	return p, recorder.Result(), text
}

func TestWrite(t *testing.T) {
	t.Parallel()
	const cause = "secret-cause"
	for name, c := range map[string]struct {
		err    error
		status int
		code   string
		retry  bool
	}{
		"an error nobody knows":            {errors.New(cause), 500, "internal_error", false},
		"a missing ticket":                 {fmt.Errorf(cause+": %w", triage.ErrTicketNotFound), 404, "not_found", false},
		"a hidden article":                 {fmt.Errorf(cause+": %w", knowledge.ErrNotFound), 404, "not_found", false},
		"a reused key":                     {fmt.Errorf(cause+": %w", intake.ErrKeyReused), 422, "idempotency_key_reused", false},
		"a ticket somebody else claimed":   {fmt.Errorf(cause+": %w", &desk.ClaimedError{By: "Sam"}), 409, "already_claimed", false},
		"a field that cannot be accepted":  {fmt.Errorf(cause+": %w", &knowledge.InvalidError{Field: "slug", Reason: "is empty"}), 400, "invalid_field", false},
		"a body past the limit":            {fmt.Errorf(cause+": %w", &http.MaxBytesError{Limit: 1 << 20}), 413, "body_too_large", false},
		"a problem on its way":             {fmt.Errorf(cause+": %w", problem.New(418, "teapot", "short and stout")), 418, "teapot", false},
		"too many requests":                {problem.TooMany(1500e6), 429, "too_many_requests", true},
		"a database that refuses":          {fmt.Errorf(cause+": %w", &pgconn.PgError{Code: "57P03", Message: cause}), 503, "temporarily_unavailable", true},
		"a database that went away":        {errors.New(cause + ": unexpected EOF"), 503, "temporarily_unavailable", true},
		"a request that took too long":     {fmt.Errorf(cause+": %w", context.DeadlineExceeded), 503, "took_too_long", true},
		"an embedder that is not there":    {fmt.Errorf(cause+": %w", knowledge.ErrNoEmbedder), 503, "search_unavailable", true},
		"a text the database cannot hold":  {fmt.Errorf(cause+": %w", &pgconn.PgError{Code: "22021", Message: cause}), 400, "unusable_value", false},
		"a broken constraint, our mistake": {fmt.Errorf(cause+": %w", &pgconn.PgError{Code: "23514", Message: cause, Detail: cause}), 500, "internal_error", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, response, text := body(t, c.err)
			require.Equal(t, c.status, p.Status)
			require.Equal(t, c.status, response.StatusCode)
			require.Equal(t, c.code, p.Code)
			require.Equal(t, "rid", p.RequestID)
			require.Equal(t, "/v1/here", p.Instance, "the query may hold secrets")
			require.NotEmpty(t, p.Detail)
			require.NotEmpty(t, p.Title)
			require.True(t, strings.HasSuffix(p.Type, c.code), p.Type)
			require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
			require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
			require.Equal(t, c.retry, response.Header.Get("Retry-After") != "", "Retry-After")
			require.NotContains(t, text, cause)
		})
	}
}

func TestWhatIsHiddenLooksLikeWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, _, want := body(t, problem.NotFound())
	for _, err := range []error{triage.ErrConversationNotFound, triage.ErrTicketNotFound, knowledge.ErrNotFound, desk.ErrDeliveryNotFound} {
		_, _, got := body(t, fmt.Errorf("read: %w", err))
		require.Equal(t, want, got)
	}
}

func TestOurFaultsAreLoggedWithTheirCause(t *testing.T) { //nolint:paralleltest // swaps the process's logger
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	body(t, triage.ErrTicketNotFound)
	require.Empty(t, log.String(), "a caller's mistake is not ours")
	body(t, errors.New("the very cause"))
	require.Contains(t, log.String(), "the very cause")
}
