package openai_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/integrations/openai/openaifake"
	"github.com/usherdesk/usher/knowledge"
)

func embedder(t *testing.T, c *openai.Client, dimensions int) knowledge.Embedder {
	t.Helper()
	e, err := openai.Embedder(c, dimensions)
	require.NoError(t, err)
	return e
}

func TestEmbed(t *testing.T) {
	t.Parallel()

	t.Run("vectors come in the order of the texts, in batches of 32", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		var texts []string
		var want [][]float32
		for i := range 70 {
			texts = append(texts, fmt.Sprintf("word%d and more", i))
			want = append(want, openaifake.Vector(texts[i], 8))
		}
		e := embedder(t, client(fake), 8)
		got, err := e.Embed(t.Context(), knowledge.EmbedDocument, texts)
		require.NoError(t, err)
		require.Equal(t, want, got)
		var sizes []int
		for _, call := range fake.Calls() {
			sizes = append(sizes, len(call.Input))
		}
		require.Equal(t, []int{32, 32, 6}, sizes)
		require.Equal(t, 8, e.Dimensions())
		require.Equal(t, "openai:tiny@8", e.ModelID())
	})

	t.Run("no texts are no call", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		got, err := embedder(t, client(fake), 8).Embed(t.Context(), knowledge.EmbedQuery, nil)
		require.NoError(t, err)
		require.Empty(t, got)
		require.Empty(t, fake.Calls())
	})

	t.Run("dimensions are named only to models that take them", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		_, err := embedder(t, client(fake, func(c *openai.Config) { c.EmbeddingModel = "text-embedding-3-small" }), 5).Embed(t.Context(), knowledge.EmbedQuery, []string{"a"})
		require.NoError(t, err)
		_, err = embedder(t, client(fake), 8).Embed(t.Context(), knowledge.EmbedQuery, []string{"a"})
		require.NoError(t, err)
		require.EqualValues(t, 5, fake.Calls()[0].Body["dimensions"])
		require.NotContains(t, fake.Calls()[1].Body, "dimensions")
	})

	t.Run("texts leave masked", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		_, err := embedder(t, client(fake, masking), 8).Embed(t.Context(), knowledge.EmbedQuery, []string{"I am jo@example.com"})
		require.NoError(t, err)
		require.Equal(t, []string{"I am [EMAIL_1]"}, fake.Calls()[0].Input)
	})

	t.Run("a configuration that cannot work is refused", func(t *testing.T) {
		t.Parallel()
		c := openai.New(openai.Config{EmbeddingModel: "tiny"})
		for _, dimensions := range []int{0, -1, knowledge.MaxDimensions + 1} {
			_, err := openai.Embedder(c, dimensions)
			require.ErrorIs(t, err, openai.ErrInvalid)
		}
		_, err := openai.Embedder(openai.New(openai.Config{}), 8)
		require.ErrorIs(t, err, openai.ErrInvalid)
	})

	for name, c := range map[string]struct {
		texts   []string
		vectors [][]float32
		status  int
		body    string
		kind    error
		reason  openai.Reason
	}{
		"an empty text":               {texts: []string{"a", " "}, kind: openai.ErrInvalid, reason: openai.ReasonRequest},
		"too few vectors":             {texts: []string{"a", "b"}, vectors: [][]float32{make([]float32, 8)}, kind: openai.ErrInvalid, reason: openai.ReasonAnswer},
		"vectors of another length":   {texts: []string{"a"}, vectors: [][]float32{make([]float32, 7)}, kind: openai.ErrInvalid, reason: openai.ReasonDimensions},
		"an index twice":              {texts: []string{"a", "b"}, status: 200, body: `{"data":[{"index":0,"embedding":[1,0,0,0,0,0,0,0]},{"index":0,"embedding":[1,0,0,0,0,0,0,0]}]}`, kind: openai.ErrInvalid, reason: openai.ReasonAnswer},
		"an index out of range":       {texts: []string{"a"}, status: 200, body: `{"data":[{"index":4,"embedding":[1,0,0,0,0,0,0,0]}]}`, kind: openai.ErrInvalid, reason: openai.ReasonAnswer},
		"an answer that breaks off":   {texts: []string{"a"}, status: 200, body: `{"data":[{"ind`, kind: openai.ErrUnavailable, reason: openai.ReasonAnswer},
		"a backend that fails (TEI)":  {texts: []string{"a"}, status: 424, body: `{"error":"backend","error_type":"Backend"}`, kind: openai.ErrUnavailable, reason: openai.ReasonServer},
		"a model that is overloaded":  {texts: []string{"a"}, status: 429, body: `{"error":"Model is overloaded","error_type":"Overloaded"}`, kind: openai.ErrUnavailable, reason: openai.ReasonRateLimited},
		"a text longer than it takes": {texts: []string{"a"}, status: 413, body: `{"error":"too long","error_type":"Validation"}`, kind: openai.ErrInvalid, reason: openai.ReasonContext},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := openaifake.New(t)
			fake.Script(func(openaifake.Call) *openaifake.Answer {
				return &openaifake.Answer{Status: c.status, Body: c.body, Vectors: c.vectors}
			})
			_, err := embedder(t, client(fake), 8).Embed(t.Context(), knowledge.EmbedDocument, c.texts)
			require.ErrorIs(t, err, c.kind)
			var failure *openai.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, c.reason, failure.Reason)
		})
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()

	t.Run("a server that works passes", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		require.NoError(t, client(fake).Probe(t.Context(), 8))
		require.Len(t, fake.Calls(), 2)
	})

	t.Run("a column of another length is found out", func(t *testing.T) {
		t.Parallel()
		err := client(openaifake.New(t)).Probe(t.Context(), 9)
		require.ErrorIs(t, err, openai.ErrInvalid)
		require.ErrorContains(t, err, "the model makes vectors of 8, 9 are configured")
	})

	t.Run("a server without a model list passes", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		fake.Script(func(c openaifake.Call) *openaifake.Answer {
			if c.Path == "/models" {
				return &openaifake.Answer{Status: 404}
			}
			return nil
		})
		require.NoError(t, client(fake).Probe(t.Context(), 8))
	})

	t.Run("a wrong key does not", func(t *testing.T) {
		t.Parallel()
		fake := openaifake.New(t)
		fake.Queue(openaifake.Answer{Status: 401})
		require.ErrorIs(t, client(fake).Probe(t.Context(), 0), openai.ErrUnavailable)
	})
}
