// Command svcdown is the bot and its terminal.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/app"
	"github.com/svcdown/svcdown/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, terminal.ErrRefused) { // the reason has been shown
			fmt.Fprintln(os.Stderr, "svcdown:", err)
		}
		os.Exit(1)
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "svcdown",
		Short:         "Run the Service Down runbook on Kubernetes, from Slack or from here",
		Version:       app.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.AddCommand(runCommand(), configCommand(), auditCommand())
	cmd.AddCommand(askCommands()...)
	return cmd
}
