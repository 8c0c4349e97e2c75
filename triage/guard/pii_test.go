package guard

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var marked = regexp.MustCompile(`\{([A-Z_]+):([^}]*)\}`)

// What is masked of texts in the forms of many countries, by kind.
func TestFindInManyForms(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/pii.txt", "testdata/pii_fresh.txt"} {
		recall, precision := forms(t, file)
		require.GreaterOrEqual(t, recall, 0.97, file)
		require.GreaterOrEqual(t, precision, 0.95, file)
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

// forms finds what is marked in a file of texts and says how much of it, and how much
// of what was found is marked.
func forms(t *testing.T, file string) (float64, float64) {
	t.Helper()
	type count struct{ found, all int }
	recall := map[string]*count{}
	right, masked := 0, 0
	for line := range strings.Lines(readFile(t, file)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		text := marked.ReplaceAllString(line, "$2")
		spans := Find(text)
		covered := make([]bool, len(text))
		for _, s := range spans {
			for i := s.Start; i < s.End; i++ {
				covered[i] = true
			}
		}
		wanted := make([]bool, len(text))
		shift := 0
		for _, m := range marked.FindAllStringSubmatchIndex(line, -1) {
			kind := line[m[2]:m[3]]
			start := m[0] - shift
			end := start + m[5] - m[4]
			shift += (m[1] - m[0]) - (m[5] - m[4])
			c := recall[kind]
			if c == nil {
				c = &count{}
				recall[kind] = c
			}
			c.all++
			hidden := true
			for i := start; i < end; i++ {
				wanted[i] = true
				hidden = hidden && (covered[i] || !isWordByte(text[i]))
			}
			if hidden {
				c.found++
			} else {
				t.Logf("missed %s: %s", kind, text)
			}
		}
		for _, s := range spans {
			if s.Kind == "NAME" || s.Kind == "ADDRESS" {
				continue
			}
			masked++
			if wanted[s.Start] || wanted[s.End-1] {
				right++
			} else {
				t.Logf("wrongly %s: %q in %s", s.Kind, text[s.Start:s.End], text)
			}
		}
	}
	found, all := 0, 0
	for kind, c := range recall {
		t.Logf("%-12s %d of %d", kind, c.found, c.all)
		found, all = found+c.found, all+c.all
	}
	t.Logf("%s: recall %d of %d, precision %d of %d", file, found, all, right, masked)
	return float64(found) / float64(all), float64(right) / float64(masked)
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
