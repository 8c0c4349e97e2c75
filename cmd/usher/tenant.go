package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
)

func tenantCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tenant", Short: "Set what holds for one workspace"}
	cmd.AddCommand(tenantModelCommand())
	return cmd
}

func tenantModelCommand() *cobra.Command {
	var set, limit string
	cmd := onTenant("model TENANT", "Show, switch or limit what a workspace uses of the model", 1, func(ctx context.Context, a *application, tenant uuid.UUID, args []string) (string, error) {
		s, err := a.setModel(ctx, tenant, set, limit)
		if err != nil {
			return "", err
		}
		return args[0] + ": " + s, nil
	})
	cmd.Flags().StringVar(&set, "set", "", "on, or off: the built-in engine does everything for it, from the next message on")
	cmd.Flags().StringVar(&limit, "daily-tokens", "", "tokens a day, or default for USHER_OPENAI_DAILY_TOKENS")
	return cmd
}

// setModel changes what is named and says what holds then.
func (a *application) setModel(ctx context.Context, tenant uuid.UUID, set, limit string) (string, error) {
	if set != "" && set != "on" && set != "off" {
		return "", errors.New("--set takes on or off")
	}
	var tokens *int
	if limit != "" && limit != "default" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 0 || n > 1<<31-1 {
			return "", errors.New("--daily-tokens takes a number, 0 or more, or default")
		}
		tokens = &n
	}
	var on bool
	var own *int
	var used int64
	err := a.worker.WithSystem(ctx, "an operator sets what a workspace uses of the model", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `update tenants set
				model_enabled = case when $2 = '' then model_enabled else $2 = 'on' end,
				daily_tokens = case when $3 then $4 else daily_tokens end
			where id = $1 returning model_enabled, daily_tokens,
				coalesce((select tokens from model_days where tenant_id = $1 and day = $5::date), 0)`,
			tenant, set, limit != "", tokens, newBudget(a.worker, 0).today()).Scan(&on, &own, &used)
	})
	if err != nil {
		return "", fmt.Errorf("set the model of a workspace: %w", err)
	}
	state, most, whose := "off", a.config.OpenAI.DailyTokens, "as everybody"
	if on {
		state = "on"
	}
	if own != nil {
		most, whose = *own, "its own limit"
	}
	return fmt.Sprintf("the model is %s; %d of %d tokens are used today (%s).", state, used, most, whose), nil
}
