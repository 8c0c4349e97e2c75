package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/portal/identity"
)

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make sign-in links and API keys"}
	cmd.AddCommand(tokenLinkCommand(), tokenKeyCommand(), tokenRevokeCommand())
	return cmd
}

func tokenLinkCommand() *cobra.Command {
	var email string
	var ttl time.Duration
	var demo, asJSON bool
	cmd := &cobra.Command{
		Use:   "link",
		Short: "Make a sign-in link for a person, by e-mail address, or for everybody of the demo",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				var made links
				var err error
				switch {
				case demo:
					made, err = a.demoLinks(ctx)
				case email != "":
					made, err = a.linkFor(ctx, email, ttl)
				default:
					err = errors.New("say for whom: --email PERSON, or --demo")
				}
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(made)
				}
				for _, l := range made.Links {
					fmt.Fprintf(cmd.OutOrStdout(), "%s (%s)\n%s\n", l.Name, l.Role, l.URL)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "the person's e-mail address")
	cmd.Flags().DurationVar(&ttl, "ttl", 24*time.Hour, "how long the link works")
	cmd.Flags().BoolVar(&demo, "demo", false, "links for everybody of the demo")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// linkFor makes single-use links for whoever has the address: staff, or people
// of one or more tenants.
func (a *application) linkFor(ctx context.Context, email string, ttl time.Duration) (links, error) {
	out := links{URL: a.config.PublicURL}
	type match struct {
		Tenant     uuid.UUID
		TenantName string
		ID         uuid.UUID
		Name       string
	}
	var found []match
	err := a.worker.WithSystem(ctx, "find a person by e-mail for a sign-in link", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select u.tenant_id, t.name, u.id, u.display_name from users u join tenants t on t.id = u.tenant_id
			where u.email_normalized = $1 and u.state <> 'deactivated'
			union all select $2, '', id, display_name from staff where email_normalized = $1 and state <> 'deactivated'`,
			strings.ToLower(strings.TrimSpace(email)), uuid.Nil)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[match])
		return err
	})
	if err != nil {
		return out, fmt.Errorf("find %s: %w", email, err)
	}
	for _, m := range found {
		var token string
		kind := "customer"
		if m.Tenant == uuid.Nil {
			kind = "agent"
			token, err = a.identity.CreateStaffLink(ctx, m.ID, ttl, false)
		} else {
			token, err = a.identity.CreateLink(ctx, m.Tenant, m.ID, ttl, false)
		}
		if err != nil {
			return out, err
		}
		out.Links = append(out.Links, link{kind, m.TenantName, m.Name, kind, a.config.PublicURL + "/s/" + token})
	}
	if len(found) == 0 {
		return out, fmt.Errorf("nobody has the address %s", email)
	}
	return out, nil
}

func tokenKeyCommand() *cobra.Command {
	var tenant, name string
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make an API key for a tenant; it is shown once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				id, err := a.tenantNamed(ctx, tenant)
				if err != nil {
					return err
				}
				key, err := a.identity.CreateKey(ctx, id, name, []string{identity.ScopeTickets})
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), key)
				return nil
			})
		},
	}
	keyFlags(cmd, &tenant, &name)
	return cmd
}

func tokenRevokeCommand() *cobra.Command {
	var tenant, name string
	cmd := &cobra.Command{
		Use:   "revoke",
		Short: "End the API keys of a name at once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
				id, err := a.tenantNamed(ctx, tenant)
				if err != nil {
					return err
				}
				n, err := a.identity.RevokeKeys(ctx, id, name)
				if err != nil {
					return err
				}
				if n == 0 {
					return fmt.Errorf("%s has no API key named %q that still works", tenant, name)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Revoked %d.\n", n)
				return nil
			})
		},
	}
	keyFlags(cmd, &tenant, &name)
	return cmd
}

func keyFlags(cmd *cobra.Command, tenant, name *string) {
	cmd.Flags().StringVar(tenant, "tenant", "", "the tenant's slug")
	cmd.Flags().StringVar(name, "name", "cli", "what the key is for")
	_ = cmd.MarkFlagRequired("tenant") // the flag exists
}

func (a *application) tenantNamed(ctx context.Context, slug string) (id uuid.UUID, err error) {
	err = a.worker.WithSystem(ctx, "find a tenant for an API key", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select id from tenants where slug = $1`, slug).Scan(&id)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return id, fmt.Errorf("there is no tenant %q; name it by its slug, such as acme-logistics", slug)
	}
	return id, err
}
