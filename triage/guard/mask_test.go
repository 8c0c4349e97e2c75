package guard_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/guard"
)

func TestMaskTakesOutAndPutsBack(t *testing.T) {
	t.Parallel()
	text := "I am ana@acme.test (+49 30 1234567), card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, host 10.1.2.3, again ana@acme.test. password: hunter22x"
	masked, vault := guard.Mask(text)
	for _, secret := range []string{"ana@acme.test", "1234567", "4111", "DE89", "10.1.2.3", "hunter22x"} {
		require.NotContains(t, masked, secret)
	}
	require.Equal(t, 2, strings.Count(masked, "⟦EMAIL_1⟧"), "the same value, the same placeholder")
	require.Equal(t, text, vault.Restore(masked))

	for _, harmless := range []string{"We go live on 2026-12-08 at 14:30.", "Ticket #1042, 18,240 of 22,800 records", "card 4111 1111 1111 1112"} {
		masked, _ := guard.Mask(harmless)
		require.Equal(t, harmless, masked)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("mail ana@acme.test or call +49 30 1234567")
	f.Fuzz(func(t *testing.T, text string) {
		masked, vault := guard.Mask(text)
		want := strings.NewReplacer("⟦", "[", "⟧", "]").Replace(text)
		if got := vault.Restore(masked); got != want {
			t.Fatalf("restored %q, want %q", got, want)
		}
	})
}

func TestFindNamesAndAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Hello, my name is Ana Keller and I have a question":                {"NAME Ana Keller"},
		"Dear Mr. Okonkwo, the import failed":                               {"NAME Okonkwo"},
		"Ich heiße Jürgen Maier, mein Kollege Stefan hilft mir":             {"NAME Jürgen Maier", "NAME Stefan"},
		"Sehr geehrte Frau Dr. Weiß, danke":                                 {"NAME Weiß"},
		"Je m'appelle Élodie Martin":                                        {"NAME Élodie Martin"},
		"Me llamo Lucía Fernández":                                          {"NAME Lucía Fernández"},
		"Meu nome é João Pereira":                                           {"NAME João Pereira"},
		"Please ask Katarzyna W. Nowak. Nowak knows it.":                    {"NAME Katarzyna W. Nowak", "NAME Nowak"},
		"Best regards,\nTomas Lindqvist":                                    {"NAME Tomas Lindqvist"},
		"Send it to 221B Baker Street, London NW1 6XE please":               {"ADDRESS 221B Baker Street, London NW1 6XE"},
		"Wir sitzen in der Hauptstraße 12a, 10115 Berlin":                   {"ADDRESS Hauptstraße 12a, 10115 Berlin"},
		"Nous sommes au 12 rue de la Paix, 75002 Paris":                     {"ADDRESS 12 rue de la Paix, 75002 Paris"},
		"Vivimos en la calle Mayor 5, 28013 Madrid":                         {"ADDRESS calle Mayor 5, 28013 Madrid"},
		"O escritório fica na Rua Augusta, 1500, São Paulo":                 {"ADDRESS Rua Augusta, 1500, São Paulo"},
		"We go live on Monday with Google Analytics and Salesforce":         nil,
		"Getting Started: open User Management, then Import Settings":       nil,
		"May I ask Grace period questions? Will this work in April?":        nil,
		"Welche Kündigungsfrist steht im Vertrag? Euer Prüfer irrt sich":    nil,
		"Der Bereich Übersicht zeigt den Status der Schnittstelle Ärzte":    nil,
		"The United Kingdom office uses Microsoft Teams 3 times a day":      nil,
		"Step 2 of 5: choose Sandbox, import 18,240 of 22,800 records":      nil,
		"Ticket #1042 was opened on 2026-12-08 14:30:22, see version 1.2.3": nil,
	} {
		var got []string
		for _, s := range guard.Find(text) {
			got = append(got, s.Kind+" "+text[s.Start:s.End])
		}
		require.Equal(t, want, got, text)
	}
}

