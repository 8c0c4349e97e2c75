package api_test

import (
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// noise does not compress: an index finds it too long.
var noise = func() string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range 9_000 {
		b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[random.IntN(36)])
	}
	return b.String()
}()

// hostile are values that are wrong somewhere: for a schema, for PostgreSQL, for
// whoever counts.
func hostile(s *openapi3.Schema) []any {
	texts := []any{"", " ", "\x00", "a\x00b", "\u202e\u200b", strings.Repeat("x", 5_000), noise, "'; drop table tickets; --", "𝔘\U0010FFFF", "-1", "null"}
	switch {
	case s.Type.Is("integer"), s.Type.Is("number"):
		return []any{-1, 0, 1e18, 1e300, -9.3e18, 1.5, "1", nil}
	case s.Type.Is("boolean"):
		return []any{"yes", 1, nil}
	case s.Type.Is("array"):
		many := slices.Repeat([]any{"word"}, 500)
		return []any{nil, []any{}, "word", []any{nil}, []any{map[string]any{}}, many, []any{"a\x00b", "c"}}
	case s.Type.Is("object"):
		return []any{nil, []any{}, "word", map[string]any{"level": "a\x00b"}}
	case s.Format == "uuid", s.Format == "date-time", s.Format == "date":
		return append(texts, uuid.Nil.String(), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30", "0000-00-00", 5)
	}
	return append(texts, 5, map[string]any{})
}

// Generated from the contract: whatever stands in a field, a parameter or a
// header, the answer is a problem that says what is wrong, never a fault of ours.
func TestHostileInputIsTheCallersMistake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	sent := 0
	try := func(o operation, who, path, body, kind, what string, header ...string) {
		sent++
		request := httptest.NewRequest(o.method, path, strings.NewReader(body)).WithContext(t.Context())
		request.Header.Set("Authorization", "Bearer "+b.tokens[who])
		if kind != "" {
			request.Header.Set("Content-Type", kind)
		}
		if len(header) > 0 {
			request.Header.Set(header[0], header[1])
		}
		response, text := b.serve(t, request)
		if response.StatusCode >= 500 {
			t.Errorf("%s %s with %.200q: %s", o.method, o.path, what, text)
			return
		}
		if o.id == "finishSignIn" && strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
			return // a browser is there: it gets a page
		}
		if response.StatusCode >= 400 {
			problemIn(t, response, text)
		}
	}
	for _, o := range contract(t) {
		if o.id == "logout" || o.stream() {
			continue
		}
		who := ana
		if !mayCall(o, who) {
			who = cleo
		}
		if strings.HasPrefix(o.path, "/v1/agent/") {
			who = sam
		}
		path, ok := o.named(x, b.acme)
		if !ok {
			path = o.fill(func(name string) string {
				if name == "act" || name == "section" {
					return "tickets"
				}
				return uuid.NewString()
			})
		}
		valid, kind := o.body()
		for _, p := range o.params {
			for _, v := range hostile(p.Value.Schema.Value) {
				text := plainText(v)
				switch p.Value.In {
				case "query":
					try(o, who, with(path, p.Value.Name, text), valid, kind, p.Value.Name+"="+text)
				case "header":
					try(o, who, path, valid, kind, p.Value.Name+": "+text, p.Value.Name, text)
				case "path":
					hurt := o.fill(func(name string) string {
						if name == p.Value.Name {
							return url.PathEscape(text)
						}
						return uuid.NewString()
					})
					try(o, who, hurt, valid, kind, p.Value.Name+"="+text)
				}
			}
			if p.Value.In == "query" {
				try(o, who, with(path, p.Value.Name, "%ff%fe"), valid, kind, "bytes that are not UTF-8")
			}
		}
		if kind != "application/json" {
			continue
		}
		schema := o.spec.RequestBody.Value.Content["application/json"].Schema.Value
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			for _, v := range hostile(schema.Properties[name].Value) {
				fields := example(schema).(map[string]any)
				if o.id == "actOnTicket" {
					fields["act"] = actFor(name)
				}
				fields[name] = v
				body, err := json.Marshal(fields)
				require.NoError(t, err)
				try(o, who, path, string(body), kind, string(body[:min(len(body), 200)]))
			}
		}
		for _, body := range []string{"", "{", "[]", "null", "true", `"text"`, "{}", `{"a":`, strings.Repeat("[", 20_000), "\xff\xfe", `{"text":"\ud800"}`} {
			try(o, who, path, body, kind, "the body "+body[:min(len(body), 30)])
		}
	}
	require.Greater(t, sent, 1500)
}

func with(path, name, value string) string {
	bare, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		values = url.Values{}
	}
	values.Del(name)
	rest := values.Encode()
	if rest != "" {
		rest += "&"
	}
	if strings.HasPrefix(value, "%ff") {
		return bare + "?" + rest + name + "=" + value
	}
	return bare + "?" + rest + name + "=" + url.QueryEscape(value)
}

