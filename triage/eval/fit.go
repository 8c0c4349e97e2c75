package eval

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/usherdesk/usher/triage/answer"
)

const (
	draws = 1000 // of an interval
	folds = 10   // of the cross-validation
)

// interval is the middle 95 % of a figure over samples whose conversations are
// drawn anew, always in the same way. Draws the figure is not defined on do not count.
func interval(samples []Sample, figure func(parts) (float64, bool)) (low, high float64) {
	byGroup := map[string][]Sample{}
	for _, s := range samples {
		byGroup[s.Group] = append(byGroup[s.Group], s)
	}
	names := slices.Sorted(maps.Keys(byGroup))
	if len(names) == 0 {
		return 0, 0
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a draw that can be repeated
	var values []float64
	for range draws {
		var drawn []Sample
		for range names {
			drawn = append(drawn, byGroup[names[random.IntN(len(names))]]...)
		}
		if v, ok := figure(split(drawn)); ok {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return 0, 0
	}
	slices.Sort(values)
	return values[len(values)*25/1000], values[min(len(values)*975/1000, len(values)-1)]
}

// Fitted are weights learned from samples, with the least threshold that lets at
// most the target share of unanswerable questions through.
type Fitted struct {
	Bias      float64                    `json:"bias"`
	Weights   [answer.Dimensions]float64 `json:"weights"`
	Threshold float64                    `json:"threshold"`
	Answered  float64                    `json:"answered_rate"`
	AUROC     float64                    `json:"auroc"`
	// Crossed are figures of weights that never saw the conversation (by
	// conversation) or the corpus (by set) they judge, one for each corpus.
	Crossed []Crossed `json:"cross_validated"`
}

// Crossed are the cross-validated figures of one corpus.
type Crossed struct {
	Set            int        `json:"set"`
	ByConversation GateReport `json:"by_conversation"`
	BySet          GateReport `json:"by_set"`
}

// Fit learns the gate's weights, and says how well such weights do on what they
// were not learned from.
func Fit(samples []Sample, target float64) Fitted {
	f := regress(samples)
	scored := f.judge(samples, func(Sample) Fitted { return f })
	p := split(scored)
	p.negatives = append(p.negatives, p.withheld...)
	f.Answered, f.Threshold = answeredAt(p.positives, p.negatives, target)
	f.AUROC = auroc(p.positives, p.negatives)

	conversations := f.judge(samples, without(samples, func(s Sample) int {
		h := fnv.New32a()
		_, _ = h.Write([]byte(s.Group))
		return int(h.Sum32()>>8) % folds
	}))
	sets := f.judge(samples, without(samples, func(s Sample) int { return s.Set }))
	last := 0
	for _, s := range samples {
		last = max(last, s.Set)
	}
	of := func(samples []Sample, set int) GateReport {
		return Report(slices.DeleteFunc(slices.Clone(samples), func(s Sample) bool { return s.Set != set }))
	}
	for set := range last + 1 {
		c := Crossed{Set: set, ByConversation: of(conversations, set)}
		if last > 0 {
			c.BySet = of(sets, set)
		}
		f.Crossed = append(f.Crossed, c)
	}
	return f
}

// without fits once for each part, on all samples of the other parts.
func without(samples []Sample, part func(Sample) int) func(Sample) Fitted {
	fits := map[int]Fitted{}
	return func(s Sample) Fitted {
		k := part(s)
		if _, done := fits[k]; !done {
			fits[k] = regress(slices.DeleteFunc(slices.Clone(samples), func(other Sample) bool { return part(other) == k }))
		}
		return fits[k]
	}
}

// judge scores samples anew. Sent is at the weights' shipped threshold.
func (f Fitted) judge(samples []Sample, by func(Sample) Fitted) []Sample {
	out := slices.Clone(samples)
	for i := range out {
		g := by(out[i])
		z := g.Bias
		for j, x := range out[i].Features {
			z += g.Weights[j] * x
		}
		out[i].Score = 1 / (1 + math.Exp(-z))
		out[i].Sent = out[i].Cited > 0 && out[i].Score >= answer.Threshold
	}
	return out
}

// wrongSource is the weight of an answerable question whose answer rests on the
// wrong passage: it is no good answer, but the right one was there.
const wrongSource = 0.15

// weigh makes every corpus weigh the same, and in it the answerable questions as
// much as the unanswerable ones and those whose answers were taken away.
func weigh(samples []Sample) []float64 {
	type kind struct {
		set              int
		answerable, held bool
	}
	counts := map[kind]float64{}
	of := func(s Sample) kind { return kind{s.Set, s.Answerable, s.Withheld} }
	for _, s := range samples {
		counts[of(s)]++
	}
	weights := make([]float64, len(samples))
	for i, s := range samples {
		weights[i] = 1 / counts[of(s)]
		if s.Answerable {
			weights[i] *= 2
			if !s.First {
				weights[i] *= wrongSource
			}
		}
	}
	return weights
}

// regress is a logistic regression by Newton's method on standardised features,
// the two classes weighing the same, with a little decay.
func regress(samples []Sample) Fitted {
	const steps, decay, n = 15, 0.02, answer.Dimensions
	mean, spread := standard(samples)
	weights := weigh(samples)
	var class [2]float64
	for i, s := range samples {
		class[one(s.Answerable)] += weights[i]
	}
	var w [n + 1]float64 // the last is the bias
	for range steps {
		var equations [n + 1][n + 2]float64
		for i, s := range samples {
			var x [n + 1]float64
			x[n] = 1
			z := w[n]
			for j, v := range s.Features {
				x[j] = (v - mean[j]) / spread[j]
				z += w[j] * x[j]
			}
			p := 1 / (1 + math.Exp(-z))
			share := weights[i] / class[one(s.Answerable)] / 2
			for j := range x {
				equations[j][n+1] += share * (float64(one(s.Answerable)) - p) * x[j]
				for k := range x {
					equations[j][k] += share * p * (1 - p) * x[j] * x[k]
				}
			}
		}
		for j := range n {
			equations[j][j] += decay
			equations[j][n+1] -= decay * w[j]
		}
		equations[n][n] += 1e-9
		for j, step := range solve(equations) {
			w[j] += step
		}
	}
	f := Fitted{Bias: w[n]}
	for j := range n {
		f.Weights[j] = w[j] / spread[j]
		f.Bias -= f.Weights[j] * mean[j]
	}
	return f
}

func standard(samples []Sample) (mean, spread [answer.Dimensions]float64) {
	for _, s := range samples {
		for i, x := range s.Features {
			mean[i] += x / float64(len(samples))
		}
	}
	for _, s := range samples {
		for i, x := range s.Features {
			spread[i] += (x - mean[i]) * (x - mean[i]) / float64(len(samples))
		}
	}
	for i := range spread {
		spread[i] = math.Sqrt(spread[i]) + 1e-6
	}
	return mean, spread
}

// solve is Gauss and Jordan's elimination with pivots.
func solve(e [answer.Dimensions + 1][answer.Dimensions + 2]float64) (x [answer.Dimensions + 1]float64) {
	const n = answer.Dimensions + 1
	for i := range n {
		pivot := i
		for k := i; k < n; k++ {
			if cmp.Compare(math.Abs(e[k][i]), math.Abs(e[pivot][i])) > 0 {
				pivot = k
			}
		}
		e[i], e[pivot] = e[pivot], e[i]
		for k := range n {
			if k == i || e[i][i] == 0 {
				continue
			}
			factor := e[k][i] / e[i][i]
			for j := i; j <= n; j++ {
				e[k][j] -= factor * e[i][j]
			}
		}
	}
	for i := range n {
		if e[i][i] != 0 {
			x[i] = e[i][n] / e[i][i]
		}
	}
	return x
}
