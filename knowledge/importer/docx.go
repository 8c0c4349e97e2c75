package importer

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What one part of a Word document may unpack to, and how its XML may nest.
const (
	maxDocxPart  = 24 << 20
	maxDocxDepth = 200
	maxDocxNodes = 2_000_000
	maxDocxTime  = 20 * time.Second
)

var (
	errDocxBroken  = errors.New("is no Word document that can be read: open it and save it as .docx anew")
	errDocxTooMuch = errors.New("unpacks to far more than a document holds, so it was not read")
	errDocxSlow    = errors.New("took too long to read: split it into smaller files")
	errDocxNoText  = errors.New("holds no text")
)

// parseDocx takes a Word document as Markdown: headings, lists, tables, links,
// bold and italic. Deleted text, comments, macros and pictures are left out.
func parseDocx(data []byte) (matter frontMatter, body string, err error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")) {
			return matter, "", errors.New("is an old or a protected Word file: save it as .docx without a password")
		}
		return matter, "", errDocxBroken
	}
	d := docx{archive: archive, end: time.Now().Add(maxDocxTime), styles: map[string]docxStyle{}, formats: map[string]string{}, links: map[string]string{}}
	document, err := d.part("word/document.xml")
	if err != nil {
		return matter, "", err
	}
	if document == nil {
		return matter, "", errDocxBroken
	}
	for _, read := range []func() error{d.readStyles, d.readNumbering, d.readLinks, func() error { return d.readTitle(&matter) }} {
		if err := read(); err != nil {
			return matter, "", err
		}
	}
	root := document.child("body")
	if root == nil {
		return matter, "", errDocxBroken
	}
	w := &docxWriter{docx: &d, counts: map[string]int{}}
	w.blocks(root)
	w.closeCode()
	if late(d.end) {
		return matter, "", errDocxSlow
	}
	if body = tidy(w.out.String()); body == "" {
		return matter, "", errDocxNoText
	}
	return matter, body, nil
}

// xmlNode is an element; text nodes have no name.
type xmlNode struct {
	name     string
	attrs    []xml.Attr
	children []*xmlNode
	text     strings.Builder
}

