package importer_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
)

func TestWhatIsExportedComesBackTheSame(t *testing.T) {
	t.Parallel()
	from, to := knowledgetest.New(t), knowledgetest.New(t)
	content := knowledge.Content{
		Title: `Refunds: "how" & when`, Description: "When money\ncomes back.", Body: "# Not the title\n\nIt takes two days.\n\n---\n\n```\n---\ncode\n```",
		Product: "billing", Tags: []string{"money", "a, b"}, Contexts: []string{"billing/refunds"},
		Audience: knowledge.Audience{Level: knowledge.Customer, Roles: []string{"admin"}, Plans: []string{"gold"}, Departments: []string{"finance"}, Locales: []string{"de"}},
	}
	article := from.Publish(t, knowledge.Shared, content)
	from.Draft(t, knowledge.Shared, knowledge.Content{Title: "Not ready", Body: "Secret."})
	const many = 250 // more than a page of the list
	for i := range many {
		a := from.Draft(t, knowledge.Shared, knowledge.Content{Title: fmt.Sprintf("Number %d", i), Body: "One of many."})
		require.NoError(t, from.Service.Publish(t.Context(), knowledge.Shared, a.ID, from.Curator))
	}

	folder := t.TempDir()
	n, err := importer.Export(t.Context(), from.Service, knowledge.Shared, "", folder)
	require.NoError(t, err)
	require.Equal(t, many+1, n)
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	require.NoError(t, err)
	require.Len(t, files, many+1, "drafts stay")

	report, err := importer.Import(t.Context(), importer.Options{Service: to.Service, Path: folder, By: to.Curator})
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	require.Len(t, report.Added, many+1)
	articles, err := to.Service.ListAll(t.Context(), knowledge.Shared, knowledge.Filter{Text: article.Slug})
	require.NoError(t, err)
	require.Len(t, articles, 1)
	back, err := to.Service.Version(t.Context(), knowledge.Shared, articles[0].ID, *articles[0].PublishedVersionID)
	require.NoError(t, err)
	was, err := from.Service.Version(t.Context(), knowledge.Shared, article.ID, *article.PublishedVersionID)
	require.NoError(t, err)
	require.Equal(t, was.Content(), back.Content())
	require.Equal(t, content.Body, back.Body)
	require.Equal(t, content.Audience, back.Audience)
	require.Equal(t, article.Slug, articles[0].Slug)
}
