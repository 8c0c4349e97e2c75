package embed

import (
	"math"
	"slices"
)

// symmetricEigen returns the eigenvalues of a symmetric matrix, largest first,
// and the matrix whose columns are their vectors. It reduces to tridiagonal
// form and applies implicit QL shifts (EISPACK tred2 and tql2).
func symmetricEigen(a [][]float64) ([]float64, [][]float64) {
	n := len(a)
	v := make([][]float64, n)
	for i := range v {
		v[i] = slices.Clone(a[i])
	}
	d, e := make([]float64, n), make([]float64, n)
	tridiagonalise(v, d, e)
	implicitQL(v, d, e)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		switch {
		case d[x] > d[y]:
			return -1
		case d[x] < d[y]:
			return 1
		}
		return 0
	})
	values, vectors := make([]float64, n), make([][]float64, n)
	for i := range vectors {
		vectors[i] = make([]float64, n)
		for j, from := range order {
			vectors[i][j] = v[i][from]
		}
	}
	for j, from := range order {
		values[j] = d[from]
	}
	return values, vectors
}

// tridiagonalise reduces v by Householder reflections; d and e receive the
// diagonal and the subdiagonal, v the accumulated transformation.
func tridiagonalise(v [][]float64, d, e []float64) {
	n := len(v)
	copy(d, v[n-1])
	for i := n - 1; i > 0; i-- {
		scale, h := 0.0, 0.0
		for k := range i {
			scale += math.Abs(d[k])
		}
		if scale == 0 {
			e[i] = d[i-1]
			for j := range i {
				d[j] = v[i-1][j]
				v[i][j], v[j][i] = 0, 0
			}
			d[i] = h
			continue
		}
		for k := range i {
			d[k] /= scale
			h += d[k] * d[k]
		}
		f := d[i-1]
		g := math.Sqrt(h)
		if f > 0 {
			g = -g
		}
		e[i] = scale * g
		h -= f * g
		d[i-1] = f - g
		clear(e[:i])
		for j := range i {
			f = d[j]
			v[j][i] = f
			g = e[j] + v[j][j]*f
			for k := j + 1; k < i; k++ {
				g += v[k][j] * d[k]
				e[k] += v[k][j] * f
			}
			e[j] = g
		}
		f = 0
		for j := range i {
			e[j] /= h
			f += e[j] * d[j]
		}
		hh := f / (h + h)
		for j := range i {
			e[j] -= hh * d[j]
		}
		for j := range i {
			f, g = d[j], e[j]
			for k := j; k < i; k++ {
				v[k][j] -= f*e[k] + g*d[k]
			}
			d[j] = v[i-1][j]
			v[i][j] = 0
		}
		d[i] = h
	}
	accumulate(v, d)
	e[0] = 0
}

func accumulate(v [][]float64, d []float64) {
	n := len(v)
	for i := range n - 1 {
		v[n-1][i] = v[i][i]
		v[i][i] = 1
		if h := d[i+1]; h != 0 {
			for k := range i + 1 {
				d[k] = v[k][i+1] / h
			}
			for j := range i + 1 {
				g := 0.0
				for k := range i + 1 {
					g += v[k][i+1] * v[k][j]
				}
				for k := range i + 1 {
					v[k][j] -= g * d[k]
				}
			}
		}
		for k := range i + 1 {
			v[k][i+1] = 0
		}
	}
	for j := range n {
		d[j] = v[n-1][j]
		v[n-1][j] = 0
	}
	v[n-1][n-1] = 1
}

// implicitQL diagonalises the tridiagonal matrix (d, e), rotating v along.
func implicitQL(v [][]float64, d, e []float64) {
	n := len(d)
	copy(e, e[1:])
	e[n-1] = 0
	f, tst1 := 0.0, 0.0
	const epsilon = 0x1p-52
	for l := range n {
		tst1 = math.Max(tst1, math.Abs(d[l])+math.Abs(e[l]))
		m := l
		for m < n-1 && math.Abs(e[m]) > epsilon*tst1 {
			m++
		}
		for step := 0; m > l && step < 60; step++ {
			f += qlStep(v, d, e, l, m)
			if math.Abs(e[l]) <= epsilon*tst1 {
				break
			}
		}
		d[l] += f
		e[l] = 0
	}
}

// qlStep is one implicit shift over rows l..m and returns the shift taken out.
func qlStep(v [][]float64, d, e []float64, l, m int) float64 {
	g := d[l]
	p := (d[l+1] - g) / (2 * e[l])
	r := math.Copysign(math.Hypot(p, 1), p)
	d[l] = e[l] / (p + r)
	d[l+1] = e[l] * (p + r)
	dl1 := d[l+1]
	h := g - d[l]
	for i := l + 2; i < len(d); i++ {
		d[i] -= h
	}
	p = d[m]
	c, c2, c3 := 1.0, 1.0, 1.0
	el1, s, s2 := e[l+1], 0.0, 0.0
	for i := m - 1; i >= l; i-- {
		c3, c2, s2 = c2, c, s
		g = c * e[i]
		hh := c * p
		r = math.Hypot(p, e[i])
		e[i+1] = s * r
		s, c = e[i]/r, p/r
		p = c*d[i] - s*g
		d[i+1] = hh + s*(c*g+s*d[i])
		for k := range v {
			hh = v[k][i+1]
			v[k][i+1] = s*v[k][i] + c*hh
			v[k][i] = c*v[k][i] - s*hh
		}
	}
	p = -s * s2 * c3 * el1 * e[l] / dl1
	e[l] = s * p
	d[l] = c * p
	return h
}
