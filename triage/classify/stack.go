package classify

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// kind is one of the learners a model is made of.
type kind int

const (
	bent     kind = iota // network with a hidden layer cut at zero
	straight             // network without: a low-rank linear map
	contrast             // support vectors over naive-Bayes-scaled features
	kinds    = iota
)

const (
	// contrastClasses is the most classes contrast is trained for: beyond, it
	// costs as much as everything else and adds nothing.
	contrastClasses = 20
	// fewestHeld is the fewest held-out rows that blend and calibration are fitted on.
	fewestHeld = 40
	// copies is how many networks of a kind, differing by seed, are averaged.
	copies = 3
)

// problem is a training set in the form learners take.
type problem struct {
	rows    []vector
	class   []int // the class after the last label holds strangers
	cost    []float64
	real    []bool // an example, not a name or description
	labels  int
	classes int // labels, and one more when there are strangers
	size    int // features
	workers int
	seed    uint64
}

// paces are the two speeds of learning tried: short texts with many classes
// like the first, long texts with few classes the second.
func (p problem) paces() [2]pace {
	n := 0
	for _, c := range p.cost {
		if c > 0 {
			n++
		}
	}
	epochs := min(60, max(8, 20000/max(1, n)))
	hidden := 128
	if p.classes <= contrastClasses {
		hidden = 64
	}
	fast := pace{hidden: hidden, epochs: epochs, rate: 0.1, dropFeatures: 0.3, dropUnits: 0.3}
	slow := fast
	slow.rate, slow.epochs = 0.03, max(4, epochs/2)
	return [2]pace{fast, slow}
}

// scorer is anything that scores the classes of a vector.
type scorer interface {
	score(v vector, out []float32)
}

func (p problem) train(ctx context.Context, k kind, speed pace, cost []float64, copyOf uint64) scorer {
	speed.seed = p.seed*1000 + copyOf*10 + uint64(k)
	speed.bent = k == bent
	if k == contrast {
		return trainContrast(ctx, p.rows, p.class, cost, p.classes, p.size, 1, speed.seed)
	}
	return trainNetwork(ctx, p.rows, p.class, cost, p.classes, p.size, speed)
}

// blend is how learners are put together, chosen on held-out examples.
type blend struct {
	pace      pace
	weight    [kinds]float64
	prior     float64 // how far rare classes are helped, 0 to 1
	threshold float64 // margin under which none fits
	held      int     // examples it was chosen on
}

// choose cross-fits every learner, each example scored by learners that did
// not see it, and picks pace, weights, prior correction and threshold from
// those scores. Too few examples give the defaults.
func (p problem) choose(ctx context.Context) blend {
	b := blend{pace: p.paces()[0], weight: [kinds]float64{bent: 0.5, straight: 0.5}, threshold: math.Inf(-1)}
	if p.classes > p.labels {
		b.threshold = 0
	}
	parts := p.folds()
	if parts == nil {
		return b
	}
	b.pace = p.fasterPace(ctx, parts)
	var use []kind
	for k := range kind(kinds) {
		if k != contrast || p.classes <= contrastClasses {
			use = append(use, k)
		}
	}
	held := make([][kinds][]float32, len(p.rows))
	folds := slices.Max(parts) + 1
	parallel(folds*len(use), p.workers, func(job int) {
		fold, k := job/len(use), use[job%len(use)]
		m := p.train(ctx, k, b.pace, p.without(parts, fold), 0)
		for i, part := range parts {
			if part == fold {
				out := make([]float32, lanes(p.classes))
				m.score(p.rows[i], out)
				held[i][k] = out[:p.classes]
			}
		}
	})
	if ctx.Err() != nil {
		return b
	}
	var scores [][kinds][]float32
	var class []int
	for i, part := range parts {
		if part >= 0 {
			scores, class = append(scores, held[i]), append(class, p.class[i])
		}
	}
	b.held = len(scores)
	b.weight = fitWeights(scores, class, use, p.classes)
	joined := make([][]float32, len(scores))
	for i, s := range scores {
		joined[i] = make([]float32, p.classes)
		for _, k := range use {
			for c, x := range s[k] {
				joined[i][c] += float32(b.weight[k]) * x
			}
		}
	}
	b.prior = fitPrior(joined, class, p.labels, p.logPrior())
	b.threshold = fitThreshold(joined, class, p.labels)
	return b
}

