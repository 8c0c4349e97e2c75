// Package openaifake is an OpenAI-compatible server for tests. Requests and
// answers are validated against the published interface where the development
// data is present. Without a script a small deterministic model answers.
package openaifake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/usherdesk/usher/integrations/contracttest"
)

// Call is a request as it came.
type Call struct {
	Path       string // without /v1
	Header     http.Header
	Body       map[string]any
	Raw        string
	System     string   // the first system message
	User       string   // the last user message
	Structured bool     // a JSON schema is asked for
	Stream     bool     // server-sent events are asked for
	Input      []string // of embeddings
}

// Answer is what a script makes the server say. The first group is sent as it
// is, outside the interface; the others shape what the model says within it.
type Answer struct {
	Drop   bool // close the connection without an answer
	Status int  // with Header and Body
	Header map[string]string
	Body   string
	Hang   <-chan struct{} // answer only after it is closed

	Text       string
	Pieces     []string // of a stream; default: Text in small pieces
	Refusal    string
	Finish     string // default stop
	Empty      bool   // no choices
	NoUsage    bool
	Truncated  bool            // end a stream without a finish_reason and without [DONE]
	KeepAlives int             // comment lines before every piece of a stream
	Between    <-chan struct{} // wait for it before the last piece of a stream

	Vectors [][]float32 // of embeddings, by index
}

// Server is the fake.
type Server struct {
	*httptest.Server
	// Dimensions is the length of vectors where a request names none.
	Dimensions int

	t      testing.TB
	spec   *contracttest.Spec
	mu     sync.Mutex
	script func(Call) *Answer
	calls  []Call
}

// New starts a server.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, Dimensions: 8}
	if published() {
		s.spec = contracttest.Open(t, "openai.openapi.json", "/v1")
	} else {
		t.Log("openai.openapi.json is absent: the exchanges are not validated; see USHER_TESTDATA")
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// published says whether the published interface is there.
func published() bool {
	_, file, _, _ := runtime.Caller(0)
	root := cmp.Or(os.Getenv("USHER_TESTDATA"), filepath.Join(filepath.Dir(file), "..", "..", "..", "..", "shared"))
	_, err := os.Stat(filepath.Join(root, "contracts", "openai.openapi.json"))
	return err == nil
}

// BaseURL is where a client begins.
func (s *Server) BaseURL() string { return s.URL + "/v1" }

// Script sets what is answered from now on; nil, or a nil Answer: the small model.
func (s *Server) Script(script func(Call) *Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// Queue scripts answers one after the other; then the small model goes on.
func (s *Server) Queue(answers ...Answer) {
	var mu sync.Mutex
	s.Script(func(Call) *Answer {
		mu.Lock()
		defer mu.Unlock()
		if len(answers) == 0 {
			return nil
		}
		next := answers[0]
		answers = answers[1:]
		return &next
	})
}

// Calls are the requests so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Validated is how many exchanges were held to the published interface.
func (s *Server) Validated() int64 {
	if s.spec == nil {
		return 0
	}
	return s.spec.Checked()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	call := parse(r, raw)
	s.mu.Lock()
	s.calls = append(s.calls, call)
	script := s.script
	s.mu.Unlock()
	var answer *Answer
	if script != nil {
		answer = script(call)
	}
	if answer == nil {
		answer = &Answer{}
		if len(call.Input) == 0 && r.Method == http.MethodPost {
			answer.Text = model(call)
		}
	}
	if answer.Hang != nil {
		select {
		case <-answer.Hang:
		case <-r.Context().Done():
			return
		}
	}
	s.answer(w, r, call, answer)
}

// answer has the exchange checked as a whole, then plays it piece by piece.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, call Call, a *Answer) {
	outside := a.Drop || a.Status != 0
	var frames []string
	reached := false
	var inner http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached = true
		switch {
		case outside:
			w.WriteHeader(http.StatusInternalServerError) // only the request is checked
		case call.Stream:
			frames = a.frames(call)
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, strings.Join(frames, ""))
		default:
			s.whole(w, call, a)
		}
	})
	if s.spec != nil {
		inner = s.spec.Wrap(inner)
	}
	recorder := httptest.NewRecorder()
	inner.ServeHTTP(recorder, r)
	switch {
	case reached && a.Drop:
		panic(http.ErrAbortHandler)
	case reached && a.Status != 0:
		for k, v := range a.Header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, a.Body)
	case reached && call.Stream:
		a.play(w, r, frames)
	default:
		for k, v := range recorder.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	}
}

