package classify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Errors of training and loading.
var (
	ErrNoLabels    = errors.New("classify: no labels to learn")
	ErrCorrupt     = errors.New("classify: stored model is damaged or of another recipe")
	ErrEmptySample = errors.New("classify: nothing to compare on")
)

// recipe names the way models are built. It changes whenever the same input
// would give another model, so that a Version never means two things.
const recipe = "usher-classify/1"

// Example is one labelled text.
type Example struct {
	Text   string
	Label  string
	Weight float64 // how far to trust it, 0 means 1; corrections by people may count more
}

// Label is one value of a dimension ("intent", "product_area", "team" …). Its
// name and description are learned from too, so a label without examples works.
type Label struct {
	Name        string
	Description string
	Examples    []string
}

// Options steer training. The zero value is the default recipe.
type Options struct {
	Seed       int64
	OOSLabel   string   // label whose examples mean "none fits"; may be empty
	Workers    int      // goroutines; 0 means 2
	Unlabelled []string // texts of the same traffic without labels, to learn word use from
}

// LabelScore is one label with its calibrated probability, 0 to 1.
type LabelScore struct {
	Label string
	Score float64
}

// Term is one reason for a prediction: a word or two words of the text, and
// how strongly it spoke for the label against the runner-up.
type Term struct {
	Text   string
	Weight float64
}

// Prediction says what a text is about.
type Prediction struct {
	Label      string       // the best label, also when OutOfScope is set
	Confidence float64      // calibrated: among predictions with 0.8, eight in ten are right
	OutOfScope bool         // none of the labels fits
	Scores     []LabelScore // the best labels, best first, at most topScores
	Evidence   []Term       // what decided, strongest first, at most topTerms
}

const (
	topScores = 5
	topTerms  = 6
)

// Model is a trained classifier. It does not change after training and may be
// used by many goroutines at once.
type Model struct {
	labels      []string
	vectorizer  *vectorizer
	linear      *linear
	temperature float64
	threshold   float64 // confidence below which none fits
	version     string
}

// Labels lists what the model can say, in the order it was trained with.
func (m *Model) Labels() []string { return slices.Clone(m.labels) }

// Version identifies inputs and recipe: equal versions predict alike.
func (m *Model) Version() string { return m.version }

// training is the input brought into one shape.
type training struct {
	labels []string
	texts  []string
	class  []int // -1: out of scope
	cost   []float64
}

func gather(labels []Label, examples []Example, opt Options) (training, error) {
	var t training
	index := map[string]int{}
	class := func(name string) int {
		if name == opt.OOSLabel && name != "" {
			return -1
		}
		if id, ok := index[name]; ok {
			return id
		}
		index[name] = len(t.labels)
		t.labels = append(t.labels, name)
		return len(t.labels) - 1
	}
	add := func(text string, c int, weight float64) {
		if strings.TrimSpace(text) != "" {
			t.texts, t.class, t.cost = append(t.texts, text), append(t.class, c), append(t.cost, weight)
		}
	}
	for _, l := range labels {
		if l.Name == "" {
			return training{}, fmt.Errorf("classify: a label has no name: %w", ErrNoLabels)
		}
		c := class(l.Name)
		if c < 0 {
			for _, text := range l.Examples {
				add(text, c, 1)
			}
			continue
		}
		add(spoken(l.Name), c, nameWeight)
		add(l.Description, c, nameWeight)
		for _, text := range l.Examples {
			add(text, c, 1)
		}
	}
	for _, e := range examples {
		if e.Label == "" {
			return training{}, errors.New("classify: an example has no label")
		}
		fresh := len(t.labels)
		c := class(e.Label)
		if c == fresh {
			add(spoken(e.Label), c, nameWeight)
		}
		add(e.Text, c, cmp.Or(e.Weight, 1))
	}
	if len(t.labels) == 0 || len(t.texts) == 0 {
		return training{}, ErrNoLabels
	}
	return t, nil
}

// nameWeight is how much a label's name or description counts beside an example.
const nameWeight = 0.5

// spoken turns a label name into words: "card_arrival", "billing.refund".
func spoken(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case r == '_' || r == '.' || r == '-' || r == '/':
			b.WriteByte(' ')
			lower = false
		case r >= 'A' && r <= 'Z' && lower:
			b.WriteByte(' ')
			b.WriteRune(r)
			lower = false
		default:
			b.WriteRune(r)
			lower = r >= 'a' && r <= 'z'
		}
	}
	return b.String()
}

