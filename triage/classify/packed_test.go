package classify

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPackedRowsAreWithinHalfAStep(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, width := range []int{8, 24, 32, 40, 384} {
		const rows = 20
		weight := make([]float32, rows*width)
		for i := range weight {
			weight[i] = float32(rng.NormFloat64() * math.Pow(10, float64(i/width%5)-2))
		}
		clear(weight[3*width : 4*width]) // a row of zeros stays one
		p := pack(weight, width)
		for r := range int32(rows) {
			y, plain := make([]float32, width), make([]float32, width)
			p.add(1.5, r, y)
			axpyBytesPlain(1.5*p.step[r], p.value[int(r)*width:int(r+1)*width], plain)
			var sum float64
			for c := range width {
				exact := weight[int(r)*width+c]
				require.InDelta(t, exact, p.at(r, c), float64(p.step[r])*0.501)
				require.InDelta(t, 1.5*p.at(r, c), y[c], math.Abs(float64(y[c]))*1e-5+1e-9)
				require.InDelta(t, plain[c], y[c], math.Abs(float64(y[c]))*1e-5+1e-9, "with and without wide instructions")
				sum += float64(p.at(r, c)) * float64(y[c])
			}
			require.InDelta(t, sum, p.dot(r, y), math.Abs(sum)*1e-3)
		}
		require.Zero(t, p.step[3])
	}
}
