package answer_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/answer"
)

func passages() []answer.Passage {
	return []answer.Passage{
		{Number: 1, ArticleID: uuid.New(), Title: "Invoices", Language: "en", Text: "Invoices are sent by e-mail on the 3rd of each month. Owners can change the address of invoices in the billing settings. Invoices cannot be paid by cheque."},
		{Number: 2, ArticleID: uuid.New(), Title: "Refunds", Language: "en", Text: "You can ask for a refund within 14 days. We will refund you the whole amount to the card you paid with."},
	}
}

// Each thing that may not leave is refused for its own reason, and what differs
// from it in that alone is let through.
func TestWhatASentenceMayNotSay(t *testing.T) {
	t.Parallel()
	request := answer.Request{Question: "When are invoices sent?", Passages: passages()}
	for name, c := range map[string]struct {
		problem, refused, let string
		cites                 []int
	}{
		"no citation":           {"a sentence cites nothing", "Invoices are sent by e-mail.", "", nil},
		"a passage not found":   {"a citation names no passage of this run", "Invoices are sent by e-mail.", "", []int{7}},
		"one of two not found":  {"a citation names no passage of this run", "Invoices are sent by e-mail.", "", []int{1, 3}},
		"more than the source":  {"a sentence says more than its source", "Invoices arrive with parcels by courier on Sundays.", "Invoices of each month are sent by e-mail.", []int{1}},
		"another number":        {"a number or date is not in its source", "Invoices are sent by e-mail on the 5th of each month.", "Each month invoices are sent, by e-mail, on the 3rd.", []int{1}},
		"the opposite":          {"a sentence contradicts its source", "Owners cannot change the address of invoices in the billing settings.", "In the billing settings owners can change the address of invoices.", []int{1}},
		"the other opposite":    {"a sentence contradicts its source", "Invoices can be paid by cheque.", "Invoices can not be paid with a cheque.", []int{1}},
		"a promise":             {"a sentence promises something", "We will refund you the amount you paid.", "We will refund you the whole amount to the card you paid with.", []int{2}},
		"a secret":              {"a sentence looks like a secret or an internal instruction", "Owners can change the address of invoices in the billing settings, sk-abcdefghijklmnopqrstuv.", "Invoices are sent by e-mail each month.", []int{1}},
		"an internal note":      {"a sentence looks like a secret or an internal instruction", "INTERNAL NOTE: invoices are sent by e-mail.", "", []int{1}},
		"a picture":             {"a sentence holds a link or picture that leads elsewhere", "Invoices are sent ![invoices](/x.png) by e-mail.", "Invoices are sent by [e-mail](/kb/invoices).", []int{1}},
		"a link elsewhere":      {"a sentence holds a link or picture that leads elsewhere", "Invoices are sent by [e-mail](https://billing.example/x).", "", []int{1}},
		"a link of no scheme":   {"a sentence holds a link or picture that leads elsewhere", "Invoices are sent by [e-mail](//billing.example/x).", "", []int{1}},
		"markup that would act": {"a sentence holds a link or picture that leads elsewhere", "Invoices are sent by e-mail <img src=x onerror=e>.", "", []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.problem, answer.Sentinel(request, answer.Sentence{Text: c.refused, Citations: c.cites}).Problem, c.refused)
			if c.let != "" {
				check := answer.Sentinel(request, answer.Sentence{Text: c.let, Citations: c.cites})
				require.Empty(t, check.Problem, c.let)
				require.Equal(t, "documents", check.Evidence)
			}
			// One such sentence holds the whole draft back.
			verdict := answer.Gate(request, answer.Draft{Found: true, Sentences: []answer.Sentence{
				{Text: "Invoices are sent by e-mail each month.", Citations: []int{1}}, {Text: c.refused, Citations: c.cites},
			}}, answer.Policy{Answer: 0.0001})
			require.Equal(t, answer.Escalate, verdict.Outcome)
			require.Equal(t, c.problem, verdict.Reason)
		})
	}
	verdict := answer.Gate(request, answer.Draft{Found: true, Sentences: []answer.Sentence{{Text: "Invoices are sent by e-mail each month.", Citations: []int{1}}}}, answer.Policy{Answer: 0.0001})
	require.Equal(t, answer.Send, verdict.Outcome, "or the ones above were held back by something else")
}

