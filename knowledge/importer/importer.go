package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge"
)

// Options says what to import, and where to.
type Options struct {
	Service *knowledge.Service
	// Path is a folder of Markdown, HTML, PDF and Word files, one such file, or a
	// .jsonl file.
	Path string
	// Source names the origin; default the last part of Path. Importing under
	// the same name again updates and retires what came from it before.
	Source string
	// Space receives articles whose front matter names no tenant.
	Space knowledge.Space
	// Audience of articles that name none; default public for the shared space,
	// customer for a tenant's.
	Audience knowledge.Level
	// Tenants finds the ids of all tenants by slug, for front matter that names one.
	Tenants map[string]uuid.UUID
	// AllowEmpty imports a source that holds no articles, retiring all it had.
	AllowEmpty bool
	// By is the curator.
	By uuid.UUID
}

// Report is what an import did, all spaces together.
type Report struct {
	knowledge.Report
	Files int `json:"files"`
}

// ErrNothing is returned when the path holds nothing that can be imported.
var ErrNothing = errors.New("importer: no .md, .html, .pdf, .docx or .jsonl file found")

// article is one file or row with the tenant it names.
type article struct {
	knowledge.Item
	tenant string
	// path is the file relative to the folder, with forward slashes.
	path string
}

// Import reads a path and brings the articles in. Files that cannot be read are
// in the report, and what they were imported as before stays.
func Import(ctx context.Context, o Options) (Report, error) {
	if o.Audience == "" {
		o.Audience = knowledge.Customer
		if o.Space.IsShared() {
			o.Audience = knowledge.Public
		}
	}
	articles, kind, err := read(o.Path, o.Audience)
	if err != nil {
		return Report{}, err
	}
	origin := knowledge.Origin{Name: cmp.Or(o.Source, filepath.Base(filepath.Clean(o.Path))), Kind: kind, Location: o.Path}
	report := Report{Files: len(articles)}
	groups, err := o.group(articles, &report)
	if err != nil {
		return report, err
	}
	for _, space := range o.spaces() {
		items := groups[space]
		if space != o.Space && len(items) == 0 && !o.had(ctx, space, origin) {
			continue
		}
		done, err := o.Service.Sync(ctx, space, origin, items, o.AllowEmpty || space != o.Space || len(articles) > 0, o.By)
		report.merge(done)
		if err != nil {
			return report, err
		}
	}
	return report, nil
}

// group sorts articles by space. One that names an unknown tenant is a problem,
// never an article for everybody.
func (o Options) group(articles []article, report *Report) (map[knowledge.Space][]knowledge.Item, error) {
	groups := make(map[knowledge.Space][]knowledge.Item)
	for _, a := range articles {
		space := o.Space
		if a.tenant != "" {
			id, known := o.Tenants[a.tenant]
			if !known {
				report.Problems = append(report.Problems, knowledge.Problem{ExternalID: a.ExternalID, Reason: fmt.Sprintf("names tenant %q, which does not exist", a.tenant)})
				continue
			}
			if !o.Space.IsShared() && o.Space.Tenant != id {
				return nil, fmt.Errorf("import %s: names tenant %q while importing for another one", a.ExternalID, a.tenant)
			}
			space = knowledge.Of(id)
			if a.Content.Audience.Level == knowledge.Public {
				a.Content.Audience.Level = knowledge.Customer // a tenant's own is not for visitors
			}
		}
		groups[space] = append(groups[space], a.Item)
	}
	return groups, nil
}

// spaces are all that may hold articles of the source, the default one first.
func (o Options) spaces() []knowledge.Space {
	out := []knowledge.Space{o.Space}
	for _, id := range o.Tenants {
		if space := knowledge.Of(id); space != o.Space && o.Space.IsShared() {
			out = append(out, space)
		}
	}
	slices.SortFunc(out[1:], func(a, b knowledge.Space) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func (o Options) had(ctx context.Context, space knowledge.Space, origin knowledge.Origin) bool {
	sources, err := o.Service.Sources(ctx, space)
	return err == nil && slices.ContainsFunc(sources, func(s knowledge.Source) bool { return s.Name == origin.Name })
}

func (r *Report) merge(o knowledge.Report) {
	r.Added = append(r.Added, o.Added...)
	r.Updated = append(r.Updated, o.Updated...)
	r.Retired = append(r.Retired, o.Retired...)
	r.Unchanged += o.Unchanged
	r.Problems = append(r.Problems, o.Problems...)
}

func read(from string, audience knowledge.Level) (articles []article, kind string, err error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, "", fmt.Errorf("import: %w", err)
	}
	if !info.IsDir() && strings.EqualFold(filepath.Ext(from), ".jsonl") {
		items, err := ReadJSONL(from, audience)
		for _, item := range items {
			articles = append(articles, article{Item: item})
		}
		return articles, "jsonl", err
	}
	root := from
	if !info.IsDir() {
		root = filepath.Dir(from)
	}
	articles, kind, err = readFiles(root, from, audience)
	if err == nil && len(articles) == 0 {
		err = fmt.Errorf("%w in %s", ErrNothing, from)
	}
	linkArticles(articles)
	return articles, kind, err
}

// maxFile bounds one file of text; an article is far smaller. MaxUpload bounds a
// packed one, and what a curator uploads.
const (
	maxFile   = 4 << 20
	MaxUpload = 20 << 20
)

// UploadSource is the source that files of curators belong to.
const UploadSource = "Uploaded files"

// ErrKind is returned for a file that is of none of the kinds that can be read.
var ErrKind = errors.New("is of a kind that cannot be read: use .pdf, .docx, .md or .html")

// File reads one file as an article of UploadSource, known by its name. What is
// wrong with it is the error, in words for whoever sent it.
func File(name string, data []byte, audience knowledge.Level) (knowledge.Item, error) {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	parse, found := parsers[strings.ToLower(path.Ext(name))]
	if !found {
		return knowledge.Item{}, ErrKind
	}
	if err := parse.fits(int64(len(data))); err != nil {
		return knowledge.Item{}, err
	}
	a := article{path: name}
	a.ExternalID = name
	if err := a.read(data, audience, parse); err != nil {
		return knowledge.Item{}, err
	}
	if a.tenant != "" {
		return knowledge.Item{}, errors.New("names a tenant in its front matter: choose the space here and take the line out")
	}
	a.Slug = ""
	return a.Item, nil
}

// readFiles reads files in name order. Symbolic links, hidden files and files
// that are no articles (README, LICENSE, an include starting with "_") are skipped.
func readFiles(root, from string, audience knowledge.Level) (articles []article, kind string, err error) {
	err = filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if file != from && strings.HasPrefix(name, ".") || entry.IsDir() && name == "node_modules" {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if entry.IsDir() || !entry.Type().IsRegular() || strings.HasPrefix(name, "_") {
			return nil
		}
		parse, found := parsers[strings.ToLower(filepath.Ext(name))]
		if !found {
			return nil
		}
		kind = cmp.Or(kind, parse.kind)
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		articles = append(articles, readFile(file, filepath.ToSlash(relative), audience, parse))
		return nil
	})
	return articles, kind, err
}
