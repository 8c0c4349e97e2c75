package index

import (
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge/chunk"
	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/knowledge/switchover"
)

// BM25 with fields: a stem's frequency counts the title and the headings above
// a chunk several times, and saturates. The reference length is a constant
// instead of the corpus' mean, so that weights never go stale; see DECISIONS.
const (
	saturation      = 1.2
	lengthShare     = 0.6
	referenceLength = 100
	titleWeight     = 2
	productWeight   = 2
	headingWeight   = 1.5
)

// Document is what a chunk inherits from its article.
type Document struct {
	Title       string
	Description string
	Product     string
	Body        string
	Language    string // ISO 639-1
}

// Piece is a chunk with everything search needs except vectors.
type Piece struct {
	chunk.Chunk
	ID       uuid.UUID
	Heading  string // the headings above, joined
	Language string
	Hash     [sha256.Size]byte
	Words    int
	Weights  map[int32]float32
	// Stems and Surface are the distinct stems and folded words.
	Stems, Surface map[string]bool
	// Embeddable is the text that is embedded: title and headings give context.
	Embeddable string
}

// HeadingSeparator joins the headings of a Piece's path.
const HeadingSeparator = " › "

// Cut makes the pieces of a document.
func Cut(d Document) []Piece {
	body := d.Body
	if d.Description != "" {
		body = d.Description + "\n\n" + body
	}
	chunks := chunk.Split(body, chunk.Sizes{})
	if len(chunks) == 0 {
		chunks = []chunk.Chunk{{Text: d.Title}}
	}
	out := make([]Piece, len(chunks))
	for i, c := range chunks {
		out[i] = newPiece(d, c)
	}
	return out
}

func newPiece(d Document, c chunk.Chunk) Piece {
	p := Piece{Chunk: c, Heading: strings.Join(c.Path, HeadingSeparator), Language: d.Language}
	p.Hash = sha256.Sum256([]byte(strings.Join([]string{"v2", d.Language, d.Title, d.Product, p.Heading, c.Text}, "\x00")))
	return p
}

// Analyse fills in what is derived from the text; unchanged pieces skip it.
func (p *Piece) Analyse(d Document) {
	plain := chunk.Plain(p.Text)
	frequency := make(map[string]float32)
	p.Stems, p.Surface = make(map[string]bool), make(map[string]bool)
	add := func(text string, weight float32) int {
		terms := lexicon.Terms(text, p.Language)
		for _, term := range terms {
			frequency[term.Stem] += weight
			p.Stems[term.Stem] = true
			if !term.Joined {
				p.Surface[term.Word] = true
			}
		}
		return len(terms)
	}
	p.Words = add(plain, 1)
	add(d.Title, titleWeight)
	add(d.Product, productWeight)
	add(p.Heading, headingWeight)
	p.Weights = make(map[int32]float32, len(frequency))
	length := float32(p.Words+5) / referenceLength
	for stem, tf := range frequency {
		p.Weights[lexicon.ID(stem)] += tf * (saturation + 1) / (tf + saturation*(1-lengthShare+lengthShare*length))
	}
	p.Embeddable = switchover.Embeddable(d.Title, d.Product, p.Heading, plain)
}

// sparse is the piece's weights as the column stores them.
func (p *Piece) sparse() pgvector.SparseVector {
	return pgvector.NewSparseVectorFromMap(p.Weights, lexicon.Dimensions)
}
