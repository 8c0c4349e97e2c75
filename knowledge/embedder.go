package knowledge

import (
	"context"
	"errors"
	"time"
)

// EmbedKind says what a text is for; some models encode the two differently.
type EmbedKind string

const (
	EmbedDocument EmbedKind = "document"
	EmbedQuery    EmbedKind = "query"
)

// Embedder turns texts into vectors. Implementations are safe for concurrent use.
type Embedder interface {
	// ModelID names the vector space: vectors of different ids are never compared.
	ModelID() string
	// Dimensions is the length of every vector, at most MaxDimensions.
	Dimensions() int
	// Embed returns one vector per text, in order. It honours ctx.
	Embed(ctx context.Context, kind EmbedKind, texts []string) ([][]float32, error)
}

// MaxDimensions is the widest vector stored (a halfvec must fit one page).
const MaxDimensions = 3072

// ErrNoEmbedder is returned where a stored model has no Embedder in this process.
var ErrNoEmbedder = errors.New("knowledge: embedding model is not configured here")

// ModelState is the state of an EmbeddingModel.
type ModelState string

const (
	ModelBuilding ModelState = "building" // vectors are being made beside the active model's
	ModelReady    ModelState = "ready"    // complete, waits for activation
	ModelActive   ModelState = "active"   // searches use it
	ModelPrevious ModelState = "previous" // kept up to date for rollback
	ModelRetired  ModelState = "retired"  // its vectors are gone
	ModelFailed   ModelState = "failed"
)

// EmbeddingModel is one vector space and how far it is built.
type EmbeddingModel struct {
	ID           int
	Name         string
	Provider     string
	Dimensions   int
	State        ModelState
	AutoActivate bool
	Held         bool // people went back from it: only people go to it again
	Texts        int  // it was trained on, of the built-in model
	ChunksTotal  int
	ChunksDone   int
	Tokens       int64 // estimated, for the cost of a paid model
	LastError    string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ActivatedAt  *time.Time
}
