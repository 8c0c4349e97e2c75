package importer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/migrations/dbtest"
)

// folder writes files and returns their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, files)
	return root
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
}

func read(t *testing.T, b *knowledgetest.Base, viewer knowledge.Viewer, slug string) knowledge.Page {
	t.Helper()
	page, err := b.Service.Get(t.Context(), viewer, slug)
	require.NoError(t, err)
	return page
}

func TestAFolderIsImportedOnceUpdatedAndRetired(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme := b.Tenant(t, "acme")
	root := folder(t, map[string]string{
		"billing/refunds.md":  "---\ntitle: Refunds\nslug: refunds\ndescription: When money comes back.\naudience: customer\nroles: admin, owner\ntags: [billing, money]\ncontexts: [billing]\nlocale: EN\nupdated: 2026-01-31\nverified_until: 2099-12-31\nlayout: unknown keys are ignored\n---\n# Refunds\n\nSee [invoices](invoices.md#where) and [the start](../index.md).\n",
		"billing/invoices.md": "# Invoices\n\n## Where\n\nUnder Billing.\n",
		"index.md":            "Welcome.\n",
		"acme.md":             "---\ntitle: Acme's own\ntenant: acme\n---\nOnly for Acme.\n",
		"page.html":           "<html lang=de><head><title>Seite</title><meta name=description content='Kurz'></head><body><nav>menu</nav><main><h1>Seite</h1><p>Ein <b>Wort</b> und <a href='javascript:alert(1)'>noch</a> <a href='https://x.example/a'>eins</a>.</p><ul><li>eins</li><li>zwei</li></ul><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2|3</td></tr></table><pre>code  here</pre><script>alert(1)</script></main></body></html>",
		"_partial.md":         "not an article",
		".hidden/x.md":        "not an article",
		"notes.txt":           "not an article",
	})
	options := importer.Options{Service: b.Service, Path: root, Source: "docs", Tenants: map[string]uuid.UUID{"acme": acme}, By: b.Curator}
	report, err := importer.Import(t.Context(), options)
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	require.ElementsMatch(t, []string{"billing/refunds.md", "billing/invoices.md", "index.md", "acme.md", "page.html"}, report.Added)

	admin := knowledge.Viewer{TenantID: acme, Roles: []string{"admin"}}
	refunds := read(t, b, admin, "refunds")
	require.Equal(t, "Refunds", refunds.Article.Title)
	require.Equal(t, "See [invoices](billing-invoices#where) and [the start](index).", refunds.Version.Body)
	require.Equal(t, []string{"billing", "money"}, refunds.Version.Tags)
	require.Equal(t, "2026-01-31", refunds.Article.ChangedAt.Format("2006-01-02"))
	require.Equal(t, "2099-12-31", refunds.Article.VerifiedUntil.Format("2006-01-02"))
	_, err = b.Service.Get(t.Context(), knowledge.Viewer{}, "refunds")
	require.ErrorIs(t, err, knowledge.ErrNotFound)
	require.Equal(t, "Index", read(t, b, knowledge.Viewer{}, "index").Article.Title)
	require.Equal(t, "Only for Acme.", read(t, b, admin, "acme").Version.Body)
	_, err = b.Service.Get(t.Context(), knowledge.Viewer{}, "acme")
	require.ErrorIs(t, err, knowledge.ErrNotFound)

	page := read(t, b, knowledge.Viewer{}, "page")
	require.Equal(t, "Seite", page.Article.Title)
	require.Equal(t, "Kurz", page.Version.Description)
	require.Equal(t, "Ein **Wort** und noch [eins](https://x.example/a).\n\n- eins\n- zwei\n\n| A | B |\n| --- | --- |\n| 1 | 2\\|3 |\n\n```\ncode  here\n```", page.Version.Body)

	report, err = importer.Import(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, 5, report.Unchanged)
	require.Empty(t, append(append(report.Added, report.Updated...), report.Retired...), "the second time changes nothing")

	write(t, root, map[string]string{"index.md": "Welcome back.\n", "billing/refunds.md": "---\ntitle: Refunds\nslug: refunds\n---\nMoved text.\n"})
	require.NoError(t, os.Rename(filepath.Join(root, "billing/refunds.md"), filepath.Join(root, "refunds.md")))
	require.NoError(t, os.Remove(filepath.Join(root, "billing/invoices.md")))
	require.NoError(t, os.Remove(filepath.Join(root, "acme.md")))
	report, err = importer.Import(t.Context(), options)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"index.md", "refunds.md"}, report.Updated, "a moved file is the same article")
	require.ElementsMatch(t, []string{"billing/invoices.md", "acme.md"}, report.Retired)
	require.Equal(t, 1, report.Unchanged)
	require.Equal(t, "Moved text.", read(t, b, admin, "refunds").Version.Body)
	require.Equal(t, refunds.Article.ID, read(t, b, admin, "refunds").Article.ID)

	sources, err := b.Service.Sources(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	require.Len(t, sources, 1)
	require.Empty(t, sources[0].LastError)
	require.NotNil(t, sources[0].LastSyncAt)
}

