package classify

import "math"

// packed is a matrix at a quarter of its size: every row is whole numbers of
// one byte, and the step they count. A trained model is kept so. A weight is off by
// at most half a step, 0.4 % of the largest in its row, which moves a score
// less than another seed does (DECISIONS.md, "One byte per weight").
type packed struct {
	width int       // a multiple of lane
	value []byte    // int8 each
	step  []float32 // [row]
}

const mostSteps = 127

// pack rounds weights, rows of width one after another.
func pack(weight []float32, width int) packed {
	p := packed{width: width, value: make([]byte, len(weight)), step: make([]float32, len(weight)/width)}
	for r := range p.step {
		row := weight[r*width : (r+1)*width]
		var top float32
		for _, x := range row {
			top = max(top, x, -x)
		}
		if top == 0 {
			continue
		}
		p.step[r] = top / mostSteps
		for i, x := range row {
			p.value[r*width+i] = byte(int8(math.Round(float64(x / p.step[r]))))
		}
	}
	return p
}

// add adds a times row r to y, which is width long.
func (p packed) add(a float32, r int32, y []float32) {
	axpyBytes(a*p.step[r], p.value[int(r)*p.width:(int(r)+1)*p.width], y)
}

// at is the weight in row r and column c.
func (p packed) at(r int32, c int) float32 {
	return float32(int8(p.value[int(r)*p.width+c])) * p.step[r]
}

// dot multiplies row r with y. Few terms need it, so it is plain.
func (p packed) dot(r int32, y []float32) float32 {
	var sum float32
	for i, x := range p.value[int(r)*p.width : (int(r)+1)*p.width] {
		sum += float32(int8(x)) * y[i]
	}
	return sum * p.step[r]
}
