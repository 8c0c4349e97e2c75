package embed

import (
	"math"
	"math/rand/v2"
)

// sparse is a matrix of rows of (column, value), one row per training text.
type sparse struct {
	columns int
	rows    [][]cell
}

type cell struct {
	column int32
	value  float32
}

// rightSingular returns the k leading right singular vectors of a, one row per
// column of a, by randomised subspace iteration (Halko, Martinsson, Tropp 2011).
// The seed is fixed, and sums run in one order, so the result is reproducible.
func rightSingular(a sparse, k int) [][]float32 {
	const iterations = 2
	k = min(k, len(a.rows), a.columns)
	random := rand.New(rand.NewPCG(0x75736865, 0x72))
	z := matrix(a.columns, k)
	for _, row := range z {
		for j := range row {
			row[j] = float32(random.NormFloat64())
		}
	}
	for range iterations {
		z = a.transposeTimes(orthonormal(a.times(z)))
	}
	q := orthonormal(a.times(z))
	b := a.transposeTimes(q) // columns × k: the transpose of QᵀA
	return rotate(b)
}

// rotate turns B (columns × k) into its left singular vectors, strongest first.
func rotate(b [][]float32) [][]float32 {
	k := len(b[0])
	gram := make([][]float64, k)
	for i := range gram {
		gram[i] = make([]float64, k)
	}
	for _, row := range b {
		for i, x := range row {
			if x == 0 {
				continue
			}
			to := gram[i]
			for j := i; j < k; j++ {
				to[j] += float64(x) * float64(row[j])
			}
		}
	}
	for i := range gram {
		for j := range i {
			gram[i][j] = gram[j][i]
		}
	}
	values, vectors := symmetricEigen(gram)
	// Scaled and narrowed once, and walked row by row: this is the widest product.
	turn := matrix(k, k)
	for i := range turn {
		for j := range turn[i] {
			if values[j] > 1e-9*values[0] {
				turn[i][j] = float32(vectors[i][j] / math.Sqrt(values[j]))
			}
		}
	}
	out := matrix(len(b), k)
	for r, row := range b {
		sum := out[r]
		for i, x := range row {
			if x == 0 {
				continue
			}
			for j, t := range turn[i] {
				sum[j] += x * t
			}
		}
	}
	return out
}

func (a sparse) times(dense [][]float32) [][]float32 {
	out := matrix(len(a.rows), len(dense[0]))
	for r, cells := range a.rows {
		sum := out[r]
		for _, c := range cells {
			for j, x := range dense[c.column] {
				sum[j] += c.value * x
			}
		}
	}
	return out
}

func (a sparse) transposeTimes(dense [][]float32) [][]float32 {
	out := matrix(a.columns, len(dense[0]))
	for r, cells := range a.rows {
		row := dense[r]
		for _, c := range cells {
			sum := out[c.column]
			for j, x := range row {
				sum[j] += c.value * x
			}
		}
	}
	return out
}

// orthonormal makes the columns of m orthonormal by modified Gram-Schmidt, in
// place on the transpose for contiguous memory. Dependent columns become zero.
func orthonormal(m [][]float32) [][]float32 {
	rows, k := len(m), len(m[0])
	columns := matrix(k, rows)
	for r, row := range m {
		for j, x := range row {
			columns[j][r] = x
		}
	}
	for j, column := range columns {
		before := norm(column)
		for range 2 { // twice is enough (Kahan)
			for _, earlier := range columns[:j] {
				subtract(column, earlier, dot(column, earlier))
			}
		}
		length := norm(column)
		if length <= 1e-5*before || length == 0 {
			clear(column)
			continue
		}
		for i := range column {
			column[i] /= length
		}
	}
	for r, row := range m {
		for j := range row {
			row[j] = columns[j][r]
		}
	}
	return m
}

func subtract(a, b []float32, factor float32) {
	for i := range a {
		a[i] -= factor * b[i]
	}
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	n := len(a) &^ 3
	for i := 0; i < n; i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for i := n; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

func norm(a []float32) float32 { return float32(math.Sqrt(float64(dot(a, a)))) }

func matrix(rows, columns int) [][]float32 {
	flat := make([]float32, rows*columns)
	out := make([][]float32, rows)
	for i := range out {
		out[i] = flat[i*columns : (i+1)*columns : (i+1)*columns]
	}
	return out
}
