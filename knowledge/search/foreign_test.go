package search_test

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/helpcentre"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
)

// TestQuestionsInOtherLanguages asks the English help centre in four other
// languages. Words of one meaning lead to the article; see lexicon.Concepts.
func TestQuestionsInOtherLanguages(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	slugs := publishHelpCentre(t, b)
	file, err := os.ReadFile("testdata/foreign.txt")
	require.NoError(t, err)
	first, three, all := 0, 0, 0
	for line := range strings.Lines(string(file)) {
		parts := strings.Split(strings.TrimSpace(line), "\t")
		if len(parts) != 3 {
			continue
		}
		all++
		result, err := b.Searcher.Search(t.Context(), search.Query{Text: parts[2], Viewer: knowledge.Viewer{Locale: parts[0]}})
		require.NoError(t, err)
		var found []string
		for _, title := range knowledgetest.Titles(result) {
			found = append(found, slugs[title])
		}
		found = found[:min(len(found), 3)]
		place := slices.IndexFunc(found, func(slug string) bool { return slices.Contains(strings.Split(parts[1], "|"), slug) })
		switch {
		case place == 0:
			first, three = first+1, three+1
		case place > 0:
			three++
			t.Logf("second or third: %s: %v", line, found)
		default:
			t.Logf("missed: %s: %v", line, found)
		}
	}
	t.Logf("%d questions: right article first %d, among three %d", all, first, three)
	require.GreaterOrEqual(t, first, all*70/100)
	require.GreaterOrEqual(t, three, all*85/100)
}

// publishHelpCentre publishes the shipped articles for customers and returns
// their slugs by title.
func publishHelpCentre(t *testing.T, b *knowledgetest.Base) map[string]string {
	t.Helper()
	slugs := map[string]string{}
	err := fs.WalkDir(helpcentre.Files, "customers", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := fs.ReadFile(helpcentre.Files, path)
		if err != nil {
			return err
		}
		head, body, _ := bytes.Cut(bytes.TrimPrefix(file, []byte("---\n")), []byte("\n---\n"))
		var title, slug string
		for line := range strings.Lines(string(head)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch name {
			case "title":
				title = value
			case "slug":
				slug = value
			}
		}
		slugs[title] = slug
		b.Publish(t, knowledge.Shared, knowledge.Content{Title: title, Body: string(body)})
		return nil
	})
	require.NoError(t, err)
	return slugs
}
