package importer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/usherdesk/usher/knowledge"
)

// plainSlug is one that names a file inside the folder and nothing else.
var plainSlug = regexp.MustCompile(`^[\pL\pN_-]+(?:[/.][\pL\pN_-]+)*$`)

// Export writes the published articles of a space into a folder, one Markdown
// file with front matter each, as Import reads them, and reports how many.
// Tenant is the slug named in the front matter; empty for shared articles.
func Export(ctx context.Context, service *knowledge.Service, space knowledge.Space, tenant, folder string) (int, error) {
	articles, err := service.ListAll(ctx, space, knowledge.Filter{State: string(knowledge.StatePublished)})
	if err != nil {
		return 0, err
	}
	for i, a := range articles {
		if !plainSlug.MatchString(a.Slug) {
			return i, fmt.Errorf("export %q: the address cannot be a file's name; change it first", a.Slug)
		}
		text, err := markdownOf(ctx, service, space, tenant, a)
		if err != nil {
			return i, fmt.Errorf("export %s: %w", a.Slug, err)
		}
		file := filepath.Join(folder, filepath.FromSlash(a.Slug)+".md")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return i, fmt.Errorf("export %s: %w", a.Slug, err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return i, fmt.Errorf("export %s: %w", a.Slug, err)
		}
	}
	return len(articles), nil
}

func markdownOf(ctx context.Context, service *knowledge.Service, space knowledge.Space, tenant string, a knowledge.Article) (string, error) {
	v, err := service.Version(ctx, space, a.ID, *a.PublishedVersionID)
	if err != nil {
		return "", err
	}
	day := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.DateOnly)
	}
	head, err := yaml.Marshal(frontMatter{
		Title: v.Title, Slug: a.Slug, Description: v.Description, Tenant: tenant, Audience: string(v.Audience.Level),
		Departments: v.Audience.Departments, Roles: v.Audience.Roles, Plans: v.Audience.Plans, Locales: v.Audience.Locales,
		Locale: a.Locale, Product: v.Product, Tags: v.Tags, Contexts: v.Contexts, Updated: day(&a.ChangedAt), VerifiedUntil: day(a.VerifiedUntil),
	})
	if err != nil {
		return "", err
	}
	return "---\n" + string(head) + "---\n\n" + strings.TrimSpace(v.Body) + "\n", nil
}
