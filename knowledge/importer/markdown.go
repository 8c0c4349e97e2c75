package importer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/usherdesk/usher/knowledge"
)

// frontMatter is the YAML between two lines of "---" at the start of a file.
// Unknown keys are ignored: other tools put theirs there, too.
type frontMatter struct {
	Title         string `yaml:"title,omitempty"`
	Slug          string `yaml:"slug,omitempty"`
	Description   string `yaml:"description,omitempty"`
	Tenant        string `yaml:"tenant,omitempty"` // slug
	Audience      string `yaml:"audience,omitempty"`
	Departments   list   `yaml:"departments,omitempty"`
	Roles         list   `yaml:"roles,omitempty"`
	Plans         list   `yaml:"plans,omitempty"`
	Locales       list   `yaml:"locales,omitempty"`
	Locale        string `yaml:"locale,omitempty"`
	Lang          string `yaml:"lang,omitempty"`
	Product       string `yaml:"product,omitempty"`
	Tags          list   `yaml:"tags,omitempty"`
	Contexts      list   `yaml:"contexts,omitempty"`
	Updated       string `yaml:"updated,omitempty"`
	VerifiedUntil string `yaml:"verified_until,omitempty"`
	Draft         bool   `yaml:"draft,omitempty"`
}

// list reads "a, b" as well as a YAML sequence.
type list []string

func (l *list) UnmarshalYAML(data []byte) error {
	var many []string
	if yaml.Unmarshal(data, &many) == nil {
		*l = many
		return nil
	}
	var one string
	if err := yaml.Unmarshal(data, &one); err != nil {
		return err
	}
	for _, word := range strings.Split(one, ",") {
		if word = strings.TrimSpace(word); word != "" {
			*l = append(*l, word)
		}
	}
	return nil
}

// parser turns a file's text into front matter and Markdown.
type parser struct {
	kind  string
	parse func(text []byte) (frontMatter, string, error)
	// binary: the file is no text; it may be larger, since most of it is packing.
	binary bool
}

var parsers = map[string]parser{
	".md":       {"markdown", parseMarkdown, false},
	".markdown": {"markdown", parseMarkdown, false},
	".mdx":      {"markdown", parseMarkdown, false},
	".html":     {"html", parseHTML, false},
	".htm":      {"html", parseHTML, false},
	".pdf":      {"files", parsePDF, true},
	".docx":     {"files", parseDocx, true},
}

// readFile never fails: what is wrong with a file is in Item.Broken.
func readFile(file, relative string, audience knowledge.Level, p parser) article {
	a := article{path: relative}
	a.ExternalID = relative
	info, err := os.Stat(file)
	if err == nil {
		err = p.fits(info.Size())
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file)
	}
	if err == nil {
		err = a.read(text, audience, p)
	}
	if err != nil {
		a.Broken = err.Error()
	}
	return a
}

func (p parser) fits(size int64) error {
	limit := int64(maxFile)
	if p.binary {
		limit = MaxUpload
	}
	if size > limit {
		return fmt.Errorf("is larger than %d MB", limit>>20)
	}
	return nil
}

func (a *article) read(text []byte, audience knowledge.Level, p parser) error {
	if p.binary {
		return a.fill(text, audience, p)
	}
	if !utf8.Valid(text) {
		return errors.New("is not UTF-8")
	}
	return a.fill(bytes.TrimPrefix(text, []byte("\ufeff")), audience, p)
}

func (a *article) fill(text []byte, audience knowledge.Level, p parser) error {
	matter, body, err := p.parse(text)
	if err != nil {
		return err
	}
	if matter.Draft {
		return errors.New("is marked as a draft")
	}
	body = strings.TrimSpace(body)
	heading, rest := firstHeading(body)
	if matter.Title == "" || strings.EqualFold(heading, matter.Title) {
		if heading != "" {
			matter.Title, body = heading, rest
		}
	}
	a.tenant = strings.ToLower(matter.Tenant)
	a.Slug = cmp.Or(matter.Slug, slugOf(a.path))
	a.Locale = strings.ToLower(cmp.Or(matter.Locale, matter.Lang))
	if a.UpdatedAt, err = parseDate(matter.Updated); err != nil {
		return fmt.Errorf("updated: %w", err)
	}
	if a.VerifiedUntil, err = parseDate(matter.VerifiedUntil); err != nil {
		return fmt.Errorf("verified_until: %w", err)
	}
	a.Content = knowledge.Content{
		Title: cmp.Or(matter.Title, titleOf(a.path)), Description: matter.Description, Body: body,
		Product: matter.Product, Tags: matter.Tags, Contexts: matter.Contexts,
		Audience: knowledge.Audience{
			Level:       knowledge.Level(cmp.Or(strings.ToLower(matter.Audience), string(audience))),
			Departments: matter.Departments, Roles: matter.Roles, Plans: matter.Plans, Locales: matter.Locales,
		},
	}
	return nil
}

func parseMarkdown(text []byte) (frontMatter, string, error) {
	var matter frontMatter
	body := strings.ReplaceAll(string(text), "\r\n", "\n")
	if !strings.HasPrefix(body, "---\n") {
		return matter, body, nil
	}
	head, rest, closed := strings.Cut(body[4:], "\n---")
	if !closed {
		return matter, body, nil // a rule, not front matter
	}
	if err := yaml.Unmarshal([]byte(head), &matter); err != nil {
		return matter, "", fmt.Errorf("front matter: %s", yaml.FormatError(err, false, false))
	}
	_, rest, _ = strings.Cut(rest, "\n")
	return matter, rest, nil
}

// firstHeading cuts a level-one heading off the top.
func firstHeading(body string) (heading, rest string) {
	first, rest, _ := strings.Cut(body, "\n")
	if text, ok := strings.CutPrefix(first, "# "); ok {
		return strings.TrimSpace(strings.TrimRight(text, "# ")), strings.TrimSpace(rest)
	}
	return "", body
}

// slugOf makes the address of a file: its path without extension, "index" left out.
func slugOf(relative string) string {
	bare := strings.TrimSuffix(relative, path.Ext(relative))
	if base := path.Base(bare); base == "index" && path.Dir(bare) != "." {
		bare = path.Dir(bare)
	}
	return knowledge.Slug(strings.ReplaceAll(bare, "/", " "))
}

func titleOf(relative string) string {
	name := strings.TrimSuffix(path.Base(relative), path.Ext(relative))
	name = strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(name))
	if name == "" {
		return relative
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

var markdownLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// linkArticles rewrites links between the imported files to links between
// articles: "../billing/refunds.md#when" becomes "billing-refunds#when".
func linkArticles(articles []article) {
	slugs := make(map[string]string, len(articles))
	for _, a := range articles {
		if a.path != "" && a.Broken == "" {
			slugs[strings.TrimSuffix(a.path, path.Ext(a.path))] = a.Slug
		}
	}
	for i, a := range articles {
		if a.path == "" {
			continue
		}
		articles[i].Content.Body = markdownLink.ReplaceAllStringFunc(a.Content.Body, func(found string) string {
			target, fragment, _ := strings.Cut(found[2:len(found)-1], "#")
			if target == "" || strings.Contains(target, ":") || strings.HasPrefix(target, "/") {
				return found
			}
			full := path.Join(path.Dir(a.path), target)
			slug, known := slugs[strings.TrimSuffix(full, path.Ext(full))]
			if !known {
				return found
			}
			if fragment != "" {
				slug += "#" + fragment
			}
			return "](" + slug + ")"
		})
	}
}
