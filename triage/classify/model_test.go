package classify_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/classify"
)

// desk is a small help desk, large enough for held-out examples.
var desk = []classify.Label{
	{Name: "delivery", Description: "where a parcel is and when it arrives", Examples: []string{
		"where is my parcel", "the package did not arrive", "when will my order be delivered", "track my shipment please",
		"my delivery is late", "has the parcel been sent", "the courier never came", "delivery date of order 12",
		"parcel still not here", "shipment stuck at customs", "when does the courier come", "no sign of my package",
	}},
	{Name: "refund", Description: "getting money back", Examples: []string{
		"I want my money back", "please refund the order", "when do I get my refund", "refund has not arrived on my account",
		"return the money to my card", "I was charged twice, give it back", "money back for the broken item", "refund status",
		"reimburse me please", "how long does a refund take", "credit the amount to me", "I would like a refund",
	}},
	{Name: "login", Description: "password and signing in", Examples: []string{
		"I forgot my password", "cannot sign in", "login does not work", "reset my password please", "the sign in page rejects me",
		"my account is locked", "password reset mail missing", "I can't log in", "two factor code is wrong", "locked out of my account",
		"change my password", "sign in fails with an error",
	}},
}

var strangers = []classify.Example{
	{Text: "tell me a joke", Label: "none"}, {Text: "what is the weather like", Label: "none"}, {Text: "who won the match", Label: "none"},
	{Text: "play some music", Label: "none"}, {Text: "how tall is the tower", Label: "none"}, {Text: "recommend a film", Label: "none"},
	{Text: "what is the capital of Peru", Label: "none"}, {Text: "how do I cook rice", Label: "none"}, {Text: "write a poem", Label: "none"},
	{Text: "turn off the lights", Label: "none"}, {Text: "set an alarm for six", Label: "none"}, {Text: "who is the president", Label: "none"},
}

func train(t *testing.T, seed int64) *classify.Model {
	t.Helper()
	m, err := classify.Train(t.Context(), desk, strangers, classify.Options{Seed: seed, OOSLabel: "none"})
	require.NoError(t, err)
	return m
}

