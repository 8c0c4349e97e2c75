package classify

import (
	"bytes"
	"compress/flate"
	"encoding/gob"
	"fmt"
)

// stored is a Model as bytes carry it.
type stored struct {
	Recipe      string
	Version     string
	Labels      []string
	Classes     int
	Features    []feature
	IDF         []float32
	Weight      []byte // int8, see packed
	Step        []float32
	Bias        []float32
	Hidden      int    // 0: no network
	Project     []byte // int8
	ProjectStep []float32
	Shift       []float32
	Output      []float32
	LogPrior    []float64
	Prior       float64
	Threshold   float64
}

// MarshalBinary encodes the model so that UnmarshalModel gives one that
// predicts the same.
func (m *Model) MarshalBinary() ([]byte, error) {
	s := stored{
		Recipe: recipe, Version: m.version, Labels: m.labels, Classes: m.classes, IDF: m.vectorizer.idf,
		Weight: asBytes(m.linear.value), Step: m.linear.step, Bias: m.bias, LogPrior: m.logPrior, Prior: m.prior, Threshold: m.threshold,
		Features: make([]feature, m.vectorizer.size()),
	}
	for f, id := range m.vectorizer.index {
		s.Features[id] = f
	}
	if h := m.hidden; h != nil {
		s.Hidden, s.Project, s.ProjectStep, s.Shift, s.Output = h.project.width, asBytes(h.project.value), h.project.step, h.shift, h.weight
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	if err := gob.NewEncoder(w).Encode(s); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	return b.Bytes(), nil
}

// UnmarshalModel decodes what MarshalBinary made. It returns ErrCorrupt for
// anything else, a model of another recipe included: train again then.
func UnmarshalModel(data []byte) (*Model, error) {
	var s stored
	if err := gob.NewDecoder(flate.NewReader(bytes.NewReader(data))).Decode(&s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if !s.sound() {
		return nil, ErrCorrupt
	}
	size := len(s.Features)
	v := &vectorizer{index: make(map[feature]int32, size), group: make([]group, size), idf: s.IDF, weight: groupWeight}
	for id, f := range s.Features {
		v.index[f], v.group[id] = int32(id), f.group()
	}
	m := &Model{
		labels: s.Labels, classes: s.Classes, vectorizer: v,
		linear: packed{width: lanes(s.Classes), value: asNumbers(s.Weight), step: s.Step}, bias: s.Bias,
		logPrior: s.LogPrior, prior: s.Prior, threshold: s.Threshold, version: s.Version,
	}
	if s.Hidden > 0 {
		m.hidden = &hidden{project: packed{width: s.Hidden, value: asNumbers(s.Project), step: s.ProjectStep}, shift: s.Shift, weight: s.Output}
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

func asBytes(x []int8) []byte {
	b := make([]byte, len(x))
	for i, v := range x {
		b[i] = byte(v)
	}
	return b
}

func asNumbers(b []byte) []int8 {
	x := make([]int8, len(b))
	for i, v := range b {
		x[i] = int8(v)
	}
	return x
}
