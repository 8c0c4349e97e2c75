package importer_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
)

// makePDF writes a PDF of pages given as drawing commands; extra stands in the trailer.
func makePDF(extra string, pages ...string) []byte {
	var b bytes.Buffer
	offsets := []int{0}
	object := func(text string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets)-1, text)
	}
	b.WriteString("%PDF-1.4\n")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 5+2*i))
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(pages)))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
	for i, commands := range pages {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents %d 0 R >>", 6+2*i))
		object(stream(commands, 1))
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets))
	for _, at := range offsets[1:] {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(offsets), extra, start)
	return b.Bytes()
}

// stream packs commands so many times over.
func stream(commands string, times int) string {
	filters := ""
	for range times {
		var packed bytes.Buffer
		w := zlib.NewWriter(&packed)
		_, _ = w.Write([]byte(commands))
		_ = w.Close()
		commands, filters = packed.String(), filters+" /FlateDecode"
	}
	return fmt.Sprintf("<< /Length %d /Filter [%s ] >>\nstream\n%s\nendstream", len(commands), filters, commands)
}

// text draws lines, each with its font, size and height.
func text(lines ...[4]string) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "BT /%s %s Tf 72 %s Td (%s) Tj ET\n", l[0], l[1], l[2], l[3])
	}
	return b.String()
}

func pdfFile(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "handbook.pdf"))
	require.NoError(t, err)
	return data
}

func TestAPDFPrintedByABrowserBecomesAnArticle(t *testing.T) {
	t.Parallel()
	item, err := importer.File(`C:\Documents\handbook.pdf`, pdfFile(t), knowledge.Customer)
	require.NoError(t, err)
	require.Equal(t, "handbook.pdf", item.ExternalID)
	require.Equal(t, "Setting up single sign-on", item.Content.Title)
	require.Equal(t, "en", item.Locale)
	require.Equal(t, knowledge.Customer, item.Content.Audience.Level)
	body := item.Content.Body
	for _, want := range []string{
		"Single sign-on lets your people sign in with the account they already have. It takes about ten minutes, and it needs an administrator of your identity provider.",
		"\n## Before you begin\n", "\n## Steps\n", "1. Open Settings, then Security.\n2. Paste the metadata address.\n3. Press Test.",
		"\n### If the test fails\n", "Überprüfen Sie auch “Größe” – naïve café.", "\n## Second page\n\nText of the second page.",
	} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "# Setting up", "the title is not said twice")
}

func TestHeadingsListsAndParagraphsOfAPDF(t *testing.T) {
	t.Parallel()
	data := makePDF("", text(
		[4]string{"F2", "20", "760", "Refunds"}, [4]string{"F1", "11", "730", "Money comes back within five days. A refund is paid to the card"},
		[4]string{"F1", "11", "716", "that was used, which may take longer when the bank is slow or clo-"}, [4]string{"F1", "11", "702", "sed, as banks are."},
		[4]string{"F2", "14", "670", "How to ask"}, [4]string{"F1", "11", "650", "\\225 Open Billing"}, [4]string{"F1", "11", "636", "\\225 Press Refund"},
		[4]string{"F2", "11", "600", "Exceptions"}, [4]string{"F1", "11", "580", "None."},
	), text([4]string{"F1", "11", "760", "More on page two."}))
	item, err := importer.File("refunds.pdf", data, knowledge.Public)
	require.NoError(t, err)
	require.Equal(t, "Refunds", item.Content.Title)
	require.Equal(t, "Money comes back within five days. A refund is paid to the card that was used, which may take longer when the bank is slow or closed, as banks are.\n\n"+
		"## How to ask\n\n- Open Billing\n- Press Refund\n\n### Exceptions\n\nNone.\n\nMore on page two.", item.Content.Body)
}

