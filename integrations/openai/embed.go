package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/triage"
)

// maxBatch is the most texts in one request: what TEI takes unless told otherwise.
const maxBatch = 32

type embedder struct {
	client     *Client
	dimensions int
}

// Embedder makes vectors with the client's embedding model. dimensions is the
// length every vector must have, 1 to knowledge.MaxDimensions. Call Probe at
// start to learn early that the model makes others.
func Embedder(client *Client, dimensions int) (knowledge.Embedder, error) {
	switch {
	case client.config.EmbeddingModel == "":
		return nil, &Error{Kind: ErrInvalid, Reason: ReasonRequest, Op: "embed", Err: errors.New("no embedding model is named")}
	case dimensions < 1 || dimensions > knowledge.MaxDimensions:
		return nil, &Error{
			Kind: ErrInvalid, Reason: ReasonDimensions, Op: "embed",
			Err: fmt.Errorf("%d dimensions; 1 to %d can be stored", dimensions, knowledge.MaxDimensions),
		}
	}
	return embedder{client, dimensions}, nil
}

// ModelID implements knowledge.Embedder.
func (e embedder) ModelID() string {
	return "openai:" + e.client.config.EmbeddingModel + "@" + strconv.Itoa(e.dimensions)
}

// Dimensions implements knowledge.Embedder.
func (e embedder) Dimensions() int { return e.dimensions }

// Embed implements knowledge.Embedder. No text may be empty.
func (e embedder) Embed(ctx context.Context, kind knowledge.EmbedKind, texts []string) ([][]float32, error) {
	out := make([][]float32, 0, len(texts))
	for from := 0; from < len(texts); from += maxBatch {
		vectors, err := e.batch(ctx, kind, from, texts[from:min(from+maxBatch, len(texts))])
		if err != nil {
			return nil, err
		}
		out = append(out, vectors...)
	}
	return out, nil
}

func (e embedder) batch(ctx context.Context, kind knowledge.EmbedKind, from int, texts []string) ([][]float32, error) {
	masked := make([]string, len(texts))
	tokens := 0
	for i, text := range texts {
		if strings.TrimSpace(text) == "" {
			return nil, &Error{Kind: ErrInvalid, Reason: ReasonRequest, Op: "embed", Err: fmt.Errorf("text %d is empty", from+i)}
		}
		masked[i], _ = e.client.config.Mask(text)
		tokens += estimate(masked[i])
	}
	settle, err := e.client.reserve(ctx, "embed", tokens)
	if err != nil {
		return nil, err
	}
	var vectors [][]float32
	var used triage.Usage
	err = e.client.guard(ctx, e.client.embedding, "embed", func(ctx context.Context) error {
		request := sdk.EmbeddingRequestStrings{Input: masked, Model: sdk.EmbeddingModel(e.client.config.EmbeddingModel)}
		if strings.HasPrefix(e.client.config.EmbeddingModel, "text-embedding-3") { // others refuse the field
			request.Dimensions = e.dimensions
		}
		answer, err := e.client.api.CreateEmbeddings(ctx, request)
		if err != nil {
			return unreadable(err)
		}
		used = e.client.embedded(cmp.Or(answer.Usage.PromptTokens, answer.Usage.TotalTokens, tokens))
		vectors, err = e.ordered(answer.Data, len(texts))
		return err
	})
	settle(used)
	purpose := ForArticleVectors
	if kind == knowledge.EmbedQuery {
		purpose = ForQuestionVectors
	}
	e.client.meter(ctx, purpose, e.client.config.EmbeddingModel, used)
	return vectors, err
}

// ordered puts the vectors into the order of their texts, which no server
// promises, and checks that each is there once and long enough.
func (e embedder) ordered(data []sdk.Embedding, texts int) ([][]float32, error) {
	if len(data) != texts {
		return nil, &Error{Kind: ErrInvalid, Reason: ReasonAnswer, Err: fmt.Errorf("%d vectors for %d texts", len(data), texts)}
	}
	out := make([][]float32, texts)
	for _, d := range data {
		switch {
		case d.Index < 0 || d.Index >= texts || out[d.Index] != nil:
			return nil, &Error{Kind: ErrInvalid, Reason: ReasonAnswer, Err: fmt.Errorf("index %d twice or out of range", d.Index)}
		case len(d.Embedding) != e.dimensions:
			return nil, &Error{
				Kind: ErrInvalid, Reason: ReasonDimensions,
				Err: fmt.Errorf("the model makes vectors of %d, %d are configured", len(d.Embedding), e.dimensions),
			}
		}
		out[d.Index] = d.Embedding
	}
	return out, nil
}

// Probe asks the server once, at start, whether what is configured works: that
// it can be reached and takes the key where a chat model is named, and, where
// dimensions is not 0, that the embedding model makes vectors of that length.
// Servers without a list of models pass; whether a list must hold the chat
// model's name differs too much (aliases, servers that ignore the name).
func (c *Client) Probe(ctx context.Context, dimensions int) error {
	if c.config.ChatModel != "" {
		err := c.guard(ctx, c.chat, "probe", func(ctx context.Context) error {
			_, err := c.api.ListModels(ctx)
			return unreadable(err)
		})
		var failure *Error
		if err != nil && !(errors.As(err, &failure) && failure.Reason == ReasonModel) {
			return err
		}
	}
	if dimensions == 0 {
		return nil
	}
	e, err := Embedder(c, dimensions)
	if err != nil {
		return err
	}
	_, err = e.Embed(ctx, knowledge.EmbedQuery, []string{"probe"})
	return err
}
