package guard

import (
	_ "embed"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

// threshold is the least score that is a finding: the lowest at which harmless
// development rows stay under one false alarm in fifty and trigger words under none.
const threshold = 0.5

// buckets is how many weights the detector has: features are hashed into them.
const buckets = 1 << 16

// detector is a logistic regression over words, pairs of words, how sentences open,
// meanings, and pairs of meanings: in order and in any within reach, and anywhere.
type detector struct {
	weight [buckets]float32
	bias   float32
}

// weightsFile holds the bias and the size of a step, four bytes each, and a weight
// of one byte per bucket. train_test.go writes it.
//
//go:embed weights.bin
var weightsFile []byte

// learned is the detector.
var learned = sync.OnceValue(func() *detector { return parseWeights(weightsFile) })

func parseWeights(file []byte) *detector {
	if len(file) != 8+buckets {
		panic("guard: weights.bin is of another size: go test ./triage/guard -run TestWeights -update")
	}
	d := &detector{bias: math.Float32frombits(binary.LittleEndian.Uint32(file))}
	step := math.Float32frombits(binary.LittleEndian.Uint32(file[4:]))
	for i, w := range file[8:] {
		d.weight[i] = float32(int8(w)) * step
	}
	return d
}

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
}

// stemLength is how many first letters of a longer word are a feature.
const stemLength = 5

// perTry is how much surer a sentence must be when more were tried: of many one
// looks odd by chance.
const perTry = 0.9

// caution is asked of every sentence besides: with less, more of our harmless texts are
// findings; with more, more attacks are missed.
// TestFamilies holds it from both sides.
const caution = 0.3

// nothingTelling is how much surer a sentence must be in which no word has a meaning
// the lexicon knows.
const nothingTelling = 1

// window is the longest run of words judged at once, and reach how far apart two
// meanings form a pair.
const (
	window = 36
	reach  = 6
)

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
	best, tries := -1, 0
	try := func(from, to int) {
		if to-from < 3 {
			return // too little to tell
		}
		ids = features(t.tokens[from:to], ids[:0], nil)
		z := d.sum(ids)
		if t.has(from, to)&telling == 0 {
			z -= nothingTelling
		} else {
			tries++
		}
		if best < 0 || z > p {
			p, best = z, from
		}
	}
	for i, s := range t.sentences {
		if i > 0 {
			if before := t.sentences[i-1]; s.to-before.from <= window {
				try(before.from, s.to)
			}
		}
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
	p = logistic(p - caution - perTry*math.Log(float64(max(tries, 1))))
	var words []string
	for _, tok := range t.tokens[best:min(best+4, len(t.tokens))] {
		words = append(words, tok.text)
	}
	return p, `"` + strings.Join(words, " ") + `…"`
}

// features lists the hashed features of some tokens. off says to leave a word out.
func features(tokens []token, ids []uint32, off func() bool) []uint32 {
	previous, previousCommon := uint64(0), true
	opening := 0 // the first word of the sentence
	var has set
	for i := range tokens {
		t := &tokens[i]
		h := hash(t.text)
		common, dropped := stopWords[t.text], off != nil && off()
		if i == 0 || t.sentence != tokens[i-1].sentence {
			opening = i
			if !dropped {
				ids = append(ids, bucket(h, 6))
			}
		}
		if !dropped {
			if !common {
				ids = append(ids, bucket(h, 1))
				if len(t.text) > stemLength {
					ids = append(ids, bucket(hash(t.text[:stemLength]), 5))
				}
			}
			if previous != 0 && !(common && previousCommon) {
				ids = append(ids, bucket(previous*31+h, 2))
			}
		}
		previous, previousCommon = h, common
		has |= t.concepts
		for a := t.concepts; a != 0; a &= a - 1 {
			first := number(a)
			told := a&-a&telling != 0
			if told {
				ids = append(ids, bucket(first, 3))
			}
			if i-opening < openingWords {
				ids = append(ids, bucket(first, 7))
			}
			for j := i + 1; j < len(tokens) && j-i <= reach; j++ {
				for b := tokens[j].concepts; b != 0; b &= b - 1 {
					if !told && b&-b&telling == 0 {
						continue
					}
					second := number(b)
					ids = append(ids, bucket(first<<8|second, 4), bucket(min(first, second)<<8|max(first, second), 8))
				}
			}
		}
	}
	for a := has & telling; a != 0; a &= a - 1 {
		for b := a & (a - 1); b != 0; b &= b - 1 {
			ids = append(ids, bucket(number(a)<<8|number(b), 9))
		}
	}
	return ids
}

// openingWords are how many words of a sentence say what it does: order, ask, tell.
const openingWords = 3

// number is that of the lowest concept of a set.
func number(a set) uint64 { return uint64(bits.TrailingZeros64(uint64(a))) }

// stopWords are in every text; alone they are no feature.
var stopWords = wordList(`a an the and or but so if then than that this these those there here it its it's is are was were be been being am i'm you're we're they're he's she's that's there's what's let's
i you he she we they me him her us them my your his our their mine yours ours theirs myself yourself who whom whose which what when where why how
do does did done doing don't doesn't didn't have has had having haven't hasn't can can't cannot could couldn't will won't would wouldn't shall should shouldn't may might must i've you've we've i'd you'd i'll you'll we'll
of in on at to for from by with without about into onto over under up down out off as like than too very just also only even still yet again more most much many some any all each every both either neither no not nor none one two three first
please thanks thank sorry hello hi hey ok okay yes well now today get got go going went come make made take use used using want need know see say said tell told give given let put new same other another such own way thing things time
der die das den dem des ein eine einen einem einer und oder aber wenn dass nicht kein keine ich du er sie es wir ihr mich mir dich dir uns euch mein meine dein deine sein seine ihre unser unsere ist sind war bin bist hat habe haben wird werden kann können muss soll will auf aus bei in im an am mit nach von vom zu zum zur für über unter um als wie was wer wo wann warum auch noch nur schon mehr sehr hier da so bitte danke
le la les l un une des du de d et ou mais si que qui quoi ne pas plus je j tu il elle on nous vous ils elles me m te t se s lui leur mon ma mes ton ta tes son sa ses notre nos votre vos ce cet cette ces c est sont a ai as avons avez ont était être avoir au aux dans en par pour sur avec sans sous comme comment quand où pourquoi aussi très merci
el los las una unos unas del al y o pero si no ni que quien cual yo ella ellos mi mis tu tus su sus nuestro nuestra lo se es son era soy eres ha he han hay esta este esto estos en con por para sin sobre como cuando donde porque también muy más gracias
os um uma uns umas do da dos das ao à no na nos nas e ou mas se não nem eu você ele ela eles meu minha seu sua nosso nossa é são foi sou está há em com por para sem sobre como quando onde porque também muito mais obrigado`)

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
