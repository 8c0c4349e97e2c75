package triage_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\r\nb\tc":                   "a\nb\tc",
		"\u202Egnp.exe\u202C\u0007":   "gnp.exe",
		"in\u200Bvis\u2060ible\uFEFF": "invisible",
		"ok\U000E0069\U000E0067\U000E006E\U000E006F\U000E0072\U000E0065": "ok",
		"<\u3164!channel>":       "<!channel>",
		"می\u200Cخواهم 👩\u200D💻": "می\u200Cخواهم 👩\u200D💻",
		"naïve Straße 東京":        "naïve Straße 東京",
		"a\x00b\xffc":            "abc",
	} {
		require.Equal(t, want, triage.Plain(text))
	}
}
