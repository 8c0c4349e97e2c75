package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/oidc"
	"github.com/usherdesk/usher/integrations/saml"
	"github.com/usherdesk/usher/portal/identity"
)

// callbackPath is where providers send browsers back to.
const callbackPath = "/v1/auth/callback"

// providers speak with organisations' own sign-ins, each in its protocol.
type providers struct {
	oidc *oidc.Client
	saml *saml.Client
}

func newProviders(c config) providers {
	return providers{
		oidc: oidc.New(oidc.Config{
			RedirectURL: c.PublicURL + callbackPath, Secret: setting,
			Dialer: func(networks []netip.Prefix) *net.Dialer { return egress.Guard{Allow: networks}.Dialer() },
		}),
		saml: saml.New(saml.Config{PublicURL: c.PublicURL}),
	}
}

func (p providers) byProtocol() identity.Provider {
	return identity.ByProtocol{identity.OIDC: p.oidc, identity.SAML: p.saml}
}

// check says where people sign in, if a provider can be used.
func (p providers) check(ctx context.Context, c identity.Connection) (string, error) {
	if c.Protocol == identity.SAML {
		return p.saml.Check(c)
	}
	return p.oidc.Check(ctx, c)
}

func ssoCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "sso", Short: "Let an organisation's people sign in at their own provider, by OpenID Connect or SAML"}
	cmd.AddCommand(
		setCommand(),
		onConnection("remove TENANT", "End an organisation's single sign-on; its people get links again", 1, removeConnection),
		onConnection("check TENANT", "Ask the provider whether it can be used", 1, checkConnection),
		&cobra.Command{Use: "list", Short: "List the connections", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return withApplication(cmd.Context(), func(ctx context.Context, a *application) error { return a.listConnections(ctx, cmd.OutOrStdout()) })
		}},
	)
	return cmd
}

// onConnection is a command whose first argument says whose connection.
func onConnection(use, short string, args int, do func(ctx context.Context, a *application, out io.Writer, tenant uuid.UUID, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args), RunE: func(cmd *cobra.Command, args []string) error {
		return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
			tenants, err := a.tenants(ctx)
			if err != nil {
				return err
			}
			tenant, known := tenants[args[0]]
			if !known && args[0] != "staff" {
				return fmt.Errorf("there is no tenant %q; name it by its slug, or say staff", args[0])
			}
			return do(ctx, a, cmd.OutOrStdout(), tenant, args)
		})
	}}
}

func setCommand() *cobra.Command {
	var metadata string
	cmd := onConnection("set TENANT FILE", "Store a connection from a JSON file (- for standard input); TENANT is a slug, or staff", 2,
		func(ctx context.Context, a *application, out io.Writer, tenant uuid.UUID, args []string) error {
			return setConnection(ctx, a, out, tenant, args, metadata)
		})
	cmd.Flags().StringVar(&metadata, "metadata", "", "file with the SAML provider's metadata")
	return cmd
}

func setConnection(ctx context.Context, a *application, out io.Writer, tenant uuid.UUID, args []string, metadata string) error {
	body, err := readAll(args[1])
	if err != nil {
		return err
	}
	c, err := identity.ParseConnection(body)
	if err != nil {
		return err
	}
	c.TenantID = tenant
	if metadata != "" {
		about, err := readAll(metadata)
		if err != nil {
			return err
		}
		c.Metadata = string(about)
	}
	if c.Protocol == identity.SAML && c.Metadata != "" {
		about, err := saml.Read([]byte(c.Metadata))
		if err != nil {
			return err
		}
		c.Issuer = cmp.Or(c.Issuer, about.EntityID)
		if _, err := newProviders(a.config).saml.Check(c); err != nil {
			return err
		}
	}
	if err := a.identity.PutConnection(ctx, c); err != nil {
		return err
	}
	if c.Protocol == identity.SAML {
		_, err = fmt.Fprintf(out, "%s signs in at %s. Register this service there, by its metadata or by hand:\nmetadata and entity id  %s%s\nassertion consumer      %s%s\n",
			args[0], c.Issuer, a.config.PublicURL, saml.MetadataPath, a.config.PublicURL, saml.AnswerPath)
		return err
	}
	_, err = fmt.Fprintf(out, "%s signs in at %s. Register this redirect address there:\n%s%s\n", args[0], c.Issuer, a.config.PublicURL, callbackPath)
	return err
}

