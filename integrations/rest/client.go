package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

// ErrBadConfig says a configuration cannot work; the text says where.
var ErrBadConfig = errors.New("source configuration is not valid")

// ErrBadAnswer says the API answered with something that cannot be used.
var ErrBadAnswer = errors.New("the source's answer cannot be used")

// Config describes an API. All of it is data.
type Config struct {
	BaseURL string `json:"base_url"`
	// Path of a record. {entity} is replaced by the escaped record id, {customer}
	// by the number the API knows the tenant by, {tenant} by the tenant's id.
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Auth    Auth              `json:"auth"`
	// Fields maps a field's name to a place in the answer: a JSON pointer (it begins
	// with /), or a JMESPath expression. One that leads nowhere leaves the field
	// out. No fields means the answer as it is.
	Fields     map[string]string `json:"fields,omitempty"`
	ObservedAt string            `json:"observed_at,omitempty"` // place of RFC 3339 or Unix seconds
	MaxAge     time.Duration     `json:"max_age,omitempty"`
	BodyLimit  int64             `json:"body_limit,omitempty"` // bytes, default 1 MiB
}

// Auth is how the API knows us. Secrets come from the operator's settings and are
// never logged.
type Auth struct {
	Kind   string `json:"kind"` // "", bearer, basic, header
	Name   string `json:"name,omitempty"`
	User   string `json:"user,omitempty"`
	Secret string `json:"-"`
}

var slots = regexp.MustCompile(`\{[^}]*\}?`)

// Client reads one API.
type Client struct {
	config Config
	base   *url.URL
	http   *http.Client
	places map[string]place // by how they are written
}

var (
	_ source.Source      = (*Client)(nil)
	_ source.PerCustomer = (*Client)(nil)
)

// Stored makes a Client of what a curator has stored.
func Stored(d source.Definition, secret string, guard egress.Guard) (*Client, error) {
	return New(Config{
		BaseURL: d.BaseURL, Path: d.Path, Auth: Auth{Kind: d.AuthKind, Name: d.AuthName, User: d.AuthUser, Secret: secret},
		Fields: d.Fields, ObservedAt: d.ObservedAt, MaxAge: d.MaxAge,
	}, guard)
}