func TestFindStructured(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"write to jörg.maier+test@büro-müller.example":       "EMAIL jörg.maier+test@büro-müller.example",
		"call me on +44 7700 900123 today":                   "PHONE +44 7700 900123",
		"mon numéro : 01.84.17.61.18":                        "PHONE 01.84.17.61.18",
		"tel. (030) 1234-5678":                               "PHONE (030) 1234-5678",
		"IBAN GB29 NWBK 6016 1331 9268 19 please":            "IBAN GB29 NWBK 6016 1331 9268 19",
		"card 5555-5555-5555-4444 was charged":               "CARD 5555-5555-5555-4444",
		"SSN 078-05-1120":                                    "NATIONAL_ID 078-05-1120",
		"NINO QQ 12 34 56 C is not issued, AB 12 34 56 C is": "NATIONAL_ID AB 12 34 56 C",
		"mi DNI es 12345678Z":                                "NATIONAL_ID 12345678Z",
		"my passport number is X1234567":                     "NATIONAL_ID X1234567",
		"host 192.168.10.4 is down":                          "IP 192.168.10.4",
		"host 2001:db8:85a3:0:0:8a2e:370:7334 is down":       "IP 2001:db8:85a3:0:0:8a2e:370:7334",
		"clone https://bob:hunter2@git.test/x.git":           "URL https://bob:hunter2@git.test/x.git",
		"open https://acme.test/cb?token=abcdef now":         "URL https://acme.test/cb?token=abcdef",
		"key sk-abcdefghijklmnop1234 leaked":                 "SECRET sk-abcdefghijklmnop1234",
		"AKIAIOSFODNN7EXAMPLE leaked":                        "SECRET AKIAIOSFODNN7EXAMPLE",
		"mein Passwort ist Sommer2026!":                      "SECRET Sommer2026!",
		"order 4111111111111112 is no card":                  "",
		"version 10.0.1 and section 1.2.3.4.5":               "",
	} {
		var got []string
		for _, s := range guard.Find(text) {
			got = append(got, s.Kind+" "+text[s.Start:s.End])
		}
		require.Equal(t, want, strings.Join(got, "; "), text)
	}
}

// floor are the seven patterns anybody would write for a start.
var floor = []*regexp.Regexp{
	regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+`),
	regexp.MustCompile(`\+?\d[\d ()-]{7,}\d`),
	regexp.MustCompile(`\b(?:\d[ -]?){13,16}\b`),
	regexp.MustCompile(`\b[A-Z]{2}\d{2}[A-Z0-9 ]{11,30}\b`),
	regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`),
	regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`),
	regexp.MustCompile(`\b(?:sk|pk|ghp|AKIA)[-_]?[A-Za-z0-9]{16,}\b`),
}

// BenchmarkMask masks 2 kB of a customer's prose, of a mail with a signature and
// order lines, and of nothing but personal data, and says how many times the seven
// patterns of the floor that takes.
func BenchmarkMask(b *testing.B) {
	forms, err := os.ReadFile("testdata/pii.txt")
	require.NoError(b, err)
	prose := "We followed the instructions in your guide and the import of all customers still fails with an error. "
	for name, text := range map[string]string{
		"prose":        strings.Repeat(prose, 19) + "Call Ana Keller, +49 30 1234567, Hauptstraße 12, 10115 Berlin",
		"mail":         strings.Repeat(prose+"Order 48213 of 2026-03-04 10:15, 3 × 12.50 EUR, version 2.4.1.\nAna Keller <ana.keller@acme.test>, +49 30 1234567, Hauptstraße 12, 10115 Berlin\n", 8),
		"nothing else": string(forms[:2048]),
	} {
		b.Run(name, func(b *testing.B) {
			bare := time.Duration(1<<63 - 1)
			for range 20 {
				start := time.Now()
				for _, p := range floor {
					p.FindAllStringIndex(text, -1)
				}
				bare = min(bare, time.Since(start))
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				guard.Mask(text)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bare), "floors/op")
		})
	}
}