func readAll(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
	}
	return os.ReadFile(name)
}

func removeConnection(ctx context.Context, a *application, out io.Writer, tenant uuid.UUID, args []string) error {
	if err := a.identity.DropConnection(ctx, tenant); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s signs in with links again.\n", args[0])
	return err
}

func checkConnection(ctx context.Context, a *application, out io.Writer, tenant uuid.UUID, args []string) error {
	all, err := a.identity.Connections(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(c identity.Connection) bool { return c.TenantID == tenant })
	if at < 0 {
		return fmt.Errorf("%s: %w", args[0], identity.ErrNoConnection)
	}
	page, err := newProviders(a.config).check(ctx, all[at])
	if err != nil {
		return fmt.Errorf("%s cannot be used: %w", all[at].Issuer, err)
	}
	_, err = fmt.Fprintf(out, "%s can be used; people sign in at %s.\n", all[at].Issuer, page)
	return err
}

func (a *application) listConnections(ctx context.Context, out io.Writer) error {
	all, err := a.identity.Connections(ctx)
	if err != nil {
		return err
	}
	tenants, err := a.tenants(ctx)
	if err != nil {
		return err
	}
	names := map[uuid.UUID]string{uuid.Nil: "staff"}
	for slug, id := range tenants {
		names[id] = slug
	}
	for _, c := range all {
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\n", names[c.TenantID], c.Issuer, strings.Join(c.Domains, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// checkSignIn is the doctor's line: who signs in how, and which secret is missing.
func checkSignIn(ctx context.Context, a *application, out io.Writer) bool {
	all, err := a.identity.Connections(ctx)
	if err != nil {
		finding{"BAD", "sign-in", err.Error()}.print(out)
		return false
	}
	var errs []error
	for _, c := range all {
		if c.Protocol == identity.SAML {
			if _, err := newProviders(a.config).saml.Check(c); err != nil {
				errs = append(errs, fmt.Errorf("nobody can sign in at %s: %w", c.Issuer, err))
			}
			for _, day := range saml.Expiring(c, time.Now().AddDate(0, 0, 30)) {
				finding{"off", "sign-in", fmt.Sprintf("a key of %s is good until %s only: get its new metadata and run `usher sso set` again", c.Issuer, day.Format(time.DateOnly))}.print(out)
			}
		}
		if c.SecretEnv != "" && setting(c.SecretEnv) == "" {
			errs = append(errs, fmt.Errorf("%s is not set: nobody can sign in at %s", c.SecretEnv, c.Issuer))
		}
	}
	if err := errors.Join(errs...); err != nil {
		finding{"BAD", "sign-in", strings.ReplaceAll(err.Error(), "\n", "; ")}.print(out)
		return false
	}
	links := "links are sent by mail to people who ask"
	if a.mail == nil {
		links = "e-mail is off: make links with `usher token link`"
	}
	if a.confirm == nil {
		finding{"off", "step-up", "e-mail is off, so no codes can be sent: exports, suspending, offboarding and confidential answers in the chat are not asked to be confirmed"}.print(out)
	} else {
		finding{"on", "step-up", "exports, suspending, offboarding and confidential answers in the chat ask for a code by mail, or a sign-in of the last minutes"}.print(out)
	}
	if len(all) == 0 {
		finding{"off", "sign-in", "no organisation has single sign-on (`usher sso set`); " + links}.print(out)
	} else {
		finding{"on", "sign-in", fmt.Sprintf("%d connections; elsewhere %s", len(all), links)}.print(out)
	}
	return true
}
