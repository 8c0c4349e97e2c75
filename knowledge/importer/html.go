package importer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// parseHTML takes the main part of a page as Markdown. Scripts, styles, forms
// and the page's navigation are dropped; attributes other than links' targets
// and images' texts do not survive, so that nothing active is imported.
func parseHTML(text []byte) (frontMatter, string, error) {
	var matter frontMatter
	root, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		return matter, "", fmt.Errorf("read HTML: %w", err)
	}
	head(root, &matter)
	body := mainPart(root)
	w := &markdownWriter{}
	w.children(body)
	return matter, tidy(w.String()), nil
}

func head(n *html.Node, matter *frontMatter) {
	if n.Type == html.ElementNode {
		switch n.DataAtom {
		case atom.Html:
			matter.Lang = attribute(n, "lang")
		case atom.Title:
			if n.FirstChild != nil {
				matter.Title = strings.Join(strings.Fields(n.FirstChild.Data), " ")
			}
		case atom.Meta:
			meta(matter, strings.ToLower(attribute(n, "name")), attribute(n, "content"))
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		head(c, matter)
	}
}

// meta reads the same keys as front matter from <meta name="usher:…">.
func meta(matter *frontMatter, name, content string) {
	switch name {
	case "description":
		matter.Description = content
	case "usher:audience":
		matter.Audience = content
	case "usher:tenant":
		matter.Tenant = content
	case "usher:slug":
		matter.Slug = content
	case "usher:product":
		matter.Product = content
	case "keywords", "usher:tags":
		for _, tag := range strings.Split(content, ",") {
			matter.Tags = append(matter.Tags, strings.TrimSpace(tag))
		}
	}
}

func find(n *html.Node, a atom.Atom) *html.Node {
	if n.Type == html.ElementNode && n.DataAtom == a {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if found := find(c, a); found != nil {
			return found
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// markdownWriter writes the Markdown of a tree of nodes.
type markdownWriter struct {
	strings.Builder
	lists []int // item numbers; -1 for bullets
	pre   bool
}

func (w *markdownWriter) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c)
	}
}

func (w *markdownWriter) node(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		w.text(n.Data)
	case html.ElementNode:
		w.element(n)
	case html.DocumentNode:
		w.children(n)
	}
}

func (w *markdownWriter) text(s string) {
	if w.pre {
		w.WriteString(s)
		return
	}
	words := strings.Join(strings.Fields(s), " ")
	if words == "" {
		if s != "" && !strings.HasSuffix(w.String(), " ") && !strings.HasSuffix(w.String(), "\n") {
			w.WriteByte(' ')
		}
		return
	}
	if strings.TrimLeft(s, " \t\r\n") != s && !strings.HasSuffix(w.String(), "\n") && !strings.HasSuffix(w.String(), " ") {
		w.WriteByte(' ')
	}
	w.WriteString(words)
	if strings.TrimRight(s, " \t\r\n") != s {
		w.WriteByte(' ')
	}
}

func (w *markdownWriter) element(n *html.Node) {
	if around(n) {
		return
	}
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Nav, atom.Header, atom.Footer, atom.Aside,
		atom.Form, atom.Button, atom.Iframe, atom.Svg, atom.Head, atom.Object, atom.Embed:
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.block(strings.Repeat("#", int(n.Data[1]-'0'))+" ", n, "")
	case atom.P, atom.Div, atom.Section, atom.Article, atom.Main, atom.Figure, atom.Figcaption, atom.Dl, atom.Dt, atom.Dd, atom.Details, atom.Summary:
		w.block("", n, "")
	case atom.Blockquote:
		w.quote(n)
	case atom.Br:
		w.WriteString("\n")
	case atom.Hr:
		w.WriteString("\n\n---\n\n")
	case atom.Strong, atom.B:
		w.inline("**", n)
	case atom.Em, atom.I:
		w.inline("*", n)
	case atom.Code:
		if w.pre {
			w.children(n)
		} else {
			w.inline("`", n)
		}
	case atom.Pre:
		w.WriteString("\n\n```\n")
		w.pre = true
		w.children(n)
		w.pre = false
		w.WriteString("\n```\n\n")
	case atom.A:
		w.link(n)
	case atom.Img:
		if alt := attribute(n, "alt"); alt != "" {
			w.WriteString(alt)
		}
	case atom.Ul:
		w.list(n, -1)
	case atom.Ol:
		w.list(n, 1)
	case atom.Li:
		w.item(n)
	case atom.Table:
		w.table(n)
	default:
		w.children(n)
	}
}

