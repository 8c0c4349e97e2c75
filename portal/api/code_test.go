package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/confirm"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/rating"
)

// asked is a conversation of Ana's in which a question waits for a code.
func (s *sso) asked(t *testing.T) (triage.Conversation, string) {
	t.Helper()
	s.intake.Codes = s.confirm
	c, m, err := s.intake.Start(t.Context(), s.ana, intake.Start{Channel: triage.ChannelChat, Text: "Who has to sign?"})
	require.NoError(t, err)
	require.NoError(t, s.db.Worker.WithTenant(t.Context(), s.acme, func(tx pgx.Tx) error {
		return s.confirm.Begin(t.Context(), tx, confirm.Person{Tenant: s.acme, ID: s.ana.ID}, confirm.Question{Conversation: c.ID, Message: m.ID})
	}))
	return c, s.code(t)
}

func TestACodeOfTheChatMakesTheSessionFresh(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	c, code := s.asked(t)
	b, old := s.as(ana), s.as(ana)
	path := "/v1/conversations/" + c.ID.String()
	enter := func(b *browser, code string) (int, string) {
		response, text := b.do(t, http.MethodPut, path+"/code", `{"code":"`+code+`"}`)
		var p problem.Problem
		if text != "" {
			require.NoError(t, json.Unmarshal([]byte(text), &p))
		}
		return response.StatusCode, p.Code
	}
	status, what := b.prove(t, code)
	require.Equal(t, http.StatusGone, status, "a page did not ask for it")
	require.Equal(t, "code_over", what)
	status, what = enter(b, wrong(code))
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, "wrong_code", what)
	response, _ := s.as(bruno).do(t, http.MethodPut, path+"/code", `{"code":"`+code+`"}`)
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	status, what = enter(s.as(maria), code)
	require.Equal(t, "code_over", what, "a manager reads along, and it is not hers")
	require.Equal(t, http.StatusGone, status)
	status, _ = enter(b, code[:3]+" "+code[3:])
	require.Equal(t, http.StatusNoContent, status)
	require.NotEqual(t, old.cookies["__Host-usher"], b.cookies["__Host-usher"])
	status, _ = b.export(t)
	require.Equal(t, http.StatusOK, status, "one proof counts everywhere")
	status, _ = old.export(t)
	require.Equal(t, http.StatusForbidden, status)

	// What is written now comes from a fresh session; what another writes does not.
	fresh := func(b *browser) bool {
		response, text := b.do(t, http.MethodPost, path+"/messages", `{"text":"Who signs?"}`)
		require.Equal(t, http.StatusCreated, response.StatusCode, text)
		var m api.Message
		require.NoError(t, json.Unmarshal([]byte(text), &m))
		var args intake.ProcessArgs
		var raw []byte
		require.NoError(t, s.db.Worker.Pool().QueryRow(t.Context(), `select args from river_job where kind = 'process_message' and args->>'message_id' = $1`, m.ID.String()).Scan(&raw))
		require.NoError(t, json.Unmarshal(raw, &args))
		return args.Fresh
	}
	require.True(t, fresh(b))
	require.False(t, fresh(s.as(maria)))
}

func TestACodeTypedInTheChat(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	c, code := s.asked(t)
	b := s.as(ana)
	type written struct {
		api.Message
		Text string `json:"body"`
	}
	post := func(text, key string) (m written) {
		response, answer := b.do(t, http.MethodPost, "/v1/conversations/"+c.ID.String()+"/messages", `{"text":"`+text+`","client_key":"`+key+`"}`)
		require.Equal(t, http.StatusCreated, response.StatusCode, answer)
		require.NotContains(t, answer, code)
		require.NoError(t, json.Unmarshal([]byte(answer), &m))
		return m
	}
	require.Equal(t, "That is not the code. Look at the mail once more; you have 2 tries left.", post(wrong(code), "a").Text)
	before := b.cookies["__Host-usher"]
	first := post(code, "b")
	require.Equal(t, "Code entered.", first.Text)
	require.NotEqual(t, before, b.cookies["__Host-usher"])
	status, _ := b.export(t)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, first.ID, post(code, "b").ID, "sent again because the answer was lost")

	response, text := b.do(t, http.MethodPost, "/v1/conversations", `{"text":"`+code+`"}`)
	require.Equal(t, http.StatusConflict, response.StatusCode)
	require.Contains(t, text, "code_elsewhere")
	response, text = b.do(t, http.MethodGet, "/v1/conversations/"+c.ID.String()+"/transcript", "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, text, "Code entered.")
	require.NotContains(t, text, code)
	response, _ = b.do(t, http.MethodPost, "/v1/conversations/"+c.ID.String()+"/code", "")
	require.Equal(t, http.StatusGone, response.StatusCode, "nothing waits any more")
	response, _ = b.do(t, http.MethodPost, "/v1/conversations/"+uuid.NewString()+"/code", "")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

// What is said of answers, and searches, are other texts too: see
// TestACodeInOtherTextsIsBlottedOut of the assistant.
func TestACodeInARatingAndASearchIsBlottedOut(t *testing.T) {
	t.Parallel()
	s := setupSSO(t)
	x := s.things(t)
	_, code := s.asked(t)
	b := s.as(ana)
	for _, q := range []string{code, code[:3] + " " + code[3:] + " " + code, "invoice splitting " + code} {
		response, text := b.do(t, http.MethodPost, "/v1/kb/searches", `{"q":"`+q+`"}`)
		require.Equal(t, http.StatusNoContent, response.StatusCode, text)
	}
	require.NoError(t, s.intake.ConfirmSolved(t.Context(), s.ana, x.conversation))
	var id uuid.UUID
	read := func(query string, out any) {
		require.NoError(t, s.db.Worker.WithTenant(t.Context(), s.acme, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), query, s.acme).Scan(out)
		}))
	}
	read(`select id from ratings where tenant_id = $1`, &id)
	_, err := rating.New(rating.Config{DB: s.db.Worker, Desk: s.desk}).Ask(t.Context(), s.acme, id)
	require.NoError(t, err)
	var questions []string
	read(`select array_agg(question) from gap_questions where tenant_id = $1`, &questions)
	require.Equal(t, []string{"invoice splitting ••••••"}, questions)
	for _, path := range []string{"/v1/conversations/" + x.conversation.String() + "/rating", "/v1/ratings/" + rating.NewLinks("test").Token(s.acme, id)} {
		response, text := b.do(t, http.MethodPut, path, `{"score":1,"comment":"Entered `+code+`, in vain: `+path[4:8]+`","help":true}`)
		require.Equal(t, http.StatusOK, response.StatusCode, text)
		var comment string
		read(`select comment from ratings where tenant_id = $1`, &comment)
		require.Equal(t, "Entered ••••••, in vain: "+path[4:8], comment)
	}
	var bodies int
	read(`select count(*) from messages where tenant_id = $1 and body like '%Entered ••••••, in vain%'`, &bodies)
	require.Equal(t, 3, bodies, "the note, and a message for each thing said")
	read(`select count(*) from messages where tenant_id = $1 and body like '%`+code+`%'`, &bodies)
	require.Zero(t, bodies)
}
