package importer

import (
	"math"
	"strings"
	"time"

	"github.com/ledongthuc/pdf"
)

// maxGlyphs is how many letters one PDF may draw.
const maxGlyphs = 4_000_000

// glyph is a letter, or what a font makes of one code, where it is drawn.
type glyph struct {
	text       string
	x, y       float64
	width      float64 // 0 where the font does not say
	size       float64
	bold       bool
	horizontal bool
}

// pdfFont is a font as it is needed: read once, since the library looks every
// value up in the file again.
type pdfFont struct {
	encoding pdf.TextEncoding
	wide     bool // two bytes a letter
	bold     bool
	first    int
	widths   []float64
	byCode   map[int]float64 // of a wide font
	usual    float64
	known    map[string]string
}

type pdfText struct {
	end    time.Time
	fonts  map[string]*pdfFont
	glyphs int
}

type affine [6]float64

var identity = affine{1, 0, 0, 1, 0, 0}

// then is the matrix that does m first and n after it.
func (m affine) then(n affine) affine {
	return affine{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// pdfState is what q keeps and Q brings back.
type pdfState struct {
	ctm                                affine
	font                               *pdfFont
	size, chars, words, leading, scale float64
}

// draw goes through a content stream and what it draws inside, and calls add
// for each letter. Text drawn unseen counts: text recognition marks scans so.
func (t *pdfText) draw(stream pdf.Value, resources pdf.Value, ctm affine, depth int, add func(glyph)) {
	s := pdfState{ctm: ctm, scale: 1}
	var kept []pdfState
	text, line := identity, identity
	show := func(raw string) {
		if s.font == nil {
			return
		}
		step := 1
		if s.font.wide {
			step = 2
		}
		for len(raw) >= step {
			code := raw[:step]
			raw = raw[step:]
			if t.glyphs++; t.glyphs > maxGlyphs {
				panic(errPDFTooMuch)
			}
			width := s.font.width(code)
			at := text.then(s.ctm)
			size := s.size * math.Hypot(at[2], at[3])
			along := math.Hypot(at[0], at[1]) * s.scale
			add(glyph{
				text: s.font.decode(code), x: at[4], y: at[5], width: width / 1000 * s.size * along, size: size,
				bold: s.font.bold, horizontal: math.Abs(at[1]) < 0.1*math.Abs(at[0]),
			})
			move := width/1000*s.size + s.chars
			if code == " " {
				move += s.words
			}
			text = affine{1, 0, 0, 1, move * s.scale, 0}.then(text)
		}
	}
	next := func(tx, ty float64) {
		line = affine{1, 0, 0, 1, tx, ty}.then(line)
		text = line
	}
	operations := 0
	pdf.Interpret(stream, func(stack *pdf.Stack, op string) {
		if operations++; operations%1000 == 0 && late(t.end) {
			panic(errPDFSlow)
		}
		args := make([]pdf.Value, stack.Len())
		for i := len(args) - 1; i >= 0; i-- {
			args[i] = stack.Pop()
		}
		number := func(i int) float64 {
			if i < len(args) {
				return args[i].Float64()
			}
			return 0
		}
		matrix := func() affine { return affine{number(0), number(1), number(2), number(3), number(4), number(5)} }
		switch op {
		case "q":
			if len(kept) < 1000 {
				kept = append(kept, s)
			}
		case "Q":
			if n := len(kept); n > 0 {
				s, kept = kept[n-1], kept[:n-1]
			}
		case "cm":
			s.ctm = matrix().then(s.ctm)
		case "BT":
			text, line = identity, identity
		case "Tf":
			if len(args) == 2 {
				s.font, s.size = t.font(resources, args[0].Name()), number(1)
			}
		case "Tc":
			s.chars = number(0)
		case "Tw":
			s.words = number(0)
		case "Tz":
			s.scale = number(0) / 100
		case "TL":
			s.leading = number(0)
		case "Tm":
			line = matrix()
			text = line
		case "TD":
			s.leading = -number(1)
			next(number(0), number(1))
		case "Td":
			next(number(0), number(1))
		case "T*":
			next(0, -s.leading)
		case "Tj":
			if len(args) > 0 {
				show(args[0].RawString())
			}
		case "'", "\"":
			next(0, -s.leading)
			if op == "\"" && len(args) == 3 {
				s.words, s.chars = number(0), number(1)
			}
			if len(args) > 0 {
				show(args[len(args)-1].RawString())
			}
		case "TJ":
			if len(args) == 0 {
				return
			}
			for i := range args[0].Len() {
				if part := args[0].Index(i); part.Kind() == pdf.String {
					show(part.RawString())
				} else {
					text = affine{1, 0, 0, 1, -part.Float64() / 1000 * s.size * s.scale, 0}.then(text)
				}
			}
		case "Do":
			if len(args) == 0 || depth >= 8 {
				return
			}
			form := resources.Key("XObject").Key(args[0].Name())
			if form.Key("Subtype").Name() != "Form" {
				return
			}
			at := identity
			if m := form.Key("Matrix"); m.Len() == 6 {
				for i := range at {
					at[i] = m.Index(i).Float64()
				}
			}
			own := form.Key("Resources")
			if own.IsNull() {
				own = resources
			}
			t.draw(form, own, at.then(s.ctm), depth+1, add)
		}
	})
}

// font reads a font the first time it is used.
func (t *pdfText) font(resources pdf.Value, name string) *pdfFont {
	value := resources.Key("Font").Key(name)
	base := value.Key("BaseFont").Name()
	key := name + "/" + base + "/" + value.Key("ToUnicode").String()
	if known := t.fonts[key]; known != nil {
		return known
	}
	font := pdf.Font{V: value}
	lower := strings.ToLower(base)
	f := &pdfFont{encoding: font.Encoder(), known: map[string]string{}, byCode: map[int]float64{}}
	for _, word := range []string{"bold", "black", "heavy", "demi"} {
		f.bold = f.bold || strings.Contains(lower, word)
	}
	if value.Key("Subtype").Name() == "Type0" {
		f.wide = true
		inside := value.Key("DescendantFonts").Index(0)
		f.usual = 1000
		if usual := inside.Key("DW"); !usual.IsNull() {
			f.usual = usual.Float64()
		}
		f.readWide(inside.Key("W"))
	} else {
		f.first = int(value.Key("FirstChar").Int64())
		widths := value.Key("Widths")
		for i := range min(widths.Len(), 1024) {
			f.widths = append(f.widths, widths.Index(i).Float64())
		}
		if widths.Len() == 0 { // one of the standard fonts, whose widths every reader knows
			f.first, f.widths = ' ', helvetica
			if strings.Contains(lower, "courier") || strings.Contains(lower, "mono") {
				f.widths, f.usual = nil, 600
			}
		}
	}
	t.fonts[key] = f
	return f
}

// readWide reads "c [w1 w2 …]" and "first last w".
func (f *pdfFont) readWide(w pdf.Value) {
	for i := 0; i+1 < w.Len(); {
		first := int(w.Index(i).Int64())
		if list := w.Index(i + 1); list.Kind() == pdf.Array {
			for n := range list.Len() {
				f.byCode[first+n] = list.Index(n).Float64()
			}
			i += 2
			continue
		}
		last, width := int(w.Index(i+1).Int64()), w.Index(i+2).Float64()
		for code := first; code <= min(last, 1<<16); code++ {
			f.byCode[code] = width
		}
		i += 3
	}
}

func (f *pdfFont) width(code string) float64 {
	if f.wide {
		if width, known := f.byCode[int(code[0])<<8|int(code[1])]; known {
			return width
		}
		return f.usual
	}
	if n := int(code[0]) - f.first; n >= 0 && n < len(f.widths) {
		return f.widths[n]
	}
	return f.usual
}

// helvetica are the widths of the letters from the space to the tilde. Times is
// a little narrower, which is near enough to tell words from one another.
var helvetica = []float64{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
	278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
	611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833,
	556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
}

func (f *pdfFont) decode(code string) string {
	text, known := f.known[code]
	if !known {
		text = code
		if f.encoding != nil {
			text = f.encoding.Decode(code)
		}
		f.known[code] = text
	}
	return text
}
