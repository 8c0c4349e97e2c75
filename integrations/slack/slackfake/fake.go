// Package slackfake is a Slack workspace for tests: it speaks the Web API over
// HTTP, keeps what was posted, and can limit, fail, or lose its answers. Every
// request and answer is validated against the published interface, and every
// block against Block Kit's limits.
package slackfake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/contracttest"
	"github.com/usherdesk/usher/migrations/dbtest"
)

// Fault is what happens to one call.
type Fault struct {
	Error      string          // answer ok:false with this code
	Status     int             // answer with this HTTP status
	RetryAfter int             // with status 429
	Lose       bool            // do it, then drop the connection
	Delay      time.Duration   // wait before doing it; who asked may have gone by then
	Until      <-chan struct{} // wait for it before doing it
}

// User is a person of the workspace, or one who is not.
type User struct {
	ID, Email, Name, Team, TZ            string
	Deleted, Restricted, Stranger, IsBot bool
}

// Message is one posted message.
type Message struct {
	Channel, TS, ThreadTS, Text, User string // User: whom an ephemeral message is for
	Blocks                            json.RawMessage
	Metadata                          json.RawMessage
	Edits                             int
	Bot                               string // whose it is; empty: ours
}

// View is one opened or published view.
type View struct {
	ID      string
	Trigger string
	User    string
	View    json.RawMessage
	Updates int
}

// Server is the fake workspace.
type Server struct {
	*httptest.Server
	t       testing.TB
	spec    *contracttest.Spec
	schemas map[string]*jsonschema.Schema

	mu        sync.Mutex
	next      int
	fault     func(method string) Fault
	post      func(channel string) Fault
	users     map[string]User
	messages  []*Message
	ephemeral []Message
	direct    []*Message
	views     map[string]*View
	homes     map[string]json.RawMessage
	calls     map[string]int
	files     map[string]File
	shared    bool
	public    bool
	socket    string
}

// File is a private file of the workspace. URL, where set, is the address it is
// said to be at.
type File struct {
	ID, Name, Type, Content, URL string
	Channel, ThreadTS            string // where it is shown
	Shown                        int    // how often it was shared
}

// Files are the files of the workspace.
func (s *Server) Files() (out []File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.files)) {
		out = append(out, s.files[id])
	}
	return out
}

// upload takes the bytes of a file whose address was asked for.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	body, _, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	content, err := io.ReadAll(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["upload"]++
	f, ok := s.files[path.Base(r.URL.Path)]
	if err != nil || !ok || r.Header.Get("Authorization") != "Bearer xoxb-test" {
		http.NotFound(w, r)
		return
	}
	f.Content = string(content)
	s.files[f.ID] = f
	fmt.Fprint(w, "OK")
}

// deleteFile removes a file. The published interface does not have the method.
func (s *Server) deleteFile(w http.ResponseWriter, r *http.Request) {
	args, err := arguments(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := args.Get("file")
	answer := map[string]any{"ok": true}
	if _, ok := s.files[id]; err != nil || !ok {
		answer = failure("file_not_found")
	}
	delete(s.files, id)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) share(args url.Values) map[string]any {
	var list []struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal([]byte(args.Get("files")), &list)
	for _, entry := range list {
		f, ok := s.files[entry.ID]
		if !ok || f.Content == "" {
			return failure("file_not_found")
		}
		f.Channel, f.ThreadTS = args.Get("channel_id"), args.Get("thread_ts")
		f.Shown++
		s.files[f.ID] = f
	}
	return map[string]any{"ok": true, "files": []any{map[string]any{"id": list[0].ID, "title": ""}}}
}

// AddFile puts a file into the workspace.
func (s *Server) AddFile(f File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string]File{}
	}
	s.files[f.ID] = f
}