func (n *xmlNode) child(name string) *xmlNode {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (n *xmlNode) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// on reports whether a switch such as <w:b/> is there and not switched off.
func (n *xmlNode) on(name string) bool {
	c := n.child(name)
	value := c.attr("val")
	return c != nil && value != "0" && value != "false" && value != "none"
}

type docxStyle struct {
	name, basedOn, numID string
	level                int // of a heading, 0 for none
}

type docx struct {
	archive *zip.Reader
	styles  map[string]docxStyle
	formats map[string]string // "numId/level" to bullet or decimal
	links   map[string]string
	nodes   int
	end     time.Time // when reading stops
}

// part reads one file of the archive; nil when there is none.
func (d *docx) part(name string) (*xmlNode, error) {
	for _, file := range d.archive.File {
		if file.Name != name {
			continue
		}
		if file.UncompressedSize64 > maxDocxPart {
			return nil, errDocxTooMuch
		}
		reader, err := file.Open()
		if err != nil {
			return nil, errDocxBroken
		}
		defer reader.Close()
		return d.tree(io.LimitReader(reader, maxDocxPart+1))
	}
	return nil, nil
}

func (d *docx) tree(reader io.Reader) (*xmlNode, error) {
	counted := &countingReader{r: reader}
	decoder := xml.NewDecoder(counted)
	root := &xmlNode{}
	stack := []*xmlNode{root}
	for tokens := 0; ; tokens++ {
		token, err := decoder.Token()
		switch {
		case counted.n > maxDocxPart, d.nodes > maxDocxNodes, len(stack) > maxDocxDepth:
			return nil, errDocxTooMuch
		case tokens%1024 == 0 && late(d.end):
			return nil, errDocxSlow
		case errors.Is(err, io.EOF):
			if len(root.children) == 0 {
				return nil, errDocxBroken
			}
			return root.children[0], nil
		case err != nil:
			return nil, errDocxBroken
		}
		top := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			d.nodes++
			n := &xmlNode{name: t.Name.Local, attrs: t.Attr}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text.Write(t)
		}
	}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

var headingName = regexp.MustCompile(`(?i)^heading\s*([1-9])$`)

func (d *docx) readStyles() error {
	root, err := d.part("word/styles.xml")
	if err != nil || root == nil {
		return err
	}
	for _, s := range root.children {
		if s.name != "style" {
			continue
		}
		style := docxStyle{name: s.child("name").attr("val"), basedOn: s.child("basedOn").attr("val"), numID: s.child("pPr").child("numPr").child("numId").attr("val")}
		if found := headingName.FindStringSubmatch(style.name); found != nil {
			style.level, _ = strconv.Atoi(found[1])
		} else if strings.EqualFold(style.name, "title") {
			style.level = 1
		} else if n, err := strconv.Atoi(s.child("pPr").child("outlineLvl").attr("val")); err == nil && n >= 0 && n < 9 {
			style.level = n + 1
		}
		d.styles[s.attr("styleId")] = style
	}
	return nil
}

// style is a paragraph's own, with what it takes from those it is based on.
func (d *docx) style(id string) docxStyle {
	style := d.styles[id]
	for depth, base := 0, style.basedOn; depth < 10 && base != ""; depth++ {
		above := d.styles[base]
		style.level, style.numID = cmp.Or(style.level, above.level), cmp.Or(style.numID, above.numID)
		if style.name == "" {
			style.name = above.name
		}
		base = above.basedOn
	}
	return style
}

func (d *docx) readNumbering() error {
	root, err := d.part("word/numbering.xml")
	if err != nil || root == nil {
		return err
	}
	abstract := map[string]map[string]string{} // the format of each of its nine levels
	for _, n := range root.children {
		switch n.name {
		case "abstractNum":
			levels := map[string]string{}
			for _, level := range n.children {
				if name := level.attr("ilvl"); level.name == "lvl" && len(name) == 1 {
					levels[name] = level.child("numFmt").attr("val")
				}
			}
			abstract[n.attr("abstractNumId")] = levels
		case "num":
			for level, format := range abstract[n.child("abstractNumId").attr("val")] {
				d.formats[n.attr("numId")+"/"+level] = format
			}
		}
	}
	return nil
}

func (d *docx) readLinks() error {
	root, err := d.part("word/_rels/document.xml.rels")
	if err != nil || root == nil {
		return err
	}
	for _, r := range root.children {
		target := r.attr("Target")
		scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(target)), ":")
		if (scheme == "http" || scheme == "https" || scheme == "mailto") && !strings.ContainsAny(target, " ()<>") {
			d.links[r.attr("Id")] = target
		}
	}
	return nil
}

func (d *docx) readTitle(matter *frontMatter) error {
	root, err := d.part("docProps/core.xml")
	if err != nil || root == nil {
		return err
	}
	if title := root.child("title"); title != nil && sensibleTitle(strings.TrimSpace(title.text.String())) {
		matter.Title = strings.TrimSpace(title.text.String())
	}
	if description := root.child("description"); description != nil {
		matter.Description = strings.TrimSpace(description.text.String())
	}
	return nil
}

type docxWriter struct {
	*docx
	out    strings.Builder
	counts map[string]int // items so far, by list and level
	code   bool
	list   bool // the last block was an item
}

// blocks writes paragraphs and tables; other elements are looked through.
func (w *docxWriter) blocks(n *xmlNode) {
	for _, c := range n.children {
		if late(w.end) {
			return // parseDocx says so
		}
		switch c.name {
		case "p":
			w.paragraph(c)
		case "tbl":
			w.table(c)
		case "del", "moveFrom", "Fallback", "sectPr":
		default:
			w.blocks(c)
		}
	}
}

func (w *docxWriter) paragraph(p *xmlNode) {
	props := p.child("pPr")
	style := w.style(props.child("pStyle").attr("val"))
	if n, err := strconv.Atoi(props.child("outlineLvl").attr("val")); err == nil && n >= 0 && n < 9 {
		style.level = n + 1
	}
	name := strings.ToLower(style.name)
	if strings.Contains(name, "code") || strings.Contains(name, "preformatted") || name == "macro text" {
		if !w.code {
			w.out.WriteString("\n\n```\n")
			w.code = true
		}
		w.out.WriteString(w.plain(p) + "\n")
		return
	}
	w.closeCode()
	text := strings.TrimSpace(w.inline(p))
	if text == "" {
		return
	}
	numbering := props.child("numPr")
	list := cmp.Or(numbering.child("numId").attr("val"), style.numID)
	level, _ := strconv.Atoi(cmp.Or(numbering.child("ilvl").attr("val"), "0"))
	level = min(max(level, 0), 8)
	switch {
	case style.level > 0:
		w.out.WriteString("\n\n" + strings.Repeat("#", min(style.level, 6)) + " " + strings.Trim(strings.ReplaceAll(text, "\n", " "), "*") + "\n\n")
		w.list = false
	case list != "" && list != "0":
		w.item(text, list, level)
	case strings.Contains(name, "quote"):
		w.out.WriteString("\n\n> " + strings.ReplaceAll(text, "\n", "\n> ") + "\n\n")
		w.list = false
	default:
		w.out.WriteString("\n\n" + plainStart(text) + "\n\n")
		w.list = false
	}
}

