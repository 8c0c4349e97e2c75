package classify

import (
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// group tells kinds of features apart: each is weighted as a unit, so that the
// many character n-grams do not drown the few words.
type group uint8

const (
	groupWord    group = iota // stemmed words
	groupPair                 // two words in a row
	groupChar                 // 3 and 4 characters inside a word, boundaries marked
	groupScript               // 1 to 3 characters of words with letters beyond ASCII, accents kept
	groupTongue               // the language the shipped profiles recognise, unless English
	groupTitle                // words of the first line of a text with several lines
	groupLine                 // whole lines of such a text, digits made equal: forms and templates
	groupShape                // marks of such a text: code, lists, links, length, how the title opens
	groupConcept              // what words mean: see lexicon.Concepts
	groupMood                 // how words feel: see Sentiment
	groupLetter               // words and runs of letters as written, where labels follow the language
	groups       = iota
)

// groupWeight is the length each group's part of a vector is scaled to.
var groupWeight = [groups]float64{
	groupWord: 1, groupPair: 0.8, groupChar: 0.7, groupScript: 0.7, groupTongue: 0.5, groupTitle: 0.8, groupLine: 0.5, groupShape: 0.5,
	groupConcept: 0.8, groupMood: 0.5, groupLetter: 2,
}

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

// cosine compares two vectors of length one.
func (v vector) cosine(w vector) float64 {
	var sum float64
	for i, j := 0, 0; i < len(v.ids) && j < len(w.ids); {
		switch {
		case v.ids[i] < w.ids[j]:
			i++
		case v.ids[i] > w.ids[j]:
			j++
		default:
			sum += float64(v.val[i]) * float64(w.val[j])
			i++
			j++
		}
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

const groupBits = 4

func newFeature(g group, h uint64) feature {
	return feature((h^h>>32)<<groupBits | uint64(g))
}

func (f feature) group() group { return group(f & (1<<groupBits - 1)) }

// maxTitle is the longest first line that counts as a title.
const maxTitle = 300

// features calls emit for every feature of a text. a and b are the words a
// person would recognise it by, empty for all but words and pairs. With letters
// set, letters take the place of words: the labels follow the language.
func features(text string, letters bool, emit func(f feature, a, b string)) {
	if letters {
		text = unnamed(text)
		letterRuns(text, emit)
	} else {
		wordFeatures(text, emit)
	}
	script(text, func(h uint64) { emit(newFeature(groupScript, h), "", "") })
	if lang, sure := byProfile(text, ""); sure > 0.5 && lang != "en" {
		emit(newFeature(groupTongue, hashString(fnvOffset, lang)), "", "")
	}
	at := strings.IndexByte(text, '\n')
	if at <= 0 || at > maxTitle {
		return
	}
	title := words(text[:at])
	for _, w := range title {
		emit(newFeature(groupTitle, hashString(fnvOffset, stem(w))), "", "")
	}
	lines(text, func(h uint64) { emit(newFeature(groupLine, h), "", "") })
	shape(text, text[:at], title, func(h uint64) { emit(newFeature(groupShape, h), "", "") })
}

// wordFeatures are the words, pairs, characters and meanings of a text.
func wordFeatures(text string, emit func(f feature, a, b string)) {
	var previous, previousStem, earlier string
	before := uint64(0)
	for _, w := range words(text) {
		root := stem(w)
		h := hashString(fnvOffset, root)
		emit(newFeature(groupWord, h), w, "")
		for _, c := range wordConcepts[root] {
			emit(newFeature(groupConcept, c), "", "")
		}
		mood(w, previous, earlier, func(h uint64) { emit(newFeature(groupMood, h), "", "") })
		if previous != "" {
			emit(newFeature(groupPair, hashString(before, " ")^h*fnvPrime), previous, w)
			for _, c := range pairConcepts[[2]string{previousStem, root}] {
				emit(newFeature(groupConcept, c), "", "")
			}
		}
		characters(w, 3, 4, func(h uint64) { emit(newFeature(groupChar, h), "", "") })
		earlier, previous, previousStem, before = previous, w, root, h
	}
}

const maxWord = 40

// characters calls emit for the hash of every run of low to high runes of " word ".
func characters(w string, low, high int, emit func(uint64)) {
	var runes [maxWord + 2]rune
	n := 1
	runes[0] = ' '
	for _, r := range w {
		if n > maxWord {
			break
		}
		runes[n] = r
		n++
	}
	runes[n] = ' '
	n++
	for i := range n {
		h := uint64(fnvOffset)
		for j := i; j < n && j < i+high; j++ {
			h = (h ^ uint64(runes[j])) * fnvPrime
			if j-i+1 >= low {
				emit(h)
			}
		}
	}
}

// script calls emit for the character runs of words that hold letters beyond
// ASCII: what tells languages apart, and is lost when accents are folded.
func script(text string, emit func(uint64)) {
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) }) {
		for i := range len(w) {
			if w[i] >= utf8.RuneSelf {
				characters(strings.ToLower(w), 1, 3, emit)
				break
			}
		}
	}
}

