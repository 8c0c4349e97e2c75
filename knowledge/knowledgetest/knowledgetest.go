// Package knowledgetest builds knowledge bases for tests, through the same
// service, indexer and search as live use.
package knowledgetest

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/index"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/dbtest"
)

// Base is a knowledge base over a test's own database. Nothing is indexed in
// the background: Publish indexes before it returns.
type Base struct {
	*dbtest.Database
	Service  *knowledge.Service
	Models   *switchover.Registry
	Indexer  *index.Indexer
	Searcher *search.Searcher // as the app role
	Curator  uuid.UUID
}

// New returns an empty knowledge base. external are embedders beside the
// built-in one.
func New(t testing.TB, external ...knowledge.Embedder) *Base {
	t.Helper()
	db := dbtest.New(t)
	models := switchover.New(db.Worker, external...)
	return &Base{
		Database: db, Models: models,
		Service:  knowledge.New(db.Worker, nil, knowledge.Config{}),
		Indexer:  index.New(db.Worker, models),
		Searcher: search.New(db.App, switchover.New(db.App, external...), search.Config{}),
		Curator:  db.Staff(t, "curator@usher.example", "curator"),
	}
}

// Draft stores an article without publishing it. An empty level is public for
// the shared space and customer for a tenant's.
func (b *Base) Draft(t testing.TB, space knowledge.Space, content knowledge.Content) knowledge.Article {
	t.Helper()
	if content.Audience.Level == "" && space.IsShared() {
		content.Audience.Level = knowledge.Public
	}
	article, err := b.Service.CreateDraft(t.Context(), space, knowledge.Draft{Content: content}, b.Curator)
	require.NoError(t, err)
	return article
}

// Publish stores, publishes and indexes an article.
func (b *Base) Publish(t testing.TB, space knowledge.Space, content knowledge.Content) knowledge.Article {
	t.Helper()
	article := b.Draft(t, space, content)
	require.NoError(t, b.Service.Publish(t.Context(), space, article.ID, b.Curator))
	b.Index(t, space, article.ID)
	article, err := b.Service.Article(t.Context(), space, article.ID)
	require.NoError(t, err)
	return article
}

// Index brings the search tables up to an article's live version.
func (b *Base) Index(t testing.TB, space knowledge.Space, article uuid.UUID) index.Result {
	t.Helper()
	result, err := b.Indexer.Article(t.Context(), space, article)
	require.NoError(t, err)
	return result
}

// Search asks a question as a viewer.
func (b *Base) Search(t testing.TB, viewer knowledge.Viewer, question string) search.Result {
	t.Helper()
	result, err := b.Searcher.Search(t.Context(), search.Query{Text: question, Viewer: viewer})
	require.NoError(t, err)
	return result
}

// Titles are the titles of the passages found, best first, each once.
func Titles(result search.Result) []string {
	var titles []string
	seen := make(map[string]bool)
	for _, p := range result.Passages {
		if !seen[p.Title] {
			seen[p.Title] = true
			titles = append(titles, p.Title)
		}
	}
	return titles
}
