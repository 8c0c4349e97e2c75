package switchover_test

import (
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/knowledge/switchover"
)

// newSearcher is the searcher of another process: it has cached nothing.
func newSearcher(b *knowledgetest.Base, external ...knowledge.Embedder) *search.Searcher {
	return search.New(b.App, switchover.New(b.App, external...), search.Config{})
}
