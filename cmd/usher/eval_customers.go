package main

import (
	"context"
	"fmt"
	"os"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/rehearsal"
)

// customersReport is what `usher eval customers` prints.
type customersReport struct {
	N         int                `json:"n"`
	Passed    int                `json:"passed"`
	Scenarios []rehearsal.Result `json:"scenarios"`
}

func evalCustomersCommand() *cobra.Command {
	var asJSON bool
	var file string
	cmd := &cobra.Command{
		Use:   "customers",
		Short: "Let customers that do not exist talk to the assistant; fails when one does not get what it should",
		Args:  cobra.NoArgs,
		Long: `Without --file the customers Usher comes with talk to a freshly loaded demo, in a scratch database. With --file they talk
to the assistant as it is set up here. Nothing they do is stored.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			talk := func(ctx context.Context, a *application, scenarios []rehearsal.Scenario) error {
				if err := a.engine.Start(ctx); err != nil {
					return err
				}
				r, err := a.rehearse(ctx, scenarios)
				if err != nil {
					return err
				}
				if err := report(cmd.OutOrStdout(), asJSON, r); err != nil {
					return err
				}
				if r.Passed < r.N {
					return fmt.Errorf("%d of %d customers did not get what they should", r.N-r.Passed, r.N)
				}
				return nil
			}
			if file == "" {
				scenarios, err := rehearsal.Shipped()
				if err != nil {
					return err
				}
				change := func(c config) (config, error) { return measured(cmd, c) }
				return withDemo(cmd.Context(), change, func(ctx context.Context, a *application) error { return talk(ctx, a, scenarios) })
			}
			body, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			scenarios, err := rehearsal.Parse(body)
			if err != nil {
				return err
			}
			return withMeasured(cmd, func(ctx context.Context, a *application) error { return talk(ctx, a, scenarios) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().StringVar(&file, "file", "", "customers of your own, in YAML; without it those of the demo")
	return cmd
}

func (a *application) rehearse(ctx context.Context, scenarios []rehearsal.Scenario) (customersReport, error) {
	out := customersReport{N: len(scenarios), Scenarios: []rehearsal.Result{}}
	for _, s := range scenarios {
		var tenant uuid.UUID
		err := a.worker.WithSystem(ctx, "find the tenant of a scenario", func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select id from tenants where slug = $1`, s.Tenant).Scan(&tenant)
		})
		if err != nil {
			return out, fmt.Errorf("scenario %q: find tenant %s: %w", s.Name, s.Tenant, err)
		}
		role := s.Role
		if role == "" {
			role = "member"
		}
		talk, err := a.assistant.Talk(ctx, triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, Name: "Customer", Roles: []string{role}, Locale: s.Language})
		if err != nil {
			return out, err
		}
		result, err := s.Play(ctx, talk)
		if err != nil {
			return out, err
		}
		if result.Passed {
			out.Passed++
		}
		out.Scenarios = append(out.Scenarios, result)
	}
	return out, nil
}
