// Command usher is the whole product: the API and web server, the job worker,
// and the tools that operate and measure it. `usher help` lists the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set at build time: -ldflags "-X main.version=…".
var version = "dev"

func main() { os.Exit(Main()) }

// Main runs the command line and returns the exit status: 0 done, 1 failed.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "usher: "+err.Error())
	return 1
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "usher",
		Short:         "AI-assisted support and ticket triage for B2B companies",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.AddCommand(runCommand(), serveCommand(), workerCommand(), migrateCommand(), demoCommand(),
		doctorCommand(), tokenCommand(), ssoCommand(), kbCommand(), tenantCommand(), onboardingCommand(), evalCommand(), benchCommand())
	return cmd
}
