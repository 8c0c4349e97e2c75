package classify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/classify"
)

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

	t.Run("without labels there is nothing to learn", func(t *testing.T) {
		t.Parallel()
		_, err := classify.Train(t.Context(), nil, nil, classify.Options{})
		require.ErrorIs(t, err, classify.ErrNoLabels)
	})

	t.Run("a stored model predicts the same", func(t *testing.T) {
		t.Parallel()
		m, err := classify.Train(t.Context(), nil, []classify.Example{
			{Text: "where is my parcel", Label: "delivery"}, {Text: "the parcel did not arrive", Label: "delivery"},
			{Text: "I want my money back", Label: "refund"}, {Text: "please refund the order", Label: "refund"},
		}, classify.Options{Seed: 1})
		require.NoError(t, err)
		data, err := m.MarshalBinary()
		require.NoError(t, err)
		again, err := classify.UnmarshalModel(data)
		require.NoError(t, err)
		require.Equal(t, m.Version(), again.Version())
		for _, text := range []string{"money back please", "parcel", "", "something else"} {
			require.Equal(t, m.Predict(text), again.Predict(text))
		}
	})
}