// private gives a file's bytes to whoever holds the token; everybody else sees a
// page to sign in at, as of the real one.
func (s *Server) private(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f, ok := s.files[path.Base(r.URL.Path)]
	s.calls["download"]++
	s.mu.Unlock()
	switch {
	case !ok:
		http.NotFound(w, r)
	case r.Header.Get("Authorization") != "Bearer xoxb-test":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><html><title>Slack</title>")
	default:
		w.Header().Set("Content-Type", f.Type)
		fmt.Fprint(w, f.Content)
	}
}

func (s *Server) fileInfo(id string) map[string]any {
	f, ok := s.files[id]
	if !ok {
		return failure("file_not_found")
	}
	address := f.URL
	if address == "" {
		address = s.URL + "/files-pri/" + f.ID
	}
	shares := map[string]any{}
	if f.Channel != "" {
		shares["private"] = map[string]any{f.Channel: []any{map[string]any{"ts": "1700000000.000009", "thread_ts": f.ThreadTS}}}
	}
	return map[string]any{"ok": true, "comments": []any{}, "file": map[string]any{
		"shares": shares,
		"id":     f.ID, "created": 1700000000, "timestamp": 1700000000, "name": f.Name, "title": f.Name, "mimetype": f.Type, "mode": "hosted",
		"size": len(f.Content), "is_external": false, "is_public": false, "user": "U00000001", "url_private": address, "url_private_download": address,
	}}
}

// Socket makes apps.connections.open answer with a WebSocket address.
func (s *Server) Socket(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socket = address
}

// New starts a workspace with the team T00000001 and the channel C00000001. The test is
// skipped where the published interface is absent.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, users: map[string]User{}, views: map[string]*View{}, homes: map[string]json.RawMessage{}, calls: map[string]int{}, schemas: map[string]*jsonschema.Schema{}}
	s.spec = contracttest.Open(t, "slack.web.openapi.json", "/api")
	file := dbtest.TestData(t, "contracts", "slack.blocks.schema.json")
	for _, name := range []string{"message_blocks", "message", "modal", "home"} {
		schema, err := jsonschema.NewCompiler().Compile(file + "#/definitions/" + name)
		require.NoError(t, err)
		s.schemas[name] = schema
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/files-pri/", s.private) // beside the Web API, as files are
	mux.HandleFunc("/upload/", s.upload)
	mux.Handle("/api/files.delete", s.lossy(http.HandlerFunc(s.deleteFile)))
	mux.Handle("/", s.lossy(s.spec.Wrap(http.HandlerFunc(s.serve))))
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// APIURL is the base of the Web API.
func (s *Server) APIURL() string { return s.URL + "/api/" }

// Fail sets what happens to calls from now on; nil: all succeed.
func (s *Server) Fail(f func(method string) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Publish makes the channel one that everybody in the workspace can join.
func (s *Server) Publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public = true
}

// Plant puts a message of another app into the channel.
func (s *Server) Plant(bot, thread, text, metadata string) (ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &Message{Channel: "C00000001", TS: s.ts(), ThreadTS: thread, Text: text, Bot: bot, Metadata: json.RawMessage(metadata)}
	s.messages = append(s.messages, m)
	return m.TS
}

// FailPost sets what happens to messages from now on, by the channel or person
// they are for; nil: as Fail says.
func (s *Server) FailPost(f func(channel string) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.post = f
}

// channelOf reads whom a form is for and leaves the body as it was.
func channelOf(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, formErr := url.ParseQuery(string(body))
	if err != nil || formErr != nil {
		return ""
	}
	return form.Get("channel")
}

// Share makes the channel one shared with another organisation.
func (s *Server) Share() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared = true
}

// AddUser adds or replaces a person. Team defaults to the workspace's.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.Team == "" {
		u.Team = "T00000001"
	}
	s.users[u.ID] = u
}

// Messages are the posted messages, in order; in a thread, or the roots where thread is empty.
func (s *Server) Messages(thread string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.messages {
		if m.ThreadTS == thread {
			out = append(out, *m)
		}
	}
	return out
}

// Direct are the direct messages a person got.
func (s *Server) Direct(user string) (out []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.direct {
		if m.User == user {
			out = append(out, *m)
		}
	}
	return out
}

