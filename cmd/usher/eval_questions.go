package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/triage/eval"
)

// questionsReport is what `usher eval questions` prints.
type questionsReport struct {
	N      int      `json:"n"`
	Passed int      `json:"passed"`
	Failed []string `json:"failed"` // question: what is not as expected
}

func evalQuestionsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "questions",
		Short: "Ask the questions curators keep, on the real pipeline; fails when one is not as expected",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withMeasured(cmd, func(ctx context.Context, a *application) error {
				if err := a.engine.Start(ctx); err != nil {
					return err
				}
				r, err := a.askSavedQuestions(ctx)
				if err != nil {
					return err
				}
				if err := report(cmd.OutOrStdout(), asJSON, r); err != nil {
					return err
				}
				if len(r.Failed) > 0 {
					return fmt.Errorf("%d of %d kept questions are not answered as expected", len(r.Failed), r.N)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (a *application) askSavedQuestions(ctx context.Context) (questionsReport, error) {
	var questions []eval.Question
	err := a.worker.WithSystem(ctx, "run saved questions", func(tx pgx.Tx) (err error) {
		questions, err = eval.Questions(ctx, tx)
		return err
	})
	if err != nil {
		return questionsReport{}, err
	}
	asked, err := a.testerWith(ctx, a.config.Engine == "openai", false)
	if err != nil {
		return questionsReport{}, err
	}
	results, err := eval.Ask(ctx, questions, api.Pipeline(asked, nil, nil))
	if err != nil {
		return questionsReport{}, err
	}
	r := questionsReport{N: len(results), Passed: eval.Passed(results), Failed: []string{}}
	for _, result := range results {
		if !result.Passed {
			r.Failed = append(r.Failed, result.Question.Title()+": "+result.Why)
		}
	}
	if len(results) == 0 {
		return r, nil
	}
	return r, a.worker.WithSystem(ctx, "store a run of saved questions", func(tx pgx.Tx) error { return eval.SaveRun(ctx, tx, "ci", results, time.Now()) })
}
