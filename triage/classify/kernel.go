package classify

// lane is what lengths of dense vectors are rounded up to.
const lane = 8

func lanes(n int) int { return (n + lane - 1) / lane * lane }

func axpyPlain(a float32, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * v
	}
}

func dotPlain(x, y []float32) float32 {
	y = y[:len(x)]
	var even, odd float32
	i := 0
	for ; i+1 < len(x); i += 2 {
		even += x[i] * y[i]
		odd += x[i+1] * y[i+1]
	}
	if i < len(x) {
		even += x[i] * y[i]
	}
	return even + odd
}

// axpyBytesPlain adds a*x to y; every byte of x is an int8.
func axpyBytesPlain(a float32, x []byte, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * float32(int8(v))
	}
}
