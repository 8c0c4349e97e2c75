package search

import (
	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge"
)

// Draft is a version that is not live, searched as if it were.
type Draft struct {
	Space     knowledge.Space
	ArticleID uuid.UUID
	VersionID uuid.UUID
}
