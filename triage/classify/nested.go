package classify

import (
	"cmp"
	"slices"
	"strings"
)

// Distribution gives the calibrated probability of every label, best first.
func (m *Model) Distribution(text string) []LabelScore {
	scores, _ := m.scores(m.vectorizer.vector(text))
	softmax(scores)
	all := make([]LabelScore, len(m.labels))
	for c, name := range m.labels {
		all[c] = LabelScore{name, float64(scores[c])}
	}
	slices.SortStableFunc(all, func(a, b LabelScore) int { return cmp.Compare(b.Score, a.Score) })
	return all
}

// Rollup adds to every label "billing.refund" its parents ("billing"), whose
// score is the sum over their descendants: where the leaf is unsure the parent may
// be certain. Best first, parents before children of the same score.
func Rollup(scores []LabelScore) []LabelScore {
	sum := map[string]float64{}
	for _, s := range scores {
		for i, r := range s.Label {
			if r == '.' {
				sum[s.Label[:i]] += s.Score
			}
		}
		sum[s.Label] += s.Score
	}
	all := make([]LabelScore, 0, len(sum))
	for label, score := range sum {
		all = append(all, LabelScore{label, score})
	}
	slices.SortFunc(all, func(a, b LabelScore) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(strings.Count(a.Label, "."), strings.Count(b.Label, ".")), cmp.Compare(a.Label, b.Label))
	})
	return all
}

// Part is one request of a message and what it is about.
type Part struct {
	Text string
	Prediction
}

// PredictParts classifies every request of a message apart, for messages that
// carry several labels. A message with one request gives one part.
func (m *Model) PredictParts(text string) []Part {
	texts := Split(text)
	parts := make([]Part, len(texts))
	for i, t := range texts {
		parts[i] = Part{t, m.Predict(t)}
	}
	return parts
}

// Nearest finds the text most like another: the cosine of their features by this
// model's weights, 0 to 1, of the first where several are. at is -1 for no texts.
func (m *Model) Nearest(text string, texts []string) (at int, alike float64) {
	v := m.vectorizer.vector(text)
	at = -1
	for i, t := range texts {
		if x := v.cosine(m.vectorizer.vector(t)); at < 0 || x > alike {
			at, alike = i, x
		}
	}
	return at, alike
}
