package website

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/temoto/robotstxt"
	"golang.org/x/net/html/charset"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/site"
)

// Agent is the name in robots.txt.
const Agent = "UsherBot"

// What one address may take and send. Packed answers count as unpacked.
const (
	maxText   = 4 << 20
	maxFile   = importer.MaxUpload
	maxRobots = 512 << 10
	patience  = 30 * time.Second
)

// Config of a Client.
type Config struct {
	// About is an address that says who reads, for the owners of sites.
	About string
	// Patience is how long one address may take; zero: 30 seconds.
	Patience time.Duration
}

// Client reads addresses.
type Client struct {
	agent    string
	patience time.Duration
	http     *http.Client
}

var _ site.Web = (*Client)(nil)

// New returns a Client that reaches what the guard allows.
func New(c Config, guard egress.Guard) *Client {
	agent := Agent + "/1.0"
	if c.About != "" {
		agent += " (+" + c.About + ")"
	}
	return &Client{agent: agent, patience: cmp.Or(c.Patience, patience), http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, DialContext: guard.Dialer().DialContext, TLSHandshakeTimeout: 5 * time.Second,
			ResponseHeaderTimeout: 20 * time.Second, MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second,
		},
	}}
}

// Fetch implements site.Web.
func (c *Client) Fetch(ctx context.Context, r site.Request) (site.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errors.New("the page took too long"))
	defer cancel()
	response, err := c.get(ctx, r)
	if err != nil {
		return site.Response{}, fmt.Errorf("read page: %w", plain(ctx, err))
	}
	defer response.Body.Close()
	out := site.Response{Status: response.StatusCode, ETag: header(response, "ETag"), LastModified: header(response, "Last-Modified")}
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400 && response.StatusCode != http.StatusNotModified:
		if to, err := response.Location(); err == nil {
			out.Location = to.String()
		}
	case response.StatusCode == http.StatusTooManyRequests, response.StatusCode == http.StatusServiceUnavailable:
		out.RetryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	case response.StatusCode == http.StatusOK:
		out.Kind, out.Body, err = body(response)
	}
	if err != nil {
		return site.Response{}, fmt.Errorf("read page: %w", plain(ctx, err))
	}
	return out, nil
}

func (c *Client) get(ctx context.Context, r site.Request) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", c.agent)
	request.Header.Set("Accept", "text/html, application/xhtml+xml, application/xml;q=0.9, application/pdf;q=0.8, */*;q=0.1")
	if r.ETag != "" {
		request.Header.Set("If-None-Match", r.ETag)
	}
	if r.LastModified != "" {
		request.Header.Set("If-Modified-Since", r.LastModified)
	}
	return c.http.Do(request)
}

// header leaves out what would not fit to be sent back.
func header(r *http.Response, name string) string {
	if value := r.Header.Get(name); len(value) <= 500 {
		return value
	}
	return ""
}

// body reads what can become an article, texts as UTF-8. Of other kinds nothing
// is read.
func body(response *http.Response) (kind string, text []byte, err error) {
	declared := response.Header.Get("Content-Type")
	if kind, _, err = mime.ParseMediaType(declared); err != nil {
		kind = strings.ToLower(strings.TrimSpace(declared))
	}
	limit := int64(0)
	isText := false
	switch {
	case kind == "text/html", strings.HasSuffix(kind, "/xml"), strings.HasSuffix(kind, "+xml"):
		limit, isText = maxText, true
	case kind == "application/pdf", strings.HasSuffix(kind, ".wordprocessingml.document"):
		limit = maxFile
	default:
		return kind, nil, nil
	}
	text, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return kind, nil, err
	case int64(len(text)) > limit:
		return kind, nil, site.ErrTooLarge
	case !isText || strings.HasSuffix(kind, "xml") && kind != "application/xhtml+xml":
		return kind, text, nil
	}
	reader, err := charset.NewReader(bytes.NewReader(text), declared)
	if err != nil {
		return kind, nil, fmt.Errorf("letters of an unknown set: %w", err)
	}
	text, err = io.ReadAll(io.LimitReader(reader, 3*limit))
	return kind, bytes.ToValidUTF8(text, nil), err
}

func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 86400)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 30 * time.Second
}

// plain turns what stopped a request into a reason the domain knows.
func plain(ctx context.Context, err error) error {
	var failed *url.Error
	switch {
	case errors.Is(err, egress.ErrForbidden):
		return site.ErrPrivate
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.As(err, &failed) && failed.Timeout():
		return context.DeadlineExceeded
	case errors.As(err, &failed):
		return failed.Err // without the method and the address again
	}
	return err
}

// rules of a host.
type rules struct{ group *robotstxt.Group }

func (r rules) Allowed(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	path := u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return r.group.Test(path)
}

func (r rules) Delay() time.Duration { return r.group.CrawlDelay }

// Rules implements site.Web. As is the custom, a host without a robots.txt
// allows all, and one whose robots.txt cannot be read allows nothing for now.
func (c *Client) Rules(ctx context.Context, address string) (site.Rules, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read robots.txt: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errors.New("robots.txt took too long"))
	defer cancel()
	target := &url.URL{Scheme: at.Scheme, Host: at.Host, Path: "/robots.txt"}
	for range 5 {
		response, err := c.get(ctx, site.Request{URL: target.String()})
		if err != nil {
			return nil, fmt.Errorf("read robots.txt: %w", plain(ctx, err))
		}
		if code := response.StatusCode; code >= 300 && code < 400 {
			response.Body.Close()
			to, err := response.Location()
			if err != nil || to.Host != at.Host || to.Scheme != "http" && to.Scheme != "https" {
				return allowAll(), nil // leads elsewhere: as good as none
			}
			target = to
			continue
		}
		text, err := io.ReadAll(io.LimitReader(response.Body, maxRobots))
		response.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read robots.txt: %w", plain(ctx, err))
		}
		if response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests {
			return nil, fmt.Errorf("read robots.txt: the site answered %d", response.StatusCode)
		}
		data, err := robotstxt.FromStatusAndBytes(response.StatusCode, text)
		if err != nil {
			return nil, fmt.Errorf("read robots.txt: it cannot be understood: %w", err)
		}
		return rules{data.FindGroup(Agent)}, nil
	}
	return nil, errors.New("read robots.txt: it leads in a circle")
}

func allowAll() site.Rules {
	data, _ := robotstxt.FromString("")
	return rules{data.FindGroup(Agent)}
}
