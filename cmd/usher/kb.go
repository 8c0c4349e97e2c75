package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
)

func kbCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "kb", Short: "Work on the knowledge base"}
	var source, tenant, audience string
	var asJSON bool
	load := &cobra.Command{
		Use:   "import PATH",
		Short: "Import a folder of Markdown, HTML, PDF and Word files, or a JSONL file; again changes only what changed",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				tenants, err := a.tenants(ctx)
				if err != nil {
					return err
				}
				space, err := a.space(ctx, tenant)
				if err != nil {
					return err
				}
				report, err := importer.Import(ctx, importer.Options{
					Service: a.curation, Path: args[0], Source: source, Space: space, Audience: knowledge.Level(audience), Tenants: tenants,
				})
				if err != nil {
					return err
				}
				if err := a.indexNow(ctx); err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d files: %d new, %d changed, %d unchanged, %d retired.\n",
					report.Files, len(report.Added), len(report.Updated), report.Unchanged, len(report.Retired))
				for _, p := range report.Problems {
					fmt.Fprintf(cmd.ErrOrStderr(), "not imported: %s: %s\n", p.ExternalID, p.Reason)
				}
				return nil
			})
		},
	}
	load.Flags().StringVar(&source, "source", "", "name of the origin; default the last part of PATH")
	load.Flags().StringVar(&tenant, "tenant", "", "slug of the tenant the articles belong to; default: shared by all")
	load.Flags().StringVar(&audience, "audience", "", "public, customer or agent, for articles that name none")
	load.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	var of string
	save := &cobra.Command{
		Use:   "export FOLDER",
		Short: "Write the published articles as Markdown with front matter, as import reads them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				space, err := a.space(ctx, of)
				if err != nil {
					return err
				}
				n, err := importer.Export(ctx, a.curation, space, of, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d articles written to %s.\n", n, args[0])
				return err
			})
		},
	}
	save.Flags().StringVar(&of, "tenant", "", "slug of the tenant whose own articles are written; default: those shared by all")
	cmd.AddCommand(load, save, kbVectorsCommand())
	return cmd
}

// space is that of a tenant named by its slug, or the shared one.
func (a *application) space(ctx context.Context, tenant string) (knowledge.Space, error) {
	if tenant == "" {
		return knowledge.Shared, nil
	}
	tenants, err := a.tenants(ctx)
	if err != nil {
		return knowledge.Space{}, err
	}
	id, ok := tenants[tenant]
	if !ok {
		return knowledge.Space{}, fmt.Errorf("there is no tenant %q; name it by its slug", tenant)
	}
	return knowledge.Of(id), nil
}

func (a *application) tenants(ctx context.Context) (map[string]uuid.UUID, error) {
	out := map[string]uuid.UUID{}
	err := a.worker.WithSystem(ctx, "tenants by slug for an import", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select slug, id from tenants`)
		if err != nil {
			return err
		}
		var slug string
		var id uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&slug, &id}, func() error { out[slug] = id; return nil })
		return err
	})
	return out, err
}
