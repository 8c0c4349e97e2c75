package openai

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/answer"
)

func said(text string, citations ...int) answer.Sentence {
	return answer.Sentence{Text: text, Citations: citations}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []answer.Sentence
	}{
		"marks stand before or behind the full stop": {"A is so [1]. B is so.[2] C is so. [1][3]", []answer.Sentence{said("A is so.", 1), said("B is so.", 2), said("C is so.", 1, 3)}},
		"a mark may hold several numbers":            {"A is so [1, 3].", []answer.Sentence{said("A is so.", 1, 3)}},
		"a number nobody gave stays":                 {"A is so [9].", []answer.Sentence{said("A is so.", 9)}},
		"decimals and abbreviations do not end it":   {"It costs 3.50 euros, e.g. in May. [1] Pay Mr. Bo. [1]", []answer.Sentence{said("It costs 3.50 euros, e.g. in May.", 1), said("Pay Mr. Bo.", 1)}},
		"a list is one block":                        {"Do this:\n\n1. Open *Files*.\n2. Choose Send. [1]\n\nThen wait. [2]", []answer.Sentence{said("Do this:"), said("1. Open *Files*.\n2. Choose Send.", 1), said("Then wait.", 2)}},
		"a loose list is one block":                  {"- One [1]\n\n- Two\n\nEnd. [1]", []answer.Sentence{said("- One\n\n- Two", 1), said("End.", 1)}},
		"a list of one is a sentence":                {"- Only this [1]", []answer.Sentence{said("Only this", 1)}},
		"a table is one block":                       {"| A | B |\n|---|---|\n| 1 | 2 |\n[1]", []answer.Sentence{said("| A | B |\n|---|---|\n| 1 | 2 |", 1)}},
		"code is one block":                          {"Run: [1]\n```\na. B\n\nc\n```\nDone. [1]", []answer.Sentence{said("Run:", 1), said("```\na. B\n\nc\n```"), said("Done.", 1)}},
		"marks alone belong to what stands before":   {"- A\n- B\n\n[1]\n\nEnd. [2]", []answer.Sentence{said("- A\n- B", 1), said("End.", 2)}},
		"hard-wrapped lines are one sentence":        {"A is\nso. [1]", []answer.Sentence{said("A is so.", 1)}},
		"links are no marks":                         {"See [1](/help/a). [2]", []answer.Sentence{said("See [1](/help/a).", 2)}},
		"thoughts are dropped":                       {"<think>Hm. Well.</think>\n\nA is so. [1]", []answer.Sentence{said("A is so.", 1)}},
		"an unfinished thought is nothing":           {"<think>Hm. Well.", nil},
		"full-width stops end it":                    {"可以重置。[1]然后等待。[2]", []answer.Sentence{said("可以重置。", 1), said("然后等待。", 2)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runes := []rune(c.text)
			for size := 1; size <= len(runes); size++ { // however the stream is cut
				var s splitter
				var got []answer.Sentence
				for at := 0; at < len(runes); at += size {
					got = append(got, s.write(string(runes[at:min(at+size, len(runes))]))...)
				}
				require.Equal(t, c.want, append(got, s.rest()...), "pieces of %d", size)
			}
		})
	}
}

func TestSplitSurvivesBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	var s splitter
	got := append(s.write("A \xff. [1] \xe3"), s.rest()...)
	require.Equal(t, []answer.Sentence{said("A \uFFFD. \uFFFD", 1)}, got)
}

// However a text arrives, no word of it is lost, doubled or left behind.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"A. [1] B. [2]", "- a\n\n- b\n\n[1]", "```\nx", "| a |\n\n[1](x", "1.\n2. x\n\n\n", "A\n\n\n[1] b"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		if strings.Contains(text, "<think>") || len(text) > 4000 {
			t.Skip("thoughts are lost on purpose, and no answer is that long")
		}
		runes := []rune(text)
		size = max(1, min(size, 50))
		var s splitter
		var got []answer.Sentence
		for at := 0; at < len(runes); at += size {
			got = append(got, s.write(string(runes[at:min(at+size, len(runes))]))...)
		}
		words := ""
		for _, sentence := range append(got, s.rest()...) {
			words += sentence.Text
		}
		require.Equal(t, letters(string(runes)), letters(words))
		require.Empty(t, strings.TrimSpace(s.pending))
	})
}

func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text)
}