func TestRunningTitlesOfAPDFAreLeftOut(t *testing.T) {
	t.Parallel()
	var pages []string
	for i, word := range []string{"alpha", "beta", "gamma", "delta"} {
		pages = append(pages, text([4]string{"F1", "9", "800", "Handbook, internal"}, [4]string{"F1", "11", "700", "Text about " + word + "."},
			[4]string{"F1", "11", "600", "Second line."}, [4]string{"F1", "11", "500", "Third of " + word + "."}, [4]string{"F1", "9", "40", fmt.Sprintf("Page %d of 4", i+1)}))
	}
	item, err := importer.File("h.pdf", makePDF("", pages...), knowledge.Public)
	require.NoError(t, err)
	require.NotContains(t, item.Content.Body, "Handbook, internal")
	require.NotContains(t, item.Content.Body, "Page 2")
	require.Contains(t, item.Content.Body, "Text about gamma.")
}

func TestAPDFThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	locked := fmt.Sprintf("/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]", strings.Repeat("ab", 32), strings.Repeat("cd", 32))
	bomb := strings.Repeat("0 0 m ", 20<<20)
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"nothing at all":                   {nil, "is no PDF"},
		"something else":                   {[]byte("hello"), "is no PDF"},
		"cut off":                          {pdfFile(t)[:9000], "is no PDF"},
		"a scan":                           {makePDF("", "0 0 100 100 re f"), "holds no text"},
		"a password":                       {makePDF(locked, text([4]string{"F1", "11", "700", "x"})), "password"},
		"a page that unpacks far":          {makePDF("", strings.Repeat("(a) Tj ", 2<<20)), "unpacks to far more"},
		"a bomb":                           {makePDF("", bomb), "unpacks to far more"},
		"a bomb packed twice":              {bytes.Replace(makePDF("", "x"), []byte(stream("x", 1)), []byte(stream(bomb, 2)), 1), "unpacks to far more"},
		"more objects than it can have":    {bytes.Replace(makePDF("", "x"), []byte("xref\n0 "), []byte("xref\n3999999999 "), 1), "unpacks to far more"},
		"a table of thousands of millions": {[]byte("%PDF-1.5\n1 0 obj\n<< /Type /XRef /Size 3999999999 /W [1 2 1] /Length 0 >>\nstream\n\nendstream\nendobj\nstartxref\n9\n%%EOF\n"), "unpacks to far more"},
		"a table that leads nowhere":       {makePDF("/Prev 9", "x"), "is no PDF"},
		"brackets that never close":        {makePDF("", strings.Repeat("[", 4<<20)), "holds no text"},
		"fewer operands than it says":      {makePDF("", "BT /F1 Tf Td TJ cm Do (x) Tj ET"), "holds no text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			_, err := importer.File("x.pdf", test.data, knowledge.Public)
			require.ErrorContains(t, err, test.says)
			require.Less(t, time.Since(begun), 50*time.Second)
		})
	}
	_, err := importer.File("x.pdf", make([]byte, importer.MaxUpload+1), knowledge.Public)
	require.ErrorContains(t, err, "larger than 20 MB")
	_, err = importer.File("x.exe", []byte("MZ"), knowledge.Public)
	require.ErrorIs(t, err, importer.ErrKind)
	_, err = importer.File("x.md", []byte("---\ntenant: acme\n---\n# T\n\nx"), knowledge.Public)
	require.ErrorContains(t, err, "names a tenant")
}

// endlessPDF has a root inside a packed part that lies inside itself.
func endlessPDF(dictionary string) []byte {
	head := "%PDF-1.5\n"
	rows := "\x00\x00\x00\x00" + "\x01\x00" + string(rune(len(head))) + "\x00" + "\x02\x00\x02\x00"
	return []byte(fmt.Sprintf("%s1 0 obj\n<< /Type /XRef /W [1 2 1] /Size 3 %s /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", head, dictionary, len(rows), rows, len(head)))
}

// The library calls itself without end on these, which no recover stops: without
// a process of its own for each the test ends here.
func TestAPDFThatOverflowsTheStackDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	for _, dictionary := range []string{"/Root 2 0 R", "/Root 2 0 R /Info 2 0 R"} {
		_, err := importer.File("endless.pdf", endlessPDF(dictionary), knowledge.Public)
		require.ErrorContains(t, err, "is no PDF that can be read")
	}
	_, err := importer.File("handbook.pdf", pdfFile(t), knowledge.Public)
	require.NoError(t, err, "the next one is read")
}