func TestWhatCannotBeReadIsReportedAndLeftAsItWas(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	root := folder(t, map[string]string{"good.md": "# Good\n\ntext", "other.md": "# Other\n\ntext"})
	options := importer.Options{Service: b.Service, Path: root, Source: "docs"}
	_, err := importer.Import(t.Context(), options)
	require.NoError(t, err)
	write(t, root, map[string]string{
		"good.md":    "---\ntitle: [unclosed\n---\nbroken",
		"binary.md":  "\xff\xfe",
		"draft.md":   "---\ndraft: true\n---\nlater",
		"date.md":    "---\nupdated: soon\n---\ntext",
		"level.md":   "---\naudience: friends\n---\ntext",
		"unknown.md": "---\ntenant: nobody\n---\nsecret",
	})
	report, err := importer.Import(t.Context(), options)
	require.NoError(t, err)
	reasons := make(map[string]string)
	for _, p := range report.Problems {
		reasons[p.ExternalID] = p.Reason
	}
	require.Contains(t, reasons["good.md"], "front matter")
	require.Contains(t, reasons["binary.md"], "UTF-8")
	require.Contains(t, reasons["draft.md"], "draft")
	require.Contains(t, reasons["date.md"], "not a date")
	require.Contains(t, reasons["level.md"], "friends")
	require.Contains(t, reasons["unknown.md"], "does not exist")
	require.Len(t, reasons, 6)
	require.Empty(t, report.Retired)
	require.Equal(t, "text", read(t, b, knowledge.Viewer{}, "good").Version.Body)
	_, err = b.Service.Get(t.Context(), knowledge.Viewer{}, "unknown")
	require.ErrorIs(t, err, knowledge.ErrNotFound, "an article for an unknown tenant is for nobody")
	sources, err := b.Service.Sources(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	require.Contains(t, sources[0].LastError, "could not be imported")
}

func TestAnEmptySourceDoesNotEmptyTheHelpCentre(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	root := folder(t, map[string]string{"a.md": "# A\n\ntext"})
	options := importer.Options{Service: b.Service, Path: root, Source: "docs"}
	_, err := importer.Import(t.Context(), options)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(root, "a.md")))
	_, err = importer.Import(t.Context(), options)
	require.ErrorIs(t, err, importer.ErrNothing)
	require.Equal(t, "text", read(t, b, knowledge.Viewer{}, "a").Version.Body)
	_, err = importer.Import(t.Context(), importer.Options{Service: b.Service, Path: filepath.Join(root, "absent")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAPublishedHelpCentreComesInWhole(t *testing.T) {
	t.Parallel()
	corpus := dbtest.TestData(t, "data", "plausible_kb", "corpus.jsonl")
	b := knowledgetest.New(t)
	options := importer.Options{Service: b.Service, Path: corpus}
	report, err := importer.Import(t.Context(), options)
	require.NoError(t, err)
	require.Len(t, report.Added, 132)
	require.Empty(t, report.Problems)
	done, err := b.Indexer.Stale(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	require.Equal(t, 132, done.Articles)
	require.Greater(t, done.Added, 800)
	report, err = importer.Import(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, 132, report.Unchanged)
	done, err = b.Indexer.Stale(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	require.Zero(t, done.Articles)
}
