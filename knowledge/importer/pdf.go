package importer

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ledongthuc/pdf"
)

// What a PDF may cost. A page unpacks to far less than a megabyte of drawing
// commands; a file that goes beyond these is no manual.
const (
	maxPDFPages  = 1000
	maxPDFPage   = 8 << 20   // drawing commands of one page
	maxPDFStream = 96 << 20  // one packed part, such as a picture
	maxPDFTotal  = 512 << 20 // all of them
	maxPDFTime   = 20 * time.Second
)

var (
	errPDFLocked   = errors.New("is protected with a password: save it without one and import that")
	errPDFNoText   = errors.New("holds no text: it is probably a scan. Run text recognition (OCR) over it first, or import the original")
	errPDFTooMuch  = errors.New("unpacks to far more than a document holds, so it was not read")
	errPDFSlow     = errors.New("took too long to read: split it into smaller files")
	errPDFBroken   = errors.New("is no PDF that can be read: open it and save it anew")
	errPDFNoReader = errors.New("cannot be read now: this server could not start the process that reads PDF files. Try again later, or tell whoever operates it")
)

// readPDF takes the text of a PDF with its headings, lists and simple tables.
// The library panics on what it cannot read, and unpacks without a limit, so
// packed parts are measured first and panics become errors. It can overflow the
// stack as well, which ends the process: see parsePDF.
func readPDF(data []byte) (matter frontMatter, body string, err error) {
	end := time.Now().Add(maxPDFTime)
	defer func() {
		if recovered := recover(); recovered != nil {
			err = errPDFBroken
			if reason, ok := recovered.(error); ok && errors.Is(reason, errPDFTooMuch) {
				err = errPDFTooMuch
			} else if late(end) {
				err = errPDFSlow
			}
		}
	}()
	if err := measurePDF(data, end); err != nil {
		return matter, "", err
	}
	reader, err := pdf.NewReader(deadlineReader{bytes.NewReader(data), end}, int64(len(data)))
	switch {
	case errors.Is(err, pdf.ErrInvalidPassword):
		return matter, "", errPDFLocked
	case err != nil:
		return matter, "", errPDFBroken
	}
	if n := reader.NumPage(); n > maxPDFPages {
		return matter, "", fmt.Errorf("has %d pages; at most %d can be imported: split it", n, maxPDFPages)
	}
	text := &pdfText{end: end, fonts: map[string]*pdfFont{}}
	var pages [][]pdfLine
	for n := 1; n <= reader.NumPage(); n++ {
		if late(end) {
			return matter, "", errPDFSlow
		}
		lines, err := text.page(reader.Page(n))
		if err != nil {
			return matter, "", fmt.Errorf("page %d: %w", n, err)
		}
		pages = append(pages, lines)
	}
	body = pdfMarkdown(withoutRunning(pages))
	if strings.TrimSpace(body) == "" {
		return matter, "", errPDFNoText
	}
	if title := cleanPDF(reader.Trailer().Key("Info").Key("Title").Text()); sensibleTitle(title) {
		matter.Title = title
	}
	matter.Lang, _, _ = strings.Cut(strings.ToLower(reader.Trailer().Key("Root").Key("Lang").Text()), "-")
	if !localePattern.MatchString(matter.Lang) {
		matter.Lang = ""
	}
	return matter, body, nil
}

var localePattern = regexp.MustCompile(`^[a-z]{2,3}$`)

func late(end time.Time) bool { return time.Now().After(end) }

// sensibleTitle leaves out what programs write there by themselves.
func sensibleTitle(title string) bool {
	lower := strings.ToLower(title)
	for _, made := range []string{"microsoft ", "untitled", "powerpoint", "about:blank", "document1"} {
		if strings.HasPrefix(lower, made) {
			return false
		}
	}
	for _, ending := range []string{".doc", ".docx", ".pdf", ".html", ".htm", ".indd", ".tex", ".dvi", ".odt", ".md"} {
		if strings.HasSuffix(lower, ending) {
			return false
		}
	}
	return title != "" && utf8.ValidString(title) && utf8.RuneCountInString(title) <= 300
}

// deadlineReader stops a library that has no context.
type deadlineReader struct {
	io.ReaderAt
	end time.Time
}

func (r deadlineReader) ReadAt(p []byte, off int64) (int, error) {
	if late(r.end) {
		return 0, errPDFSlow
	}
	return r.ReaderAt.ReadAt(p, off)
}

// hugeNumber finds numbers in the tables of a PDF. The library makes room for as
// many objects as a file claims to have; no file that is taken has so many.
var hugeNumber = regexp.MustCompile(`[\s\[\])>%]\+?(0*[1-9][0-9]{7,})`)

const maxPDFObjects = 10_000_000

