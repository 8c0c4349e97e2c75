//go:build !amd64

package classify

// axpy adds a*x to y. Both have the same length, a multiple of lane.
func axpy(a float32, x, y []float32) { axpyPlain(a, x, y) }

// dot multiplies two vectors of the same length, a multiple of lane.
func dot(x, y []float32) float32 { return dotPlain(x, y) }

// axpyBytes adds a*x to y; every byte of x is an int8. Both have the same length, a multiple of lane.
func axpyBytes(a float32, x []byte, y []float32) { axpyBytesPlain(a, x, y) }
