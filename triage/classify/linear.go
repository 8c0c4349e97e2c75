package classify

import (
	"math/rand/v2"
)

// linear holds one separating plane per class, stored feature by feature so
// that scoring a text reads memory in order.
type linear struct {
	classes int
	weight  []float32 // [feature*classes + class]
	bias    []float32
}

// trainLinear fits one-against-the-rest support vector machines (squared
// hinge) by dual coordinate descent, classes in parallel. cost is per example.
func trainLinear(rows []vector, class []int, cost []float64, classes, size, epochs, workers int, seed uint64) *linear {
	m := &linear{classes: classes, weight: make([]float32, size*classes), bias: make([]float32, classes)}
	square := make([]float64, len(rows))
	for i, r := range rows {
		n := r.norm()
		square[i] = n*n + 1
	}
	parallel(classes, workers, func(c int) {
		rng := rand.New(rand.NewPCG(seed, uint64(c)))
		w := make([]float32, size)
		var bias float32
		alpha := make([]float64, len(rows))
		order := rng.Perm(len(rows))
		active := len(order)
		for epoch := range epochs {
			rng.Shuffle(active, func(i, j int) { order[i], order[j] = order[j], order[i] })
			var worst float64
			for k := 0; k < active; k++ {
				i := order[k]
				y := -1.0
				if class[i] == c {
					y = 1
				}
				if cost[i] == 0 {
					continue
				}
				diagonal := 0.5 / cost[i]
				gradient := y*float64(rows[i].dot(w)+bias) - 1 + alpha[i]*diagonal
				if alpha[i] == 0 && gradient >= 0 {
					if gradient > 0.2 && epoch > 1 { // far on the right side: leave it out from here on
						active--
						order[k], order[active] = order[active], order[k]
						k--
					}
					continue
				}
				if g := abs(gradient); g > worst {
					worst = g
				}
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
		for f, x := range w {
			m.weight[f*classes+c] = x
		}
		m.bias[c] = bias
	})
	return m
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

// score adds every class's margin for v into out.
func (m *linear) score(v vector, out []float32) {
	copy(out, m.bias)
	for i, id := range v.ids {
		x := v.val[i]
		row := m.weight[int(id)*m.classes : (int(id)+1)*m.classes]
		for c, w := range row {
			out[c] += x * w
		}
	}
}