func (w *markdownWriter) block(before string, n *html.Node, after string) {
	w.WriteString("\n\n" + before)
	w.children(n)
	w.WriteString(after + "\n\n")
}

func (w *markdownWriter) sub(n *html.Node) string {
	inner := &markdownWriter{}
	inner.children(n)
	return strings.TrimSpace(tidy(inner.String()))
}

func (w *markdownWriter) inline(mark string, n *html.Node) {
	if text := w.sub(n); text != "" {
		w.WriteString(mark + text + mark)
	}
}

func (w *markdownWriter) quote(n *html.Node) {
	w.WriteString("\n\n> " + strings.ReplaceAll(w.sub(n), "\n", "\n> ") + "\n\n")
}

func (w *markdownWriter) link(n *html.Node) {
	text, target := w.sub(n), attribute(n, "href")
	scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(target)), ":")
	switch {
	case text == "":
	case target == "" || scheme == "javascript" || scheme == "data" || scheme == "vbscript" || strings.ContainsAny(target, " ()"):
		w.WriteString(text)
	default:
		w.WriteString("[" + text + "](" + target + ")")
	}
}

func (w *markdownWriter) list(n *html.Node, first int) {
	w.lists = append(w.lists, first)
	w.WriteString("\n")
	if len(w.lists) == 1 {
		w.WriteString("\n")
	}
	w.children(n)
	w.lists = w.lists[:len(w.lists)-1]
	w.WriteString("\n")
}

func (w *markdownWriter) item(n *html.Node) {
	if len(w.lists) == 0 {
		w.block("- ", n, "")
		return
	}
	depth := len(w.lists) - 1
	mark := "- "
	if number := w.lists[depth]; number > 0 {
		mark = strconv.Itoa(number) + ". "
		w.lists[depth]++
	}
	inner := &markdownWriter{}
	inner.children(n)
	text := strings.TrimSpace(tidy(inner.String()))
	w.WriteString("\n" + strings.Repeat("  ", depth) + mark + strings.ReplaceAll(text, "\n", "\n  "))
}

func (w *markdownWriter) table(n *html.Node) {
	var rows [][]string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.DataAtom == atom.Tr {
			var cells []string
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				if c.DataAtom == atom.Td || c.DataAtom == atom.Th {
					cells = append(cells, strings.NewReplacer("|", `\|`, "\n", " ").Replace(w.sub(c)))
				}
			}
			rows = append(rows, cells)
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	w.WriteString("\n\n")
	for i, cells := range rows {
		w.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		if i == 0 {
			w.WriteString("|" + strings.Repeat(" --- |", len(cells)) + "\n")
		}
	}
	w.WriteString("\n")
}

// tidy leaves one blank line between blocks and no trailing spaces outside code.
func tidy(s string) string {
	var b strings.Builder
	blank, fence := 0, false
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "```") {
			fence = !fence
		}
		if !fence {
			line = strings.TrimRight(line, " \t")
		}
		if line == "" && !fence {
			blank++
			continue
		}
		if blank > 0 && b.Len() > 0 {
			b.WriteString("\n")
		}
		blank = 0
		b.WriteString(line + "\n")
	}
	return strings.TrimSpace(b.String())
}
