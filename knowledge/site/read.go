package site

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
)

// reading is what a page came to.
type reading struct {
	item      knowledge.Item
	links     []string // as far as they are worth reading
	alias     string   // the address the page really has
	skip      string   // why it is no article
	directory bool     // it only leads to others
}

// read makes an item of what an address answered.
func (s scope) read(address string, r Response, settings Settings) (out reading, err error) {
	base, err := url.Parse(address)
	if err != nil {
		return out, fmt.Errorf("read page: %w", err)
	}
	level := knowledge.Level(settings.Audience)
	switch kind := r.Kind; {
	case kind == "text/html" || kind == "application/xhtml+xml":
		page, err := importer.Page(r.Body, level)
		if err != nil {
			out.skip = err.Error()
			return out, nil
		}
		if page.Base != "" {
			if b, err := base.Parse(page.Base); err == nil {
				base = b
			}
		}
		if !page.NoFollow {
			out.links = s.pages(base, page.Links, false)
		}
		if canonical := s.resolve(base, page.Canonical); page.Canonical != "" && canonical != "" && canonical != address && s.holds(canonical) {
			out.alias = canonical
			return out, nil
		}
		out.item, out.skip = page.Item(base), page.Skip()
	case strings.HasSuffix(kind, "/xml") || strings.HasSuffix(kind, "+xml"):
		links, err := sitemap(r.Body)
		if err != nil {
			out.skip = err.Error()
			return out, nil
		}
		out.links, out.directory = s.pages(base, links, true), true
		return out, nil
	case kind == "application/pdf" || strings.HasSuffix(kind, ".wordprocessingml.document"):
		ending := ".pdf"
		if kind != "application/pdf" {
			ending = ".docx"
		}
		name := strings.TrimSuffix(path.Base(base.Path), path.Ext(base.Path))
		if out.item, err = importer.File(name+ending, r.Body, level); err != nil {
			out.skip, err = "The file "+err.Error(), nil
		}
	default:
		out.skip = fmt.Sprintf("It is of the kind %q, not a page.", kind)
	}
	out.item.ExternalID, out.item.Slug = address, ""
	if settings.Locale != "" {
		out.item.Locale = settings.Locale
	}
	if out.skip == "" && !s.holds(address) {
		out.directory = true // the start, outside of what is taken in
	}
	return out, nil
}

// sitemap reads the addresses of a sitemap or of an index of sitemaps.
func sitemap(body []byte) ([]string, error) {
	decoder := xml.NewDecoder(io.LimitReader(bytes.NewReader(body), 16<<20))
	decoder.Strict = false
	var out []string
	var inside, root string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New("It is XML that cannot be read.") //nolint:staticcheck,revive // shown as it is
		}
		switch t := token.(type) {
		case xml.StartElement:
			if root == "" {
				if root = t.Name.Local; root != "urlset" && root != "sitemapindex" {
					return nil, errors.New("It is XML, but no sitemap.") //nolint:staticcheck,revive // shown as it is
				}
			}
			inside = t.Name.Local
		case xml.EndElement:
			inside = ""
		case xml.CharData:
			if address := strings.TrimSpace(string(t)); inside == "loc" && address != "" && len(out) < 50_000 {
				out = append(out, address)
			}
		}
	}
	return out, nil
}
