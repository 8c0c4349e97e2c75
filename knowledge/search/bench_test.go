package search_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
)

// prose writes articles of invented words, Zipf-distributed like a language's.
type prose struct {
	random *rand.Rand
	zipf   *rand.Zipf
}

func newProse(seed uint64) *prose {
	random := rand.New(rand.NewPCG(seed, 1))
	return &prose{random: random, zipf: rand.NewZipf(random, 1.1, 3, 20000)}
}

func (p *prose) word() string {
	const syllables = "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru sa se si so su ta te ti to tu"
	parts := strings.Fields(syllables)
	n := p.zipf.Uint64() + 30
	var b strings.Builder
	for n > 0 {
		b.WriteString(parts[n%uint64(len(parts))])
		n /= uint64(len(parts))
	}
	return b.String()
}

func (p *prose) text(words int) string {
	out := make([]string, words)
	for i := range out {
		out[i] = p.word()
	}
	return strings.Join(out, " ")
}

// items are articles of two sections of as many words each.
func (p *prose) items(n, words int, level knowledge.Level) []knowledge.Item {
	items := make([]knowledge.Item, n)
	for i := range items {
		items[i] = knowledge.Item{ExternalID: fmt.Sprint(i), Content: knowledge.Content{
			Title: p.text(5), Body: "## " + p.text(3) + "\n\n" + p.text(words) + ".\n\n## " + p.text(3) + "\n\n" + p.text(words) + ".",
			Audience: knowledge.Audience{Level: level},
		}}
	}
	return items
}

// fill imports and indexes invented articles.
func fill(t testing.TB, b *knowledgetest.Base, space knowledge.Space, items []knowledge.Item) {
	t.Helper()
	_, err := b.Service.Sync(t.Context(), space, knowledge.Origin{Name: "invented"}, items, false, uuid.Nil)
	require.NoError(t, err)
	_, err = b.Indexer.Stale(t.Context(), space)
	require.NoError(t, err)
}

func BenchmarkSearchOver10000Chunks(b *testing.B) {
	base := knowledgetest.New(b)
	text := newProse(7)
	fill(b, base, knowledge.Shared, text.items(5000, 80, knowledge.Public))
	_, err := base.Models.Retrain(b.Context())
	require.NoError(b, err)
	questions := make([]string, 64)
	for i := range questions {
		questions[i] = text.text(7)
	}
	i := 0
	for b.Loop() {
		_, err := base.Searcher.Search(b.Context(), search.Query{Text: questions[i%len(questions)]})
		require.NoError(b, err)
		i++
	}
}