func TestTrain(t *testing.T) {
	t.Parallel()

	t.Run("a label without examples is known by its description", func(t *testing.T) {
		t.Parallel()
		m, err := classify.Train(t.Context(), []classify.Label{
			{Name: "billing", Description: "invoices, payments, refunds and prices"},
			{Name: "access", Description: "password, login and permissions"},
		}, nil, classify.Options{})
		require.NoError(t, err)
		require.Equal(t, "billing", m.Predict("my invoice shows the wrong payment").Label)
		require.Equal(t, "access", m.Predict("I forgot my password").Label)
	})

	t.Run("a label without examples works beside labels that have many", func(t *testing.T) {
		t.Parallel()
		labels := append([]classify.Label{{Name: "gift_card", Description: "gift cards and vouchers: balance, code, redeeming"}}, desk...)
		m, err := classify.Train(t.Context(), labels, nil, classify.Options{})
		require.NoError(t, err)
		require.Equal(t, "gift_card", m.Predict("the voucher code on my gift card is not accepted").Label)
		require.Equal(t, "login", m.Predict("my password is not accepted").Label)
	})

	t.Run("a word no example holds is known by what it means, in another language too", func(t *testing.T) {
		t.Parallel()
		m, err := classify.Train(t.Context(), []classify.Label{
			{Name: "refund", Examples: []string{"please refund me", "I want a refund", "refund the order"}},
			{Name: "login", Examples: []string{"I forgot my password", "the password is wrong", "new password please"}},
			{Name: "invoice", Examples: []string{"send the invoice", "where is my invoice", "an invoice is missing"}},
		}, nil, classify.Options{})
		require.NoError(t, err)
		for text, label := range map[string]string{
			"when will I be reimbursed": "refund", "my credentials are not accepted": "login", "a bill is not there": "invoice",
			"Wann kommt die Rückerstattung?": "refund", "la contraseña no sirve": "login", "il manque une facture": "invoice",
		} {
			require.Equal(t, label, m.Predict(text).Label, text)
		}
	})

	t.Run("labels that are languages are told apart by letters, not by the titles a text names", func(t *testing.T) {
		t.Parallel()
		m, err := classify.Train(t.Context(), []classify.Label{
			{Name: "sv", Examples: []string{"Jag vill ha en kopp te", "Var är min väska?", "Vad är klockan nu?", "Det är inte min väska", "Hur mår du idag?"}},
			{Name: "da", Examples: []string{"Jeg vil gerne have en kop te", "Hvor er min taske?", "Hvad er klokken nu?", "Det er ikke min taske", "Hvordan har du det i dag?"}},
			{Name: "en", Examples: []string{"I would like a cup of tea", "Where is my bag?", "What time is it now?", "That is not my bag", "How are you today?"}},
		}, nil, classify.Options{})
		require.NoError(t, err)
		for text, label := range map[string]string{
			"Jag söker The House of the Yellow Carpet": "sv", "Hvor spiller The World According to Paris?": "da", "where is Von Wegen Schicksal playing": "en",
		} {
			p := m.Predict(text)
			require.Equal(t, label, p.Label, text)
			require.NotEmpty(t, p.Evidence)
		}
	})

	t.Run("an example of a new label makes the label", func(t *testing.T) {
		t.Parallel()
		m, err := classify.Train(t.Context(), desk, []classify.Example{{Text: "send me the invoice", Label: "invoice"}}, classify.Options{})
		require.NoError(t, err)
		require.Equal(t, []string{"delivery", "refund", "login", "invoice"}, m.Labels())
		require.Equal(t, "invoice", m.Predict("I need the invoice").Label)
	})

	t.Run("without labels there is nothing to learn", func(t *testing.T) {
		t.Parallel()
		_, err := classify.Train(t.Context(), nil, nil, classify.Options{})
		require.ErrorIs(t, err, classify.ErrNoLabels)
	})

	t.Run("an example without label is refused", func(t *testing.T) {
		t.Parallel()
		_, err := classify.Train(t.Context(), nil, []classify.Example{{Text: "hello"}}, classify.Options{})
		require.Error(t, err)
	})

	t.Run("an ended context ends training", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := classify.Train(ctx, desk, nil, classify.Options{})
		require.ErrorIs(t, err, context.Canceled)
	})

	t.Run("the same input gives the same model whatever the workers", func(t *testing.T) {
		t.Parallel()
		one, err := classify.Train(t.Context(), desk, strangers, classify.Options{Seed: 3, OOSLabel: "none", Workers: 1})
		require.NoError(t, err)
		four, err := classify.Train(t.Context(), desk, strangers, classify.Options{Seed: 3, OOSLabel: "none", Workers: 4})
		require.NoError(t, err)
		require.Equal(t, one.Version(), four.Version())
		for _, text := range []string{"where is it", "money", "cannot sign in today", "sing a song"} {
			require.Equal(t, one.Predict(text), four.Predict(text))
		}
		other := train(t, 4)
		require.NotEqual(t, one.Version(), other.Version())
	})
}

func TestPredict(t *testing.T) {
	t.Parallel()
	m := train(t, 1)

	t.Run("what nobody taught fits none", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "   ", "???", "what is the weather like in Peru", "tell me about the president"} {
			require.True(t, m.Predict(text).OutOfScope, "%q", text)
		}
		for _, text := range []string{"where is the package I ordered", "refund my money", "I forgot the password of my account"} {
			require.False(t, m.Predict(text).OutOfScope, "%q", text)
		}
	})

	t.Run("scores are probabilities in order and evidence comes from the text", func(t *testing.T) {
		t.Parallel()
		p := m.Predict("please refund my money")
		require.Equal(t, "refund", p.Label)
		require.Equal(t, p.Label, p.Scores[0].Label)
		require.InDelta(t, p.Confidence, p.Scores[0].Score, 1e-9)
		for _, s := range p.Scores {
			require.True(t, s.Score >= 0 && s.Score <= 1 && !math.IsNaN(s.Score))
		}
		require.NotEmpty(t, p.Evidence)
		for _, term := range p.Evidence {
			for word := range strings.FieldsSeq(term.Text) {
				require.Contains(t, "please refund my money", word)
			}
			require.Positive(t, term.Weight)
		}
	})

	// What a customer does to a sentence without changing what it asks.
	disguises := map[string]func(string) string{
		"upper case": strings.ToUpper,
		"a greeting": func(s string) string { return classify.Clean("Hi team,\n\n" + s + "\n\nBest regards,\nAnna Weber") },
		"quoted mail": func(s string) string {
			return classify.Clean(s + "\n\nOn Monday, Ben wrote:\n> cannot sign in\n> reset it")
		},
		"a dropped letter": func(s string) string { return mistype(s, func(w string) string { return w[:3] + w[4:] }) },
		"swapped letters": func(s string) string {
			return mistype(s, func(w string) string { return w[:2] + w[3:4] + w[2:3] + w[4:] })
		},
		"marks":        func(s string) string { return s + "!!!" },
		"typed quotes": func(s string) string { return "“" + s + "”" },
	}
	for name, disguise := range disguises {
		t.Run(name+" changes nothing", func(t *testing.T) {
			t.Parallel()
			for _, l := range desk {
				same := 0
				for _, text := range l.Examples {
					if m.Predict(disguise(text)).Label == l.Name {
						same++
					}
				}
				require.GreaterOrEqual(t, same, len(l.Examples)-2, l.Name)
			}
		})
	}

	t.Run("a text in two languages keeps its subject", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "login", m.Predict("Guten Tag, I forgot my password, können Sie helfen? Danke").Label)
		require.Equal(t, "refund", m.Predict("Hola, quiero un refund de mi order, gracias").Label)
	})
}

