package classify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
const recipe = "usher-classify/6"

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
	Seed     int64
	OOSLabel string // label whose examples mean "none fits"; may be empty
	Workers  int    // goroutines; 0 means 2
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
	labels     []string
	classes    int // labels, and one more when strangers were learned
	vectorizer *vectorizer
	linear     packed    // all learners without a bend, as one map: [feature][class]
	bias       []float32 // [class], as wide as linear
	hidden     *hidden   // all networks with a bend, side by side; nil for none
	logPrior   []float64
	prior      float64
	threshold  float64
	version    string
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
	real   []bool // an example, not a name or description
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
	add := func(text string, c int, weight float64, real bool) {
		if strings.TrimSpace(text) != "" {
			t.texts, t.class, t.cost, t.real = append(t.texts, text), append(t.class, c), append(t.cost, weight), append(t.real, real)
		}
	}
	for _, l := range labels {
		if l.Name == "" {
			return training{}, fmt.Errorf("classify: a label has no name: %w", ErrNoLabels)
		}
		c := class(l.Name)
		if c < 0 {
			for _, text := range l.Examples {
				add(text, c, 1, true)
			}
			continue
		}
		add(spoken(l.Name), c, nameWeight, false)
		add(l.Description, c, nameWeight, false)
		for _, text := range l.Examples {
			add(text, c, 1, true)
		}
	}
	for _, e := range examples {
		if e.Label == "" {
			return training{}, errors.New("classify: an example has no label")
		}
		fresh := len(t.labels)
		c := class(e.Label)
		if c == fresh {
			add(spoken(e.Label), c, nameWeight, false)
		}
		add(e.Text, c, cmp.Or(e.Weight, 1), true)
	}
	if len(t.labels) == 0 || len(t.texts) == 0 {
		return training{}, ErrNoLabels
	}
	return t, nil
}

