package classify

import "golang.org/x/sys/cpu"

// wide reports whether this processor multiplies and adds eight numbers at once.
var wide = cpu.X86.HasAVX2 && cpu.X86.HasFMA

//go:noescape
func axpyAVX2(a float32, x, y []float32)

//go:noescape
func axpyBytesAVX2(a float32, x []byte, y []float32)

//go:noescape
func dotAVX2(x, y []float32) float32

// axpy adds a*x to y. Both have the same length, a multiple of lane.
func axpy(a float32, x, y []float32) {
	y = y[:len(x)]
	if wide {
		axpyAVX2(a, x, y)
		return
	}
	axpyPlain(a, x, y)
}

// axpyBytes adds a*x to y; every byte of x is an int8. Both have the same length, a multiple of lane.
func axpyBytes(a float32, x []byte, y []float32) {
	y = y[:len(x)]
	if wide {
		axpyBytesAVX2(a, x, y)
		return
	}
	axpyBytesPlain(a, x, y)
}

// dot multiplies two vectors of the same length, a multiple of lane.
func dot(x, y []float32) float32 {
	y = y[:len(x)]
	if wide {
		return dotAVX2(x, y)
	}
	return dotPlain(x, y)
}
