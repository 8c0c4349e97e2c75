package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
)

func moveCommand() *cobra.Command {
	return onTenant("move TENANT STATE", "Move a workspace to active, live, suspended or offboarding", 2, func(ctx context.Context, a *application, tenant uuid.UUID, args []string) (string, error) {
		to := lifecycle.State(args[1])
		err := a.worker.WithSystem(ctx, "an operator moves a workspace", func(tx pgx.Tx) error {
			return lifecycle.Move(ctx, tx, a.rules, tenant, uuid.Nil, to, time.Now())
		})
		return fmt.Sprintf("%s is %s.", args[0], to), err
	})
}

func eraseCommand() *cobra.Command {
	var confirm string
	cmd := onTenant("erase TENANT", "Delete everything a workspace in offboarding holds, for good", 1, func(ctx context.Context, a *application, tenant uuid.UUID, args []string) (string, error) {
		if confirm != args[0] {
			return "", fmt.Errorf("erasing cannot be undone: repeat the name with --confirm %s", args[0])
		}
		gone, err := a.erase(ctx, tenant)
		said := fmt.Sprintf("%s is erased: %d rows, %d files.", args[0], gone.Rows, len(gone.Blobs))
		switch {
		case len(gone.Places) > 0 && a.notices != nil:
			said += fmt.Sprintf(" %d messages and files in Slack are being deleted.", len(gone.Places))
		case len(gone.Places) > 0:
			said += fmt.Sprintf(" Slack is off: %d messages and files there have to be deleted by hand.", len(gone.Places))
		}
		return said, err
	})
	cmd.Flags().StringVar(&confirm, "confirm", "", "the tenant's slug once more")
	return cmd
}

// onTenant is a command whose first argument is a tenant's slug.
func onTenant(use, short string, args int, do func(ctx context.Context, a *application, tenant uuid.UUID, args []string) (string, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args), RunE: func(cmd *cobra.Command, args []string) error {
		return withApplication(cmd.Context(), func(ctx context.Context, a *application) error {
			tenants, err := a.tenants(ctx)
			if err != nil {
				return err
			}
			tenant, known := tenants[args[0]]
			if !known {
				return fmt.Errorf("there is no tenant %q; name it by its slug", args[0])
			}
			said, err := do(ctx, a, tenant, args)
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			}
			return err
		})
	}}
}

// filesPerJob keeps a job's arguments small.
const filesPerJob = 100

// erase empties a workspace; the files go with jobs of the same transaction.
func (a *application) erase(ctx context.Context, tenant uuid.UUID) (gone lifecycle.Erasure, err error) {
	err = a.worker.WithSystem(ctx, "an operator erases a workspace", func(tx pgx.Tx) (err error) {
		if gone, err = lifecycle.Erase(ctx, tx, tenant); err != nil {
			return err
		}
		for keys := range slices.Chunk(gone.Blobs, filesPerJob) {
			if _, err := a.jobs.InsertTx(ctx, tx, document.ForgetArgs{Keys: keys}, nil); err != nil {
				return fmt.Errorf("erase workspace: %w", err)
			}
		}
		return a.forgetPlaces(ctx, tx, gone.Places)
	})
	return gone, err
}

// forgetPlaces has what was posted of an erased workspace deleted there. Where
// Slack is off nothing can be deleted: the command says so.
func (a *application) forgetPlaces(ctx context.Context, tx pgx.Tx, places []lifecycle.Place) error {
	if a.notices == nil {
		return nil
	}
	for some := range slices.Chunk(places, slack.ForgetAtOnce) {
		var args slack.ForgetArgs
		for _, p := range some {
			if p.File {
				args.Files = append(args.Files, p.ID)
			} else {
				args.Messages = append(args.Messages, p.ID)
			}
		}
		if _, err := a.jobs.InsertTx(ctx, tx, args, nil); err != nil {
			return fmt.Errorf("erase workspace: %w", err)
		}
	}
	return nil
}
