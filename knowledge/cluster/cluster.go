// Package cluster groups vectors as they come: each joins the nearest middle
// that is near enough, or begins a group of its own. Neighbours: knowledge/gap
// groups unanswered questions with it, triage/topic all questions.
package cluster

import "math"

// Center is the middle of a group.
type Center struct {
	Vector  []float32
	Members int
}

// Join moves the middle towards a new member.
func (c *Center) Join(vector []float32) {
	sum := make([]float32, len(vector))
	for i := range vector {
		sum[i] = vector[i]
		if i < len(c.Vector) {
			sum[i] += c.Vector[i] * float32(c.Members)
		}
	}
	c.Members++
	for i := range sum {
		sum[i] /= float32(c.Members)
	}
	c.Vector = sum
}

// Cosine is how alike two vectors are, 1 being the same direction; 0 for vectors
// of different lengths.
func Cosine(a, b []float32) float64 {
	if len(a) != len(b) {
		return 0
	}
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return dot / math.Sqrt(aa*bb)
}
