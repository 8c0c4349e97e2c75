package guard

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var marked = regexp.MustCompile(`\{([A-Z_]+):([^}]*)\}`)

// What is masked of texts in the forms of many countries, by kind: all of what has a
// form, and nothing else.
func TestFindInManyForms(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/pii.txt", "testdata/pii_fresh.txt", "testdata/pii_names.txt"} {
		structured, prose := forms(t, file)
		require.Equal(t, structured.all, structured.found, file)
		require.Equal(t, structured.masked, structured.right, file)
		require.Equal(t, prose.all, prose.found, "names and addresses of %s", file)
		require.Equal(t, prose.masked, prose.right, "names and addresses of %s", file)
	}
}

// What stands around a value changes nothing: only the parts of a text around
// numbers and words that tell are read.
func TestFindInLongTexts(t *testing.T) {
	t.Parallel()
	prose := strings.Repeat("we followed the guide and the import of all customers still fails with an error, ", 20)
	lines := 0
	for line := range strings.Lines(readFile(t, "testdata/pii.txt") + readFile(t, "testdata/pii_fresh.txt")) {
		line = strings.TrimSpace(marked.ReplaceAllString(line, "$2"))
		if line == "" || line[0] == '#' {
			continue
		}
		lines++
		var alone, within []Span
		for _, s := range Find(line) {
			alone = append(alone, Span{s.Kind, s.Start + len(prose) + 1, s.End + len(prose) + 1})
		}
		within = Find(prose + "\n" + line + "\n" + prose)
		require.Equal(t, alone, within, line)
	}
	require.Greater(t, lines, 150)
}

// score counts the marked values and those found, the masked ones and those right.
type score struct{ found, all, right, masked int }

// forms finds what is marked in a file of texts, what has a form and names and
// addresses. A value is found when every byte of it is masked as its kind, a masked
// one right when it holds no letter or digit but of values of its kind.
func forms(t *testing.T, file string) (structured, prose score) {
	t.Helper()
	of := func(kind string) *score {
		if kind == "NAME" || kind == "ADDRESS" {
			return &prose
		}
		return &structured
	}
	for line := range strings.Lines(readFile(t, file)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		text := marked.ReplaceAllString(line, "$2")
		spans := Find(text)
		masked, wanted := make([]string, len(text)), make([]string, len(text))
		for _, s := range spans {
			for i := s.Start; i < s.End; i++ {
				masked[i] = s.Kind
			}
		}
		shift := 0
		for _, m := range marked.FindAllStringSubmatchIndex(line, -1) {
			kind := line[m[2]:m[3]]
			start := m[0] - shift
			end := start + m[5] - m[4]
			shift += (m[1] - m[0]) - (m[5] - m[4])
			hidden := true
			for i := start; i < end; i++ {
				wanted[i] = kind
				hidden = hidden && masked[i] == kind
			}
			of(kind).all++
			if hidden {
				of(kind).found++
			} else {
				t.Logf("missed %s %q: %s", kind, text[start:end], text)
			}
		}
		for _, s := range spans {
			right := wanted[s.Start] == s.Kind && wanted[s.End-1] == s.Kind
			for i := s.Start; i < s.End; i++ {
				right = right && (wanted[i] == s.Kind || !isWordByte(text[i]))
			}
			of(s.Kind).masked++
			if right {
				of(s.Kind).right++
			} else {
				t.Logf("wrongly %s: %q in %s", s.Kind, text[s.Start:s.End], text)
			}
		}
	}
	t.Logf("%s: %+v, names and addresses %+v", file, structured, prose)
	return structured, prose
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
