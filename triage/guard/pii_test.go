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
	recall, precision := forms(t, "testdata/pii.txt")
	require.GreaterOrEqual(t, recall, 0.97)
	require.GreaterOrEqual(t, precision, 0.95)
	forms(t, "testdata/pii_fresh.txt")
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
