package guard_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
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

// Recall by type on public labelled text; names and addresses are not looked for.
func TestMaskRecall(t *testing.T) {
	t.Parallel()
	file, err := os.Open(dbtest.TestData(t, "data", "pii_presidio", "dev.jsonl"))
	require.NoError(t, err)
	defer file.Close()
	structured := map[string]bool{"EMAIL_ADDRESS": true, "PHONE_NUMBER": true, "CREDIT_CARD": true, "IBAN_CODE": true, "US_SSN": true, "IP_ADDRESS": true}
	found, all := map[string]int{}, map[string]int{}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		var row struct {
			Text  string
			Spans [][3]any
		}
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &row))
		masked, _ := guard.Mask(row.Text)
		runes := []rune(row.Text)
		for _, span := range row.Spans {
			name := span[2].(string)
			value := string(runes[int(span[0].(float64)):int(span[1].(float64))])
			all[name]++
			if !strings.Contains(masked, value) {
				found[name]++
			}
		}
	}
	hit, total := 0, 0
	for name, n := range all {
		t.Logf("%s: %d of %d", name, found[name], n)
		if structured[name] {
			hit, total = hit+found[name], total+n
		}
	}
	t.Logf("structured recall %.3f of %d", float64(hit)/float64(total), total)
	require.GreaterOrEqual(t, float64(hit)/float64(total), 0.97)
}
