//go:build !amd64

package classify

// axpy adds a*x to y. Both have the same length, a multiple of lane.
func axpy(a float32, x, y []float32) { axpyPlain(a, x, y) }

// dot multiplies two vectors of the same length, a multiple of lane.
func dot(x, y []float32) float32 { return dotPlain(x, y) }

// axpyBytes adds a*x to y. Both have the same length, a multiple of lane.
func axpyBytes(a float32, x []int8, y []float32) { axpyBytesPlain(a, x, y) }
