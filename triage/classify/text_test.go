package classify_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/classify"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"a greeting with a name":       {"Hi Maria,\nwhen do we start?", "when do we start?"},
		"a greeting in the same line":  {"Hello team, when do we start?", "when do we start?"},
		"a German mail":                {"Sehr geehrte Frau Weber,\n\nwann geht es los?\n\nMit freundlichen Grüßen\nJens Koch", "wann geht es los?"},
		"a French mail":                {"Bonjour,\nquand commence-t-on ?\nCordialement\nPaul", "quand commence-t-on ?"},
		"signature and device":         {"When do we start?\n\nBest regards,\nAnna\nHead of IT\n+49 30 1234", "When do we start?"},
		"a device footer":              {"When do we start?\nSent from my phone", "When do we start?"},
		"quoted lines":                 {"Yes please.\n> shall we?\n> really?", "Yes please."},
		"a quoted mail":                {"Still broken.\n\nOn Mon, 3 Mar 2025, Ben wrote:\nTry again", "Still broken."},
		"a forwarded header":           {"See below\nFrom: Ben\nSent: Monday\nold text", "See below"},
		"windows line ends":            {"Hello,\r\nwhere is it?\r\n-- \r\nAnna", "where is it?"},
		"thanks in the middle stays":   {"Thanks\nbut where is the file you promised last week, can you send it?", "Thanks\nbut where is the file you promised last week, can you send it?"},
		"only a greeting stays":        {"Hi there", "Hi there"},
		"a sentence that begins alike": {"Hide the panel please", "Hide the panel please"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, classify.Clean(c.in))
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Hi,\n> a\nOn Monday, Ben wrote:\nx")
	f.Add("--\n--\n")
	f.Fuzz(func(t *testing.T, text string) {
		cleaned := classify.Clean(text)
		if strings.TrimSpace(text) != "" {
			require.NotEmpty(t, cleaned)
		}
		require.NotEmpty(t, classify.Split(text))
		for _, e := range classify.Entities(text) {
			require.Equal(t, e.Text, text[e.Start:e.End])
		}
		classify.Detect(text)
		classify.Sentiment(text)
		classify.Pressing(text)
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"one question":                {"When do we go live?", []string{"When do we go live?"}},
		"story and question stay one": {"We sent the file on Monday. Nothing happened since. Did you get it?", []string{"We sent the file on Monday. Nothing happened since. Did you get it?"}},
		"two questions":               {"When do we go live? Who is our contact person?", []string{"When do we go live?", "Who is our contact person?"}},
		"a list":                      {"Hi,\n1. reset my password\n2. send the invoice for May\nThanks", []string{"reset my password", "send the invoice for May"}},
		"also": {
			"The import failed with error 400. Also, please add my colleague to the account.",
			[]string{"The import failed with error 400.", "Also, please add my colleague to the account."},
		},
		"numbers and abbreviations do not cut": {"Is version 2.1 of e.g. the API ready?", []string{"Is version 2.1 of e.g. the API ready?"}},
		"one sentence that asks twice":         {"When do we go live and which documents are missing?", []string{"When do we go live", "which documents are missing?"}},
		"a question and a wish":                {"What's missing from us, and please add Tom as a user", []string{"What's missing from us", "please add Tom as a user"}},
		"a lead before two":                    {"Hi! Two things: who has to sign the DPA, and how do I invite a colleague?", []string{"Two things: who has to sign the DPA", "how do I invite a colleague?"}},
		"one question with two names":          {"Is the DPA signed by Maria and Nora?", []string{"Is the DPA signed by Maria and Nora?"}},
		"Portuguese that asks twice":           {"Que documentos faltam e quando é a próxima reunião?", []string{"Que documentos faltam", "quando é a próxima reunião?"}},
		"a greeting alone":                     {"Hello", []string{"Hello"}},
		"German":                               {"Wann gehen wir live? Wer ist unser Ansprechpartner?", []string{"Wann gehen wir live?", "Wer ist unser Ansprechpartner?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, classify.Split(c.in))
		})
	}
}

