package status

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every language has every sentence with the same fields.
func TestLanguagesHaveTheSameSentences(t *testing.T) {
	t.Parallel()
	field := regexp.MustCompile(`\{\w+\}`)
	require.Len(t, phrases, 5)
	require.Greater(t, len(phrases["en"]), 200)
	for language, sentences := range phrases {
		require.Len(t, sentences, len(phrases["en"]), language)
		for key, english := range phrases["en"] {
			require.Contains(t, sentences, key, language)
			require.ElementsMatch(t, field.FindAllString(english, -1), field.FindAllString(sentences[key], -1), "%s %s", language, key)
		}
	}
}

func TestATicketNumberIsOneThatIsCalledSo(t *testing.T) {
	t.Parallel()
	mine := []Ticket{{Number: 4821}}
	for text, want := range map[string]int64{
		"Any news on case 4821?": 4821, "what about #12": 12, "Ticket Nr. 77?": 77, "4821 please": 4821,
		"The sync with Dynamics 365 broke, is there a ticket?": 0, "since 2024": 0, "#99999999999999999999": 0,
	} {
		require.Equal(t, want, wanted(text, mine), text)
	}
}

func TestNumbersAreGroupedAsTheLanguageDoes(t *testing.T) {
	t.Parallel()
	for language, want := range map[string][2]string{
		"en": {"1,234", "1,234,567"}, "de": {"1.234", "1.234.567"}, "fr": {"1\u202f234", "1\u202f234\u202f567"},
		"es": {"1234", "1.234.567"}, "pt": {"1.234", "1.234.567"},
	} {
		d := &draft{language: language}
		require.Equal(t, want, [2]string{d.number(1234), d.number(1234567)}, language)
	}
}