// Train learns the labels from their names, descriptions and examples.
// It stops between steps when ctx ends and then returns its error.
func Train(ctx context.Context, labels []Label, examples []Example, opt Options) (*Model, error) {
	t, err := gather(labels, examples, opt)
	if err != nil {
		return nil, err
	}
	opt.Workers = cmp.Or(opt.Workers, 2)
	m := &Model{labels: t.labels, version: fingerprint(t, opt)}
	m.vectorizer = fitVectorizer(t.texts, 1, opt.Workers)
	rows := make([]vector, len(t.texts))
	parallel(len(rows), opt.Workers, func(i int) { rows[i] = m.vectorizer.vector(t.texts[i]) })

	held := make([][]float32, len(rows))
	const folds = 3
	for fold := range folds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		cost := slices.Clone(t.cost)
		for i := range cost {
			if i%folds == fold || t.class[i] < 0 {
				cost[i] = 0
			}
		}
		part := trainLinear(rows, t.class, cost, len(t.labels), m.vectorizer.size(), epochs, opt.Workers, uint64(opt.Seed))
		for i := fold; i < len(rows); i += folds {
			held[i] = make([]float32, len(t.labels))
			part.score(rows[i], held[i])
		}
	}
	m.temperature = fitTemperature(held, t.class)
	m.threshold = fitThreshold(held, t.class, m.temperature)
	cost := slices.Clone(t.cost)
	for i := range cost {
		if t.class[i] < 0 {
			cost[i] = 0
		}
	}
	m.linear = trainLinear(rows, t.class, cost, len(t.labels), m.vectorizer.size(), epochs, opt.Workers, uint64(opt.Seed))
	return m, ctx.Err()
}

const epochs = 15

// softmax turns margins into probabilities in place.
func softmax(margins []float32, temperature float64) {
	top := slices.Max(margins)
	var sum float64
	for i, x := range margins {
		e := math.Exp(float64(x-top) * temperature)
		margins[i] = float32(e)
		sum += e
	}
	for i := range margins {
		margins[i] = float32(float64(margins[i]) / sum)
	}
}

// fitTemperature finds the sharpness under which the held-out rows are likeliest.
func fitTemperature(held [][]float32, class []int) float64 {
	best, likeliest := 3.0, math.Inf(-1)
	for _, t := range []float64{0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12} {
		var sum float64
		for i, margins := range held {
			if class[i] < 0 {
				continue
			}
			p := slices.Clone(margins)
			softmax(p, t)
			sum += math.Log(float64(p[class[i]]) + 1e-9)
		}
		if sum > likeliest {
			best, likeliest = t, sum
		}
	}
	return best
}

// fitThreshold picks the confidence below which a text belongs to no label:
// the lowest that catches four in five held-out strangers, and without any
// strangers to learn from one that loses few of the known.
func fitThreshold(held [][]float32, class []int, temperature float64) float64 {
	var strangers, known []float64
	for i, margins := range held {
		p := slices.Clone(margins)
		softmax(p, temperature)
		if top := float64(slices.Max(p)); class[i] < 0 {
			strangers = append(strangers, top)
		} else {
			known = append(known, top)
		}
	}
	slices.Sort(strangers)
	slices.Sort(known)
	if len(strangers) >= 10 {
		return strangers[len(strangers)*4/5]
	}
	return known[len(known)/50]
}

// Predict classifies one text. An empty text fits no label.
func (m *Model) Predict(text string) Prediction {
	v := m.vectorizer.vector(text)
	scores := make([]float32, len(m.labels))
	m.linear.score(v, scores)
	softmax(scores, m.temperature)
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	p := Prediction{Label: m.labels[order[0]], Confidence: float64(scores[order[0]])}
	for _, c := range order[:min(topScores, len(order))] {
		p.Scores = append(p.Scores, LabelScore{m.labels[c], float64(scores[c])})
	}
	p.OutOfScope = len(v.ids) == 0 || p.Confidence < m.threshold
	rival := -1
	if len(order) > 1 {
		rival = order[1]
	}
	p.Evidence = m.evidence(text, v, order[0], rival)
	return p
}

// evidence ranks the words and pairs of the text by what they added to the
// winner beyond the runner-up.
func (m *Model) evidence(text string, v vector, winner, rival int) []Term {
	var terms []Term
	seen := map[int32]bool{}
	features(text, func(f feature, a, b string) {
		if g := f.group(); g != groupWord && g != groupPair {
			return
		}
		id, ok := m.vectorizer.index[f]
		if !ok || seen[id] {
			return
		}
		seen[id] = true
		at, found := slices.BinarySearch(v.ids, id)
		if !found {
			return
		}
		row := m.linear.weight[int(id)*m.linear.classes:]
		w := row[winner]
		if rival >= 0 {
			w -= row[rival]
		}
		if w *= v.val[at]; w > 0 {
			if b != "" {
				a += " " + b
			}
			terms = append(terms, Term{a, float64(w)})
		}
	})
	slices.SortFunc(terms, func(a, b Term) int { return cmp.Compare(b.Weight, a.Weight) })
	return terms[:min(topTerms, len(terms))]
}

func fingerprint(t training, opt Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s|%d|%s|%q\n", recipe, opt.Seed, opt.OOSLabel, t.labels)
	for i, text := range t.texts {
		fmt.Fprintf(h, "%d|%g|%q\n", t.class[i], t.cost[i], text)
	}
	for _, text := range opt.Unlabelled {
		fmt.Fprintf(h, "u|%q\n", text)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
