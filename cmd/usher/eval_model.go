package main

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/classify"
	"github.com/usherdesk/usher/triage/guard"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// newMeasured reaches the model server without a database: no budget, no meter.
func newMeasured(c config) *openai.Client {
	return openai.New(openai.Config{
		BaseURL: c.OpenAI.BaseURL, APIKey: c.OpenAI.APIKey, ChatModel: c.OpenAI.ChatModel, Timeout: c.OpenAI.Timeout,
		Mask: func(text string) (string, func(string) string) {
			masked, vault := guard.Mask(text)
			return masked, vault.Restore
		},
	})
}

// predictWith classifies with a model among the labels of the training rows, which
// it knows by their names alone. A text it cannot say anything of fits nothing.
func predictWith(client *openai.Client, train []classify.Row, oos string) func(ctx context.Context, text string) (classify.Prediction, error) {
	var values []taxonomy.Value
	for _, r := range train {
		known := slices.ContainsFunc(values, func(v taxonomy.Value) bool { return v.Value == r.Label })
		if r.Label == oos || known {
			continue
		}
		values = append(values, taxonomy.Value{
			Dimension: taxonomy.Intent, Value: r.Label, Description: strings.NewReplacer("_", " ", ".", ", ").Replace(r.Label),
			Route: taxonomy.RouteAnswer, Priority: triage.PriorityLow, Enabled: true,
		})
	}
	model := openai.Classifier(client, func(context.Context) ([]taxonomy.Value, error) { return values, nil })
	return func(ctx context.Context, text string) (classify.Prediction, error) {
		c, err := model.Classify(ctx, assistant.ClassifyInput{TenantID: uuid.Nil, Text: text})
		if err != nil {
			return classify.Prediction{}, err
		}
		return classify.Prediction{Label: c.Intent, Confidence: c.Confidence, OutOfScope: c.Intent == ""}, nil
	}
}