// play writes frames with what the interface does not speak of between them.
func (a *Answer) play(w http.ResponseWriter, r *http.Request, frames []string) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	last := -1
	for i, frame := range frames {
		if strings.Contains(frame, `"content":`) {
			last = i
		}
	}
	for i, frame := range frames {
		for range a.KeepAlives {
			_, _ = io.WriteString(w, ": ping\n\n")
		}
		if i == last && a.Between != nil {
			_ = flush.Flush()
			select {
			case <-a.Between:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = io.WriteString(w, frame)
		_ = flush.Flush()
	}
}

// frames are the lines of a stream.
func (a *Answer) frames(call Call) []string {
	var out []string
	add := func(choices []any, usage any) {
		raw, _ := json.Marshal(map[string]any{
			"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": call.Body["model"], "choices": choices, "usage": usage,
		})
		out = append(out, "data: "+string(raw)+"\n\n")
	}
	choice := func(delta map[string]any, finish any) []any {
		return []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}
	}
	add([]any{}, nil) // as Azure begins
	add(choice(map[string]any{"role": "assistant"}, nil), nil)
	if !a.Empty {
		for _, piece := range a.pieces() {
			add(choice(map[string]any{"content": piece}, nil), nil)
		}
		if a.Refusal != "" {
			add(choice(map[string]any{"refusal": a.Refusal}, nil), nil)
		}
	}
	if a.Truncated {
		return out
	}
	add(choice(map[string]any{}, cmp.Or(a.Finish, "stop")), nil)
	if !a.NoUsage {
		add([]any{}, usage(call, a.Text+strings.Join(a.Pieces, "")))
	}
	return append(out, "data: [DONE]\n\n")
}

func (a *Answer) pieces() []string {
	if a.Pieces != nil {
		return a.Pieces
	}
	var out []string
	for part := range slices.Chunk([]rune(a.Text), 7) {
		out = append(out, string(part))
	}
	return out
}

// whole writes an answer that is not streamed.
func (s *Server) whole(w http.ResponseWriter, call Call, a *Answer) {
	w.Header().Set("Content-Type", "application/json")
	var body any
	switch call.Path {
	case "/models":
		body = map[string]any{"object": "list", "data": []any{map[string]any{"id": "small", "object": "model", "created": 1, "owned_by": "tests"}}}
	case "/embeddings":
		body = s.vectors(call, a)
	default:
		choices := []any{}
		if !a.Empty {
			message := map[string]any{"role": "assistant", "content": a.Text, "refusal": nil}
			if a.Refusal != "" {
				message["content"], message["refusal"] = nil, a.Refusal
			}
			choices = append(choices, map[string]any{"index": 0, "message": message, "finish_reason": cmp.Or(a.Finish, "stop"), "logprobs": nil})
		}
		body = map[string]any{
			"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": call.Body["model"], "choices": choices, "usage": usage(call, a.Text),
		}
	}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.t.Errorf("write answer: %v", err)
	}
}

// vectors answers backwards: no order is promised.
func (s *Server) vectors(call Call, a *Answer) any {
	length := s.Dimensions
	if asked, ok := call.Body["dimensions"].(float64); ok {
		length = int(asked)
	}
	vectors := a.Vectors
	if vectors == nil {
		for _, text := range call.Input {
			vectors = append(vectors, Vector(text, length))
		}
	}
	data := []any{}
	for i := len(vectors) - 1; i >= 0; i-- {
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vectors[i]})
	}
	tokens := len(strings.Fields(strings.Join(call.Input, " ")))
	return map[string]any{"object": "list", "model": call.Body["model"], "data": data, "usage": map[string]any{"prompt_tokens": tokens, "total_tokens": tokens}}
}

// usage counts a word as a token.
func usage(call Call, text string) map[string]any {
	prompt, output := len(strings.Fields(call.System+" "+call.User)), len(strings.Fields(text))
	return map[string]any{"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
}

func parse(r *http.Request, raw []byte) Call {
	call := Call{Path: strings.TrimPrefix(r.URL.Path, "/v1"), Header: r.Header.Clone(), Raw: string(raw)}
	_ = json.Unmarshal(raw, &call.Body) // what is no JSON fails the contract
	call.Stream, _ = call.Body["stream"].(bool)
	call.Structured = call.Body["response_format"] != nil
	messages, _ := call.Body["messages"].([]any)
	for _, m := range messages {
		message, _ := m.(map[string]any)
		content := fmt.Sprint(message["content"])
		switch {
		case message["role"] == "system" && call.System == "":
			call.System = content
		case message["role"] == "user":
			call.User = content
		}
	}
	input, _ := call.Body["input"].([]any)
	for _, text := range input {
		call.Input = append(call.Input, fmt.Sprint(text))
	}
	return call
}
