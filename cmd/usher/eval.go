package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/knowledge/eval"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage/classify"
	triageeval "github.com/usherdesk/usher/triage/eval"
)

func evalCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "eval", Short: "Measure the engine on labelled data (JSONL)"}
	var engine string
	cmd.PersistentFlags().StringVar(&engine, "engine", "builtin", "builtin; or openai, where a model has a part in what is measured: classify, questions, customers, replay")
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return checkEngine(cmd.Name(), engine) }
	cmd.AddCommand(evalClassifyCommand(), evalRetrieveCommand(), evalGateCommand(), evalGuardCommand(), evalPIICommand(), evalStatusCommand(), evalQuestionsCommand(), evalReplayCommand(), evalCustomersCommand())
	return cmd
}

// withoutModel says why a command has nothing to measure of a model.
var withoutModel = map[string]string{
	"retrieve": "search does not ask the chat model; `usher eval replay --embedding` compares an embedding model",
	"gate":     "whether a question is answered is decided before a model may write",
	"guard":    "the guard is built in",
	"pii":      "personal data is masked before any model",
	"status":   "status answers are read from the record, no model writes them",
}

// checkEngine refuses an engine a command does not measure: a figure that has
// nothing to do with the flag is worse than none.
func checkEngine(command, engine string) error {
	switch {
	case engine == "builtin":
		return nil
	case engine != "openai":
		return fmt.Errorf("there is no engine %q: --engine takes builtin or openai", engine)
	case withoutModel[command] != "":
		return fmt.Errorf("`usher eval %s` measures the built-in engine alone: %s", command, withoutModel[command])
	}
	return nil
}

// measured is the configuration with the engine --engine names, where it names one.
func measured(cmd *cobra.Command, c config) (config, error) {
	flag := cmd.Flag("engine")
	if flag == nil || !flag.Changed {
		return c, nil
	}
	c.Engine = flag.Value.String()
	if c.Engine == "openai" && c.OpenAI.ChatModel == "" {
		return c, errors.New("USHER_OPENAI_CHAT_MODEL is empty: name the model to measure")
	}
	return c, nil
}

// withMeasured is withApplication with the engine --engine names.
func withMeasured(cmd *cobra.Command, fn func(ctx context.Context, a *application) error) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	if c, err = measured(cmd, c); err != nil {
		return err
	}
	return withConfigured(cmd.Context(), c, fn)
}

// report prints a result: one JSON object, or a line per figure.
func report(out io.Writer, asJSON bool, result any) error {
	body, err := json.Marshal(result)
	if err != nil {
		return err
	}
	if asJSON {
		_, err = fmt.Fprintln(out, string(body))
		return err
	}
	var figures map[string]any
	if err := json.Unmarshal(body, &figures); err != nil {
		return err
	}
	pretty, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, string(pretty))
	return err
}

func evalClassifyCommand() *cobra.Command {
	var train, test, oos string
	var shots int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "classify",
		Short: "Train on one file, classify another",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			trainRows, err := classify.ReadRowsFile(train)
			if err != nil {
				return err
			}
			testRows, err := classify.ReadRowsFile(test)
			if err != nil {
				return err
			}
			options := classify.EvalOptions{Shots: shots, OOSLabel: oos, Progress: cmd.ErrOrStderr()}
			if cmd.Flag("engine").Value.String() == "openai" {
				if shots > 0 {
					return errors.New("a model is shown no examples: leave --shots out")
				}
				c, err := loadConfig()
				if err != nil {
					return err
				}
				if c, err = measured(cmd, c); err != nil {
					return err
				}
				options.Predict = predictWith(newMeasured(c), trainRows, oos)
			}
			result, err := classify.Evaluate(cmd.Context(), trainRows, testRows, options)
			if err != nil {
				return err
			}
			return report(cmd.OutOrStdout(), asJSON, result)
		},
	}
	cmd.Flags().StringVar(&train, "train", "", "JSONL of {id, text, label}")
	cmd.Flags().StringVar(&test, "test", "", "JSONL of the same shape")
	cmd.Flags().StringVar(&oos, "oos-label", "", "label of texts that fit no class")
	cmd.Flags().IntVar(&shots, "shots", 0, "examples per class; 0 means all; otherwise the mean of five draws")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	_ = cmd.MarkFlagRequired("train") // the flags exist
	_ = cmd.MarkFlagRequired("test")
	return cmd
}

func evalRetrieveCommand() *cobra.Command {
	var r eval.Retrieve
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "retrieve",
		Short: "Index a corpus in a scratch database and ask every query of live search",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withScratch(cmd.Context(), func(ctx context.Context, db *tenantdb.DB) error {
				r.DB, r.Progress = db, cmd.ErrOrStderr()
				result, err := eval.Run(ctx, r)
				if err != nil {
					return err
				}
				return report(cmd.OutOrStdout(), asJSON, result)
			})
		},
	}
	cmd.Flags().StringVar(&r.Corpus, "corpus", "", "JSONL of {id, title, text}")
	cmd.Flags().StringVar(&r.Queries, "queries", "", "JSONL of {id, text}")
	cmd.Flags().StringVar(&r.Qrels, "qrels", "", "JSONL of {query, doc, score}")
	cmd.Flags().StringVar(&r.Tasks, "tasks", "", "JSONL of conversations with their relevant documents, instead of queries and qrels")
	cmd.Flags().BoolVar(&r.Legs, "legs", false, "also print each leg alone")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	_ = cmd.MarkFlagRequired("corpus") // the flag exists
	return cmd
}

