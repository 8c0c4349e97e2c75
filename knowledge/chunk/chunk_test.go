package chunk_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge/chunk"
)

const guide = `Intro paragraph.

# Setup

First steps.

## Keys {#api-keys}

1. Open *Settings*.
2. Choose **Keys**.

   Indented continuation.
3. Copy.

| Plan | Limit |
| ---- | ----- |
| Free | 10 |
| Pro | 1000 |

## Keys

` + "```sh\n# not a heading\ncurl -H 'x: y'\n\necho done\n```" + `

Setext title
============

Tail.
`

func TestSplitKeepsStructureWhole(t *testing.T) {
	t.Parallel()
	chunks := chunk.Split(guide, chunk.Sizes{})
	var got []string
	for _, c := range chunks {
		got = append(got, fmt.Sprintf("%s|%s|%.19q", strings.Join(c.Path, ">"), c.Anchor, c.Text))
	}
	require.Equal(t, []string{
		`||"Intro paragraph."`,
		`Setup|setup|"First steps."`,
		`Setup>Keys|keys|"1. Open *Settings*."`,
		`Setup>Keys|keys-1|"` + "```sh\\n# not a headi" + `"`,
		`Setext title|setext-title|"Tail."`,
	}, got)
	require.Contains(t, chunks[2].Text, "Indented continuation.")
	require.Contains(t, chunks[2].Text, "| Pro | 1000 |")
	require.Contains(t, chunks[3].Text, "echo done\n```")
}

func TestSplitCutsOnlyWhatIsOverTheLimit(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| Name | Value |\n|---|---|\n")
	for i := range 400 {
		fmt.Fprintf(&table, "| row %d | some value here |\n", i)
	}
	chunks := chunk.Split(table.String(), chunk.Sizes{Target: 100, Max: 200})
	require.Greater(t, len(chunks), 5)
	for _, c := range chunks {
		require.True(t, strings.HasPrefix(c.Text, "| Name | Value |\n|---|---|\n"), "every piece repeats the head")
		require.LessOrEqual(t, len(strings.Fields(c.Text)), 230)
	}
	list := strings.Repeat("- one two three four five\n", 30)
	require.Len(t, chunk.Split(list, chunk.Sizes{Target: 100, Max: 200}), 1, "a list under the limit is whole")
}

func TestPlainKeepsTheWords(t *testing.T) {
	t.Parallel()
	for markdown, plain := range map[string]string{
		"See [the **guide**](https://x.example/a) now": "See the guide now",
		"# Title":                     "Title",
		"- `code` and ~~old~~":        "code and old",
		"![diagram of flow](a.png) x": "diagram of flow x",
		"a <b>bold</b> word<br/>":     "a bold word",
		"snake_case_name stays":       "snake_case_name stays",
	} {
		require.Equal(t, strings.Fields(plain), strings.Fields(chunk.Plain(markdown)), markdown)
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"It costs 2.50 EUR, e.g. Monthly plans.", "Call us!", "Is it 5? Yes."[:8], "Yes."},
		chunk.Sentences("It costs 2.50 EUR, e.g. Monthly plans. Call us! Is it 5? Yes."))
	require.Equal(t, []string{`Ask "Is it done?"`, "The answer says so.", "(It may.)", "Or not."},
		chunk.Sentences(`Ask "Is it done?" The answer says so. (It may.) Or not.`))
}

// letters are what a reader reads, to compare text with its chunks.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{guide, "", "#", "```", "|a|\n|-|", "- \n  x\n\ny", "a\n===\n", "\r\n#\tx\r\n", strings.Repeat("x", 20000), "日本語。テキスト！"} {
		f.Add(seed, 20, 40)
	}
	f.Fuzz(func(t *testing.T, text string, target, limit int) {
		if !utf8.ValidString(text) {
			t.Skip("articles are valid UTF-8")
		}
		chunks := chunk.Split(text, chunk.Sizes{Target: target % 1000, Max: limit % 1000})
		var all strings.Builder
		for i, c := range chunks {
			if c.Ordinal != i || strings.TrimSpace(c.Text) == "" || !utf8.ValidString(c.Text) {
				t.Fatalf("chunk %d: ordinal %d, text %q", i, c.Ordinal, c.Text)
			}
			all.WriteString(strings.Join(c.Path, ""))
			all.WriteString(c.Text)
		}
		// Nothing is lost: every character of the body is in some chunk, as often
		// as it is in the text outside headings.
		body := countLetters(all.String())
		for r, n := range countLetters(withoutHeadings(text)) {
			if body[r] < n {
				t.Fatalf("%q occurs %d times in the text and %d times in the chunks", r, n, body[r])
			}
		}
	})
}

func countLetters(s string) map[rune]int {
	counts := make(map[rune]int)
	for _, r := range letters(s) {
		counts[r]++
	}
	return counts
}

// withoutHeadings drops lines that may be headings; their text is checked by
// the table test.
func withoutHeadings(text string) string {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
	var out []string
	for i, line := range lines {
		underlined := false
		for j := i + 1; j < len(lines); j++ { // a paragraph above a setext line
			if strings.TrimSpace(lines[j]) == "" {
				break
			}
			if trimmed := strings.TrimSpace(lines[j]); strings.Trim(trimmed, "=") == "" || strings.Trim(trimmed, "-") == "" {
				underlined = true
			}
		}
		if !underlined && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
