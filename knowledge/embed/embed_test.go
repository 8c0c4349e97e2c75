package embed_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge/embed"
)

// corpus talks of two topics, in many short texts.
func corpus() []embed.Text {
	money := strings.Fields("pay due amount card bank euro month total tax account")
	people := strings.Fields("team workspace join leave owner role guest seat desk group")
	var out []embed.Text
	for i := range 40 {
		at := func(words []string) string {
			return strings.Join([]string{words[i%10], words[(i*3+1)%10], words[(i*7+2)%10], words[(i*9+5)%10]}, " ")
		}
		for _, body := range []string{"invoice " + at(money), "bill " + at(money), "colleague " + at(people)} {
			out = append(out, embed.Text{Body: body, Language: "en"})
		}
	}
	return out
}

func cosine(a, b []float32) float64 {
	var dot float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
	}
	return dot
}

func TestTrainingIsDeterministicAndSurvivesStorage(t *testing.T) {
	t.Parallel()
	first, second := embed.Train(corpus()), embed.Train(corpus())
	require.Equal(t, first.ModelID(), second.ModelID())
	data, err := first.MarshalBinary()
	require.NoError(t, err)
	loaded, err := embed.Load(data)
	require.NoError(t, err)
	require.Equal(t, first.ModelID(), loaded.ModelID())
	require.Equal(t, first.Encode("where is my bill", "en"), loaded.Encode("where is my bill", "en"))
}

func TestVectorsAreUnitLengthAndFinite(t *testing.T) {
	t.Parallel()
	for name, model := range map[string]*embed.Model{"hashed": {}, "trained": embed.Train(corpus()), "of one text": embed.Train(corpus()[:1])} {
		for _, text := range []string{"invoice", "never seen zyzzyva", strings.Repeat("long ", 5000), "日本語のテキスト"} {
			v := model.Encode(text, "en")
			require.Len(t, v, embed.Dimensions)
			require.InDelta(t, 1, math.Sqrt(cosine(v, v)), 1e-4, "%s: %q", name, text)
		}
		require.Zero(t, cosine(model.Encode("", "en"), model.Encode("", "en")))
	}
}

func TestTextsOfOneTopicAreNearWithoutASharedWord(t *testing.T) {
	t.Parallel()
	model := embed.Train(corpus())
	money, other, people := model.Encode("euro bank account", "en"), model.Encode("due amount tax", "en"), model.Encode("guest seat desk", "en")
	require.Greater(t, cosine(money, other), cosine(money, people))
	invoice := model.Encode("invoice", "en")
	require.Greater(t, cosine(model.Encode("invoices", "en"), invoice), 0.5, "forms of a word")
	require.Greater(t, cosine(model.Encode("zyzzyva", "en"), model.Encode("zyzzyva", "en")), 0.99, "unknown words match themselves")
	require.Less(t, cosine(model.Encode("zyzzyva", "en"), invoice), 0.3)
}

func TestDamagedParametersAreRefused(t *testing.T) {
	t.Parallel()
	data, err := embed.Train(corpus()).MarshalBinary()
	require.NoError(t, err)
	for _, damaged := range [][]byte{nil, []byte("x"), data[:20], data[:len(data)-1], append(data, 0)} {
		_, err := embed.Load(damaged)
		require.ErrorIs(t, err, embed.ErrBadModel)
	}
}

func BenchmarkEncode(b *testing.B) {
	model := embed.Train(corpus())
	text := strings.Repeat("Pay the due amount of the invoice by card. ", 15)
	for b.Loop() {
		model.Encode(text, "en")
	}
}