func evalGateCommand() *cobra.Command {
	var corpora, tasks []string
	var target float64
	var folds int
	var fit, asJSON bool
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Ask questions with and without an answer; say which are answered",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(corpora) != len(tasks) {
				return errors.New("give one --tasks for each --corpus")
			}
			var samples []triageeval.Sample
			for i := range corpora {
				more, err := gateSamples(cmd, corpora[i], tasks[i], folds)
				if err != nil {
					return err
				}
				for _, sample := range more {
					sample.Set = i
					samples = append(samples, sample)
				}
			}
			if fit {
				return report(cmd.OutOrStdout(), asJSON, triageeval.Fit(samples, target))
			}
			return report(cmd.OutOrStdout(), asJSON, triageeval.Report(samples))
		},
	}
	cmd.Flags().StringArrayVar(&corpora, "corpus", nil, "JSONL of {id, title, text}")
	cmd.Flags().StringArrayVar(&tasks, "tasks", nil, "JSONL of {id, history, text, answerability, relevant}")
	cmd.Flags().IntVar(&folds, "withhold", 0, "also ask over this many indexes, each without what answers its share of the questions and its near copies; 0 does not")
	cmd.Flags().BoolVar(&fit, "fit", false, "learn and print the gate's weights instead, cross-validated")
	cmd.Flags().Float64Var(&target, "target", 0.1, "with --fit: share of unanswerable questions that may be answered")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	_ = cmd.MarkFlagRequired("corpus") // the flags exist
	_ = cmd.MarkFlagRequired("tasks")
	return cmd
}

// gateSamples asks the tasks over their corpus, then each fold's over the corpus
// without its answers.
func gateSamples(cmd *cobra.Command, corpus, tasks string, folds int) ([]triageeval.Sample, error) {
	rows, err := triageeval.ReadTasks(tasks)
	if err != nil {
		return nil, err
	}
	ask := func(rows []triageeval.Task, without map[string]bool) (samples []triageeval.Sample, err error) {
		err = withScratch(cmd.Context(), func(ctx context.Context, db *tenantdb.DB) error {
			searcher, documents, err := eval.Prepare(ctx, eval.Retrieve{DB: db, Corpus: corpus, Without: without, Progress: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			samples, err = triageeval.Samples(ctx, searcher, documents, rows, without != nil, cmd.ErrOrStderr())
			return err
		})
		return samples, err
	}
	samples, err := ask(rows, nil)
	if err != nil {
		return nil, err
	}
	for fold := range folds {
		questions, documents := triageeval.Fold(rows, fold, folds)
		if len(questions) == 0 {
			continue
		}
		without, err := eval.Near(corpus, documents)
		if err != nil {
			return nil, err
		}
		more, err := ask(questions, without)
		if err != nil {
			return nil, err
		}
		samples = append(samples, more...)
	}
	return samples, nil
}

func evalGuardCommand() *cobra.Command {
	var test, passages string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "guard",
		Short: "Look for injections in labelled texts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := triageeval.ReadGuardRows(test)
			if err != nil {
				return err
			}
			result := triageeval.Guard(rows)
			if passages != "" {
				if rows, err = triageeval.ReadGuardRows(passages); err != nil {
					return err
				}
				rate := triageeval.GuardPassages(rows)
				result.PassageFalsePositiveRate = &rate
			}
			return report(cmd.OutOrStdout(), asJSON, result)
		},
	}
	cmd.Flags().StringVar(&test, "test", "", "JSONL of {text, label, source}; label: injection, benign or embedded_instruction")
	cmd.Flags().StringVar(&passages, "passages", "", "JSONL of harmless documents {text}, to count false alarms on data")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	_ = cmd.MarkFlagRequired("test") // the flag exists
	return cmd
}

func evalPIICommand() *cobra.Command {
	var test string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "pii",
		Short: "Mask labelled texts; recall and precision by kind of personal data",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := triageeval.ReadPIIRows(test)
			if err != nil {
				return err
			}
			return report(cmd.OutOrStdout(), asJSON, triageeval.PII(rows))
		},
	}
	cmd.Flags().StringVar(&test, "test", "", "JSONL of {text, spans: [[start, end, type]]}, in characters")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	_ = cmd.MarkFlagRequired("test") // the flag exists
	return cmd
}

// withScratch runs fn on an empty migrated database that is dropped afterwards.
func withScratch(ctx context.Context, fn func(ctx context.Context, db *tenantdb.DB) error) error {
	return withScratchURL(ctx, func(ctx context.Context, owner, secret string) error {
		address, err := migrations.RoleURL(owner, secret, migrations.WorkerRole)
		if err != nil {
			return err
		}
		db, err := tenantdb.Open(ctx, address, tenantdb.Config{})
		if err != nil {
			return err
		}
		defer db.Close()
		return fn(ctx, db)
	})
}