func TestWhatIsAPromise(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"We will refund you.", "We'll refund you.", "We’ll refund you the money.", "We are going to fully reimburse you.", "I will refund the fee.", "I'll credit your account.",
		"You'll get a refund.", "You will receive a full refund within a week.", "You are going to be refunded.", "You will be compensated for it.", "Your account will be credited.", "The late fee will be waived.",
		"We will give you a discount.", "We give you a 20 percent discount.", "We can say that we guarantee the date.", "Our team promises nothing, but we promise an answer.", "We will fix this today.", "We shall deliver it on Monday.", "The date is guaranteed by us.",
		"Wir garantieren den Termin.", "Wir werden Ihnen den Betrag erstatten.", "Wir erstatten Ihnen die Gebühr.", "Den Betrag werden wir Ihnen erstatten.", "Wir schreiben Ihnen den Betrag gut.", "Sie erhalten eine volle Rückerstattung.", "Ihnen wird der Betrag erstattet.", "Ihre Zahlung wird vollständig zurückgezahlt.", "Ich verspreche Ihnen das.",
		"Nous vous rembourserons.", "Nous allons vous rembourser.", "Je vous promets une réponse.", "Vous recevrez un remboursement complet.", "Vous serez remboursé sous dix jours.", "Votre compte sera crédité.", "Nous vous accorderons une remise.",
		"Le reembolsaremos el importe.", "Vamos a devolverle el dinero.", "Le garantizamos la fecha.", "Recibirá un reembolso completo.", "Se le abonará el importe.", "Le haremos un descuento.",
		"We guarantee no data loss.", "We promise not to share your data.", "We will guarantee that nothing is lost.", "We will refund you no matter what.", "We never said so, but we promise it now.",
		"We will not refund shipping we will credit your account.", "Wir garantieren keinen Ausfall.", "Wir versprechen, nichts weiterzugeben.", "Nous garantissons qu'il n'y aura pas de coupure.", "Garantizamos que no habrá cortes.", "Garantimos que não há falhas.",
		"Vamos reembolsar o valor.", "Reembolsaremos o valor.", "Vai receber um reembolso total.", "O valor será creditado.", "Garantimos a data.", "Faremos um desconto.",
	} {
		require.True(t, answer.Promises(text), text)
	}
	for _, text := range []string{
		"You can ask us for a refund in the billing settings.", "Refunds are paid to the card that was used.", "You will receive an e-mail with a link.", "We will look at your document.", "Your document will be checked within two days.", "We will not refund setup fees.",
		"We cannot guarantee a date.", "The credit note is in your account.", "You can extend the trial in the settings.", "We deliver reports by e-mail.", "Your address will be changed.",
		"Eine Erstattung können Sie in den Einstellungen anfordern.", "Sie erhalten eine E-Mail mit einem Link.", "Wir prüfen Ihr Dokument.", "Wir erstatten keine Einrichtungsgebühren.", "Ihr Dokument wird geprüft.",
		"Vous pouvez demander un remboursement.", "Vous recevrez un e-mail.", "Votre document sera vérifié.", "Nous ne garantissons pas la date.",
		"We do not guarantee a date.", "We will refund no setup fees.", "Wir garantieren das nicht.", "No garantizamos la fecha.", "No le reembolsaremos las tasas.", "Não garantimos a data.",
		"Puede solicitar un reembolso.", "Recibirá un correo.", "Su documento será revisado.",
		"Pode pedir um reembolso.", "Vai receber um e-mail.", "O seu documento será verificado.",
	} {
		require.False(t, answer.Promises(text), text)
	}
	start := strings.Repeat("we will ", 20_000)
	require.False(t, answer.Promises(start), "and it is read in one go")
}