// letterRuns calls emit for every word as written, accents kept, and for the
// runs of one to five letters in it and over its edges.
func letterRuns(text string, emit func(f feature, a, b string)) {
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) && r != '\'' && r != '’' }
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), apart) {
		emit(newFeature(groupLetter, hashString(fnvOffset, w)), w, "")
		characters(w, 1, 5, func(h uint64) { emit(newFeature(groupLetter, h), "", "") })
	}
}

// unnamed leaves out runs of two or more capitalised words, the first word of
// the text aside: names and titles, which are as often as not of another language.
func unnamed(text string) string {
	fields := strings.Fields(text)
	capital := func(i int) bool {
		if i >= len(fields) {
			return false
		}
		r, _ := utf8.DecodeRuneInString(strings.TrimLeft(fields[i], "\"'“„«([¿¡"))
		return unicode.IsUpper(r)
	}
	kept := make([]string, 0, len(fields))
	for i, w := range fields {
		if i > 0 && capital(i) && (i > 1 && capital(i-1) || capital(i+1)) {
			continue
		}
		kept = append(kept, w)
	}
	if len(kept) < 2 {
		return text
	}
	return strings.Join(kept, " ")
}

// lines calls emit for the hash of every line of moderate length.
func lines(text string, emit func(uint64)) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || len(line) > 200 {
			continue
		}
		h := uint64(fnvOffset)
		for i := range len(line) {
			c := line[i]
			if c >= '0' && c <= '9' {
				c = '0'
			}
			h = (h ^ uint64(c)) * fnvPrime
		}
		emit(h)
	}
}

// marks are pieces whose mere presence says something about a longer text.
var marks = []string{
	"```", "{code", "{noformat", "http", "![", "- [ ]", "- [x]", "* ", "1. ", "<!--", "#", "at ", "Exception", "Error",
	"Traceback", "@", "=>", "()", "!", "??", "...", "?", "[",
}

// shape calls emit for what the outside of a longer text looks like.
func shape(text, title string, titleWords []string, emit func(uint64)) {
	mark := func(kind, value string) { emit(hashString(hashString(fnvOffset, kind), value)) }
	count := func(kind string, n int) { emit(hashString(fnvOffset, kind) ^ uint64(bits.Len(uint(n)))*fnvPrime) }
	count("bytes", len(text))
	count("lines", strings.Count(text, "\n"))
	count("questions", strings.Count(text, "?"))
	for _, m := range marks {
		if strings.Contains(text, m) {
			mark("text", m)
		}
	}
	for _, m := range []string{"?", "[", ":", "`"} {
		if strings.Contains(title, m) {
			mark("title", m)
		}
	}
	if strings.HasSuffix(strings.TrimSpace(text), "?") {
		mark("end", "?")
	}
	if n := len(titleWords); n > 0 {
		mark("first", titleWords[0])
		mark("last", titleWords[n-1])
		if n > 1 {
			mark("first", titleWords[0]+" "+titleWords[1])
		}
	}
}

// vectorizer turns text into a weighted sparse vector over the features seen
// in training.
type vectorizer struct {
	index   map[feature]int32
	group   []group
	idf     []float32
	weight  [groups]float64
	letters bool // labels follow the language: groupLetter instead of words
	pool    sync.Pool
}

// fitVectorizer learns which features exist and how telling they are. letters
// as in features.
func fitVectorizer(texts []string, letters bool, most, workers int) *vectorizer {
	seen := make([][]feature, len(texts))
	parallel(len(texts), workers, func(i int) {
		var list []feature
		features(texts[i], letters, func(f feature, _, _ string) { list = append(list, f) })
		slices.Sort(list)
		seen[i] = slices.Compact(list)
	})
	df := make(map[feature]int32, 1<<16)
	for _, list := range seen {
		for _, f := range list {
			df[f]++
		}
	}
	least := leastCount(df, most)
	kept := make([]feature, 0, len(df))
	for f, n := range df {
		if n >= least {
			kept = append(kept, f)
		}
	}
	slices.Sort(kept)
	v := &vectorizer{
		index:   make(map[feature]int32, len(kept)),
		group:   make([]group, len(kept)),
		idf:     make([]float32, len(kept)),
		weight:  groupWeight,
		letters: letters,
	}
	for id, f := range kept {
		v.index[f] = int32(id)
		v.group[id] = f.group()
		v.idf[id] = float32(math.Log(float64(1+len(texts))/float64(1+df[f])) + 1)
	}
	return v
}

// leastCount is the number of texts a feature must occur in so that at most
// so many features remain.
func leastCount(df map[feature]int32, most int) int32 {
	const highest = 50
	var with [highest]int
	for _, n := range df {
		with[min(n, highest-1)]++
	}
	left := len(df)
	for least := range int32(highest) {
		if left <= most {
			return least
		}
		left -= with[least]
	}
	return highest
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
	features(text, v.letters, func(f feature, _, _ string) {
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
