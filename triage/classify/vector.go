package classify

import (
	"math"
	"slices"
	"strings"
	"sync"
)

// group tells kinds of features apart: each is weighted as a unit, so that the
// many character n-grams do not drown the few words.
type group uint8

const (
	groupWord  group = iota // stemmed words
	groupPair               // two words in a row
	groupChar               // 3 to 5 characters inside a word, boundaries marked
	groupTitle              // words of the first line of a text with several lines
	groups     = iota
)

// groupWeight is the length each group's part of a vector is scaled to.
var groupWeight = [groups]float64{groupWord: 1, groupPair: 0.6, groupChar: 1, groupTitle: 0.8}

// vector is a sparse vector; ids ascend.
type vector struct {
	ids []int32
	val []float32
}

func (v vector) norm() float64 {
	var sum float64
	for _, x := range v.val {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// dot multiplies with a dense vector of weights.
func (v vector) dot(w []float32) float32 {
	var sum float32
	for i, id := range v.ids {
		sum += v.val[i] * w[id]
	}
	return sum
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hashString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// feature is a hashed n-gram; its group sits in the lowest bits.
type feature uint64

const groupBits = 3

func newFeature(g group, h uint64) feature {
	return feature((h^h>>32)<<groupBits | uint64(g))
}

func (f feature) group() group { return group(f & (1<<groupBits - 1)) }

// features calls emit for every feature of a text. The term is the text a
// person would recognise; it is only built for words and pairs.
func features(text string, emit func(f feature, a, b string)) {
	title := ""
	if i := strings.IndexByte(text, '\n'); i > 0 && i < 300 {
		title = text[:i]
	}
	tokens := words(text)
	previous, before := "", uint64(0)
	for _, w := range tokens {
		h := hashString(fnvOffset, stem(w))
		emit(newFeature(groupWord, h), w, "")
		if previous != "" {
			emit(newFeature(groupPair, hashString(before, " ")^h*fnvPrime), previous, w)
		}
		characters(w, func(h uint64) { emit(newFeature(groupChar, h), "", "") })
		previous, before = w, h
	}
	if title != "" {
		for _, w := range words(title) {
			emit(newFeature(groupTitle, hashString(fnvOffset, stem(w))), w, "")
		}
	}
}

// characters calls emit for the hash of every run of 3 to 5 runes of " word ".
func characters(w string, emit func(uint64)) {
	if len(w) > 40 {
		w = w[:40]
	}
	var runes [48]rune
	n := 1
	runes[0] = ' '
	for _, r := range w {
		runes[n] = r
		n++
	}
	runes[n] = ' '
	n++
	for i := range n {
		h := uint64(fnvOffset)
		for j := i; j < n && j < i+5; j++ {
			h = (h ^ uint64(runes[j])) * fnvPrime
			if j-i >= 2 {
				emit(h)
			}
		}
	}
}

// vectorizer turns text into a weighted sparse vector over the features seen
// in training.
type vectorizer struct {
	index  map[feature]int32
	group  []group
	idf    []float32
	weight [groups]float64
	pool   sync.Pool
}

// fitVectorizer learns which features exist and how telling they are.
func fitVectorizer(texts []string, minDF, workers int) *vectorizer {
	seen := make([][]feature, len(texts))
	parallel(len(texts), workers, func(i int) {
		var list []feature
		features(texts[i], func(f feature, _, _ string) { list = append(list, f) })
		slices.Sort(list)
		seen[i] = slices.Compact(list)
	})
	df := make(map[feature]int32, 1<<16)
	for _, list := range seen {
		for _, f := range list {
			df[f]++
		}
	}
	kept := make([]feature, 0, len(df))
	for f, n := range df {
		if int(n) >= minDF {
			kept = append(kept, f)
		}
	}
	slices.Sort(kept)
	v := &vectorizer{
		index:  make(map[feature]int32, len(kept)),
		group:  make([]group, len(kept)),
		idf:    make([]float32, len(kept)),
		weight: groupWeight,
	}
	for id, f := range kept {
		v.index[f] = int32(id)
		v.group[id] = f.group()
		v.idf[id] = float32(math.Log(float64(1+len(texts))/float64(1+df[f])) + 1)
	}
	return v
}

func (v *vectorizer) size() int { return len(v.idf) }

// vector weighs a text's known features: damped count times idf, each group
// scaled to its weight, the whole to length one.
func (v *vectorizer) vector(text string) vector {
	scratch, _ := v.pool.Get().(*[]int32)
	if scratch == nil {
		scratch = new([]int32)
	}
	ids := (*scratch)[:0]
	features(text, func(f feature, _, _ string) {
		if id, ok := v.index[f]; ok {
			ids = append(ids, id)
		}
	})
	slices.Sort(ids)
	out := vector{ids: make([]int32, 0, len(ids)), val: make([]float32, 0, len(ids))}
	var length [groups]float64
	for i := 0; i < len(ids); {
		j := i
		for j < len(ids) && ids[j] == ids[i] {
			j++
		}
		id := ids[i]
		x := (1 + math.Log(float64(j-i))) * float64(v.idf[id])
		length[v.group[id]] += x * x
		out.ids, out.val = append(out.ids, id), append(out.val, float32(x))
		i = j
	}
	*scratch = ids
	v.pool.Put(scratch)
	var total float64
	var scale [groups]float64
	for g := range length {
		if length[g] > 0 {
			scale[g] = v.weight[g] / math.Sqrt(length[g])
			total += v.weight[g] * v.weight[g]
		}
	}
	if total == 0 {
		return out
	}
	total = math.Sqrt(total)
	for i, id := range out.ids {
		out.val[i] *= float32(scale[v.group[id]] / total)
	}
	return out
}

// parallel runs fn for 0..n-1 on up to workers goroutines and waits.
func parallel(n, workers int, fn func(i int)) {
	if workers < 2 || n < 2 {
		for i := range n {
			fn(i)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				fn(i)
			}
		})
	}
	wg.Wait()
}
