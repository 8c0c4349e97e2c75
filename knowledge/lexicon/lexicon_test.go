package lexicon_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

func words(text string) string {
	var out []string
	for _, token := range lexicon.Tokens(text) {
		out = append(out, token.Text)
	}
	return strings.Join(out, " ")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Sign-up isn't free":     "sign up signup isnt free",
		"the customer's GitHub":  "the customer git hub github",
		"version 2.1, 404 pages": "version 2.1 404 pages",
		"utm_source=x script.js": "utm source utmsource x script js scriptjs",
		"R&D plan":               "r d rd plan",
		"データ入力":                  "デー ータ タ入 入力",
		"...":                    "",
		"ﬁle ＡＢＣ":                "file abc",
	} {
		require.Equal(t, want, words(text), text)
	}
}

func TestStems(t *testing.T) {
	t.Parallel()
	for _, pair := range [][3]string{
		{"en", "billing", "bills"}, {"de", "rechnungen", "rechnung"}, {"de", "kündigen", "kundigen"},
		{"es", "facturas", "factura"}, {"fr", "paiements", "paiement"}, {"sv", "fakturor", "faktura"}, {"pt", "faturas", "fatura"}, {"it", "documenti", "documento"}, {"nl", "rekeningen", "rekening"},
		{"ru", "счета", "счет"}, {"xx", "café", "cafe"},
	} {
		require.Equal(t, lexicon.Stem(pair[1], pair[0]), lexicon.Stem(pair[2], pair[0]), pair)
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"how do I change the plan of my team":       "en",
		"wie kann ich meine Rechnung herunterladen": "de",
		"¿cómo puedo cambiar mi contraseña?":        "es",
		"comment puis-je changer mon mot de passe":  "fr",
		"hur ska jag byta mitt lösenord":            "sv",
		"как мне сменить пароль":                    "ru",
		"invoice": "en",
	} {
		require.Equal(t, want, lexicon.Language(text, "en"), text)
	}
	require.Equal(t, "de", lexicon.Language("Login", "de-AT"), "the stated language holds where nothing decides")
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b        string
		limit, want int
	}{
		{"invoice", "invoice", 2, 0}, {"invocie", "invoice", 2, 1}, {"invoce", "invoice", 1, 1},
		{"abc", "xyz", 2, 3}, {"a", "abcdef", 2, 3}, {"", "ab", 2, 2},
	} {
		require.Equal(t, test.want, lexicon.Distance([]rune(test.a), []rune(test.b), test.limit), "%s %s", test.a, test.b)
	}
}

func TestSynonymsAreMutual(t *testing.T) {
	t.Parallel()
	require.Contains(t, lexicon.Synonyms(lexicon.Stem("delete", "en"), "en"), "remove")
	require.Contains(t, lexicon.Synonyms(lexicon.Stem("removing", "en"), "en"), "delete")
	require.Empty(t, lexicon.Synonyms("zyzzyva", "en"))
	require.Empty(t, lexicon.Synonyms("delet", "de"), "one language's words say nothing in another")
}

func FuzzTerms(f *testing.F) {
	f.Add("Sign-up's GitHub 2.1 データ", "en")
	f.Add("\xff\x00''--__", "de")
	f.Fuzz(func(t *testing.T, text, language string) {
		for _, term := range lexicon.Terms(text, language) {
			if term.Stem == "" || !utf8.ValidString(term.Stem) {
				t.Fatalf("%q gives the stem %q", text, term.Stem)
			}
			if id := lexicon.ID(term.Stem); id < 0 || id >= lexicon.Dimensions {
				t.Fatalf("id %d of %q", id, term.Stem)
			}
		}
	})
}

func TestPhrases(t *testing.T) {
	t.Parallel()
	stems := func(text, language string) string {
		var out []string
		for _, term := range lexicon.Terms(text, language) {
			out = append(out, term.Stem)
		}
		return strings.Join(out, " ")
	}
	for text, want := range map[string]string{
		"I can't log in":            "login",
		"Sign in to the portal":     "login portal",
		"signing out":               "logout",
		"the sign-in page":          "login page",
		"The conversation is a log": "convers log",
		"sign the contract":         "sign contract",
	} {
		require.Equal(t, want, stems(text, "en"), text)
	}
	require.Equal(t, "log", stems("log in", "de"), "English only")
}

func TestTranslations(t *testing.T) {
	t.Parallel()
	require.Contains(t, lexicon.Translations("dokument", "de", "en"), lexicon.Stem("document", "en"))
	require.Contains(t, lexicon.Translations("contrasena", "es", "en"), lexicon.Stem("password", "en"))
	require.NotContains(t, lexicon.Translations("datos", "es", "en"), lexicon.Stem("date", "en"))
	require.Empty(t, lexicon.Translations("document", "en", "en"))
	require.Empty(t, lexicon.Translations("zebra", "de", "en"))
}

func TestGermanVerbsAndCompounds(t *testing.T) {
	t.Parallel()
	stems := func(text string) (out []string) {
		for _, term := range lexicon.Terms(text, "de") {
			out = append(out, term.Stem)
		}
		return out
	}
	require.Equal(t, []string{lexicon.Stem("hochladen", "de"), "dokumen"}, stems("Wie lade ich ein Dokument hoch?"))
	require.Equal(t, []string{lexicon.Stem("abmelden", "de")}, stems("Wie melde ich mich ab?"))
	require.Equal(t, []string{"turm", "hoch"}, stems("Ist der Turm hoch?"), "no verb of ours")
	require.Equal(t, []string{"anmelde", "link"}, lexicon.Parts("anmeldelink", "de"))
	require.Equal(t, []string{"datei", "typen"}, lexicon.Parts("dateitypen", "de"))
	require.Empty(t, lexicon.Parts("dokument", "de"))
	require.Empty(t, lexicon.Parts("anmeldelink", "en"))
}
