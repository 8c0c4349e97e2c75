package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/triage"
)

func TestAttachmentsBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.things(t)
	response, body := b.do(t, http.MethodGet, "/v1/attachments", ana, "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.JSONEq(t, `2097152`, string(field(t, body, "max_bytes")))
	require.JSONEq(t, `false`, string(field(t, body, "scanned")))

	response, body = b.do(t, http.MethodGet, "/v1/attachments/"+x.file.String()+"/content", ana, "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.Equal(t, "it broke here", body)
	require.Equal(t, `attachment; filename=log.txt`, response.Header.Get("Content-Disposition"))
	require.Equal(t, "application/octet-stream", response.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "default-src 'none'; sandbox", response.Header.Get("Content-Security-Policy"))
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	response, _ = b.do(t, http.MethodGet, "/v1/attachments/"+x.file.String()+"/content", bruno, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode, "a colleague without a sharing role")
	response, _ = b.do(t, http.MethodGet, "/v1/attachments/"+x.file.String(), maria, "")
	require.Equal(t, http.StatusOK, response.StatusCode, "a manager reads the conversation")

	// Staff see it with the ticket, and open what was not checked only knowingly.
	response, body = b.do(t, http.MethodGet, "/v1/agent/tickets/"+b.acme.String()+"/"+x.ticket.String(), sam, "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, body, `"name":"log.txt"`)
	staffs := "/v1/agent/attachments/" + b.acme.String() + "/" + x.file.String()
	response, body = b.do(t, http.MethodGet, staffs+"/content", sam, "")
	require.Equal(t, http.StatusConflict, response.StatusCode)
	require.Equal(t, "file_not_checked", problemIn(t, response, body).Code)
	response, body = b.do(t, http.MethodGet, staffs+"/content?unchecked=true", sam, "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "it broke here", body)
	require.Equal(t, []string{"staff attachment.opened_unscanned " + x.file.String()}, b.audited(t, b.acme))

	// And the other way.
	upload := "/v1/agent/tickets/" + b.acme.String() + "/" + x.ticket.String() + "/attachments?file_name=fix.txt"
	response, body = b.do(t, http.MethodPost, upload, sam, "turn it off and on", "application/octet-stream")
	require.Equal(t, http.StatusCreated, response.StatusCode, body)
	var fix triage.Attachment
	require.NoError(t, json.Unmarshal([]byte(body), &fix))
	own := "/v1/attachments/" + fix.ID.String()
	response, _ = b.do(t, http.MethodGet, own, ana, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode, "nobody's before it is sent")
	response, _ = b.do(t, http.MethodGet, "/v1/agent/attachments/"+b.acme.String()+"/"+fix.ID.String(), cleo, "")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	act := "/v1/agent/tickets/" + b.acme.String() + "/" + x.ticket.String() + "/actions"
	for range 2 {
		response, body = b.do(t, http.MethodPost, act, sam, `{"act":"reply","text":"Try this.","client_key":"r1","attachments":["`+fix.ID.String()+`"]}`)
		require.Equal(t, http.StatusOK, response.StatusCode, body)
	}
	require.Equal(t, 1, strings.Count(body, `"name":"fix.txt"`), "sent twice, stored once")
	response, body = b.do(t, http.MethodGet, own+"/content", ana, "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.Equal(t, "turn it off and on", body)
	response, body = b.do(t, http.MethodGet, "/v1/conversations/"+x.conversation.String()+"/transcript", ana, "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, body, "[log.txt]")
	require.Contains(t, body, "[fix.txt]")
	response, body = b.do(t, http.MethodGet, "/v1/exports/conversations?format=csv", ana, "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, body, "Try this.,fix.txt")
}

func field(t *testing.T, body, name string) json.RawMessage {
	t.Helper()
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &fields))
	return fields[name]
}

func TestAttachmentsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.things(t).conversation
	post := "/v1/conversations/" + c.String() + "/messages"
	for name, r := range map[string]struct {
		path, body, kind string
		status           int
		code             string
	}{
		"too large":                {"/v1/attachments?file_name=a.txt", strings.Repeat("a", 2<<20+1), "application/octet-stream", 413, "file_too_large"},
		"far too large":            {"/v1/attachments?file_name=a.txt", strings.Repeat("a", 2<<20+2<<10), "application/octet-stream", 413, "file_too_large"},
		"a page":                   {"/v1/attachments?file_name=a.txt", "<html><body>x", "application/octet-stream", 415, "file_type"},
		"nothing":                  {"/v1/attachments?file_name=a.txt", "", "application/octet-stream", 400, "file_empty"},
		"eleven files":             {post, `{"text":"x","attachments":[` + strings.Repeat(`"00000000-0000-0000-0000-000000000001",`, 10) + `"00000000-0000-0000-0000-000000000002"]}`, "", 400, "too_many_attachments"},
		"a file that is not there": {post, `{"text":"x","attachments":["00000000-0000-0000-0000-000000000001"]}`, "", 404, "not_found"},
		"neither word nor file":    {post, `{"text":" ","attachments":[]}`, "", 400, "empty_message"},
	} {
		response, body := b.do(t, http.MethodPost, r.path, ana, r.body, r.kind)
		if r.kind == "" {
			response, body = b.do(t, http.MethodPost, r.path, ana, r.body)
		}
		require.Equal(t, r.status, response.StatusCode, name+": "+body)
		require.Equal(t, r.code, problemIn(t, response, body).Code, name)
	}

	without := setup(t, func(c *api.Config) { c.Attachments, c.AllAttachments = nil, nil })
	for _, path := range []string{"/v1/attachments", "/v1/agent/attachments"} {
		who := ana
		if strings.Contains(path, "agent") {
			who = sam
		}
		response, _ := without.do(t, http.MethodGet, path, who, "")
		require.Equal(t, http.StatusNotFound, response.StatusCode)
	}
}