func plainText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "x"
	}
	return strings.Trim(string(raw), `"`)
}

// actFor is the act that reads a field.
func actFor(field string) string {
	switch field {
	case "priority":
		return "priority"
	case "assignee_id":
		return "assign"
	case "team":
		return "team"
	case "until":
		return "snooze"
	case "intent":
		return "correct"
	case "into":
		return "merge"
	case "message_id":
		return "split"
	case "subject":
		return "to_knowledge"
	}
	return "note"
}

func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		method, path, who, body, kind string
		status                        int
		code                          string
	}{
		"an unknown address":              {"GET", "/v1/nothing", ana, "", "", 404, "not_found"},
		"a method it does not take":       {"DELETE", "/v1/tickets", ana, "", "", 405, "method_not_allowed"},
		"JSON that breaks off":            {"POST", "/v1/tickets", shop, `{"subject":`, "", 400, "malformed_json"},
		"an empty body":                   {"POST", "/v1/tickets", shop, "", "", 400, "malformed_json"},
		"a field of another type":         {"POST", "/v1/tickets", shop, `{"subject":5}`, "", 400, "wrong_type"},
		"a message of 65 KiB":             {"POST", "/v1/tickets", shop, `{"subject":"x","text":"` + strings.Repeat("a", 65<<10) + `"}`, "", 413, "message_too_long"},
		"a body of 1 MiB and more":        {"POST", "/v1/tickets", shop, `{"subject":"x","text":"` + strings.Repeat("a", 1<<20) + `"}`, "", 413, "body_too_large"},
		"an id that is none":              {"GET", "/v1/conversations/abc", ana, "", "", 400, "invalid_request"},
		"somebody else's address":         {"POST", "/v1/tickets", ana, `{"subject":"x","requester_email":"bruno@acme.test"}`, "", 400, "requester_not_allowed"},
		"an address nobody has":           {"POST", "/v1/tickets", shop, `{"subject":"x","requester_email":"who@acme.test"}`, "", 422, "requester_unknown"},
		"a cursor that was not given out": {"GET", "/v1/agent/queue?cursor=zzz", sam, "", "", 400, "bad_cursor"},
		"an unknown webhook":              {"POST", "/v1/hooks/nobody", nobody, "{}", "", 404, "not_found"},
		"a section that does not exist":   {"GET", "/v1/exports/everything", ana, "", "", 400, "unknown_value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body := b.do(t, c.method, c.path, c.who, c.body, c.kind)
			require.Equal(t, c.status, response.StatusCode, body)
			require.Equal(t, c.code, problemIn(t, response, body).Code)
		})
	}
	t.Run("the limit of a message is past what a message needs", func(t *testing.T) {
		t.Parallel()
		response, body := b.do(t, http.MethodPost, "/v1/tickets", shop, `{"subject":"x","text":"`+strings.Repeat("a", 60<<10)+`"}`)
		require.Equal(t, http.StatusAccepted, response.StatusCode, body)
	})
}

func TestAnIdempotencyKeyMakesOneTicket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post := func(key, body string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/tickets", strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+b.tokens[shop])
		request.Header.Set("Idempotency-Key", key)
		return b.serve(t, request)
	}
	first, body := post("k1", `{"subject":"x"}`)
	require.Equal(t, http.StatusAccepted, first.StatusCode, body)
	again, same := post("k1", `{"subject":"x"}`)
	require.Equal(t, http.StatusAccepted, again.StatusCode)
	require.JSONEq(t, body, same)
	_, other := post("k2", `{"subject":"x"}`)
	require.NotEqual(t, body, other)
	changed, body := post("k1", `{"subject":"y"}`)
	require.Equal(t, http.StatusUnprocessableEntity, changed.StatusCode)
	require.Equal(t, "idempotency_key_reused", problemIn(t, changed, body).Code)
}

// counted counts what is read of a body.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func TestALargeBodyIsReadForWhomItIsMeantOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	document := `{"document":"` + strings.Repeat("a", 4<<20) + `"}`
	for who, want := range map[string]int{nobody: http.StatusUnauthorized, ana: http.StatusNotFound, shop: http.StatusNotFound, sam: http.StatusNotFound, cleo: http.StatusBadRequest} {
		body := &counted{Reader: strings.NewReader(document)}
		request := httptest.NewRequest(http.MethodPost, "/v1/admin/openapi", body).WithContext(t.Context())
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+b.tokens[who])
		response, text := b.serve(t, request)
		require.Equal(t, want, response.StatusCode, "%s: %.300s", who, text)
		if who == cleo {
			require.Contains(t, text, "bad_document")
			require.Equal(t, len(document), body.read)
		} else {
			require.Zero(t, body.read, who)
		}
	}
}
