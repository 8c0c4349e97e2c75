package search_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
)

func TestConversationsShiftTheOrderButQuestionsAloneDoNot(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	const invoices = "Invoices are sent on the first day of the month, as a PDF, to the billing address of your organisation."
	for _, a := range []knowledge.Content{
		{Title: "How invoices reach you", Body: invoices},
		{Title: "Missing invoices", Body: "If an invoice is late, look in the billing archive first. Invoices older than a year are there, too."},
		{Title: "Warehouse feed", Body: "Stock levels are read from the warehouse every hour. A feed that is late shows a yellow mark beside the warehouse."},
		{Title: "Parcel labels", Body: "Labels are printed in the warehouse when the parcel is closed. The printer needs the label driver."},
	} {
		b.Publish(t, knowledge.Shared, a)
	}
	_, err := b.Models.Retrain(t.Context())
	require.NoError(t, err)
	ask := func(text string, history ...search.Turn) []search.Passage {
		t.Helper()
		result, err := b.Searcher.Search(t.Context(), search.Query{Text: text, History: history})
		require.NoError(t, err)
		return result.Passages
	}
	alone := ask("what if it is late")
	for _, p := range alone {
		require.Zero(t, p.Legs.Topic)
		require.Zero(t, p.Legs.Repeats)
	}
	asked := turn(true, "How do I get my invoices?")
	after := ask("what if it is late", asked, turn(false, invoices))
	require.Equal(t, "Missing invoices", after[0].Title, "the topic decides")
	for _, p := range after {
		if p.Title == "How invoices reach you" {
			require.Greater(t, p.Legs.Repeats, 0.9, "what was quoted is known")
		}
	}
	// What was quoted gives way a little only: where it fits best it stays in front.
	again := ask("to which address are invoices sent as a PDF", asked, turn(false, invoices))
	require.Equal(t, "How invoices reach you", again[0].Title)
	warehouse := ask("what if it is late", turn(true, "How are stock levels read from the warehouse?"), turn(false, "Stock levels are read from the warehouse every hour."))
	require.Equal(t, "Warehouse feed", warehouse[0].Title)
}

func turn(customer bool, text string) search.Turn { return search.Turn{Customer: customer, Text: text} }
