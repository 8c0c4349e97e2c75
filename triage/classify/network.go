package classify

import (
	"context"
	"math"
	"math/rand/v2"
)

// network is one hidden layer between features and classes: the features of a
// text are projected to a few numbers learned from the examples, and these are
// scored per class. With bent set negative numbers are cut to zero, which lets it learn
// "this word only when that one is there"; without, the two layers are one
// linear map that still generalises better than a map learned directly.
type network struct {
	hidden, classes int // hidden is a multiple of lane
	bent            bool
	project         []float32 // [feature*hidden + unit]
	shift           []float32 // [unit]
	weight          []float32 // [class*hidden + unit]
	bias            []float32 // [class]
}

// pace is how a network is trained.
type pace struct {
	hidden       int
	epochs       int
	rate         float32 // step size at the start; it falls to zero
	bent         bool
	seed         uint64
	dropFeatures float32 // share of a text's features hidden from each step
	dropUnits    float32 // share of hidden units switched off in each step
}

const (
	// spread is the range of the first, random projection.
	spread = 0.05
	// Floors under the running gradient sizes: steps stay bounded at the start.
	projectFloor = 1e-4
	weightFloor  = 0.1
)

// trainNetwork fits a network by stochastic gradient steps on the
// cross-entropy, each row of weights at its own pace (Adagrad). cost scales the
// step of a row; rows of cost 0 are left out. The result depends on the
// arguments alone.
func trainNetwork(ctx context.Context, rows []vector, class []int, cost []float64, classes, size int, p pace) *network {
	rng := rand.New(rand.NewPCG(p.seed, 3))
	h := lanes(p.hidden)
	n := &network{
		hidden: h, classes: classes, bent: p.bent, project: make([]float32, size*h), shift: make([]float32, h),
		weight: make([]float32, classes*h), bias: make([]float32, classes),
	}
	for i := range n.project {
		n.project[i] = (rng.Float32()*2 - 1) * spread
	}
	limit := float32(math.Sqrt(1 / float64(h)))
	for i := range n.weight {
		n.weight[i] = (rng.Float32()*2 - 1) * limit
	}
	order := make([]int, 0, len(rows))
	for i := range rows {
		if cost[i] > 0 {
			order = append(order, i)
		}
	}
	t := trainer{
		network: n, pace: p, rng: rng, seenProject: make([]float32, size), seenWeight: make([]float32, classes),
		unit: make([]float32, h), back: make([]float32, h), gate: make([]float32, h), out: make([]float32, classes),
	}
	total := float32(p.epochs * len(order))
	step := 0
	for range p.epochs {
		if ctx.Err() != nil {
			return n
		}
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			step++
			t.step(rows[i], class[i], float32(cost[i]), p.rate*(1-float32(step)/total))
		}
	}
	return n
}

// trainer holds the working memory of trainNetwork.
type trainer struct {
	*network
	pace
	rng                     *rand.Rand
	seenProject, seenWeight []float32 // squared gradients so far, per feature and class
	unit, back, gate, out   []float32
	thinned                 vector
}

// chance gives true with probability p from sixteen random bits at a time.
func (t *trainer) chance(p float32) bool { return t.rng.Float32() < p }

// thin leaves out a share of the features and makes up for it in the rest.
func (t *trainer) thin(v vector) vector {
	if t.dropFeatures == 0 {
		return v
	}
	t.thinned.ids, t.thinned.val = t.thinned.ids[:0], t.thinned.val[:0]
	scale := 1 / (1 - t.dropFeatures)
	for i, id := range v.ids {
		if !t.chance(t.dropFeatures) {
			t.thinned.ids, t.thinned.val = append(t.thinned.ids, id), append(t.thinned.val, v.val[i]*scale)
		}
	}
	return t.thinned
}

func (t *trainer) step(v vector, class int, cost, rate float32) {
	h := t.network.hidden
	v = t.thin(v)
	copy(t.unit, t.shift)
	for i, id := range v.ids {
		axpy(v.val[i], t.project[int(id)*h:int(id)*h+h], t.unit)
	}
	scale := 1 / (1 - t.dropUnits)
	for j, x := range t.unit {
		t.gate[j] = scale
		if t.network.bent && x <= 0 || t.dropUnits > 0 && t.chance(t.dropUnits) {
			t.gate[j] = 0
		}
		t.unit[j] = x * t.gate[j]
	}
	for c := range t.out {
		t.out[c] = t.bias[c] + dot(t.unit, t.weight[c*h:c*h+h])
	}
	softmax(t.out)
	clear(t.back)
	for c, p := range t.out {
		if c == class {
			p--
		}
		g := p * cost
		if g < 1e-5 && g > -1e-5 {
			continue
		}
		w := t.weight[c*h : c*h+h]
		axpy(g, w, t.back)
		t.seenWeight[c] += g * g
		s := rate / (root(t.seenWeight[c]) + weightFloor)
		axpy(-s*g, t.unit, w)
		t.bias[c] -= s * g
	}
	var size float32
	for j, g := range t.gate {
		t.back[j] *= g
		size += t.back[j] * t.back[j]
	}
	size /= float32(h)
	for i, id := range v.ids {
		x := v.val[i]
		t.seenProject[id] += x * x * size
		axpy(-rate*x/(root(t.seenProject[id])+projectFloor), t.back, t.project[int(id)*h:int(id)*h+h])
	}
	axpy(-rate*0.1, t.back, t.shift)
}

func root(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// softmax turns scores into probabilities in place.
func softmax(scores []float32) {
	top := scores[0]
	for _, x := range scores {
		top = max(top, x)
	}
	var sum float32
	for i, x := range scores {
		e := float32(math.Exp(float64(x - top)))
		scores[i] = e
		sum += e
	}
	for i := range scores {
		scores[i] /= sum
	}
}

// score writes every class's score of v to out.
func (n *network) score(v vector, out []float32) {
	unit := make([]float32, n.hidden)
	n.units(v, unit)
	for c := range n.classes {
		out[c] = n.bias[c] + dot(unit, n.weight[c*n.hidden:(c+1)*n.hidden])
	}
}

// units computes the hidden layer of v.
func (n *network) units(v vector, unit []float32) {
	h := n.hidden
	copy(unit, n.shift)
	for i, id := range v.ids {
		axpy(v.val[i], n.project[int(id)*h:int(id)*h+h], unit)
	}
	if n.bent {
		for j, x := range unit {
			unit[j] = max(0, x)
		}
	}
}