// A few words say little about their language: whose they are counts.
func TestDetectFrom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, theirs, want string }{
		{"Add Tom Berg (tom.berg@acme.test) as a user", "en", "en"}, {"A DPA está assinada?", "pt-PT", "pt"}, {"¿Está conectado Salesforce?", "pt", "es"},
		{"Wann geht das live?", "en", "de"}, {"When do we go live?", "de", "en"}, {"Quelle est la date ?", "en", "fr"}, {"Bist du ein Mensch?", "de", "de"},
	} {
		got, _ := classify.DetectFrom(c.text, c.theirs)
		require.Equal(t, c.want, got, c.text)
	}
}

func TestAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Thanks!", "ok", "OK, thank you so much", "Perfect, that works.", "👍", "Danke schön", "Alles klar, vielen Dank!", "Merci beaucoup",
		"C'est parfait, merci", "Muchas gracias", "Vale, perfecto", "Obrigado pela ajuda", "hi", "Guten Morgen", "Thanks Maria", "Got it, cheers",
	} {
		require.True(t, classify.Acknowledgement(text), text)
	}
	for _, text := range []string{
		"Thanks, but it still fails", "ok, when do we start?", "Thank you for nothing, refund me", "No", "help", "is that ok?", "",
		"Danke, aber der Import geht nicht", "Merci de me rappeler", "Gracias, ¿y la factura?", "Hello, the site is down", "thanks invoice",
	} {
		require.False(t, classify.Acknowledgement(text), text)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"When will our integration be ready?":                    "en",
		"Wann ist unsere Schnittstelle endlich fertig?":          "de",
		"Quand notre intégration sera-t-elle prête ?":            "fr",
		"¿Cuándo estará lista nuestra integración?":              "es",
		"Quando a nossa integração vai ficar pronta?":            "pt",
		"Quando sarà pronta la nostra integrazione?":             "it",
		"Wanneer is onze koppeling eindelijk klaar?":             "nl",
		"Hvornår er vores integration klar til brug?":            "da",
		"När är vår integration klar att använda?":               "sv",
		"Kiedy nasza integracja będzie gotowa?":                  "pl",
		"Entegrasyonumuz ne zaman hazır olacak?":                 "tr",
		"Milloin integraatio on valmis käyttöön?":                "fi",
		"Когда будет готова наша интеграция?":                    "ru",
		"Коли буде готова наша інтеграція?":                      "uk",
		"متى سيكون التكامل جاهزا؟":                               "ar",
		"我们的集成什么时候准备好？":                                          "zh",
		"統合はいつ準備できますか？":                                          "ja",
		"통합은 언제 준비되나요?":                                          "ko",
		"Πότε θα είναι έτοιμη η ενσωμάτωση;":                     "el",
		"हमारा एकीकरण कब तैयार होगा?":                            "hi",
		"מתי האינטגרציה תהיה מוכנה?":                             "he",
		"Please check https://example.org and tell me the state": "en",
	} {
		lang, confidence := classify.Detect(text)
		require.Equal(t, want, lang, text)
		require.Greater(t, confidence, 0.5, text)
		require.LessOrEqual(t, confidence, 1.0, text)
	}
	lang, confidence := classify.Detect("12345 !!")
	require.Empty(t, lang)
	require.Zero(t, confidence)
}

func TestSentiment(t *testing.T) {
	t.Parallel()
	levels := []string{classify.VeryNegative, classify.Negative, classify.Neutral, classify.Positive, classify.VeryPositive}
	rank := func(text string) int {
		level, score := classify.Sentiment(text)
		require.True(t, score >= -1 && score <= 1, text)
		for i, l := range levels {
			if l == level {
				return i
			}
		}
		t.Fatalf("unknown level %q", level)
		return -1
	}
	for text, want := range map[string][2]int{
		"This is the worst service ever, absolutely unacceptable!": {0, 0},
		"I am disappointed, it is still broken":                    {0, 1},
		"When does the training start?":                            {2, 2},
		"Please send the invoice, thank you":                       {2, 2},
		"Great, that was helpful":                                  {3, 4},
		"Absolutely fantastic, I love it!!":                        {4, 4},
		"This is not good":                                         {0, 1},
		"not bad at all":                                           {2, 4},
		"Das ist eine Frechheit, ich bin wütend":                   {0, 0},
		"Je suis très déçu":                                        {0, 1},
		"Estoy muy contento, excelente trabajo":                    {4, 4},
	} {
		got := rank(text)
		require.True(t, got >= want[0] && got <= want[1], "%q is %s", text, levels[got])
	}
	calm, loud := "this is bad", "THIS IS BAD!!"
	_, a := classify.Sentiment(calm)
	_, b := classify.Sentiment(loud)
	require.Less(t, b, a, "shouting strengthens")
}

