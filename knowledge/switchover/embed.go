package switchover

import (
	"context"
	"fmt"
	"strings"

	"github.com/usherdesk/usher/knowledge"
)

// Embed encodes documents and checks what came back: one vector a text, of the
// promised length. A vendor's answer is not trusted to be either.
func Embed(ctx context.Context, embedder knowledge.Embedder, texts []string) ([][]float32, error) {
	vectors, err := embedder.Embed(ctx, knowledge.EmbedDocument, texts)
	if err != nil {
		return nil, err
	}
	if len(vectors) != len(texts) {
		return nil, fmt.Errorf("embedder %s returned %d vectors for %d texts", embedder.ModelID(), len(vectors), len(texts))
	}
	for _, v := range vectors {
		if len(v) != embedder.Dimensions() {
			return nil, fmt.Errorf("embedder %s returned %d dimensions instead of %d", embedder.ModelID(), len(v), embedder.Dimensions())
		}
	}
	return vectors, nil
}

// Embeddable is the text of a chunk as it is embedded. The title is repeated:
// measured, see DECISIONS.
func Embeddable(title, product, heading, plain string) string {
	var b strings.Builder
	for _, part := range []string{title, title, product, heading, plain} {
		if part != "" {
			b.WriteString(part)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