func TestTheTitleOfAPDFHoldsNoControlCharacters(t *testing.T) {
	t.Parallel()
	item, err := importer.File("x.pdf", makePDF(`/Info << /Title (Refunds\000 and\001 more) >>`, text([4]string{"F1", "11", "700", "Money comes back."})), knowledge.Public)
	require.NoError(t, err)
	require.Equal(t, "Refunds and more", item.Content.Title)
}

// Texts in pieces cost as much as whole ones, wherever the pieces are.
func TestAWordDocumentInManyPiecesIsReadInGoodTime(t *testing.T) {
	t.Parallel()
	var lists strings.Builder
	lists.WriteString(`<w:abstractNum w:abstractNumId="0">` + strings.Repeat(`<w:lvl w:ilvl="10"/>`, 100_000) + `</w:abstractNum>`)
	for i := range 50_000 {
		fmt.Fprintf(&lists, `<w:num w:numId="%d"><w:abstractNumId w:val="0"/></w:num>`, i)
	}
	for name, parts := range map[string]map[string]string{
		"comments between":   {"word/document.xml": `<w:p><w:r><w:t>` + strings.Repeat("aaaaaaaaaaaa<!---->", 1_200_000) + `</w:t></w:r></w:p>`},
		"a run for each":     {"word/document.xml": `<w:p>` + strings.Repeat("<w:r><w:t>aaaaaaaaaaaaaa</w:t></w:r>", 600_000) + `</w:p>`},
		"lists of no levels": {"word/document.xml": `<w:p><w:r><w:t>a</w:t></w:r></w:p>`, "word/numbering.xml": `<w:numbering ` + wordSpace + `>` + lists.String() + `</w:numbering>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts["word/document.xml"] = `<w:document ` + wordSpace + `><w:body>` + parts["word/document.xml"] + `</w:body></w:document>`
			data := makeDocx(t, parts)
			begun := time.Now()
			_, err := importer.File("x.docx", data, knowledge.Public)
			require.NoError(t, err)
			require.Less(t, time.Since(begun), 40*time.Second)
		})
	}
}

func FuzzPDF(f *testing.F) {
	f.Add(makePDF("", text([4]string{"F1", "11", "700", "Hello"})))
	f.Add([]byte("%PDF-1.4\nxref\n0 1\ntrailer\n<< /Size 1 >>\nstartxref\n9\n%%EOF"))
	f.Fuzz(func(t *testing.T, data []byte) {
		item, err := importer.File("f.pdf", data, knowledge.Public)
		require.True(t, err != nil || item.Content.Body != "")
	})
}

const wordSpace = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`

func makeDocx(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range parts {
		file, err := w.Create(name)
		require.NoError(t, err)
		_, err = file.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestAWordDocumentBecomesMarkdown(t *testing.T) {
	t.Parallel()
	p := func(props, runs string) string { return "<w:p><w:pPr>" + props + "</w:pPr>" + runs + "</w:p>" }
	r := func(text string) string { return `<w:r><w:t xml:space="preserve">` + text + "</w:t></w:r>" }
	style := func(id string) string { return `<w:pStyle w:val="` + id + `"/>` }
	item := func(list string, level int, text string) string {
		return p(fmt.Sprintf(`<w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%s"/></w:numPr>`, level, list), r(text))
	}
	body := p(style("Titel"), r("Refund policy")) + p("", r("We pay ")+`<w:r><w:rPr><w:b/></w:rPr><w:t>within </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>five days</w:t></w:r>`+r(", see ")+`<w:hyperlink r:id="rId7"><w:r><w:t>the terms</w:t></w:r></w:hyperlink><w:hyperlink r:id="rId8"><w:r><w:t>, always</w:t></w:r></w:hyperlink>`+
		`<w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del><w:ins>`+r(" or sooner")+`</w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>`+r(".")) +
		p(style("berschrift2"), r("Steps")) + item("2", 0, "Open Billing") + item("2", 0, "Press Refund") + item("1", 1, "by card") + item("2", 0, "Done") +
		p(style("Heading3x"), r("Codes")) +
		`<w:tbl><w:tr><w:tc>` + p("", r("Code")) + `</w:tc><w:tc>` + p("", r("Meaning")) + `</w:tc></w:tr><w:tr><w:tc>` + p("", r("E1")) + `</w:tc><w:tc>` + p("", r("a|b")) + `</w:tc></w:tr></w:tbl>` +
		p(style("Code"), r("curl -X POST")) + p(style("Code"), r("  -d x")) + p("", r("End."))
	data := makeDocx(t, map[string]string{
		"word/document.xml": `<?xml version="1.0"?><w:document ` + wordSpace + `><w:body>` + body + `<w:sectPr/></w:body></w:document>`,
		"word/styles.xml": `<w:styles ` + wordSpace + `><w:style w:styleId="Titel"><w:name w:val="Title"/></w:style><w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style>` +
			`<w:style w:styleId="Heading3x"><w:name w:val="My own"/><w:basedOn w:val="h3"/></w:style><w:style w:styleId="h3"><w:name w:val="heading 3"/></w:style><w:style w:styleId="Code"><w:name w:val="Source Code"/></w:style></w:styles>`,
		"word/numbering.xml": `<w:numbering ` + wordSpace + `><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>` +
			`<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num></w:numbering>`,
		"word/_rels/document.xml.rels": `<Relationships><Relationship Id="rId7" Target="https://usher.example/terms" TargetMode="External"/><Relationship Id="rId8" Target="javascript:alert(1)" TargetMode="External"/></Relationships>`,
	})
	got, err := importer.File("policy.docx", data, knowledge.Public)
	require.NoError(t, err)
	require.Equal(t, "Refund policy", got.Content.Title)
	require.Equal(t, "We pay **within five days**, see [the terms](https://usher.example/terms), always or sooner.\n\n## Steps\n\n1. Open Billing\n2. Press Refund\n  - by card\n3. Done\n\n"+
		"### Codes\n\n| Code | Meaning |\n| --- | --- |\n| E1 | a\\|b |\n\n```\ncurl -X POST\n  -d x\n```\n\nEnd.", got.Content.Body)
}

func TestAWordDocumentThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	document := func(inside string) map[string]string {
		return map[string]string{"word/document.xml": `<w:document ` + wordSpace + `><w:body>` + inside + `</w:body></w:document>`}
	}
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"no archive":         {[]byte("hello"), "is no Word document"},
		"an old one":         {[]byte("\xd0\xcf\x11\xe0\xa1\xb1"), "save it as .docx"},
		"an archive of else": {makeDocx(t, map[string]string{"a.txt": "x"}), "is no Word document"},
		"no text":            {makeDocx(t, document(`<w:p/>`)), "holds no text"},
		"broken XML":         {makeDocx(t, document(`<w:p>`)), "is no Word document"},
		"a bomb":             {makeDocx(t, document(strings.Repeat(" ", 30<<20))), "unpacks to far more"},
		"too deep":           {makeDocx(t, document(strings.Repeat("<w:p>", 1000))), "unpacks to far more"},
		"an entity bomb":     {makeDocx(t, map[string]string{"word/document.xml": `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>`}), "is no Word document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := importer.File("x.docx", test.data, knowledge.Public)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestAFolderMayHoldPDFAndWordFiles(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	root := folder(t, map[string]string{
		"guides/sso.pdf": string(pdfFile(t)), "scan.pdf": string(makePDF("", "0 0 1 1 re f")), "start.md": "# Start\n\nSee [the guide](guides/sso.pdf).\n",
	})
	report, err := importer.Import(t.Context(), importer.Options{Service: b.Service, Path: root, Source: "mixed"})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"guides/sso.pdf", "start.md"}, report.Added)
	require.Len(t, report.Problems, 1)
	require.Contains(t, report.Problems[0].Reason, "holds no text")
	require.Equal(t, "See [the guide](guides-sso).", read(t, b, knowledge.Viewer{}, "start").Version.Body)
}
