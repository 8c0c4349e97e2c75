package classify

// Quality is how a model does on labelled texts.
type Quality struct {
	N        int     `json:"n"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
	ECE      float64 `json:"ece"` // expected calibration error over ten bins, 0 to 1
}

// Comparison says what a retrained model changes on texts neither learned from.
type Comparison struct {
	Old     Quality  `json:"old"`
	New     Quality  `json:"new"`
	Gained  int      `json:"gained"`  // wrong before, right now
	Lost    int      `json:"lost"`    // right before, wrong now
	Changed []Change `json:"changed"` // at most fifty
}

// Change is one held-back text the two models see differently.
type Change struct {
	Text  string `json:"text"`
	Label string `json:"label"` // the true one
	Old   string `json:"old"`
	New   string `json:"new"`
}

const maxChanges = 50

// Accept reports whether the new model may replace the old: it must not get
// fewer of the held-back texts right, nor fewer of those whose label both
// models know. With no old model any new one is accepted; with nothing held
// back there is no ground for a change and Accept says no.
func Accept(old, fresh *Model, heldback []Example) (bool, Comparison) {
	var c Comparison
	if len(heldback) == 0 {
		return old == nil, c
	}
	gold := make([]string, len(heldback))
	before, after := make([]Prediction, len(heldback)), make([]Prediction, len(heldback))
	for i, e := range heldback {
		gold[i] = e.Label
		after[i] = fresh.Predict(e.Text)
		if old != nil {
			before[i] = old.Predict(e.Text)
		}
		was, is := before[i].Label == e.Label, after[i].Label == e.Label
		switch {
		case is && !was:
			c.Gained++
		case was && !is:
			c.Lost++
		}
		if before[i].Label != after[i].Label && len(c.Changed) < maxChanges {
			c.Changed = append(c.Changed, Change{Text: e.Text, Label: e.Label, Old: before[i].Label, New: after[i].Label})
		}
	}
	c.New = Measure(after, gold)
	if old == nil {
		return true, c
	}
	c.Old = Measure(before, gold)
	return c.Lost <= c.Gained, c
}

// Measure compares predictions with the true labels, pairwise.
func Measure(predictions []Prediction, gold []string) Quality {
	q := Quality{N: len(gold)}
	if q.N == 0 {
		return q
	}
	type count struct{ hit, said, true int }
	counts := map[string]*count{}
	of := func(label string) *count {
		c := counts[label]
		if c == nil {
			c = new(count)
			counts[label] = c
		}
		return c
	}
	const bins = 10
	var confidence, right, size [bins]float64
	for i, p := range predictions {
		of(p.Label).said++
		of(gold[i]).true++
		bin := min(bins-1, max(0, int(p.Confidence*bins)))
		size[bin]++
		confidence[bin] += p.Confidence
		if p.Label == gold[i] {
			q.Accuracy++
			of(gold[i]).hit++
			right[bin]++
		}
	}
	present := 0
	for _, c := range counts {
		if c.true == 0 {
			continue
		}
		present++
		q.MacroF1 += 2 * float64(c.hit) / float64(c.said+c.true)
	}
	q.MacroF1 /= float64(present)
	for bin := range bins {
		q.ECE += abs(confidence[bin]-right[bin]) / float64(q.N)
	}
	q.Accuracy /= float64(q.N)
	return q
}
