package answer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/answer"
)

// A model writes in the customer's language about English passages; what it says
// is held against them by meaning.
func TestATranslationIsHeldAgainstItsSource(t *testing.T) {
	t.Parallel()
	passages := []answer.Passage{
		{Number: 1, Language: "en", Title: "Change your password", Text: "Open **Settings** and choose Password. Enter the new password twice and save it. The link in the mail is valid for 30 minutes."},
		{Number: 2, Language: "en", Title: "Invoices and payment", Text: "You can download every invoice as a PDF under Billing. You cannot pay by card. We send the invoice by e-mail on the first day of the month."},
	}
	for _, c := range []struct {
		language, text string
		passage        int
		problem        string
	}{
		{"de", "Öffnen Sie **Settings** und wählen Sie das Passwort.", 1, ""},
		{"de", "Geben Sie das neue Passwort zweimal ein und speichern Sie es.", 1, ""},
		{"de", "Der Link in der E-Mail ist 30 Minuten gültig.", 1, ""},
		{"de", "Sie können jede Rechnung als PDF herunterladen.", 2, ""},
		{"de", "Sie können nicht mit Karte bezahlen.", 2, ""},
		{"fr", "Ouvrez **Settings** et choisissez le mot de passe.", 1, ""},
		{"fr", "Le lien dans l'e-mail est valable 30 minutes.", 1, ""},
		{"fr", "Vous pouvez télécharger chaque facture en PDF.", 2, ""},
		{"fr", "Vous ne pouvez pas payer par carte.", 2, ""},
		{"es", "Puede descargar cada factura en PDF.", 2, ""},
		{"pt", "Pode descarregar cada fatura em PDF.", 2, ""},

		{"de", "Der Link in der E-Mail ist 45 Minuten gültig.", 1, "a number or date is not in its source"},
		{"de", "Sie können mit Karte bezahlen.", 2, "a sentence contradicts its source"},
		{"fr", "Vous pouvez payer par carte.", 2, "a sentence contradicts its source"},
		{"es", "Puede pagar con tarjeta.", 2, "a sentence contradicts its source"},
		{"pt", "Pode pagar com cartão.", 2, "a sentence contradicts its source"},
		{"de", "Öffnen Sie **Profile** und wählen Sie das neue Passwort.", 1, "a name is not in its source"},
		{"de", "Sie können jede Rechnung als XRechnung herunterladen.", 2, "a name is not in its source"},
		{"de", "Löschen Sie Ihr Konto und laden Sie den Vertrag herunter.", 1, "a sentence says more than its source"},
		{"fr", "Supprimez votre compte et annulez le contrat.", 2, "a sentence says more than its source"},
		{"de", "Der Himmel ist heute besonders blau.", 2, "a sentence says more than its source"},
	} {
		check := answer.Sentinel(answer.Request{Language: c.language, Passages: passages}, answer.Sentence{Text: c.text, Citations: []int{c.passage}})
		require.Equal(t, c.problem, check.Problem, "%s: %s (%.2f)", c.language, c.text, check.Support)
	}
	require.True(t, answer.Comparable("de-AT", "en"))
	require.False(t, answer.Comparable("ja", "en"))
	require.True(t, answer.Comparable("ja", "ja"))
}