// mistype changes the first word of six letters or more.
func mistype(s string, change func(string) string) string {
	fields := strings.Fields(s)
	for i, w := range fields {
		if len(w) >= 6 {
			fields[i] = change(w)
			break
		}
	}
	return strings.Join(fields, " ")
}

func TestReadModel(t *testing.T) {
	t.Parallel()
	m := train(t, 1)
	var b bytes.Buffer
	require.NoError(t, m.Write(&b))
	data := b.Bytes()

	t.Run("a stored model predicts the same", func(t *testing.T) {
		t.Parallel()
		again, err := classify.ReadModel(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, m.Version(), again.Version())
		require.Equal(t, m.Labels(), again.Labels())
		for _, text := range []string{"money back please", "parcel", "", "something else", "cannot sign in"} {
			require.Equal(t, m.Predict(text), again.Predict(text))
		}
	})

	t.Run("damaged bytes are refused", func(t *testing.T) {
		t.Parallel()
		for _, bad := range [][]byte{nil, {}, []byte("hello"), data[:len(data)/2]} {
			_, err := classify.ReadModel(bytes.NewReader(bad))
			require.ErrorIs(t, err, classify.ErrCorrupt)
		}
	})
}

func TestNested(t *testing.T) {
	t.Parallel()
	m, err := classify.Train(t.Context(), []classify.Label{
		{Name: "billing.refund", Description: "money back for an invoice"}, {Name: "billing.invoice", Description: "copy of an invoice"},
		{Name: "access", Description: "password and login"},
	}, nil, classify.Options{})
	require.NoError(t, err)

	all := m.Distribution("the invoice please")
	require.Len(t, all, 3)
	var sum float64
	for _, s := range all {
		sum += s.Score
	}
	require.InDelta(t, 1, sum, 1e-5)

	rolled := classify.Rollup(all)
	require.Len(t, rolled, 4)
	require.Equal(t, "billing", rolled[0].Label, "unsure between two kinds of billing, sure of billing")
	require.Greater(t, rolled[0].Score, all[0].Score)

	parts := m.PredictParts("Hi,\n1. I want a refund for the invoice\n2. my password does not work\nThanks")
	require.Len(t, parts, 2)
	require.Equal(t, "billing.refund", parts[0].Label)
	require.Equal(t, "access", parts[1].Label)
}

func TestAccept(t *testing.T) {
	t.Parallel()
	old := train(t, 1)
	heldback := []classify.Example{
		{Text: "my package is missing", Label: "delivery"}, {Text: "give me back my money", Label: "refund"}, {Text: "sign in error", Label: "login"},
	}
	spoiled, err := classify.Train(t.Context(), []classify.Label{
		{Name: "delivery", Examples: desk[1].Examples}, {Name: "refund", Examples: desk[2].Examples}, {Name: "login", Examples: desk[0].Examples},
	}, nil, classify.Options{})
	require.NoError(t, err)

	ok, same := classify.Accept(old, old, heldback)
	require.True(t, ok, "the same model is never worse")
	require.Equal(t, same.Old, same.New)

	ok, c := classify.Accept(old, spoiled, heldback)
	require.False(t, ok)
	require.Greater(t, c.Lost, c.Gained)
	require.Less(t, c.New.Accuracy, c.Old.Accuracy)
	require.NotEmpty(t, c.Changed)

	ok, _ = classify.Accept(old, spoiled, nil)
	require.False(t, ok, "without held-back texts there is no ground for a change")
	ok, _ = classify.Accept(nil, spoiled, heldback)
	require.True(t, ok, "any model is better than none")
}

func BenchmarkPredict(b *testing.B) {
	m, err := classify.Train(b.Context(), desk, strangers, classify.Options{OOSLabel: "none"})
	require.NoError(b, err)
	for b.Loop() {
		m.Predict("hello, I ordered two weeks ago and the parcel is still not here, where is it?")
	}
}
