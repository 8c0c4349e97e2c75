package confirm

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatLooksLikeACode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"483920": "••••••", "483 920": "••••••", "Code: 483-920!": "Code: ••••••!", "4 8 3 9 2 0": "••••••",
		"４８３９２０": "••••••", "order 4821 483920 and 12": "order 4821 •••••• and 12", "483920 483921": "•••••• ••••••",
		"12345": "12345", "1234567": "1234567", "IBAN DE44500105175407324931": "IBAN DE44500105175407324931", "2026-11-27": "2026-11-27",
		"½ ²": "½ ²", "½ ² ﬁ Å 483920": "½ ² ﬁ Å ••••••", "⁴⁸³⁹²⁰ m²": "•••••• m²", "４８３　９２０！": "••••••！", "48392½34567.": "••••••••••••.",
		"\xff483920\xff": "\xff••••••\xff",
	} {
		require.Equal(t, want, blotted(text, sixes(text)), text)
		require.Equal(t, want != text, Like(text), text)
	}
	enters := func(text string) bool { return entry(text, sixes(text)) }
	require.True(t, enters("My code is 483 920, thank you."))
	require.False(t, enters("483920 or 483921"))
	require.False(t, enters("Our order 483920 of the third week has not come yet, could you please look where it is now?"))
	require.Equal(t, []six{{"483920", 0, 7}, {"111222", 13, 19}}, sixes("483 920 then 111222"))
}

// How much memory it takes is counted: twice the text takes about twice as much.
func TestManyNumbersTakeNoMoreThanTheirLength(t *testing.T) { //nolint:paralleltest // what others take would be counted too
	taken := func(size int) uint64 {
		text := strings.Repeat("483920 ", size/7)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.Equal(t, strings.Repeat("•••••• ", size/7), blotted(text, sixes(text)))
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	taken(1_000)
	half, whole := taken(50_000), taken(100_000)
	require.Less(t, whole, 3*half)
	require.Less(t, whole, uint64(20<<20))
}

func TestWordsAreInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "de", "fr", "es", "pt"} {
		w := WordsOf(language + "-XX")
		require.NotEmpty(t, w.Elsewhere)
		require.Contains(t, w.Said(ErrWrong, 2), "2", language)
		said := map[string]bool{w.Said(nil, 0): true, w.Said(ErrWrong, 2): true, w.Said(ErrWrong, 1): true, w.Said(ErrSpent, 0): true, w.Said(ErrOver, 0): true}
		require.Len(t, said, 5, language)
		if language != "en" {
			require.NotEqual(t, WordsOf("en"), w)
		}
	}
	require.Equal(t, WordsOf("en"), WordsOf("nl"))
}