// measurePDF unpacks every packed part into nothing, as often as it is packed,
// and refuses files that unpack to more than they may.
func measurePDF(data []byte, end time.Time) error {
	if !bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return errPDFBroken
	}
	for _, found := range hugeNumber.FindAllSubmatch(data, -1) {
		n, err := strconv.ParseInt(string(found[1]), 10, 64)
		if offset := len(found[1]) == 10 && n <= int64(len(data)); err != nil || n > maxPDFObjects && !offset {
			return errPDFTooMuch
		}
	}
	total := int64(0)
	for rest := data; ; {
		at := bytes.Index(rest, []byte("stream"))
		if at < 0 {
			return nil
		}
		rest = rest[at+len("stream"):]
		if late(end) {
			return errPDFSlow
		}
		n, err := unpacked(bytes.NewReader(bytes.TrimLeft(rest[:min(len(rest), 4)], "\r\n ")), rest, 0)
		if total += n; err != nil || total > maxPDFTotal {
			return errPDFTooMuch
		}
	}
}

// unpacked is how much a packed part holds; 0 for one that is not packed so.
func unpacked(head io.Reader, packed []byte, depth int) (int64, error) {
	start, _ := io.ReadAll(head)
	if len(start) < 2 || start[0]&0x0f != 8 || (int(start[0])<<8|int(start[1]))%31 != 0 {
		return 0, nil
	}
	reader, err := zlib.NewReader(bytes.NewReader(bytes.TrimLeft(packed, "\r\n ")))
	if err != nil {
		return 0, nil //nolint:nilerr // not packed with zlib: nothing to measure
	}
	var first bytes.Buffer
	_, _ = io.CopyN(&first, reader, 1<<16)
	more, _ := io.CopyN(io.Discard, reader, maxPDFStream)
	n := int64(first.Len()) + more
	if n >= maxPDFStream || depth > 3 {
		return n, errPDFTooMuch
	}
	// Packed twice: a part that begins like a packed one is unpacked once more.
	if b := first.Bytes(); len(b) >= 2 && b[0] == 0x78 {
		whole, err := zlib.NewReader(bytes.NewReader(bytes.TrimLeft(packed, "\r\n ")))
		if err != nil {
			return n, nil //nolint:nilerr // measured already
		}
		inner, err := zlib.NewReader(whole)
		if err != nil {
			return n, nil //nolint:nilerr // it only looked like one
		}
		again, _ := io.CopyN(io.Discard, inner, maxPDFStream)
		if n += again; again >= maxPDFStream {
			return n, errPDFTooMuch
		}
	}
	return n, nil
}

// pdfLine is what stands on one height of a page.
type pdfLine struct {
	cells  []string // parted by wide gaps
	y      float64
	right  float64 // where it ends
	size   float64 // of its letters
	bold   bool
	gap    float64 // to the line above, in heights of its letters
	opener bool    // the first of its page
}

func (l pdfLine) text() string { return strings.Join(l.cells, " ") }

// page reads a page's lines in the order they are drawn.
func (t *pdfText) page(page pdf.Page) ([]pdfLine, error) {
	contents := page.V.Key("Contents")
	parts := []pdf.Value{contents}
	if contents.Kind() == pdf.Array {
		parts = parts[:0]
		for i := range contents.Len() {
			parts = append(parts, contents.Index(i))
		}
	}
	commands := int64(0)
	for _, part := range parts {
		if part.Kind() != pdf.Stream {
			continue
		}
		reader := part.Reader()
		n, _ := io.Copy(io.Discard, io.LimitReader(reader, maxPDFPage+1))
		reader.Close()
		if commands += n; commands > maxPDFPage {
			return nil, errPDFTooMuch
		}
	}
	if commands == 0 {
		return nil, nil
	}
	var b lineBuilder
	t.draw(contents, page.Resources(), identity, 0, b.add)
	return b.close(), nil
}

type lineBuilder struct {
	lines  []pdfLine
	cells  []string
	cell   strings.Builder
	last   glyph
	cursor float64 // where the next letter of the line would stand
	bold   int
	drawn  int
	size   float64
}

func (b *lineBuilder) add(t glyph) {
	size := t.size
	if size < 1 || size > 400 || math.IsNaN(t.x) || math.IsNaN(t.y) || !t.horizontal {
		return
	}
	if b.drawn > 0 && math.Abs(t.y-b.last.y) > 0.45*max(size, b.size) {
		b.finish()
	}
	blank := strings.TrimSpace(t.text) == ""
	switch gap := t.x - b.cursor; {
	case b.drawn == 0:
		b.size = 0
	case blank:
	case (gap > 2*size || gap < -3*size) && b.cell.Len() > 0:
		b.cells = append(b.cells, b.cell.String())
		b.cell.Reset()
	case gap > 0.13*size:
		b.cell.WriteByte(' ')
	}
	b.cursor = t.x + t.width
	if t.width == 0 { // a standard font that does not say: half its height is near enough
		b.cursor += 0.5 * size
	}
	b.cell.WriteString(t.text)
	if !blank {
		if t.bold {
			b.bold++
		}
		b.size = max(b.size, size)
		b.drawn++
	}
	b.last = t
}