// followsLanguage reports whether the labels tell languages apart: most texts
// are of the language most texts of their label are of, and the labels differ in it.
func (t training) followsLanguage() bool {
	const enough = 3000
	seen := make([]map[string]int, len(t.labels))
	total := 0
	for i := 0; i < len(t.texts); i += len(t.texts)/enough + 1 {
		c := t.class[i]
		if c < 0 || !t.real[i] {
			continue
		}
		if seen[c] == nil {
			seen[c] = map[string]int{}
		}
		language, _ := Detect(t.texts[i])
		seen[c][language]++
		total++
	}
	languages, agree := map[string]bool{}, 0
	for _, counts := range seen {
		if len(counts) == 0 {
			continue
		}
		most, of := 0, ""
		for language, n := range counts {
			if n > most || n == most && language < of {
				most, of = n, language
			}
		}
		agree += most
		languages[of] = true
	}
	return len(languages) > 1 && 2*len(languages) >= len(t.labels) && 10*agree >= 6*total
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
// When ctx ends it stops soon and returns the context's error.
func Train(ctx context.Context, labels []Label, examples []Example, opt Options) (*Model, error) {
	t, err := gather(labels, examples, opt)
	if err != nil {
		return nil, err
	}
	opt.Workers = cmp.Or(opt.Workers, 2)
	m := &Model{labels: t.labels, classes: len(t.labels), version: fingerprint(t, opt)}
	if slices.Contains(t.class, -1) {
		m.classes++
	}
	m.vectorizer = fitVectorizer(t.texts, t.followsLanguage(), maxFeatures, opt.Workers)
	p := problem{
		rows: make([]vector, len(t.texts)), class: t.class, cost: t.cost, real: t.real, labels: len(t.labels),
		classes: m.classes, size: m.vectorizer.size(), workers: opt.Workers, seed: uint64(opt.Seed),
	}
	parallel(len(p.rows), opt.Workers, func(i int) { p.rows[i] = m.vectorizer.vector(t.texts[i]) })
	for i, c := range p.class {
		if c < 0 {
			p.class[i] = len(t.labels)
		}
	}
	b := p.choose(ctx)
	m.logPrior, m.prior, m.threshold = p.logPrior(), b.prior, b.threshold
	m.assemble(ctx, p, b)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// maxFeatures bounds a model's memory: beyond it features of the fewest texts go first.
const maxFeatures = 60000

// assemble trains the chosen learners on everything and folds them into one
// linear map and one network.
func (m *Model) assemble(ctx context.Context, p problem, b blend) {
	type job struct {
		kind kind
		copy uint64
	}
	var jobs []job
	for k := range kind(kinds) {
		n := copies
		if k == contrast {
			n = 1
		}
		for i := range n {
			if b.weight[k] > leastWeight {
				jobs = append(jobs, job{k, uint64(i + 1)})
			}
		}
	}
	trained := make([]scorer, len(jobs))
	parallel(len(jobs), p.workers, func(i int) { trained[i] = p.train(ctx, jobs[i].kind, b.pace, p.cost, jobs[i].copy) })
	sum := newLinear(m.classes, p.size)
	var bentOnes []*network
	for i, s := range trained {
		w := float32(b.weight[jobs[i].kind])
		switch s := s.(type) {
		case *linear:
			axpy(w, s.weight, sum.weight)
			axpy(w, s.bias, sum.bias)
		case *network:
			if s.bent {
				bentOnes = append(bentOnes, s)
				continue
			}
			sum.absorb(s, w/copies, p.workers)
		}
	}
	if n := join(bentOnes, float32(b.weight[bent]/copies), sum.bias); n != nil {
		m.hidden = &hidden{project: pack(n.project, n.hidden), shift: n.shift, weight: n.weight}
	}
	m.linear, m.bias = pack(sum.weight, sum.stride), sum.bias
}

const leastWeight = 0.02

// absorb adds a network without a bend, times w.
func (m *linear) absorb(n *network, w float32, workers int) {
	h := n.hidden
	size := len(n.project) / h
	parallel(size, workers, func(f int) {
		row := m.weight[f*m.stride : (f+1)*m.stride]
		for c := range n.classes {
			row[c] += w * dot(n.project[f*h:(f+1)*h], n.weight[c*h:(c+1)*h])
		}
	})
	for c := range n.classes {
		m.bias[c] += w * (n.bias[c] + dot(n.shift, n.weight[c*h:(c+1)*h]))
	}
}

// join lays networks side by side as one whose scores are their sum times w;
// their biases go to bias.
func join(parts []*network, w float32, bias []float32) *network {
	if len(parts) == 0 {
		return nil
	}
	h, classes := parts[0].hidden, parts[0].classes
	wide := h * len(parts)
	size := len(parts[0].project) / h
	n := &network{
		hidden: wide, classes: classes, bent: true, project: make([]float32, size*wide), shift: make([]float32, 0, wide),
		weight: make([]float32, classes*wide), bias: make([]float32, classes),
	}
	for k, part := range parts {
		for f := range size {
			copy(n.project[f*wide+k*h:], part.project[f*h:(f+1)*h])
		}
		n.shift = append(n.shift, part.shift...)
		for c := range classes {
			axpy(w, part.weight[c*h:(c+1)*h], n.weight[c*wide+k*h:c*wide+(k+1)*h])
			bias[c] += w * part.bias[c]
		}
	}
	return n
}

// Predict classifies one text. An empty text fits no label.
func (m *Model) Predict(text string) Prediction {
	v := m.vectorizer.vector(text)
	scores, unit := m.scores(v)
	labels := len(m.labels)
	fit := margin(scores, labels)
	chosen := decide(scores[:labels], m.logPrior, m.prior)
	p := Prediction{Label: m.labels[chosen], OutOfScope: len(v.ids) == 0 || fit < m.threshold}
	best := m.ranking(scores, chosen)
	softmax(scores)
	p.Confidence = float64(scores[chosen])
	p.Scores = make([]LabelScore, len(best))
	for i, c := range best {
		p.Scores[i] = LabelScore{m.labels[c], float64(scores[c])}
	}
	rival := -1
	if len(best) > 1 {
		rival = best[1]
	}
	p.Evidence = m.evidence(text, v, unit, chosen, rival)
	return p
}

// hidden is the bent networks of a trained model, side by side.
type hidden struct {
	project packed    // [feature][unit]
	shift   []float32 // [unit]
	weight  []float32 // [class*units + unit]
}

// units computes the hidden layer of v.
func (h *hidden) units(v vector) []float32 {
	unit := slices.Clone(h.shift)
	for i, id := range v.ids {
		h.project.add(v.val[i], id, unit)
	}
	for j, x := range unit {
		unit[j] = max(0, x)
	}
	return unit
}

// out are the weights by which a class is scored.
func (h *hidden) out(class int) []float32 {
	return h.weight[class*h.project.width : (class+1)*h.project.width]
}

// scores gives every class's score and the hidden layer they came by.
func (m *Model) scores(v vector) (scores, unit []float32) {
	scores = slices.Clone(m.bias)
	for i, id := range v.ids {
		m.linear.add(v.val[i], id, scores)
	}
	scores = scores[:m.classes]
	if h := m.hidden; h != nil {
		unit = h.units(v)
		for c := range scores {
			scores[c] += dot(unit, h.out(c))
		}
	}
	return scores, unit
}

// ranking gives the first topScores labels in the order of decision.
func (m *Model) ranking(scores []float32, chosen int) []int {
	order := make([]int, 0, topScores+1)
	order = append(order, chosen)
	value := func(c int) float64 { return float64(scores[c]) - m.prior*m.logPrior[c] }
	for c := range m.labels {
		if c == chosen {
			continue
		}
		at := len(order)
		for at > 1 && value(order[at-1]) < value(c) {
			at--
		}
		if at < topScores {
			order = slices.Insert(order, at, c)
			order = order[:min(topScores, len(order))]
		}
	}
	return order
}

// evidence ranks the words and pairs of the text by what they added to the
// winner beyond the runner-up: exact for the linear map, and for the network
// exact given which units are on.
func (m *Model) evidence(text string, v vector, unit []float32, winner, rival int) []Term {
	var back []float32
	if h := m.hidden; h != nil {
		back = make([]float32, len(unit))
		for j, x := range unit {
			if x > 0 {
				back[j] = h.out(winner)[j]
				if rival >= 0 {
					back[j] -= h.out(rival)[j]
				}
			}
		}
	}
	terms := make([]Term, 0, topTerms+1)
	named := wordFeatures
	if m.vectorizer.letters {
		named = letterRuns
	}
	named(text, func(f feature, a, b string) {
		if a == "" {
			return
		}
		id, ok := m.vectorizer.index[f]
		if !ok {
			return
		}
		at, found := slices.BinarySearch(v.ids, id)
		if !found {
			return
		}
		x := m.linear.at(id, winner)
		if rival >= 0 {
			x -= m.linear.at(id, rival)
		}
		if back != nil {
			x += m.hidden.project.dot(id, back)
		}
		if x *= v.val[at]; x <= 0 {
			return
		}
		if b != "" {
			a += " " + b
		}
		terms = insertTerm(terms, Term{a, float64(x)})
	})
	return terms
}

// insertTerm keeps the strongest distinct terms in order.
func insertTerm(terms []Term, t Term) []Term {
	at := len(terms)
	for i, have := range terms {
		if have.Text == t.Text {
			return terms
		}
		if have.Weight < t.Weight && i < at {
			at = i
		}
	}
	if at >= topTerms {
		return terms
	}
	terms = slices.Insert(terms, at, t)
	return terms[:min(topTerms, len(terms))]
}

func fingerprint(t training, opt Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s|%d|%s|%q\n", recipe, opt.Seed, opt.OOSLabel, t.labels)
	for i, text := range t.texts {
		fmt.Fprintf(h, "%d|%g|%q\n", t.class[i], t.cost[i], text)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
