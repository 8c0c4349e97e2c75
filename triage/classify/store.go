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
	Features    []feature
	IDF         []float32
	Weight      []float32
	Bias        []float32
	Temperature float64
	Threshold   float64
}

// MarshalBinary encodes the model so that UnmarshalModel gives one that
// predicts the same.
func (m *Model) MarshalBinary() ([]byte, error) {
	s := stored{
		Recipe: recipe, Version: m.version, Labels: m.labels, IDF: m.vectorizer.idf,
		Weight: m.linear.weight, Bias: m.linear.bias, Temperature: m.temperature, Threshold: m.threshold,
		Features: make([]feature, m.vectorizer.size()),
	}
	for f, id := range m.vectorizer.index {
		s.Features[id] = f
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
	classes, size := len(s.Labels), len(s.Features)
	if s.Recipe != recipe || classes == 0 || len(s.IDF) != size || len(s.Weight) != size*classes || len(s.Bias) != classes {
		return nil, ErrCorrupt
	}
	v := &vectorizer{index: make(map[feature]int32, size), group: make([]group, size), idf: s.IDF, weight: groupWeight}
	for id, f := range s.Features {
		if f.group() >= groups {
			return nil, ErrCorrupt
		}
		v.index[f], v.group[id] = int32(id), f.group()
	}
	return &Model{
		labels: s.Labels, vectorizer: v, linear: &linear{classes: classes, weight: s.Weight, bias: s.Bias},
		temperature: s.Temperature, threshold: s.Threshold, version: s.Version,
	}, nil
}