func (b *lineBuilder) finish() {
	b.cells = append(b.cells, b.cell.String())
	line := pdfLine{y: b.last.y, right: b.cursor, size: math.Round(b.size*2) / 2, bold: b.bold > 0 && b.bold >= b.drawn}
	for _, cell := range b.cells {
		if cell = cleanPDF(cell); cell != "" {
			line.cells = append(line.cells, cell)
		}
	}
	if len(line.cells) > 0 {
		if n := len(b.lines); n > 0 {
			line.gap = (b.lines[n-1].y - line.y) / max(line.size, 1)
		} else {
			line.opener = true
		}
		b.lines = append(b.lines, line)
	}
	b.cells, b.bold, b.drawn, b.size = nil, 0, 0, 0
	b.cell.Reset()
}

func (b *lineBuilder) close() []pdfLine {
	if b.drawn > 0 {
		b.finish()
	}
	return b.lines
}

var ligatures = strings.NewReplacer("ﬁ", "fi", "ﬂ", "fl", "ﬀ", "ff", "ﬃ", "ffi", "ﬄ", "ffl", "\u00a0", " ", "\ufffd", "")

func cleanPDF(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\u00ad' || unicode.IsSpace(r) || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, ligatures.Replace(s))
	return strings.Join(strings.Fields(s), " ")
}

var (
	digits = regexp.MustCompile(`\d+`)
	leader = regexp.MustCompile(`(?:[.:…·]\s*){6,}\d*$`) // of a table of contents
)

// withoutRunning drops what stands at the top or bottom of many pages: running
// titles and page numbers; and tables of contents.
func withoutRunning(pages [][]pdfLine) [][]pdfLine {
	seen := map[string]int{}
	key := func(l pdfLine) string { return digits.ReplaceAllString(l.text(), "#") }
	edges := func(lines []pdfLine) []int {
		var out []int
		for i := range lines {
			if i < 2 || i >= len(lines)-2 {
				out = append(out, i)
			}
		}
		return out
	}
	for _, lines := range pages {
		for _, i := range edges(lines) {
			seen[key(lines[i])]++
		}
	}
	out := make([][]pdfLine, len(pages))
	for n, lines := range pages {
		drop := edges(lines)
		for i, line := range lines {
			if leader.MatchString(line.text()) || slices.Contains(drop, i) && seen[key(line)] >= max(3, len(pages)*3/10) {
				continue
			}
			out[n] = append(out[n], line)
		}
	}
	return out
}

// pdfMarkdown makes Markdown of lines: larger letters are headings, lines that
// follow closely are one paragraph.
func pdfMarkdown(pages [][]pdfLine) string {
	lines := slices.Concat(pages...)
	w := pdfWriter{normal: usualSize(lines)}
	for _, l := range lines {
		if l.size == w.normal {
			w.margin = max(w.margin, l.right)
		}
	}
	w.levels = headingSizes(lines, w.normal)
	for i := 0; i < len(lines); i++ {
		if n := tableRows(lines[i:]); n > 1 {
			w.table(lines[i : i+n])
			i += n - 1
			continue
		}
		w.line(lines[i])
	}
	w.flush()
	return tidy(w.out.String())
}

// usualSize is the size most of the text is set in.
func usualSize(lines []pdfLine) float64 {
	weight := map[float64]int{}
	for _, l := range lines {
		weight[l.size] += len(l.text())
	}
	best := 0.0
	for size, n := range weight {
		if n > weight[best] || n == weight[best] && size < best {
			best = size
		}
	}
	return best
}

// headingSizes are the sizes of headings, largest first.
func headingSizes(lines []pdfLine, normal float64) []float64 {
	var sizes []float64
	for _, l := range lines {
		if l.size >= 1.12*normal && headingLike(l) && !slices.Contains(sizes, l.size) {
			sizes = append(sizes, l.size)
		}
	}
	slices.SortFunc(sizes, func(a, b float64) int { return cmp.Compare(b, a) })
	return sizes
}

func headingLike(l pdfLine) bool {
	text := l.text()
	return utf8.RuneCountInString(text) <= 140 && strings.ContainsFunc(text, unicode.IsLetter)
}

func tableRows(lines []pdfLine) int {
	n := 0
	for n < len(lines) && len(lines[n].cells) > 1 && len(lines[n].cells) == len(lines[0].cells) && !listStart.MatchString(lines[n].text()) {
		n++
	}
	return n
}

