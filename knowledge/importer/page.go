package importer

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/usherdesk/usher/knowledge"
)

// WebPage is a page of a website, read but not yet turned into an article.
type WebPage struct {
	Links     []string // as written, of the whole page
	Canonical string
	Base      string // what links are relative to, where the page says so
	NoIndex   bool   // it asks to be left out
	NoFollow  bool   // it asks not to follow its links

	root   *html.Node
	matter frontMatter
	level  knowledge.Level
	text   string
}

// Page reads HTML as UTF-8.
func Page(text []byte, level knowledge.Level) (*WebPage, error) {
	root, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("It is HTML that cannot be read: %w.", err) //nolint:staticcheck,revive // shown as it is
	}
	p := &WebPage{root: root, level: level}
	head(root, &p.matter)
	p.look(root)
	return p, nil
}

// look finds what is not text.
func (p *WebPage) look(n *html.Node) {
	if n.Type == html.ElementNode {
		switch n.DataAtom {
		case atom.A, atom.Area:
			if to := attribute(n, "href"); to != "" && !strings.HasPrefix(to, "#") && !slices.Contains(strings.Fields(strings.ToLower(attribute(n, "rel"))), "nofollow") {
				p.Links = append(p.Links, to)
			}
		case atom.Link:
			if strings.EqualFold(attribute(n, "rel"), "canonical") {
				p.Canonical = attribute(n, "href")
			}
		case atom.Base:
			p.Base = attribute(n, "href")
		case atom.Meta:
			if name := strings.ToLower(attribute(n, "name")); name == "robots" || name == "usherbot" {
				content := strings.ToLower(attribute(n, "content"))
				p.NoIndex = p.NoIndex || strings.Contains(content, "noindex") || strings.Contains(content, "none")
				p.NoFollow = p.NoFollow || strings.Contains(content, "nofollow") || strings.Contains(content, "none")
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.look(c)
	}
}

// Item is the page's main text as an article; links in it are absolute.
func (p *WebPage) Item(base *url.URL) knowledge.Item {
	absolute(p.root, base)
	w := &markdownWriter{}
	w.children(mainPart(p.root))
	p.text = tidy(w.String())
	title := p.matter.Title
	if h1 := find(p.root, atom.H1); h1 != nil {
		inner := &markdownWriter{}
		inner.children(h1)
		if words := strings.Join(strings.Fields(strings.NewReplacer("*", "", "`", "").Replace(inner.String())), " "); words != "" && !strings.Contains(words, "](") {
			title = words
		}
	}
	if heading, rest := firstHeading(p.text); heading != "" && strings.EqualFold(strings.NewReplacer("*", "", "`", "").Replace(heading), title) {
		p.text = rest
	}
	lang, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(p.matter.Lang)), "-")
	if !localePattern.MatchString(lang) {
		lang = ""
	}
	return knowledge.Item{Locale: lang, Content: knowledge.Content{
		Title: cut(title, 300), Description: cut(p.matter.Description, 500), Body: p.text, Audience: knowledge.Audience{Level: p.level},
	}}
}

// Skip is why the page is no article, "" for one that is. It is asked after Item.
func (p *WebPage) Skip() string {
	switch {
	case p.NoIndex:
		return "The page asks not to be taken in (noindex)."
	case p.text == "":
		return "The page holds no text; it may need JavaScript to show any."
	}
	return ""
}

func cut(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// mainPart is what a page is about: what it marks as such, else all of it.
func mainPart(root *html.Node) *html.Node {
	if n := find(root, atom.Main); n != nil {
		return n
	}
	if n := findRole(root, "main"); n != nil {
		return n
	}
	if n := find(root, atom.Article); n != nil && count(root, atom.Article) == 1 {
		return n
	}
	if n := find(root, atom.Body); n != nil {
		return n
	}
	return root
}

func findRole(n *html.Node, role string) *html.Node {
	if n.Type == html.ElementNode && attribute(n, "role") == role {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if found := findRole(c, role); found != nil {
			return found
		}
	}
	return nil
}

func count(n *html.Node, a atom.Atom) (total int) {
	if n.Type == html.ElementNode && n.DataAtom == a {
		total++
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		total += count(c, a)
	}
	return total
}

// absolute makes links lead to where they lead from the page.
func absolute(n *html.Node, base *url.URL) {
	if n.Type == html.ElementNode && n.DataAtom == atom.A {
		for i, a := range n.Attr {
			if a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				if target, err := base.Parse(strings.TrimSpace(a.Val)); err == nil {
					n.Attr[i].Val = target.String()
				}
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		absolute(c, base)
	}
}

// furniture are roles and classes of what surrounds a text.
var (
	furnitureRoles = []string{"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog", "menu", "menubar"}
	furniture      = []string{"breadcrumb", "breadcrumbs", "sidebar", "cookie-banner", "cookie-consent", "cookie-notice", "skip-link", "share-buttons", "social-share", "table-of-contents", "toc", "headerlink", "hash-link", "anchor-link", "pagination", "edit-this-page", "feedback-widget", "sr-only", "visually-hidden"}
)

// around reports whether an element surrounds the text, or is not shown.
func around(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "aria-hidden":
			if a.Val == "true" {
				return true
			}
		case "role":
			if slices.Contains(furnitureRoles, a.Val) {
				return true
			}
		case "class", "id":
			for _, word := range strings.Fields(strings.ToLower(a.Val)) {
				if slices.Contains(furniture, word) {
					return true
				}
			}
		case "style":
			style := strings.ReplaceAll(strings.ToLower(a.Val), " ", "")
			if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
				return true
			}
		}
	}
	return false
}