func TestPressing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"Production is down, nobody can log in!":                       {"urgent", "outage"},
		"URGENT: we cannot go live, the import is blocked":             {"urgent", "blocked"},
		"The export fails with an error, we need it today":             {"high", "degraded"},
		"The export does not work":                                     {"normal", "degraded"},
		"How do I change my language?":                                 {"normal", "question"},
		"Not urgent at all, just a typo on the start page":             {"low", "cosmetic"},
		"Das System steht komplett, Komplettausfall!":                  {"urgent", "outage"},
		"Kein Problem, das ist nicht dringend":                         {"low", "cosmetic"},
		"Nous sommes bloqués, c'est une urgence":                       {"urgent", "blocked"},
		"We can not proceed, this blocks us":                           {"high", "blocked"},
		"Our invoice for May please":                                   {"normal", ""},
		"O sistema está fora do ar, preciso de ajuda imediatamente!!!": {"urgent", "outage"},
	} {
		u := classify.Pressing(text)
		require.Equal(t, want, [2]string{u.Level, u.Impact}, text)
		if u.Level != "normal" {
			require.NotEmpty(t, u.Reasons, text)
		}
	}
	require.Equal(t, "high", classify.Raise("normal", 1))
	require.Equal(t, "urgent", classify.Raise("urgent", 2))
	require.Equal(t, "low", classify.Raise("normal", -5))
	require.Equal(t, "odd", classify.Raise("odd", 1))
}

func TestEntities(t *testing.T) {
	t.Parallel()
	text := "Hi Maria Lopez, ticket #4821 and case 991 about OPS-12: on 12 March 2025 we paid €1,200.50 for Billing Hub v2.1, mail Ann@Example.org by Friday, see https://example.org/a?b=c."
	got := map[classify.EntityKind][]string{}
	end := 0
	for _, e := range classify.Entities(text, classify.Gazetteer{Products: []string{"billing hub"}, People: []string{"Xu"}}) {
		require.Equal(t, e.Text, text[e.Start:e.End])
		require.GreaterOrEqual(t, e.Start, end, "entities do not overlap")
		end = e.End
		got[e.Kind] = append(got[e.Kind], e.Value)
	}
	require.Equal(t, map[classify.EntityKind][]string{
		classify.EntityPerson:  {"Maria Lopez"},
		classify.EntityTicket:  {"4821", "991", "OPS-12"},
		classify.EntityDate:    {"12 march 2025", "by friday"},
		classify.EntityMoney:   {"€1,200.50"},
		classify.EntityProduct: {"Billing Hub"},
		classify.EntityVersion: {"v2.1"},
		classify.EntityEmail:   {"ann@example.org"},
		classify.EntityURL:     {"https://example.org/a?b=c"},
	}, got)
	require.Empty(t, classify.Entities("Mark the task as done please"), "a verb at the start is no person")
	require.Empty(t, classify.Entities(""))
}

func TestAlike(t *testing.T) {
	t.Parallel()
	const said = "The nightly import of invoices fails with error 502 since Monday"
	require.InDelta(t, 1, classify.Alike(said, said), 1e-9)
	require.Greater(t, classify.Alike(said, "Hello, the invoice import at night has been failing since Monday (error 502)"), 0.7)
	require.Less(t, classify.Alike(said, "Please add two colleagues to our workspace as viewers"), 0.2)
	require.Less(t, classify.Alike("How do I export my data?", "How do I invite my colleague?"), 0.5)
	require.Zero(t, classify.Alike("Hi", "Hi"), "nothing said is nothing in common")
}
