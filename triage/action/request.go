package action

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage"
)

// UnfitError says that what was collected makes no request. Why is for agents.
type UnfitError struct{ Why string }

func (e *UnfitError) Error() string { return "cannot be proposed: " + e.Why }

func unfit(format string, args ...any) error { return &UnfitError{fmt.Sprintf(format, args...)} }

// Request is exactly what is sent, but for the secret.
type Request struct {
	Method  string   `json:"method"`
	URL     string   `json:"url"`
	Headers []Header `json:"headers"` // in order; the secret's is missing
	Body    string   `json:"body"`
}

// Header is one line of a request's head.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Given is one parameter as the approver reads it.
type Given struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Preview is the request as people read it: line by line, the secret masked.
func (r Request) Preview() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	if r.Body != "" {
		b.WriteString("\n" + r.Body)
	}
	return b.String()
}

// masked stands where a secret is.
const masked = "••••••"

// value is a parameter's value: as it was given, and as JSON has it.
type value struct {
	text string
	json any
}

// read takes a text as a parameter's value.
func (p Parameter) read(text string) (value, error) {
	text = strings.TrimSpace(triage.Plain(strings.ToValidUTF8(text, "")))
	wrong := func(want string) (value, error) {
		return value{}, unfit("%s is %q, not %s", p.Label, triage.Line(text, 100), want)
	}
	if text == "" {
		if p.Optional {
			return value{}, nil
		}
		return value{}, unfit("%s is missing", p.Label)
	}
	switch p.Kind {
	case KindNumber:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || len(text) > 20 || strings.ContainsAny(text, "xXpPeEnNiI_") {
			return wrong("a number")
		}
		if p.Min != nil && n < *p.Min || p.Max != nil && n > *p.Max {
			return wrong("within its bounds")
		}
		text = strings.TrimPrefix(text, "+")
		if !json.Valid([]byte(text)) { // 007, .5
			text = strconv.FormatFloat(n, 'f', -1, 64)
		}
		return value{text, json.Number(text)}, nil
	case KindDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return wrong("a day such as 2026-12-31")
		}
	case KindEmail:
		address, err := mail.ParseAddress(text)
		if err != nil || address.Address != text || strings.ContainsFunc(text, unicode.IsSpace) {
			return wrong("an e-mail address")
		}
	case KindChoice:
		if !slices.Contains(p.Choices, text) {
			return wrong("one of its choices")
		}
	case KindYesNo:
		if text != "yes" && text != "no" {
			return wrong("yes or no")
		}
		return value{text, text == "yes"}, nil
	case KindText:
		limit := p.Length
		if limit == 0 {
			limit = 500
		}
		if utf8.RuneCountInString(text) > limit {
			return wrong(fmt.Sprintf("at most %d characters long", limit))
		}
	}
	return value{text, text}, nil
}

// facts are what the server fills in.
type facts map[string]string

// build makes the request of given values, all checked, and what approvers read.
func (d Definition) build(given map[string]string, filled facts, key uuid.UUID) (Request, []Given, map[string]value, error) {
	values := map[string]value{}
	for name := range given {
		if !slices.ContainsFunc(d.Parameters, func(p Parameter) bool { return p.Name == name }) {
			return Request{}, nil, nil, unfit("%s is no parameter of %s", name, d.Key)
		}
	}
	for _, p := range d.Parameters {
		v, err := p.read(given[p.Name])
		if err != nil {
			return Request{}, nil, nil, err
		}
		values[p.Name] = v
	}
	for _, name := range Injected {
		if text, ok := filled[name]; ok {
			values[name] = value{text, text}
		}
	}
	target, err := d.address(values)
	if err != nil {
		return Request{}, nil, nil, err
	}
	body, err := d.payload(values)
	if err != nil {
		return Request{}, nil, nil, err
	}
	r := Request{Method: d.Method, URL: target, Body: body}
	switch d.Auth.Kind {
	case "bearer":
		r.Headers = append(r.Headers, Header{"Authorization", "Bearer " + masked})
	case "basic":
		r.Headers = append(r.Headers, Header{"Authorization", "Basic " + masked})
	case "header":
		r.Headers = append(r.Headers, Header{d.Auth.Name, masked})
	}
	r.Headers = append(r.Headers, Header{d.keyHeader(), key.String()}, Header{"Accept", "application/json"})
	if body != "" {
		r.Headers = append(r.Headers, Header{"Content-Type", "application/json"})
	}
	var shown []Given
	for _, p := range d.Parameters {
		if text := values[p.Name].text; text != "" {
			shown = append(shown, Given{p.Label, text})
		}
	}
	return r, shown, values, nil
}