// New checks the configuration and returns a Client.
func New(config Config, guard egress.Guard) (*Client, error) {
	bad := func(format string, args ...any) (*Client, error) {
		return nil, fmt.Errorf("%w: %s", ErrBadConfig, fmt.Sprintf(format, args...))
	}
	base, err := url.Parse(config.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil {
		return bad("base_url must be http(s)://host/…, without a password")
	}
	if !strings.HasPrefix(config.Path, "/") {
		return bad("path must begin with /")
	}
	switch config.Auth.Kind {
	case "", "bearer", "basic":
	case "header":
		if config.Auth.Name == "" {
			return bad("auth of kind header needs a name")
		}
	default:
		return bad("unknown auth kind %q", config.Auth.Kind)
	}
	for _, slot := range slots.FindAllString(config.Path, -1) {
		if !slices.Contains([]string{"{entity}", "{customer}", "{tenant}"}, slot) {
			return bad("path may hold {entity}, {customer} and {tenant}, not %s", slot)
		}
	}
	places := map[string]place{}
	for name, text := range config.Fields {
		if places[text], err = parsePlace(text); err != nil {
			return bad("field %s: %v", name, err)
		}
	}
	if config.ObservedAt != "" {
		if places[config.ObservedAt], err = parsePlace(config.ObservedAt); err != nil {
			return bad("observed_at: %v", err)
		}
	}
	config.BodyLimit = cmp.Or(config.BodyLimit, 1<<20)
	return &Client{config: config, base: base, places: places, http: &http.Client{
		Transport: &http.Transport{
			DialContext: guard.Dialer().DialContext, Proxy: nil, DisableCompression: true,
			TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Fetch implements source.Source.
func (c *Client) Fetch(ctx context.Context, key source.Key, etag string) (source.Reading, error) {
	path := strings.NewReplacer("{entity}", url.PathEscape(key.Entity), "{customer}", url.PathEscape(key.Customer), "{tenant}", key.TenantID.String()).
		Replace(c.config.Path)
	target, err := url.Parse(strings.TrimSuffix(c.base.String(), "/") + path)
	if err != nil || target.Host != c.base.Host || dots(key.Entity) || dots(key.Customer) {
		return source.Reading{}, fmt.Errorf("read source: %w: the record's id makes no address", ErrBadAnswer)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return source.Reading{}, fmt.Errorf("read source: %w", err)
	}
	c.sign(request, etag)
	response, err := c.http.Do(request)
	if err != nil {
		return source.Reading{}, fmt.Errorf("read source: %w", err)
	}
	defer response.Body.Close()
	reading, err := c.read(response)
	if err != nil {
		return source.Reading{}, fmt.Errorf("read source: %w", err)
	}
	return reading, nil
}

// dots reports whether a value would climb in a path.
func dots(part string) bool { return part == "." || part == ".." }

// PerCustomer implements source.PerCustomer.
func (c *Client) PerCustomer() bool { return strings.Contains(c.config.Path, "{customer}") }

func (c *Client) sign(request *http.Request, etag string) {
	for name, value := range c.config.Headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Accept", "application/json")
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	switch auth := c.config.Auth; auth.Kind {
	case "bearer":
		request.Header.Set("Authorization", "Bearer "+auth.Secret)
	case "basic":
		request.SetBasicAuth(auth.User, auth.Secret)
	case "header":
		request.Header.Set(auth.Name, auth.Secret)
	}
}

func (c *Client) read(response *http.Response) (source.Reading, error) {
	switch code := response.StatusCode; {
	case code == http.StatusNotModified:
		return source.Reading{NotModified: true, MaxAge: c.config.MaxAge}, nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return source.Reading{}, source.ErrAbsent
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		return source.Reading{}, &source.RetryAfter{After: retryAfter(response.Header.Get("Retry-After")), Err: &StatusError{code}}
	case code != http.StatusOK:
		return source.Reading{}, &StatusError{code}
	}
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return source.Reading{}, fmt.Errorf("%w: it is not JSON but %q", ErrBadAnswer, response.Header.Get("Content-Type"))
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return source.Reading{}, fmt.Errorf("%w: it is packed, which was not asked for", ErrBadAnswer)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.config.BodyLimit+1))
	if err != nil {
		return source.Reading{}, err
	}
	if int64(len(body)) > c.config.BodyLimit {
		return source.Reading{}, fmt.Errorf("%w: more than %d bytes", ErrBadAnswer, c.config.BodyLimit)
	}
	return c.reading(body, response.Header.Get("ETag"))
}

func (c *Client) reading(body []byte, etag string) (source.Reading, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // large ids stay what they are
	var document any
	if err := decoder.Decode(&document); err != nil {
		return source.Reading{}, fmt.Errorf("%w: it is not JSON", ErrBadAnswer)
	}
	answer := &parsed{body: body, exact: document}
	out := source.Reading{ETag: etag, MaxAge: c.config.MaxAge}
	if c.config.ObservedAt != "" {
		at, ok := instant(c.places[c.config.ObservedAt].find(answer))
		if !ok {
			return source.Reading{}, fmt.Errorf("%w: it has no time at %s", ErrBadAnswer, c.config.ObservedAt)
		}
		out.ObservedAt = at
	}
	fields, ok := document.(map[string]any)
	if len(c.config.Fields) > 0 {
		fields, ok = map[string]any{}, true
		for name, text := range c.config.Fields {
			if value, found := c.places[text].find(answer); found && value != nil {
				fields[name] = value
			}
		}
	}
	if !ok {
		return source.Reading{}, fmt.Errorf("%w: it is no JSON object", ErrBadAnswer)
	}
	payload, err := json.Marshal(fields)
	if err != nil {
		return source.Reading{}, err
	}
	out.Payload = payload
	return out, nil
}

func instant(value any, found bool) (time.Time, bool) {
	if !found {
		return time.Time{}, false
	}
	switch v := value.(type) {
	case string:
		at, err := time.Parse(time.RFC3339, v)
		return at, err == nil
	case json.Number:
		seconds, err := v.Int64()
		return time.Unix(seconds, 0).UTC(), err == nil && seconds > 0
	case float64: // by JMESPath
		return time.Unix(int64(v), 0).UTC(), v > 0 && v < 1<<40
	}
	return time.Time{}, false
}

// retryAfter reads seconds or an HTTP date; 0 when there is none.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
