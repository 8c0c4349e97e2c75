package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/helpcentre"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/triage/taxonomy"
)

func runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Try Usher: migrate, load the demo, serve, and print sign-in links",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), cmd.OutOrStdout()) },
	}
}

func run(ctx context.Context, out io.Writer) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	log := newLogger(c.LogLevel)
	stop, err := database(ctx, &c)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := migrations.Migrate(ctx, c.DatabaseURL, c.Secret); err != nil {
		return err
	}
	listener, err := c.bind()
	if err != nil {
		return err
	}
	a, err := openWhenUp(ctx, c, log)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.loadDemo(ctx); err != nil {
		return fmt.Errorf("load the demo: %w", err)
	}
	return a.run(ctx, listener, func() error { return a.printLinks(ctx, out) })
}

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Load the demo operator: its help centre, two tenants, their people and records",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				if err := a.loadDemo(ctx); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "The demo is loaded. `usher token link --demo` prints sign-in links.")
				return nil
			})
		},
	}
}

// withApplication joins the parts without serving, for commands.
func withApplication(ctx context.Context, fn func(ctx context.Context, a *application) error) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	return withConfigured(ctx, c, fn)
}

func withConfigured(ctx context.Context, c config, fn func(ctx context.Context, a *application) error) error {
	stop, err := database(ctx, &c)
	if err != nil {
		return err
	}
	defer stop()
	c.Roles = nil
	if c.PublicURL == "" {
		c.PublicURL = "http://localhost:8080"
	}
	a, err := build(ctx, c, newLogger(c.LogLevel))
	if err != nil {
		return err
	}
	defer a.close()
	return fn(ctx, a)
}

// loadDemo loads what is not there yet; a second time it changes nothing that
// somebody changed meanwhile.
func (a *application) loadDemo(ctx context.Context) error {
	if err := seedPeople(ctx, a.worker); err != nil {
		return err
	}
	set, err := taxonomy.Shipped()
	if err != nil {
		return err
	}
	if err := a.worker.WithSystem(ctx, "load the shipped taxonomy", func(tx pgx.Tx) error { return taxonomy.Seed(ctx, tx, set) }); err != nil {
		return err
	}
	if err := a.seedOnboardingRules(ctx); err != nil {
		return err
	}
	if err := a.seedProcedures(ctx); err != nil {
		return err
	}
	if err := a.seedOnboarding(ctx); err != nil {
		return err
	}
	return a.loadHelpCentre(ctx)
}

// loadHelpCentre imports the shipped articles and indexes them at once.
func (a *application) loadHelpCentre(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "usher-help-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.CopyFS(folder, helpcentre.Files); err != nil {
		return err
	}
	tenants := map[string]uuid.UUID{}
	for _, t := range demoTenants {
		tenants[t.Slug] = t.ID
	}
	report, err := importer.Import(ctx, importer.Options{
		Service: a.curation, Path: folder, Source: "usher-help-centre", Space: knowledge.Shared, Tenants: tenants, By: demoAgents[1].ID,
	})
	if err != nil {
		return err
	}
	if len(report.Added)+len(report.Updated)+len(report.Retired) == 0 {
		return nil
	}
	return a.indexNow(ctx)
}

type links struct {
	URL   string `json:"url"`
	Links []link `json:"links"`
}

type link struct {
	Kind   string `json:"kind"` // customer, agent, curator
	Tenant string `json:"tenant,omitempty"`
	Name   string `json:"name"`
	Role   string `json:"role"`
	URL    string `json:"url"`
}

// demoLinks makes one sign-in link per person of the demo, good for a day and,
// unlike real ones, more than once.
func (a *application) demoLinks(ctx context.Context) (links, error) {
	out := links{URL: a.config.PublicURL}
	for _, t := range demoTenants {
		for _, p := range t.People {
			token, err := a.identity.CreateLink(ctx, t.ID, p.ID, 24*time.Hour, true)
			if err != nil {
				return out, err
			}
			out.Links = append(out.Links, link{"customer", t.Name, p.Name, p.Roles[0], a.config.PublicURL + "/s/" + token})
		}
	}
	for i, s := range demoAgents {
		token, err := a.identity.CreateStaffLink(ctx, s.ID, 24*time.Hour, true)
		if err != nil {
			return out, err
		}
		kind := "agent"
		if i == 1 {
			kind = "curator"
		}
		out.Links = append(out.Links, link{kind, "", s.Name, kind, a.config.PublicURL + "/s/" + token})
	}
	return out, nil
}

func (a *application) printLinks(ctx context.Context, out io.Writer) error {
	all, err := a.demoLinks(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  Usher is at %s\n\n  Sign in with one click (links work for a day):\n\n", all.URL)
	for _, l := range all.Links {
		who := "Usher, " + l.Role
		if l.Tenant != "" {
			who = l.Tenant + ", " + l.Role
		}
		fmt.Fprintf(out, "  %-12s %s\n  %-12s %s\n\n", l.Name, "("+who+")", "", l.URL)
	}
	fmt.Fprintf(out, "  Ctrl-C stops everything; the data stays in %s.\n\n", filepath.Clean(a.config.Dir))
	return nil
}
