package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/portal/onboarding/eval"
	"github.com/usherdesk/usher/triage/classify"
	"github.com/usherdesk/usher/triage/classify/defaults"
)

func evalStatusCommand() *cobra.Command {
	var worlds int
	var seed uint64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask the status questions of invented onboarding records and check every fact",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			intent, err := shippedIntents(cmd.Context())
			if err != nil {
				return err
			}
			result, err := eval.Run(cmd.Context(), eval.Config{Worlds: worlds, Seed: seed, Classify: intent, Progress: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			return report(cmd.OutOrStdout(), asJSON, result)
		},
	}
	cmd.Flags().IntVar(&worlds, "n", 200, "how many records to invent")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "makes the records repeatable")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// shippedIntents is the built-in classifier trained on the shipped examples. An
// example that happens to be one of the held-out questions is left out.
func shippedIntents(ctx context.Context) (func(ctx context.Context, text, language string) (string, error), error) {
	values, err := defaults.Values()
	if err != nil {
		return nil, err
	}
	heldOut := map[string]bool{}
	for _, p := range append(eval.Phrases(), eval.NearMisses()...) {
		heldOut[plainText(p.Text)] = true
	}
	var labels []classify.Label
	var examples []classify.Example
	for _, v := range values {
		if v.Dimension != defaults.Intent {
			continue
		}
		labels = append(labels, classify.Label{Name: v.Name, Description: v.Description})
		for _, e := range v.Examples {
			if !heldOut[plainText(e.Text)] {
				examples = append(examples, classify.Example{Text: e.Text, Label: v.Name, Weight: 1})
			}
		}
	}
	model, err := classify.Train(ctx, labels, examples, classify.Options{Seed: 1, OOSLabel: defaults.OutOfScope})
	if err != nil {
		return nil, fmt.Errorf("train the classifier: %w", err)
	}
	return func(_ context.Context, text, _ string) (string, error) {
		p := model.Predict(classify.Clean(text))
		if p.OutOfScope {
			return "", nil
		}
		return p.Label, nil
	}, nil
}

func plainText(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" ?!.,¿¡", r) }), " ")
}
