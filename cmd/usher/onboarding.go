package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding/export"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage/taxonomy"
)

func onboardingCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "onboarding", Short: "Work on onboarding: status packs, templates, rules, export, states of workspaces"}
	cmd.AddCommand(
		fileCommand("pack FILE", "Store a status pack (YAML or JSON) and teach the classifier its intents", storePack),
		fileCommand("template FILE", "Publish a project template (YAML or JSON) as its next version", storeTemplate),
		fileCommand("rules FILE", "Store rules (YAML or JSON), new or changed", storeRules),
		listRulesCommand(), switchRuleCommand(), exportCommand(), moveCommand(), eraseCommand())
	return cmd
}

// fileCommand reads a file and does something with it in one transaction.
func fileCommand(use, short string, store func(ctx context.Context, tx pgx.Tx, body []byte) (string, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		body, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
			return a.worker.WithSystem(ctx, "store what an operator configures", func(tx pgx.Tx) error {
				done, err := store(ctx, tx, body)
				if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), done)
				}
				return err
			})
		})
	}}
}

// storePack stores a pack and makes its intents known to the classifier, which
// every process retrains by itself.
func storePack(ctx context.Context, tx pgx.Tx, body []byte) (string, error) {
	pack, err := status.ParsePack(body)
	if err != nil {
		return "", err
	}
	if err := status.PutPack(ctx, tx, pack); err != nil {
		return "", err
	}
	for _, i := range pack.Intents {
		value := taxonomy.Value{Dimension: taxonomy.Intent, Value: i.Intent, Description: i.Description, Route: taxonomy.RouteStatus, Enabled: true}
		if _, err := taxonomy.Put(ctx, tx, value); err != nil {
			return "", err
		}
		for language, texts := range i.Examples {
			for _, text := range texts {
				if err := taxonomy.AddExample(ctx, tx, taxonomy.Example{Dimension: taxonomy.Intent, Value: i.Intent, Language: language, Text: text, Source: "curator"}); err != nil {
					return "", err
				}
			}
		}
	}
	return fmt.Sprintf("Stored the pack %s with %d intents.", pack.Key, len(pack.Intents)), nil
}

func storeTemplate(ctx context.Context, tx pgx.Tx, body []byte) (string, error) {
	template, err := lifecycle.ParseTemplate(body)
	if err != nil {
		return "", err
	}
	version, err := lifecycle.Publish(ctx, tx, template)
	return fmt.Sprintf("Published %s, version %d.", template.Key, version), err
}

func storeRules(ctx context.Context, tx pgx.Tx, body []byte) (string, error) {
	rules, err := rule.Parse(body)
	if err != nil {
		return "", err
	}
	for _, r := range rules {
		if err := rule.Put(ctx, tx, r); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("Stored %d rules.", len(rules)), nil
}

func listRulesCommand() *cobra.Command {
	return &cobra.Command{Use: "list-rules", Short: "List the rules", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
			return a.worker.WithSystem(ctx, "list rules for an operator", func(tx pgx.Tx) error {
				rules, err := rule.List(ctx, tx)
				if err != nil {
					return err
				}
				out := json.NewEncoder(cmd.OutOrStdout())
				for _, r := range rules {
					if err := out.Encode(r); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}}
}

func switchRuleCommand() *cobra.Command {
	return &cobra.Command{Use: "switch-rule KEY on|off", Short: "Switch a rule on or off", Args: cobra.ExactArgs(2), RunE: func(cmd *cobra.Command, args []string) error {
		if args[1] != "on" && args[1] != "off" {
			return fmt.Errorf("switch it on or off, not %q", args[1])
		}
		return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
			return a.worker.WithSystem(ctx, "switch a rule for an operator", func(tx pgx.Tx) error {
				found, err := rule.Switch(ctx, tx, args[0], args[1] == "on")
				if err == nil && !found {
					err = fmt.Errorf("there is no rule %q", args[0])
				}
				return err
			})
		})
	}}
}

func exportCommand() *cobra.Command {
	var tenant, section, format, from, to string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write one tenant's onboarding, tickets or SLA attainment as CSV or JSON",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := export.Query{Section: section, Format: format, All: true}
			for text, into := range map[string]*time.Time{from: &q.From, to: &q.To} {
				if text == "" {
					continue
				}
				day, err := time.Parse(time.DateOnly, text)
				if err != nil {
					return fmt.Errorf("%q is no date like 2026-11-23", text)
				}
				*into = day
			}
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				tenants, err := a.tenants(ctx)
				if err != nil {
					return err
				}
				var known bool
				if q.TenantID, known = tenants[tenant]; !known {
					return fmt.Errorf("there is no tenant %q; name it by its slug", tenant)
				}
				return a.app.WithTenant(ctx, q.TenantID, func(tx pgx.Tx) error {
					_, err := export.Write(ctx, tx, q, cmd.OutOrStdout())
					return err
				})
			})
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "slug of the tenant")
	cmd.Flags().StringVar(&section, "section", "tasks", "what to export; an unknown one lists them")
	cmd.Flags().StringVar(&format, "format", "csv", "csv or json")
	cmd.Flags().StringVar(&from, "from", "", "first day, 2026-11-23")
	cmd.Flags().StringVar(&to, "to", "", "day after the last")
	_ = cmd.MarkFlagRequired("tenant") // the flag exists
	return cmd
}

// templateNames tells the health of articles which names of the onboarding no
// longer exist.
type templateNames struct{ db *tenantdb.DB }

func (t templateNames) Evidence(ctx context.Context, _ time.Time) (health.Evidence, error) {
	var out health.Evidence
	err := t.db.WithSystem(ctx, "names of templates that are gone", func(tx pgx.Tx) error {
		names, err := lifecycle.GoneNames(ctx, tx)
		for _, n := range names {
			if strings.ContainsRune(n.Name, ' ') { // one word is too common to be the name alone
				out.Gone = append(out.Gone, health.Gone{Term: n.Name, Instead: n.Now, Where: n.Kind})
			}
		}
		return err
	})
	return out, err
}
