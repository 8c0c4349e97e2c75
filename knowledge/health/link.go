package health

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/chunk"
)

var (
	linkMark  = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`)
	codeBlock = regexp.MustCompile("(?s)```.*?```|~~~.*?~~~|`[^`\n]*`")
	imageMark = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`)
)

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// links follows the links of an article that stay inside the help centre.
func (c *checker) links(i int) (out []Finding) {
	a := c.articles[i]
	body := imageMark.ReplaceAllString(codeBlock.ReplaceAllString(a.Body, ""), "")
	seen := map[string]bool{}
	for _, m := range linkMark.FindAllStringSubmatch(body, -1) {
		target := m[1]
		if seen[target] {
			continue
		}
		seen[target] = true
		slug, anchor, inside := local(target)
		if !inside {
			continue
		}
		cause := ""
		if slug == "" {
			if anchor != "" && !hasAnchor(a.Body, anchor) {
				cause = CauseLink
			}
		} else {
			cause = c.follow(i, slug, anchor)
		}
		if cause == "" {
			continue
		}
		f := c.finding(Stale, cause, i, -1, 55)
		f.Detail.Term = target
		for _, s := range statements(a.Body) { // the sentence around it
			if text := linkText(body, target); text != "" && strings.Contains(s.text, text) {
				f.Detail.Quote, f.Detail.Heading, f.Detail.Anchor = s.text, s.heading, s.anchor
				break
			}
		}
		out = append(out, f)
	}
	return out
}

// local is where a link inside the help centre leads: /help/slug#anchor, a
// file beside the article, or a section of its own.
func local(target string) (slug, anchor string, inside bool) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" {
		return "", "", false
	}
	switch {
	case u.Path == "":
		return "", u.Fragment, u.Fragment != ""
	case strings.HasPrefix(u.Path, "/help/"):
		return strings.TrimSuffix(strings.TrimPrefix(u.Path, "/help/"), "/"), u.Fragment, true
	case strings.HasPrefix(u.Path, "/"):
		return "", "", false // another page of the portal
	}
	switch ext := path.Ext(u.Path); ext {
	case ".md", ".markdown", ".html", ".htm":
		return strings.TrimSuffix(path.Base(u.Path), ext), u.Fragment, true
	case "":
		return path.Base(u.Path), u.Fragment, true
	}
	return "", "", false // a file of another kind
}

// follow says what is wrong with a link to an article, "" for nothing.
func (c *checker) follow(from int, slug, anchor string) string {
	hidden := false
	for j, b := range c.articles {
		if !b.answersTo(slug) || !c.together(from, j) {
			continue
		}
		switch {
		case wider(c.articles[from].Level, b.Level):
			hidden = true
		case anchor != "" && !hasAnchor(b.Body, anchor):
			return CauseLink
		default:
			return ""
		}
	}
	if hidden {
		return CauseHidden
	}
	return CauseLink
}

// answersTo reports whether a link with this slug or file name means the article.
func (a Article) answersTo(slug string) bool {
	return a.Slug == slug || path.Base(a.Slug) == slug || name(a.External) == slug || knowledge.Slug(a.Title) == slug || slices.Contains(a.Earlier, slug)
}

func name(external string) string {
	return strings.TrimSuffix(path.Base(external), path.Ext(external))
}

// wider reports whether a reaches people that b does not.
func wider(a, b knowledge.Level) bool {
	order := map[knowledge.Level]int{knowledge.Public: 3, knowledge.Customer: 2, knowledge.Agent: 1}
	return order[a] > order[b]
}

func hasAnchor(body, anchor string) bool {
	for _, line := range strings.Split(body, "\n") {
		if h := strings.TrimLeft(strings.TrimSpace(line), "#"); h != strings.TrimSpace(line) && strings.HasPrefix(h, " ") {
			if strings.Contains(h, "{#"+anchor+"}") {
				return true
			}
			made := chunk.Anchor(chunk.Plain(h))
			if made == anchor || strings.HasPrefix(anchor, made+"-") || strings.Trim(squeeze(made), "-") == strings.Trim(squeeze(anchor), "-") {
				return true
			}
		}
		if strings.Contains(line, `id="`+anchor+`"`) || strings.Contains(line, `name="`+anchor+`"`) {
			return true
		}
	}
	return false
}

var hyphens = regexp.MustCompile(`-{2,}`)

func squeeze(anchor string) string { return hyphens.ReplaceAllString(anchor, "-") }

func linkText(body, target string) string {
	at := strings.Index(body, "]("+target)
	if at < 0 {
		return ""
	}
	from := strings.LastIndex(body[:at], "[")
	if from < 0 {
		return ""
	}
	return chunk.Plain(body[from+1 : at])
}