type pdfWriter struct {
	out       strings.Builder
	normal    float64
	margin    float64 // where the longest line ends
	ended     bool    // the line before ended far from it
	levels    []float64
	paragraph string
	heading   int // level of what was written last, 0 for text
	headSize  float64
}

var (
	listStart   = regexp.MustCompile(`^(?:[•▪◦●■‣∙·–*-]|\d{1,3}[.)])\s+\S`)
	bulletStart = regexp.MustCompile(`^[•▪◦●■‣∙·–*-]\s+`)
	numberStart = regexp.MustCompile(`^(\d{1,3})[.)]\s+`)
)

func (w *pdfWriter) line(l pdfLine) {
	text := l.text()
	level := slices.Index(w.levels, l.size) + 1
	if !headingLike(l) {
		level = 0
	}
	if level == 0 && l.bold && l.size >= w.normal && (l.gap > 1.7 || l.gap < 0 || l.opener) && len(text) <= 90 && !strings.ContainsAny(text[len(text)-1:], ".,;:") && headingLike(l) && !listStart.MatchString(text) {
		level = len(w.levels) + 1
	}
	switch {
	case level > 0:
		level = min(level, 5)
		w.flush()
		if w.heading == level && w.headSize == l.size && l.gap > 0 && l.gap < 1.6 { // a heading of two lines
			out := strings.TrimRight(w.out.String(), "\n")
			w.out.Reset()
			w.out.WriteString(out + " " + text + "\n\n")
			return
		}
		w.out.WriteString("\n" + strings.Repeat("#", level) + " " + text + "\n\n")
		w.heading, w.headSize = level, l.size
		return
	case listStart.MatchString(text):
		w.flush()
		text = bulletStart.ReplaceAllString(text, "- ")
		text = numberStart.ReplaceAllString(text, "$1. ")
		w.paragraph = text
	case w.paragraph != "" && (l.gap > 1.75 || l.gap < 0 && !l.opener || w.ended || l.opener && strings.ContainsAny(w.paragraph[len(w.paragraph)-1:], ".!?:")):
		w.flush()
		w.paragraph = plainStart(text)
	case w.paragraph == "":
		w.paragraph = plainStart(text)
	default:
		w.join(text)
	}
	w.heading, w.ended = 0, l.right < 0.6*w.margin
}

// plainStart keeps text from being read as a heading or a quotation.
func plainStart(text string) string {
	if strings.HasPrefix(text, "#") || strings.HasPrefix(text, ">") {
		return `\` + text
	}
	return text
}

// join puts a line behind a paragraph; a word that was divided becomes one again.
func (w *pdfWriter) join(text string) {
	before := w.paragraph
	first, _ := utf8.DecodeRuneInString(text)
	switch {
	case strings.HasSuffix(before, "\u00ad"):
		w.paragraph = strings.TrimSuffix(before, "\u00ad") + text
	case strings.HasSuffix(before, "-") && unicode.IsLower(first) && len(before) > 1 && before[len(before)-2] != ' ':
		w.paragraph = before + text
		if divided(before, text) {
			w.paragraph = strings.TrimSuffix(before, "-") + text
		}
	default:
		w.paragraph = before + " " + text
	}
}

// divided reports whether a hyphen at a line's end only divides a word: words
// with a hyphen of their own have short or capital parts more often than not.
func divided(before, after string) bool {
	start := before[strings.LastIndexByte(before, ' ')+1 : len(before)-1]
	end, _, _ := strings.Cut(after, " ")
	return !strings.Contains(start, "-") && utf8.RuneCountInString(start) >= 2 && utf8.RuneCountInString(end) >= 3 && !slices.Contains([]string{"half", "self", "well", "sign", "log", "set", "single", "two", "three", "multi", "non", "e"}, strings.ToLower(start))
}

func (w *pdfWriter) flush() {
	if w.paragraph == "" {
		return
	}
	w.out.WriteString(strings.ReplaceAll(w.paragraph, "\u00ad", "") + "\n")
	if !strings.HasPrefix(w.paragraph, "- ") && !numberStart.MatchString(w.paragraph) {
		w.out.WriteString("\n")
	}
	w.paragraph = ""
}

func (w *pdfWriter) table(rows []pdfLine) {
	w.flush()
	w.out.WriteString("\n")
	for i, row := range rows {
		cells := make([]string, len(row.cells))
		for n, cell := range row.cells {
			cells[n] = strings.ReplaceAll(cell, "|", `\|`)
		}
		w.out.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		if i == 0 {
			w.out.WriteString("|" + strings.Repeat(" --- |", len(cells)) + "\n")
		}
	}
	w.out.WriteString("\n")
	w.heading = 0
}
