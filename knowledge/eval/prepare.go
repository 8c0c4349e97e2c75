package eval

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge/search"
)

// Prepare imports and indexes the corpus, and returns a searcher over it with
// the document id of each article, for measurements of what stands on retrieval.
func Prepare(ctx context.Context, r Retrieve) (*search.Searcher, map[uuid.UUID]string, error) {
	return r.prepare(ctx)
}
