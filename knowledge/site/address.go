package site

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/usherdesk/usher/knowledge"
)

const maxAddress = 1000

// noise are parameters that say where a reader came from, not what is read.
var noise = []string{"gclid", "fbclid", "mc_cid", "mc_eid"}

// normal is the one spelling of an address; "" for one that is no page.
func normal(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if scheme != "http" && scheme != "https" || host == "" || u.User != nil {
		return ""
	}
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
	out := url.URL{Scheme: scheme, Host: host, Path: u.Path, RawPath: u.RawPath}
	if out.Path == "" {
		out.Path = "/"
	}
	query := u.Query()
	for name := range query {
		if strings.HasPrefix(name, "utm_") || slices.Contains(noise, name) {
			query.Del(name)
		}
	}
	out.RawQuery = query.Encode()
	if text := out.String(); len(text) <= maxAddress {
		return text
	}
	return ""
}

// scope decides which addresses belong to a site.
type scope struct {
	start            *url.URL
	include, exclude []string
}

func (s Settings) scope() (scope, error) {
	start, err := url.Parse(strings.TrimSpace(s.URL))
	if err != nil || normal(start) == "" {
		return scope{}, &knowledge.InvalidError{Field: "url", Reason: "must be a web address like https://help.example.com/, without a user or password"}
	}
	start, _ = url.Parse(normal(start))
	return scope{start, s.Include, s.Exclude}, nil
}

// resolve is a link's address on the same host, "" for every other. A page is
// the same by http and by https.
func (s scope) resolve(base *url.URL, link string) string {
	target, err := base.Parse(strings.TrimSpace(link))
	if err != nil || target.Scheme != "http" && target.Scheme != "https" {
		return ""
	}
	target.Scheme = s.start.Scheme
	address := normal(target)
	if parsed, err := url.Parse(address); err != nil || parsed.Host != s.start.Host {
		return ""
	}
	return address
}

// holds reports whether the address may become an article.
func (s scope) holds(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host != s.start.Host {
		return false
	}
	begins := func(prefix string) bool {
		return strings.HasPrefix(u.EscapedPath(), prefix) || strings.HasPrefix(u.Path, prefix)
	}
	return (len(s.include) == 0 || slices.ContainsFunc(s.include, begins)) && !slices.ContainsFunc(s.exclude, begins)
}

// media are endings of what is never a page.
var media = []string{
	".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".css", ".js", ".mjs", ".json", ".woff", ".woff2", ".ttf", ".mp4", ".webm", ".mp3", ".zip", ".gz", ".tgz", ".exe", ".dmg", ".rss", ".atom",
}

// pages keeps the links that are worth reading: in scope and no pictures. From a
// sitemap other sitemaps are, too.
func (s scope) pages(base *url.URL, links []string, sitemap bool) []string {
	out, seen := []string{}, map[string]bool{}
	for _, link := range links {
		address := s.resolve(base, link)
		if address == "" || seen[address] {
			continue
		}
		seen[address] = true
		ending := ""
		if u, err := url.Parse(address); err == nil {
			ending = strings.ToLower(path.Ext(u.Path))
		}
		if slices.Contains(media, ending) || !s.holds(address) && !(sitemap && ending == ".xml") {
			continue
		}
		if out = append(out, address); len(out) == maxLinks {
			break
		}
	}
	return out
}

const maxLinks = 5000

// prefixes cleans path prefixes as people write them.
func prefixes(field string, list []string) ([]string, error) {
	out := []string{}
	for _, prefix := range list {
		if prefix = strings.TrimSpace(prefix); prefix == "" || slices.Contains(out, prefix) {
			continue
		}
		if !strings.HasPrefix(prefix, "/") || len(prefix) > 300 {
			return nil, &knowledge.InvalidError{Field: field, Reason: fmt.Sprintf("%q must be the beginning of a path, such as /docs/", prefix)}
		}
		out = append(out, prefix)
	}
	if len(out) > 50 {
		return nil, &knowledge.InvalidError{Field: field, Reason: "holds more than 50 paths"}
	}
	return out, nil
}
