package classify

import (
	"compress/flate"
	"encoding/gob"
	"fmt"
	"io"
)

// stored is a Model as bytes carry it.
type stored struct {
	Recipe      string
	Version     string
	Labels      []string
	Classes     int
	Features    []feature
	IDF         []float32
	Weight      []byte // see packed
	Step        []float32
	Bias        []float32
	Hidden      int    // 0: no network
	Project     []byte // see packed
	ProjectStep []float32
	Shift       []float32
	Output      []float32
	LogPrior    []float64
	Prior       float64
	Threshold   float64
}

// Write encodes the model so that ReadModel gives one that predicts the same.
func (m *Model) Write(w io.Writer) error {
	s := stored{
		Recipe: recipe, Version: m.version, Labels: m.labels, Classes: m.classes, IDF: m.vectorizer.idf,
		Weight: m.linear.value, Step: m.linear.step, Bias: m.bias, LogPrior: m.logPrior, Prior: m.prior, Threshold: m.threshold,
		Features: make([]feature, m.vectorizer.size()),
	}
	for f, id := range m.vectorizer.index {
		s.Features[id] = f
	}
	if h := m.hidden; h != nil {
		s.Hidden, s.Project, s.ProjectStep, s.Shift, s.Output = h.project.width, h.project.value, h.project.step, h.shift, h.weight
	}
	compressed, err := flate.NewWriter(w, flate.BestSpeed)
	if err != nil {
		return fmt.Errorf("encode model: %w", err)
	}
	if err := gob.NewEncoder(compressed).Encode(s); err != nil {
		return fmt.Errorf("encode model: %w", err)
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("encode model: %w", err)
	}
	return nil
}

// ReadModel decodes what Write wrote. It returns ErrCorrupt for
// anything else, a model of another recipe included: train again then.
func ReadModel(r io.Reader) (*Model, error) {
	var s stored
	if err := gob.NewDecoder(flate.NewReader(r)).Decode(&s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if !s.sound() {
		return nil, ErrCorrupt
	}
	size := len(s.Features)
	v := &vectorizer{index: make(map[feature]int32, size), group: make([]group, size), idf: s.IDF, weight: groupWeight}
	for id, f := range s.Features {
		v.index[f], v.group[id] = int32(id), f.group()
		v.letters = v.letters || f.group() == groupLetter
	}
	m := &Model{
		labels: s.Labels, classes: s.Classes, vectorizer: v,
		linear: packed{width: lanes(s.Classes), value: s.Weight, step: s.Step}, bias: s.Bias,
		logPrior: s.LogPrior, prior: s.Prior, threshold: s.Threshold, version: s.Version,
	}
	if s.Hidden > 0 {
		m.hidden = &hidden{project: packed{width: s.Hidden, value: s.Project, step: s.ProjectStep}, shift: s.Shift, weight: s.Output}
	}
	return m, nil
}

// sound checks every length, so that a damaged model cannot fail later.
func (s *stored) sound() bool {
	size, stride := len(s.Features), lanes(s.Classes)
	if s.Recipe != recipe || len(s.Labels) == 0 || s.Classes < len(s.Labels) || s.Classes > len(s.Labels)+1 ||
		len(s.IDF) != size || len(s.Weight) != size*stride || len(s.Step) != size || len(s.Bias) != stride || len(s.LogPrior) != len(s.Labels) {
		return false
	}
	if s.Hidden < 0 || s.Hidden%lane != 0 || s.Hidden > 0 &&
		(len(s.Project) != size*s.Hidden || len(s.ProjectStep) != size || len(s.Shift) != s.Hidden || len(s.Output) != s.Classes*s.Hidden) {
		return false
	}
	for _, f := range s.Features {
		if f.group() >= groups {
			return false
		}
	}
	return true
}
