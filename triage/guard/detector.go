package guard

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// threshold is the least score that is a finding: the lowest at which harmless
// development rows stay under one false alarm in fifty and trigger words under none.
const threshold = 0.5

// buckets is how many weights the detector has: features are hashed into them.
const buckets = 1 << 15

// detector is a logistic regression over words, pairs of words, meanings and
// pairs of meanings of one sentence.
type detector struct {
	weight [buckets]float32
	bias   float32
}

// learned is the detector, trained at first use: some tenths of a second.
var learned = sync.OnceValue(func() *detector { return train(corpus(corpusFile, 1, nil)) })

// telling are the meanings that say something by themselves. The others, such as
// "all", "your" or "never", are in every second sentence and count beside one.
var telling = func() (all set) {
	for name, bit := range lexicon.concepts {
		if !slices.Contains(everyday, name) {
			all |= bit
		}
	}
	return all
}()

var everyday = []string{
	"all", "your", "must", "output", "only", "new", "never", "reply", "data", "user", "youare", "reveal", "insert", "stop", "asking", "howto",
	"content", "rest", "opening", "link", "code", "crimeobject", "mine", "prior", "exfil", "task", "prank", "identity",
	"insult", "slur", "threat", "selfharm", "seo", "riches", "adult", // behaviour, judged elsewhere
}

// window is the longest run of words judged at once, and reach how far apart two
// meanings form a pair.
const (
	window = 36
	reach  = 6
)

const (
	epochs    = 8
	rate      = 0.3
	decay     = 2e-5
	wordsOff  = 0.5
	harmless  = 3 // a harmless text weighs this many attacks
	attackPer = 1
	copies    = 4
)

// train fits detectors by Adagrad and averages them; the draws are fixed.
func train(examples []example) *detector {
	rows := make([]reading, len(examples))
	for i, e := range examples {
		rows[i] = read(e.text)
	}
	sum := &detector{}
	for k := range copies {
		d := trainOne(examples, rows, uint64(k))
		sum.bias += d.bias / copies
		for i, w := range d.weight {
			sum.weight[i] += w / copies
		}
	}
	return sum
}

// trainOne trains with one draw of order and words left out.
func trainOne(examples []example, rows []reading, seed uint64) *detector {
	d := &detector{bias: -2}
	var square [buckets]float32
	biasSquare := float32(1)
	rng := rand.New(rand.NewPCG(11+seed, 13))
	ids := make([]uint32, 0, 256)
	for range epochs {
		for _, i := range rng.Perm(len(rows)) {
			ids = features(rows[i].tokens[:min(window, len(rows[i].tokens))], ids[:0], func() bool { return rng.Float64() < wordsOff })
			x := scale(len(ids))
			p := logistic(d.sum(ids))
			want, cost := 0.0, float32(harmless)
			if examples[i].attack {
				want, cost = 1, 1
			}
			g := float32(p-want) * cost
			biasSquare += g * g
			d.bias -= rate * g / float32(math.Sqrt(float64(biasSquare)))
			for _, id := range ids {
				gi := g*x + decay*d.weight[id]
				square[id] += gi * gi
				d.weight[id] -= rate * gi / float32(math.Sqrt(float64(square[id])+1e-6))
			}
		}
	}
	return d
}

func scale(n int) float32 { return float32(1 / math.Sqrt(float64(max(n, 1)))) }

func (d *detector) sum(ids []uint32) float64 {
	var s float32
	for _, id := range ids {
		s += d.weight[id]
	}
	return float64(d.bias + s*scale(len(ids)))
}

func logistic(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// judge gives the highest chance of any sentence, and the words it began with.
func (d *detector) judge(t *reading) (p float64, where string) {
	ids := make([]uint32, 0, 512)
	best := -1
	try := func(from, to int) {
		if to-from < 3 || t.has(from, to)&telling == 0 {
			return // too little to tell, or nothing it would know
		}
		ids = features(t.tokens[from:to], ids[:0], nil)
		if q := logistic(d.sum(ids)); q > p {
			p, best = q, from
		}
	}
	for _, s := range t.sentences {
		for from := s.from; from < s.to; from += window * 3 / 4 {
			try(from, min(from+window, s.to))
			if from+window >= s.to {
				break
			}
		}
	}
	if best < 0 {
		return 0, ""
	}
	var words []string
	for _, tok := range t.tokens[best:min(best+4, len(t.tokens))] {
		words = append(words, tok.text)
	}
	return p, `"` + strings.Join(words, " ") + `…"`
}

// features lists the hashed features of some tokens. off says to leave a word out.
func features(tokens []token, ids []uint32, off func() bool) []uint32 {
	previous := uint64(0)
	for i := range tokens {
		t := &tokens[i]
		h := hash(t.text)
		if off == nil || !off() {
			ids = append(ids, bucket(h, 1))
			if previous != 0 {
				ids = append(ids, bucket(previous*31+h, 2))
			}
		}
		previous = h
		for a := t.concepts; a != 0; a &= a - 1 {
			first := uint64(bits.TrailingZeros64(uint64(a)))
			told := a&-a&telling != 0
			if told {
				ids = append(ids, bucket(first, 3))
			}
			for j := i + 1; j < len(tokens) && j-i <= reach; j++ {
				for b := tokens[j].concepts; b != 0; b &= b - 1 {
					if !told && b&-b&telling == 0 {
						continue
					}
					ids = append(ids, bucket(first<<8|uint64(bits.TrailingZeros64(uint64(b))), 4))
				}
			}
		}
	}
	return ids
}

func bucket(h, kind uint64) uint32 {
	h = (h ^ kind*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	return uint32(h>>33) & (buckets - 1)
}

func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