// folds assigns every real example to a part to be held out, class by class;
// -1 stays in training always. nil means too few examples.
func (p problem) folds() []int {
	n := 0
	for _, r := range p.real {
		if r {
			n++
		}
	}
	if n < fewestHeld || p.labels < 2 {
		return nil
	}
	folds := 5
	if n >= 3000 {
		folds = 3
	}
	rng := rand.New(rand.NewPCG(p.seed, 11))
	next := make([]int, p.classes)
	parts := make([]int, len(p.rows))
	for i := range parts {
		parts[i] = -1
	}
	for _, i := range rng.Perm(len(p.rows)) {
		if p.real[i] {
			parts[i] = (next[p.class[i]] + p.class[i]) % folds
			next[p.class[i]]++
		}
	}
	return parts
}

func (p problem) without(parts []int, fold int) []float64 {
	cost := slices.Clone(p.cost)
	for i, part := range parts {
		if part == fold {
			cost[i] = 0
		}
	}
	return cost
}

// fasterPace tries both paces on the first part and keeps the likelier one.
func (p problem) fasterPace(ctx context.Context, parts []int) pace {
	paces := p.paces()
	var loss [len(paces)]float64
	cost := p.without(parts, 0)
	parallel(len(paces), p.workers, func(j int) {
		m := p.train(ctx, straight, paces[j], cost, 0)
		var scores [][kinds][]float32
		var class []int
		for i, part := range parts {
			if part == 0 {
				out := make([]float32, p.classes)
				m.score(p.rows[i], out)
				scores, class = append(scores, [kinds][]float32{straight: out}), append(class, p.class[i])
			}
		}
		w := fitWeights(scores, class, []kind{straight}, p.classes)
		loss[j] = logLoss(scores, class, []kind{straight}, w, p.classes, nil)
	})
	if loss[1] < loss[0] {
		return paces[1]
	}
	return paces[0]
}

// logPrior is the log share of every label among the examples.
func (p problem) logPrior() []float64 {
	count := make([]float64, p.labels)
	var sum float64
	for i, c := range p.class {
		if c < p.labels {
			count[c] += p.cost[i]
			sum += p.cost[i]
		}
	}
	for c := range count {
		count[c] = math.Log((count[c] + 0.5) / (sum + 0.5*float64(p.labels)))
	}
	return count
}

// logLoss is the mean surprise of the true classes under softmax of the
// weighted scores; gradient, when given, receives its slope per kind.
func logLoss(scores [][kinds][]float32, class []int, use []kind, weight [kinds]float64, classes int, gradient *[kinds]float64) float64 {
	p := make([]float32, classes)
	var sum float64
	for i, s := range scores {
		clear(p)
		for _, k := range use {
			w := float32(weight[k])
			for c, x := range s[k] {
				p[c] += w * x
			}
		}
		softmax(p)
		sum -= math.Log(float64(p[class[i]]) + 1e-9)
		if gradient == nil {
			continue
		}
		for _, k := range use {
			var g float64
			for c, x := range s[k] {
				g += float64(p[c]) * float64(x)
			}
			gradient[k] += (g - float64(s[k][class[i]])) / float64(len(scores))
		}
	}
	return sum / float64(len(scores))
}

