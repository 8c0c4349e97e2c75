package main

import (
	"context"

	"github.com/usherdesk/usher/triage/taxonomy"
)

func shippedTaxonomy() (taxonomy.Set, error) {
	return taxonomy.Set{Values: []taxonomy.Value{
		{Dimension: taxonomy.Intent, Value: "how_to", Description: "how to do something, where to find something", Route: taxonomy.RouteAnswer},
		{Dimension: taxonomy.Intent, Value: "talk_to_person", Description: "talk to a human agent, a real person", Route: taxonomy.RouteEscalate},
	}, Examples: []taxonomy.Example{
		{Dimension: taxonomy.Intent, Value: "how_to", Language: "en", Text: "How do I upload a document?"},
		{Dimension: taxonomy.Intent, Value: "talk_to_person", Language: "en", Text: "I want to talk to a human"},
	}}, nil
}

func (a *application) seedOnboarding(context.Context) error { return nil }
