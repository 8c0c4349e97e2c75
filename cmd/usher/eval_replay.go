package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/guard"
)

// replayReport is what `usher eval replay` prints.
type replayReport struct {
	Asked   int            `json:"asked"`
	Gains   int            `json:"gains"`
	Loses   int            `json:"loses"`
	Changes int            `json:"changes"`
	List    []replayChange `json:"list"`
}

type replayChange struct {
	Question string       `json:"question"` // personal data masked
	Kind     string       `json:"kind"`
	Before   eval.Outcome `json:"before"`
	After    eval.Outcome `json:"after"`
}

func evalReplayCommand() *cobra.Command {
	var asJSON, embedding bool
	var tenant string
	var limit int
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "What switching the engine or the embedding model would change about customers' latest questions",
		Long: `Asks customers' latest questions twice: of the built-in engine, and of the one named with --engine, or of search with
the model in USHER_OPENAI_EMBEDDING_MODEL (--embedding). Nobody notices. Vectors of a new model are built beside those in use, and
kept for the switch. Questions asked of a model count towards the tenants' daily tokens.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, err := cmd.Flags().GetString("engine")
			if err != nil {
				return err
			}
			if engine != "openai" && !embedding {
				return errors.New("name what to compare with: --engine openai, or --embedding")
			}
			c, err := loadConfig()
			if err != nil {
				return err
			}
			if engine == "openai" && c.OpenAI.ChatModel == "" {
				return errors.New("USHER_OPENAI_CHAT_MODEL is empty: name the model to compare with")
			}
			if embedding && c.OpenAI.EmbeddingModel == "" {
				return errors.New("USHER_OPENAI_EMBEDDING_MODEL is empty: name the model to compare with")
			}
			c.Engine = "openai"
			return withConfigured(cmd.Context(), c, func(ctx context.Context, a *application) error {
				if err := a.engine.Start(ctx); err != nil {
					return err
				}
				changed, err := a.testerWith(ctx, engine == "openai", embedding)
				if err != nil {
					return err
				}
				r, err := a.replayAgainst(openai.AsTrial(ctx), changed, tenant, limit)
				if err = errors.Join(err, a.usage.Flush(ctx)); err != nil {
					return err
				}
				return report(cmd.OutOrStdout(), asJSON, r)
			})
		},
	}
	cmd.Flags().BoolVar(&embedding, "embedding", false, "search with the configured embedding model")
	cmd.Flags().StringVar(&tenant, "tenant", "", "questions of this tenant only, by its slug")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many questions")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// testerWith is the tester with a model that classifies and writes, with the
// configured embedding model, or with both.
func (a *application) testerWith(ctx context.Context, model, embedding bool) (tester, error) {
	t := a.tester()
	if embedding {
		if len(a.offered) == 0 {
			return t, errors.New("no embedding model is configured")
		}
		prepared, err := a.models.Prepare(ctx, a.offered[0])
		if err != nil {
			return t, err
		}
		t.knowledge.Search = search.New(a.worker, a.models, search.Config{Model: prepared.ID})
	}
	if model {
		t.classifies, t.answers = a.modelClassifies, a.modelAnswers
		if answers, ok := t.answers.(forTenant); ok {
			answers.Search = t.knowledge.Search
			t.answers = answers
		}
	}
	return t, nil
}

func (a *application) replayAgainst(ctx context.Context, changed tester, slug string, limit int) (replayReport, error) {
	var past []eval.Question
	err := a.worker.WithSystem(ctx, "replay past questions", func(tx pgx.Tx) error {
		var tenant *uuid.UUID
		if slug != "" {
			var id uuid.UUID
			if err := tx.QueryRow(ctx, `select id from tenants where slug = $1`, slug).Scan(&id); err != nil {
				return fmt.Errorf("find tenant %s: %w", slug, err)
			}
			tenant = &id
		}
		var err error
		past, err = eval.Past(ctx, tx, tenant, max(limit, 1), 0)
		return err
	})
	if err != nil {
		return replayReport{}, err
	}
	changes, err := eval.Replay(ctx, past, api.Pipeline(a.tester(), nil, nil), api.Pipeline(changed, nil, nil))
	if err != nil {
		return replayReport{}, err
	}
	r := replayReport{Asked: len(past), List: []replayChange{}}
	for _, c := range changes {
		switch c.Kind {
		case "gains":
			r.Gains++
		case "loses":
			r.Loses++
		default:
			r.Changes++
		}
		question, _ := guard.Mask(c.Question.Text)
		r.List = append(r.List, replayChange{triage.Line(question, 300), c.Kind, c.Before, c.After})
	}
	return r, nil
}
