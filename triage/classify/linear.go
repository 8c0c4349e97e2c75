package classify

import (
	"context"
	"math"
	"math/rand/v2"
)

// linear is one weight per feature and class, stored feature by feature so
// that scoring a text reads memory in order.
type linear struct {
	stride int       // classes rounded up to lane
	weight []float32 // [feature*stride + class]
	bias   []float32 // [stride]
}

func newLinear(classes, size int) *linear {
	s := lanes(classes)
	return &linear{stride: s, weight: make([]float32, size*s), bias: make([]float32, s)}
}

// score writes every class's score of v to out, which is stride long.
func (m *linear) score(v vector, out []float32) {
	copy(out, m.bias)
	for i, id := range v.ids {
		axpy(v.val[i], m.weight[int(id)*m.stride:(int(id)+1)*m.stride], out)
	}
}

// contrastCost and contrastPrior are the support vector cost and the count
// added to every feature of trainContrast; contrastSharpness brings its margins
// to about the size of log-odds.
const (
	contrastCost      = 1
	contrastPrior     = 1
	contrastSharpness = 3
	contrastEpochs    = 20
)

// trainContrast fits one support vector machine per class against the rest
// on features scaled by how much likelier they are in the class than outside
// (naive Bayes log-count ratios): strong on long texts with few classes.
func trainContrast(ctx context.Context, rows []vector, class []int, cost []float64, classes, size, workers int, seed uint64) *linear {
	m := newLinear(classes, size)
	parallel(classes, workers, func(c int) {
		if ctx.Err() != nil {
			return
		}
		ratio := countRatio(rows, class, cost, c, size)
		scaled := make([]vector, 0, len(rows))
		own := make([]bool, 0, len(rows))
		weight := make([]float64, 0, len(rows))
		for i, r := range rows {
			if cost[i] == 0 {
				continue
			}
			v := vector{ids: r.ids, val: make([]float32, len(r.val))}
			for j, id := range r.ids {
				v.val[j] = r.val[j] * ratio[id]
			}
			scaled, own, weight = append(scaled, v), append(own, class[i] == c), append(weight, cost[i]*contrastCost)
		}
		w, bias := separate(scaled, own, weight, size, contrastEpochs, rand.New(rand.NewPCG(seed, uint64(c))))
		for f, x := range w {
			m.weight[f*m.stride+c] = x * ratio[f] * contrastSharpness
		}
		m.bias[c] = bias * contrastSharpness
	})
	return m
}

// countRatio gives per feature the log of its smoothed rate inside class c over the rate outside.
func countRatio(rows []vector, class []int, cost []float64, c, size int) []float32 {
	in, out := make([]float64, size), make([]float64, size)
	var inside, outside float64
	for i, r := range rows {
		counts := out
		switch {
		case cost[i] == 0:
			continue
		case class[i] == c:
			counts = in
			inside++
		default:
			outside++
		}
		for _, id := range r.ids {
			counts[id]++
		}
	}
	ratio := make([]float32, size)
	for f := range ratio {
		ratio[f] = float32(math.Log((in[f]+contrastPrior)/(inside+2*contrastPrior)) - math.Log((out[f]+contrastPrior)/(outside+2*contrastPrior)))
	}
	return ratio
}

// separate fits one support vector machine (squared hinge) by dual coordinate
// descent; rows far on the right side are left out of later rounds.
func separate(rows []vector, own []bool, cost []float64, size, epochs int, rng *rand.Rand) (w []float32, bias float32) {
	w = make([]float32, size)
	alpha := make([]float64, len(rows))
	square := make([]float64, len(rows))
	for i, r := range rows {
		n := r.norm()
		square[i] = n*n + 1
	}
	order := rng.Perm(len(rows))
	active := len(order)
	for epoch := range epochs {
		rng.Shuffle(active, func(i, j int) { order[i], order[j] = order[j], order[i] })
		var worst float64
		for k := 0; k < active; k++ {
			i := order[k]
			y := -1.0
			if own[i] {
				y = 1
			}
			diagonal := 0.5 / cost[i]
			gradient := y*float64(rows[i].dot(w)+bias) - 1 + alpha[i]*diagonal
			if alpha[i] == 0 && gradient >= 0 {
				if gradient > 0.2 && epoch > 1 {
					active--
					order[k], order[active] = order[active], order[k]
					k--
				}
				continue
			}
			worst = max(worst, abs(gradient))
			old := alpha[i]
			alpha[i] = max(0, old-gradient/(square[i]+diagonal))
			if step := float32((alpha[i] - old) * y); step != 0 {
				for j, id := range rows[i].ids {
					w[id] += step * rows[i].val[j]
				}
				bias += step
			}
		}
		if worst < 0.05 {
			break
		}
	}
	return w, bias
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}
