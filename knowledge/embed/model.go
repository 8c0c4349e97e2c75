package embed

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Dimensions is the width of every vector of the built-in embedder; the last
// hashedDimensions of them are for words the corpus never held.
const (
	Dimensions       = 256
	hashedDimensions = 32
	learned          = Dimensions - hashedDimensions
)

const (
	maxVocabulary = 32768
	smallestRank  = 24
	maxTexts      = 8000 // of training; larger corpora are sampled evenly
	hashedWeight  = 0.5  // of an unknown word against the rarest known one
)

// ErrBadModel is returned when stored parameters cannot be read.
var ErrBadModel = errors.New("embed: damaged model parameters")

// Text is one text to learn from.
type Text struct {
	Body     string
	Language string
}

// Model maps texts to vectors. It is immutable and safe for concurrent use.
// The zero Model hashes everything: what runs before there is a corpus.
type Model struct {
	id     string
	texts  int
	index  map[uint64]int32
	keys   []uint64
	idf    []float32
	scale  []float32
	matrix []int8 // len(keys) × learned, times scale
}

// Train learns a projection from texts. The order of texts matters to the last
// bit of the result; callers sort them.
func Train(texts []Text) *Model {
	texts = sample(texts, maxTexts)
	counted := make([]map[uint64]float32, len(texts))
	frequency := make(map[uint64]int)
	for i, text := range texts {
		counted[i] = features(text.Body, text.Language)
		for feature := range counted[i] {
			frequency[feature]++
		}
	}
	m := &Model{texts: len(texts)}
	m.choose(frequency)
	if len(m.keys) > 0 && len(texts) > 1 {
		m.project(counted)
	} else {
		m.keys, m.index, m.idf = nil, nil, nil
	}
	m.id = m.fingerprint()
	return m
}

func sample(texts []Text, most int) []Text {
	if len(texts) <= most {
		return texts
	}
	out := make([]Text, most)
	for i := range out {
		out[i] = texts[i*len(texts)/most]
	}
	return out
}

// choose keeps the features seen in two texts or more, the most frequent first.
func (m *Model) choose(frequency map[uint64]int) {
	for feature, n := range frequency {
		if n >= 2 || len(frequency) <= maxVocabulary/2 {
			m.keys = append(m.keys, feature)
		}
	}
	slices.SortFunc(m.keys, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(frequency[b], frequency[a]), cmp.Compare(a, b))
	})
	if len(m.keys) > maxVocabulary {
		m.keys = m.keys[:maxVocabulary]
	}
	slices.Sort(m.keys)
	m.idf = make([]float32, len(m.keys))
	for i, feature := range m.keys {
		m.idf[i] = inverse(m.texts, frequency[feature])
	}
	m.reindex()
}

func (m *Model) reindex() {
	m.index = make(map[uint64]int32, len(m.keys))
	for i, feature := range m.keys {
		m.index[feature] = int32(i)
	}
}

func inverse(texts, n int) float32 {
	return float32(math.Log(1 + (float64(texts-n)+0.5)/(float64(n)+0.5)))
}

func (m *Model) project(counted []map[uint64]float32) {
	a := sparse{columns: len(m.keys), rows: make([][]cell, len(counted))}
	for i, counts := range counted {
		a.rows[i] = m.weigh(counts)
	}
	v := rightSingular(a, rank(len(counted)))
	m.matrix = make([]int8, len(m.keys)*learned)
	m.scale = make([]float32, len(m.keys))
	for r, row := range v {
		var largest float32
		for _, x := range row {
			largest = max(largest, float32(math.Abs(float64(x))))
		}
		if largest == 0 {
			continue
		}
		m.scale[r] = largest / 127
		for j, x := range row {
			m.matrix[r*learned+j] = int8(math.Round(float64(x / m.scale[r])))
		}
	}
}

// rank is how many dimensions are learned: half as many as texts. With as many
// as texts nothing is generalised; measured, see DECISIONS of package search.
func rank(texts int) int { return min(learned, texts, max(texts/2, smallestRank)) }

// weigh is the unit-length TF-IDF row of the known features, in column order.
func (m *Model) weigh(counts map[uint64]float32) []cell {
	cells := make([]cell, 0, len(counts))
	var sum float64
	for feature, n := range counts {
		column, known := m.index[feature]
		if !known {
			continue
		}
		value := m.idf[column] * damp(n)
		cells = append(cells, cell{column, value})
	}
	slices.SortFunc(cells, func(a, b cell) int { return cmp.Compare(a.column, b.column) })
	for _, c := range cells {
		sum += float64(c.value) * float64(c.value)
	}
	length := float32(math.Sqrt(sum))
	for i := range cells {
		cells[i].value /= length
	}
	return cells
}

