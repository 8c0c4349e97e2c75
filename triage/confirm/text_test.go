package confirm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatLooksLikeACode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"483920": "••••••", "483 920": "••••••", "Code: 483-920!": "Code: ••••••!", "4 8 3 9 2 0": "••••••",
		"４８３９２０": "••••••", "order 4821 483920 and 12": "order 4821 •••••• and 12", "483920 483921": "•••••• ••••••",
		"12345": "12345", "1234567": "1234567", "IBAN DE44500105175407324931": "IBAN DE44500105175407324931", "2026-11-27": "2026-11-27",
	} {
		require.Equal(t, want, blotted(text), text)
		require.Equal(t, want != text, Like(text), text)
	}
	require.True(t, entry("My code is 483 920, thank you."))
	require.False(t, entry("483920 or 483921"))
	require.False(t, entry("Our order 483920 of the third week has not come yet, could you please look where it is now?"))
	require.Equal(t, []string{"483920", "111222"}, sixes("483 920 then 111222"))
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