// signed is the request with its secret, to be sent and never to be kept.
func (d Definition) signed(r Request, secret string) Request {
	r.Headers = slices.Clone(r.Headers)
	for i, h := range r.Headers {
		if h.Value == masked && strings.EqualFold(h.Name, d.Auth.Name) && d.Auth.Kind == "header" {
			r.Headers[i].Value = secret
		}
		if h.Name == "Authorization" && d.Auth.Kind == "bearer" {
			r.Headers[i].Value = "Bearer " + secret
		}
		if h.Name == "Authorization" && d.Auth.Kind == "basic" {
			r.Headers[i].Value = "Basic " + base64.StdEncoding.EncodeToString([]byte(d.Auth.User+":"+secret))
		}
	}
	return r
}

// hide takes the secret out of what the other system said.
func (d Definition) hide(text, secret string) string {
	if secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, base64.StdEncoding.EncodeToString([]byte(d.Auth.User+":"+secret)), masked)
	return strings.ReplaceAll(text, secret, masked)
}

// missing says what the server could not fill in.
func missing(name string) error {
	switch name {
	case "customer":
		return unfit("the other system's customer number of this organisation is not known; store it with the source")
	case "contact", "contact_email", "contact_name":
		return unfit("it is not known who asks")
	}
	return unfit("%s is not known", name)
}

// address fills the path. A value is one piece of it: it cannot add another,
// climb, or lead to another host.
func (d Definition) address(values map[string]value) (string, error) {
	path, query, _ := strings.Cut(d.Path, "?")
	var failed error
	fill := func(text string, escape func(string) string) string {
		return slot.ReplaceAllStringFunc(text, func(m string) string {
			name := strings.Trim(m, "{}")
			v, ok := values[name]
			switch {
			case !ok || v.text == "":
				failed = errors.Join(failed, missing(name))
			case v.text == "." || v.text == "..":
				failed = errors.Join(failed, unfit("%s would lead elsewhere", name))
			}
			return escape(v.text)
		})
	}
	out := strings.TrimSuffix(d.BaseURL, "/") + fill(path, url.PathEscape)
	if query != "" {
		out += "?" + fill(query, url.QueryEscape)
	}
	if failed != nil {
		var first *UnfitError
		errors.As(failed, &first)
		return "", first
	}
	base, err := url.Parse(d.BaseURL)
	if err != nil {
		return "", unfit("the address is not valid")
	}
	target, err := url.Parse(out)
	if err != nil || target.Host != base.Host || target.Scheme != base.Scheme || target.User != nil {
		return "", unfit("what was given makes no address")
	}
	for _, part := range strings.Split(target.EscapedPath(), "/") {
		if clear, err := url.PathUnescape(part); err != nil || clear == "." || clear == ".." {
			return "", unfit("what was given would lead elsewhere")
		}
	}
	return out, nil
}

// payload fills the body. Values are put into the document, not into its text, so
// none can add a field. A string that is one {name} takes the value's own type;
// without a value its field is left out.
func (d Definition) payload(values map[string]value) (string, error) {
	if d.Body == nil {
		return "", nil
	}
	var failed error
	document := walk(d.Body, func(text string) any {
		if m := slot.FindStringSubmatch(text); m != nil && m[0] == text {
			v, ok := values[m[1]]
			if !ok {
				failed = missing(m[1])
			}
			if v.json == nil {
				return absent{}
			}
			return v.json
		}
		return slot.ReplaceAllStringFunc(text, func(m string) string {
			v, ok := values[strings.Trim(m, "{}")]
			if !ok {
				failed = missing(strings.Trim(m, "{}"))
			}
			return v.text
		})
	})
	if failed != nil {
		return "", failed
	}
	if _, gone := document.(absent); gone {
		return "", nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return "", unfit("what was given makes no request")
	}
	if out.Len() > maxBody {
		return "", unfit("the request is larger than %d bytes, which nobody could check", maxBody)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// absent marks a field that is left out.
type absent struct{}

// walk copies a JSON document, its strings changed. Names of fields stay.
func walk(node any, text func(string) any) any {
	switch n := node.(type) {
	case string:
		return text(n)
	case map[string]any:
		out := map[string]any{}
		for name, child := range n {
			if changed := walk(child, text); changed != (absent{}) {
				out[name] = changed
			}
		}
		return out
	case []any:
		out := []any{}
		for _, child := range n {
			if changed := walk(child, text); changed != (absent{}) {
				out = append(out, changed)
			}
		}
		return out
	}
	return node
}

// say fills a text for the customer, values as people write them and inert.
func (d Definition) say(text string, values map[string]value, language, locale string) string {
	return slot.ReplaceAllStringFunc(text, func(m string) string {
		name := strings.Trim(m, "{}")
		for _, p := range d.Parameters {
			if p.Name == name && p.Kind == KindDate && values[name].text != "" {
				return status.Day(values[name].text, language, locale)
			}
		}
		return status.Plain(values[name].text)
	})
}