func damp(n float32) float32 {
	if n <= 1 {
		return n
	}
	return 1 + float32(math.Log(float64(n)))
}

// Encode returns the unit vector of a text, or the zero vector of a text
// without words.
func (m *Model) Encode(text, language string) []float32 {
	counts := features(text, language)
	out := make([]float32, Dimensions)
	var known, unknown float64
	cells := make([]cell, 0, len(counts))
	hashed := make([]uint64, 0, len(counts))
	for feature, n := range counts {
		if column, ok := m.index[feature]; ok {
			cells = append(cells, cell{column, m.idf[column] * damp(n)})
		} else {
			hashed = append(hashed, feature)
		}
	}
	slices.SortFunc(cells, func(a, b cell) int { return cmp.Compare(a.column, b.column) })
	for _, c := range cells {
		known += float64(c.value) * float64(c.value)
		factor := c.value * m.scale[c.column]
		row := m.matrix[int(c.column)*learned : (int(c.column)+1)*learned]
		for j, x := range row {
			out[j] += factor * float32(x)
		}
	}
	slices.Sort(hashed)
	rarest := inverse(m.texts, 0)
	for _, feature := range hashed {
		value := hashedWeight * rarest * damp(counts[feature])
		unknown += float64(value) * float64(value)
		m.scatter(out[learned:], feature, value)
	}
	m.balance(out, known, unknown)
	return out
}

// scatter adds a feature to two of the hashed dimensions, signs by its bits.
func (m *Model) scatter(out []float32, feature uint64, value float32) {
	feature = mix(feature)
	for range 2 {
		sign := float32(1)
		if feature&1 == 1 {
			sign = -1
		}
		out[(feature>>1)%hashedDimensions] += sign * value * math.Sqrt2 / 2
		feature >>= 20
	}
}

func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// balance gives the learned and the hashed part their shares of the text's
// weight, whatever the projection lost, and makes the vector unit length.
func (m *Model) balance(out []float32, known, unknown float64) {
	total := known + unknown
	if total == 0 {
		return
	}
	stretch(out[:learned], math.Sqrt(known/total))
	stretch(out[learned:], math.Sqrt(unknown/total))
	stretch(out, 1)
}

func stretch(part []float32, length float64) {
	current := float64(norm(part))
	if current == 0 {
		return
	}
	for i := range part {
		part[i] *= float32(length / current)
	}
}

// ModelID names the parameters: two models with one id give the same vectors.
func (m *Model) ModelID() string { return cmp.Or(m.id, "builtin-hashed-v1") }

// Dimensions is the width of the vectors.
func (m *Model) Dimensions() int { return Dimensions }

// Texts is how many texts the model learned from.
func (m *Model) Texts() int { return m.texts }

// Embed encodes texts, guessing the language of each.
func (m *Model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
		out[i] = m.Encode(text, lexicon.Language(text, "en"))
	}
	return out, nil
}

const magic = "usherlsa1"

// MarshalBinary returns the parameters for storage.
func (m *Model) MarshalBinary() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(magic)
	for _, n := range []uint32{uint32(m.texts), uint32(len(m.keys)), learned} {
		_ = binary.Write(&b, binary.LittleEndian, n)
	}
	for _, part := range []any{m.keys, m.idf, m.scale, m.matrix} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("write model: %w", err)
		}
	}
	return b.Bytes(), nil
}

// Load reads parameters written by MarshalBinary.
func Load(data []byte) (*Model, error) {
	r := bytes.NewReader(data)
	head := make([]byte, len(magic))
	var texts, keys, width uint32
	if _, err := io.ReadFull(r, head); err != nil || string(head) != magic {
		return nil, ErrBadModel
	}
	for _, n := range []*uint32{&texts, &keys, &width} {
		if err := binary.Read(r, binary.LittleEndian, n); err != nil {
			return nil, ErrBadModel
		}
	}
	if width != learned || keys > maxVocabulary || r.Len() != int(keys)*(8+4+4+learned) {
		return nil, ErrBadModel
	}
	m := &Model{
		texts: int(texts), keys: make([]uint64, keys), idf: make([]float32, keys),
		scale: make([]float32, keys), matrix: make([]int8, int(keys)*learned),
	}
	for _, part := range []any{m.keys, m.idf, m.scale, m.matrix} {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return nil, ErrBadModel
		}
	}
	m.reindex()
	m.id = m.fingerprint()
	return m, nil
}

func (m *Model) fingerprint() string {
	data, err := m.MarshalBinary()
	if err != nil || len(m.keys) == 0 {
		return ""
	}
	sum := sha256.Sum256(data)
	return "builtin-lsa-" + hex.EncodeToString(sum[:6])
}
