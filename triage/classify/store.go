package classify

import (
	"bytes"
	"compress/flate"
	"encoding/gob"
	"fmt"
)

// stored is a Model as bytes carry it.
type stored struct {
	Recipe    string
	Version   string
	Labels    []string
	Classes   int
	Features  []feature
	IDF       []float32
	Weight    []float32
	Bias      []float32
	Hidden    int // 0: no network
	Project   []float32
	Shift     []float32
	Output    []float32
	LogPrior  []float64
	Prior     float64
	Threshold float64
}

// MarshalBinary encodes the model so that UnmarshalModel gives one that
// predicts the same.
func (m *Model) MarshalBinary() ([]byte, error) {
	s := stored{
		Recipe: recipe, Version: m.version, Labels: m.labels, Classes: m.classes, IDF: m.vectorizer.idf,
		Weight: m.linear.weight, Bias: m.linear.bias, LogPrior: m.logPrior, Prior: m.prior, Threshold: m.threshold,
		Features: make([]feature, m.vectorizer.size()),
	}
	for f, id := range m.vectorizer.index {
		s.Features[id] = f
	}
	if n := m.network; n != nil {
		s.Hidden, s.Project, s.Shift, s.Output = n.hidden, n.project, n.shift, n.weight
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
		labels: s.Labels, classes: s.Classes, vectorizer: v, linear: &linear{stride: lanes(s.Classes), weight: s.Weight, bias: s.Bias},
		logPrior: s.LogPrior, prior: s.Prior, threshold: s.Threshold, version: s.Version,
	}
	if s.Hidden > 0 {
		m.network = &network{hidden: s.Hidden, classes: s.Classes, bent: true, project: s.Project, shift: s.Shift, weight: s.Output}
	}
	return m, nil
}

// sound checks every length, so that a damaged model cannot fail later.
func (s *stored) sound() bool {
	size, stride := len(s.Features), lanes(s.Classes)
	if s.Recipe != recipe || len(s.Labels) == 0 || s.Classes < len(s.Labels) || s.Classes > len(s.Labels)+1 ||
		len(s.IDF) != size || len(s.Weight) != size*stride || len(s.Bias) != stride || len(s.LogPrior) != len(s.Labels) {
		return false
	}
	if s.Hidden < 0 || s.Hidden%lane != 0 || s.Hidden > 0 &&
		(len(s.Project) != size*s.Hidden || len(s.Shift) != s.Hidden || len(s.Output) != s.Classes*s.Hidden) {
		return false
	}
	for _, f := range s.Features {
		if f.group() >= groups {
			return false
		}
	}
	return true
}