func (w *docxWriter) item(text, list string, level int) {
	if !w.list {
		w.out.WriteString("\n\n")
	}
	w.list = true
	key := list + "/" + strconv.Itoa(level)
	for deeper := level + 1; deeper < 9; deeper++ {
		delete(w.counts, list+"/"+strconv.Itoa(deeper))
	}
	mark := "- "
	if format := w.formats[key]; format != "" && format != "bullet" && format != "none" {
		w.counts[key]++
		mark = strconv.Itoa(w.counts[key]) + ". "
	}
	indent := strings.Repeat("  ", level)
	w.out.WriteString(indent + mark + strings.ReplaceAll(text, "\n", "\n"+indent+"  ") + "\n")
}

func (w *docxWriter) closeCode() {
	if w.code {
		w.out.WriteString("```\n\n")
		w.code = false
	}
}

// plain is a paragraph's text without marks.
func (w *docxWriter) plain(n *xmlNode) string {
	var b strings.Builder
	for _, c := range n.children {
		switch c.name {
		case "t":
			b.WriteString(c.text.String())
		case "tab":
			b.WriteString("\t")
		case "br", "cr":
			b.WriteString("\n")
		case "pPr", "rPr", "del", "moveFrom", "instrText", "Fallback":
		default:
			b.WriteString(w.plain(c))
		}
	}
	return b.String()
}

// inline writes runs; neighbours that look the same are one.
func (w *docxWriter) inline(n *xmlNode) string {
	var b, run strings.Builder
	heldMark := ""
	flush := func() {
		held := run.String()
		if core := strings.TrimSpace(held); heldMark != "" && core != "" {
			start := strings.Index(held, core)
			held = held[:start] + heldMark + core + heldMark + held[start+len(core):]
		}
		b.WriteString(held)
		run.Reset()
		heldMark = ""
	}
	var walk func(*xmlNode)
	walk = func(n *xmlNode) {
		for _, c := range n.children {
			switch c.name {
			case "r":
				mark := ""
				if props := c.child("rPr"); props.on("vanish") {
					continue // hidden text: nobody sees it in the document
				} else if props.on("b") {
					mark = "**"
				} else if props.on("i") {
					mark = "*"
				}
				text := w.plain(c)
				if mark != heldMark {
					flush()
				}
				run.WriteString(text)
				heldMark = mark
			case "hyperlink":
				flush()
				text, target := strings.TrimSpace(w.plain(c)), w.links[c.attr("id")]
				if target != "" && text != "" {
					text = "[" + text + "](" + target + ")"
				}
				b.WriteString(text)
			case "pPr", "del", "moveFrom", "Fallback", "instrText":
			default:
				walk(c)
			}
		}
	}
	walk(n)
	flush()
	return b.String()
}

func (w *docxWriter) table(n *xmlNode) {
	w.closeCode()
	w.list = false
	var rows [][]string
	for _, row := range n.children {
		if row.name != "tr" {
			continue
		}
		var cells []string
		for _, cell := range row.children {
			if cell.name != "tc" {
				continue
			}
			inner := &docxWriter{docx: w.docx, counts: map[string]int{}}
			inner.blocks(cell)
			inner.closeCode()
			text := strings.Join(strings.Fields(tidy(inner.out.String())), " ")
			cells = append(cells, strings.ReplaceAll(text, "|", `\|`))
		}
		if len(cells) > 0 {
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		return
	}
	w.out.WriteString("\n\n")
	for i, cells := range rows {
		fmt.Fprintf(&w.out, "| %s |\n", strings.Join(cells, " | "))
		if i == 0 {
			w.out.WriteString("|" + strings.Repeat(" --- |", len(cells)) + "\n")
		}
	}
	w.out.WriteString("\n")
}
