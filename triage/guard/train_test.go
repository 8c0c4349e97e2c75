package guard

import (
	"encoding/binary"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	update = flag.Bool("update", false, "write weights.bin anew")
	unseen = flag.Bool("unseen", false, "train without each kind of attack in turn, for minutes")
)

const (
	epochs   = 8
	rate     = 0.3
	decay    = 2e-5
	wordsOff = 0.5
	harmless = 3 // a harmless text from a template weighs this many attacks
	plainly  = 3 // and a sentence of prose.txt
	copies   = 4
)

// train fits detectors by Adagrad and averages them; the draws are fixed.
func train(examples []example, copies int) *detector {
	rows := make([]reading, len(examples))
	for i, e := range examples {
		rows[i] = read(e.text)
	}
	sum := &detector{}
	for k := range copies {
		d := trainOne(examples, rows, uint64(k))
		sum.bias += d.bias / float32(copies)
		for i, w := range d.weight {
			sum.weight[i] += w / float32(copies)
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
			switch {
			case examples[i].attack:
				want, cost = 1, 1
			case examples[i].prose:
				cost = plainly
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

// quantised writes a detector as weights.bin has it.
func quantised(d *detector) []byte {
	top := float32(0)
	for _, w := range d.weight {
		top = max(top, w, -w)
	}
	step := top / 127
	out := binary.LittleEndian.AppendUint32(nil, math.Float32bits(d.bias))
	out = binary.LittleEndian.AppendUint32(out, math.Float32bits(step))
	for _, w := range d.weight {
		out = append(out, byte(int8(math.Round(float64(w/step)))))
	}
	return out
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(raw)
}

// everything is all the detector learns from.
func everything(t testing.TB, keep func(family string, template int) bool) []example {
	examples := corpus(readFile(t, "corpus.txt"), 1, keep)
	for line := range strings.Lines(readFile(t, "prose.txt")) {
		examples = append(examples, example{text: strings.TrimSpace(line), prose: true})
	}
	return examples
}

// The shipped weights are those the corpus gives; -update writes them.
func TestWeights(t *testing.T) {
	if testing.Short() && !*update {
		t.Skip("trains for some seconds")
	}
	trained := quantised(train(everything(t, nil), copies))
	if *update {
		require.NoError(t, os.WriteFile("weights.bin", trained, 0o644))
		return
	}
	require.Equal(t, len(trained), len(weightsFile))
	off := 0
	for i := range trained[8:] {
		if d := int(int8(trained[8+i])) - int(int8(weightsFile[8+i])); d < -1 || d > 1 { // another processor rounds otherwise
			off++
		}
	}
	require.LessOrEqual(t, off, buckets/1000, "weights.bin is not of this corpus: go test ./triage/guard -run TestWeights -update")
}

// labelled reads a file of testdata: the texts by family.
func labelled(t testing.TB, name string) (families []string, texts map[string][]string) {
	texts = map[string][]string{}
	family := ""
	for line := range strings.Lines(readFile(t, name)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "", strings.HasPrefix(line, "# "):
		case strings.HasPrefix(line, "= "):
			family = line[2:]
			families = append(families, family)
		default:
			texts[family] = append(texts[family], strings.NewReplacer(`\n`, "\n", `\u200b`, "\u200b").Replace(line))
		}
	}
	return families, texts
}

// What is found of texts we wrote to measure with, kind by kind; with -unseen also
// when nothing of the kind was learned from.
func TestFamilies(t *testing.T) {
	count := func(texts []string) (n int) {
		for _, text := range texts {
			if Inspect(text).Injection {
				n++
			}
		}
		return n
	}
	families, attacks := labelled(t, "testdata/attacks.txt")
	shipped := learned
	defer func() { learned = shipped }()
	known, unknown, all := 0, 0, 0
	for _, family := range families {
		learned = shipped
		with := count(attacks[family])
		known, all = known+with, all+len(attacks[family])
		if !*unseen {
			t.Logf("%-20s %2d of %2d found", family, with, len(attacks[family]))
			continue
		}
		d := train(everything(t, func(f string, _ int) bool { return f != family }), 1)
		learned = func() *detector { return d }
		without := count(attacks[family])
		unknown += without
		t.Logf("%-20s %2d of %2d found, %2d when never learned", family, with, len(attacks[family]), without)
	}
	learned = shipped
	t.Logf("%-20s %d of %d found, %d when never learned", "together", known, all, unknown)
	require.GreaterOrEqual(t, float64(known), 0.86*float64(all))
	kinds, fine := labelled(t, "testdata/harmless.txt")
	alarms, texts := 0, 0
	for _, kind := range kinds {
		for _, text := range fine[kind] {
			if r := Inspect(text); r.Injection {
				t.Logf("false alarm (%s): %s %v", kind, text, r.Signals)
				alarms++
			}
			texts++
		}
	}
	require.LessOrEqual(t, float64(alarms), 0.01*float64(texts))
	for _, file := range []string{"testdata/fresh.txt", "testdata/later.txt"} {
		_, later := labelled(t, file)
		found, flagged := count(later["attack"]), count(later["harmless"])
		t.Logf("%s: %d of %d attacks found, %d of %d harmless texts flagged", file, found, len(later["attack"]), flagged, len(later["harmless"]))
		require.GreaterOrEqual(t, float64(found), 0.65*float64(len(later["attack"])), file)
		require.LessOrEqual(t, flagged, 2, file)
	}
}