// fitWeights finds the weights, zero or more, under which the held-out rows
// are likeliest. Weights and sharpness are one: their sum is the inverse temperature.
func fitWeights(scores [][kinds][]float32, class []int, use []kind, classes int) [kinds]float64 {
	const most = 2500
	if len(scores) > most {
		stride := len(scores)/most + 1
		var s [][kinds][]float32
		var c []int
		for i := 0; i < len(scores); i += stride {
			s, c = append(s, scores[i]), append(c, class[i])
		}
		scores, class = s, c
	}
	var weight, mean, square [kinds]float64
	for _, k := range use {
		weight[k] = 1 / float64(len(use))
	}
	for step := 1; step <= 80; step++ { // Adam, falling step size
		var g [kinds]float64
		logLoss(scores, class, use, weight, classes, &g)
		for _, k := range use {
			mean[k] = 0.9*mean[k] + 0.1*g[k]
			square[k] = 0.99*square[k] + 0.01*g[k]*g[k]
			m, v := mean[k]/(1-math.Pow(0.9, float64(step))), square[k]/(1-math.Pow(0.99, float64(step)))
			weight[k] = max(0, weight[k]-0.08*(1-float64(step)/90)*m/(math.Sqrt(v)+1e-8))
		}
	}
	return weight
}

// fitPrior picks how far to take the unevenness of the training counts back:
// operators write ten examples of everything, or copy a year of tickets with
// one label on nine in ten. The mean F1 over labels decides; among choices that
// do as well the most even-handed wins.
func fitPrior(joined [][]float32, class []int, labels int, logPrior []float64) float64 {
	const same = 0.001
	choices := [...]float64{0, 0.25, 0.5, 0.75, 1}
	var f1 [len(choices)]float64
	for i, prior := range choices {
		f1[i] = macroF1(joined, class, labels, logPrior, prior)
	}
	top := slices.Max(f1[:])
	for i := len(choices) - 1; i > 0; i-- {
		if f1[i] >= top-same {
			return choices[i]
		}
	}
	return 0
}

func macroF1(joined [][]float32, class []int, labels int, logPrior []float64, prior float64) float64 {
	hit, said, is := make([]float64, labels), make([]float64, labels), make([]float64, labels)
	for i, s := range joined {
		if class[i] >= labels {
			continue
		}
		c := decide(s[:labels], logPrior, prior)
		said[c]++
		is[class[i]]++
		if c == class[i] {
			hit[c]++
		}
	}
	var sum, present float64
	for c := range hit {
		if is[c] > 0 {
			sum += 2 * hit[c] / (said[c] + is[c])
			present++
		}
	}
	return sum / max(1, present)
}

// decide gives the class with the best score after prior correction.
func decide(scores []float32, logPrior []float64, prior float64) int {
	best, top := 0, math.Inf(-1)
	for c, x := range scores {
		s := float64(x)
		if prior > 0 {
			s -= prior * logPrior[c]
		}
		if s > top {
			best, top = c, s
		}
	}
	return best
}

const (
	strangersCaught = 0.88 // share of held-out strangers the threshold catches
	knownLost       = 0.03 // share of held-out examples given up where no strangers are known
	fewestStrangers = 5
)

// margin says how well the best label fits: against the strangers' own score
// where there is one, absolutely otherwise.
func margin(scores []float32, labels int) float64 {
	top := float64(slices.Max(scores[:labels]))
	if len(scores) > labels {
		return top - float64(scores[labels])
	}
	return top
}

// fitThreshold picks the margin under which a text belongs to no label: the
// one that catches most held-out strangers, or without any gives up few of the known.
func fitThreshold(joined [][]float32, class []int, labels int) float64 {
	var strangers, known []float64
	for i, s := range joined {
		if class[i] >= labels {
			strangers = append(strangers, margin(s, labels))
		} else {
			known = append(known, margin(s, labels))
		}
	}
	slices.Sort(strangers)
	slices.Sort(known)
	switch {
	case len(strangers) >= fewestStrangers:
		return strangers[int(float64(len(strangers))*strangersCaught)]
	case len(joined) > 0 && len(joined[0]) > labels:
		return 0 // likelier a stranger than anything else
	case len(known) > 0:
		return known[int(float64(len(known))*knownLost)]
	}
	return math.Inf(-1)
}
