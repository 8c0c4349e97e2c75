package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/migrations"
)

func migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to this version, as the owner role",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig()
			if err != nil {
				return err
			}
			stop, err := database(cmd.Context(), &c)
			if err != nil {
				return err
			}
			defer stop()
			version, err := migrations.Migrate(cmd.Context(), c.DatabaseURL, c.Secret)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The schema is at version %d.\n", version)
			return nil
		},
	}
}