// Ephemeral are the messages only one person saw.
func (s *Server) Ephemeral() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.ephemeral...)
}

// Views are the opened views.
func (s *Server) Views() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []View
	for i := 1; i <= len(s.views); i++ {
		out = append(out, *s.views["V"+strconv.Itoa(i)])
	}
	return out
}

// Home is what a person's home shows.
func (s *Server) Home(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.homes[user])
}

// Calls is how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Checked is how many exchanges were validated.
func (s *Server) Checked() int64 { return s.spec.Checked() }

// lossy carries out calls whose answer is to be lost, and drops the connection.
func (s *Server) lossy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := path.Base(r.URL.Path)
		s.mu.Lock()
		s.calls[method]++
		var f Fault
		if s.fault != nil {
			f = s.fault(method)
		}
		if s.post != nil && method == "chat.postMessage" {
			f = s.post(channelOf(r))
		}
		s.mu.Unlock()
		time.Sleep(f.Delay)
		if f.Until != nil {
			<-f.Until
		}
		switch {
		case f.Lose:
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			w.Header().Set("Content-Type", "application/json")
			if f.RetryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
			}
			w.WriteHeader(f.Status)
			fmt.Fprint(w, `{"ok":false,"error":"ratelimited"}`)
		case f.Error != "":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"ok":false,"error":%q}`, f.Error)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	args, err := arguments(r)
	var answer map[string]any
	if err != nil {
		answer = failure("invalid_json")
	} else {
		answer = s.call(path.Base(r.URL.Path), args)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer)
}

// arguments reads form or JSON arguments; nested values stay JSON text.
func arguments(r *http.Request) (url.Values, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return r.Form, r.ParseForm()
	}
	var body map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	out := url.Values{}
	for k, raw := range body {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			out.Set(k, text)
		} else {
			out.Set(k, string(raw))
		}
	}
	return out, nil
}

func failure(code string) map[string]any { return map[string]any{"ok": false, "error": code} }

func (s *Server) call(method string, args url.Values) map[string]any {
	switch method {
	case "auth.test":
		return map[string]any{"ok": true, "url": "https://acme.slack.com/", "team": "Acme", "user": "usher", "team_id": "T00000001", "user_id": "U0BOT", "bot_id": "B00000001", "is_enterprise_install": false}
	case "apps.connections.open":
		if s.socket == "" {
			return failure("not_allowed_token_type")
		}
		return map[string]any{"ok": true, "url": s.socket}
	case "conversations.info":
		return map[string]any{"ok": true, "channel": map[string]any{
			"id": args.Get("channel"), "name": "triage", "name_normalized": "triage", "created": 1700000000, "creator": "U0001",
			"is_channel": true, "is_group": false, "is_im": false, "is_mpim": false, "is_general": false, "is_archived": false,
			"is_ext_shared": s.shared, "is_org_shared": false, "is_shared": s.shared, "is_pending_ext_shared": false, "is_private": !s.public, "is_member": true,
			"unlinked": 0, "pending_shared": []any{}, "topic": map[string]any{"value": "", "creator": "", "last_set": 0},
			"purpose": map[string]any{"value": "", "creator": "", "last_set": 0}, "previous_names": []any{},
		}}
	case "conversations.open":
		id := args.Get("users")
		if person, ok := s.users[id]; !ok || person.Deleted {
			return failure("user_not_found")
		}
		return map[string]any{"ok": true, "channel": map[string]any{"id": "D0" + id[1:]}}
	case "files.getUploadURLExternal":
		s.next++
		f := File{ID: fmt.Sprintf("F%08d", s.next), Name: args.Get("filename"), Type: "application/octet-stream"}
		if s.files == nil {
			s.files = map[string]File{}
		}
		s.files[f.ID] = f
		return map[string]any{"ok": true, "upload_url": s.URL + "/upload/" + f.ID, "file_id": f.ID}
	case "files.completeUploadExternal":
		return s.share(args)
	case "chat.delete":
		return s.deleteMessage(args)
	case "files.info":
		return s.fileInfo(args.Get("file"))
	case "users.info":
		return s.userInfo(args.Get("user"))
	case "chat.postMessage":
		return s.postMessage(args)
	case "chat.update":
		return s.updateMessage(args)
	case "chat.postEphemeral":
		if args.Get("text") == "" {
			return failure("no_text")
		}
		s.ephemeral = append(s.ephemeral, Message{Channel: args.Get("channel"), ThreadTS: args.Get("thread_ts"), Text: args.Get("text"), User: args.Get("user")})
		return map[string]any{"ok": true, "message_ts": s.ts()}
	case "conversations.history", "conversations.replies":
		return s.history(method, args)
	case "views.open", "views.update", "views.publish":
		return s.view(method, args)
	}
	s.t.Errorf("slackfake does not know %s", method)
	return failure("unknown_method")
}

func (s *Server) ts() string {
	s.next++
	return fmt.Sprintf("1700000000.%06d", s.next)
}

func (s *Server) userInfo(id string) map[string]any {
	u, ok := s.users[id]
	if !ok {
		return failure("user_not_found")
	}
	return map[string]any{"ok": true, "user": map[string]any{
		"id": u.ID, "team_id": u.Team, "name": u.Name, "real_name": u.Name, "deleted": u.Deleted, "is_bot": u.IsBot, "is_restricted": u.Restricted,
		"is_ultra_restricted": false, "is_stranger": u.Stranger, "tz": u.TZ, "is_app_user": false, "updated": 1700000000,
		"profile": map[string]any{
			"email": u.Email, "real_name": u.Name, "display_name": u.Name, "real_name_normalized": u.Name, "display_name_normalized": u.Name,
			"avatar_hash": "abc", "status_text": "", "status_emoji": "", "fields": map[string]any{},
			"image_24": "https://example.com/a.png", "image_32": "https://example.com/a.png", "image_48": "https://example.com/a.png",
			"image_72": "https://example.com/a.png", "image_192": "https://example.com/a.png", "image_512": "https://example.com/a.png",
		},
	}}
}

func (s *Server) valid(schema, raw string) bool {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err == nil {
		err = s.schemas[schema].Validate(value)
	}
	if err != nil {
		s.t.Errorf("blocks break %s: %v\n%s", schema, err, raw)
	}
	return err == nil
}

// Message holds a message that is answered to Slack, and Modal a view, against
// the published blocks.
func (s *Server) Message(raw string) { s.valid("message", raw) }

// Modal is Message for a view.
func (s *Server) Modal(raw string) { s.valid("modal", raw) }

func (s *Server) acceptable(args url.Values) string {
	blocks := args.Get("blocks")
	switch {
	case args.Get("text") == "":
		s.t.Error("a message without the text that notifications and screen readers read")
		return "no_text"
	case blocks != "" && blocks != "null" && !s.valid("message_blocks", blocks):
		return "invalid_blocks"
	case len(blocks) > 26000:
		return "msg_blocks_too_long"
	}
	return ""
}

func (s *Server) postMessage(args url.Values) map[string]any {
	if code := s.acceptable(args); code != "" {
		return failure(code)
	}
	m := &Message{
		Channel: args.Get("channel"), TS: s.ts(), ThreadTS: args.Get("thread_ts"), Text: args.Get("text"),
		Blocks: json.RawMessage(args.Get("blocks")), Metadata: json.RawMessage(args.Get("metadata")),
	}
	person, ok := s.users[m.Channel] // a person's id opens their direct messages
	if !ok && strings.HasPrefix(m.Channel, "D0") {
		person, ok = s.users["U"+m.Channel[2:]]
	}
	if ok && !person.Deleted && !person.IsBot {
		m.User, m.Channel = person.ID, "D0"+person.ID[1:]
		s.direct = append(s.direct, m)
	} else if m.Channel != "C00000001" {
		return failure("channel_not_found")
	} else {
		s.messages = append(s.messages, m)
	}
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "message": map[string]any{"type": "message", "text": m.Text, "ts": m.TS, "bot_id": "B00000001", "user": "U0BOT00000001", "team": "T00000001"}}
}

func (s *Server) updateMessage(args url.Values) map[string]any {
	if code := s.acceptable(args); code != "" {
		return failure(code)
	}
	for _, m := range append(slices.Clone(s.messages), s.direct...) {
		if m.Channel == args.Get("channel") && m.TS == args.Get("ts") {
			if m.Bot != "" {
				return failure("cant_update_message")
			}
			m.Text, m.Blocks = args.Get("text"), json.RawMessage(args.Get("blocks"))
			m.Edits++
			return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text, "message": map[string]any{"text": m.Text}}
		}
	}
	return failure("message_not_found")
}

func (s *Server) deleteMessage(args url.Values) map[string]any {
	mine := func(m *Message) bool { return m.Channel == args.Get("channel") && m.TS == args.Get("ts") }
	before := len(s.messages) + len(s.direct)
	s.messages, s.direct = slices.DeleteFunc(s.messages, mine), slices.DeleteFunc(s.direct, mine)
	if before == len(s.messages)+len(s.direct) {
		return failure("message_not_found")
	}
	return map[string]any{"ok": true, "channel": args.Get("channel"), "ts": args.Get("ts")}
}

// Delete removes a message, as a person may.
func (s *Server) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.messages {
		if m.TS == ts {
			s.messages = append(s.messages[:i], s.messages[i+1:]...)
			return
		}
	}
}

func (s *Server) history(method string, args url.Values) map[string]any {
	thread := ""
	if method == "conversations.replies" {
		thread = args.Get("ts")
	}
	list := []any{}
	for _, m := range append(slices.Clone(s.messages), s.direct...) {
		if m.Channel != args.Get("channel") {
			continue
		}
		if m.ThreadTS == thread || thread != "" && m.TS == thread {
			entry := map[string]any{"type": "message", "text": m.Text, "ts": m.TS, "user": "U0BOT00000001", "bot_id": cmp.Or(m.Bot, "B00000001")}
			switch {
			case thread != "" && m.TS == thread:
				entry["thread_ts"], entry["reply_count"], entry["subscribed"] = m.TS, 1, true
			case thread != "":
				entry["thread_ts"], entry["parent_user_id"] = thread, "U0BOT0001"
			}
			if len(m.Metadata) > 0 {
				entry["metadata"] = m.Metadata
			}
			list = append(list, entry)
		}
	}
	if len(list) == 0 { // the published interface wants at least one
		list = append(list, map[string]any{"type": "message", "text": "welcome", "ts": "1600000000.000001", "user": "U00000001"})
	}
	return map[string]any{"ok": true, "messages": list, "has_more": false, "pin_count": 0}
}

func (s *Server) view(method string, args url.Values) map[string]any {
	raw := args.Get("view")
	kind := "modal"
	if method == "views.publish" {
		kind = "home"
	}
	if !s.valid(kind, raw) {
		return failure("invalid_arguments")
	}
	switch method {
	case "views.publish":
		s.homes[args.Get("user_id")] = json.RawMessage(raw)
		return map[string]any{"ok": true, "view": map[string]any{"id": "VHOME", "type": "home"}}
	case "views.open":
		id := "V" + strconv.Itoa(len(s.views)+1)
		s.views[id] = &View{ID: id, Trigger: args.Get("trigger_id"), View: json.RawMessage(raw)}
		return map[string]any{"ok": true, "view": map[string]any{"id": id, "type": "modal"}}
	}
	v, ok := s.views[args.Get("view_id")]
	if !ok {
		return failure("not_found")
	}
	v.View = json.RawMessage(raw)
	v.Updates++
	return map[string]any{"ok": true, "view": map[string]any{"id": v.ID, "type": "modal"}}
}
