package taxonomy

import (
	"fmt"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/classify/defaults"
)

// Shipped is the taxonomy an operator starts with.
func Shipped() (Set, error) {
	values, err := defaults.Values()
	if err != nil {
		return Set{}, fmt.Errorf("read shipped taxonomy: %w", err)
	}
	var set Set
	for _, v := range values {
		route := v.Route
		if route == "" {
			route = RouteAnswer // product areas and teams lead nowhere by themselves
		}
		set.Values = append(set.Values, Value{
			Dimension: v.Dimension, Value: v.Name, Description: v.Description, Route: route, Team: v.Team,
			ProductArea: v.ProductArea, Priority: triage.Priority(v.Priority), Sensitive: v.Sensitive, Enabled: true,
		})
		if v.Dimension != Intent {
			continue // areas and teams follow from intents, until a curator gives examples
		}
		for _, example := range v.Examples {
			set.Examples = append(set.Examples, Example{Dimension: v.Dimension, Value: v.Name, Language: example.Language, Text: example.Text, Source: "shipped"})
		}
	}
	return set, nil
}
