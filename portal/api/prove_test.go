package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage/confirm"
)

// session gives somebody's session to a browser.
func (s *sso) as(who string) *browser {
	b := s.browser()
	b.cookies["__Host-usher"] = s.tokens[who]
	return b
}

// code works the jobs that mail codes, and reads the last one.
func (s *sso) code(t *testing.T) string {
	t.Helper()
	rows, err := s.db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = 'send_code' returning args`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	require.NoError(t, err)
	for _, raw := range list {
		var args confirm.SendArgs
		require.NoError(t, json.Unmarshal(raw, &args))
		require.NoError(t, s.confirm.Send(t.Context(), s.db.Worker, s.mail, args))
	}
	require.NotEmpty(t, s.mail.letters)
	return strings.ReplaceAll(regexp.MustCompile(`^\d{3} \d{3}`).FindString(s.mail.letters[len(s.mail.letters)-1].text), " ", "")
}

func wrong(code string) string {
	if code[0] == '9' {
		return "1" + code[1:]
	}
	return "9" + code[1:]
}

func (b *browser) prove(t *testing.T, code string) (int, string) {
	t.Helper()
	response, text := b.do(t, http.MethodPut, "/v1/auth/code", `{"code":"`+code+`"}`)
	var p problem.Problem
	if text != "" {
		require.NoError(t, json.Unmarshal([]byte(text), &p))
	}
	return response.StatusCode, p.Code
}

func (b *browser) send(t *testing.T) int {
	t.Helper()
	response, _ := b.do(t, http.MethodPost, "/v1/auth/code", "")
	return response.StatusCode
}

func (b *browser) export(t *testing.T) (int, string) {
	t.Helper()
	response, text := b.do(t, http.MethodGet, "/v1/exports/tickets", "")
	var p problem.Problem
	_ = json.Unmarshal([]byte(text), &p)
	if p.Code == "step_up_required" {
		require.Equal(t, "https://usher.dev/problems/step_up_required", p.Type)
	}
	return response.StatusCode, p.Code
}

// A12: an export needs a fresh proof, which gives the session a new cookie.
func TestAnExportNeedsAProof(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	b := s.as(ana)
	status, code := b.export(t)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "step_up_required", code)
	response, text := b.do(t, http.MethodPost, "/v1/auth/code", "")
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	require.JSONEq(t, `{"to":"a•••@acme.test"}`, text)
	sent := s.code(t)
	require.Equal(t, "ana@acme.test", s.mail.letters[0].to)
	old := s.as(ana)
	status, _ = b.prove(t, sent[:3]+" "+sent[3:])
	require.Equal(t, http.StatusNoContent, status)
	status, _ = b.export(t)
	require.Equal(t, http.StatusOK, status)

	// The privilege is the new cookie's; the old one ends.
	require.NotEqual(t, old.cookies["__Host-usher"], b.cookies["__Host-usher"])
	status, _ = old.export(t)
	require.Equal(t, http.StatusForbidden, status)
	s.skipped = 11 * time.Second
	status, _ = old.me(t)
	require.Equal(t, http.StatusUnauthorized, status)

	status, code = b.prove(t, sent)
	require.Equal(t, http.StatusGone, status, "once")
	require.Equal(t, "code_over", code)
	s.skipped = 16 * time.Minute
	status, _ = b.export(t)
	require.Equal(t, http.StatusForbidden, status, "a proof is of a quarter of an hour")
	status, _ = b.me(t)
	require.Equal(t, http.StatusOK, status)
}

func TestStaffProveThemselvesToo(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	b := s.as(cleo)
	path := "/v1/admin/tenants/" + s.acme.String()
	move := func(to string) int {
		response, _ := b.do(t, http.MethodPost, path+"/lifecycle", `{"to":"`+to+`"}`)
		return response.StatusCode
	}
	response, _ := b.do(t, http.MethodGet, path+"/exports/tickets", "")
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.Equal(t, http.StatusForbidden, move("offboarding"))
	require.Equal(t, http.StatusForbidden, move("suspended"))
	require.Equal(t, http.StatusOK, b.send(t))
	status, _ := b.prove(t, s.code(t))
	require.Equal(t, http.StatusNoContent, status)
	response, _ = b.do(t, http.MethodGet, path+"/exports/tickets", "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, http.StatusOK, move("offboarding"))
}

func TestACodeIsHardToGuess(t *testing.T) {
	t.Parallel()
	t.Run("three tries, then a pause", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		b := s.as(ana)
		require.Equal(t, http.StatusOK, b.send(t))
		code := s.code(t)
		for _, want := range []string{"wrong_code", "wrong_code", "code_spent", "code_over"} {
			_, got := b.prove(t, wrong(code))
			require.Equal(t, want, got)
		}
		_, got := b.prove(t, code)
		require.Equal(t, "code_over", got, "the right one comes too late")
		require.Equal(t, http.StatusTooManyRequests, b.send(t))
		s.skipped = 15 * time.Minute
		require.Equal(t, http.StatusTooManyRequests, b.send(t))
		s.skipped = 21 * time.Minute
		require.Equal(t, http.StatusOK, b.send(t))
		status, _ := b.prove(t, s.code(t))
		require.Equal(t, http.StatusNoContent, status)
	})
	t.Run("also by many at the same time", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		require.Equal(t, http.StatusOK, s.as(ana).send(t))
		s.code(t)
		var group sync.WaitGroup
		var mu sync.Mutex
		counted := 0
		for i := range 20 {
			group.Go(func() {
				_, got := s.as(ana).prove(t, fmt.Sprintf("%06d", i*31337%1_000_000))
				mu.Lock()
				defer mu.Unlock()
				if got == "wrong_code" || got == "code_spent" {
					counted++
				}
			})
		}
		group.Wait()
		require.Equal(t, 3, counted)
	})
	t.Run("not after ten minutes", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		b := s.as(ana)
		require.Equal(t, http.StatusOK, b.send(t))
		code := s.code(t)
		s.skipped = 10*time.Minute + time.Second
		_, got := b.prove(t, code)
		require.Equal(t, "code_over", got)
	})
	t.Run("not another person's, nor of another tenant", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		require.Equal(t, http.StatusOK, s.as(ana).send(t))
		code := s.code(t)
		for _, who := range []string{maria, olga, cleo} {
			_, got := s.as(who).prove(t, code)
			require.Equal(t, "code_over", got)
			require.Equal(t, http.StatusOK, s.as(who).send(t))
			_, got = s.as(who).prove(t, code)
			require.Equal(t, "wrong_code", got)
		}
		status, _ := s.as(ana).prove(t, code)
		require.Equal(t, http.StatusNoContent, status)
	})
	t.Run("few an hour", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		for i := range 8 {
			s.skipped = time.Duration(i) * 2 * time.Minute
			want := http.StatusOK
			if i >= 5 {
				want = http.StatusTooManyRequests
			}
			require.Equal(t, want, s.as(ana).send(t), i)
		}
	})
	t.Run("and is nowhere in the database", func(t *testing.T) {
		t.Parallel()
		s := setupSSO(t)
		b := s.as(ana)
		require.Equal(t, http.StatusOK, b.send(t))
		code := s.code(t)
		b.prove(t, wrong(code))
		b.prove(t, code)
		requireNowhere(t, s.bundle, code)
	})
}

// requireNowhere searches every column of every table, jobs included.
func requireNowhere(t *testing.T, b *bundle, text string) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind in ('r', 'p')
			and has_table_privilege(c.oid, 'select')`)
		require.NoError(t, err)
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Greater(t, len(tables), 40)
		where := func(text string) (holding []string) {
			for _, table := range tables {
				var found int
				// Ids and times are numbers too; a code stands alone.
				require.NoError(t, tx.QueryRow(t.Context(), `select count(*) from `+pgx.Identifier{table}.Sanitize()+` x where x::text ~ ('(^|[^0-9a-f.:-])' || $1 || '([^0-9a-f.:-]|$)')`, text).Scan(&found))
				if found > 0 {
					holding = append(holding, table)
				}
			}
			return holding
		}
		require.Contains(t, where("ana@acme.test"), "users", "what is there is found")
		require.Empty(t, where(text))
		return nil
	}))
}

// Signing in at the provider a moment ago is proof enough; an old session there is not.
func TestAFreshSingleSignOnIsAProof(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	s.connect(t, s.acme, "acme.test")
	s.provider.Person("ana@acme.test", nil)
	b := s.browser()
	b.signIn(t, "ana@acme.test", "")
	status, _ := b.export(t)
	require.Equal(t, http.StatusOK, status)
	s.provider.Change = func(claims map[string]any) { claims["auth_time"] = time.Now().Add(-time.Hour).Unix() }
	b = s.browser()
	b.signIn(t, "ana@acme.test", "")
	status, _ = b.export(t)
	require.Equal(t, http.StatusForbidden, status)
}
