package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/portal/api"
)

func kbVectorsCommand() *cobra.Command {
	change := func(use, short string, act api.ChangeVectorsJSONBodyAct) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				if err := (switches{a}).Change(ctx, act); err != nil {
					return err
				}
				return a.listVectors(ctx, cmd.OutOrStdout())
			})
		}}
	}
	cmd := &cobra.Command{
		Use:   "vectors",
		Short: "Show the embedding models: which one search uses, what is being built, what it costs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				return a.listVectors(ctx, cmd.OutOrStdout())
			})
		},
	}
	cmd.AddCommand(
		change("use", "Search with the configured embedding model, whose vectors are complete", api.Use),
		change("back", "Go back to the embedding model before; a restart does not switch again", api.Back),
		change("drop", "Delete the vectors of the configured embedding model, which is not in use", api.Drop))
	return cmd
}

// listVectors prints one line for each model that has vectors.
func (a *application) listVectors(ctx context.Context, out io.Writer) error {
	models, err := a.models.Models(ctx)
	if err != nil {
		return err
	}
	for _, m := range models {
		if m.State == knowledge.ModelRetired {
			continue
		}
		line := fmt.Sprintf("%-9s %s, %d dimensions", m.State, m.Name, m.Dimensions)
		if m.State == knowledge.ModelBuilding {
			line += fmt.Sprintf(", %d of %d passages", m.ChunksDone, m.ChunksTotal)
			if left, known := secondsLeft(m); known {
				line += fmt.Sprintf(", about %d s left", left)
			}
		}
		if _, err := a.models.Embedder(ctx, m); err != nil {
			line += ", NOT CONFIGURED HERE"
		}
		if m.Held {
			line += ", left by hand: a restart does not switch to it"
		}
		if m.LastError != "" {
			line += ", last error: " + strings.Join(strings.Fields(m.LastError), " ")
		}
		fmt.Fprintln(out, line)
	}
	if len(a.offered) == 0 {
		return nil
	}
	now, err := switches{a}.Models(ctx)
	if err != nil {
		return err
	}
	line := fmt.Sprintf("%s takes about %d tokens for all passages", *now.EmbeddingModel, *now.TokensTotal)
	if now.CostTotalUsd != nil {
		line += fmt.Sprintf(", %.2f US dollars", *now.CostTotalUsd)
	}
	if now.Tokens != nil && *now.Tokens > 0 {
		line += fmt.Sprintf("; %d are spent", *now.Tokens)
	}
	fmt.Fprintln(out, line+".")
	return nil
}
